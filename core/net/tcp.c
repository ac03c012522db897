/* core/net/tcp.c — one outgoing TCP connection, from the name to the last byte. Knows nothing
** of MQTT or who owns it. Connecting is tcp_connect.c.
**
** All ends lead through tl_tcp_finish(): it notes why, closes every handle, and the last close
** callback tells the owner and frees. So `closed` comes exactly once, never from inside a call
** of the owner, and nothing is freed while libuv holds it. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "net/alive.h"
#include "net/tcp_impl.h"

enum {
  LISTEN_MS = 250, /* after our FIN: how long to wait for the peer's end */
  /* Signs of life come every second at most, and this many are asked for in the silence that
  ** ends a connection. */
  SIGNS = 4,
  SILENCE_MIN = 3000,
  DISCARD = 16 * 1024
};

typedef struct {
  uv_write_t req;
  uint8_t bytes[];
} pending_write;

const char *tl_tcp_words (int code) {
  return code == TL_ENOMEM ? "out of memory" : uv_strerror(code);
}

void tl_tcp_handle_closed (uv_handle_t *handle) {
  tl_tcp *t = handle->data;
  if (--t->handles > 0) return;
  t->events->closed(t->ctx, t->code, t->text);
  if (t->attempts.list) freeaddrinfo(t->attempts.list);
  free(t);
}

static void close_handles (tl_tcp *t) {
  if (t->has_socket) tl_handle_close((uv_handle_t *)&t->socket, tl_tcp_handle_closed);
  tl_handle_close((uv_handle_t *)&t->timer, tl_tcp_handle_closed);
}

void tl_tcp_finish (tl_tcp *t, int code) {
  if (t->state == TL_TCP_CLOSING) return;
  t->state = TL_TCP_CLOSING;
  t->code = code;
  tl_resolve_cancel(t->attempts.resolve);
  t->attempts.resolve = NULL;
  if (!t->in_room) close_handles(t); /* libuv's reader does not survive that: on_read does it */
}

static void fail (tl_tcp *t, int code, const char *what) { /* "WHAT PEER: why" */
  if (t->state == TL_TCP_CLOSING) return;
  snprintf(t->text, sizeof t->text, "%s %s: %s", what, t->peer, tl_tcp_words(code));
  tl_tcp_finish(t, code);
}

/* --- Reading --- */

static void on_alloc (uv_handle_t *handle, size_t hint, uv_buf_t *buf) {
  tl_tcp *t = handle->data;
  static _Thread_local char discard[DISCARD];
  size_t room = 0;
  (void)hint;
  if (t->state == TL_TCP_LINGERING) {
    *buf = uv_buf_init(discard, sizeof discard);
    return;
  }
  t->in_room = true;
  uint8_t *at = t->events->room(t->ctx, &room);
  t->in_room = false;
  if (t->state == TL_TCP_LINGERING)
    *buf = uv_buf_init(discard, sizeof discard);
  else if (!at || t->state != TL_TCP_OPEN)
    *buf = uv_buf_init(NULL, 0); /* on_read comes with UV_ENOBUFS */
  else
    *buf = uv_buf_init((char *)at, (unsigned)(room > INT32_MAX ? INT32_MAX : room));
}

/* libuv has read into the room that on_alloc() asked for. */
static void on_read (uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  tl_tcp *t = stream->data;
  (void)buf;
  if (t->state == TL_TCP_LINGERING) {
    if (n < 0)
      tl_tcp_finish(t, 0); /* the peer has our FIN, or is gone: nothing is left to wait for */
  } else if (t->state != TL_TCP_OPEN) {
    close_handles(t); /* closed inside room(), the only way to come here */
  } else if (n > 0) {
    t->events->data(t->ctx, (size_t)n);
  } else if (n == UV_EOF) {
    snprintf(t->text, sizeof t->text, "%s closed the connection", t->peer);
    tl_tcp_finish(t, UV_EOF);
  } else if (n == UV_ENOBUFS) {
    fail(t, UV_ENOMEM, "read from");
  } else if (n < 0) {
    fail(t, (int)n, "read from");
  }
}

int tl_tcp_begin_reading (tl_tcp *t) {
  return uv_read_start((uv_stream_t *)&t->socket, on_alloc, on_read);
}

void tl_tcp_read (tl_tcp *t, bool on) {
  if (t->reading == on || t->state == TL_TCP_LINGERING || t->state == TL_TCP_CLOSING) return;
  t->reading = on;
  if (t->state != TL_TCP_OPEN) return;
  if (on)
    tl_tcp_begin_reading(t);
  else
    uv_read_stop((uv_stream_t *)&t->socket);
}

/* --- Watching what is not read --- */

static void on_look (uv_timer_t *timer) {
  tl_tcp *t = timer->data;
  uv_os_fd_t fd;
  if (t->state != TL_TCP_OPEN || uv_fileno((uv_handle_t *)&t->socket, &fd) < 0) return;
  if (!t->watch.asks_signs) tl_alive_ask(fd, t->watch.silence_ms / SIGNS);
  t->watch.asks_signs = true;
  int64_t watched = (int64_t)uv_now(timer->loop) - t->watch.from;
  int rc = tl_alive_code(fd, watched < t->watch.silence_ms ? INT64_MAX : t->watch.silence_ms);
  if (rc == UV_ETIMEDOUT) {
    snprintf(t->text, sizeof t->text, "%s has given no sign of life for %.10g s: %s", t->peer,
             (double)t->watch.silence_ms / 1000.0, tl_tcp_words(rc));
    tl_tcp_finish(t, rc);
  } else if (rc < 0) {
    fail(t, rc, "read from");
  }
}

/* This may be switched on and off many times in a second. So the kernel is asked to send probes
** only after a part of the silence has passed. */
void tl_tcp_watch (tl_tcp *t, int64_t silence_ms) {
  uv_os_fd_t fd;
  if (t->state != TL_TCP_OPEN) return;
  uv_timer_stop(&t->timer);
  if (t->watch.asks_signs && uv_fileno((uv_handle_t *)&t->socket, &fd) == 0) tl_alive_ask(fd, 0);
  t->watch.asks_signs = false;
  t->watch.silence_ms = silence_ms > 0 && silence_ms < SILENCE_MIN ? SILENCE_MIN : silence_ms;
  if (silence_ms <= 0) return;
  t->watch.from = (int64_t)uv_now(t->timer.loop);
  uint64_t look = (uint64_t)t->watch.silence_ms / SIGNS;
  uv_timer_start(&t->timer, on_look, look, look);
}

/* As a transport */

static int write_to (tl_transport *t, const void *bytes, size_t n) {
  return tl_tcp_write((tl_tcp *)t, bytes, n);
}
static size_t pending_of (const tl_transport *t) { return tl_tcp_pending((const tl_tcp *)t); }
static void read_from (tl_transport *t, bool on) { tl_tcp_read((tl_tcp *)t, on); }
static void close_it (tl_transport *t, int linger_ms) { tl_tcp_close((tl_tcp *)t, linger_ms); }
static void watch_it (tl_transport *t, int64_t silence_ms) {
  tl_tcp_watch((tl_tcp *)t, silence_ms);
}
static const char *stage_of (const tl_transport *t) {
  tl_tcp_state s = ((const tl_tcp *)t)->state;
  return s == TL_TCP_OPEN || s == TL_TCP_LINGERING ? NULL : "connection";
}

_Static_assert((int)TL_TRANSPORT_END == (int)UV_EOF, "libuv's end of a stream");

const tl_transport_kind tl_tcp_kind = { write_to, pending_of, read_from,
                                        close_it, stage_of,   watch_it };

tl_transport *tl_tcp_transport (tl_tcp *t) { return &t->transport; }

/* --- Writing --- */

static void on_written (uv_write_t *req, int status) {
  tl_tcp *t = req->handle->data;
  free(req->data);
  if (t->state != TL_TCP_OPEN) return;
  if (status < 0) {
    fail(t, status, "write to");
  } else if (t->waiting && uv_stream_get_write_queue_size((uv_stream_t *)&t->socket) == 0) {
    t->waiting = false;
    t->events->drained(t->ctx);
  }
}

int tl_tcp_write (tl_tcp *t, const void *bytes, size_t n) {
  if (t->state != TL_TCP_OPEN) return TL_ESTATE;
  uv_stream_t *stream = (uv_stream_t *)&t->socket;
  const char *at = bytes;
  while (n > 0) { /* more than once only for more than libuv's buffer length holds */
    unsigned part = n > INT32_MAX ? INT32_MAX : (unsigned)n;
    uv_buf_t buf = uv_buf_init((char *)(uintptr_t)at, part);
    int rc = uv_try_write(stream, &buf, 1);
    if (rc == UV_EAGAIN) break;
    if (rc < 0) { /* the owner hears of it as `closed`, like of every other end */
      fail(t, rc, "write to");
      return TL_OK;
    }
    at += rc;
    n -= (size_t)rc;
    if ((unsigned)rc < part) break;
  }
  while (n > 0) {
    size_t part = n > INT32_MAX ? INT32_MAX : n;
    pending_write *w = malloc(sizeof *w + part);
    if (!w) { /* a part may be out already: the stream cannot go on behind a gap */
      fail(t, UV_ENOMEM, "write to");
      return TL_ENOMEM;
    }
    memcpy(w->bytes, at, part);
    w->req.data = w;
    uv_buf_t buf = uv_buf_init((char *)w->bytes, (unsigned)part);
    int rc = uv_write(&w->req, stream, &buf, 1, on_written);
    if (rc < 0) {
      free(w);
      fail(t, rc, "write to");
      return TL_OK;
    }
    t->waiting = true;
    at += part;
    n -= part;
  }
  return TL_OK;
}

size_t tl_tcp_pending (const tl_tcp *t) {
  return t->state == TL_TCP_OPEN || t->state == TL_TCP_LINGERING
             ? uv_stream_get_write_queue_size((const uv_stream_t *)&t->socket)
             : 0;
}

/* --- Closing --- */

static void on_linger_timeout (uv_timer_t *timer) { tl_tcp_finish(timer->data, 0); }

static void on_shutdown (uv_shutdown_t *req, int status) {
  tl_tcp *t = req->data;
  if (t->state != TL_TCP_LINGERING) return;
  if (status < 0) {
    tl_tcp_finish(t, 0);
    return;
  }
  /* Closing while unread bytes are in the socket would send a reset, which may overtake what we
  ** wrote last: read it away. */
  int64_t left = t->linger_until - (int64_t)uv_now(t->timer.loop);
  if (left < 0) left = 0;
  uv_timer_start(&t->timer, on_linger_timeout, (uint64_t)(left < LISTEN_MS ? left : LISTEN_MS), 0);
}

void tl_tcp_close (tl_tcp *t, int linger_ms) {
  if (t->state == TL_TCP_CLOSING || (t->state == TL_TCP_LINGERING && linger_ms > 0)) return;
  snprintf(t->text, sizeof t->text, "closed");
  t->shutdown.data = t;
  if (t->state != TL_TCP_OPEN || linger_ms <= 0 ||
      uv_shutdown(&t->shutdown, (uv_stream_t *)&t->socket, on_shutdown) < 0) {
    tl_tcp_finish(t, 0);
    return;
  }
  t->state = TL_TCP_LINGERING;
  t->linger_until = (int64_t)uv_now(t->timer.loop) + linger_ms;
  uv_timer_start(&t->timer, on_linger_timeout, (uint64_t)linger_ms, 0);
  tl_tcp_begin_reading(t); /* whatever tl_tcp_read() said */
}

/* core/net/tcp.c — one outgoing TCP connection, from the name to the last byte. Knows nothing
** of MQTT or who owns it.
**
** All ends lead through finish(): it notes why, closes every handle, and the last close
** callback tells the owner and frees. So `closed` comes exactly once, never from inside a call
** of the owner, and nothing is freed while libuv holds it. */
#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "net/alive.h"
#include "net/resolve.h"
#include "net/tcp.h"
#include "net/uv.h"

enum {
  LISTEN_MS = 250, /* after our FIN: how long to wait for the peer's end */
  /* Signs of life come every second at most, and this many are asked for in the silence that
  ** ends a connection. */
  SIGNS = 4,
  SILENCE_MIN = 3000,
  DISCARD = 16 * 1024
};

int tl_tcp_attempt_ms = 5000;

typedef enum { RESOLVING, CONNECTING, BETWEEN, OPEN, LINGERING, CLOSING } state;

/* The attempts to connect, one address after the other. */
typedef struct {
  tl_resolve *resolve;   /* while RESOLVING */
  struct addrinfo *list; /* all addresses, owned */
  struct addrinfo *at;   /* the one being tried */
  uv_connect_t req;
  int code;        /* of the attempt that ended last */
  int64_t by;      /* what the addresses share; INT64_MAX: no limit */
  bool told_later; /* the name was looked up, which the loop tells */
} attempts;

/* tl_tcp_watch */
typedef struct {
  int64_t silence_ms; /* 0 while nothing is watched */
  int64_t from;       /* since when */
  bool asks_signs;    /* the kernel asks the peer for signs of life */
} watch;

struct tl_tcp {
  tl_transport transport;
  uv_tcp_t socket;  /* initialised while has_socket */
  uv_timer_t timer; /* bounds an attempt; looks at what is watched; bounds the lingering */
  uv_shutdown_t shutdown;
  tl_loop *loop;
  const tl_tcp_events *events;
  void *ctx;
  state state;
  bool has_socket, reading, in_room;
  bool waiting; /* `drained` is owed */
  int handles;  /* not yet closed */
  int code;     /* of `closed` */
  attempts attempts;
  watch watch;
  int64_t linger_until;
  char text[256]; /* of `closed`; collects the failed attempts before */
  char peer[TL_NET_PEER];
  char host[];
};

typedef struct {
  uv_write_t req;
  uint8_t bytes[];
} pending_write;

static void try_address (tl_tcp *t);

void tl_net_peer_text (char *out, const struct sockaddr *sa) {
  char name[INET6_ADDRSTRLEN + 16] = "?";
  if (sa->sa_family == AF_INET6) {
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)sa;
    uv_ip6_name(in6, name, sizeof name);
    snprintf(out, TL_NET_PEER, "[%s]:%u", name, ntohs(in6->sin6_port));
  } else {
    const struct sockaddr_in *in4 = (const struct sockaddr_in *)(const void *)sa;
    uv_ip4_name(in4, name, sizeof name);
    snprintf(out, TL_NET_PEER, "%s:%u", name, ntohs(in4->sin_port));
  }
}

static const char *words (int code) {
  return code == TL_ENOMEM ? "out of memory" : uv_strerror(code);
}

static void on_handle_closed (uv_handle_t *handle) {
  tl_tcp *t = handle->data;
  if (--t->handles > 0) return;
  t->events->closed(t->ctx, t->code, t->text);
  if (t->attempts.list) freeaddrinfo(t->attempts.list);
  free(t);
}

static void close_handles (tl_tcp *t) {
  if (t->has_socket) tl_handle_close((uv_handle_t *)&t->socket, on_handle_closed);
  tl_handle_close((uv_handle_t *)&t->timer, on_handle_closed);
}

/* The text is in t->text. */
static void finish (tl_tcp *t, int code) {
  if (t->state == CLOSING) return;
  t->state = CLOSING;
  t->code = code;
  tl_resolve_cancel(t->attempts.resolve);
  t->attempts.resolve = NULL;
  if (!t->in_room) close_handles(t); /* libuv's reader does not survive that: on_read does it */
}

static void fail (tl_tcp *t, int code, const char *what) { /* "WHAT PEER: why" */
  if (t->state == CLOSING) return;
  snprintf(t->text, sizeof t->text, "%s %s: %s", what, t->peer, words(code));
  finish(t, code);
}

/* --- Reading --- */

static void on_alloc (uv_handle_t *handle, size_t hint, uv_buf_t *buf) {
  tl_tcp *t = handle->data;
  static _Thread_local char discard[DISCARD];
  size_t room = 0;
  (void)hint;
  if (t->state == LINGERING) {
    *buf = uv_buf_init(discard, sizeof discard);
    return;
  }
  t->in_room = true;
  uint8_t *at = t->events->room(t->ctx, &room);
  t->in_room = false;
  if (t->state == LINGERING)
    *buf = uv_buf_init(discard, sizeof discard);
  else if (!at || t->state != OPEN)
    *buf = uv_buf_init(NULL, 0); /* on_read comes with UV_ENOBUFS */
  else
    *buf = uv_buf_init((char *)at, (unsigned)(room > INT32_MAX ? INT32_MAX : room));
}

/* libuv has read into the room that on_alloc() asked for. */
static void on_read (uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  tl_tcp *t = stream->data;
  (void)buf;
  if (t->state == LINGERING) {
    if (n < 0) finish(t, 0); /* the peer has our FIN, or is gone: nothing is left to wait for */
  } else if (t->state != OPEN) {
    close_handles(t); /* closed inside room(), the only way to come here */
  } else if (n > 0) {
    t->events->data(t->ctx, (size_t)n);
  } else if (n == UV_EOF) {
    snprintf(t->text, sizeof t->text, "%s closed the connection", t->peer);
    finish(t, UV_EOF);
  } else if (n == UV_ENOBUFS) {
    fail(t, UV_ENOMEM, "read from");
  } else if (n < 0) {
    fail(t, (int)n, "read from");
  }
}

void tl_tcp_read (tl_tcp *t, bool on) {
  if (t->reading == on || t->state == LINGERING || t->state == CLOSING) return;
  t->reading = on;
  if (t->state != OPEN) return;
  if (on)
    uv_read_start((uv_stream_t *)&t->socket, on_alloc, on_read);
  else
    uv_read_stop((uv_stream_t *)&t->socket);
}

/* --- Watching what is not read --- */

static void on_look (uv_timer_t *timer) {
  tl_tcp *t = timer->data;
  uv_os_fd_t fd;
  if (t->state != OPEN || uv_fileno((uv_handle_t *)&t->socket, &fd) < 0) return;
  if (!t->watch.asks_signs) tl_alive_ask(fd, t->watch.silence_ms / SIGNS);
  t->watch.asks_signs = true;
  int64_t watched = (int64_t)uv_now(timer->loop) - t->watch.from;
  int rc = tl_alive_code(fd, watched < t->watch.silence_ms ? INT64_MAX : t->watch.silence_ms);
  if (rc == UV_ETIMEDOUT) {
    snprintf(t->text, sizeof t->text, "%s has given no sign of life for %.10g s: %s", t->peer,
             (double)t->watch.silence_ms / 1000.0, words(rc));
    finish(t, rc);
  } else if (rc < 0) {
    fail(t, rc, "read from");
  }
}

/* This may be switched on and off many times in a second. So the kernel is asked to send probes
** only after a part of the silence has passed. */
void tl_tcp_watch (tl_tcp *t, int64_t silence_ms) {
  uv_os_fd_t fd;
  if (t->state != OPEN) return;
  uv_timer_stop(&t->timer);
  if (t->watch.asks_signs && uv_fileno((uv_handle_t *)&t->socket, &fd) == 0) tl_alive_ask(fd, 0);
  t->watch.asks_signs = false;
  t->watch.silence_ms = silence_ms > 0 && silence_ms < SILENCE_MIN ? SILENCE_MIN : silence_ms;
  if (silence_ms <= 0) return;
  t->watch.from = (int64_t)uv_now(t->timer.loop);
  uint64_t look = (uint64_t)t->watch.silence_ms / SIGNS;
  uv_timer_start(&t->timer, on_look, look, look);
}

/* --- Connecting --- */

static void on_attempt_closed (uv_handle_t *handle) {
  tl_tcp *t = handle->data;
  t->has_socket = false;
  if (t->state == CLOSING) { /* closed by the owner meanwhile */
    on_handle_closed(handle);
    return;
  }
  t->handles--;
  t->attempts.at = t->attempts.at->ai_next;
  if (t->attempts.at)
    try_address(t);
  else
    finish(t, t->attempts.code);
}

/* This address did not work: note why, go on with the next behind the socket's close callback. */
static void give_up_address (tl_tcp *t, int code) {
  size_t used = strlen(t->text);
  t->state = BETWEEN;
  t->attempts.code = code;
  snprintf(t->text + used, sizeof t->text - used, "%s %s: %s", used ? "; to" : "connect to",
           t->peer, words(code));
  uv_timer_stop(&t->timer);
  tl_handle_close((uv_handle_t *)&t->socket, on_attempt_closed);
}

static void on_attempt_timeout (uv_timer_t *timer) { give_up_address(timer->data, UV_ETIMEDOUT); }

static void on_attempt (uv_connect_t *req, int status) {
  tl_tcp *t = req->data;
  if (t->state != CONNECTING) return; /* cancelled by closing */
  if (status < 0) {
    give_up_address(t, status);
    return;
  }
  uv_timer_stop(&t->timer);
  uv_tcp_nodelay(&t->socket, 1);
  t->state = OPEN;
  t->text[0] = 0;
  freeaddrinfo(t->attempts.list);
  t->attempts.list = t->attempts.at = NULL;
  if (t->reading) uv_read_start((uv_stream_t *)&t->socket, on_alloc, on_read);
  if (t->events->stage) t->events->stage(t->ctx, "TCP", t->peer);
  if (t->state == OPEN) t->events->connected(t->ctx, t->peer);
}

/* How long this address may take: the time that is left is shared equally with the addresses after
** it. */
static uint64_t attempt_time (const tl_tcp *t) {
  int64_t left = t->attempts.by - (int64_t)uv_now(t->timer.loop), n = 0;
  if (t->attempts.by == INT64_MAX) return (uint64_t)tl_tcp_attempt_ms;
  for (const struct addrinfo *a = t->attempts.at; a; a = a->ai_next) n++;
  left = left > 0 ? left / n : 0;
  return (uint64_t)(left < tl_tcp_attempt_ms ? left : tl_tcp_attempt_ms);
}

static void try_address (tl_tcp *t) {
  t->state = CONNECTING;
  tl_net_peer_text(t->peer, t->attempts.at->ai_addr);
  int rc = uv_tcp_init(tl_loop_uv(t->loop), &t->socket); /* makes no socket yet: cannot fail */
  assert(rc == 0);
  t->socket.data = t;
  t->attempts.req.data = t;
  t->has_socket = true;
  t->handles++;
  rc = uv_tcp_connect(&t->attempts.req, &t->socket, t->attempts.at->ai_addr, on_attempt);
  if (rc < 0)
    give_up_address(t, rc);
  else if (t->attempts.at->ai_next)
    uv_timer_start(&t->timer, on_attempt_timeout, attempt_time(t), 0);
}

/* "10.0.0.1, ::1" */
static void tell_resolved (tl_tcp *t) {
  char found[300] = "", one[TL_NET_PEER];
  for (const struct addrinfo *a = t->attempts.list; a; a = a->ai_next) {
    size_t used = strlen(found);
    tl_net_peer_text(one, a->ai_addr);
    char *end = strrchr(one, ':'); /* of the port */
    if (end) *end = '\0';
    snprintf(found + used, sizeof found - used, "%s%s", used ? ", " : "", one);
  }
  t->events->stage(t->ctx, "resolve", found);
}

static void on_resolved (void *ctx, int code, struct addrinfo *list) {
  tl_tcp *t = ctx;
  t->attempts.resolve = NULL;
  t->attempts.list = t->attempts.at = list;
  if (code == 0 && !list) code = UV_EAI_NODATA;
  if (code == 0) {
    if (t->events->stage && t->attempts.told_later) tell_resolved(t);
    if (t->state == RESOLVING) try_address(t);
    return;
  }
  snprintf(t->text, sizeof t->text, "resolve '%.150s': %s", t->host, tl_resolve_text(code));
  finish(t, code);
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
  state s = ((const tl_tcp *)t)->state;
  return s == OPEN || s == LINGERING ? NULL : "connection";
}

_Static_assert((int)TL_TRANSPORT_END == (int)UV_EOF, "libuv's end of a stream");

static const tl_transport_kind kind = { write_to, pending_of, read_from,
                                        close_it, stage_of,   watch_it };

tl_transport *tl_tcp_transport (tl_tcp *t) { return &t->transport; }

int tl_tcp_connect (tl_tcp **out, tl_loop *loop, const char *host, uint16_t port, int64_t within_ms,
                    const tl_tcp_events *events, void *ctx) {
  size_t len = strlen(host);
  if (len > 1 && host[0] == '[' && host[len - 1] == ']') {
    host++;
    len -= 2;
  }
  tl_tcp *t = calloc(1, sizeof *t + len + 1);
  struct addrinfo *list = NULL;
  if (!t) return TL_ENOMEM;
  memcpy(t->host, host, len);
  t->transport.kind = &kind;
  t->loop = loop;
  t->events = events;
  t->ctx = ctx;
  t->reading = true;
  t->state = RESOLVING;
  t->attempts.by = within_ms > 0 ? (int64_t)uv_now(tl_loop_uv(loop)) + within_ms : INT64_MAX;
  uv_timer_init(tl_loop_uv(loop), &t->timer);
  t->timer.data = t;
  t->handles = 1;
  int rc = tl_resolve_start(&t->attempts.resolve, &list, loop, t->host, port, on_resolved, t);
  /* calls no function of the owner: the end comes from close callbacks, the connect from the
  ** loop */
  t->attempts.told_later = rc == 0;
  if (rc != 0) on_resolved(t, rc < 0 ? rc : 0, list);
  *out = t;
  return TL_OK;
}

/* --- Writing --- */

static void on_written (uv_write_t *req, int status) {
  tl_tcp *t = req->handle->data;
  free(req->data);
  if (t->state != OPEN) return;
  if (status < 0) {
    fail(t, status, "write to");
  } else if (t->waiting && uv_stream_get_write_queue_size((uv_stream_t *)&t->socket) == 0) {
    t->waiting = false;
    t->events->drained(t->ctx);
  }
}

int tl_tcp_write (tl_tcp *t, const void *bytes, size_t n) {
  if (t->state != OPEN) return TL_ESTATE;
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
  return t->state == OPEN || t->state == LINGERING
             ? uv_stream_get_write_queue_size((const uv_stream_t *)&t->socket)
             : 0;
}

/* --- Closing --- */

static void on_linger_timeout (uv_timer_t *timer) { finish(timer->data, 0); }

static void on_shutdown (uv_shutdown_t *req, int status) {
  tl_tcp *t = req->data;
  if (t->state != LINGERING) return;
  if (status < 0) {
    finish(t, 0);
    return;
  }
  /* Closing while unread bytes are in the socket would send a reset, which may overtake what we
  ** wrote last: read it away. */
  int64_t left = t->linger_until - (int64_t)uv_now(t->timer.loop);
  if (left < 0) left = 0;
  uv_timer_start(&t->timer, on_linger_timeout, (uint64_t)(left < LISTEN_MS ? left : LISTEN_MS), 0);
}

void tl_tcp_close (tl_tcp *t, int linger_ms) {
  if (t->state == CLOSING || (t->state == LINGERING && linger_ms > 0)) return;
  snprintf(t->text, sizeof t->text, "closed");
  t->shutdown.data = t;
  if (t->state != OPEN || linger_ms <= 0 ||
      uv_shutdown(&t->shutdown, (uv_stream_t *)&t->socket, on_shutdown) < 0) {
    finish(t, 0);
    return;
  }
  t->state = LINGERING;
  t->linger_until = (int64_t)uv_now(t->timer.loop) + linger_ms;
  uv_timer_start(&t->timer, on_linger_timeout, (uint64_t)linger_ms, 0);
  uv_read_start((uv_stream_t *)&t->socket, on_alloc, on_read); /* whatever tl_tcp_read() said */
}

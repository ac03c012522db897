/* core/net/stream.c — see stream.h. libuv's pipe handle serves for any stream socket. */
#include "net/stream.h"

#include <stdlib.h>

#include "net/uv.h"

enum { READ = 64 * 1024 };

struct tl_stream {
  uv_pipe_t pipe;
  uv_timer_t timer; /* bounds the lingering */
  uv_shutdown_t shutdown;
  const tl_stream_events *events;
  void *ctx;
  int handles; /* not yet closed */
  bool reading, ending, lingering, closing, peer_ended;
  bool waiting; /* `drained` is owed */
};

typedef struct {
  uv_write_t req;
  uint8_t bytes[];
} pending_write;

static uv_stream_t *stream_of (tl_stream *s) { return (uv_stream_t *)&s->pipe; }

static void on_handle_closed (uv_handle_t *handle) {
  tl_stream *s = handle->data;
  if (--s->handles > 0) return;
  s->events->closed(s->ctx);
  free(s);
}

/* One that its owner never had. */
static void on_unopened (uv_handle_t *handle) {
  tl_stream *s = handle->data;
  if (--s->handles == 0) free(s);
}

static void finish (tl_stream *s) {
  if (s->closing) return;
  s->closing = true;
  tl_handle_close((uv_handle_t *)&s->timer, on_handle_closed);
  tl_handle_close((uv_handle_t *)&s->pipe, on_handle_closed);
}

/* A read is handed on before the next one can come, so that one room serves all streams. */
static void on_alloc (uv_handle_t *handle, size_t hint, uv_buf_t *buf) {
  static char room[READ];
  (void)handle;
  (void)hint;
  *buf = uv_buf_init(room, sizeof room);
}

static void on_read (uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  tl_stream *s = stream->data;
  if (n == 0) return;
  if (n > 0) {
    if (!s->lingering) s->events->data(s->ctx, (const uint8_t *)buf->base, (size_t)n);
    return;
  }
  uv_read_stop(stream);
  s->reading = false;
  s->peer_ended = true;
  if (n != UV_EOF || s->lingering)
    finish(s);
  else
    s->events->ended(s->ctx);
}

int tl_stream_open (tl_stream **out, tl_loop *loop, int fd, const tl_stream_events *events,
                    void *ctx) {
  tl_stream *s = calloc(1, sizeof *s);
  if (!s) return TL_ENOMEM;
  uv_pipe_init(tl_loop_uv(loop), &s->pipe, 0);
  uv_timer_init(tl_loop_uv(loop), &s->timer);
  s->pipe.data = s->timer.data = s;
  s->handles = 2;
  int rc = uv_pipe_open(&s->pipe, fd);
  s->events = events;
  s->ctx = ctx;
  if (rc < 0) {
    tl_handle_close((uv_handle_t *)&s->timer, on_unopened);
    tl_handle_close((uv_handle_t *)&s->pipe, on_unopened);
    return rc;
  }
  *out = s;
  return TL_OK;
}

void tl_stream_read (tl_stream *s, bool on) {
  if (on == s->reading || s->closing || s->lingering || s->peer_ended) return;
  s->reading = on;
  if (on)
    uv_read_start(stream_of(s), on_alloc, on_read);
  else
    uv_read_stop(stream_of(s));
}

size_t tl_stream_pending (const tl_stream *s) {
  return uv_stream_get_write_queue_size((const uv_stream_t *)&s->pipe);
}

static void on_written (uv_write_t *req, int status) {
  pending_write *w = req->data;
  tl_stream *s = (tl_stream *)req->handle->data;
  free(w);
  if (status < 0) {
    finish(s);
    return;
  }
  if (s->closing || s->lingering || !s->waiting || tl_stream_pending(s) > 0) return;
  s->waiting = false;
  s->events->drained(s->ctx);
}

int tl_stream_write (tl_stream *s, const void *bytes, size_t n) {
  if (s->closing || s->ending || s->lingering) return TL_ESTATE;
  uv_buf_t buf = uv_buf_init((char *)(uintptr_t)bytes, (unsigned)n);
  int rc = n > 0 ? uv_try_write(stream_of(s), &buf, 1) : 0;
  if (rc < 0 && rc != UV_EAGAIN) {
    finish(s);
    return TL_OK;
  }
  size_t done = rc > 0 ? (size_t)rc : 0;
  if (done == n) return TL_OK;
  pending_write *w = malloc(sizeof *w + n - done);
  if (!w) {
    finish(s);
    return TL_ENOMEM;
  }
  memcpy(w->bytes, (const uint8_t *)bytes + done, n - done);
  w->req.data = w;
  s->waiting = true;
  buf = uv_buf_init((char *)w->bytes, (unsigned)(n - done));
  if (uv_write(&w->req, stream_of(s), &buf, 1, on_written) < 0) {
    free(w);
    finish(s);
  }
  return TL_OK;
}

static void on_shutdown (uv_shutdown_t *req, int status) {
  tl_stream *s = req->data;
  if (status < 0 || (s->lingering && s->peer_ended)) finish(s);
}

void tl_stream_end (tl_stream *s) {
  if (s->ending || s->closing) return;
  s->ending = true;
  s->shutdown.data = s;
  if (uv_shutdown(&s->shutdown, stream_of(s), on_shutdown) < 0) finish(s);
}

static void on_timer (uv_timer_t *timer) { finish(timer->data); }

void tl_stream_close (tl_stream *s, int linger_ms) {
  if (s->closing) return;
  if (linger_ms <= 0) {
    finish(s);
    return;
  }
  if (s->lingering) return;
  tl_stream_end(s);
  if (s->closing) return;
  s->lingering = true;
  uv_timer_start(&s->timer, on_timer, (uint64_t)linger_ms, 0);
  if (s->peer_ended && tl_stream_pending(s) == 0) return; /* on_shutdown ends it */
  if (!s->reading && !s->peer_ended) {
    s->reading = true;
    uv_read_start(stream_of(s), on_alloc, on_read);
  }
}

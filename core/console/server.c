/* core/console/server.c — the Unix socket that `tagline repl` attaches to. Knows frames, not
** what they mean. */
#include "console/server.h"

#include <stdlib.h>
#include <unistd.h>

#include "console/listen.h"
#include "net/uv.h"

enum { READ = 64 * 1024, HEAD = 5, KEEP = 64 * 1024 };

struct tl_console_client {
  uv_pipe_t pipe;
  tl_console *owner;       /* NULL once the console is closed: nobody to tell */
  tl_console_client *next; /* all that are not freed */
  void *user;
  uint32_t uid;
  size_t dropped;      /* 'o' frames since the last notice */
  bool opened, paused; /* opened: `opened` was called, `closed` is owed */
  bool behind;         /* `drained` is owed */
  bool json;
  tl_buf in;
};

struct tl_console {
  uv_pipe_t pipe;
  tl_console_events events;
  void *ctx;
  tl_console_client *clients;
  bool closing;
  tl_console_place place;
  /* a connection for which there is no memory: it is accepted and closed, because libuv accepts no
  ** other connection before */
  uv_pipe_t refused;
  bool refusing, another; /* another: came meanwhile */
  bool closed;            /* `pipe` is; freed when `refused` is, too */
};

typedef struct {
  uv_write_t req;
  tl_console_client *client;
  uint8_t bytes[];
} pending_write;

static uv_stream_t *stream_of (tl_console_client *c) { return (uv_stream_t *)&c->pipe; }

static size_t pending (tl_console_client *c) {
  return uv_stream_get_write_queue_size(stream_of(c));
}

static void report_closed (tl_console_client *c) {
  if (!c->opened || !c->owner) return;
  c->opened = false;
  c->owner->events.closed(c->owner->ctx, c);
}

static void on_client_closed (uv_handle_t *handle) {
  tl_console_client *c = handle->data;
  report_closed(c);
  if (c->owner) {
    tl_console_client **at = &c->owner->clients;
    while (*at != c) at = &(*at)->next;
    *at = c->next;
  }
  tl_buf_fini(&c->in);
  free(c);
}

static void close_client (tl_console_client *c) {
  tl_handle_close((uv_handle_t *)&c->pipe, on_client_closed);
}

/* --- Reading --- */

static void on_alloc (uv_handle_t *handle, size_t hint, uv_buf_t *buf) {
  tl_console_client *c = handle->data;
  (void)hint;
  if (tl_buf_reserve(&c->in, READ) < 0)
    *buf = uv_buf_init(NULL, 0);
  else
    *buf = uv_buf_init((char *)c->in.at + c->in.len, READ);
}

/* Pass on the complete frames; an incomplete one stays in the buffer. A client that does not read
** its answers is paused: its further requests wait. False: a frame is too long, so the client must
** be closed. */
static bool take_frames (tl_console_client *c) {
  size_t at = 0;
  while (c->in.len - at >= HEAD && !c->paused && !uv_is_closing((uv_handle_t *)&c->pipe)) {
    const uint8_t *head = c->in.at + at;
    size_t len = (size_t)head[1] << 24 | (size_t)head[2] << 16 | (size_t)head[3] << 8 | head[4];
    if (len > TL_CONSOLE_FRAME) return false;
    if (c->in.len - at - HEAD < len) break;
    at += HEAD + len;
    c->owner->events.frame(c->owner->ctx, c, (char)head[0], tl_slice_of(head + HEAD, len));
    if (!c->owner) return true; /* the console was closed inside */
  }
  tl_buf_drop(&c->in, at);
  if (c->in.len == 0) tl_buf_shrink(&c->in, KEEP);
  return true;
}

static void on_read (uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  tl_console_client *c = stream->data;
  (void)buf;
  if (n < 0) {
    close_client(c);
  } else if (n > 0) {
    c->in.len += (size_t)n;
    if (!take_frames(c)) close_client(c);
  }
}

/* A client that asks and never reads must not make us hold all its answers. */
static void pace (tl_console_client *c) {
  bool pause = pending(c) > TL_CONSOLE_BACKLOG;
  if (pause == c->paused || uv_is_closing((uv_handle_t *)&c->pipe)) return;
  c->paused = pause;
  if (pause)
    uv_read_stop(stream_of(c));
  else if (uv_read_start(stream_of(c), on_alloc, on_read) < 0)
    close_client(c);
}

/* --- Writing --- */

static void put (tl_console_client *c, char type, tl_slice body);

static void report_dropped (tl_console_client *c) {
  char text[96];
  size_t n = c->dropped;
  if (n == 0) return;
  c->dropped = 0;
  int len = c->json ? snprintf(text, sizeof text, "{\"outputs_left_out\":%zu}\n", n)
                    : snprintf(text, sizeof text, "[%zu output%s left out: not read fast enough]\n",
                               n, n == 1 ? "" : "s");
  put(c, 'o', tl_slice_of(text, (size_t)len));
}

static void on_written (uv_write_t *req, int status) {
  pending_write *w = req->data;
  tl_console_client *c = w->client;
  free(w);
  if (uv_is_closing((uv_handle_t *)&c->pipe)) return;
  if (status < 0) {
    close_client(c);
    return;
  }
  if (pending(c) <= TL_CONSOLE_BACKLOG / 2) report_dropped(c);
  pace(c);
  if (c->owner && !c->paused && c->in.len > 0 && !take_frames(c)) close_client(c);
  if (!c->behind || pending(c) > TL_CONSOLE_BACKLOG / 8 || !c->owner) return;
  c->behind = false;
  if (c->owner->events.drained) c->owner->events.drained(c->owner->ctx, c);
}

/* What the kernel takes goes out now; the rest is kept. */
static void put (tl_console_client *c, char type, tl_slice body) {
  uint8_t head[HEAD] = { (uint8_t)type, (uint8_t)(body.len >> 24), (uint8_t)(body.len >> 16),
                         (uint8_t)(body.len >> 8), (uint8_t)body.len };
  uv_buf_t bufs[2] = { uv_buf_init((char *)head, HEAD),
                       uv_buf_init((char *)(uintptr_t)body.at, (unsigned)body.len) };
  int rc = uv_try_write(stream_of(c), bufs, body.len ? 2 : 1);
  size_t done = rc > 0 ? (size_t)rc : 0, all = HEAD + body.len;
  if (rc < 0 && rc != UV_EAGAIN) {
    close_client(c);
    return;
  }
  if (done == all) return;
  pending_write *w = malloc(sizeof *w + all - done);
  if (!w) { /* a stream with a gap in it would be worse than an ended one */
    close_client(c);
    return;
  }
  size_t head_left = done < HEAD ? HEAD - done : 0, body_done = done > HEAD ? done - HEAD : 0;
  memcpy(w->bytes, head + HEAD - head_left, head_left);
  if (body.len > body_done) memcpy(w->bytes + head_left, body.at + body_done, body.len - body_done);
  w->client = c;
  w->req.data = w;
  bufs[0] = uv_buf_init((char *)w->bytes, (unsigned)(all - done));
  if (uv_write(&w->req, stream_of(c), bufs, 1, on_written) < 0) {
    free(w);
    close_client(c);
    return;
  }
  pace(c);
}

void tl_console_send (tl_console_client *c, char type, tl_slice body) {
  if (uv_is_closing((uv_handle_t *)&c->pipe)) return;
  /* no frame can hold it, and no evaluation's memory budget either */
  if (body.len > UINT32_MAX - HEAD) return;
  if (type == 'o' && pending(c) > TL_CONSOLE_BACKLOG) {
    c->dropped++;
    return;
  }
  report_dropped(c); /* the notice goes to the place of the gap, before the output that follows */
  if (!uv_is_closing((uv_handle_t *)&c->pipe)) put(c, type, body);
}

bool tl_console_behind (tl_console_client *c) {
  if (uv_is_closing((uv_handle_t *)&c->pipe)) return false;
  if (pending(c) > TL_CONSOLE_BACKLOG / 4) c->behind = true;
  return c->behind;
}

void tl_console_set_json (tl_console_client *c, bool json) { c->json = json; }

void *tl_console_user (const tl_console_client *c) { return c->user; }
void tl_console_set_user (tl_console_client *c, void *user) { c->user = user; }
uint32_t tl_console_uid (const tl_console_client *c) { return c->uid; }

/* --- Coming and going --- */

static void on_connection (uv_stream_t *stream, int status);

static void on_refused (uv_handle_t *handle) {
  tl_console *console = handle->data;
  console->refusing = false;
  if (console->closed) {
    free(console);
  } else if (console->another && !console->closing) {
    console->another = false;
    on_connection((uv_stream_t *)&console->pipe, 0);
  }
}

static void refuse (tl_console *console) {
  if (console->refusing) {
    console->another = true;
    return;
  }
  console->refusing = true;
  uv_pipe_init(console->pipe.loop, &console->refused, 0);
  console->refused.data = console;
  uv_accept((uv_stream_t *)&console->pipe, (uv_stream_t *)&console->refused);
  tl_handle_close((uv_handle_t *)&console->refused, on_refused);
}

static void on_connection (uv_stream_t *stream, int status) {
  tl_console *console = stream->data;
  uv_os_fd_t fd;
  if (status < 0) return; /* one attempt failed (no descriptors left): the next may not */
  tl_console_client *c = calloc(1, sizeof *c);
  if (!c) {
    refuse(console);
    return;
  }
  uv_pipe_init(stream->loop, &c->pipe, 0);
  c->pipe.data = c;
  c->owner = console;
  c->next = console->clients;
  console->clients = c;
  tl_buf_init(&c->in);
  if (uv_accept(stream, stream_of(c)) < 0 || uv_fileno((uv_handle_t *)&c->pipe, &fd) < 0 ||
      !tl_console_trusts(fd, &c->uid)) {
    close_client(c);
    return;
  }
  if (uv_read_start(stream_of(c), on_alloc, on_read) < 0) {
    close_client(c);
    return;
  }
  c->opened = true;
  console->events.opened(console->ctx, c);
}

static void on_console_closed (uv_handle_t *handle) {
  tl_console *console = handle->data;
  console->closed = true;
  if (!console->refusing) free(console);
}

int tl_console_listen (tl_console **out, tl_loop *loop, const char *path,
                       const tl_console_events *events, void *ctx, tl_err *err) {
  tl_console *c = calloc(1, sizeof *c);
  int fd, rc = c ? tl_console_claim(&c->place, path, &fd, err)
                 : tl_fail(err, TL_ENOMEM, 0, "out of memory");
  if (rc < 0) {
    free(c);
    return rc;
  }
  c->events = *events;
  c->ctx = ctx;
  uv_pipe_init(tl_loop_uv(loop), &c->pipe, 0);
  c->pipe.data = c;
  rc = uv_pipe_open(&c->pipe, fd);
  if (rc < 0) close(fd);
  if (rc == 0) rc = uv_listen((uv_stream_t *)&c->pipe, TL_CONSOLE_QUEUE, on_connection);
  if (rc < 0) {
    tl_console_release(&c->place);
    tl_handle_close((uv_handle_t *)&c->pipe, on_console_closed);
    return tl_fail(err, rc, 0, "listen on '%.150s': %s", path, uv_strerror(rc));
  }
  *out = c;
  return TL_OK;
}

void tl_console_close (tl_console *console) {
  if (!console || console->closing) return;
  console->closing = true;
  /* before anything else: from here on it can be claimed anew */
  tl_console_release(&console->place);
  tl_console_client *next;
  for (tl_console_client *c = console->clients; c; c = next) {
    next = c->next;
    report_closed(c);
    c->owner = NULL;
    close_client(c);
  }
  console->clients = NULL;
  tl_handle_close((uv_handle_t *)&console->pipe, on_console_closed);
}

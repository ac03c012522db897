/* core/web/front_client.c — one client of the front: its bytes go through TLS and the check of
** heads to libmicrohttpd, and the answers back. Must not know what is asked for and what is
** answered. */
#include "web/front_impl.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
  LINGER_MS = 2000,
  ROOM = 16 * 1024,
  BEHIND = 64 * 1024 /* bytes that a client has not taken: no more is read from its answer */
};

/* --- ending --- */

static void close_inner (tl_front_client *c) {
  if (c->inner) tl_stream_close(c->inner, 0);
}

static void flush_tls (tl_front_client *c) {
  tl_buf *out = tl_tls_output(c->tls);
  if (out->len > 0 && c->client) tl_stream_write(c->client, out->at, out->len);
  tl_buf_clear(out);
  tl_tls_relax(c->tls);
}

/* What was written goes out, then the client's end is awaited. */
static void close_client (tl_front_client *c) {
  if (!c->client) return;
  if (c->tls && c->secured) {
    tl_tls_close(c->tls);
    flush_tls(c);
  }
  tl_stream_close(c->client, LINGER_MS);
}

void tl_front_client_drop (tl_front_client *c) {
  c->dropped = true;
  close_inner(c);
  if (c->client) tl_stream_close(c->client, 0);
}

/* --- to the client --- */

static void send_client (tl_front_client *c, const uint8_t *at, size_t n) {
  if (!c->client) return;
  if (!c->tls) {
    tl_stream_write(c->client, at, n);
  } else if (tl_tls_write(c->tls, at, n) < 0) {
    tl_front_client_drop(c);
    return;
  } else {
    flush_tls(c);
  }
}

static const char *phrase (int status) {
  switch (status) {
    case 408: return "Request Timeout";
    case 413: return "Content Too Large";
    case 417: return "Expectation Failed";
    case 431: return "Request Header Fields Too Large";
    case 503: return "Service Unavailable";
    case 505: return "HTTP Version Not Supported";
    default: return "Bad Request";
  }
}

void tl_front_client_refuse (tl_front_client *c, int status, const char *text) {
  char answer[512];
  if (c->refused) return;
  c->refused = true;
  c->since = INT64_MAX;
  if (c->under_way > 0 && c->inner) {
    tl_stream_end(c->inner);
    return;
  }
  int n = snprintf(answer, sizeof answer,
                   "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
                   "Connection: close\r\nCache-Control: no-store\r\n"
                   "X-Content-Type-Options: nosniff\r\n\r\n{\"error\":\"%s\"}\n",
                   status, phrase(status), strlen(text) + 13, text);
  close_inner(c);
  send_client(c, (const uint8_t *)answer, (size_t)n);
  close_client(c);
}

/* --- to libmicrohttpd --- */

/* What one read gives is a piece: the next one waits for a turn. */
static void on_inner_data (void *ctx, const uint8_t *at, size_t n) {
  tl_front_client *c = ctx;
  tl_front *f = c->front;
  send_client(c, at, n);
  if (!c->inner || f->closing) return;
  tl_stream_read(c->inner, false);
  c->rests = ++f->pieces;
  f->events.rests(f->ctx);
}

void tl_front_client_go_on (tl_front_client *c) {
  if (c->rests == 0 && c->inner && (!c->client || tl_stream_pending(c->client) <= BEHIND))
    tl_stream_read(c->inner, true);
}

static void on_inner_ended (void *ctx) {
  tl_front_client *c = ctx;
  close_inner(c);
  close_client(c);
}

static void on_inner_drained (void *ctx) {
  tl_front_client *c = ctx;
  if (c->client && !c->refused) tl_stream_read(c->client, true);
}

static void on_inner_closed (void *ctx) {
  tl_front_client *c = ctx;
  c->inner = NULL;
  c->fd = -1;
  if (c->client) close_client(c);
  tl_front_forget(c);
}

static const tl_stream_events inner_events = { on_inner_data, on_inner_ended, on_inner_drained,
                                               on_inner_closed };

static bool open_inner (tl_front_client *c) {
  int pair[2];
  tl_front *f = c->front;
  if (c->inner) return true;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0) return false;
  if (tl_stream_open(&c->inner, f->loop, pair[0], &inner_events, c) < 0) {
    close(pair[0]);
    close(pair[1]);
    return false;
  }
  c->fd = pair[1];
  if (!f->events.serve(f->ctx, pair[1])) return false;
  tl_stream_read(c->inner, true);
  return true;
}

static void pass (tl_front_client *c, const uint8_t *at, size_t n) {
  if (!c->inner) return;
  tl_stream_write(c->inner, at, n);
  if (tl_stream_pending(c->inner) > 0 && c->client) tl_stream_read(c->client, false);
}

/* A whole good head is at the start of c->head. */
static void pass_head (tl_front_client *c, size_t n, const tl_http_request *r) {
  if (!open_inner(c)) {
    tl_front_client_refuse(c, 503, "no resources for another connection");
    return;
  }
  pass(c, c->head.at, n);
  c->under_way++;
  c->body = r->body;
  c->since = r->body > 0 ? tl_loop_now(c->front->loop) : INT64_MAX;
  c->seen = 0;
  tl_buf_clear(&c->head);
}

/* Bytes of a head, as many as belong to it; returns how many. */
static size_t take_head (tl_front_client *c, const uint8_t *at, size_t n) {
  tl_http_request r;
  tl_http_refusal why;
  size_t before = c->head.len, room = TL_HTTP_REQUEST_HEAD - before;
  if (before == 0 && c->since == INT64_MAX) c->since = tl_loop_now(c->front->loop);
  tl_buf_add(&c->head, at, n < room ? n : room);
  if (c->head.failed) {
    tl_front_client_refuse(c, 503, "no memory");
    return n;
  }
  long used = tl_http_request_read(c->head.at, c->head.len, &c->seen, &r, &why);
  if (used == TL_EPARTIAL) return c->head.len - before;
  if (used < 0) {
    tl_front_client_refuse(c, why.status, why.text);
    return n;
  }
  pass_head(c, (size_t)used, &r);
  return (size_t)used - before;
}

static void take (tl_front_client *c, const uint8_t *at, size_t n) {
  while (n > 0 && !c->refused && c->client) {
    size_t used;
    if (c->body > 0) {
      used = n < c->body ? n : c->body;
      pass(c, at, used);
      c->body -= used;
      if (c->body == 0) c->since = INT64_MAX;
    } else {
      used = take_head(c, at, n);
    }
    at += used;
    n -= used;
  }
}

/* --- from the client --- */

static void take_tls (tl_front_client *c, const uint8_t *at, size_t n) {
  uint8_t room[ROOM];
  int rc = tl_tls_add(c->tls, at, n);
  if (rc == TL_OK && !c->secured) {
    rc = tl_tls_handshake(c->tls);
    c->secured = rc == TL_OK;
  }
  while (rc == TL_OK && !c->refused) {
    long got = tl_tls_read(c->tls, room, sizeof room);
    if (got <= 0)
      rc = (int)got;
    else
      take(c, room, (size_t)got);
  }
  flush_tls(c);
  if (rc == TL_OK || rc == TL_EPARTIAL) return;
  close_inner(c);
  if (c->client) tl_stream_close(c->client, LINGER_MS);
}

static void on_data (void *ctx, const uint8_t *at, size_t n) {
  tl_front_client *c = ctx;
  if (c->refused) return;
  if (c->tls)
    take_tls(c, at, n);
  else
    take(c, at, n);
}

/* One that only ended its side may wait for the answer to what it asked. */
static void on_ended (void *ctx) {
  tl_front_client *c = ctx;
  if (c->inner && !c->streams && c->under_way > 0 && c->body == 0)
    tl_stream_end(c->inner);
  else
    tl_front_client_drop(c);
}

static void on_drained (void *ctx) { tl_front_client_go_on(ctx); }

static void on_closed (void *ctx) {
  tl_front_client *c = ctx;
  tl_front *f = c->front;
  bool served = c->inner;
  c->client = NULL;
  close_inner(c);
  if (served && !f->closing) f->events.gone(f->ctx);
  tl_front_forget(c);
}

const tl_stream_events tl_front_client_events = { on_data, on_ended, on_drained, on_closed };

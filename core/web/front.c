/* core/web/front.c — see front.h. Must not know what is asked for and what is answered. */
#include "web/front.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/stream.h"
#include "tls/engine.h"

enum {
  REQUEST_MS = 10000, /* for a head, and for a body */
  STALLED_MS = 30000, /* a client that takes nothing */
  LINGER_MS = 2000,
  LOOK_MS = 500,
  ROOM = 16 * 1024,
  BEHIND = 64 * 1024, /* bytes that a client has not taken: no more is read from its answer */
  SENT = 64 * 1024,   /* SO_SNDBUF: what the kernel keeps of them, twice */
  AT_ONCE = 2         /* answers that go on in a turn */
};

typedef struct connection {
  struct connection *next;
  tl_front *front;
  tl_stream *client, *inner; /* NULL: closed, or not made yet */
  int fd;                    /* the served end of the pair; -1: none */
  tl_tls *tls;
  tl_buf head;
  size_t seen, body; /* of the head that was looked through; of a body that is to come */
  int64_t since;     /* the head or the body began; INT64_MAX: none is awaited */
  int64_t moved_at;  /* the client took something */
  size_t was_pending;
  uint32_t under_way; /* requests without a whole answer */
  uint64_t rests;     /* a piece of its answer was passed on, as this one in the order; 0: none */
  bool refused, streams, secured, dropped;
  bool waits; /* for its turn to have its token checked */
  char peer[80];
} connection;

struct tl_front {
  tl_loop *loop;
  tl_front_events events;
  void *ctx;
  tl_tls_context *tls;
  tl_timer *look;
  connection *list;
  uint32_t count;
  uint64_t pieces; /* of answers, that were passed on */
  bool closing;
};

static void release (tl_front *f) {
  if (!f->closing || f->list) return;
  tl_tls_context_drop(f->tls);
  free(f);
}

/* --- ending --- */

static void forget (connection *c) {
  tl_front *f = c->front;
  connection **at = &f->list;
  if (c->client || c->inner) return;
  while (*at != c) at = &(*at)->next;
  *at = c->next;
  f->count--;
  tl_tls_free(c->tls);
  tl_buf_fini(&c->head);
  free(c);
  release(f);
}

static void close_inner (connection *c) {
  if (c->inner) tl_stream_close(c->inner, 0);
}

static void flush_tls (connection *c) {
  tl_buf *out = tl_tls_output(c->tls);
  if (out->len > 0 && c->client) tl_stream_write(c->client, out->at, out->len);
  tl_buf_clear(out);
  tl_tls_relax(c->tls);
}

/* What was written goes out, then the client's end is awaited. */
static void close_client (connection *c) {
  if (!c->client) return;
  if (c->tls && c->secured) {
    tl_tls_close(c->tls);
    flush_tls(c);
  }
  tl_stream_close(c->client, LINGER_MS);
}

static void drop (connection *c) {
  c->dropped = true;
  close_inner(c);
  if (c->client) tl_stream_close(c->client, 0);
}

/* --- to the client --- */

static void send_client (connection *c, const uint8_t *at, size_t n) {
  if (!c->client) return;
  if (!c->tls) {
    tl_stream_write(c->client, at, n);
  } else if (tl_tls_write(c->tls, at, n) < 0) {
    drop(c);
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

/* Nothing more of this client is read. It is told why, unless an answer to an earlier request is
** on its way: that ends the connection then. */
static void refuse (connection *c, int status, const char *text) {
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
  connection *c = ctx;
  tl_front *f = c->front;
  send_client(c, at, n);
  if (!c->inner || f->closing) return;
  tl_stream_read(c->inner, false);
  c->rests = ++f->pieces;
  f->events.rests(f->ctx);
}

/* Its answer goes on, unless the client has not taken enough of it. */
static void go_on (connection *c) {
  if (c->rests == 0 && c->inner && (!c->client || tl_stream_pending(c->client) <= BEHIND))
    tl_stream_read(c->inner, true);
}

void tl_front_serve (tl_front *f) {
  for (int n = 0; n < AT_ONCE; n++) {
    connection *first = NULL;
    for (connection *c = f->list; c; c = c->next)
      if (c->rests != 0 && (!first || c->rests < first->rests)) first = c;
    if (!first) return;
    first->rests = 0;
    go_on(first);
  }
  for (const connection *c = f->list; c; c = c->next)
    if (c->rests != 0) {
      f->events.rests(f->ctx);
      return;
    }
}

static void on_inner_ended (void *ctx) {
  connection *c = ctx;
  close_inner(c);
  close_client(c);
}

static void on_inner_drained (void *ctx) {
  connection *c = ctx;
  if (c->client && !c->refused) tl_stream_read(c->client, true);
}

static void on_inner_closed (void *ctx) {
  connection *c = ctx;
  c->inner = NULL;
  c->fd = -1;
  if (c->client) close_client(c);
  forget(c);
}

static const tl_stream_events inner_events = { on_inner_data, on_inner_ended, on_inner_drained,
                                               on_inner_closed };

static bool open_inner (connection *c) {
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

static void pass (connection *c, const uint8_t *at, size_t n) {
  if (!c->inner) return;
  tl_stream_write(c->inner, at, n);
  if (tl_stream_pending(c->inner) > 0 && c->client) tl_stream_read(c->client, false);
}

/* A whole good head is at the start of c->head. */
static void pass_head (connection *c, size_t n, const tl_http_request *r) {
  if (!open_inner(c)) {
    refuse(c, 503, "no resources for another connection");
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
static size_t take_head (connection *c, const uint8_t *at, size_t n) {
  tl_http_request r;
  tl_http_refusal why;
  size_t before = c->head.len, room = TL_HTTP_REQUEST_HEAD - before;
  if (before == 0 && c->since == INT64_MAX) c->since = tl_loop_now(c->front->loop);
  tl_buf_add(&c->head, at, n < room ? n : room);
  if (c->head.failed) {
    refuse(c, 503, "no memory");
    return n;
  }
  long used = tl_http_request_read(c->head.at, c->head.len, &c->seen, &r, &why);
  if (used == TL_EPARTIAL) return c->head.len - before;
  if (used < 0) {
    refuse(c, why.status, why.text);
    return n;
  }
  pass_head(c, (size_t)used, &r);
  return (size_t)used - before;
}

static void take (connection *c, const uint8_t *at, size_t n) {
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

static void take_tls (connection *c, const uint8_t *at, size_t n) {
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
  connection *c = ctx;
  if (c->refused) return;
  if (c->tls)
    take_tls(c, at, n);
  else
    take(c, at, n);
}

/* One that only ended its side may wait for the answer to what it asked. */
static void on_ended (void *ctx) {
  connection *c = ctx;
  if (c->inner && !c->streams && c->under_way > 0 && c->body == 0)
    tl_stream_end(c->inner);
  else
    drop(c);
}

static void on_drained (void *ctx) { go_on(ctx); }

static void on_closed (void *ctx) {
  connection *c = ctx;
  tl_front *f = c->front;
  bool served = c->inner;
  c->client = NULL;
  close_inner(c);
  if (served && !f->closing) f->events.gone(f->ctx);
  forget(c);
}

static const tl_stream_events client_events = { on_data, on_ended, on_drained, on_closed };

/* --- time --- */

static void look_at (connection *c, int64_t now) {
  size_t pending = c->client ? tl_stream_pending(c->client) : 0;
  if (pending == 0 || pending < c->was_pending) c->moved_at = now;
  c->was_pending = pending;
  if (now - c->moved_at >= STALLED_MS) {
    drop(c);
  } else if (c->since != INT64_MAX && now - c->since >= REQUEST_MS) {
    if (c->head.len > 0 || c->body > 0)
      refuse(c, 408, "the request was not whole within 10 s");
    else
      drop(c);
  }
}

static void on_look (void *ctx) {
  tl_front *f = ctx;
  int64_t now = tl_loop_now(f->loop);
  for (connection *c = f->list; c; c = c->next) look_at(c, now);
  if (f->list) tl_timer_at(f->look, now + LOOK_MS);
}

/* --- coming and going --- */

static bool is_there (const connection *c) { return c->client && !c->refused && !c->dropped; }

/* No whole request of it is under way. */
static bool has_asked_nothing (const connection *c) { return c->under_way == (c->body > 0); }

static bool is_same_host (const char *a, const char *b) {
  const char *end = strrchr(a, ':');
  size_t n = end ? (size_t)(end - a) + 1 : strlen(a) + 1;
  return strncmp(a, b, n) == 0;
}

static uint32_t waiting_from (const tl_front *f, const char *peer) {
  uint32_t n = 0;
  for (const connection *c = f->list; c; c = c->next)
    n += is_there(c) && c->waits && is_same_host(c->peer, peer);
  return n;
}

/* Of the address that has most connections that wait, and more than `peer`: the newest. */
static connection *find_waiting (const tl_front *f, const char *peer) {
  uint32_t most = waiting_from(f, peer);
  connection *found = NULL;
  for (connection *c = f->list; c; c = c->next) {
    uint32_t n = is_there(c) && c->waits ? waiting_from(f, c->peer) : 0;
    if (n <= most) continue;
    most = n;
    found = c;
  }
  return found;
}

/* Room for one more: the one that has asked nothing for longest goes; else one of those that wait
** to have a token checked. */
static bool make_room (tl_front *f, const char *peer) {
  connection *goes = NULL;
  uint32_t open = 0;
  for (connection *c = f->list; c; c = c->next) {
    if (!is_there(c)) continue;
    open++;
    if (has_asked_nothing(c) && (!goes || c->since < goes->since)) goes = c;
  }
  if (open < TL_FRONT_CONNECTIONS) return f->count < 4 * TL_FRONT_CONNECTIONS;
  if (!goes) goes = find_waiting(f, peer);
  if (goes) drop(goes);
  return goes && f->count < 4 * TL_FRONT_CONNECTIONS;
}

void tl_front_accept (tl_front *f, int fd, const char *peer) {
  int sent = SENT;
  bool room = make_room(f, peer);
  connection *c = f->count < 4 * TL_FRONT_CONNECTIONS ? calloc(1, sizeof *c) : NULL;
  tl_tls_peer as_server = { .is_server = true };
  if (c && f->tls && tl_tls_new(&c->tls, f->tls, &as_server, NULL) < 0) {
    free(c);
    c = NULL;
  }
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &sent, sizeof sent);
  if (!c || tl_stream_open(&c->client, f->loop, fd, &client_events, c) < 0) {
    if (c) tl_tls_free(c->tls);
    free(c);
    close(fd);
    return;
  }
  c->front = f;
  c->fd = -1;
  c->since = c->moved_at = tl_loop_now(f->loop);
  tl_buf_init(&c->head);
  snprintf(c->peer, sizeof c->peer, "%s", peer);
  if (!f->list) tl_timer_at(f->look, c->since + LOOK_MS);
  c->next = f->list;
  f->list = c;
  f->count++;
  if (!room && !c->tls)
    refuse(c, 503, "too many connections");
  else if (!room)
    drop(c);
  else
    tl_stream_read(c->client, true);
}

static connection *find (const tl_front *f, int fd) {
  connection *c = f->list;
  while (c && c->fd != fd) c = c->next;
  return c;
}

const char *tl_front_peer (const tl_front *f, int fd) {
  const connection *c = find(f, fd);
  return c ? c->peer : "";
}

void tl_front_streams (tl_front *f, int fd) {
  connection *c = find(f, fd);
  if (c) c->streams = true;
}

void tl_front_waits (tl_front *f, int fd, bool on) {
  connection *c = find(f, fd);
  if (c) c->waits = on;
}

void tl_front_answered (tl_front *f, int fd) {
  connection *c = find(f, fd);
  if (!c || c->under_way == 0) return;
  if (--c->under_way == 0 && c->body == 0 && c->head.len == 0) c->since = INT64_MAX;
}

bool tl_front_has (const tl_front *f, int fd) {
  const connection *c = find(f, fd);
  return c && c->client;
}

uint32_t tl_front_count (const tl_front *f) { return f->count; }

int tl_front_new (tl_front **out, tl_loop *loop, const tl_front_events *events, void *ctx) {
  tl_front *f = calloc(1, sizeof *f);
  if (!f) return TL_ENOMEM;
  *f = (tl_front){ .loop = loop, .events = *events, .ctx = ctx };
  int rc = tl_timer_new(&f->look, loop, on_look, f);
  if (rc < 0) {
    free(f);
    return rc;
  }
  *out = f;
  return TL_OK;
}

void tl_front_set_tls (tl_front *f, tl_tls_context *context) {
  tl_tls_context_drop(f->tls);
  f->tls = context ? tl_tls_context_keep(context) : NULL;
}

void tl_front_close (tl_front *f) {
  if (!f) return;
  f->closing = true;
  tl_timer_close(f->look);
  for (connection *c = f->list; c; c = c->next) drop(c);
  release(f);
}

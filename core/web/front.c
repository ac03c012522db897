/* core/web/front.c — see front.h: the list of clients, who gets room, whose turn it is, whose time
** is over. Must not know what a client says. */
#include "web/front_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
  REQUEST_MS = 10000, /* for a head, and for a body */
  STALLED_MS = 30000, /* a client that takes nothing */
  LOOK_MS = 500,
  SENT = 64 * 1024, /* SO_SNDBUF: what the kernel keeps of them, twice */
  AT_ONCE = 2       /* answers that go on in a turn */
};

static void release (tl_front *f) {
  if (!f->closing || f->list) return;
  tl_tls_context_drop(f->tls);
  free(f);
}

void tl_front_forget (tl_front_client *c) {
  tl_front *f = c->front;
  tl_front_client **at = &f->list;
  if (c->client || c->inner) return;
  while (*at != c) at = &(*at)->next;
  *at = c->next;
  f->count--;
  tl_tls_free(c->tls);
  tl_buf_fini(&c->head);
  free(c);
  release(f);
}

/* --- turns and time --- */

void tl_front_serve (tl_front *f) {
  for (int n = 0; n < AT_ONCE; n++) {
    tl_front_client *first = NULL;
    for (tl_front_client *c = f->list; c; c = c->next)
      if (c->rests != 0 && (!first || c->rests < first->rests)) first = c;
    if (!first) return;
    first->rests = 0;
    tl_front_client_go_on(first);
  }
  for (const tl_front_client *c = f->list; c; c = c->next)
    if (c->rests != 0) {
      f->events.rests(f->ctx);
      return;
    }
}

static void look_at (tl_front_client *c, int64_t now) {
  size_t pending = c->client ? tl_stream_pending(c->client) : 0;
  if (pending == 0 || pending < c->was_pending) c->moved_at = now;
  c->was_pending = pending;
  if (now - c->moved_at >= STALLED_MS) {
    tl_front_client_drop(c);
  } else if (c->since != INT64_MAX && now - c->since >= REQUEST_MS) {
    if (c->head.len > 0 || c->body > 0)
      tl_front_client_refuse(c, 408, "the request was not whole within 10 s");
    else
      tl_front_client_drop(c);
  }
}

static void on_look (void *ctx) {
  tl_front *f = ctx;
  int64_t now = tl_loop_now(f->loop);
  for (tl_front_client *c = f->list; c; c = c->next) look_at(c, now);
  if (f->list) tl_timer_at(f->look, now + LOOK_MS);
}

/* --- coming and going --- */

static bool is_there (const tl_front_client *c) { return c->client && !c->refused && !c->dropped; }

/* No whole request of it is under way. */
static bool has_asked_nothing (const tl_front_client *c) { return c->under_way == (c->body > 0); }

static bool is_same_host (const char *a, const char *b) {
  const char *end = strrchr(a, ':');
  size_t n = end ? (size_t)(end - a) + 1 : strlen(a) + 1;
  return strncmp(a, b, n) == 0;
}

static uint32_t waiting_from (const tl_front *f, const char *peer) {
  uint32_t n = 0;
  for (const tl_front_client *c = f->list; c; c = c->next)
    n += is_there(c) && c->waits && is_same_host(c->peer, peer);
  return n;
}

/* Of the address that has most connections that wait, and more than `peer`: the newest. */
static tl_front_client *find_waiting (const tl_front *f, const char *peer) {
  uint32_t most = waiting_from(f, peer);
  tl_front_client *found = NULL;
  for (tl_front_client *c = f->list; c; c = c->next) {
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
  tl_front_client *goes = NULL;
  uint32_t open = 0;
  for (tl_front_client *c = f->list; c; c = c->next) {
    if (!is_there(c)) continue;
    open++;
    if (has_asked_nothing(c) && (!goes || c->since < goes->since)) goes = c;
  }
  if (open < TL_FRONT_CONNECTIONS) return f->count < 4 * TL_FRONT_CONNECTIONS;
  if (!goes) goes = find_waiting(f, peer);
  if (goes) tl_front_client_drop(goes);
  return goes && f->count < 4 * TL_FRONT_CONNECTIONS;
}

void tl_front_accept (tl_front *f, int fd, const char *peer) {
  int sent = SENT;
  bool room = make_room(f, peer);
  tl_front_client *c = f->count < 4 * TL_FRONT_CONNECTIONS ? calloc(1, sizeof *c) : NULL;
  tl_tls_peer as_server = { .is_server = true };
  if (c && f->tls && tl_tls_new(&c->tls, f->tls, &as_server, NULL) < 0) {
    free(c);
    c = NULL;
  }
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &sent, sizeof sent);
  if (!c || tl_stream_open(&c->client, f->loop, fd, &tl_front_client_events, c) < 0) {
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
    tl_front_client_refuse(c, 503, "too many connections");
  else if (!room)
    tl_front_client_drop(c);
  else
    tl_stream_read(c->client, true);
}

static tl_front_client *find (const tl_front *f, int fd) {
  tl_front_client *c = f->list;
  while (c && c->fd != fd) c = c->next;
  return c;
}

const char *tl_front_peer (const tl_front *f, int fd) {
  const tl_front_client *c = find(f, fd);
  return c ? c->peer : "";
}

void tl_front_streams (tl_front *f, int fd) {
  tl_front_client *c = find(f, fd);
  if (c) c->streams = true;
}

void tl_front_waits (tl_front *f, int fd, bool on) {
  tl_front_client *c = find(f, fd);
  if (c) c->waits = on;
}

void tl_front_answered (tl_front *f, int fd) {
  tl_front_client *c = find(f, fd);
  if (!c || c->under_way == 0) return;
  if (--c->under_way == 0 && c->body == 0 && c->head.len == 0) c->since = INT64_MAX;
}

bool tl_front_has (const tl_front *f, int fd) {
  const tl_front_client *c = find(f, fd);
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
  for (tl_front_client *c = f->list; c; c = c->next) tl_front_client_drop(c);
  release(f);
}

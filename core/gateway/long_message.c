/* core/gateway/long_message.c — a message whose decoder may take long (such as a birth of
** thousands of metrics) is handled in pieces.
** Other lines go on meanwhile: however many lines have such a message, together they take some
** 5 ms of a turn. Later messages of the same line wait behind it (ack_id.c), and
** it is acknowledged after its last value. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/pattern.h"
#include "gateway/link_impl.h"

/* Processor time of all such messages in a turn, but for the piece that begins before it is
** over. */
enum { TURN_NS = 2500000 };
/* So many brief pieces are 8 ms, unless the machine is busy: the line is a slow one. */
enum { BRIEF_MANY = 16 };

/* Messages of stations with addresses beside the decoder, or with `prepare`, are not handled
** in pieces: the memory for these is shared by all messages. */
bool tl_link_has_pieces (const tl_station *s) {
  return !s->plan->set && s->plan->prepare_count == 0 && s->plan->special.ack_id < 0;
}

bool tl_link_is_long (tl_link *l, const tl_incoming *m) {
  const tl_handlers *h = &l->gateway->handlers;
  bool may_be = m->payload.len + l->pace.careful >= TL_LINK_LONG;
  if (!may_be || !h->pieces_new || !h->has_decode) return false;
  const tl_route *route = tl_router_find(l->routing.router, m->topic);
  const tl_station *s = route->target;
  return s && s->user && route->will_count == 0 && h->has_decode(s->user) && tl_link_has_pieces(s);
}

/* The router's answer is valid until its next look-up, and others look topics up between two
** pieces. So the decoder gets a copy. */
int tl_link_decode_long (tl_link *l, tl_station *s, const tl_incoming *m, const tl_route *route) {
  const tl_handlers *h = &l->gateway->handlers;
  tl_route kept = *route;
  tl_group *groups = NULL;
  kept.wills = NULL;
  kept.will_count = 0;
  if (route->group_count > 0) {
    groups = malloc(route->group_count * sizeof *groups);
    if (!groups) return TL_ENOMEM;
    memcpy(groups, route->groups, route->group_count * sizeof *groups);
    kept.groups = groups;
  }
  int rc = h->decode(l->gateway->handlers_ctx, s, m, &kept);
  free(groups);
  return rc;
}

static void run (void *ctx) {
  tl_link *l = ctx;
  l->longer.held = tl_link_deliver(l, l->longer.message);
  l->longer.no_memory = l->routing.no_memory;
  tl_link_stay_lost(l, l->longer.message);
}

/* Exchange what the gateway knows of the present message with what is kept for the long one. */
static void swap (tl_link *l) {
  tl_gateway *g = l->gateway;
  tl_long now = l->longer;
  l->longer.current = g->current;
  l->longer.starved = g->model->starved;
  l->longer.only_unset = g->model->only_unset;
  l->longer.pattern_sum = tl_pattern_sum;
  g->current = now.current;
  g->model->starved = now.starved;
  g->model->only_unset = now.only_unset;
  tl_pattern_sum = now.pattern_sum;
}

static bool go (tl_link *l) {
  swap(l);
  if (l->longer.brief > 0 && l->longer.brief++ == BRIEF_MANY) tl_pace_slow(l);
  bool more = l->gateway->handlers.pieces_go(l->longer.pieces);
  swap(l);
  return more;
}

static void finish (tl_link *l) {
  tl_long done = l->longer;
  l->gateway->handlers.pieces_free(done.pieces);
  l->longer = (tl_long){ .pieces = NULL };
  tl_link_delivered(l, done.waiting, done.held, done.no_memory, done.orphan);
}

/* --- turns --- */

static void enter (tl_link *l) {
  tl_gateway_longs *longs = &l->gateway->longs;
  l->longer.next = NULL;
  if (longs->first)
    longs->last->longer.next = l;
  else
    longs->first = l;
  longs->last = l;
}

static void leave (tl_link *l) {
  tl_gateway_longs *longs = &l->gateway->longs;
  tl_link **at = &longs->first, *before = NULL;
  while (*at && *at != l) {
    before = *at;
    at = &before->longer.next;
  }
  if (!*at) return;
  *at = l->longer.next;
  if (longs->last == l) longs->last = before;
}

/* A piece of one message after the other, until their part of the turn is used up. Each gets
** its next piece when all others had one. */
static void run_some (void *ctx) {
  tl_gateway *g = ctx;
  const tl_link *last = g->longs.last;
  uint64_t end = tl_clock_cpu_ns() + TURN_NS;
  bool brief = false; /* the turn may go on with long calls: acknowledgements leave before */
  for (bool more = true; more && g->longs.first;) {
    tl_link *l = g->longs.first;
    more = l != last;
    leave(l);
    if (go(l)) {
      enter(l);
    } else {
      brief = brief || l->longer.brief > 0;
      finish(l);
    }
    more = more && tl_clock_cpu_ns() < end;
  }
  if (brief) tl_gateway_flush_now(g);
  if (!g->longs.first || tl_loop_later(g->loop, run_some, g) == TL_OK) return;
  while (g->longs.first) tl_link_finish_long(g->longs.first);
}

void tl_link_finish_long (tl_link *l) {
  if (!l->longer.pieces) return;
  leave(l);
  l->gateway->handlers.pieces_hurry(l->longer.pieces);
  while (go(l)) continue;
  finish(l);
}

void tl_gateway_forget_longs (tl_gateway *g) { tl_loop_forget(g->loop, run_some, g); }

void tl_link_orphan_long (tl_link *l) { l->longer.orphan = true; }

bool tl_link_begin_long (tl_link *l, struct tl_waiting *waiting, const tl_incoming *m) {
  tl_gateway *g = l->gateway;
  if (!tl_link_is_long(l, m)) return false;
  bool brief = m->payload.len < TL_LINK_LONG;
  l->longer = (tl_long){
    .waiting = waiting, .message = m, .pattern_sum = UINT64_MAX, .brief = brief ? 1 : 0
  };
  if (g->handlers.pieces_new(g->handlers_ctx, &l->longer.pieces, brief, run, l) == TL_OK) {
    if (tl_loop_later(g->loop, run_some, g) == TL_OK) {
      enter(l);
      return true;
    }
    g->handlers.pieces_free(l->longer.pieces);
  }
  l->longer = (tl_long){ .pieces = NULL };
  return false;
}

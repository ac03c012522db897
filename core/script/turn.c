/* core/script/turn.c — see turn.h. Must not know what the waiting functions are for. */
#include "script/turn.h"

#include <stddef.h>

#include "sandbox/watchdog.h"

enum { END_NS = 500000000 }; /* see tl_turn_end_is_used() */

/* --- the share of a turn --- */

/* If a new turn of the loop has begun, scripts have their whole share again. */
static void begin_turn (tl_script *s) {
  uint64_t turn = tl_loop_turn(s->loop);
  if (s->turn.number == turn) return;
  s->turn.number = turn;
  s->turn.ticks = s->box.ticks;
}

uint64_t tl_turn_used_ns (tl_script *s) {
  begin_turn(s);
  return (uint64_t)(s->box.ticks - s->turn.ticks) * TL_TICK_NS;
}

bool tl_turn_is_used (tl_script *s) {
  if (!s->loop || s->offline) return false; /* without a loop, the caller sets the time */
  return tl_turn_next(s, NULL) || tl_turn_used_ns(s) > 0 || tl_loop_is_busy(s->loop);
}

/* --- the queues: rings, each of which begins with its first member --- */

enum { URGENT = 0 }; /* the queue that goes before all others */

static void take (tl_due **ring, tl_due *due) {
  if (due->next == due)
    *ring = NULL;
  else if (*ring == due)
    *ring = due->next;
  due->next->prev = due->prev;
  due->prev->next = due->next;
  due->next = due->prev = NULL;
}

static void append (tl_due **ring, tl_due *due) {
  tl_due *first = *ring;
  if (!first) {
    due->next = due->prev = *ring = due;
    return;
  }
  due->next = first;
  due->prev = first->prev;
  first->prev->next = due;
  first->prev = due;
}

static void take_out (tl_script *s, tl_due *due) {
  tl_script_queue *q = &s->turn.queues[due->queue];
  q->count--;
  take(&q->first, due);
}

static void put_into (tl_script *s, uint32_t queue, tl_due *due) {
  tl_script_queue *q = &s->turn.queues[queue];
  q->count++;
  due->queue = queue;
  append(&q->first, due);
}

/* The owner's queue, or an empty one, or (all are taken) one that it shares. */
static uint32_t queue_of (const tl_script *s, const void *owner) {
  uint32_t empty = 0;
  for (uint32_t i = URGENT + 1; i < TL_TURN_QUEUES; i++) {
    const tl_script_queue *q = &s->turn.queues[i];
    if (q->first && q->owner == owner) return i;
    if (!q->first && !empty) empty = i;
  }
  return empty ? empty : URGENT + 1 + (uint32_t)((uintptr_t)owner >> 4) % (TL_TURN_QUEUES - 1);
}

uint32_t tl_turn_count (const tl_script *s, const void *owner) {
  return s->turn.queues[URGENT].count + s->turn.queues[queue_of(s, owner)].count;
}

void tl_turn_forget (tl_script *s, tl_due *due) {
  if (!due->prev) return;
  if (due->owed) s->turn.owed--;
  take_out(s, due);
}

tl_due *tl_turn_next (const tl_script *s, const tl_due *due) {
  uint32_t i = due ? due->queue : 0;
  if (due && due->next != s->turn.queues[i].first) return due->next;
  if (due) i++;
  while (i < TL_TURN_QUEUES && !s->turn.queues[i].first) i++;
  return i < TL_TURN_QUEUES ? s->turn.queues[i].first : NULL;
}

static void run (tl_script *s, tl_due *due) {
  tl_turn_forget(s, due);
  due->run(due);
}

/* Run what waits in a queue since the turn began, until scripts have used a tick. */
static void serve (tl_script *s, uint32_t queue, uint64_t serial, uint32_t before) {
  const tl_script_queue *q = &s->turn.queues[queue];
  while (q->first && q->first->serial <= serial && s->box.ticks == before) run(s, q->first);
}

static void on_turn (tl_heavy *h) {
  tl_script *s = (tl_script *)(void *)((char *)h - offsetof(tl_script, turn.waits));
  begin_turn(s);
  if (tl_turn_end_is_used(s)) return; /* tl_turn_finish() says what is left */
  uint32_t before = s->box.ticks;
  /* what comes into a queue from here on waits for the next turn */
  uint64_t serial = s->turn.serial;
  serve(s, URGENT, serial, before);
  for (uint32_t n = 1; n < TL_TURN_QUEUES && s->box.ticks == before; n++) {
    s->turn.served = s->turn.served % (TL_TURN_QUEUES - 1) + 1;
    serve(s, s->turn.served, serial, before);
  }
  if (tl_turn_next(s, NULL)) tl_heavy_wait(s->loop, h);
}

void tl_turn_wait (tl_script *s, tl_due *due, const void *owner) {
  s->turn.waits.run = on_turn;
  tl_heavy_wait(s->loop, &s->turn.waits);
  if (due->owed) s->turn.owed++;
  due->serial = ++s->turn.serial;
  uint32_t queue = queue_of(s, owner);
  if (!s->turn.queues[queue].first) s->turn.queues[queue].owner = owner;
  put_into(s, queue, due);
}

void tl_turn_put_first (tl_script *s, bool (*is)(const tl_due *due, const void *ctx),
                        const void *ctx, tl_due *last) {
  tl_due *these = NULL;
  if (last) tl_turn_wait(s, last, NULL);
  for (tl_due *due = tl_turn_next(s, NULL), *next; due; due = next) {
    next = tl_turn_next(s, due);
    if (due == last || !is(due, ctx)) continue;
    take_out(s, due);
    append(&these, due);
  }
  if (last) {
    take_out(s, last);
    append(&these, last);
  }
  for (tl_due *due; (due = s->turn.queues[URGENT].first);) { /* behind these */
    take_out(s, due);
    append(&these, due);
  }
  for (tl_due *due; (due = these);) {
    take(&these, due);
    put_into(s, URGENT, due);
  }
}

void tl_turn_drop_all (tl_script *s) {
  if (s->loop) tl_heavy_forget(s->loop, &s->turn.waits);
  for (tl_due *due; (due = tl_turn_next(s, NULL));) {
    tl_turn_forget(s, due);
    due->drop(due);
  }
}

/* --- the end --- */

void tl_turn_begin_end (tl_script *s) {
  if (!s->turn.ends) s->turn.end_ticks = s->box.ticks;
  s->turn.ends = true;
}

bool tl_turn_end_is_used (tl_script *s) {
  if (!s->loop || !(s->turn.ends || tl_gateway_is_stopping(s->gateway))) return false;
  tl_turn_begin_end(s);
  return (uint64_t)(s->box.ticks - s->turn.end_ticks) * TL_TICK_NS >= END_NS;
}

/* Nobody counts on these. */
static void drop_others (tl_script *s) {
  for (tl_due *due = tl_turn_next(s, NULL), *next; due; due = next) {
    next = tl_turn_next(s, due);
    if (due->owed) continue;
    tl_turn_forget(s, due);
    due->drop(due);
  }
}

void tl_turn_finish (tl_script *s) {
  drop_others(s);
  for (uint32_t at = 0; s->turn.owed > 0 && !tl_turn_end_is_used(s);) {
    uint32_t before = s->box.ticks;
    serve(s, at, UINT64_MAX, before);
    at = (at + 1) % TL_TURN_QUEUES;
  }
  if (s->turn.owed > 0)
    tl_log(TL_LOG_WARN, NULL,
           "%u functions of values, statuses, lines and writes waited for their turn, and are not "
           "called",
           (unsigned)s->turn.owed);
}

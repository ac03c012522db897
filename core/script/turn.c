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
  return s->turn.first || tl_turn_used_ns(s) > 0 || tl_loop_is_busy(s->loop);
}

/* --- the queue: a ring, and s->turn.first is its first member --- */

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

void tl_turn_forget (tl_script *s, tl_due *due) {
  if (!due->prev) return;
  if (due->owed) s->turn.owed--;
  take(&s->turn.first, due);
}

static void run_first (tl_script *s) {
  tl_due *first = s->turn.first;
  tl_turn_forget(s, first);
  first->run(first);
}

static void on_turn (tl_heavy *h) {
  tl_script *s = (tl_script *)(void *)((char *)h - offsetof(tl_script, turn.waits));
  begin_turn(s);
  if (tl_turn_end_is_used(s)) return; /* tl_turn_finish() says what is left */
  uint64_t before = s->box.ticks;
  /* what comes into the queue from here on waits for the next turn */
  tl_due *last = s->turn.first ? s->turn.first->prev : NULL;
  for (bool more = last; more && s->turn.first && s->box.ticks == before;) {
    more = s->turn.first != last;
    run_first(s);
  }
  if (s->turn.first) tl_heavy_wait(s->loop, h);
}

void tl_turn_wait (tl_script *s, tl_due *due) {
  s->turn.waits.run = on_turn;
  tl_heavy_wait(s->loop, &s->turn.waits);
  if (due->owed) s->turn.owed++;
  append(&s->turn.first, due);
}

void tl_turn_put_first (tl_script *s, bool (*is)(const tl_due *due, const void *ctx),
                        const void *ctx, tl_due *last) {
  tl_due *these = NULL, *others = NULL;
  if (last) tl_turn_wait(s, last);
  while (s->turn.first) {
    tl_due *due = s->turn.first;
    take(&s->turn.first, due);
    append(due != last && is(due, ctx) ? &these : &others, due);
  }
  if (last) {
    take(&others, last);
    append(&these, last);
  }
  s->turn.first = these ? these : others;
  if (!these || !others) return;
  tl_due *end = others->prev; /* one ring of the two */
  others->prev = these->prev;
  these->prev->next = others;
  these->prev = end;
  end->next = these;
}

void tl_turn_drop_all (tl_script *s) {
  if (s->loop) tl_heavy_forget(s->loop, &s->turn.waits);
  while (s->turn.first) {
    tl_due *first = s->turn.first;
    tl_turn_forget(s, first);
    first->drop(first);
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

void tl_turn_finish (tl_script *s) {
  while (s->turn.owed > 0 && !tl_turn_end_is_used(s)) {
    if (s->turn.first->owed)
      run_first(s);
    else
      s->turn.first = s->turn.first->next;
  }
  if (s->turn.owed > 0)
    tl_log(TL_LOG_WARN, NULL,
           "%u functions of values, statuses, lines and writes waited for their turn, and are not "
           "called",
           (unsigned)s->turn.owed);
}

/* core/net/loop.c — the event loop and its timers. Knows nothing of MQTT, scripts or
** commands.
**
** libuv goes round as timers, idle, prepare, poll, check, closing. What was asked for "later"
** runs in prepare: behind everything that poll, closing and timers called, and before the loop
** may block again. The idle handle is active while something is asked for, so that poll does
** not block and the loop does not end before it ran. Neither costs a system call. */
#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "net/later_impl.h"
#include "net/memory.h"
#include "net/uv.h"

enum {
  TURNS_MS = 60000,
  FULL_TICKS = 25000000 / TL_CLOCK_BUSY_NS,
  LONG_TICKS = 2 * FULL_TICKS, /* so long only a call was that takes as much as it may */
  LEAST_TICKS = 2,             /* what waits ahead has so much of every second turn, 8 ms */
  LONG_MANY = 8                /* so many long turns in a row are given up to others */
};

enum { SLOW, AHEAD, TRUSTED, SHORT, RANKS };

struct tl_loop {
  uv_loop_t uv;
  uv_prepare_t prepare;
  uv_idle_t idle;
  tl_laters laters;
  tl_laters last;
  uint64_t turn;
  tl_heavy *heavy[RANKS]; /* rings, and these are their first members */
  uint32_t busy;          /* tl_clock_busy when the turn began */
  bool trusted_only;      /* those ahead were left out in this turn, for those that are trusted */
  /* turns in a row in which no member was called: of those that are slow, as the turn was used; of
  ** those ahead, as it had a long call */
  int yielded, ahead_yielded;
  bool was_long;   /* the turn before had a call that took long */
  int64_t set_now; /* 0: the clock's */
  /* turns that are timed: */
  uv_check_t check;
  bool timed;
  int64_t woke_at;    /* the end of waiting; 0: it has not waited yet */
  int64_t minute_at;  /* when longest[0] began */
  int64_t longest[2]; /* of this minute and of the one before */
};

struct tl_timer {
  uv_timer_t handle;
  void (*fn)(void *ctx);
  void *ctx;
  /* `armed` is when libuv's timer fires, at or before `due`. A later due time is only noted: timers
  ** are moved more often than they fire */
  int64_t due, armed;
};

uv_loop_t *tl_loop_uv (tl_loop *loop) { return &loop->uv; }

bool tl_handle_close (uv_handle_t *handle, uv_close_cb closed) {
  if (uv_is_closing(handle)) return false;
  uv_close(handle, closed);
  return true;
}

static void on_idle (uv_idle_t *handle) { (void)handle; }

static void run_later (tl_loop *loop) {
  tl_laters_call(&loop->laters);
  tl_laters_call(&loop->last);
  if (!tl_loop_is_asked(loop)) uv_idle_stop(&loop->idle);
}

static void begin_turn (tl_loop *loop) {
  if (loop->woke_at == 0) loop->woke_at = (int64_t)uv_now(&loop->uv);
}

/* Behind the poll's callbacks: libuv has read the clock before them. */
static void on_check (uv_check_t *handle) { begin_turn(handle->data); }

static void end_turn (tl_loop *loop) {
  int64_t now = (int64_t)(uv_hrtime() / 1000000), ms = now - loop->woke_at;
  if (loop->woke_at == 0) return;
  loop->woke_at = 0;
  if (now - loop->minute_at >= TURNS_MS) {
    loop->longest[1] = now - loop->minute_at < 2 * TURNS_MS ? loop->longest[0] : 0;
    loop->longest[0] = 0;
    loop->minute_at = now;
  }
  if (ms > loop->longest[0]) loop->longest[0] = ms;
}

static void on_prepare (uv_prepare_t *handle) {
  tl_loop *loop = handle->data;
  if (tl_loop_is_asked(loop)) run_later(loop);
  loop->turn++;
  loop->was_long = tl_clock_busy - loop->busy >= LONG_TICKS;
  loop->busy = tl_clock_busy;
  if (loop->timed) end_turn(loop);
}

int tl_loop_new (tl_loop **out) {
  tl_loop *loop = calloc(1, sizeof *loop);
  if (!loop) return TL_ENOMEM;
  tl_net_memory_begin();
  loop->busy = tl_clock_busy;
  int rc = tl_laters_reserve(&loop->last);
  if (rc == TL_OK) rc = uv_loop_init(&loop->uv);
  if (rc < 0) {
    tl_laters_fini(&loop->last);
    free(loop);
    return rc;
  }
  /* These cannot fail: they touch nothing outside the two structures. */
  uv_prepare_init(&loop->uv, &loop->prepare);
  uv_idle_init(&loop->uv, &loop->idle);
  uv_check_init(&loop->uv, &loop->check);
  loop->prepare.data = loop->check.data = loop;
  uv_prepare_start(&loop->prepare, on_prepare);
  uv_unref((uv_handle_t *)&loop->prepare);
  uv_unref((uv_handle_t *)&loop->check);
  *out = loop;
  return TL_OK;
}

void tl_loop_run (tl_loop *loop) {
  uv_run(&loop->uv, UV_RUN_DEFAULT);
  if (loop->laters.n > 0) run_later(loop); /* tl_loop_stop() left before prepare */
}

void tl_loop_stop (tl_loop *loop) { uv_stop(&loop->uv); }

int64_t tl_loop_now (tl_loop *loop) {
  return loop->set_now != 0 ? loop->set_now : (int64_t)uv_now(&loop->uv);
}

uint64_t tl_loop_turn (const tl_loop *loop) { return loop->turn; }

void tl_loop_set_now (tl_loop *loop, int64_t now) { loop->set_now = now; }

void tl_loop_update (tl_loop *loop) {
  if (loop->timed) begin_turn(loop); /* before the clock goes on */
  uv_update_time(&loop->uv);
}

void tl_loop_time_turns (tl_loop *loop, bool on) {
  loop->timed = on;
  loop->woke_at = 0;
  if (on)
    uv_check_start(&loop->check, on_check);
  else
    uv_check_stop(&loop->check);
}

int64_t tl_loop_longest (const tl_loop *loop) {
  return loop->longest[0] > loop->longest[1] ? loop->longest[0] : loop->longest[1];
}

/* Close a handle that its owner forgot (asserted; release builds have no assertions). A request of
** the handle may call back while it closes, and the owner may then close it, too; tl_handle_close()
** makes that harmless. */
static void close_leftover (uv_handle_t *handle, void *arg) {
  tl_loop *loop = arg;
  if (uv_is_closing(handle)) return;
  bool ours = handle == (uv_handle_t *)&loop->prepare || handle == (uv_handle_t *)&loop->idle ||
              handle == (uv_handle_t *)&loop->check;
  assert(ours && "a handle was not closed by its owner");
  tl_handle_close(handle, NULL);
  (void)ours;
}

void tl_loop_free (tl_loop *loop) {
  if (!loop) return;
  uv_walk(&loop->uv, close_leftover, loop);
  uv_run(&loop->uv, UV_RUN_DEFAULT);
  int rc = uv_loop_close(&loop->uv);
  assert(rc == 0);
  (void)rc;
  tl_laters_fini(&loop->laters);
  tl_laters_fini(&loop->last);
  free(loop);
}

int tl_loop_later (tl_loop *loop, void (*fn)(void *ctx), void *ctx) {
  int rc = tl_laters_ask(&loop->laters, fn, ctx);
  if (rc == TL_OK) uv_idle_start(&loop->idle, on_idle); /* harmless when it is active */
  return rc;
}

void tl_loop_forget (tl_loop *loop, void (*fn)(void *ctx), void *ctx) {
  tl_laters_forget(&loop->laters, fn, ctx);
  tl_laters_forget(&loop->last, fn, ctx);
  if (!tl_loop_is_asked(loop)) uv_idle_stop(&loop->idle);
}

bool tl_loop_is_asked (const tl_loop *loop) { return loop->laters.n + loop->last.n > 0; }

int tl_loop_last (tl_loop *loop, void (*fn)(void *ctx), void *ctx) {
  int rc = tl_laters_ask(&loop->last, fn, ctx);
  if (rc == TL_OK) uv_idle_start(&loop->idle, on_idle);
  return rc;
}

/* --- what takes long --- */

static bool has_used (const tl_loop *loop, uint32_t ticks) {
  return tl_clock_busy - loop->busy >= ticks;
}

bool tl_loop_is_used (const tl_loop *loop) { return has_used(loop, FULL_TICKS); }

bool tl_loop_was_long (const tl_loop *loop) { return loop->was_long; }

bool tl_loop_is_long (const tl_loop *loop) { return has_used(loop, LONG_TICKS); }

bool tl_loop_is_busy (const tl_loop *loop) {
  return loop->was_long || loop->heavy[SLOW] || tl_loop_is_used(loop);
}

void tl_heavy_forget (tl_loop *loop, tl_heavy *h) {
  tl_heavy **ring = &loop->heavy[h->rank];
  if (!h->prev) return;
  if (h->next == h)
    *ring = NULL;
  else if (*ring == h)
    *ring = h->next;
  h->next->prev = h->prev;
  h->prev->next = h->next;
  h->next = h->prev = NULL;
}

/* Run the members of a ring, the first one in any case, the others until `most` ticks are used.
** Those that join it meanwhile are for the next turn: stop behind the present last one. `before`:
** tl_clock_busy when all this began. */
static void run_ring (tl_loop *loop, int rank, uint32_t before, uint32_t most) {
  tl_heavy **ring = &loop->heavy[rank];
  const tl_heavy *last = *ring ? (*ring)->prev : NULL;
  for (bool more = last; more && *ring;) {
    tl_heavy *first = *ring;
    more = first != last;
    tl_heavy_forget(loop, first);
    first->run(first);
    more = more && tl_clock_busy - before < most;
  }
}

/* What was quick so far. A turn with a long call has no second one of these: what comes during that
** call is handled before. Where those that are trusted have used the turn, the others wait for the
** next one, in which their first is called in any case, and more of them as long as they are quick:
** a hundred lines that connect do not wait for a hundred such turns. */
static void run_ahead (tl_loop *loop, uint32_t before) {
  run_ring(loop, SHORT, before, FULL_TICKS);
  bool some = loop->heavy[TRUSTED] || loop->heavy[AHEAD],
       yields = some && tl_loop_is_long(loop) && loop->ahead_yielded < LONG_MANY;
  loop->ahead_yielded = yields ? loop->ahead_yielded + 1 : 0;
  if (yields) return;
  run_ring(loop, TRUSTED, before, FULL_TICKS);
  bool used = tl_clock_busy - before >= FULL_TICKS,
       passes_over = loop->heavy[AHEAD] && used && !loop->trusted_only;
  loop->trusted_only = passes_over;
  if (passes_over) return;
  if (used)
    run_ring(loop, AHEAD, tl_clock_busy, LEAST_TICKS);
  else
    run_ring(loop, AHEAD, before, FULL_TICKS);
}

/* Run what waits (tl_heavy). If messages, or those ahead, have used up this turn, the others wait,
** but for one turn only: the next turn runs one of them in any case. Unless that one had a long
** call: a message that came during it would wait for two. */
static void run_heavy (void *ctx) {
  tl_loop *loop = ctx;
  uint32_t before = tl_clock_busy;
  run_ahead(loop, before);
  int most = has_used(loop, LONG_TICKS) ? LONG_MANY : 1;
  if (tl_clock_busy - before >= LONG_TICKS) most++; /* those ahead have just had theirs */
  bool yields = loop->heavy[SLOW] && tl_loop_is_used(loop) && loop->yielded < most;
  loop->yielded = yields ? loop->yielded + 1 : 0;
  if (!yields) run_ring(loop, SLOW, before, FULL_TICKS);
  if (loop->heavy[SLOW] || loop->heavy[AHEAD] || loop->heavy[TRUSTED] || loop->heavy[SHORT])
    tl_loop_last(loop, run_heavy, loop);
}

static void wait_in (tl_loop *loop, tl_heavy *h, uint8_t rank) {
  if (h->prev) return;
  tl_loop_last(loop, run_heavy, loop);
  tl_heavy *first = loop->heavy[rank];
  h->rank = rank;
  if (!first) {
    h->next = h->prev = loop->heavy[rank] = h;
    return;
  }
  h->next = first;
  h->prev = first->prev;
  first->prev->next = h;
  first->prev = h;
}

void tl_heavy_wait (tl_loop *loop, tl_heavy *h) { wait_in(loop, h, SLOW); }

void tl_heavy_wait_ahead (tl_loop *loop, tl_heavy *h, bool trusted) {
  wait_in(loop, h, trusted ? TRUSTED : AHEAD);
}

void tl_heavy_wait_first (tl_loop *loop, tl_heavy *h) { wait_in(loop, h, SHORT); }

static void on_timer (uv_timer_t *handle) {
  tl_timer *t = handle->data;
  int64_t now = (int64_t)uv_now(handle->loop);
  if (now < t->due) {
    t->armed = t->due;
    uv_timer_start(handle, on_timer, (uint64_t)(t->due - now), 0);
    return;
  }
  t->fn(t->ctx);
}

int tl_timer_new (tl_timer **out, tl_loop *loop, void (*fn)(void *ctx), void *ctx) {
  tl_timer *t = calloc(1, sizeof *t);
  if (!t) return TL_ENOMEM;
  uv_timer_init(&loop->uv, &t->handle);
  t->handle.data = t;
  t->fn = fn;
  t->ctx = ctx;
  *out = t;
  return TL_OK;
}

void tl_timer_at (tl_timer *t, int64_t due_ms) {
  if (due_ms == INT64_MAX) {
    uv_timer_stop(&t->handle);
    return;
  }
  t->due = due_ms;
  if (uv_is_active((uv_handle_t *)&t->handle) && t->armed <= due_ms) return;
  int64_t now = (int64_t)uv_now(t->handle.loop);
  t->armed = due_ms;
  uv_timer_start(&t->handle, on_timer, due_ms > now ? (uint64_t)(due_ms - now) : 0, 0);
}

void tl_timer_stop (tl_timer *t) { uv_timer_stop(&t->handle); }

static void free_handle_data (uv_handle_t *handle) { free(handle->data); }

void tl_timer_close (tl_timer *t) {
  if (t) tl_handle_close((uv_handle_t *)&t->handle, free_handle_data);
}

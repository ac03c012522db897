/* core/sandbox/memory.c — how much memory a call may take: Lua's allocator, the marks at which a
** call is ended, and when garbage is collected. Must not know what handlers are for. */
#include "sandbox/memory_impl.h"

#include <stdio.h>
#include <stdlib.h>

enum {
  LARGE = 1 << 20,          /* bytes: a smaller object is always allowed */
  OWED = 4096,              /* bytes: for a larger one the collector works later (step.c) */
  SMALL_MEMORY = 256 << 20, /* with a smaller limit, the shares are computed as if it were this */
  COLLECT_NS = 4000000      /* time to collect when a call has passed its mark */
};

/* The memory limit divided by these is the most that … may take. */
enum {
  ANY_DIVISOR = 4,     /* one object, since it is copied in one go */
  OBJECT_DIVISOR = 16, /* an object that a handler makes */
  /* a text: comparing two texts takes up to 7 ns a byte, and cannot be interrupted */
  TEXT_DIVISOR = 64
};

enum {
  TUNED_DIVISOR = 3,   /* below 1/3 of the limit, the collector works with Lua's settings */
  RESERVE_DIVISOR = 8, /* the last 1/8 of the limit is a reserve: see tl_memory_mark */
  SHARE = 8            /* a call may always take 1/8 of the free memory */
};

bool tl_memory_is_much (const tl_sandbox *s) {
  return s->memory.used > s->memory.limit / TUNED_DIVISOR;
}

bool tl_memory_is_scarce (const tl_sandbox *s) {
  return s->memory.used > s->memory.limit - s->memory.limit / RESERVE_DIVISOR;
}

bool tl_memory_collect (tl_sandbox *s, uint64_t ns) {
  uint64_t end = tl_clock_cpu_ns() + ns;
  bool whole;
  do whole = lua_gc(s->L, LUA_GCSTEP, 0) == 1;
  while (!whole && tl_clock_cpu_ns() < end);
  return whole;
}

/* Half of the reserve is left for a call whose garbage is still being collected: it goes on until
** the next tick, when the collector goes on, too. */
static bool is_at_the_end (const tl_sandbox *s) {
  size_t limit = s->memory.limit + s->memory.loading;
  return s->memory.used > limit - limit / RESERVE_DIVISOR / 2;
}

bool tl_memory_is_full (tl_sandbox *s) {
  if (s->memory.asked > 0) return true;
  if (!s->memory.passed) return false;
  bool whole = tl_memory_collect(s, COLLECT_NS);
  s->memory.passed = s->memory.used > s->memory.mark;
  return s->memory.passed && (whole || is_at_the_end(s));
}

static size_t part (size_t memory, size_t n) {
  return (memory > SMALL_MEMORY ? memory : SMALL_MEMORY) / n;
}

size_t tl_memory_text_max (const tl_sandbox *s) {
  size_t more = s->memory.loading;
  return part(s->memory.limit + more, more > 0 ? OBJECT_DIVISOR : TEXT_DIVISOR);
}

void tl_memory_mark (tl_sandbox *s) {
  size_t limit = s->memory.limit + s->memory.loading, mark = limit - limit / RESERVE_DIVISOR;
  size_t least = limit > s->memory.used ? s->memory.used + (limit - s->memory.used) / SHARE : 0;
  s->memory.mark = mark > least || least == 0 ? mark : least;
  s->memory.asked = 0;
  s->memory.passed = s->memory.from_outside = false;
}

/* Note where memory was refused, without allocating. The name of the source may be any text. */
static void note_place (tl_sandbox *s) {
  lua_Debug ar;
  s->memory.place[0] = '\0';
  for (int level = 0; s->running && lua_getstack(s->running, level, &ar) && level < 10; level++) {
    lua_getinfo(s->running, "Sl", &ar);
    if (ar.currentline <= 0) continue;
    snprintf(s->memory.place, sizeof s->memory.place, "%s:%d", ar.short_src, ar.currentline);
    return;
  }
}

/* The running call wants more memory than it may have. If this were refused, Lua would first
** collect all garbage in one go. So the call gets it, and is ended before its next
** instruction.
** Memory is asked for in the middle of an operation, so nothing may raise here; setting the
** hook is allowed, as in a signal handler. */
static __attribute__((noinline)) bool grant (tl_sandbox *s, size_t after, size_t wanted,
                                             bool large) {
  size_t limit = s->memory.limit + s->memory.loading;
  if (after > limit || wanted > limit / ANY_DIVISOR) {
    note_place(s);
    return false;
  }
  if (!s->budget.inside || s->budget.limit_ns == 0) return true;
  if (!large && after <= s->memory.mark) return true;
  if (large)
    s->memory.asked = wanted;
  else if (s->memory.passed && !is_at_the_end(s))
    return true;
  else
    s->memory.passed = true;
  tl_budget_look_soon(s);
  return true;
}

/* Is this too large for one object? `kind`: the Lua type of a new object. */
static bool is_large (const tl_sandbox *s, int kind, size_t wanted) {
  if (s->memory.from_outside) return false;
  return wanted > (kind == LUA_TSTRING ? tl_memory_text_max(s)
                                       : part(s->memory.limit + s->memory.loading, OBJECT_DIVISOR));
}

/* Lua's count of what is due goes down with what is freed, too. */
static void owe_less (tl_sandbox *s, size_t freed) {
  s->memory.owed -= freed < s->memory.owed ? freed : s->memory.owed;
}

void *tl_sandbox_alloc (void *ud, void *at, size_t before, size_t wanted) {
  tl_sandbox *s = ud;
  int kind = !at ? (int)before : LUA_TNONE; /* for a new object, `before` is its Lua type */
  if (!at) before = 0;
  if (wanted == 0) {
    s->memory.used -= before;
    if (before > OWED) owe_less(s, before);
    return tl_heap_realloc(&s->memory.heap, at, before, 0);
  }
  size_t after = s->memory.used - before + wanted;
  if (wanted > before && (after > s->memory.mark || wanted > LARGE)) {
    if (!grant(s, after, wanted, wanted > LARGE && is_large(s, kind, wanted))) return NULL;
  }
  void *moved = tl_heap_realloc(&s->memory.heap, at, before, wanted);
  if (!moved) {
    s->memory.system_refused = true;
    return NULL;
  }
  s->memory.used = after;
  if (wanted > before + OWED) s->memory.owed += wanted - before;
  if (before > wanted + OWED) owe_less(s, before - wanted);
  return moved;
}

void tl_push_outside (lua_State *L, tl_slice text) {
  tl_sandbox *s = tl_sandbox_of(L);
  s->memory.from_outside = true;
  lua_pushlstring(L, text.len > 0 ? (const char *)text.at : "", text.len);
  s->memory.from_outside = false;
}

/* Set the collector so that the next cycle begins early enough to end before the memory does.
** A growing heap drives it in steps of a millisecond; collecting all at once would take 0.2 s. */
void tl_sandbox_tune (tl_sandbox *s) {
  size_t limit = s->memory.limit + s->memory.loading;
  size_t m = s->memory.used, room = limit > m ? limit - m : 0;
  int pause = m < 32u << 20 ? 400 : 200;
  if (m > limit / TUNED_DIVISOR && pause > 100 + (int)(50 * room / m))
    pause = 100 + (int)(50 * room / m);
  if (abs(pause - s->memory.gc_pause) > 3)
    lua_gc(s->L, LUA_GCINC, s->memory.gc_pause = pause, 0, 0);
  if (m < s->memory.collected_at) s->memory.collected_at = m;
  if (m <= limit / TUNED_DIVISOR || m <= s->memory.collected_at + room / 4) return;
  lua_gc(s->L, LUA_GCSTEP, 0);
  s->memory.collected_at = s->memory.used;
}

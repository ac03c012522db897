/* core/sandbox/budget.c — how much time a script may take, and how it is ended.
** Must not know what handlers are for.
**
** At a tick of the watchdog the script gets a hook, which looks at the clock. When the time is
** up an error is raised, and raised again until it reaches the door: by the hook at every
** instruction, and by our pcall, xpcall and coroutine functions (lib_basic.c) when they catch
** it.
** A coroutine that ended so is marked by its hook. Lua leaves hooks off in it, so nothing may
** run in it any more, not even its __close. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/memory_impl.h"
#include "sandbox/pieces.h"
#include "sandbox/watchdog.h"

#if defined(__x86_64__) || defined(__i386__)
#include <x86intrin.h>
#endif

enum {
  /* Instructions between two looks at the clock, for coroutines that always have a hook. */
  HOOK_EVERY = 250,
  SHORT_NS = 100000,   /* work shorter than this is done without a look at the clock first */
  STEADY_NS = 2000000, /* time to collect after each call, while only the reserve is free */
  /* Stack index of the error handler on the main stack, for calls that are not inside another
  ** call (tl_sandbox_init). */
  TL_HANDLER = 1,
  /* Calls through the door inside each other. With more, C's stack could end, and finalizers
  ** could not run. */
  DEPTH_MAX = 12,
  DEEP = 500, /* with so many levels of calls, a traceback shows only some of them */
  SHOWN = 12
};

tl_sandbox *tl_sandbox_of (lua_State *L) {
  void *ud;
  lua_getallocf(L, &ud);
  return ud;
}

/* --- time --- */

static const char waited[] = "waited for 30 times as long as it may work";

/* The processor's time at the beginning of a call. The system is asked at most a hundred times
** in the time of one budget; in between the last answer is used. */
static uint64_t cpu_before (tl_sandbox *s, uint64_t now, uint64_t limit_ns) {
  if (s->cpu_ns == 0 || now - s->cpu_at > limit_ns / 100) {
    s->cpu_ns = tl_clock_cpu_ns();
    s->cpu_at = now;
  }
  return s->cpu_ns;
}

static void begin (tl_sandbox *s, tl_budget *b, uint64_t now) {
  b->deadline_ns = now + b->limit_ns;
  s->checked_ticks = tl_ticks();
  if (b->cpu_ns == 0) b->cpu_ns = cpu_before(s, now, b->limit_ns);
}

/* --- what waits --- */

enum { STARVED_NS = 100000000 }; /* the reading of a file is no older when a call begins */

static void begin_wait (tl_sandbox *s, uint64_t limit_ns) {
  tl_sandbox_wait *w = &s->wait;
  uint64_t now = tl_clock_mono_ns();
  if (w->starved_at == 0 || now - w->starved_at > STARVED_NS) {
    w->starved = tl_clock_starved_ns();
    w->starved_at = now;
  }
  w->began = now;
  w->cpu = cpu_before(s, now, limit_ns);
  w->limit = TL_WAITS * limit_ns;
  w->until = limit_ns > 0 ? now + w->limit : 0;
  if (limit_ns > 0) tl_watchdog_alarm(now, w->until);
}

/* Has the call waited for too long? If not, asks again when it could have. */
static bool waits_too_long (tl_sandbox *s, uint64_t now) {
  tl_sandbox_wait *w = &s->wait;
  if (w->until == 0) return false;
  if (now < w->until) {
    tl_watchdog_alarm(now, w->until);
    return false;
  }
  uint64_t busy = tl_clock_cpu_ns() - w->cpu + tl_clock_starved_ns() - w->starved,
           passed = now - w->began, waited_ns = passed > busy ? passed - busy : 0;
  if (waited_ns >= w->limit) {
    if (!s->budget.message) s->budget.message = waited;
    return true;
  }
  w->until = now + (w->limit - waited_ns);
  tl_watchdog_alarm(now, w->until);
  return false;
}

/* --- what works --- */

/* The time is up by the clock, but other processes may have had the processor: then the
** deadline moves. False: the script has used its time. */
static bool extend (tl_budget *b, uint64_t now) {
  uint64_t used = tl_clock_cpu_ns() - b->cpu_ns,
           limit = b->cpu_limit_ns > 0 ? b->cpu_limit_ns : b->limit_ns;
  if (used >= limit) return false;
  b->deadline_ns = now + limit - used;
  return true;
}

/* Is the call at its end? Yes when its memory is full, when what runs in pieces is told to end,
** or when its time is used: the clock is looked at first, and extend() gives back what other
** processes took. */
static bool is_over (tl_sandbox *s) {
  tl_budget *b = &s->budget;
  if (s->pieces) tl_pause(s);
  s->ticked = false;
  if (b->limit_ns == 0 || !b->inside) return false;
  if (s->pieces && !b->message) b->message = tl_pieces_end(s);
  if (b->expired || tl_memory_is_full(s) || (s->pieces && tl_pieces_end(s))) return true;
  if (tl_memory_is_much(s)) tl_sandbox_tune(s);
  uint64_t now = tl_clock_mono_ns();
  if (b->deadline_ns == 0) begin(s, b, now);
  return waits_too_long(s, now) || (now >= b->deadline_ns && !extend(b, now));
}

static void on_expired (lua_State *L, lua_Debug *ar);
static void on_look (lua_State *L, lua_Debug *ar);

static void push_reason (lua_State *L, const tl_sandbox *s) {
  double seconds = (double)s->budget.limit_ns / 1e9;
  LUAI_UACINT limit = (LUAI_UACINT)(s->memory.limit + s->memory.loading),
              asked = (LUAI_UACINT)s->memory.asked;
  if (s->memory.asked > 0)
    lua_pushfstring(
        L,
        "not enough memory for %I bytes at once (limits: memory = %I, of which a text may take %I)",
        asked, limit, (LUAI_UACINT)tl_memory_text_max(s));
  else if (s->memory.passed)
    lua_pushfstring(L, "not enough memory (limits: memory = %I)", limit);
  else if (s->budget.message)
    lua_pushstring(L, s->budget.message);
  else if (seconds == s->handler_time)
    lua_pushfstring(L, "took longer than handler_time (%f s)", seconds);
  else
    lua_pushfstring(L, "took longer than %f s", seconds);
}

/* Raise the error that ends the call. `level` as for luaL_where(); in a hook the running
** function is level 0. */
static void expire (lua_State *L, int level) {
  tl_sandbox *s = tl_sandbox_of(L);
  s->budget.expired = true;
  lua_sethook(L, on_expired, LUA_MASKCOUNT, 1);
  luaL_where(L, level);
  push_reason(L, s);
  lua_concat(L, 2);
  lua_error(L);
}

static void on_expired (lua_State *L, lua_Debug *ar) {
  (void)ar;
  if (is_over(tl_sandbox_of(L))) expire(L, 0);
}

static void on_count (lua_State *L, lua_Debug *ar) {
  (void)ar;
  if (lua_gethookcount(L) < HOOK_EVERY) tl_budget_hook(tl_sandbox_of(L), L); /* by the alarm */
  if (is_over(tl_sandbox_of(L))) expire(L, 0);
}

/* The hook that the watchdog sets: looks once, and is off until the next tick. */
static void on_look (lua_State *L, lua_Debug *ar) {
  (void)ar;
  lua_sethook(L, NULL, 0, 0);
  if (is_over(tl_sandbox_of(L))) expire(L, 0);
}

void tl_budget_hook (tl_sandbox *s, lua_State *co) {
  (void)s;
  lua_sethook(co, on_count, LUA_MASKCOUNT, HOOK_EVERY);
}

bool tl_watchdog_begin (void) { return tl_watchdog_start(on_look); }

void tl_budget_check (lua_State *L) {
  if (is_over(tl_sandbox_of(L))) expire(L, 1);
}

void tl_budget_check_here (lua_State *L) {
  if (is_over(tl_sandbox_of(L))) expire(L, 0);
}

void tl_budget_check_running (lua_State *L) {
  const tl_sandbox *s = tl_watchdog_watched();
  if (s && s->ticked && s->running == L) tl_budget_check_here(L);
}

void tl_budget_spend (lua_State *L, uint64_t ns) {
  tl_sandbox *s = tl_sandbox_of(L);
  tl_budget *b = &s->budget;
  if (ns < SHORT_NS && !s->ticked) return;
  if (is_over(s)) expire(L, 1);
  if (b->deadline_ns == 0) return; /* no limit */
  uint64_t now = tl_clock_mono_ns();
  if (b->deadline_ns < now + ns && (!extend(b, now) || b->deadline_ns < now + ns)) expire(L, 1);
}

void tl_budget_lift (tl_sandbox *s) {
  s->budget.limit_ns = 0;
  s->budget.resting = true;
  s->memory.asked = 0;
}

uint64_t tl_budget_left (lua_State *L) {
  tl_sandbox *s = tl_sandbox_of(L);
  if (is_over(s)) expire(L, 1);
  uint64_t now = tl_clock_mono_ns();
  if (s->budget.deadline_ns == 0) return UINT64_MAX;
  extend(&s->budget, now);
  return s->budget.deadline_ns > now ? s->budget.deadline_ns - now : 1;
}

void tl_budget_rethrow (lua_State *L) {
  if (!tl_sandbox_of(L)->budget.expired) return;
  lua_sethook(L, on_expired, LUA_MASKCOUNT, 1);
  lua_error(L);
}

/* --- coroutines --- */

bool tl_sandbox_is_ended (lua_State *co) { return lua_gethook(co) == on_expired; }

int tl_sandbox_resume (lua_State *co, lua_State *from, int args, int *results) {
  tl_sandbox *s = tl_sandbox_of(co);
  lua_State *outer = s->running;
  s->running = co;
  int rc = lua_resume(co, from, args, results);
  s->running = outer;
  return rc;
}

static int p_close_thread (lua_State *L) {
  lua_resetthread(lua_touserdata(L, 1));
  return 0;
}

void tl_sandbox_close_thread (tl_sandbox *s, lua_State *co) {
  if (tl_sandbox_is_ended(co)) return;
  lua_State *outer = s->running;
  tl_sandbox_enter(s, p_close_thread, co, s->handler_time, "coroutine", NULL);
  s->running = outer;
}

/* --- the door --- */

/* Set the limits of a call inside another call: it has its own time, but no more than the
** outer call has left. If the outer call is resting, the inner call's time does not count for
** it.
** False: the outer call has no time left. */
static bool limit_within (tl_sandbox *s, tl_budget *outer) {
  tl_budget *b = &s->budget;
  uint64_t now = tl_clock_mono_ns();
  if (outer->deadline_ns == 0)
    begin(s, outer, now);
  else
    extend(outer, now);
  if (b->limit_ns == 0 || now + b->limit_ns > outer->deadline_ns) b->limit_ns = outer->limit_ns;
  begin(s, b, now);
  if (b->deadline_ns > outer->deadline_ns) b->deadline_ns = outer->deadline_ns;
  b->cpu_limit_ns = b->deadline_ns > now ? b->deadline_ns - now : 1;
  return now < outer->deadline_ns;
}

/* Copied field by field: reading a whole block right after it was written in parts is slow on
** a processor. */
static bool enter (tl_sandbox *s, tl_budget *outer, double seconds) {
  tl_budget *b = &s->budget;
  b->limit_ns = (uint64_t)(seconds * 1e9);
  b->deadline_ns = 0;
  b->cpu_ns = 0;
  b->cpu_limit_ns = 0;
  b->grace_ns = 0;
  b->message = NULL;
  b->inside = true;
  b->expired = false;
  b->resting = false;
  if (outer->inside && !outer->resting && outer->limit_ns > 0) return limit_within(s, outer);
  if (!outer->inside) tl_memory_mark(s);
  if (s->unsafe) begin_wait(s, b->limit_ns);
  return true;
}

void tl_budget_look_soon (tl_sandbox *s) {
  s->ticked = true;
  if (s->running && !lua_gethook(s->running)) lua_sethook(s->running, on_look, LUA_MASKCOUNT, 1);
}

static void leave (tl_sandbox *s, const tl_budget *outer) {
  tl_budget *b = &s->budget;
  bool expired = b->expired;
  *b = *outer;
  if (tl_memory_is_much(s)) tl_sandbox_tune(s);
  if (tl_memory_is_scarce(s)) tl_memory_collect(s, STEADY_NS);
  if (expired && outer->inside) tl_memory_mark(s);
  if (expired && tl_sandbox_is_ended(s->L)) lua_sethook(s->L, NULL, 0, 0);
  if (!expired || !outer->inside) return;
  if (b->grace_ns > 0 && b->deadline_ns > 0) {
    b->cpu_limit_ns = (b->cpu_limit_ns > 0 ? b->cpu_limit_ns : b->limit_ns) + b->grace_ns;
    b->deadline_ns += b->grace_ns;
    b->grace_ns = 0;
  }
  /* the outer call ends, too, because they share one time: otherwise it could begin one such
  ** call after the other */
  tl_budget_look_soon(s);
}

static void tell_error (lua_State *L, int rc, const char *where, tl_buf *err) {
  tl_sandbox *s = tl_sandbox_of(L);
  const char *text =
      lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "error object that is not a string";
  tl_buf full;
  tl_buf_init(&full);
  if (rc == LUA_ERRMEM) {
    tl_buf_fmt(&full, "%s%snot enough memory (limits: memory = %zu)", s->memory.place,
               s->memory.place[0] != '\0' ? ": " : "", s->memory.limit + s->memory.loading);
    tl_buf_byte(&full, '\0');
    if (!full.failed) text = (const char *)full.at;
  }
  if (err)
    tl_buf_str(err, text);
  else
    tl_log(TL_LOG_ERROR, where, "%s", text);
  tl_buf_fini(&full);
}

static int refuse (const tl_sandbox *s, const tl_budget *outer, const char *where, tl_buf *err) {
  char text[120];
  if (s->depth >= DEPTH_MAX)
    snprintf(text, sizeof text, "not called: %d calls set off one another", DEPTH_MAX);
  else
    snprintf(text, sizeof text, "not called: what set it off has used up its time (%u ms)",
             (unsigned)(outer->limit_ns / 1000000));
  if (err)
    tl_buf_str(err, text);
  else
    tl_log(TL_LOG_ERROR, where, "%s", text);
  return LUA_ERRRUN;
}

int tl_sandbox_enter (tl_sandbox *s, lua_CFunction body, void *arg, double seconds,
                      const char *where, tl_buf *err) {
  lua_State *L = s->L, *running = s->running;
  tl_budget outer = s->budget;
  int top = lua_gettop(L), handler = TL_HANDLER;
  if (outer.inside || top < TL_HANDLER) { /* these pushes cannot raise */
    if (top > LUA_MINSTACK / 2 && !lua_checkstack(L, LUA_MINSTACK)) return LUA_ERRMEM;
    lua_pushcfunction(L, tl_sandbox_traceback);
    handler = top + 1;
  }
  if (!enter(s, &outer, seconds) || s->depth >= DEPTH_MAX) {
    lua_settop(L, top);
    s->budget.expired = true;
    leave(s, &outer);
    return refuse(s, &outer, where, err);
  }
  s->running = L;
  s->depth++;
  tl_sandbox *other = tl_watchdog_switch_to(s);
  lua_pushcfunction(L, body);
  lua_pushlightuserdata(L, arg);
  int rc = lua_pcall(L, 1, 0, handler);
  if (rc != LUA_OK) tell_error(L, rc, where, err);
  if (rc != LUA_OK || handler != TL_HANDLER) lua_settop(L, top);
  tl_watchdog_switch_to(other);
  s->depth--;
  s->running = running;
  leave(s, &outer);
  return rc;
}

/* luaL_traceback() walks the whole stack for each line it shows: half a second for an endless
** recursion. So this one shows only some levels. */
static void push_short_traceback (lua_State *L, const char *message) {
  lua_Debug ar;
  luaL_Buffer text;
  luaL_buffinit(L, &text);
  luaL_addstring(&text, message);
  luaL_addstring(&text, "\nstack traceback:");
  for (int level = 1; level <= SHOWN && lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "Sl", &ar);
    if (ar.currentline > 0)
      lua_pushfstring(L, "\n\t%s:%d", ar.short_src, ar.currentline);
    else
      lua_pushfstring(L, "\n\t%s", ar.short_src);
    luaL_addvalue(&text);
  }
  luaL_addstring(&text, "\n\t...\t(a deep stack)");
  luaL_pushresult(&text);
}

int tl_sandbox_traceback (lua_State *L) {
  if (lua_type(L, 1) == LUA_TNUMBER) lua_tostring(L, 1);
  if (lua_type(L, 1) != LUA_TSTRING) { /* the __tostring of an error object is not run here */
    lua_pushfstring(L, "error object: a %s", luaL_typename(L, 1));
    lua_replace(L, 1);
  }
  size_t len;
  const char *text = lua_tolstring(L, 1, &len);
  tl_sandbox *s = tl_sandbox_of(L);
  if (s->is_known && s->is_known(s, text, len)) return 1;
  lua_Debug ar;
  if (lua_getstack(L, DEEP, &ar))
    push_short_traceback(L, lua_tostring(L, 1));
  else
    luaL_traceback(L, L, lua_tostring(L, 1), 1);
  return 1;
}

/* --- statistics --- */

uint64_t tl_ticks (void) {
#if defined(__x86_64__) || defined(__i386__)
  return __rdtsc();
#elif defined(__aarch64__)
  uint64_t ticks;
  __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
  return ticks;
#else
  return tl_clock_mono_ns();
#endif
}

double tl_ticks_seconds (const tl_sandbox *s, uint64_t ticks) {
  uint64_t ns = tl_clock_mono_ns() - s->start_ns, passed = tl_ticks() - s->start_ticks;
  return passed > 0 ? (double)ticks * ((double)ns / (double)passed) / 1e9 : 0;
}

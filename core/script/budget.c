/* core/script/budget.c — what a script may take: time and memory, and how it is ended. Must not know what handlers are for.
**
** A count hook looks at the clock. Once the time is up, everything raises again until the door is reached: the hook at every
** instruction, and the library's pcall, xpcall and coroutines (lib_basic.c) when the error comes by. A thread that ended so is
** marked by its hook: Lua leaves hooks off in it, so nothing may run in it any more, not even its __close. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script/script.h"

#if defined(__x86_64__) || defined(__i386__)
#include <x86intrin.h>
#endif

enum {
  HOOK_EVERY = 250,          /* instructions between two looks at the clock: some microseconds, if they are short ones */
  HOOK_SOON = 4,             /* after a large piece of memory: such instructions are long */
  LARGE = 256 * 1024,
  LARGEST_PART = 4,          /* one object may take this part of the memory: it is copied in one go */
  NS_PER_BYTE_OF_LARGE = 1,
  TL_HANDLER = 1,            /* where the error handler stands on the main stack, for calls that are in no other (tl_script_new) */
  DEEP = 500,                /* calls within calls, of which only some are told */
  SHOWN = 12
};

tl_script *tl_script_of (lua_State *L) {
  void *ud;
  lua_getallocf(L, &ud);
  return ud;
}

/* ---- time ---- */

static void on_expired (lua_State *L, lua_Debug *ar);
static void on_count (lua_State *L, lua_Debug *ar);

static void arm (lua_State *co) { lua_sethook(co, on_count, LUA_MASKCOUNT, HOOK_EVERY); }

static bool is_over (tl_script *s) {
  tl_budget *b = &s->budget;
  b->steps = 0;
  if (b->limit_ns == 0 || !b->inside) return false;
  if (b->expired) return true;
  uint64_t now = tl_clock_mono_ns();
  if (b->deadline_ns == 0) {
    b->deadline_ns = now + b->limit_ns;
    s->looked_ticks = tl_ticks();
  }
  if (now < b->deadline_ns) return false;
  if (b->cpu_ns == 0) return true;
  uint64_t used = tl_clock_cpu_ns() - b->cpu_ns; /* others may have had the processor meanwhile */
  if (used >= b->limit_ns) return true;
  b->deadline_ns = now + b->limit_ns - used;
  return false;
}

/* `level` as for luaL_where: in a hook the running function is level 0. */
static void expire (lua_State *L, int level) {
  tl_script *s = tl_script_of(L);
  double seconds = (double)s->budget.limit_ns / 1e9;
  s->budget.expired = true;
  lua_sethook(L, on_expired, LUA_MASKCOUNT, 1);
  luaL_where(L, level);
  if (s->budget.said != NULL) lua_pushstring(L, s->budget.said);
  else if (seconds == s->handler_time) lua_pushfstring(L, "took longer than handler_time (%f s)", seconds);
  else lua_pushfstring(L, "took longer than %f s", seconds);
  lua_concat(L, 2);
  lua_error(L);
}

static void on_expired (lua_State *L, lua_Debug *ar) {
  (void)ar;
  if (is_over(tl_script_of(L))) expire(L, 0);
}

static void on_count (lua_State *L, lua_Debug *ar) {
  (void)ar;
  if (is_over(tl_script_of(L))) expire(L, 0);
  else if (lua_gethookcount(L) == HOOK_SOON) arm(L);
}

void tl_script_arm (tl_script *s, lua_State *co) {
  (void)s;
  arm(co);
}

void tl_look (lua_State *L) {
  if (is_over(tl_script_of(L))) expire(L, 1);
}

void tl_work_ahead (lua_State *L, uint64_t ns) {
  tl_budget *b = &tl_script_of(L)->budget;
  if (ns < 1000 && (b->steps += (uint32_t)ns / 10) < TL_WORK_PER_LOOK) return;
  if (is_over(tl_script_of(L))) expire(L, 1);
  if (b->deadline_ns == 0) return; /* no limit */
  uint64_t now = tl_clock_mono_ns();
  if (now >= b->deadline_ns || b->deadline_ns - now < ns) expire(L, 1);
}

void tl_pass_on (lua_State *L) {
  if (!tl_script_of(L)->budget.expired) return;
  lua_sethook(L, on_expired, LUA_MASKCOUNT, 1);
  lua_error(L);
}

/* ---- coroutines ---- */

bool tl_script_is_ended (lua_State *co) { return lua_gethook(co) == on_expired; }

int tl_script_resume (lua_State *co, lua_State *from, int args, int *results) {
  tl_script *s = tl_script_of(co);
  lua_State *outer = s->running;
  if (lua_gethookmask(co) == 0) arm(co);
  s->running = co;
  int rc = lua_resume(co, from, args, results);
  s->running = outer;
  return rc;
}

static int p_close_thread (lua_State *L) {
  lua_resetthread(lua_touserdata(L, 1));
  return 0;
}

void tl_script_close_thread (tl_script *s, lua_State *co) {
  if (tl_script_is_ended(co)) return;
  lua_State *outer = s->running;
  tl_script_enter(s, p_close_thread, co, s->handler_time, "coroutine", NULL);
  s->running = outer;
}

/* ---- the door ---- */

/* A handler that is set off within another call has its own time, but no more than is left of that call's; unless that one
** is resting: then the time it takes does not burden it. */
static tl_budget within (tl_script *s, tl_budget *outer, double seconds) {
  tl_budget b = { .limit_ns = (uint64_t)(seconds * 1e9), .inside = true };
  if (!outer->inside || outer->resting || outer->limit_ns == 0) return b;
  uint64_t now = tl_clock_mono_ns();
  if (outer->deadline_ns == 0) outer->deadline_ns = now + outer->limit_ns;
  if (b.limit_ns == 0 || now + b.limit_ns > outer->deadline_ns) b.limit_ns = outer->limit_ns;
  b.deadline_ns = now + b.limit_ns < outer->deadline_ns ? now + b.limit_ns : outer->deadline_ns;
  s->looked_ticks = tl_ticks();
  return b;
}

static void leave (tl_script *s, const tl_budget *outer) {
  uint64_t started = outer->resting && s->budget.deadline_ns > 0 ? s->budget.deadline_ns - s->budget.limit_ns : 0;
  bool expired = s->budget.expired;
  s->budget = *outer;
  if (outer->deadline_ns > 0 && started > 0) s->budget.deadline_ns += tl_clock_mono_ns() - started;
  if (expired && tl_script_is_ended(s->L)) arm(s->L);
}

static void tell_error (lua_State *L, int rc, const char *where, tl_buf *err) {
  tl_script *s = tl_script_of(L);
  const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "error object that is not a string";
  tl_buf full;
  tl_buf_init(&full);
  if (rc == LUA_ERRMEM) {
    tl_buf_fmt(&full, "%s%snot enough memory (limits: memory = %zu)", s->memory_place, s->memory_place[0] != '\0' ? ": " : "",
               s->memory_limit + s->loading_memory);
    tl_buf_byte(&full, '\0');
    if (!full.failed) text = (const char *)full.at;
  }
  if (err != NULL) tl_buf_str(err, text);
  else tl_log(TL_LOG_ERROR, where, "%s", text);
  tl_buf_fini(&full);
}

int tl_script_enter (tl_script *s, lua_CFunction body, void *arg, double seconds, const char *where, tl_buf *err) {
  lua_State *L = s->L, *running = s->running;
  tl_budget outer = s->budget;
  int top = lua_gettop(L), handler = TL_HANDLER;
  if (outer.inside || top < TL_HANDLER) { /* these pushes cannot raise */
    if (top > LUA_MINSTACK / 2 && !lua_checkstack(L, LUA_MINSTACK)) return LUA_ERRMEM;
    lua_pushcfunction(L, tl_script_traceback);
    handler = top + 1;
  }
  s->budget = within(s, &outer, seconds);
  s->running = L;
  lua_pushcfunction(L, body);
  lua_pushlightuserdata(L, arg);
  int rc = lua_pcall(L, 1, 0, handler);
  if (rc != LUA_OK) tell_error(L, rc, where, err);
  if (rc != LUA_OK || handler != TL_HANDLER) lua_settop(L, top);
  s->running = running;
  leave(s, &outer);
  return rc;
}

/* luaL_traceback walks the whole stack for each line that it shows: half a second for an endless recursion. */
static void push_short_traceback (lua_State *L, const char *message) {
  lua_Debug ar;
  luaL_Buffer text;
  luaL_buffinit(L, &text);
  luaL_addstring(&text, message);
  luaL_addstring(&text, "\nstack traceback:");
  for (int level = 1; level <= SHOWN && lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "Sl", &ar);
    if (ar.currentline > 0) lua_pushfstring(L, "\n\t%s:%d", ar.short_src, ar.currentline);
    else lua_pushfstring(L, "\n\t%s", ar.short_src);
    luaL_addvalue(&text);
  }
  luaL_addstring(&text, "\n\t...\t(a deep stack)");
  luaL_pushresult(&text);
}

int tl_script_traceback (lua_State *L) {
  if (lua_type(L, 1) == LUA_TNUMBER) lua_tostring(L, 1);
  if (lua_type(L, 1) != LUA_TSTRING) { /* an error object's own __tostring is not run here */
    lua_pushfstring(L, "error object: a %s", luaL_typename(L, 1));
    lua_replace(L, 1);
  }
  lua_Debug ar;
  if (lua_getstack(L, DEEP, &ar)) push_short_traceback(L, lua_tostring(L, 1));
  else luaL_traceback(L, L, lua_tostring(L, 1), 1);
  return 1;
}

/* ---- memory ---- */

/* The source's name may hold anything, and no memory is there to be careful with. */
static void note_place (tl_script *s) {
  lua_Debug ar;
  s->memory_place[0] = '\0';
  for (int level = 0; s->running != NULL && lua_getstack(s->running, level, &ar) && level < 10; level++) {
    lua_getinfo(s->running, "Sl", &ar);
    if (ar.currentline <= 0) continue;
    snprintf(s->memory_place, sizeof s->memory_place, "%s:%d", ar.short_src, ar.currentline);
    return;
  }
}

/* Memory comes in the middle of something, so nothing may raise here; but the hook may be told to look soon, as from a
** signal. */
static void note_large (tl_script *s, size_t wanted) {
  if (!s->budget.inside || s->running == NULL) return;
  s->budget.steps += (uint32_t)(wanted * NS_PER_BYTE_OF_LARGE / 10);
  if (lua_gethook(s->running) == on_count) lua_sethook(s->running, on_count, LUA_MASKCOUNT, HOOK_SOON);
}

void *tl_script_alloc (void *ud, void *at, size_t before, size_t wanted) {
  tl_script *s = ud;
  if (at == NULL) before = 0; /* then it says what kind of object is made */
  if (wanted == 0) {
    s->memory -= before;
    return tl_heap_realloc(&s->heap, at, before, 0);
  }
  if (wanted > before) {
    size_t limit = s->memory_limit + s->loading_memory;
    if (s->memory - before + wanted > limit || wanted > limit / LARGEST_PART) {
      note_place(s);
      return NULL;
    }
  }
  if (wanted >= LARGE) note_large(s, wanted);
  void *moved = tl_heap_realloc(&s->heap, at, before, wanted);
  if (moved != NULL) s->memory = s->memory - before + wanted;
  return moved;
}

/* ---- statistics ---- */

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

double tl_ticks_seconds (const tl_script *s, uint64_t ticks) {
  uint64_t ns = tl_clock_mono_ns() - s->start_ns, passed = tl_ticks() - s->start_ticks;
  return passed > 0 ? (double)ticks * ((double)ns / (double)passed) / 1e9 : 0;
}

/* core/script/l_timers.c — every(seconds, fn) and after(seconds, fn), in a config and in its
** handlers. A reload ends the old timers and starts the new ones. */
#include <stdlib.h>

#include "script/failures.h"
#include "script/script.h"
#include "script/turn.h"

enum { TIMERS_MAX = 10000 }; /* a limit, for handlers that start a timer with each message */
static const double SOON = 0.05;

struct tl_hook_timer {
  tl_due turn; /* first: see run_timer */
  tl_hook_timer *next;
  tl_script *script;
  tl_timer *timer;
  int function; /* registry reference */
  tl_caller caller;
  int64_t due, every_ms; /* every_ms 0: once */
};

static int p_fire (lua_State *L) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, *(const int *)lua_touserdata(L, 1));
  lua_call(L, 0, 0);
  return 0;
}

static void drop (tl_hook_timer *t) {
  tl_script *s = t->script;
  tl_hook_timer **at = &s->timers.first;
  while (*at != t) at = &(*at)->next;
  *at = t->next;
  tl_turn_forget(s, &t->turn);
  s->timers.count--;
  tl_timer_close(t->timer);
  free(t);
}

static void fire (tl_hook_timer *t) {
  tl_script *s = t->script;
  bool every = t->every_ms > 0;
  int function = t->function;
  tl_caller before = tl_caller_enter(s, t->caller);
  const char *what = every ? "every" : "after";
  tl_buf err;
  if (every) {
    /* The next time counts from the start, so that the timer does not drift. Missed times are
    ** skipped. */
    int64_t now = tl_loop_now(s->loop);
    t->due += t->every_ms;
    if (t->due <= now) t->due += (now - t->due) / t->every_ms * t->every_ms + t->every_ms;
    tl_timer_at(t->timer, t->due);
  } else {
    drop(t);
  }
  tl_buf_init(&err); /* from here on `t` may be freed, because the function may reload the config */
  if (tl_script_enter(s, p_fire, &function, s->box.handler_time, what, &err) != LUA_OK) {
    tl_script_log_error(s, what, tl_buf_bytes(&err));
    tl_failure_note(s, NULL, NULL, what, tl_buf_bytes(&err));
  }
  tl_buf_fini(&err);
  if (!every) luaL_unref(s->box.L, LUA_REGISTRYINDEX, function);
  tl_caller_leave(s, before);
}

static void run_timer (tl_due *due) { fire((tl_hook_timer *)due); }
static void keep_timer (tl_due *due) { (void)due; } /* tl_timers_stop() frees the timer */

static void on_due (void *ctx) {
  tl_hook_timer *t = ctx;
  if (tl_turn_is_used(t->script))
    tl_turn_wait(t->script, &t->turn, t->caller.line);
  else
    fire(t);
}

static tl_hook_timer *earliest (const tl_script *s) {
  tl_hook_timer *first = s->timers.first;
  for (tl_hook_timer *t = first; t; t = t->next)
    /* the list begins with the newest; of equal ones the oldest is first */
    if (t->due <= first->due) first = t;
  return first;
}

int64_t tl_timers_due (const tl_script *s) {
  const tl_hook_timer *t = earliest(s);
  return t ? t->due : INT64_MAX;
}

void tl_timers_fire (tl_script *s) {
  tl_hook_timer *t = earliest(s);
  if (!t || t->due == INT64_MAX) return;
  tl_timer_stop(t->timer);
  on_due(t);
}

void tl_timers_stop (tl_script *s) {
  while (s->timers.first) {
    luaL_unref(s->box.L, LUA_REGISTRYINDEX, s->timers.first->function);
    drop(s->timers.first);
  }
}

/* Add a timer for the function on top, which is popped. */
static void add (lua_State *L, tl_script *s, bool every, double seconds) {
  double ms = seconds * 1000.0;
  int64_t period = ms > 9e15 ? (int64_t)9e15 : (int64_t)(ms + 0.5);
  if (ms < 1) period = 1;
  if (s->timers.count >= TIMERS_MAX) luaL_error(L, "more than %d timers", TIMERS_MAX);
  tl_hook_timer *t = calloc(1, sizeof *t);
  if (!t) luaL_error(L, "not enough memory");
  *t = (tl_hook_timer){ .turn = { .run = run_timer, .drop = keep_timer },
                        .next = s->timers.first,
                        .script = s,
                        .function = LUA_NOREF,
                        .every_ms = every ? period : 0 };
  if (tl_timer_new(&t->timer, s->loop, on_due, t) < 0) {
    free(t);
    luaL_error(L, "not enough memory");
  }
  t->caller = tl_caller_here(L);
  s->timers.first = t;
  s->timers.count++;
  t->due = INT64_MAX;
  /* if this raises, the list has a timer that never fires */
  t->function = luaL_ref(L, LUA_REGISTRYINDEX);
  t->due = tl_loop_now(s->loop) + period;
  tl_timer_at(t->timer, t->due);
}

bool tl_timers_soon (lua_State *L, tl_script *s) {
  bool room = s->timers.count < TIMERS_MAX / 2; /* the other half is for timers of the user */
  if (room)
    add(L, s, false, SOON);
  else
    lua_pop(L, 1);
  return room;
}

int tl_timers_start (lua_State *L, tl_script *s, int list) {
  tl_timers_stop(s);
  if (lua_type(L, list) != LUA_TTABLE) return 0;
  lua_Integer n = luaL_len(L, list);
  for (lua_Integer i = 1; i <= n; i++) {
    lua_rawgeti(L, list, i);
    lua_getfield(L, -1, "kind");
    bool every = lua_tostring(L, -1)[0] == 'e';
    lua_getfield(L, -2, "seconds");
    double seconds = lua_tonumber(L, -1);
    lua_getfield(L, -3, "fn");
    add(L, s, every, seconds);
    lua_pop(L, 3);
  }
  return 0;
}

/* --- while the config runs --- */

static int start (lua_State *L, bool every, double least) {
  tl_script *s = tl_script_of(L);
  const char *what = every ? "every" : "after";
  tl_check_runs(L, what);
  if (lua_type(L, 1) != LUA_TNUMBER || !(lua_tonumber(L, 1) >= least) || lua_tonumber(L, 1) > 1e9)
    return luaL_error(L, "%s: expected seconds (%f to 1000000000), got %s", what, least,
                      tl_push_got(L, 1));
  if (lua_type(L, 2) != LUA_TFUNCTION && luaL_getmetafield(L, 2, "__call") == LUA_TNIL)
    return luaL_error(L, "%s: expected a function as the second value, got %s", what,
                      tl_push_got(L, 2));
  lua_settop(L, 2);
  tl_change_log_now(L, NULL, "%s %g s", what, lua_tonumber(L, 1));
  add(L, s, every, lua_tonumber(L, 1));
  return 0;
}

static int live_every (lua_State *L) { return start(L, true, 0.001); }
static int live_after (lua_State *L) { return start(L, false, 0); }

void tl_open_timers (lua_State *L) {
  lua_pushcfunction(L, live_every);
  lua_setfield(L, -2, "every");
  lua_pushcfunction(L, live_after);
  lua_setfield(L, -2, "after");
}

/* core/script/timers.c — every(seconds, fn) and after(seconds, fn) of a config. A reload ends the old ones and starts the new. */
#include <stdlib.h>

#include "script/script.h"

struct tl_hook_timer {
  tl_hook_timer *next;
  tl_script *script;
  tl_timer *timer;
  int function;     /* registry reference */
  int64_t due, every_ms; /* every_ms 0: once */
};

static int p_fire (lua_State *L) {
  tl_hook_timer *t = lua_touserdata(L, 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, t->function);
  lua_call(L, 0, 0);
  return 0;
}

static void on_due (void *ctx) {
  tl_hook_timer *t = ctx;
  tl_script *s = t->script;
  tl_buf err;
  if (t->every_ms > 0) {
    /* On the grid of its start, so that it does not drift; what was missed is not made up for. */
    int64_t now = tl_loop_now(s->loop);
    t->due += t->every_ms;
    if (t->due <= now) t->due += (now - t->due) / t->every_ms * t->every_ms + t->every_ms;
    tl_timer_at(t->timer, t->due);
  } else {
    t->due = INT64_MAX;
  }
  tl_buf_init(&err);
  const char *what = t->every_ms > 0 ? "every" : "after";
  if (tl_script_enter(s, p_fire, t, s->handler_time, what, &err) != LUA_OK) tl_script_say_error(s, what, tl_buf_bytes(&err));
  tl_buf_fini(&err);
}

static tl_hook_timer *earliest (const tl_script *s) {
  tl_hook_timer *first = s->timers;
  for (tl_hook_timer *t = first; t != NULL; t = t->next)
    if (t->due <= first->due) first = t; /* the list is newest first */
  return first;
}

int64_t tl_timers_due (const tl_script *s) {
  const tl_hook_timer *t = earliest(s);
  return t != NULL ? t->due : INT64_MAX;
}

void tl_timers_fire (tl_script *s) {
  tl_hook_timer *t = earliest(s);
  if (t == NULL || t->due == INT64_MAX) return;
  tl_timer_stop(t->timer);
  on_due(t);
}

void tl_timers_stop (tl_script *s) {
  while (s->timers != NULL) {
    tl_hook_timer *t = s->timers;
    s->timers = t->next;
    tl_timer_close(t->timer);
    luaL_unref(s->L, LUA_REGISTRYINDEX, t->function);
    free(t);
  }
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
    double ms = lua_tonumber(L, -1) * 1000.0;
    int64_t period = ms < 1 ? 1 : (int64_t)(ms + 0.5);
    lua_getfield(L, -3, "fn");
    tl_hook_timer *t = calloc(1, sizeof *t);
    if (t == NULL) return luaL_error(L, "not enough memory");
    t->script = s;
    t->function = LUA_NOREF;
    t->every_ms = every ? period : 0;
    if (tl_timer_new(&t->timer, s->loop, on_due, t) < 0) {
      free(t);
      return luaL_error(L, "not enough memory");
    }
    t->next = s->timers;
    s->timers = t;
    t->function = luaL_ref(L, LUA_REGISTRYINDEX);
    t->due = tl_loop_now(s->loop) + period;
    tl_timer_at(t->timer, t->due);
    lua_pop(L, 3);
  }
  return 0;
}

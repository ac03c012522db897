/* core/script/l_write.c — waiting for a write. In a coroutine the call waits, and returns
** true, or nil and why.
** With a function, the call returns at once, and the function is called when the write has
** ended. In a handler, which cannot wait, the call only says whether the write is under way. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script/script.h"
#include "script/turn.h"

/* For the log, if the write fails later. */
typedef struct {
  tl_change change;
  char scope[256]; /* a copy: the line may be removed by then */
} kept_change;

typedef struct {
  tl_due turn; /* first: see run_waiting */
  tl_script *s;
  int function;  /* registry reference, or LUA_NOREF */
  int coroutine; /* registry reference of the waiting coroutine, or LUA_NOREF */
  lua_State *co;
  tl_caller caller; /* for whom the function or coroutine runs */
  bool owed;
  tl_sent *sent; /* for a prompt: what was published; NULL: nobody asks */
  int result;
  const char *why;
  char kept_why[160];  /* a copy of `why`, while this waits for its turn */
  kept_change *change; /* NULL: the write is a handler's */
} waiting;

static void waiting_free (waiting *w) {
  free(w->change);
  free(w->sent);
  free(w);
}

static int p_call_back (lua_State *L) {
  waiting *w = lua_touserdata(L, 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, w->function);
  lua_pushboolean(L, w->result == TL_OK);
  if (w->result == TL_OK)
    lua_pushnil(L);
  else
    lua_pushstring(L, w->why);
  lua_call(L, 2, 0);
  return 0;
}

static int p_wake (lua_State *L) {
  waiting *w = lua_touserdata(L, 1);
  lua_State *co = w->co;
  int results = 0;
  lua_pushboolean(co, w->result == TL_OK);
  if (w->result != TL_OK) {
    lua_pop(co, 1);
    lua_pushnil(co);
    lua_pushstring(co, w->why);
  }
  int rc = tl_sandbox_resume(co, L, w->result == TL_OK ? 1 : 2, &results);
  if (rc <= LUA_YIELD) return 0;
  luaL_traceback(
      L, co, lua_type(co, -1) == LUA_TSTRING ? lua_tostring(co, -1) : "error in a coroutine", 0);
  return lua_error(L);
}

/* Resume the coroutine. If it belongs to an evaluation, repl/eval_wait.c does that and handles its
** end. */
static void wake (waiting *w) {
  tl_buf err;
  if (lua_status(w->co) != LUA_YIELD) return; /* something else has resumed it meanwhile */
  const char *text = NULL;
  if (w->result != TL_OK)
    text = w->why;
  else if (w->sent)
    text = w->sent->text;
  if (tl_eval_resume(w->s, w->co, w->result == TL_OK, text)) return;
  tl_buf_init(&err);
  if (tl_script_enter(w->s, p_wake, w, w->s->box.handler_time, "write", &err) != LUA_OK)
    tl_script_log_error(w->s, NULL, tl_buf_bytes(&err));
  tl_buf_fini(&err);
}

static void finish (waiting *w) {
  tl_script *s = w->s;
  tl_caller before = tl_caller_enter(s, w->caller);
  if (w->function != LUA_NOREF) {
    tl_buf err;
    tl_buf_init(&err);
    if (tl_script_enter(s, p_call_back, w, s->box.handler_time, "write", &err) != LUA_OK)
      tl_script_log_error(s, NULL, tl_buf_bytes(&err));
    tl_buf_fini(&err);
    luaL_unref(s->box.L, LUA_REGISTRYINDEX, w->function);
  } else if (w->coroutine != LUA_NOREF) {
    wake(w);
    luaL_unref(s->box.L, LUA_REGISTRYINDEX, w->coroutine);
  }
  tl_caller_leave(s, before);
  if (w->owed) tl_caller_settle(s, w->caller);
  waiting_free(w);
}

static void run_waiting (tl_due *due) { finish((waiting *)due); }

static void drop_waiting (tl_due *due) { waiting_free((waiting *)due); }

static void on_done (void *ctx, int result, const char *why) {
  waiting *w = ctx;
  w->result = result;
  w->why = why;
  if (result != TL_OK && w->change) tl_change_log(&w->change->change, "failed:", why);
  if (tl_turn_is_used(w->s)) {
    tl_turn_wait(w->s, &w->turn, w->caller.line);
    if (why) snprintf(w->kept_why, sizeof w->kept_why, "%s", why);
    w->why = w->kept_why;
    return;
  }
  finish(w);
}

/* What the coroutine is resumed with are the results of the call. */
static int after_wait (lua_State *L, int status, lua_KContext context) {
  (void)status;
  return lua_gettop(L) - (int)context;
}

static kept_change *keep_change (const tl_change *change) {
  kept_change *k = change->text[0] != '\0' ? calloc(1, sizeof *k) : NULL;
  if (!k) return NULL;
  k->change = *change;
  if (change->scope) strncpy(k->scope, change->scope, sizeof k->scope - 1);
  k->change.scope = k->scope;
  return k;
}

/* Who is told how the write ended: a function, a coroutine, the log. NULL: nobody. */
static waiting *new_waiting (lua_State *L, tl_script *s, int callback, bool waits,
                             const tl_change *change) {
  bool with_function = !lua_isnoneornil(L, callback);
  if (!with_function && !waits && change->text[0] == '\0') return NULL;
  waiting *w = malloc(sizeof *w);
  if (!w) {
    luaL_error(L, "not enough memory");
    return NULL;
  }
  bool is_called = with_function || waits;
  *w = (waiting){ .turn = { .run = run_waiting, .drop = drop_waiting, .owed = is_called },
                  .s = s,
                  .function = LUA_NOREF,
                  .coroutine = LUA_NOREF,
                  .co = L,
                  .caller = tl_caller_here(L),
                  .change = keep_change(change) };
  /* References are taken last. If luaL_ref raises (no memory), one small block is leaked. */
  if (with_function) {
    lua_pushvalue(L, callback);
    w->function = luaL_ref(L, LUA_REGISTRYINDEX);
  } else if (waits) {
    lua_pushthread(L);
    w->coroutine = luaL_ref(L, LUA_REGISTRYINDEX);
  }
  /* an evaluation that waits for this write is waited for anyway */
  w->owed = with_function || (waits && !tl_eval_of(L));
  if (w->owed) tl_caller_owe(s, w->caller);
  return w;
}

/* Calls the function of a write that was refused, with the reason. */
static int call_refused (lua_State *L) {
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushboolean(L, 0);
  lua_pushvalue(L, lua_upvalueindex(2));
  lua_call(L, 2, 0);
  tl_caller_settle(tl_script_of(L), tl_caller_here(L));
  return 0;
}

/* Return nil and why at once, and call the function a little later. Not in this turn: a
** function that writes again each time would run without a pause. */
static int refuse (lua_State *L, tl_script *s, int callback, const char *why) {
  if (!lua_isnoneornil(L, callback) && s->loop) {
    lua_pushvalue(L, callback);
    lua_pushstring(L, why);
    lua_pushcclosure(L, call_refused, 2);
    if (tl_timers_soon(L, s)) tl_caller_owe(s, tl_caller_here(L));
  }
  lua_pushnil(L);
  lua_pushstring(L, why);
  return 2;
}

int tl_write_async (lua_State *L, tl_script *s,
                    int (*start)(void *ctx, tl_write_done *done, void *done_ctx, tl_err *err),
                    void *ctx, int callback, const tl_change *change) {
  tl_err err = { .text = "" };
  bool waits = lua_isnoneornil(L, callback) && lua_isyieldable(L);
  waiting *w = new_waiting(L, s, callback, waits, change);
  /* without memory the prompt does not tell it */
  if (w && waits && tl_eval_of(L)) w->sent = calloc(1, sizeof *w->sent);
  tl_gateway_describe(s->gateway, w ? w->sent : NULL);
  int rc = start(ctx, w ? on_done : NULL, w, &err);
  tl_gateway_describe(s->gateway, NULL);
  tl_change_log(change, rc < 0 ? "refused:" : NULL, err.text);
  if (rc < 0) {
    if (w) {
      if (w->owed) tl_caller_settle(s, w->caller);
      luaL_unref(L, LUA_REGISTRYINDEX, w->function);
      luaL_unref(L, LUA_REGISTRYINDEX, w->coroutine);
      waiting_free(w);
    }
    return refuse(L, s, callback, err.text);
  }
  if (waits) {
    int top = lua_gettop(L);
    return lua_yieldk(L, 0, top, after_wait);
  }
  lua_pushboolean(L, 1);
  return 1;
}

/* core/repl/eval_wait.c — what an evaluation waits for: an answer to a write, a watch or a query,
** a person, a reader that is behind, its next slice. Functions of script/ that wait call these
** by tl_console_hooks. */
#include <stdio.h>
#include <stdlib.h>

#include "repl/eval_impl.h"

/* What the coroutine is resumed with are the results of the call. */
static int after_wait (lua_State *L, int status, lua_KContext context) {
  (void)status;
  return lua_gettop(L) - (int)context;
}

static int wait_in (lua_State *L, tl_eval *e, tl_eval_state state) {
  e->state = state;
  e->thread.used_ns = 0;
  return lua_yieldk(L, 0, lua_gettop(L), after_wait);
}

/* The text of what is printed is on top. */
static int print_text (lua_State *L, int status, lua_KContext context) {
  (void)status;
  (void)context;
  tl_eval *const *here = lua_touserdata(L, lua_upvalueindex(1));
  tl_err err = { .text = "" };
  size_t len;
  luaL_checkstring(L, -1);
  lua_pushvalue(L, -1);
  lua_pushliteral(L, "\n");
  lua_concat(L, 2);
  const char *text = lua_tolstring(L, -1, &len);
  if (tl_gateway_commit(tl_script_of(L)->gateway, &err) < 0)
    return luaL_error(L, "not printed: %s", err.text);
  /* A callback may print after its console has closed, and the console may close while the
  ** values become text. */
  if (!*here || (*here)->state == TL_EVAL_LEFT) {
    tl_log_print(tl_slice_of(lua_tostring(L, -2), len - 1));
    return 0;
  }
  bool room = (*here)->events.output((*here)->ctx, tl_slice_of(text, len));
  /* If the reader is behind, its own evaluation waits, so no output is lost. */
  if (room || tl_eval_of(L) != *here) return 0;
  return wait_in(L, *here, TL_EVAL_DRAINING);
}

/* A long text is looked at in slices, where the function that prints it may wait. */
int tl_eval_print (lua_State *L) {
  tl_eval *const *here = lua_touserdata(L, lua_upvalueindex(1));
  int n = lua_gettop(L);
  tl_eval_push_format(L, *here, n, true);
  lua_callk(L, n + 2, 1, 0, print_text);
  return print_text(L, LUA_OK, 0);
}

static tl_eval *eval_of (lua_State *L) {
  tl_eval *e = tl_script_of(L)->repl->evaluating;
  return e && e->thread.co == L && lua_isyieldable(L) ? e : NULL;
}

static int eval_wait (lua_State *L, tl_eval *e, void (*stop)(void *ctx), void *ctx) {
  e->waiting.stop = stop;
  e->waiting.ctx = ctx;
  return wait_in(L, e, TL_EVAL_WAITING);
}

static void eval_wake (tl_eval *e, int (*push)(lua_State *co, void *arg), void *arg) {
  if (e->state != TL_EVAL_WAITING && e->state != TL_EVAL_DRAINING) return;
  e->waiting.stop = NULL;
  e->waiting.entered = NULL;
  tl_eval_go_on(e, push, arg);
}

static int eval_rest (lua_State *L) {
  tl_eval *e = eval_of(L);
  if (!e || tl_clock_mono_ns() - e->thread.slice_began < e->thread.slice_ns) return 0;
  e->thread.used_ns += tl_clock_cpu_ns() - e->thread.slice_cpu;
  tl_eval_await_slice(e);
  return lua_yield(L, 0);
}

typedef struct {
  bool ok;
  const char *why;
} written;

static int push_written (lua_State *co, void *arg) {
  const written *w = arg;
  if (w->ok)
    lua_pushboolean(co, 1);
  else
    lua_pushnil(co);
  if (!w->ok) lua_pushstring(co, w->why);
  return w->ok ? 1 : 2;
}

/* A person at a prompt reads where a write went; a program reads `true`. */
static void note_written (tl_eval *e, const char *sent) {
  char text[400];
  if (!e->person.tty || e->chunk.one_shot || e->chunk.line > 0 || !sent || sent[0] == '\0') return;
  int n = snprintf(text, sizeof text, "sent to %s", sent);
  e->events.note(e->ctx, tl_slice_of(text, (size_t)n));
}

static bool eval_resume (tl_script *s, lua_State *co, bool ok, const char *why) {
  written w = { ok, why };
  for (tl_eval *e = s->repl->evals; e; e = e->next) {
    if (e->thread.co != co) continue;
    if (ok) note_written(e, why);
    e->thread.used_ns = 0;
    tl_eval_go_on(e, push_written, &w);
    return true;
  }
  return false;
}

void tl_eval_drained (tl_eval *e) {
  if (e->state == TL_EVAL_DRAINING) tl_eval_wake(e, NULL, NULL);
}

void tl_eval_entered (tl_eval *e) {
  if (e->waiting.entered) e->waiting.entered(e->waiting.ctx);
}

void tl_eval_on_entered (tl_eval *e, void (*entered)(void *ctx)) { e->waiting.entered = entered; }

static void eval_show (tl_eval *e, tl_slice text) { e->events.output(e->ctx, text); }

static void close_all (tl_script *s) {
  while (s->repl->evals) tl_eval_free(s->repl->evals);
  free(s->repl);
  s->repl = NULL;
  tl_caller_set_console(s, NULL);
}

const tl_console_hooks tl_eval_hooks = { .of = eval_of,
                                         .wait = eval_wait,
                                         .wake = eval_wake,
                                         .rest = eval_rest,
                                         .resume = eval_resume,
                                         .show = eval_show,
                                         .owe = tl_eval_owe,
                                         .settle = tl_eval_settle,
                                         .close = close_all };

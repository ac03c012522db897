/* core/script/eval.c — evaluations for consoles: a chunk runs as a coroutine, so that it can wait for a write while the loop goes on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script/script.h"

enum { EVAL_SECONDS = 2 }; /* of processor between two waits: longer would stop the plant's messages */

struct tl_eval {
  tl_eval *next;
  tl_script *script;
  tl_eval_events events;
  void *ctx;
  int env;         /* registry reference: this person's variables */
  tl_eval **here;  /* how functions that outlive this console find it: NULL when it is gone */
  int here_ref;    /* registry reference that keeps it */
  int thread;      /* registry reference of the running evaluation, or LUA_NOREF */
  lua_State *co;
  bool json, tty;
  int width;
  uint32_t uid;
};

typedef struct {
  tl_eval *e;
  tl_slice code;
  bool interactive, unfinished, waits;
  int args;
  bool ok;
  const char *why;
  tl_buf *result;
} step;

static int eval_print (lua_State *L) {
  tl_eval *const *here = lua_touserdata(L, lua_upvalueindex(1));
  luaL_Buffer b;
  int n = lua_gettop(L);
  luaL_buffinit(L, &b);
  for (int i = 1; i <= n; i++) {
    if (i > 1) luaL_addchar(&b, '\t');
    luaL_tolstring(L, i, NULL);
    luaL_addvalue(&b);
  }
  luaL_addchar(&b, '\n');
  luaL_pushresult(&b);
  size_t len;
  const char *text = lua_tolstring(L, -1, &len);
  tl_err err = { .text = "" };
  if (tl_gateway_commit(tl_script_of(L)->gateway, &err) < 0) return luaL_error(L, "not printed: %s", err.text);
  /* A callback may come when nobody is attached any more. The console may also have gone while its values became text. */
  if (*here != NULL) (*here)->events.output((*here)->ctx, tl_slice_of(text, len));
  else fwrite(text, 1, len, stderr);
  return 0;
}

static int p_new (lua_State *L) {
  tl_eval *e = lua_touserdata(L, 1);
  e->here = lua_newuserdatauv(L, sizeof *e->here, 0);
  *e->here = e;
  lua_pushvalue(L, -1);
  e->here_ref = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_newtable(L);
  lua_pushvalue(L, -2);
  lua_pushcclosure(L, eval_print, 1);
  lua_setfield(L, -2, "print");
  lua_newtable(L);
  tl_push_env(L);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, -2);
  e->env = luaL_ref(L, LUA_REGISTRYINDEX);
  return 0;
}

int tl_eval_new (tl_eval **out, tl_script *s, const tl_eval_events *events, void *ctx) {
  tl_eval *e = calloc(1, sizeof *e);
  if (e == NULL) return TL_ENOMEM;
  e->script = s;
  e->events = *events;
  e->ctx = ctx;
  e->env = e->thread = e->here_ref = LUA_NOREF;
  e->width = 80;
  if (tl_script_enter(s, p_new, e, 0, "repl", NULL) != LUA_OK) {
    luaL_unref(s->L, LUA_REGISTRYINDEX, e->here_ref);
    free(e);
    return TL_ENOMEM;
  }
  e->next = s->evals;
  s->evals = e;
  *out = e;
  return TL_OK;
}

static void forget_thread (tl_eval *e) {
  /* One that still waits must never wake: its write may end long after. */
  if (e->co != NULL && lua_status(e->co) == LUA_YIELD) lua_resetthread(e->co);
  luaL_unref(e->script->L, LUA_REGISTRYINDEX, e->thread);
  e->thread = LUA_NOREF;
  e->co = NULL;
}

void tl_eval_free (tl_eval *e) {
  for (tl_eval **at = &e->script->evals; *at != NULL; at = &(*at)->next) {
    if (*at != e) continue;
    *at = e->next;
    break;
  }
  forget_thread(e);
  *e->here = NULL;
  luaL_unref(e->script->L, LUA_REGISTRYINDEX, e->here_ref);
  luaL_unref(e->script->L, LUA_REGISTRYINDEX, e->env);
  free(e);
}

void tl_eval_options (tl_eval *e, bool json, bool tty, int width, uint32_t uid) {
  e->json = json;
  e->tty = tty;
  e->width = width;
  e->uid = uid;
}

static bool ends_with_eof (const char *text, size_t len) {
  static const char mark[] = "<eof>";
  return len >= sizeof mark - 1 && memcmp(text + len - (sizeof mark - 1), mark, sizeof mark - 1) == 0;
}

/* First as an expression, then as statements: what a person types at a prompt is most often the former. */
static void compile (lua_State *L, step *st) {
  size_t len;
  lua_pushliteral(L, "return ");
  lua_pushlstring(L, (const char *)st->code.at, st->code.len);
  lua_concat(L, 2);
  const char *text = lua_tolstring(L, -1, &len);
  if (luaL_loadbufferx(L, text, len, "=repl", "t") == LUA_OK) return;
  lua_pop(L, 2);
  if (luaL_loadbufferx(L, (const char *)st->code.at, st->code.len, "=repl", "t") == LUA_OK) return;
  text = lua_tolstring(L, -1, &len);
  st->unfinished = st->interactive && ends_with_eof(text, len);
  if (!st->unfinished) lua_error(L);
}

static int p_start (lua_State *L) {
  step *st = lua_touserdata(L, 1);
  tl_eval *e = st->e;
  compile(L, st);
  if (st->unfinished) return 0;
  lua_rawgeti(L, LUA_REGISTRYINDEX, e->env);
  lua_setupvalue(L, -2, 1);
  e->co = lua_newthread(L);
  tl_script_arm(e->script, e->co);
  e->thread = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_xmove(L, e->co, 1);
  return 0;
}

/* print.format(options, n, …) gives the text of the results. */
static void format_results (lua_State *L, tl_eval *e, int n, tl_buf *result) {
  size_t len;
  lua_rawgeti(L, LUA_REGISTRYINDEX, e->script->print_module);
  lua_getfield(L, -1, "format");
  lua_createtable(L, 0, 3);
  lua_pushboolean(L, e->json);
  lua_setfield(L, -2, "json");
  lua_pushboolean(L, e->tty);
  lua_setfield(L, -2, "tty");
  lua_pushinteger(L, e->width);
  lua_setfield(L, -2, "width");
  lua_pushinteger(L, n);
  luaL_checkstack(L, n, "too many results");
  if (n > 0) lua_xmove(e->co, L, n);
  lua_call(L, n + 2, 1);
  const char *text = luaL_checklstring(L, -1, &len);
  tl_buf_add(result, text, len);
}

static int p_go_on (lua_State *L) {
  step *st = lua_touserdata(L, 1);
  tl_eval *e = st->e;
  int results = 0, args = st->args;
  if (args > 0) {
    if (st->ok) lua_pushboolean(e->co, 1);
    else lua_pushnil(e->co);
    if (!st->ok) lua_pushstring(e->co, st->why);
    args = st->ok ? 1 : 2;
  }
  int rc = lua_resume(e->co, L, args, &results);
  if (rc == LUA_YIELD) {
    lua_pop(e->co, results);
    st->waits = true;
    return 0;
  }
  if (rc != LUA_OK) {
    if (lua_type(e->co, -1) == LUA_TSTRING) lua_xmove(e->co, L, 1);
    else lua_pushfstring(L, "error object: a %s", luaL_typename(e->co, -1));
    return lua_error(L);
  }
  format_results(L, e, results, st->result);
  return 0;
}

static void report (tl_eval *e, bool ok, tl_buf *text) {
  forget_thread(e);
  /* Plain words: the reader typed the code, a traceback of our own functions tells nothing. */
  tl_slice said = tl_buf_bytes(text);
  tl_err err = { .text = "" };
  if (tl_gateway_commit(e->script->gateway, &err) < 0 && ok) { /* a write that it reports is not safe */
    ok = false;
    said = tl_slice_str(err.text);
  }
  const uint8_t *trace = ok ? NULL : memmem(said.at, said.len, "\nstack traceback:", 17);
  if (trace != NULL) said.len = (size_t)(trace - said.at);
  e->events.done(e->ctx, ok, said);
}

static void go_on (tl_eval *e, step *st) {
  tl_buf result, err;
  tl_buf_init(&result);
  tl_buf_init(&err);
  st->result = &result;
  int rc = tl_script_enter(e->script, p_go_on, st, EVAL_SECONDS, "repl", &err);
  if (rc != LUA_OK) report(e, false, &err);
  else if (!st->waits) report(e, true, &result);
  tl_buf_fini(&result);
  tl_buf_fini(&err);
}

void tl_eval_run (tl_eval *e, tl_slice code, bool interactive) {
  step st = { .e = e, .code = code, .interactive = interactive };
  tl_buf err;
  tl_buf_init(&err);
  if (e->co != NULL) {
    tl_buf_str(&err, "an evaluation is still running");
    e->events.done(e->ctx, false, tl_buf_bytes(&err));
  } else if (tl_script_enter(e->script, p_start, &st, EVAL_SECONDS, "repl", &err) != LUA_OK) {
    report(e, false, &err);
  } else if (st.unfinished) {
    e->events.more(e->ctx);
  } else {
    go_on(e, &st);
  }
  tl_buf_fini(&err);
}

bool tl_eval_resume (tl_script *s, lua_State *co, bool ok, const char *why) {
  for (tl_eval *e = s->evals; e != NULL; e = e->next) {
    if (e->co != co) continue;
    step st = { .e = e, .args = 1, .ok = ok, .why = why };
    go_on(e, &st);
    return true;
  }
  return false;
}

void tl_eval_cancel (tl_eval *e) {
  static const char text[] = "cancelled";
  if (e->co == NULL) return;
  forget_thread(e);
  e->events.done(e->ctx, false, tl_slice_of(text, sizeof text - 1));
}

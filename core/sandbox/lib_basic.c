/* core/sandbox/lib_basic.c — pcall, xpcall and coroutine functions that pass on the error
** which ends a call, so a script cannot catch it; and a quicker error. */
#include "base/number.h"
#include "sandbox/lib.h"

enum { CLOSING_MAX = 30 };

/* --- raising an error --- */

enum { SHORT = 200 }; /* bytes of a message that is made without a Lua buffer */

/* The message at index 1 behind "FILE:LINE: ", for Lua code at this level. Lua makes three strings
** and calls snprintf for that, which a decoder that fails for each message has to pay. */
static void add_place (lua_State *L, const lua_Debug *ar) {
  uint8_t bytes[LUA_IDSIZE + 24 + SHORT];
  tl_buf text = { .at = bytes, .cap = sizeof bytes };
  size_t len;
  const char *message = lua_tolstring(L, 1, &len);
  tl_buf_str(&text, ar->short_src);
  tl_buf_byte(&text, ':');
  tl_integer_format(&text, ar->currentline);
  tl_buf_add(&text, ": ", 2);
  if (len <= SHORT) {
    tl_buf_add(&text, message, len);
    lua_pushlstring(L, (const char *)text.at, text.len);
    return;
  }
  lua_pushlstring(L, (const char *)text.at, text.len);
  lua_pushvalue(L, 1);
  lua_concat(L, 2);
}

/* error(message [, level]), as Lua has it. */
static int basic_error (lua_State *L) {
  lua_Debug ar;
  lua_Integer level = luaL_optinteger(L, 2, 1);
  lua_settop(L, 1);
  if (lua_type(L, 1) == LUA_TSTRING && level > 0 && level <= INT32_MAX &&
      lua_getstack(L, (int)level, &ar)) {
    lua_getinfo(L, "Sl", &ar);
    if (ar.currentline > 0) add_place(L, &ar);
  }
  return lua_error(L);
}

/* --- protected calls --- */

static int finish_call (lua_State *L, int status, lua_KContext before) {
  if (status == LUA_OK || status == LUA_YIELD) return lua_gettop(L) - (int)before;
  tl_budget_rethrow(L);
  lua_pushboolean(L, 0);
  lua_insert(L, -2);
  return 2;
}

static int basic_pcall (lua_State *L) {
  luaL_checkany(L, 1);
  lua_pushboolean(L, 1); /* the first result if there is no error */
  lua_insert(L, 1);
  int status = lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0, finish_call);
  return finish_call(L, status, 0);
}

/* A user's message handler for xpcall runs where the error is raised. That may be inside the
** hook, where no hook could end it, so it is not called then. */
static int on_error (lua_State *L) {
  if (tl_sandbox_of(L)->budget.expired) return 1;
  lua_settop(L, 1);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, 1, 1);
  return 1;
}

static int basic_xpcall (lua_State *L) {
  luaL_checktype(L, 2, LUA_TFUNCTION);
  int args = lua_gettop(L) - 2;
  lua_pushvalue(L, 2);
  lua_pushcclosure(L, on_error, 1);
  lua_replace(L, 2);
  lua_pushboolean(L, 1);
  lua_pushvalue(L, 1);
  lua_rotate(L, 3, 2);
  int status = lua_pcallk(L, args, LUA_MULTRET, 2, 2, finish_call);
  return finish_call(L, status, 2);
}

/* --- coroutines --- */

static lua_State *check_thread (lua_State *L) {
  lua_State *co = lua_tothread(L, 1);
  if (!co) luaL_typeerror(L, 1, "coroutine");
  return co;
}

/* Resume a coroutine and move its results to L. Returns their number; -1: the error is on L. */
static int resume (lua_State *L, lua_State *co, int args) {
  int n = 0;
  if (!lua_checkstack(co, args)) {
    lua_pushliteral(L, "too many arguments to resume");
    return -1;
  }
  lua_xmove(L, co, args);
  int rc = tl_sandbox_resume(co, L, args, &n);
  if (rc != LUA_OK && rc != LUA_YIELD) {
    lua_xmove(co, L, 1);
    tl_budget_rethrow(L);
    return -1;
  }
  tl_budget_check(L);
  if (!lua_checkstack(L, n + 1)) {
    lua_pop(co, n);
    lua_pushliteral(L, "too many results to resume");
    return -1;
  }
  lua_xmove(co, L, n);
  return n;
}

static int coroutine_resume (lua_State *L) {
  lua_State *co = check_thread(L);
  int n = resume(L, co, lua_gettop(L) - 1);
  lua_pushboolean(L, n >= 0);
  lua_insert(L, n >= 0 ? -(n + 1) : -2);
  return n >= 0 ? n + 1 : 2;
}

/* Close a coroutine. Its __close may close another one, and so on: Lua 5.4.4 does not count
** these C calls, so they are counted here. */
static int close_thread (lua_State *L, lua_State *co) {
  tl_sandbox *s = tl_sandbox_of(L);
  lua_State *outer = s->running;
  if (s->closing >= CLOSING_MAX)
    return luaL_error(L, "C stack overflow (coroutines that close coroutines)");
  s->closing++;
  s->running = co;
  int status = lua_resetthread(co); /* catches errors of what it runs */
  s->running = outer;
  s->closing--;
  return status;
}

static int call_wrapped (lua_State *L) {
  lua_State *co = lua_tothread(L, lua_upvalueindex(1));
  int n = resume(L, co, lua_gettop(L));
  if (n >= 0) return n;
  int status = lua_status(co);
  if (status != LUA_OK && status != LUA_YIELD) { /* it ended with an error: close its variables */
    lua_pop(L, 1);
    close_thread(L, co);
    lua_xmove(co, L, 1);
    tl_budget_rethrow(L);
  }
  if (status != LUA_ERRMEM && lua_type(L, -1) == LUA_TSTRING) {
    luaL_where(L, 1);
    lua_insert(L, -2);
    lua_concat(L, 2);
  }
  return lua_error(L);
}

static int coroutine_wrap (lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_State *co = lua_newthread(L);
  lua_pushvalue(L, 1);
  lua_xmove(L, co, 1);
  lua_pushcclosure(L, call_wrapped, 1);
  return 1;
}

static const char *why_not_closed (lua_State *L, lua_State *co) {
  lua_Debug ar;
  if (co == L) return "cannot close a running coroutine";
  if (lua_status(co) == LUA_OK && lua_getstack(co, 0, &ar))
    return "cannot close a normal coroutine";
  return NULL;
}

static int coroutine_close (lua_State *L) {
  lua_State *co = check_thread(L);
  const char *why = why_not_closed(L, co);
  if (why) return luaL_error(L, "%s", why);
  if (tl_sandbox_is_ended(co)) {
    lua_pushboolean(L, 0);
    lua_pushliteral(L, "the coroutine was ended by its budget");
    return 2;
  }
  int status = close_thread(L, co);
  lua_pushboolean(L, status == LUA_OK);
  if (status == LUA_OK) return 1;
  lua_xmove(co, L, 1);
  tl_budget_rethrow(L);
  return 2;
}

void tl_open_basic (lua_State *L) {
  static const luaL_Reg coroutines[] = {
    { "resume", coroutine_resume },
    { "wrap", coroutine_wrap },
    { "close", coroutine_close },
    { NULL, NULL },
  };
  lua_pushcfunction(L, basic_error);
  lua_setglobal(L, "error");
  lua_pushcfunction(L, basic_pcall);
  lua_setglobal(L, "pcall");
  lua_pushcfunction(L, basic_xpcall);
  lua_setglobal(L, "xpcall");
  lua_getglobal(L, "coroutine");
  luaL_setfuncs(L, coroutines, 0);
  lua_pop(L, 1);
}

/* core/offline/l_heard.c — see l_heard.h. Topics are given one at a time: a table of all
** of them is the caller's to make, as small as it needs. */
#include "offline/l_heard.h"

#include <lauxlib.h>

static const tl_heard *upvalue (lua_State *L) { return lua_touserdata(L, lua_upvalueindex(1)); }

static void push_slice (lua_State *L, tl_slice s) {
  lua_pushlstring(L, s.len > 0 ? (const char *)s.at : "", s.len);
}

static void push_seconds (lua_State *L, int64_t ms) { lua_pushnumber(L, (lua_Number)ms / 1000.0); }

static const tl_heard_topic *check_topic (lua_State *L) {
  const tl_heard *c = upvalue(L);
  lua_Integer i = luaL_checkinteger(L, 1);
  if (i < 1 || (size_t)i > tl_heard_count(c)) luaL_argerror(L, 1, "there is no such topic");
  return tl_heard_at(c, (size_t)i - 1);
}

static int l_totals (lua_State *L) {
  const tl_heard *c = upvalue(L);
  tl_heard_totals sum = tl_heard_sum(c);
  lua_pushinteger(L, (lua_Integer)sum.messages);
  lua_pushinteger(L, (lua_Integer)sum.bytes);
  lua_pushinteger(L, (lua_Integer)sum.over);
  lua_pushinteger(L, (lua_Integer)sum.unkept);
  lua_pushinteger(L, (lua_Integer)tl_heard_count(c));
  return 5;
}

static int l_topic (lua_State *L) {
  const tl_heard_topic *t = check_topic(L);
  push_slice(L, t->topic);
  lua_pushinteger(L, (lua_Integer)t->count);
  lua_pushinteger(L, (lua_Integer)t->bytes);
  lua_pushinteger(L, (lua_Integer)t->smallest);
  lua_pushinteger(L, (lua_Integer)t->largest);
  lua_pushinteger(L, (lua_Integer)t->retained);
  push_seconds(L, t->first);
  push_seconds(L, t->last);
  return 8;
}

static int l_sample (lua_State *L) {
  const tl_heard_topic *t = check_topic(L);
  lua_Integer n = luaL_checkinteger(L, 2);
  if (n < 1 || n > TL_HEARD_SAMPLES) luaL_argerror(L, 2, "there is no such sample");
  const tl_heard_sample *s = &t->samples[n - 1];
  if (!s->payload.at) return 0;
  push_slice(L, s->payload);
  push_seconds(L, s->wall);
  lua_pushboolean(L, s->retained);
  return 3;
}

void tl_push_heard (lua_State *L, const tl_heard *c) {
  static const luaL_Reg functions[] = {
    { "totals", l_totals }, { "topic", l_topic }, { "sample", l_sample }, { NULL, NULL }
  };
  luaL_newlibtable(L, functions);
  lua_pushlightuserdata(L, (void *)(uintptr_t)c);
  luaL_setfuncs(L, functions, 1);
}

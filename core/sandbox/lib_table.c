/* core/sandbox/lib_table.c — the functions of `table` that walk through a table: they look at
** the budget at each element. The length may come from a metamethod, so it is no limit.
** sort is a heap sort: no order of elements and no comparison function makes it slow. */
#include "sandbox/lib.h"

enum { ELEMENT = 3, COMPARISON = 10 }; /* in steps */

static void check_table (lua_State *L, int index) {
  if (lua_type(L, index) == LUA_TTABLE) return;
  if (luaL_getmetafield(L, index, "__index") == LUA_TNIL &&
      luaL_getmetafield(L, index, "__newindex") == LUA_TNIL)
    luaL_checktype(L, index, LUA_TTABLE);
  lua_settop(L, lua_gettop(L) - 1);
}

static int table_insert (lua_State *L) {
  tl_sandbox *s = tl_sandbox_of(L);
  int n = lua_gettop(L);
  check_table(L, 1);
  lua_Integer e = (lua_Integer)((lua_Unsigned)luaL_len(L, 1) + 1);
  if (n == 2) {
    lua_seti(L, 1, e);
    return 0;
  }
  if (n != 3) return luaL_error(L, "wrong number of arguments to 'insert'");
  lua_Integer at = luaL_checkinteger(L, 2);
  if ((lua_Unsigned)at - 1u >= (lua_Unsigned)e) luaL_argerror(L, 2, "position out of bounds");
  for (lua_Integer i = e; i > at; i--) {
    tl_work(L, s);
    lua_geti(L, 1, i - 1);
    lua_seti(L, 1, i);
  }
  lua_seti(L, 1, at);
  return 0;
}

static int table_remove (lua_State *L) {
  tl_sandbox *s = tl_sandbox_of(L);
  check_table(L, 1);
  lua_Integer size = luaL_len(L, 1), at = luaL_optinteger(L, 2, size);
  if (at != size && (lua_Unsigned)at - 1u > (lua_Unsigned)size)
    luaL_argerror(L, 2, "position out of bounds");
  lua_geti(L, 1, at);
  for (; at < size; at++) {
    tl_work(L, s);
    lua_geti(L, 1, at + 1);
    lua_seti(L, 1, at);
  }
  lua_pushnil(L);
  lua_seti(L, 1, at);
  return 1;
}

static int table_move (lua_State *L) {
  tl_sandbox *s = tl_sandbox_of(L);
  lua_Integer from = luaL_checkinteger(L, 2), last = luaL_checkinteger(L, 3),
              to = luaL_checkinteger(L, 4);
  int target = lua_isnoneornil(L, 5) ? 1 : 5;
  check_table(L, 1);
  check_table(L, target);
  if (last >= from) {
    if (from <= 0 && last >= LUA_MAXINTEGER + from)
      luaL_argerror(L, 3, "too many elements to move");
    lua_Integer n = last - from + 1;
    if (to > LUA_MAXINTEGER - n + 1) luaL_argerror(L, 4, "destination wrap around");
    /* source and target overlap */
    bool backwards =
        to > from && to <= last && (target == 1 || lua_compare(L, 1, target, LUA_OPEQ));
    for (lua_Integer i = 0; i < n; i++) {
      lua_Integer k = backwards ? n - 1 - i : i;
      tl_work(L, s);
      lua_geti(L, 1, from + k);
      lua_seti(L, target, to + k);
    }
  }
  lua_pushvalue(L, target);
  return 1;
}

static int table_concat (lua_State *L) {
  tl_sandbox *s = tl_sandbox_of(L);
  size_t between_len;
  luaL_Buffer out;
  check_table(L, 1);
  const char *between = luaL_optlstring(L, 2, "", &between_len);
  lua_Integer i = luaL_optinteger(L, 3, 1),
              last = lua_isnoneornil(L, 4) ? luaL_len(L, 1) : luaL_checkinteger(L, 4);
  luaL_buffinit(L, &out);
  for (; i <= last; i++) {
    tl_work(L, s);
    lua_geti(L, 1, i);
    if (!lua_isstring(L, -1))
      return luaL_error(L, "invalid value (at index %I) in table for 'concat'", (LUAI_UACINT)i);
    tl_work(L, s);
    luaL_addvalue(&out);
    if (i == last) break; /* last may be the largest integer: then i + 1 would overflow */
    luaL_addlstring(&out, between, between_len);
  }
  luaL_pushresult(&out);
  return 1;
}

/* --- sort: 1 the table, 2 the comparison or nil --- */

static bool less (lua_State *L, tl_sandbox *s, int a, int b) {
  tl_work(L, s);
  if (lua_isnil(L, 2)) return lua_compare(L, a, b, LUA_OPLT);
  lua_pushvalue(L, 2);
  lua_pushvalue(L, a - 1); /* a and b count from the top */
  lua_pushvalue(L, b - 2);
  lua_call(L, 2, 1);
  bool yes = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return yes;
}

/* Let the value on top sink from place i among the first n; pops it. */
static void sink (lua_State *L, tl_sandbox *s, lua_Integer i, lua_Integer n) {
  while (2 * i <= n) {
    lua_Integer child = 2 * i;
    lua_geti(L, 1, child);
    if (child < n) {
      lua_geti(L, 1, child + 1);
      if (less(L, s, -2, -1)) {
        lua_remove(L, -2);
        child++;
      } else {
        lua_pop(L, 1);
      }
    }
    if (!less(L, s, -2, -1)) {
      lua_pop(L, 1);
      break;
    }
    lua_seti(L, 1, i);
    i = child;
  }
  lua_seti(L, 1, i);
}

static int table_sort (lua_State *L) {
  tl_sandbox *s = tl_sandbox_of(L);
  check_table(L, 1);
  lua_Integer n = luaL_len(L, 1);
  if (n < 2) return 0;
  if (n >= INT32_MAX) luaL_argerror(L, 1, "array too big");
  if (!lua_isnoneornil(L, 2)) luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 2);
  for (lua_Integer i = n / 2; i >= 1; i--) {
    lua_geti(L, 1, i);
    sink(L, s, i, n);
  }
  for (lua_Integer last = n; last > 1; last--) {
    lua_geti(L, 1, last);
    lua_geti(L, 1, 1);
    lua_seti(L, 1, last);
    sink(L, s, 1, last - 1);
  }
  return 0;
}

void tl_open_table (lua_State *L) {
  static const luaL_Reg own[] = {
    { "insert", table_insert }, { "remove", table_remove }, { "move", table_move },
    { "concat", table_concat }, { "sort", table_sort },     { NULL, NULL },
  };
  lua_getglobal(L, "table");
  luaL_setfuncs(L, own, 0);
  lua_pop(L, 1);
}

/* core/script/l_history_rows.c — a list of very many rows. One table of a million holds the loop
** while it grows, and again while it is collected, since neither can pause. So the rows stand in
** parts, and the list reads like a table: rows[i], #rows, ipairs(rows), pairs(rows).
** Its functions are C: evaluations pause in the loop that calls them, not within. */
#include "script/l_history_impl.h"

enum { PART = 4000 };

/* The list's metatable holds the parts at 1, 2 …, and how many rows there are. */
static lua_Integer count_of (lua_State *L, int meta) {
  lua_getfield(L, meta, "count");
  lua_Integer count = lua_tointeger(L, -1);
  lua_pop(L, 1);
  return count;
}

static void set_count (lua_State *L, int meta, lua_Integer count) {
  lua_pushinteger(L, count);
  lua_setfield(L, meta, "count");
}

/* Push the metatable of the list at 1. Returns how many rows it has. */
static lua_Integer meta_of_list (lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  if (!lua_getmetatable(L, 1)) return luaL_error(L, "attempt to use a list without its rows");
  return count_of(L, lua_gettop(L));
}

/* The number that the key at 2 is, if it is a whole one: "5" is another key than 5. */
static lua_Integer key_of (lua_State *L, int *is_integer) {
  *is_integer = 0;
  return lua_type(L, 2) == LUA_TNUMBER ? lua_tointegerx(L, 2, is_integer) : 0;
}

/* Push the part with row i; it is made where it is not there. */
static void push_part (lua_State *L, int meta, lua_Integer i) {
  lua_Integer at = (i - 1) / PART + 1;
  if (lua_rawgeti(L, meta, at) == LUA_TTABLE) return;
  lua_pop(L, 1);
  lua_createtable(L, PART, 0);
  lua_pushvalue(L, -1);
  lua_rawseti(L, meta, at);
}

static void push_row (lua_State *L, int meta, lua_Integer i) {
  push_part(L, meta, i);
  lua_rawgeti(L, -1, (i - 1) % PART + 1);
}

static int rows_index (lua_State *L) {
  int is_integer;
  lua_Integer i = key_of(L, &is_integer), count = meta_of_list(L);
  if (!is_integer || i < 1 || i > count) return 0;
  push_row(L, lua_gettop(L), i);
  return 1;
}

/* One behind the last row is added; nil for the last one takes it away. */
static int rows_set (lua_State *L) {
  int is_integer;
  lua_Integer i = key_of(L, &is_integer), count = meta_of_list(L);
  if (!is_integer || i < 1 || i > count + 1) {
    lua_settop(L, 3);
    lua_rawset(L, 1);
    return 0;
  }
  push_part(L, 4, i);
  lua_pushvalue(L, 3);
  lua_rawseti(L, -2, (i - 1) % PART + 1);
  bool gone = lua_isnil(L, 3);
  if (gone && i == count) set_count(L, 4, count - 1);
  if (!gone && i > count) set_count(L, 4, i);
  return 0;
}

static int rows_count (lua_State *L) {
  lua_pushinteger(L, meta_of_list(L));
  return 1;
}

/* The rows in their order, then what else the list holds. */
static int rows_next (lua_State *L) {
  int is_integer;
  lua_settop(L, 2);
  lua_Integer i = key_of(L, &is_integer), count = meta_of_list(L);
  if (is_integer && i < 0) i = 0;
  if ((is_integer || lua_isnil(L, 2)) && i < count) {
    lua_pushinteger(L, i + 1);
    push_row(L, 3, i + 1);
    lua_remove(L, -2);
    return 2;
  }
  /* What else the list holds may have a number, too: far behind the last row. */
  bool was_row = is_integer && lua_rawgeti(L, 1, i) == LUA_TNIL;
  lua_settop(L, 3);
  if (was_row)
    lua_pushnil(L);
  else
    lua_pushvalue(L, 2);
  return lua_next(L, 1) ? 2 : 0;
}

static int rows_pairs (lua_State *L) {
  lua_settop(L, 1);
  lua_pushcfunction(L, rows_next);
  lua_insert(L, 1);
  lua_pushnil(L);
  return 3;
}

void tl_make_many_rows (lua_State *L, size_t count) {
  static const luaL_Reg functions[] = { { "__index", rows_index },
                                        { "__newindex", rows_set },
                                        { "__len", rows_count },
                                        { "__pairs", rows_pairs },
                                        { NULL, NULL } };
  lua_createtable(L, (int)(count / PART) + 1, 8);
  luaL_setfuncs(L, functions, 0);
  lua_pushliteral(L, "tagline.list");
  lua_setfield(L, -2, "__name");
  lua_pushliteral(L, "tagline.list"); /* scripts must not change it */
  lua_setfield(L, -2, "__metatable");
  set_count(L, lua_gettop(L), (lua_Integer)count);
  lua_setmetatable(L, -2);
}

void tl_set_row (lua_State *L, int list, lua_Integer i) {
  if (!lua_getmetatable(L, list)) {
    lua_rawseti(L, list, i);
    return;
  }
  int meta = lua_gettop(L);
  if (count_of(L, meta) == 0) {
    lua_pop(L, 1);
    lua_rawseti(L, list, i);
    return;
  }
  push_part(L, meta, i);
  lua_pushvalue(L, meta - 1); /* the row */
  lua_rawseti(L, -2, (i - 1) % PART + 1);
  lua_settop(L, meta - 2);
}

/* core/sandbox/lib_pick.c — json.pick: a set of addresses, compiled once; then one strict pass
** over a text gives the values at all of them, without a table of the document. */
#include <stdlib.h>

#include "sandbox/lib.h"

#define PICK "tagline.pick"

enum {
  ADDRESSES_MAX = 250,
  ADDRESS_MAX = 1000, /* bytes of one */
  BYTES_A_NS = 1      /* how fast a text is looked at, at least */
};

typedef struct {
  tl_json_set *set;
  size_t n;
  bool presence[ADDRESSES_MAX]; /* "?a.b": whether there is anything */
} picker;

static int picker_gc (lua_State *L) {
  picker *p = luaL_checkudata(L, 1, PICK);
  if (p->set) tl_json_set_free(p->set);
  p->set = NULL;
  return 0;
}

/* The value of an address: nothing is nil, null is json.null, objects and arrays are tables. */
static void push_value (lua_State *L, const tl_json_value *v, bool presence) {
  if (v->type == TL_JSON_NONE || (presence && v->type == TL_JSON_NULL)) {
    lua_pushnil(L);
  } else if (presence) {
    lua_pushboolean(L, 1);
  } else {
    tl_push_json_value(L, v);
  }
}

/* pick(text [, what]): the values in the order of the addresses; raises when the text is not JSON,
** with `what` ("the text") before the place. */
static int pick_call (lua_State *L) {
  const picker *p = lua_touserdata(L, lua_upvalueindex(1));
  tl_json_value values[ADDRESSES_MAX];
  tl_json_error error;
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  const char *what = luaL_optstring(L, 2, "the text");
  tl_budget_spend(L, len / BYTES_A_NS);
  if (tl_json_extract(p->set, tl_slice_of(text, len), values, &error) != TL_OK)
    return luaL_error(L, "%s is not JSON: line %d, column %d: expected %s", what, (int)error.line,
                      (int)error.column, error.expected);
  luaL_checkstack(L, (int)p->n + LUA_MINSTACK, "too many addresses");
  for (size_t i = 0; i < p->n; i++) push_value(L, &values[i], p->presence[i]);
  return (int)p->n;
}

static tl_slice check_address (lua_State *L, int i, picker *p) {
  size_t len;
  if (lua_rawgeti(L, 1, i + 1) != LUA_TSTRING)
    luaL_error(L, "json.pick: address %d: expected a string, got %s", i + 1, luaL_typename(L, -1));
  const char *text = lua_tolstring(L, -1, &len);
  lua_pop(L, 1); /* the table keeps it */
  if (len > ADDRESS_MAX)
    luaL_error(L, "json.pick: address %d: expected at most %d bytes, got %I", i + 1, ADDRESS_MAX,
               (LUAI_UACINT)len);
  p->presence[i] = len > 0 && text[0] == '?';
  return p->presence[i] ? tl_slice_of(text + 1, len - 1) : tl_slice_of(text, len);
}

int tl_json_pick (lua_State *L) {
  tl_slice addresses[ADDRESSES_MAX];
  size_t which = 0;
  tl_err err;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_Unsigned n = lua_rawlen(L, 1);
  if (n == 0 || n > ADDRESSES_MAX)
    return luaL_error(L, "json.pick: expected 1 to %d addresses, got %I", ADDRESSES_MAX,
                      (LUAI_UACINT)n);
  picker *p = lua_newuserdatauv(L, sizeof *p, 0);
  *p = (picker){ .set = NULL, .n = (size_t)n };
  if (luaL_newmetatable(L, PICK)) {
    lua_pushcfunction(L, picker_gc);
    lua_setfield(L, -2, "__gc");
    lua_pushliteral(L, PICK);
    lua_setfield(L, -2, "__metatable");
  }
  lua_setmetatable(L, -2);
  for (size_t i = 0; i < p->n; i++) addresses[i] = check_address(L, (int)i, p);
  int rc = tl_json_set_new(&p->set, addresses, p->n, &which, &err);
  if (rc == TL_ENOMEM) return luaL_error(L, "not enough memory");
  if (rc != TL_OK)
    return luaL_error(L, "json.pick: address %d: %s (at position %d)", (int)which + 1, err.text,
                      (int)err.at + 1);
  lua_pushcclosure(L, pick_call, 1);
  return 1;
}

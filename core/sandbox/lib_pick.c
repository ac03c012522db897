/* core/sandbox/lib_pick.c — json.pick: compiles a set of addresses once. One strict pass over
** a text then gives the values at all of them, without making tables of the document. */
#include "sandbox/lib.h"
#include "sandbox/picker.h"

#define PICK "tagline.pick"

enum {
  ADDRESS_MAX = 1000, /* bytes of one */
  BYTES_A_NS = 1      /* the least speed at which a text is read */
};

static int picker_gc (lua_State *L) {
  tl_picker *p = luaL_checkudata(L, 1, PICK);
  if (p->set) tl_json_set_free(p->set);
  p->set = NULL;
  return 0;
}

size_t tl_picker_room (const tl_picker *p) { return tl_json_set_slots(p->set); }

void tl_picker_push (lua_State *L, const tl_picker *p, size_t i, const tl_json_value *v) {
  bool presence = p->presence[i];
  if (v->type == TL_JSON_NONE || (presence && v->type == TL_JSON_NULL)) {
    lua_pushnil(L);
  } else if (presence) {
    lua_pushboolean(L, 1);
  } else {
    tl_push_json_value(L, v);
  }
}

void tl_picker_read (lua_State *L, const tl_picker *p, int index, const char *what,
                     tl_json_value *values) {
  tl_json_error error;
  size_t len;
  const char *text = luaL_checklstring(L, index, &len);
  tl_budget_spend(L, len / BYTES_A_NS);
  if (tl_json_extract(p->set, tl_slice_of(text, len), values, &error) != TL_OK)
    luaL_error(L, "%s is not JSON: line %d, column %d: expected %s", what, (int)error.line,
               (int)error.column, error.expected);
}

/* pick(text [, what]): returns the values in the order of the addresses. Raises if the text is
** not JSON; `what` ("the text") begins the message. */
static int pick_call (lua_State *L) {
  const tl_picker *p = lua_touserdata(L, lua_upvalueindex(1));
  tl_json_value values[TL_PICKER_ROOM];
  luaL_checktype(L, 1, LUA_TSTRING);
  tl_picker_read(L, p, 1, luaL_optstring(L, 2, "the text"), values);
  luaL_checkstack(L, (int)p->n + LUA_MINSTACK, "too many addresses");
  for (size_t i = 0; i < p->n; i++) tl_picker_push(L, p, i, &values[i]);
  return (int)p->n;
}

static tl_slice check_address (lua_State *L, int index, int i, tl_picker *p) {
  size_t len;
  if (lua_rawgeti(L, index, i + 1) != LUA_TSTRING)
    luaL_error(L, "json.pick: address %d: expected a string, got %s", i + 1, luaL_typename(L, -1));
  const char *text = lua_tolstring(L, -1, &len);
  lua_pop(L, 1); /* the table keeps it */
  if (len > ADDRESS_MAX)
    luaL_error(L, "json.pick: address %d: expected at most %d bytes, got %I", i + 1, ADDRESS_MAX,
               (LUAI_UACINT)len);
  p->presence[i] = len > 0 && text[0] == '?';
  return p->presence[i] ? tl_slice_of(text + 1, len - 1) : tl_slice_of(text, len);
}

static void compile (lua_State *L, tl_picker *p, int index) {
  tl_slice addresses[TL_PICKER_MAX];
  size_t which = 0;
  tl_err err;
  for (size_t i = 0; i < p->n; i++) addresses[i] = check_address(L, index, (int)i, p);
  int rc = tl_json_set_new(&p->set, addresses, p->n, &which, &err);
  if (rc == TL_ENOMEM) luaL_error(L, "not enough memory");
  if (rc != TL_OK)
    luaL_error(L, "json.pick: address %d: %s (at position %d)", (int)which + 1, err.text,
               (int)err.at + 1);
  if (tl_picker_room(p) > TL_PICKER_ROOM)
    luaL_error(L, "json.pick: expected at most %d addresses and selectors in them, got %I",
               TL_PICKER_ROOM, (LUAI_UACINT)tl_picker_room(p));
}

tl_picker *tl_picker_new (lua_State *L, int index) {
  luaL_checktype(L, index, LUA_TTABLE);
  lua_Unsigned n = lua_rawlen(L, index);
  if (n == 0 || n > TL_PICKER_MAX)
    luaL_error(L, "json.pick: expected 1 to %d addresses, got %I", TL_PICKER_MAX, (LUAI_UACINT)n);
  tl_picker *p = lua_newuserdatauv(L, sizeof *p, 0);
  *p = (tl_picker){ .set = NULL, .n = (size_t)n };
  if (luaL_newmetatable(L, PICK)) {
    lua_pushcfunction(L, picker_gc);
    lua_setfield(L, -2, "__gc");
    lua_pushliteral(L, PICK);
    lua_setfield(L, -2, "__metatable");
  }
  lua_setmetatable(L, -2);
  compile(L, p, index);
  return p;
}

int tl_json_pick (lua_State *L) {
  tl_picker_new(L, 1);
  lua_pushcclosure(L, pick_call, 1);
  return 1;
}

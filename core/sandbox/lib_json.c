/* core/sandbox/lib_json.c — the module `json` of scripts: encode, decode and null as in
** lua-cjson, but within the state's budgets, and with integers of 64 bits.
** (lua-cjson itself uses memory that no limit counts, and cannot be interrupted.) */
#include <math.h>
#include <string.h>

#include "base/number.h"
#include "base/utf8.h"
#include "sandbox/lib.h"

enum { DEPTH = 500, SPARSE_SAFE = 10, SPARSE_RATIO = 2, FIRST_ROOM = 256 };

/* The text that was written so far; it is in a userdata, so that Lua counts and frees it. */
typedef struct {
  lua_State *L;
  tl_sandbox *script;
  char *at;
  size_t len, cap;
  int index, depth;
} writing;

static char *room (writing *w, size_t n) {
  if (w->cap - w->len < n) {
    size_t cap = w->cap + w->cap / 2 + n;
    char *more = lua_newuserdatauv(w->L, cap, 0);
    memcpy(more, w->at, w->len);
    lua_replace(w->L, w->index);
    w->at = more;
    w->cap = cap;
  }
  return w->at + w->len;
}

static void add (writing *w, const char *text, size_t n) {
  memcpy(room(w, n), text, n);
  w->len += n;
}

static void add_escaped (writing *w, uint8_t c) {
  static const char hex[] = "0123456789abcdef", from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
  const char *known = memchr(from, c, sizeof from - 1);
  tl_work(w->L, w->script);
  if (known) {
    add(w, (const char[]){ '\\', to[known - from] }, 2);
  } else {
    add(w, (const char[]){ '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] }, 6);
  }
}

static void add_text (writing *w, int index) {
  size_t len, from = 0;
  const char *text = lua_tolstring(w->L, index, &len);
  size_t good = tl_utf8_prefix((const uint8_t *)text, len);
  if (good < len)
    luaL_error(w->L, "cannot serialise a string that is not UTF-8 (byte %d)", (int)good + 1);
  tl_work(w->L, w->script);
  add(w, "\"", 1);
  for (size_t i = 0; i < len; i++) {
    uint8_t c = (uint8_t)text[i];
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    add(w, text + from, i - from);
    add_escaped(w, c);
    from = i + 1;
  }
  add(w, text + from, len - from);
  add(w, "\"", 1);
}

static void add_number (writing *w, int index) {
  uint8_t bytes[64];
  tl_buf text = { .at = bytes, .cap = sizeof bytes };
  if (lua_isinteger(w->L, index)) {
    tl_integer_format(&text, lua_tointeger(w->L, index));
  } else {
    double number = lua_tonumber(w->L, index);
    if (!isfinite(number)) luaL_error(w->L, "cannot serialise number: must not be NaN or Infinity");
    tl_number_format(&text, number);
  }
  add(w, (const char *)text.at, text.len);
}

/* The length of the table on top if it is an array, by the rules of lua-cjson; -1: it is an
** object. */
static lua_Integer array_length (writing *w) {
  lua_State *L = w->L;
  lua_Integer most = 0, n = 0;
  for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
    int exact = 0;
    lua_Integer key = lua_type(L, -2) == LUA_TNUMBER ? lua_tointegerx(L, -2, &exact) : 0;
    tl_work(L, w->script);
    if (!exact || key < 1) {
      lua_pop(L, 2);
      return -1;
    }
    n++;
    if (key > most) most = key;
  }
  if (most > SPARSE_SAFE && most / SPARSE_RATIO > n)
    luaL_error(L, "cannot serialise table: excessively sparse array");
  return n == 0 ? -1 : most;
}

static void add_value (writing *w);

static void add_array (writing *w, lua_Integer n) {
  add(w, "[", 1);
  for (lua_Integer i = 1; i <= n; i++) {
    if (i > 1) add(w, ",", 1);
    lua_rawgeti(w->L, -1, i);
    add_value(w);
    lua_pop(w->L, 1);
  }
  add(w, "]", 1);
}

static void add_key (writing *w) {
  lua_State *L = w->L;
  int type = lua_type(L, -2);
  if (type == LUA_TSTRING) {
    add_text(w, -2);
  } else if (type == LUA_TNUMBER) {
    add(w, "\"", 1);
    add_number(w, -2);
    add(w, "\"", 1);
  } else {
    luaL_error(L, "cannot serialise %s: table key must be a number or string",
               lua_typename(L, type));
  }
}

static void add_object (writing *w) {
  lua_State *L = w->L;
  bool first = true;
  add(w, "{", 1);
  for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
    if (!first) add(w, ",", 1);
    first = false;
    add_key(w);
    add(w, ":", 1);
    add_value(w);
  }
  add(w, "}", 1);
}

/* The value on top, which stays there. */
static void add_value (writing *w) {
  lua_State *L = w->L;
  tl_work(L, w->script);
  switch (lua_type(L, -1)) {
    case LUA_TSTRING: add_text(w, -1); return;
    case LUA_TNUMBER: add_number(w, -1); return;
    case LUA_TBOOLEAN: lua_toboolean(L, -1) ? add(w, "true", 4) : add(w, "false", 5); return;
    case LUA_TNIL: add(w, "null", 4); return;
    case LUA_TTABLE: {
      if (++w->depth > DEPTH) luaL_error(L, "cannot serialise, excessive depth (%d)", w->depth);
      luaL_checkstack(L, 8, "too deep");
      lua_Integer n = array_length(w);
      if (n < 0)
        add_object(w);
      else
        add_array(w, n);
      w->depth--;
      return;
    }
    case LUA_TLIGHTUSERDATA:
      if (!lua_touserdata(L, -1)) {
        add(w, "null", 4);
        return;
      } /* fall through */
    default: luaL_error(L, "cannot serialise %s: type not supported", luaL_typename(L, -1));
  }
}

static int json_encode (lua_State *L) {
  writing w = { .L = L, .script = tl_sandbox_of(L), .index = 2, .cap = FIRST_ROOM };
  if (lua_gettop(L) != 1) return luaL_argerror(L, 1, "expected 1 argument");
  w.at = lua_newuserdatauv(L, w.cap, 0);
  lua_pushvalue(L, 1);
  add_value(&w);
  lua_pushlstring(L, w.at, w.len);
  return 1;
}

static int json_decode (lua_State *L) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  tl_push_json_of(L, tl_slice_of(text, len), "the text");
  return 1;
}

int tl_open_json (lua_State *L) {
  static const luaL_Reg functions[] = {
    { "encode", json_encode }, { "decode", json_decode }, { "pick", tl_json_pick }, { NULL, NULL }
  };
  luaL_newlib(L, functions);
  lua_pushlightuserdata(L, NULL);
  lua_setfield(L, -2, "null");
  return 1;
}

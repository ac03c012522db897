/* core/sandbox/json.c — turns a JSON document into Lua tables, with our own strict scanner:
** integers keep all 64 bits, null becomes json.null. */
#include <string.h>

#include "base/number.h"
#include "sandbox/json_keys_impl.h"

/* An array or object that is not finished. Its table is made with room for as much as was there the
** last time; when there is more, Lua makes it larger. */
typedef struct {
  lua_Integer count; /* elements or members so far */
  int table;         /* stack index */
  bool array;
  tl_json_place *place; /* of the key that leads here, or around it */
  uint8_t *room;        /* where the count is kept */
} level;

typedef struct {
  lua_State *L;
  tl_sandbox *script;
  int depth;  /* 0: outside of everything */
  bool lists; /* mark empty arrays as lists, to tell them from objects */
  tl_json_keys *keys;
  int key_table;
  const uint8_t *end; /* of the document */
  level levels[TL_JSON_DEPTH + 1];
} building;

static void push_text (building *b, tl_slice raw, bool escaped) {
  tl_work(b->L, b->script);
  if (!escaped) {
    lua_pushlstring(b->L, (const char *)raw.at, raw.len);
    return;
  }
  /* An escaped text is at most as long as its source, so a Lua buffer of that size, which an
  ** error cannot leak, is enough. */
  luaL_Buffer lb;
  tl_buf out = { .at = (uint8_t *)luaL_buffinitsize(b->L, &lb, raw.len + 1), .cap = raw.len + 1 };
  tl_json_unescape(&out, raw);
  luaL_pushresultsize(&lb, out.len);
}

static tl_json_place *push_key (building *b, tl_slice raw, bool escaped) {
  if (!escaped) return tl_push_json_key(b->L, b->keys, b->key_table, raw, b->end);
  push_text(b, raw, true);
  return &b->keys->places[TL_JSON_KEYS];
}

/* The finished value is on top, and in an object its key is below it: put it into its table. If a
** key comes twice, its last value counts. */
static inline void store (building *b) {
  level *l = &b->levels[b->depth];
  if (b->depth == 0) return;
  l->count++;
  if (l->array)
    lua_rawseti(b->L, l->table, l->count);
  else
    lua_rawset(b->L, l->table);
}

static int on_begin (void *ctx, tl_slice key, bool key_escaped, bool array) {
  building *b = ctx;
  lua_State *L = b->L;
  tl_work(L, b->script);
  luaL_checkstack(L, LUA_MINSTACK, "JSON is nested too deep");
  tl_json_place *place = key.at ? push_key(b, key, key_escaped) : b->levels[b->depth].place;
  level *l = &b->levels[++b->depth];
  l->count = 0;
  l->array = array;
  l->place = place;
  l->room = &place->room[!key.at];
  lua_createtable(L, array ? *l->room : 0, array ? 0 : *l->room);
  l->table = lua_gettop(L);
  return 0;
}

static int on_end (void *ctx, bool array) {
  building *b = ctx;
  const level *l = &b->levels[b->depth--];
  uint8_t room = (uint8_t)(l->count < TL_JSON_ROOM ? l->count : TL_JSON_ROOM);
  *l->room = room;
  memset(b->keys->places[TL_JSON_KEYS].room, room, 2);
  if (array && b->lists && l->count == 0) tl_mark_list(b->L);
  store(b);
  return 0;
}

static void push_scalar (building *b, const tl_json_value *v) {
  lua_State *L = b->L;
  int64_t integer;
  double number;
  bool exact = false;
  switch (v->type) {
    case TL_JSON_TRUE: lua_pushboolean(L, 1); break;
    case TL_JSON_FALSE: lua_pushboolean(L, 0); break;
    case TL_JSON_STRING: push_text(b, v->raw, v->escaped); break;
    case TL_JSON_NUMBER:
      if (v->integral && tl_integer_parse(v->raw, &integer, &exact) == TL_OK && exact) {
        lua_pushinteger(L, integer);
      } else {
        tl_number_parse(v->raw, &number);
        lua_pushnumber(L, number);
      }
      break;
    default: lua_pushlightuserdata(L, NULL); /* lua-cjson uses the same value for json.null */
  }
}

static int on_scalar (void *ctx, tl_slice key, bool key_escaped, const tl_json_value *v) {
  building *b = ctx;
  tl_work(b->L, b->script);
  if (key.at) push_key(b, key, key_escaped);
  push_scalar(b, v);
  store(b);
  return 0;
}

static void push (lua_State *L, tl_slice document, const char *what, bool lists) {
  static const tl_json_visitor visitor = { on_begin, on_end, on_scalar };
  building b;
  b.L = L;
  b.script = tl_sandbox_of(L);
  b.depth = 0;
  b.lists = lists;
  b.end = document.at + document.len;
  tl_json_error error;
  int top = lua_gettop(L);
  luaL_checkstack(L, LUA_MINSTACK, "no room for JSON");
  b.keys = tl_push_json_keys(L);
  b.key_table = top + 1;
  b.levels[0].place = &b.keys->places[TL_JSON_KEYS];
  if (tl_json_walk(document, &visitor, &b, &error) == 0) {
    lua_replace(L, b.key_table);
    return;
  }
  lua_settop(L, top);
  luaL_error(L, "%s is not JSON: line %d, column %d: expected %s", what, (int)error.line,
             (int)error.column, error.expected);
}

void tl_push_json_value (lua_State *L, const tl_json_value *v) {
  if (v->type == TL_JSON_ARRAY || v->type == TL_JSON_OBJECT) {
    push(L, v->raw, "the text", false);
    return;
  }
  building b;
  b.L = L;
  b.script = tl_sandbox_of(L);
  push_scalar(&b, v);
}

void tl_mark_list (lua_State *L) {
  if (luaL_newmetatable(L, "tagline.list")) {
    lua_pushliteral(L, "tagline.list");
    /* all lists share this metatable, so scripts must not change it */
    lua_setfield(L, -2, "__metatable");
  }
  lua_setmetatable(L, -2);
}

void tl_push_json_of (lua_State *L, tl_slice document, const char *what) {
  push(L, document, what, false);
}

void tl_push_json (lua_State *L, tl_slice document) { push(L, document, "the payload", false); }

void tl_push_document (lua_State *L, tl_slice document) { push(L, document, "the document", true); }

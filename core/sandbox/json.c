/* core/sandbox/json.c — a JSON document as Lua tables, by our own strict scanner: integers keep
** all 64 bits, null is json.null. */
#include "base/number.h"
#include "sandbox/sandbox.h"

typedef struct {
  lua_State *L;
  tl_sandbox *script;
  lua_Integer count[TL_JSON_DEPTH + 1]; /* elements so far, of arrays */
  int depth;
  bool lists; /* an array without elements is marked, so that it is not taken for an object */
} building;

static void push_text (building *b, tl_slice raw, bool escaped) {
  tl_work(b->L, b->script);
  if (!escaped) {
    lua_pushlstring(b->L, (const char *)raw.at, raw.len);
    return;
  }
  /* An escaped text is at most as long as its source: build it in a Lua buffer that an error
  ** cannot leak. */
  luaL_Buffer lb;
  tl_buf out = { .at = (uint8_t *)luaL_buffinitsize(b->L, &lb, raw.len + 1), .cap = raw.len + 1 };
  tl_json_unescape(&out, raw);
  luaL_pushresultsize(&lb, out.len);
}

/* The finished value is on top: into the table below it. */
static void store (building *b, tl_slice key, bool key_escaped) {
  lua_State *L = b->L;
  if (b->depth == 0) return;
  if (!key.at) {
    lua_rawseti(L, -2, ++b->count[b->depth]);
    return;
  }
  push_text(b, key, key_escaped);
  lua_insert(L, -2);
  lua_rawset(L, -3);
}

/* Keys wait on the stack until their table is closed. */
static int on_begin (void *ctx, tl_slice key, bool key_escaped, bool array) {
  building *b = ctx;
  (void)array;
  tl_work(b->L, b->script);
  luaL_checkstack(b->L, 4, "JSON is nested too deep");
  if (b->depth > 0 && key.at)
    push_text(b, key, key_escaped);
  else
    lua_pushnil(b->L);
  lua_newtable(b->L);
  b->count[++b->depth] = 0;
  return 0;
}

static int on_end (void *ctx, bool array) {
  building *b = ctx;
  lua_State *L = b->L;
  if (array && b->lists && b->count[b->depth] == 0) tl_mark_list(L);
  b->depth--;
  if (b->depth == 0) {
    lua_remove(L, -2);
  } else if (lua_isnil(L, -2)) {
    lua_remove(L, -2);
    lua_rawseti(L, -2, ++b->count[b->depth]);
  } else {
    lua_rawset(L, -3);
  }
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
    default: lua_pushlightuserdata(L, NULL); /* what lua-cjson's json.null is */
  }
}

static int on_scalar (void *ctx, tl_slice key, bool key_escaped, const tl_json_value *v) {
  building *b = ctx;
  tl_work(b->L, b->script);
  luaL_checkstack(b->L, 4, "JSON is nested too deep");
  push_scalar(b, v);
  store(b, key, key_escaped);
  return 0;
}

static void push (lua_State *L, tl_slice document, const char *what, bool lists) {
  static const tl_json_visitor visitor = { on_begin, on_end, on_scalar };
  building b = { .L = L, .script = tl_sandbox_of(L), .lists = lists };
  tl_json_error error;
  int top = lua_gettop(L);
  if (tl_json_walk(document, &visitor, &b, &error) == 0) return;
  lua_settop(L, top);
  luaL_error(L, "%s is not JSON: line %d, column %d: expected %s", what, (int)error.line,
             (int)error.column, error.expected);
}

void tl_push_json_value (lua_State *L, const tl_json_value *v) {
  if (v->type == TL_JSON_ARRAY || v->type == TL_JSON_OBJECT) {
    push(L, v->raw, "the text", false);
    return;
  }
  building b = { .script = tl_sandbox_of(L) };
  b.L = L;
  push_scalar(&b, v);
}

void tl_mark_list (lua_State *L) {
  if (luaL_newmetatable(L, "tagline.list")) {
    lua_pushliteral(L, "tagline.list");
    lua_setfield(L, -2, "__metatable"); /* one for all: not to be changed */
  }
  lua_setmetatable(L, -2);
}

void tl_push_json_of (lua_State *L, tl_slice document, const char *what) {
  push(L, document, what, false);
}

void tl_push_json (lua_State *L, tl_slice document) { push(L, document, "the payload", false); }

void tl_push_document (lua_State *L, tl_slice document) { push(L, document, "the document", true); }

/* core/sandbox/binary.c — turns a CBOR or MessagePack document into Lua tables. Must not know
** where the document comes from. */
#include <math.h>

#include "sandbox/sandbox.h"

typedef struct {
  lua_State *L;
  tl_sandbox *script;
  lua_Integer count[TL_JSON_DEPTH + 1]; /* elements so far, of arrays */
  int depth;
} building;

/* Push the bytes of a string. Chunks are joined in a Lua buffer, which an error cannot leak. */
static void push_bytes (building *b, const tl_json_value *v) {
  luaL_Buffer lb;
  if (!v->escaped) {
    lua_pushlstring(b->L, (const char *)v->raw.at, v->raw.len);
    return;
  }
  tl_buf out = { .at = (uint8_t *)luaL_buffinitsize(b->L, &lb, v->raw.len + 1),
                 .cap = v->raw.len + 1 };
  tl_doc_bytes(v, &out);
  luaL_pushresultsize(&lb, out.len);
}

static void push_number (building *b, const tl_json_value *v) {
  tl_doc_number n = tl_doc_number_of(v);
  if (n.kind == TL_DOC_INT)
    lua_pushinteger(b->L, n.integer);
  else
    lua_pushnumber(b->L, n.number);
}

static void push_scalar (building *b, const tl_json_value *v) {
  tl_work(b->L, b->script);
  switch ((tl_json_type)v->type) {
    case TL_JSON_TRUE: lua_pushboolean(b->L, 1); return;
    case TL_JSON_FALSE: lua_pushboolean(b->L, 0); return;
    case TL_DOC_BYTES:
      if (v->format & TL_DOC_BIG && !v->escaped)
        push_number(b, v);
      else
        push_bytes(b, v);
      return;
    case TL_JSON_STRING:
    case TL_DOC_TIME_TEXT: push_bytes(b, v); return;
    case TL_DOC_NUMBER: push_number(b, v); return;
    default: lua_pushlightuserdata(b->L, NULL); /* json.null */
  }
}

/* Push a key. A key that Lua does not allow, or could not find again, becomes a text. */
static void push_key (building *b, const tl_json_value *key) {
  static const char *const odd[] = { "null", "array", "object", "NaN" };
  lua_State *L = b->L;
  switch ((tl_json_type)key->type) {
    case TL_JSON_NULL:
    case TL_DOC_UNDEFINED: lua_pushstring(L, odd[0]); return;
    case TL_JSON_ARRAY: lua_pushstring(L, odd[1]); return;
    case TL_JSON_OBJECT: lua_pushstring(L, odd[2]); return;
    default: break;
  }
  push_scalar(b, key);
  if (lua_type(L, -1) != LUA_TNUMBER || !isnan(lua_tonumber(L, -1))) return;
  lua_pop(L, 1);
  lua_pushstring(L, odd[3]);
}

/* The finished value is on top: put it into the table below it. */
static void store (building *b, const tl_json_value *key) {
  lua_State *L = b->L;
  if (b->depth == 0) return;
  if (!key) {
    lua_rawseti(L, -2, ++b->count[b->depth]);
    return;
  }
  push_key(b, key);
  lua_insert(L, -2);
  lua_rawset(L, -3);
}

/* The key of a table stays on the stack until the table is closed; an element of an array has
** its index as key. */
static int on_begin (void *ctx, const tl_json_value *key, bool array) {
  building *b = ctx;
  (void)array;
  tl_work(b->L, b->script);
  luaL_checkstack(b->L, 6, "the document is nested too deep");
  if (b->depth > 0 && key)
    push_key(b, key);
  else
    lua_pushinteger(b->L, b->depth > 0 ? ++b->count[b->depth] : 0);
  lua_newtable(b->L);
  b->count[++b->depth] = 0;
  return 0;
}

static int on_end (void *ctx, bool array) {
  building *b = ctx;
  lua_State *L = b->L;
  (void)array;
  if (--b->depth == 0)
    lua_remove(L, -2);
  else
    lua_rawset(L, -3);
  return 0;
}

static int on_value (void *ctx, const tl_json_value *key, const tl_json_value *v) {
  building *b = ctx;
  luaL_checkstack(b->L, 6, "the document is nested too deep");
  push_scalar(b, v);
  store(b, key);
  return 0;
}

void tl_push_binary (lua_State *L, tl_doc_format format, tl_slice document, const char *what) {
  static const tl_doc_visitor visitor = { on_begin, on_end, on_value };
  building b = { .L = L, .script = tl_sandbox_of(L) };
  tl_json_error error;
  int top = lua_gettop(L);
  if (tl_doc_walk(format, document, &visitor, &b, &error) == 0) return;
  lua_settop(L, top);
  luaL_error(L, "%s is not %s: byte %d: expected %s", what, tl_doc_format_name(format),
             (int)error.at, error.expected);
}

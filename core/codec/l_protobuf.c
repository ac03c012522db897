/* core/codec/l_protobuf.c — the module tagline.protobuf: reads Protocol Buffers messages
** by a schema, into the same tables as tagline.codec.sparkplug_b.protobuf, which describes
** schemas.
** For wrong bytes it returns nil. The Lua module then reads the message, and tells which byte
** is wrong. */
#include <string.h>

#include "codec/codec_impl.h"
#include "codec/protobuf_impl.h"

enum {
  MESSAGES_MAX = 24, /* kinds of messages in one schema */
  NUMBERS_MAX = 32,  /* field numbers, from 0 */
  DEPTH = 32,        /* as protobuf.DEPTH */
  FIELDS_EXPECTED = 8,
  NS_A_BYTE = 8
};

typedef enum {
  KIND_NONE,
  KIND_UINT64,
  KIND_COUNT,
  KIND_UINT32,
  KIND_BOOL,
  KIND_FLOAT,
  KIND_DOUBLE,
  KIND_BYTES,
  KIND_MESSAGE
} kind;

typedef struct {
  kind kind;
  bool list, oneof, place;
  int message;      /* which, of KIND_MESSAGE */
  const char *name; /* the schema's, which the closure keeps */
} field;

typedef struct {
  const void *from; /* the Lua table */
  field fields[NUMBERS_MAX];
} message;

typedef struct {
  int count;
  message messages[MESSAGES_MAX];
} schema;

/* --- reading --- */

typedef struct {
  lua_State *L;
  const schema *schema;
  const uint8_t *bytes;
} reading;

static bool push_varint (const reading *r, kind k, uint64_t value) {
  if (k == KIND_BOOL) {
    lua_pushboolean(r->L, value != 0);
    return true;
  }
  if (k == KIND_COUNT && value > INT64_MAX) return false;
  lua_pushinteger(r->L, (lua_Integer)value);
  return true;
}

static bool push_float (const reading *r, size_t *at, size_t stop) {
  uint64_t bits;
  if (!tl_pb_fixed(r->bytes, at, stop, 4, &bits)) return false;
  uint32_t low = (uint32_t)bits;
  float f;
  memcpy(&f, &low, sizeof f);
  lua_pushnumber(r->L, (lua_Number)f);
  return true;
}

static bool push_double (const reading *r, size_t *at, size_t stop) {
  uint64_t bits;
  if (!tl_pb_fixed(r->bytes, at, stop, 8, &bits)) return false;
  double d;
  memcpy(&d, &bits, sizeof d);
  lua_pushnumber(r->L, d);
  return true;
}

static bool push_bytes (const reading *r, size_t *at, size_t stop) {
  size_t end;
  if (!tl_pb_span(r->bytes, at, stop, &end)) return false;
  lua_pushlstring(r->L, (const char *)r->bytes + *at, end - *at);
  *at = end;
  return true;
}

/* Push the value of a field that is not a message. */
static bool push_scalar (const reading *r, kind k, size_t *at, size_t stop) {
  uint64_t value;
  if (k == KIND_FLOAT) return push_float(r, at, stop);
  if (k == KIND_DOUBLE) return push_double(r, at, stop);
  if (k == KIND_BYTES) return push_bytes(r, at, stop);
  if (k == KIND_UINT32 ? !tl_pb_uint32(r->bytes, at, stop, &value)
                       : !tl_pb_varint(r->bytes, at, stop, &value))
    return false;
  return push_varint(r, k, value);
}

static int wire_of (kind k) {
  switch (k) {
    case KIND_DOUBLE: return 1;
    case KIND_BYTES: return 2;
    case KIND_MESSAGE: return 2;
    case KIND_FLOAT: return 5;
    default: return 0;
  }
}

/* Put the value on top into the table below it, by the rules of its field. `at`: where the
** field begins. */
static void put (const reading *r, const field *f, lua_Integer *counts, size_t at) {
  lua_State *L = r->L;
  if (f->list) {
    lua_getfield(L, -2, f->name);
    lua_insert(L, -2);
    lua_rawseti(L, -2, ++*counts);
    lua_pop(L, 1);
  } else if (f->oneof) {
    lua_setfield(L, -2, "wire_value");
    lua_pushstring(L, f->name);
    lua_setfield(L, -2, "wire");
    lua_pushinteger(L, (lua_Integer)at + 1);
    lua_setfield(L, -2, "wire_at");
  } else {
    lua_setfield(L, -2, f->name);
  }
}

static bool read_message (const reading *r, int which, size_t at, size_t stop, int depth);

/* Read a field whose wire type is the expected one, and put its value into the table on top. */
static bool read_field (const reading *r, const field *f, size_t *at, size_t stop,
                        lua_Integer *counts, int depth) {
  size_t start = *at, end;
  if (f->kind == KIND_MESSAGE) {
    if (depth >= DEPTH || !tl_pb_span(r->bytes, at, stop, &end)) return false;
    if (!read_message(r, f->message, *at, end, depth + 1)) return false;
    *at = end;
  } else if (!push_scalar(r, f->kind, at, stop)) {
    return false;
  }
  size_t length = f->place ? lua_rawlen(r->L, -1) : 0;
  put(r, f, counts, start);
  if (f->place) {
    lua_pushfstring(r->L, "%s_at", f->name);
    lua_pushinteger(r->L, (lua_Integer)(*at - length) + 1);
    lua_rawset(r->L, -3);
  }
  return true;
}

/* A repeated number may also come packed: many in one field. */
static bool read_packed (const reading *r, const field *f, size_t *at, size_t stop,
                         lua_Integer *counts) {
  size_t end;
  if (!tl_pb_span(r->bytes, at, stop, &end)) return false;
  while (*at < end) {
    if (!push_scalar(r, f->kind, at, end)) return false;
    put(r, f, counts, *at);
  }
  return true;
}

static void push_table (const reading *r, const message *m, size_t at) {
  lua_State *L = r->L;
  luaL_checkstack(L, 8, "messages within each other");
  lua_createtable(L, 0, FIELDS_EXPECTED);
  lua_pushinteger(L, (lua_Integer)at + 1);
  lua_setfield(L, -2, "at");
  for (int i = 0; i < NUMBERS_MAX; i++) {
    if (!m->fields[i].list) continue;
    lua_newtable(L);
    lua_setfield(L, -2, m->fields[i].name);
  }
}

/* Push the table of a message. */
static bool read_message (const reading *r, int which, size_t at, size_t stop, int depth) {
  const message *m = &r->schema->messages[which];
  lua_Integer counts[NUMBERS_MAX] = { 0 };
  push_table(r, m, at);
  while (at < stop) {
    uint64_t number;
    int wire;
    if (!tl_pb_key(r->bytes, &at, stop, &number, &wire)) return false;
    const field *f = number < NUMBERS_MAX ? &m->fields[number] : NULL;
    bool good;
    if (!f || f->kind == KIND_NONE) {
      good = tl_pb_skip(r->bytes, wire, &at, stop);
    } else if (wire == wire_of(f->kind)) {
      good = read_field(r, f, &at, stop, &counts[number], depth);
    } else {
      good = f->list && wire == 2 && read_packed(r, f, &at, stop, &counts[number]);
    }
    if (!good) return false;
  }
  return true;
}

/* read(bytes): the table of the message, or nil. */
static int schema_read (lua_State *L) {
  size_t len;
  const char *bytes = luaL_checklstring(L, 1, &len);
  const schema *s = lua_touserdata(L, lua_upvalueindex(1));
  reading r = { .L = L, .schema = s, .bytes = (const uint8_t *)bytes };
  tl_budget_spend(L, (uint64_t)len * NS_A_BYTE);
  return read_message(&r, 0, 0, len, 0) ? 1 : 0;
}

/* --- schemas --- */

static kind kind_of (lua_State *L, const char *name) {
  static const struct {
    const char *name;
    kind kind;
  } kinds[] = { { "uint64", KIND_UINT64 }, { "count", KIND_COUNT }, { "uint32", KIND_UINT32 },
                { "bool", KIND_BOOL },     { "float", KIND_FLOAT }, { "double", KIND_DOUBLE },
                { "string", KIND_BYTES },  { "bytes", KIND_BYTES }, { "message", KIND_MESSAGE } };
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
    if (name && strcmp(name, kinds[i].name) == 0) return kinds[i].kind;
  luaL_error(L, "tagline.protobuf: unknown kind %s", name ? name : "nil");
  return KIND_NONE;
}

static bool flag (lua_State *L, const char *name) {
  lua_getfield(L, -1, name);
  bool yes = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return yes;
}

static int compile (lua_State *L, schema *s);

/* The field on top. */
static field compile_field (lua_State *L, schema *s) {
  lua_rawgeti(L, -1, 1);
  lua_rawgeti(L, -2, 2);
  field f = { .kind = kind_of(L, lua_tostring(L, -1)), .name = lua_tostring(L, -2) };
  lua_pop(L, 2);
  if (!f.name) luaL_error(L, "tagline.protobuf: a field without a name");
  f.list = flag(L, "list"), f.oneof = flag(L, "oneof"), f.place = flag(L, "place");
  if (f.kind != KIND_MESSAGE) return f;
  lua_getfield(L, -1, "message");
  f.message = compile(L, s);
  lua_pop(L, 1);
  return f;
}

/* The schema on top: its place. */
static int compile (lua_State *L, schema *s) {
  luaL_checkstack(L, 8, "schemas within each other");
  luaL_checktype(L, -1, LUA_TTABLE);
  const void *from = lua_topointer(L, -1);
  for (int i = 0; i < s->count; i++)
    if (s->messages[i].from == from) return i;
  if (s->count == MESSAGES_MAX) luaL_error(L, "tagline.protobuf: too many messages");
  int which = s->count++;
  s->messages[which] = (message){ .from = from };
  for (int number = 1; number < NUMBERS_MAX; number++) {
    if (lua_rawgeti(L, -1, number) == LUA_TTABLE)
      s->messages[which].fields[number] = compile_field(L, s);
    lua_pop(L, 1);
  }
  return which;
}

/* reader(schema): a function(bytes). The schema must not change any more. */
static int protobuf_reader (lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  schema *s = lua_newuserdatauv(L, sizeof *s, 0);
  s->count = 0;
  lua_pushvalue(L, 1);
  compile(L, s);
  lua_pushcclosure(L, schema_read, 2); /* with the schema, whose names are in use */
  return 1;
}

int tl_open_protobuf (lua_State *L) {
  lua_newtable(L);
  lua_pushcfunction(L, protobuf_reader);
  lua_setfield(L, -2, "reader");
  return 1;
}

/* core/sandbox/lib_metrics.c — the module tagline.metrics: reads the plain metrics of
** Sparkplug B data messages straight into what decode returns.
**
** A reader is told of each metric that a birth certificate named: which tag it fills, and its
** datatype. It reads a message completely, or returns nothing.
** It returns nothing for what is rare (properties, arrays, templates, data sets, an unknown
** metric) or wrong. The Lua modules of tagline.codec.sparkplug_b then read the message, and
** tell what is wrong. So both must give the same values, and refuse the same messages. */
#include <string.h>

#include "sandbox/lib.h"
#include "sandbox/protobuf_wire.h"

#define METRICS "tagline.metrics"

/* Numbers of the Sparkplug specification. */
typedef enum {
  TYPE_INT8 = 1,
  TYPE_INT16,
  TYPE_INT32,
  TYPE_INT64,
  TYPE_UINT8,
  TYPE_UINT16,
  TYPE_UINT32,
  TYPE_UINT64,
  TYPE_FLOAT,
  TYPE_DOUBLE,
  TYPE_BOOLEAN,
  TYPE_STRING,
  TYPE_DATETIME,
  TYPE_TEXT,
  TYPE_UUID
} datatype;

/* Fields of a metric. */
enum {
  FIELD_NAME = 1,
  FIELD_ALIAS,
  FIELD_TIMESTAMP,
  FIELD_DATATYPE,
  FIELD_HISTORICAL,
  FIELD_TRANSIENT,
  FIELD_NULL,
  FIELD_INT = 10,
  FIELD_LONG,
  FIELD_FLOAT,
  FIELD_DOUBLE,
  FIELD_BOOLEAN,
  FIELD_STRING,
  FIELD_LAST = 18
};

/* Fields of a payload. */
enum { PAYLOAD_TIMESTAMP = 1, PAYLOAD_METRICS, PAYLOAD_SEQ, PAYLOAD_UUID, PAYLOAD_BODY };

#define LATEST_MS 253402300799999 /* year 9999, as in tags.lua */

enum { FIRST_ROOM = 16, NS_A_BYTE = 20 };
/* user values: from name and alias to place; names of tags; memory of the entries */
enum { BY = 1, TAGS, ENTRIES };

typedef struct {
  uint64_t alias;
  uint64_t serial; /* number of the last sample that has this metric */
  uint8_t type;
  bool has_alias, fills; /* fills false: no tag of the station takes its value */
} entry;

typedef struct {
  entry *entries; /* memory of the user value ENTRIES */
  lua_Integer count, room;
  uint64_t serial; /* number of the last sample */
} metrics;

typedef struct {
  uint64_t alias, timestamp, number, datatype;
  const char *name;
  size_t name_len;
  const char *text; /* of FIELD_STRING */
  size_t text_len;
  int value_field; /* number of the field; 0: the metric has no value */
  bool has_alias, has_timestamp, has_datatype, historical, null;
} metric;

typedef struct {
  lua_State *L;
  const uint8_t *bytes;
  metrics *m;
  bool keep_historical;
  bool has_timestamp, has_seq;
  uint64_t timestamp, seq;
  size_t count; /* metrics in it */
} reading;

/* Stack indexes while a message is read. */
enum {
  AT_BY = 3,
  AT_TAGS,
  AT_SAMPLES, /* the result */
  AT_LAST,    /* its last sample */
  AT_VALUE,   /* these words */
  AT_TIME
};

/* --- a metric on the wire --- */

static bool take_count (const reading *r, size_t *at, size_t stop, uint64_t *value) {
  return tl_pb_varint(r->bytes, at, stop, value) && *value <= INT64_MAX;
}

static bool take_text (const reading *r, size_t *at, size_t stop, const char **text, size_t *len) {
  size_t end;
  if (!tl_pb_span(r->bytes, at, stop, &end)) return false;
  *text = (const char *)r->bytes + *at;
  *len = end - *at;
  *at = end;
  return true;
}

static bool take_flag (const reading *r, size_t *at, size_t stop, bool *flag) {
  uint64_t value;
  if (!tl_pb_varint(r->bytes, at, stop, &value)) return false;
  *flag = value != 0;
  return true;
}

static int wire_of (uint64_t field) {
  switch (field) {
    case FIELD_NAME:
    case FIELD_STRING: return TL_PB_LENGTH;
    case FIELD_FLOAT: return TL_PB_FIXED32;
    case FIELD_DOUBLE: return TL_PB_FIXED64;
    default: return TL_PB_VARINT;
  }
}

static bool take_value (const reading *r, uint64_t field, size_t *at, size_t stop, metric *m) {
  m->value_field = (int)field;
  switch (field) {
    case FIELD_INT: return tl_pb_uint32(r->bytes, at, stop, &m->number);
    case FIELD_FLOAT: return tl_pb_fixed(r->bytes, at, stop, 4, &m->number);
    case FIELD_DOUBLE: return tl_pb_fixed(r->bytes, at, stop, 8, &m->number);
    case FIELD_STRING: return take_text(r, at, stop, &m->text, &m->text_len);
    default: return tl_pb_varint(r->bytes, at, stop, &m->number);
  }
}

/* Read a field of a metric. False: it is wrong, or rare (metadata, properties, a value that is
** not a scalar). */
static bool take_field (const reading *r, uint64_t field, int wire, size_t *at, size_t stop,
                        metric *m) {
  bool transient;
  if (field > FIELD_LAST) return tl_pb_skip(r->bytes, wire, at, stop);
  if (wire != wire_of(field)) return false;
  switch (field) {
    case FIELD_NAME: return take_text(r, at, stop, &m->name, &m->name_len);
    case FIELD_ALIAS: m->has_alias = true; return tl_pb_varint(r->bytes, at, stop, &m->alias);
    case FIELD_TIMESTAMP: m->has_timestamp = true; return take_count(r, at, stop, &m->timestamp);
    case FIELD_DATATYPE:
      m->has_datatype = true;
      return tl_pb_uint32(r->bytes, at, stop, &m->datatype);
    case FIELD_HISTORICAL: return take_flag(r, at, stop, &m->historical);
    case FIELD_TRANSIENT: return take_flag(r, at, stop, &transient);
    case FIELD_NULL: return take_flag(r, at, stop, &m->null);
    default:
      return field >= FIELD_INT && field <= FIELD_STRING && take_value(r, field, at, stop, m);
  }
}

static bool take_metric (const reading *r, size_t at, size_t stop, metric *m) {
  uint64_t field;
  int wire;
  *m = (metric){ 0 };
  while (at < stop)
    if (!tl_pb_key(r->bytes, &at, stop, &field, &wire) || !take_field(r, field, wire, &at, stop, m))
      return false;
  return true;
}

/* --- its value: datatypes.lua in C --- */

/* A signed number of `bits` is sent with just these bits, or sign-extended to the 32 or 64
** bits of its field. */
static bool signed_value (unsigned bits, const metric *m, int64_t *value) {
  int64_t v = (int64_t)m->number, top = (int64_t)1 << (bits - 1);
  *value = v;
  if (v >= 0 && v < top) return true;
  if (v >= top && v < top * 2) {
    *value = v - top * 2;
    return true;
  }
  if (v > INT32_MAX && v <= UINT32_MAX) v -= (int64_t)1 << 32;
  *value = v;
  return v < 0 && v >= -top;
}

static bool push_integer (lua_State *L, datatype type, const metric *m) {
  static const uint8_t bits[] = { [TYPE_INT8] = 8,  [TYPE_INT16] = 16,  [TYPE_INT32] = 32,
                                  [TYPE_UINT8] = 8, [TYPE_UINT16] = 16, [TYPE_UINT32] = 32 };
  int64_t value = (int64_t)m->number;
  if (m->value_field != FIELD_INT && m->value_field != FIELD_LONG) return false;
  if (type == TYPE_INT64) {
    if (m->value_field == FIELD_INT && value > INT32_MAX) return false;
  } else if (type <= TYPE_INT32) {
    if (!signed_value(bits[type], m, &value)) return false;
  } else if (value < 0 || (type <= TYPE_UINT32 && value >> bits[type] != 0)) {
    return false; /* of 64 bits with the highest set: rare */
  }
  if (type == TYPE_DATETIME)
    lua_pushnumber(L, (lua_Number)value / 1000);
  else
    lua_pushinteger(L, value);
  return true;
}

static bool push_number (lua_State *L, datatype type, const metric *m) {
  if (m->value_field != (type == TYPE_FLOAT ? FIELD_FLOAT : FIELD_DOUBLE)) return false;
  double d;
  if (type == TYPE_FLOAT) {
    uint32_t low = (uint32_t)m->number;
    float f;
    memcpy(&f, &low, sizeof f);
    d = (double)f;
  } else {
    memcpy(&d, &m->number, sizeof d);
  }
  lua_pushnumber(L, d);
  return true;
}

/* Push the value of a metric. False, and nothing is pushed: the value is wrong or rare. */
static bool push_value (lua_State *L, datatype type, const metric *m) {
  switch (type) {
    case TYPE_FLOAT:
    case TYPE_DOUBLE: return push_number(L, type, m);
    case TYPE_BOOLEAN:
      if (m->value_field != FIELD_BOOLEAN) return false;
      lua_pushboolean(L, m->number != 0);
      return true;
    case TYPE_STRING:
    case TYPE_TEXT:
    case TYPE_UUID:
      if (m->value_field != FIELD_STRING) return false;
      lua_pushlstring(L, m->text, m->text_len);
      return true;
    default: return push_integer(L, type, m);
  }
}

/* --- into the result --- */

/* The entry of a metric. NULL: the reader was not told of it, or the datatype or alias
** differs. */
static entry *find (reading *r, const metric *m, lua_Integer *place) {
  lua_State *L = r->L;
  if (m->name_len > 0) {
    lua_pushlstring(L, m->name, m->name_len);
    lua_rawget(L, AT_BY);
  } else if (m->has_alias) {
    lua_rawgeti(L, AT_BY, (lua_Integer)m->alias);
  } else {
    return NULL;
  }
  *place = lua_tointeger(L, -1);
  lua_pop(L, 1);
  if (*place == 0) return NULL;
  entry *e = &r->m->entries[*place - 1];
  if (m->has_alias && (!e->has_alias || e->alias != m->alias)) return NULL;
  return m->has_datatype && m->datatype != 0 && m->datatype != e->type ? NULL : e;
}

static void new_sample (reading *r, size_t room) {
  lua_State *L = r->L;
  lua_createtable(L, 0, (int)room);
  lua_pushvalue(L, -1);
  lua_rawseti(L, AT_SAMPLES, (lua_Integer)lua_rawlen(L, AT_SAMPLES) + 1);
  lua_replace(L, AT_LAST);
  r->m->serial++;
}

static bool is_time (bool there, uint64_t ms) { return there && ms <= LATEST_MS; }

/* Set `tag = { time =, value = }` in the sample, or the status and reason if the value is
** invalid. */
static bool put_metric (reading *r, const metric *m, entry *e, lua_Integer place) {
  lua_State *L = r->L;
  bool null = m->null || m->value_field == 0, own = is_time(m->has_timestamp, m->timestamp);
  /* a second value of one tag goes into a new sample */
  if (e->serial == r->m->serial && e->fills) new_sample(r, 0);
  lua_rawgeti(L, AT_TAGS, place);
  lua_createtable(L, 0, null ? 3 : 2);
  if (null) {
    lua_pushliteral(L, "invalid");
    lua_setfield(L, -2, "status");
    lua_pushliteral(L, "type");
    lua_setfield(L, -2, "reason");
  } else {
    lua_pushvalue(L, AT_VALUE);
    if (!push_value(L, e->type, m)) return false;
    lua_rawset(L, -3);
  }
  if (own || is_time(r->has_timestamp, r->timestamp)) {
    lua_pushvalue(L, AT_TIME);
    lua_pushnumber(L, (lua_Number)(own ? m->timestamp : r->timestamp) / 1000);
    lua_rawset(L, -3);
  }
  if (e->fills) {
    lua_rawset(L, AT_LAST);
    e->serial = r->m->serial;
  } else {
    lua_pop(L, 2);
  }
  return true;
}

static bool read_metric (reading *r, size_t at, size_t stop) {
  metric m;
  lua_Integer place;
  if (!take_metric(r, at, stop, &m) || (m.historical && !r->keep_historical)) return false;
  entry *e = find(r, &m, &place);
  return e && put_metric(r, &m, e, place);
}

/* --- a payload --- */

/* Read the payload's own fields, and count its metrics without reading them. */
static bool read_head (reading *r, size_t stop) {
  uint64_t field;
  int wire;
  for (size_t at = 0; at < stop;) {
    if (!tl_pb_key(r->bytes, &at, stop, &field, &wire)) return false;
    if (field == PAYLOAD_METRICS) {
      if (wire != TL_PB_LENGTH) return false;
      r->count++;
    } else if (field == PAYLOAD_TIMESTAMP || field == PAYLOAD_SEQ) {
      bool seq = field == PAYLOAD_SEQ;
      *(seq ? &r->has_seq : &r->has_timestamp) = true;
      if (wire != TL_PB_VARINT || !take_count(r, &at, stop, seq ? &r->seq : &r->timestamp))
        return false;
      continue;
    } else if (field <= PAYLOAD_BODY) {
      return false; /* it may be compressed */
    }
    if (!tl_pb_skip(r->bytes, wire, &at, stop)) return false;
  }
  return true;
}

static bool read_metrics (reading *r, size_t stop) {
  uint64_t field;
  int wire;
  for (size_t at = 0; at < stop;) {
    size_t end;
    if (!tl_pb_key(r->bytes, &at, stop, &field, &wire)) return false;
    if (field != PAYLOAD_METRICS) {
      if (!tl_pb_skip(r->bytes, wire, &at, stop)) return false;
      continue;
    }
    if (!tl_pb_span(r->bytes, &at, stop, &end) || !read_metric(r, at, end)) return false;
    at = end;
  }
  return true;
}

static void push_count (lua_State *L, bool there, uint64_t value) {
  if (there)
    lua_pushinteger(L, (lua_Integer)value);
  else
    lua_pushnil(L);
}

/* reader:read(bytes, keep_historical): returns a list of samples (tables from tag name to {
** value =, time =, status =, reason = }), then the payload's seq and timestamp, or nil for
** these. Returns nothing if not all metrics are plain and known. */
static int metrics_read (lua_State *L) {
  size_t len;
  metrics *m = luaL_checkudata(L, 1, METRICS);
  const char *bytes = luaL_checklstring(L, 2, &len);
  reading r = { .L = L, .bytes = (const uint8_t *)bytes, .m = m };
  r.keep_historical = lua_toboolean(L, 3);
  tl_budget_spend(L, (uint64_t)len * NS_A_BYTE);
  lua_settop(L, 2);
  if (!read_head(&r, len)) return 0;
  lua_getiuservalue(L, 1, BY);
  lua_getiuservalue(L, 1, TAGS);
  lua_createtable(L, 1, 0);
  lua_pushnil(L);
  lua_pushliteral(L, "value");
  lua_pushliteral(L, "time");
  size_t known = (size_t)m->count;
  new_sample(&r, r.count < known ? r.count : known);
  if (!read_metrics(&r, len)) return 0;
  lua_settop(L, AT_SAMPLES);
  push_count(L, r.has_seq, r.seq);
  push_count(L, r.has_timestamp, r.timestamp);
  return 3;
}

/* --- what a birth said --- */

static void make_room (lua_State *L, metrics *m) {
  if (m->count < m->room) return;
  lua_Integer room = m->room ? m->room * 2 : FIRST_ROOM;
  entry *more = lua_newuserdatauv(L, (size_t)room * sizeof *more, 0);
  if (m->count > 0) memcpy(more, m->entries, (size_t)m->count * sizeof *more);
  lua_setiuservalue(L, 1, ENTRIES);
  m->entries = more;
  m->room = room;
}

/* reader:tell(name, alias, datatype, tag): add a metric: its alias (an integer or nil), the
** number of its datatype, and the tag that it fills (false: none). Returns whether it can be
** read here. A metric that was told before is replaced. */
static int metrics_tell (lua_State *L) {
  metrics *m = luaL_checkudata(L, 1, METRICS);
  luaL_checktype(L, 2, LUA_TSTRING);
  lua_Integer type = luaL_checkinteger(L, 4);
  lua_settop(L, 5);
  if (type < TYPE_INT8 || type > TYPE_UUID) return 0;
  make_room(L, m);
  m->entries[m->count] = (entry){ .type = (uint8_t)type,
                                  .has_alias = lua_isinteger(L, 3),
                                  .alias = (uint64_t)lua_tointeger(L, 3),
                                  .fills = lua_isstring(L, 5) };
  lua_Integer place = m->count + 1;
  lua_getiuservalue(L, 1, TAGS);
  lua_pushvalue(L, 5);
  lua_rawseti(L, -2, place);
  lua_getiuservalue(L, 1, BY);
  if (lua_isinteger(L, 3)) {
    lua_pushinteger(L, place);
    lua_rawseti(L, -2, lua_tointeger(L, 3));
  }
  lua_pushvalue(L, 2);
  lua_pushinteger(L, place);
  lua_rawset(L, -3);
  m->count = place;
  lua_pushboolean(L, 1);
  return 1;
}

/* reader(): make a reader that knows no metric yet. */
static int metrics_reader (lua_State *L) {
  metrics *m = lua_newuserdatauv(L, sizeof *m, ENTRIES);
  *m = (metrics){ 0 };
  luaL_setmetatable(L, METRICS);
  lua_newtable(L);
  lua_setiuservalue(L, -2, BY);
  lua_newtable(L);
  lua_setiuservalue(L, -2, TAGS);
  return 1;
}

int tl_open_metrics (lua_State *L) {
  static const luaL_Reg methods[] = { { "read", metrics_read },
                                      { "tell", metrics_tell },
                                      { NULL, NULL } };
  luaL_newmetatable(L, METRICS);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pushliteral(L, METRICS);
  lua_setfield(L, -2, "__metatable");
  lua_newtable(L);
  lua_pushcfunction(L, metrics_reader);
  lua_setfield(L, -2, "reader");
  return 1;
}

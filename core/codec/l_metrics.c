/* core/codec/l_metrics.c — the module tagline.metrics: the plain metrics of Sparkplug B data
** messages, read in C (metrics_read.c).
**
** A reader is told of each metric that a birth certificate named: which tag it fills, and its
** datatype. It reads a message completely, or returns nothing: then the Lua modules of
** tagline.codec.sparkplug_b read it. What it has read is an object that decode may return as
** it is (script/decode_result.c), or that makes Lua tables of its values. */
#include <string.h>

#include "base/err.h"
#include "codec/codec_impl.h"
#include "codec/metrics.h"

#define METRICS "tagline.metrics"

enum { FIRST_ROOM = 16, NS_A_BYTE = 20, TYPE_FIRST = 1, TYPE_LAST = 15 };
/* user values of a reader: from name and alias to place (from 1); names of tags; memory of the
** entries; its values, when nobody has them */
enum { BY = 1, TAGS, ENTRIES, VALUES, USER_VALUES = VALUES };

/* --- a message --- */

enum { AT_READER = 1, AT_BYTES, AT_HISTORICAL, AT_VALUES, AT_BY };

static int64_t place_of (lua_State *L) {
  lua_Integer place = lua_tointeger(L, -1);
  lua_pop(L, 1);
  return place - 1;
}

static int64_t by_name (void *ctx, const char *name, size_t len) {
  lua_State *L = ctx;
  lua_pushlstring(L, name, len);
  lua_rawget(L, AT_BY);
  return place_of(L);
}

static int64_t by_alias (void *ctx, uint64_t alias) {
  lua_State *L = ctx;
  lua_rawgeti(L, AT_BY, (lua_Integer)alias);
  return place_of(L);
}

/* Push the reader's values, new ones if somebody has the last. */
static tl_metrics_values *push_values (lua_State *L, tl_metrics_reader *m) {
  if (lua_getiuservalue(L, AT_READER, VALUES) == LUA_TUSERDATA) {
    tl_metrics_values *known = lua_touserdata(L, -1);
    if (!known->lent) return known;
  }
  lua_pop(L, 1);
  tl_metrics_values *v = lua_newuserdatauv(L, sizeof *v, TL_METRICS_LIST);
  *v = (tl_metrics_values){ .reader = m };
  luaL_setmetatable(L, TL_METRIC_VALUES);
  lua_pushvalue(L, AT_READER);
  lua_setiuservalue(L, -2, TL_METRICS_READER);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, AT_READER, VALUES);
  return v;
}

static void make_list (lua_State *L, tl_metrics_values *v, size_t room) {
  v->list = NULL;
  v->room = v->count = 0;
  void *list = lua_newuserdatauv(L, room * sizeof *v->list, 0);
  lua_setiuservalue(L, AT_VALUES, TL_METRICS_LIST);
  v->list = list;
  v->room = room;
}

static void push_count (lua_State *L, bool there, uint64_t value) {
  if (there)
    lua_pushinteger(L, (lua_Integer)value);
  else
    lua_pushnil(L);
}

/* reader:read(bytes, keep_historical): returns the message's values, then the payload's seq and
** timestamp, or nil for these. Returns nothing if not all metrics are plain and known. The
** values are good until the next read, unless decode returns them. */
static int metrics_read (lua_State *L) {
  size_t len;
  tl_metrics_reader *m = luaL_checkudata(L, AT_READER, METRICS);
  const char *text = luaL_checklstring(L, AT_BYTES, &len);
  tl_slice bytes = tl_slice_of(text, len);
  tl_budget_spend(L, (uint64_t)len * NS_A_BYTE);
  lua_settop(L, AT_HISTORICAL);
  tl_metrics_values *v = push_values(L, m);
  lua_getiuservalue(L, AT_READER, BY);
  tl_metrics_finder find = { by_name, by_alias, L, lua_toboolean(L, AT_HISTORICAL) };
  v->count = 0;
  lua_pushvalue(L, AT_BYTES);
  lua_setiuservalue(L, AT_VALUES, TL_METRICS_BYTES);
  int rc = tl_metrics_read(v, bytes, &find);
  if (rc == TL_EFULL) {
    make_list(L, v, tl_metrics_count(bytes));
    rc = tl_metrics_read(v, bytes, &find);
  }
  if (rc != TL_OK) {
    v->count = 0;
    return 0;
  }
  lua_settop(L, AT_VALUES);
  push_count(L, v->has_seq, v->seq);
  push_count(L, v->has_timestamp, v->timestamp);
  return 3;
}

/* --- its values as Lua tables --- */

static void push_value (lua_State *L, const tl_metric_value *v) {
  switch ((tl_metric_kind)v->kind) {
    case TL_METRIC_INTEGER: lua_pushinteger(L, v->value.integer); break;
    case TL_METRIC_NUMBER: lua_pushnumber(L, v->value.number); break;
    case TL_METRIC_BOOLEAN: lua_pushboolean(L, v->value.boolean); break;
    case TL_METRIC_TEXT:
      lua_pushlstring(L, (const char *)v->value.text.at, v->value.text.len);
      break;
    case TL_METRIC_NULL: lua_pushnil(L); break;
  }
}

/* Push { value =, time = }, or the status and reason if the value is invalid. */
static void push_detail (lua_State *L, const tl_metric_value *v) {
  lua_createtable(L, 0, v->kind == TL_METRIC_NULL ? 3 : 2);
  if (v->kind == TL_METRIC_NULL) {
    lua_pushliteral(L, "invalid");
    lua_setfield(L, -2, "status");
    lua_pushliteral(L, "type");
    lua_setfield(L, -2, "reason");
  } else {
    push_value(L, v);
    lua_setfield(L, -2, "value");
  }
  if (!v->has_time) return;
  lua_pushnumber(L, (lua_Number)v->time_ms / 1000);
  lua_setfield(L, -2, "time");
}

static void begin_sample (lua_State *L, int samples, size_t room) {
  lua_createtable(L, 0, (int)room);
  lua_pushvalue(L, -1);
  lua_rawseti(L, samples, (lua_Integer)lua_rawlen(L, samples) + 1);
}

/* values:samples(): a list of samples, tables from tag name to { value =, time =, status =,
** reason = }. */
static int values_samples (lua_State *L) {
  const tl_metrics_values *v = luaL_checkudata(L, 1, TL_METRIC_VALUES);
  lua_settop(L, 1);
  lua_createtable(L, 1, 0);
  lua_getiuservalue(L, 1, TL_METRICS_READER);
  lua_getiuservalue(L, -1, TAGS);
  begin_sample(L, 2, v->count);
  for (size_t i = 0; i < v->count; i++) {
    if (v->list[i].begins) {
      lua_pop(L, 1);
      begin_sample(L, 2, 0);
    }
    lua_rawgeti(L, 4, (lua_Integer)v->list[i].place + 1);
    push_detail(L, &v->list[i]);
    lua_rawset(L, -3);
  }
  lua_settop(L, 2);
  return 1;
}

/* values:lend(): decode is about to return them: another message has values of its own until
** they are taken. Returns them. */
static int values_lend (lua_State *L) {
  tl_metrics_values *v = luaL_checkudata(L, 1, TL_METRIC_VALUES);
  v->lent = true;
  lua_settop(L, 1);
  return 1;
}

void tl_metrics_push_tag (lua_State *L, int values, uint32_t place) {
  lua_getiuservalue(L, values, TL_METRICS_READER);
  lua_getiuservalue(L, -1, TAGS);
  lua_rawgeti(L, -1, (lua_Integer)place + 1);
  lua_replace(L, -3);
  lua_pop(L, 1);
}

/* --- what a birth said --- */

static void make_room (lua_State *L, tl_metrics_reader *m) {
  if (m->count < m->room) return;
  uint32_t room = m->room ? m->room * 2 : FIRST_ROOM;
  tl_metric_entry *more = lua_newuserdatauv(L, (size_t)room * sizeof *more, 0);
  if (m->count > 0) memcpy(more, m->entries, (size_t)m->count * sizeof *more);
  lua_setiuservalue(L, 1, ENTRIES);
  m->entries = more;
  m->room = room;
}

/* BY[key on top] = place; the entry that had the key before is replaced. */
static void put_place (lua_State *L, tl_metrics_reader *m, int by, lua_Integer place) {
  lua_pushvalue(L, -1);
  lua_rawget(L, by);
  lua_Integer before = lua_tointeger(L, -1);
  if (before > 0) m->entries[before - 1].replaced = true;
  lua_pop(L, 1);
  lua_pushinteger(L, place);
  lua_rawset(L, by);
}

/* reader:tell(name, alias, datatype, tag): add a metric: its alias (an integer or nil), the
** number of its datatype, and the tag that it fills (false: none). Returns whether it can be
** read here. A metric that was told before is replaced. */
static int metrics_tell (lua_State *L) {
  size_t len;
  tl_metrics_reader *m = luaL_checkudata(L, 1, METRICS);
  luaL_checktype(L, 2, LUA_TSTRING);
  const char *name = lua_tolstring(L, 2, &len);
  lua_Integer type = luaL_checkinteger(L, 4);
  lua_settop(L, 5);
  if (type < TYPE_FIRST || type > TYPE_LAST || len > UINT32_MAX) return 0;
  make_room(L, m);
  m->entries[m->count] = (tl_metric_entry){ .type = (uint8_t)type,
                                            .name = name,
                                            .name_len = (uint32_t)len,
                                            .tag = TL_METRIC_TAG_NEW,
                                            .has_alias = lua_isinteger(L, 3),
                                            .alias = (uint64_t)lua_tointeger(L, 3),
                                            .fills = lua_isstring(L, 5),
                                            .replaced = true /* until all is told */ };
  lua_Integer place = (lua_Integer)m->count + 1;
  lua_getiuservalue(L, 1, TAGS);
  lua_pushvalue(L, 5);
  lua_rawseti(L, -2, place);
  lua_getiuservalue(L, 1, BY);
  int by = lua_gettop(L);
  m->count++;
  lua_pushvalue(L, 2);
  put_place(L, m, by, place);
  if (lua_isinteger(L, 3)) {
    lua_pushvalue(L, 3);
    put_place(L, m, by, place);
  }
  m->entries[place - 1].replaced = false;
  lua_pushboolean(L, 1);
  return 1;
}

/* reader(): make a reader that knows no metric yet. */
static int metrics_reader (lua_State *L) {
  tl_metrics_reader *m = lua_newuserdatauv(L, sizeof *m, USER_VALUES);
  *m = (tl_metrics_reader){ 0 };
  luaL_setmetatable(L, METRICS);
  lua_newtable(L);
  lua_setiuservalue(L, -2, BY);
  lua_newtable(L);
  lua_setiuservalue(L, -2, TAGS);
  return 1;
}

static void open_type (lua_State *L, const char *name, const luaL_Reg *methods) {
  luaL_newmetatable(L, name);
  lua_newtable(L);
  luaL_setfuncs(L, methods, 0);
  lua_setfield(L, -2, "__index");
  lua_pushstring(L, name);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
}

int tl_open_metrics (lua_State *L) {
  static const luaL_Reg of_readers[] = { { "read", metrics_read },
                                         { "tell", metrics_tell },
                                         { NULL, NULL } };
  static const luaL_Reg of_values[] = { { "samples", values_samples },
                                        { "lend", values_lend },
                                        { NULL, NULL } };
  open_type(L, METRICS, of_readers);
  open_type(L, TL_METRIC_VALUES, of_values);
  lua_newtable(L);
  lua_pushcfunction(L, metrics_reader);
  lua_setfield(L, -2, "reader");
  return 1;
}

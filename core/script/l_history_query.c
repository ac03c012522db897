/* core/script/l_history_query.c — a query of a history, read from a Lua table, and its rows as
** Lua tables. Must not know who waits for it. */
#include <string.h>

#include "base/clock.h"
#include "checks/zone_file.h"
#include "script/l_history_impl.h"

/* --- the query --- */

/* Seconds: beyond the year 9999 in both directions (tagline.history.range says which are taken),
** and so little that no sum of some of them in ms leaves 64 bits. */
static const double SECONDS_MAX = 1e12;

static int64_t ms_field (lua_State *L, int table, const char *name, int64_t otherwise) {
  lua_getfield(L, table, name);
  bool is_there = !lua_isnil(L, -1);
  double seconds = is_there ? luaL_checknumber(L, -1) : 0;
  if (!(seconds >= -SECONDS_MAX && seconds <= SECONDS_MAX))
    luaL_error(L, "%s: no time this far away is read", name);
  lua_pop(L, 1);
  if (!is_there) return otherwise;
  return (int64_t)(seconds < 0 ? seconds * 1000 - 0.5 : seconds * 1000 + 0.5);
}

static bool flag_field (lua_State *L, int table, const char *name) {
  lua_getfield(L, table, name);
  bool is_set = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return is_set;
}

/* The type that rows need not name. */
static void read_type (lua_State *L, int index, tl_query *q) {
  tl_type type;
  lua_getfield(L, index, "type");
  const char *name = lua_tostring(L, -1);
  q->tells_type = name && tl_type_from_name(tl_slice_str(name), &type);
  if (q->tells_type) q->type = (uint8_t)type;
  lua_pop(L, 1);
}

void tl_read_query (lua_State *L, int index, tl_query *q) {
  q->now_ms = tl_clock_wall_ms();
  q->to_ms = ms_field(L, index, "to", q->now_ms + 1);
  q->from_ms = ms_field(L, index, "from", q->to_ms - INT64_C(86400000));
  q->span_ms = ms_field(L, index, "span", 0);
  q->from_local = flag_field(L, index, "from_local");
  q->to_local = flag_field(L, index, "to_local");
  q->every_ms = ms_field(L, index, "every", 0);
  q->offset_ms = ms_field(L, index, "offset", 0);
  q->wants_unit = flag_field(L, index, "unit");
  read_type(L, index, q);
  lua_getfield(L, index, "limit");
  q->limit = (uint64_t)luaL_optinteger(L, -1, 0);
  lua_pop(L, 1);
  lua_getfield(L, index, "as");
  for (lua_Integer i = 1; lua_istable(L, -1) && lua_rawgeti(L, -1, i) != LUA_TNIL; i++) {
    tl_as as;
    size_t len;
    const char *name = luaL_checklstring(L, -1, &len);
    if (tl_as_from_name(tl_slice_of(name, len), &as)) q->as |= (uint16_t)(1 << as);
    lua_pop(L, 1);
  }
  lua_settop(L, index);
}

static void add_shift (const tl_zone *zone, tl_buf *shifts, int64_t from_s) {
  tl_shift one = { from_s * 1000, (int64_t)tl_zone_offset(zone, from_s) * 1000 };
  tl_buf_add(shifts, &one, sizeof one);
}

/* The first second in (before, after] whose offset from UTC differs from that of `before`. */
static int64_t change_in (const tl_zone *zone, int64_t before, int64_t after) {
  int32_t old = tl_zone_offset(zone, before);
  while (after - before > 1) {
    int64_t middle = before + (after - before) / 2;
    if (tl_zone_offset(zone, middle) == old)
      before = middle;
    else
      after = middle;
  }
  return after;
}

int64_t tl_zone_moment (const tl_zone *zone, int64_t local_ms, bool last) {
  enum { REACH = 27 * 3600 };
  int64_t rest = local_ms % 1000, local, moment;
  if (rest < 0) rest += 1000;
  local = (local_ms - rest) / 1000;
  int rc =
      last ? tl_zone_to_utc(zone, local, &moment) : tl_zone_to_utc_earlier(zone, local, &moment);
  if (rc == TL_OK) return moment * 1000 + rest;
  int64_t before = local - REACH;
  return change_in(zone, before, local - tl_zone_offset(zone, before)) * 1000;
}

/* What the question says as times of the zone become moments. */
static void find_moments (tl_query *q, const tl_zone *zone) {
  if (q->to_local) q->to_ms = tl_zone_moment(zone, q->to_ms, true);
  if (q->to_local && q->span_ms > 0) q->from_ms = q->to_ms - q->span_ms;
  if (q->from_local) q->from_ms = tl_zone_moment(zone, q->from_ms, false);
}

static void add_shifts (tl_query *q, const tl_zone *zone) {
  enum { STEP = 7 * 24 * 3600 };
  int64_t at = (q->from_ms - q->every_ms) / 1000 - STEP, end = q->to_ms / 1000 + STEP;
  if (q->every_ms <= 0 || tl_query_is_too_fine(q)) return; /* too fine: it will be refused */
  add_shift(zone, &q->shifts, at);
  for (; at < end && !q->shifts.failed; at += STEP)
    if (tl_zone_offset(zone, at) != tl_zone_offset(zone, at + STEP))
      add_shift(zone, &q->shifts, change_in(zone, at, at + STEP));
}

int tl_query_add_zone (tl_query *q, const char *name, tl_err *err) {
  tl_zone *zone = NULL;
  int rc = name && strcmp(name, "UTC") != 0 ? tl_zone_load(&zone, name, err) : TL_OK;
  if (rc < 0) return rc;
  if (zone) {
    find_moments(q, zone);
    add_shifts(q, zone);
    tl_zone_free(zone);
  }
  if (q->from_ms >= q->to_ms) return tl_fail(err, TL_ERANGE, 0, "expected from before to");
  return q->shifts.failed ? tl_fail(err, TL_ENOMEM, 0, "not enough memory") : TL_OK;
}

/* --- the answer --- */

static void push_row_value (lua_State *L, const tl_history_row *row) {
  if (row->status != TL_VALID)
    lua_pushnil(L);
  else
    tl_push_value(L, (tl_type)row->type, &row->value);
}

/* A tag may have changed its type. Most rows are of the present one, and get no field for it. */
static void set_type (lua_State *L, const tl_query *q, uint8_t type) {
  if (!q->tells_type || type == q->type) return;
  lua_pushstring(L, tl_type_name((tl_type)type));
  lua_setfield(L, -2, "type");
}

static void push_row (lua_State *L, const tl_query *q, size_t i) {
  tl_history_row row = tl_query_row(q, i);
  lua_createtable(L, 0, 4);
  lua_pushnumber(L, (double)row.time_ms / 1000);
  lua_setfield(L, -2, "time");
  push_row_value(L, &row);
  lua_setfield(L, -2, "value");
  lua_pushstring(L, tl_status_name((tl_status)row.status));
  lua_setfield(L, -2, "status");
  set_type(L, q, row.type);
  if (row.reason == TL_REASON_NONE) return;
  lua_pushstring(L, tl_reason_name((tl_reason)row.reason));
  lua_setfield(L, -2, "reason");
}

static void push_as (lua_State *L, const tl_interval *one, tl_as as) {
  lua_Integer whole = 0;
  bool is_integer = one->is_whole;
  switch (as) {
    case TL_AS_MIN: whole = one->whole.min; break;
    case TL_AS_MAX: whole = one->whole.max; break;
    case TL_AS_FIRST: whole = one->whole.first; break;
    case TL_AS_LAST: whole = one->whole.last; break;
    case TL_AS_COUNT_OF:
      whole = (lua_Integer)one->value[as];
      is_integer = true;
      break;
    default: is_integer = false; break;
  }
  if (is_integer)
    lua_pushinteger(L, whole);
  else
    lua_pushnumber(L, one->value[as]);
}

static void push_interval (lua_State *L, const tl_query *q, size_t i) {
  const tl_interval *one = tl_query_interval(q, i);
  lua_createtable(L, 0, 4);
  lua_pushnumber(L, (double)one->time_ms / 1000);
  lua_setfield(L, -2, "time");
  set_type(L, q, one->type);
  for (int as = 0; as < TL_AS_COUNT; as++) {
    if (!(one->has & (1 << as))) continue;
    push_as(L, one, (tl_as)as);
    lua_setfield(L, -2, tl_as_name((tl_as)as));
  }
}

void tl_push_query_rows (lua_State *L, const tl_query *q, size_t from, size_t to) {
  for (size_t i = from; i < to; i++) {
    if (q->every_ms > 0)
      push_interval(L, q, i);
    else
      push_row(L, q, i);
    tl_set_row(L, lua_gettop(L) - 1, (lua_Integer)i + 1);
  }
}

void tl_push_query_list (lua_State *L, const tl_query *q) {
  enum { AT_ONCE = 40000 }; /* rows in a plain table, which is made with room for them */
  bool many = q->count > AT_ONCE;
  lua_createtable(L, many ? 0 : (int)q->count, 2);
  lua_pushinteger(L, (lua_Integer)q->left_out);
  lua_setfield(L, -2, "left_out");
  if (q->wants_unit) {
    lua_pushlstring(L, (const char *)q->unit.at, q->unit.len);
    lua_setfield(L, -2, "unit");
  }
  if (q->left_out > 0) {
    /* the moment that a time of the zone was */
    lua_pushnumber(L, (double)q->from_ms / 1000);
    lua_setfield(L, -2, "left_from");
    lua_pushnumber(L, (double)q->left_to_ms / 1000);
    lua_setfield(L, -2, "left_to");
  }
  if (many)
    tl_make_many_rows(L, q->count);
  else
    tl_mark_list(L);
}

int tl_push_query_why (lua_State *L, const tl_query *q) {
  lua_pushnil(L);
  lua_pushstring(L, q->err.text);
  return 2;
}

/* core/script/samples.c — what decode returns becomes tag values: one table of name → value, or a list of samples with their
** own times. */
#include <math.h>
#include <string.h>

#include "script/script.h"

static int64_t read_time (lua_State *L, int index, const char *where) {
  if (lua_type(L, index) != LUA_TNUMBER || !isfinite(lua_tonumber(L, index)) || fabs(lua_tonumber(L, index)) > 9e12)
    luaL_error(L, "%s: expected a time in seconds since 1970, got %s", where, tl_push_got(L, index));
  return (int64_t)llround(lua_tonumber(L, index) * 1000.0);
}

/* By the conversion table: what a decoder returns is data, not an argument of our API. */
static tl_reason convert (lua_State *L, int at, int type_in, const tl_station *s, tl_type type, tl_value *v) {
  size_t len;
  tl_buf *scratch = &s->line->model->scratch;
  switch (type_in) {
  case LUA_TBOOLEAN: return tl_convert_boolean(type, lua_toboolean(L, at) != 0, v);
  case LUA_TNUMBER:
    tl_buf_clear(scratch);
    return lua_isinteger(L, at) ? tl_convert_integer(type, lua_tointeger(L, at), scratch, v)
                                : tl_convert_number(type, lua_tonumber(L, at), scratch, v);
  case LUA_TSTRING: {
    const char *text = lua_tolstring(L, at, &len);
    return tl_convert_text(type, tl_slice_of(text, len), &s->plan->rule, v);
  }
  default: return TL_REASON_TYPE;
  }
}

/* The value at the stack index `at`, whose Lua type is `type_in`. */
static void set (lua_State *L, tl_tag *t, int at, int type_in, int64_t time_ms) {
  tl_value v;
  tl_reason why = convert(L, at, type_in, t->station, tl_tag_def(t)->type, &v);
  if (why != TL_REASON_NONE) tl_tag_invalidate(t, why, time_ms);
  else if (!tl_tag_receive(t, &v, time_ms)) luaL_error(L, "not enough memory");
}

/* { value = v, time = t, status = "invalid", reason = "range" } */
static void set_detailed (lua_State *L, tl_tag *t, int index, int64_t time_ms) {
  size_t len;
  tl_reason reason = TL_REASON_DECODER;
  if (lua_getfield(L, index, "time") != LUA_TNIL) time_ms = read_time(L, -1, tl_tag_def(t)->name);
  lua_pop(L, 1);
  if (lua_getfield(L, index, "status") != LUA_TNIL) {
    const char *status = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
    if (status[0] == 'i' && tl_slice_eq(tl_slice_str(status), TL_LIT("invalid"))) {
      if (lua_getfield(L, index, "reason") == LUA_TSTRING) {
        const char *word = lua_tolstring(L, -1, &len);
        if (!tl_reason_from_name(tl_slice_of(word, len), &reason))
          luaL_error(L, "%s: unknown reason '%s'", tl_tag_def(t)->name, word);
      }
      lua_pop(L, 2);
      tl_tag_invalidate(t, reason, time_ms);
      return;
    }
    if (!tl_slice_eq(tl_slice_str(status), TL_LIT("valid")))
      luaL_error(L, "%s: expected status \"valid\" or \"invalid\", got %s", tl_tag_def(t)->name, tl_push_got(L, -1));
  }
  lua_pop(L, 1);
  lua_getfield(L, index, "value");
  if (lua_isnil(L, -1)) tl_tag_missing(t, time_ms);
  else set(L, t, -1, lua_type(L, -1), time_ms);
  lua_pop(L, 1);
}

static void say_unknown (tl_script *s, tl_station *station, const char *name) {
  tl_buf scope, text;
  tl_buf_init(&scope);
  tl_buf_init(&text);
  tl_station_full_name(station, &scope);
  tl_buf_byte(&scope, '\0');
  tl_buf_fmt(&text, "decode returned a value for '%s', but the station has no such tag (said once)", name);
  if (!scope.failed && !text.failed) tl_script_say_error(s, (const char *)scope.at, tl_buf_bytes(&text));
  tl_buf_fini(&scope);
  tl_buf_fini(&text);
}

/* A decoder returns the same names in the same order again and again: the tag that stood at this place is tried first. */
static int find (const tl_station *station, tl_guess *guess, const char *name, size_t len) {
  const tl_plan *plan = station->plan;
  if (guess != NULL && guess->len == len && guess->tag < plan->tag_count &&
      strncmp(plan->tags[guess->tag].name, name, len) == 0) return guess->tag;
  int index = tl_plan_find(plan, tl_slice_of(name, len));
  if (guess != NULL && index >= 0 && len <= UINT8_MAX) *guess = (tl_guess){ (uint16_t)index, (uint8_t)len };
  return index;
}

typedef struct {
  uint16_t tag;
  int8_t type; /* of the value, which stands on the stack at `place` */
  int place;
} taken;

enum { TAKEN_AT_ONCE = 64 }; /* a table of more values is taken in parts, each in order */

/* Lua's tables have no order; values come in that of the tags in the config, as those of addressed tags do. */
static bool set_in_order (lua_State *L, tl_script *s, tl_station *station, taken *list, size_t n, int64_t time_ms) {
  for (size_t i = 1; i < n; i++) {
    taken t = list[i];
    size_t at = i;
    for (; at > 0 && list[at - 1].tag > t.tag; at--) list[at] = list[at - 1];
    list[at] = t;
  }
  for (size_t i = 0; i < n; i++) {
    if (list[i].tag >= station->plan->tag_count) continue; /* a handler of a value changed the station */
    tl_tag *t = &station->tags[list[i].tag];
    if (list[i].type == LUA_TTABLE) set_detailed(L, t, list[i].place, time_ms);
    else set(L, t, list[i].place, list[i].type, time_ms);
    if (station->off || station->simulated) return false; /* a handler of the value wanted otherwise */
    tl_work(L, s, 3);
  }
  return true;
}

static void take_values (lua_State *L, tl_script *s, tl_station *station, int table, int64_t time_ms) {
  taken list[TAKEN_AT_ONCE];
  int base = lua_gettop(L);
  size_t len, at = 0, n = 0;
  luaL_checkstack(L, TAKEN_AT_ONCE + LUA_MINSTACK, "values");
  for (lua_pushnil(L); lua_next(L, table) != 0; at++) {
    if (lua_type(L, -2) != LUA_TSTRING) luaL_error(L, "decode: expected tag names as keys, got %s", tl_push_got(L, -2));
    const char *name = lua_tolstring(L, -2, &len);
    tl_station_hooks *hooks = station->user; /* a handler of a value may have changed them */
    int index = find(station, hooks != NULL && at < TL_GUESSES ? &hooks->functions->guesses[at] : NULL, name, len);
    if (index < 0) {
      say_unknown(s, station, name);
      lua_pop(L, 1);
      continue;
    }
    int place = base + 1 + (int)n;
    list[n++] = (taken){ (uint16_t)index, (int8_t)lua_type(L, place + 1), place };
    lua_insert(L, place); /* the value stays, the key goes on */
    if (n < TAKEN_AT_ONCE) continue;
    if (!set_in_order(L, s, station, list, n, time_ms)) {
      lua_settop(L, base);
      return;
    }
    lua_replace(L, base + 1); /* the key, in place of the values that were taken */
    lua_settop(L, base + 1);
    n = 0;
  }
  set_in_order(L, s, station, list, n, time_ms);
  lua_settop(L, base);
}

bool tl_take_gone (lua_State *L, int index, int64_t *time_ms) {
  if (lua_type(L, index + 2) != LUA_TSTRING) return false; /* it may end in string.unpack, which gives a place too */
  if (!tl_slice_eq(tl_slice_str(lua_tostring(L, index + 2)), TL_LIT("StHardErr")))
    luaL_error(L, "decode: expected \"StHardErr\" or nil as its third result, the station's status, got %s", tl_push_got(L, index + 2));
  if (!lua_isnil(L, index + 1)) *time_ms = read_time(L, index + 1, "the time that decode returned");
  return true;
}

void tl_take_samples (lua_State *L, tl_script *s, tl_station *station, int first, int64_t time_ms) {
  if (lua_type(L, first) != LUA_TTABLE)
    luaL_error(L, "decode must return a table of tag names and values, a list of samples, or nil; it returned %s",
               tl_push_got(L, first));
  if (!lua_isnoneornil(L, first + 1)) time_ms = read_time(L, first + 1, "the time that decode returned");
  if (lua_rawgeti(L, first, 1) == LUA_TNIL) {
    lua_pop(L, 1);
    take_values(L, s, station, first, time_ms);
    return;
  }
  lua_pop(L, 1);
  luaL_checkstack(L, LUA_MINSTACK, "samples");
  for (lua_Integer i = 1, n = (lua_Integer)lua_rawlen(L, first); i <= n; i++) {
    int64_t at = time_ms;
    if (lua_rawgeti(L, first, i) != LUA_TTABLE)
      luaL_error(L, "sample %d: expected a table { time =, values = }, got %s", (int)i, tl_push_got(L, -1));
    int sample = lua_gettop(L);
    if (lua_getfield(L, sample, "time") != LUA_TNIL) at = read_time(L, -1, "a sample's time");
    if (lua_getfield(L, sample, "values") != LUA_TTABLE)
      luaL_error(L, "sample %d: expected values = { … }, got %s", (int)i, tl_push_got(L, -1));
    take_values(L, s, station, lua_gettop(L), at);
    if (station->off || station->simulated) return;
    lua_settop(L, sample - 1);
  }
}

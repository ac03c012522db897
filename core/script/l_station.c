/* core/script/l_station.c — a station in Lua: .name .address .status .tags .stats …, :on()
** :off() :simulate(bool). */
#include <string.h>

#include "script/script.h"

static int push_tags (lua_State *L, tl_station *s) {
  lua_createtable(L, 0, s->is_template ? 0 : s->plan->tag_count);
  for (uint16_t i = 0; !s->is_template && i < s->plan->tag_count; i++) {
    tl_push_tag(L, &s->tags[i]);
    lua_setfield(L, -2, s->plan->tags[i].name);
  }
  return 1;
}

static void count (lua_State *L, const char *name, uint64_t n) {
  lua_pushinteger(L, (lua_Integer)n);
  lua_setfield(L, -2, name);
}

static int push_stats (lua_State *L, const tl_station *s) {
  lua_createtable(L, 0, 8);
  tl_push_call_stats(L, s);
  lua_setfield(L, -2, "handlers");
  count(L, "messages", s->stats.messages);
  count(L, "json_errors", s->stats.json_errors);
  count(L, "time_errors", s->stats.time_errors);
  count(L, "handler_errors", s->stats.handler_errors);
  count(L, "declined", s->stats.declined);
  count(L, "wills", s->stats.wills);
  count(L, "given_up", s->stats.given_up);
  if (s->settings.ignore_retained) count(L, "retained", s->stats.retained);
  if (s->is_template) {
    count(L, "instances", s->made);
    count(L, "refused", s->stats.refused);
  }
  return 1;
}

static int station_index (lua_State *L) {
  tl_station *s = tl_check_station(L, 1);
  const char *key = luaL_checkstring(L, 2);
  if (strcmp(key, "name") == 0)
    lua_pushstring(L, s->name);
  else if (strcmp(key, "full_name") == 0)
    lua_pushfstring(L, "%s.%s", s->line->name, s->name);
  else if (strcmp(key, "address") == 0)
    lua_pushstring(L, s->address);
  else if (strcmp(key, "status") == 0)
    lua_pushstring(L, tl_station_status_name((tl_station_status)s->status));
  else if (strcmp(key, "line") == 0)
    tl_push_line(L, s->line);
  else if (strcmp(key, "tags") == 0)
    return push_tags(L, s);
  else if (strcmp(key, "stats") == 0)
    return push_stats(L, s);
  else {
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) == LUA_TNIL)
      return luaL_error(L, "a station has no field '%s' (see help(stations))", key);
  }
  return 1;
}

static int set_mode (lua_State *L, bool off, bool simulated) {
  tl_station *s = tl_check_station(L, 1);
  tl_change_log_now(L, s->line->name, "station %s: %s%s", s->name, off ? "off" : "on",
                    simulated ? ", simulated" : "");
  tl_station_set_mode(tl_script_of(L)->gateway, s, off, simulated);
  return 0;
}

static int station_on (lua_State *L) {
  return set_mode(L, false, tl_check_station(L, 1)->simulated);
}
static int station_off (lua_State *L) {
  return set_mode(L, true, tl_check_station(L, 1)->simulated);
}

static int station_simulate (lua_State *L) {
  tl_station *s = tl_check_station(L, 1);
  luaL_checktype(L, 2, LUA_TBOOLEAN);
  return set_mode(L, s->off, lua_toboolean(L, 2) != 0);
}

static int station_newindex (lua_State *L) {
  return luaL_error(L,
                    "a station's fields are not assigned to; use :on(), :off() or :simulate(bool)");
}

static int station_tostring (lua_State *L) {
  tl_object *o = luaL_checkudata(L, 1, TL_STATION);
  lua_pushfstring(L, "station %s", o->name);
  return 1;
}

void tl_open_station (lua_State *L) {
  static const luaL_Reg methods[] = {
    { "on", station_on }, { "off", station_off }, { "simulate", station_simulate }, { NULL, NULL }
  };
  luaL_newmetatable(L, TL_STATION);
  luaL_newlib(L, methods);
  lua_pushcclosure(L, station_index, 1);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, station_newindex);
  lua_setfield(L, -2, "__newindex");
  lua_pushcfunction(L, station_tostring);
  lua_setfield(L, -2, "__tostring");
  lua_pushliteral(L, TL_STATION);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
}

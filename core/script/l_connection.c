/* core/script/l_connection.c — the Lua module tagline.connection: what codecs that remember
** something (Sparkplug B) ask about a station's connection, and report about the station
** outside of decode. Not documented for configs. */
#include "script/script.h"

/* count(station): how often its line was connected; nil: the station has no link (a copy that
** explain made). */
static int connection_count (lua_State *L) {
  const tl_station *s = tl_check_station(L, 1);
  tl_link *link = tl_line_link(s->line);
  tl_link_stats stats;
  if (!link) return 0;
  tl_link_get_stats(link, &stats);
  lua_pushinteger(L, (lua_Integer)stats.connects);
  return 1;
}

/* lost(station): its device is out of reach: status StHardErr, its tags invalid
** (disconnected), until the next message. */
static int connection_lost (lua_State *L) {
  tl_station *s = tl_check_station(L, 1);
  const tl_script *script = tl_script_of(L);
  tl_station_lost(s, script->loop ? tl_loop_now(script->loop) : tl_clock_mono_ms(),
                  tl_clock_wall_ms());
  return 0;
}

/* is_there(station): false if a reload removed it. */
static int connection_is_there (lua_State *L) {
  lua_pushcfunction(L, connection_count);
  lua_pushvalue(L, 1);
  lua_pushboolean(L, lua_pcall(L, 1, 0, 0) == LUA_OK);
  return 1;
}

/* say(name, text): log something that a decoder met and does not know; `name` may be "". */
static int connection_say (lua_State *L) {
  size_t length;
  const char *name = luaL_checkstring(L, 1), *text = luaL_checklstring(L, 2, &length);
  tl_log(TL_LOG_WARN, *name ? name : NULL, "%.*s (logged once)",
         (int)(length < 1000 ? length : 1000), text);
  return 0;
}

static void push_wanted_of (lua_State *L, const tl_plan *plan) {
  lua_createtable(L, 0, plan->tag_count);
  for (uint16_t i = 0; i < plan->tag_count; i++) {
    if (plan->tags[i].kind != TL_ADDRESS_NONE) continue;
    lua_pushboolean(L, 1);
    lua_setfield(L, -2, plan->tags[i].name);
  }
}

/* Push a table whose keys are the names of the tags that decode fills. The table is kept with
** the functions, which stations with the same definition share. */
static void push_wanted (lua_State *L, const tl_station *s) {
  const tl_station_hooks *hooks = s->user;
  tl_station_functions *f = hooks ? hooks->functions : NULL;
  if (f && f->wanted_plan == s->plan) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, f->wanted);
    return;
  }
  push_wanted_of(L, s->plan);
  if (!f) return;
  f->wanted_plan = NULL;
  lua_pushvalue(L, -1);
  if (f->wanted == LUA_NOREF)
    f->wanted = luaL_ref(L, LUA_REGISTRYINDEX);
  else
    lua_rawseti(L, LUA_REGISTRYINDEX, f->wanted);
  f->wanted_plan = s->plan;
}

/* wanted(station): a table whose keys are the names of the tags that decode fills; it must not
** be changed. */
static int connection_wanted (lua_State *L) {
  push_wanted(L, tl_check_station(L, 1));
  return 1;
}

/* only(station, values): removes the values for which the station has no tag. A codec knows
** more values than a station has tags, and those must not be reported as unknown. */
static int connection_only (lua_State *L) {
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  push_wanted(L, tl_check_station(L, 1));
  for (lua_pushnil(L); lua_next(L, 2);) {
    lua_pop(L, 1);
    if (lua_type(L, -1) != LUA_TSTRING) continue;
    lua_pushvalue(L, -1);
    bool wanted = lua_rawget(L, 3) != LUA_TNIL;
    lua_pop(L, 1);
    if (wanted) continue;
    lua_pushvalue(L, -1);
    lua_pushnil(L);
    lua_rawset(L, 2);
  }
  lua_settop(L, 2);
  return 1;
}

/* now(): ms since 1970, by the clock that scripts see. */
static int connection_now (lua_State *L) {
  lua_pushinteger(L, (lua_Integer)tl_clock_wall_ms());
  return 1;
}

int tl_open_connection (lua_State *L) {
  static const luaL_Reg functions[] = {
    { "count", connection_count },       { "lost", connection_lost },
    { "is_there", connection_is_there }, { "say", connection_say },
    { "only", connection_only },         { "wanted", connection_wanted },
    { "now", connection_now },           { NULL, NULL }
  };
  luaL_newlib(L, functions);
  return 1;
}

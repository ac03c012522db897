/* core/script/message.c — msg, as decode sees it: fields are made when they are first asked for, so that a decoder that reads three bytes
** pays for three bytes. */
#include <string.h>

#include "script/script.h"

#define TL_MESSAGE "tagline.message"

typedef struct {
  const tl_incoming *m; /* NULL once the handler returned */
  const tl_station *station;
  const tl_route *route;
  int64_t time_ms;
} message;

enum { CACHE_PAYLOAD = 1, CACHE_JSON = 2 }; /* user values */

static int push_payload (lua_State *L, const message *o) {
  if (lua_getiuservalue(L, 1, CACHE_PAYLOAD) != LUA_TNIL) return 1;
  lua_pushlstring(L, o->m->payload.len > 0 ? (const char *)o->m->payload.at : "", o->m->payload.len);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, 1, CACHE_PAYLOAD);
  return 1;
}

static int push_json (lua_State *L, const message *o) {
  if (lua_getiuservalue(L, 1, CACHE_JSON) != LUA_TNIL) return 1;
  tl_push_json(L, o->m->payload); /* raises with line and column */
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, 1, CACHE_JSON);
  return 1;
}

static int push_captures (lua_State *L, const message *o) {
  const char *name;
  int number;
  lua_newtable(L);
  if (o->route == NULL || o->route->groups == NULL) return 1;
  for (uint32_t i = 1; i < o->route->group_count; i++) {
    const tl_group *g = &o->route->groups[i];
    if (g->from == UINT32_MAX) continue;
    lua_pushlstring(L, (const char *)o->m->topic.at + g->from, g->to - g->from);
    lua_rawseti(L, -2, i);
  }
  for (int i = 0; o->route->pattern != NULL && tl_pattern_named(o->route->pattern, i, &name, &number); i++) {
    lua_rawgeti(L, -1, number);
    lua_setfield(L, -2, name);
  }
  return 1;
}

static int message_index (lua_State *L) {
  message *o = luaL_checkudata(L, 1, TL_MESSAGE);
  const char *key = luaL_checkstring(L, 2);
  if (o->m == NULL) return luaL_error(L, "msg.%s: the message is over; copy what you need of it in decode", key);
  if (strcmp(key, "payload") == 0) return push_payload(L, o);
  if (strcmp(key, "json") == 0) return push_json(L, o);
  if (strcmp(key, "captures") == 0) return push_captures(L, o);
  if (strcmp(key, "topic") == 0) lua_pushlstring(L, (const char *)o->m->topic.at, o->m->topic.len);
  else if (strcmp(key, "qos") == 0) lua_pushinteger(L, o->m->qos);
  else if (strcmp(key, "retain") == 0) lua_pushboolean(L, o->m->retain);
  else if (strcmp(key, "dup") == 0) lua_pushboolean(L, o->m->dup);
  else if (strcmp(key, "id") == 0) lua_pushinteger(L, o->m->id);
  else if (strcmp(key, "time") == 0) lua_pushnumber(L, (lua_Number)o->time_ms / 1000.0);
  else if (strcmp(key, "station") == 0) tl_push_station(L, (tl_station *)o->station);
  else return luaL_error(L, "msg has no field '%s' (topic payload qos retain dup id time captures station json)", key);
  return 1;
}

void tl_open_message (lua_State *L) {
  luaL_newmetatable(L, TL_MESSAGE);
  lua_pushcfunction(L, message_index);
  lua_setfield(L, -2, "__index");
  lua_pushliteral(L, TL_MESSAGE);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
}

void *tl_push_message (lua_State *L, const tl_station *s, const tl_incoming *m, const tl_route *route, int64_t time_ms) {
  message *o = lua_newuserdatauv(L, sizeof *o, 2);
  *o = (message){ m, s, route, time_ms };
  luaL_setmetatable(L, TL_MESSAGE);
  return o;
}

void tl_end_message (void *at) { ((message *)at)->m = NULL; }

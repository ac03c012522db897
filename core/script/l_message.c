/* core/script/l_message.c — msg, as decode sees it. A field is made when it is first asked
** for, so a decoder that reads three bytes pays for three bytes.
**
** A msg is a light userdata that holds the number of its message: making it costs nothing. If
** a script kept an old msg, its number tells that it is not the present one.
** All light userdata of a Lua state share one metatable; number 0 (NULL) is json.null. */
#include <string.h>

#include "script/script.h"

enum { CACHE_PAYLOAD = 1, CACHE_JSON = 2 }; /* places in the table messages.cache */

static int cached (lua_State *L, tl_script *s, int slot) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->messages.cache);
  lua_rawgeti(L, -1, slot);
  return 1;
}

static void keep (lua_State *L, tl_script *s, int slot) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->messages.cache);
  lua_pushvalue(L, -2);
  lua_rawseti(L, -2, slot);
  lua_pop(L, 1);
}

static int push_payload (lua_State *L, tl_message_now *o) {
  tl_script *s = tl_script_of(L);
  if (o->has_payload) return cached(L, s, CACHE_PAYLOAD);
  tl_push_outside(L, o->m->payload);
  keep(L, s, CACHE_PAYLOAD);
  o->has_payload = true;
  return 1;
}

static int push_json (lua_State *L, tl_message_now *o) {
  tl_script *s = tl_script_of(L);
  if (o->has_json) return cached(L, s, CACHE_JSON);
  tl_doc_format format = (tl_doc_format)o->station->plan->format;
  if (format == TL_DOC_JSON)
    tl_push_json(L, o->m->payload); /* raises with line and column */
  else
    tl_push_binary(L, format, o->m->payload, "the payload");
  keep(L, s, CACHE_JSON);
  o->has_json = true;
  return 1;
}

static int push_captures (lua_State *L, const tl_message_now *o) {
  const char *name;
  int number;
  lua_newtable(L);
  if (!o->route || !o->route->groups) return 1;
  for (uint32_t i = 1; i < o->route->group_count; i++) {
    const tl_group *g = &o->route->groups[i];
    if (g->from == UINT32_MAX) continue;
    lua_pushlstring(L, (const char *)o->m->topic.at + g->from, g->to - g->from);
    lua_rawseti(L, -2, i);
  }
  for (int i = 0; o->route->pattern && tl_pattern_named(o->route->pattern, i, &name, &number);
       i++) {
    lua_rawgeti(L, -1, number);
    lua_setfield(L, -2, name);
  }
  return 1;
}

/* Compares all letters but the first, which the caller has compared. */
static bool is_word (const char *key, const char *word) { return strcmp(key + 1, word + 1) == 0; }

/* Push a field. 0: there is no field of this name. */
static int push_field (lua_State *L, tl_message_now *o, const char *key) {
  const tl_incoming *m = o->m;
  switch (key[0]) {
    case 'p': return is_word(key, "payload") ? push_payload(L, o) : 0;
    case 'j': return is_word(key, "json") ? push_json(L, o) : 0;
    case 'c': return is_word(key, "captures") ? push_captures(L, o) : 0;
    case 't':
      if (is_word(key, "topic"))
        lua_pushlstring(L, (const char *)m->topic.at, m->topic.len);
      else if (is_word(key, "time"))
        lua_pushnumber(L, (lua_Number)o->time_ms / 1000.0);
      else
        return 0;
      return 1;
    case 's':
      if (!is_word(key, "station")) return 0;
      tl_push_station(L, (tl_station *)o->station);
      return 1;
    case 'q': lua_pushinteger(L, m->qos); return is_word(key, "qos");
    case 'r': lua_pushboolean(L, m->retain); return is_word(key, "retain");
    case 'd': lua_pushboolean(L, m->dup); return is_word(key, "dup");
    case 'i': lua_pushinteger(L, m->id); return is_word(key, "id");
    default: return 0;
  }
}

static int message_index (lua_State *L) {
  tl_script *s = tl_script_of(L);
  tl_message_now *o = s->messages.now;
  uintptr_t number = (uintptr_t)lua_touserdata(L, 1);
  const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "?";
  if (number == 0) return luaL_error(L, "attempt to index json.null (field '%s')", key);
  if (!o || o->number != number)
    return luaL_error(L, "msg.%s: the message is over; copy what you need of it in decode", key);
  if (push_field(L, o, key)) return 1;
  return luaL_error(
      L, "msg has no field '%s' (topic payload qos retain dup id time captures station json)", key);
}

static int message_newindex (lua_State *L) {
  bool null = !lua_touserdata(L, 1);
  return luaL_error(L, null ? "attempt to index json.null"
                            : "msg is not assigned to: return what decode finds");
}

static int message_tostring (lua_State *L) {
  if (!lua_touserdata(L, 1))
    lua_pushliteral(L, "null");
  else
    lua_pushliteral(L, "a message (topic payload qos retain dup id time captures station json)");
  return 1;
}

int tl_message_cache (lua_State *L) {
  lua_createtable(L, 2, 0);
  for (int slot = CACHE_PAYLOAD; slot <= CACHE_JSON; slot++) {
    /* filled now, so that clearing them later needs no memory */
    lua_pushboolean(L, 0);
    lua_rawseti(L, -2, slot);
  }
  return luaL_ref(L, LUA_REGISTRYINDEX);
}

void tl_open_message (lua_State *L) {
  static const luaL_Reg methods[] = {
    { "__index", message_index },
    { "__newindex", message_newindex },
    { "__tostring", message_tostring },
    { NULL, NULL },
  };
  tl_script_of(L)->messages.cache = tl_message_cache(L);
  lua_pushlightuserdata(L, NULL);
  luaL_newlib(L, methods);
  lua_pushliteral(L, "tagline.message");
  lua_setfield(L, -2, "__metatable");
  lua_setmetatable(L, -2);
  lua_pop(L, 1);
}

void tl_push_message (lua_State *L, tl_message_now *now) {
  tl_script *s = tl_script_of(L);
  now->outer = s->messages.now;
  /* all messages share one cache, so the outer message makes its fields again */
  if (now->outer) now->outer->has_payload = now->outer->has_json = false;
  now->number = ++s->messages.count;
  s->messages.now = now;
  lua_pushlightuserdata(L, (void *)now->number);
}

void tl_end_message (tl_script *s, tl_message_now *now) {
  if (now->number == 0) return;
  s->messages.now = now->outer;
  if (!now->has_payload && !now->has_json) return;
  lua_rawgeti(s->box.L, LUA_REGISTRYINDEX, s->messages.cache);
  for (int slot = CACHE_PAYLOAD; slot <= CACHE_JSON; slot++) {
    lua_pushboolean(s->box.L, 0);
    lua_rawseti(s->box.L, -2, slot);
  }
  lua_pop(s->box.L, 1);
}

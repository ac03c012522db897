/* core/script/hooks.c — which functions a station or a line has: read from its record, shared
** by a template and its instances, and released. Must not call one. */
#include <stdlib.h>

#include "script/handlers_impl.h"

/* Take a reference to a function, or to a table that can be called; the config has checked
** that it is one of these. */
static int take_function (lua_State *L, int index, const char *name) {
  if (lua_getfield(L, index, name) != LUA_TNIL) return luaL_ref(L, LUA_REGISTRYINDEX);
  lua_pop(L, 1);
  return LUA_NOREF;
}

/* A decode of ours may have another function beside __call, __direct, which may return what Lua
** cannot read (metrics that were read in C). LUA_NOREF: there is none. */
static int take_direct (lua_State *L, int index) {
  int direct = LUA_NOREF, top = lua_gettop(L);
  if (lua_getfield(L, index, "decode") == LUA_TTABLE &&
      luaL_getmetafield(L, -1, "__direct") == LUA_TFUNCTION)
    direct = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_settop(L, top);
  return direct;
}

static bool has_function (lua_State *L, int index, const char *name) {
  bool yes = lua_getfield(L, index, name) != LUA_TNIL;
  lua_pop(L, 1);
  return yes;
}

/* The functions among the steps of prepare, of which there are `n`; with `to` NULL they are
** only counted. */
static int take_prepare (lua_State *L, int station, int *to) {
  int n = 0;
  lua_getfield(L, station, "prepare");
  lua_Integer steps = lua_istable(L, -1) ? luaL_len(L, -1) : 0;
  for (lua_Integer i = 1; i <= steps && n < TL_PREPARE_MAX; i++) {
    if (lua_rawgeti(L, -1, i) == LUA_TSTRING) {
      lua_pop(L, 1);
      continue;
    }
    if (to)
      to[n] = luaL_ref(L, LUA_REGISTRYINDEX);
    else
      lua_pop(L, 1);
    n++;
  }
  lua_pop(L, 1);
  return n;
}

/* Has the station's record any function? Most have none, and then nothing is allocated. */
static bool station_has_hooks (lua_State *L, int station, int tag_count) {
  if (has_function(L, station, "decode") || has_function(L, station, "encode") ||
      has_function(L, station, "on_value") || has_function(L, station, "on_status"))
    return true;
  bool any = take_prepare(L, station, NULL) > 0;
  lua_getfield(L, station, "tags");
  for (int i = 1; i <= tag_count && !any; i++) {
    lua_rawgeti(L, -1, i);
    any = has_function(L, lua_gettop(L), "on_value");
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return any;
}

static tl_station_hooks *new_hooks (tl_station_functions *functions) {
  tl_station_hooks *h = functions ? calloc(1, sizeof *h) : NULL;
  if (!h) return NULL;
  h->kind = TL_HOOKS_STATION;
  h->functions = functions;
  functions->refs++;
  return h;
}

tl_station_hooks *tl_read_station_hooks (lua_State *L, int index, int tag_count) {
  if (!station_has_hooks(L, index, tag_count)) return NULL;
  tl_station_functions *h = calloc(1, sizeof *h + (size_t)tag_count * sizeof h->tag_on_value[0]);
  tl_station_hooks *user = new_hooks(h);
  if (!user) {
    free(h);
    luaL_error(L, "not enough memory");
  }
  h->tag_count = tag_count;
  h->names = h->wanted = LUA_NOREF;
  h->decode = take_function(L, index, "decode");
  h->direct = take_direct(L, index);
  h->encode = take_function(L, index, "encode");
  h->on_value = take_function(L, index, "on_value");
  h->on_status = take_function(L, index, "on_status");
  h->prepare_count = take_prepare(L, index, h->prepare);
  h->values = h->on_value != LUA_NOREF;
  lua_getfield(L, index, "tags");
  for (int i = 0; i < tag_count; i++) {
    lua_rawgeti(L, -1, i + 1);
    h->tag_on_value[i] = take_function(L, lua_gettop(L), "on_value");
    h->values = h->values || h->tag_on_value[i] != LUA_NOREF;
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return user;
}

tl_line_hooks *tl_read_line_hooks (lua_State *L, int index) {
  if (!has_function(L, index, "on_connect") && !has_function(L, index, "on_disconnect") &&
      !has_function(L, index, "before_disconnect") && !has_function(L, index, "on_value") &&
      !has_function(L, index, "will") && !has_function(L, index, "ws_headers"))
    return NULL;
  tl_line_hooks *h = calloc(1, sizeof *h);
  if (!h) luaL_error(L, "not enough memory");
  h->kind = TL_HOOKS_LINE;
  h->on_connect = take_function(L, index, "on_connect");
  h->on_disconnect = take_function(L, index, "on_disconnect");
  h->before_disconnect = take_function(L, index, "before_disconnect");
  h->on_value = take_function(L, index, "on_value");
  h->will = take_function(L, index, "will");
  h->ws_headers = take_function(L, index, "ws_headers");
  return h;
}

/* Each instance has statistics of its own. Without memory it has no functions. */
void *tl_hooks_share (void *ctx, void *user) {
  (void)ctx;
  return new_hooks(((tl_station_hooks *)user)->functions);
}

static void release_functions (lua_State *L, tl_station_functions *h) {
  if (--h->refs > 0) return;
  luaL_unref(L, LUA_REGISTRYINDEX, h->decode);
  luaL_unref(L, LUA_REGISTRYINDEX, h->direct);
  luaL_unref(L, LUA_REGISTRYINDEX, h->encode);
  for (int i = 0; i < h->prepare_count; i++) luaL_unref(L, LUA_REGISTRYINDEX, h->prepare[i]);
  luaL_unref(L, LUA_REGISTRYINDEX, h->on_value);
  luaL_unref(L, LUA_REGISTRYINDEX, h->on_status);
  luaL_unref(L, LUA_REGISTRYINDEX, h->names);
  luaL_unref(L, LUA_REGISTRYINDEX, h->wanted);
  for (int i = 0; i < h->tag_count; i++) luaL_unref(L, LUA_REGISTRYINDEX, h->tag_on_value[i]);
  free(h);
}

void tl_hooks_release (void *ctx, void *user) {
  lua_State *L = ((tl_script *)ctx)->box.L;
  if (*(tl_hooks_kind *)user == TL_HOOKS_STATION) {
    release_functions(L, ((tl_station_hooks *)user)->functions);
  } else {
    const tl_line_hooks *h = user;
    luaL_unref(L, LUA_REGISTRYINDEX, h->on_connect);
    luaL_unref(L, LUA_REGISTRYINDEX, h->on_disconnect);
    luaL_unref(L, LUA_REGISTRYINDEX, h->before_disconnect);
    luaL_unref(L, LUA_REGISTRYINDEX, h->on_value);
    luaL_unref(L, LUA_REGISTRYINDEX, h->will);
    luaL_unref(L, LUA_REGISTRYINDEX, h->ws_headers);
  }
  free(user);
}

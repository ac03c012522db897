/* core/script/l_objects.c — lines, stations and tags as Lua objects, and the tables that hold
** them. An object keeps its name; after a reload the pointer is looked up by name again, and
** using an object whose line, station or tag was removed raises an error. */
#include <string.h>

#include "base/pattern.h"
#include "model/walk.h"
#include "script/script.h"

/* Push the object that exists already for this pointer. False: there is none, and nothing is
** pushed. */
static bool push_known (lua_State *L, const char *type, const void *pointer) {
  const tl_script *s = tl_script_of(L);
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->objects);
  if (lua_rawgetp(L, -1, pointer) == LUA_TUSERDATA) {
    const tl_object *known = luaL_testudata(L, -1, type);
    if (known && known->generation == tl_gateway_generation(s->gateway)) {
      lua_replace(L, -2);
      return true;
    }
  }
  lua_pop(L, 2);
  return false;
}

static void push_new (lua_State *L, const char *type, void *pointer, tl_slice name) {
  const tl_script *s = tl_script_of(L);
  uint64_t generation = tl_gateway_generation(s->gateway);
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->objects);
  tl_object *o = lua_newuserdatauv(L, sizeof *o + name.len + 1, 0);
  o->pointer = pointer;
  o->generation = generation;
  memcpy(o->name, name.at, name.len);
  o->name[name.len] = '\0';
  luaL_setmetatable(L, type);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, -3, pointer);
  lua_remove(L, -2);
}

/* Names are built on the Lua stack, so a push that raises leaks nothing. */
static tl_slice push_full_name (lua_State *L, const char *line, const char *station,
                                const char *tag) {
  size_t len;
  if (tag)
    lua_pushfstring(L, "%s.%s.%s", line, station, tag);
  else if (station)
    lua_pushfstring(L, "%s.%s", line, station);
  else
    lua_pushstring(L, line);
  const char *text = lua_tolstring(L, -1, &len);
  return tl_slice_of(text, len);
}

void tl_push_tag (lua_State *L, tl_tag *t) {
  if (push_known(L, TL_TAG, t)) return;
  push_new(L, TL_TAG, t,
           push_full_name(L, t->station->line->name, t->station->name, tl_tag_def(t)->name));
  lua_remove(L, -2);
}

void tl_push_station (lua_State *L, tl_station *s) {
  if (push_known(L, TL_STATION, s)) return;
  push_new(L, TL_STATION, s, push_full_name(L, s->line->name, s->name, NULL));
  lua_remove(L, -2);
}

void tl_push_line (lua_State *L, tl_line *line) {
  if (push_known(L, TL_LINE, line)) return;
  push_new(L, TL_LINE, line, push_full_name(L, line->name, NULL, NULL));
  lua_remove(L, -2);
}

void tl_check_runs (lua_State *L, const char *word) {
  const tl_script *s = tl_script_of(L);
  if (!s->config.loading && s->gateway) return;
  luaL_error(L,
             "%s: a config that is being loaded acts on nothing that runs, and does not see it; "
             "do this in a handler or after(…)",
             word);
}

static void *resolve (lua_State *L, int index, const char *type, const char *what,
                      void *(*find)(const tl_model *m, tl_slice name)) {
  tl_script *s = tl_script_of(L);
  tl_object *o = luaL_checkudata(L, index, type);
  tl_check_runs(L, o->name);
  uint64_t generation = tl_gateway_generation(s->gateway);
  if (o->generation != generation) {
    o->pointer = find(tl_gateway_model(s->gateway), tl_slice_str(o->name));
    o->generation = generation;
  }
  if (!o->pointer) luaL_error(L, "%s '%s' is no longer in the config", what, o->name);
  return o->pointer;
}

static void *find_tag (const tl_model *m, tl_slice name) { return tl_model_tag(m, name); }
static void *find_station (const tl_model *m, tl_slice name) { return tl_model_station(m, name); }
static void *find_line (const tl_model *m, tl_slice name) { return tl_model_line(m, name); }

tl_tag *tl_check_tag (lua_State *L, int index) {
  return resolve(L, index, TL_TAG, "tag", find_tag);
}
tl_station *tl_check_station (lua_State *L, int index) {
  return resolve(L, index, TL_STATION, "station", find_station);
}
tl_line *tl_check_line (lua_State *L, int index) {
  return resolve(L, index, TL_LINE, "line", find_line);
}

static tl_model *model_of (lua_State *L) {
  tl_check_runs(L, "lines, stations and tags");
  return tl_gateway_model(tl_script_of(L)->gateway);
}

/* --- the collections: lines["plant"], stations["plant.boiler"],
** tags["plant.boiler.temperature"] --- */

static tl_slice check_name (lua_State *L, const char *what) {
  size_t len;
  if (lua_type(L, 2) != LUA_TSTRING)
    luaL_error(L, "%s: expected a full name as text, got %s", what, luaL_typename(L, 2));
  const char *text = lua_tolstring(L, 2, &len);
  return tl_slice_of(text, len);
}

static int next_station (lua_State *L);
static int next_tag (lua_State *L);

/* Push an iterator: each call gives the next name and object. */
static int push_walk (lua_State *L, lua_CFunction next) {
  tl_tag_walk *w = lua_newuserdatauv(L, sizeof *w, 0);
  *w = (tl_tag_walk){ .line = 0 };
  lua_pushcclosure(L, next, 1);
  return 1;
}

/* tags["plant.*.temperature"]: a list of the objects whose names match the pattern, in the
** config's order. */
static int push_like (lua_State *L, lua_CFunction next, const char *pattern) {
  lua_newtable(L);
  push_walk(L, next);
  for (lua_Integer n = 0;;) {
    tl_budget_check(L);
    lua_pushvalue(L, -1);
    lua_call(L, 0, 2);
    if (lua_isnil(L, -2)) break;
    if (tl_glob_match(pattern, lua_tostring(L, -2)))
      lua_rawseti(L, -4, ++n);
    else
      lua_pop(L, 1);
    lua_pop(L, 1);
  }
  lua_pop(L, 3);
  return 1;
}

static bool is_pattern (tl_slice name) { return memchr(name.at, '*', name.len) != NULL; }

static int lines_index (lua_State *L) {
  tl_line *line = tl_model_line(model_of(L), check_name(L, "lines"));
  if (!line) return 0;
  tl_push_line(L, line);
  return 1;
}

static int stations_index (lua_State *L) {
  tl_slice name = check_name(L, "stations");
  tl_station *s = tl_model_station(model_of(L), name);
  if (!s && is_pattern(name)) return push_like(L, next_station, (const char *)name.at);
  if (!s) return 0;
  tl_push_station(L, s);
  return 1;
}

static int tags_index (lua_State *L) {
  tl_slice name = check_name(L, "tags");
  tl_tag *t = tl_model_tag(model_of(L), name);
  if (!t && is_pattern(name)) return push_like(L, next_tag, (const char *)name.at);
  if (!t) return 0;
  tl_push_tag(L, t);
  return 1;
}

static int refuse_newindex (lua_State *L) {
  return luaL_error(L, "lines, stations and tags come from the config: they are not assigned to; "
                       "use :write, :set or reload()");
}

/* The position of an iterator, which is its upvalue. After a reload it continues where it was. */
static tl_tag_walk *walk_of (lua_State *L) { return lua_touserdata(L, lua_upvalueindex(1)); }

static int next_line (lua_State *L) {
  const tl_model *m = model_of(L);
  tl_tag_walk *w = walk_of(L);
  if (w->line >= m->line_count) return 0;
  tl_line *line = m->lines[w->line++];
  lua_pushstring(L, line->name);
  tl_push_line(L, line);
  return 2;
}

static int next_station (lua_State *L) {
  tl_station *s = tl_station_walk_next(walk_of(L), model_of(L));
  if (!s) return 0;
  lua_pushfstring(L, "%s.%s", s->line->name, s->name);
  tl_push_station(L, s);
  return 2;
}

static int next_tag (lua_State *L) {
  tl_tag *t = tl_tag_walk_next(walk_of(L), model_of(L), NULL);
  if (!t) return 0;
  lua_pushfstring(L, "%s.%s.%s", t->station->line->name, t->station->name, tl_tag_def(t)->name);
  tl_push_tag(L, t);
  return 2;
}

static int lines_pairs (lua_State *L) { return push_walk(L, next_line); }
static int stations_pairs (lua_State *L) { return push_walk(L, next_station); }
static int tags_pairs (lua_State *L) { return push_walk(L, next_tag); }

/* Raises: a collection is called like a function, such as `lines "plant" { … }` in a config,
** or stations("plant.boiler") at a prompt. */
static int refuse_call (lua_State *L) {
  return luaL_error(L, "%s", lua_tostring(L, lua_upvalueindex(1)));
}

/* `not_called`: the error for a collection that is called like a function. */
static void push_collection (lua_State *L, const char *name, lua_CFunction index,
                             lua_CFunction pairs, const char *not_called) {
  lua_newtable(L);
  lua_createtable(L, 0, 6);
  lua_pushstring(L, not_called);
  lua_pushcclosure(L, refuse_call, 1);
  lua_setfield(L, -2, "__call");
  lua_pushstring(L, name);
  lua_setfield(L, -2, "__name");
  lua_pushcfunction(L, index);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, pairs);
  lua_setfield(L, -2, "__pairs");
  lua_pushcfunction(L, refuse_newindex);
  lua_setfield(L, -2, "__newindex");
  lua_pushstring(L, name);
  lua_setfield(L, -2, "__metatable"); /* getmetatable() gives the name, setmetatable() is refused */
  lua_setmetatable(L, -2);
}

int tl_open_objects (lua_State *L) {
  lua_createtable(L, 0, 3);
  push_collection(L, "tagline.lines", lines_index, lines_pairs,
                  "'lines' is indexed, as in lines[\"plant\"]; the word of a config is 'line'");
  lua_setfield(L, -2, "lines");
  push_collection(
      L, "tagline.stations", stations_index, stations_pairs,
      "'stations' is indexed, as in stations[\"plant.boiler\"]; the word of a config is 'station'");
  lua_setfield(L, -2, "stations");
  push_collection(L, "tagline.tags", tags_index, tags_pairs,
                  "'tags' is indexed, as in tags[\"plant.boiler.temperature\"]");
  lua_setfield(L, -2, "tags");
  return 1;
}

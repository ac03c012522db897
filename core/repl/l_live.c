/* core/repl/l_live.c — what the words of the REPL (lua/tagline/repl) need of the core: one
** table of C functions, which people never see; and the table of words, made from it once.
** Knows no socket. */
#include <stdio.h>
#include <string.h>

#include "config/l_reload.h"
#include "files/read.h"
#include "repl/eval_impl.h"
#include "script/l_history.h"
#include "script/message_words.h"

static tl_model *model_of (lua_State *L) { return tl_gateway_model(tl_script_of(L)->gateway); }

/* now() gives seconds since 1970, UTC, with fractions */
static int live_now (lua_State *L) {
  lua_pushnumber(L, (lua_Number)tl_clock_wall_ms() / 1000.0);
  return 1;
}

/* tag_json(tag) gives the tag as a line of the values stream, without its line break */
int tl_live_tag_json (lua_State *L) {
  tl_tag *t = tl_check_tag(L, 1);
  tl_buf text;
  tl_buf_init(&text);
  tl_tag_stream(t, &text);
  luaL_Buffer b;
  bool failed = text.failed;
  /* if this raised (no memory), a few bytes would be leaked */
  char *at = failed ? NULL : luaL_buffinitsize(L, &b, text.len);
  if (!failed) {
    memcpy(at, text.at, text.len);
    luaL_pushresultsize(&b, text.len > 0 ? text.len - 1 : 0);
  }
  tl_buf_fini(&text);
  return failed ? luaL_error(L, "not enough memory") : 1;
}

/* --- names that begin with a text --- */

typedef struct {
  lua_State *L;
  tl_slice head, wanted; /* the text before the name; how the name must begin */
  const char *tail;
  lua_Integer n, limit, more;
  char least[256], most[256];
} names;

static void add_name (names *w, const char *name) {
  lua_pushlstring(w->L, (const char *)w->head.at, w->head.len);
  lua_pushstring(w->L, name);
  lua_pushstring(w->L, w->tail);
  lua_concat(w->L, 3);
  lua_rawseti(w->L, -2, ++w->n);
}

/* Keep the first `limit` names, and always the smallest and the greatest of all: the beginning
** that these two share is shared by all. */
static void take_name (names *w, const char *name) {
  if (strncmp(name, (const char *)w->wanted.at, w->wanted.len) != 0) return;
  if (w->least[0] == '\0' || strcmp(name, w->least) < 0)
    snprintf(w->least, sizeof w->least, "%s", name);
  if (strcmp(name, w->most) > 0) snprintf(w->most, sizeof w->most, "%s", name);
  if (w->n < w->limit)
    add_name(w, name);
  else
    w->more++;
}

/* names(prefix, depth, limit): full names of lines (depth 1), stations (2) or tags (3) that
** begin with prefix, part by part: "pl" gives "plant." and not its stations yet. Returns a
** list, and how many more there are. */
static int live_names (lua_State *L) {
  size_t len;
  const char *prefix = luaL_checklstring(L, 1, &len);
  lua_Integer depth = luaL_checkinteger(L, 2), dots = 0;
  const tl_model *m = model_of(L);
  size_t last = 0, first = 0;
  for (size_t i = 0; i < len; i++) {
    if (prefix[i] != '.') continue;
    if (dots++ == 0) first = i;
    last = i + 1;
  }
  names w = { .L = L,
              .head = tl_slice_of(prefix, last),
              .wanted = tl_slice_of(prefix + last, len - last),
              .limit = luaL_checkinteger(L, 3) };
  w.tail = dots + 1 < depth ? "." : "";
  lua_newtable(L);
  if (dots == 0) {
    for (uint32_t i = 0; i < m->line_count; i++) take_name(&w, m->lines[i]->name);
  } else if (dots == 1 && depth > 1) {
    const tl_line *line = tl_model_line(m, tl_slice_of(prefix, first));
    for (uint32_t i = 0; line && i < line->station_count; i++)
      if (depth == 2 || !line->stations[i]->is_template) take_name(&w, line->stations[i]->name);
  } else if (dots == 2 && depth > 2) {
    const tl_station *s = tl_model_station(m, tl_slice_of(prefix, last - 1));
    for (uint16_t i = 0; s && !s->is_template && i < s->plan->tag_count; i++)
      take_name(&w, s->plan->tags[i].name);
  }
  if (w.more > 0) {
    add_name(&w, w.least);
    add_name(&w, w.most);
  }
  lua_pushinteger(L, w.more);
  return 2;
}

/* modules(): names of the codecs */
static void add_modules (lua_State *L, const char *folder, const char *head) {
  tl_buf *files = tl_push_buffer(L);
  lua_insert(L, -2);
  if (tl_file_names(files, folder, ".lua") < 0) luaL_error(L, "not enough memory");
  for (size_t at = 0; at < files->len;) {
    const char *name = (const char *)files->at + at;
    size_t len = strlen(name);
    lua_pushstring(L, head);
    lua_pushlstring(L, name, len - 4);
    lua_concat(L, 2);
    lua_rawseti(L, -2, (lua_Integer)luaL_len(L, -2) + 1);
    at += len + 1;
  }
  lua_remove(L, -2);
}

static int live_modules (lua_State *L) {
  const char *lua_dir = tl_script_of(L)->lua_dir;
  char path[4200];
  lua_newtable(L);
  snprintf(path, sizeof path, "%s/tagline/codec", lua_dir);
  add_modules(L, path, "tagline.codec.");
  snprintf(path, sizeof path, "%s/tagline/codec/device", lua_dir);
  add_modules(L, path, "tagline.codec.device.");
  return 1;
}

/* scopes(): the variables of the present console, and those of the config */
static int live_scopes (lua_State *L) {
  const tl_script *s = tl_script_of(L);
  if (!s->repl->evaluating)
    lua_newtable(L);
  else
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->repl->evaluating->env);
  if (lua_rawgeti(L, LUA_REGISTRYINDEX, s->config.env) != LUA_TTABLE) lua_pop(L, 1);
  return lua_gettop(L);
}

/* method(kind, name): the function behind tag:write and others; nil if there is none */
static int live_method (lua_State *L) {
  lua_pushfstring(L, "tagline.%s", luaL_checkstring(L, 1));
  if (luaL_getmetatable(L, lua_tostring(L, -1)) != LUA_TTABLE ||
      lua_getfield(L, -1, "__index") != LUA_TFUNCTION)
    return 0;
  if (!lua_getupvalue(L, -1, 1) || !lua_istable(L, -1)) return 0;
  lua_getfield(L, -1, luaL_checkstring(L, 2));
  return 1;
}

static const luaL_Reg functions[] = {
  { "history", tl_live_history },   { "rest", tl_live_rest },     { "has_tag", tl_live_has_tag },
  { "method", live_method },        { "modules", live_modules },  { "names", live_names },
  { "note", tl_live_note },         { "now", live_now },          { "reload", tl_word_reload },
  { "scopes", live_scopes },        { "status", tl_live_status }, { "survey", tl_live_survey },
  { "tag_json", tl_live_tag_json }, { "watch", tl_live_watch },   { NULL, NULL },
};

void tl_open_live (lua_State *L) { luaL_newlib(L, functions); }

/* --- the words --- */

static void require (lua_State *L, const char *module) {
  lua_getglobal(L, "require");
  lua_pushstring(L, module);
  lua_call(L, 1, 1);
}

void tl_push_api (lua_State *L) {
  tl_script *s = tl_script_of(L);
  if (s->repl->api != 0) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->repl->api);
    return;
  }
  tl_open_objects(L);
  tl_add_message_words(L);
  tl_add_file_words(L);
  require(L, "tagline.repl.words");
  tl_open_live(L);
  lua_pushvalue(L, -3);
  lua_call(L, 2, 1); /* words(live, api) */
  for (lua_pushnil(L); lua_next(L, -2) != 0;) {
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_settable(L, -5);
  }
  lua_pop(L, 1);
  lua_pushvalue(L, -1);
  s->repl->api = luaL_ref(L, LUA_REGISTRYINDEX);
}

/* --- the variables of a REPL: its words, then those of the config --- */

static int plain_get (lua_State *L) {
  lua_gettable(L, 1);
  return 1;
}

static int env_index (lua_State *L) {
  tl_script *s = tl_script_of(L);
  tl_push_api(L);
  lua_pushvalue(L, 2);
  if (lua_rawget(L, -2) != LUA_TNIL) return 1;
  lua_pushvalue(L, 2);
  /* the user has set this variable to nil */
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 0;
  if (lua_rawgeti(L, LUA_REGISTRYINDEX, s->config.env) != LUA_TTABLE) return 0;
  /* read without its __index, whose errors for unknown words are meant for configs */
  lua_pushcfunction(L, plain_get);
  lua_pushvalue(L, -2);
  lua_pushvalue(L, 2);
  if (lua_pcall(L, 2, 1, 0) == LUA_OK) return 1;
  require(L, "tagline.repl.complete");
  lua_getfield(L, -1, "unknown");
  lua_pushvalue(L, 2);
  tl_push_api(L);
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->config.env);
  lua_call(L, 3, 1);
  luaL_where(L, 1);
  lua_insert(L, -2);
  lua_concat(L, 2);
  return lua_error(L);
}

static int env_newindex (lua_State *L) {
  lua_pushvalue(L, 2);
  lua_pushboolean(L, 1);
  lua_rawset(L, lua_upvalueindex(1));
  lua_settop(L, 3);
  lua_rawset(L, 1);
  return 0;
}

void tl_set_env (lua_State *L) {
  lua_newtable(L); /* names of variables that were assigned to */
  lua_pushvalue(L, -1);
  lua_pushcclosure(L, env_index, 1);
  lua_setfield(L, -3, "__index");
  lua_pushcclosure(L, env_newindex, 1);
  lua_setfield(L, -2, "__newindex");
}

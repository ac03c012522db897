/* core/config/outlets.c — passes what a config says of outlets to the room that carries values
** out. */
#include <stdlib.h>

#include "config/loaded_impl.h"

static tl_slice text_of (lua_State *L, int table, const char *key) {
  lua_getfield(L, table, key);
  size_t len = 0;
  const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &len) : NULL;
  lua_pop(L, 1); /* the draft keeps it */
  return tl_slice_of(text, len);
}

static double number_of (lua_State *L, int table, const char *key) {
  lua_getfield(L, table, key);
  double number = lua_tonumber(L, -1);
  lua_pop(L, 1);
  return number;
}

/* Read the patterns of an outlet, into memory that Lua owns. */
static void read_tags (lua_State *L, int table, tl_outlet_config *c) {
  lua_getfield(L, table, "tags");
  size_t n = lua_type(L, -1) == LUA_TTABLE ? (size_t)luaL_len(L, -1) : 0;
  int list = lua_gettop(L);
  if (n > 0) {
    tl_slice *tags = lua_newuserdatauv(L, n * sizeof *tags, 0);
    for (size_t i = 0; i < n; i++) {
      size_t len;
      lua_rawgeti(L, list, (lua_Integer)i + 1);
      const char *text = lua_tolstring(L, -1, &len);
      tags[i] = tl_slice_of(text, len);
      lua_pop(L, 1);
    }
    c->tags = tags;
    c->tag_count = n;
    lua_setfield(L, table, "tags_memory"); /* lives as long as the draft */
  }
  lua_settop(L, list - 1);
}

static void read_outlet (lua_State *L, int at, tl_outlet_config *c) {
  *c = (tl_outlet_config){ .name = text_of(L, at, "name"),
                           .kind = text_of(L, at, "kind"),
                           .keep_ms = (int64_t)(number_of(L, at, "keep") * 1000),
                           .file = text_of(L, at, "file"),
                           .postgres = text_of(L, at, "postgres"),
                           .password = text_of(L, at, "password"),
                           .schema = text_of(L, at, "schema"),
                           .nats = text_of(L, at, "nats"),
                           .stream = text_of(L, at, "stream"),
                           .subject = text_of(L, at, "subject"),
                           .user = text_of(L, at, "user"),
                           .tls_ca_file = text_of(L, at, "tls_ca_file") };
  read_tags(L, at, c);
}

void tl_config_apply_outlets (lua_State *L, tl_script *s, int draft,
                              const tl_outlets_change *change) {
  tl_outlets_config config = { .count = 0 };
  tl_err err = { .text = "" };
  int top = lua_gettop(L);
  if (!s->config.outlets) return;
  lua_getfield(L, draft, "outlets");
  if (lua_type(L, -1) == LUA_TTABLE) {
    int outlets = lua_gettop(L);
    lua_getfield(L, outlets, "spool");
    int spool = lua_gettop(L);
    config.spool = text_of(L, spool, "folder");
    config.spool_max = (uint64_t)number_of(L, spool, "max");
    lua_getfield(L, spool, "hold");
    config.spool_hold = lua_toboolean(L, -1);
    lua_getfield(L, outlets, "list");
    int list = lua_gettop(L);
    config.count = (size_t)luaL_len(L, list);
    tl_outlet_config *all = lua_newuserdatauv(L, (config.count + 1) * sizeof *all, 0);
    for (size_t i = 0; i < config.count; i++) {
      lua_rawgeti(L, list, (lua_Integer)i + 1);
      read_outlet(L, lua_gettop(L), &all[i]);
      lua_pop(L, 1);
    }
    config.outlets = all;
  }
  bool reload = s->config.env != LUA_NOREF;
  bool well =
      s->config.outlets->apply(s->config.outlets->ctx, &config, reload ? change : NULL, &err);
  lua_settop(L, top);
  if (well) return;
  if (!reload) luaL_error(L, "%s", err.text);
  /* The new lines and stations run already, so the other outlets go on. */
  tl_log(TL_LOG_ERROR, "outlets", "%s; the others run", err.text);
  if (change->changed) change->changed(change->ctx, err.text);
}

void tl_config_set_outlets (tl_script *s, const tl_outlet_hooks *hooks) {
  s->config.outlets = hooks;
}

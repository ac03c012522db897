/* core/config/http.c — passes a config's HTTP settings, and the metrics of scripts, to the
** room that serves HTTP. */
#include "config/http.h"
#include "config/loaded_impl.h"

static tl_slice text_of (lua_State *L, int table, const char *key) {
  size_t len = 0;
  lua_getfield(L, table, key);
  const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &len) : NULL;
  lua_pop(L, 1); /* the draft keeps it */
  return tl_slice_of(text, len);
}

/* A list of texts, in memory that is left on the stack. */
static const tl_slice *push_list (lua_State *L, int table, const char *key, size_t *count) {
  lua_getfield(L, table, key);
  size_t n = lua_type(L, -1) == LUA_TTABLE ? (size_t)luaL_len(L, -1) : 0;
  tl_slice *list = lua_newuserdatauv(L, (n + 1) * sizeof *list, 0);
  for (size_t i = 0; i < n; i++) {
    size_t len;
    lua_rawgeti(L, -2, (lua_Integer)i + 1);
    const char *text = lua_tolstring(L, -1, &len);
    list[i] = tl_slice_of(text, len);
    lua_pop(L, 1);
  }
  *count = n;
  return list;
}

void tl_config_apply_http (lua_State *L, tl_script *s, int draft, const tl_outlets_change *change) {
  tl_http_config config = { .write = false };
  tl_err err = { .text = "" };
  int top = lua_gettop(L);
  if (!s->config.http) return;
  bool given = lua_getfield(L, draft, "http") == LUA_TTABLE;
  if (given) {
    int at = lua_gettop(L);
    config.listen = text_of(L, at, "listen");
    config.token = text_of(L, at, "token");
    config.cert = text_of(L, at, "cert");
    config.key = text_of(L, at, "key");
    lua_getfield(L, at, "write");
    config.write = lua_toboolean(L, -1);
    config.names = push_list(L, at, "names", &config.name_count);
    config.values = push_list(L, at, "values", &config.value_count);
  }
  bool well = s->config.http->apply(s->config.http->ctx, given ? &config : NULL, change, &err);
  lua_settop(L, top);
  if (s->config.loaded && !(change && change->dry)) s->config.loaded->http = err;
  if (well) return;
  if (s->config.env != LUA_NOREF)
    tl_log(TL_LOG_ERROR, "http", "%s", err.text);
  else
    luaL_error(L, "http: %s", err.text);
}

void tl_config_set_http (tl_script *s, const tl_http_hooks *hooks) { s->config.http = hooks; }

size_t tl_script_memory (const tl_script *s) { return s->box.memory.used; }

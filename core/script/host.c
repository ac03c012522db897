/* core/script/host.c — the Lua state of scripts: made and freed, with its library and tables. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checks/l_check.h"
#include "codec/codec.h"
#include "script/l_history.h"
#include "script/turn.h"

#include <lua-cjson.h> /* needs lua.h before it */

/* --- making the state --- */

static int open_timers (lua_State *L) {
  lua_newtable(L);
  tl_open_timers(L);
  return 1;
}

static int open_state (lua_State *L) {
  tl_script *s = lua_touserdata(L, 1);
  luaL_requiref(L, "cjson", luaopen_cjson, 0); /* a config's own `require` gives it to `unsafe` */
  luaL_requiref(L, "tagline.timers", open_timers, 0);
  luaL_requiref(L, "tagline.connection", tl_open_connection, 0);
  luaL_requiref(L, "tagline.core", luaopen_tagline_core, 0);
  lua_settop(L, 0);
  luaL_requiref(L, "package", luaopen_package, 0);
  lua_pushfstring(
      L,
      "%s/?.lua;%s/?/init.lua;/usr/local/share/lua/5.4/?.lua;/usr/local/share/lua/5.4/?/init.lua;"
      "/usr/share/lua/5.4/?.lua;/usr/share/lua/5.4/?/init.lua",
      s->lua_dir, s->lua_dir);
  lua_setfield(L, -2, "path");
  if (!s->box.unsafe) { /* a library would be found in the folder where the program was started */
    lua_pushliteral(L, "");
    lua_setfield(L, -2, "cpath");
  }
  /* the objects of lines, stations and tags; weak, so each lives only while somebody holds it */
  lua_newtable(L);
  lua_newtable(L);
  lua_pushliteral(L, "v");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
  s->objects = luaL_ref(L, LUA_REGISTRYINDEX);
  tl_open_tag(L);
  tl_open_station(L);
  tl_open_line(L);
  tl_open_message(L);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "tagline.repl.print");
  lua_call(L, 1, 1);
  s->print_module = luaL_ref(L, LUA_REGISTRYINDEX);
  return 0;
}

int tl_script_new (tl_script **out, const tl_script_options *options, tl_err *err) {
  tl_script *s = calloc(1, sizeof *s);
  tl_buf text;
  if (!s) return tl_fail(err, TL_ENOMEM, 0, "no memory for Lua");
  s->config = (tl_script_config){
    .check = options->check, .draft = LUA_NOREF, .env = LUA_NOREF, .stall_time = TL_STALL_SECONDS
  };
  s->history.most_bytes = TL_SCRIPT_ANSWERS;
  s->lua_dir = strdup(options->lua_dir);
  int rc = tl_sandbox_init(&s->box, options->unsafe, tl_open_codecs, err);
  if (rc == TL_OK && !s->lua_dir) rc = tl_fail(err, TL_ENOMEM, 0, "no memory for Lua");
  if (rc < 0) {
    tl_script_free(s);
    return rc;
  }
  s->box.is_known = tl_script_is_known;
  tl_buf_init(&text);
  rc = tl_script_enter(s, open_state, s, 0, "lua", &text);
  if (rc != LUA_OK) {
    tl_fail(err, TL_ENOENT, 0, "cannot start Lua: %.*s", TL_ARG(tl_buf_bytes(&text)));
    tl_script_free(s);
    s = NULL;
  }
  tl_buf_fini(&text);
  if (!s) return TL_ENOENT;
  *out = s;
  return TL_OK;
}

void tl_script_end (tl_script *s) {
  tl_turn_finish(s);
  tl_history_drop(s, false);
  tl_turn_drop_all(s);
  tl_timers_stop(s);
}

void tl_script_free (tl_script *s) {
  if (!s) return;
  if (s->caller.console) s->caller.console->close(s);
  if (s->config.close) s->config.close(s);
  tl_failures_free(s);
  tl_errors_free(s);
  tl_history_drop(s, true);
  tl_turn_drop_all(s);
  tl_timers_stop(s);
  s->history.ended = true;
  tl_sandbox_fini(&s->box);
  free(s->lua_dir);
  free(s);
}

void tl_script_where (const tl_script *s, void (*add)(void *ctx, const char *text), void *ctx) {
  lua_State *L = s->box.running;
  lua_Debug ar;
  char line[16];
  add(ctx, s->box.budget.inside ? "in Lua, the innermost call first:\n" : "not in Lua\n");
  for (int level = 0; s->box.budget.inside && level < 20 && lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "Sl", &ar);
    add(ctx, "  ");
    add(ctx, ar.short_src);
    unsigned n = ar.currentline > 0 ? (unsigned)ar.currentline : 0;
    char *at = line + sizeof line - 1;
    *at = '\0';
    for (; n > 0; n /= 10) *--at = (char)('0' + n % 10);
    if (*at != '\0') *--at = ':';
    add(ctx, at);
    add(ctx, "\n");
  }
}

void tl_script_run_offline (tl_script *s) { s->offline = true; }

void tl_script_attach (tl_script *s, tl_gateway *g, tl_loop *loop) {
  s->gateway = g;
  s->loop = loop;
  tl_script_observe(s);
}

int tl_script_find_lua (tl_buf *out) {
  static const char *const places[] = { "lua", "../share/tagline/lua" };
  char exe[PATH_MAX], path[PATH_MAX + 64];
  ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
  if (n <= 0) return TL_ENOENT;
  exe[n] = '\0';
  char *slash = strrchr(exe, '/');
  if (slash) *slash = '\0';
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    struct stat st;
    snprintf(path, sizeof path, "%s/%s/tagline", exe, places[i]);
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) continue;
    path[strlen(path) - sizeof "tagline"] = '\0';
    tl_buf_str(out, path);
    return out->failed ? TL_ENOMEM : TL_OK;
  }
  return TL_ENOENT;
}

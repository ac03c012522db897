/* core/offline/lua_command.c — see lua_command.h. */
#include "offline/lua_command.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/visible.h"

#include "checks/l_check.h"
#include "script/l_history.h"
#include "offline/l_heard.h"
#include "offline/l_run.h"
#include "sandbox/lib.h"
#include "script/message_words.h"
#include "script/script.h"

#include <lua-cjson.h> /* needs lua.h before it */

typedef struct {
  const char *module;
  const char *const *arguments;
  int count;
  int code;
  const tl_heard *collected; /* NULL: nothing was */
} running;

static void set_path (lua_State *L) {
  tl_buf *dir = tl_push_buffer(L);
  if (tl_script_find_lua(dir) != TL_OK)
    luaL_error(
        L,
        "its Lua modules are missing: expected lua/ beside the program, or ../share/tagline/lua");
  tl_buf_byte(dir, '\0');
  if (dir->failed) luaL_error(L, "not enough memory");
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "path");
  lua_pushfstring(L, "%s/?.lua;%s/?/init.lua;%s", (char *)dir->at, (char *)dir->at,
                  lua_tostring(L, -1));
  lua_setfield(L, -3, "path");
  lua_settop(L, 1);
}

/* It may hold what a file or a topic is called. */
static void print_error (const char *text) {
  tl_buf line;
  tl_buf_init(&line);
  tl_visible(&line, tl_slice_str(text), true);
  if (line.failed)
    fputs("tagline: not enough memory\n", stderr);
  else
    fprintf(stderr, "tagline: %.*s\n", TL_ARG(tl_buf_bytes(&line)));
  tl_buf_fini(&line);
}

static void set_collected (lua_State *L, const tl_heard *c) {
  luaL_requiref(L, "tagline.json", tl_open_json, 0);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  tl_push_heard(L, c);
  lua_setfield(L, -2, "tagline.discovered");
}

static int p_run (lua_State *L) {
  running *r = lua_touserdata(L, 1);
  luaL_openlibs(L);
  luaL_requiref(L, "cjson", luaopen_cjson, 0);
  luaL_requiref(L, "tagline.core", luaopen_tagline_core, 0);
  luaL_requiref(L, "tagline.offline", tl_open_offline, 0);
  luaL_requiref(L, "tagline.history.file", tl_open_history, 0);
  if (r->collected) set_collected(L, r->collected);
  lua_settop(L, 1);
  set_path(L);
  lua_getglobal(L, "require");
  lua_pushstring(L, r->module);
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "main");
  for (int i = 0; i < r->count; i++) lua_pushstring(L, r->arguments[i]);
  lua_call(L, r->count, 1);
  r->code = (int)luaL_checkinteger(L, -1);
  return 0;
}

/* Functions shared with scripts ask whose state it is: this one has no limits. */
static void *unlimited_alloc (void *ud, void *at, size_t before, size_t wanted) {
  (void)ud;
  (void)before;
  if (wanted > 0) return realloc(at, wanted);
  free(at);
  return NULL;
}

int tl_lua_command (const char *module, const char *const *arguments, int count) {
  return tl_lua_command_on(NULL, module, arguments, count);
}

int tl_lua_command_on (const tl_heard *collected, const char *module, const char *const *arguments,
                       int count) {
  running r = { module, arguments, count, 1, collected };
  tl_script *owner = calloc(1, sizeof *owner);
  lua_State *L = owner ? lua_newstate(unlimited_alloc, owner) : NULL;
  if (!L) {
    free(owner);
    fputs("tagline: no memory for Lua\n", stderr);
    return 1;
  }
  owner->box.L = L;
  lua_pushcfunction(L, tl_sandbox_traceback);
  lua_pushcfunction(L, p_run);
  lua_pushlightuserdata(L, &r);
  if (lua_pcall(L, 1, 0, 1) != LUA_OK) {
    const char *text =
        lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "an error that is no text";
    print_error(text);
    r.code = 1;
  }
  lua_close(L);
  free(owner);
  return r.code;
}

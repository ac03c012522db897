/* core/config/compile.c — compiles a config's text part by part: ten megabytes take longer
** than a turn of the loop may. */
#include "sandbox/pieces.h"
#include "config/loaded_impl.h"

enum { PART = 16 * 1024 }; /* bytes; about half a millisecond */

typedef struct {
  const char *at;
  size_t left;
} unread;

/* Gives Lua's compiler the next part of the text. The loop may run other things between two
** parts. */
static const char *next_part (lua_State *L, void *ctx, size_t *len) {
  unread *u = ctx;
  const char *part = u->at;
  tl_pause(tl_sandbox_of(L));
  *len = u->left < PART ? u->left : PART;
  u->at += *len;
  u->left -= *len;
  return *len > 0 ? part : NULL;
}

int tl_compile (lua_State *L) {
  unread u;
  u.at = luaL_checklstring(L, 1, &u.left);
  const char *name = luaL_checkstring(L, 2);
  luaL_checkany(L, 3);
  if (lua_load(L, next_part, &u, name, "t") != LUA_OK) {
    lua_pushnil(L);
    lua_insert(L, -2);
    return 2;
  }
  lua_pushvalue(L, 3);
  lua_setupvalue(L, -2, 1);
  return 1;
}

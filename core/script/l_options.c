/* core/script/l_options.c — see l_options.h. */
#include "script/l_options.h"

#include <lauxlib.h>
#include <string.h>
#include <strings.h>

#include "script/script.h"

bool tl_option_is_known (const char *name, const char *known) {
  size_t len = strlen(name);
  for (const char *at = known; len > 0 && (at = strstr(at, name)); at += len)
    if ((at == known || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0')) return true;
  return false;
}

void tl_options_known (lua_State *L, int table, const char *who, const char *known) {
  table = lua_absindex(L, table);
  for (lua_pushnil(L); lua_next(L, table) != 0; lua_pop(L, 1)) {
    bool named = lua_type(L, -2) == LUA_TSTRING;
    if (named && tl_option_is_known(lua_tostring(L, -2), known)) continue;
    luaL_error(L, "%s: unknown option %s%s%s (known: %s)", who, named ? "'" : "",
               named ? lua_tostring(L, -2) : tl_push_got(L, -2), named ? "'" : "", known);
  }
}

int tl_option_qos (lua_State *L, int table, const char *who) {
  int type = lua_getfield(L, table, "qos"), is_integer = 0;
  lua_Integer qos = -1;
  if (type == LUA_TNUMBER) {
    qos = lua_tointegerx(L, -1, &is_integer);
    if (!is_integer) qos = -1;
  } else if (type == LUA_TSTRING) {
    const char *word = lua_tostring(L, -1);
    if (strncasecmp(word, "QoS_", 4) == 0 && strlen(word) == 5) qos = word[4] - '0';
  }
  if (type != LUA_TNIL && (qos < 0 || qos > 2))
    luaL_error(L, "%s: expected qos 0, 1 or 2, got %s", who, tl_push_got(L, -1));
  lua_pop(L, 1);
  return (int)qos;
}

int tl_option_flag (lua_State *L, int table, const char *who, const char *name) {
  int type = lua_getfield(L, table, name), flag = -1;
  const char *word = type == LUA_TSTRING ? lua_tostring(L, -1) : "";
  if (type == LUA_TBOOLEAN)
    flag = lua_toboolean(L, -1);
  else if (strcasecmp(word, "YES") == 0 || strcasecmp(word, "NO") == 0)
    flag = strcasecmp(word, "YES") == 0;
  else if (type != LUA_TNIL)
    luaL_error(L, "%s: expected %s = true or false, got %s", who, name, tl_push_got(L, -1));
  lua_pop(L, 1);
  return flag;
}

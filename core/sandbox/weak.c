/* core/sandbox/weak.c — tables with weak keys: to collect a chain of them, each the value of
** the next one's key, takes the square of its length, in one go and in the middle of anything.
** So a script's table has none, whenever its metatable was given the mode: Lua's look-up of
** __mode passes through here (--wrap, CMakeLists.txt), and "k" counts as no mode at all. Weak
** values, and both, are harmless. Metatables of ours are named by weak_allow. Must not know
** what they hold. */
#include <string.h>

#include "sandbox/lib.h"

_Static_assert(LUA_VERSION_NUM == 504, "TM_MODE and the first member of a value are Lua 5.4's");

enum { TM_MODE = 3 }; /* ltm.h */

static tl_sandbox *states;

/* None in specs, where nothing calls it. */
const void *__real_luaT_gettm (const void *metatable, int event, const void *name)
    __attribute__((weak));
const void *__wrap_luaT_gettm (const void *metatable, int event, const void *name);

static bool is_allowed (const void *metatable, const void *mode) {
  const void *text;
  memcpy(&text, mode, sizeof text); /* a value begins with its pointer, and short texts are one */
  for (const tl_sandbox *s = states; s; s = s->next) {
    for (int i = 0; i < TL_WEAK_MODES; i++)
      if (s->weak_modes[i] == text) return true;
    for (int i = 0; i < s->weak_count; i++)
      if (s->weak_tables[i] == metatable) return true;
  }
  return !states;
}

__attribute__((used)) const void *__wrap_luaT_gettm (const void *metatable, int event,
                                                     const void *name) {
  const void *found = __real_luaT_gettm(metatable, event, name);
  if (event != TM_MODE || !found) return found;
  return is_allowed(metatable, found) ? found : NULL;
}

/* allow(metatable): it may have weak keys. For modules of ours, a few for the life of the state. */
static int weak_allow (lua_State *L) {
  tl_sandbox *s = tl_sandbox_of(L);
  luaL_checktype(L, 1, LUA_TTABLE);
  if (s->weak_count == TL_WEAK_TABLES) return luaL_error(L, "too many metatables with weak keys");
  lua_settop(L, 1);
  lua_pushvalue(L, 1);
  luaL_ref(L, LUA_REGISTRYINDEX); /* its address is nobody else's for ever */
  s->weak_tables[s->weak_count++] = lua_topointer(L, 1);
  return 1;
}

void tl_weak_open (lua_State *L) {
  static const char *const modes[TL_WEAK_MODES] = { "v", "kv", "vk" };
  tl_sandbox *s = tl_sandbox_of(L);
  for (int i = 0; i < TL_WEAK_MODES; i++) {
    lua_pushstring(L, modes[i]);
    s->weak_modes[i] = lua_topointer(L, -1);
    luaL_ref(L, LUA_REGISTRYINDEX);
  }
  if (s->unsafe) return;
  s->next = states;
  states = s;
}

void tl_weak_close (tl_sandbox *s) {
  for (tl_sandbox **at = &states; *at; at = &(*at)->next) {
    if (*at != s) continue;
    *at = s->next;
    return;
  }
}

int tl_open_weak (lua_State *L) {
  lua_newtable(L);
  lua_pushcfunction(L, weak_allow);
  lua_setfield(L, -2, "allow");
  return 1;
}

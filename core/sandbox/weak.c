/* core/sandbox/weak.c — forbids tables with weak keys. In a chain of them, where each is the
** value of the next one's key, the collector needs time that grows with the square of the
** length, without a pause.
** So for a script's table the mode "k" counts as no mode at all, whenever its metatable was
** given the mode. Weak values, and weak keys and values together, are harmless.
** Lua's look-up of __mode goes through this file (--wrap, CMakeLists.txt). weak_allow() names
** the metatables of ours that may have weak keys. Must not know what they hold. */
#include <string.h>

#include "sandbox/lib.h"

_Static_assert(LUA_VERSION_NUM == 504, "TM_MODE and the first member of a value are Lua 5.4's");

enum { TM_MODE = 3 }; /* number of __mode in Lua 5.4's ltm.h */

static tl_sandbox *states;

/* Weak: specs that are linked without --wrap do not have it, and do not call it. */
const void *__real_luaT_gettm (const void *metatable, int event, const void *name)
    __attribute__((weak));
const void *__wrap_luaT_gettm (const void *metatable, int event, const void *name);

static bool is_allowed (const void *metatable, const void *mode) {
  const void *text;
  /* a Lua value begins with its pointer, and each short text exists once */
  memcpy(&text, mode, sizeof text);
  for (const tl_sandbox *s = states; s; s = s->weak.next) {
    for (int i = 0; i < TL_WEAK_MODES; i++)
      if (s->weak.modes[i] == text) return true;
    for (int i = 0; i < s->weak.count; i++)
      if (s->weak.tables[i] == metatable) return true;
  }
  return !states;
}

__attribute__((used)) const void *__wrap_luaT_gettm (const void *metatable, int event,
                                                     const void *name) {
  const void *found = __real_luaT_gettm(metatable, event, name);
  if (event != TM_MODE || !found) return found;
  return is_allowed(metatable, found) ? found : NULL;
}

/* allow(metatable): it may have weak keys. For modules of ours: a few calls in the life of a
** state. */
static int weak_allow (lua_State *L) {
  tl_sandbox *s = tl_sandbox_of(L);
  luaL_checktype(L, 1, LUA_TTABLE);
  if (s->weak.count == TL_WEAK_TABLES) return luaL_error(L, "too many metatables with weak keys");
  lua_settop(L, 1);
  lua_pushvalue(L, 1);
  luaL_ref(L, LUA_REGISTRYINDEX); /* kept for ever, so that nothing else can get its address */
  s->weak.tables[s->weak.count++] = lua_topointer(L, 1);
  return 1;
}

void tl_weak_open (lua_State *L) {
  static const char *const modes[TL_WEAK_MODES] = { "v", "kv", "vk" };
  tl_sandbox *s = tl_sandbox_of(L);
  for (int i = 0; i < TL_WEAK_MODES; i++) {
    lua_pushstring(L, modes[i]);
    s->weak.modes[i] = lua_topointer(L, -1);
    luaL_ref(L, LUA_REGISTRYINDEX);
  }
  if (s->unsafe) return;
  s->weak.next = states;
  states = s;
}

void tl_weak_close (tl_sandbox *s) {
  for (tl_sandbox **at = &states; *at; at = &(*at)->weak.next) {
    if (*at != s) continue;
    *at = s->weak.next;
    return;
  }
}

int tl_open_weak (lua_State *L) {
  lua_newtable(L);
  lua_pushcfunction(L, weak_allow);
  lua_setfield(L, -2, "allow");
  return 1;
}

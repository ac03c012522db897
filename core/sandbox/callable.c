/* core/sandbox/callable.c — objects that are called by a __call that is an object itself, in a
** circle or a long chain. Lua 5.4 goes on within one instruction, and moves all arguments at
** each step: minutes, in which no hook runs. The program is linked with Lua's look-up of
** metamethods passed through here (--wrap, CMakeLists.txt). Must not know what calls it. */
#include "sandbox/watchdog.h"

_Static_assert(LUA_VERSION_NUM == 504, "TM_CALL is Lua 5.4's");

enum { TM_CALL = 23 }; /* Lua 5.4's number of __call (ltm.h) */

/* None in specs, where nothing calls it. */
const void *__real_luaT_gettmbyobj (lua_State *L, const void *object, int event)
    __attribute__((weak));
const void *__wrap_luaT_gettmbyobj (lua_State *L, const void *object, int event);

__attribute__((used)) const void *__wrap_luaT_gettmbyobj (lua_State *L, const void *object,
                                                          int event) {
  if (event == TM_CALL) tl_budget_check_running(L);
  return __real_luaT_gettmbyobj(L, object, event);
}

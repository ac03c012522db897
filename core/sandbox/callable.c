/* core/sandbox/callable.c — limits chains of __call: an object whose __call is an object with
** a __call, and so on, perhaps in a circle.
** Lua 5.4 follows such a chain within one instruction, and moves all arguments at each step:
** this may take minutes in which no hook runs.
** The program is linked so that Lua's look-up of metamethods goes through this file (--wrap,
** CMakeLists.txt). Must not know who calls it. */
#include "sandbox/watchdog.h"

_Static_assert(LUA_VERSION_NUM == 504, "TM_CALL is Lua 5.4's");

enum { TM_CALL = 23 }; /* Lua 5.4's number of __call (ltm.h) */

/* Weak: specs that are linked without --wrap do not have it, and do not call it. */
const void *__real_luaT_gettmbyobj (lua_State *L, const void *object, int event)
    __attribute__((weak));
const void *__wrap_luaT_gettmbyobj (lua_State *L, const void *object, int event);

__attribute__((used)) const void *__wrap_luaT_gettmbyobj (lua_State *L, const void *object,
                                                          int event) {
  if (event == TM_CALL) tl_budget_check_running(L);
  return __real_luaT_gettmbyobj(L, object, event);
}

/* core/sandbox/step.c — the collector works in small steps, however large the object was that
** made it due. Lua lets one step do what all that was allocated since the last one is worth, which
** cannot pause: a table or text of 64 KB has it free 400,000 objects, in 30 ms.
** So what large objects are worth is owed (tl_sandbox_alloc), and worked off by the steps that
** follow. Lua's step goes through this file (--wrap, CMakeLists.txt). Must not know what is
** collected. */
#include "sandbox/memory_impl.h"

/* Lua's steps are worth TL_GC_STEP bytes each. So many in one: what is owed is worked off four
** times as fast as it would grow if only small objects came. */
enum { STEPS = 4, MANY = 4 << 20, STEPS_MAX = 12 };

/* Weak: specs that are linked without --wrap do not have it, and do not call it. */
void __real_luaC_step (lua_State *L) __attribute__((weak));
void __wrap_luaC_step (lua_State *L);

/* The sandbox of this state, if its collector may do steps now; NULL: no. */
static tl_sandbox *owing (lua_State *L) {
  void *ud;
  if (lua_getallocf(L, &ud) != tl_sandbox_alloc) return NULL;
  tl_sandbox *s = ud;
  return s->memory.owed > 0 && !s->memory.stepping && lua_gc(L, LUA_GCISRUNNING) == 1 ? s : NULL;
}

__attribute__((used)) void __wrap_luaC_step (lua_State *L) {
  tl_sandbox *s = owing(L);
  if (!s) {
    __real_luaC_step(L);
    return;
  }
  size_t steps = STEPS + s->memory.owed / MANY;
  s->memory.stepping = true;
  for (size_t i = 0; i < steps && i < STEPS_MAX && s->memory.owed > 0; i++) {
    /* Lua forgets what is due, and does one step. 1: a cycle has ended, and all is collected. */
    bool ended = lua_gc(L, LUA_GCSTEP, 0) == 1;
    bool last = ended || s->memory.owed <= TL_GC_STEP;
    s->memory.owed = last ? 0 : s->memory.owed - TL_GC_STEP;
  }
  s->memory.stepping = false;
}

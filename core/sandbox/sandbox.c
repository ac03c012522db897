/* core/sandbox/sandbox.c — makes and ends a state, with its library. */
#include "sandbox/sandbox.h"

#include "sandbox/lib.h"
#include "sandbox/memory_impl.h"
#include "sandbox/watchdog.h"

/* Lua aborts after this. Not reached while everything that can raise runs behind the door. */
static int on_panic (lua_State *L) {
  tl_log(TL_LOG_ERROR, "lua", "an error outside of every protected call: %s",
         lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "?");
  return 0;
}

/* A long luaL_Buffer has a metatable, which Lua makes at the first use. If memory ended in the
** middle of that, the metatable would lack __close for good, so it is made now. */
static void make_a_buffer (lua_State *L) {
  luaL_Buffer b;
  luaL_buffinitsize(L, &b, 2 * LUAL_BUFFERSIZE);
  luaL_pushresult(&b);
  lua_pop(L, 1);
}

typedef struct {
  bool unsafe;
  void (*more)(lua_State *L);
} opening;

static int p_open (lua_State *L) {
  const opening *o = lua_touserdata(L, 1);
  make_a_buffer(L);
  luaL_openlibs(L);
  tl_open_basic(L);
  tl_open_string(L, o->unsafe);
  tl_open_table(L);
  tl_weak_open(L);
  luaL_requiref(L, "tagline.weak", tl_open_weak, 0);
  luaL_requiref(L, "tagline.re", tl_open_re, 0);
  luaL_requiref(L, "tagline.json", tl_open_json, 0);
  if (o->more) o->more(L);
  return 0;
}

int tl_sandbox_init (tl_sandbox *b, bool unsafe, void (*more)(lua_State *L), tl_err *err) {
  opening o = { unsafe, more };
  tl_buf text;
  *b = (tl_sandbox){ .unsafe = unsafe, .handler_time = 0.1, .memory.limit = TL_MEMORY };
  b->L = lua_newstate(tl_sandbox_alloc, b);
  if (!b->L) return tl_fail(err, TL_ENOMEM, 0, "no memory for Lua");
  /* A step of the collector may free 100 objects for each 16 bytes of its size: with Lua's
  ** default of 8 KiB a step takes 10 ms. */
  lua_gc(b->L, LUA_GCINC, 0, 0, TL_GC_STEP_BITS);
  b->watched = tl_watchdog_begin();
  if (!b->watched)
    return tl_fail(
        err, TL_ENOMEM, 0,
        "cannot watch over scripts: the system has no timer left for this user (ulimit -i)");
  b->running = b->L;
  b->start_ns = tl_clock_mono_ns();
  b->start_ticks = tl_ticks();
  lua_atpanic(b->L, on_panic);
  lua_pushcfunction(b->L, tl_sandbox_traceback); /* stays on the stack, for tl_sandbox_enter() */
  tl_buf_init(&text);
  int rc = tl_sandbox_enter(b, p_open, &o, 0, "lua", &text);
  if (rc != LUA_OK)
    tl_fail(err, TL_ENOMEM, 0, "cannot start Lua: %.*s", TL_ARG(tl_buf_bytes(&text)));
  tl_buf_fini(&text);
  return rc == LUA_OK ? TL_OK : TL_ENOMEM;
}

void tl_sandbox_fini (tl_sandbox *b) {
  if (b->watched) tl_watchdog_stop();
  if (b->L) lua_close(b->L);
  tl_weak_close(b);
  tl_heap_fini(&b->memory.heap);
}

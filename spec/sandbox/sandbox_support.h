/* spec/sandbox/sandbox_support.h — a sandbox for each test, and code that enters it by the door. */
#ifndef SPEC_SANDBOX_SUPPORT_H
#define SPEC_SANDBOX_SUPPORT_H

#include "sandbox/sandbox.h"
#include "support/spec.h"

static tl_sandbox box;
static tl_buf said; /* the error of the last run_for */

static inline int begin_box (void **unused) {
  (void)unused;
  tl_err err = { .text = "" };
  tl_buf_init(&said);
  return tl_sandbox_init(&box, false, &err);
}

static inline int end_box (void **unused) {
  (void)unused;
  tl_sandbox_fini(&box);
  tl_buf_fini(&said);
  return 0;
}

static inline int p_run (lua_State *L) {
  const char *code = lua_touserdata(L, 1);
  if (luaL_loadbuffer(L, code, strlen(code), "=code") != LUA_OK) return lua_error(L);
  lua_call(L, 0, 0);
  return 0;
}

static inline int run_for (const char *code, double seconds) {
  tl_buf_clear(&said);
  int rc = tl_sandbox_enter(&box, p_run, (void *)(uintptr_t)code, seconds, "code", &said);
  tl_buf_byte(&said, '\0');
  return rc;
}

#endif

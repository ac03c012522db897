/* spec/sandbox/sandbox_support.h — a sandbox for each test, and code that enters it by the door. */
#ifndef SPEC_SANDBOX_SUPPORT_H
#define SPEC_SANDBOX_SUPPORT_H

#include "sandbox/sandbox.h"
#include "support/spec.h"

#ifndef MORE_MODULES /* that a spec of another room loads */
#define MORE_MODULES NULL
#endif

static tl_sandbox box;
static tl_buf said; /* the error of the last run_for */

static inline int begin_box (void **unused) {
  (void)unused;
  tl_err err = { .text = "" };
  tl_buf_init(&said);
  return tl_sandbox_init(&box, false, MORE_MODULES, &err);
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

/* The end of a chunk: messages are cut, and many begin alike. */
static inline const char *code_end (const char *code) {
  enum { SHOWN = 300 };
  size_t n = strlen(code);
  return n > SHOWN ? code + n - SHOWN : code;
}

/* Each chunk ends well: it asserts itself. */
static inline void all_hold (const char *const *codes, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (run_for(codes[i], 5) != LUA_OK)
      fail_msg("%s: %s", code_end(codes[i]), (const char *)said.at);
}

/* Each chunk ends in an error that holds its text. */
typedef struct {
  const char *code, *error;
} raising;

static inline void all_raise (const raising *r, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (run_for(r[i].code, 5) == LUA_OK || !strstr((const char *)said.at, r[i].error))
      fail_msg("%s: %s, not %s", code_end(r[i].code), (const char *)said.at, r[i].error);
}

#endif

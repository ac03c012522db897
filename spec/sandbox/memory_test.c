/* c.sandbox.memory — how long the collector may take when a call has passed its mark. The
** processor's clock goes on by a millisecond each time it is read. */
#include <time.h>

#include "support/torture.h"
WRAPPED(clock_gettime, int __wrap_clock_gettime(clockid_t id, struct timespec *out);)

#include "sandbox/sandbox_support.h"

static int readings;

int __real_clock_gettime (clockid_t id, struct timespec *out);
int __wrap_clock_gettime (clockid_t id, struct timespec *out) {
  if (id != CLOCK_THREAD_CPUTIME_ID) return __real_clock_gettime(id, out);
  readings++;
  *out = (struct timespec){ readings / 1000, readings % 1000 * 1000000L };
  return 0;
}

/* A chain of tables, which the collector must pass one by one. */
static void push_chain (lua_State *L, int n) {
  for (lua_newtable(L); n > 0; n--) {
    lua_createtable(L, 1, 0);
    lua_insert(L, -2);
    lua_rawseti(L, -2, 1);
  }
}

/* Fill the memory up to the mark, half with garbage; look until that is collected. *out: how often
** it looked. */
static int p_fill (lua_State *L) {
  int looks = 0, *out = lua_touserdata(L, 1);
  lua_gc(L, LUA_GCSTOP);
  push_chain(L, 20000);
  for (; !box.memory.passed; lua_pop(L, 1)) lua_createtable(L, 0, 0);
  lua_gc(L, LUA_GCRESTART);
  for (; box.memory.passed; looks++) {
    readings = 0;
    tl_budget_check(L); /* raises where the memory is full */
    assert_true(readings <= 6);
  }
  *out = looks;
  return 0;
}

static void garbage_is_collected_a_little_at_each_look (void **unused) {
  (void)unused;
  int looks = 0;
  box.memory.limit = 4 << 20;
  assert_int_equal(tl_sandbox_enter(&box, p_fill, &looks, 60, "fill", NULL), LUA_OK);
  assert_true(looks > 1);
}

static int p_keep (lua_State *L) {
  lua_newtable(L);
  for (lua_Integer i = 1; !box.memory.passed; i++) {
    lua_createtable(L, 0, 0);
    lua_rawseti(L, -2, i);
  }
  while (box.memory.used > 0) tl_budget_check(L);
  return 0;
}

static void what_is_no_garbage_ends_the_call (void **unused) {
  (void)unused;
  tl_buf_clear(&said);
  box.memory.limit = 4 << 20;
  assert_int_not_equal(tl_sandbox_enter(&box, p_keep, NULL, 60, "keep", &said), LUA_OK);
  tl_buf_byte(&said, '\0');
  assert_non_null(strstr((const char *)said.at, "not enough memory"));
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(garbage_is_collected_a_little_at_each_look, begin_box, end_box),
    cmocka_unit_test_setup_teardown(what_is_no_garbage_ends_the_call, begin_box, end_box),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

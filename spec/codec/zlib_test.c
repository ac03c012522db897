/* spec/codec/zlib_test.c — inflate in a Lua that runs out of memory, and whose time runs out:
** nothing is left behind. */
#include <lauxlib.h>

#include "codec/l_zlib.h"
#include "support/spec.h"

/* 70,000 times 'A', in zlib. */
static const uint8_t head[] = { 0x78, 0xda, 0xed, 0xc1, 0x31, 0x01, 0,    0,    0,   0xc2,
                                0xa0, 0x6c, 0xeb, 0x5f, 0xca, 0x12, 0x9e, 0x40, 0x01 };
static const uint8_t tail[] = { 0x6f, 0x03, 0x3f, 0xee, 0x71, 0x7c };
enum { ZEROS = 67 };

typedef struct {
  /* the collector makes Lua ask again, so all from there on fail; -1: none does */
  long requests, fail_from;
} limited;

static void *allocate (void *ud, void *at, size_t before, size_t wanted) {
  limited *m = ud;
  if (wanted == 0) {
    free(at);
    return NULL;
  }
  if (at == NULL || wanted > before) {
    if (m->fail_from >= 0 && m->requests >= m->fail_from) return NULL;
    m->requests++;
  }
  return realloc(at, wanted);
}

static int inflate_bomb (lua_State *L) {
  lua_settop(L, 1); /* the module */
  lua_getfield(L, 1, "inflate");
  uint8_t bomb[sizeof head + ZEROS + sizeof tail] = { 0 };
  memcpy(bomb, head, sizeof head);
  memcpy(bomb + sizeof head + ZEROS, tail, sizeof tail);
  lua_pushlstring(L, (const char *)bomb, sizeof bomb);
  lua_call(L, 1, 1);
  return 1;
}

static int calls, allowed;

static void count_ahead (lua_State *L, uint64_t ns) {
  assert_true(ns > 0);
  if (++calls > allowed) luaL_error(L, "time is up");
}

/* As the host does: a first long buffer, before memory can end in it. */
static int open_module (lua_State *L) {
  luaL_Buffer b;
  luaL_buffinitsize(L, &b, 2 * LUAL_BUFFERSIZE);
  luaL_pushresult(&b);
  return tl_push_zlib(L, count_ahead);
}

static lua_State *begin (limited *m) {
  lua_State *L = lua_newstate(allocate, m);
  assert_non_null(L);
  lua_pushcfunction(L, open_module);
  assert_int_equal(lua_pcall(L, 0, 1, 0), LUA_OK);
  calls = 0;
  return L;
}

static int run (lua_State *L) {
  lua_pushcfunction(L, inflate_bomb);
  lua_pushvalue(L, 1);
  return lua_pcall(L, 1, 1, 0);
}

static void without_memory_there_is_an_error_and_nothing_leaks (void **state) {
  (void)state;
  int rc = LUA_ERRMEM;
  long n = 0;
  allowed = 1000;
  for (; rc != LUA_OK; n++) {
    limited m = { .fail_from = -1 };
    lua_State *L = begin(&m);
    m.fail_from = m.requests + n;
    rc = run(L);
    m.fail_from = -1;
    if (rc != LUA_OK) assert_int_equal(rc, LUA_ERRMEM);
    lua_settop(L, 1);
    assert_int_equal(run(L), LUA_OK); /* it works again */
    assert_int_equal(lua_rawlen(L, -1), 70000);
    lua_close(L);
    assert_true(n < 1000);
  }
  assert_true(n > 3); /* its own memory, the buffer and the result */
}

static void it_asks_before_each_piece_of_work (void **state) {
  (void)state;
  limited m = { .fail_from = -1 };
  lua_State *L = begin(&m);
  allowed = 1000;
  assert_int_equal(run(L), LUA_OK);
  int all = calls;
  assert_true(all >= 2); /* 70,000 bytes are more than a piece */
  for (allowed = 0; allowed < all; allowed++) {
    calls = 0;
    lua_settop(L, 1);
    assert_int_equal(run(L), LUA_ERRRUN);
    assert_non_null(strstr(lua_tostring(L, -1), "time is up"));
  }
  calls = 0;
  lua_settop(L, 1);
  assert_int_equal(run(L), LUA_OK);
  lua_close(L);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(without_memory_there_is_an_error_and_nothing_leaks),
    cmocka_unit_test(it_asks_before_each_piece_of_work),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

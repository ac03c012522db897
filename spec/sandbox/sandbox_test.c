/* spec/sandbox/sandbox_test.c — calls through the door: what ends them, what they share, and that
** no script can catch its end. No line, no station and no tag is here. */
#include "sandbox/memory_impl.h"
#include "sandbox_support.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

static const char *said_text (void) { return (const char *)said.at; }

/* inner(code, seconds): a call within the call, as C code makes it; gives whether it went well. */
static int l_inner (lua_State *L) {
  const char *code = luaL_checkstring(L, 1);
  tl_buf err;
  tl_buf_init(&err);
  int rc =
      tl_sandbox_enter(&box, p_run, (void *)(uintptr_t)code, luaL_checknumber(L, 2), "inner", &err);
  tl_buf_fini(&err);
  lua_pushboolean(L, rc == LUA_OK);
  return 1;
}

static int l_rest (lua_State *L) {
  (void)L;
  box.budget.resting = true;
  return 0;
}

static int p_register (lua_State *L) {
  lua_pushcfunction(L, l_inner);
  lua_setglobal(L, "inner");
  lua_pushcfunction(L, l_rest);
  lua_setglobal(L, "rest");
  return 0;
}

static void a_call_leaves_the_stack_as_it_was (void **unused) {
  (void)unused;
  int top = lua_gettop(box.L);
  assert_int_equal(run_for("local a = 1", 0.1), LUA_OK);
  assert_int_equal(run_for("error 'no'", 0.1), LUA_ERRRUN);
  assert_non_null(strstr(said_text(), "code:1: no"));
  assert_non_null(strstr(said_text(), "stack traceback"));
  assert_int_equal(run_for("error {}", 0.1), LUA_ERRRUN);
  assert_non_null(strstr(said_text(), "error object: a table"));
  assert_int_equal(lua_gettop(box.L), top);
}

/* What `error` raises, each beside the text that Lua's own gives. */
static void error_is_as_lua_has_it (void **unused) {
  (void)unused;
  const char *code =
      "local function raised(...) local list = table.pack(...)\n"
      "  return select(2, pcall(function() error(table.unpack(list, 1, list.n)) end)) end\n"
      "local function is(expected, got)\n"
      "  if got ~= expected then error(tostring(expected) .. ' ~= ' .. tostring(got), 0) end end\n"
      "is('code:2: x', raised 'x') is('x', raised('x', 0)) is('x', raised('x', -1))\n"
      "is('code:2: ', raised '') is(5, raised(5)) is(nil, raised()) is('x', raised('x', 1000))\n"
      "local t = {} is(t, raised(t))\n"
      "local long = ('y'):rep(100000) is('code:2: ' .. long, raised(long))\n"
      "for n = 190, 210 do is('code:2: ' .. ('z'):rep(n), raised(('z'):rep(n))) end\n"
      "local function deep(level) error('d', level) end\n"
      "local function outer(level) deep(level)\n end\n"
      "is('code:10: d', select(2, pcall(outer, 1))) is('code:11: d', select(2, pcall(outer, 2)))\n"
      "is('code:16: in', select(2,\n coroutine.resume(coroutine.create(function()\n"
      " error 'in' end))))\n"
      "is('bad argument #2 to \\'error\\' (number expected, got table)',\n"
      "  (raised('x', {}):gsub('^code:2: ', '')))\n";
  assert_string_equal((run_for(code, 0.5), said_text()), "");
}

/* Each never ends by itself, and tries to catch its end. */
static const char *const endless[] = {
  "while true do end",
  "repeat until false",
  "::again:: goto again",
  "local function f() return f() end f()",
  "while true do pcall(function() while true do end end) end",
  "local function f() while true do pcall(f) end end f()",
  "while true do xpcall(function() while true do end end, function() while true do end end) end",
  "while true do coroutine.wrap(function() while true do end end)() end",
  "while true do pcall(coroutine.wrap(function() while true do pcall(error) end end)) end",
  "coroutine.wrap(function() coroutine.wrap(function() while true do end end)() end)()",
  "local x <close> = setmetatable({}, { __close = function() while true do end end }) "
  "while true do end",
  "for _ in next, { 1 }, nil do for i = 1, math.huge do end end",
  "table.sort({ 3, 2, 1 }, function() while true do end end)",
  "('x'):gsub('x', function() while true do end end)",
  "(('a'):rep(30)):find(('a?'):rep(30) .. ('a'):rep(30) .. 'b')",
  "local t = setmetatable({}, { __index = function() while true do end end }) return t.x",
  "table.move({}, 1, math.maxinteger - 1, 2)",
  "local s = ('x'):rep(1e6) while true do s:upper() end",
};

static void what_never_ends_is_ended (void **unused) {
  (void)unused;
  for (size_t i = 0; i < COUNT(endless); i++)
    for (int twice = 0; twice < 2; twice++) {
      uint64_t start = tl_clock_cpu_ns();
      int rc = run_for(endless[i], 0.03);
      uint64_t ms = (tl_clock_cpu_ns() - start) / 1000000;
      if (rc != LUA_ERRRUN || !strstr(said_text(), "took longer than 0.03 s") || ms > 200)
        fail_msg("%s: %d after %u ms: %s", endless[i], rc, (unsigned)ms, said_text());
    }
  assert_int_equal(run_for("local t = {} for i = 1, 1000 do t[i] = i end", 0.1), LUA_OK);
}

static void a_call_and_all_that_it_sets_off_have_one_time (void **unused) {
  (void)unused;
  static const char *const codes[] = {
    "while true do inner('while true do end', 1) end",
    "while true do inner('local i = 0 while i < 1e5 do i = i + 1 end', 1) end",
    "while true do pcall(inner, 'while true do end', 0) end",
    "coroutine.wrap(function() while true do inner('while true do end', 1) end end)()",
    "function again() while true do inner('again()', 1) end end again()",
    "function again() for _ = 1, 2 do inner('again()', 1) end end again() while true do end",
  };
  assert_int_equal(tl_sandbox_enter(&box, p_register, NULL, 0, "code", NULL), LUA_OK);
  for (size_t i = 0; i < COUNT(codes); i++) {
    uint64_t start = tl_clock_cpu_ns();
    int rc = run_for(codes[i], 0.05);
    uint64_t ms = (tl_clock_cpu_ns() - start) / 1000000;
    if (rc != LUA_ERRRUN || ms > 250)
      fail_msg("%s: %d after %u ms: %s", codes[i], rc, (unsigned)ms, said_text());
  }
  /* The inner one ends by its own limit, and the outer one goes on. */
  assert_int_equal(run_for("assert(not inner('while true do end', 0.01)) seen = true", 5), LUA_OK);
  assert_int_equal(run_for("assert(seen)", 1), LUA_OK);
}

static void a_call_that_rests_does_not_share (void **unused) {
  (void)unused;
  assert_int_equal(tl_sandbox_enter(&box, p_register, NULL, 0, "code", NULL), LUA_OK);
  assert_int_equal(
      run_for("rest() assert(not inner('while true do end', 0.1)) assert(inner('x = 1', 0.1))",
              0.05),
      LUA_OK);
}

/* As if real time had passed: other processes had the processor, or the script waited. */
static int p_is_late (lua_State *L) {
  tl_budget_check(L);
  box.budget.deadline_ns = 1;
  tl_budget_check(L);
  assert_true(box.budget.deadline_ns > 1);
  if (!box.unsafe) return 0;
  /* others had the processor */
  box.wait.began = 1;
  box.wait.cpu -= tl_clock_mono_ns();
  box.wait.until = 1;
  tl_budget_check(L);
  assert_true(box.wait.until > tl_clock_mono_ns());
  box.wait.cpu = tl_clock_cpu_ns();
  box.wait.until = 1;
  tl_budget_check(L);
  fail_msg("it waits for ever");
  return 0;
}

static int l_wait (lua_State *L) {
  (void)L;
  poll(NULL, 0, 2);
  return 0;
}

/* No tick of processor time comes: an alarm of the real time does. */
static int p_waits_for_ever (lua_State *L) {
  lua_register(L, "wait", l_wait);
  if (luaL_loadstring(L, "while true do wait() end") != LUA_OK) return lua_error(L);
  lua_call(L, 0, 0);
  return 0;
}

/* A busy machine ends no call sooner; what may wait (`unsafe`) waits for 30 times its time. */
static void real_time_ends_only_what_waits (void **unused) {
  (void)unused;
  assert_int_equal(tl_sandbox_enter(&box, p_is_late, NULL, 10, "late", &said), LUA_OK);
  box.unsafe = true;
  assert_int_equal(tl_sandbox_enter(&box, p_is_late, NULL, 10, "late", &said), LUA_ERRRUN);
  tl_buf_byte(&said, '\0');
  static const char why[] = "waited for 30 times as long as it may work";
  assert_non_null(strstr((const char *)said.at, why));
  tl_buf_clear(&said);
  assert_int_equal(tl_sandbox_enter(&box, p_waits_for_ever, NULL, 0.01, "late", &said), LUA_ERRRUN);
  tl_buf_byte(&said, '\0');
  assert_non_null(strstr((const char *)said.at, why));
  assert_int_equal(run_for("while true do end", 0.01), LUA_ERRRUN);
  assert_non_null(strstr((const char *)said.at, "took longer than 0.01 s"));
}

static int waits;

static int l_wait_long (lua_State *L) {
  (void)L;
  if (poll(NULL, 0, 20) == 0) waits++; /* an alarm cuts it short: where it finds that others had */
  return 0;                            /* the processor, another one comes soon */
}

static int p_waits_in_a_coroutine (lua_State *L) {
  char code[] = "coroutine.wrap(function() while true do wait() end end)()";
  lua_register(L, "wait", l_wait_long);
  lua_pushcfunction(L, p_run);
  lua_pushlightuserdata(L, code);
  lua_call(L, 1, 0);
  return 0;
}

/* Its hook counts instructions: 250 of them are 60 waits. */
static void what_waits_in_a_coroutine_is_ended_as_soon (void **unused) {
  (void)unused;
  box.unsafe = true;
  waits = 0;
  assert_int_equal(tl_sandbox_enter(&box, p_waits_in_a_coroutine, NULL, 0.01, "late", &said),
                   LUA_ERRRUN);
  tl_buf_byte(&said, '\0');
  assert_non_null(strstr((const char *)said.at, "waited for 30 times as long as it may work"));
  assert_true(waits <= 20); /* of 0.3 s */
}

/* Where lua_State has the mask of its hook. */
static volatile uint8_t *mask_of (lua_State *L) {
  enum { LOOKED_AT = 256 };
  volatile uint8_t *byte = (volatile uint8_t *)L;
  uint8_t before[LOOKED_AT];
  lua_Hook hook = lua_gethook(L);
  lua_sethook(L, hook, LUA_MASKCOUNT, 1);
  for (int i = 0; i < LOOKED_AT; i++) before[i] = byte[i];
  lua_sethook(L, hook, LUA_MASKRET, 1);
  for (int i = 0; i < LOOKED_AT; i++)
    if (before[i] == LUA_MASKCOUNT && byte[i] == LUA_MASKRET) return byte + i;
  fail_msg("no mask");
  return byte;
}

static int p_is_interrupted (lua_State *L) {
  tl_budget_look_soon(&box);
  *mask_of(L) = 0;
  assert_int_equal(lua_gethookmask(L), 0);
  assert_non_null(lua_gethook(L));
  return p_run(L);
}

/* A tick may come while a look takes its hook away, between the hook and its mask. */
static void a_hook_that_lost_its_mask_is_set_again (void **unused) {
  (void)unused;
  char code[] = "while true do end";
  alarm(300); /* it would never end */
  assert_int_equal(tl_sandbox_enter(&box, p_is_interrupted, code, 0.01, "code", &said), LUA_ERRRUN);
  alarm(0);
}

static void hear_ticks (bool on) {
  sigset_t ticks;
  sigemptyset(&ticks);
  sigaddset(&ticks, SIGVTALRM);
  pthread_sigmask(on ? SIG_UNBLOCK : SIG_BLOCK, &ticks, NULL);
}

/* The calling function has been told that there is a hook: have it forget that. */
static int l_forget (lua_State *L) {
  enum { WORDS = 12 };
  lua_Debug caller;
  int before[WORDS], found = 0;
  assert_int_equal(lua_getstack(L, 1, &caller), 1);
  volatile int *words = (volatile int *)(void *)caller.i_ci;
  for (int i = 0; i < WORDS; i++) before[i] = words[i];
  tl_budget_look_soon(&box);
  for (int i = 0; i < WORDS; i++)
    if (before[i] == 0 && words[i] == 1) {
      words[i] = 0;
      found++;
    }
  assert_int_equal(found, 1);
  hear_ticks(true);
  return 0;
}

static int p_forgets (lua_State *L) {
  lua_register(L, "forget", l_forget);
  hear_ticks(false);
  return p_run(L);
}

/* A tick may come while Lua sees that there is no hook, before it tells the running function. */
static void a_hook_that_a_function_forgot_is_set_again (void **unused) {
  (void)unused;
  char code[] = "forget() while true do end";
  alarm(300); /* it would never end */
  assert_int_equal(tl_sandbox_enter(&box, p_forgets, code, 0.01, "code", &said), LUA_ERRRUN);
  alarm(0);
}

static void calls_within_calls_are_bounded (void **unused) {
  (void)unused;
  assert_int_equal(tl_sandbox_enter(&box, p_register, NULL, 0, "code", NULL), LUA_OK);
  assert_int_equal(
      run_for("deep = 0 function again() deep = deep + 1 inner('again()', 5) end again() "
              "assert(deep > 5 and deep < 20, deep)",
              5),
      LUA_OK);
}

static void memory_is_bounded_and_comes_back (void **unused) {
  (void)unused;
  box.memory.limit = 16 << 20;
  static const char *const codes[] = {
    "local t = {} while true do t[#t + 1] = { {} } end",
    "local s = 'x' while true do s = s .. s end",
    "kept = {} while true do kept[#kept + 1] = ('x'):rep(1000) .. #kept end",
    "while true do pcall(function() local t = {} while true do t[#t + 1] = {} end end) end",
    "local t = table.pack(('x'):rep(1e9))",
  };
  for (size_t i = 0; i < COUNT(codes); i++) {
    assert_int_not_equal(run_for(codes[i], 2), LUA_OK);
    assert_true(box.memory.used <= box.memory.limit);
    assert_int_equal(run_for("kept = nil local t = {} for i = 1, 100 do t[i] = {} end", 2), LUA_OK);
  }
}

static void more (lua_State *L) {
  lua_pushliteral(L, "more");
  lua_setglobal(L, "brought");
}

static void a_state_may_stand_beside_another (void **unused) {
  (void)unused;
  tl_sandbox other;
  tl_err err = { .text = "" };
  assert_int_equal(tl_sandbox_init(&other, true, more, &err), TL_OK);
  assert_int_equal(tl_sandbox_enter(&other, p_run, (void *)(uintptr_t) "assert(brought == 'more')",
                                    1, "o", &said),
                   LUA_OK);
  assert_int_equal(
      tl_sandbox_enter(&other, p_run, (void *)(uintptr_t) "while true do end", 0.02, "o", &said),
      LUA_ERRRUN);
  assert_int_equal(run_for("while true do end", 0.02), LUA_ERRRUN);
  assert_ptr_equal(tl_sandbox_of(other.L), &other);
  tl_sandbox_fini(&other);
  assert_int_equal(run_for("x = 1", 0.02), LUA_OK);
}

/* The library is the safe one, and has ours beside it. */
static void the_library_is_there (void **unused) {
  (void)unused;
  assert_int_equal(run_for("assert(require 'tagline.json'.decode '{\"a\":[1]}'.a[1] == 1) "
                           "assert(require 'tagline.re'.match('ab', 'a(.)') == 'b') "
                           "assert(require 'tagline.weak'.allow)",
                           1),
                   LUA_OK);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_call_leaves_the_stack_as_it_was, begin_box, end_box),
    cmocka_unit_test_setup_teardown(error_is_as_lua_has_it, begin_box, end_box),
    cmocka_unit_test_setup_teardown(what_never_ends_is_ended, begin_box, end_box),
    cmocka_unit_test_setup_teardown(a_call_and_all_that_it_sets_off_have_one_time, begin_box,
                                    end_box),
    cmocka_unit_test_setup_teardown(a_call_that_rests_does_not_share, begin_box, end_box),
    cmocka_unit_test_setup_teardown(real_time_ends_only_what_waits, begin_box, end_box),
    cmocka_unit_test_setup_teardown(what_waits_in_a_coroutine_is_ended_as_soon, begin_box, end_box),
    cmocka_unit_test_setup_teardown(a_hook_that_lost_its_mask_is_set_again, begin_box, end_box),
    cmocka_unit_test_setup_teardown(a_hook_that_a_function_forgot_is_set_again, begin_box, end_box),
    cmocka_unit_test_setup_teardown(calls_within_calls_are_bounded, begin_box, end_box),
    cmocka_unit_test_setup_teardown(memory_is_bounded_and_comes_back, begin_box, end_box),
    cmocka_unit_test_setup_teardown(a_state_may_stand_beside_another, begin_box, end_box),
    cmocka_unit_test_setup_teardown(the_library_is_there, begin_box, end_box),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

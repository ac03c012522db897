/* spec/sandbox/pieces_test.c — long work in pieces: what runs between them finds the sandbox as
** if it were alone, and what its budget counts is its own. */
#include "sandbox/pieces.h"
#include "sandbox_support.h"

typedef struct {
  const char *code;
  double seconds;
  int rc;
} work;

static void run (void *ctx) {
  work *w = ctx;
  w->rc = run_for(w->code, w->seconds);
}

/* Some 20 ms. */
static const char counts[] = "n = 0 for i = 1, 1e6 do n = n + 1 end done = true";

static void others_run_between_two_pieces (void **unused) {
  (void)unused;
  tl_pieces *p;
  work w = { counts, 100, -1 };
  int turns = 0;
  assert_int_equal(tl_pieces_new(&p, &box, run, &w), 0);
  while (tl_pieces_go(p)) {
    turns++;
    assert_int_equal(run_for("assert(not done) seen = n", 1), LUA_OK);
    assert_int_equal(run_for("error('mine')", 1), LUA_ERRRUN);
    assert_int_equal(run_for("while true do end", 0.001), LUA_ERRRUN); /* hooks are its own */
  }
  assert_int_equal(w.rc, LUA_OK);
  assert_true(turns > 2);
  assert_int_equal(run_for("assert(done and n == 1e6 and seen < n)", 1), LUA_OK);
  tl_pieces_free(p);
}

/* Its error is its own, too, and C functions that call Lua may be in the middle of their work. */
static void pauses_inside_of_c_functions (void **unused) {
  (void)unused;
  tl_pieces *p;
  work w = {
    "local t = {} for i = 1, 2e4 do t[i] = (i * 7919) % 10007 end "
    "table.sort(t, function(a, b) return a < b end) "
    "assert(not pcall(error, 'x')) "
    "local s = ('x'):rep(5e4):gsub('.', function(c) return c end) "
    "for _ in coroutine.wrap(function() for i = 1, 5e4 do coroutine.yield(i) end end) do end "
    "error('at the end: ' .. #s)",
    100, -1
  };
  int turns = 0;
  assert_int_equal(tl_pieces_new(&p, &box, run, &w), 0);
  while (tl_pieces_go(p)) {
    turns++;
    assert_int_equal(
        run_for("assert(('abc'):gsub('b', string.upper) == 'aBc') collectgarbage()", 1), LUA_OK);
  }
  assert_true(turns > 2);
  assert_int_equal(w.rc, LUA_ERRRUN);
  tl_pieces_free(p);
}

static void its_time_is_its_own (void **unused) {
  (void)unused;
  tl_pieces *p;
  work w = { "while true do end", 0.02, -1 };
  int turns = 0;
  assert_int_equal(tl_pieces_new(&p, &box, run, &w), 0);
  while (tl_pieces_go(p)) {
    turns++;
    if (turns <= 3) assert_int_equal(run_for("while true do end", 0.03), LUA_ERRRUN);
  }
  assert_int_equal(w.rc, LUA_ERRRUN);
  assert_true(turns > 2); /* though the others have had more than its 20 ms by then */
  tl_pieces_free(p);
}

static void load (void *ctx) {
  box.memory.loading = TL_LOADING_MEMORY;
  run(ctx);
}

static void what_it_takes_of_the_memory_is_not_the_others (void **unused) {
  (void)unused;
  tl_pieces *p;
  work w = { "local t = {} for i = 1, 1e5 do t[i] = { i, i } end", 100, -1 };
  box.memory.limit = box.memory.used + (1 << 20);
  assert_int_equal(tl_pieces_new(&p, &box, load, &w), 0);
  tl_pieces_lend(p);
  size_t most = 0;
  while (tl_pieces_go(p)) {
    if (box.memory.used > most) most = box.memory.used;
    assert_int_equal(run_for("assert(#(('x'):rep(1000) .. 'y') == 1001)", 1), LUA_OK);
  }
  assert_int_equal(w.rc, LUA_OK);
  assert_true(most > 2 * box.memory.limit);
  assert_int_equal(box.memory.loading, 0);
  tl_pieces_free(p);
}

static void others_in_pieces_keep_their_memory_beside_it (void **unused) {
  (void)unused;
  tl_pieces *p, *q;
  work large = { "kept = {} for i = 1, 1e5 do kept[i] = { i, i } end kept = nil collectgarbage()",
                 100, -1 },
       small = { "for i = 1, 1e7 do if i % 10000 == 0 then t = { i } end end", 100, -1 };
  box.memory.limit = box.memory.used + (1 << 20);
  assert_int_equal(tl_pieces_new(&q, &box, run, &small), 0);
  assert_int_equal(tl_pieces_new(&p, &box, load, &large), 0);
  tl_pieces_lend(p);
  assert_true(tl_pieces_go(q)); /* it is in the middle of a call when the other one begins */
  bool loads = true, more = true;
  int beside = 0;
  while (loads || more) {
    if (loads) loads = tl_pieces_go(p);
    if (more) more = tl_pieces_go(q);
    beside += more && box.memory.used > 2 * box.memory.limit;
  }
  assert_true(beside > 2);
  assert_int_equal(large.rc, LUA_OK);
  assert_int_equal(small.rc, LUA_OK);
  tl_pieces_free(p);
  tl_pieces_free(q);
}

static void ends_at_once_when_it_must (void **unused) {
  (void)unused;
  for (int with = 0; with < 2; with++) {
    tl_pieces *p;
    work w = { with ? "while true do pcall(function() while true do end end) end" : counts, 100,
               -1 };
    assert_int_equal(tl_pieces_new(&p, &box, run, &w), 0);
    assert_true(tl_pieces_go(p));
    tl_pieces_hurry(p, with ? "no more time" : NULL);
    assert_false(tl_pieces_go(p));
    assert_int_equal(w.rc, with ? LUA_ERRRUN : LUA_OK);
    if (with) assert_non_null(strstr((const char *)said.at, "no more time"));
    tl_pieces_free(p);
  }
  assert_int_equal(run_for("assert(n == 1e6)", 1), LUA_OK);
}

static bool still_refused;

static void refused (void *ctx) {
  box.memory.system_refused = true;
  run(ctx);
  still_refused = box.memory.system_refused;
}

static void knows_of_its_own_that_memory_was_refused (void **unused) {
  (void)unused;
  tl_pieces *p;
  work w = { counts, 100, -1 };
  assert_int_equal(tl_pieces_new(&p, &box, refused, &w), 0);
  while (tl_pieces_go(p)) {
    assert_false(box.memory.system_refused);
    box.memory.system_refused = false; /* as another call does at its beginning */
  }
  assert_true(still_refused);
  assert_false(box.memory.system_refused);
  tl_pieces_free(p);
}

/* What is done from the lift on takes longer than the call may; a function in it is ended. */
static int p_lifted (lua_State *L) {
  int *pauses = lua_touserdata(L, 1);
  tl_budget_lift(&box);
  uint64_t end = tl_clock_cpu_ns() + 30000000;
  while (tl_clock_cpu_ns() < end) {
    *pauses += tl_pause(&box);
    tl_budget_check(L);
  }
  lua_pushboolean(L, tl_sandbox_enter(&box, p_run, (void *)(uintptr_t) "while true do end", 0.01,
                                      "code", &said) == LUA_ERRRUN);
  lua_setglobal(L, "ended");
  tl_budget_check(L);
  return 0;
}

static void run_lifted (void *ctx) {
  assert_int_equal(tl_sandbox_enter(&box, p_lifted, ctx, 0.01, "code", NULL), LUA_OK);
}

static void is_finished_when_its_budget_is_lifted (void **unused) {
  (void)unused;
  tl_pieces *p;
  int pauses = 0;
  run_lifted(&pauses);
  assert_int_equal(pauses, 0);
  assert_int_equal(tl_pieces_new(&p, &box, run_lifted, &pauses), 0);
  while (tl_pieces_go(p)) continue;
  assert_true(pauses > 1);
  assert_int_equal(run_for("assert(ended)", 1), LUA_OK);
  tl_pieces_free(p);
}

static void without_pieces_nothing_pauses (void **unused) {
  (void)unused;
  assert_false(tl_pause(&box));
  assert_int_equal(run_for(counts, 100), LUA_OK);
  tl_pieces *p;
  assert_int_equal(tl_pieces_new(&p, &box, run, NULL), 0);
  tl_pieces_free(p); /* never ran */
  tl_pieces_free(NULL);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(others_run_between_two_pieces, begin_box, end_box),
    cmocka_unit_test_setup_teardown(pauses_inside_of_c_functions, begin_box, end_box),
    cmocka_unit_test_setup_teardown(its_time_is_its_own, begin_box, end_box),
    cmocka_unit_test_setup_teardown(what_it_takes_of_the_memory_is_not_the_others, begin_box,
                                    end_box),
    cmocka_unit_test_setup_teardown(others_in_pieces_keep_their_memory_beside_it, begin_box,
                                    end_box),
    cmocka_unit_test_setup_teardown(ends_at_once_when_it_must, begin_box, end_box),
    cmocka_unit_test_setup_teardown(knows_of_its_own_that_memory_was_refused, begin_box, end_box),
    cmocka_unit_test_setup_teardown(is_finished_when_its_budget_is_lifted, begin_box, end_box),
    cmocka_unit_test_setup_teardown(without_pieces_nothing_pauses, begin_box, end_box),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

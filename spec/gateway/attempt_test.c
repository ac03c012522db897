/* spec/gateway/attempt_test.c — which attempts to connect wait while the loop is busy: those that
** call functions. The file that decides is compiled in here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "gateway/connect.c"

static bool is_called (void *user) { return *(const bool *)user; }

static void only_one_that_calls_functions_waits (void **state) {
  bool called = false;
  tl_gateway g = { .handlers.has_will = is_called };
  tl_link l = { .gateway = &g, .user = &called, .params.will_flag = true };
  (void)state;
  assert_int_equal(tl_loop_new(&g.loop), TL_OK);
  tl_clock_busy += 100;             /* the turn is used */
  assert_false(waits_for_turn(&l)); /* the will is a text, on_connect a function */
  assert_int_equal(l.conn.state, TL_LINK_OFF);
  l.params.ws_headers_called = true;
  assert_true(waits_for_turn(&l));
  l.params.ws_headers_called = false;
  called = true;
  assert_true(waits_for_turn(&l));
  assert_int_equal(l.conn.state, TL_LINK_WAITING);
  uint64_t turn = tl_loop_turn(g.loop);
  g.life.attempt_turn = turn - PATIENCE; /* of all such attempts the last: not for ever */
  assert_false(waits_for_turn(&l));
  assert_int_equal(g.life.attempt_turn, turn);
  assert_true(waits_for_turn(&l));
  l.params.will_flag = false;
  assert_false(waits_for_turn(&l));
  l.user = NULL;
  assert_false(waits_for_turn(&l));
  tl_loop_free(g.loop);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(only_one_that_calls_functions_waits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

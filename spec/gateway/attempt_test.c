/* spec/gateway/attempt_test.c — which attempts to connect wait while the loop is busy: those that
** call functions; and which are not made. The file that decides is compiled in here. */
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

/* Its last functions may still wait for their turn, and a message of it end without memory. */
static void a_line_that_is_gone_is_not_tried_again (void **state) {
  tl_gateway g = { .random = 1 };
  tl_model m = { .line_count = 0 };
  tl_line line = { .name = (char *)"gone", .model = &m };
  tl_link l = { .gateway = &g,
                .line = &line,
                .conn.removed = true,
                .params = { .clean_session = true, .max_inflight = 1, .max_packet_size = 2 } };
  (void)state;
  assert_int_equal(tl_loop_new(&g.loop), TL_OK);
  assert_int_equal(tl_link_make_session(&l, &l.session), TL_OK);
  l.dial.by.scope = line.name;
  tl_health_init(&l.health, 0);
  assert_int_equal(tl_timer_new(&l.time.timer, g.loop, tl_link_on_timer, &l), TL_OK);
  tl_link_fail(&l, "no memory");
  assert_int_equal(l.conn.state, TL_LINK_OFF);
  assert_string_equal(l.conn.error, "no memory");
  tl_timer_close(l.time.timer);
  tl_session_free(l.session);
  tl_health_fini(&l.health);
  tl_loop_free(g.loop);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(only_one_that_calls_functions_waits),
    cmocka_unit_test(a_line_that_is_gone_is_not_tried_again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* spec/gateway/held_test.c — a process that stood still, as on a busy machine or in a paused
** container: what came meanwhile is in the socket, and no deadline ends the connection for it. */
#include "gateway/plain_broker.h"

#include "base/log.h"

enum { REPLY_MS = 60000, PING_MS = 20, HELD_MS = 100000 };

static void prepare (tl_line_params *p) {
  p->connect_timeout = p->reply_timeout = REPLY_MS;
  p->ping_interval = PING_MS;
}

static int set_up (void **state) {
  tl_log_set_level(TL_LOG_ERROR);
  return loop_setup(state) != 0 || begin_gateway(prepare) != 0;
}

static int tear_down (void **state) {
  end_gateway(state);
  return 0;
}

/* The clock has gone on while nothing ran, and timers are the first to be called. */
static void stand_still (void) {
  tl_loop_set_now(loop, tl_loop_now(loop) + HELD_MS);
  tl_link_on_timer(link_of_plant());
}

static void an_answer_that_waits_in_the_socket_counts (void **state) {
  const tl_link *l = link_of_plant();
  (void)state;
  connect_it(false);
  answer("\x90\x03\x00\x01\x00", 5);
  RUN_UNTIL(came(0xc0));
  answer("\xd0\x00", 2);
  stand_still();
  assert_int_equal(l->conn.state, TL_LINK_CONNECTED);
  got_len = 0;
  RUN_UNTIL(tl_session_deadline(l->session) > tl_loop_now(loop)); /* PINGRESP was read */
  assert_int_equal(l->conn.state, TL_LINK_CONNECTED);
}

static void one_that_did_not_come_ends_the_connection (void **state) {
  const tl_link *l = link_of_plant();
  (void)state;
  connect_it(false);
  answer("\x90\x03\x00\x01\x00", 5);
  RUN_UNTIL(came(0xc0));
  stand_still();
  assert_int_equal(l->conn.state, TL_LINK_CONNECTED);
  for (int i = 0; i < 3; i++) turn();
  tl_link_on_timer(link_of_plant());
  assert_int_not_equal(l->conn.state, TL_LINK_CONNECTED);
  assert_non_null(strstr(l->conn.error, "no PINGRESP"));
}

/* It is read, but the line waits for its turn. That comes before the deadline counts; then it
** does, whatever came. */
static void an_answer_that_waits_for_its_turn_counts (void **state) {
  static const char *const packets[] = { "\xd0\x00", "\x30\x03\x00\x01x" };
  tl_link *l = link_of_plant();
  (void)state;
  connect_it(false);
  answer("\x90\x03\x00\x01\x00", 5);
  RUN_UNTIL(came(0xc0));
  for (int i = 0; i < 2; i++) {
    l->pace.slow = 64;
    answer(packets[i], i == 0 ? 2 : 5);
    stand_still();
    for (int k = 0; k < 1000 && !l->pace.waits.prev; k++)
      uv_run(tl_loop_uv(loop), UV_RUN_NOWAIT); /* a round ends with its reads */
    tl_link_on_timer(l);
    assert_int_equal(l->conn.state, TL_LINK_CONNECTED);
    for (int k = 0; k < 3; k++) turn();
    assert_null(l->pace.waits.prev);
    if (i == 0) tl_loop_set_now(loop, tl_loop_now(loop) + PING_MS);
    tl_link_on_timer(l);
    if (i == 0) tl_link_on_timer(l); /* PINGREQ: the first time was for the socket */
  }
  assert_int_not_equal(l->conn.state, TL_LINK_CONNECTED);
  assert_non_null(strstr(l->conn.error, "no PINGRESP"));
}

static void an_attempt_to_connect_gets_its_time_back (void **state) {
  const tl_link *l = link_of_plant();
  (void)state;
  RUN_UNTIL(accepted());
  stand_still();
  assert_int_equal(l->conn.state, TL_LINK_CONNECTING);
  RUN_UNTIL(came(0x10));
  answer("\x20\x02\x00\x00", 4);
  RUN_UNTIL(came(0x82));
  assert_int_equal(l->conn.connects, 1);
}

static void but_only_once (void **state) {
  const tl_link *l = link_of_plant();
  (void)state;
  RUN_UNTIL(accepted());
  stand_still();
  RUN_UNTIL(came(0x10));
  stand_still();
  assert_int_not_equal(l->conn.state, TL_LINK_CONNECTING);
  assert_non_null(strstr(l->conn.error, "no CONNACK within"));
}

#define SPEC(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(an_answer_that_waits_in_the_socket_counts),
    SPEC(an_answer_that_waits_for_its_turn_counts),
    SPEC(one_that_did_not_come_ends_the_connection),
    SPEC(an_attempt_to_connect_gets_its_time_back),
    SPEC(but_only_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

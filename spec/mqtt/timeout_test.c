/* Time: PINGREQ, replies that do not come, packets that do not end, back-pressure. The clock is
** an argument; nothing sleeps. */
#include "mqtt/harness.h"

static void up_with (harness *h, uint16_t keep_alive, int64_t ping_interval,
                     int64_t reply_timeout) {
  h_init(h, false);
  h->p.keep_alive = keep_alive;
  h->p.ping_interval_ms = ping_interval;
  h->p.reply_timeout_ms = reply_timeout;
  h_begin(h);
}

static void nothing_is_due_when_all_is_off (void **state) {
  harness *h = *state;
  up_with(h, 0, 0, 0);
  assert_true(tl_session_deadline(h->s) == INT64_MAX);
  h_publish(h, "t", "", 1, 1);
  assert_true(tl_session_deadline(h->s) == INT64_MAX);
}

static void ping_interval_counts_from_the_brokers_last_packet (void **state) {
  harness *h = *state;
  up_with(h, 0, 60000, 20000);
  h_lasts(h, 59999);
  SENT(h, "");
  h_message_in(h, "t", "", 0, false, 0);
  h_lasts(h, 30000);
  h_publish(h, "t", "", 0, 1); /* what we send does not count */
  h_flush(h);
  h_forget(h);
  h_lasts(h, 29999);
  SENT(h, "");
  assert_int_equal(h_stats(h).ping_at, -1);
  h_lasts(h, 1);
  SENT(h, "PINGREQ\n");
  assert_int_equal(h_stats(h).ping_at, h->now);
  h_takes(h, BYTES("\xd0\x00"));
  assert_int_equal(h_stats(h).ping_at, -1);
  h_lasts(h, 59999);
  SENT(h, "");
  h_lasts(h, 1);
  SENT(h, "PINGREQ\n");
}

static void keep_alive_counts_from_our_last_packet (void **state) {
  harness *h = *state;
  up_with(h, 10, 0, 20000);
  for (int i = 0; i < 30; i++) { /* the broker talks all the time: that does not help it */
    h_lasts(h, 500);
    h_message_in(h, "t", "", 0, false, 0);
    if (h->raw.len) h_takes(h, BYTES("\xd0\x00"));
  }
  SENT(h, "PINGREQ\n");
  int64_t idle = 0;
  h_publish(h, "t", "", 0, 1);
  h_flush(h);
  tl_buf_clear(&h->raw);
  while (h->raw.len == 0) {
    h_wait(h, 10);
    idle += 10;
  }
  assert_true(idle > 9000 && idle <= 10000); /* "at least every": never later */
}

static void every_keep_alive_a_packet (void **state) {
  (void)state;
  static const uint16_t all[] = { 1, 2, 5, 60, 65535 };
  for (int i = 0; i < 5; i++) {
    harness h;
    up_with(&h, all[i], 0, 0); /* no reply is waited for, yet packets go on */
    int64_t last = h.now;
    for (int n = 0; n < 5; n++) {
      int64_t due = tl_session_deadline(h.s);
      assert_true(due > last && due - last <= (int64_t)all[i] * 1000);
      h.now = last = due;
      assert_int_equal(tl_session_tick(h.s, h.now), TL_OK);
      SENT(&h, "PINGREQ\n");
    }
    h_fini(&h);
  }
}

static void ping_interval_expires_first (void **state) {
  harness *h = *state;
  up_with(h, 100, 30000, 0);
  h_lasts(h, 29999);
  SENT(h, "");
  h_lasts(h, 1);
  SENT(h, "PINGREQ\n");
}

static void keep_alive_expires_first (void **state) {
  harness *h = *state;
  up_with(h, 30, 100000, 0);
  h_lasts(h, 30000);
  SENT(h, "PINGREQ\n");
}

static void no_pingresp (void **state) {
  harness *h = *state;
  up_with(h, 0, 60000, 20000);
  h_times_out(h, 80000, "no PINGRESP");
  SENT(h, "PINGREQ\n");
}

static void a_pingresp_a_millisecond_before_the_end (void **state) {
  harness *h = *state;
  up_with(h, 0, 60000, 20000);
  h_lasts(h, 79999);
  h_takes(h, BYTES("\xd0\x00"));
  h_lasts(h, 59999);
}

static void the_limit_is_said_as_it_was_given (void **state) {
  harness *h = *state;
  up_with(h, 0, 60000, 20);
  h_times_out(h, 60020, "the reply timeout of 0.02 s");
}

static void other_packets_are_no_pingresp (void **state) {
  harness *h = *state;
  up_with(h, 0, 60000, 20000);
  h_lasts(h, 70000);
  h_message_in(h, "t", "", 0, false, 0);
  h_times_out(h, 10000, "no PINGRESP");
}

static void one_pingresp_answers_one_pingreq (void **state) {
  harness *h = *state;
  up_with(h, 2, 0, 5000);
  h_wait(h, 1900);
  h_wait(h, 1900);
  SENT(h, "PINGREQ\nPINGREQ\n");
  h_takes(h, BYTES("\xd0\x00"));
  h_times_out(h, 5000, "no PINGRESP"); /* to the second one */
}

static void a_pingresp_unasked_is_no_harm (void **state) {
  harness *h = *state;
  up_with(h, 0, 1000, 5000);
  h_takes(h, BYTES("\xd0\x00"));
  h_lasts(h, 999);
  SENT(h, "");
}

static void no_connack (void **state) {
  harness *h = *state;
  h_start(h);
  h_open(h);
  h_times_out(h, 20000, "no CONNACK");
}

static void connack_is_waited_for_without_end (void **state) {
  harness *h = *state;
  h->p.connack_timeout_ms = 0;
  h_start(h);
  h_open(h);
  assert_true(tl_session_deadline(h->s) == INT64_MAX);
}

static void half_a_connack (void **state) {
  harness *h = *state;
  h->p.connack_timeout_ms = 0;
  h_start(h);
  h_open(h);
  assert_int_equal(h_feed(h, BYTES("\x20\x02\x00")), 0);
  h_times_out(h, 20000, "a packet stayed incomplete");
}

static void no_suback (void **state) {
  static const struct {
    int64_t reply_timeout;
    size_t half;
    bool fails;
  } all[] = { { 20000, 0, true }, { 20000, 4, true }, { 0, 0, false } };
  (void)state;
  for (int i = 0; i < 3; i++) {
    harness h;
    h_init(&h, false);
    h.p.reply_timeout_ms = all[i].reply_timeout;
    h_start(&h);
    h_accept(&h, false);
    h_feed(&h, (const uint8_t *)"\x90\x03\x00\x01", all[i].half);
    if (all[i].fails)
      h_times_out(&h, 20000, "no SUBACK");
    else
      h_lasts(&h, 1000000);
    h_fini(&h);
  }
}

static void no_unsuback (void **state) {
  harness *h = *state;
  const tl_subscription next = { TL_LIT("x"), 1 };
  tl_session_set_filters(h->s, &next, 1);
  h_cut(h);
  h_open(h);
  h_takes(h, BYTES("\x20\x02\x01\x00\x90\x03\x00\x03\x01"));
  h_times_out(h, 20000, "no UNSUBACK");
}

static void a_packet_that_does_not_end (void **state) {
  (void)state;
  static const char *const starts[] = { "\x30", "\x30\x85", "\x30\x05\x00\x01t" };
  static const size_t len[] = { 1, 2, 5 };
  for (int i = 0; i < 3; i++) {
    harness h;
    h_up(&h, false);
    assert_int_equal(h_feed(&h, (const uint8_t *)starts[i], len[i]), 0);
    h_times_out(&h, 20000, "a packet stayed incomplete");
    h_fini(&h);
  }
}

/* A dribble: one byte each `step` ms of a packet of 32 bytes. */
static long dribble (harness *h, int64_t step) {
  uint8_t packet[32] = { 0x30, 30, 0, 1, 't' };
  for (size_t n = 1; n <= sizeof packet; n++) {
    long rc = h_feed(h, packet, n);
    if (rc != 0) return rc;
    if (n < sizeof packet && h_wait(h, step) != TL_OK) return h->rc;
  }
  return 0;
}

static void a_dribble (void **state) {
  harness *h = *state;
  assert_int_equal(dribble(h, 100), 32); /* in time */
  assert_int_equal(dribble(h, 600), 32); /* each packet has its own time */
  /* from the first byte to the last, not from byte to byte */
  assert_int_equal(dribble(h, 700), TL_ETIMEOUT);
}

static void a_partial_packet_behind_whole_ones_has_its_own_time (void **state) {
  harness *h = *state;
  assert_int_equal(h_feed(h, BYTES("\x30\x03\x00")), 0);
  h_wait(h, 15000);
  assert_int_equal(h_feed(h, BYTES("\x30\x03\x00\x01t\x30\x03")), 5);
  h_times_out(h, 20000, "a packet stayed incomplete");
}

static void pause_times_nothing (void **state) {
  harness *h = *state;
  up_with(h, 0, 60000, 20000);
  h_wait(h, 60000);
  SENT(h, "PINGREQ\n");
  h_feed(h, BYTES("\x30"));
  tl_session_pause(h->s, true, h->now);
  assert_true(tl_session_deadline(h->s) == INT64_MAX);
  h_lasts(h, 1000000);
  SENT(h, "");
  tl_session_pause(h->s, false, h->now);
  h_lasts(h, 19999); /* a whole reply timeout from now on */
  h_takes(h, BYTES("\xd0\x00"));
  h_wait(h, 40000);
  SENT(h, "");
  h_lasts(h, 20000); /* and a whole Ping Interval from the answer */
  SENT(h, "PINGREQ\n");
}

static void pause_keeps_the_keep_alive (void **state) {
  harness *h = *state;
  up_with(h, 10, 0, 20000);
  tl_session_pause(h->s, true, h->now);
  h_lasts(h, 50000); /* not timed, but sent: the broker would close */
  SENT(h, "PINGREQ\nPINGREQ\nPINGREQ\nPINGREQ\nPINGREQ\n");
}

static void an_old_unacknowledged_write_is_warned_of_once (void **state) {
  harness *h = *state;
  h_publish(h, "t", "", 1, 1);
  h_wait(h, 100);
  tl_session_tick(h->s, h->now);
  h_publish(h, "t", "", 2, 2);
  h_lasts(h, 19899);
  assert_int_equal(h->notices.len, 0);
  h_lasts(h, 1000000); /* the write waits: the connection stays */
  same_text(&h->notices,
            "2 PUBACK for identifier 2 (QoS 1) has been missing for 20.0 s; 2 messages waiting\n",
            "notices", __LINE__);
  h_forget(h);
  h_ack_in(h, TL_PUBACK, 2); /* the next one is as old: one warning is enough */
  h_lasts(h, 1000000);
  assert_int_equal(h->notices.len, 0);
  h_takes(h, BYTES("\x50\x02\x00\x03\x70\x02\x00\x03"));
  h_publish(h, "t", "", 2, 3);
  h_lasts(h, 20000);
  assert_true(h_noticed(h, "PUBREC for identifier 4"));
}

static void time_without_a_connection_makes_no_write_old (void **state) {
  harness *h = *state;
  h_publish(h, "t", "", 1, 1);
  h_flush(h);
  h_cut(h);
  h->now += 1000000;
  h_connect(h, true);
  h_forget(h);
  h_lasts(h, 19999);
  assert_int_equal(h->notices.len, 0);
  h_lasts(h, 1);
  assert_true(h_noticed(h, "PUBACK for identifier 2"));
}

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC_NEW("nothing is due when all is off", nothing_is_due_when_all_is_off),
    SPEC_NEW("Ping Interval counts from the broker's last packet",
             ping_interval_counts_from_the_brokers_last_packet),
    SPEC_NEW("[MQTT-3.1.2-23] Keep Alive counts from our last packet",
             keep_alive_counts_from_our_last_packet),
    SPEC("[MQTT-3.1.2-23] a packet at least every Keep Alive seconds", every_keep_alive_a_packet),
    SPEC_NEW("Keep Alive and Ping Interval: the latter expires first", ping_interval_expires_first),
    SPEC_NEW("Keep Alive and Ping Interval: the former expires first", keep_alive_expires_first),
    SPEC_NEW("no PINGRESP", no_pingresp),
    SPEC_NEW("a PINGRESP a millisecond before the end", a_pingresp_a_millisecond_before_the_end),
    SPEC_NEW("the limit is said as it was given", the_limit_is_said_as_it_was_given),
    SPEC_NEW("other packets are no PINGRESP", other_packets_are_no_pingresp),
    SPEC_NEW("one PINGRESP answers one PINGREQ", one_pingresp_answers_one_pingreq),
    SPEC_NEW("a PINGRESP that nobody asked for is no harm", a_pingresp_unasked_is_no_harm),
    SPEC_NEW("no CONNACK", no_connack),
    SPEC_NEW("without a limit CONNACK is waited for without end",
             connack_is_waited_for_without_end),
    SPEC_NEW("half a CONNACK", half_a_connack),
    SPEC("no SUBACK, half of one, and Reply Timeout 0", no_suback),
    SPEC_UP("no UNSUBACK", no_unsuback),
    SPEC("a packet that does not end", a_packet_that_does_not_end),
    SPEC_UP("a dribble, in time and too slow", a_dribble),
    SPEC_UP("a partial packet behind whole ones has its own time",
            a_partial_packet_behind_whole_ones_has_its_own_time),
    SPEC_NEW("while reading is paused nothing is timed", pause_times_nothing),
    SPEC_NEW("[MQTT-3.1.2-23] while reading is paused Keep Alive goes on",
             pause_keeps_the_keep_alive),
    SPEC_UP("an old unacknowledged write is warned of once",
            an_old_unacknowledged_write_is_warned_of_once),
    SPEC_UP("time without a connection makes no write old",
            time_without_a_connection_makes_no_write_old),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Time: PINGREQ, replies that do not come, packets that do not end, back-pressure. The clock is an argument; nothing sleeps. */
#include "mqtt/harness.h"

static void up_with (harness *h, uint16_t keep_alive, int64_t ping_interval, int64_t reply_timeout) {
  h_init(h, false);
  h->p.keep_alive = keep_alive;
  h->p.ping_interval_ms = ping_interval;
  h->p.reply_timeout_ms = reply_timeout;
  h_start(h);
  h_connect(h, false);
  h_forget(h);
}

static void nothing_is_due_when_all_is_off (void **state) {
  (void)state;
  harness h;
  up_with(&h, 0, 0, 0);
  assert_true(tl_session_deadline(h.s) == INT64_MAX);
  h_publish(&h, "t", "", 1, 1);
  assert_true(tl_session_deadline(h.s) == INT64_MAX);
  h_fini(&h);
}

static void ping_interval_counts_from_the_brokers_last_packet (void **state) {
  (void)state;
  harness h;
  up_with(&h, 0, 60000, 20000);
  assert_int_equal(h_wait(&h, 59999), TL_OK);
  SENT(&h, "");
  h_message_in(&h, "t", "", 0, false, 0);
  assert_int_equal(h_wait(&h, 30000), TL_OK);
  h_publish(&h, "t", "", 0, 1); /* what we send does not count */
  h_flush(&h);
  h_forget(&h);
  assert_int_equal(h_wait(&h, 29999), TL_OK);
  SENT(&h, "");
  assert_int_equal(h_wait(&h, 1), TL_OK);
  SENT(&h, "PINGREQ\n");
  h_takes(&h, BYTES("\xd0\x00"));
  assert_int_equal(h_wait(&h, 59999), TL_OK);
  SENT(&h, "");
  assert_int_equal(h_wait(&h, 1), TL_OK);
  SENT(&h, "PINGREQ\n");
  h_fini(&h);
}

static void keep_alive_counts_from_our_last_packet (void **state) {
  (void)state;
  harness h;
  up_with(&h, 10, 0, 20000);
  for (int i = 0; i < 30; i++) { /* the broker talks all the time: that does not help it */
    assert_int_equal(h_wait(&h, 500), TL_OK);
    h_message_in(&h, "t", "", 0, false, 0);
    if (h.raw.len) h_takes(&h, BYTES("\xd0\x00"));
  }
  SENT(&h, "PINGREQ\n");
  int64_t idle = 0;
  h_publish(&h, "t", "", 0, 1);
  h_flush(&h);
  tl_buf_clear(&h.raw);
  while (h.raw.len == 0) {
    h_wait(&h, 10);
    idle += 10;
  }
  assert_true(idle > 9000 && idle <= 10000); /* "at least every": never later */
  h_fini(&h);
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

static void whichever_expires_first (void **state) {
  (void)state;
  harness h;
  up_with(&h, 100, 30000, 0);
  assert_int_equal(h_wait(&h, 29999), TL_OK);
  SENT(&h, "");
  assert_int_equal(h_wait(&h, 1), TL_OK);
  SENT(&h, "PINGREQ\n");
  h_fini(&h);
  up_with(&h, 30, 100000, 0);
  assert_int_equal(h_wait(&h, 30000), TL_OK);
  SENT(&h, "PINGREQ\n");
  h_fini(&h);
}

static void no_pingresp (void **state) {
  (void)state;
  harness h;
  up_with(&h, 0, 60000, 20000);
  assert_int_equal(h_wait(&h, 79999), TL_OK);
  SENT(&h, "PINGREQ\n");
  assert_int_equal(h_wait(&h, 1), TL_ETIMEOUT);
  assert_non_null(strstr(tl_session_error(h.s), "no PINGRESP"));
  h_fini(&h);
  up_with(&h, 0, 60000, 20000);
  assert_int_equal(h_wait(&h, 79999), TL_OK); /* a millisecond before the end */
  h_takes(&h, BYTES("\xd0\x00"));
  assert_int_equal(h_wait(&h, 59999), TL_OK);
  h_fini(&h);
  up_with(&h, 0, 60000, 20); /* the limit is said as it was given */
  assert_int_equal(h_wait(&h, 60020), TL_ETIMEOUT);
  assert_non_null(strstr(tl_session_error(h.s), "the reply timeout of 0.02 s"));
  h_fini(&h);
  up_with(&h, 0, 60000, 20000); /* other packets are no answer */
  assert_int_equal(h_wait(&h, 70000), TL_OK);
  h_message_in(&h, "t", "", 0, false, 0);
  assert_int_equal(h_wait(&h, 10000), TL_ETIMEOUT);
  h_fini(&h);
}

static void one_pingresp_answers_one_pingreq (void **state) {
  (void)state;
  harness h;
  up_with(&h, 2, 0, 5000);
  h_wait(&h, 1900);
  h_wait(&h, 1900);
  SENT(&h, "PINGREQ\nPINGREQ\n");
  h_takes(&h, BYTES("\xd0\x00"));
  int64_t until = h.now + 5000; /* of the second one */
  while (h_wait(&h, 1) == TL_OK) continue;
  assert_int_equal(h.now, until);
  h_fini(&h);
  up_with(&h, 0, 1000, 5000); /* an unasked one is no harm */
  h_takes(&h, BYTES("\xd0\x00"));
  assert_int_equal(h_wait(&h, 999), TL_OK);
  h_fini(&h);
}

static void no_connack (void **state) {
  (void)state;
  harness h;
  h_init(&h, false);
  h_start(&h);
  h_open(&h);
  assert_int_equal(h_wait(&h, 19999), TL_OK);
  assert_int_equal(h_wait(&h, 1), TL_ETIMEOUT);
  assert_non_null(strstr(tl_session_error(h.s), "no CONNACK"));
  h_fini(&h);
  h_init(&h, false);
  h.p.connack_timeout_ms = 0;
  h_start(&h);
  h_open(&h);
  assert_true(tl_session_deadline(h.s) == INT64_MAX);
  h_fini(&h);
}

static void half_a_connack (void **state) {
  (void)state;
  harness h;
  h_init(&h, false);
  h.p.connack_timeout_ms = 0;
  h_start(&h);
  h_open(&h);
  assert_int_equal(h_feed(&h, BYTES("\x20\x02\x00")), 0);
  assert_int_equal(h_wait(&h, 20000), TL_ETIMEOUT);
  assert_non_null(strstr(tl_session_error(h.s), "incomplete"));
  h_fini(&h);
}

static void no_suback (void **state) {
  (void)state;
  for (int what = 0; what < 3; what++) {
    harness h;
    h_init(&h, false);
    if (what == 2) h.p.reply_timeout_ms = 0;
    h_start(&h);
    h_open(&h);
    h_takes(&h, BYTES("\x20\x02\x00\x00"));
    if (what == 1) h_feed(&h, BYTES("\x90\x03\x00\x01")); /* half of it */
    assert_int_equal(h_wait(&h, 19999), TL_OK);
    assert_int_equal(h_wait(&h, 1), what == 2 ? TL_OK : TL_ETIMEOUT);
    if (what < 2) assert_non_null(strstr(tl_session_error(h.s), "no SUBACK"));
    h_fini(&h);
  }
}

static void no_unsuback (void **state) {
  (void)state;
  harness h;
  h_up(&h, false);
  const tl_subscription next = { TL_LIT("x"), 1 };
  tl_session_set_filters(h.s, &next, 1);
  h_cut(&h);
  h_open(&h);
  h_takes(&h, BYTES("\x20\x02\x01\x00\x90\x03\x00\x03\x01"));
  assert_int_equal(h_wait(&h, 19999), TL_OK);
  assert_int_equal(h_wait(&h, 1), TL_ETIMEOUT);
  assert_non_null(strstr(tl_session_error(h.s), "no UNSUBACK"));
  h_fini(&h);
}

static void a_packet_that_does_not_end (void **state) {
  (void)state;
  static const char *const starts[] = { "\x30", "\x30\x85", "\x30\x05\x00\x01t" };
  static const size_t len[] = { 1, 2, 5 };
  for (int i = 0; i < 3; i++) {
    harness h;
    h_up(&h, false);
    assert_int_equal(h_feed(&h, (const uint8_t *)starts[i], len[i]), 0);
    assert_int_equal(h_wait(&h, 19999), TL_OK);
    assert_int_equal(h_wait(&h, 1), TL_ETIMEOUT);
    assert_non_null(strstr(tl_session_error(h.s), "a packet stayed incomplete"));
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
  (void)state;
  harness h;
  h_up(&h, false);
  assert_int_equal(dribble(&h, 100), 32); /* in time */
  assert_int_equal(dribble(&h, 600), 32); /* each packet has its own time */
  assert_int_equal(dribble(&h, 700), TL_ETIMEOUT); /* from the first byte to the last, not from byte to byte */
  h_fini(&h);
}

static void a_partial_packet_behind_whole_ones_has_its_own_time (void **state) {
  (void)state;
  harness h;
  h_up(&h, false);
  assert_int_equal(h_feed(&h, BYTES("\x30\x03\x00")), 0);
  h_wait(&h, 15000);
  assert_int_equal(h_feed(&h, BYTES("\x30\x03\x00\x01t\x30\x03")), 5);
  assert_int_equal(h_wait(&h, 19999), TL_OK);
  assert_int_equal(h_wait(&h, 1), TL_ETIMEOUT);
  h_fini(&h);
}

static void pause_times_nothing (void **state) {
  (void)state;
  harness h;
  up_with(&h, 0, 60000, 20000);
  h_wait(&h, 60000);
  SENT(&h, "PINGREQ\n");
  h_feed(&h, BYTES("\x30"));
  tl_session_pause(h.s, true, h.now);
  assert_true(tl_session_deadline(h.s) == INT64_MAX);
  assert_int_equal(h_wait(&h, 1000000), TL_OK);
  SENT(&h, "");
  tl_session_pause(h.s, false, h.now);
  assert_int_equal(h_wait(&h, 19999), TL_OK); /* a whole reply timeout from now on */
  h_takes(&h, BYTES("\xd0\x00"));
  h_wait(&h, 40000);
  SENT(&h, "");
  assert_int_equal(h_wait(&h, 20000), TL_OK); /* and a whole Ping Interval from the answer */
  SENT(&h, "PINGREQ\n");
  h_fini(&h);
}

static void pause_keeps_the_keep_alive (void **state) {
  (void)state;
  harness h;
  up_with(&h, 10, 0, 20000);
  tl_session_pause(h.s, true, h.now);
  assert_int_equal(h_wait(&h, 50000), TL_OK); /* not timed, but sent: the broker would close */
  SENT(&h, "PINGREQ\nPINGREQ\nPINGREQ\nPINGREQ\nPINGREQ\n");
  h_fini(&h);
}

static void an_old_unacknowledged_write_is_warned_of_once (void **state) {
  (void)state;
  harness h;
  h_up(&h, false);
  h_publish(&h, "t", "", 1, 1);
  h_wait(&h, 100);
  tl_session_tick(h.s, h.now);
  h_publish(&h, "t", "", 2, 2);
  assert_int_equal(h_wait(&h, 19899), TL_OK);
  assert_int_equal(h.notices.len, 0);
  assert_int_equal(h_wait(&h, 1000000), TL_OK); /* the write waits: the connection stays */
  same_text(&h.notices, "2 PUBACK for identifier 2 (QoS 1) has been missing for 20.0 s; 2 messages wait\n", "notices",
            __LINE__);
  h_forget(&h);
  h_ack_in(&h, TL_PUBACK, 2); /* the next one is as old: one warning is enough */
  assert_int_equal(h_wait(&h, 1000000), TL_OK);
  assert_int_equal(h.notices.len, 0);
  h_takes(&h, BYTES("\x50\x02\x00\x03\x70\x02\x00\x03"));
  h_publish(&h, "t", "", 2, 3);
  assert_int_equal(h_wait(&h, 20000), TL_OK);
  assert_true(h_noticed(&h, "PUBREC for identifier 4"));
  h_fini(&h);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC("nothing is due when all is off", nothing_is_due_when_all_is_off),
    SPEC("Ping Interval counts from the broker's last packet", ping_interval_counts_from_the_brokers_last_packet),
    SPEC("[MQTT-3.1.2-23] Keep Alive counts from our last packet", keep_alive_counts_from_our_last_packet),
    SPEC("[MQTT-3.1.2-23] a packet at least every Keep Alive seconds", every_keep_alive_a_packet),
    SPEC("Keep Alive and Ping Interval, whichever expires first", whichever_expires_first),
    SPEC("no PINGRESP, and one a millisecond before the end", no_pingresp),
    SPEC("one PINGRESP answers one PINGREQ", one_pingresp_answers_one_pingreq),
    SPEC("no CONNACK", no_connack),
    SPEC("half a CONNACK", half_a_connack),
    SPEC("no SUBACK, half of one, and Reply Timeout 0", no_suback),
    SPEC("no UNSUBACK", no_unsuback),
    SPEC("a packet that does not end", a_packet_that_does_not_end),
    SPEC("a dribble, in time and too slow", a_dribble),
    SPEC("a partial packet behind whole ones has its own time", a_partial_packet_behind_whole_ones_has_its_own_time),
    SPEC("while reading is paused nothing is timed", pause_times_nothing),
    SPEC("[MQTT-3.1.2-23] while reading is paused Keep Alive goes on", pause_keeps_the_keep_alive),
    SPEC("an old unacknowledged write is warned of once", an_old_unacknowledged_write_is_warned_of_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

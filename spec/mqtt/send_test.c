/* Publishing: QoS 0, 1 and 2, the window, the queue, and the broker's acknowledgements. */
#include "mqtt/harness.h"

static void qos_0_is_done_when_handed_over (void **state) {
  harness *h = *state;
  assert_int_equal(h_publish(h, "t", "abc", 0, 1), TL_OK); /* 8 bytes */
  assert_int_equal(h_publish(h, "t", "", 0, 2), TL_OK);    /* 5 bytes */
  EVENTS(h, "");
  assert_int_equal(tl_session_output(h->s).len, 13);
  tl_session_sent(h->s, 7, h->now);
  EVENTS(h, "");
  assert_int_equal(tl_session_output(h->s).len, 6);
  tl_session_sent(h->s, 1, h->now);
  EVENTS(h, "published 1 done\n");
  tl_session_sent(h->s, 4, h->now);
  EVENTS(h, "");
  tl_session_sent(h->s, 1, h->now);
  EVENTS(h, "published 2 done\n");
  assert_int_equal(tl_session_output(h->s).len, 0);
}

static void qos_0_has_neither_identifier_nor_dup (void **state) {
  harness *h = *state;
  assert_int_equal(tl_session_publish(h->s, TL_LIT("t"), TL_LIT("x"), 0, true, NULL, NULL), TL_OK);
  tl_slice out = tl_session_output(h->s);
  assert_int_equal(out.len, 6);
  assert_memory_equal(out.at, "\x31\x04\x00\x01tx", 6);
}

static void qos_1 (void **state) {
  harness *h = *state;
  assert_int_equal(h_publish(h, "t", "x", 1, 1), TL_OK);
  SENT(h, "PUBLISH qos=1 dup=0 retain=0 id=2 topic=\"t\" payload=1 bytes \"x\"\n");
  EVENTS(h, "");
  h_ack_in(h, TL_PUBACK, 2);
  EVENTS(h, "published 1 done\n");
  h_ack_in(h, TL_PUBACK, 2); /* repeated: unknown now */
  EVENTS(h, "");
  SENT(h, "");
}

static void qos_2 (void **state) {
  harness *h = *state;
  assert_int_equal(h_publish(h, "t", "x", 2, 1), TL_OK);
  SENT(h, "PUBLISH qos=2 dup=0 retain=0 id=2 topic=\"t\" payload=1 bytes \"x\"\n");
  h_ack_in(h, TL_PUBREC, 2);
  SENT(h, "PUBREL id=2\n");
  h_ack_in(h, TL_PUBREC, 2); /* repeated: only PUBREL is repeated */
  SENT(h, "PUBREL id=2\n");
  EVENTS(h, "");
  h_ack_in(h, TL_PUBCOMP, 2);
  EVENTS(h, "published 1 done\n");
  h_ack_in(h, TL_PUBCOMP, 2);
  EVENTS(h, "");
  SENT(h, "");
}

static void pubrels_in_order_of_pubrecs (void **state) {
  harness *h = *state;
  for (int i = 1; i <= 3; i++) h_publish(h, "t", "x", 2, i);
  h_forget(h);
  h_takes(h, BYTES("\x50\x02\x00\x03\x50\x02\x00\x02\x50\x02\x00\x04"));
  SENT(h, "PUBREL id=3\nPUBREL id=2\nPUBREL id=4\n");
}

static void unknown_acknowledgements (void **state) {
  (void)state;
  for (int clean = 0; clean < 2; clean++) {
    harness h;
    h_up(&h, clean);
    h_ack_in(&h, TL_PUBACK, 77);
    h_ack_in(&h, TL_PUBCOMP, 77);
    SENT(&h, "");
    h_ack_in(&h, TL_PUBREC, 77);
    SENT(&h, "PUBREL id=77\n");
    assert_int_equal(h_stats(&h).unknown_acks, 3);
    assert_true(h_noticed(&h, "0 PUBREC for the unknown identifier 77"));
    EVENTS(&h, "");
    h_fini(&h);
  }
}

static void acknowledgements_of_the_wrong_kind (void **state) {
  (void)state;
  static const struct {
    uint8_t qos;
    const char *ack;
  } wrong[] = { { 1, "\x50\x02\x00\x02" },
                { 1, "\x70\x02\x00\x02" },
                { 2, "\x40\x02\x00\x02" },
                { 2, "\x70\x02\x00\x02" } };
  for (size_t i = 0; i < 8; i++) {
    harness h;
    h_up(&h, i % 2);
    h_publish(&h, "t", "x", wrong[i / 2].qos, 1);
    h_fails(&h, (const uint8_t *)wrong[i / 2].ack, 4, TL_EMALFORMED, "for identifier 2, a QoS");
    EVENTS(&h, "");
    h_fini(&h);
  }
}

static void the_window (void **state) {
  harness *h = *state;
  h->p.max_inflight = 2;
  h->p.max_queued = 2;
  h_begin(h);
  for (int i = 1; i <= 4; i++) assert_int_equal(h_publish(h, "t", "", 1, i), TL_OK);
  assert_int_equal(h_publish(h, "t", "", 1, 5), TL_EFULL);
  assert_int_equal(h_publish(h, "t", "", 0, 6), TL_EFULL); /* would overtake */
  assert_true(h_stats(h).inflight == 2 && h_stats(h).queued == 2);
  SENT(h, PUB(1, 0, 2, "t") PUB(1, 0, 3, "t"));
  h_ack_in(h, TL_PUBACK, 3);
  SENT(h, PUB(1, 0, 4, "t"));
  EVENTS(h, "published 2 done\n");
  assert_int_equal(h_publish(h, "q0", "", 0, 7), TL_OK); /* waits in its place */
  SENT(h, "");
  h_ack_in(h, TL_PUBACK, 2);
  SENT(h, PUB(1, 0, 5, "t") "PUBLISH qos=0 dup=0 retain=0 topic=\"q0\" payload=0 bytes \"\"\n");
  EVENTS(h, "published 1 done\npublished 7 done\n");
}

static void the_callback_may_publish (void **state) {
  harness *h = *state;
  h->p.max_inflight = 1;
  h_start(h);
  h_connect(h, false);
  h_publish(h, "a", "", 1, 1);
  h_publish(h, "b", "", 1, 2);
  h_forget(h);
  h->publish_in_callback = 1;
  h_ack_in(h, TL_PUBACK, 2);
  h_ack_in(h, TL_PUBACK, 3);
  SENT(h, PUB(1, 0, 3, "b") /* not overtaken */
       "PUBLISH qos=1 dup=0 retain=0 id=4 topic=\"from/callback\" payload=1 bytes \"x\"\n");
  EVENTS(h, "published 1 done\npublished 2 done\n");
  h->publish_in_callback = 5;
  tl_session_free(h->s); /* what the callbacks publish now is refused */
  h->s = NULL;
}

static void identifiers_skip_those_in_flight (void **state) {
  harness *h = *state;
  h_publish(h, "stays", "", 1, 1); /* identifier 2 */
  h_publish(h, "stays", "", 2, 1); /* identifier 3, later waiting for PUBCOMP */
  h_ack_in(h, TL_PUBREC, 3);
  h_forget(h);
  uint16_t id = 4;
  for (int i = 0; i < 70000; i++) {
    tl_slice out;
    assert_int_equal(h_publish(h, "t", "", 1, 2), TL_OK);
    out = tl_session_output(h->s);
    assert_int_equal(out.len, 7);
    assert_int_equal(out.at[5] << 8 | out.at[6], id);
    tl_session_sent(h->s, out.len, h->now);
    h_ack_in(h, TL_PUBACK, id);
    if (++id == 0) id = 1;
    if (id == 2) id = 4;
  }
}

static void errors (void **state) {
  harness *h = *state;
  tl_err err;
  h->p.max_packet_size = 100;
  h_start(h);
  assert_int_equal(tl_session_publish(h->s, TL_LIT("t"), TL_LIT(""), 0, false, NULL, &err),
                   TL_ESTATE);
  assert_string_equal(err.text, "not connected");
  h_connect(h, false);
  h_forget(h);
  static const char *const bad[] = { "", "a/+", "#", "a\xff", "\xed\xa0\x80" };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal(h_publish(h, bad[i], "x", 0, 1), TL_EMALFORMED);
  assert_int_equal(tl_session_publish(h->s, TL_LIT("a\0b"), TL_LIT(""), 0, false, NULL, &err),
                   TL_EMALFORMED);
  static char topic[65537];
  memset(topic, 't', 65536);
  assert_int_equal(h_publish(h, topic, "", 0, 1), TL_EMALFORMED);
  assert_int_equal(h_publish(h, "t", "x", 3, 1), TL_ERANGE);
  static uint8_t payload[100];
  assert_int_equal(
      tl_session_publish(h->s, TL_LIT("t"), tl_slice_of(payload, 96), 0, false, NULL, &err),
      TL_ETOOBIG);
  assert_non_null(strstr(err.text, "96 bytes"));
  SENT(h, "");
  EVENTS(h, "");
  assert_int_equal(
      tl_session_publish(h->s, TL_LIT("t"), tl_slice_of(payload, 95), 0, false, NULL, &err), TL_OK);
  assert_int_equal(tl_session_output(h->s).len, 100);
}

static void a_broker_that_stops_reading (void **state) {
  harness *h = *state;
  int taken = 0;
  h->p.max_queued = 5000;
  h_begin(h);
  for (int i = 0; i < 10000; i++) taken += h_publish(h, "t", "0123456789", 0, i) == TL_OK;
  assert_int_equal(taken, 5000);         /* bounded; the rest failed with queue full */
  h_message_in(h, "u", "", 0, false, 0); /* the reader still serves */
  EVENTS(h, "message u= q0 id0\n");
  size_t n = 0;
  for (tl_slice out; (out = tl_session_output(h->s)).len > 0; n += out.len > 777 ? 777 : out.len)
    tl_session_sent(h->s, out.len > 777 ? 777 : out.len, h->now);
  assert_int_equal(n, 5000 * 15);
  assert_int_equal(h_publish(h, "t", "x", 0, 1), TL_OK);
}

/* --- the connection breaks --- */

static void clean_session_loses_what_is_unconfirmed (void **state) {
  harness *h = *state;
  h->p.max_inflight = 2;
  h_begin(h);
  h_publish(h, "t", "", 1, 1);
  h_publish(h, "t", "", 2, 2);
  h_ack_in(h, TL_PUBREC, 3);
  h_flush(h);
  h_publish(h, "t", "", 1, 3); /* waits for a place */
  h_cut(h);
  EVENTS(h, "published 1 lost\npublished 2 lost\npublished 3 lost\n");
  h_accept(h, false);
  SENT(h, "SUBSCRIBE id=4 \"#\" qos=1\n");
}

static void qos_0_that_was_not_handed_over_is_lost (void **state) {
  (void)state;
  for (int clean = 0; clean < 2; clean++) {
    harness h;
    h_up(&h, clean);
    h_publish(&h, "t", "", 0, 1);
    h_publish(&h, "t", "", 0, 2);
    tl_session_sent(h.s, 5, h.now);
    EVENTS(&h, "published 1 done\n");
    h_cut(&h);
    EVENTS(&h, "published 2 lost\n");
    h_connect(&h, !clean);
    EVENTS(&h, clean ? "connected 0\nsubscribed 1\n" : "connected 1\nsubscribed 1\n");
    h_fini(&h);
  }
}

static void offline_queue (void **state) {
  (void)state;
  for (int clean = 0; clean < 2; clean++) {
    harness h;
    h_init(&h, clean);
    h.p.queue_offline = true;
    h.p.max_queued = 4;
    h_start(&h);
    for (int i = 1; i <= 4; i++)
      assert_int_equal(h_publish(&h, i == 2 ? "q0" : "t", "", i == 2 ? 0 : 1, i), TL_OK);
    assert_int_equal(h_publish(&h, "t", "", 1, 5), TL_EFULL);
    h_open(&h);
    h_cut(&h); /* an attempt that fails loses nothing */
    EVENTS(&h, "");
    h_accept(&h, false);
    SENT(&h, "SUBSCRIBE id=1 \"#\" qos=1\n" PUB(
                 1, 0, 2,
                 "t") "PUBLISH qos=0 dup=0 retain=0 topic=\"q0\" payload=0 bytes \"\"\n" PUB(1, 0,
                                                                                             3, "t")
                 PUB(1, 0, 4, "t"));
    EVENTS(&h, "connected 0\npublished 2 done\n");
    h_fini(&h);
  }
}

static void offline_queue_keeps_what_never_went_out (void **state) {
  harness *h = *state;
  h->p.queue_offline = true;
  h->p.max_inflight = 1;
  h_begin(h);
  h_publish(h, "sent", "", 1, 1);
  h_publish(h, "waits", "", 1, 2);
  h_cut(h);
  EVENTS(h, "published 1 lost\n");
  h_publish(h, "later", "", 1, 3);
  h_connect(h, false);
  h_forget(h);
  h_ack_in(h, TL_PUBACK, 4);
  SENT(h, PUB(1, 0, 5, "later"));
  EVENTS(h, "published 2 done\n");
}

static void the_end_reports_what_is_pending (void **state) {
  harness *h = *state;
  h->p.max_inflight = 1;
  h_begin(h);
  h_publish(h, "t", "", 0, 1);
  h_publish(h, "t", "", 1, 2);
  h_publish(h, "t", "", 2, 3);
  tl_session_free(h->s);
  h->s = NULL;
  EVENTS(h, "published 1 state\npublished 2 state\npublished 3 state\n");
}

static void the_oldest_in_flight (void **state) {
  static char large[200];
  harness *h = *state;
  tl_slice topic;
  size_t len;
  memset(large, 'x', sizeof large - 1);
  assert_false(tl_session_oldest(h->s, &topic, &len));
  h_publish(h, "plant/o", large, 2, 1); /* its length takes two bytes */
  h_publish(h, "b", "x", 1, 2);
  assert_true(tl_session_oldest(h->s, &topic, &len));
  assert_true(tl_slice_eq(topic, TL_LIT("plant/o")));
  assert_int_equal(len, 3 + 2 + 7 + 2 + 199);
  h_ack_in(h, TL_PUBREC, 2); /* taken: nothing in it that a broker would not take */
  assert_false(tl_session_oldest(h->s, &topic, &len));
  h_ack_in(h, TL_PUBCOMP, 2);
  assert_true(tl_session_oldest(h->s, &topic, &len));
  assert_true(tl_slice_eq(topic, TL_LIT("b")));
  assert_int_equal(len, 2 + 2 + 1 + 2 + 1);
}

static void stats (void **state) {
  harness *h = *state;
  assert_int_equal(h_stats(h).oldest_inflight, -1);
  h->now += 100;
  h_wait(h, 0);
  tl_session_tick(h->s, h->now);
  h_publish(h, "t", "x", 1, 1);
  int64_t first = h->now;
  h->now += 100;
  tl_session_tick(h->s, h->now);
  h_publish(h, "t", "x", 1, 2);
  h_flush(h);
  assert_int_equal(h_stats(h).oldest_inflight, first);
  assert_int_equal(h_stats(h).sent, 2);
  assert_int_equal(h_stats(h).inflight, 2);
  assert_int_equal(h_stats(h).last_out, h->now);
  assert_int_equal(h_stats(h).bytes_out, 18 + 8 + 2 * 8);
  assert_int_equal(h_stats(h).bytes_in, 4 + 5);
}

/* --- bounds in bytes, and in time --- */

static int bounded (void **state) { /* two messages of 100 bytes each, and not three */
  h_setup_new(state);
  harness *h = *state;
  h->p.max_queued_bytes = 250;
  h->p.queue_offline = true;
  h_start(h);
  return 0;
}

#define SPEC_BOUNDED(name, function) \
  { name, function, bounded, h_teardown, NULL }

static int publish_bytes (harness *h, size_t n, uint8_t qos, int token) {
  static uint8_t bytes[1000];
  return tl_session_publish(h->s, TL_LIT("t"), tl_slice_of(bytes, n), qos, false,
                            (void *)(intptr_t)token, NULL);
}

static void bytes_that_wait_are_bounded (void **state) {
  harness *h = *state;
  assert_int_equal(publish_bytes(h, 90, 1, 1), TL_OK);
  assert_int_equal(publish_bytes(h, 90, 0, 2), TL_OK);
  assert_int_equal(publish_bytes(h, 90, 1, 3), TL_EFULL);
  assert_int_equal(publish_bytes(h, 10, 1, 3), TL_OK);
  assert_int_equal(h_stats(h).unconfirmed_bytes, 97 + 95 + 17);
  h_connect(h, false);
  h_forget(h);
  h_ack_in(h, TL_PUBACK, 2);
  h_ack_in(h, TL_PUBACK, 3);
  EVENTS(h, "published 1 done\npublished 3 done\n");
  assert_int_equal(h_stats(h).unconfirmed_bytes, 0);
}

static void bytes_in_flight_and_in_the_output_are_bounded (void **state) {
  harness *h = *state;
  h_connect(h, false);
  h_forget(h);
  assert_int_equal(publish_bytes(h, 90, 2, 1), TL_OK); /* twice: in flight, and in the output */
  assert_int_equal(publish_bytes(h, 90, 0, 2), TL_EFULL);
  h_flush(h);
  assert_int_equal(publish_bytes(h, 90, 0, 2), TL_OK);
  assert_int_equal(publish_bytes(h, 90, 0, 3), TL_EFULL);
  h_flush(h);
  h_ack_in(h, TL_PUBREC, 2);
  assert_int_equal(publish_bytes(h, 160, 0, 3), TL_EFULL); /* its memory is in use still */
  h_ack_in(h, TL_PUBCOMP, 2);
  assert_int_equal(publish_bytes(h, 160, 0, 3), TL_OK);
}

static void one_alone_may_be_longer (void **state) {
  harness *h = *state;
  assert_int_equal(publish_bytes(h, 900, 1, 1), TL_OK);
  assert_int_equal(publish_bytes(h, 0, 1, 2), TL_EFULL);
}

/* So that who wants it back need not keep it, too. */
static void a_kept_payload_comes_back_with_its_fate (void **state) {
  harness *h = *state;
  assert_true(tl_session_keeps(h->s, 0)); /* there is no connection */
  h_publish(h, "t", "queued", 0, 1);
  h_connect(h, false);
  h_forget(h);
  same_text(&h->kept, "queued", "kept", __LINE__);
  assert_false(tl_session_keeps(h->s, 0));
  h_publish(h, "t", "passed on", 0, 2);
  h_flush(h);
  EVENTS(h, "published 2 done\n");
  same_text(&h->kept, "", "kept", __LINE__);
  assert_true(tl_session_keeps(h->s, 1));
  h_publish(h, "t", "twice", 2, 3);
  h_ack_in(h, TL_PUBREC, 2);
  h_ack_in(h, TL_PUBCOMP, 2);
  same_text(&h->kept, "twice", "kept", __LINE__);
  h_publish(h, "t", "lost", 1, 4);
  tl_session_free(h->s);
  h->s = NULL;
  same_text(&h->kept, "lost", "kept", __LINE__);
}

static int aging (void **state) {
  h_setup_new(state);
  harness *h = *state;
  h->p.max_queue_age_ms = 5000;
  h->p.queue_offline = true;
  h->p.max_inflight = 1;
  h_start(h);
  return 0;
}

#define SPEC_AGING(name, function) \
  { name, function, aging, h_teardown, NULL }

static int publish_now (harness *h, uint8_t qos, int token) {
  tl_session_time(h->s, h->now);
  return h_publish(h, "t", "x", qos, token);
}

static void what_waits_for_the_connection_ages (void **state) {
  harness *h = *state;
  publish_now(h, 1, 1);
  publish_now(h, 0, 2);
  h_wait(h, 1000);
  publish_now(h, 2, 3);
  assert_int_equal(tl_session_deadline(h->s), h->now + 4000);
  h_wait(h, 3999);
  EVENTS(h, "");
  h_wait(h, 1);
  EVENTS(h, "published 1 too old\npublished 2 too old\n");
  STORED(h, "o seq1 id0 8\no seq3 id0 8\no gone seq1 id0 0\n");
  h_connect(h, false);
  h_wait(h, 3600000); /* never one that was sent */
  EVENTS(h, "connected 0\nsubscribed 1\n");
  assert_int_equal(h_stats(h).inflight, 1);
}

static void what_waits_for_a_place_in_flight_ages (void **state) {
  harness *h = *state;
  h_connect(h, false);
  h_forget(h);
  publish_now(h, 1, 1);
  publish_now(h, 1, 2);
  h_wait(h, 5000);
  EVENTS(h, "published 2 too old\n");
  h_ack_in(h, TL_PUBACK, 2);
  EVENTS(h, "published 1 done\n");
  assert_int_equal(tl_session_deadline(h->s), INT64_MAX);
}

static void what_fails_may_be_published_again (void **state) {
  harness *h = *state;
  publish_now(h, 1, 1);
  h->publish_in_callback = 1;
  h_wait(h, 5000);
  EVENTS(h, "published 1 too old\n");
  assert_int_equal(h_stats(h).queued, 1);
  h_wait(h, 5000);
  EVENTS(h, "published 99 too old\n");
}

/* How long they have waited nobody knows: they are as old as this process's session. */
static void messages_of_the_process_before_age_from_the_first_connect (void **state) {
  harness *h = *state;
  static const uint8_t packet[] = "\x32\x06\x00\x01t\x00\x00x";
  assert_int_equal(tl_session_restore(h->s, 'o', 3, 0, tl_slice_of(packet, 8)), TL_OK);
  assert_int_equal(tl_session_deadline(h->s), INT64_MAX);
  h_open(h);
  h_wait(h, 5000);
  assert_int_equal(h_stats(h).queued, 0);
  STORED(h, "o gone seq3 id0 0\n");
}

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC_BOUNDED("bytes that wait are bounded", bytes_that_wait_are_bounded),
    SPEC_BOUNDED("bytes in flight and in the output are bounded",
                 bytes_in_flight_and_in_the_output_are_bounded),
    SPEC_BOUNDED("one alone may be longer", one_alone_may_be_longer),
    SPEC_BOUNDED("a kept payload comes back with its fate",
                 a_kept_payload_comes_back_with_its_fate),
    SPEC_AGING("what waits for the connection ages", what_waits_for_the_connection_ages),
    SPEC_AGING("what waits for a place in flight ages", what_waits_for_a_place_in_flight_ages),
    SPEC_AGING("what fails may be published again", what_fails_may_be_published_again),
    SPEC_AGING("messages of the process before age from the first connect",
               messages_of_the_process_before_age_from_the_first_connect),
    SPEC_UP("QoS 0 is done when its last byte was handed over", qos_0_is_done_when_handed_over),
    SPEC_UP("[MQTT-4.3.1-1] [MQTT-3.3.1-2] [MQTT-2.3.1-5] QoS 0 has neither identifier nor DUP",
            qos_0_has_neither_identifier_nor_dup),
    SPEC_UP("[MQTT-4.3.2-1] [MQTT-2.3.1-3] QoS 1 is done at PUBACK", qos_1),
    SPEC_UP("[MQTT-4.3.3-1] QoS 2 is done at PUBCOMP; PUBREC is always answered with PUBREL",
            qos_2),
    SPEC_UP("[MQTT-4.6.0-4] PUBREL in order of PUBREC", pubrels_in_order_of_pubrecs),
    SPEC("acknowledgements nobody waits for are counted, an unknown PUBREC gets PUBREL",
         unknown_acknowledgements),
    SPEC("[MQTT-4.8.0-1] acknowledgements of the wrong kind", acknowledgements_of_the_wrong_kind),
    SPEC_NEW("the window, and the queue before it, in order", the_window),
    SPEC_NEW("`published` may publish, and does not overtake", the_callback_may_publish),
    SPEC_UP("[MQTT-2.3.1-2] [MQTT-2.3.1-1] identifiers skip those in flight, twice round",
            identifiers_skip_those_in_flight),
    SPEC_NEW_CLEAN("[MQTT-1.5.3-1] [MQTT-1.5.3-2] [MQTT-3.3.2-2] [MQTT-4.7.1-1] [MQTT-4.7.3-1] "
                   "[MQTT-4.7.3-2] [MQTT-4.7.3-3] "
                   "[MQTT-3.3.1-4] "
                   "what cannot be published",
                   errors),
    SPEC_NEW_CLEAN("a broker that stops reading: bounded, and the reader still serves",
                   a_broker_that_stops_reading),
    SPEC_NEW_CLEAN("[MQTT-3.1.2-6] a clean session loses what is unconfirmed",
                   clean_session_loses_what_is_unconfirmed),
    SPEC("QoS 0 that was not handed over is lost", qos_0_that_was_not_handed_over_is_lost),
    SPEC("the offline queue, in order and bounded", offline_queue),
    SPEC_NEW_CLEAN("the offline queue keeps what never went out",
                   offline_queue_keeps_what_never_went_out),
    SPEC_NEW("the end of the session reports what is pending", the_end_reports_what_is_pending),
    SPEC_UP("the oldest message in flight, for who asks what the broker may not take",
            the_oldest_in_flight),
    SPEC_UP("statistics", stats),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

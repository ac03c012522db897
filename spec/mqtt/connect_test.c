/* Connecting: CONNECT, CONNACK in all forms, refusals, DISCONNECT, parameters. */
#include "mqtt/harness.h"

#define CONNACK BYTES("\x20\x02\x00\x00")
#define CONNACK_PRESENT BYTES("\x20\x02\x01\x00")

static void first_packet (void **state) {
  harness *h = *state;
  h_start(h);
  assert_int_equal(tl_session_output(h->s).len, 0);
  h_open(h);
  SENT(h, "CONNECT level=4 clean=0 keep_alive=0 client_id=\"spec\"\n");
  assert_false(tl_session_is_connected(h->s));
  /* never a second CONNECT on a connection */
  assert_int_equal(tl_session_open(h->s, h->now), TL_ESTATE);
  assert_int_equal(h_publish(h, "t", "x", 0, 1), TL_ESTATE);
  SENT(h, "");
  h_takes(h, CONNACK);
  assert_true(tl_session_is_connected(h->s));
  SENT(h, "SUBSCRIBE id=1 \"#\" qos=1\n");
  EVENTS(h, "connected 0\n");
  h_takes(h, BYTES("\x90\x03\x00\x01\x01"));
  EVENTS(h, "subscribed 1\n");
  h_cut(h);
  assert_false(tl_session_is_connected(h->s));
  h_open(h);
  SENT(h, "CONNECT level=4 clean=0 keep_alive=0 client_id=\"spec\"\n");
}

/* CONNACK, SUBACK, two messages, PINGRESP; and what it means. */
static const uint8_t stream[] =
    "\x20\x02\x00\x00\x90\x03\x00\x01\x01\x30\x04\x00\x01th\x32\x06\x00\x01t\x00\x05x\xd0\x00";
static const char stream_events[] =
    "connected 0\nsubscribed 1\nmessage t=h q0 id0\nmessage t=x q1 id5\n";

static void split_at_each_byte (void **state) {
  (void)state;
  const size_t len = sizeof stream - 1;
  for (size_t split = 0; split <= len; split++) {
    harness h;
    h_init(&h, false);
    h_start(&h);
    h_open(&h);
    h_feed(&h, stream, split);
    assert_true(h.rc >= 0);
    h_takes(&h, stream + h.rc, len - (size_t)h.rc);
    EVENTS(&h, stream_events);
    h_fini(&h);
  }
}

static void byte_by_byte (void **state) {
  harness *h = *state;
  size_t at = 0;
  h_start(h);
  h_open(h);
  for (size_t n = 1; n < sizeof stream; n++) {
    h_feed(h, stream + at, n - at);
    assert_true(h->rc >= 0);
    at += (size_t)h->rc;
  }
  assert_int_equal(at, sizeof stream - 1);
  EVENTS(h, stream_events);
}

static void refusals (void **state) {
  (void)state;
  static const struct {
    uint8_t code;
    const char *says;
  } all[] = { { 1, "protocol version" }, { 2, "another client" }, { 3, "unavailable" },
              { 4, "password" },         { 5, "authorized" },     { 6, "code 6" },
              { 255, "code 255" } };
  for (size_t i = 0; i < 2 * sizeof all / sizeof *all; i++) {
    harness h;
    uint8_t code = all[i / 2].code, packet[] = { 0x20, 2, 0, code };
    h_init(&h, i % 2);
    h_start(&h);
    h_open(&h);
    h_fails(&h, packet, 4, TL_EREFUSED, all[i / 2].says);
    assert_int_equal(tl_session_refusal(h.s), code);
    assert_false(tl_session_is_connected(h.s));
    h_forget(&h);
    assert_int_equal(h_publish(&h, "t", "x", 0, 1), TL_ESTATE); /* it must not go on */
    EVENTS(&h, "");
    h_cut(&h);
    h_open(&h); /* the next attempt begins afresh */
    assert_int_equal(tl_session_refusal(h.s), 0);
    assert_string_equal(tl_session_error(h.s), "");
    h_fini(&h);
  }
}

static void session_present_on_a_clean_session (void **state) {
  harness *h = *state;
  h_start(h);
  h_open(h);
  h_fails(h, CONNACK_PRESENT, TL_EMALFORMED, "[MQTT-3.2.2-1]");
}

static void session_present_of_an_earlier_process (void **state) {
  harness *h = *state;
  h_start(h);
  h_open(h);
  h_takes(h, CONNACK_PRESENT);
  EVENTS(h, "connected 1\n");
}

static void blank_client_id (void **state) {
  harness *h = *state;
  h->p.client_id = TL_LIT("");
  h_start(h);
  h_open(h);
  SENT(h, "CONNECT level=4 clean=1 keep_alive=0 client_id=\"\"\n");
  assert_true(h_noticed(h, "Client ID is blank"));
  h_fails(h, CONNACK_PRESENT, TL_EMALFORMED, "[MQTT-3.2.2-1]");
}

static void blank_client_id_of_a_clean_session (void **state) {
  harness *h = *state;
  h->p.client_id = TL_LIT("");
  h_start(h);
  h_open(h);
  assert_false(h_noticed(h, "blank")); /* asked for: nothing is forced, nothing is said */
  h_fails(h, BYTES("\x20\x02\x00\x02"), TL_EREFUSED, "wants a Client ID"); /* nobody else has it */
}

static void no_filter (void **state) {
  harness *h = *state;
  h->p.filter_count = 0;
  h_start(h);
  h_open(h);
  h_forget(h);
  h_takes(h, CONNACK);
  SENT(h, "");
  EVENTS(h, "connected 0\nsubscribed\n");
}

static void disconnect (void **state) {
  harness *h = *state;
  h_publish(h, "t", "x", 1, 1);
  tl_session_disconnect(h->s);
  tl_session_disconnect(h->s);
  assert_false(tl_session_is_connected(h->s));
  h_takes(h, BYTES("\x32\x06\x00\x01t\x00\x05x\x62\x02\x00\x09\xc0"));
  assert_int_equal(h_publish(h, "t", "y", 0, 2), TL_ESTATE);
  h_lasts(h, 1000000);
  SENT(h, "PUBLISH qos=1 dup=0 retain=0 id=2 topic=\"t\" payload=1 bytes \"x\"\nDISCONNECT\n");
  EVENTS(h, "");
}

static void disconnect_in_a_callback (void **state) {
  harness *h = *state;
  h->leave_in_message = true;
  h_takes(h, BYTES("\x32\x06\x00\x01t\x00\x05x\x32\x06\x00\x01t\x00\x06y"));
  SENT(h, "DISCONNECT\n");
  EVENTS(h, "message t=x q1 id5\n");
}

static void disconnect_before_connack (void **state) {
  harness *h = *state;
  h_start(h);
  h_open(h);
  h_forget(h);
  tl_session_disconnect(h->s);
  SENT(h, "");
}

static void input_when_nothing_is_open (void **state) {
  harness *h = *state;
  h_start(h);
  assert_int_equal(h_feed(h, CONNACK), TL_ESTATE);
  assert_int_equal(tl_session_tick(h->s, h->now), TL_OK);
  assert_true(tl_session_deadline(h->s) == INT64_MAX);
  h_open(h);
  h_fails(h, BYTES("\x40\x02\x00\x01"), TL_EMALFORMED, "CONNACK");
  /* what failed stays failed until it is closed */
  assert_int_equal(h_feed(h, CONNACK), TL_EMALFORMED);
  assert_int_equal(tl_session_tick(h->s, h->now), TL_EMALFORMED);
  h_cut(h);
  h_cut(h); /* twice is harmless */
  h_connect(h, false);
  assert_true(tl_session_is_connected(h->s));
}

static void parameters_are_checked (void **state) {
  (void)state;
  tl_session *s;
  harness h;
  const tl_subscription bad_filter = { TL_LIT("a/#/b"), 0 }, bad_qos = { TL_LIT("a"), 3 };
  const tl_subscription bad_plus = { TL_LIT("a+/b"), 0 }, bad_text = { TL_LIT("a\xff"), 0 };
  static uint8_t long_text[TL_STRING_MAX + 1];
  const tl_slice too_long = { long_text, sizeof long_text };
  memset(long_text, 'x', sizeof long_text);
#define REFUSED(change)                                                             \
  do {                                                                              \
    h_init(&h, false);                                                              \
    change;                                                                         \
    assert_int_equal(tl_session_new(&s, &h.p, &harness_events, &h), TL_EMALFORMED); \
  } while (0)
  REFUSED(h.p.client_id = TL_LIT("a\0b"));
  REFUSED(h.p.client_id = TL_LIT("a\xff"));
  REFUSED((h.p.has_user = true, h.p.user = TL_LIT("\xed\xa0\x80")));
  REFUSED(h.p.has_password = true);
  REFUSED((h.p.will = true, h.p.will_topic = TL_LIT("a/+")));
  REFUSED((h.p.will = true, h.p.will_topic = TL_LIT("")));
  REFUSED((h.p.will = true, h.p.will_topic = TL_LIT("a"), h.p.will_qos = 3));
  REFUSED(h.p.filters = &bad_filter);
  REFUSED(h.p.filters = &bad_qos);
  REFUSED(h.p.filters = &bad_plus);
  REFUSED(h.p.filters = &bad_text);
  REFUSED(h.p.client_id = too_long);
  REFUSED((h.p.has_user = h.p.has_password = true, h.p.password = too_long));
  REFUSED((h.p.will = true, h.p.will_topic = TL_LIT("a"), h.p.will_message = too_long));
  int64_t *const times[] = {
    &h.p.ping_interval_ms, &h.p.max_queue_age_ms, &h.p.ask_again_ms,
    &h.p.ask_again_max_ms, &h.p.reply_timeout_ms, &h.p.connack_timeout_ms
  };
  for (size_t i = 0; i < COUNT(times) + 2; i++) {
    h_init(&h, false);
    if (i < COUNT(times))
      *times[i] = -1;
    else if (i == COUNT(times))
      h.p.max_inflight = 0;
    else
      h.p.max_packet_size = 1;
    assert_int_equal(tl_session_new(&s, &h.p, &harness_events, &h), TL_ERANGE);
  }
}

static void another_will (void **state) {
  harness *h = *state;
  static uint8_t text[] = "now", long_text[TL_STRING_MAX + 1];
  h->p.will = true;
  h->p.will_topic = TL_LIT("w");
  h->p.will_message = TL_LIT("before");
  h_start(h);
  assert_int_equal(tl_session_set_will(h->s, tl_slice_of(long_text, sizeof long_text)), TL_ERANGE);
  assert_int_equal(tl_session_set_will(h->s, tl_slice_of(text, 3)), TL_OK);
  text[0] = 'x'; /* it has a copy */
  assert_true(tl_slice_eq(h->s->config.p.will_message, TL_LIT("now")));
  assert_true(tl_slice_eq(h->s->config.p.will_topic, TL_LIT("w")));
  assert_int_equal(tl_session_open(h->s, h->now), TL_OK);
  assert_int_equal(tl_session_set_will(h->s, TL_LIT("late")), TL_ESTATE);
}

static void keeps_copies_of_its_parameters (void **state) {
  harness *h = *state;
  char id[] = "mine", filter[] = "a/b";
  h->p.client_id = tl_slice_str(id);
  h->filters[0].filter = tl_slice_str(filter);
  h_start(h);
  memset(id, '!', 4);
  memset(filter, '#', 3);
  h_open(h);
  h_takes(h, CONNACK);
  SENT(h,
       "CONNECT level=4 clean=1 keep_alive=0 client_id=\"mine\"\nSUBSCRIBE id=1 \"a/b\" qos=1\n");
  assert_int_equal(tl_session_set_params(h->s, &h->p), TL_ESTATE); /* not while open */
}

static void traces_every_packet (void **state) {
  harness *h = *state;
  h->p.has_user = h->p.has_password = true;
  h->p.user = TL_LIT("joe");
  h->p.password = TL_LIT("secret");
  h_start(h);
  tl_session_set_trace(h->s, true);
  h_connect(h, false);
  h_publish(h, "t", "x", 0, 1);
  h_message_in(h, "u", "y", 1, false, 9);
  tl_session_release(h->s);
  tl_session_disconnect(h->s);
  same_text(&h->traces,
            "> CONNECT level=4 clean=0 keep_alive=0 client_id=\"spec\" user=\"joe\" password=(not "
            "shown)\n"
            "< CONNACK session_present=0 code=0 (accepted)\n"
            "> SUBSCRIBE id=1 \"#\" qos=1\n"
            "< SUBACK id=1 codes=0x01\n"
            "> PUBLISH qos=0 dup=0 retain=0 topic=\"t\" payload=1 bytes \"x\"\n"
            "< PUBLISH qos=1 dup=0 retain=0 id=9 topic=\"u\" payload=1 bytes \"y\"\n"
            "> PUBACK id=9\n"
            "> DISCONNECT\n",
            "trace", __LINE__);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC_NEW("[MQTT-3.1.0-1] [MQTT-3.1.0-2] CONNECT is first, and once; nothing before CONNACK",
             first_packet),
    SPEC("takes a stream split anywhere", split_at_each_byte),
    SPEC_NEW("takes a stream byte by byte", byte_by_byte),
    SPEC("[MQTT-3.2.2-5] a refusal ends it, each code named", refusals),
    SPEC_NEW_CLEAN("[MQTT-3.2.2-1] session present is wrong where a clean session was asked for",
                   session_present_on_a_clean_session),
    SPEC_NEW(
        "[MQTT-3.2.2-2] [MQTT-3.2.2-3] the broker may have kept a session of an earlier process",
        session_present_of_an_earlier_process),
    SPEC_NEW("[MQTT-3.1.3-7] [MQTT-3.1.3-2] a blank client id forces a clean session and says so",
             blank_client_id),
    SPEC_NEW_CLEAN(
        "[MQTT-3.1.3-9] a blank client id that is refused is told from one that is taken",
        blank_client_id_of_a_clean_session),
    SPEC_NEW_CLEAN("[MQTT-3.8.3-3] without a filter there is no SUBSCRIBE", no_filter),
    SPEC_UP("[MQTT-3.14.4-1] [MQTT-3.14.4-2] nothing follows DISCONNECT", disconnect),
    SPEC_UP(
        "[MQTT-3.14.4-2] not even the acknowledgement of the message whose handler said good-bye",
        disconnect_in_a_callback),
    SPEC_NEW("no DISCONNECT before CONNACK", disconnect_before_connack),
    SPEC_NEW("input when nothing is open, or after a failure", input_when_nothing_is_open),
    SPEC("[MQTT-1.5.3-1] [MQTT-1.5.3-2] [MQTT-3.1.3-4] [MQTT-3.1.3-10] [MQTT-3.1.3-11] "
         "[MQTT-3.1.2-14] [MQTT-3.1.2-22] "
         "[MQTT-3.8.3-1] "
         "[MQTT-3.10.3-1] [MQTT-4.7.1-2] [MQTT-4.7.1-3] parameters are checked",
         parameters_are_checked),
    SPEC_NEW("takes another will while it is closed", another_will),
    SPEC_NEW_CLEAN("keeps copies of its parameters", keeps_copies_of_its_parameters),
    SPEC_NEW("traces every packet, never the password", traces_every_packet),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

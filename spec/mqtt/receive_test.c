/* Receiving: QoS 0, 1 and 2, held acknowledgements, back-pressure. */
#include "mqtt/harness.h"

static void qos_0 (void **state) {
  harness *h = *state;
  h_takes(h, BYTES("\x30\x05\x00\x03"
                   "a/b\x31\x06\x00\x03"
                   "a/bx"));
  EVENTS(h, "message a/b= q0 id0\nmessage a/b=x q0 id0 retain\n");
  SENT(h, "");
}

static void qos_1 (void **state) {
  harness *h = *state;
  h_message_in(h, "t", "x", 1, false, 300);
  EVENTS(h, "message t=x q1 id300\n");
  SENT(h, "PUBACK id=300\n");
  h_message_in(h, "t", "x", 1, true, 300); /* acknowledged: a new message, whatever DUP says */
  EVENTS(h, "message t=x q1 id300 dup\n");
  SENT(h, "PUBACK id=300\n");
}

static void acknowledges_after_the_handler (void **state) {
  harness *h = *state;
  h->verdict = TL_MESSAGE_HELD;
  h_message_in(h, "t", "x", 1, false, 7);
  SENT(h, "");
  h->verdict = TL_MESSAGE_DONE;
  assert_int_equal(tl_session_ack(h->s, 7, h->now), TL_OK);
  SENT(h, "PUBACK id=7\n");
}

static void what_cannot_be_taken_comes_again (void **state) {
  (void)state;
  for (uint8_t qos = 0; qos <= 2; qos++) {
    const uint8_t packet[] = {
      (uint8_t)(0x30 | qos << 1), qos ? 6 : 4, 0, 1, 't', qos ? 0 : 'x', qos ? 9 : 'y', 'x'
    };
    harness h;
    h_up(&h, false);
    h.verdict = TL_ENOMEM;
    h_fails(&h, packet, qos ? 8 : 6, TL_ENOMEM,
            "out of memory for a received message [MQTT-4.8.0-2]");
    SENT(&h, "");
    STORED(&h, qos == 2 ? "i seq0 id9 0\ni gone seq0 id9 0\n" : "");
    h.verdict = TL_MESSAGE_DONE;
    h_reconnect(&h, true);
    if (qos) {
      h_message_in(&h, "t", "x", qos, true, 9);
      EVENTS(&h, qos == 1 ? "message t=x q1 id9 dup\n" : "message t=x q2 id9 dup\n");
      SENT(&h, qos == 1 ? "PUBACK id=9\n" : "PUBREC id=9\n");
    }
    h_fini(&h);
  }
}

static void in_order_of_arrival (void **state) {
  harness *h = *state;
  h_takes(h, BYTES("\x32\x05\x00\x01t\x00\x05\x34\x05\x00\x01t\x00\x06\x32\x05\x00\x01t\x00\x04\x34"
                   "\x05\x00\x01t\x00\x02"));
  SENT(h, "PUBACK id=5\nPUBREC id=6\nPUBACK id=4\nPUBREC id=2\n");
}

static void qos_2 (void **state) {
  harness *h = *state;
  h_message_in(h, "t", "x", 2, false, 9);
  EVENTS(h, "message t=x q2 id9\n");
  SENT(h, "PUBREC id=9\n");
  h_message_in(h, "t", "x", 2, true, 9);
  h_message_in(h, "t", "x", 2, false, 9); /* the identifier counts, not DUP */
  EVENTS(h, "");
  SENT(h, "PUBREC id=9\nPUBREC id=9\n");
  h_ack_in(h, TL_PUBREL, 9);
  SENT(h, "PUBCOMP id=9\n");
  h_ack_in(h, TL_PUBREL, 9); /* repeated, or unknown: PUBCOMP all the same */
  SENT(h, "PUBCOMP id=9\n");
  h_message_in(h, "t", "y", 2, true, 9); /* a new message now */
  EVENTS(h, "message t=y q2 id9 dup\n");
  assert_int_equal(h_stats(h).duplicates, 2);
  assert_int_equal(h_stats(h).received, 4);
  assert_int_equal(h_stats(h).unknown_acks, 1);
}

static void qos_2_across_connections (void **state) {
  harness *h = *state;
  h_message_in(h, "t", "x", 2, false, 9);
  h_message_in(h, "t", "z", 2, false, 10);
  h_reconnect(h, true);
  h_message_in(h, "t", "x", 2, true, 9);
  EVENTS(h, "");
  SENT(h, "PUBREC id=9\n");
  h_ack_in(h, TL_PUBREL, 10); /* the broker had our PUBREC of the old connection */
  SENT(h, "PUBCOMP id=10\n");
  h_reconnect(h, false); /* the broker lost the session: the same number is another message */
  h_message_in(h, "t", "new", 2, false, 9);
  EVENTS(h, "message t=new q2 id9\n");
}

static void qos_2_of_a_clean_session_ends_with_it (void **state) {
  harness *h = *state;
  h_message_in(h, "t", "x", 2, false, 9);
  h_reconnect(h, false);
  h_message_in(h, "t", "x", 2, false, 9);
  EVENTS(h, "message t=x q2 id9\n");
}

static void every_identifier_at_once (void **state) {
  harness *h = *state;
  for (int round = 0; round < 2; round++)
    for (uint32_t id = 1; id < 65536; id++) {
      const uint8_t packet[] = { 0x34, 5, 0, 1, 't', (uint8_t)(id >> 8), (uint8_t)id };
      h_takes(h, packet, sizeof packet);
    }
  assert_int_equal(h_stats(h).duplicates, 65535);
}

static void before_suback_and_unwanted (void **state) {
  harness *h = *state;
  h_start(h);
  h_open(h);
  h_takes(h, BYTES("\x20\x02\x00\x00\x32\x05\x00\x01t\x00\x05"));
  EVENTS(h, "connected 0\nmessage t= q1 id5\n");
  h_forget(h);
  h_message_in(h, "$SYS/x", "", 1, false, 6);
  SENT(h, "PUBACK id=6\n");
}

static void odd_but_legal (void **state) {
  harness *h = *state;
  h_takes(h, BYTES("\x30\x84\x80\x80\x00\x00\x01tx")); /* a length in four bytes */
  /* a control character, U+FEFF kept */
  h_takes(h, BYTES("\x30\x06\x00\x04\x01\xef\xbb\xbf"));
  h_takes(h, BYTES("\x30\x05\x00\x03\xef\xbf\xbf")); /* a non-character */
  h_takes(h, BYTES("\x30\x05\x00\x01t\xff\xfe"));    /* a payload is bytes */
  EVENTS(h, "message t=x q0 id0\nmessage \x01\xef\xbb\xbf= q0 id0\nmessage \xef\xbf\xbf= q0 "
            "id0\nmessage t=\xff\xfe q0 id0\n");
}

static void large_ones (void **state) {
  harness *h = *state;
  h->p.max_packet_size = 100000;
  h_begin(h);
  uint8_t *big = calloc(1, 100001);
  char *topic = malloc(65535);
  assert_true(big && topic);
  memset(topic, 't', 65535);
  tl_build_publish(big, tl_slice_of(topic, 65535), tl_slice_of(NULL, 0), 0, false, 0, NULL);
  h_takes(h, big, tl_publish_size(65535, 0, 0));
  assert_int_equal(h->events.len, strlen("message = q0 id0\n") + 65535);
  size_t payload = 100000 - 4 - 3; /* a packet of exactly the limit */
  memset(topic, 'p', 65535);
  uint8_t *content = calloc(1, payload + 1);
  assert_non_null(content);
  assert_int_equal(tl_publish_size(1, payload, 0), 100000);
  tl_build_publish(big, TL_LIT("t"), tl_slice_of(content, payload), 0, false, 0, NULL);
  assert_int_equal(h_feed(h, big, 5), 0);
  assert_int_equal(tl_session_needs(h->s), 100000);
  h_takes(h, big, 100000);
  assert_int_equal(tl_session_needs(h->s), 0);
  tl_build_publish(big, TL_LIT("t"), tl_slice_of(content, payload + 1), 0, false, 0, NULL);
  /* from its length alone */
  assert_int_equal(h_feed(h, big, 4), 0);
  tl_buf_clear(&h->events);
  h_takes(h, big, 100001);
  EVENTS(h, "too long t q0 id0 100001\n");
  big[0] = 0x62; /* any other packet ends the connection, from its length alone */
  h_fails(h, big, 4, TL_ETOOBIG, "PUBREL of 100001 bytes, max_packet_size is 100000");
  free(big);
  free(topic);
  free(content);
}

static void stop (void **state) {
  harness *h = *state;
  h->verdict = TL_MESSAGE_STOP;
  static const uint8_t three[] = "\x32\x05\x00\x01t\x00\x05\x30\x03\x00\x01t\x30\x03";
  assert_int_equal(h_feed(h, three, 14), 7);
  SENT(h, "PUBACK id=5\n"); /* taken as done */
  assert_int_equal(h_feed(h, three + 7, 7), 5);
  assert_int_equal(h_feed(h, three + 12, 2), 0);
  EVENTS(h, "message t= q1 id5\nmessage t= q0 id0\n");
}

/* --- held --- */

static void held_holds_those_behind_it (void **state) {
  harness *h = *state;
  h->verdict = TL_MESSAGE_HELD;
  h_message_in(h, "t", "a", 1, false, 1);
  h_message_in(h, "t", "b", 2, false, 2);
  h->verdict = TL_MESSAGE_DONE;
  h_message_in(h, "t", "c", 1, false, 3);
  h_message_in(h, "t", "d", 0, false, 0);
  h_message_in(h, "t", "e", 2, false, 4);
  SENT(h, "");
  assert_int_equal(tl_session_ack(h->s, 2, h->now), TL_ERANGE); /* not the oldest */
  assert_int_equal(tl_session_ack(h->s, 0, h->now), TL_ERANGE);
  SENT(h, "");
  assert_int_equal(tl_session_ack(h->s, 1, h->now), TL_OK);
  SENT(h, "PUBACK id=1\n");
  assert_int_equal(tl_session_ack(h->s, 2, h->now), TL_OK);
  SENT(h, "PUBREC id=2\nPUBACK id=3\nPUBREC id=4\n");
  assert_int_equal(tl_session_ack(h->s, 3, h->now), TL_ENOENT);
  h_message_in(h, "t", "f", 1, false, 5);
  SENT(h, "PUBACK id=5\n");
}

static void held_qos_0_counts_too (void **state) {
  harness *h = *state;
  h->verdict = TL_MESSAGE_HELD;
  for (int i = 0; i < 40; i++) h_message_in(h, "t", "", 0, false, 0);
  h_message_in(h, "t", "", 1, false, 8);
  assert_int_equal(h_stats(h).held, 41);
  for (int i = 0; i < 40; i++) {
    assert_int_equal(tl_session_ack(h->s, 8, h->now), TL_ERANGE);
    assert_int_equal(tl_session_ack(h->s, 0, h->now), TL_OK);
    SENT(h, "");
  }
  assert_int_equal(tl_session_ack(h->s, 8, h->now), TL_OK);
  SENT(h, "PUBACK id=8\n");
}

static void pubrel_does_not_wait (void **state) {
  harness *h = *state;
  h_message_in(h, "t", "a", 2, false, 1);
  h->verdict = TL_MESSAGE_HELD;
  h_message_in(h, "t", "b", 1, false, 2);
  h_forget(h);
  h_ack_in(h, TL_PUBREL, 1);
  SENT(h, "PUBCOMP id=1\n");
}

static void a_pubrel_before_the_held_pubrec_ends_it (void **state) {
  harness *h = *state;
  h->verdict = TL_MESSAGE_HELD;
  h_message_in(h, "t", "a", 2, false, 1);
  h_ack_in(h, TL_PUBREL, 1);
  SENT(h, "PUBCOMP id=1\n");
  tl_buf_clear(&h->store);
  assert_int_equal(tl_session_ack(h->s, 1, h->now), TL_OK);
  SENT(h, ""); /* a PUBREC now would begin another exchange */
  STORED(h, "");
}

/* --- acknowledgements that wait until their values are out --- */

static void nothing_but_acknowledgements_waits_to_be_released (void **state) {
  harness *h = *state;
  h_takes(h, BYTES("\x32\x05\x00\x01t\x00\x05\x34\x05\x00\x01t\x00\x06"));
  h_publish(h, "out", "x", 0, 1);
  assert_int_equal(tl_session_output(h->s).len, 8); /* the PUBLISH alone */
  assert_int_equal(tl_session_unsent(h->s), 16);
  tl_session_sent(h->s, 8, h->now);
  assert_int_equal(tl_session_output(h->s).len, 0);
  tl_session_release(h->s);
  SENT(h, "PUBACK id=5\nPUBREC id=6\n");
  h_takes(h, BYTES("\x62\x02\x00\x06"));
  h_publish(h, "out", "y", 0, 2);
  SENT(h, "PUBLISH qos=0 dup=0 retain=0 topic=\"out\" payload=1 bytes \"y\"\nPUBCOMP id=6\n");
  assert_int_equal(tl_session_unsent(h->s), 0);
}

static void a_goodbye_leaves_what_is_not_released_behind (void **state) {
  harness *h = *state;
  h_takes(h, BYTES("\x32\x05\x00\x01t\x00\x05"));
  tl_session_disconnect(h->s);
  SENT(h, "DISCONNECT\n"); /* [MQTT-3.14.4-2] */
}

static void a_break_forgets_what_was_not_released (void **state) {
  harness *h = *state;
  h_takes(h, BYTES("\x32\x05\x00\x01t\x00\x05"));
  h_cut(h);
  h_connect(h, true);
  h_forget(h);
  SENT(h, "");
}

/* --- messages beyond max_packet_size --- */

enum { LIMIT = 1000, LONG = 5000 };

static size_t long_message (uint8_t *at, const char *topic, uint8_t qos, uint16_t id) {
  static uint8_t payload[LONG];
  size_t id_at = 0;
  tl_build_publish(at, tl_slice_str(topic), tl_slice_of(payload, LONG), qos, false, id, &id_at);
  return tl_publish_size(strlen(topic), LONG, qos);
}

static int small_limit (void **state) {
  h_setup_new(state);
  ((harness *)*state)->p.max_packet_size = LIMIT;
  h_begin(*state);
  return 0;
}

#define SPEC_SMALL(name, function) \
  { name, function, small_limit, h_teardown, NULL }

static void read_over_however_it_comes (void **state) {
  uint8_t bytes[LONG + 100], *at = bytes;
  harness *h = *state;
  at += long_message(at, "a/b", 1, 7);
  memcpy(at, "\x32\x05\x00\x01t\x00\x08", 7);
  size_t n = (size_t)(at - bytes) + 7, steps[] = { n, 1, 3, 1000, LONG + 5 };
  for (int i = 0; i < 5; i++) {
    size_t from = 0; /* of what the owner keeps: all that was not consumed */
    for (size_t to = 0; to < n;) {
      to = to + steps[i] < n ? to + steps[i] : n;
      assert_true(h_feed(h, bytes + from, to - from) >= 0);
      assert_true(tl_session_needs(h->s) < 20); /* the topic, never the message */
      from += (size_t)h->rc;
    }
    assert_int_equal(from, n);
    EVENTS(h, "too long a/b q1 id7 5010\nmessage t= q1 id8\n");
    SENT(h, "PUBACK id=7\nPUBACK id=8\n");
  }
  assert_int_equal(h_stats(h).too_long, 5);
  assert_int_equal(h_stats(h).received, 10);
}

static void read_over_at_each_qos (void **state) {
  uint8_t bytes[LONG + 100];
  harness *h = *state;
  h_takes(h, bytes, long_message(bytes, "t", 0, 0));
  SENT(h, "");
  for (int dup = 0; dup < 2; dup++) {
    h_takes(h, bytes, long_message(bytes, "t", 2, 9));
    SENT(h, "PUBREC id=9\n");
  }
  assert_int_equal(h_stats(h).duplicates, 1);
  h_ack_in(h, TL_PUBREL, 9);
  SENT(h, "PUBCOMP id=9\n");
  STORED(h, "i seq0 id9 0\ni gone seq0 id9 0\n");
}

static void read_over_behind_one_that_is_held (void **state) {
  uint8_t bytes[LONG + 100];
  harness *h = *state;
  h->verdict = TL_MESSAGE_HELD;
  h_message_in(h, "t", "a", 1, false, 1);
  h_takes(h, bytes, long_message(bytes, "t", 1, 2));
  SENT(h, "");
  assert_int_equal(tl_session_ack(h->s, 1, h->now), TL_OK);
  SENT(h, "PUBACK id=1\nPUBACK id=2\n");
}

static void a_break_within_leaves_nothing (void **state) {
  uint8_t bytes[LONG + 100];
  harness *h = *state;
  long_message(bytes, "t", 1, 2);
  h_takes(h, bytes, 2000);
  h_reconnect(h, true);
  h_forget(h);
  h_message_in(h, "t", "a", 1, false, 3);
  SENT(h, "PUBACK id=3\n");
}

static void one_that_never_ends_ends_the_connection (void **state) {
  uint8_t bytes[LONG + 100];
  harness *h = *state;
  long_message(bytes, "t", 1, 2);
  h_takes(h, bytes, 2000);
  h->now += 10000;
  h_takes(h, bytes + 2000, 100);
  h->now += 10000; /* Reply Timeout, from its first byte */
  assert_int_equal(tl_session_tick(h->s, h->now), TL_ETIMEOUT);
}

static void held_across_connections (void **state) {
  harness *h = *state;
  h->verdict = TL_MESSAGE_HELD;
  h_message_in(h, "t", "a", 1, false, 1);
  h_message_in(h, "t", "b", 2, false, 2);
  h->verdict = TL_MESSAGE_DONE;
  h_message_in(h, "t", "c", 1, false, 3); /* ready, but behind */
  h_reconnect(h, true);
  h_message_in(h, "t", "b", 2, true, 2); /* not delivered again, and still not confirmed */
  SENT(h, "");
  EVENTS(h, "");
  /* the old connection's: nothing to say on this one, and who confirms it hears so */
  assert_int_equal(tl_session_ack(h->s, 1, h->now), TL_ELOST);
  SENT(h, "");
  assert_int_equal(tl_session_ack(h->s, 2, h->now), TL_OK); /* now its repeat may be answered */
  SENT(h, "PUBREC id=2\n");
  assert_int_equal(tl_session_ack(h->s, 3, h->now), TL_ENOENT);
}

static void confirmed_between_connections (void **state) {
  harness *h = *state;
  h->verdict = TL_MESSAGE_HELD;
  h_message_in(h, "t", "b", 2, false, 2);
  h_cut(h);
  assert_int_equal(tl_session_ack(h->s, 2, h->now), TL_OK);
  h->verdict = TL_MESSAGE_DONE;
  h_connect(h, true);
  h_forget(h);
  h_message_in(h, "t", "b", 2, true, 2);
  EVENTS(h, "");
  SENT(h, "PUBREC id=2\n");
}

static void held_and_the_session_lost (void **state) {
  harness *h = *state;
  h->verdict = TL_MESSAGE_HELD;
  h_message_in(h, "t", "b", 2, false, 2);
  h_reconnect(h, false);
  h->verdict = TL_MESSAGE_DONE;
  h_message_in(h, "t", "new", 2, false, 2); /* another message with the number */
  EVENTS(h, "message t=new q2 id2\n");
  SENT(h, "");
  assert_int_equal(tl_session_ack(h->s, 2, h->now), TL_ELOST);
  SENT(h, "PUBREC id=2\n"); /* of the new one, which waited behind */
}

static void held_twice_and_the_session_lost (void **state) {
  harness *h = *state;
  h->verdict = TL_MESSAGE_HELD;
  h_message_in(h, "t", "old", 2, false, 2);
  h_reconnect(h, false);
  h_message_in(h, "t", "new", 2, false, 2);
  h_forget(h);
  /* the old one, which the broker knows nothing of */
  assert_int_equal(tl_session_ack(h->s, 2, h->now), TL_ELOST);
  SENT(h, "");
  STORED(h, ""); /* the new one is not confirmed: another process must get it again */
  assert_int_equal(tl_session_ack(h->s, 2, h->now), TL_OK);
  SENT(h, "PUBREC id=2\n");
  STORED(h, "i seq0 id2 0\n");
}

static void store_of_received (void **state) {
  harness *h = *state;
  h_message_in(h, "t", "a", 2, false, 5);
  STORED(h, "i seq0 id5 0\n");
  h_message_in(h, "t", "a", 2, true, 5);
  STORED(h, "");
  h_ack_in(h, TL_PUBREL, 5);
  STORED(h, "i gone seq0 id5 0\n");
  h->verdict = TL_MESSAGE_HELD;
  /* not confirmed by the application: another process must get it again */
  h_message_in(h, "t", "b", 2, false, 6);
  STORED(h, "i seq0 id6 0\ni gone seq0 id6 0\n");
  tl_session_ack(h->s, 6, h->now);
  STORED(h, "i seq0 id6 0\n");
  h_cut(h);
  h_connect(h, false);
  assert_non_null(memmem(h->store.at, h->store.len, "i gone seq0 id6 0\n", 18));
}

static void the_store_hears_nothing_of_a_clean_session (void **state) {
  harness *h = *state;
  h_message_in(h, "t", "a", 2, false, 5);
  STORED(h, "");
}

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC_UP("nothing but acknowledgements waits to be released",
            nothing_but_acknowledgements_waits_to_be_released),
    SPEC_UP("[MQTT-3.14.4-2] a goodbye leaves what is not released behind",
            a_goodbye_leaves_what_is_not_released_behind),
    SPEC_UP("a break forgets what was not released", a_break_forgets_what_was_not_released),
    SPEC_SMALL("a longer message is read over, however it comes", read_over_however_it_comes),
    SPEC_SMALL("a longer message of each QoS", read_over_at_each_qos),
    SPEC_SMALL("a longer message keeps its place behind one that is held",
               read_over_behind_one_that_is_held),
    SPEC_SMALL("a break within a longer message leaves nothing", a_break_within_leaves_nothing),
    SPEC_SMALL("a longer message that never ends", one_that_never_ends_ends_the_connection),
    SPEC_UP("QoS 0: delivered, never answered", qos_0),
    SPEC_UP("[MQTT-2.3.1-6] [MQTT-4.3.2-2] QoS 1: PUBACK; the same identifier afterwards is a new "
            "message",
            qos_1),
    SPEC_UP("[MQTT-3.3.4-1] acknowledges after the handler, not before",
            acknowledges_after_the_handler),
    SPEC("[MQTT-4.8.0-2] a message that cannot be taken ends the connection and comes again",
         what_cannot_be_taken_comes_again),
    SPEC_UP("[MQTT-4.6.0-2] [MQTT-4.6.0-3] acknowledges in order of arrival", in_order_of_arrival),
    SPEC_UP("[MQTT-4.3.3-2] [MQTT-3.3.1-3] QoS 2: repeats are PUBREC'ed and not delivered; unknown "
            "PUBREL gets PUBCOMP",
            qos_2),
    SPEC_UP("[MQTT-4.1.0-1] [MQTT-4.1.0-2] [MQTT-3.1.2-4] QoS 2 identifiers outlive the "
            "connection, not the session",
            qos_2_across_connections),
    SPEC_UP_CLEAN("[MQTT-3.1.2-6] QoS 2 identifiers of a clean session end with it",
                  qos_2_of_a_clean_session_ends_with_it),
    SPEC_UP("all 65535 identifiers at once", every_identifier_at_once),
    SPEC_NEW("[MQTT-3.3.4-1] [MQTT-4.5.0-2] before SUBACK, and what nobody asked for",
             before_suback_and_unwanted),
    SPEC_UP("[MQTT-1.5.3-3] odd but legal", odd_but_legal),
    SPEC_NEW("large topics, packets of the limit and one byte more", large_ones),
    SPEC_UP("stops where it is told", stop),
    SPEC_UP("[MQTT-4.6.0-2] [MQTT-4.6.0-3] a held message holds the acknowledgements behind it",
            held_holds_those_behind_it),
    SPEC_UP("a held QoS 0 message is acknowledged with 0", held_qos_0_counts_too),
    SPEC_UP("PUBCOMP does not wait for held messages", pubrel_does_not_wait),
    SPEC_UP("a PUBREL that does not wait for a held PUBREC ends the exchange",
            a_pubrel_before_the_held_pubrec_ends_it),
    SPEC_UP("[MQTT-4.3.3-2] held messages stay held across connections", held_across_connections),
    SPEC_UP("confirmed between two connections", confirmed_between_connections),
    SPEC_UP("held while the broker lost the session", held_and_the_session_lost),
    SPEC_UP("held, and held again under the same identifier after the broker lost the session",
            held_twice_and_the_session_lost),
    SPEC_UP("what the store hears of received messages", store_of_received),
    SPEC_UP_CLEAN("the store hears nothing of a clean session",
                  the_store_hears_nothing_of_a_clean_session),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Sessions that outlive connections: resumed, lost, changed, restored from a store. */
#include "mqtt/harness.h"

#define PUB(q, dup, id, topic) "PUBLISH qos=" #q " dup=" #dup " retain=0 id=" #id " topic=\"" topic "\" payload=0 bytes \"\"\n"

#define REPEATS PUB(1, 1, 2, "a") "PUBREL id=3\n" PUB(2, 1, 4, "c") PUB(1, 1, 5, "d")

/* a: QoS 1 id 2; b: QoS 2 id 3, has its PUBREC; c: QoS 2 id 4; d: QoS 1 id 5; connection broken */
static void broken (harness *h) {
  h_up(h, false);
  h_publish(h, "a", "", 1, 1);
  h_publish(h, "b", "", 2, 2);
  h_publish(h, "c", "", 2, 3);
  h_publish(h, "d", "", 1, 4);
  h_ack_in(h, TL_PUBREC, 3);
  h_flush(h);
  h_cut(h);
  EVENTS(h, "");
  h_forget(h);
}

static void open_with (harness *h, bool present) {
  h_open(h);
  h_forget(h);
  h_takes(h, present ? (const uint8_t *)"\x20\x02\x01\x00" : (const uint8_t *)"\x20\x02\x00\x00", 4);
}

static void resumed (void **state) {
  (void)state;
  harness h;
  broken(&h);
  for (int round = 0; round < 2; round++) { /* and again, when that connection breaks too */
    open_with(&h, true);
    if (round == 0) SENT(&h, "SUBSCRIBE id=6 \"#\" qos=1\n" REPEATS);
    else SENT(&h, "SUBSCRIBE id=7 \"#\" qos=1\n" REPEATS);
    EVENTS(&h, "connected 1\n");
    if (round == 0) h_cut(&h);
  }
  h_takes(&h, BYTES("\x40\x02\x00\x02\x70\x02\x00\x03\x50\x02\x00\x04\x40\x02\x00\x05\x70\x02\x00\x04"));
  EVENTS(&h, "published 1 done\npublished 2 done\npublished 4 done\npublished 3 done\n");
  SENT(&h, "PUBREL id=4\n");
  h_fini(&h);
}

static void pubrels_keep_the_order_of_pubrecs (void **state) {
  (void)state;
  harness h;
  h_up(&h, false);
  for (int i = 1; i <= 3; i++) h_publish(&h, "t", "", 2, i);
  h_takes(&h, BYTES("\x50\x02\x00\x04\x50\x02\x00\x02"));
  h_cut(&h);
  open_with(&h, true);
  SENT(&h, "SUBSCRIBE id=5 \"#\" qos=1\nPUBREL id=4\n" PUB(2, 1, 3, "t") "PUBREL id=2\n");
  h_fini(&h);
}

static void lost (void **state) {
  (void)state;
  harness h;
  broken(&h);
  open_with(&h, false);
  SENT(&h, "SUBSCRIBE id=6 \"#\" qos=1\n" PUB(1, 0, 7, "a") PUB(2, 0, 8, "c") PUB(1, 0, 9, "d"));
  EVENTS(&h, "connected 0\npublished 2 session\n");
  assert_true(h_noticed(&h, "2 the broker lost the session"));
  h_takes(&h, BYTES("\x40\x02\x00\x07\x50\x02\x00\x08\x70\x02\x00\x08"));
  EVENTS(&h, "published 1 done\npublished 3 done\n");
  h_cut(&h);
  open_with(&h, true); /* and the new session is a session like any other */
  SENT(&h, "SUBSCRIBE id=10 \"#\" qos=1\n" PUB(1, 1, 9, "d"));
  h_fini(&h);
}

static bool says_lost (const harness *h) {
  tl_session_stats stats;
  tl_session_get_stats(h->s, &stats);
  return stats.lost;
}

static void first_connection_is_no_loss (void **state) {
  (void)state;
  harness h;
  h_init(&h, false);
  h_start(&h);
  h_connect(&h, false);
  assert_false(h_noticed(&h, "lost"));
  assert_false(says_lost(&h));
  h_cut(&h);
  h_connect(&h, false);
  assert_true(h_noticed(&h, "the broker lost the session"));
  assert_true(says_lost(&h));
  h_cut(&h);
  h_connect(&h, true);
  assert_false(says_lost(&h));
  h_fini(&h);
}

static void accepted_writes_wait_for_the_session (void **state) {
  (void)state;
  harness h;
  h_init(&h, false);
  h.p.max_inflight = 1;
  h_start(&h);
  h_connect(&h, false);
  h_publish(&h, "a", "", 1, 1);
  h_publish(&h, "b", "", 2, 2);
  h_publish(&h, "c", "", 0, 3);
  h_forget(&h);
  h_cut(&h);
  EVENTS(&h, "published 3 lost\n"); /* QoS 0 does not outlive a connection unless it may queue */
  assert_int_equal(h_publish(&h, "d", "", 1, 4), TL_ESTATE);
  open_with(&h, true);
  h_ack_in(&h, TL_PUBACK, 2);
  SENT(&h, "SUBSCRIBE id=3 \"#\" qos=1\n" PUB(1, 1, 2, "a") PUB(2, 0, 4, "b"));
  h_fini(&h);
}

static void new_writes_do_not_overtake_repeats (void **state) {
  (void)state;
  harness h;
  broken(&h);
  h.p.queue_offline = true;
  assert_int_equal(tl_session_set_params(h.s, &h.p), TL_OK);
  assert_int_equal(h_publish(&h, "e", "", 1, 5), TL_OK);
  open_with(&h, true);
  h_publish(&h, "f", "", 1, 6);
  SENT(&h, "SUBSCRIBE id=6 \"#\" qos=1\n" REPEATS PUB(1, 0, 7, "e") PUB(1, 0, 8, "f"));
  h_fini(&h);
}

/* --- parameters that make it another session --- */

static void to_a_clean_session (void **state) {
  (void)state;
  harness h;
  broken(&h);
  h.p.clean_session = true;
  assert_int_equal(tl_session_set_params(h.s, &h.p), TL_OK);
  EVENTS(&h, "published 1 lost\npublished 2 lost\npublished 3 lost\npublished 4 lost\n");
  assert_non_null(memmem(h.store.at, h.store.len, "o gone seq1 ", 12));
  assert_non_null(memmem(h.store.at, h.store.len, "f gone ", 7));
  h.p.clean_session = false; /* and back: nothing of the old one is left */
  assert_int_equal(tl_session_set_params(h.s, &h.p), TL_OK);
  open_with(&h, true);
  EVENTS(&h, "connected 1\n");
  tl_slice out = tl_session_output(h.s);
  assert_int_equal(out.len, 8); /* SUBSCRIBE alone */
  h_fini(&h);
}

static void to_another_client_id (void **state) {
  (void)state;
  for (int present = 0; present < 2; present++) { /* if the broker has a session of that name, it is not the one we know */
    harness h;
    char want[400];
    broken(&h);
    h.p.client_id = TL_LIT("other");
    assert_int_equal(tl_session_set_params(h.s, &h.p), TL_OK);
    EVENTS(&h, "");
    open_with(&h, present);
    int id = h.s->suback_id;
    assert_true(id > 5 && (id == 6) == !present); /* far from what an unknown session may remember */
    snprintf(want, sizeof want, "SUBSCRIBE id=%d \"#\" qos=1\n"
             "PUBLISH qos=1 dup=0 retain=0 id=%d topic=\"a\" payload=0 bytes \"\"\n"
             "PUBLISH qos=2 dup=0 retain=0 id=%d topic=\"c\" payload=0 bytes \"\"\n"
             "PUBLISH qos=1 dup=0 retain=0 id=%d topic=\"d\" payload=0 bytes \"\"\n", id, id + 1, id + 2, id + 3);
    SENT(&h, want);
    EVENTS(&h, present ? "connected 1\npublished 2 session\n" : "connected 0\npublished 2 session\n");
    h_fini(&h);
  }
}

static void received_identifiers_belong_to_the_client_id (void **state) {
  (void)state;
  harness h;
  h_up(&h, false);
  h_message_in(&h, "t", "", 2, false, 5);
  h_cut(&h);
  h.p.client_id = TL_LIT("other");
  assert_int_equal(tl_session_set_params(h.s, &h.p), TL_OK);
  h_connect(&h, true);
  h_forget(&h);
  h_message_in(&h, "t", "", 2, false, 5);
  EVENTS(&h, "message t= q2 id5\n");
  h_fini(&h);
}

static void other_parameters_keep_the_state (void **state) {
  (void)state;
  harness h;
  broken(&h);
  h.p.keep_alive = 60;
  h.p.has_user = true;
  h.p.user = TL_LIT("joe");
  h.p.max_inflight = 1; /* fewer than are in flight: those stay, new ones wait */
  assert_int_equal(tl_session_set_params(h.s, &h.p), TL_OK);
  open_with(&h, true);
  SENT(&h, "SUBSCRIBE id=6 \"#\" qos=1\n" REPEATS);
  h_publish(&h, "e", "", 1, 5);
  h_takes(&h, BYTES("\x40\x02\x00\x02\x40\x02\x00\x05\x70\x02\x00\x03"));
  SENT(&h, "");
  h_takes(&h, BYTES("\x50\x02\x00\x04\x70\x02\x00\x04"));
  SENT(&h, "PUBREL id=4\n" PUB(1, 0, 7, "e"));
  h_fini(&h);
}

/* --- the store --- */

static void store_of_outgoing (void **state) {
  (void)state;
  harness h;
  h_init(&h, false);
  h.p.max_inflight = 1;
  h_start(&h);
  h_open(&h);
  h_takes(&h, BYTES("\x20\x02\x00\x00"));
  STORED(&h, "f seq0 id0 1\n");
  h_publish(&h, "a", "", 2, 1);
  h_publish(&h, "b", "", 1, 2);
  h_publish(&h, "c", "", 0, 3); /* never */
  STORED(&h, "o seq1 id2 7\no seq2 id0 7\n");
  h_ack_in(&h, TL_PUBREC, 2);
  STORED(&h, "o seq1 id2 0\n");
  h_ack_in(&h, TL_PUBCOMP, 2);
  STORED(&h, "o gone seq1 id2 0\no seq2 id3 7\n");
  h_ack_in(&h, TL_PUBACK, 3);
  STORED(&h, "o gone seq2 id3 0\n");
  h_fini(&h);
}

static void restored (void **state) {
  (void)state;
  harness h;
  h_init(&h, false);
  h_start(&h);
  const tl_slice none = { NULL, 0 };
  /* Stored with DUP: harmless. */
  assert_int_equal(tl_session_restore(h.s, 'o', 5, 7, TL_LIT("\x3a\x06\x00\x01" "a\x00\x07x")), TL_OK);
  assert_int_equal(tl_session_restore(h.s, 'o', 6, 9, none), TL_OK);
  assert_int_equal(tl_session_restore(h.s, 'o', 8, 0, TL_LIT("\x34\x05\x00\x01" "c\x00\x00")), TL_OK);
  assert_int_equal(tl_session_restore(h.s, 'i', 0, 300, none), TL_OK);
  assert_int_equal(tl_session_restore(h.s, 'f', 0, 0, TL_LIT("old/#")), TL_OK);
  assert_int_equal(tl_session_restore(h.s, 'f', 0, 0, TL_LIT("#")), TL_OK);
  h_open(&h);
  h_forget(&h);
  h_takes(&h, BYTES("\x20\x02\x01\x00"));
  SENT(&h, "UNSUBSCRIBE id=1 \"old/#\"\nSUBSCRIBE id=2 \"#\" qos=1\n"
           "PUBLISH qos=1 dup=1 retain=0 id=7 topic=\"a\" payload=1 bytes \"x\"\nPUBREL id=9\n" PUB(2, 0, 3, "c"));
  STORED(&h, "o seq8 id3 7\n");
  h_message_in(&h, "t", "", 2, true, 300);
  SENT(&h, "PUBREC id=300\n");
  h_takes(&h, BYTES("\x40\x02\x00\x07\x70\x02\x00\x09"));
  EVENTS(&h, "connected 1\n"); /* nobody waits for the fate of restored messages */
  STORED(&h, "o gone seq5 id7 0\no gone seq6 id9 0\n");
  h_publish(&h, "d", "", 1, 1);
  STORED(&h, "o seq9 id4 7\n");
  h_fini(&h);
}

static void restored_and_lost (void **state) {
  (void)state;
  harness h;
  h_init(&h, false);
  h_start(&h);
  const tl_slice none = { NULL, 0 };
  assert_int_equal(tl_session_restore(h.s, 'o', 1, 1, TL_LIT("\x32\x05\x00\x01" "a\x00\x01")), TL_OK);
  assert_int_equal(tl_session_restore(h.s, 'o', 2, 2, none), TL_OK);
  h_open(&h);
  h_forget(&h);
  h_takes(&h, BYTES("\x20\x02\x00\x00"));
  SENT(&h, "SUBSCRIBE id=3 \"#\" qos=1\n" PUB(1, 0, 4, "a"));
  EVENTS(&h, "connected 0\n");
  STORED(&h, "f seq0 id0 1\no seq1 id4 7\no gone seq2 id2 0\n");
  assert_true(h_noticed(&h, "the broker lost the session"));
  h_fini(&h);
}

static void restore_refuses (void **state) {
  (void)state;
  harness h;
  const tl_slice none = { NULL, 0 };
  static const char *const bad[] = { "\x32\x05\x00\x01" "a\x00", "\x30\x03\x00\x01" "a", "\x32\x05\x00\x01" "+\x00\x01",
                                     "\x32\x05\x00\x09" "a\x00\x01", "\x40\x02\x00\x01", "\x36\x05\x00\x01" "a\x00\x01", "\x32",
                                     "\x32\x01x" };
  static const size_t len[] = { 6, 5, 7, 7, 4, 7, 1, 3 };
  h_init(&h, false);
  h_start(&h);
  for (int i = 0; i < 8; i++)
    assert_int_equal(tl_session_restore(h.s, 'o', 1, 5, tl_slice_of(bad[i], len[i])), TL_EMALFORMED);
  assert_int_equal(tl_session_restore(h.s, 'o', 1, 0, none), TL_EMALFORMED);
  assert_int_equal(tl_session_restore(h.s, 'o', 1, 4, none), TL_OK);
  assert_int_equal(tl_session_restore(h.s, 'o', 2, 4, none), TL_EEXIST);
  assert_int_equal(tl_session_restore(h.s, 'o', 2, 4, TL_LIT("\x32\x05\x00\x01" "a\x00\x04")), TL_EEXIST);
  assert_int_equal(tl_session_restore(h.s, 'i', 0, 0, none), TL_EMALFORMED);
  assert_int_equal(tl_session_restore(h.s, 'f', 0, 0, TL_LIT("a/#/b")), TL_EMALFORMED);
  assert_int_equal(tl_session_restore(h.s, 'f', 0, 0, TL_LIT("a")), TL_OK);
  assert_int_equal(tl_session_restore(h.s, 'f', 0, 0, TL_LIT("a")), TL_EEXIST);
  assert_int_equal(tl_session_restore(h.s, 'x', 0, 0, none), TL_EMALFORMED);
  h_open(&h);
  assert_int_equal(tl_session_restore(h.s, 'i', 0, 1, none), TL_ESTATE);
  h_fini(&h);
  h_init(&h, true);
  h_start(&h);
  assert_int_equal(tl_session_restore(h.s, 'i', 0, 1, none), TL_ESTATE);
  h_fini(&h);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC("[MQTT-4.4.0-1] [MQTT-4.6.0-1] [MQTT-3.3.1-1] [MQTT-2.3.1-3] [MQTT-4.3.3-1] [MQTT-3.1.2-4] resumed: all that is "
         "unacknowledged, "
         "in order, with DUP", resumed),
    SPEC("[MQTT-4.6.0-4] resumed: PUBRELs keep the order of their PUBRECs", pubrels_keep_the_order_of_pubrecs),
    SPEC("[MQTT-4.1.0-1] lost: published anew, but for those past PUBREC", lost),
    SPEC("the first connection is no lost session, the second is", first_connection_is_no_loss),
    SPEC("[MQTT-4.1.0-2] accepted writes wait for the session", accepted_writes_wait_for_the_session),
    SPEC("[MQTT-4.6.0-1] new writes do not overtake repeats", new_writes_do_not_overtake_repeats),
    SPEC("[MQTT-3.1.2-6] changed to a clean session: the old state is lost, and never comes back", to_a_clean_session),
    SPEC("[MQTT-3.1.3-2] changed to another client id: as after a lost session", to_another_client_id),
    SPEC("[MQTT-3.1.3-2] received identifiers belong to the client id", received_identifiers_belong_to_the_client_id),
    SPEC("other parameters keep the state", other_parameters_keep_the_state),
    SPEC("what the store hears of outgoing messages", store_of_outgoing),
    SPEC("restored from a store", restored),
    SPEC("restored, and the broker lost the session", restored_and_lost),
    SPEC("what cannot be restored", restore_refuses),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

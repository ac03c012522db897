/* Sessions that outlive connections: resumed, lost, changed, restored from a store. */
#include "mqtt/harness.h"

#define REPEATS PUB(1, 1, 2, "a") "PUBREL id=3\n" PUB(2, 1, 4, "c") PUB(1, 1, 5, "d")

/* a: QoS 1 id 2; b: QoS 2 id 3, has its PUBREC; c: QoS 2 id 4; d: QoS 1 id 5; connection broken */
static void broken (harness *h) {
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

static void resumed (void **state) {
  harness *h = *state;
  broken(h);
  for (int round = 0; round < 2; round++) { /* and again, when that connection breaks too */
    h_accept(h, true);
    if (round == 0)
      SENT(h, "SUBSCRIBE id=6 \"#\" qos=1\n" REPEATS);
    else
      SENT(h, "SUBSCRIBE id=7 \"#\" qos=1\n" REPEATS);
    EVENTS(h, "connected 1\n");
    if (round == 0) h_cut(h);
  }
  h_takes(
      h, BYTES("\x40\x02\x00\x02\x70\x02\x00\x03\x50\x02\x00\x04\x40\x02\x00\x05\x70\x02\x00\x04"));
  EVENTS(h, "published 1 done\npublished 2 done\npublished 4 done\npublished 3 done\n");
  SENT(h, "PUBREL id=4\n");
}

static void pubrels_keep_the_order_of_pubrecs (void **state) {
  harness *h = *state;
  for (int i = 1; i <= 3; i++) h_publish(h, "t", "", 2, i);
  h_takes(h, BYTES("\x50\x02\x00\x04\x50\x02\x00\x02"));
  h_cut(h);
  h_accept(h, true);
  SENT(h, "SUBSCRIBE id=5 \"#\" qos=1\nPUBREL id=4\n" PUB(2, 1, 3, "t") "PUBREL id=2\n");
}

static void a_repeated_pubrec_is_one_pubrel_later (void **state) {
  harness *h = *state;
  for (int i = 1; i <= 2; i++) h_publish(h, "t", "", 2, i);
  h_takes(h, BYTES("\x50\x02\x00\x03\x50\x02\x00\x02\x50\x02\x00\x03"));
  h_forget(h);
  h_cut(h);
  h_accept(h, true);
  SENT(h, "SUBSCRIBE id=4 \"#\" qos=1\nPUBREL id=3\nPUBREL id=2\n");
  h_takes(h, BYTES("\x70\x02\x00\x03\x70\x02\x00\x02"));
  EVENTS(h, "connected 1\npublished 2 done\npublished 1 done\n");
}

static void lost (void **state) {
  harness *h = *state;
  broken(h);
  h_accept(h, false);
  SENT(h, "SUBSCRIBE id=6 \"#\" qos=1\n" PUB(1, 0, 7, "a") PUB(2, 0, 8, "c") PUB(1, 0, 9, "d"));
  EVENTS(h, "connected 0\npublished 2 session\n");
  assert_true(h_noticed(h, "2 the broker lost the session"));
  h_takes(h, BYTES("\x40\x02\x00\x07\x50\x02\x00\x08\x70\x02\x00\x08"));
  EVENTS(h, "published 1 done\npublished 3 done\n");
  h_cut(h);
  h_accept(h, true); /* and the new session is a session like any other */
  SENT(h, "SUBSCRIBE id=10 \"#\" qos=1\n" PUB(1, 1, 9, "d"));
}

static void first_connection_is_no_loss (void **state) {
  harness *h = *state;
  h_start(h);
  h_connect(h, false);
  assert_false(h_noticed(h, "lost"));
  assert_false(h_stats(h).lost);
  h_cut(h);
  h_connect(h, false);
  assert_true(h_noticed(h, "the broker lost the session"));
  assert_true(h_stats(h).lost);
  h_cut(h);
  h_connect(h, true);
  assert_false(h_stats(h).lost);
}

static void accepted_writes_wait_for_the_session (void **state) {
  harness *h = *state;
  h->p.max_inflight = 1;
  h_start(h);
  h_connect(h, false);
  h_publish(h, "a", "", 1, 1);
  h_publish(h, "b", "", 2, 2);
  h_publish(h, "c", "", 0, 3);
  h_forget(h);
  h_cut(h);
  EVENTS(h, "published 3 lost\n"); /* QoS 0 does not outlive a connection unless it may queue */
  assert_int_equal(h_publish(h, "d", "", 1, 4), TL_ESTATE);
  h_accept(h, true);
  h_ack_in(h, TL_PUBACK, 2);
  SENT(h, "SUBSCRIBE id=3 \"#\" qos=1\n" PUB(1, 1, 2, "a") PUB(2, 0, 4, "b"));
}

static void new_writes_do_not_overtake_repeats (void **state) {
  harness *h = *state;
  broken(h);
  h->p.queue_offline = true;
  assert_int_equal(tl_session_set_params(h->s, &h->p), TL_OK);
  assert_int_equal(h_publish(h, "e", "", 1, 5), TL_OK);
  h_accept(h, true);
  h_publish(h, "f", "", 1, 6);
  SENT(h, "SUBSCRIBE id=6 \"#\" qos=1\n" REPEATS PUB(1, 0, 7, "e") PUB(1, 0, 8, "f"));
}

/* Or it could neither subscribe on the next connection, nor ever repeat them. */
static void messages_leave_identifiers_to_subscribe (void **state) {
  harness *h = *state;
  h->p.max_inflight = 65535;
  h->p.max_queued = 10;
  h_start(h);
  h_connect(h, false);
  for (int i = 0; i < 65535; i++) assert_int_equal(h_publish(h, "a", "", 1, i), TL_OK);
  assert_int_equal(h_stats(h).inflight, 65533);
  assert_int_equal(h_stats(h).queued, 2);
  tl_subscription other = { TL_LIT("other"), 1 };
  assert_int_equal(tl_session_set_filters(h->s, &other, 1), TL_OK);
  h_forget(h);
  h_cut(h);
  h_accept(h, true);
  h_flush(h);
  h_words(h, &h->events);
  assert_non_null(memmem(h->events.at, h->events.len, "UNSUBSCRIBE id=", 15));
  assert_non_null(memmem(h->events.at, h->events.len, "\nSUBSCRIBE id=", 14));
}

/* --- parameters that make it another session --- */

static void to_a_clean_session (void **state) {
  harness *h = *state;
  broken(h);
  h->p.clean_session = true;
  assert_int_equal(tl_session_set_params(h->s, &h->p), TL_OK);
  EVENTS(h, "published 1 lost\npublished 2 lost\npublished 3 lost\npublished 4 lost\n");
  assert_non_null(memmem(h->store.at, h->store.len, "o gone seq1 ", 12));
  assert_non_null(memmem(h->store.at, h->store.len, "f gone ", 7));
  h->p.clean_session = false; /* and back: nothing of the old one is left */
  assert_int_equal(tl_session_set_params(h->s, &h->p), TL_OK);
  h_accept(h, true);
  EVENTS(h, "connected 1\n");
  tl_session_release(h->s);
  tl_slice out = tl_session_output(h->s);
  assert_int_equal(out.len, 8); /* SUBSCRIBE alone */
}

static void to_another_client_id (void **state) {
  (void)state;
  for (int present = 0; present < 2; present++) {
    /* if the broker has a session of that name, it is not the one we know */
    harness h;
    char want[400];
    h_up(&h, false);
    broken(&h);
    h.p.client_id = TL_LIT("other");
    assert_int_equal(tl_session_set_params(h.s, &h.p), TL_OK);
    EVENTS(&h, "");
    h_accept(&h, present);
    int id = h.s->subs.suback_id;
    /* far from what an unknown session may remember */
    assert_true(id > 5 && (id == 6) == !present);
    snprintf(want, sizeof want,
             "SUBSCRIBE id=%d \"#\" qos=1\n"
             "PUBLISH qos=1 dup=0 retain=0 id=%d topic=\"a\" payload=0 bytes \"\"\n"
             "PUBLISH qos=2 dup=0 retain=0 id=%d topic=\"c\" payload=0 bytes \"\"\n"
             "PUBLISH qos=1 dup=0 retain=0 id=%d topic=\"d\" payload=0 bytes \"\"\n",
             id, id + 1, id + 2, id + 3);
    SENT(&h, want);
    EVENTS(&h,
           present ? "connected 1\npublished 2 session\n" : "connected 0\npublished 2 session\n");
    h_fini(&h);
  }
}

static void received_identifiers_belong_to_the_client_id (void **state) {
  harness *h = *state;
  h_message_in(h, "t", "", 2, false, 5);
  h_cut(h);
  h->p.client_id = TL_LIT("other");
  assert_int_equal(tl_session_set_params(h->s, &h->p), TL_OK);
  h_connect(h, true);
  h_forget(h);
  h_message_in(h, "t", "", 2, false, 5);
  EVENTS(h, "message t= q2 id5\n");
}

static void other_parameters_keep_the_state (void **state) {
  harness *h = *state;
  broken(h);
  h->p.keep_alive = 60;
  h->p.has_user = true;
  h->p.user = TL_LIT("joe");
  h->p.max_inflight = 1; /* fewer than are in flight: those stay, new ones wait */
  assert_int_equal(tl_session_set_params(h->s, &h->p), TL_OK);
  h_accept(h, true);
  SENT(h, "SUBSCRIBE id=6 \"#\" qos=1\n" REPEATS);
  h_publish(h, "e", "", 1, 5);
  h_takes(h, BYTES("\x40\x02\x00\x02\x40\x02\x00\x05\x70\x02\x00\x03"));
  SENT(h, "");
  h_takes(h, BYTES("\x50\x02\x00\x04\x70\x02\x00\x04"));
  SENT(h, "PUBREL id=4\n" PUB(1, 0, 7, "e"));
}

/* --- the store --- */

static void store_of_outgoing (void **state) {
  harness *h = *state;
  h->p.max_inflight = 1;
  h_start(h);
  h_open(h);
  h_takes(h, BYTES("\x20\x02\x00\x00"));
  STORED(h, "f seq0 id0 1\n");
  h_publish(h, "a", "", 2, 1);
  h_publish(h, "b", "", 1, 2);
  h_publish(h, "c", "", 0, 3); /* never */
  STORED(h, "o seq1 id2 7\no seq2 id0 7\n");
  h_ack_in(h, TL_PUBREC, 2);
  STORED(h, "o seq1 id2 0\n");
  h_ack_in(h, TL_PUBCOMP, 2);
  STORED(h, "o gone seq1 id2 0\no seq2 id3 7\n");
  h_ack_in(h, TL_PUBACK, 3);
  STORED(h, "o gone seq2 id3 0\n");
}

static void restored (void **state) {
  harness *h = *state;
  h_start(h);
  const tl_slice none = { NULL, 0 };
  /* Stored with DUP: harmless. */
  assert_int_equal(tl_session_restore(h->s, 'o', 5, 7,
                                      TL_LIT("\x3a\x06\x00\x01"
                                             "a\x00\x07x")),
                   TL_OK);
  assert_int_equal(tl_session_restore(h->s, 'o', 6, 9, none), TL_OK);
  assert_int_equal(tl_session_restore(h->s, 'o', 8, 0,
                                      TL_LIT("\x34\x05\x00\x01"
                                             "c\x00\x00")),
                   TL_OK);
  assert_int_equal(tl_session_restore(h->s, 'i', 0, 300, none), TL_OK);
  assert_int_equal(tl_session_restore(h->s, 'f', 0, 0, TL_LIT("old/#")), TL_OK);
  assert_int_equal(tl_session_restore(h->s, 'f', 0, 0, TL_LIT("#")), TL_OK);
  h_accept(h, true);
  SENT(h, "UNSUBSCRIBE id=1 \"old/#\"\nSUBSCRIBE id=2 \"#\" qos=1\n"
          "PUBLISH qos=1 dup=1 retain=0 id=7 topic=\"a\" payload=1 bytes \"x\"\nPUBREL id=9\n" PUB(
              2, 0, 3, "c"));
  STORED(h, "o seq8 id3 7\n");
  h_message_in(h, "t", "", 2, true, 300);
  SENT(h, "PUBREC id=300\n");
  h_takes(h, BYTES("\x40\x02\x00\x07\x70\x02\x00\x09"));
  EVENTS(h, "connected 1\n"); /* nobody waits for the fate of restored messages */
  STORED(h, "o gone seq5 id7 0\no gone seq6 id9 0\n");
  h_publish(h, "d", "", 1, 1);
  STORED(h, "o seq9 id4 7\n");
}

static void restored_and_lost (void **state) {
  harness *h = *state;
  h_start(h);
  const tl_slice none = { NULL, 0 };
  assert_int_equal(tl_session_restore(h->s, 'o', 1, 1,
                                      TL_LIT("\x32\x05\x00\x01"
                                             "a\x00\x01")),
                   TL_OK);
  assert_int_equal(tl_session_restore(h->s, 'o', 2, 2, none), TL_OK);
  h_accept(h, false);
  SENT(h, "SUBSCRIBE id=3 \"#\" qos=1\n" PUB(1, 0, 4, "a"));
  EVENTS(h, "connected 0\npublished 0 session\n");
  STORED(h, "f seq0 id0 1\no seq1 id4 7\no gone seq2 id2 0\n");
  assert_true(h_noticed(h, "the broker lost the session"));
}

static void restored_and_made_clean (void **state) {
  harness *h = *state;
  h_start(h);
  tl_slice sent = TL_LIT("\x32\x05\x00\x01"
                         "a\x00\x01"),
           waits = TL_LIT("\x34\x05\x00\x01"
                          "c\x00\x00");
  assert_int_equal(tl_session_restore(h->s, 'o', 1, 1, sent), TL_OK);
  assert_int_equal(tl_session_restore(h->s, 'o', 2, 2, tl_slice_of(NULL, 0)), TL_OK);
  assert_int_equal(tl_session_restore(h->s, 'o', 3, 0, waits), TL_OK);
  h->p.clean_session = true; /* as a reload does */
  assert_int_equal(tl_session_set_params(h->s, &h->p), TL_OK);
  EVENTS(h, "published 0 lost\npublished 0 lost\npublished 0 lost\n");
  STORED(h, "o gone seq3 id0 0\no gone seq1 id1 0\no gone seq2 id2 0\n");
}

static void restore_refuses (void **state) {
  harness *h = *state;
#define RECORD(kind, sequence, id, bytes, code) \
  { kind, sequence, id, bytes, sizeof(bytes) - 1, code }
  static const struct {
    char kind;
    uint64_t sequence;
    uint16_t id;
    const char *bytes;
    size_t n;
    int code;
  } all[] = {
    RECORD('o', 1, 5,
           "\x32\x05\x00\x01"
           "a\x00",
           TL_EMALFORMED), /* cut */
    RECORD('o', 1, 5,
           "\x30\x03\x00\x01"
           "a",
           TL_EMALFORMED), /* QoS 0 */
    RECORD('o', 1, 5,
           "\x36\x05\x00\x01"
           "a\x00\x01",
           TL_EMALFORMED), /* QoS 3 */
    RECORD('o', 1, 5,
           "\x32\x05\x00\x01"
           "+\x00\x01",
           TL_EMALFORMED),
    /* a topic longer than the packet */
    RECORD('o', 1, 5,
           "\x32\x05\x00\x09"
           "a\x00\x01",
           TL_EMALFORMED),
    RECORD('o', 1, 5, "\x40\x02\x00\x01", TL_EMALFORMED), /* no PUBLISH */
    RECORD('o', 1, 5, "\x32", TL_EMALFORMED),
    RECORD('o', 1, 5, "\x32\x01x", TL_EMALFORMED),
    RECORD('o', 1, 0, "", TL_EMALFORMED),
    RECORD('o', 1, 4, "", TL_OK),
    RECORD('o', 2, 4, "", TL_EEXIST),
    RECORD('o', 2, 4,
           "\x32\x05\x00\x01"
           "a\x00\x04",
           TL_EEXIST),
    RECORD('i', 0, 0, "", TL_EMALFORMED),
    RECORD('f', 0, 0, "a/#/b", TL_EMALFORMED),
    RECORD('f', 0, 0, "a", TL_OK),
    RECORD('f', 0, 0, "a", TL_EEXIST),
    RECORD('x', 0, 0, "", TL_EMALFORMED),
  };
#undef RECORD
  h_start(h);
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    int rc = tl_session_restore(h->s, all[i].kind, all[i].sequence, all[i].id,
                                tl_slice_of(all[i].bytes, all[i].n));
    if (rc != all[i].code) fail_msg("record %zu: expected %d, got %d", i, all[i].code, rc);
  }
}

static void restore_comes_before_open (void **state) {
  harness *h = *state;
  h_start(h);
  h_open(h);
  assert_int_equal(tl_session_restore(h->s, 'i', 0, 1, TL_LIT("")), TL_ESTATE);
}

static void a_clean_session_restores_nothing (void **state) {
  harness *h = *state;
  h_start(h);
  assert_int_equal(tl_session_restore(h->s, 'i', 0, 1, TL_LIT("")), TL_ESTATE);
}

/* A session that becomes another kind tells its store of what waits, too. */
static void what_waits_goes_with_its_session (void **state) {
  harness *h = *state;
  h->p.queue_offline = true;
  h_start(h);
  h_publish(h, "t", "a", 1, 1);
  h_publish(h, "t", "b", 1, 2);
  STORED(h, "o seq1 id0 8\no seq2 id0 8\n");
  h->p.clean_session = true; /* another process would get nothing */
  assert_int_equal(tl_session_set_params(h->s, &h->p), TL_OK);
  STORED(h, "o gone seq1 id0 0\no gone seq2 id0 0\n");
  tl_session_store_all(h->s);
  STORED(h, "");
  h->p.clean_session = false;
  assert_int_equal(tl_session_set_params(h->s, &h->p), TL_OK);
  STORED(h, "o seq1 id0 8\no seq2 id0 8\n");
}

/* For an owner whose store lost some of it. */
static void all_of_the_session_is_told_again (void **state) {
  harness *h = *state;
  h->p.max_inflight = 2;
  h->p.queue_offline = true;
  h_begin(h);
  h_publish(h, "t", "a", 2, 1);
  h_publish(h, "t", "b", 1, 2);
  h_publish(h, "t", "c", 1, 3);
  h_ack_in(h, TL_PUBREC, 2);
  h_message_in(h, "t", "x", 2, false, 8);
  h_message_in(h, "t", "x", 2, false, 65535);
  h->verdict = TL_MESSAGE_HELD;
  h_message_in(h, "t", "z", 1, false, 8);
  h_message_in(h, "t", "y", 2, false, 9); /* not confirmed: another process must get it again */
  tl_buf_clear(&h->store);
  tl_session_store_all(h->s);
  STORED(
      h,
      "f seq0 id0 1\ni seq0 id8 0\ni seq0 id65535 0\no seq1 id2 0\no seq2 id3 8\no seq3 id0 8\n");
}

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC_NEW("what waits goes with its session", what_waits_goes_with_its_session),
    SPEC_NEW("all of the session is told again", all_of_the_session_is_told_again),
    SPEC_UP("[MQTT-4.4.0-1] [MQTT-4.6.0-1] [MQTT-3.3.1-1] [MQTT-2.3.1-3] [MQTT-4.3.3-1] "
            "[MQTT-3.1.2-4] resumed: all that is "
            "unacknowledged, "
            "in order, with DUP",
            resumed),
    SPEC_UP("[MQTT-4.6.0-4] resumed: PUBRELs keep the order of their PUBRECs",
            pubrels_keep_the_order_of_pubrecs),
    SPEC_UP("[MQTT-4.3.3-1] resumed: a PUBREC that came twice is one PUBREL",
            a_repeated_pubrec_is_one_pubrel_later),
    SPEC_UP("[MQTT-4.1.0-1] lost: published anew, but for those past PUBREC", lost),
    SPEC_NEW("the first connection is no lost session, the second is", first_connection_is_no_loss),
    SPEC_NEW("[MQTT-4.1.0-2] accepted writes wait for the session",
             accepted_writes_wait_for_the_session),
    SPEC_UP("[MQTT-4.6.0-1] new writes do not overtake repeats",
            new_writes_do_not_overtake_repeats),
    SPEC_NEW("messages leave identifiers for SUBSCRIBE and UNSUBSCRIBE",
             messages_leave_identifiers_to_subscribe),
    SPEC_UP(
        "[MQTT-3.1.2-6] changed to a clean session: the old state is lost, and never comes back",
        to_a_clean_session),
    SPEC("[MQTT-3.1.3-2] changed to another client id: as after a lost session",
         to_another_client_id),
    SPEC_UP("[MQTT-3.1.3-2] received identifiers belong to the client id",
            received_identifiers_belong_to_the_client_id),
    SPEC_UP("other parameters keep the state", other_parameters_keep_the_state),
    SPEC_NEW("what the store hears of outgoing messages", store_of_outgoing),
    SPEC_NEW("restored from a store", restored),
    SPEC_NEW("restored, and the broker lost the session", restored_and_lost),
    SPEC_NEW("restored, then the session becomes a clean one", restored_and_made_clean),
    SPEC_NEW("what cannot be restored", restore_refuses),
    SPEC_NEW("an open session restores nothing", restore_comes_before_open),
    SPEC_NEW_CLEAN("a clean session restores nothing", a_clean_session_restores_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Every allocation of the session fails in turn: nothing that was accepted is lost, nothing is
** reported twice, and when there is memory again the session goes on. */
#include "mqtt/harness.h"
#include "support/torture.h"

enum { PUBLISHES = 12 };

typedef struct {
  tl_session *s;
  int accepted[PUBLISHES], reported[PUBLISHES], delivered, verdict;
  int64_t now;
} life;

static int life_message (void *ctx, const tl_message *m) {
  (void)m;
  ((life *)ctx)->delivered++;
  return ((life *)ctx)->verdict;
}
static void life_published (void *ctx, void *token, int result, tl_slice payload) {
  (void)payload;
  (void)result;
  ((life *)ctx)->reported[(intptr_t)token]++;
}
static const tl_session_events life_events = { .message = life_message,
                                               .published = life_published };

static int open_up (life *l, bool present) {
  const uint8_t connack[] = { 0x20, 2, present, 0 };
  int rc = tl_session_open(l->s, l->now);
  long n = rc == TL_OK ? tl_session_input(l->s, connack, 4, l->now) : rc;
  if (n < 0) return (int)n;
  assert_int_equal(n, 4);
  tl_session_release(l->s);
  tl_session_sent(l->s, tl_session_output(l->s).len, l->now);
  return TL_OK;
}

/* Answer all that is in flight; whatever fails closes the connection. */
static int answer (life *l) {
  while (l->s->sending.inflight.n) {
    tl_outgoing *m = l->s->sending.inflight.head;
    uint8_t type = m->qos == 1 ? TL_PUBACK : m->state == TL_OUT_SENT ? TL_PUBREC : TL_PUBCOMP;
    const uint8_t ack[] = { (uint8_t)(type << 4), 2, (uint8_t)(m->id >> 8), (uint8_t)m->id };
    long n = tl_session_input(l->s, ack, 4, l->now);
    if (n < 0) return (int)n;
    tl_session_release(l->s);
    tl_session_sent(l->s, tl_session_output(l->s).len, l->now);
  }
  return TL_OK;
}

static int use (life *l, int from) {
  static const uint8_t messages[] =
      "\x30\x03\x00\x01t\x32\x05\x00\x01t\x00\x05\x34\x05\x00\x01t\x00\x06";
  for (int i = from; i < from + 4; i++) {
    if (l->accepted[i]) continue;
    int rc =
        tl_session_publish(l->s, TL_LIT("t"), TL_LIT("0123456789012345678901234567890123456789"),
                           (uint8_t)(i % 3), false, (void *)(intptr_t)i, NULL);
    if (rc != TL_OK) return rc;
    l->accepted[i] = 1;
  }
  long n = tl_session_input(l->s, messages, sizeof messages - 1, l->now);
  if (n < 0) return (int)n;
  tl_session_release(l->s);
  tl_session_sent(l->s, tl_session_output(l->s).len, l->now);
  return answer(l);
}

static int live (life *l, const tl_session_params *p) {
  const tl_subscription other[] = { { TL_LIT("x"), 1 }, { TL_LIT("y"), 0 } };
  const tl_slice none = { NULL, 0 };
  int rc = tl_session_new(&l->s, p, &life_events, l);
  if (rc == TL_OK)
    rc = tl_session_restore(l->s, 'o', 1, 4000,
                            TL_LIT("\x32\x05\x00\x01"
                                   "a\x00\x01"));
  if (rc == TL_OK) rc = tl_session_restore(l->s, 'o', 2, 5000, none);
  if (rc == TL_OK) rc = tl_session_restore(l->s, 'i', 0, 6000, none);
  if (rc == TL_OK) rc = tl_session_restore(l->s, 'f', 0, 0, TL_LIT("old"));
  if (rc == TL_OK) rc = open_up(l, true);
  if (rc == TL_OK) rc = use(l, 0);
  if (rc != TL_OK) return rc;
  rc = tl_session_set_filters(l->s, other, 2);
  if (rc == TL_OK) tl_session_closed(l->s);
  /* offline: only the publishes */
  if (rc == TL_OK) rc = use(l, 4) == TL_ENOMEM ? TL_ENOMEM : TL_OK;
  if (rc == TL_OK) rc = tl_session_set_params(l->s, p);
  if (rc == TL_OK) rc = open_up(l, false);
  if (rc == TL_OK) rc = use(l, 8);
  return rc;
}

static void every_allocation_fails_in_turn (void **state) {
  (void)state;
  const tl_subscription filter = { TL_LIT("#"), 1 };
  const tl_session_params p = { .client_id = TL_LIT("m"),
                                .filters = &filter,
                                .filter_count = 1,
                                .max_packet_size = 1000,
                                .max_inflight = 2,
                                .max_queued = 100,
                                .queue_offline = true,
                                .has_user = true,
                                .user = TL_LIT("u") };
  long k = 0;
  for (torture_round t = { 0 }; torture_next(&t); k++) {
    life l = { .now = 1000, .verdict = TL_MESSAGE_DONE };
    memory_fails(t.at, t.for_ever);
    int rc = live(&l, &p);
    memory_heals();
    bool failed = memory_failed;
    if (failed ? rc != TL_OK && rc != TL_ENOMEM : rc != TL_OK)
      fail_msg("allocation %ld: %d", t.at, rc);
    if (l.s && rc != TL_OK) { /* there is memory again */
      tl_session_closed(l.s);
      assert_int_equal(open_up(&l, true), TL_OK);
      assert_int_equal(answer(&l), TL_OK);
      assert_int_equal(use(&l, 0), TL_OK);
    }
    if (l.s) tl_session_free(l.s);
    for (int i = 0; i < PUBLISHES; i++)
      if (l.reported[i] != l.accepted[i])
        fail_msg("allocation %ld: message %d was reported %d times", t.at, i, l.reported[i]);
    memory_failed = failed;
  }
  assert_true(k > 40);
}

/* --- one step of a session that is connected, with output that has no room left --- */

static tl_session *new_session (life *l) {
  const tl_subscription both[] = { { TL_LIT("#"), 1 }, { TL_LIT("$share/g/x"), 0 } };
  const tl_session_params usual = { .client_id = TL_LIT("m"),
                                    .filters = both,
                                    .filter_count = 2,
                                    .max_packet_size = 100,
                                    .max_inflight = 10,
                                    .max_queued = 100,
                                    .queue_offline = true,
                                    .ping_interval_ms = 1000,
                                    .ask_again_ms = 500,
                                    .ask_again_max_ms = 500,
                                    .reply_timeout_ms = 20000 };
  tl_session *s = NULL;
  assert_int_equal(tl_session_new(&s, &usual, &life_events, l), TL_OK);
  return s;
}

static int give (life *l, const char *bytes, size_t n) {
  long rc = tl_session_input(l->s, (const uint8_t *)bytes, n, l->now);
  return rc < 0 ? (int)rc : TL_OK;
}
#define GIVE(l, text) give(l, text, sizeof(text) - 1)

static int give_ack (life *l, uint8_t type, uint16_t id, uint8_t code) {
  const char bytes[] = { (char)type, type == 0x90 ? 4 : 2, (char)(id >> 8),
                         (char)id,   (char)code,           (char)code };
  return give(l, bytes, type == 0x90 ? 6 : 4);
}

/* The first filter and the second are refused: they are asked for again later. */
static void is_up (life *l, uint8_t granted) {
  *l = (life){ .now = 1000, .verdict = TL_MESSAGE_DONE };
  l->s = new_session(l);
  assert_int_equal(open_up(l, false), TL_OK);
  assert_int_equal(give_ack(l, 0x90, l->s->subs.suback_id, granted), TL_OK);
}

static int publish (life *l, int token, uint8_t qos) {
  int rc = tl_session_publish(l->s, TL_LIT("t"), TL_LIT("payload"), qos, false,
                              (void *)(intptr_t)token, NULL);
  l->accepted[token] += rc == TL_OK;
  return rc;
}

static void sends_qos2 (life *l) { assert_int_equal(publish(l, 0, 2), TL_OK); }
static int gets_pubrec (life *l) { return give_ack(l, 0x50, l->s->sending.inflight.head->id, 0); }

static void got_qos2 (life *l) { assert_int_equal(GIVE(l, "\x34\x05\x00\x01t\x00\x05"), TL_OK); }
static int gets_pubrel (life *l) { return give_ack(l, 0x62, 5, 0); }

static void does_nothing (life *l) { (void)l; }
static int is_silent (life *l) {
  l->now += 1001;
  return tl_session_tick(l->s, l->now);
}

static char long_message[300] = "\x34\xa9\x02\x00\x01t\x00\x07"; /* QoS 2, id 7, of 300 bytes */
static int skips_qos2 (life *l) { return give(l, long_message, sizeof long_message); }

static void has_output_and_answers (life *l) {
  assert_int_equal(publish(l, 0, 0), TL_OK);
  assert_int_equal(GIVE(l, "\x32\x05\x00\x01t\x00\x05"), TL_OK);
}
static int releases (life *l) {
  tl_session_release(l->s);
  return TL_OK;
}

static void holds_one_of_three (life *l) {
  l->verdict = TL_MESSAGE_HELD;
  assert_int_equal(GIVE(l, "\x32\x05\x00\x01t\x00\x05"), TL_OK);
  l->verdict = TL_MESSAGE_DONE;
  assert_int_equal(GIVE(l, "\x32\x05\x00\x01t\x00\x06\x34\x05\x00\x01t\x00\x08"), TL_OK);
}
static int acknowledges (life *l) {
  tl_session_ack(l->s, 5, l->now);
  return TL_OK;
}

static int leaves (life *l) {
  tl_session_disconnect(l->s);
  return TL_OK;
}

static int asks_again (life *l) {
  l->now += 501;
  return tl_session_tick(l->s, l->now);
}

static void wants_others (life *l) {
  const tl_subscription other = { TL_LIT("other"), 1 };
  assert_int_equal(tl_session_set_filters(l->s, &other, 1), TL_OK);
  tl_session_closed(l->s);
}
static int connects (life *l) { return open_up(l, true); }

static void waits_offline (life *l) {
  tl_session_closed(l->s);
  for (int i = 0; i < 3; i++) assert_int_equal(publish(l, i, (uint8_t)i), TL_OK);
}

/* What there is no memory for ends the connection; the next one goes on. */
static void a_step_without_memory_ends_the_connection_and_no_message (void **state) {
  static const struct {
    const char *name;
    uint8_t granted;
    void (*before)(life *l);
    int (*step)(life *l);
    int result; /* without memory */
  } cases[] = {
    { "PUBREC", 0, sends_qos2, gets_pubrec, TL_ENOMEM },
    { "PUBREL", 0, got_qos2, gets_pubrel, TL_ENOMEM },
    { "PINGREQ", 0, does_nothing, is_silent, TL_ENOMEM },
    { "skipped", 0, does_nothing, skips_qos2, TL_ENOMEM },
    { "release", 0, has_output_and_answers, releases, TL_ENOMEM },
    { "ACK_ID", 0, holds_one_of_three, acknowledges, TL_ENOMEM },
    { "DISCONNECT", 0, does_nothing, leaves, TL_OK }, /* whoever wants that closes anyway */
    { "SUBSCRIBE again", 0x80, does_nothing, asks_again, TL_ENOMEM },
    { "other filters", 0, wants_others, connects, TL_ENOMEM },
    { "what waited", 0, waits_offline, connects, TL_ENOMEM },
  };
  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++)
    for (torture_round t = { 0 }; torture_next(&t);) {
      life l;
      is_up(&l, cases[i].granted);
      cases[i].before(&l);
      l.s->out.bytes.cap = l.s->out.bytes.len;
      l.s->out.answers.cap = l.s->out.answers.len;
      memory_fails(t.at, t.for_ever);
      int rc = cases[i].step(&l);
      memory_heals();
      bool failed = memory_failed;
      if (rc >= 0) rc = tl_session_tick(l.s, l.now);
      if (rc != (failed ? cases[i].result : TL_OK))
        fail_msg("%s, allocation %ld: %d", cases[i].name, t.at, rc);
      if (rc < 0) assert_non_null(strstr(tl_session_error(l.s), "memory"));
      tl_session_closed(l.s);
      assert_int_equal(open_up(&l, true), TL_OK);
      assert_int_equal(answer(&l), TL_OK);
      tl_session_free(l.s);
      assert_memory_equal(l.reported, l.accepted, sizeof l.accepted);
      memory_failed = failed;
    }
}

/* A write that finds no memory is refused, and nothing else is. */
static void a_publish_without_memory_leaves_the_connection_alone (void **state) {
  (void)state;
  for (uint8_t qos = 0; qos < 3; qos++)
    for (torture_round t = { 0 }; torture_next(&t);) {
      life l;
      is_up(&l, 0);
      l.s->out.bytes.cap = l.s->out.bytes.len;
      memory_fails(t.at, t.for_ever);
      int rc = publish(&l, 0, qos);
      memory_heals();
      bool failed = memory_failed;
      assert_int_equal(rc, failed ? TL_ENOMEM : TL_OK);
      assert_int_equal(tl_session_tick(l.s, l.now), TL_OK);
      assert_int_equal(publish(&l, 1, qos), TL_OK);
      tl_session_sent(l.s, tl_session_output(l.s).len, l.now);
      assert_int_equal(answer(&l), TL_OK);
      tl_session_free(l.s);
      assert_memory_equal(l.reported, l.accepted, sizeof l.accepted);
      memory_failed = failed;
    }
}

/* A message that could not be taken is neither acknowledged nor remembered: it comes again. */
static void a_message_that_is_not_taken_comes_again (void **state) {
  static const char *const messages[] = { "\x30\x03\x00\x01t", "\x32\x05\x00\x01t\x00\x05",
                                          "\x34\x05\x00\x01t\x00\x05" };
  static const int codes[] = { TL_ENOMEM, TL_ERANGE };
  (void)state;
  for (int qos = 0; qos < 3; qos++)
    for (size_t i = 0; i < COUNT(codes); i++) {
      life l;
      size_t n = qos == 0 ? 5 : 7;
      is_up(&l, 0);
      assert_int_equal(give(&l, messages[1], 7), TL_OK); /* room for acknowledgements is there */
      l.verdict = codes[i];
      assert_int_equal(give(&l, messages[qos], n), codes[i]);
      assert_non_null(
          strstr(tl_session_error(l.s), i == 0 ? "out of memory" : "could not be taken"));
      l.verdict = TL_MESSAGE_DONE;
      tl_session_closed(l.s);
      assert_int_equal(open_up(&l, true), TL_OK);
      int before = l.delivered;
      assert_int_equal(give(&l, messages[qos], n), TL_OK);
      assert_int_equal(l.delivered, before + 1);
      tl_session_free(l.s);
    }
}

static void a_will_without_memory_stays_as_it_was (void **state) {
  life l;
  (void)state;
  is_up(&l, 0);
  assert_int_equal(tl_session_set_will(l.s, TL_LIT("x")), TL_ESTATE);
  tl_session_closed(l.s);
  memory_fails(0, false);
  assert_int_equal(tl_session_set_will(l.s, TL_LIT("x")), TL_ENOMEM);
  memory_heals();
  assert_int_equal(tl_session_set_will(l.s, TL_LIT("x")), TL_OK);
  assert_int_equal(open_up(&l, true), TL_OK);
  tl_session_free(l.s);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC("[MQTT-4.8.0-2] every allocation fails in turn", every_allocation_fails_in_turn),
    SPEC("[MQTT-4.8.0-2] a step without memory ends the connection, and no message",
         a_step_without_memory_ends_the_connection_and_no_message),
    SPEC("a publish without memory leaves the connection alone",
         a_publish_without_memory_leaves_the_connection_alone),
    SPEC("a message that is not taken comes again", a_message_that_is_not_taken_comes_again),
    SPEC("a will without memory stays as it was", a_will_without_memory_stays_as_it_was),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

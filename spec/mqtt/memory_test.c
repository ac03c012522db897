/* Every allocation of the session fails in turn: nothing that was accepted is lost, nothing is
** reported twice, and when there is memory again the session goes on. The files that allocate
** are compiled in here, so that only their allocations fail. */
#include "mqtt/harness.h"
#include "support/spare_memory.h"

#define malloc spare_malloc
#define calloc spare_calloc
#define realloc spare_realloc
#include "base/buf.c"
#include "mqtt/ids.c"
#include "mqtt/inbox.c"
#include "mqtt/inflight.c"
#include "mqtt/session.c"
#include "mqtt/session_filters.c"
#include "mqtt/session_output.c"
#include "mqtt/session_publish.c"
#include "mqtt/session_store.c"
#undef malloc
#undef calloc
#undef realloc

enum { PUBLISHES = 12 };

typedef struct {
  tl_session *s;
  int accepted[PUBLISHES], reported[PUBLISHES], delivered;
  int64_t now;
} life;

static int life_message (void *ctx, const tl_message *m) {
  (void)m;
  ((life *)ctx)->delivered++;
  return TL_MESSAGE_DONE;
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
  bool done = false;
  long k = 0;
  for (; !done; k++) {
    life l = { .now = 1000 };
    countdown = k;
    int rc = live(&l, &p);
    done = countdown >= 0; /* not reached any more */
    countdown = -1;
    if (done)
      assert_int_equal(rc, TL_OK);
    else if (rc != TL_OK && rc != TL_ENOMEM)
      fail_msg("allocation %ld: %d", k, rc);
    if (l.s && rc != TL_OK) { /* there is memory again */
      tl_session_closed(l.s);
      assert_int_equal(open_up(&l, true), TL_OK);
      assert_int_equal(answer(&l), TL_OK);
      assert_int_equal(use(&l, 0), TL_OK);
    }
    if (l.s) tl_session_free(l.s);
    for (int i = 0; i < PUBLISHES; i++)
      if (l.reported[i] != l.accepted[i])
        fail_msg("allocation %ld: message %d was reported %d times", k, i, l.reported[i]);
  }
  assert_true(k > 20);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC("[MQTT-4.8.0-2] every allocation fails in turn", every_allocation_fails_in_turn),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

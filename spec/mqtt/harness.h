/* spec/mqtt/harness.h — one session under test: a clock that the spec turns, what the session
** sent as lines of words, and its events as lines of words. Static functions, for each spec is
** a program of its own. */
#ifndef SPEC_MQTT_HARNESS_H
#define SPEC_MQTT_HARNESS_H

#include "mqtt/session_impl.h"
#include "support/spec.h"

/* A test with a name in words; `[MQTT-…]` in it are the statements of the standard that the
** test proves.
**
** SPEC_UP and SPEC_UP_CLEAN: *state is a harness that is connected, with nothing to look at
** yet; its session is persistent, or clean. SPEC_NEW and SPEC_NEW_CLEAN: the session is not
** made yet: the test may change h->p, and then calls h_begin or h_start. SPEC: a test that goes
** through several sessions, between h_init or h_up and h_fini. */
#define SPEC(name, function) \
  { name, function, NULL, NULL, NULL }
#define SPEC_UP(name, function) \
  { name, function, h_setup_up, h_teardown, NULL }
#define SPEC_UP_CLEAN(name, function) \
  { name, function, h_setup_up_clean, h_teardown, NULL }
#define SPEC_NEW(name, function) \
  { name, function, h_setup_new, h_teardown, NULL }
#define SPEC_NEW_CLEAN(name, function) \
  { name, function, h_setup_new_clean, h_teardown, NULL }
/* The words of an empty PUBLISH, as SENT sees them. */
#define PUB(q, dup, id, topic) \
  "PUBLISH qos=" #q " dup=" #dup " retain=0 id=" #id " topic=\"" topic "\" payload=0 bytes \"\"\n"
#define BYTES(text) (const uint8_t *)(text), sizeof(text) - 1

typedef struct {
  tl_session *s;
  tl_session_params p;
  tl_subscription filters[4];
  int64_t now;
  tl_buf events;  /* what happened, a line each; emptied by each check */
  tl_buf raw;     /* what was sent since the last look, as bytes */
  tl_buf store;   /* store events, a line each */
  tl_buf notices; /* all notices: "2 text" */
  tl_buf traces;
  tl_buf kept;             /* the payload that came with the last `published` */
  tl_buf answered;         /* the filters of the last `subscribed`, a line each */
  int verdict;             /* what `message` answers */
  int publish_in_callback; /* > 0: `published` publishes so many more */
  bool leave_in_message;
  long rc; /* what the last input or tick returned */
} harness;

static int on_message (void *ctx, const tl_message *m) {
  harness *h = ctx;
  tl_buf_fmt(&h->events, "message %.*s=%.*s q%u id%u%s%s\n", TL_ARG(m->topic), TL_ARG(m->payload),
             m->qos, m->id, m->retain ? " retain" : "", m->dup ? " dup" : "");
  if (h->leave_in_message) tl_session_disconnect(h->s);
  return h->verdict;
}
static void on_connected (void *ctx, bool present) {
  tl_buf_fmt(&((harness *)ctx)->events, "connected %d\n", present);
}
static void on_subscribed (void *ctx, const tl_subscription *filters, const uint8_t *granted,
                           size_t n) {
  harness *h = ctx;
  tl_buf_str(&h->events, "subscribed");
  tl_buf_clear(&h->answered);
  for (size_t i = 0; i < n; i++) {
    tl_buf_fmt(&h->events, " %u", granted[i]);
    tl_buf_fmt(&h->answered, "%.*s=%u\n", TL_ARG(filters[i].filter), granted[i]);
  }
  tl_buf_byte(&h->events, '\n');
}
static void on_published (void *ctx, void *token, int result, tl_slice payload) {
  harness *h = ctx;
  const char *word = result == TL_OK         ? "done"
                     : result == TL_ELOST    ? "lost"
                     : result == TL_ESESSION ? "session"
                     : result == TL_ESTATE   ? "state"
                     : result == TL_ETIMEOUT ? "too old"
                                             : "?";
  tl_buf_clear(&h->kept);
  tl_buf_slice(&h->kept, payload);
  tl_buf_fmt(&h->events, "published %d %s\n", (int)(intptr_t)token, word);
  if (h->publish_in_callback > 0) {
    h->publish_in_callback--;
    tl_session_publish(h->s, TL_LIT("from/callback"), TL_LIT("x"), 1, false, (void *)(intptr_t)99,
                       NULL);
  }
}
static void on_notice (void *ctx, int severity, const char *text) {
  tl_buf_fmt(&((harness *)ctx)->notices, "%d %s\n", severity, text);
}
static void on_trace (void *ctx, char dir, const char *text) {
  tl_buf_fmt(&((harness *)ctx)->traces, "%c %s\n", dir, text);
}
static void on_store (void *ctx, char kind, uint64_t sequence, uint16_t id, tl_slice bytes,
                      bool gone) {
  harness *h = ctx;
  tl_buf_fmt(&h->store, "%c%s seq%u id%u %zu\n", kind, gone ? " gone" : "", (unsigned)sequence, id,
             bytes.len);
}

static void on_too_long (void *ctx, const tl_message *m, size_t size) {
  tl_buf_fmt(&((harness *)ctx)->events, "too long %.*s q%u id%u %zu\n", TL_ARG(m->topic), m->qos,
             m->id, size);
}

static const tl_session_events harness_events = { .message = on_message,
                                                  .connected = on_connected,
                                                  .subscribed = on_subscribed,
                                                  .published = on_published,
                                                  .too_long = on_too_long,
                                                  .notice = on_notice,
                                                  .trace = on_trace,
                                                  .store = on_store };

/* parameters; the spec may change h->p before h_start */
static void h_init (harness *h, bool clean) {
  memset(h, 0, sizeof *h);
  h->now = 1000000;
  h->filters[0] = (tl_subscription){ TL_LIT("#"), 1 };
  h->p = (tl_session_params){ .client_id = TL_LIT("spec"),
                              .clean_session = clean,
                              .reply_timeout_ms = 20000,
                              .connack_timeout_ms = 20000,
                              .filters = h->filters,
                              .filter_count = 1,
                              .max_packet_size = 1 << 20,
                              .max_inflight = 100,
                              .max_queued = 10000 };
}
static void h_start (harness *h) {
  assert_int_equal(tl_session_new(&h->s, &h->p, &harness_events, h), TL_OK);
}
static void h_fini (harness *h) {
  tl_session_free(h->s);
  tl_buf *bufs[] = {
    &h->events, &h->raw, &h->store, &h->notices, &h->traces, &h->answered, &h->kept
  };
  for (int i = 0; i < 7; i++) tl_buf_fini(bufs[i]);
}

static long h_feed (harness *h, const uint8_t *bytes, size_t n) {
  uint8_t *copy = exact_copy(bytes, n);
  h->rc = tl_session_input(h->s, copy, n, h->now);
  free(copy);
  return h->rc;
}
static void h_takes (harness *h, const uint8_t *bytes, size_t n) { /* feed; all is consumed */
  if (h_feed(h, bytes, n) != (long)n)
    fail_msg("input returned %ld: %s", h->rc, tl_session_error(h->s));
}
static int h_wait (harness *h, int64_t ms) { /* time passes; what is due is done when it is due */
  int64_t end = h->now + ms;
  h->rc = TL_OK;
  while (h->rc == TL_OK && tl_session_deadline(h->s) <= end) {
    if (tl_session_deadline(h->s) > h->now) h->now = tl_session_deadline(h->s);
    h->rc = tl_session_tick(h->s, h->now);
    tl_session_release(h->s);
    tl_slice out = tl_session_output(h->s);
    tl_buf_slice(&h->raw, out);
    tl_session_sent(h->s, out.len, h->now);
  }
  if (h->rc == TL_OK) h->now = end;
  return (int)h->rc;
}

/* Hand over all output, and compare the packets since the last look, in words, one a line. */
static void h_flush (harness *h) {
  tl_session_release(h->s);
  tl_slice out = tl_session_output(h->s);
  tl_buf_slice(&h->raw, out);
  tl_session_sent(h->s, out.len, h->now);
}
static void h_words (harness *h, tl_buf *text) {
  for (size_t at = 0; at < h->raw.len;) {
    tl_frame f;
    long n = tl_frame_read(h->raw.at + at, h->raw.len - at, SIZE_MAX, &f);
    assert_true(n > 0);
    tl_describe(text, &f);
    tl_buf_byte(text, '\n');
    at += (size_t)n;
  }
  tl_buf_clear(&h->raw);
}
static void same_text (const tl_buf *got, const char *want, const char *what, int line) {
  if (got->len == strlen(want) && (got->len == 0 || memcmp(got->at, want, got->len) == 0)) return;
  fail_msg("line %d: %s: expected:\n%sgot:\n%.*s", line, what, want, (int)got->len,
           got->len ? (const char *)got->at : "");
}
static void h_sent_at (harness *h, const char *want, int line) {
  tl_buf text;
  tl_buf_init(&text);
  h_flush(h);
  h_words(h, &text);
  same_text(&text, want, "sent", line);
  tl_buf_fini(&text);
}
static void h_events_at (harness *h, const char *want, int line) {
  same_text(&h->events, want, "events", line);
  tl_buf_clear(&h->events);
}
#define SENT(h, want) h_sent_at(h, want, __LINE__)
#define EVENTS(h, want) h_events_at(h, want, __LINE__)
#define STORED(h, want) (same_text(&(h)->store, want, "store", __LINE__), tl_buf_clear(&(h)->store))

static bool h_noticed (harness *h, const char *part) {
  tl_buf_byte(&h->notices, 0);
  bool found = strstr((const char *)h->notices.at, part) != NULL;
  h->notices.len--;
  return found;
}
static void h_fails (harness *h, const uint8_t *bytes, size_t n, int code, const char *part) {
  h_feed(h, bytes, n);
  if (h->rc != code || !strstr(tl_session_error(h->s), part))
    fail_msg("expected %d with '%s', got %ld: '%s'", code, part, h->rc, tl_session_error(h->s));
}

static void h_open (harness *h) {
  assert_int_equal(tl_session_open(h->s, h->now), TL_OK);
  h_flush(h);
}
static void h_forget (harness *h) { /* look at nothing that happened so far */
  h_flush(h);
  tl_buf *bufs[] = { &h->events, &h->raw, &h->store, &h->notices, &h->traces, &h->answered };
  for (int i = 0; i < 6; i++) tl_buf_clear(bufs[i]);
}
/* Open, CONNACK, and SUBACK for the only filter. */
static void h_connect (harness *h, bool present) {
  h_open(h);
  h_takes(h, present ? (const uint8_t *)"\x20\x02\x01\x00" : (const uint8_t *)"\x20\x02\x00\x00",
          4);
  h_flush(h);
  if (h->s->subs.suback_id == 0) return;
  const uint8_t suback[] = { 0x90, 3, (uint8_t)(h->s->subs.suback_id >> 8),
                             (uint8_t)h->s->subs.suback_id, h->filters[0].qos };
  h_takes(h, suback, sizeof suback);
}
static void h_begin (harness *h) { /* the usual beginning */
  h_start(h);
  h_connect(h, false);
  h_forget(h);
}
static void h_up (harness *h, bool clean) {
  h_init(h, clean);
  h_begin(h);
}
static void h_cut (harness *h) {
  tl_session_closed(h->s);
  tl_buf_clear(&h->raw);
}
static void h_reconnect (harness *h, bool present) { /* as far as SUBACK, and all of it forgotten */
  h_cut(h);
  h_connect(h, present);
  h_forget(h);
}
/* a connection as far as CONNACK; what that leads to is to be looked at */
static void h_accept (harness *h, bool present) {
  h_open(h);
  h_forget(h);
  h_takes(h, present ? (const uint8_t *)"\x20\x02\x01\x00" : (const uint8_t *)"\x20\x02\x00\x00",
          4);
}
static tl_session_stats h_stats (const harness *h) {
  tl_session_stats stats;
  tl_session_get_stats(h->s, &stats);
  return stats;
}

/* --- time: from now on nothing fails for `ms`; or it fails in the last of them, and `part` is
** why --- */

static void h_lasts (harness *h, int64_t ms) {
  if (h_wait(h, ms) != TL_OK)
    fail_msg("after less than %lld ms: %ld '%s'", (long long)ms, h->rc, tl_session_error(h->s));
}
static void h_times_out (harness *h, int64_t ms, const char *part) {
  h_lasts(h, ms - 1);
  if (h_wait(h, 1) != TL_ETIMEOUT || !strstr(tl_session_error(h->s), part))
    fail_msg("expected '%s' after %lld ms, got %ld '%s'", part, (long long)ms, h->rc,
             tl_session_error(h->s));
}
static int h_publish (harness *h, const char *topic, const char *payload, uint8_t qos, int token) {
  return tl_session_publish(h->s, tl_slice_str(topic), tl_slice_str(payload), qos, false,
                            (void *)(intptr_t)token, NULL);
}
/* A PUBLISH from the broker. */
static void h_message_in (harness *h, const char *topic, const char *payload, uint8_t qos, bool dup,
                          uint16_t id) {
  size_t n = tl_publish_size(strlen(topic), strlen(payload), qos);
  uint8_t *packet = malloc(n);
  assert_non_null(packet);
  tl_build_publish(packet, tl_slice_str(topic), tl_slice_str(payload), qos, false, id, NULL);
  if (dup) packet[0] |= TL_PUBLISH_DUP;
  h_takes(h, packet, n);
  free(packet);
}
static void h_ack_in (harness *h, uint8_t type, uint16_t id) {
  const uint8_t packet[] = { (uint8_t)(type << 4 | (type == TL_PUBREL ? 2 : 0)), 2,
                             (uint8_t)(id >> 8), (uint8_t)id };
  h_takes(h, packet, sizeof packet);
}

/* --- each test with a harness of its own, which is gone behind it whether it passed or not --- */

static int h_setup (void **state, bool clean, bool up) {
  harness *h = malloc(sizeof *h);
  if (!h) return -1;
  *state = h;
  h_init(h, clean);
  if (up) h_begin(h);
  return 0;
}
static int h_setup_up (void **state) { return h_setup(state, false, true); }
static int h_setup_up_clean (void **state) { return h_setup(state, true, true); }
static int h_setup_new (void **state) { return h_setup(state, false, false); }
static int h_setup_new_clean (void **state) { return h_setup(state, true, false); }
static int h_teardown (void **state) {
  h_fini(*state);
  free(*state);
  return 0;
}

/* Not every spec uses all of it. */
static inline void harness_unused (void) {
  (void)h_wait;
  (void)h_noticed;
  (void)h_fails;
  (void)h_up;
  (void)h_cut;
  (void)h_publish;
  (void)h_message_in;
  (void)h_ack_in;
  (void)h_fini;
  (void)h_events_at;
  (void)h_sent_at;
  (void)same_text;
  (void)h_connect;
  (void)h_forget;
  (void)h_init;
  (void)h_start;
  (void)h_reconnect;
  (void)h_accept;
  (void)h_stats;
  (void)h_times_out;
  (void)h_setup_up;
  (void)h_setup_up_clean;
  (void)h_setup_new;
  (void)h_setup_new_clean;
  (void)h_teardown;
}

#endif

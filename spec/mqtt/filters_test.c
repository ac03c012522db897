/* Topic filters: SUBSCRIBE, its answers, and what happens when they change. */
#include "mqtt/harness.h"

static void ask_for_three (harness *h) {
  h->filters[0] = (tl_subscription){ TL_LIT("a/#"), 2 };
  h->filters[1] = (tl_subscription){ TL_LIT("$share/g/b"), 1 };
  h->filters[2] = (tl_subscription){ TL_LIT("c"), 0 };
  h->p.filter_count = 3;
  h_start(h);
  h_accept(h, false);
  SENT(h, "SUBSCRIBE id=1 \"a/#\" qos=2 \"$share/g/b\" qos=1 \"c\" qos=0\n");
  h_forget(h);
}

static int three_filters (void **state) { /* asked for, and not answered yet */
  h_setup_new(state);
  ask_for_three(*state);
  return 0;
}

#define SPEC_AGAIN(name, function) \
  { name, function, three_filters_again, h_teardown, NULL }
#define SPEC_THREE(name, function) \
  { name, function, three_filters, h_teardown, NULL }

static void granted (void **state) {
  harness *h = *state;
  h_takes(h, BYTES("\x90\x05\x00\x01\x02\x01\x00"));
  EVENTS(h, "subscribed 2 1 0\n");
  assert_int_equal(h->notices.len, 0);
}

static void refused_and_downgraded (void **state) {
  harness *h = *state;
  h_takes(h, BYTES("\x90\x05\x00\x01\x01\x80\x00"));
  EVENTS(h, "subscribed 1 128 0\n");
  same_text(
      &h->notices,
      "2 granted QoS 1 for 'a/#', QoS 2 was wanted\n3 filter '$share/g/b' refused by the broker\n",
      "notices", __LINE__);
}

static void all_refused (void **state) {
  harness *h = *state;
  h_takes(h, BYTES("\x90\x05\x00\x01\x80\x80\x80"));
  assert_true(h_noticed(h, "3 filter 'a/#' refused"));
  assert_true(h_noticed(h, "3 filter 'c' refused"));
  EVENTS(h, "subscribed 128 128 128\n");
  assert_true(tl_session_is_connected(h->s));
  assert_int_equal(h_wait(h, 3600000), TL_OK); /* without ask_again_ms: never again */
  SENT(h, "");
}

static int three_filters_again (void **state) { /* refused ones are asked for again */
  h_setup_new(state);
  harness *h = *state;
  h->p.ask_again_ms = 1000;
  h->p.ask_again_max_ms = 3000;
  ask_for_three(h);
  return 0;
}

static void refused_ones_alone_are_asked_for_again (void **state) {
  harness *h = *state;
  h_takes(h, BYTES("\x90\x05\x00\x01\x80\x01\x80"));
  EVENTS(h, "subscribed 128 1 128\n");
  assert_int_equal(h_wait(h, 999), TL_OK);
  SENT(h, "");
  assert_int_equal(h_wait(h, 1), TL_OK);
  SENT(h, "SUBSCRIBE id=2 \"a/#\" qos=2 \"c\" qos=0\n");
  h_takes(h, BYTES("\x90\x04\x00\x02\x80\x00"));
  EVENTS(h, "subscribed 128 1 0\n");
  same_text(&h->answered, "a/#=128\n$share/g/b=1\nc=0\n", "answered", __LINE__);
  assert_int_equal(h_wait(h, 1999), TL_OK); /* doubled … */
  SENT(h, "");
  assert_int_equal(h_wait(h, 1), TL_OK);
  SENT(h, "SUBSCRIBE id=3 \"a/#\" qos=2\n");
  h_takes(h, BYTES("\x90\x03\x00\x03\x80"));
  assert_int_equal(h_wait(h, 2999), TL_OK); /* … up to the second time */
  SENT(h, "");
  assert_int_equal(h_wait(h, 1), TL_OK);
  SENT(h, "SUBSCRIBE id=4 \"a/#\" qos=2\n");
  h_takes(h, BYTES("\x90\x03\x00\x04\x02"));
  EVENTS(h, "subscribed 128 1 0\nsubscribed 2 1 0\n");
  assert_int_equal(h_wait(h, 3600000), TL_OK);
  SENT(h, "");
}

static void a_refusal_is_said_once_until_it_is_granted (void **state) {
  static const uint8_t codes[] = { 0x80, 0x80, 0x80, 1, 0x80 };
  const char *refused = "3 filter '$share/g/b' refused by the broker; tagline subscribes to it "
                        "again later (logged once)\n";
  harness *h = *state;
  tl_buf want, said;
  tl_buf_init(&want);
  tl_buf_init(&said);
  for (uint8_t i = 0; i < 5; i++) { /* whatever connections come and go */
    const uint8_t suback[] = { 0x90, 5, 0, (uint8_t)(i + 1), 2, codes[i], 0 };
    h_takes(h, suback, sizeof suback);
    tl_buf_slice(&said, tl_buf_bytes(&h->notices));
    h_cut(h);
    h_accept(h, true);
    h_forget(h);
  }
  tl_buf_fmt(&want, "%s1 filter '$share/g/b' is granted now\n%s", refused, refused);
  tl_buf_byte(&want, '\0');
  same_text(&said, (char *)want.at, "notices", __LINE__);
  tl_buf_fini(&want);
  tl_buf_fini(&said);
}

static void filters_that_were_changed_are_not_asked_for_again (void **state) {
  harness *h = *state;
  h_takes(h, BYTES("\x90\x05\x00\x01\x02\x80\x00"));
  const tl_subscription same[] = { h->filters[0], h->filters[1], h->filters[2] };
  assert_int_equal(tl_session_set_filters(h->s, same, 3), TL_OK); /* a reload that changed others */
  assert_int_equal(h_wait(h, 1000), TL_OK);
  SENT(h, "SUBSCRIBE id=2 \"$share/g/b\" qos=1\n");
  h_takes(h, BYTES("\x90\x03\x00\x02\x80"));
  assert_int_equal(tl_session_set_filters(h->s, same, 2), TL_OK);
  assert_int_equal(h_wait(h, 3600000), TL_OK);
  SENT(h, "");
}

static bool begins_with_a (void *ctx, tl_slice filter) {
  (void)ctx;
  return filter.at[0] == 'a';
}

/* A broker sends what it retains again at each SUBSCRIBE [MQTT-3.8.4-3]. */
static void filters_are_asked_for_once_more (void **state) {
  harness *h = *state;
  assert_int_equal(tl_session_ask_again(h->s, begins_with_a, NULL), 1); /* waits for SUBACK */
  assert_int_equal(h_wait(h, 10), TL_OK);
  SENT(h, "");
  h_takes(h, BYTES("\x90\x05\x00\x01\x01\x80\x00"));
  assert_int_equal(h_wait(h, 0), TL_OK);
  SENT(h, "SUBSCRIBE id=2 \"a/#\" qos=2\n");
  h_takes(h, BYTES("\x90\x03\x00\x02\x01"));
  EVENTS(h, "subscribed 1 128 0\nsubscribed 1 128 0\n");
  same_text(
      &h->notices, /* what is as it was is not said again */
      "2 granted QoS 1 for 'a/#', QoS 2 was wanted\n3 filter '$share/g/b' refused by the broker; "
      "tagline subscribes to it again later (logged once)\n",
      "notices", __LINE__);
  h_cut(h);
  assert_int_equal(tl_session_ask_again(h->s, begins_with_a, NULL), 0);
}

static void too_few_codes (void **state) {
  h_fails(*state, BYTES("\x90\x04\x00\x01\x00\x00"), TL_EMALFORMED, "2 return codes for 3 filters");
}

static void too_many_codes (void **state) {
  h_fails(*state, BYTES("\x90\x06\x00\x01\x00\x00\x00\x00"), TL_EMALFORMED,
          "4 return codes for 3 filters");
}

static void answers_with_another_identifier (void **state) {
  harness *h = *state;
  h_takes(h, BYTES("\x90\x03\x00\x09\x01")); /* SUBACK, wrong identifier */
  h_takes(h, BYTES("\xb0\x02\x00\x01"));     /* UNSUBACK with SUBSCRIBE's identifier */
  h_takes(h, BYTES("\x40\x02\x00\x01"));     /* PUBACK with it */
  EVENTS(h, "");
  h_takes(h, BYTES("\x90\x05\x00\x01\x02\x01\x00")); /* the answer still counts */
  EVENTS(h, "subscribed 2 1 0\n");
  h_takes(h, BYTES("\x90\x05\x00\x01\x02\x01\x00")); /* twice: nobody waits for it */
  EVENTS(h, "");
  assert_int_equal(h_stats(h).unknown_acks, 4);
}

static void no_answer_but_another_identifier (void **state) {
  harness *h = *state;
  h->now += 19999;
  h_takes(h, BYTES("\x90\x03\x00\x09\x01"));
  h->now += 1;
  assert_int_equal(tl_session_tick(h->s, h->now), TL_ETIMEOUT);
  assert_non_null(strstr(tl_session_error(h->s), "no SUBACK"));
}

static void change (harness *h, const char *one, const char *two) {
  const tl_subscription next[] = { { tl_slice_str(one), 1 }, { tl_slice_str(two), 1 } };
  assert_int_equal(tl_session_set_filters(h->s, next, 2), TL_OK);
}

static void changed_filters_wait_for_the_next_connection (void **state) {
  (void)state;
  for (int present = 0; present < 2; present++) {
    harness h;
    h_init(&h, false);
    ask_for_three(&h);
    assert_false(tl_session_filters_wait(h.s));
    change(&h, "c", "new");
    assert_true(tl_session_filters_wait(h.s));
    h_takes(&h, BYTES("\x90\x05\x00\x01\x02\x01\x00")); /* still answers the old ones */
    EVENTS(&h, "subscribed 2 1 0\n");
    SENT(&h, "");
    h_cut(&h);
    assert_false(tl_session_filters_wait(h.s)); /* there is no connection to wait in */
    h_accept(&h, present);
    assert_false(tl_session_filters_wait(h.s));
    tl_buf words;
    tl_buf_init(&words);
    h_flush(&h);
    h_words(&h, &words);
    tl_buf_byte(&words, 0);
    const char *text = (const char *)words.at; /* the order within UNSUBSCRIBE does not matter */
    assert_true(strncmp(text, "UNSUBSCRIBE id=2 ", 17) == 0);
    assert_true(strstr(text, "\"a/#\"") && strstr(text, "\"$share/g/b\""));
    assert_non_null(strstr(text, "\nSUBSCRIBE id=3 \"c\" qos=1 \"new\" qos=1\n"));
    tl_buf_fini(&words);
    h_takes(&h, BYTES("\xb0\x02\x00\x02\x90\x04\x00\x03\x01\x01"));
    assert_non_null(memmem(h.store.at, h.store.len, "f gone seq0 id0 3\n", 18));
    h_cut(&h);
    h_accept(&h, true);
    SENT(&h, "SUBSCRIBE id=4 \"c\" qos=1 \"new\" qos=1\n"); /* unsubscribed once is enough */
    h_fini(&h);
  }
}

/* Whoever names a refused filter must not name one that nobody asked for. */
static void an_answer_comes_with_the_filters_that_were_asked (void **state) {
  harness *h = *state;
  change(h, "x/#", "y/#");
  h_takes(h, BYTES("\x90\x05\x00\x01\x02\x80\x00"));
  same_text(&h->answered, "a/#=2\n$share/g/b=128\nc=0\n", "answered", __LINE__);
}

static void unsubscribe_is_repeated_until_it_is_answered (void **state) {
  harness *h = *state;
  change(h, "x", "y");
  for (int i = 0; i < 2; i++) {
    h_cut(h);
    h_accept(h, true);
    if (i == 0)
      SENT(h, "UNSUBSCRIBE id=2 \"#\"\nSUBSCRIBE id=3 \"x\" qos=1 \"y\" qos=1\n");
    else
      SENT(h, "UNSUBSCRIBE id=4 \"#\"\nSUBSCRIBE id=5 \"x\" qos=1 \"y\" qos=1\n");
  }
  h->now += 20000;
  assert_int_equal(tl_session_tick(h->s, h->now), TL_ETIMEOUT);
}

static void no_acknowledgement_has_unsubscribes_identifier (void **state) {
  harness *h = *state;
  change(h, "x", "y");
  h_cut(h);
  h_accept(h, true);
  SENT(h, "UNSUBSCRIBE id=2 \"#\"\nSUBSCRIBE id=3 \"x\" qos=1 \"y\" qos=1\n");
  h_ack_in(h, TL_PUBACK, 2);
  h_ack_in(h, TL_PUBCOMP, 2);
  h_ack_in(h, TL_PUBREC, 2);
  SENT(h, "PUBREL id=2\n");
  assert_int_equal(h_stats(h).unknown_acks, 3);
  h_takes(h, BYTES("\xb0\x02\x00\x02")); /* the answer still counts */
  assert_int_equal(h_stats(h).unknown_acks, 3);
}

static void wanted_again (void **state) {
  harness *h = *state;
  change(h, "x", "y");
  const tl_subscription old = { TL_LIT("#"), 1 };
  assert_int_equal(tl_session_set_filters(h->s, &old, 1), TL_OK);
  /* changes nothing */
  assert_int_equal(tl_session_set_filters(h->s, &(tl_subscription){ TL_LIT("a#"), 1 }, 1),
                   TL_EMALFORMED);
  h_cut(h);
  h_accept(h, true);
  SENT(h, "SUBSCRIBE id=2 \"#\" qos=1\n");
}

static void none_wanted_any_more (void **state) {
  harness *h = *state;
  assert_int_equal(tl_session_set_filters(h->s, NULL, 0), TL_OK);
  h_cut(h);
  h_open(h);
  h_forget(h);
  h_takes(h, BYTES("\x20\x02\x01\x00\xb0\x02\x00\x02"));
  SENT(h, "UNSUBSCRIBE id=2 \"#\"\n");
  EVENTS(h, "connected 1\nsubscribed\n");
}

static void many (void **state) {
  enum { N = 10000 };
  harness *h = *state;
  tl_subscription *filters = calloc(N, sizeof *filters);
  char(*names)[16] = calloc(N, sizeof *names);
  assert_true(filters && names);
  for (int i = 0; i < N; i++) {
    snprintf(names[i], sizeof names[i], "d/%d/up", i);
    filters[i] = (tl_subscription){ tl_slice_str(names[i]), 1 };
  }
  h->p.filters = filters;
  h->p.filter_count = N;
  h_start(h);
  h_accept(h, false);
  assert_int_equal(h->s->subs.asked->n, N);
  uint8_t *suback = calloc(1, 6 + N);
  assert_non_null(suback);
  size_t at = tl_build_header(suback, 0x90, 2 + N);
  suback[at + 1] = 1;
  h_takes(h, suback, at + 2 + N);
  assert_int_equal(h->events.len, strlen("connected 0\nsubscribed\n") + 2 * N);
  free(suback);
  free(filters);
  free(names);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC_THREE("granted as wanted", granted),
    SPEC_THREE("refused and downgraded filters are named", refused_and_downgraded),
    SPEC_THREE("a connection stays when all are refused", all_refused),
    SPEC_AGAIN("refused ones alone are asked for again", refused_ones_alone_are_asked_for_again),
    SPEC_AGAIN("a refusal is said once until it is granted",
               a_refusal_is_said_once_until_it_is_granted),
    SPEC_AGAIN("filters that were changed are not asked for again",
               filters_that_were_changed_are_not_asked_for_again),
    SPEC_AGAIN("[MQTT-3.8.4-3] filters are asked for once more", filters_are_asked_for_once_more),
    SPEC_THREE("[MQTT-4.8.0-1] too few codes", too_few_codes),
    SPEC_THREE("[MQTT-4.8.0-1] too many codes", too_many_codes),
    SPEC_THREE("[MQTT-2.3.1-7] [MQTT-3.8.4-2] answers count by their identifier",
               answers_with_another_identifier),
    SPEC_THREE("[MQTT-3.8.4-2] another identifier is no answer", no_answer_but_another_identifier),
    SPEC("changed filters wait for the next connection, UNSUBSCRIBE before SUBSCRIBE",
         changed_filters_wait_for_the_next_connection),
    SPEC_THREE("an answer comes with the filters that were asked",
               an_answer_comes_with_the_filters_that_were_asked),
    SPEC_UP("UNSUBSCRIBE is repeated until it is answered",
            unsubscribe_is_repeated_until_it_is_answered),
    SPEC_UP("[MQTT-2.3.1-7] no acknowledgement of a message has UNSUBSCRIBE's identifier",
            no_acknowledgement_has_unsubscribes_identifier),
    SPEC_UP("a filter that is wanted again is not unsubscribed", wanted_again),
    SPEC_UP("[MQTT-3.8.3-3] [MQTT-3.10.3-2] none wanted any more", none_wanted_any_more),
    SPEC_NEW("ten thousand filters", many),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

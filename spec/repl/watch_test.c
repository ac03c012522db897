/* spec/repl/watch_test.c — what watch() shows of values and messages while it runs: how each looks,
** what is left out, and what ends it. */
#include "running.h"

#include "base/clock.h"

static const char *running_config =
    "line 'l' { host = '127.0.0.1', topic_filter = '#',\n"
    "  station 's' { address = 's', payload_type = 'JSON', tags = {\n"
    "    n = Ai { 'JA=n', unit = '°C' }, t = TxtI 'JA=t', d = Di 'JA=d' } },\n"
    "  station 'raw' { address = 'raw', tags = { b = TxtI 'IN_DATA' } },\n"
    "  station 'old' { address = 'old', ignore_retained = true, tags = { v = Ci 'IN_DATA' } },\n"
    "  station 'off' { address = 'off', off = true, tags = { v = Ci 'IN_DATA' } },\n"
    "  station 'sim' { address = 'sim', simulate = true, tags = { v = Ci 'IN_DATA' } },\n"
    "  station 'w' { address = 'w', station_will_topic = 'w/will', tags = { v = Ci 'IN_DATA' } },\n"
    "  station 'd-{x}' { address = 'd/(?<x>.+)', max_instances = 1, tags = { v = Ci 'IN_DATA' } } "
    "}\n";

static answer a;
static tl_eval *e;

static void watches (const char *code) {
  a = (answer){ .dones = 0 };
  assert_int_equal(tl_eval_new(&e, script, &events, &a), TL_OK);
  tl_eval_run(e, tl_slice_str(code), false);
  turn();
}

static void is_over (void) {
  int64_t end = tl_clock_mono_ms() + 90000;
  while (a.dones == 0 && tl_clock_mono_ms() < end) turn();
  assert_int_equal(a.dones, 1);
  if (!a.ok) fail_msg("%s", a.text);
  tl_eval_free(e);
}

static void shows (const char *text) {
  if (!strstr(a.seen, text)) fail_msg("no \"%s\" in:\n%s", text, a.seen);
}

static void values_as_they_come (void **unused) {
  (void)unused;
  watches("watch { 'l.s.*', 'l.raw.b', count = 6 }");
  feed("s", "{\"n\":21.5,\"t\":\"a\\nb\\u0007\\u0085\",\"d\":true}");
  feed("s", "{\"n\":\"x\",\"t\":\"a\\nb\\u0007\\u0085\",\"d\":true}");
  feed_as("raw", TL_LIT("\x00\xff\x01"), false, running_wall);
  feed("old", "5"); /* not asked for */
  feed("s", "{\"n\":3,\"t\":\"a\\nb\\u0007\\u0085\",\"d\":true}");
  is_over();
  shows("l.s.n");
  shows("21.5 °C");
  shows("invalid");
  shows("true");
  assert_null(strstr(a.seen, "l.old.v"));
  assert_null(strchr(a.seen, 7)); /* nothing moves a terminal */
}

static void values_as_json (void **unused) {
  (void)unused;
  watches("watch { 'l.s.n', json = true, count = 1 }");
  feed("s", "{\"n\":21.5}");
  is_over();
  shows("\"tag\":\"l.s.n\"");
  shows("\"value\":21.5");
}

static void messages_and_where_they_went (void **unused) {
  (void)unused;
  watches("watch { topic = '#', count = 9 }");
  feed("s", "{\"n\":1}");
  feed("none", "x");
  feed("w/will", "");
  feed("off", "1");
  feed("sim", "1");
  feed_as("old", TL_LIT("1"), true, running_wall);
  feed("d/a", "1");
  feed("d/b", "1");
  feed_as("raw", TL_LIT("\x00\x01\xfe"), false, running_wall);
  is_over();
  shows("{\"n\":1}");
  shows("which is off");
  shows("simulation");
  shows("retained");
  shows("l.d-a");
  shows("00 01 fe");
}

static void messages_as_json (void **unused) {
  (void)unused;
  watches("watch { topic = 's', json = true, count = 1 }");
  feed("none", "x");
  feed("s", "{\"n\":1}");
  is_over();
  shows("\"topic\":\"s\"");
  assert_null(strstr(a.seen, "none"));
}

static void what_is_too_much_is_counted (void **unused) {
  (void)unused;
  char payload[20];
  watches("watch { 'l.s.n', rate = 2 }");
  for (int i = 0; i < 50; i++) {
    snprintf(payload, sizeof payload, "{\"n\":%d}", i);
    feed("s", payload);
  }
  tl_eval_entered(e); /* Enter ends it */
  is_over();
  shows("48");
}

static void a_time_ends_it (void **unused) {
  (void)unused;
  watches("watch { 'l.s.n', seconds = 0.01 }");
  is_over();
  feed("s", "{\"n\":5}");
  assert_string_equal(a.seen, "");
}

static void one_that_was_cancelled_leaves_nothing (void **unused) {
  (void)unused;
  watches("watch { 'l.s.n', count = 1 }");
  tl_eval_cancel(e); /* before anything came */
  turn();
  assert_int_equal(a.dones, 1);
  assert_false(a.ok);
  tl_eval_free(e);
  watches("watch { 'l.s.n', count = 1 }");
  feed("s", "{\"n\":5}");
  is_over();
  shows("5");
}

static void what_is_no_watch_is_said (void **unused) {
  (void)unused;
  static const char *const cases[][2] = {
    { "watch { 'l.s.n', cuont = 1 }", "unknown option 'cuont'" },
    { "watch { 'l.s.n', count = 0 }", "count: expected" },
    { "watch { 'l.s.n', rate = 1.5 }", "rate: expected" },
    { "watch { 'l.s.n', topic = 'a' }", "either names of tags or a topic" },
    { "watch { topic = 5 }", "topic: expected a topic filter" },
    { "watch { topic = 'a#' }", "topic: " },
  };
  for (size_t i = 0; i < COUNT(cases); i++) fails_with(cases[i][0], cases[i][1]);
}

#define SPEC(f) cmocka_unit_test_setup_teardown(f, begin_all, end_all)

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(values_as_they_come),
    SPEC(values_as_json),
    SPEC(messages_and_where_they_went),
    SPEC(messages_as_json),
    SPEC(what_is_too_much_is_counted),
    SPEC(a_time_ends_it),
    SPEC(one_that_was_cancelled_leaves_nothing),
    SPEC(what_is_no_watch_is_said),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}

/* spec/dial/repeats_test.c — failures of a connection in the log */
#include <stdio.h>

#include "dial/dial.h"
#include "support/spec.h"

static char logged[64][700];
static int lines;

static void keep (void *ctx, tl_log_level level, const char *line) {
  (void)ctx;
  (void)level;
  snprintf(logged[lines++ % 64], sizeof logged[0], "%s", line);
}

static void fails (tl_dial *d, const char *text, int64_t now) {
  tl_dial_log_failure(d, TL_LOG_WARN, text, now);
}

static tl_dial *set_up (void) {
  static tl_dial d;
  d = (tl_dial){ .by.scope = "plant" };
  lines = 0;
  tl_log_set_sink(keep, NULL);
  return &d;
}

static void is_told_ten_times_and_then_once_a_minute (void **state) {
  tl_dial *d = set_up();
  (void)state;
  for (int i = 0; i < 400; i++) fails(d, "connection refused", i * 100);
  assert_int_equal(lines, 10);
  assert_non_null(strstr(logged[9], "WARN  plant: connection refused"));
  fails(d, "connection refused", 61000);
  assert_int_equal(lines, 11);
  assert_non_null(strstr(logged[10], "connection refused (391 times in the last 60 s)"));
  fails(d, "connection refused", 62000);
  assert_int_equal(lines, 11);
  tl_log_set_sink(NULL, NULL);
}

static void addresses_in_turn_are_told_each (void **state) {
  tl_dial *d = set_up();
  (void)state;
  for (int i = 0; i < 400; i++) fails(d, i % 2 ? "a: refused" : "b: refused", i * 100);
  assert_int_equal(lines, 20);
  fails(d, "c: timed out", 50000);
  assert_int_equal(lines, 21);
  tl_log_set_sink(NULL, NULL);
}

static void is_told_at_once_after_a_connection_that_held (void **state) {
  tl_dial *d = set_up();
  (void)state;
  for (int i = 0; i < 30; i++) fails(d, "connection refused", i * 100);
  tl_dial_forget_failures(d);
  fails(d, "connection refused", 4000);
  assert_int_equal(lines, 11);
  assert_null(strstr(logged[10], "times"));
  tl_log_set_sink(NULL, NULL);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(is_told_ten_times_and_then_once_a_minute),
    cmocka_unit_test(addresses_in_turn_are_told_each),
    cmocka_unit_test(is_told_at_once_after_a_connection_that_held),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

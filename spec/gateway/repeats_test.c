/* spec/gateway/repeats_test.c — failures of a connection in the log */
#include <stdio.h>

#include "gateway/address_impl.h"
#include "gateway/link_impl.h"
#include "support/spec.h"

static char logged[64][700];
static int lines;

static void keep (void *ctx, tl_log_level level, const char *line) {
  (void)ctx;
  (void)level;
  snprintf(logged[lines++ % 64], sizeof logged[0], "%s", line);
}

static void fails (tl_link *l, const char *text, int64_t now) {
  snprintf(l->conn.error, sizeof l->conn.error, "%s", text);
  l->time.now = now;
  tl_link_log_failure(l, TL_LOG_WARN);
}

static tl_link *set_up (void) {
  static tl_line line = { .name = (char *)"plant" };
  static tl_link l;
  l = (tl_link){ .line = &line };
  lines = 0;
  tl_log_set_sink(keep, NULL);
  return &l;
}

static void is_told_ten_times_and_then_once_a_minute (void **state) {
  tl_link *l = set_up();
  (void)state;
  for (int i = 0; i < 400; i++) fails(l, "connection refused", i * 100);
  assert_int_equal(lines, 10);
  assert_non_null(strstr(logged[9], "WARN  plant: connection refused"));
  fails(l, "connection refused", 61000);
  assert_int_equal(lines, 11);
  assert_non_null(strstr(logged[10], "connection refused (391 times in the last 60 s)"));
  fails(l, "connection refused", 62000);
  assert_int_equal(lines, 11);
  tl_log_set_sink(NULL, NULL);
}

static void addresses_in_turn_are_told_each (void **state) {
  tl_link *l = set_up();
  (void)state;
  for (int i = 0; i < 400; i++) fails(l, i % 2 ? "a: refused" : "b: refused", i * 100);
  assert_int_equal(lines, 20);
  fails(l, "c: timed out", 50000);
  assert_int_equal(lines, 21);
  tl_log_set_sink(NULL, NULL);
}

static void is_told_at_once_after_a_connection_that_held (void **state) {
  tl_link *l = set_up();
  (void)state;
  for (int i = 0; i < 30; i++) fails(l, "connection refused", i * 100);
  tl_link_forget_failures(l);
  fails(l, "connection refused", 4000);
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

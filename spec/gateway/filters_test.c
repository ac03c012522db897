/* The topic filters of a line: which they are, each once, in a time that grows with their
** number only, and what is left when memory ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "support/spare_memory.h"

#define malloc spare_malloc
#define free spare_free
#include "gateway/filter_index.c"
#include "gateway/session.c"
#undef malloc
#undef free

static tl_line_params params (void) {
  static tl_slice texts[2];
  texts[0] = tl_slice_str("a/#");
  texts[1] = tl_slice_str("b/up");
  return (tl_line_params){ .topic_filter = { texts, 2 }, .subscribe_qos = 1 };
}

/* A line of stations that are only addresses. */
typedef struct {
  tl_line line;
  tl_station *stations, **list;
} fake_line;

static void fake_init (fake_line *f, uint32_t n, const char *const *addresses) {
  f->stations = test_calloc(n + 1, sizeof *f->stations);
  f->list = test_calloc(n + 1, sizeof *f->list);
  for (uint32_t i = 0; i < n; i++) {
    f->stations[i].address = (char *)(uintptr_t)addresses[i];
    f->stations[i].settings.subscribe_address = true;
    f->list[i] = &f->stations[i];
  }
  f->line = (tl_line){ .stations = f->list, .station_count = n };
}

static void fake_fini (fake_line *f) {
  test_free(f->stations);
  test_free(f->list);
}

static void each_once_and_in_order (void **state) {
  const char *addresses[] = { "c/up", "b/up", "d/[0-9]+", "c/up", "e/##", "f/.*", "none" };
  tl_line_params p = params();
  tl_filters f;
  fake_line line;
  tl_buf out;
  (void)state;
  fake_init(&line, 7, addresses);
  line.stations[6].settings.subscribe_address = false;
  tl_buf_init(&out);
  assert_int_equal(tl_filters_make(&f, &p, &line.line), TL_OK);
  for (size_t i = 0; i < f.n; i++)
    tl_buf_fmt(&out, "%.*s=%u ", TL_ARG(f.at[i].filter), f.at[i].qos);
  tl_buf_byte(&out, '\0');
  assert_string_equal((char *)out.at, "a/#=1 b/up=1 c/up=1 ");
  tl_buf_fini(&out);
  tl_filters_fini(&f);
  fake_fini(&line);
}

static void none_at_all (void **state) {
  tl_line_params p = { .subscribe_qos = 0 };
  tl_line line = { .station_count = 0 };
  tl_filters f = { .n = 7 };
  (void)state;
  assert_int_equal(tl_filters_make(&f, &p, &line), TL_OK);
  assert_int_equal(f.n, 0);
  tl_filters_fini(&f);
}

static double processor_seconds (void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* 40,000 addresses compared with each other would take a minute. */
static void many_stations (void **state) {
  enum { N = 40000, WIDTH = 24 };
  char *names = test_calloc(N, WIDTH);
  const char **addresses = test_calloc(N, sizeof *addresses);
  tl_line_params p = params();
  tl_filters f;
  fake_line line;
  (void)state;
  for (int i = 0; i < N; i++) {
    snprintf(names + i * WIDTH, WIDTH, "station/%05d/up", i);
    addresses[i] = names + i * WIDTH;
  }
  fake_init(&line, N, addresses);
  double began = processor_seconds();
  assert_int_equal(tl_filters_make(&f, &p, &line.line), TL_OK);
  assert_true(processor_seconds() - began < 2);
  assert_int_equal(f.n, N + 2);
  tl_filters_fini(&f);
  fake_fini(&line);
  test_free(names);
  test_free(addresses);
}

static bool takes (tl_filters *f, const char *topic) {
  return tl_filters_take(f, tl_slice_str(topic));
}

/* With an index, and where there is no memory for one. */
static void tells_which_topics_come (void **state) {
  const char *addresses[] = { "c/up", "d/+/up", "$share/g/e/up", "$SYS/uptime" };
  tl_line_params p = params();
  tl_filters f;
  fake_line line;
  (void)state;
  fake_init(&line, 4, addresses);
  assert_int_equal(tl_filters_make(&f, &p, &line.line), TL_OK);
  for (int round = 0; round < 2; round++) {
    countdown = round == 0 ? 0 : -1;
    assert_true(takes(&f, "a"));
    assert_true(takes(&f, "a/x/y"));
    assert_true(takes(&f, "b/up"));
    assert_true(takes(&f, "c/up"));
    assert_true(takes(&f, "d/7/up"));
    assert_true(takes(&f, "e/up"));
    assert_true(takes(&f, "$SYS/uptime"));
    assert_false(takes(&f, "c/upper"));
    assert_false(takes(&f, "d/up"));
    assert_false(takes(&f, "$SYS"));
  }
  tl_filters_fini(&f);
  fake_fini(&line);
}

static void no_memory_changes_nothing (void **state) {
  const char *addresses[] = { "c/up" };
  tl_line_params p = params();
  tl_filters before = { .n = 3 }, f = before;
  fake_line line;
  (void)state;
  fake_init(&line, 1, addresses);
  countdown = 0;
  assert_int_equal(tl_filters_make(&f, &p, &line.line), TL_ENOMEM);
  countdown = -1;
  assert_int_equal(f.n, before.n);
  assert_int_equal(blocks, 0);
  fake_fini(&line);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(each_once_and_in_order),    cmocka_unit_test(none_at_all),
    cmocka_unit_test(tells_which_topics_come),   cmocka_unit_test(many_stations),
    cmocka_unit_test(no_memory_changes_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

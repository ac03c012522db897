/* Which stations can hear nothing when the broker refused topic filters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "support/spare_memory.h"

#define malloc spare_malloc
#define free spare_free
#include "gateway/fed.c"
#undef malloc
#undef free

typedef struct {
  tl_model model;
  tl_line line;
  tl_link link;
  tl_station stations[4], *list[4];
} world;

static const char *const addresses[] = { "a/1", "b/1", "b/.*", "other" };

static int set_up (void **state) {
  world *w = test_calloc(1, sizeof *w);
  for (int i = 0; i < 4; i++) {
    w->list[i] = &w->stations[i];
    w->stations[i] = (tl_station){ .address = (char *)(uintptr_t)addresses[i],
                                   .line = &w->line,
                                   .status = TL_ST_ON,
                                   .settings.time_filter_ms = 10000 };
  }
  w->line =
      (tl_line){ .stations = w->list, .station_count = 4, .model = &w->model, .subscribed = true };
  w->link.line = &w->line;
  *state = w;
  return 0;
}

static int tear_down (void **state) {
  test_free(*state);
  return 0;
}

/* Each station: 1 when it can hear something. */
static void expect (world *w, const char *codes, const char *fed) {
  const tl_subscription filters[] = { { TL_LIT("a/#"), 1 },
                                      { TL_LIT("b/1"), 1 },
                                      { TL_LIT("$share/g/b/+"), 1 } };
  uint8_t granted[3];
  char got[5] = "";
  for (int i = 0; i < 3; i++) granted[i] = codes[i] == 'x' ? TL_GRANTED_NOT : 1;
  tl_link_note_fed(&w->link, filters, granted, 3);
  for (int i = 0; i < 4; i++) {
    got[i] = w->stations[i].status == TL_ST_ON ? '1' : '0';
    assert_int_equal(w->stations[i].unfed, got[i] == '0');
  }
  assert_string_equal(got, fed);
}

static void exact_topics_decide (void **state) {
  world *w = *state;
  expect(w, "111", "1111");
  expect(w, "x11", "0111");
  expect(w, "1x1", "1111"); /* another filter brings b/1, too */
  expect(w, "1xx", "1011"); /* whether an expression is fed nobody can say */
  expect(w, "xxx", "0001"); /* but by no filter at all; `other` never was */
  expect(w, "11x", "1111");
}

static void no_memory_leaves_them_as_they_are (void **state) {
  world *w = *state;
  expect(w, "x11", "0111");
  countdown = 0;
  expect(w, "1xx", "0111");
  countdown = -1;
  expect(w, "1xx", "1011");
  assert_int_equal(blocks, 0);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(exact_topics_decide, set_up, tear_down),
    cmocka_unit_test_setup_teardown(no_memory_leaves_them_as_they_are, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* spec/history/aggregate_test.c — values of intervals: over samples, and over time. */
#include "support/spec.h"

#include "history/aggregate.h"

enum { MOST = 16 };

typedef struct {
  tl_aggregate a;
  tl_interval got[MOST];
  size_t count;
} world;

static bool on_interval (void *ctx, const tl_interval *i) {
  world *w = ctx;
  assert_true(w->count < MOST);
  w->got[w->count++] = *i;
  return true;
}

static void begin (world *w, int64_t from, int64_t to, uint16_t as) {
  *w = (world){
    .a = { .every_ms = 100, .from_ms = from, .to_ms = to, .as = as, .row = on_interval, .ctx = w }
  };
  tl_aggregate_init(&w->a);
}

static void row (world *w, int64_t t, double value) {
  tl_history_row r = { .time_ms = t, .type = TL_AI, .status = TL_VALID, .value.number = value };
  assert_true(tl_aggregate_row(&w->a, &r));
}

static void invalid (world *w, int64_t t) {
  tl_history_row r = { .time_ms = t, .type = TL_AI, .status = TL_INVALID };
  assert_true(tl_aggregate_row(&w->a, &r));
}

#define ALL ((1 << TL_AS_COUNT) - 1)
#define HAS(i, as) ((w.got[i].has & (1 << (as))) != 0)

static void samples_count_by_their_interval (void **state) {
  world w;
  (void)state;
  begin(&w, 0, 300, ALL);
  row(&w, 10, 1);
  row(&w, 50, 3);
  row(&w, 120, 8);
  tl_aggregate_end(&w.a);
  assert_int_equal(w.count, 3);
  assert_true(w.got[0].value[TL_AS_AVG] == 2 && w.got[0].value[TL_AS_MIN] == 1);
  assert_true(w.got[0].value[TL_AS_MAX] == 3 && w.got[0].value[TL_AS_SUM] == 4);
  assert_true(w.got[0].value[TL_AS_FIRST] == 1 && w.got[0].value[TL_AS_LAST] == 3);
  assert_true(w.got[0].value[TL_AS_COUNT_OF] == 2 && w.got[1].value[TL_AS_COUNT_OF] == 1);
  assert_true(w.got[2].value[TL_AS_COUNT_OF] == 0);
  assert_false(HAS(2, TL_AS_AVG));
}

/* A value holds until the next, over the borders of intervals. */
static void time_is_weighed (void **state) {
  world w;
  (void)state;
  begin(&w, 0, 200, ALL);
  row(&w, 0, 10);
  row(&w, 75, 20);
  tl_aggregate_end(&w.a);
  assert_int_equal(w.count, 2);
  assert_true(w.got[0].value[TL_AS_TIME_AVG] == (75 * 10.0 + 25 * 20.0) / 100);
  assert_true(w.got[1].value[TL_AS_TIME_AVG] == 20);
  assert_true(w.got[1].value[TL_AS_GOOD] == 1);
}

static void invalid_time_does_not_count (void **state) {
  world w;
  (void)state;
  begin(&w, 0, 100, ALL);
  row(&w, 0, 10);
  invalid(&w, 50);
  row(&w, 75, 30);
  tl_aggregate_end(&w.a);
  assert_int_equal(w.count, 1);
  assert_true(w.got[0].value[TL_AS_TIME_AVG] == (50 * 10.0 + 25 * 30.0) / 75);
  assert_true(w.got[0].value[TL_AS_GOOD] == 0.75);
}

static void the_held_value_counts_in_time_only (void **state) {
  world w;
  (void)state;
  begin(&w, 150, 200, ALL);
  row(&w, 20, 5); /* held at the begin */
  tl_aggregate_end(&w.a);
  assert_int_equal(w.count, 1);
  assert_int_equal(w.got[0].time_ms, 100); /* a multiple since 1970 */
  assert_true(w.got[0].value[TL_AS_COUNT_OF] == 0);
  assert_true(w.got[0].value[TL_AS_TIME_AVG] == 5 && w.got[0].value[TL_AS_GOOD] == 1);
}

static void empty_intervals_are_left_out (void **state) {
  world w;
  (void)state;
  begin(&w, 0, 100000000, 1 << TL_AS_AVG);
  row(&w, 0, 1);
  row(&w, 99999900, 2);
  tl_aggregate_end(&w.a);
  assert_int_equal(w.count, 2);
  assert_int_equal(w.got[1].time_ms, 99999900);
}

static void other_types_are_numbers_or_only_count (void **state) {
  world w;
  (void)state;
  begin(&w, 0, 100, ALL);
  tl_history_row r = { .time_ms = 1, .type = TL_DI, .status = TL_VALID, .value.boolean = true };
  tl_aggregate_row(&w.a, &r);
  r = (tl_history_row){ .time_ms = 2, .type = TL_QI, .status = TL_VALID, .value.integer = 3 };
  tl_aggregate_row(&w.a, &r);
  r = (tl_history_row){
    .time_ms = 3, .type = TL_TXTI, .status = TL_VALID, .value.text = TL_LIT("x")
  };
  tl_aggregate_row(&w.a, &r);
  tl_aggregate_end(&w.a);
  assert_true(w.got[0].value[TL_AS_COUNT_OF] == 3 && w.got[0].value[TL_AS_SUM] == 4);
  assert_true(w.got[0].value[TL_AS_AVG] == 2 && !w.got[0].is_whole);
  assert_true(w.got[0].value[TL_AS_GOOD] == 0.99);
}

static void texts_have_a_count_and_are_good (void **state) {
  world w;
  (void)state;
  begin(&w, 0, 200, ALL);
  tl_history_row r = {
    .time_ms = 0, .type = TL_TXTI, .status = TL_VALID, .value.text = TL_LIT("x")
  };
  tl_aggregate_row(&w.a, &r);
  invalid(&w, 150);
  tl_aggregate_end(&w.a);
  assert_int_equal(w.got[0].has, 1 << TL_AS_COUNT_OF | 1 << TL_AS_GOOD);
  assert_true(w.got[0].value[TL_AS_COUNT_OF] == 1 && w.got[0].value[TL_AS_GOOD] == 1);
  assert_true(w.got[1].value[TL_AS_COUNT_OF] == 0 && w.got[1].value[TL_AS_GOOD] == 0.5);
}

static void integers_keep_all_bits (void **state) {
  static const int64_t values[] = { INT64_MAX - 1, INT64_MAX, -INT64_MAX, 5 };
  world w;
  (void)state;
  begin(&w, 0, 200, ALL);
  for (int64_t i = 0; i < 4; i++) {
    tl_history_row r = {
      .time_ms = i, .type = TL_CI, .status = TL_VALID, .value.integer = values[i]
    };
    tl_aggregate_row(&w.a, &r);
  }
  row(&w, 110, 1.5); /* a tag that changed its type */
  tl_aggregate_end(&w.a);
  assert_true(w.got[0].is_whole && !w.got[1].is_whole);
  assert_int_equal(w.got[0].whole.first, INT64_MAX - 1);
  assert_int_equal(w.got[0].whole.max, INT64_MAX);
  assert_int_equal(w.got[0].whole.min, -INT64_MAX);
  assert_int_equal(w.got[0].whole.last, 5);
}

/* A day in which the clocks are changed is an hour shorter or longer; hours go on through it. */
static void days_follow_the_zone (void **state) {
  const int64_t hour = 3600000, spring = 100 * 24 * hour + 1 * hour,
                autumn = spring + 5 * 24 * hour;
  const tl_shift shifts[] = { { 0, hour }, { spring, 2 * hour }, { autumn, hour } };
  world w;
  (void)state;
  begin(&w, 99 * 24 * hour, 108 * 24 * hour, 1 << TL_AS_COUNT_OF);
  w.a.every_ms = 24 * hour;
  w.a.shifts = shifts;
  w.a.shift_count = 3;
  tl_aggregate_init(&w.a);
  for (int64_t t = 99 * 24 * hour; t < 108 * 24 * hour; t += hour) row(&w, t, 1);
  tl_aggregate_end(&w.a);
  const double counts[] = { 23, 23, 24, 24, 24, 24, 25, 24, 24, 1 };
  assert_int_equal(w.count, 10);
  for (size_t i = 0; i < 10; i++) assert_true(w.got[i].value[TL_AS_COUNT_OF] == counts[i]);
  assert_true(w.got[1].time_ms == 100 * 24 * hour - hour);
  assert_true(w.got[2].time_ms == 101 * 24 * hour - 2 * hour);
  begin(&w, spring - 2 * hour, spring + 2 * hour, 1 << TL_AS_COUNT_OF);
  w.a.every_ms = hour;
  w.a.shifts = shifts;
  w.a.shift_count = 3;
  tl_aggregate_init(&w.a);
  row(&w, spring, 1);
  tl_aggregate_end(&w.a);
  assert_int_equal(w.count, 4);
  for (size_t i = 0; i < 4; i++) assert_true(w.got[i].value[TL_AS_COUNT_OF] == (i == 2));
}

typedef struct {
  int64_t *counted, *at;
  int is_sum;
} any;

static bool on_any (void *ctx, const tl_interval *i) {
  any *x = ctx;
  assert_true(i->time_ms > *x->at);
  *x->at = i->time_ms;
  *x->counted += (int64_t)i->value[x->is_sum ? TL_AS_SUM : TL_AS_COUNT_OF];
  return true;
}

/* Clocks of this many changes, which show hours since 1970: rows each quarter of an hour, and how
** many of them each day has. */
static void days_have (const tl_shift *shifts, size_t n, const double *counts) {
  const int64_t hour = 3600000, from = 98 * 24 * hour - shifts[0].offset_ms;
  world w;
  begin(&w, from, from + 5 * 24 * hour, 1 << TL_AS_COUNT_OF);
  w.a.every_ms = 24 * hour;
  w.a.shifts = shifts;
  w.a.shift_count = n;
  tl_aggregate_init(&w.a);
  for (int64_t t = from; t < w.a.to_ms; t += hour / 4) row(&w, t, 1);
  tl_aggregate_end(&w.a);
  for (size_t i = 0; i < 5; i++)
    assert_int_equal((int)w.got[i].value[TL_AS_COUNT_OF], (int)(4 * counts[i]));
}

/* Some zones change their clocks at midnight: the day begins at 1:00, or midnight comes twice. */
static void a_midnight_may_be_left_out_or_come_twice (void **state) {
  const int64_t hour = 3600000, midnight = 100 * 24 * hour;
  (void)state;
  const tl_shift cairo_spring[] = { { 0, 2 * hour }, { midnight - 2 * hour, 3 * hour } };
  days_have(cairo_spring, 2, (double[]){ 24, 24, 23, 24, 24 });
  const tl_shift cairo_autumn[] = { { 0, 3 * hour }, { midnight - 3 * hour, 2 * hour } };
  days_have(cairo_autumn, 2, (double[]){ 24, 25, 24, 24, 23 });
  const tl_shift havana_autumn[] = { { 0, -4 * hour }, { midnight + 5 * hour, -5 * hour } };
  days_have(havana_autumn, 2, (double[]){ 24, 24, 25, 24, 23 });
  const tl_shift apia[] = { { 0, -10 * hour }, { midnight + 10 * hour, 14 * hour } };
  days_have(apia, 2, (double[]){ 24, 24, 24, 24, 24 }); /* a day that there was not */
}

/* Intervals that do not fit into the change: each has its end behind its begin, and every row. */
static void odd_intervals_go_through_a_change (void **state) {
  const int64_t hour = 3600000, minute = 60000;
  const tl_shift shifts[] = { { 0, hour }, { 30 * hour, 2 * hour }, { 60 * hour, hour } };
  (void)state;
  for (int64_t every = 7; every < 200; every += 16) {
    for (int jump = 0; jump < 2; jump++) {
      uint16_t as = jump ? 1 << TL_AS_SUM : 1 << TL_AS_COUNT_OF;
      int64_t counted = 0, at = INT64_MIN;
      for (int64_t from = 27 * hour; from < 63 * hour; from += 3 * hour) {
        world w;
        begin(&w, from, from + 3 * hour, as);
        w.a.every_ms = every * minute;
        w.a.shifts = shifts;
        w.a.shift_count = 3;
        w.a.row = on_any;
        w.a.ctx = &(any){ &counted, &at, jump };
        tl_aggregate_init(&w.a);
        for (int64_t t = from; t < from + 3 * hour; t += 5 * minute) row(&w, t, 1);
        tl_aggregate_end(&w.a);
        at = INT64_MIN;
      }
      assert_int_equal(counted, 36 * 12);
    }
  }
}

static void names_are_what_users_write (void **state) {
  (void)state;
  tl_as as;
  for (int i = 0; i < TL_AS_COUNT; i++) {
    assert_true(tl_as_from_name(tl_slice_str(tl_as_name((tl_as)i)), &as));
    assert_int_equal(as, i);
  }
  assert_false(tl_as_from_name(TL_LIT("mean"), &as));
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(samples_count_by_their_interval),
    cmocka_unit_test(time_is_weighed),
    cmocka_unit_test(invalid_time_does_not_count),
    cmocka_unit_test(the_held_value_counts_in_time_only),
    cmocka_unit_test(empty_intervals_are_left_out),
    cmocka_unit_test(other_types_are_numbers_or_only_count),
    cmocka_unit_test(texts_have_a_count_and_are_good),
    cmocka_unit_test(integers_keep_all_bits),
    cmocka_unit_test(days_follow_the_zone),
    cmocka_unit_test(a_midnight_may_be_left_out_or_come_twice),
    cmocka_unit_test(odd_intervals_go_through_a_change),
    cmocka_unit_test(names_are_what_users_write),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

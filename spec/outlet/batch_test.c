/* spec/outlet/batch_test.c — batches out of a spool: values with their tags, and holes where the
** spool could not keep some; spans of days, weeks and months. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/spec.h"

#include "outlet/batch.h"
#include "outlet/span.h"

typedef struct {
  char folder[64];
  tl_spool *spool;
  tl_cursor *cursor;
  tl_fetch *fetch;
  uint32_t segment;
  tl_err err;
} world;

static void open_it (world *w) {
  tl_spool_options options = { w->folder, 16 << 20, true };
  tl_spool_found found;
  w->segment = 0;
  assert_int_equal(tl_spool_open(&w->spool, &options, 1000, &found, &w->err), TL_OK);
  assert_int_equal(tl_cursor_open(&w->cursor, w->spool, "a", &w->err), TL_OK);
}

static int start (void **state) {
  world *w = calloc(1, sizeof *w);
  assert_non_null(w);
  strcpy(w->folder, "/tmp/tagline-outlet-XXXXXX");
  assert_non_null(mkdtemp(w->folder));
  open_it(w);
  assert_int_equal(tl_fetch_new(&w->fetch, true, 1000), TL_OK);
  *state = w;
  return 0;
}

static int stop (void **state) {
  world *w = *state;
  tl_fetch_free(w->fetch);
  tl_spool_close(w->spool);
  DIR *dir = opendir(w->folder);
  for (struct dirent *e; dir && (e = readdir(dir));)
    if (e->d_name[0] != '.') unlinkat(dirfd(dir), e->d_name, 0);
  if (dir) closedir(dir);
  rmdir(w->folder);
  free(w);
  return 0;
}

static void add (world *w, double number) {
  uint32_t segment;
  bool cut;
  tl_buf *out = tl_spool_begin(w->spool, 2000, &segment);
  assert_non_null(out);
  if (segment != w->segment) {
    tl_series s = { .type = TL_AI, .name = TL_LIT("l.s.t") };
    tl_record_series(out, &s);
    w->segment = segment;
  }
  tl_sample v = { .status = TL_VALID, .time_ms = (int64_t)number, .value = { .number = number } };
  tl_record_sample(out, &v, TL_AI, &cut);
  tl_spool_added(w->spool, (int64_t)number);
}

static void commit (world *w) { assert_int_equal(tl_spool_commit(w->spool, 3000, &w->err), TL_OK); }

/* The next batch, which counts as stored. */
static tl_outlet_batch next (world *w) {
  tl_spool_place place;
  tl_outlet_batch b;
  assert_true(tl_spool_where(w->spool, tl_cursor_at(w->cursor), &place));
  tl_fetch_prepare(w->fetch, &place, tl_spool_id(w->spool));
  tl_fetch_run(w->fetch);
  assert_int_equal(tl_fetch_result(w->fetch, &b), TL_OK);
  assert_true(b.next > b.first);
  tl_cursor_move(w->cursor, b.next);
  return b;
}

static void values_come_with_their_tags (void **state) {
  world *w = *state;
  add(w, 1);
  add(w, 2);
  commit(w);
  tl_outlet_batch b = next(w);
  assert_int_equal(b.count, 2);
  assert_int_equal(b.hole.count, 0);
  assert_true(tl_slice_eq(b.values[1].series->name, TL_LIT("l.s.t")));
  assert_true(b.values[1].sample.value.number == 2);
}

/* Each value has the definition that stood before it, also where another one came in between. */
static void a_series_that_is_defined_again_leaves_the_old_one (void **state) {
  world *w = *state;
  tl_series again = { .type = TL_AI, .name = TL_LIT("l.s.t"), .unit = TL_LIT("mV") };
  uint32_t segment;
  add(w, 1);
  commit(w);
  add(w, 2);
  tl_record_series(tl_spool_begin(w->spool, 2000, &segment), &again);
  add(w, 3);
  commit(w);
  tl_outlet_batch b = next(w);
  assert_int_equal(b.count, 3);
  assert_int_equal(b.values[1].series->unit.len, 0);
  assert_true(tl_slice_eq(b.values[2].series->unit, TL_LIT("mV")));
}

static void expect_one (world *w, double number) {
  tl_outlet_batch b = next(w);
  assert_int_equal(b.count, 1);
  assert_true(b.values[0].sample.value.number == number);
}

/* Between the values that were kept before and those that come once there is room. */
static void skipped_values_are_a_hole (void **state) {
  world *w = *state;
  add(w, 1);
  for (int i = 0; i < 5; i++) tl_spool_skip(w->spool, 20 - i);
  commit(w);
  assert_int_equal(tl_spool_next(w->spool), 7);
  assert_int_equal(tl_spool_dropped(w->spool), 5);
  add(w, 7);
  commit(w);
  expect_one(w, 1);
  tl_outlet_batch b = next(w);
  assert_int_equal(b.hole.count, 5);
  assert_int_equal(b.hole.from_ms, 16); /* their own times */
  assert_int_equal(b.hole.to_ms, 20);
  assert_int_equal(b.next, 7);
  expect_one(w, 7);
}

static void a_hole_at_the_end_outlives_the_process (void **state) {
  world *w = *state;
  add(w, 1);
  tl_spool_skip(w->spool, 2);
  commit(w);
  expect_one(w, 1);
  tl_spool_close(w->spool);
  tl_fetch_free(w->fetch);
  assert_int_equal(tl_fetch_new(&w->fetch, true, 1000), TL_OK);
  open_it(w);
  assert_int_equal(tl_spool_next(w->spool), 3);
  add(w, 3);
  commit(w);
  tl_outlet_batch b = next(w);
  while (b.count == 0) b = next(w);
  assert_true(b.values[0].sample.value.number == 3);
  assert_int_equal(b.values[0].number, 3);
}

/* Another outlet has numbers that the spool does not know: the first values after them are the next
** ones of everybody. */
static void numbers_that_are_passed_over_are_no_loss (void **state) {
  world *w = *state;
  tl_cursor *other, *idle;
  add(w, 1);
  commit(w);
  assert_int_equal(tl_cursor_open(&other, w->spool, "other", &w->err), TL_OK);
  assert_int_equal(tl_cursor_open(&idle, w->spool, "idle", &w->err), TL_OK);
  tl_cursor_move(other, 2);
  tl_spool_raise(w->spool, 1000, 3000);
  assert_int_equal(tl_cursor_at(other), 1000); /* it waits for nothing */
  add(w, 7);
  commit(w);
  expect_one(w, 1);
  tl_outlet_batch b = next(w);
  assert_int_equal(b.hole.count, 0);
  expect_one(w, 7);
  tl_spool_set(w->spool, TL_SPOOL_LEAST, false);
  while (tl_spool_oldest(w->spool) <= 1000) {
    for (int i = 0; i < 1000; i++) add(w, 50);
    commit(w);
  }
  uint64_t gone = tl_spool_oldest(w->spool) - 1000 + 1;
  assert_int_equal(tl_cursor_lost(idle).count, gone);
  assert_int_equal(tl_cursor_lost(idle).from_ms, 1);
  assert_int_equal(tl_cursor_lost(idle).to_ms, 50);
  assert_int_equal(tl_cursor_lost(other).count, gone - 1);
}

static void spans_are_days_weeks_and_months (void **state) {
  const int64_t day = 86400000, t = 1785000000123; /* 2026-07-25, a Saturday */
  int64_t from, to;
  (void)state;
  tl_outlet_span(90 * day, t, &from, &to);
  assert_true(from == 1784937600000 && to == from + day);
  tl_outlet_span(2 * 365 * day, t, &from, &to);
  assert_true(from == 1784505600000 && to == from + 7 * day); /* from Monday, the 20th */
  tl_outlet_span(0, t, &from, &to);
  assert_true(from == 1782864000000 && to == from + 31 * day);
  tl_outlet_day(-1, &from, &to);
  assert_true(from == -day && to == 0);
}

int main (void) {
#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
  const struct CMUnitTest tests[] = {
    T(values_come_with_their_tags),
    T(a_series_that_is_defined_again_leaves_the_old_one),
    T(skipped_values_are_a_hole),
    T(a_hole_at_the_end_outlives_the_process),
    T(numbers_that_are_passed_over_are_no_loss),
    cmocka_unit_test(spans_are_days_weeks_and_months),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* spec/history/query_test.c — what is read is what stands in the tables, compared with a plain
** model at random: ranges at the borders of partitions, equal times in merged and unmerged rows, a
** tag that changed its type, limits, left edges. */
#include <sqlite3.h>
#include <unistd.h>

#include "support/spec.h"

#include "history/history.h"

#define DAY INT64_C(86400000)
#define NOW (1000 * DAY)

enum { STEPS = 12, BATCH = 32, MOST = STEPS * BATCH };

typedef struct {
  int64_t t;
  int n;
  uint8_t type;
  bool seen; /* by this question */
} stored;

/* What the tables have of the tag, by time and number. Each value is another one: its number. */
static stored rows[MOST];
static const stored *sorted[MOST];
static size_t row_count;

static char folder[64], path[80];
static tl_history *history;
static tl_err err;
static uint64_t state, next_number;
static int64_t keep;        /* a year: tables of a day; 0: of a month */
static int given;           /* values of the tag */
static tl_series series[3]; /* the tag, when it had another type, and another tag */

static uint32_t below (uint32_t n) { return (uint32_t)(random_next(&state) >> 32) % n; }

static void open_it (void) {
  tl_history_close(history);
  history = NULL;
  if (tl_history_open(&history, path, keep, &err) < 0) fail_msg("%s", err.text);
}

static int set_up (void **unused) {
  (void)unused;
  strcpy(folder, "/tmp/tagline-reader-XXXXXX");
  if (!mkdtemp(folder)) return -1;
  snprintf(path, sizeof path, "%s/h.db", folder);
  series[0] = (tl_series){ .type = TL_CI, .name = TL_LIT("l.s.a") };
  series[1] = (tl_series){ .type = TL_AI, .name = TL_LIT("l.s.a") };
  series[2] = (tl_series){ .type = TL_CI, .name = TL_LIT("l.s.b") };
  state = 20261130;
  next_number = 1;
  given = 0;
  keep = 0;
  open_it();
  return 0;
}

static int tear_down (void **unused) {
  static const char *const parts[] = { "", "-wal", "-shm", ".lock" };
  (void)unused;
  tl_history_close(history);
  history = NULL;
  for (size_t i = 0; i < COUNT(parts); i++) {
    char one[128];
    snprintf(one, sizeof one, "%s%s", path, parts[i]);
    unlink(one);
  }
  return rmdir(folder);
}

/* Few times, so that many are equal: around the borders of days, months, and of all calendars. */
static int64_t some_time (void) {
  static const int64_t days[] = { 900, 901, 902, 912, 943, 973 };
  const int64_t edge = (int64_t)below(4) - 2;
  uint32_t beyond = below(24);
  if (beyond == 0) return INT64_C(300000000000000) + edge;
  if (beyond == 1 && keep == 0) return -INT64_C(80000000000000) + edge; /* else too old */
  return days[below(COUNT(days))] * DAY + edge;
}

/* As a line sends them: those of one time behind each other are counted. */
static void store_some (void) {
  tl_outlet_value values[BATCH];
  tl_outlet_batch b = { .spool = 7, .first = next_number, .count = 1 + below(BATCH) };
  for (size_t i = 0; i < b.count; i++) {
    tl_outlet_value *v = &values[i];
    const tl_series *s = &series[below(COUNT(series))];
    bool again = i > 0 && v[-1].series == s && below(2);
    int64_t t = again ? v[-1].sample.time_ms : some_time();
    *v = (tl_outlet_value){ .series = s, .arrival_ms = t };
    v->sample = (tl_sample){ .status = TL_VALID, .time_ms = t };
    if (again) v->sample.n = (uint16_t)(v[-1].sample.n + 1);
    int number = s == &series[2] ? -1 : given++;
    if (s->type == TL_CI)
      v->sample.value.integer = number;
    else
      v->sample.value.number = number;
  }
  b.values = values;
  b.next = next_number += b.count;
  if (tl_history_store(history, &b, NOW, &err) < 0) fail_msg("%s", err.text);
}

static int by_time (const void *a, const void *b) {
  const stored *x = *(const stored *const *)a, *y = *(const stored *const *)b;
  return x->t != y->t ? (x->t < y->t ? -1 : 1) : x->n - y->n;
}

static void look_into (sqlite3 *db, const char *table) {
  sqlite3_stmt *s;
  char *sql = sqlite3_mprintf("SELECT value, t, n, type FROM %s JOIN tag ON id=tag"
                              " WHERE name='l.s.a'",
                              table);
  if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK) fail_msg("%s", sqlite3_errmsg(db));
  sqlite3_free(sql);
  while (sqlite3_step(s) == SQLITE_ROW) {
    stored *row = &rows[sqlite3_column_int(s, 0)];
    tl_type type;
    assert_true(tl_type_from_name(tl_slice_str((const char *)sqlite3_column_text(s, 3)), &type));
    *row = (stored){ sqlite3_column_int64(s, 1), sqlite3_column_int(s, 2), (uint8_t)type, false };
    sorted[row_count++] = row;
  }
  sqlite3_finalize(s);
}

static void look_at_tables (void) {
  sqlite3 *db;
  sqlite3_stmt *s;
  row_count = 0;
  assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
  look_into(db, "recent");
  look_into(db, "last");
  assert_int_equal(sqlite3_prepare_v2(db, "SELECT name FROM partition", -1, &s, NULL), SQLITE_OK);
  while (sqlite3_step(s) == SQLITE_ROW) look_into(db, (const char *)sqlite3_column_text(s, 0));
  sqlite3_finalize(s);
  sqlite3_close(db);
  qsort(sorted, row_count, sizeof *sorted, by_time);
}

typedef struct {
  size_t at, end;     /* the rows that are expected, of `sorted` */
  const stored *held; /* before them; NULL: none */
  size_t most;        /* then it stops */
} answer;

static bool on_row (void *ctx, const tl_history_row *row) {
  answer *a = ctx;
  double number = row->type == TL_CI ? (double)row->value.integer : row->value.number;
  assert_true(number >= 0 && number < given);
  stored *found = &rows[(int)number];
  assert_true(row->status == TL_VALID && row->type == found->type && row->time_ms == found->t);
  assert_false(found->seen);
  found->seen = true;
  if (a->held) {
    assert_true(found->t == a->held->t);
  } else {
    assert_true(a->at < a->end);
    assert_int_equal(by_time(&(const stored *){ found }, &sorted[a->at++]), 0);
  }
  a->held = NULL;
  return --a->most > 0;
}

/* One question at random, and its answer. */
static void ask (tl_history_reader *r) {
  tl_history_range range = { TL_LIT("l.s.a"), some_time(), some_time(), below(2), below(2) };
  tl_history_left left = { 99, 99 };
  if (below(4) == 0) range.from_ms = INT64_MIN / 2;
  if (below(4) == 0) range.to_ms = INT64_MAX / 2;
  answer a = { .most = below(3) ? SIZE_MAX : 1 + below(20) };
  for (size_t i = 0; i < row_count; i++) {
    rows[sorted[i] - rows].seen = false;
    a.at += sorted[i]->t < range.from_ms;
    a.end += sorted[i]->t < range.to_ms;
  }
  if (a.end < a.at) a.end = a.at;
  if (range.limit > 0) range.limit += below((uint32_t)(a.end - a.at) + 3);
  size_t count = a.end - a.at, over = range.limit > 0 && count > range.limit;
  if (over) over = count - range.limit;
  if (range.held && over == 0 && a.at > 0) a.held = sorted[a.at - 1];
  a.at += over;
  assert_int_equal(tl_history_read(r, &range, on_row, &a, &left, &err), TL_OK);
  assert_int_equal(left.count, over);
  if (over > 0) assert_true(left.newest_ms == sorted[a.end - range.limit - 1]->t);
  assert_true(a.most == 0 || (a.at == a.end && !a.held));
}

static void any_range_is_as_in_the_tables (void **unused) {
  (void)unused;
  for (int step = 0; step < STEPS; step++) {
    tl_history_reader *r;
    keep = below(2) ? 366 * DAY : 0;
    tl_history_set_keep(history, keep);
    store_some();
    if (below(3) == 0) open_it(); /* which merges */
    if (below(3) == 0) assert_int_equal(tl_history_merge(history, &err), TL_OK);
    if (step % 6 == 5) { /* of each type the newest older value stays; older ones may come again */
      uint64_t gone;
      tl_history_set_keep(history, 90 * DAY);
      assert_int_equal(tl_history_trim(history, NOW, &gone, &err), TL_OK);
      assert_true(gone > 0);
    }
    look_at_tables();
    if (step < 5) assert_int_equal(row_count, given);
    assert_int_equal(tl_history_reader_open(&r, path, &err), TL_OK);
    for (int i = 0; i < 10; i++) ask(r);
    tl_history_reader_close(r);
  }
}

static bool count_row (void *ctx, const tl_history_row *row) {
  int64_t *counted = ctx; /* how many, and the last time */
  counted[0]++;
  assert_true(row->time_ms > counted[1]);
  counted[1] = row->time_ms;
  return true;
}

/* A part of SQLite's UNION for each table and each type was too much. */
static void there_may_be_more_tables_than_parts_of_a_union (void **unused) {
  enum { TABLES = 251 };
  sqlite3 *db;
  tl_history_reader *r;
  tl_history_left left;
  int64_t counted[2] = { 0, 0 };
  tl_history_range range = { TL_LIT("l.s.a"), DAY, INT64_MAX / 2, true, 10000 };
  (void)unused;
  for (int i = 0; i < 4; i++) store_some(); /* it knows the tag, with both types */
  assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
  sqlite3_exec(db, "BEGIN; DELETE FROM recent; DELETE FROM partition", NULL, NULL, NULL);
  for (int i = 1; i <= TABLES; i++) {
    char *sql = sqlite3_mprintf(
        "CREATE TABLE day%d(tag, t, n, value, state, late, PRIMARY KEY(tag, t, n)) WITHOUT ROWID;"
        "INSERT INTO partition VALUES('day%d', %lld, %lld);"
        "INSERT INTO day%d SELECT id, %lld+id, 0, 1, NULL, NULL FROM tag WHERE name='l.s.a'",
        i, i, i * DAY, (i + 1) * DAY, i, i * DAY);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_free(sql);
  }
  assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(db);
  assert_int_equal(tl_history_reader_open(&r, path, &err), TL_OK);
  if (tl_history_read(r, &range, count_row, counted, &left, &err) < 0) fail_msg("%s", err.text);
  tl_history_reader_close(r);
  assert_int_equal(counted[0], 2 * TABLES);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(any_range_is_as_in_the_tables, set_up, tear_down),
    cmocka_unit_test_setup_teardown(there_may_be_more_tables_than_parts_of_a_union, set_up,
                                    tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

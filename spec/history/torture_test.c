/* spec/history/torture_test.c — each request for memory and each read and write of a file fails in
** turn while a history is opened, written, merged, trimmed and read: a batch is there whole or not
** at all, nothing of before is lost, and what is read is right or an error. */
#include <stdio.h>
#include <sys/stat.h>

#include "support/failing_sqlite.h"
#include "support/torture.h"

#include "history/history.h"
#include "history/query_job.h"

#define DAY INT64_C(86400000)
#define NOW INT64_C(1700000000000)

enum { MOST = 400, MANY = 6 };

static char folder[64], path[80];
static tl_history *history;
static tl_err err;
static tl_series number_tag, text_tag;
static uint64_t next;

/* Times of the values that were stored, of both tags: the number is the index. */
static int64_t stored[MOST];
static int n_stored;

static const char *const parts[] = { "", "-wal", "-shm", ".lock", "-journal" };

static void remove_files (void) {
  for (size_t i = 0; i < COUNT(parts); i++) {
    char one[128];
    snprintf(one, sizeof one, "%s%s", path, parts[i]);
    unlink(one);
  }
  n_stored = 0;
  next = 1;
}

static int set_up (void **unused) {
  (void)unused;
  strcpy(folder, "/tmp/tagline-history-XXXXXX");
  if (!mkdtemp(folder)) return -1;
  snprintf(path, sizeof path, "%s/h.db", folder);
  number_tag = (tl_series){ .type = TL_CI, .name = TL_LIT("l.s.a"), .unit = TL_LIT("V") };
  text_tag = (tl_series){ .type = TL_TXTI,
                          .name = TL_LIT("l.s.b"),
                          .description = TL_LIT("what the device says"),
                          .keep_ms = 400 * DAY };
  remove_files();
  return 0;
}

static int tear_down (void **unused) {
  (void)unused;
  tl_history_close(history);
  history = NULL;
  remove_files();
  return rmdir(folder);
}

static int try_open (void) {
  err = (tl_err){ .text = "" };
  return tl_history_open(&history, path, 90 * DAY, &err);
}

static void reopen (void) {
  tl_history_close(history);
  history = NULL;
  if (try_open() < 0) fail_msg("afterwards: %s", err.text);
}

/* MANY values of each tag, a second apart; the text says the number. */
static int store (int64_t from_ms) {
  static char texts[MANY][600];
  tl_outlet_value values[2 * MANY];
  for (int i = 0; i < MANY; i++) {
    snprintf(texts[i], sizeof texts[i], "%-500d", n_stored + i);
    for (int tag = 0; tag < 2; tag++) {
      tl_outlet_value *v = &values[2 * i + tag];
      *v = (tl_outlet_value){ .series = tag ? &text_tag : &number_tag,
                              .arrival_ms = from_ms + 1000 * i + 5 };
      v->sample = (tl_sample){ .status = TL_VALID, .time_ms = from_ms + 1000 * i };
      if (tag)
        v->sample.value.text = tl_slice_of(texts[i], 500);
      else
        v->sample.value.integer = n_stored + i;
    }
  }
  tl_outlet_batch b = { .spool = 7, .first = next, .next = next + 2 * MANY, .count = 2 * MANY };
  b.values = values;
  b.hole = (tl_outlet_hole){ 3, from_ms - 10, from_ms - 5 };
  err = (tl_err){ .text = "" };
  int rc = tl_history_store(history, &b, NOW, &err);
  if (rc < 0) return rc;
  next = b.next;
  for (int i = 0; i < MANY; i++) stored[n_stored++] = from_ms + 1000 * i;
  return rc;
}

static void says_why (const tl_err *why) {
  assert_true(why->text[0] != '\0');
  if (strstr(why->text, "not an error")) fail_msg("%s", why->text);
}

typedef struct {
  int rows;
  int64_t last;
  bool text;
} reading;

static bool on_row (void *ctx, const tl_history_row *row) {
  reading *r = ctx;
  assert_int_equal(row->status, TL_VALID);
  assert_true(row->time_ms > r->last);
  r->last = row->time_ms;
  int number = r->text ? atoi((const char *)row->value.text.at) : (int)row->value.integer;
  if (r->text) assert_int_equal(row->value.text.len, 500);
  assert_in_range(number, 0, n_stored - 1);
  assert_true(stored[number] == row->time_ms);
  r->rows++;
  return true;
}

/* Both tags, all rows. */
static int read_all (int *rows) {
  tl_history_reader *r = NULL;
  tl_err why = { .text = "" };
  tl_history_left left;
  int rc = tl_history_reader_open(&r, path, &why);
  *rows = 0;
  for (int tag = 0; rc >= 0 && tag < 2; tag++) {
    reading one = { 0, INT64_MIN, tag };
    tl_history_range range = { tl_slice_str(tag ? "l.s.b" : "l.s.a"), NOW - 30 * DAY, INT64_MAX / 2,
                               true, tag ? 1000 : 0 };
    rc = tl_history_read(r, &range, on_row, &one, &left, &why);
    *rows += one.rows;
  }
  tl_history_reader_close(r);
  if (rc < 0) says_why(&why);
  return rc;
}

static void all_is_there (void) {
  int rows;
  assert_int_equal(read_all(&rows), TL_OK);
  assert_int_equal(rows, 2 * n_stored);
  assert_int_equal(tl_history_applied(history, 7), next);
}

/* First each call of ours fails, then what SQLite does inside: some of that, it is thousands. */
static bool rounds (torture_round *t) {
  if (lite_inside) t->at += t->at / 4;
  if (torture_next(t)) return true;
  lite_inside = !lite_inside;
  *t = (torture_round){ .begun = false };
  return lite_inside && torture_next(t);
}

static void it_opens_or_says_why (void **unused) {
  (void)unused;
  for (int old = 0; old < 2; old++)
    for (torture_round t = { 0 }; rounds(&t);) {
      if (!old) remove_files();
      if (old) reopen();
      if (old && n_stored < 100) assert_int_equal(store(NOW + 10000 * n_stored), TL_OK);
      tl_history_close(history);
      history = NULL;
      memory_fails(t.at, t.for_ever);
      int rc = try_open();
      memory_heals();
      assert_true(memory_failed || rc == TL_OK);
      if (rc < 0) assert_true(err.text[0] != '\0' && !history);
      reopen();
      if (old) all_is_there();
    }
}

/* Late ones, too, and days that have no table yet. */
static void a_batch_is_stored_whole_or_not_at_all (void **unused) {
  (void)unused;
  for (int kind = 0; kind < 3; kind++) {
    remove_files();
    reopen();
    assert_int_equal(store(NOW - 5000000), TL_OK);
    for (torture_round t = { 0 }; rounds(&t);) {
      lite_errno = t.at % 2 ? ENOSPC : EIO;
      if (n_stored + 2 * MANY > MOST || kind == 1) {
        tl_history_close(history);
        history = NULL;
        remove_files();
        reopen();
        if (kind != 1) assert_int_equal(store(NOW - 5000000), TL_OK);
      }
      reopen(); /* it knows no tag, and has no statement */
      /* the next ones; the first ones; ones before, which are late and of another week */
      int64_t from = kind == 2 ? NOW - 10 * DAY - 100000 * n_stored : NOW + 100000 * n_stored;
      memory_fails(t.at, t.for_ever);
      int rc = store(from);
      memory_heals();
      assert_true(memory_failed || rc == TL_OK);
      if (rc < 0) {
        says_why(&err);
        reopen(); /* as its outlet does */
        if (kind != 1) all_is_there();
        assert_int_equal(store(from), TL_OK);
      }
      all_is_there();
    }
    tl_history_close(history);
    history = NULL;
  }
}

static void a_merge_happens_or_not (void **unused) {
  (void)unused;
  for (int kind = 0; kind < 2; kind++) {
    reopen();
    for (torture_round t = { 0 }; rounds(&t);) {
      if (n_stored + 2 * MANY > MOST) {
        tl_history_close(history);
        history = NULL;
        remove_files();
        reopen();
      }
      assert_int_equal(store(NOW - 20 * DAY + 100000 * n_stored), TL_OK);
      assert_int_equal(store(NOW - (10 - kind) * DAY + 100000 * n_stored), TL_OK);
      memory_fails(t.at, t.for_ever);
      err = (tl_err){ .text = "" };
      int rc = tl_history_merge(history, &err);
      memory_heals();
      assert_true(memory_failed || rc == TL_OK);
      if (rc < 0) says_why(&err);
      if (rc < 0) reopen(); /* it merges, too */
      assert_int_equal(tl_history_recent(history), 0);
      all_is_there();
    }
  }
}

/* What is older than `keep` goes, but the newest of it stays as the left edge of the curve. */
static void a_trim_happens_or_not (void **unused) {
  (void)unused;
  for (torture_round t = { 0 }; rounds(&t);) {
    uint64_t rows;
    tl_history_close(history);
    history = NULL;
    remove_files();
    reopen();
    assert_int_equal(store(NOW - 80 * DAY), TL_OK);
    assert_int_equal(store(NOW), TL_OK);
    assert_int_equal(tl_history_merge(history, &err), TL_OK);
    memory_fails(t.at, t.for_ever);
    err = (tl_err){ .text = "" };
    int rc = tl_history_trim(history, NOW + 15 * DAY, &rows, &err);
    memory_heals();
    assert_true(memory_failed || rc == TL_OK);
    if (rc < 0) {
      says_why(&err);
      reopen();
      assert_int_equal(tl_history_rows(history, &rows, &err), TL_OK);
      assert_int_equal(rows, 4 * MANY);
      assert_int_equal(tl_history_trim(history, NOW + 15 * DAY, &rows, &err), TL_OK);
    }
    assert_int_equal(rows, MANY); /* of the number's tag: the text's is kept longer */
    assert_true(tl_history_oldest(history) == NOW - 80 * DAY);
    assert_int_equal(tl_history_rows(history, &rows, &err), TL_OK);
    assert_int_equal(rows, 3 * MANY);
  }
}

static bool count_tag (void *ctx, const tl_history_tag *tag) {
  assert_true(tag->name.len == 5);
  assert_true(tag->type == TL_CI || tag->type == TL_TXTI);
  ++*(int *)ctx;
  return true;
}
static void count_hole (void *ctx, const tl_outlet_hole *hole) {
  assert_int_equal(hole->count, 3);
  ++*(int *)ctx;
}
static void on_problem (void *ctx, const char *text) {
  (void)ctx;
  fail_msg("%s", text);
}

/* The answer is whole, or an error. */
static void what_is_read_is_right_or_an_error (void **unused) {
  (void)unused;
  reopen();
  assert_int_equal(store(NOW - 20 * DAY), TL_OK);
  assert_int_equal(store(NOW - 2 * DAY), TL_OK);
  assert_int_equal(tl_history_merge(history, &err), TL_OK);
  assert_int_equal(store(NOW), TL_OK);
  for (torture_round t = { 0 }; rounds(&t);) {
    int rows, tags = 0, holes = 0, problems;
    tl_history_reader *r = NULL;
    tl_err why = { .text = "" };
    memory_fails(t.at, t.for_ever);
    int rc = read_all(&rows);
    if (rc >= 0) assert_int_equal(rows, 2 * n_stored);
    rc = tl_history_reader_open(&r, path, &why);
    if (rc >= 0) rc = tl_history_tags(r, count_tag, &tags, &why);
    if (rc >= 0) assert_int_equal(tags, 2);
    if (rc >= 0) rc = tl_history_holes(r, 0, NOW + DAY, count_hole, &holes, &why);
    if (rc >= 0) assert_int_equal(holes, 3);
    problems = rc < 0 ? rc : tl_history_check(r, on_problem, NULL, &why);
    memory_heals();
    if (problems < 0) says_why(&why);
    assert_true(memory_failed || problems == 0);
    tl_history_reader_close(r);
  }
}

static void a_question_is_answered_or_says_why (void **unused) {
  (void)unused;
  reopen();
  assert_int_equal(store(NOW - 20 * DAY), TL_OK);
  assert_int_equal(store(NOW), TL_OK);
  for (int intervals = 0; intervals < 2; intervals++)
    for (torture_round t = { 0 }; rounds(&t);) {
      tl_query q;
      tl_query_init(&q);
      tl_buf_add(&q.path, path, strlen(path) + 1);
      tl_buf_add(&q.tag, intervals ? "l.s.a" : "l.s.b", 6);
      q.from_ms = NOW - 30 * DAY;
      q.to_ms = q.now_ms = NOW + DAY;
      q.limit = 1000;
      if (intervals) q.every_ms = DAY;
      if (intervals) q.as = 1;
      memory_fails(t.at, t.for_ever);
      tl_query_run(&q);
      memory_heals();
      assert_true(memory_failed || q.rc == TL_OK);
      if (q.rc < 0) says_why(&q.err);
      if (q.rc == TL_OK && !intervals) {
        assert_int_equal(q.count, n_stored);
        for (size_t i = 0; i < q.count; i++) {
          tl_history_row row = tl_query_row(&q, i);
          assert_true(row.time_ms == stored[i]);
          assert_int_equal(atoi((const char *)row.value.text.at), (int)i);
        }
      }
      if (q.rc == TL_OK && intervals) assert_int_equal(q.count, 2);
      tl_query_fini(&q);
    }
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(it_opens_or_says_why, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_batch_is_stored_whole_or_not_at_all, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_merge_happens_or_not, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_trim_happens_or_not, set_up, tear_down),
    cmocka_unit_test_setup_teardown(what_is_read_is_right_or_an_error, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_question_is_answered_or_says_why, set_up, tear_down),
  };
  sqlite_fails_too();
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* spec/history/history_test.c — what is stored is read again, once, in the order of time; what is
** old goes but for one value a tag; whose file it is. */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/spec.h"

#include "history/history.h"
#include "history/query_job.h"

#define DAY INT64_C(86400000)

enum { MOST = 64 };

typedef struct {
  char folder[64], path[80];
  tl_history *history;
  tl_series series[3];
  tl_outlet_value values[MOST];
  tl_outlet_batch batch;
  uint64_t next;
  tl_err err;
  tl_history_row rows[MOST];
  char texts[MOST][16];
  size_t row_count;
  tl_history_left left;
} world;

static int start (void **state) {
  world *w = calloc(1, sizeof *w);
  assert_non_null(w);
  strcpy(w->folder, "/tmp/tagline-history-XXXXXX");
  assert_non_null(mkdtemp(w->folder));
  snprintf(w->path, sizeof w->path, "%s/h.db", w->folder);
  w->series[0] = (tl_series){ .type = TL_AI, .name = TL_LIT("l.s.a"), .unit = TL_LIT("V") };
  w->series[1] = (tl_series){ .type = TL_TXTI, .name = TL_LIT("l.s.b") };
  w->series[2] = (tl_series){ .type = TL_CI, .name = TL_LIT("l.s.c"), .keep_ms = 400 * DAY };
  w->next = 1;
  w->batch.values = w->values;
  *state = w;
  return 0;
}

static int stop (void **state) {
  static const char *const parts[] = { "", "-wal", "-shm", ".lock", "-journal" };
  world *w = *state;
  tl_history_close(w->history);
  for (size_t i = 0; i < COUNT(parts); i++) {
    char path[128];
    snprintf(path, sizeof path, "%s%s", w->path, parts[i]);
    unlink(path);
  }
  rmdir(w->folder);
  free(w);
  return 0;
}

static int try_open (world *w, int64_t keep) {
  tl_history_close(w->history);
  w->history = NULL;
  w->err.text[0] = '\0';
  return tl_history_open(&w->history, w->path, keep, &w->err);
}

static void open_it (world *w, int64_t keep) {
  if (try_open(w, keep) < 0) fail_msg("%s", w->err.text);
}

static void add (world *w, int series, int64_t t, double number) {
  tl_outlet_value *v = &w->values[w->batch.count++];
  *v = (tl_outlet_value){ .series = &w->series[series], .arrival_ms = t + 5 };
  v->sample = (tl_sample){ .status = TL_VALID, .time_ms = t };
  if (series == 2)
    v->sample.value.integer = (int64_t)number;
  else
    v->sample.value.number = number;
}

static void store_at (world *w, int64_t now) {
  w->batch.spool = 7;
  w->batch.first = w->next;
  w->next += w->batch.count;
  w->batch.next = w->next;
  if (tl_history_store(w->history, &w->batch, now, &w->err) < 0) fail_msg("%s", w->err.text);
  w->batch.count = 0;
}

static bool on_row (void *ctx, const tl_history_row *row) {
  world *w = ctx;
  assert_true(w->row_count < MOST);
  w->rows[w->row_count] = *row;
  if (row->type == TL_TXTI && row->status == TL_VALID)
    snprintf(w->texts[w->row_count], 16, "%.*s", TL_ARG(row->value.text));
  w->row_count++;
  return true;
}

static int read_range (world *w, const char *tag, int64_t from, int64_t to, bool held,
                       uint64_t limit) {
  tl_history_reader *r;
  tl_history_range range = { tl_slice_str(tag), from, to, held, limit };
  w->row_count = 0;
  if (tl_history_reader_open(&r, w->path, &w->err) < 0) fail_msg("%s", w->err.text);
  int rc = tl_history_read(r, &range, on_row, w, &w->left, &w->err);
  tl_history_reader_close(r);
  return rc;
}

static void reads (world *w, const char *tag, size_t n, const double *numbers) {
  assert_int_equal(read_range(w, tag, INT64_MIN / 2, INT64_MAX / 2, false, 0), TL_OK);
  assert_int_equal(w->row_count, n);
  for (size_t i = 0; i < n; i++) assert_true(w->rows[i].value.number == numbers[i]);
}
#define READS(w, tag, ...)                                                \
  reads(w, tag, sizeof((const double[]){ __VA_ARGS__ }) / sizeof(double), \
        (const double[]){ __VA_ARGS__ })

static void is_read_before_and_after_the_merge (void **state) {
  world *w = *state;
  open_it(w, 0);
  add(w, 0, 1000, 1.5);
  add(w, 0, 2000, 2.5);
  store_at(w, 5000);
  assert_int_equal(tl_history_recent(w->history), 2);
  READS(w, "l.s.a", 1.5, 2.5);
  assert_int_equal(tl_history_merge(w->history, &w->err), TL_OK);
  assert_int_equal(tl_history_recent(w->history), 0);
  READS(w, "l.s.a", 1.5, 2.5);
  add(w, 0, 3000, 3.5);
  store_at(w, 5000);
  READS(w, "l.s.a", 1.5, 2.5, 3.5);
  assert_int_equal(w->rows[0].time_ms, 1000);
}

static void knows_where_it_was (void **state) {
  world *w = *state;
  open_it(w, 0);
  assert_int_equal(tl_history_applied(w->history, 7), 0);
  add(w, 0, 1000, 1);
  store_at(w, 5000);
  open_it(w, 0);
  assert_int_equal(tl_history_applied(w->history, 7), 2);
  assert_int_equal(tl_history_applied(w->history, 8), 0);
  READS(w, "l.s.a", 1);
}

/* Sent again by a broker, after a kill even: the same time and the same value. */
static void what_comes_again_adds_nothing (void **state) {
  world *w = *state;
  open_it(w, 0);
  add(w, 0, 1000, 1);
  add(w, 0, 2000, 2);
  store_at(w, 5000);
  add(w, 0, 1000, 1);
  add(w, 0, 2000, 2);
  store_at(w, 5000);
  READS(w, "l.s.a", 1, 2);
  open_it(w, 0);
  add(w, 0, 2000, 2);
  store_at(w, 5000);
  READS(w, "l.s.a", 1, 2);
}

static void another_value_of_the_same_millisecond_is_kept (void **state) {
  world *w = *state;
  open_it(w, 0);
  add(w, 0, 1000, 1);
  add(w, 0, 1000, 2);
  w->values[1].sample.n = 1;
  store_at(w, 5000);
  add(w, 0, 2000, 3);
  add(w, 0, 1000, 4); /* late, and its number begins anew */
  store_at(w, 5000);
  READS(w, "l.s.a", 1, 2, 4, 3);
}

static void late_values_go_to_their_day (void **state) {
  world *w = *state;
  int64_t now = 1700000000000;
  open_it(w, 90 * DAY);
  add(w, 0, now, 1);
  store_at(w, now);
  add(w, 0, now - 40 * DAY, 2);
  add(w, 0, now + 1, 3);
  store_at(w, now);
  READS(w, "l.s.a", 2, 1, 3);
  add(w, 0, now - 91 * DAY, 4); /* its day would be dropped already */
  store_at(w, now);
  assert_int_equal(tl_history_too_old(w->history), 1);
  READS(w, "l.s.a", 2, 1, 3);
}

static void old_days_go_and_one_older_value_stays (void **state) {
  world *w = *state;
  int64_t now = 1700000000000;
  uint64_t rows;
  open_it(w, 90 * DAY);
  for (int i = 0; i < 10; i++) add(w, 0, now + i, i);
  add(w, 2, now, 7); /* kept for 400 days */
  store_at(w, now);
  assert_int_equal(tl_history_merge(w->history, &w->err), TL_OK);
  add(w, 0, now + 100 * DAY, 100);
  store_at(w, now + 100 * DAY);
  if (tl_history_trim(w->history, now + 100 * DAY, &rows, &w->err) < 0) fail_msg("%s", w->err.text);
  assert_int_equal(rows, 10);
  assert_int_equal(tl_history_oldest(w->history), now); /* that of the tag which is kept longer */
  READS(w, "l.s.a", 9, 100);
  assert_int_equal(read_range(w, "l.s.c", 0, INT64_MAX / 2, false, 0), TL_OK);
  assert_int_equal(w->row_count, 1);
  if (tl_history_trim(w->history, now + 500 * DAY, &rows, &w->err) < 0) fail_msg("%s", w->err.text);
  assert_int_equal(read_range(w, "l.s.c", 0, INT64_MAX / 2, false, 0), TL_OK);
  assert_int_equal(w->row_count, 1);                                /* the left edge */
  assert_int_equal(tl_history_oldest(w->history), now + 100 * DAY); /* not merged yet */
}

static void the_oldest_value_is_known (void **state) {
  world *w = *state;
  open_it(w, 0);
  assert_true(tl_history_oldest(w->history) == INT64_MAX);
  add(w, 0, 50 * DAY + 7, 1);
  add(w, 1, 50 * DAY + 3, 2);
  store_at(w, 51 * DAY);
  assert_int_equal(tl_history_oldest(w->history), 50 * DAY + 3);
  open_it(w, 0); /* merged now */
  assert_int_equal(tl_history_oldest(w->history), 50 * DAY + 3);
  add(w, 0, 20 * DAY, 3);
  store_at(w, 51 * DAY);
  assert_int_equal(tl_history_oldest(w->history), 20 * DAY);
}

static void the_value_held_at_the_begin_comes_first (void **state) {
  world *w = *state;
  open_it(w, 0);
  for (int i = 0; i < 5; i++) add(w, 0, i * 40 * DAY, i);
  store_at(w, 0);
  assert_int_equal(tl_history_merge(w->history, &w->err), TL_OK);
  assert_int_equal(read_range(w, "l.s.a", 90 * DAY, 160 * DAY, true, 0), TL_OK);
  assert_int_equal(w->row_count, 2);
  assert_true(w->rows[0].value.number == 2 && w->rows[0].time_ms == 80 * DAY);
  assert_true(w->rows[1].value.number == 3); /* the end is excluded */
  assert_int_equal(read_range(w, "l.s.a", -DAY, 1, true, 0), TL_OK);
  assert_int_equal(w->row_count, 1);
}

static void a_limit_keeps_the_newest (void **state) {
  world *w = *state;
  open_it(w, 0);
  for (int i = 0; i < 10; i++) add(w, 0, i * 1000, i);
  store_at(w, 0);
  assert_int_equal(read_range(w, "l.s.a", 0, INT64_MAX / 2, true, 3), TL_OK);
  assert_int_equal(w->row_count, 3);
  assert_int_equal(w->left.count, 7);
  assert_int_equal(w->left.newest_ms, 6000);
  assert_true(w->rows[0].value.number == 7);
}

static void statuses_texts_and_integers_come_back (void **state) {
  world *w = *state;
  open_it(w, 0);
  add(w, 1, 1, 0);
  w->values[0].sample.value.text = TL_LIT("caf\xc3\xa9");
  add(w, 1, 2, 0);
  w->values[1].sample.value.text = TL_LIT("a\0b");
  add(w, 1, 3, 0);
  w->values[2].sample.status = TL_INVALID;
  w->values[2].sample.reason = TL_REASON_STATION_WILL;
  add(w, 2, 1, 0);
  w->values[3].sample.value.integer = INT64_MAX;
  store_at(w, 0);
  assert_int_equal(read_range(w, "l.s.b", 0, 10, false, 0), TL_OK);
  assert_int_equal(w->row_count, 3);
  assert_string_equal(w->texts[0], "caf\xc3\xa9");
  assert_int_equal(w->rows[1].value.text.len, 3);
  assert_int_equal(w->rows[2].status, TL_INVALID);
  assert_int_equal(w->rows[2].reason, TL_REASON_STATION_WILL);
  assert_int_equal(read_range(w, "l.s.c", 0, 10, false, 0), TL_OK);
  assert_true(w->rows[0].value.integer == INT64_MAX);
}

static void an_unknown_tag_is_an_error (void **state) {
  world *w = *state;
  open_it(w, 0);
  assert_int_equal(read_range(w, "l.s.x", 0, 10, false, 0), TL_ENOENT);
  assert_non_null(strstr(w->err.text, "l.s.x"));
}

static void one_process_writes_it (void **state) {
  world *w = *state;
  char name[100], folder[100];
  open_it(w, 0);
  add(w, 0, 1000, 1);
  store_at(w, 1000);
  tl_history *mine = w->history;
  snprintf(folder, sizeof folder, "%s/link", w->folder);
  snprintf(name, sizeof name, "%s/link/h.db", w->folder);
  mkdir(folder, 0700);
  assert_int_equal(symlink("../h.db", name), 0);
  for (int linked = 0; linked < 2; linked++) { /* by another name, too */
    if (linked) strcpy(w->path, name);
    int pid = fork();
    if (pid == 0) {
      char text[32];
      w->history = NULL;
      snprintf(text, sizeof text, "process %ld", (long)getppid());
      _exit(try_open(w, 0) == TL_EEXIST && strstr(w->err.text, text) ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
  }
  READS(w, "l.s.a", 1); /* through the link, what is in the log only */
  w->history = mine;
  assert_true(tl_history_log_bytes(mine) > 0);
  unlink(name);
  rmdir(folder);
  snprintf(w->path, sizeof w->path, "%s/h.db", w->folder);
}

static void a_circle_of_links_is_named (void **state) {
  world *w = *state;
  assert_int_equal(symlink("h.db", w->path), 0);
  assert_int_equal(try_open(w, 0), -ELOOP);
  assert_non_null(strstr(w->err.text, w->path));
  assert_non_null(strstr(w->err.text, strerror(ELOOP)));
}

static void a_foreign_file_is_left_alone (void **state) {
  world *w = *state;
  int fd = open(w->path, O_CREAT | O_WRONLY, 0600);
  assert_int_equal(write(fd, "precious data of somebody else", 30), 30);
  close(fd);
  assert_int_equal(try_open(w, 0), TL_EMALFORMED);
  char bytes[32] = "";
  fd = open(w->path, O_RDONLY);
  assert_int_equal(read(fd, bytes, sizeof bytes - 1), 30);
  close(fd);
  assert_string_equal(bytes, "precious data of somebody else");
}

static void a_hole_is_an_event (void **state) {
  world *w = *state;
  open_it(w, 0);
  w->batch.hole = (tl_outlet_hole){ 12, 1000, 2000 };
  add(w, 0, 3000, 1);
  store_at(w, 3000);
  READS(w, "l.s.a", 1);
}

static void the_whole_file_is_sound (void **state) {
  world *w = *state;
  tl_history_reader *r;
  open_it(w, 0);
  add(w, 0, 3000, 1);
  store_at(w, 3000);
  assert_int_equal(tl_history_reader_open(&r, w->path, &w->err), TL_OK);
  assert_int_equal(tl_history_check(r, NULL, NULL, &w->err), 0);
  tl_history_reader_close(r);
}

typedef struct {
  world *w;
  size_t count;
} slow_reader;

/* Meanwhile the writer stores, merges, and drops the table that is read. */
static bool on_slow_row (void *ctx, const tl_history_row *row) {
  slow_reader *r = ctx;
  world *w = r->w;
  uint64_t gone;
  assert_true(row->value.number == (double)(r->count + 1));
  add(w, 0, 40 * DAY + (int64_t)r->count, 9);
  store_at(w, 40 * DAY);
  assert_int_equal(tl_history_merge(w->history, &w->err), TL_OK);
  assert_int_equal(tl_history_trim(w->history, 40 * DAY, &gone, &w->err), TL_OK);
  r->count++;
  return true;
}

static void a_slow_reader_holds_nobody_up (void **state) {
  world *w = *state;
  slow_reader slow = { w, 0 };
  tl_history_reader *r;
  tl_history_range range = { TL_LIT("l.s.a"), 0, 2 * DAY, false, 0 };
  open_it(w, 30 * DAY);
  for (int i = 1; i <= 5; i++) add(w, 0, i * 1000, i);
  store_at(w, 10000);
  assert_int_equal(tl_history_merge(w->history, &w->err), TL_OK);
  assert_int_equal(tl_history_reader_open(&r, w->path, &w->err), TL_OK);
  assert_int_equal(tl_history_read(r, &range, on_slow_row, &slow, &w->left, &w->err), TL_OK);
  tl_history_reader_close(r);
  assert_int_equal(slow.count, 5);
  assert_int_equal(read_range(w, "l.s.a", 40 * DAY, 41 * DAY, true, 0), TL_OK);
  assert_int_equal(w->row_count, 6); /* with the newest of what went, held at the begin */
  assert_true(w->rows[0].value.number == 5);
}

/* A process that was killed counts the values of a millisecond anew. */
static void a_millisecond_is_repeated_in_part (void **state) {
  world *w = *state;
  open_it(w, 0);
  add(w, 0, 1000, 1);
  add(w, 0, 1000, 2);
  w->values[1].sample.n = 1;
  store_at(w, 5000);
  add(w, 0, 1000, 2); /* the second one comes again, alone: it is the first one now */
  store_at(w, 5000);
  READS(w, "l.s.a", 1, 2);
  add(w, 0, 1000, 3);
  store_at(w, 5000);
  assert_int_equal(tl_history_merge(w->history, &w->err), TL_OK);
  READS(w, "l.s.a", 1, 2, 3);
}

/* Late data of many days: more partitions than are merged as wholes. */
static void data_of_forty_days_comes_at_once (void **state) {
  world *w = *state;
  open_it(w, 90 * DAY);
  for (int i = 0; i < 40; i++) add(w, 0, 50 * DAY + i * DAY, i);
  store_at(w, 91 * DAY);
  assert_int_equal(tl_history_merge(w->history, &w->err), TL_OK);
  for (int i = 0; i < 40; i++) add(w, 0, 50 * DAY + i * DAY, i); /* and once more */
  store_at(w, 91 * DAY);
  assert_int_equal(read_range(w, "l.s.a", 0, 100 * DAY, false, 0), TL_OK);
  assert_int_equal(w->row_count, 40);
  for (int i = 0; i < 40; i++) assert_true(w->rows[i].value.number == i);
}

/* Those that no calendar has go into one table, and come back in their order. */
static void times_beyond_the_calendar_come_back_in_their_order (void **state) {
  world *w = *state;
  const int64_t far = INT64_C(300000000000000), early = -INT64_C(80000000000000);
  open_it(w, 0);
  for (int round = 0; round < 2; round++) { /* the second comes into the table that is there */
    add(w, 0, far + round, 8 + round);
    add(w, 0, early + round, 1 + round);
    add(w, 0, 100 * DAY + round, 4 + round);
    store_at(w, 100 * DAY);
    assert_int_equal(tl_history_merge(w->history, &w->err), TL_OK);
  }
  READS(w, "l.s.a", 1, 2, 4, 5, 8, 9);
  open_it(w, 0);
  READS(w, "l.s.a", 1, 2, 4, 5, 8, 9);
  assert_int_equal(read_range(w, "l.s.a", far + 1, far + 5, true, 0), TL_OK);
  assert_int_equal(w->row_count, 2);
  assert_true(w->rows[0].value.number == 8 && w->rows[1].value.number == 9);
}

/* Each statement on a file of the spec's own. */
static void run_sql (world *w, const char *sql) {
  sqlite3 *db;
  char *why = NULL;
  assert_int_equal(sqlite3_open(w->path, &db), SQLITE_OK);
  if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK) fail_msg("%s", why);
  sqlite3_close(db);
}

static int read_none (world *w) {
  tl_history_reader *r;
  w->err.text[0] = '\0';
  int rc = tl_history_reader_open(&r, w->path, &w->err);
  if (rc == TL_OK) tl_history_reader_close(r);
  return rc;
}

static void a_file_that_is_no_history_of_this_version_is_named_so (void **state) {
  world *w = *state;
  char long_path[5000];
  assert_int_equal(read_none(w), TL_ENOENT);
  run_sql(w, "PRAGMA user_version = 7");
  assert_int_equal(try_open(w, 0), TL_EMALFORMED);
  assert_non_null(strstr(w->err.text, "is no history of tagline: it is left as it is"));
  assert_int_equal(read_none(w), TL_EMALFORMED);
  assert_non_null(strstr(w->err.text, "is no history of tagline"));
  run_sql(w, "PRAGMA user_version = 0; CREATE TABLE of_others(x)");
  assert_int_equal(try_open(w, 0), TL_EMALFORMED);
  assert_non_null(strstr(w->err.text, "is no history of tagline: it is left as it is"));
  run_sql(w, "DROP TABLE of_others");
  open_it(w, 0);
  tl_history_close(w->history);
  w->history = NULL;
  assert_int_equal(read_none(w), TL_OK);
  run_sql(w, "PRAGMA user_version = 99");
  assert_int_equal(try_open(w, 0), TL_EMALFORMED);
  assert_non_null(strstr(w->err.text, "is a history of version 99, this program knows version"));
  unlink(w->path);
  assert_int_equal(mkdir(w->path, 0700), 0);
  assert_int_equal(try_open(w, 0), TL_EMALFORMED);
  assert_non_null(strstr(w->err.text, "is no regular file"));
  assert_int_equal(read_none(w), TL_EMALFORMED);
  assert_non_null(strstr(w->err.text, "is no file"));
  rmdir(w->path);
  FILE *f = fopen(w->path, "w");
  for (int i = 0; i < 500; i++) fputs("no database", f);
  fclose(f);
  assert_int_equal(read_none(w), TL_EMALFORMED);
  memset(long_path, 'x', sizeof long_path);
  memcpy(long_path, "/tmp/", 5);
  long_path[sizeof long_path - 1] = '\0';
  assert_int_equal(tl_history_open(&w->history, long_path, 0, &w->err), TL_ETOOBIG);
  w->history = NULL;
}

static bool first_unit (void *ctx, const tl_history_tag *tag) {
  world *w = ctx;
  snprintf(w->texts[0], 16, "%.*s", TL_ARG(tag->unit));
  return false;
}

/* The words of a tag are those of its last value. */
static void the_words_of_a_tag_follow_the_config (void **state) {
  static char long_name[301];
  world *w = *state;
  tl_history_reader *r;
  static const char *const units[] = { "V", "V", "kV", "", "" };
  static const char *const descriptions[] = { "", "a", "b", "b", "" };
  memset(long_name, 'n', sizeof long_name - 1);
  open_it(w, 0);
  for (int i = 0; i < 5; i++) {
    w->series[0].unit = tl_slice_str(units[i]);
    w->series[0].description = tl_slice_str(descriptions[i]);
    w->series[0].keep_ms = i == 4 ? DAY : 0;
    add(w, 0, 1000 + i, i);
    store_at(w, 2000);
  }
  w->series[1].name = tl_slice_str(long_name);
  add(w, 1, 1, 0);
  w->values[0].sample.value.text = TL_LIT("text");
  add(w, 1, 2, 0);
  w->values[1].sample.status = TL_UNSET; /* is no value */
  store_at(w, 2000);
  assert_int_equal(read_range(w, long_name, 0, 10, false, 0), TL_OK);
  assert_int_equal(w->row_count, 1);
  READS(w, "l.s.a", 0, 1, 2, 3, 4);
  assert_int_equal(tl_history_reader_open(&r, w->path, &w->err), TL_OK);
  w->texts[0][0] = 'x';
  assert_int_equal(tl_history_tags(r, first_unit, w, &w->err), TL_OK);
  assert_string_equal(w->texts[0], "");
  tl_history_reader_close(r);
}

static void whole_days_go_with_their_tables (void **state) {
  world *w = *state;
  uint64_t rows;
  open_it(w, 10 * DAY);
  for (int i = 0; i < 3; i++) add(w, 0, 1000 * DAY + 9 * i * DAY, i);
  store_at(w, 1005 * DAY);
  assert_int_equal(tl_history_merge(w->history, &w->err), TL_OK);
  if (tl_history_trim(w->history, 1200 * DAY, &rows, &w->err) < 0) fail_msg("%s", w->err.text);
  assert_int_equal(rows, 3);
  READS(w, "l.s.a", 2); /* the left edge */
  if (tl_history_trim(w->history, 1200 * DAY, &rows, &w->err) < 0) fail_msg("%s", w->err.text);
  assert_int_equal(rows, 0);
  open_it(w, 10 * DAY);
  READS(w, "l.s.a", 2);
}

static void store_ten (world *w) {
  open_it(w, 0);
  for (int i = 0; i < 10; i++) add(w, 0, 1000 * i, i);
  store_at(w, 20000);
}

/* In a process that may write nowhere: reads the file. Returns how many rows it has; less than 0:
** it cannot, and w->err says why. */
static int read_without_rights (world *w) {
  int ends[2], status, rows = -1;
  assert_int_equal(pipe(ends), 0);
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    if (getuid() == 0 && (setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0))
      _exit(1);
    tl_history_reader *r;
    if (tl_history_reader_open(&r, w->path, &w->err) == TL_OK) {
      tl_history_reader_close(r);
      rows = read_range(w, "l.s.a", 0, INT64_MAX / 2, false, 0) == TL_OK ? (int)w->row_count : -1;
    }
    bool said = write(ends[1], &rows, sizeof rows) > 0 &&
                write(ends[1], w->err.text, sizeof w->err.text) > 0;
    _exit(!said);
  }
  assert_true(waitpid(pid, &status, 0) == pid && status == 0);
  assert_int_equal(read(ends[0], &rows, sizeof rows), sizeof rows);
  assert_int_equal(read(ends[0], w->err.text, sizeof w->err.text), sizeof w->err.text);
  close(ends[0]);
  close(ends[1]);
  return rows;
}

/* A copy on a medium that is only read, or somebody who may only read. */
static void a_file_is_read_where_nothing_can_be_written (void **state) {
  world *w = *state;
  store_ten(w);
  assert_int_equal(chmod(w->path, 0644), 0);
  assert_int_equal(chmod(w->folder, 0555), 0);
  int beside = read_without_rights(w);
  assert_int_equal(chmod(w->folder, 0755), 0);
  tl_history_close(w->history);
  w->history = NULL;
  assert_int_equal(chmod(w->folder, 0555), 0);
  int alone = read_without_rights(w);
  assert_int_equal(chmod(w->path, 0), 0);
  int refused = read_without_rights(w);
  assert_int_equal(chmod(w->folder, 0755), 0);
  assert_true(beside == 10 && alone == 10 && refused < 0);
  assert_non_null(strstr(w->err.text, "Permission denied"));
}

static void a_file_of_another_version_is_not_read (void **state) {
  world *w = *state;
  sqlite3 *db;
  tl_history_reader *r;
  store_ten(w);
  tl_history_close(w->history);
  w->history = NULL;
  assert_int_equal(sqlite3_open(w->path, &db), SQLITE_OK);
  assert_int_equal(sqlite3_exec(db, "PRAGMA user_version=9", NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(db);
  assert_int_equal(tl_history_reader_open(&r, w->path, &w->err), TL_EMALFORMED);
  assert_non_null(strstr(w->err.text, "of version 9, this program knows version 1"));
}

/* A million in a process; here four: the newest, and how many there are in front of them. */
static void begin_question (world *w, tl_query *q, bool intervals) {
  tl_query_init(q);
  assert_int_equal(q->most, TL_QUERY_ROWS);
  tl_buf_add(&q->path, w->path, strlen(w->path) + 1);
  tl_buf_add(&q->tag, "l.s.a", 6);
  q->to_ms = q->now_ms = 10000;
  q->every_ms = intervals ? 1000 : 0;
  q->as = 1 << TL_AS_AVG;
}

static void an_answer_holds_no_more_than_it_may (void **state) {
  world *w = *state;
  tl_query q;
  store_ten(w);
  for (int intervals = 0; intervals < 2; intervals++) {
    begin_question(w, &q, intervals);
    q.most = 4;
    tl_query_run(&q);
    assert_int_equal(q.rc, intervals ? TL_ETOOBIG : TL_OK);
    assert_int_equal(q.count, intervals ? 0 : 4);
    if (intervals) assert_non_null(strstr(q.err.text, "more than 4 intervals"));
    for (size_t i = 0; i < q.count; i++)
      assert_int_equal(tl_query_row(&q, i).time_ms, 6000 + 1000 * (int64_t)i);
    if (!intervals) assert_int_equal(q.left_out, 6);
    tl_query_fini(&q);
  }
}

/* Reads on where an answer was cut, until all is there. Returns how many answers it took. */
static int read_on (world *w, bool intervals, uint64_t limit, int64_t *first, size_t *rows) {
  tl_query q;
  int64_t to = 10000;
  int answers = 0;
  for (*rows = 0; to >= 0; answers++) {
    assert_true(answers < 20);
    begin_question(w, &q, intervals);
    q.to_ms = to;
    q.limit = limit;
    tl_query_run(&q);
    assert_int_equal(q.rc, TL_OK);
    assert_true(q.count <= limit);
    *rows += q.count;
    *first = intervals ? tl_query_interval(&q, 0)->time_ms : tl_query_row(&q, 0).time_ms;
    assert_true(q.left_out == 0 || q.left_to_ms < to);
    to = q.left_out > 0 ? q.left_to_ms : -1;
    tl_query_fini(&q);
  }
  return answers;
}

static void a_limit_tells_where_the_older_ones_are_read (void **state) {
  world *w = *state;
  int64_t first;
  size_t rows;
  store_ten(w);
  for (int intervals = 0; intervals < 2; intervals++) {
    assert_int_equal(read_on(w, intervals, 4, &first, &rows), 3);
    assert_true(first == 0 && rows == 10);
  }
  /* one is cut between rows of a millisecond, which are read again; then there is nothing else */
  for (int i = 0; i < 3; i++) add(w, 0, 500, 20 + i);
  store_at(w, 20000);
  assert_int_equal(read_on(w, false, 10, &first, &rows), 2);
  assert_true(first == 0 && rows == 14);
  assert_true(read_on(w, false, 2, &first, &rows) < 20);
  assert_int_equal(first, 0);
}

static void an_answer_is_bounded_in_bytes (void **state) {
  world *w = *state;
  tl_query q;
  store_ten(w);
  for (size_t most = 1; most < 3; most++) {
    begin_question(w, &q, false);
    q.most_bytes = most * 5 * sizeof(tl_history_row);
    tl_query_run(&q);
    assert_int_equal(q.rc, most == 1 ? TL_ETOOBIG : TL_OK);
    if (most == 1) assert_non_null(strstr(q.err.text, "ask for a part of it"));
    assert_true(tl_query_bytes(&q) <= q.most_bytes + sizeof(tl_history_row));
    tl_query_fini(&q);
  }
}

static void nobody_waits_for_an_answer_any_more (void **state) {
  world *w = *state;
  tl_query q;
  store_ten(w);
  for (int intervals = 0; intervals < 2; intervals++) {
    begin_question(w, &q, intervals);
    q.stop = true;
    tl_query_run(&q);
    assert_true(q.count <= 1);
    tl_query_fini(&q);
  }
}

/* Also while rows are counted, of which there may be a hundred million: the end of the process
** waits for it. */
static void a_count_of_rows_ends_when_nobody_waits (void **state) {
  world *w = *state;
  tl_query q;
  open_it(w, 0);
  for (int i = 0; i < 3000; i++) {
    add(w, 0, i, i);
    if (w->batch.count == MOST) store_at(w, 20000);
  }
  begin_question(w, &q, false);
  tl_query_run(&q);
  assert_int_equal(q.rc, TL_OK);
  tl_query_fini(&q);
  begin_question(w, &q, false);
  q.stop = true;
  tl_query_run(&q);
  assert_int_equal(q.rc, TL_EREFUSED);
  assert_int_equal(q.count, 0);
  tl_query_fini(&q);
}

int main (void) {
  const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
    T(is_read_before_and_after_the_merge),
    T(a_slow_reader_holds_nobody_up),
    T(a_millisecond_is_repeated_in_part),
    T(data_of_forty_days_comes_at_once),
    T(knows_where_it_was),
    T(what_comes_again_adds_nothing),
    T(another_value_of_the_same_millisecond_is_kept),
    T(late_values_go_to_their_day),
    T(old_days_go_and_one_older_value_stays),
    T(the_oldest_value_is_known),
    T(the_value_held_at_the_begin_comes_first),
    T(a_limit_keeps_the_newest),
    T(a_file_is_read_where_nothing_can_be_written),
    T(a_file_of_another_version_is_not_read),
    T(an_answer_holds_no_more_than_it_may),
    T(a_limit_tells_where_the_older_ones_are_read),
    T(an_answer_is_bounded_in_bytes),
    T(nobody_waits_for_an_answer_any_more),
    T(a_count_of_rows_ends_when_nobody_waits),
    T(statuses_texts_and_integers_come_back),
    T(an_unknown_tag_is_an_error),
    T(a_circle_of_links_is_named),
    T(one_process_writes_it),
    T(a_foreign_file_is_left_alone),
    T(a_hole_is_an_event),
    T(the_whole_file_is_sound),
    T(times_beyond_the_calendar_come_back_in_their_order),
    T(a_file_that_is_no_history_of_this_version_is_named_so),
    T(the_words_of_a_tag_follow_the_config),
    T(whole_days_go_with_their_tables),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

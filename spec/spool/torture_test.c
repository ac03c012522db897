/* spec/spool/torture_test.c — each request for memory and each call that touches a file fails in
** turn, in a whole life of a spool: what was committed before and meanwhile is read afterwards,
** once, in order, and no outlet's place moves by itself. */
#include "support/torture.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool/reader.h"
#include "spool/segment.h"
#include "spool/spool.h"

FAILING(open, int, (errno = EMFILE, -1), (const char *path, int flags, mode_t mode),
        (path, flags, mode))
FAILING(openat, int, (errno = ENFILE, -1), (int at, const char *path, int flags, mode_t mode),
        (at, path, flags, mode))
FAILING(mkdir, int, (errno = ENOSPC, -1), (const char *path, mode_t mode), (path, mode))
FAILING(dup, int, (errno = EMFILE, -1), (int fd), (fd))
FAILING(fdopendir, DIR *, (errno = ENOMEM, NULL), (int fd), (fd))
FAILING(readdir, struct dirent *, (errno = EIO, NULL), (DIR * dir), (dir))
FAILING(fstatat, int, (errno = EIO, -1), (int at, const char *name, struct stat *st, int flags),
        (at, name, st, flags))
FAILING(fstat, int, (errno = EIO, -1), (int fd, struct stat *st), (fd, st))
FAILING(pread, ssize_t, (errno = EIO, -1), (int fd, void *at, size_t n, off_t from),
        (fd, at, n, from))
FAILING(ftruncate, int, (errno = EIO, -1), (int fd, off_t len), (fd, len))
FAILING(unlinkat, int, (errno = EROFS, -1), (int at, const char *name, int flags),
        (at, name, flags))
FAILING(renameat, int, (errno = EROFS, -1), (int at, const char *old, int to, const char *name),
        (at, old, to, name))
FAILING(getrandom, ssize_t, (errno = EINTR, -1), (void *at, size_t n, unsigned flags),
        (at, n, flags))

/* How a write fails: not at all, in its middle, or for another reason than a disk that is full. */
enum { DISK_FULL, IN_THE_MIDDLE, INPUT_OUTPUT };
static int how;

static ssize_t half_of (ssize_t n) {
  errno = how == INPUT_OUTPUT ? EIO : ENOSPC;
  return how == IN_THE_MIDDLE && n > 1 ? n : -1;
}
ssize_t __real_write (int fd, const void *at, size_t n);
FAILING(pwrite, ssize_t, half_of(__real_pwrite(fd, at, n / 2, from)),
        (int fd, const void *at, size_t n, off_t from), (fd, at, n, from))
FAILING(write, ssize_t, half_of(how == IN_THE_MIDDLE ? __real_write(fd, at, n / 2) : 0),
        (int fd, const void *at, size_t n), (fd, at, n))

/* --- a spool --- */

enum { BEFORE = 120, LONG = 1500, MAX = 1000000 }; /* values in two segments */

static char folder[64], path[80];
static tl_spool *spool;
static uint32_t segment, added;

static int set_up (void **unused) {
  (void)unused;
  strcpy(folder, "/tmp/tagline-spool-XXXXXX");
  if (!mkdtemp(folder)) return -1;
  snprintf(path, sizeof path, "%s/s", folder);
  spool = NULL;
  return 0;
}

static void remove_spool (void) {
  DIR *dir = opendir(path);
  for (struct dirent *e; dir && (e = readdir(dir));)
    if (e->d_name[0] != '.') unlinkat(dirfd(dir), e->d_name, 0);
  if (dir) closedir(dir);
  rmdir(path);
}

static int tear_down (void **unused) {
  (void)unused;
  remove_spool();
  return rmdir(folder);
}

static int try_open (bool hold, tl_err *err) {
  tl_spool_options options = { path, MAX, hold };
  tl_spool_found found;
  segment = added = 0;
  return tl_spool_open(&spool, &options, 1000, &found, err);
}

/* Each value says its own number. False: no memory. */
static bool add (void) {
  uint32_t now;
  bool cut;
  tl_buf *out = tl_spool_begin(spool, 2000, &now);
  if (!out) return false;
  size_t len = out->len;
  if (now != segment) {
    tl_series s = { .type = TL_TXTI, .name = TL_LIT("l.s.t") };
    tl_record_series(out, &s);
  }
  char text[LONG];
  snprintf(text, sizeof text, "%-*llu", LONG - 1, (unsigned long long)tl_spool_next(spool) + added);
  tl_sample v = { .status = TL_VALID, .time_ms = 1, .value = { .text = tl_slice_of(text, LONG) } };
  tl_record_sample(out, &v, TL_TXTI, &cut);
  if (out->failed) { /* as outlet/collect.c does it */
    out->failed = false;
    out->len = len;
    return false;
  }
  segment = now;
  added++;
  tl_spool_added(spool, 2000);
  return true;
}

static int commit (void) {
  tl_err err;
  int rc = tl_spool_commit(spool, 3000, &err);
  if (rc == TL_OK) added = 0;
  return rc;
}

static void make_spool (void) {
  tl_err err = { .text = "" };
  tl_cursor *a, *b;
  if (try_open(false, &err) != TL_OK) fail_msg("%s", err.text);
  assert_int_equal(tl_cursor_open(&a, spool, "a", &err), TL_OK);
  assert_int_equal(tl_cursor_open(&b, spool, "b", &err), TL_OK);
  for (int i = 0; i < BEFORE; i++) {
    assert_true(add());
    if (i % 10 == 9) assert_int_equal(commit(), TL_OK);
  }
  tl_cursor_move(a, BEFORE / 2);
  tl_spool_close(spool);
  spool = NULL;
}

/* Reads from the cursor on as far as it comes. Returns the number behind the last value. */
static uint64_t read_from (tl_cursor *c, int *rc) {
  tl_reader *r;
  uint64_t at = tl_cursor_at(c);
  tl_spool_place p;
  *rc = tl_reader_new(&r);
  if (*rc < 0) return at;
  while (*rc >= 0 && tl_spool_where(spool, at, &p)) {
    tl_reader_found v;
    tl_sample sample;
    *rc = tl_reader_seek(r, &p);
    while (*rc >= 0 && (*rc = tl_reader_next(r, 1, &sample, sizeof sample, &v)) == 1) {
      assert_int_equal(sample.value.text.len, LONG);
      uint64_t said = strtoull((const char *)sample.value.text.at, NULL, 10);
      if (v.number != at || said != at)
        fail_msg("value %llu with number %llu where %llu is expected", (unsigned long long)said,
                 (unsigned long long)v.number, (unsigned long long)at);
      assert_true(v.series[sample.series]->name.len == 5 &&
                  memcmp(v.series[sample.series]->name.at, "l.s.t", 5) == 0);
      at++;
    }
    if (*rc == 0 && at < p.until) *rc = TL_EMALFORMED;
  }
  tl_reader_free(r);
  return at;
}

/* What the outlet a has moved to, and which number was committed last. */
typedef struct {
  uint64_t moved, committed;
} ledger;

static void live (ledger *l) {
  tl_err err = { .text = "" };
  tl_cursor *c = NULL;
  tl_spool_gone gone;
  int rc = try_open(true, &err);
  if (rc < 0) {
    assert_true(strncmp(err.text, "spool '", 7) == 0 || strstr(err.text, "no memory"));
    return;
  }
  if (tl_cursor_open(&c, spool, "a", &err) == TL_OK) {
    assert_int_equal(tl_cursor_at(c), l->moved);
    uint64_t at = read_from(c, &rc);
    if (at > l->moved) l->moved = at;
    tl_cursor_move(c, at);
  } else {
    c = NULL;
    assert_true(err.text[0] != '\0');
  }
  for (int i = 0; i < 3; i++) add();
  if (commit() == TL_OK) l->committed = tl_spool_next(spool) - 1;
  if (c && tl_spool_take_gone(spool, &gone)) tl_spool_unlink(&gone);
  tl_spool_close(spool);
  spool = NULL;
}

static void check (const ledger *l, bool died_storing) {
  tl_err err = { .text = "" };
  tl_cursor *a, *b;
  int rc;
  if (try_open(false, &err) != TL_OK) fail_msg("afterwards: %s", err.text);
  assert_int_equal(tl_cursor_open(&a, spool, "a", &err), TL_OK);
  assert_int_equal(tl_cursor_open(&b, spool, "b", &err), TL_OK);
  assert_true(tl_cursor_at(a) <= l->moved);
  assert_true(tl_cursor_at(a) == l->moved || died_storing);
  assert_int_equal(tl_cursor_at(b), 1); /* nobody delivered anything of it */
  assert_true(tl_spool_next(spool) > l->committed);
  assert_int_equal(read_from(a, &rc), tl_spool_next(spool));
  assert_int_equal(rc, 0);
  assert_int_equal(read_from(b, &rc), tl_spool_next(spool));
  assert_int_equal(rc, 0);
  assert_true(add());
  assert_int_equal(commit(), TL_OK);
  assert_int_equal(read_from(b, &rc), tl_spool_next(spool));
  tl_spool_close(spool);
  spool = NULL;
}

static void damage_the_end (void) {
  char last[160];
  DIR *dir = opendir(path);
  uint64_t first, highest = 0;
  for (struct dirent *e; (e = readdir(dir));)
    if (tl_segment_is_name(e->d_name, &first) && first > highest) {
      highest = first;
      snprintf(last, sizeof last, "%s/%.40s", path, e->d_name);
    }
  closedir(dir);
  int fd = open(last, O_WRONLY | O_APPEND, 0);
  assert_int_equal(write(fd, "half a batch", 12), 12);
  close(fd);
}

static void nothing_is_lost_or_doubled (void **unused) {
  (void)unused;
  for (how = DISK_FULL; how <= INPUT_OUTPUT; how++)
    for (torture_round t = { 0 }; torture_next(&t);) {
      ledger l = { BEFORE / 2, BEFORE };
      remove_spool();
      make_spool();
      damage_the_end();
      memory_fails(t.at, t.for_ever);
      live(&l);
      memory_heals();
      bool failed = memory_failed;
      check(&l, failed);
      memory_failed = failed;
    }
}

/* A new one: it is made, or there is none and the next attempt makes it. */
static void a_spool_is_made_or_not (void **unused) {
  (void)unused;
  for (torture_round t = { 0 }; torture_next(&t);) {
    tl_err err = { .text = "" };
    remove_spool();
    memory_fails(t.at, t.for_ever);
    int rc = try_open(true, &err);
    memory_heals();
    bool failed = memory_failed;
    assert_true(failed || rc == TL_OK);
    if (rc < 0) assert_int_equal(try_open(true, &err), TL_OK);
    tl_cursor *c;
    assert_int_equal(tl_cursor_open(&c, spool, "a", &err), TL_OK);
    assert_int_equal(tl_cursor_at(c), 1);
    assert_true(add());
    assert_int_equal(commit(), TL_OK);
    assert_int_equal(read_from(c, &rc), 2);
    tl_spool_close(spool);
    spool = NULL;
    memory_failed = failed;
  }
}

/* The disk is full at the start, and has room when the first batch is written. Which series it
** defines holds for the next one: it is of the same segment. */
static void a_batch_that_waited_for_its_segment_defines_in_it (void **unused) {
  (void)unused;
  how = DISK_FULL;
  for (int at = 0; !spool; at++) { /* until what fails is the segment's head */
    remove_spool();
    memory_fails(at, false);
    int rc = try_open(true, NULL);
    memory_heals();
    assert_true(memory_failed);
    if (rc < 0 || tl_spool_bytes(spool) == 0) continue;
    tl_spool_close(spool);
    spool = NULL;
  }
  memory_fails(2, false); /* behind unlinkat and openat */
  assert_true(add());
  memory_heals();
  assert_true(memory_failed && tl_spool_bytes(spool) == 0);
  uint32_t first = segment;
  assert_int_equal(commit(), TL_OK);
  assert_true(add());
  assert_int_equal(segment, first);
  assert_int_equal(commit(), TL_OK);
  tl_spool_close(spool);
  spool = NULL;
}

/* While it holds, and cannot write for a while: what was not committed is committed later. */
static void what_could_not_be_written_is_written_later (void **unused) {
  (void)unused;
  for (how = DISK_FULL; how <= INPUT_OUTPUT; how++)
    for (torture_round t = { 0 }; torture_next(&t);) {
      tl_err err;
      int rc;
      tl_cursor *c;
      remove_spool();
      assert_int_equal(try_open(true, &err), TL_OK);
      assert_int_equal(tl_cursor_open(&c, spool, "a", &err), TL_OK);
      memory_fails(t.at, t.for_ever);
      for (int i = 0; i < 4; i++) {
        tl_mark m = { .line = TL_LIT("line"), .id = 7, .sum = 8 };
        if (!add()) {
          tl_spool_skip(spool, 2000);
          added++;
        }
        tl_spool_mark(spool, &m);
        if (i % 2 == 1) commit();
      }
      memory_heals();
      bool failed = memory_failed;
      if (!failed) {
        assert_false(tl_spool_is_dirty(spool));
        assert_int_equal(read_from(c, &rc), 5);
      } else {
        assert_int_equal(commit(), TL_OK);
        assert_false(tl_spool_is_dirty(spool));
        assert_int_equal(tl_spool_pending(spool), 0);
      }
      tl_spool_close(spool);
      spool = NULL;
      memory_failed = failed;
    }
}

/* --- bytes that are no spool --- */

/* Every record of it is read, or it is malformed; no byte behind it is touched. */
static int read_records (const uint8_t *at, size_t len) {
  uint8_t *copy = exact_copy(at, len);
  static const uint8_t types[] = { TL_TXTI, TL_TXTI };
  size_t from = 0;
  tl_series series;
  tl_sample sample;
  int rc;
  do {
    rc = tl_record_next(tl_slice_of(copy, len), &from, types, 2, &series, &sample);
  } while (rc > TL_RECORD_END);
  assert_true(rc == TL_RECORD_END || rc == TL_EMALFORMED);
  free(copy);
  return rc;
}

static void records_that_are_cut_or_changed_are_malformed (void **unused) {
  (void)unused;
  tl_buf b;
  bool cut;
  size_t ends[4] = { 0 };
  tl_buf_init(&b);
  tl_series s = { .type = TL_TXTI, .name = TL_LIT("l.s.t"), .unit = TL_LIT("V"), .deadband = 0.5 };
  tl_record_series(&b, &s);
  ends[1] = b.len;
  tl_sample v = { .status = TL_VALID, .time_ms = 1, .value = { .text = TL_LIT("text") } };
  tl_record_sample(&b, &v, TL_TXTI, &cut);
  ends[2] = b.len;
  v.status = TL_UNSET;
  tl_record_sample(&b, &v, TL_TXTI, &cut);
  ends[3] = b.len;
  for (size_t n = 0, e = 0; n <= b.len; n++) {
    if (e < 4 && n == ends[e])
      assert_int_equal((e++, read_records(b.at, n)), TL_OK);
    else
      assert_int_equal(read_records(b.at, n), TL_EMALFORMED);
  }
  for (size_t n = 0; n < b.len; n++)
    for (int bit = 0; bit < 8; bit++) {
      b.at[n] ^= (uint8_t)(1 << bit);
      read_records(b.at, b.len);
      b.at[n] ^= (uint8_t)(1 << bit);
    }
  tl_buf_fini(&b);
}

static void marks_that_are_cut_end_the_list (void **unused) {
  (void)unused;
  tl_buf b;
  tl_mark m, in = { .line = TL_LIT("plant"), .id = 0x1234, .sum = 99 };
  tl_buf_init(&b);
  tl_record_mark(&b, &in);
  for (size_t n = 0; n <= b.len; n++) {
    uint8_t *copy = exact_copy(b.at, n);
    size_t at = 0;
    assert_int_equal(tl_record_next_mark(tl_slice_of(copy, n), &at, &m), n == b.len);
    free(copy);
  }
  tl_buf_fini(&b);
}

/* A batch with a good check sum whose records are nonsense: it is malformed, and what came before
** it is read. */
static void a_reader_stops_at_what_it_cannot_read (void **unused) {
  (void)unused;
  static const char *const nonsense[] = {
    "X", "V\x05\0\0\0\x10\0\0\0\0\0\0\0\0\0\0", "S\x09\0\0\0\x08", "S",
    "S\x09\0\0\0\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
  };
  static const size_t lens[] = { 1, 16, 6, 1, 34 };
  for (size_t i = 0; i < COUNT(nonsense); i++) {
    tl_reader *r;
    tl_cursor *c;
    tl_spool_place p;
    tl_reader_found v;
    tl_sample sample;
    uint32_t now;
    remove_spool();
    assert_int_equal(try_open(true, NULL), TL_OK);
    assert_int_equal(tl_cursor_open(&c, spool, "a", NULL), TL_OK);
    assert_true(add());
    assert_int_equal(commit(), TL_OK);
    tl_buf_add(tl_spool_begin(spool, 1, &now), nonsense[i], lens[i]);
    tl_spool_added(spool, 2000);
    assert_int_equal(commit(), TL_OK);
    assert_int_equal(tl_reader_new(&r), TL_OK);
    assert_int_equal(tl_reader_next(r, 1, &sample, sizeof sample, &v), 0); /* nothing was sought */
    assert_true(tl_spool_where(spool, 1, &p));
    assert_int_equal(tl_reader_seek(r, &p), TL_OK);
    assert_int_equal(tl_reader_next(r, 1, &sample, sizeof sample, &v), 1);
    assert_int_equal(tl_reader_next(r, 1, &sample, sizeof sample, &v), TL_EMALFORMED);
    p.first = 77; /* removed meanwhile */
    assert_int_equal(tl_reader_seek(r, &p), -ENOENT);
    assert_int_equal(tl_reader_next(r, 1, &sample, sizeof sample, &v), 0);
    tl_reader_free(r);
    tl_spool_close(spool);
  }
  tl_reader_free(NULL);
  spool = NULL;
}

/* A disk that is full, and nothing is to be held: the oldest values go for the newest, and are
** counted. */
static void on_a_full_disk_the_oldest_go_and_are_counted (void **unused) {
  (void)unused;
  how = DISK_FULL;
  for (int for_ever = 0; for_ever < 2; for_ever++) {
    tl_err err = { .text = "" };
    tl_cursor *b;
    int rc;
    remove_spool();
    make_spool();
    assert_int_equal(try_open(false, &err), TL_OK);
    assert_int_equal(tl_cursor_open(&b, spool, "b", &err), TL_OK);
    assert_true(add());
    memory_fails(0, for_ever);
    rc = commit();
    memory_heals();
    uint64_t dropped = tl_spool_dropped(spool), at = tl_cursor_at(b) + dropped;
    assert_true(dropped > 0);
    assert_int_equal(rc, for_ever ? -ENOSPC : TL_OK);
    if (for_ever) assert_int_equal(commit(), TL_OK);
    tl_cursor_move(b, at);
    assert_int_equal(read_from(b, &rc), BEFORE + 2);
    tl_spool_close(spool);
    spool = NULL;
  }
}

static void a_value_put_aside_is_whole_or_told (void **unused) {
  (void)unused;
  for (torture_round t = { 0 }; torture_next(&t);) {
    char file[120], text[64] = "";
    how = t.for_ever ? DISK_FULL : IN_THE_MIDDLE;
    remove_spool();
    assert_int_equal(try_open(true, NULL), TL_OK);
    memory_fails(t.at, t.for_ever);
    int rc = tl_spool_put_aside(spool, "a", TL_LIT("{\"tag\":\"l.s.t\"}\n"));
    memory_heals();
    snprintf(file, sizeof file, "%s/a.rejected", path);
    int fd = open(file, O_RDONLY, 0);
    if (fd >= 0) assert_true(read(fd, text, sizeof text - 1) >= 0);
    if (fd >= 0) close(fd);
    assert_string_equal(text, rc == TL_OK ? "{\"tag\":\"l.s.t\"}\n" : "");
    assert_true(rc == TL_OK || memory_failed);
    tl_spool_close(spool);
    spool = NULL;
  }
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(nothing_is_lost_or_doubled, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_spool_is_made_or_not, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_batch_that_waited_for_its_segment_defines_in_it, set_up,
                                    tear_down),
    cmocka_unit_test_setup_teardown(what_could_not_be_written_is_written_later, set_up, tear_down),
    cmocka_unit_test_setup_teardown(on_a_full_disk_the_oldest_go_and_are_counted, set_up,
                                    tear_down),
    cmocka_unit_test(records_that_are_cut_or_changed_are_malformed),
    cmocka_unit_test(marks_that_are_cut_end_the_list),
    cmocka_unit_test_setup_teardown(a_reader_stops_at_what_it_cannot_read, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_value_put_aside_is_whole_or_told, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* spec/spool/spool_test.c — what is committed is read again, by whom and from where; what a full,
** damaged or shared spool does. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/spec.h"

#include "spool/reader.h"
#include "spool/segment.h"
#include "spool/spool.h"

typedef struct {
  char folder[64], path[80];
  tl_spool *spool;
  tl_spool_found found;
  uint32_t segment; /* where series 0 was defined last */
  tl_err err;
} world;

static int start (void **state) {
  world *w = calloc(1, sizeof *w);
  assert_non_null(w);
  strcpy(w->folder, "/tmp/tagline-spool-XXXXXX");
  assert_non_null(mkdtemp(w->folder));
  snprintf(w->path, sizeof w->path, "%s/s", w->folder);
  *state = w;
  return 0;
}

static void remove_folder (const char *path) {
  DIR *dir = opendir(path);
  for (struct dirent *e; dir && (e = readdir(dir));) {
    if (e->d_name[0] != '.') unlinkat(dirfd(dir), e->d_name, 0);
  }
  if (dir) closedir(dir);
  rmdir(path);
}

static int stop (void **state) {
  world *w = *state;
  tl_spool_close(w->spool);
  remove_folder(w->path);
  remove_folder(w->folder);
  free(w);
  return 0;
}

static int try_open (world *w, uint64_t max, bool hold) {
  tl_spool_options options = { w->path, max, hold };
  w->segment = 0;
  w->err.text[0] = '\0';
  return tl_spool_open(&w->spool, &options, 1000, &w->found, &w->err);
}

static void open_it (world *w) { assert_int_equal(try_open(w, 16 << 20, false), TL_OK); }

static void close_it (world *w) {
  tl_spool_close(w->spool);
  w->spool = NULL;
}

static void add (world *w, double number) {
  uint32_t segment;
  bool cut;
  tl_buf *out = tl_spool_begin(w->spool, 2000, &segment);
  assert_non_null(out);
  if (segment != w->segment) {
    tl_series s = { .type = TL_AI, .name = TL_LIT("l.s.t"), .unit = TL_LIT("V") };
    tl_record_series(out, &s);
    w->segment = segment;
  }
  tl_sample v = { .status = TL_VALID, .time_ms = (int64_t)number, .value = { .number = number } };
  tl_record_sample(out, &v, TL_AI, &cut);
  tl_spool_added(w->spool, (int64_t)number);
}

static int commit (world *w) { return tl_spool_commit(w->spool, 3000, &w->err); }

static void put (world *w, double from, double to) {
  for (double n = from; n <= to; n++) add(w, n);
  assert_int_equal(commit(w), TL_OK);
}

/* Reads all from the cursor on: how many, and that each is one more than the last. */
static unsigned read_all (world *w, tl_cursor *c, double first) {
  tl_reader *r;
  unsigned count = 0;
  uint64_t at = tl_cursor_at(c);
  assert_int_equal(tl_reader_new(&r), TL_OK);
  tl_spool_place p;
  while (tl_spool_where(w->spool, at, &p)) {
    tl_reader_found v;
    tl_sample sample;
    int rc;
    assert_int_equal(tl_reader_seek(r, &p), TL_OK);
    while ((rc = tl_reader_next(r, 1, &sample, sizeof sample, &v)) == 1) {
      assert_true(sample.value.number == first + count);
      assert_int_equal(v.number, at);
      assert_int_equal(v.series[sample.series]->name.len, 5);
      assert_int_equal(v.arrival_ms, 3000);
      at++;
      count++;
    }
    assert_int_equal(rc, 0);
  }
  tl_reader_free(r);
  tl_cursor_move(c, at);
  tl_spool_gone gone;
  if (tl_spool_take_gone(w->spool, &gone)) tl_spool_unlink(&gone);
  return count;
}

static tl_cursor *cursor (world *w, const char *name) {
  tl_cursor *c;
  assert_int_equal(tl_cursor_open(&c, w->spool, name, &w->err), TL_OK);
  return c;
}

static unsigned segments (const world *w) {
  unsigned count = 0;
  uint64_t first;
  DIR *dir = opendir(w->path);
  assert_non_null(dir);
  for (struct dirent *e; (e = readdir(dir));) count += tl_segment_is_name(e->d_name, &first);
  closedir(dir);
  return count;
}

static void is_read_in_order (void **state) {
  world *w = *state;
  open_it(w);
  tl_cursor *c = cursor(w, "a");
  put(w, 1, 3);
  put(w, 4, 4);
  assert_int_equal(read_all(w, c, 1), 4);
  put(w, 5, 6);
  assert_int_equal(read_all(w, c, 5), 2);
  assert_int_equal(read_all(w, c, 7), 0);
}

/* An outlet that could not store a batch asks for it again. */
static void is_read_again (void **state) {
  world *w = *state;
  tl_reader *r;
  tl_spool_place p;
  tl_reader_found v;
  tl_sample sample;
  open_it(w);
  put(w, 1, 3);
  assert_int_equal(tl_reader_new(&r), TL_OK);
  for (uint64_t from = 1; from <= 3; from++) {
    for (int again = 0; again < 2; again++) {
      assert_true(tl_spool_where(w->spool, from, &p));
      assert_int_equal(tl_reader_seek(r, &p), TL_OK);
      for (uint64_t at = from; at <= 3; at++) {
        assert_int_equal(tl_reader_next(r, 1, &sample, sizeof sample, &v), 1);
        assert_int_equal(v.number, at);
      }
      if (again == 0) assert_int_equal(tl_reader_next(r, 1, &sample, sizeof sample, &v), 0);
    }
  }
  tl_reader_free(r);
}

static void goes_on_after_a_break (void **state) {
  world *w = *state;
  open_it(w);
  tl_cursor *c = cursor(w, "a");
  put(w, 1, 3);
  assert_int_equal(read_all(w, c, 1), 3);
  put(w, 4, 9);
  uint64_t id = tl_spool_id(w->spool);
  close_it(w);
  open_it(w);
  assert_true(tl_spool_id(w->spool) == id);
  c = cursor(w, "a");
  put(w, 10, 12);
  assert_int_equal(read_all(w, c, 4), 9);
}

static void a_new_cursor_begins_with_what_comes (void **state) {
  world *w = *state;
  open_it(w);
  tl_cursor *a = cursor(w, "a");
  put(w, 1, 3);
  close_it(w);
  open_it(w);
  a = cursor(w, "a");
  tl_cursor *b = cursor(w, "b");
  put(w, 4, 5);
  assert_int_equal(read_all(w, a, 1), 5);
  assert_int_equal(read_all(w, b, 4), 2);
}

static void what_all_have_passed_goes (void **state) {
  world *w = *state;
  assert_int_equal(try_open(w, TL_SPOOL_LEAST, false), TL_OK);
  tl_cursor *a = cursor(w, "a"), *b = cursor(w, "b");
  for (int i = 0; i < 8; i++) put(w, 1 + i * 2500, (i + 1) * 2500);
  assert_true(segments(w) > 2);
  read_all(w, a, 1);
  assert_true(segments(w) > 2); /* b has not been there */
  read_all(w, b, 1);
  assert_int_equal(segments(w), 1);
}

static void a_cursor_that_was_removed_keeps_its_place_for_a_day (void **state) {
  world *w = *state;
  assert_int_equal(try_open(w, TL_SPOOL_LEAST, false), TL_OK);
  tl_cursor *a = cursor(w, "a");
  tl_cursor_close(cursor(w, "gone"));
  for (int i = 0; i < 8; i++) put(w, 1 + i * 2500, (i + 1) * 2500);
  read_all(w, a, 1);
  unsigned before = segments(w);
  assert_true(before > 2);
  char file[128];
  snprintf(file, sizeof file, "%s/gone.cursor", w->path);
  struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
  assert_int_equal(utimensat(AT_FDCWD, file, old, 0), 0);
  put(w, 20001, 20001);
  read_all(w, a, 20001);
  for (int i = 0; i < 3; i++) put(w, 20002 + i * 2500, 20001 + (i + 1) * 2500);
  read_all(w, a, 20002);
  assert_true(segments(w) < before);
}

static void the_oldest_goes_when_it_is_full (void **state) {
  world *w = *state;
  assert_int_equal(try_open(w, TL_SPOOL_LEAST, false), TL_OK);
  tl_cursor *a = cursor(w, "a");
  for (int i = 0; i < 40; i++) put(w, 1 + i * 2500, (i + 1) * 2500);
  assert_true(tl_spool_bytes(w->spool) <= TL_SPOOL_LEAST);
  uint64_t dropped = tl_spool_dropped(w->spool);
  tl_spool_place p;
  assert_true(dropped > 0);
  assert_true(tl_spool_where(w->spool, tl_cursor_at(a), &p));
  assert_int_equal(p.first, 1 + dropped);
}

static void holds_when_it_is_told_to (void **state) {
  world *w = *state;
  assert_int_equal(try_open(w, TL_SPOOL_LEAST, true), TL_OK);
  tl_cursor *a = cursor(w, "a");
  int rc = TL_OK;
  double n = 0;
  while (rc == TL_OK) {
    for (int i = 0; i < 2500; i++) add(w, ++n);
    rc = commit(w);
  }
  assert_int_equal(rc, TL_EFULL);
  assert_int_equal(tl_spool_dropped(w->spool), 0);
  assert_true(tl_spool_is_dirty(w->spool));
  read_all(w, a, 1); /* room again */
  assert_int_equal(commit(w), TL_OK);
  assert_int_equal(read_all(w, a, n - 2499), 2500);
}

static long size_of (const char *path) {
  struct stat st;
  return stat(path, &st) == 0 ? (long)st.st_size : -1;
}

static void newest (const world *w, char out[128]) {
  uint64_t first, most = 0;
  DIR *dir = opendir(w->path);
  assert_non_null(dir);
  for (struct dirent *e; (e = readdir(dir));) {
    char file[400];
    snprintf(file, sizeof file, "%s/%s", w->path, e->d_name);
    if (tl_segment_is_name(e->d_name, &first) && first >= most && size_of(file) > TL_SEGMENT_HEAD) {
      most = first;
      snprintf(out, 128, "%.120s", file);
    }
  }
  closedir(dir);
}

/* An earlier process wrote the values 1 to 3 and 4 to 6; in this file. */
static void two_batches (world *w, char file[128]) {
  open_it(w);
  cursor(w, "a");
  put(w, 1, 3);
  put(w, 4, 6);
  close_it(w);
  newest(w, file);
}

/* Whatever is cut off the file, the batches that are whole are read. */
static void a_cut_end_is_told_and_the_rest_read (void **state) {
  world *w = *state;
  char file[128];
  two_batches(w, file);
  long whole = size_of(file);
  assert_int_equal(truncate(file, whole - 1), 0);
  open_it(w);
  assert_true(w->found.cut_bytes > 0);
  assert_int_equal(tl_spool_next(w->spool), 4);
  tl_cursor *c = cursor(w, "a");
  put(w, 4, 4);
  assert_int_equal(read_all(w, c, 1), 4);
}

static void a_flipped_bit_is_noticed (void **state) {
  world *w = *state;
  char file[128];
  two_batches(w, file);
  int fd = open(file, O_RDWR);
  uint8_t byte;
  long at = size_of(file) - 5;
  assert_int_equal(pread(fd, &byte, 1, at), 1);
  byte ^= 4;
  assert_int_equal(pwrite(fd, &byte, 1, at), 1);
  close(fd);
  open_it(w);
  assert_true(w->found.cut_bytes > 0);
  tl_cursor *c = cursor(w, "a");
  assert_int_equal(read_all(w, c, 1), 3);
}

static void note_mark (void *ctx, uint64_t number, const tl_mark *m) {
  char *text = ctx;
  size_t len = strlen(text);
  snprintf(text + len, 200 - len, "%d %.*s %d %llx|", (int)number, TL_ARG(m->line), m->id,
           (unsigned long long)m->sum);
}

static const char *marks_of (const world *w) {
  static char text[200];
  text[0] = '\0';
  tl_spool_found_marks(w->spool, note_mark, text);
  return text;
}

static void mark (world *w, uint16_t id) {
  tl_mark m = { TL_LIT("plant"), id, 0xfedcba9876543210u };
  tl_spool_mark(w->spool, &m);
}

static void marks_of_the_last_batch_are_found (void **state) {
  world *w = *state;
  tl_cursor *c;
  open_it(w);
  assert_string_equal(marks_of(w), "");
  assert_int_equal(tl_cursor_open(&c, w->spool, "out", &w->err), TL_OK);
  mark(w, 1);
  put(w, 1, 3);
  mark(w, 2);
  mark(w, 65535);
  put(w, 4, 5);
  assert_int_equal(read_all(w, c, 1), 5); /* they are no values */
  close_it(w);
  open_it(w);
  assert_string_equal(marks_of(w), "4 plant 2 fedcba9876543210|4 plant 65535 fedcba9876543210|");
  close_it(w); /* it has begun a segment, and written nothing into it */
  open_it(w);
  assert_string_equal(marks_of(w), "4 plant 2 fedcba9876543210|4 plant 65535 fedcba9876543210|");
  put(w, 6, 6);
  close_it(w);
  open_it(w);
  assert_string_equal(marks_of(w), "");
}

static void marks_belong_to_one_commit (void **state) {
  world *w = *state;
  open_it(w);
  mark(w, 7); /* no value comes with it */
  assert_int_equal(commit(w), TL_OK);
  put(w, 1, 1);
  close_it(w);
  open_it(w);
  assert_string_equal(marks_of(w), "");
}

static void belongs_to_one_process (void **state) {
  world *w = *state;
  open_it(w);
  tl_spool *first = w->spool;
  int pid = fork();
  if (pid == 0) {
    char mine[32];
    snprintf(mine, sizeof mine, "process %ld", (long)getppid());
    int rc = try_open(w, 16 << 20, false);
    _exit(rc == TL_EEXIST && strstr(w->err.text, mine) ? 0 : 1);
  }
  int status;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_int_equal(status, 0);
  w->spool = first;
}

static void a_folder_that_cannot_be_is_an_error (void **state) {
  world *w = *state;
  snprintf(w->path, sizeof w->path, "%s/no/s", w->folder);
  assert_int_equal(try_open(w, 16 << 20, false), -ENOENT);
  assert_non_null(strstr(w->err.text, "No such file"));
}

/* The last byte of a magic is the format. */
static void set_format (const world *w, uint64_t first, char format) {
  char path[160], name[32];
  tl_segment_name(first, name);
  snprintf(path, sizeof path, "%s/%s", w->path, name);
  int fd = open(path, O_WRONLY);
  assert_true(fd >= 0);
  assert_int_equal(pwrite(fd, &format, 1, 7), 1);
  close(fd);
}

static uint64_t segment_size (const world *w, uint64_t first) {
  char path[160], name[32];
  struct stat st;
  tl_segment_name(first, name);
  snprintf(path, sizeof path, "%s/%s", w->path, name);
  assert_int_equal(stat(path, &st), 0);
  return (uint64_t)st.st_size;
}

/* Nothing of it is cut off or changed: the later version finds it as it was. */
static void what_a_later_version_wrote_is_refused (void **state) {
  world *w = *state;
  tl_cursor *c;
  open_it(w);
  assert_int_equal(tl_cursor_open(&c, w->spool, "a", &w->err), TL_OK);
  put(w, 1, 3);
  close_it(w);
  uint64_t size = segment_size(w, 1);
  set_format(w, 1, ':'); /* the tenth */
  assert_int_equal(try_open(w, 16 << 20, false), TL_ETYPE);
  set_format(w, 1, '3');
  assert_int_equal(try_open(w, 16 << 20, false), TL_ETYPE);
  assert_non_null(strstr(w->err.text, "was written by a later version of tagline"));
  assert_non_null(strstr(w->err.text, "move the folder away"));
  assert_null(w->spool);
  assert_true(segment_size(w, 1) == size);
  set_format(w, 1, '2');
  open_it(w);
  assert_int_equal(tl_cursor_open(&c, w->spool, "a", &w->err), TL_OK);
  assert_int_equal(read_all(w, c, 1), 3);
}

/* A segment as the first version wrote it: the values 1, 2 and 3, and a mark. */
static const uint8_t first_format[] = {
  0x54, 0x4c, 0x53, 0x50, 0x4f, 0x4f, 0x4c, 0x31, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11,
  0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xe8, 0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
  0xd5, 0x1c, 0x0a, 0xb8, 0x00, 0x00, 0x00, 0x00, 0x7f, 0x00, 0x00, 0x00, 0x63, 0xa2, 0x27, 0x68,
  0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xb8, 0x0b, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
  0x03, 0x00, 0x00, 0x00, 0x0f, 0x00, 0x00, 0x00, 0x53, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
  0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05, 0x00,
  0x00, 0x00, 0x6c, 0x2e, 0x73, 0x2e, 0x74, 0x01, 0x00, 0x00, 0x00, 0x56, 0x00, 0x00, 0x00, 0x00,
  0x56, 0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
  0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xf0, 0x3f, 0x56, 0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x00,
  0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x40,
  0x56, 0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
  0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x08, 0x40, 0x07, 0x00, 0x63, 0x00, 0x00, 0x00, 0x00, 0x00,
  0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x6c,
};

static void what_an_earlier_version_wrote_is_read (void **state) {
  world *w = *state;
  tl_cursor *c;
  char path[160];
  assert_int_equal(mkdir(w->path, 0700), 0);
  snprintf(path, sizeof path, "%s/0000000000000001.spool", w->path);
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  assert_int_equal(fwrite(first_format, 1, sizeof first_format, f), sizeof first_format);
  fclose(f);
  snprintf(path, sizeof path, "%s/a.cursor", w->path);
  f = fopen(path, "w");
  assert_non_null(f);
  fprintf(f, "%016llx\n%016llx\n", 0x1122334455667788ULL, 1ULL);
  fclose(f);
  open_it(w);
  assert_int_equal(w->found.cut_bytes, 0);
  assert_int_equal(w->found.waiting, 3);
  assert_int_equal(tl_cursor_open(&c, w->spool, "a", &w->err), TL_OK);
  put(w, 4, 5); /* in the format of today, behind them */
  assert_int_equal(read_all(w, c, 1), 5);
}

/* More than a reader takes for a batch is not written as one: the rest comes with the next. */
static void a_batch_has_a_largest_size (void **state) {
  world *w = *state;
  tl_cursor *c;
  uint32_t segment;
  bool cut;
  unsigned count = 0;
  uint8_t *text = calloc(1, TL_RECORD_TEXT);
  assert_non_null(text);
  assert_int_equal(try_open(w, 400 << 20, false), TL_OK);
  assert_int_equal(tl_cursor_open(&c, w->spool, "a", &w->err), TL_OK);
  for (tl_buf *out; (out = tl_spool_begin(w->spool, 2000, &segment)) != NULL; count++) {
    tl_series s = { .type = TL_TXTI, .name = TL_LIT("l.s.t") };
    if (count == 0) tl_record_series(out, &s);
    tl_sample v = { .status = TL_VALID, .value = { .text = tl_slice_of(text, TL_RECORD_TEXT) } };
    tl_record_sample(out, &v, TL_TXTI, &cut);
    tl_spool_added(w->spool, 0);
  }
  assert_true(count > 1000 && tl_spool_pending(w->spool) < TL_SPOOL_MOST + 2 * TL_RECORD_TEXT);
  assert_int_equal(commit(w), TL_OK);
  w->segment = 0; /* series 0 is another one there */
  tl_reader *r;
  tl_spool_place p;
  tl_sample sample;
  tl_reader_found v;
  assert_int_equal(tl_reader_new(&r), TL_OK);
  assert_true(tl_spool_where(w->spool, 1, &p));
  assert_int_equal(tl_reader_seek(r, &p), TL_OK);
  while (tl_reader_next(r, 1, &sample, sizeof sample, &v) == 1) count--;
  assert_int_equal(count, 0);
  tl_reader_free(r);
  free(text);
  assert_non_null(tl_spool_begin(w->spool, 2000, &segment));
}

int main (void) {
  const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
    T(is_read_in_order),
    T(is_read_again),
    T(goes_on_after_a_break),
    T(a_new_cursor_begins_with_what_comes),
    T(what_all_have_passed_goes),
    T(a_cursor_that_was_removed_keeps_its_place_for_a_day),
    T(the_oldest_goes_when_it_is_full),
    T(holds_when_it_is_told_to),
    T(a_cut_end_is_told_and_the_rest_read),
    T(a_flipped_bit_is_noticed),
    T(marks_of_the_last_batch_are_found),
    T(marks_belong_to_one_commit),
    T(belongs_to_one_process),
    T(a_folder_that_cannot_be_is_an_error),
    T(what_a_later_version_wrote_is_refused),
    T(what_an_earlier_version_wrote_is_read),
    T(a_batch_has_a_largest_size),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

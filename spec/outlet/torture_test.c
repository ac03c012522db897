/* spec/outlet/torture_test.c — reading a batch fails at each request for memory and each call of a
** file in turn: then nothing was read, and the next attempt gives all of it. */
#include "support/torture.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "net/loop.h"
#include "outlet/batch.h"
#include "outlet/outlet.h"

FAILING(openat, int, (errno = EMFILE, -1), (int at, const char *path, int flags, mode_t mode),
        (at, path, flags, mode))
FAILING(pread, ssize_t, (errno = EIO, -1), (int fd, void *at, size_t n, off_t from),
        (fd, at, n, from))

enum { TAGS = 300, VALUES = 2 * TAGS };

static char folder[64];
static tl_spool *spool;
static tl_cursor *cursor;

/* Each tag has a number and then a text, its own index; each has a unit. */
static void add (int i) {
  char name[32], text[32];
  uint32_t segment;
  bool cut;
  tl_buf *out = tl_spool_begin(spool, 2000, &segment);
  assert_non_null(out);
  snprintf(name, sizeof name, "l.s.t%d", i % TAGS);
  snprintf(text, sizeof text, "value %d", i);
  if (i < TAGS) {
    tl_series s = { .id = (uint32_t)i,
                    .type = TL_TXTI,
                    .name = tl_slice_str(name),
                    .unit = TL_LIT("unit"),
                    .description = tl_slice_str(text) };
    tl_record_series(out, &s);
  }
  tl_sample v = { .series = (uint32_t)(i % TAGS),
                  .status = TL_VALID,
                  .time_ms = 1000 + i,
                  .value = { .text = tl_slice_str(text) } };
  tl_record_sample(out, &v, TL_TXTI, &cut);
  tl_spool_added(spool, 2000);
}

static int set_up (void **state) {
  (void)state;
  tl_err err;
  tl_spool_found found;
  strcpy(folder, "/tmp/tagline-outlet-XXXXXX");
  if (!mkdtemp(folder)) return -1;
  tl_spool_options options = { folder, 16 << 20, true };
  if (tl_spool_open(&spool, &options, 1000, &found, &err) < 0) return -1;
  if (tl_cursor_open(&cursor, spool, "a", &err) < 0) return -1;
  for (int i = 0; i < VALUES; i++) {
    add(i);
    if (i % 50 == 49) assert_int_equal(tl_spool_commit(spool, 3000, &err), TL_OK);
  }
  return 0;
}

static int tear_down (void **state) {
  (void)state;
  tl_spool_close(spool);
  DIR *dir = opendir(folder);
  for (struct dirent *e; dir && (e = readdir(dir));)
    if (e->d_name[0] != '.') unlinkat(dirfd(dir), e->d_name, 0);
  if (dir) closedir(dir);
  return rmdir(folder);
}

static int fetch (tl_fetch *f, tl_outlet_batch *b) {
  tl_spool_place place;
  assert_true(tl_spool_where(spool, tl_cursor_at(cursor), &place));
  tl_fetch_prepare(f, &place, tl_spool_id(spool));
  tl_fetch_run(f);
  return tl_fetch_result(f, b);
}

static void is_whole (const tl_outlet_batch *b, size_t most) {
  char name[32], text[32];
  assert_int_equal(b->count, most < VALUES ? most : VALUES);
  assert_int_equal(b->hole.count, 0);
  for (size_t i = 0; i < b->count; i++) {
    const tl_outlet_value *v = &b->values[i];
    snprintf(name, sizeof name, "l.s.t%d", (int)i % TAGS);
    snprintf(text, sizeof text, "value %d", (int)i);
    assert_int_equal(v->number, i + 1);
    assert_bytes(v->series->name, name);
    assert_bytes(v->series->unit, "unit");
    assert_bytes(v->sample.value.text, text);
  }
}

static void a_batch_is_read_whole_or_again (void **state) {
  (void)state;
  for (int kept = 0; kept < 2; kept++) /* a reader that has its memory, and a new one */
    for (torture_round t = { 0 }; torture_next(&t);) {
      tl_fetch *f = NULL;
      tl_outlet_batch b;
      bool failed = false;
      if (kept) assert_int_equal(tl_fetch_new(&f, true, 1000), TL_OK);
      memory_fails(t.at, t.for_ever);
      int rc = kept ? TL_OK : tl_fetch_new(&f, true, 1000);
      if (rc < 0) {
        memory_heals();
        assert_true(rc == TL_ENOMEM && memory_failed && !f);
        continue;
      }
      rc = fetch(f, &b);
      memory_heals();
      failed = memory_failed;
      assert_true(rc == TL_OK || failed);
      if (rc == TL_OK && failed) /* a segment that cannot be opened is none that is gone */
        assert_int_equal(b.hole.count, 0);
      if (rc < 0) assert_int_equal(fetch(f, &b), TL_OK);
      is_whole(&b, 1000);
      tl_fetch_free(f);
      memory_failed = failed;
    }
}

static void an_outlet_is_made_or_not (void **state) {
  (void)state;
  tl_loop *loop;
  const tl_sender kind = { .kind = "spec", .most = 100, .delay_ms = 10 };
  assert_int_equal(tl_loop_new(&loop), TL_OK);
  for (torture_round t = { 0 }; torture_next(&t);) {
    tl_outlet *o = NULL;
    tl_err err = { .text = "" };
    memory_fails(t.at, t.for_ever);
    int rc = tl_outlet_new(&o, loop, spool, "b", &kind, &err);
    memory_heals();
    assert_true(memory_failed ? rc < 0 && !o && err.text[0] != '\0' : rc == TL_OK);
    if (o) tl_outlet_discard(o);
    tl_loop_run(loop);
  }
  tl_loop_free(loop);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_batch_is_read_whole_or_again, set_up, tear_down),
    cmocka_unit_test_setup_teardown(an_outlet_is_made_or_not, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* spec/outlet/sync_test.c — when the spool is synced: soon after the first value, then about each
** second, at once when somebody hurries, and at the end; what a disk that does not sync does. */
#include "net/net_support.h"
#include "support/torture.h"

#include <dirent.h>
#include <pthread.h>

#include "base/log.h"
#include "outlet/sync.h"

FAILING(uv_queue_work, int, UV_ENOMEM,
        (uv_loop_t * l, uv_work_t *r, uv_work_cb f, uv_after_work_cb done), (l, r, f, done))
WRAPPED(fdatasync, int __wrap_fdatasync(int fd));

static char folder[64];
static tl_spool *spool;
static tl_sync *sync_;
static int synced, closed;
static int syncs, sync_fails; /* a thread counts, and is waited for */
static bool is_busy_line;     /* each sync finds another value behind it */
static pthread_mutex_t disk = PTHREAD_MUTEX_INITIALIZER; /* who has it holds the disk */
static char logged[2000];

int __wrap_fdatasync (int fd) {
  (void)fd;
  pthread_mutex_lock(&disk);
  pthread_mutex_unlock(&disk);
  syncs++;
  errno = sync_fails;
  return sync_fails > 0 ? -1 : 0;
}

static bool note_log (void *ctx, tl_log_level level, const char *line) {
  (void)ctx, (void)level;
  size_t used = strlen(logged);
  snprintf(logged + used, sizeof logged - used, "%s\n", line);
  return true;
}

static void put (void);
static void on_synced (void *ctx) {
  (void)ctx, synced++;
  if (is_busy_line) put();
}
static void on_closed (void *ctx) { (void)ctx, closed++; }

static int set_up (void **state) {
  tl_spool_found found;
  tl_err err;
  synced = closed = syncs = sync_fails = 0;
  is_busy_line = false;
  logged[0] = '\0';
  strcpy(folder, "/tmp/tagline-sync-XXXXXX");
  if (!mkdtemp(folder) || loop_setup(state) < 0) return -1;
  tl_spool_options options = { folder, 16 << 20, true };
  tl_log_set_writer(note_log, NULL);
  if (tl_spool_open(&spool, &options, 1000, &found, &err) < 0) return -1;
  return tl_sync_new(&sync_, loop, spool, on_synced, NULL);
}

static int tear_down (void **state) {
  if (tl_sync_free(sync_)) tl_spool_close(spool);
  int rc = loop_teardown(state);
  tl_log_set_writer(NULL, NULL);
  DIR *dir = opendir(folder);
  for (struct dirent *e; dir && (e = readdir(dir));)
    if (e->d_name[0] != '.') unlinkat(dirfd(dir), e->d_name, 0);
  if (dir) closedir(dir);
  return rmdir(folder) + rc;
}

static void put (void) {
  uint32_t now;
  bool cut;
  tl_err err;
  memory_is_spared = true;
  tl_buf *out = tl_spool_begin(spool, 2000, &now);
  assert_non_null(out);
  tl_series s = { .type = TL_AI, .name = TL_LIT("l.s.t") };
  tl_record_series(out, &s);
  tl_sample v = { .status = TL_VALID, .value = { .number = 0.5 } };
  tl_record_sample(out, &v, TL_AI, &cut);
  tl_spool_added(spool, 2000);
  assert_int_equal(tl_spool_commit(spool, 3000, &err), TL_OK);
  memory_is_spared = false;
  tl_sync_poke(sync_);
}

static bool all_is_synced (void) { return tl_spool_synced(spool) == tl_spool_next(spool); }

static void close_it (void) {
  tl_sync_close(sync_, on_closed, NULL);
  RUN_UNTIL(closed == 1);
}

static void the_first_value_is_synced_at_once_the_next_after_a_while (void **state) {
  (void)state;
  put();
  RUN_UNTIL(all_is_synced());
  int before = syncs;
  put(); /* in the same turn, whose time is not over: it waits */
  assert_false(all_is_synced());
  assert_int_equal(syncs, before);
  RUN_UNTIL(all_is_synced());
  close_it();
  assert_string_equal(tl_sync_why(sync_), "");
  assert_string_equal(logged, "");
}

static void who_hurries_does_not_wait (void **state) {
  (void)state;
  tl_sync_hurry(sync_);
  for (int i = 0; i < 5; i++) {
    put();
    RUN_UNTIL(all_is_synced());
  }
  close_it();
}

/* What came meanwhile is synced, too. */
static void nothing_is_left_when_it_is_closed (void **state) {
  (void)state;
  put();
  put();
  tl_sync_close(sync_, on_closed, NULL);
  assert_int_equal(closed, 0);
  RUN_UNTIL(closed == 1);
  assert_true(all_is_synced());
}

static void the_end_does_not_wait_for_what_comes_later (void **state) {
  (void)state;
  put();
  is_busy_line = true;
  uint64_t next = tl_spool_next(spool);
  close_it();
  assert_true(tl_spool_synced(spool) >= next && !all_is_synced());
  put(); /* the process waits for something else yet */
  tl_sync_hurry(sync_);
  assert_false(tl_sync_is_busy(sync_));
}

/* The sync under way did not take its place. */
static void an_outlet_that_was_closed_meanwhile_has_its_place_synced (void **state) {
  tl_cursor *cursor;
  tl_spool_sync sync;
  tl_err err;
  (void)state;
  pthread_mutex_lock(&disk);
  put();
  assert_true(tl_sync_is_busy(sync_));
  assert_int_equal(tl_cursor_open(&cursor, spool, "out", &err), TL_OK);
  tl_cursor_move(cursor, tl_spool_next(spool));
  tl_cursor_close(cursor);
  tl_sync_close(sync_, on_closed, NULL);
  pthread_mutex_unlock(&disk);
  RUN_UNTIL(closed == 1);
  assert_false(tl_spool_take_sync(spool, &sync));
}

static void a_disk_that_holds_a_thread_does_not_hold_the_end (void **state) {
  (void)state;
  pthread_mutex_lock(&disk);
  put();
  tl_sync_close(sync_, on_closed, NULL);
  assert_int_equal(closed, 0);
  tl_sync_give_up(sync_);
  assert_int_equal(closed, 1);
  assert_true(tl_sync_is_busy(sync_));
  assert_false(tl_sync_free(sync_)); /* which closes the spool, once the loop has heard of it */
  sync_ = NULL;
  spool = NULL;
  pthread_mutex_unlock(&disk);
}

static void a_disk_that_does_not_sync_is_told_once_and_tried_again (void **state) {
  (void)state;
  sync_fails = EIO;
  put();
  RUN_UNTIL(synced == 2);
  assert_string_equal(tl_sync_why(sync_), "Input/output error");
  const char *first = strstr(logged, "the disk does not sync what is written: Input/output error");
  assert_non_null(first);
  assert_null(strstr(first + 1, "the disk does"));
  assert_false(all_is_synced());
  sync_fails = 0;
  RUN_UNTIL(all_is_synced());
  assert_non_null(strstr(logged, "synced again"));
  close_it();
}

static void it_is_closed_although_the_disk_does_not_sync (void **state) {
  (void)state;
  sync_fails = EIO;
  put();
  close_it();
  assert_false(all_is_synced());
}

static void without_memory_for_a_thread_it_is_tried_again (void **state) {
  (void)state;
  tl_sync_hurry(sync_);
  RUN_UNTIL(synced > 0);
  for (torture_round t = { 0 }; torture_next(&t);) {
    memory_fails(t.at, t.for_ever);
    put();
    memory_heals();
    RUN_UNTIL(all_is_synced());
  }
  close_it();
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(the_first_value_is_synced_at_once_the_next_after_a_while),
    SPEC(who_hurries_does_not_wait),
    SPEC(nothing_is_left_when_it_is_closed),
    SPEC(the_end_does_not_wait_for_what_comes_later),
    SPEC(an_outlet_that_was_closed_meanwhile_has_its_place_synced),
    SPEC(a_disk_that_holds_a_thread_does_not_hold_the_end),
    SPEC(a_disk_that_does_not_sync_is_told_once_and_tried_again),
    SPEC(it_is_closed_although_the_disk_does_not_sync),
    SPEC(without_memory_for_a_thread_it_is_tried_again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* spec/session_store/disk_test.c — one sync for what arrived together, and a disk that fails. */
#include "session_store/folder.h"

#include <errno.h>

#include "session_store/disk.h"

#define NONE tl_slice_of(NULL, 0)

static int set_up (void **state) {
  memset(&disk, 0, sizeof disk);
  return new_folder(state);
}

static void one_sync_for_all_that_arrived_together (void **state) {
  (void)state;
  tl_store_stats stats;
  tl_store *s = open_store();
  disk.syncs = 0;
  for (uint16_t i = 1; i <= 100; i++) put_message(s, i, i, "value");
  tl_store_put(s, TL_STORE_RECEIVED, 0, 9, NONE);
  commit(s);
  assert_int_equal(disk.syncs, 1);
  tl_store_get_stats(s, &stats);
  assert_int_equal(stats.writes, 1);
  assert_int_equal(stats.syncs, 1);
  assert_int_equal(stats.changes, 101);
  tl_store_close(s);
}

static void writing_costs_none_and_the_next_commit_one (void **state) {
  (void)state;
  tl_err err;
  tl_store *s = open_store();
  disk.syncs = 0;
  put_message(s, 1, 1, "value");
  assert_int_equal(tl_store_write(s, &err), TL_OK);
  put_message(s, 2, 2, "value");
  assert_int_equal(tl_store_write(s, &err), TL_OK);
  assert_int_equal(disk.syncs, 0);
  commit(s);
  assert_int_equal(disk.syncs, 1);
  commit(s);
  assert_int_equal(disk.syncs, 1);
  tl_store_close(s);
}

static void what_is_forgotten_meanwhile_takes_no_sync_away (void **state) {
  (void)state;
  tl_err err;
  tl_store *s = open_store();
  disk.syncs = 0;
  put_message(s, 1, 1, "value");
  assert_int_equal(tl_store_write(s, &err), TL_OK);
  tl_store_delete(s, TL_STORE_MESSAGE, 99, 1, NONE); /* alone it would need none */
  assert_int_equal(tl_store_write(s, &err), TL_OK);
  commit(s);
  assert_int_equal(disk.syncs, 1);
  tl_store_close(s);
}

static void forgetting_a_confirmed_message_costs_none (void **state) {
  (void)state;
  tl_store *s = open_store();
  put_message(s, 1, 1, "value");
  tl_store_put(s, TL_STORE_FILTER, 0, 0, TL_LIT("a"));
  commit(s);
  disk.syncs = 0;
  tl_store_delete(s, TL_STORE_MESSAGE, 1, 1, NONE);
  tl_store_delete(s, TL_STORE_FILTER, 0, 0, TL_LIT("a"));
  commit(s);
  assert_int_equal(disk.syncs, 0);
  assert_string_equal(content(s), "");
  tl_store_close(s);
}

static void all_that_a_packet_depends_on_is_synced (void **state) {
  (void)state;
  tl_store *s = open_store();
  for (int i = 0; i < 5; i++) {
    disk.syncs = 0;
    switch (i) {
      case 0: put_message(s, 1, 1, "value"); break;
      case 1: put_message(s, 1, 1, ""); break; /* PUBREL follows: PUBLISH must not come again */
      case 2: tl_store_put(s, TL_STORE_RECEIVED, 0, 1, NONE); break;
      /* else the next message under it is taken for a repeat */
      case 3: tl_store_delete(s, TL_STORE_RECEIVED, 0, 1, NONE); break;
      case 4: tl_store_put(s, TL_STORE_FILTER, 0, 0, TL_LIT("a")); break;
    }
    commit(s);
    assert_int_equal(disk.syncs, 1);
    tl_store_delete(s, TL_STORE_MESSAGE, 99, 1, NONE); /* without a sync, in between */
    commit(s);
    assert_int_equal(disk.syncs, 1);
  }
  tl_store_close(s);
}

static off_t log_size (void) {
  char path[600];
  struct stat st;
  snprintf(path, sizeof path, "%s/plant.me.sqlite-wal", folder);
  assert_int_equal(stat(path, &st), 0);
  return st.st_size;
}

static void the_log_does_not_grow_for_ever (void **state) {
  (void)state;
  char text[3000];
  memset(text, 'm', sizeof text);
  text[sizeof text - 1] = '\0';
  tl_store *s = open_store();
  for (uint64_t i = 1; i <= 3000; i++) {
    put_message(s, i, 1, text);
    if (i > 1) tl_store_delete(s, TL_STORE_MESSAGE, i - 1, 0, NONE);
    commit(s);
  }
  assert_true(log_size() < 6 * 1024 * 1024);
  tl_store_close(s);
}

/* A failing disk says why, loses nothing of the batch, and the batch is written when it works
** again. */
static void survives (int *fault, int how, int code, const char *word, const char *meanwhile) {
  tl_err err = { .text = "" };
  tl_store *s = open_store();
  put_message(s, 1, 1, "before");
  commit(s);
  put_message(s, 2, 2, "during");
  *fault = how;
  for (int i = 0; i < 3; i++) {
    assert_int_equal(tl_store_commit(s, &err), code);
    if (strstr(err.text, word) == NULL || strstr(err.text, "plant.me.sqlite") == NULL)
      fail_msg("'%s' does not say '%s'", err.text, word);
  }
  put_message(s, 3, 3, "more");
  *fault = 0;
  assert_string_equal(content(s), meanwhile);
  commit(s);
  assert_string_equal(content(s), "o 1 1 before|o 2 2 during|o 3 3 more|");
  tl_store_close(s);
  s = open_store();
  assert_string_equal(content(s), "o 1 1 before|o 2 2 during|o 3 3 more|");
  tl_store_close(s);
}

static void a_full_disk (void **state) {
  (void)state;
  survives(&disk.fail_write, SQLITE_FULL, -ENOSPC, "No space left on device", "o 1 1 before|");
}

static void a_disk_that_does_not_write (void **state) {
  (void)state;
  survives(&disk.fail_write, SQLITE_IOERR_WRITE, -EIO, "Input/output error", "o 1 1 before|");
}

static void a_disk_that_does_not_sync (void **state) {
  (void)state;
  survives(&disk.fail_sync, SQLITE_IOERR_FSYNC, -EIO, "Input/output error",
           "o 1 1 before|o 2 2 during|");
}

/* The system may have dropped what it could not sync: a second sync of the same file proves
** nothing. */
static void a_failed_sync_is_made_good_in_the_database_itself (void **state) {
  (void)state;
  tl_err err;
  tl_store *s = open_store();
  put_message(s, 1, 1, "value");
  disk.fail_sync = SQLITE_IOERR_FSYNC;
  assert_int_equal(tl_store_commit(s, &err), -EIO);
  assert_true(log_size() > 0);
  disk.fail_sync = 0;
  commit(s);
  assert_int_equal(log_size(), 0);
  tl_store_close(s);
}

static void a_disk_that_fails_from_the_start (void **state) {
  (void)state;
  tl_store *s;
  tl_err err = { .text = "" };
  disk.fail_write = SQLITE_FULL;
  assert_int_equal(tl_store_open(&s, tl_slice_str(folder), TL_LIT("plant"), TL_LIT("me"), &err),
                   -ENOSPC);
  disk.fail_write = 0;
  disk.fail_sync = SQLITE_IOERR_FSYNC;
  assert_int_equal(tl_store_open(&s, tl_slice_str(folder), TL_LIT("plant"), TL_LIT("me"), &err),
                   -EIO);
  disk.fail_sync = 0;
  s = open_store(); /* what the failed attempts left is no obstacle */
  assert_string_equal(content(s), "");
  tl_store_close(s);
}

#define SPEC(f) cmocka_unit_test_setup_teardown(f, set_up, drop_folder)

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(one_sync_for_all_that_arrived_together),
    SPEC(writing_costs_none_and_the_next_commit_one),
    SPEC(what_is_forgotten_meanwhile_takes_no_sync_away),
    SPEC(forgetting_a_confirmed_message_costs_none),
    SPEC(all_that_a_packet_depends_on_is_synced),
    SPEC(the_log_does_not_grow_for_ever),
    SPEC(a_full_disk),
    SPEC(a_disk_that_does_not_write),
    SPEC(a_disk_that_does_not_sync),
    SPEC(a_failed_sync_is_made_good_in_the_database_itself),
    SPEC(a_disk_that_fails_from_the_start),
  };
  disk_install();
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* spec/session_store/torture_test.c — each call of SQLite and of the system, each request for
** memory and what SQLite does inside fails in turn: a batch is there whole or not at all, what was
** committed is never lost, and every failure has words. */
#include "session_store/folder.h"
#include "support/failing_sqlite.h"
#include "support/torture.h"

#include <errno.h>
#include <fcntl.h>

FAILING(mkdir, int, (errno = EACCES, -1), (const char *path, mode_t mode), (path, mode))
FAILING(sqlite3_wal_checkpoint_v2, int, SQLITE_IOERR,
        (sqlite3 * db, const char *name, int mode, int *log, int *done),
        (db, name, mode, log, done))

enum { MESSAGES = 5 };

static tl_store *store;
static tl_err err;
static char expected[4000];

static int try_open (void) {
  err = (tl_err){ .text = "" };
  return tl_store_open(&store, tl_slice_str(folder), TL_LIT("plant"), TL_LIT("me"), &err);
}

static void reopen (void) {
  tl_store_close(store);
  store = NULL;
  if (try_open() != TL_OK) fail_msg("afterwards: %s", err.text);
}

static bool rounds (torture_round *t) {
  if (lite_inside) t->at += t->at / 4;
  if (torture_next(t)) return true;
  lite_inside = !lite_inside;
  *t = (torture_round){ .begun = false };
  return lite_inside && torture_next(t);
}

static int tear_down (void **state) {
  tl_store_close(store);
  store = NULL;
  return drop_folder(state);
}

/* The batch of round `n`, in place of all that was there. */
static void put_batch (int n) {
  tl_store_begin_anew(store);
  for (int i = 0; i < MESSAGES; i++) {
    char text[300];
    snprintf(text, sizeof text, "%d-%d %-250s", n, i, "x");
    put_message(store, (uint64_t)i, (uint16_t)n, text);
  }
  tl_store_put(store, TL_STORE_RECEIVED, 0, (uint16_t)n, tl_slice_of(NULL, 0));
  tl_store_put(store, TL_STORE_TAKEN, 9, (uint16_t)n, tl_slice_of(NULL, 0));
  tl_store_put(store, TL_STORE_FILTER, 0, 0, TL_LIT("a/#"));
  tl_store_delete(store, TL_STORE_FILTER, 0, 0, TL_LIT("b/#"));
  tl_store_delete(store, TL_STORE_MESSAGE, 4, 0, tl_slice_of(NULL, 0));
  tl_store_delete(store, TL_STORE_RECEIVED, 0, 1, tl_slice_of(NULL, 0));
  tl_store_put_place(store, 77, (uint64_t)n);
}

static void it_opens_or_says_why (void **state) {
  (void)state;
  for (int old = 0; old < 2; old++)
    for (torture_round t = { 0 }; rounds(&t);) {
      uint64_t where, next;
      if (old == 0) remove_files();
      if (old > 0) {
        reopen();
        put_batch(2);
        commit(store);
        snprintf(expected, sizeof expected, "%s", content(store));
      }
      tl_store_close(store);
      store = NULL;
      memory_fails(t.at, t.for_ever);
      int rc = try_open();
      memory_heals();
      assert_true(memory_failed || rc == TL_OK);
      if (rc < 0) assert_true(!store && strstr(err.text, "session store"));
      reopen();
      assert_string_equal(content(store), old ? expected : "");
      tl_store_get_place(store, &where, &next);
      assert_int_equal(where, old ? 77 : 0);
      tl_store_close(store);
      store = NULL;
    }
}

static void a_batch_is_there_whole_or_not_at_all (void **state) {
  (void)state;
  int n = 3;
  for (int synced = 0; synced < 2; synced++)
    for (torture_round t = { 0 }; rounds(&t); n++) {
      lite_errno = t.at % 2 ? ENOSPC : EIO;
      reopen();
      put_batch(2);
      commit(store);
      memory_fails(t.at, t.for_ever);
      err = (tl_err){ .text = "" };
      put_batch(n);
      int rc = synced ? tl_store_commit(store, &err) : tl_store_write(store, &err);
      memory_heals();
      assert_true(memory_failed || rc == TL_OK);
      if (rc < 0) assert_true(err.text[0] != '\0');
      if (rc < 0) { /* the same batch again, unless a part of it is missing */
        if (tl_store_is_broken(store)) put_batch(n);
        commit(store);
      }
      snprintf(expected, sizeof expected, "%s", content(store));
      assert_non_null(strstr(expected, "f a/#|"));
      reopen();
      assert_string_equal(content(store), expected);
    }
}

static int ignore (void *ctx, char kind, uint64_t sequence, uint16_t id, tl_slice bytes,
                   tl_err *why) {
  (void)kind, (void)sequence, (void)id, (void)why;
  if (kind == TL_STORE_MESSAGE) assert_true(bytes.len > 200);
  ++*(int *)ctx;
  return TL_OK;
}

static void what_is_read_is_whole_or_an_error (void **state) {
  (void)state;
  reopen();
  put_batch(2);
  commit(store);
  int all = 0;
  assert_int_equal(tl_store_load(store, ignore, &all, &err), TL_OK);
  for (torture_round t = { 0 }; rounds(&t);) {
    int count = 0;
    memory_fails(t.at, t.for_ever);
    err = (tl_err){ .text = "" };
    int rc = tl_store_load(store, ignore, &count, &err);
    memory_heals();
    assert_true(memory_failed || rc == TL_OK);
    if (rc == TL_OK) assert_int_equal(count, all);
    if (rc < 0) assert_true(err.text[0] != '\0');
  }
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(it_opens_or_says_why, new_folder, tear_down),
    cmocka_unit_test_setup_teardown(a_batch_is_there_whole_or_not_at_all, new_folder, tear_down),
    cmocka_unit_test_setup_teardown(what_is_read_is_whole_or_an_error, new_folder, tear_down),
  };
  sqlite_fails_too();
  return cmocka_run_group_tests(tests, NULL, NULL);
}

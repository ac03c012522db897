/* spec/session_store/store_test.c — what is committed is there again; whose file it is; what is
** refused. */
#include "session_store/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/wait.h>

#include "session_store/store_impl.h"

#define NONE tl_slice_of(NULL, 0)

static void an_empty_store_holds_nothing (void **state) {
  (void)state;
  tl_store *s = open_store();
  assert_string_equal(content(s), "");
  tl_store_close(s);
}

static void what_was_committed_is_there_again (void **state) {
  (void)state;
  tl_store *s = open_store();
  put_message(s, 2, 0, "later");
  put_message(s, 1, 65535, "first");
  tl_store_put(s, TL_STORE_RECEIVED, 0, 9, NONE);
  tl_store_put(s, TL_STORE_FILTER, 0, 0, TL_LIT("a/#"));
  commit(s);
  assert_string_equal(content(s), "f a/#|i 9|o 1 65535 first|o 2 0 later|");
  tl_store_close(s);
  s = open_store();
  assert_string_equal(content(s), "f a/#|i 9|o 1 65535 first|o 2 0 later|");
  tl_store_close(s);
}

static void a_place_and_what_was_taken_are_kept_with_the_batch (void **state) {
  uint64_t where, next;
  (void)state;
  tl_store *s = open_store();
  tl_store_get_place(s, &where, &next);
  assert_true(where == 0 && next == 0);
  tl_store_put(s, TL_STORE_TAKEN, UINT64_MAX, 3, NONE);
  tl_store_put(s, TL_STORE_TAKEN, 1, 4, NONE);
  tl_store_put(s, TL_STORE_TAKEN, 2, 4, NONE); /* the later one counts */
  tl_store_delete(s, TL_STORE_TAKEN, 0, 3, NONE);
  tl_store_put_place(s, UINT64_MAX - 1, 77);
  commit(s);
  assert_string_equal(content(s), "t 4 2|");
  tl_store_begin_anew(s);
  tl_store_put(s, TL_STORE_RECEIVED, 0, 5, NONE);
  commit(s);
  tl_store_close(s);
  s = open_store();
  assert_string_equal(content(s), "i 5|");
  tl_store_get_place(s, &where, &next);
  assert_true(where == UINT64_MAX - 1 && next == 77);
  tl_store_close(s);
}

static void what_was_not_committed_is_not (void **state) {
  (void)state;
  tl_store *s = open_store();
  put_message(s, 1, 1, "kept");
  commit(s);
  put_message(s, 2, 2, "lost");
  tl_store_close(s);
  s = open_store();
  assert_string_equal(content(s), "o 1 1 kept|");
  tl_store_close(s);
}

static void changes_count_in_their_order (void **state) {
  (void)state;
  tl_store *s = open_store();
  put_message(s, 1, 5, "whole");
  put_message(s, 1, 5, ""); /* after PUBREC */
  put_message(s, 2, 6, "gone");
  tl_store_delete(s, TL_STORE_MESSAGE, 2, 6, TL_LIT("ignored"));
  tl_store_put(s, TL_STORE_RECEIVED, 0, 3, NONE);
  tl_store_delete(s, TL_STORE_RECEIVED, 0, 3, NONE);
  tl_store_put(s, TL_STORE_RECEIVED, 0, 3, NONE);
  tl_store_put(s, TL_STORE_RECEIVED, 0, 3, NONE);
  tl_store_put(s, TL_STORE_FILTER, 0, 0, TL_LIT("x"));
  tl_store_put(s, TL_STORE_FILTER, 0, 0, TL_LIT("x"));
  tl_store_put(s, TL_STORE_FILTER, 0, 0, TL_LIT("y"));
  tl_store_delete(s, TL_STORE_FILTER, 0, 0, TL_LIT("x"));
  tl_store_delete(s, TL_STORE_FILTER, 0, 0, TL_LIT("never there"));
  commit(s);
  assert_string_equal(content(s), "f y|i 3|o 1 5 |");
  tl_store_close(s);
}

static void bytes_of_any_kind_and_length_come_back (void **state) {
  (void)state;
  enum { MANY = 3 * 1024 * 1024 };
  uint8_t *bytes = malloc(MANY);
  for (size_t i = 0; i < MANY; i++) bytes[i] = (uint8_t)(i * 31 >> 3);
  tl_store *s = open_store();
  tl_store_put(s, TL_STORE_MESSAGE, UINT64_MAX >> 1, 1, tl_slice_of(bytes, MANY));
  commit(s);
  tl_store_close(s);
  s = open_store();
  /* its check sum was right, or content() had failed */
  sqlite3_int64 n = (sqlite3_int64)strlen(content(s));
  assert_true(n > 20);
  tl_store_close(s);
  free(bytes);
}

static void an_empty_batch_costs_nothing (void **state) {
  (void)state;
  tl_store_stats stats;
  tl_store *s = open_store();
  commit(s);
  tl_store_get_stats(s, &stats);
  assert_int_equal(stats.writes, 0);
  tl_store_close(s);
}

static void says_whether_the_batch_holds_received_identifiers (void **state) {
  (void)state;
  tl_store *s = open_store();
  put_message(s, 1, 1, "x");
  tl_store_delete(s, TL_STORE_RECEIVED, 0, 4, NONE);
  assert_false(tl_store_has_received(s));
  tl_store_put(s, TL_STORE_RECEIVED, 0, 4, NONE);
  assert_true(tl_store_has_received(s));
  commit(s);
  assert_false(tl_store_has_received(s));
  tl_store_close(s);
}

/* The owner remembers all that there is; what went meanwhile must not be there any more. */
static void a_batch_that_found_no_memory_begins_anew (void **state) {
  (void)state;
  tl_err err;
  tl_store *s = open_store();
  put_message(s, 1, 1, "settled");
  put_message(s, 2, 2, "in flight");
  tl_store_put(s, TL_STORE_RECEIVED, 0, 7, NONE);
  tl_store_put(s, TL_STORE_FILTER, 0, 0, TL_LIT("a"));
  commit(s);
  tl_store_delete(s, TL_STORE_MESSAGE, 1, 1, NONE);
  s->batch.failed = true;
  assert_true(tl_store_is_broken(s));
  assert_int_equal(tl_store_write(s, &err), TL_ENOMEM);
  tl_store_begin_anew(s);
  assert_false(tl_store_is_broken(s));
  put_message(s, 2, 2, "in flight");
  put_message(s, 3, 0, "new");
  tl_store_put(s, TL_STORE_FILTER, 0, 0, TL_LIT("a"));
  commit(s);
  put_message(s, 4, 0, "later");
  commit(s);
  tl_store_close(s);
  s = open_store();
  assert_string_equal(content(s), "f a|o 2 2 in flight|o 3 0 new|o 4 0 later|");
  tl_store_begin_anew(s); /* nothing to remember is something, too */
  commit(s);
  assert_string_equal(content(s), "");
  tl_store_close(s);
}

static int stop (void *ctx, char kind, uint64_t sequence, uint16_t id, tl_slice bytes,
                 tl_err *err) {
  ++*(int *)ctx;
  (void)kind, (void)sequence, (void)id, (void)bytes;
  return tl_fail(err, TL_ERANGE, 0, "enough");
}

static void a_walk_ends_where_its_owner_says (void **state) {
  (void)state;
  int calls = 0;
  tl_err err = { .text = "" };
  tl_store *s = open_store();
  put_message(s, 1, 1, "x");
  put_message(s, 2, 2, "y");
  commit(s);
  assert_int_equal(tl_store_load(s, stop, &calls, &err), TL_ERANGE);
  assert_int_equal(calls, 1);
  assert_string_equal(err.text, "enough");
  tl_store_close(s);
}

/* --- files --- */

static const char *path_of (const char *line, const char *client) {
  static char text[600];
  tl_buf path;
  tl_buf_init(&path);
  assert_int_equal(tl_store_path(&path, TL_LIT("dir"), tl_slice_str(line), tl_slice_str(client)),
                   TL_OK);
  snprintf(text, sizeof text, "%.*s", TL_ARG(tl_buf_bytes(&path)));
  tl_buf_fini(&path);
  return text;
}

static void a_file_is_named_after_line_and_client_id (void **state) {
  (void)state;
  assert_string_equal(path_of("plant", "boiler-room.7"), "dir/plant.boiler-room.7.sqlite");
  assert_string_equal(path_of("plant", "../x y\xc3\xa9%"), "dir/plant...%2Fx%20y%C3%A9%25.sqlite");
}

static void a_long_client_id_makes_a_short_name_of_its_own (void **state) {
  (void)state;
  char a[300], b[300], first[600];
  memset(a, 'c', sizeof a);
  a[sizeof a - 1] = '\0';
  memcpy(b, a, sizeof b);
  b[sizeof b - 2] = 'd';
  snprintf(first, sizeof first, "%s", path_of("plant", a));
  assert_string_not_equal(first, path_of("plant", b));
  assert_true(strlen(first) < 200);
}

static void only_the_owner_may_read_them (void **state) {
  (void)state;
  char path[600], sub[300];
  struct stat st;
  tl_store *s;
  tl_err err;
  snprintf(sub, sizeof sub, "%s/deeper", folder);
  mode_t old = umask(0);
  assert_int_equal(tl_store_open(&s, tl_slice_str(sub), TL_LIT("plant"), TL_LIT("me"), &err),
                   TL_OK);
  umask(old);
  put_message(s, 1, 1, "x");
  commit(s);
  assert_int_equal(stat(sub, &st), 0);
  assert_int_equal(st.st_mode & 0777, 0700);
  for (int i = 0; i < 2; i++) {
    snprintf(path, sizeof path, "%s/plant.me.sqlite%s", sub, i == 0 ? "" : "-wal");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
  }
  tl_store_close(s);
  snprintf(path, sizeof path, "%s/plant.me.sqlite", sub);
  unlink(path);
  assert_int_equal(rmdir(sub), 0); /* nothing else was left */
}

static void each_client_id_and_line_has_its_own (void **state) {
  (void)state;
  tl_store *a = open_as("plant", "me"), *b = open_as("plant", "other"), *c = open_as("tank", "me");
  put_message(a, 1, 1, "mine");
  commit(a);
  assert_string_equal(content(b), "");
  assert_string_equal(content(c), "");
  tl_store_close(a);
  tl_store_close(b);
  tl_store_close(c);
}

/* Opening must fail so; the text must hold `word`. */
static void refuses (int code, const char *word) {
  tl_store *s = NULL;
  tl_err err = { .text = "" };
  int rc = tl_store_open(&s, tl_slice_str(folder), TL_LIT("plant"), TL_LIT("me"), &err);
  if (rc == TL_OK) tl_store_close(s);
  assert_int_equal(rc, code);
  assert_null(s);
  if (strstr(err.text, word) == NULL || strstr(err.text, "plant.me.sqlite") == NULL)
    fail_msg("'%s' does not say '%s'", err.text, word);
}

static void a_second_process_is_refused (void **state) {
  (void)state;
  tl_store *s = open_store();
  pid_t child = fork();
  if (child == 0) {
    tl_store *second;
    tl_err err = { .text = "" };
    int rc = tl_store_open(&second, tl_slice_str(folder), TL_LIT("plant"), TL_LIT("me"), &err);
    _exit(rc == TL_EEXIST && strstr(err.text, "in use by another process") != NULL ? 0 : 1);
  }
  int status = -1;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  put_message(s, 1, 1, "still works");
  commit(s);
  tl_store_close(s);
}

static void a_second_opening_in_this_process_is_refused (void **state) {
  (void)state;
  tl_store *s = open_store();
  refuses(TL_EEXIST, "in use");
  tl_store_close(s);
  tl_store_close(open_store());
}

static void write_file (const char *bytes, size_t len, off_t at) {
  char path[600];
  snprintf(path, sizeof path, "%s/plant.me.sqlite", folder);
  int fd = open(path, O_WRONLY | O_CREAT, 0600);
  assert_true(fd >= 0);
  assert_int_equal(pwrite(fd, bytes, len, at), (ssize_t)len);
  close(fd);
}

static void a_file_of_something_else_is_refused_and_kept (void **state) {
  (void)state;
  char text[2048], path[600];
  struct stat st;
  memset(text, 'x', sizeof text);
  write_file(text, sizeof text, 0);
  refuses(TL_EMALFORMED, "not a session store; move it away");
  snprintf(path, sizeof path, "%s/plant.me.sqlite", folder);
  assert_int_equal(stat(path, &st), 0);
  assert_int_equal(st.st_size, (off_t)sizeof text);
}

static void sql (const char *text) {
  char path[600];
  sqlite3 *db;
  snprintf(path, sizeof path, "%s/plant.me.sqlite", folder);
  assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
  if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK) fail_msg("%s", sqlite3_errmsg(db));
  sqlite3_close(db);
}

static void another_database_is_refused (void **state) {
  (void)state;
  sql("CREATE TABLE mine(x)");
  refuses(TL_EMALFORMED, "not a session store");
}

static void a_newer_format_is_refused (void **state) {
  (void)state;
  tl_store_close(open_store());
  sql("PRAGMA user_version = 2");
  refuses(TL_EMALFORMED, "its format is 2");
}

static void the_file_of_another_client_id_is_refused (void **state) {
  (void)state;
  tl_store_close(open_store());
  sql("UPDATE owner SET client_id = x'41'");
  refuses(TL_EMALFORMED, "belongs to another line or Client ID");
  sql("DELETE FROM owner");
  refuses(TL_EMALFORMED, "damaged");
}

static void fill (int messages) {
  char text[400];
  memset(text, 'm', sizeof text);
  text[sizeof text - 1] = '\0';
  tl_store *s = open_store();
  for (int i = 1; i <= messages; i++) put_message(s, (uint64_t)i, (uint16_t)i, text);
  commit(s);
  tl_store_close(s);
}

static void a_damaged_page_is_noticed (void **state) {
  (void)state;
  char junk[4096];
  memset(junk, 0x5a, sizeof junk);
  fill(100);
  write_file(junk, sizeof junk, 4096 * 5);
  refuses(TL_EMALFORMED, "damaged");
}

static void a_damaged_message_is_never_handed_out (void **state) {
  (void)state;
  char text[4000] = "";
  tl_err err = { .text = "" };
  fill(3);
  sql("UPDATE message SET bytes = x'6d6d' WHERE sequence = 2");
  tl_store *s = open_store();
  assert_int_equal(tl_store_load(s, append, text, &err), TL_EMALFORMED);
  assert_non_null(strstr(err.text, "a message in it is damaged"));
  assert_null(strstr(text, "o 2"));
  tl_store_close(s);
  sql("UPDATE message SET id = 7, bytes = (SELECT bytes FROM message WHERE sequence = 1) WHERE "
      "sequence = 2");
  s = open_store();
  assert_int_equal(tl_store_load(s, append, text, &err), TL_EMALFORMED);
  tl_store_close(s);
}

static void an_impossible_identifier_is_noticed (void **state) {
  (void)state;
  char text[4000] = "";
  tl_err err = { .text = "" };
  tl_store_close(open_store());
  sql("INSERT INTO received VALUES(65536)");
  tl_store *s = open_store();
  assert_int_equal(tl_store_load(s, append, text, &err), TL_EMALFORMED);
  tl_store_close(s);
}

static void a_folder_that_cannot_be_made_is_said (void **state) {
  (void)state;
  tl_store *s;
  tl_err err = { .text = "" };
  char path[400];
  snprintf(path, sizeof path, "%s/no/such", folder);
  assert_int_equal(tl_store_open(&s, tl_slice_str(path), TL_LIT("plant"), TL_LIT("me"), &err),
                   -ENOENT);
  assert_non_null(strstr(err.text, "No such file or directory"));
  snprintf(path, sizeof path, "%s/file", folder);
  close(open(path, O_CREAT | O_WRONLY, 0600));
  assert_int_equal(tl_store_open(&s, tl_slice_str(path), TL_LIT("plant"), TL_LIT("me"), &err),
                   -ENOTDIR);
  assert_non_null(strstr(err.text, "Not a directory"));
}

static void a_link_to_somewhere_else_is_not_followed (void **state) {
  (void)state;
  char path[600], target[600];
  tl_store *s = NULL;
  tl_err err = { .text = "" };
  snprintf(target, sizeof target, "%s/elsewhere", folder);
  snprintf(path, sizeof path, "%s/plant.me.sqlite", folder);
  assert_int_equal(symlink(target, path), 0);
  assert_true(tl_store_open(&s, tl_slice_str(folder), TL_LIT("plant"), TL_LIT("me"), &err) < 0);
  assert_non_null(strstr(err.text, "symbolic link"));
  assert_int_equal(access(target, F_OK), -1);
}

/* As a service has it: /var/lib/tagline is a link. */
static void a_folder_behind_a_link_is_taken (void **state) {
  (void)state;
  char path[600], through[640];
  tl_store *s = NULL;
  tl_err err = { .text = "" };
  snprintf(path, sizeof path, "%s/link", folder);
  snprintf(through, sizeof through, "%s/session", path);
  assert_int_equal(symlink(".", path), 0);
  assert_int_equal(tl_store_open(&s, tl_slice_str(through), TL_LIT("plant"), TL_LIT("me"), &err),
                   TL_OK);
  tl_store_close(s);
  unlink(path);
  snprintf(path, sizeof path, "%s/session/plant.me.sqlite", folder);
  assert_int_equal(unlink(path), 0);
  snprintf(path, sizeof path, "%s/session", folder);
  assert_int_equal(rmdir(path), 0);
}

#define SPEC(f) cmocka_unit_test_setup_teardown(f, new_folder, drop_folder)

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(a_folder_behind_a_link_is_taken),
    SPEC(an_empty_store_holds_nothing),
    SPEC(what_was_committed_is_there_again),
    SPEC(a_place_and_what_was_taken_are_kept_with_the_batch),
    SPEC(what_was_not_committed_is_not),
    SPEC(changes_count_in_their_order),
    SPEC(bytes_of_any_kind_and_length_come_back),
    SPEC(a_batch_that_found_no_memory_begins_anew),
    SPEC(an_empty_batch_costs_nothing),
    SPEC(says_whether_the_batch_holds_received_identifiers),
    SPEC(a_walk_ends_where_its_owner_says),
    cmocka_unit_test(a_file_is_named_after_line_and_client_id),
    cmocka_unit_test(a_long_client_id_makes_a_short_name_of_its_own),
    SPEC(only_the_owner_may_read_them),
    SPEC(each_client_id_and_line_has_its_own),
    SPEC(a_second_process_is_refused),
    SPEC(a_second_opening_in_this_process_is_refused),
    SPEC(a_file_of_something_else_is_refused_and_kept),
    SPEC(another_database_is_refused),
    SPEC(a_newer_format_is_refused),
    SPEC(the_file_of_another_client_id_is_refused),
    SPEC(a_damaged_page_is_noticed),
    SPEC(a_damaged_message_is_never_handed_out),
    SPEC(an_impossible_identifier_is_noticed),
    SPEC(a_folder_that_cannot_be_made_is_said),
    SPEC(a_link_to_somewhere_else_is_not_followed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* spec/session_store/mark_test.c — a damaged log is told: whatever byte of it is flipped, a store
** that a killed process left is whole, or is refused. */
#include "session_store/folder.h"

#include "session_store/store_impl.h"

typedef struct {
  char name[300];
  uint8_t *at;
  size_t len;
} file;

static file read_file (const char *ending) {
  file f = { .at = NULL };
  snprintf(f.name, sizeof f.name, "%s/plant.me.sqlite%s", folder, ending);
  FILE *in = fopen(f.name, "rb");
  assert_non_null(in);
  fseek(in, 0, SEEK_END);
  f.len = (size_t)ftell(in);
  rewind(in);
  f.at = malloc(f.len + 1);
  assert_int_equal(fread(f.at, 1, f.len, in), f.len);
  fclose(in);
  return f;
}

static void write_file (const file *f) {
  FILE *out = fopen(f->name, "wb");
  assert_non_null(out);
  assert_int_equal(fwrite(f->at, 1, f->len, out), f->len);
  fclose(out);
}

/* What a kill leaves behind, and what was in it. */
typedef struct {
  file database, log, mark;
  char *whole;
} remains;

static void after_a_kill (remains *r, int commits) {
  tl_store *s = open_store();
  for (int i = 1; i <= commits; i++) {
    put_message(s, (uint64_t)i, (uint16_t)i, "something that must not be lost");
    if (i % 3 == 0) tl_store_put(s, TL_STORE_RECEIVED, 0, (uint16_t)i, tl_slice_of(NULL, 0));
    commit(s);
  }
  r->whole = strdup(content(s));
  r->database = read_file("");
  r->log = read_file("-wal");
  r->mark = read_file("-mark");
  tl_store_close(s);
  remove_files();
}

static void put_back (const remains *r) {
  remove_files();
  write_file(&r->database);
  write_file(&r->log);
  write_file(&r->mark);
}

static void forget (remains *r) {
  free(r->database.at);
  free(r->log.at);
  free(r->mark.at);
  free(r->whole);
}

/* True: it is whole. False: it was refused. Anything less is a failure. */
static bool is_whole (const remains *r, const char *what, size_t at) {
  tl_store *s;
  tl_err err = { .text = "" };
  int rc = tl_store_open(&s, tl_slice_str(folder), TL_LIT("plant"), TL_LIT("me"), &err);
  if (rc == TL_EMALFORMED) {
    assert_non_null(strstr(err.text, "damaged"));
    return false;
  }
  if (rc != TL_OK) fail_msg("%s %zu: %s", what, at, err.text);
  if (strcmp(content(s), r->whole) != 0) fail_msg("%s %zu: accepted writes are gone", what, at);
  tl_store_close(s);
  return true;
}

static void a_flipped_bit_loses_nothing_in_silence (void **state) {
  (void)state;
  remains r;
  after_a_kill(&r, 6);
  put_back(&r);
  assert_true(is_whole(&r, "untouched", 0));
  size_t refused = 0, tried = 0;
  for (size_t at = 0; at < r.log.len; at += at < 200 ? 1 : 61, tried++) {
    r.log.at[at] ^= (uint8_t)(1 << at % 8);
    put_back(&r);
    refused += !is_whole(&r, "flipped byte", at);
    r.log.at[at] ^= (uint8_t)(1 << at % 8);
  }
  assert_true(refused > tried / 2); /* nearly all of it is checked */
  forget(&r);
}

static void a_log_that_is_cut_or_gone_is_told (void **state) {
  (void)state;
  remains r;
  after_a_kill(&r, 3);
  size_t len = r.log.len;
  for (r.log.len = 0; r.log.len < len - 1; r.log.len += 997) {
    put_back(&r);
    assert_false(is_whole(&r, "cut to", r.log.len));
  }
  r.log.len = len;
  put_back(&r);
  unlink(r.log.name);
  assert_false(is_whole(&r, "gone", 0));
  put_back(&r);
  assert_true(is_whole(&r, "untouched", 0));
  forget(&r);
}

/* The mark is behind when the process dies between the log and it, and away after a restore. */
static void an_older_mark_or_none_is_no_damage (void **state) {
  (void)state;
  remains older, r;
  after_a_kill(&older, 2);
  after_a_kill(&r, 4);
  put_back(&r);
  write_file(&older.mark); /* of another log */
  assert_true(is_whole(&r, "older", 0));
  put_back(&r);
  unlink(r.mark.name);
  assert_true(is_whole(&r, "none", 0));
  r.mark.at[3] ^= 1;
  put_back(&r);
  assert_true(is_whole(&r, "unreadable", 0));
  forget(&r);
  forget(&older);
}

/* An orderly end leaves no log, and the next process begins one. */
static void an_orderly_end_leaves_nothing_to_miss (void **state) {
  (void)state;
  for (int i = 1; i < 4; i++) {
    tl_store *s = open_store();
    put_message(s, (uint64_t)i, 0, "x");
    commit(s);
    tl_store_close(s);
  }
  tl_store *s = open_store();
  assert_string_equal(content(s), "o 1 0 x|o 2 0 x|o 3 0 x|");
  tl_store_close(s);
}

int main (void) {
#define SPEC(f) cmocka_unit_test_setup_teardown(f, new_folder, drop_folder)
  const struct CMUnitTest tests[] = {
    SPEC(a_flipped_bit_loses_nothing_in_silence),
    SPEC(a_log_that_is_cut_or_gone_is_told),
    SPEC(an_older_mark_or_none_is_no_damage),
    SPEC(an_orderly_end_leaves_nothing_to_miss),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

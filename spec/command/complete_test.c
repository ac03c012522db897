/* spec/command/complete_test.c — lists of completions: reading them, and where they fit the
** line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "command/complete.h"

static tl_buf words;

static int read_list (const char *json) {
  tl_buf_clear(&words);
  return tl_complete_read(tl_slice_str(json), &words);
}
static void words_are (const char *bytes, size_t n) {
  assert_int_equal(words.len, n);
  if (n > 0) assert_memory_equal(words.at, bytes, n);
}
static int forget (void **state) {
  (void)state;
  tl_buf_fini(&words);
  return 0;
}

static void reads_a_list_of_texts (void **state) {
  (void)state;
  assert_int_equal(read_list("[]"), 0);
  assert_int_equal(read_list(" [ \"lines\" ,\"stations\"] "), 2);
  words_are("lines\0stations", 15);
  assert_int_equal(read_list("[\"a\\\"\\\\\\/b\",\"\\u00e9\\u20ac\\ud83d\\ude00\"]"), 2);
  words_are("a\"\\/b\0\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 16);
}

static void counts_those_that_were_not_sent (void **state) {
  (void)state;
  assert_int_equal(read_list("[\"a\",\"b\",998]"), 1000);
  words_are("a\0b", 4);
  assert_int_equal(read_list("\t[\r\n\"a\"\n,\t1\r]\t"), 2);
  assert_int_equal(read_list("[\"a\",99999999999]"), 1000000000);
  assert_int_equal(read_list("[\"a\",/]"), TL_ESYNTAX);
  assert_int_equal(read_list("[\"a\",:]"), TL_ESYNTAX);
  assert_int_equal(read_list("[\"a\",1/]"), TL_ESYNTAX);
  assert_int_equal(read_list("[\"a\",1"), TL_ESYNTAX);
  assert_int_equal(read_list("[\"a\",1,2]"), TL_ESYNTAX);
  assert_int_equal(read_list("[\"a\",1,\"b\"]"), TL_ESYNTAX);
}

static void leaves_out_what_cannot_be_typed (void **state) {
  (void)state;
  assert_int_equal(read_list("[\"a\\u007fb\",\"\\uE000\",\"\\uABCD\"]"), 2);
  assert_int_equal(read_list("[\"a\\nb\",\"\",\"ok\",\"\\u0000\",\"\\u001b[2J\"]"), 1);
  words_are("ok", 3);
}

static void refuses_what_is_no_list_of_texts (void **state) {
  const char *bad[] = { "",
                        "[",
                        "[\"a\"",
                        "[\"a\",]",
                        "[x]",
                        "{}",
                        "[\"a]",
                        "[\"\\x\"]",
                        "[\"\\",
                        "[\"\\u12",
                        "[\"\\ud800\"]",
                        "[\"\\udc00\"]",
                        "[\"\\ud800\\u0041\"]",
                        "[\"a\"] x",
                        "[\"a\" \"b\"]",
                        "[\"\\u00/0\"]",
                        "[\"\\u00:0\"]",
                        "[\"\\u00@0\"]",
                        "[\"\\u00g0\"]",
                        "[\"\\ud800\\n0000\"]",
                        "[\"\\ud800xu0000\"]",
                        "[\"\\ud800\\uxxxx\"]",
                        "[\"\\ud800\\ue000\"]",
                        "[\"a\",",
                        "[\"a\\" };
  (void)state;
  for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
    if (read_list(bad[i]) != TL_ESYNTAX) fail_msg("'%s' was taken", bad[i]);
}

static void finds_the_beginning_that_all_words_share (void **state) {
  (void)state;
  read_list("[\"plant.boiler\",\"plant.burner\",\"plant.b\"]");
  assert_true(tl_slice_eq(tl_complete_common(&words), TL_LIT("plant.b")));
  read_list("[\"one\"]");
  assert_true(tl_slice_eq(tl_complete_common(&words), TL_LIT("one")));
  read_list("[\"x\",\"y\"]");
  assert_int_equal(tl_complete_common(&words).len, 0);
  read_list("[\"a\\u00e9\",\"a\\u00e8\"]"); /* they share half a character, too */
  assert_true(tl_slice_eq(tl_complete_common(&words), TL_LIT("a")));
  read_list("[]");
  assert_int_equal(tl_complete_common(&words).len, 0);
}

static void finds_what_of_the_line_the_words_begin_with (void **state) {
  (void)state;
  read_list("[\"plant.boiler\",\"plant.burner\"]");
  assert_int_equal(tl_complete_overlap("tags[\"plant.b", 13, &words), 7);
  assert_int_equal(tl_complete_overlap("tags[\"plant.b\"]", 8, &words), 2);
  assert_int_equal(tl_complete_overlap("tags[\"", 6, &words), 0);
  assert_int_equal(tl_complete_overlap("", 0, &words), 0);
  read_list("[\"aab\"]");
  assert_int_equal(tl_complete_overlap("aaa", 3, &words), 2);
  assert_int_equal(tl_complete_overlap("x aab", 5, &words), 3);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_teardown(reads_a_list_of_texts, forget),
    cmocka_unit_test_teardown(counts_those_that_were_not_sent, forget),
    cmocka_unit_test_teardown(leaves_out_what_cannot_be_typed, forget),
    cmocka_unit_test_teardown(refuses_what_is_no_list_of_texts, forget),
    cmocka_unit_test_teardown(finds_the_beginning_that_all_words_share, forget),
    cmocka_unit_test_teardown(finds_what_of_the_line_the_words_begin_with, forget),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

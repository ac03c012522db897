/* spec/command/search_test.c — an earlier line, found while its letters are typed. */
#include "support/spec.h"

#include "command/search.h"

static const char *const history[] = { "status()", "tags[\"b\"]", "tags[\"a\"]", "tags[\"a\"]",
                                       "x = 'é'" };

static const char *line_at (void *ctx, size_t at) {
  (void)ctx;
  return at < COUNT(history) ? history[at] : NULL;
}

static tl_search s;

static int begin (void **unused) {
  (void)unused;
  tl_search_init(&s);
  return 0;
}

static int end (void **unused) {
  (void)unused;
  tl_search_fini(&s);
  return 0;
}

static tl_search_end type (const char *keys) {
  tl_search_end last = TL_SEARCH_ON;
  for (; *keys; keys++) last = tl_search_key(&s, (uint8_t)*keys, line_at, NULL);
  return last;
}

static void assert_found (const char *expected) {
  assert_int_equal(s.found.len, strlen(expected));
  if (s.found.len > 0) assert_memory_equal(s.found.at, expected, s.found.len);
}

static void assert_shown (size_t columns, const char *expected) {
  tl_buf out;
  tl_buf_init(&out);
  tl_search_show(&s, columns, &out);
  tl_buf_byte(&out, '\0');
  assert_string_equal((char *)out.at, expected);
  tl_buf_fini(&out);
}

static void finds_the_newest_line_that_holds_what_was_typed (void **unused) {
  (void)unused;
  assert_int_equal(type("ta"), TL_SEARCH_ON);
  assert_found("status()");
  type("g");
  assert_found("tags[\"b\"]");
  type("\x12");
  assert_found("tags[\"a\"]");
  type("\x12\x12"); /* the last of them stays */
  assert_found("tags[\"a\"]");
  type("\x7f\x7f");
  assert_found("status()");
  type("zzz");
  assert_found("");
  tl_search_key(&s, 0x7f, line_at, NULL);
}

static void takes_letters_of_any_alphabet (void **unused) {
  (void)unused;
  tl_search_key(&s, 0xe9, line_at, NULL);
  assert_found("x = 'é'");
  tl_search_key(&s, 8, line_at, NULL);
  assert_int_equal(s.typed.len, 0);
  tl_search_key(&s, 0x6f22, line_at, NULL);
  tl_search_key(&s, 0x1f600, line_at, NULL);
  assert_int_equal(s.typed.len, 7);
  assert_found("");
}

static void ends_as_the_key_says (void **unused) {
  (void)unused;
  assert_int_equal(type("\r"), TL_SEARCH_LEAVE);
  assert_int_equal(type("\t"), TL_SEARCH_LEAVE);
  type("tag");
  assert_int_equal(type("\r"), TL_SEARCH_RUN);
  assert_int_equal(type("\n"), TL_SEARCH_RUN);
  assert_int_equal(type("\t"), TL_SEARCH_EDIT);
  assert_int_equal(type("\x1b"), TL_SEARCH_EDIT);
  assert_int_equal(type("\x01"), TL_SEARCH_EDIT);
  assert_int_equal(type("\x07"), TL_SEARCH_LEAVE);
  assert_int_equal(type("\x03"), TL_SEARCH_LEAVE);
}

static void says_in_words_what_it_does_and_which_keys_there_are (void **unused) {
  (void)unused;
  assert_shown(200, "earlier line with:   (Enter: run it, Tab: edit it, Ctrl-R: older, Ctrl-G: "
                    "leave)");
  type("tag");
  assert_shown(200, "earlier line with: tag  >  tags[\"b\"]  (Enter: run it, Tab: edit it, Ctrl-R: "
                    "older, Ctrl-G: leave)");
  assert_shown(60, "earlier line with: tag  >  tags[\"b\"]");
  assert_shown(10, "earlier li");
  type("z");
  assert_shown(60, "earlier line with: tagz  (there is none)");
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(finds_the_newest_line_that_holds_what_was_typed, begin, end),
    cmocka_unit_test_setup_teardown(takes_letters_of_any_alphabet, begin, end),
    cmocka_unit_test_setup_teardown(ends_as_the_key_says, begin, end),
    cmocka_unit_test_setup_teardown(says_in_words_what_it_does_and_which_keys_there_are, begin,
                                    end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

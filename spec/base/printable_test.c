/* spec/base/printable_test.c — what strangers sent, made fit to be shown. */
#include "base_support.h"

#include "base/printable.h"

static void shows (const char *bytes, size_t n, size_t cap, const char *expected) {
  char out[64];
  uint8_t *copy = exact_copy(bytes, n);
  assert_true(cap <= sizeof out);
  memset(out, 'x', sizeof out);
  assert_string_equal(tl_printable(out, cap, tl_slice_of(copy, n)), expected);
  for (size_t i = cap; i < sizeof out; i++) assert_int_equal(out[i], 'x');
  free(copy);
}

static void keeps_text (void **unused) {
  (void)unused;
  shows("", 0, 8, "");
  shows("broker", 6, 64, "broker");
  shows("Kotolňa 5", 10, 64, "Kotolňa 5");
}

static void replaces_what_a_terminal_would_obey (void **unused) {
  (void)unused;
  shows("a\033[2Jb", 6, 64, "a?[2Jb");
  shows("a\r\nb\0c\x7f", 7, 64, "a??b?c?");
  shows("\xc2\x9b"
        "1m",
        4, 64, "??1m"); /* C1: CSI */
  shows("\xff\xc3", 2, 64, "??");
}

static void cuts_at_a_character (void **unused) {
  (void)unused;
  shows("abcdef", 6, 7, "abcdef");
  shows("abcdefg", 7, 7, "abc…");
  shows("ab\xc5\x88"
        "defg",
        8, 7, "ab…");
  shows("abc", 3, 1, "");
  shows("abc", 3, 4, "abc");
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(keeps_text),
    cmocka_unit_test(replaces_what_a_terminal_would_obey),
    cmocka_unit_test(cuts_at_a_character),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

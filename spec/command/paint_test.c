/* spec/command/paint_test.c — colours for a terminal. */
#include "support/spec.h"

#include "command/paint.h"

static void check (tl_paint_kind kind, const char *text, const char *expected) {
  tl_buf out;
  tl_buf_init(&out);
  tl_paint(&out, tl_slice_str(text), kind);
  tl_buf_byte(&out, '\0');
  assert_string_equal((char *)out.at, expected);
  tl_buf_fini(&out);
}

static void words_of_statuses_are_painted_where_they_are_whole (void **unused) {
  (void)unused;
  check(TL_PAINT_TEXT, "a  invalid  x\n", "a  \033[31minvalid\033[0m  x\n");
  check(TL_PAINT_TEXT, "b StHardErr", "b \033[31mStHardErr\033[0m");
  check(TL_PAINT_TEXT, "unset", "\033[33munset\033[0m");
  check(TL_PAINT_TEXT, "invalid_x xinvalid invalidé valid", "invalid_x xinvalid invalidé valid");
  check(TL_PAINT_TEXT, "", "");
  check(TL_PAINT_TEXT, "\n\n", "\n\n");
}

static void lines_that_tell_what_is_wrong_are_painted_as_a_whole (void **unused) {
  (void)unused;
  check(TL_PAINT_TEXT, "  ! no invalid\nx", "\033[31m  ! no invalid\033[0m\nx");
  check(TL_PAINT_TEXT, "    → do it", "\033[36m    → do it\033[0m");
  check(TL_PAINT_TEXT, "nothing is wrong\n", "\033[32mnothing is wrong\033[0m\n");
  check(TL_PAINT_TEXT, "x ! y", "x ! y");
}

static void errors_are_red_and_notes_faint (void **unused) {
  (void)unused;
  check(TL_PAINT_ERROR, "a\nb\n", "\033[31ma\033[0m\n\033[31mb\033[0m\n");
  check(TL_PAINT_NOTE, "a", "\033[2ma\033[0m");
}

static void no_colour_without_a_terminal (void **unused) {
  (void)unused;
  assert_false(tl_paint_wanted(-1));
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(words_of_statuses_are_painted_where_they_are_whole),
    cmocka_unit_test(lines_that_tell_what_is_wrong_are_painted_as_a_whole),
    cmocka_unit_test(errors_are_red_and_notes_faint),
    cmocka_unit_test(no_colour_without_a_terminal),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

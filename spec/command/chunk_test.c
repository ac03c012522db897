/* spec/command/chunk_test.c — lines of a script that belong together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "command/chunk.h"

static void what_can_begin_nothing_goes_on (void **state) {
  static const char *const lines[] = { "  .. 'x'", ":close()", ".name", ", 2",     "= 1",
                                       "== 1",     "~= 1",     "+ 1",   "- 1",     "* 2",
                                       "/ 2",      "// 2",     "% 2",   "^ 2",     "< 1",
                                       "> 1",      "& 1",      "| 1",   ")",       "]",
                                       "}",        "and x",    "or",    "\tor(x)", "\v\f\r and" };
  (void)state;
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
    if (!tl_chunk_goes_on(tl_slice_str(lines[i]))) fail_msg("'%s' begins something", lines[i]);
}

static void what_can_begin_something_does_not (void **state) {
  static const char *const lines[] = { "",          "  ",    "x",       "(f or g)()", "{ 1 }",
                                       "[[x]]",     "'x'",   "#t",      "~x",         "-- c",
                                       "::label::", ".5",    "android", "or_else()",  "order",
                                       "and1",      "not x", "5",       "end",        "\xc3\xa4" };
  (void)state;
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
    if (tl_chunk_goes_on(tl_slice_str(lines[i]))) fail_msg("'%s' goes on", lines[i]);
  assert_false(tl_chunk_goes_on(tl_slice_of("\0and", 4)));
}

static void comments_of_one_line_are_blank (void **state) {
  static const char *const blank[] = { "", " \t\r\n", "-- x", "--", "\n--x\n\n --y\n", "---[[ x" };
  static const char *const more[] = { "x", "-- x\ny", "--[[ x", "--[==[ x", "-", "- -" };
  (void)state;
  for (size_t i = 0; i < sizeof blank / sizeof *blank; i++)
    if (!tl_chunk_is_blank(tl_slice_str(blank[i]))) fail_msg("'%s' is not blank", blank[i]);
  for (size_t i = 0; i < sizeof more / sizeof *more; i++)
    if (tl_chunk_is_blank(tl_slice_str(more[i]))) fail_msg("'%s' is blank", more[i]);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_can_begin_nothing_goes_on),
    cmocka_unit_test(what_can_begin_something_does_not),
    cmocka_unit_test(comments_of_one_line_are_blank),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

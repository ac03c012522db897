/* spec/payload/timemask_syntax_test.c — masks that are none: what is wrong with them, and where. */
#include "time_support.h"

static void no_mask (const char *mask, size_t at, const char *says) {
  tl_timemask *m = NULL;
  tl_err err = { .code = 0 };
  assert_int_equal(tl_timemask_new(&m, tl_slice_str(mask), &err), TL_ESYNTAX);
  assert_null(m);
  assert_int_equal(err.code, TL_ESYNTAX);
  if (err.at != at || strstr(err.text, says) == NULL)
    fail_msg("'%s': at %zu '%s'", mask, err.at, err.text);
  assert_int_equal(tl_timemask_new(&m, tl_slice_str(mask), NULL), TL_ESYNTAX);
}

static void refuses_trading_hours (void **state) {
  (void)state;
  no_mask("yyyy-mm-dd HH:mi:ss", 11, "'HH' is the trading hour");
  no_mask("  yyyy-mm-dd hb:mi:ss", 13, "'hb' is the trading hour");
  no_mask("HH", 0, "the hour of the day is 'hh'");
  no_mask("UNIXhb", 0, "whole masks");
}

static void refuses_masks_without_a_date (void **state) {
  (void)state;
  no_mask("", 0, "none of the tokens");
  no_mask("   ", 3, "none of the tokens");
  no_mask("YYYY-MM-DD", 0, "none of the tokens");
  no_mask("tttt", 0, "none of the tokens");
  no_mask("ZZZ", 0, "none of the tokens");
  no_mask("2019", 0, "none of the tokens");
  no_mask("unix", 0, "none of the tokens");
  no_mask("hh:mi:ss", 0, "'hh' but no day");
  no_mask("dd.mm.", 3, "'mm' but no year");
}

static void refuses_masks_with_a_gap_between_the_components (void **state) {
  (void)state;
  no_mask("yyyy-mm-dd hh:mm:ss", 17, "seconds but no minutes (they are 'mi'");
  no_mask("yyyy-dd", 5, "'dd' but no month");
  no_mask("yyyy-mm hh", 8, "'hh' but no day");
  no_mask("yyyy-mm-dd mi", 11, "'mi' but no hour");
  no_mask("yyyy-mm-dd hh:mi.mss", 17, "'mss' but no second");
}

static void refuses_whole_masks_beside_other_things (void **state) {
  (void)state;
  no_mask("UNIX yyyy", 0, "whole masks");
  no_mask("yyyy UNIXMS", 5, "whole masks");
  no_mask("UNIXUSA", 0, "whole masks");
  no_mask("ISO8601 hh", 0, "whole masks");
}

static void bounds_masks (void **state) {
  (void)state;
  char mask[400] = "yyyy";
  memset(mask + 4, '-', 251);
  tl_timemask_free(mask_of(mask));
  mask[255] = '-';
  no_mask(mask, 0, "256 bytes");
  strcpy(mask, "yyyy");
  for (int i = 1; i < 48; i++) strcat(mask, " mm");
  tl_timemask_free(mask_of(mask));
  strcat(mask, " mm");
  no_mask(mask, 4 + 47 * 3 + 1, "at most 48 tokens");
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(refuses_trading_hours),
    cmocka_unit_test(refuses_masks_without_a_date),
    cmocka_unit_test(refuses_masks_with_a_gap_between_the_components),
    cmocka_unit_test(refuses_whole_masks_beside_other_things),
    cmocka_unit_test(bounds_masks),
  };
  return cmocka_run_group_tests_name("payload.timemask_syntax", tests, NULL, NULL);
}

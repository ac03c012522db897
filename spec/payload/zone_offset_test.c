/* spec/payload/zone_offset_test.c — offsets from UTC as text: "+01:00", "-0530". */
#include "payload/timemask.h"
#include "support/spec.h"

static void reads_fixed_offsets (void **state) {
  (void)state;
  static const struct {
    const char *text;
    int32_t seconds;
  } good[] = {
    { "+00", 0 },    { "-00:00", 0 },     { "+01:00", 3600 },      { "-0530", -19800 },
    { "+02", 7200 }, { "+23:59", 86340 }, { "-23:59:59", -86399 }, { "+05:45:30", 20730 }
  };
  for (size_t i = 0; i < COUNT(good); i++) {
    int32_t seconds = -1;
    assert_int_equal(tl_zone_offset_parse(tl_slice_str(good[i].text), &seconds), TL_OK);
    assert_int_equal(seconds, good[i].seconds);
  }
  static const char *const bad[] = { "",        "+",     "1",         "01",      "+1",
                                     "+001",    "+01:",  "+01:0",     "+01:000", "+24:00",
                                     "+01:60",  "+0160", " +01:00",   "+01:00 ", "Z",
                                     "UTC",     "+aa",   "+01:aa",    "+01-00",  "+01:00:60",
                                     "+010000", "++01",  "+01:00-00", "+0a",     "+:1" };
  for (size_t i = 0; i < COUNT(bad); i++) {
    int32_t seconds = -1;
    if (tl_zone_offset_parse(tl_slice_str(bad[i]), &seconds) != TL_ESYNTAX)
      fail_msg("'%s' was read", bad[i]);
    assert_int_equal(seconds, -1);
  }
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(reads_fixed_offsets),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

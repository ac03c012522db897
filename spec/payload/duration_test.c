/* spec/payload/duration_test.c — durations as text: seconds, hours and minutes, ISO 8601. */
#include "payload/convert.h"
#include "support/spec.h"

static void parses_durations (void **state) {
  (void)state;
  static const struct {
    const char *text;
    double seconds;
  } good[] = {
    { "0", 0 },
    { "1.5", 1.5 },
    { "+5", 5 },
    { "-5", -5 },
    { "1e3", 1000 },
    { "\t7\r\n", 7 },
    { "0:00:00", 0 },
    { "1:2:3", 3723 },
    { "00:59:59.999", 3599.999 },
    { "1000:00:00", 3600000 },
    { "876000:00:00.001", 3153600000.001 },
    { "0:0:0.1", 0.1 },
    { "0:0:0.12", 0.12 },
    { "0:00:00.1239", 0.123 },
    { "0:00:00.12399999999999999999", 0.123 },
    { "+0:00:10", 10 },
    { "-1:30:00", -5400 },
    { " 2:00:00 ", 7200 },
    { "99999999999:00:00", 359999999996400.0 },
    { "9:59:59.999", 35999.999 }, /* rounded once */
  };
  for (size_t i = 0; i < COUNT(good); i++) {
    double s = -77;
    if (tl_duration_parse(tl_slice_str(good[i].text), &s) != TL_OK || s != good[i].seconds)
      fail_msg("'%s': %.17g", good[i].text, s);
  }
  char hours[410];
  memset(hours, '9', 400);
  strcpy(hours + 400, ":00:00");
  const char *const bad[] = { "",          " ",          "x",         "1:",        "1:2",
                              "1:2:",      ":1:2",       "::",        "1::2",      "1:60:00",
                              "1:00:60",   "1:000:00",   "1:00:000",  "1:00:00.",  "1:00:00.x",
                              "1:00:00,5", "1:00:00:00", "1.5:00:00", "1e3:00:00", "--1:00:00",
                              "+-1:00:00", "1:-1:00",    "1:00:-1",   "1 :00:00",  "-:00:00",
                              "1:00:00s",  "nan",        "inf",       "1e999",     "0x10",
                              hours };
  for (size_t i = 0; i < COUNT(bad); i++) {
    double s = -77;
    if (tl_duration_parse(tl_slice_str(bad[i]), &s) != TL_ESYNTAX)
      fail_msg("'%s' was read", bad[i]);
    assert_true(s == -77);
  }
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(parses_durations),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* spec/model/fill_test.c — {name} placeholders */
#include "model/fill.h"
#include "world.h"

static const tl_slice names[] = { { (const uint8_t *)"dev", 3 },
                                  { (const uint8_t *)"site", 4 },
                                  { (const uint8_t *)"de", 2 } };

static const char *filled (const char *text, const char *dev, const char *site, bool name_escape) {
  static char out[256];
  const tl_slice values[] = { tl_slice_str(dev), tl_slice_str(site), TL_LIT("DE") };
  tl_buf b;
  tl_buf_init(&b);
  tl_buf_str(&b, ">");
  assert_int_equal(tl_text_fill(&b, tl_slice_str(text), names, values, 3, name_escape), TL_OK);
  snprintf(out, sizeof out, "%.*s", TL_ARG(tl_buf_bytes(&b)));
  tl_buf_fini(&b);
  assert_int_equal(out[0], '>');
  return out + 1;
}

static void replaces_each_placeholder (void **state) {
  (void)state;
  assert_string_equal(filled("site/{site}/{dev}/down", "a17", "north", false),
                      "site/north/a17/down");
  assert_string_equal(filled("{dev}{dev}{de}", "x", "", false), "xxDE");
  assert_string_equal(filled("", "x", "", false), "");
  assert_string_equal(filled("{site}", "x", "", false), "");
}

static void leaves_other_braces_alone (void **state) {
  (void)state;
  assert_string_equal(filled("{other} {dev {} } {{dev}} {dev", "x", "y", false),
                      "{other} {dev {} } {x} {dev");
}

static void does_not_fill_what_it_filled_in (void **state) {
  (void)state;
  assert_string_equal(filled("{dev}", "{site}", "y", false), "{site}");
}

static void escapes_what_a_name_may_not_hold (void **state) {
  (void)state;
  assert_string_equal(filled("sensor-{dev}", "Az09_-", "", true), "sensor-Az09_-");
  assert_string_equal(filled("sensor-{dev}", "a b%c.d\xc3\xa9", "", true),
                      "sensor-a%20b%25c%2Ed%C3%A9");
  /* the text around is the config's affair */
  assert_string_equal(filled("a b {dev}", "x", "", true), "a b x");
}

static void quotes_regex_syntax (void **state) {
  (void)state;
  const tl_slice value = TL_LIT("a.b*\xc3\xa9");
  uint8_t out[32];
  assert_int_equal(tl_fill_into(NULL, TL_LIT("x{dev}y"), names, &value, 1, TL_FILL_REGEX), 10);
  assert_int_equal(tl_fill_into(out, TL_LIT("x{dev}y"), names, &value, 1, TL_FILL_REGEX), 10);
  assert_memory_equal(out, "xa\\.b\\*\xc3\xa9y", 10);
}

static void says_whether_there_is_a_placeholder (void **state) {
  (void)state;
  assert_true(tl_fill_needed(TL_LIT("a{dev}"), names, 2));
  assert_false(tl_fill_needed(TL_LIT("a{2}{de}{dev"), names, 2));
  assert_false(tl_fill_needed(TL_LIT("{dev}"), names, 0));
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(replaces_each_placeholder),
    cmocka_unit_test(leaves_other_braces_alone),
    cmocka_unit_test(does_not_fill_what_it_filled_in),
    cmocka_unit_test(escapes_what_a_name_may_not_hold),
    cmocka_unit_test(quotes_regex_syntax),
    cmocka_unit_test(says_whether_there_is_a_placeholder),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* spec/model/stream_test.c — tags as lines of JSON */
#include "world.h"

enum { T = 1795356196 };
#define AT (INT64_C(1000) * T + 123)

static const char *streamed (const tl_tag *t) {
  static char text[512];
  tl_buf b;
  tl_buf_init(&b);
  tl_tag_stream(t, &b);
  snprintf(text, sizeof text, "%.*s", TL_ARG(tl_buf_bytes(&b)));
  tl_buf_fini(&b);
  return text;
}

static void assert_value (tl_type type, tl_value v, const char *member) {
  world w;
  char expected[512], alone[512];
  world_init(&w);
  const tl_tagdef d = def("t", type, "");
  tl_tag *t = &station(&w, &d, 1)->tags[0];
  tl_tag_put(t, &v, AT);
  snprintf(expected, sizeof expected,
           "{\"time\":\"2026-11-22T14:03:16.123Z\",\"tag\":\"plant.s.t\",\"type\":\"%s\",%s,"
           "\"status\":\"valid\"}\n",
           tl_type_name(type), member);
  assert_string_equal(streamed(t), expected);
  tl_buf b;
  tl_buf_init(&b);
  tl_tag_value_json(t, &b);
  snprintf(alone, sizeof alone, "%.*s", TL_ARG(tl_buf_bytes(&b)));
  if (strncmp(member, "\"value\":", 8) == 0)
    assert_string_equal(alone, member + 8);
  else
    assert_int_equal(alone[0], '{');
  tl_buf_fini(&b);
  world_fini(&w);
}

static void each_type_has_its_form (void **state) {
  (void)state;
  assert_value(TL_AI, (tl_value){ .number = 21.5 }, "\"value\":21.5");
  assert_value(TL_AO, (tl_value){ .number = -80 }, "\"value\":-80");
  assert_value(TL_CI, (tl_value){ .integer = INT64_MIN }, "\"value\":-9223372036854775808");
  assert_value(TL_CO, (tl_value){ .integer = 9007199254740993 }, "\"value\":9007199254740993");
  assert_value(TL_DI, (tl_value){ .boolean = true }, "\"value\":true");
  assert_value(TL_DO, (tl_value){ .boolean = false }, "\"value\":false");
  assert_value(TL_QI, (tl_value){ .integer = 4 }, "\"value\":4");
  assert_value(TL_TIA, (tl_value){ .integer = AT }, "\"value\":\"2026-11-22T14:03:16.123Z\"");
  assert_value(TL_TOR, (tl_value){ .number = 3661.5 }, "\"value\":3661.5");
  assert_value(TL_TXTI,
               (tl_value){ .text = TL_LIT("\xc2\xb0"
                                          "C \"\n\0") },
               "\"value\":\"\xc2\xb0"
               "C \\\"\\n\\u0000\"");
  assert_value(TL_TXTO, (tl_value){ .text = TL_LIT("") }, "\"value\":\"\"");
}

static void text_that_is_not_utf8_is_base64 (void **state) {
  (void)state;
  assert_value(TL_TXTI, (tl_value){ .text = TL_LIT("\xff\x00\x01") }, "\"base64\":\"/wAB\"");
  assert_value(TL_TXTO, (tl_value){ .text = TL_LIT("\xc3") }, "\"base64\":\"ww==\"");
}

static void the_reason_is_there_only_if_there_is_one (void **state) {
  (void)state;
  world w;
  world_init(&w);
  const tl_tagdef d = def("t", TL_TXTI, "");
  tl_tag *t = &station(&w, &d, 1)->tags[0];
  assert_string_equal(streamed(t),
                      "{\"time\":null,\"tag\":\"plant.s.t\",\"type\":\"TxtI\",\"value\":null,"
                      "\"status\":\"unset\"}\n");
  tl_tag_put(t, &(tl_value){ .text = TL_LIT("\xff") }, AT);
  tl_tag_invalidate(t, TL_REASON_STATION_WILL, AT);
  assert_string_equal(
      streamed(t), "{\"time\":\"2026-11-22T14:03:16.123Z\",\"tag\":\"plant.s.t\",\"type\":\"TxtI\","
                   "\"value\":null,\"status\":\"invalid\",\"reason\":\"station-will\"}\n");
  world_fini(&w);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(each_type_has_its_form),
    cmocka_unit_test(text_that_is_not_utf8_is_base64),
    cmocka_unit_test(the_reason_is_there_only_if_there_is_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* spec/base/json_write_test.c — members of JSON objects put their commas themselves. */
#include "base/json_write.h"
#include "base_support.h"

static void expect (tl_buf *out, const char *text) {
  assert_false(out->failed);
  assert_int_equal(strlen(text), out->len);
  assert_memory_equal(text, out->at, out->len);
  tl_buf_fini(out);
}

static void an_object_of_all_kinds (void **state) {
  tl_buf out;
  (void)state;
  tl_buf_init(&out);
  tl_member_open(&out, NULL, '{');
  tl_member_word(&out, "line", "plant");
  tl_member_text(&out, "topic", TL_LIT("a\"b\x01"));
  tl_member_integer(&out, "least", INT64_MIN);
  tl_member_flag(&out, "on", true);
  tl_member_flag(&out, "off", false);
  tl_member_time(&out, "time", 1700000000123);
  tl_member_name(&out, "station", TL_LIT("plant"), TL_LIT("boiler"));
  tl_buf_str(&out, "}\n");
  tl_member_open(&out, NULL, '{'); /* another line: no comma */
  tl_buf_byte(&out, '}');
  expect(&out, "{\"line\":\"plant\",\"topic\":\"a\\\"b\\u0001\",\"least\":-9223372036854775808,"
               "\"on\":true,\"off\":false,\"time\":\"2023-11-14T22:13:20.123Z\","
               "\"station\":\"plant.boiler\"}\n{}");
}

static void lists_and_objects_in_each_other (void **state) {
  tl_buf out;
  (void)state;
  tl_buf_init(&out);
  tl_member_open(&out, NULL, '{');
  tl_member_open(&out, "list", '[');
  for (int i = 0; i < 2; i++) {
    tl_member_open(&out, NULL, '{');
    tl_member_integer(&out, "i", i);
    tl_buf_byte(&out, '}');
  }
  tl_member(&out, NULL);
  tl_buf_str(&out, "null]");
  tl_member_word(&out, "end", "{");
  tl_member_word(&out, "last", "");
  tl_buf_byte(&out, '}');
  expect(&out, "{\"list\":[{\"i\":0},{\"i\":1},null],\"end\":\"{\",\"last\":\"\"}");
}

static void bytes_that_are_no_text_are_base64 (void **state) {
  tl_buf out;
  (void)state;
  tl_buf_init(&out);
  tl_member_open(&out, NULL, '{');
  tl_member_bytes(&out, "payload", TL_LIT("\xc3\xa9"));
  tl_member_bytes(&out, "payload", TL_LIT("\xff"));
  tl_buf_byte(&out, '}');
  expect(&out, "{\"payload\":\"\xc3\xa9\",\"base64\":\"/w==\"}");
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(an_object_of_all_kinds),
    cmocka_unit_test(lists_and_objects_in_each_other),
    cmocka_unit_test(bytes_that_are_no_text_are_base64),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

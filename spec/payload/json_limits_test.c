/* spec/payload/json_limits_test.c — documents that are deep or long, and numbers of many digits. */
#include "json_support.h"

static tl_buf nested (const char *open, const char *middle, const char *close, size_t levels) {
  tl_buf b;
  tl_buf_init(&b);
  for (size_t i = 0; i < levels; i++) tl_buf_str(&b, open);
  tl_buf_str(&b, middle);
  for (size_t i = 0; i < levels; i++) tl_buf_str(&b, close);
  assert_false(b.failed);
  return b;
}

static void takes_512_levels_and_not_513 (void **state) {
  (void)state;
  static const struct {
    const char *open, *middle, *close;
  } forms[] = {
    { "[", "", "]" }, { "{\"a\":", "1", "}" }, { "[{\"b\":", "\"x\"", "}]" }, { "[[1],", "[]", "]" }
  };
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    /* levels of one opening, and of the middle */
    size_t per = i == 2 ? 2 : 1, inner = i == 3 ? 1 : 0;
    tl_buf b = nested(forms[i].open, forms[i].middle, forms[i].close, (512 - inner) / per);
    assert_true(json_accepted(tl_buf_bytes(&b), NULL));
    tl_buf_fini(&b);
    tl_json_error e;
    b = nested(forms[i].open, forms[i].middle, forms[i].close, (512 - inner) / per + 1);
    assert_false(json_accepted(tl_buf_bytes(&b), &e));
    assert_string_equal(e.expected, "at most 512 levels");
    assert_true(b.at[e.at] == '[' || b.at[e.at] == '{');
    tl_buf_fini(&b);
  }
}

static void refuses_100000_levels_at_the_513th (void **state) {
  (void)state;
  tl_json_error e;
  tl_buf b = nested("[", "", "]", 100000);
  assert_false(json_accepted(tl_buf_bytes(&b), &e));
  assert_int_equal(e.at, 512);
  assert_string_equal(e.expected, "at most 512 levels");
  tl_buf_fini(&b);
  b = nested("{\"a\":", "1", "}", 100000);
  assert_false(json_accepted(tl_buf_bytes(&b), &e));
  assert_int_equal(e.at, 5 * 512);
  tl_buf_fini(&b);
}

static void takes_16_megabytes (void **state) {
  (void)state;
  tl_buf b;
  tl_buf_init(&b);
  tl_buf_str(&b, "{\"long\":\"");
  while (b.len < 8u << 20) tl_buf_str(&b, "abcdefghijklmnopqrstuvwxyz \xc3\xa9 \\n ");
  tl_buf_str(&b, "\",\"list\":[0");
  while (b.len < 16u << 20) tl_buf_str(&b, ",{\"n\": 12345.75,\"s\":\"text\"}");
  tl_buf_str(&b, "],\"last\":7}");
  assert_false(b.failed);
  tl_json_set *set = json_set_of((const char *const[]){ "last", "long", "list[300000].n" }, 3);
  tl_json_value v[3];
  assert_int_equal(tl_json_extract(set, tl_buf_bytes(&b), v, NULL), TL_OK);
  assert_true(tl_slice_eq(v[0].raw, TL_LIT("7")));
  assert_true(v[1].escaped && v[1].raw.len > 8000000);
  assert_true(tl_slice_eq(v[2].raw, TL_LIT("12345.75")));
  assert_int_equal(tl_json_walk(tl_buf_bytes(&b), &json_quiet, NULL, NULL), TL_OK);
  tl_json_error e;
  b.at[b.len - 1] = ']';
  assert_int_equal(tl_json_extract(set, tl_buf_bytes(&b), v, &e), TL_EMALFORMED);
  assert_int_equal(e.at, b.len - 1);
  tl_json_set_free(set);
  tl_buf_fini(&b);
}

static void takes_numbers_of_400_digits_as_they_are (void **state) {
  (void)state;
  char text[1300];
  memset(text, '7', sizeof text);
  tl_json_set *set = json_set_of((const char *const[]){ "[1]" }, 1);
  for (size_t digits = 1; digits <= 400; digits += digits < 70 ? 1 : 55) {
    tl_json_value v;
    text[0] = '[';
    text[digits + 1] = ']';
    assert_int_equal(tl_json_extract(set, tl_slice_of(text, digits + 2), &v, NULL), TL_OK);
    assert_int_equal(v.type, TL_JSON_NUMBER);
    assert_true(v.integral && v.raw.at == (uint8_t *)text + 1 && v.raw.len == digits);
    text[digits + 1] = '.';
    text[2 * digits + 2] = 'e';
    text[3 * digits + 3] = ']';
    assert_int_equal(tl_json_extract(set, tl_slice_of(text, 3 * digits + 4), &v, NULL), TL_OK);
    assert_true(!v.integral && v.raw.len == 3 * digits + 2);
    text[digits + 1] = text[2 * digits + 2] = text[3 * digits + 3] = '7';
  }
  tl_json_set_free(set);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(takes_512_levels_and_not_513),
    cmocka_unit_test(refuses_100000_levels_at_the_513th),
    cmocka_unit_test(takes_16_megabytes),
    cmocka_unit_test(takes_numbers_of_400_digits_as_they_are),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

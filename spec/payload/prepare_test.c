/* spec/payload/prepare_test.c — repairs of payloads, and the cures that errors name. */
#include "json_support.h"
#include "payload/prepare.h"

static void becomes_n (tl_prepare_step step, const char *from, size_t n, const char *to, size_t m) {
  tl_buf scratch;
  tl_slice out;
  uint8_t *copy = exact_copy(from, n);
  tl_buf_init(&scratch);
  assert_int_equal(tl_prepare(step, tl_slice_of(copy, n), &scratch, &out), TL_OK);
  if (out.len != m || (m && memcmp(out.at, to, m) != 0))
    fail_msg("'%s': '%.*s', not '%s'", from, TL_ARG(out), to);
  bool same = n == m && memcmp(from, to, n) == 0;
  if (same || step == TL_PREPARE_TRIM) assert_null(scratch.at); /* nothing to do, nothing taken */
  tl_buf_fini(&scratch);
  free(copy);
}

#define BECOMES(step, from, to) becomes_n(step, from, sizeof(from) - 1, to, sizeof(to) - 1)

static void trims_marks_nuls_and_blanks (void **state) {
  (void)state;
  BECOMES(TL_PREPARE_TRIM, "{\"a\":1}\0", "{\"a\":1}");
  BECOMES(TL_PREPARE_TRIM, "\xef\xbb\xbf{\"a\":1}", "{\"a\":1}");
  BECOMES(TL_PREPARE_TRIM, "\0\0 \xef\xbb\xbf\t1\r\n\0", "1");
  BECOMES(TL_PREPARE_TRIM, "1", "1");
  BECOMES(TL_PREPARE_TRIM, "a\0b", "a\0b");
  BECOMES(TL_PREPARE_TRIM, "\0\0", "");
  BECOMES(TL_PREPARE_TRIM, "", "");
  BECOMES(TL_PREPARE_TRIM, "\xef\xbb", "\xef\xbb");
}

static void reads_latin1_where_it_is_not_utf8 (void **state) {
  (void)state;
  BECOMES(TL_PREPARE_LATIN1,
          "21 \xb0"
          "C",
          "21 °C");
  BECOMES(TL_PREPARE_LATIN1, "21 °C", "21 °C");
  BECOMES(TL_PREPARE_LATIN1, "\x80\xff", "\xc2\x80\xc3\xbf");
  BECOMES(TL_PREPARE_LATIN1, "", "");
}

static void takes_nan_and_infinity_as_null (void **state) {
  (void)state;
  BECOMES(TL_PREPARE_NAN, "{\"a\":NaN,\"b\":[nan,-Infinity,+inf,INF]}",
          "{\"a\":null,\"b\":[null,null,null,null]}");
  BECOMES(TL_PREPARE_NAN, "NaN", "null");
  BECOMES(TL_PREPARE_NAN, "{\"NaN\":\"nan \\\" inf\",\"x\":-nan}",
          "{\"NaN\":\"nan \\\" inf\",\"x\":null}");
  BECOMES(TL_PREPARE_NAN, "{\"a\":1,\"b\":true,\"c\":null}", "{\"a\":1,\"b\":true,\"c\":null}");
  BECOMES(TL_PREPARE_NAN, "[nano,info,1nan,_inf,xNaN]", "[nano,info,1nan,_inf,xNaN]");
  BECOMES(TL_PREPARE_NAN, "\"nan", "\"nan");
  BECOMES(TL_PREPARE_NAN, "\"nan\\", "\"nan\\");
  BECOMES(TL_PREPARE_NAN, "-", "-");
}

static void cured (const char *text, size_t n, const char *got, const char *cure) {
  tl_json_error e = { 0 };
  uint8_t *copy = exact_copy(text, n);
  assert_int_equal(tl_json_walk(tl_slice_of(copy, n), &json_quiet, NULL, &e), TL_EMALFORMED);
  if (!got) {
    assert_null(e.got);
    assert_null(e.cure);
  } else {
    if (!e.got) fail_msg("'%s': nothing is named", text);
    assert_string_equal(e.got, got);
    assert_string_equal(e.cure, cure);
  }
  free(copy);
}

#define CURED(text, got, cure) cured(text, sizeof(text) - 1, got, cure)

static void names_what_would_cure (void **state) {
  (void)state;
  CURED("{\"a\":1}\0", "a NUL byte", "trim");
  CURED("\0{\"a\":1}", "a NUL byte", "trim");
  CURED("\0{\0\"\0a\0\"", NULL, NULL); /* UTF-16 */
  CURED("\0\0", NULL, NULL);
  CURED("\xef\xbb\xbf{\"a\":1}", "a byte order mark", "trim");
  CURED("{\"a\":NaN}", "NaN", "nan");
  CURED("{\"a\":nan}", "NaN", "nan");
  CURED("{\"a\":-Infinity}", "an infinity", "nan");
  CURED("{\"a\":inf}", "an infinity", "nan");
  CURED("{\"a\":\"\xb0"
        "C\"}",
        "a byte that is not UTF-8", "latin1");
  CURED("{\"a\":1,}", NULL, NULL);
  CURED("{\"a\":nul}", NULL, NULL);
  CURED("{\"a\":1", NULL, NULL);
  CURED("", NULL, NULL);
}

static void knows_its_names (void **state) {
  (void)state;
  tl_prepare_step step;
  assert_true(tl_prepare_by_name(TL_LIT("latin1"), &step) && step == TL_PREPARE_LATIN1);
  assert_false(tl_prepare_by_name(TL_LIT("function"), &step));
  assert_false(tl_prepare_by_name(TL_LIT("Trim"), &step));
  assert_string_equal(tl_prepare_name(TL_PREPARE_NAN), "nan");
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(trims_marks_nuls_and_blanks),
    cmocka_unit_test(reads_latin1_where_it_is_not_utf8),
    cmocka_unit_test(takes_nan_and_infinity_as_null),
    cmocka_unit_test(names_what_would_cure),
    cmocka_unit_test(knows_its_names),
  };
  return cmocka_run_group_tests_name("payload.prepare", tests, NULL, NULL);
}

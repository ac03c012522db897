/* spec/payload/json_error_test.c — a refusal names its place and what was expected. */
#include "json_support.h"

typedef struct {
  const char *doc;
  size_t at;
  uint32_t line, column;
  const char *expected;
} refusal;

static const refusal refusals[] = {
  { "", 0, 1, 1, "a value" },
  { "  \n ", 4, 2, 2, "a value" },
  { "hello", 0, 1, 1, "a value" },
  { "\xef\xbb\xbf{}", 0, 1, 1, "a value without a byte order mark" },
  { "\xef\xbb", 0, 1, 1, "a value" },
  { "{} x", 3, 1, 4, "the end of the document" },
  { "1\n\n2", 3, 3, 1, "the end of the document" },
  { "[1,2", 4, 1, 5, "',' or ']'" },
  { "[1}", 2, 1, 3, "',' or ']'" },
  { "[1 2]", 3, 1, 4, "',' or ']'" },
  { "[", 1, 1, 2, "a value or ']'" },
  { "[}", 1, 1, 2, "a value or ']'" },
  { "[,1]", 1, 1, 2, "a value or ']'" },
  { "[1,]", 3, 1, 4, "a value" },
  { "[1,", 3, 1, 4, "a value" },
  { "[\xc3\xa9]", 1, 1, 2, "a value or ']'" },
  { "{", 1, 1, 2, "a key in quotes or '}'" },
  { "{a:1}", 1, 1, 2, "a key in quotes or '}'" },
  { "{,}", 1, 1, 2, "a key in quotes or '}'" },
  { "{\"a\":1,}", 7, 1, 8, "a key in quotes" },
  { "{\"a\":1, b:2}", 8, 1, 9, "a key in quotes" },
  { "{\"a\" 1}", 5, 1, 6, "':'" },
  { "{\"a\"", 4, 1, 5, "':'" },
  { "{\"a\":}", 5, 1, 6, "a value" },
  { "{\"a\":1", 6, 1, 7, "',' or '}'" },
  { "{\"a\":1]", 6, 1, 7, "',' or '}'" },
  { "{\n  \"a\": 1\n  \"b\": 2\n}", 13, 3, 3, "',' or '}'" },
  { "{\r\n\"a\":x}", 7, 2, 5, "a value" },
  { "\"abc", 4, 1, 5, "a closing '\"'" },
  { "{\"abc", 5, 1, 6, "a closing '\"'" },
  { "[\"a long string that takes several vectors and does not end]", 60, 1, 61, "a closing '\"'" },
  { "[\"a\tb\"]", 3, 1, 4, "no control character in a string" },
  { "[\"0123456789abcdefghij\n\"]", 22, 1, 23, "no control character in a string" },
  { "[\"a\\x\"]", 4, 1, 5, "one of \"\\/bfnrtu after '\\'" },
  { "[\"\\", 3, 1, 4, "one of \"\\/bfnrtu after '\\'" },
  { "[\"\\u12g4\"]", 6, 1, 7, "four hex digits after '\\u'" },
  { "[\"\\u", 4, 1, 5, "four hex digits after '\\u'" },
  { "[\"ok \xc3\xa9\xc3(\"]", 7, 1, 7, "valid UTF-8" },
  { "{\"\xc2\xb0"
    "C\":21,\n\"\xe6\xb8\xa9\xf0\x9f\x98\x80\":x}",
    21, 2, 6, "a value" },
  { "[\"\xc3\xa9\n\"]", 4, 1, 4, "no control character in a string" },
  { "[\"\xed\xa0\x80\"]", 2, 1, 3, "valid UTF-8" },
  { "[\"\xf0\x9f\x98", 2, 1, 3, "valid UTF-8" },
  { "{\"\xff\":1}", 2, 1, 3, "valid UTF-8" },
  { "[-]", 2, 1, 3, "a digit" },
  { "-", 1, 1, 2, "a digit" },
  { "[1.]", 3, 1, 4, "a digit" },
  { "[1.5e]", 5, 1, 6, "a digit" },
  { "[1e+x]", 4, 1, 5, "a digit" },
  { "[1, 012]", 4, 1, 5, "a number without leading zeros" },
  { "[-012]", 2, 1, 3, "a number without leading zeros" },
  { "[+1]", 1, 1, 2, "a value or ']'" },
  { "[1,+1]", 3, 1, 4, "a value" },
  { "[0x10]", 2, 1, 3, "',' or ']'" },
  { "{\"a\": nan}", 6, 1, 7, "null" },
  { "{\"a\": tru}", 6, 1, 7, "true" },
  { "[false,fals", 7, 1, 8, "false" },
  { "[trueish]", 5, 1, 6, "',' or ']'" },
  { "{\"a\":{\"b\":[1,{\"c\":2,\"d\"}]}}", 23, 1, 24, "':'" },
  { "[[1,2],[3,4],[5,6,],[7]]", 18, 1, 19, "a value" },
};

static void names_place_and_expectation (void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
    const refusal *r = &refusals[i];
    tl_json_error e;
    if (json_accepted(tl_slice_str(r->doc), &e)) fail_msg("accepted %s", r->doc);
    if (e.at != r->at || e.line != r->line || e.column != r->column ||
        strcmp(e.expected, r->expected) != 0)
      fail_msg("%s: at %zu, line %u, column %u: expected %s", r->doc, e.at, e.line, e.column,
               e.expected);
  }
}

static void names_the_same_place_in_a_long_document (void **state) {
  (void)state;
  for (size_t blanks = 0; blanks < 200; blanks++) {
    tl_buf b;
    tl_json_error e;
    tl_buf_init(&b);
    tl_buf_str(&b, "[\n");
    for (size_t i = 0; i < blanks; i++) tl_buf_str(&b, " ");
    tl_buf_str(&b, "{\"key\": [1, 2.5, \"text\"], \"wrong\": \"a\x01\"}]");
    assert_false(json_accepted(tl_buf_bytes(&b), &e));
    assert_int_equal(e.line, 2);
    assert_int_equal(e.column, blanks + 38);
    assert_string_equal(e.expected, "no control character in a string");
    tl_buf_fini(&b);
  }
}

static void needs_no_place_for_the_error (void **state) {
  (void)state;
  tl_json_set *set = json_set_of((const char *const[]){ "a" }, 1);
  tl_json_value v;
  assert_int_equal(tl_json_extract(set, TL_LIT("{"), &v, NULL), TL_EMALFORMED);
  assert_int_equal(tl_json_extract(set, tl_slice_of(NULL, 0), &v, NULL), TL_EMALFORMED);
  assert_int_equal(tl_json_walk(tl_slice_of(NULL, 0), &json_quiet, NULL, NULL), TL_EMALFORMED);
  tl_json_error e;
  assert_int_equal(tl_json_walk(tl_slice_of(NULL, 0), &json_quiet, NULL, &e), TL_EMALFORMED);
  assert_int_equal(e.at, 0);
  assert_int_equal(e.line, 1);
  assert_int_equal(e.column, 1);
  tl_json_set_free(set);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(names_place_and_expectation),
    cmocka_unit_test(names_the_same_place_in_a_long_document),
    cmocka_unit_test(needs_no_place_for_the_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

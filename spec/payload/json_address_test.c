/* spec/payload/json_address_test.c — the syntax of JSON addresses, and what they lead to. */
#include "json_support.h"

/* What an address leads to, as "type raw"; documents lie exactly in their memory. */
static void check_leads_to (const char *path, const char *text, const char *expected, int line) {
  tl_json_set *set = json_set_of(&path, 1);
  tl_slice doc = json_exact(tl_slice_str(text));
  tl_json_value v;
  tl_json_error e;
  char found[256];
  if (tl_json_extract(set, doc, &v, &e) != TL_OK)
    fail_msg("line %d: %s refused at %zu: expected %s", line, text, e.at, e.expected);
  snprintf(found, sizeof found, "%s%s%.*s", tl_json_type_name((tl_json_type)v.type),
           v.type == TL_JSON_NONE ? "" : " ", TL_ARG(v.raw));
  if (strcmp(found, expected) != 0)
    fail_msg("line %d: '%s' in %s leads to '%s', not to '%s'", line, path, text, found, expected);
  tl_json_set_free(set);
  free((void *)(uintptr_t)doc.at);
}
#define LEADS_TO(path, doc, expected) check_leads_to(path, doc, expected, __LINE__)

static void follow_keys_and_indexes (void **state) {
  (void)state;
  LEADS_TO("a", "{\"a\":1}", "number 1");
  LEADS_TO("a.b.c", "{\"a\":{\"b\":{\"c\":-1.5e3}}}", "number -1.5e3");
  LEADS_TO("b", "{\"a\":1,\"b\":\"x\",\"c\":2}", "string x");
  LEADS_TO("a[1]", "{\"a\":[true,false]}", "true true");
  LEADS_TO("a[2]", "{\"a\":[true,false]}", "false false");
  LEADS_TO("a[2].b", "{\"a\":[{\"b\":1},{\"b\":2},{\"b\":3}]}", "number 2");
  LEADS_TO("a[2].b[3].c", "{\"a\":[0,{\"b\":[1,2,{\"c\":null}]}]}", "null null");
  LEADS_TO("[1].x", "[{\"x\":\"first\"},{\"x\":\"second\"}]", "string first");
  LEADS_TO("[2].x", "[{\"x\":\"first\"},{\"x\":\"second\"}]", "string second");
  LEADS_TO("[2][1]", "[[1,2],[3,4]]", "number 3");
  LEADS_TO("[1][2][1].a", "[[0,[{\"a\":7}]]]", "number 7");
  LEADS_TO("a[1][2]", "{\"a\":[[1,2]]}", "number 2");
  LEADS_TO("rx.gwrx[1].time", "{\"rx\":{\"gwrx\":[{\"time\":\"t\"}]}}", "string t");
  LEADS_TO("a", " { \"b\" : 0 , \"a\" : [ 1 , 2 ] } ", "array [ 1 , 2 ]");
  LEADS_TO("a", "{\"a\":{\"b\":[{}]},\"c\":1}", "object {\"b\":[{}]}");
  LEADS_TO("a", "{\"a\":{}}", "object {}");
  LEADS_TO("a", "{\"a\":[]}", "array []");
  LEADS_TO("a", "{\"a\":\"\"}", "string ");
  LEADS_TO("[300]", "[0]", "nothing");
}

static void empty_address_is_the_whole_document (void **state) {
  (void)state;
  LEADS_TO("", " 21.5 ", "number 21.5");
  LEADS_TO("", "\"x\"", "string x");
  LEADS_TO("", "true", "true true");
  LEADS_TO("", "\n{\"a\":[1]}\n", "object {\"a\":[1]}");
  LEADS_TO("", "[]", "array []");
}

static void missing_and_wrong_types_lead_nowhere (void **state) {
  (void)state;
  LEADS_TO("a", "{}", "nothing");
  LEADS_TO("a", "[]", "nothing");
  LEADS_TO("a", "1", "nothing");
  LEADS_TO("a", "\"a\"", "nothing");
  LEADS_TO("a", "{\"b\":{\"a\":1}}", "nothing");
  LEADS_TO("a", "[{\"a\":1}]", "nothing");
  LEADS_TO("a", "{\"A\":1,\"aa\":2,\"\":3}", "nothing");
  LEADS_TO("a.b", "{\"a\":1}", "nothing");
  LEADS_TO("a.b", "{\"a\":\"b\"}", "nothing");
  LEADS_TO("a.b", "{\"a\":null}", "nothing");
  LEADS_TO("a.b", "{\"a\":[{\"b\":1}]}", "nothing");
  LEADS_TO("a.b", "{\"a.b\":1}", "nothing");
  LEADS_TO("a[1]", "{\"a\":{\"1\":1}}", "nothing");
  LEADS_TO("a[1]", "{\"a\":[]}", "nothing");
  LEADS_TO("a[3]", "{\"a\":[1,2]}", "nothing");
  LEADS_TO("[1]", "{\"a\":[1]}", "nothing");
  LEADS_TO("[1].a", "[[{\"a\":1}]]", "nothing");
  LEADS_TO("[1].a", "[1,{\"a\":1}]", "nothing");
}

static void keys_of_every_kind (void **state) {
  (void)state;
  LEADS_TO("[\"a.b\"]", "{\"a\":{\"b\":1},\"a.b\":2}", "number 2");
  LEADS_TO("[\"a.b\"].c", "{\"a.b\":{\"c\":3}}", "number 3");
  LEADS_TO("x[\"a[1]\"][2]", "{\"x\":{\"a[1]\":[4,5]}}", "number 5");
  LEADS_TO("[\"\"]", "{\"\":6}", "number 6");
  LEADS_TO("[\"\"][\"\"]", "{\"\":{\"\":6}}", "number 6");
  LEADS_TO("[\"plain\"]", "{\"plain\":7}", "number 7");
  LEADS_TO("[\"q\\\"q\"]", "{\"q\\\"q\":8}", "number 8");
  LEADS_TO("[\"\\u0061\"]", "{\"a\":9}", "number 9");
  LEADS_TO("[\"\\u00e9\\n\"]", "{\"\xc3\xa9\\n\":10}", "number 10");
  LEADS_TO("[\"\\ud83d\\ude00\"]", "{\"\xf0\x9f\x98\x80\":11}", "number 11");
  LEADS_TO("a b-c:d/e", "{\"a b-c:d/e\":12}", "number 12");
  LEADS_TO("a\"b", "{\"a\\\"b\":13}", "number 13");
  LEADS_TO("\xc3\xa9", "{\"\xc3\xa9\":14}", "number 14");
  LEADS_TO("1", "{\"1\":15}", "number 15");
  LEADS_TO("abc", "{\"\\u0061b\\u0063\":16}", "number 16");
  LEADS_TO("abc", "{\"\\u0061b\":0,\"\\u0061bcd\":0,\"ab\\u0064\":0}", "nothing");
  LEADS_TO("\xf0\x9f\x98\x80", "{\"\\uD83D\\uDE00\":17}", "number 17");
  LEADS_TO("\xef\xbf\xbd", "{\"\\ud800\":18}", "number 18");
  LEADS_TO("[\"a\\u0000b\"]", "{\"a\":0,\"a\\u0000b\":19}", "number 19");
  LEADS_TO("[\"tab\\t\"]", "{\"tab\\t\":20}", "number 20");
}

/* Keys around the widths that are compared at once, that differ in one place only. */
static void tells_keys_apart_that_differ_in_one_byte (void **state) {
  (void)state;
  for (size_t len = 1; len <= 80; len++)
    for (size_t at = 0; at < len; at++) {
      char key[81], other[81], doc[300], longer[300];
      memset(key, 'k', len);
      memset(other, 'k', len);
      key[len] = other[len] = 0;
      other[at] = 'x';
      snprintf(doc, sizeof doc, "{\"%s\":1,\"%s\":2}", key, other);
      LEADS_TO(key, doc, "number 1");
      LEADS_TO(other, doc, "number 2");
      snprintf(longer, sizeof longer, "{\"%s\":{\"%sk\":1,\"%s\":[2]}}", other, key, key);
      snprintf(doc, sizeof doc, "%s.%s[1]", other, key);
      LEADS_TO(doc, longer, "number 2");
      LEADS_TO(key, longer, "nothing");
    }
}

static void the_last_of_repeated_keys_counts (void **state) {
  (void)state;
  LEADS_TO("a", "{\"a\":1,\"a\":2}", "number 2");
  LEADS_TO("a", "{\"a\":1,\"\\u0061\":2}", "number 2");
  LEADS_TO("a", "{\"a\":1,\"b\":0,\"a\":[]}", "array []");
  LEADS_TO("a.b", "{\"a\":{\"b\":1},\"a\":{}}", "nothing");
  LEADS_TO("a.b", "{\"a\":{\"b\":1},\"a\":{\"c\":2}}", "nothing");
  LEADS_TO("a.b", "{\"a\":{\"b\":1},\"a\":2}", "nothing");
  LEADS_TO("a.b", "{\"a\":{\"b\":1},\"a\":null}", "nothing");
  LEADS_TO("a.b", "{\"a\":{\"b\":1},\"a\":{\"b\":3}}", "number 3");
  LEADS_TO("a.b", "{\"a\":2,\"a\":{\"b\":3}}", "number 3");
  LEADS_TO("a.b", "{\"a\":{\"b\":1},\"a\":[{\"b\":2}]}", "nothing");
  LEADS_TO("a[2]", "{\"a\":[1,2],\"a\":[3]}", "nothing");
  LEADS_TO("a[2].b.c", "{\"a\":[1,{\"b\":{\"c\":1}}],\"a\":[1,{\"b\":{\"d\":1}}]}", "nothing");
  LEADS_TO("a[1].b.c", "{\"a\":[{\"b\":{\"c\":1},\"b\":{}}]}", "nothing");
  LEADS_TO("a.b.c.d", "{\"a\":{\"b\":{\"c\":{\"d\":1}}},\"x\":{},\"a\":{\"b\":{}}}", "nothing");
}

static void resets_only_what_lies_below (void **state) {
  (void)state;
  tl_json_set *set = json_set_of((const char *const[]){ "b.x", "a.x", "a", "a.y.z", "c", "" }, 6);
  tl_json_value v[6];
  tl_slice doc =
      TL_LIT("{\"c\":1,\"b\":{\"x\":2},\"a\":{\"x\":3,\"y\":{\"z\":4}},\"a\":{\"y\":{}}}");
  memset(v, 0xee, sizeof v);
  assert_int_equal(tl_json_extract(set, doc, v, NULL), TL_OK);
  assert_true(tl_slice_eq(v[0].raw, TL_LIT("2")));
  assert_int_equal(v[1].type, TL_JSON_NONE);
  assert_true(tl_slice_eq(v[2].raw, TL_LIT("{\"y\":{}}")));
  assert_int_equal(v[3].type, TL_JSON_NONE);
  assert_true(tl_slice_eq(v[4].raw, TL_LIT("1")));
  assert_true(tl_slice_eq(v[5].raw, doc));
  tl_json_set_free(set);
}

static void serves_many_addresses_in_one_pass (void **state) {
  (void)state;
  static const char *const paths[] = { "b[2].x", "a",    "b",      "b[2]",   "a",   "",   "b[2].y",
                                       "b[1]",   "b[4]", "nope.a", "b[2].x", "[1]", "b.x" };
  static const char *const raws[] = {
    "5", "1", "[2,{\"x\":5},3]", "{\"x\":5}", "1", "", NULL, "2", NULL, NULL, "5", NULL, NULL
  };
  enum { N = sizeof paths / sizeof *paths };
  tl_json_set *set = json_set_of(paths, N);
  tl_json_value v[N];
  tl_slice doc = TL_LIT("{\"a\":1,\"b\":[2,{\"x\":5},3]}");
  memset(v, 0xee, sizeof v);
  assert_int_equal(tl_json_extract(set, doc, v, NULL), TL_OK);
  for (size_t i = 0; i < N; i++)
    if (!raws[i])
      assert_int_equal(v[i].type, TL_JSON_NONE);
    else
      assert_true(tl_slice_eq(v[i].raw, i == 5 ? doc : tl_slice_str(raws[i])));
  assert_true(tl_json_set_bytes(set) > N * 4 && tl_json_set_bytes(set) < 1500);
  /* the set is as before: a second document gives its own values */
  assert_int_equal(tl_json_extract(set, TL_LIT("{}"), v, NULL), TL_OK);
  for (size_t i = 0; i < N; i++)
    assert_int_equal(v[i].type, i == 5 ? TL_JSON_OBJECT : TL_JSON_NONE);
  tl_json_set_free(set);
}

/* Both ways to find a key, few and many of a level, with keys that begin or end alike. */
static void finds_each_of_many_keys (void **state) {
  (void)state;
  static const size_t counts[] = { 1, 2, 8, 9, 17, 100, 1000 };
  static const char *const forms[] = { "%zu", "temperature_%zu", "%zu_temperature",
                                       "%zu_a_long_middle_of_the_key_%zu" };
  for (size_t k = 0; k < sizeof counts / sizeof *counts; k++)
    for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
      size_t n = counts[k];
      char(*keys)[64] = calloc(n, sizeof *keys);
      tl_slice *paths = calloc(n, sizeof *paths);
      tl_json_value *values = calloc(n, sizeof *values);
      tl_json_set *set;
      tl_buf doc;
      tl_buf_init(&doc);
      for (size_t i = 0; i < n; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(keys[i], sizeof *keys, forms[f], i, i);
#pragma GCC diagnostic pop
        paths[i] = tl_slice_str(keys[i]);
      }
      for (size_t i = n; i-- > 0;)
        tl_buf_fmt(&doc, "%s\"%s\":%zu,\"no%s\":0", i + 1 == n ? "{" : ",", keys[i], i + 7,
                   keys[i]);
      tl_buf_byte(&doc, '}');
      assert_int_equal(tl_json_set_new(&set, paths, n, NULL, NULL), TL_OK);
      assert_int_equal(tl_json_extract(set, tl_buf_bytes(&doc), values, NULL), TL_OK);
      for (size_t i = 0; i < n; i++) {
        char number[32];
        snprintf(number, sizeof number, "%zu", i + 7);
        assert_true(tl_slice_eq(values[i].raw, tl_slice_str(number)));
      }
      tl_json_set_free(set);
      tl_buf_fini(&doc);
      free(keys);
      free(paths);
      free(values);
    }
}

static void a_set_of_nothing_only_checks (void **state) {
  (void)state;
  tl_json_set *set = json_set_of(NULL, 0);
  assert_int_equal(tl_json_extract(set, TL_LIT("{\"a\":[1,2]}"), NULL, NULL), TL_OK);
  assert_int_equal(tl_json_extract(set, TL_LIT("{\"a\":[1,2}"), NULL, NULL), TL_EMALFORMED);
  tl_json_set_free(set);
  tl_json_set_free(NULL);
}

static void values_say_their_kind (void **state) {
  (void)state;
  tl_json_set *set =
      json_set_of((const char *const[]){ "[1]", "[2]", "[3]", "[4]", "[5]", "[6]" }, 6);
  tl_json_value v[6];
  assert_int_equal(tl_json_extract(set, TL_LIT("[12,1.0,1e2,\"a\\n\",\"a\",-0]"), v, NULL), TL_OK);
  assert_true(v[0].integral && !v[1].integral && !v[2].integral && v[5].integral);
  assert_true(v[3].escaped && !v[4].escaped && !v[0].escaped);
  assert_true(tl_slice_eq(v[3].raw, TL_LIT("a\\n")));
  tl_json_set_free(set);
  assert_string_equal(tl_json_type_name(TL_JSON_NONE), "nothing");
  assert_string_equal(tl_json_type_name(TL_JSON_OBJECT), "object");
  assert_string_equal(tl_json_type_name((tl_json_type)99), "?");
}

static const struct {
  const char *path;
  size_t at;
  const char *text;
} wrong[] = {
  { "[0]", 1, "indexes count from 1" },
  { "a[0].b", 2, "indexes count from 1" },
  { "a[00]", 2, "indexes count from 1" },
  { "a[01]", 2, "expected an index without leading zeros" },
  { "a[2147483649]", 2, "expected an index of at most 2147483648" },
  { "a[99999999999999999999999]", 2, "expected an index of at most 2147483648" },
  { "a[18446744073709551617]", 2, "expected an index of at most 2147483648" }, /* 1, modulo 2^64 */
  { "a[]", 2, "expected an index or a key in quotes, got ']'" },
  { "a[", 2, "expected an index or a key in quotes, got the end of the address" },
  { "a[-1]", 2, "expected an index or a key in quotes, got '-'" },
  { "a[b]", 2, "expected an index or a key in quotes, got 'b'" },
  { "a[*]", 2, "expected an index or a key in quotes, got '*'" },
  { "a[1", 3, "expected ']', got the end of the address" },
  { "a[1x]", 3, "expected ']', got 'x'" },
  { "a[1]b", 4, "expected '.' or '[', got 'b'" },
  { "a[1]]", 4, "expected '.' or '[', got ']'" },
  { ".", 0, "expected a level's name, got '.'" },
  { ".a", 0, "expected a level's name, got '.'" },
  { "a.", 2, "expected a level's name, got the end of the address" },
  { "a..b", 2, "expected a level's name, got '.'" },
  { "a.[1]", 2, "expected a level's name, got '['" },
  { "a[1].", 5, "expected a level's name, got the end of the address" },
  { "]", 0, "expected a level's name, got ']'" },
  { "ab]", 2, "expected '.' or '[' (a name with brackets is written [\"a]\"]), got ']'" },
  { "[\"a]", 4, "expected a closing '\"', got the end of the address" },
  { "[\"a\"", 4, "expected ']', got the end of the address" },
  { "[\"a\"x]", 4, "expected ']', got 'x'" },
  { "[\"a\\x\"]", 4, "expected one of \"\\/bfnrtu after '\\', got 'x'" },
  { "[\"a\x01\"]", 3, "expected no control character in a string, got byte 0x01" },
  { "[\"\xff\"]", 2, "expected valid UTF-8, got byte 0xff" },
  { "['a']", 1, "expected an index or a key in quotes, got '''" },
};

static void names_what_is_wrong_with_an_address (void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    tl_err err = { 0 }, other = { 0 };
    tl_slice paths[] = { TL_LIT("ok"), tl_slice_str(wrong[i].path), TL_LIT("[0]") };
    tl_json_set *set = NULL;
    size_t which = 99;
    assert_int_equal(tl_json_path_check(paths[1], &err), TL_ESYNTAX);
    if (err.at != wrong[i].at || strcmp(err.text, wrong[i].text) != 0)
      fail_msg("%s: at %zu: %s", wrong[i].path, err.at, err.text);
    assert_int_equal(err.code, TL_ESYNTAX);
    assert_int_equal(tl_json_set_new(&set, paths, 3, &which, &other), TL_ESYNTAX);
    assert_int_equal(which, 1);
    assert_int_equal(other.at, err.at);
    assert_string_equal(other.text, err.text);
    assert_int_equal(tl_json_set_new(&set, paths, 3, NULL, NULL), TL_ESYNTAX);
    assert_null(set);
  }
}

static void takes_addresses_of_every_form (void **state) {
  (void)state;
  static const char *const right[] = { "",          "a",       "a.b",        "[1]",
                                       "[1][2]",    "[1].x",   "a[1]",       "a[2147483648]",
                                       "[\"a.b\"]", "[\"\"]",  "a[\"b\"].c", "[\"a\"][1].b",
                                       "a b",       "\xff",    "-",          "0",
                                       "a\"b\"",    "[\"]\"]", " " };
  for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
    tl_err err;
    if (tl_json_path_check(tl_slice_str(right[i]), &err) != TL_OK)
      fail_msg("%s: at %zu: %s", right[i], err.at, err.text);
  }
  assert_int_equal(tl_json_path_check(tl_slice_of(NULL, 0), NULL), TL_OK);
  char longest[65536];
  memset(longest, 'k', sizeof longest);
  tl_err err;
  assert_int_equal(tl_json_path_check(tl_slice_of(longest, 65535), &err), TL_OK);
  assert_int_equal(tl_json_path_check(tl_slice_of(longest, 65536), &err), TL_ESYNTAX);
  assert_int_equal(err.at, 65535);
  assert_string_equal(err.text, "expected an address of at most 65535 bytes");
}

static void an_address_deeper_than_any_document_leads_nowhere (void **state) {
  (void)state;
  char path[4000];
  for (size_t i = 0; i < 1000; i++) memcpy(path + i * 3, "[1]", 3);
  tl_slice paths[] = { tl_slice_of(path, 3000), tl_slice_of(path, 3 * 512) };
  tl_json_set *set;
  char doc[1030];
  tl_json_value v[2];
  assert_int_equal(tl_json_set_new(&set, paths, 2, NULL, NULL), TL_OK);
  memset(doc, '[', 512);
  doc[512] = '5';
  memset(doc + 513, ']', 512);
  assert_int_equal(tl_json_extract(set, tl_slice_of(doc, 1025), v, NULL), TL_OK);
  assert_int_equal(v[0].type, TL_JSON_NONE);
  assert_true(tl_slice_eq(v[1].raw, TL_LIT("5")));
  tl_json_set_free(set);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(follow_keys_and_indexes),
    cmocka_unit_test(empty_address_is_the_whole_document),
    cmocka_unit_test(missing_and_wrong_types_lead_nowhere),
    cmocka_unit_test(keys_of_every_kind),
    cmocka_unit_test(tells_keys_apart_that_differ_in_one_byte),
    cmocka_unit_test(the_last_of_repeated_keys_counts),
    cmocka_unit_test(resets_only_what_lies_below),
    cmocka_unit_test(serves_many_addresses_in_one_pass),
    cmocka_unit_test(finds_each_of_many_keys),
    cmocka_unit_test(a_set_of_nothing_only_checks),
    cmocka_unit_test(values_say_their_kind),
    cmocka_unit_test(names_what_is_wrong_with_an_address),
    cmocka_unit_test(takes_addresses_of_every_form),
    cmocka_unit_test(an_address_deeper_than_any_document_leads_nowhere),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* spec/payload/json_pass_test.c — elements passed over 256 bytes at a time (json_wide.c) beside
** the same elements read one by one: random ones, most of them spoilt in a few bytes. What is
** passed must be right, end where reading ends, and count as many. Seeded: a failure prints its
** seed; JSON_SEED=n in the environment replays it alone, JSON_SEEDS=n runs n. And values found
** between elements that are passed over. */
#include "json_support.h"
#include "payload/json_scan.h"

/* --- elements --- */

static bool unusual; /* may hold what is not passed over: exponents, a blank before a colon */

static void add_blanks (tl_buf *b) {
  static const char *const blanks[] = { " ", "\n  ", "\t", "\r\n", "      " };
  if (json_pick(8) == 0) tl_buf_str(b, blanks[json_pick(5)]);
}

static void add_string (tl_buf *b) {
  static const char *const parts[] = { "a",
                                       "temp",
                                       "{}[],:",
                                       "true,",
                                       "12",
                                       "\\\"",
                                       "\\\\",
                                       "\\u00e9",
                                       "\xc3\xa9",
                                       "\xe2\x82\xac",
                                       "\\n",
                                       " ",
                                       "\xf0\x9f\x98\x80",
                                       "a-long-name-of-a-cabinet" };
  unsigned n = json_pick(8) == 0 ? json_pick(60) : json_pick(4), kinds = json_pick(3) ? 5 : 14;
  tl_buf_str(b, "\"");
  while (n-- > 0) tl_buf_str(b, parts[json_pick(kinds)]);
  tl_buf_str(b, "\"");
}

static void add_scalar (tl_buf *b) {
  static const char *const scalars[] = { "0",      "-0",    "7",
                                         "-12.5",  "0.05",  "1234567890123456789",
                                         "true",   "null",  "false",
                                         "100.00", "1e-05", "2.5E+3" };
  if (json_pick(20) == 0)
    for (unsigned n = 60 + json_pick(400); n > 0; n--) tl_buf_str(b, "9");
  else if (json_pick(3) == 0)
    add_string(b);
  else
    tl_buf_str(b, scalars[json_pick(unusual ? 12 : 10)]);
}

static void add_value (tl_buf *b, unsigned depth) {
  unsigned kind = depth < 6 ? json_pick(4) : 0;
  if (kind < 2) {
    add_scalar(b);
    return;
  }
  tl_buf_str(b, kind == 2 ? "{" : "[");
  add_blanks(b);
  for (unsigned n = json_pick(5), i = 0; i < n; i++) {
    if (i > 0) tl_buf_str(b, ",");
    add_blanks(b);
    if (kind == 2) {
      add_string(b);
      if (unusual) add_blanks(b);
      tl_buf_str(b, ":");
      add_blanks(b);
    }
    add_value(b, depth + 1);
    add_blanks(b);
  }
  tl_buf_str(b, kind == 2 ? "}" : "]");
}

/* Alike, as lists of records are. */
static void add_record (tl_buf *b) {
  tl_buf_fmt(b, "{\"id\":%u,\"on\":%s,\"v\":%u.%02u,\"s\":\"%.*s\"}", json_pick(1000),
             json_pick(2) ? "true" : "false", json_pick(100), json_pick(100), (int)json_pick(12),
             "abcdefghijkl");
}

static void add_elements (tl_buf *b, size_t length) {
  bool records = json_pick(2), flat = json_pick(2);
  while (b->len < length) {
    if (b->len > 0) tl_buf_str(b, ",");
    if (!flat) add_blanks(b);
    if (records)
      add_record(b);
    else
      add_value(b, flat ? 6 : 0);
    if (!flat) add_blanks(b);
  }
  tl_buf_str(b, "]");
}

static void spoil (tl_buf *b) {
  json_spoil(b, "{}[],:\"\"\\\\0019.--+eEtrufalsn  \n\t/x\x01\x7f\x80\xa2\xac\xba\xc3\xdc\xe2\xf0");
}

/* --- both ways --- */

static const uint8_t *read_one (tl_json_scan *s, const uint8_t *p, unsigned depth) {
  tl_json_type type;
  bool flag;
  uint8_t c = tl_json_token(s, &p, false);
  switch (tl_json_class[c]) {
    case TL_C_QUOTE: {
      tl_json_block block = tl_json_block_at(s, p);
      return tl_json_string(s, &block, p, &flag, false);
    }
    case TL_C_NUMBER: return tl_json_number(s, p, &flag, false);
    case TL_C_LITERAL: return tl_json_literal(s, p, &type);
    case TL_C_OBJECT:
    case TL_C_ARRAY: return tl_json_skip(s, p, depth);
    default: return NULL;
  }
}

static const uint8_t *read_all (tl_json_scan *s, const uint8_t *p, unsigned depth, uint32_t n,
                                uint32_t *passed) {
  for (*passed = 0;; p++) {
    if (!(p = read_one(s, p, depth))) return NULL;
    uint8_t c = tl_json_token(s, &p, false);
    ++*passed;
    if (c == ']' || (c == ',' && *passed == n)) return p;
    if (c != ',') return NULL;
  }
}

static bool passes (const char *element, unsigned before) {
  tl_buf doc;
  uint32_t passed;
  const uint8_t *looked;
  tl_buf_init(&doc);
  tl_buf_str(&doc, "[0,\"");
  for (unsigned i = 0; i < before; i++) tl_buf_byte(&doc, 'x');
  tl_buf_fmt(&doc, "\",%s]", element);
  tl_json_scan s = tl_json_scan_of(tl_buf_bytes(&doc));
  bool right = tl_json_pass(&s, s.doc + 3, 1, UINT32_MAX, &passed, &looked) != NULL;
  tl_buf_fini(&doc);
  return right;
}

static bool wide (void) { /* can this processor do it? */
  return passes("2", 0);
}

static const char *const right[] = { "true",       "false",        "null",     "0",
                                     "-0",         "10",           "-1.05",    "0.0",
                                     "[]",         "{}",           "[ ]",      "{ }",
                                     "{\"a\": 1}", "{\"a\":[{}]}", "[[0],[]]", "\"\\\\\"",
                                     "\"\\\"\"",   "\"\xc3\xa9\"" };

static const char *const wrong[] = {
  "tXue",
  "trXe",
  "truX",
  "tru",
  "true1",
  "true-1",
  "truee",
  "trueX",
  "fXlse",
  "faXse",
  "falXe",
  "falsX",
  "fals",
  "false0",
  "nXll",
  "nuXl",
  "nulX",
  "nul",
  "null0",
  "nulll",
  "xtrue",
  "1true",
  "t",
  "f",
  "n",
  "01",
  "-01",
  "00",
  "1.",
  ".1",
  "1..2",
  "1.2.3",
  "-",
  "--1",
  "1-2",
  "+1",
  "1.-2",
  "-.5",
  "0x1",
  "1 2",
  "",
  ",",
  "1,",
  "[1,]",
  "[,1]",
  "{,}",
  "{\"a\"}",
  "{\"a\":}",
  "{\"a\":1,}",
  "{1:2}",
  "{\"a\",1}",
  "[\"a\":1]",
  "{\"a\":1:2}",
  "{\"a\"::1}",
  "{:1}",
  "{\"a\":\"b\":1}",
  "{]",
  "[}",
  "{\"a\":1]",
  "[1}",
  "{{}}",
  "{[]:1}",
  "{\"a\":1,2}",
  "\"a\"b",
  "\"a\"\"b\"",
  "1\"a\"",
  "[1]2",
  "[1][2]",
  "{}{}",
  "\"\\x\"",
  "\"\\\"",
  "\"\x01\"",
  "\"\n\"",
  "\x01",
  "\"\x80\"",
  "\"\xc0\x80\"",
  "\xc3\xa9",
  "\xa2",
  "{\"a\" 1}",
  "{true:1}",
  "{\"a\":1,null:2}",
  "}",
  "@",
};

/* Across the end of a word of 64 bytes, and of the stripe. */
static void knows_right_from_wrong_across_ends (void **unused) {
  (void)unused;
  if (!wide()) skip();
  for (unsigned before = 180; before < 264; before++) {
    for (size_t i = 0; i < sizeof right / sizeof *right; i++)
      if (!passes(right[i], before)) fail_msg("behind %u: %s", before, right[i]);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
      if (passes(wrong[i], before)) fail_msg("behind %u: %s", before, wrong[i]);
  }
}

enum { PASSED, LEFT, REFUSED };

static int compare (uint64_t seed, bool spoilt) {
  tl_buf b;
  uint32_t passed = 0, read = 0;
  tl_buf_init(&b);
  add_elements(&b, 1 + json_pick(json_pick(4) ? 700 : 3000));
  if (spoilt) spoil(&b);
  tl_buf doc;
  tl_buf_init(&doc);
  tl_buf_str(&doc, "[0,"); /* behind a comma */
  tl_buf_add(&doc, b.at, b.len);
  tl_slice copy = json_exact(tl_buf_bytes(&doc)); /* ends where its memory ends */
  tl_json_scan s = tl_json_scan_of(copy);
  uint32_t n = json_pick(2) ? UINT32_MAX : 1 + json_pick(20);
  unsigned depth = json_pick(8) ? 1 : TL_JSON_DEPTH - json_pick(4);
  const uint8_t *one = read_all(&s, s.doc + 3, depth, n, &read);
  const uint8_t *looked;
  const uint8_t *all = tl_json_pass(&s, s.doc + 3, depth, n, &passed, &looked);
  if (all && (all != one || passed != read))
    fail_msg("seed %llu: passed %u to %td, read %u to %td: %.*s", (unsigned long long)seed, passed,
             all - s.doc, read, one ? one - s.doc : -1, TL_ARG(copy));
  free((void *)(uintptr_t)copy.at);
  tl_buf_fini(&doc);
  tl_buf_fini(&b);
  if (all) return PASSED;
  return one ? LEFT : REFUSED;
}

static void passes_what_reading_accepts (void **unused) {
  (void)unused;
  const char *one = getenv("JSON_SEED"), *many = getenv("JSON_SEEDS");
  uint64_t from = one ? strtoull(one, NULL, 10) : 1, to = one ? from : 6000;
  if (many) to = strtoull(many, NULL, 10);
  unsigned long counts[3] = { 0 };
  bool can = wide();
  for (uint64_t seed = from; seed <= to; seed++) {
    json_state = seed * 0x9e3779b97f4a7c15u + 1;
    bool spoilt = json_pick(4);
    unusual = json_pick(4) == 0;
    int what = compare(seed, spoilt);
    counts[what]++;
    if (what == LEFT && !spoilt && !unusual && can)
      fail_msg("seed %llu: right, and not passed", (unsigned long long)seed);
  }
  print_message("%lu passed, %lu left, %lu refused\n", counts[PASSED], counts[LEFT],
                counts[REFUSED]);
}

/* {"list":[{"id":1,…},…],"v":7}; element `odd` has what is not passed over, `bad` is no JSON. */
static void add_list (tl_buf *b, unsigned n, unsigned odd, unsigned bad) {
  static const char *const text[] = { "1.5,\"s\":\"name\"", "1e5,\"s\":\"name\"",
                                      "1.5,\"s\"=\"name\"" };
  tl_buf_str(b, "{\"list\":[");
  for (unsigned i = 1; i <= n; i++)
    tl_buf_fmt(b, "%s{\"id\":%u,\"v\":%s}", i > 1 ? "," : "", i, text[i == bad ? 2 : i == odd]);
  tl_buf_str(b, "],\"v\":7}");
}

static void finds_elements_between_those_that_are_passed (void **unused) {
  (void)unused;
  json_state = 1;
  for (int round = 0; round < 400; round++) {
    unsigned first = 1 + json_pick(40), second = first + json_pick(30), n = second + json_pick(60);
    unsigned odd = json_pick(3) ? 0 : json_pick(n), bad = json_pick(3) ? 0 : json_pick(n);
    char texts[3][32] = { "v" };
    snprintf(texts[1], sizeof texts[1], "list[%u].id", first);
    snprintf(texts[2], sizeof texts[2], "list[%u].id", second);
    bool lists = json_pick(4) > 0; /* or the list is not wanted */
    tl_json_set *set =
        json_set_of((const char *const[]){ texts[0], texts[1], texts[2] }, lists ? 3 : 1);
    tl_buf doc;
    tl_buf_init(&doc);
    add_list(&doc, n, odd, bad);
    tl_slice copy = json_exact(tl_buf_bytes(&doc));
    tl_json_value values[3];
    tl_json_error error, walked;
    int rc = tl_json_extract(set, copy, values, &error);
    assert_int_equal(rc, bad ? TL_EMALFORMED : TL_OK);
    if (bad) {
      assert_int_equal(tl_json_walk(copy, &json_quiet, NULL, &walked), TL_EMALFORMED);
      assert_int_equal(error.at, walked.at);
    } else {
      assert_bytes(values[0].raw, "7");
      if (lists) {
        char ids[2][16];
        snprintf(ids[0], sizeof ids[0], "%u", first);
        snprintf(ids[1], sizeof ids[1], "%u", second);
        assert_bytes(values[1].raw, ids[0]);
        assert_bytes(values[2].raw, ids[1]);
      }
    }
    free((void *)(uintptr_t)copy.at);
    tl_buf_fini(&doc);
    tl_json_set_free(set);
  }
}

int main (void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(knows_right_from_wrong_across_ends),
                                      cmocka_unit_test(
                                          finds_elements_between_those_that_are_passed),
                                      cmocka_unit_test(passes_what_reading_accepts) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

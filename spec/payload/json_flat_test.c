/* spec/payload/json_flat_test.c — short objects read without branches (json_flat.c) beside the
** same ones read byte by byte, with a set that has one address more: random ones, most of them
** spoilt in a few bytes. What is taken must be JSON, with the same values. Seeded: a failure
** prints its seed; JSON_SEED=n in the environment replays it alone, JSON_SEEDS=n runs n. */
#include "json_support.h"
#include "payload/json_set.h"

static const char *const keys[] = { "temp",        "on",           "",      "12345678",
                                    "temperature", "humidity_out", "a 1,:b" };
enum { KEYS = sizeof keys / sizeof *keys };

/* Of the addresses, and with the whole document as one more. */
static tl_json_set *quick, *careful;

static int make_sets (void **unused) {
  (void)unused;
  const char *texts[KEYS + 1];
  char quoted[KEYS][32];
  for (int i = 0; i < KEYS; i++) {
    snprintf(quoted[i], sizeof quoted[i], "[\"%s\"]", keys[i]);
    texts[i] = quoted[i];
  }
  texts[KEYS] = "";
  quick = json_set_of(texts, KEYS);
  careful = json_set_of(texts, KEYS + 1);
  assert_true(quick->flat.is == tl_json_flat_works());
  assert_false(careful->flat.is);
  return 0;
}

static int free_sets (void **unused) {
  (void)unused;
  tl_json_set_free(quick);
  tl_json_set_free(careful);
  return 0;
}

/* Is it read without branches? Both ways agree on what it holds. */
static bool is_taken (tl_slice text) {
  tl_slice doc = json_exact(text);
  tl_json_value a[KEYS], b[KEYS + 1];
  tl_json_error e = { 0 }, f = { 0 };
  bool taken = tl_json_flat_works() && tl_json_flat(quick, doc.at, doc.at + doc.len, a);
  int rc = tl_json_extract(quick, doc, a, &e);
  if (rc != tl_json_extract(careful, doc, b, &f) || (taken && rc != TL_OK) || e.at != f.at)
    fail_msg("%d, taken %d: %.*s", rc, taken, TL_ARG(text));
  for (int i = 0; rc == TL_OK && i < KEYS; i++)
    if (a[i].type != b[i].type || a[i].escaped != b[i].escaped || a[i].integral != b[i].integral ||
        a[i].format != 0 || a[i].raw.at != b[i].raw.at || a[i].raw.len != b[i].raw.len)
      fail_msg("value %d, taken %d: %.*s", i, taken, TL_ARG(text));
  free((void *)(uintptr_t)doc.at);
  return taken;
}

/* One member behind so many bytes, and another one. */
static bool takes (const char *member, unsigned before, const char *after) {
  tl_buf b;
  tl_buf_init(&b);
  tl_buf_str(&b, "{\"");
  for (unsigned i = 0; i < before; i++) tl_buf_byte(&b, 'x');
  tl_buf_fmt(&b, "\":null,%s%s}", member, after);
  bool taken = is_taken(tl_buf_bytes(&b));
  tl_buf_fini(&b);
  return taken;
}

static const char *const right[] = {
  "\"temp\":true",         "\"temp\":false",
  "\"temp\":null",         "\"temp\":0",
  "\"temp\":-0",           "\"temp\":10",
  "\"temp\":-1.05",        "\"temp\":0.0",
  "\"temp\":100.25",       "\"temp\":12345678901234567890.0123456789",
  "\"temp\": 1",           "\"temp\": -0.5",
  "\"temp\": \"a\"",       " \"temp\":1",
  "\"temp\":\"\"",         "\"temp\":\"a,b:c}. -0 1e5 [{\"",
  "\"temp\":\"true\"",     "\"\":1",
  "\"a 1,:b\":1.5",        "\"12345678\":1",
  "\"123456789\":1",       "\"1234567\":1",
  "\"temperature\":1",     "\"temperatur\":1",
  "\"temperaturE\":1",     "\"temperature_out\":1",
  "\"temp\":1,\"temp\":2",
};

/* No JSON, or left to those who read byte by byte. */
static const char *const left[] = {
  "\"temp\":tXue",
  "\"temp\":tru",
  "\"temp\":truee",
  "\"temp\":true1",
  "\"temp\":1true",
  "\"temp\":falsX",
  "\"temp\":fals",
  "\"temp\":false0",
  "\"temp\":nul",
  "\"temp\":nulll",
  "\"temp\":x",
  "\"temp\":t",
  "\"temp\":01",
  "\"temp\":-01",
  "\"temp\":00.5",
  "\"temp\":1.",
  "\"temp\":.1",
  "\"temp\":-.1",
  "\"temp\":1..2",
  "\"temp\":1.2.3",
  "\"temp\":-",
  "\"temp\":--1",
  "\"temp\":1-2",
  "\"temp\":1.-2",
  "\"temp\":+1",
  "\"temp\":0x1",
  "\"temp\":1e5",
  "\"temp\":1E-5",
  "\"temp\":",
  "\"temp\": ",
  "\"temp\":  1",
  "\"temp\":1 ",
  "\"temp\" :1",
  "  \"temp\":1",
  "\"temp\":\"a\"b",
  "\"temp\":\"a\"\"b\"",
  "\"temp\":1\"a\"",
  "\"temp\":\"a\"1",
  "\"temp\":\"a\" ",
  "\"temp\":\"a",
  "\"temp\":a\"",
  "\"temp\"",
  "temp:1",
  "\"temp\":1:2",
  "\"temp\"::1",
  "\"temp\":\"a\":1",
  ":1",
  "1:2",
  "true:1",
  "\"temp\",1",
  "\"temp\":1,",
  "\"temp\":1,,\"a\":2",
  "\"temp\":{}",
  "\"temp\":[]",
  "\"temp\":{\"a\":1}",
  "\"temp\":[1,2]",
  "\"temp\":1}",
  "\"temp\":\"\\n\"",
  "\"te\\u006dp\":1",
  "\"temp\":\"\xc3\xa9\"",
  "\"temp\":\"\x01\"",
  "\"temp\":\n1",
  "\"temp\":\t1",
  "\"te\"mp\":1",
  "\"\"\":1",
  "",
};

/* Across the end of 64 bytes, and at the end of the document. */
static void knows_right_from_wrong_across_ends (void **unused) {
  (void)unused;
  for (unsigned before = 20; before < 150; before += before < 90 ? 1 : 7) {
    for (int last = 0; last < 2; last++) {
      const char *after = last ? "" : ",\"on\":true";
      for (size_t i = 0; i < sizeof right / sizeof *right; i++)
        if (!takes(right[i], before, after) && tl_json_flat_works())
          fail_msg("behind %u: %s%s", before, right[i], after);
      for (size_t i = 0; i < sizeof left / sizeof *left; i++)
        if (takes(left[i], before, after)) fail_msg("behind %u: %s%s", before, left[i], after);
    }
  }
}

static void reads_short_and_long_ones (void **unused) {
  (void)unused;
  for (unsigned n = 0; n < 300; n++) {
    tl_buf b;
    tl_buf_init(&b);
    tl_buf_str(&b, "{\"temp\":\"");
    for (unsigned i = 0; i < n; i++) tl_buf_byte(&b, 'x');
    tl_buf_str(&b, "\"}");
    bool fits = b.len >= 32 && b.len <= 256;
    assert_true(is_taken(tl_buf_bytes(&b)) == (fits && tl_json_flat_works()));
    tl_buf_fini(&b);
  }
}

static bool is_flat (const char *const *texts, size_t n) {
  tl_json_set *set = json_set_of(texts, n);
  bool flat = set->flat.is;
  tl_json_set_free(set);
  return flat;
}

static void knows_which_sets_are_flat (void **unused) {
  (void)unused;
  static const char *const nine[] = { "a", "b", "c", "d", "e", "f", "g", "h", "i" };
  static const char *const not [][2] = {
    { "a", "" },                          /* the whole document */
    { "a", "b.c" },                       /* deeper */
    { "a", "a.b" },                       /* below another one */
    { "a", "[1]" },                       /* an element */
    { "a", "a" },                         /* twice the same */
    { "a", "b[c=1].d" },                  /* a selector */
    { "temperature", "temperature_out" }, /* that begin alike */
    { "a", "[\"b\\u0000\"]" },            /* like `b` with nothing behind it */
    { "a", "[\"b\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000c\"]" },
  };
  assert_true(is_flat(nine, 8) == tl_json_flat_works());
  assert_false(is_flat(nine, 9));
  assert_false(is_flat(NULL, 0));
  for (size_t i = 0; i < sizeof not / sizeof *not ; i++) assert_false(is_flat(not [i], 2));
}

/* --- random ones --- */

static void add_value (tl_buf *b) {
  static const char *const values[] = { "0",      "-0",          "7",    "-12.5",
                                        "0.05",   "12345678901", "true", "false",
                                        "null",   "\"C\"",       "\"\"", "\"degC, of x\"",
                                        "\"a:\"", "1e5",         "[1]",  "\"\\\"\"" };
  tl_buf_str(b, values[json_pick(json_pick(8) ? 13 : 16)]);
}

static void add_document (tl_buf *b) {
  bool spaced = json_pick(3) == 0;
  tl_buf_str(b, "{");
  for (unsigned n = 1 + json_pick(12), i = 0; i < n; i++) {
    if (i > 0) tl_buf_str(b, spaced ? ", " : ",");
    if (json_pick(3))
      tl_buf_fmt(b, "\"%s\"", keys[json_pick(KEYS)]);
    else
      tl_buf_fmt(b, "\"%.*s\"", (int)json_pick(12), "temperature");
    tl_buf_str(b, spaced ? ": " : ":");
    add_value(b);
  }
  tl_buf_str(b, "}");
}

static void spoil (tl_buf *b) {
  json_spoil(b, "{}[],:\"\"\\0019.--+eEtrufalsn  \n\t/x\x01\x7f\x80\xc3");
}

static void takes_what_reading_accepts (void **unused) {
  (void)unused;
  const char *one = getenv("JSON_SEED"), *many = getenv("JSON_SEEDS");
  uint64_t from = one ? strtoull(one, NULL, 10) : 1, to = one ? from : 6000;
  if (many) to = strtoull(many, NULL, 10);
  unsigned long taken = 0;
  for (uint64_t seed = from; seed <= to; seed++) {
    json_state = seed * 0x9e3779b97f4a7c15u + 1;
    tl_buf b;
    tl_buf_init(&b);
    add_document(&b);
    if (json_pick(4)) spoil(&b);
    taken += is_taken(tl_buf_bytes(&b));
    tl_buf_fini(&b);
  }
  print_message("%lu of %lu taken\n", taken, (unsigned long)(to - from + 1));
  if (!one && tl_json_flat_works()) assert_true(taken > (to - from + 1) / 8);
}

int main (void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(knows_which_sets_are_flat),
                                      cmocka_unit_test(reads_short_and_long_ones),
                                      cmocka_unit_test(knows_right_from_wrong_across_ends),
                                      cmocka_unit_test(takes_what_reading_accepts) };
  return cmocka_run_group_tests(tests, make_sets, free_sets);
}

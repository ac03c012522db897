/* spec/payload/convert_test.c — every row of the conversion table, from JSON, from text and
** from Lua, and the way back. */
#include <float.h>
#include <math.h>

#include "payload/convert.h"
#include "support/spec.h"

#define NONE TL_REASON_NONE
#define TYPE TL_REASON_TYPE
#define TIME TL_REASON_TIME

static tl_timemask *mask, *unix_mask;
static tl_zone *plus_one;
static tl_time_rule rule, unix_rule;
static tl_buf scratch;

static int setup (void **state) {
  (void)state;
  tl_buf_init(&scratch);
  int rc = tl_timemask_new(&mask, tl_slice_str(TL_TIMEMASK_DEFAULT), NULL) |
           tl_timemask_new(&unix_mask, TL_LIT("UNIX"), NULL) | tl_zone_fixed(&plus_one, 3600);
  rule = (tl_time_rule){ mask, plus_one };
  unix_rule = (tl_time_rule){ unix_mask, NULL };
  return rc;
}

static int teardown (void **state) {
  (void)state;
  tl_buf_fini(&scratch);
  tl_timemask_free(mask);
  tl_timemask_free(unix_mask);
  tl_zone_free(plus_one);
  return 0;
}

/* A JSON text as the scanner would hand it over. */
static tl_json_value scan (const char *json) {
  tl_json_value v = { .type = TL_JSON_NUMBER, .raw = tl_slice_str(json) };
  switch (*json) {
    case 0: v.type = TL_JSON_NONE; break;
    case 'n': v.type = TL_JSON_NULL; break;
    case 't': v.type = TL_JSON_TRUE; break;
    case 'f': v.type = TL_JSON_FALSE; break;
    case '[': v.type = TL_JSON_ARRAY; break;
    case '{': v.type = TL_JSON_OBJECT; break;
    case '"':
      v.type = TL_JSON_STRING;
      v.raw = tl_slice_of(json + 1, strlen(json) - 2);
      v.escaped = memchr(v.raw.at, '\\', v.raw.len) != NULL;
      break;
    default: v.integral = strpbrk(json, ".eE") == NULL; break;
  }
  return v;
}

/* Values are put next to a pattern, so that one that is written on failure is seen. */
static tl_reason from (tl_type type, const char *json, tl_value *out) {
  tl_json_value v = scan(json);
  tl_value before;
  memset(&before, 0x5a, sizeof before);
  *out = before;
  tl_buf_clear(&scratch);
  tl_reason reason = tl_convert_json(type, &v, &rule, &scratch, out);
  if (reason != NONE) assert_memory_equal(out, &before, sizeof before);
  return reason;
}

static tl_reason from_text (tl_type type, const char *text, tl_value *out) {
  tl_value before;
  memset(&before, 0x5a, sizeof before);
  *out = before;
  size_t n = strlen(text);
  uint8_t *exact = exact_copy(text, n);
  tl_reason reason = tl_convert_text(type, tl_slice_of(exact, n), &rule, out);
  if (reason == NONE && (type == TL_TXTI || type == TL_TXTO)) {
    assert_ptr_equal(out->text.at, exact);
    out->text.at = (const uint8_t *)text;
  }
  free(exact);
  if (reason != NONE) assert_memory_equal(out, &before, sizeof before);
  return reason;
}

static void number (const char *json, double want) {
  tl_value v;
  for (tl_type type = TL_AI; type <= TL_AO; type++) {
    if (from(type, json, &v) != NONE || v.number != want || signbit(v.number) != signbit(want))
      fail_msg("%s: %.17g", json, v.number);
  }
}

static void integer (const char *json, int64_t want) {
  tl_value v;
  for (tl_type type = TL_CI; type <= TL_CO; type++)
    if (from(type, json, &v) != NONE || v.integer != want)
      fail_msg("%s: %lld", json, (long long)v.integer);
}

static void boolean (const char *json, bool want) {
  tl_value v;
  for (tl_type type = TL_DI; type <= TL_DO; type++)
    if (from(type, json, &v) != NONE || v.boolean != want) fail_msg("%s", json);
}

static void state_is (const char *json, int64_t want) {
  tl_value v;
  if (from(TL_QI, json, &v) != NONE || v.integer != want)
    fail_msg("%s: %lld", json, (long long)v.integer);
}

static void text (const char *json, const char *want) {
  tl_value v;
  for (tl_type type = TL_TXTI; type <= TL_TXTO; type++)
    if (from(type, json, &v) != NONE || v.text.len != strlen(want) ||
        memcmp(v.text.at, want, v.text.len) != 0)
      fail_msg("%s", json);
}

static void seconds (const char *json, double want) {
  tl_value v;
  for (tl_type type = TL_TIR; type <= TL_TOR; type++)
    if (from(type, json, &v) != NONE || v.number != want) fail_msg("%s: %.17g", json, v.number);
}

static void time_is (const char *json, int64_t want) {
  tl_value v;
  for (tl_type type = TL_TIA; type <= TL_TOA; type++)
    if (from(type, json, &v) != NONE || v.integer != want)
      fail_msg("%s: %lld", json, (long long)v.integer);
}

static void refuses (tl_type type, const char *json, tl_reason want) {
  tl_value v;
  tl_reason reason = from(type, json, &v);
  if (reason != want)
    fail_msg("%s from %s: '%s', not '%s'", tl_type_name(type), json, tl_reason_name(reason),
             tl_reason_name(want));
}

static const tl_type all[] = { TL_AI,   TL_AO,   TL_CI,  TL_CO,  TL_DI,  TL_DO, TL_QI,
                               TL_TXTI, TL_TXTO, TL_TIA, TL_TOA, TL_TIR, TL_TOR };

/* --- from JSON --- */

static void says_missing_where_the_address_leads_nowhere (void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(all); i++) refuses(all[i], "", TL_REASON_MISSING);
}

static void refuses_null_for_every_type (void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(all); i++) refuses(all[i], "null", TYPE);
}

static void refuses_arrays_and_objects_but_for_texts (void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(all); i++) {
    if (all[i] == TL_TXTI || all[i] == TL_TXTO) continue;
    refuses(all[i], "[1]", TYPE);
    refuses(all[i], "{\"a\":1}", TYPE);
  }
  text("[1, 2.50]", "[1, 2.50]");
  text("{\"a\": \"b\\n\"}", "{\"a\": \"b\\n\"}");
}

static void reads_numbers (void **state) {
  (void)state;
  number("0", 0);
  number("-0", -0.0);
  number("21.5", 21.5);
  number("-80.000000", -80);
  number("1e3", 1000);
  number("0.1", 0.1);
  number("123456789.123456789", 123456789.123456789);
  number("9007199254740993", 9007199254740992.0);
  number("1.7976931348623157e308", DBL_MAX);
  number("4.9e-324", 4.9406564584124654e-324);
  number("1e-999", 0);
  number("true", 1);
  number("false", 0);
  number("\"-80.000000\"", -80);
  number("\" +5 \"", 5);
  number("\"\\t1.5\\n\"", 1.5);
  number("\"868100000\"", 868100000);
  number("\"1e3\"", 1000);
  number("\".5\"", 0.5);
  refuses(TL_AI, "1e999", TYPE);
  refuses(TL_AI, "-1e999", TYPE);
  char digits[401];
  memset(digits, '9', 400);
  digits[400] = 0;
  refuses(TL_AO, digits, TYPE);
  static const char *const bad[] = { "\"\"",          "\" \"",        "\"abc\"", "\"0x10\"",
                                     "\"1,5\"",       "\"nan\"",      "\"NaN\"", "\"inf\"",
                                     "\"-Infinity\"", "\"1e999\"",    "\"1 2\"", "\"5V\"",
                                     "\"true\"",      "\"+ 5\"",      "\"--5\"", "\"1e\"",
                                     "\".\"",         "\"1\\u00002\"" };
  for (size_t i = 0; i < COUNT(bad); i++) {
    refuses(TL_AI, bad[i], TYPE);
    refuses(TL_CI, bad[i], strcmp(bad[i], "\"1e999\"") == 0 ? NONE : TYPE);
  }
}

static void keeps_every_bit_of_integers_and_rounds_the_rest (void **state) {
  (void)state;
  integer("9007199254740993", INT64_C(9007199254740993));
  integer("9223372036854775807", INT64_MAX);
  integer("-9223372036854775808", INT64_MIN);
  integer("9223372036854775808", INT64_MAX);
  integer("-9223372036854775809", INT64_MIN);
  integer("1e999", INT64_MAX);
  integer("-1e999", INT64_MIN);
  integer("1e-999", 0);
  integer("2.5", 3);
  integer("-2.5", -3);
  integer("2.4999999999999999999999", 2);
  integer("0.5", 1);
  integer("-0.49", 0);
  integer("9007199254740993.5", INT64_C(9007199254740994));
  integer("1.5e1", 15);
  integer("true", 1);
  integer("false", 0);
  integer("\"77\"", 77);
  integer("\" +9223372036854775807\\r\\n\"", INT64_MAX);
  integer("\"-80.500000\"", -81);
  char digits[401];
  memset(digits, '9', 400);
  digits[400] = 0;
  integer(digits, INT64_MAX);
}

static void reads_booleans (void **state) {
  (void)state;
  boolean("true", true);
  boolean("false", false);
  boolean("0", false);
  boolean("-0", false);
  boolean("0.000e5", false);
  boolean("1", true);
  boolean("-7", true);
  boolean("9", true);
  boolean("0.001", true);
  boolean("1e-999", true);
  static const char *const words[][2] = {
    { "\"true\"", "\"false\"" },  { "\"on\"", "\"off\"" },
    { "\"yes\"", "\"no\"" },      { "\"1\"", "\"0\"" },
    { "\"TRUE\"", "\"FALSE\"" },  { "\"On\"", "\"oFF\"" },
    { "\" Yes \"", "\"NO\\n\"" }, { "\"\\u006fn\"", "\"\\u006ff\\u0066\"" }
  };
  for (size_t i = 0; i < COUNT(words); i++) {
    boolean(words[i][0], true);
    boolean(words[i][1], false);
  }
  static const char *const bad[] = { "\"\"",      "\"2\"",       "\"1.0\"",     "\"00\"",
                                     "\"-1\"",    "\"y\"",       "\"onn\"",     "\"tru\"",
                                     "\"truee\"", "\"enabled\"", "\"\\u0011\"", "\"\\u0010\"" };
  for (size_t i = 0; i < COUNT(bad); i++) refuses(TL_DI, bad[i], TYPE);
}

static void reads_quaternary_states (void **state) {
  (void)state;
  static const char *const states[] = { "Off", "On", "Trans", "Err", "Oscillate" };
  for (int i = 0; i < 5; i++) {
    char json[32];
    snprintf(json, sizeof json, "%d", i);
    state_is(json, i);
    snprintf(json, sizeof json, "\"%d\"", i);
    state_is(json, i);
    snprintf(json, sizeof json, "%d.0", i);
    state_is(json, i);
    snprintf(json, sizeof json, "\" %s\\t\"", states[i]);
    state_is(json, i);
    for (char *p = json; *p != 0; p++)
      if (*p >= 'a' && *p <= 'z' && p[-1] != '\\') *p = (char)(*p - 32);
    state_is(json, i);
  }
  static const char *const bad[] = { "5",        "-1",        "2.5",    "1e999", "1e-9",
                                     "true",     "false",     "\"5\"",  "\"\"",  "\"Of\"",
                                     "\"Offf\"", "\"Q_Off\"", "\"nan\"" };
  for (size_t i = 0; i < COUNT(bad); i++) refuses(TL_QI, bad[i], TYPE);
}

static void keeps_texts_as_they_are_and_the_rest_as_written (void **state) {
  (void)state;
  text("\"\"", "");
  text("\" +5 \"", " +5 ");
  text("\"caf\xc3\xa9\"", "caf\xc3\xa9");
  text("\"a\\\"b\\u00e9\\n\"", "a\"b\xc3\xa9\n");
  text("1.50", "1.50");
  text("-0", "-0");
  text("1E+2", "1E+2");
  text("true", "true");
  text("false", "false");
}

static void borrows_text_from_the_document_where_it_can (void **state) {
  (void)state;
  const char *json = "\"abc\"";
  tl_value v;
  assert_int_equal(from(TL_TXTI, json, &v), NONE);
  assert_ptr_equal(v.text.at, json + 1);
  assert_int_equal(scratch.len, 0);
  tl_json_value escaped = scan("\"b\\u0063\"");
  tl_buf_str(&scratch, "before ");
  assert_int_equal(tl_convert_json(TL_TXTI, &escaped, &rule, &scratch, &v), NONE);
  assert_int_equal(v.text.len, 2);
  assert_memory_equal(v.text.at, "bc", 2);
  assert_memory_equal(scratch.at, "before bc", 9);
}

static void gives_no_text_without_memory (void **state) {
  (void)state;
  tl_buf none;
  tl_buf_init(&none);
  none.failed = true;
  tl_json_value escaped = scan("\"b\\u0063\"");
  tl_value v = { .integer = 5 };
  assert_int_equal(tl_convert_json(TL_TXTI, &escaped, &rule, &none, &v), TYPE);
  assert_int_equal(tl_convert_number(TL_TXTI, 1, &none, &v), TYPE);
  assert_int_equal(tl_convert_integer(TL_TXTI, 1, &none, &v), TYPE);
  assert_int_equal(tl_convert_number(TL_TXTI, 1, NULL, &v), TYPE);
  assert_int_equal(tl_convert_integer(TL_TXTI, 1, NULL, &v), TYPE);
  assert_int_equal(v.integer, 5);
  tl_buf_fini(&none);
}

static void reads_times_by_the_mask (void **state) {
  (void)state;
  time_is("\"2019-10-23 13:32:44.546\"", INT64_C(1571833964546));
  time_is("\"2019-10-23T12:32:44.546Z\"", INT64_C(1571833964546));
  time_is("\"2019\\/10\\/23 13:32:44.546\"", INT64_C(1571833964546));
  static const char *const unreadable[] = { "\"\"", "\"yesterday\"", "\"2019-10-23\"",
                                            "\"2019-02-30 00:00:00\"", "1571833964" };
  for (size_t i = 0; i < COUNT(unreadable); i++) {
    refuses(TL_TIA, unreadable[i], TIME);
    refuses(TL_TOA, unreadable[i], TIME);
  }
  refuses(TL_TIA, "true", TYPE);
  refuses(TL_TOA, "false", TYPE);
  tl_json_value v = scan("1571833964.546");
  tl_value out = { .integer = 0 };
  assert_int_equal(tl_convert_json(TL_TIA, &v, &unix_rule, &scratch, &out), NONE);
  assert_int_equal(out.integer, INT64_C(1571833964546));
  tl_time_rule no_mask = { NULL, NULL };
  assert_int_equal(tl_convert_json(TL_TIA, &v, NULL, &scratch, &out), TIME);
  assert_int_equal(tl_convert_json(TL_TIA, &v, &no_mask, &scratch, &out), TIME);
}

static void reads_durations_as_seconds_or_hours_minutes_seconds (void **state) {
  (void)state;
  seconds("3600", 3600);
  seconds("-1.5", -1.5);
  seconds("\"0.0513\"", 0.0513);
  seconds("\" 3600 \"", 3600);
  seconds("\"1:00:00\"", 3600);
  seconds("\"01:02:03.5\"", 3723.5);
  seconds("\"-0:00:01.25\"", -1.25);
  refuses(TL_TIR, "true", TYPE);
  refuses(TL_TIR, "1e999", TYPE);
  refuses(TL_TOR, "\"soon\"", TYPE);
  refuses(TL_TOR, "\"1:60:00\"", TYPE);
}

/* --- from text --- */

static void converts_plain_text_like_a_json_string (void **state) {
  (void)state;
  tl_value v;
  assert_int_equal(from_text(TL_AI, "\r\n -80.000000\t", &v), NONE);
  assert_true(v.number == -80);
  assert_int_equal(from_text(TL_CO, " 9007199254740993 ", &v), NONE);
  assert_int_equal(v.integer, INT64_C(9007199254740993));
  assert_int_equal(from_text(TL_CI, "-2.5", &v), NONE);
  assert_int_equal(v.integer, -3);
  assert_int_equal(from_text(TL_CI, "1e400", &v), NONE);
  assert_int_equal(v.integer, INT64_MAX);
  assert_int_equal(from_text(TL_DI, " ON\n", &v), NONE);
  assert_true(v.boolean);
  assert_int_equal(from_text(TL_DO, "0", &v), NONE);
  assert_false(v.boolean);
  assert_int_equal(from_text(TL_QI, " err ", &v), NONE);
  assert_int_equal(v.integer, 3);
  assert_int_equal(from_text(TL_TIA, " 2019-10-23 13:32:44.546 ", &v), NONE);
  assert_int_equal(v.integer, INT64_C(1571833964546));
  assert_int_equal(from_text(TL_TOR, " 0:01:00 ", &v), NONE);
  assert_true(v.number == 60);
  assert_int_equal(from_text(TL_TXTO, " a\tb ", &v), NONE);
  assert_int_equal(v.text.len, 5);
  assert_int_equal(from_text(TL_TXTI, "", &v), NONE);
  assert_int_equal(v.text.len, 0);
}

static void refuses_plain_text_that_does_not_fit (void **state) {
  (void)state;
  static const struct {
    tl_type type;
    const char *text;
    tl_reason reason;
  } bad[] = { { TL_AI, "", TYPE },      { TL_AI, "warm", TYPE },     { TL_AO, "true", TYPE },
              { TL_AI, "1e999", TYPE }, { TL_AI, "NaN", TYPE },      { TL_CI, "", TYPE },
              { TL_CO, "12a", TYPE },   { TL_CI, "infinity", TYPE }, { TL_DI, "", TYPE },
              { TL_DO, "5", TYPE },     { TL_QI, "", TYPE },         { TL_QI, "5", TYPE },
              { TL_TIA, "", TIME },     { TL_TOA, "now", TIME },     { TL_TIR, "", TYPE },
              { TL_TOR, "1:1", TYPE },  { TL_TYPE_COUNT, "1", TYPE } };
  for (size_t i = 0; i < COUNT(bad); i++) {
    tl_value v;
    if (from_text(bad[i].type, bad[i].text, &v) != bad[i].reason)
      fail_msg("%zu: '%s'", i, bad[i].text);
  }
}

/* --- from Lua --- */

static tl_reason lua_number (tl_type type, double n, tl_value *out) {
  tl_buf_clear(&scratch);
  return tl_convert_number(type, n, &scratch, out);
}

static void converts_numbers_of_lua (void **state) {
  (void)state;
  tl_value v;
  assert_int_equal(lua_number(TL_AI, 21.5, &v), NONE);
  assert_true(v.number == 21.5);
  assert_int_equal(lua_number(TL_CI, -2.5, &v), NONE);
  assert_int_equal(v.integer, -3);
  assert_int_equal(lua_number(TL_CO, 1e300, &v), NONE);
  assert_int_equal(v.integer, INT64_MAX);
  assert_int_equal(lua_number(TL_DI, 0.5, &v), NONE);
  assert_true(v.boolean);
  assert_int_equal(lua_number(TL_DO, -0.0, &v), NONE);
  assert_false(v.boolean);
  assert_int_equal(lua_number(TL_QI, 4.0, &v), NONE);
  assert_int_equal(v.integer, 4);
  assert_int_equal(lua_number(TL_TIA, 1571833964.546, &v), NONE);
  assert_int_equal(v.integer, INT64_C(1571833964546));
  /* times 1000 it is a little less than 1001 */
  assert_int_equal(lua_number(TL_TIA, 1.001, &v), NONE);
  assert_int_equal(v.integer, 1001);
  assert_int_equal(lua_number(TL_TOR, -1.5, &v), NONE);
  assert_true(v.number == -1.5);
  assert_int_equal(lua_number(TL_TXTI, 21.5, &v), NONE);
  assert_memory_equal(v.text.at, "21.5", v.text.len);
  assert_int_equal(v.text.len, 4);
  v.integer = 5;
  assert_int_equal(lua_number(TL_QI, 5, &v), TYPE);
  assert_int_equal(lua_number(TL_QI, 0.5, &v), TYPE);
  assert_int_equal(lua_number(TL_QI, -1, &v), TYPE);
  assert_int_equal(lua_number(TL_TIA, 1e12, &v), TIME);
  assert_int_equal(lua_number(TL_TOA, -1e12, &v), TIME);
  for (size_t i = 0; i < COUNT(all); i++) {
    assert_int_equal(lua_number(all[i], (double)NAN, &v), TYPE);
    assert_int_equal(lua_number(all[i], (double)INFINITY, &v), TYPE);
    assert_int_equal(lua_number(all[i], -(double)INFINITY, &v), TYPE);
  }
  assert_int_equal(v.integer, 5);
}

static void converts_integers_of_lua (void **state) {
  (void)state;
  tl_value v;
  tl_buf_clear(&scratch);
  assert_int_equal(tl_convert_integer(TL_CI, INT64_MIN, &scratch, &v), NONE);
  assert_int_equal(v.integer, INT64_MIN);
  assert_int_equal(tl_convert_integer(TL_AO, 3, &scratch, &v), NONE);
  assert_true(v.number == 3);
  assert_int_equal(tl_convert_integer(TL_DI, 2, &scratch, &v), NONE);
  assert_true(v.boolean);
  assert_int_equal(tl_convert_integer(TL_QI, 3, &scratch, &v), NONE);
  assert_int_equal(v.integer, 3);
  assert_int_equal(tl_convert_integer(TL_TIA, 1571833964, &scratch, &v), NONE);
  assert_int_equal(v.integer, INT64_C(1571833964000));
  assert_int_equal(tl_convert_integer(TL_TIR, 60, &scratch, &v), NONE);
  assert_true(v.number == 60);
  assert_int_equal(tl_convert_integer(TL_TXTO, INT64_C(9007199254740993), &scratch, &v), NONE);
  assert_int_equal(v.text.len, 16);
  assert_memory_equal(v.text.at, "9007199254740993", 16);
  v.integer = 5;
  assert_int_equal(tl_convert_integer(TL_QI, 5, &scratch, &v), TYPE);
  assert_int_equal(tl_convert_integer(TL_TIA, INT64_MAX, &scratch, &v), TIME);
  assert_int_equal(v.integer, 5);
}

static void converts_booleans_of_lua (void **state) {
  (void)state;
  tl_value v;
  for (int b = 0; b < 2; b++) {
    assert_int_equal(tl_convert_boolean(TL_DI, b, &v), NONE);
    assert_int_equal(v.boolean, b);
    assert_int_equal(tl_convert_boolean(TL_AI, b, &v), NONE);
    assert_true(v.number == b);
    assert_int_equal(tl_convert_boolean(TL_CO, b, &v), NONE);
    assert_int_equal(v.integer, b);
    assert_int_equal(tl_convert_boolean(TL_TXTI, b, &v), NONE);
    assert_true(tl_slice_eq(v.text, b ? TL_LIT("true") : TL_LIT("false")));
    static const tl_type no[] = { TL_QI, TL_TIA, TL_TOA, TL_TIR, TL_TOR };
    for (size_t i = 0; i < COUNT(no); i++) assert_int_equal(tl_convert_boolean(no[i], b, &v), TYPE);
  }
}

/* --- and back --- */

static void publishes (tl_type type, tl_value v, const tl_time_rule *by, const char *want,
                       const char *json) {
  tl_buf_clear(&scratch);
  tl_convert_publish(type, &v, by, &scratch);
  if (scratch.len != strlen(want) || memcmp(scratch.at, want, scratch.len) != 0)
    fail_msg("published '%.*s', not '%s'", (int)scratch.len, (char *)scratch.at, want);
  tl_buf_clear(&scratch);
  tl_convert_to_json(type, &v, &scratch);
  if (scratch.len != strlen(json) || memcmp(scratch.at, json, scratch.len) != 0)
    fail_msg("JSON '%.*s', not '%s'", (int)scratch.len, (char *)scratch.at, json);
}

static void writes_values_as_text_and_as_json (void **state) {
  (void)state;
  publishes(TL_AI, (tl_value){ .number = 21.5 }, NULL, "21.5", "21.5");
  publishes(TL_AO, (tl_value){ .number = 0.1 }, NULL, "0.1", "0.1");
  publishes(TL_AO, (tl_value){ .number = 100 }, NULL, "100", "100");
  publishes(TL_CO, (tl_value){ .integer = INT64_MIN }, NULL, "-9223372036854775808",
            "-9223372036854775808");
  publishes(TL_DO, (tl_value){ .boolean = true }, NULL, "true", "true");
  publishes(TL_DI, (tl_value){ .boolean = false }, NULL, "false", "false");
  publishes(TL_QI, (tl_value){ .integer = 4 }, NULL, "Oscillate", "4");
  publishes(TL_TXTO, (tl_value){ .text = TL_LIT("a\"\n\xff") }, NULL, "a\"\n\xff",
            "\"a\\\"\\n\xff\"");
  publishes(TL_TOR, (tl_value){ .number = 1.5 }, NULL, "1.5", "1.5");
  tl_value at = { .integer = INT64_C(1571833964546) };
  publishes(TL_TOA, at, NULL, "2019-10-23T12:32:44.546Z", "\"2019-10-23T12:32:44.546Z\"");
  publishes(TL_TOA, at, &rule, "2019-10-23 13:32:44.546", "\"2019-10-23T12:32:44.546Z\"");
  publishes(TL_TIA, at, &unix_rule, "1571833964.546", "\"2019-10-23T12:32:44.546Z\"");
}

static void reads_back_what_it_publishes (void **state) {
  (void)state;
  uint64_t seed = 99;
  for (int n = 0; n < 50000; n++) {
    uint64_t bits = random_next(&seed);
    tl_value v, again;
    memcpy(&v.number, &bits, sizeof bits);
    if (!isfinite(v.number)) continue;
    tl_buf_clear(&scratch);
    tl_convert_publish(TL_AO, &v, NULL, &scratch);
    assert_int_equal(tl_convert_text(TL_AI, tl_buf_bytes(&scratch), NULL, &again), NONE);
    assert_memory_equal(&again.number, &v.number, sizeof v.number);
    memcpy(&v.integer, &bits, sizeof bits);
    tl_buf_clear(&scratch);
    tl_convert_publish(TL_CO, &v, NULL, &scratch);
    assert_int_equal(tl_convert_text(TL_CI, tl_buf_bytes(&scratch), NULL, &again), NONE);
    assert_int_equal(again.integer, v.integer);
  }
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(says_missing_where_the_address_leads_nowhere),
    cmocka_unit_test(refuses_null_for_every_type),
    cmocka_unit_test(refuses_arrays_and_objects_but_for_texts),
    cmocka_unit_test(reads_numbers),
    cmocka_unit_test(keeps_every_bit_of_integers_and_rounds_the_rest),
    cmocka_unit_test(reads_booleans),
    cmocka_unit_test(reads_quaternary_states),
    cmocka_unit_test(keeps_texts_as_they_are_and_the_rest_as_written),
    cmocka_unit_test(borrows_text_from_the_document_where_it_can),
    cmocka_unit_test(gives_no_text_without_memory),
    cmocka_unit_test(reads_times_by_the_mask),
    cmocka_unit_test(reads_durations_as_seconds_or_hours_minutes_seconds),
    cmocka_unit_test(converts_plain_text_like_a_json_string),
    cmocka_unit_test(refuses_plain_text_that_does_not_fit),
    cmocka_unit_test(converts_numbers_of_lua),
    cmocka_unit_test(converts_integers_of_lua),
    cmocka_unit_test(converts_booleans_of_lua),
    cmocka_unit_test(writes_values_as_text_and_as_json),
    cmocka_unit_test(reads_back_what_it_publishes),
  };
  return cmocka_run_group_tests_name("payload.convert", tests, setup, teardown);
}

/* spec/base/number_test.c — decimal text to numbers, against the C library in its own locale. */
#include "base_support.h"

#include <locale.h>
#include <math.h>

#include "base/number.h"

static uint64_t bits_of (double d) {
  uint64_t bits;
  memcpy(&bits, &d, sizeof bits);
  return bits;
}

static void check_text (const char *text, size_t len) {
  uint8_t *copy = exact_copy(text, len);
  double got = NAN, expected = strtod(text, NULL);
  assert_int_equal(tl_number_parse(tl_slice_of(copy, len), &got), TL_OK);
  if (bits_of(got) != bits_of(expected))
    fail_msg("%.*s: expected %a, got %a", (int)len, text, expected, got);
  free(copy);
}

static void check (const char *text) { check_text(text, strlen(text)); }

static void reads_what_the_library_reads (void **unused) {
  (void)unused;
  static const char *const texts[] = {
    "0",
    "-0",
    "+0",
    "0.0",
    "-0.0e5",
    "0e999999999999999999999999",
    "1",
    "-1",
    "+5",
    "21.5",
    "-80.000000",
    ".5",
    "5.",
    "-.5e1",
    "00012.50",
    "1e22",
    "1e23",
    "1e-22",
    "1e-23",
    "9007199254740992",
    "9007199254740993",
    "9007199254740993.0000000000000000000001",
    "9007199254740992.9999999999999999999999",
    "18446744073709551615",
    "9999999999999999999",
    "99999999999999999999",
    "1.7976931348623157e308",
    "1.7976931348623158e308",
    "1.7976931348623159e308",
    "1e308",
    "1e309",
    "-1e309",
    "1e400",
    "-1e99999999999999",
    "4.9e-324",
    "2.4703282292062327e-324",
    "2.4703282292062328e-324",
    "2.2250738585072011e-308",
    "2.2250738585072014e-308",
    "2.2250738585072012e-308",
    "1e-400",
    "-1e-400",
    "1e-99999999999999999999",
    "0.1",
    "0.2",
    "0.3",
    "123456789012345678901234567890",
    "1732284196.123",
    "1E5",
    "1e+5",
    "1e-05",
    "21.499999999999996",
    "3.141592653589793238462643383279502884197169399375105820974944592307816",
    "6.0221407600000000000000000000000000000000001e23",
    "8.533e+68",
    "4.1006e-184",
    "9.998e+307",
    "9.9538452227e-280",
    "6.47660115e-260",
    "7.4e+47",
    "5.92e+48",
    "7.35e+66",
    "8.32116e+55",
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) check(texts[i]);
}

static void refuses_what_is_no_decimal_number (void **unused) {
  (void)unused;
  static const char *const texts[] = {
    "",     "+",     "-",    ".",     "-.",   "e5",       ".e5", "1e",    "1e+",   "1e-",
    "1e5.", "1e5e5", "1..2", "1.2.3", "--1",  "+-1",      " 1",  "1 ",    "1\n",   "0x10",
    "1f",   "nan",   "NaN",  "inf",   "-inf", "Infinity", "1,5", "1_000", "1'000", "\xC2\xBD",
    "1e 5", "1 000", "/",    ":",     "1:",   "1/",       "1e:", "1e/",
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    uint8_t *copy = exact_copy(texts[i], strlen(texts[i]));
    tl_slice s = tl_slice_of(copy, strlen(texts[i]));
    double number = 7;
    int64_t integer = 7;
    bool exact = true;
    if (tl_number_parse(s, &number) != TL_ESYNTAX || number != 7)
      fail_msg("as a number: \"%s\"", texts[i]);
    if (tl_integer_parse(s, &integer, &exact) != TL_ESYNTAX || integer != 7 || !exact)
      fail_msg("as an integer: \"%s\"", texts[i]);
    free(copy);
  }
  double number = 7;
  assert_int_equal(tl_number_parse(tl_slice_of("1\0", 2), &number), TL_ESYNTAX);
}

static void agrees_with_the_library_on_random_doubles (void **unused) {
  (void)unused;
  uint64_t seed = 42;
  char text[512];
  for (int i = 0; i < 60000; i++) {
    double d;
    uint64_t bits = random_next(&seed);
    memcpy(&d, &bits, sizeof d);
    if (!isfinite(d)) continue;
    snprintf(text, sizeof text, "%.*g", (int)(random_next(&seed) % 25) + 1, d);
    check(text);
  }
}

static void agrees_with_the_library_on_random_decimals (void **unused) {
  (void)unused;
  uint64_t seed = 43;
  for (int i = 0; i < 100000; i++) {
    char text[64];
    int n = 0, digits = (int)(random_next(&seed) % 22) + 1, point = (int)(random_next(&seed) % 24);
    for (int k = 0; k < digits; k++) {
      if (k == point) text[n++] = '.';
      text[n++] = (char)('0' + random_next(&seed) % 10);
    }
    text[n] = '\0';
    if (random_next(&seed) % 2 == 0)
      snprintf(text + n, sizeof text - (size_t)n, "e%d", (int)(random_next(&seed) % 80) - 40);
    check(text);
  }
}

/* The text of a point exactly between two doubles, the digit after it changed: the hardest
** inputs there are. */
/* Up to 8 bytes are read in one piece, more of them one by one: with zeros in front both must be
** the same, also for what is no number. Each text ends where its memory does. */
static void short_texts_are_what_they_are_with_zeros_in_front (void **unused) {
  static const char some[] = "01234567890123456789.-+e \xff/:";
  unsigned seed = 1;
  (void)unused;
  for (int i = 0; i < 60000; i++) {
    char text[16], longer[32] = "0000000000";
    size_t len = 1 + (seed = seed * 1664525u + 1013904223u, seed >> 24) % 9;
    for (size_t k = 0; k < len; k++) {
      seed = seed * 1664525u + 1013904223u;
      text[k] = some[(seed >> 16) % (seed % 3 ? 21 : sizeof some - 1)];
    }
    if (text[0] < '0' || text[0] > '9') continue; /* a sign, or no digit at all */
    memcpy(longer + 10, text, len);
    char *exact = malloc(len); /* a byte too far is found */
    assert_non_null(exact);
    memcpy(exact, text, len);
    double a = -1, b = -1;
    int64_t m = -1, n = -1;
    bool exact_m = false, exact_n = false;
    assert_int_equal(tl_number_parse(tl_slice_of(longer, len + 10), &a),
                     tl_number_parse(tl_slice_of(exact, len), &b));
    assert_int_equal(tl_integer_parse(tl_slice_of(longer, len + 10), &m, &exact_m),
                     tl_integer_parse(tl_slice_of(exact, len), &n, &exact_n));
    assert_true(a == b && m == n && exact_m == exact_n);
    free(exact);
  }
}

static void rounds_ties_to_even_and_their_neighbours_away (void **unused) {
  (void)unused;
  uint64_t seed = 44;
  char text[2048];
  for (int i = 0; i < 3000; i++) {
    uint64_t mantissa = random_next(&seed) >> 11 | (uint64_t)1 << 52;
    int exponent = (int)(random_next(&seed) % 120) - 80;
    /* 54 bits: exact where a long double has 64 */
    long double half_way = ldexpl((long double)(mantissa * 2 + 1), exponent);
    int n = snprintf(text, sizeof text, "%.90Lf", half_way);
    check(text);
    text[n] = '1'; /* just above */
    text[n + 1] = '\0';
    check(text);
  }
}

static void reads_numbers_of_many_digits (void **unused) {
  (void)unused;
  char *text = malloc(3000001);
  assert_non_null(text);
  for (size_t n = 18; n <= 2000; n += 7) {
    memset(text, '7', n);
    text[n] = '\0';
    check(text);
    text[n / 2] = '.';
    check(text);
    memset(text, '0', n / 2);
    check(text);
  }
  memset(text, '0', 3000000); /* one digit at the far end of zeros, brought back by the exponent */
  text[1] = '.';
  memcpy(text + 2999990, "5e2999989", 10);
  check("5");
  double got;
  assert_int_equal(tl_number_parse(tl_slice_str(text), &got), TL_OK);
  assert_true(got == 5);
  memset(text, '9', 3000000);
  text[3000000] = '\0';
  assert_int_equal(tl_number_parse(tl_slice_of(text, 3000000), &got), TL_OK);
  assert_true(isinf(got));
  memcpy(text + 2999990, "e-2999990", 10);
  assert_int_equal(tl_number_parse(tl_slice_str(text), &got), TL_OK);
  assert_true(got == 1);
  free(text);
}

static void a_digit_beyond_all_that_matter_still_breaks_a_tie (void **unused) {
  (void)unused;
  char text[1200];
  int n = snprintf(text, sizeof text, "9007199254740993."); /* half way; even is below */
  memset(text + n, '0', 1000);
  text[n + 1000] = '\0';
  double got;
  assert_int_equal(tl_number_parse(tl_slice_str(text), &got), TL_OK);
  assert_true(got == 9007199254740992.0);
  text[n + 999] = '1';
  assert_int_equal(tl_number_parse(tl_slice_str(text), &got), TL_OK);
  assert_true(got == 9007199254740994.0);
}

static void rounds_scanned_digits_the_same_way (void **unused) {
  (void)unused;
  uint64_t seed = 45;
  for (int i = 0; i < 50000; i++) {
    uint64_t digits = random_next(&seed) % 10000000000000000000u >> random_next(&seed) % 64;
    int exp10 = (int)(random_next(&seed) % 90) - 45;
    char text[64];
    snprintf(text, sizeof text, "%llue%d", (unsigned long long)digits, exp10);
    double expected = strtod(text, NULL);
    if (tl_number_of_digits(digits, exp10) != expected ||
        tl_number_round(digits, exp10) != expected)
      fail_msg("%s", text);
  }
  assert_true(tl_number_round(0, 400) == 0);
  assert_true(isinf(tl_number_round(1, 4000000000000)));
  assert_true(tl_number_round(1, -4000000000000) == 0);
}

/* A locale with a decimal comma, made in a folder of our own. */
static bool use_decimal_comma (void) {
  char folder[] = "/tmp/tagline-locale-XXXXXX", command[256];
  if (mkdtemp(folder) == NULL) return false;
  snprintf(command, sizeof command, "localedef -i de_DE -f UTF-8 %s/de_DE.UTF-8 >/dev/null 2>&1",
           folder);
  bool made = system(command) == 0 && setenv("LOCPATH", folder, 1) == 0 &&
              setlocale(LC_ALL, "de_DE.UTF-8") != NULL;
  unsetenv("LOCPATH");
  snprintf(command, sizeof command, "rm -r %s", folder);
  return system(command) == 0 && made;
}

static void does_not_care_for_a_locale_with_a_decimal_comma (void **unused) {
  (void)unused;
  if (!use_decimal_comma()) skip();
  char library[16];
  snprintf(library, sizeof library, "%.1f", 21.5);
  assert_string_equal(library, "21,5"); /* the locale is there and speaks */
  double d;
  static const struct {
    const char *text;
    double number;
  } cases[] = {
    { "21.5", 21.5 },
    { "1.7976931348623157e308", 1.7976931348623157e308 },
    { "0.1234567890123456789012345", 0.1234567890123456789012345 },
  };
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(tl_number_parse(tl_slice_str(cases[i].text), &d), TL_OK);
    assert_true(d == cases[i].number);
  }
  assert_int_equal(tl_number_parse(TL_LIT("21,5"), &d), TL_ESYNTAX);
  tl_buf b;
  tl_buf_init(&b);
  tl_number_format(&b, 0.1 + 0.2);
  tl_buf_byte(&b, ' ');
  tl_number_format(&b, -21.5);
  assert_bytes(tl_buf_bytes(&b), "0.30000000000000004 -21.5");
  tl_buf_fini(&b);
  setlocale(LC_ALL, "C");
}

static void check_integer (const char *text, int64_t expected, bool expected_exact) {
  uint8_t *copy = exact_copy(text, strlen(text));
  int64_t got = 0;
  bool exact = !expected_exact;
  assert_int_equal(tl_integer_parse(tl_slice_of(copy, strlen(text)), &got, &exact), TL_OK);
  if (got != expected || exact != expected_exact)
    fail_msg("%s: expected %lld %d, got %lld %d", text, (long long)expected, expected_exact,
             (long long)got, exact);
  assert_int_equal(tl_integer_parse(tl_slice_of(copy, strlen(text)), &got, NULL), TL_OK);
  free(copy);
}

static void integers_keep_all_64_bits (void **unused) {
  (void)unused;
  check_integer("9223372036854775807", INT64_MAX, true);
  check_integer("-9223372036854775808", INT64_MIN, true);
  check_integer("-9223372036854775807", -INT64_MAX, true);
  check_integer("9223372036854775806.0", INT64_MAX - 1, true);
  check_integer("922337203685477580.7e1", INT64_MAX, true);
  check_integer("92233720368547758070e-1", INT64_MAX, true);
  check_integer("9223372036854775808", INT64_MAX, false);
  check_integer("-9223372036854775809", INT64_MIN, false);
  check_integer("9999999999999999999", INT64_MAX, false);
  check_integer("18446744073709551616", INT64_MAX, false);
  check_integer("-1e30", INT64_MIN, false);
  check_integer("1e99999999999999999999", INT64_MAX, false);
  check_integer("0000000000000000000000000000000000001234", 1234, true);
  check_integer("9223372036854775807.4", INT64_MAX, false);
  check_integer("9223372036854775807.5", INT64_MAX, false);
  check_integer("-9223372036854775808.4", INT64_MIN, false);
}

static void integers_round_half_away_from_zero (void **unused) {
  (void)unused;
  check_integer("0", 0, true);
  check_integer("-0", 0, true);
  check_integer("0.0", 0, true);
  check_integer("0e99", 0, true);
  check_integer("1.5e3", 1500, true);
  check_integer("2.5", 3, false);
  check_integer("-2.5", -3, false);
  check_integer("2.4999999999999999999999999", 2, false);
  check_integer("0.5", 1, false);
  check_integer("-0.5", -1, false);
  check_integer("0.49999999999999999999", 0, false);
  check_integer("0.05", 0, false);
  check_integer("5e-1", 1, false);
  check_integer("5e-2", 0, false);
  check_integer("9e-99999999999999", 0, false);
  check_integer("1500e-2", 15, true);
  check_integer("1550e-2", 16, false);
  check_integer("1.0000000000000000000000000000001", 1, false);
  check_integer("+7", 7, true);
  check_integer("12345678901234567.5", 12345678901234568, false);
}

static void doubles_become_integers_by_rounding_and_saturation (void **unused) {
  (void)unused;
  static const struct {
    double from;
    int64_t to;
  } cases[] = {
    { 0, 0 },
    { -0.0, 0 },
    { 0.5, 1 },
    { -0.5, -1 },
    { 0.49999999999999994, 0 },
    { 2.5, 3 },
    { -2.5, -3 },
    { 1e300, INT64_MAX },
    { -1e300, INT64_MIN },
    { 0x1p63, INT64_MAX },
    { -0x1p63, INT64_MIN },
    { 0x1.fffffffffffffp62, 9223372036854774784 },
    { INFINITY, INT64_MAX },
    { -INFINITY, INT64_MIN },
    { 4503599627370497.5, 4503599627370498 },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int64_t got = 99;
    assert_int_equal(tl_integer_from(cases[i].from, &got), TL_OK);
    if (got != cases[i].to) fail_msg("%a: got %lld", cases[i].from, (long long)got);
  }
  int64_t got = 99;
  assert_int_equal(tl_integer_from(NAN, &got), TL_ETYPE);
  assert_int_equal(got, 99);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(reads_what_the_library_reads),
    cmocka_unit_test(refuses_what_is_no_decimal_number),
    cmocka_unit_test(agrees_with_the_library_on_random_doubles),
    cmocka_unit_test(agrees_with_the_library_on_random_decimals),
    cmocka_unit_test(short_texts_are_what_they_are_with_zeros_in_front),
    cmocka_unit_test(rounds_ties_to_even_and_their_neighbours_away),
    cmocka_unit_test(reads_numbers_of_many_digits),
    cmocka_unit_test(a_digit_beyond_all_that_matter_still_breaks_a_tie),
    cmocka_unit_test(rounds_scanned_digits_the_same_way),
    cmocka_unit_test(does_not_care_for_a_locale_with_a_decimal_comma),
    cmocka_unit_test(integers_keep_all_64_bits),
    cmocka_unit_test(integers_round_half_away_from_zero),
    cmocka_unit_test(doubles_become_integers_by_rounding_and_saturation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

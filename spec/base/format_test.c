/* spec/base/format_test.c — numbers, times, JSON strings and base64 as text. */
#include "base_support.h"

#include <float.h>
#include <math.h>
#include <time.h>

#include "base/base64.h"
#include "base/format.h"
#include "base/number.h"

static tl_buf out;

static int begin (void **unused) {
  (void)unused;
  tl_buf_init(&out);
  return 0;
}

static int end (void **unused) {
  (void)unused;
  tl_buf_fini(&out);
  return 0;
}

static const char *formatted (double number) {
  tl_buf_clear(&out);
  tl_number_format(&out, number);
  tl_buf_byte(&out, '\0');
  return (const char *)out.at;
}

static void writes_numbers_the_way_people_do (void **unused) {
  (void)unused;
  static const struct {
    double number;
    const char *text;
  } cases[] = {
    { 0, "0" },
    { -0.0, "-0" },
    { 1, "1" },
    { -1, "-1" },
    { 21.5, "21.5" },
    { -80.125, "-80.125" },
    { 0.1, "0.1" },
    { 0.1 + 0.2, "0.30000000000000004" },
    { 100, "100" },
    { 1e15, "1000000000000000" },
    { 9007199254740991.0, "9007199254740991" },
    { 9007199254740992.0, "9007199254740992" },
    { 1e16, "10000000000000000" },
    { 1e17, "1e+17" },
    { 1e300, "1e+300" },
    { 1.5e300, "1.5e+300" },
    { 0.001, "0.001" },
    { 0.00001, "0.00001" },
    { 0.000001, "1e-6" },
    { 1.25e-7, "1.25e-7" },
    { 5e-324, "5e-324" },
    { 1e-323, "1e-323" },
    { DBL_MIN, "2.2250738585072014e-308" },
    { DBL_MAX, "1.7976931348623157e+308" },
    { 1e23, "1e+23" },
    { 9.5367431640625e-07, "9.5367431640625e-7" },
    { 0x1p-44, "5.684341886080802e-14" },
    { 123456.789, "123456.789" },
    { 1732284196.123, "1732284196.123" },
    { 3.141592653589793, "3.141592653589793" },
    { 2.0 / 3, "0.6666666666666666" },
    { 999999999999999.9, "999999999999999.9" },
    { 99999999999999.98, "99999999999999.98" },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    if (strcmp(formatted(cases[i].number), cases[i].text) != 0)
      fail_msg("expected %s, got %s", cases[i].text, formatted(cases[i].number));
}

static int significant_digits (const char *text) {
  int n = 0, zeros = 0;
  for (; *text != '\0' && *text != 'e'; text++) {
    if (*text < '0' || *text > '9') continue;
    if (*text == '0') {
      if (n > 0) zeros++;
    } else {
      n += zeros + 1;
      zeros = 0;
    }
  }
  return n;
}

static int fewest_digits (double number) {
  char text[40];
  for (int n = 1; n < 17; n++) {
    snprintf(text, sizeof text, "%.*e", n - 1, number);
    if (strtod(text, NULL) == number) return n;
  }
  return 17;
}

static void check_round_trip (double number) {
  const char *text = formatted(number);
  if (strtod(text, NULL) != number) fail_msg("%a became %s", number, text);
  if (significant_digits(text) > fewest_digits(number) && number != 0)
    fail_msg("%s is longer than need be", text);
}

static void reads_back_as_the_same_number_with_the_fewest_digits (void **unused) {
  (void)unused;
  uint64_t seed = 7;
  for (int i = 0; i < 30000; i++) {
    double d;
    uint64_t bits = random_next(&seed);
    memcpy(&d, &bits, sizeof d);
    if (isfinite(d)) check_round_trip(d);
    check_round_trip((double)(int64_t)(random_next(&seed) >> 20) / 1000);
    check_round_trip(strtod("0.1", NULL) * (double)(random_next(&seed) % 100000));
    check_round_trip((double)(random_next(&seed) >> random_next(&seed) % 64));
  }
  for (int e = -1074; e < 1024; e++) check_round_trip(ldexp(1, e));
}

static void writes_every_64_bit_integer (void **unused) {
  (void)unused;
  static const struct {
    int64_t number;
    const char *text;
  } cases[] = {
    { 0, "0" },
    { -1, "-1" },
    { 10, "10" },
    { INT64_MAX, "9223372036854775807" },
    { INT64_MIN, "-9223372036854775808" },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    tl_buf_clear(&out);
    tl_integer_format(&out, cases[i].number);
    assert_bytes(tl_buf_bytes(&out), cases[i].text);
  }
}

static void quotes_only_what_json_requires (void **unused) {
  (void)unused;
  tl_json_quote(&out, tl_slice_of("a\"b\\c/\b\f\n\r\t\x01\x1f\x7f\0é😀", 21));
  assert_bytes(tl_buf_bytes(&out), "\"a\\\"b\\\\c/\\b\\f\\n\\r\\t\\u0001\\u001f\\u007f\\u0000é😀\"");
  tl_buf_clear(&out);
  tl_json_quote(&out, TL_LIT("a\xc2\x9b\xc2\xa0\xc2\x80")); /* C1 controls move terminals */
  assert_bytes(tl_buf_bytes(&out), "\"a\\u009b\xc2\xa0\\u0080\"");
  tl_buf_clear(&out);
  tl_json_quote(&out, tl_slice_of(NULL, 0));
  assert_bytes(tl_buf_bytes(&out), "\"\"");
}

static void encodes_the_vectors_of_rfc_4648 (void **unused) {
  (void)unused;
  static const char *const cases[][2] = {
    { "", "" },
    { "f", "Zg==" },
    { "fo", "Zm8=" },
    { "foo", "Zm9v" },
    { "foob", "Zm9vYg==" },
    { "fooba", "Zm9vYmE=" },
    { "foobar", "Zm9vYmFy" },
    { "\xfb\xff\xbf", "+/+/" },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint8_t *copy = exact_copy(cases[i][0], strlen(cases[i][0]));
    tl_buf_clear(&out);
    tl_base64_encode(&out, tl_slice_of(copy, strlen(cases[i][0])));
    assert_bytes(tl_buf_bytes(&out), cases[i][1]);
    free(copy);
  }
}

static void a_length_that_base64_cannot_hold_fails_the_buffer (void **unused) {
  (void)unused;
  tl_base64_encode(&out, tl_slice_of("x", SIZE_MAX - 1));
  assert_true(out.failed);
}

static void writes_times_of_any_year (void **unused) {
  (void)unused;
  static const struct {
    int64_t ms;
    const char *text;
  } cases[] = {
    { 0, "1970-01-01T00:00:00.000Z" },
    { -1, "1969-12-31T23:59:59.999Z" },
    { 1795356196123, "2026-11-22T14:03:16.123Z" },
    { 951782399999, "2000-02-28T23:59:59.999Z" },
    { 951782400000, "2000-02-29T00:00:00.000Z" },
    { 951868800000, "2000-03-01T00:00:00.000Z" },
    { -2203891200001, "1900-02-28T23:59:59.999Z" },
    { -2203891200000, "1900-03-01T00:00:00.000Z" },
    { 253402300799999, "9999-12-31T23:59:59.999Z" },
    { 253402300800000, "10000-01-01T00:00:00.000Z" },
    { -62167219200000, "0000-01-01T00:00:00.000Z" },
    { -62167219200001, "-0001-12-31T23:59:59.999Z" },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    tl_buf_clear(&out);
    tl_time_format(&out, cases[i].ms);
    assert_bytes(tl_buf_bytes(&out), cases[i].text);
  }
  tl_time_format(&out, INT64_MIN); /* no overflow on the way: UBSan looks */
  tl_time_format(&out, INT64_MAX);
}

/* What the library writes with the fewest digits that read back is what we write. */
static void agrees_with_the_library_on_random_numbers (void **unused) {
  (void)unused;
  uint64_t state = 20261129;
  for (int round = 0; round < 60000; round++) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    uint64_t bits = state >> 1, exponent = 1023 + (bits >> 20) % 120 - 60;
    double number, back = 0;
    int unused_exponent;
    char text[40], ours[40], *end_of;
    if (round % 4 != 0) bits = (bits & 0xFFFFFFFFFFFFF) | exponent << 52; /* not far from 1 */
    memcpy(&number, &bits, sizeof number);
    if (round % 8 == 1) number = (double)(bits % 100000000) / 1000 * 1.1;
    if (!isfinite(number) || frexp(number, &unused_exponent) == 0.5) continue;
    for (int count = 1; count <= 17 && back != number; count++) {
      snprintf(text, sizeof text, "%.*e", count - 1, number);
      back = strtod(text, NULL);
    }
    snprintf(ours, sizeof ours, "%s", formatted(number));
    assert_true(strtod(ours, &end_of) == number && *end_of == '\0');
    char digits[2][40] = { { 0 } };
    for (int which = 0; which < 2; which++) { /* both without point, exponent and outer zeros */
      size_t n = 0;
      for (const char *at = which == 0 ? text : ours; *at && *at != 'e'; at++)
        if (*at != '.' && (n > 0 || *at != '0')) digits[which][n++] = *at;
      while (n > 0 && digits[which][n - 1] == '0') digits[which][--n] = '\0';
    }
    assert_string_equal(digits[0], digits[1]);
  }
}

/* timegm's inverse is the C library's own calendar. */
static void agrees_with_the_library_on_every_day_of_800_years (void **unused) {
  (void)unused;
  for (int64_t day = -150000; day < 150000; day++) {
    time_t seconds = (time_t)day * 86400;
    struct tm tm;
    char expected[40];
    gmtime_r(&seconds, &tm);
    strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%S.000Z", &tm);
    tl_buf_clear(&out);
    tl_time_format(&out, day * 86400000);
    assert_bytes(tl_buf_bytes(&out), expected);
  }
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(writes_numbers_the_way_people_do, begin, end),
    cmocka_unit_test_setup_teardown(agrees_with_the_library_on_random_numbers, begin, end),
    cmocka_unit_test_setup_teardown(reads_back_as_the_same_number_with_the_fewest_digits, begin,
                                    end),
    cmocka_unit_test_setup_teardown(writes_every_64_bit_integer, begin, end),
    cmocka_unit_test_setup_teardown(quotes_only_what_json_requires, begin, end),
    cmocka_unit_test_setup_teardown(encodes_the_vectors_of_rfc_4648, begin, end),
    cmocka_unit_test_setup_teardown(a_length_that_base64_cannot_hold_fails_the_buffer, begin, end),
    cmocka_unit_test_setup_teardown(writes_times_of_any_year, begin, end),
    cmocka_unit_test_setup_teardown(agrees_with_the_library_on_every_day_of_800_years, begin, end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

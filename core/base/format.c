/* core/base/format.c — numbers, times and JSON strings as text, whatever the locale.
** Knows nothing else. */
#include "base/format.h"
#include "base/number.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { DIGITS_ROOM = 24 };

static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233"
                            "34353637383940414243444546474849505152535455565758596061626364656667"
                            "6869707172737475767778798081828384858687888990919293949596979899";

/* 0 <= n < 100 */
static inline void put_pair (char *at, unsigned n) { memcpy(at, &pairs[2 * n], 2); }

/* The digits of n, most significant first, ending at `end`; returns where they start. */
static char *put_digits (char *end, uint64_t n) {
  while (n >= 100) {
    put_pair(end -= 2, (unsigned)(n % 100));
    n /= 100;
  }
  if (n < 10)
    *--end = (char)('0' + n);
  else
    put_pair(end -= 2, (unsigned)n);
  return end;
}

void tl_integer_format (tl_buf *out, int64_t number) {
  char text[DIGITS_ROOM], *end = text + sizeof text;
  char *at = put_digits(end, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
  if (number < 0) *--at = '-';
  tl_buf_add(out, at, (size_t)(end - at));
}

/* digits * 10^exp10, digits without trailing zeros: with a point where it reads well, else with
** an exponent. */
static void put_decimal (tl_buf *out, uint64_t digits, int exp10) {
  char text[DIGITS_ROOM], *end = text + sizeof text;
  char *at = put_digits(end, digits);
  int n = (int)(end - at), whole = n + exp10; /* digits in front of the point */
  if (whole > 17 || whole < -4) {
    tl_buf_byte(out, (uint8_t)at[0]);
    if (n > 1) tl_buf_byte(out, '.');
    tl_buf_add(out, at + 1, (size_t)(n - 1));
    tl_buf_str(out, whole > 0 ? "e+" : "e"); /* a negative one has its sign */
    tl_integer_format(out, whole - 1);
    return;
  }
  if (whole <= 0) {
    tl_buf_add(out, "0.0000", (size_t)(2 - whole));
    tl_buf_add(out, at, (size_t)n);
  } else if (exp10 >= 0) {
    tl_buf_add(out, at, (size_t)n);
    tl_buf_add(out, "00000000000000000", (size_t)exp10); /* whole <= 17 */
  } else {
    tl_buf_add(out, at, (size_t)whole);
    tl_buf_byte(out, '.');
    tl_buf_add(out, at + whole, (size_t)(n - whole));
  }
}

/* For numbers with few decimals and few digits, which is what devices send.
** Below 10^15 scaling is off by less than a quarter. So the rounded product is the only candidate
** with that many decimals. The division that checks it is exact except for one rounding.
** If the scaled number lies half way between two integers, neither passes the check. */
static bool few_decimals (double number, uint64_t *digits, int *exp10) {
  for (int decimals = 0; decimals <= 12; decimals++) {
    double scaled = number * tl_pow10[decimals];
    if (scaled >= 1e15) return false;
    double nearest = (double)(int64_t)(scaled + 0.5);
    if (nearest == 0 || nearest / tl_pow10[decimals] != number) continue;
    *digits = (uint64_t)nearest;
    *exp10 = -decimals;
    return true;
  }
  return false;
}

#if LDBL_MANT_DIG == 64 && defined(__x86_64__)
/* The nearest decimal with `count` significant digits, 15 to 17, where one operation with 64 bits
** tells: its result is off by at most half a unit of its last place, 2^-8 of a digit. False: too
** large or small, or too close to half way, or to one digit more. */
static bool nearest_digits (double number, int count, uint64_t *digits, int *exp10) {
  int bits, e;
  if (number < 1e-9 || number >= 1e22) return false;
  (void)frexp(number, &bits);
  e = ((bits - 1) * 1233) >> 12; /* the logarithm, or one less */
  if (e < 0 ? number >= 1.0L / tl_pow10[-e] * 10 : number >= tl_pow10[e + 1]) e++;
  int scale = count - 1 - e;
  if (scale < -22 || scale > 22 + 5) return false;
  long double factor = scale > 22 ? (long double)tl_pow10[22] * tl_pow10[scale - 22]
                                  : (long double)tl_pow10[scale < 0 ? -scale : scale];
  long double scaled = scale < 0 ? (long double)number / factor : (long double)number * factor;
  uint64_t whole = (uint64_t)scaled;
  long double rest = scaled - (long double)whole;
  if (rest > 0.49L && rest < 0.51L) return false;
  whole += rest > 0.5L ? 1 : 0;
  if ((double)whole < tl_pow10[count - 1] || (double)whole >= tl_pow10[count] - 64) return false;
  *digits = whole;
  *exp10 = -scale;
  return true;
}
#else
static bool nearest_digits (double number, int count, uint64_t *digits, int *exp10) {
  (void)number, (void)count, (void)digits, (void)exp10;
  return false;
}
#endif

/* The same of any number, by the library. */
static void library_digits (double number, int count, uint64_t *digits, int *exp10) {
  char text[40];
  snprintf(text, sizeof text, "%.*e", count - 1, number);
  uint64_t d = 0;
  const char *at = text;
  for (; *at != 'e'; at++) /* passes the locale's point, whatever it is */
    if (*at >= '0' && *at <= '9') d = d * 10 + (uint64_t)(*at - '0');
  *digits = d;
  *exp10 = (int)strtol(at + 1, NULL, 10) - (count - 1);
}

/* The nearest decimal with `count` significant digits, and whether it reads back. At a power of
** two the doubles below are closer together than those above, so the next decimal may read back
** where the nearest one does not. */
static bool try_digits (double number, int count, uint64_t *digits, int *exp10) {
  if (!nearest_digits(number, count, digits, exp10)) library_digits(number, count, digits, exp10);
  uint64_t d = *digits;
  int e = *exp10, unused;
  if (tl_number_of_digits(d, e) == number) return true;
  if (frexp(number, &unused) != 0.5 || tl_number_of_digits(d + 1, e) != number) return false;
  *digits = d + 1;
  return true;
}

static void shortest (double number, uint64_t *digits, int *exp10) {
  if (few_decimals(number, digits, exp10)) return;
  /* 15 digits survive the way to a double and back, so they are the shortest if they fit at
  ** all; a subnormal has fewer. */
  for (int count = number < DBL_MIN ? 1 : 15; count <= 17; count++)
    if (try_digits(number, count, digits, exp10)) break;
  while (*digits % 10 == 0) {
    *digits /= 10;
    ++*exp10;
  }
}

void tl_number_format (tl_buf *out, double number) {
  assert(isfinite(number));
  if (signbit(number)) tl_buf_byte(out, '-');
  number = fabs(number);
  if (number < 0x1p53 && number == (double)(int64_t)number) {
    tl_integer_format(out, (int64_t)number);
    return;
  }
  uint64_t digits;
  int exp10;
  shortest(number, &digits, &exp10);
  put_decimal(out, digits, exp10);
}

static const char hex[] = "0123456789abcdef";

void tl_json_quote (tl_buf *out, tl_slice s) {
  tl_buf_byte(out, '"');
  size_t from = 0;
  for (size_t i = 0; i < s.len; i++) {
    uint8_t c = s.at[i];
    if (c >= 0x20 && c < 0x7F && c != '"' && c != '\\') continue;
    /* C1 controls, U+0080 to U+009F: terminals obey them as well */
    bool c1 = c == 0xC2 && i + 1 < s.len && s.at[i + 1] < 0xA0;
    if (c > 0x7F && !c1) continue;
    tl_buf_add(out, s.at + from, i - from);
    if (c1) c = s.at[++i];
    from = i + 1;
    tl_buf_byte(out, '\\');
    switch (c) {
      case '"':
      case '\\': tl_buf_byte(out, c); break;
      case '\b': tl_buf_byte(out, 'b'); break;
      case '\f': tl_buf_byte(out, 'f'); break;
      case '\n': tl_buf_byte(out, 'n'); break;
      case '\r': tl_buf_byte(out, 'r'); break;
      case '\t': tl_buf_byte(out, 't'); break;
      default:
        tl_buf_str(out, "u00");
        tl_buf_byte(out, (uint8_t)hex[c >> 4]);
        tl_buf_byte(out, (uint8_t)hex[c & 15]);
    }
  }
  tl_buf_add(out, s.len > 0 ? s.at + from : NULL, s.len - from);
  tl_buf_byte(out, '"');
}

/* Days since 1970-01-01 to a date. Counted from 1 March of a year 400 k, so that the leap day
** is the last of its year. */
static void date_of (int64_t days, int64_t *year, int *month, int *day) {
  days += 719468; /* 0000-03-01 to 1970-01-01 */
  int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  int64_t of_era = days - era * 146097;
  int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  int64_t of_year = of_era - (365 * y + y / 4 - y / 100);
  int m = (int)((5 * of_year + 2) / 153); /* 0 is March */
  *day = (int)(of_year - (153 * m + 2) / 5) + 1;
  *month = m < 10 ? m + 3 : m - 9;
  *year = y + era * 400 + (*month <= 2 ? 1 : 0);
}

enum { DATE_LEN = 11, TIME_LEN = 24, DAY_MS = 86400000 };

/* "2026-11-22T" of a day since 1970; false for a year of another length. */
static bool put_date (char *at, int64_t days) {
  int64_t year;
  int month, day;
  date_of(days, &year, &month, &day);
  if (year < 0 || year > 9999) return false;
  put_pair(at, (unsigned)year / 100);
  put_pair(at + 2, (unsigned)year % 100);
  at[4] = at[7] = '-';
  put_pair(at + 5, (unsigned)month);
  put_pair(at + 8, (unsigned)day);
  at[10] = 'T';
  return true;
}

static void long_date (tl_buf *out, int64_t days) {
  int64_t year;
  int month, day;
  char rest[] = "-00-00T";
  date_of(days, &year, &month, &day);
  if (year < 0) tl_buf_byte(out, '-');
  if (year < 0) year = -year;
  for (int64_t less = 1000; less > year && less > 1; less /= 10) tl_buf_byte(out, '0');
  tl_integer_format(out, year);
  put_pair(rest + 1, (unsigned)month);
  put_pair(rest + 4, (unsigned)day);
  tl_buf_add(out, rest, sizeof rest - 1);
}

void tl_time_format (tl_buf *out, int64_t ms) {
  static _Thread_local int64_t last = INT64_MIN; /* most times are of the day of the one before */
  static _Thread_local char date[DATE_LEN];
  char text[TIME_LEN];
  int64_t days = ms / DAY_MS, of_day = ms % DAY_MS;
  if (of_day < 0) {
    of_day += DAY_MS;
    days--;
  }
  unsigned t = (unsigned)of_day;
  bool is_short = days == last || put_date(date, days);
  if (is_short)
    last = days;
  else
    long_date(out, days);
  memcpy(text, date, DATE_LEN);
  put_pair(text + 11, t / 3600000);
  put_pair(text + 14, t / 60000 % 60);
  put_pair(text + 17, t / 1000 % 60);
  text[13] = text[16] = ':';
  text[19] = '.';
  text[20] = (char)('0' + t % 1000 / 100);
  put_pair(text + 21, t % 100);
  text[23] = 'Z';
  tl_buf_add(out, is_short ? text : text + DATE_LEN, is_short ? TIME_LEN : TIME_LEN - DATE_LEN);
}

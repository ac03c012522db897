/* core/base/number.c — decimal text to numbers, correctly rounded, whatever the locale. Knows
** nothing else. */
#include "base/number.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
  MAX_DIGITS = 19, /* every 19-digit number fits 64 bits */
  /* more significant digits than any double's midpoint has; what follows only breaks ties */
  ENOUGH_DIGITS = 780
};

const double tl_pow10[23] = {
  1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
  1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};

/* A decimal number as scanned. mantissa[0..mantissa_len) holds digits and at most one point. */
typedef struct {
  const uint8_t *mantissa;
  size_t mantissa_len;
  size_t digit_count;    /* digits in it */
  size_t fraction_count; /* of them, behind the point */
  int64_t exponent;      /* as written after 'e', saturated far outside what matters */
  uint64_t digits;       /* all digits as one integer; meaningless when digit_count > MAX_DIGITS */
  bool negative;
} decimal;

static inline bool is_digit (uint8_t c) { return (uint8_t)(c - '0') < 10; }

/* A text may have 2^40 digits, and an exponent that takes them back: saturate beyond that, not
** at 400. */
static const int64_t EXPONENT_END = (int64_t)1 << 60;

static int scan_exponent (const uint8_t *at, const uint8_t *end, int64_t *out) {
  bool negative = false;
  int64_t e = 0;
  if (at < end && (*at == '+' || *at == '-')) negative = *at++ == '-';
  if (at == end) return TL_ESYNTAX;
  for (; at < end; at++) {
    if (!is_digit(*at)) return TL_ESYNTAX;
    e = e >= EXPONENT_END / 10 ? EXPONENT_END : e * 10 + (*at - '0');
  }
  *out = negative ? -e : e;
  return TL_OK;
}

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
/* 1 to 8 bytes in one word, the first one lowest; nothing else is read. */
static inline uint64_t load_short (const uint8_t *at, size_t len) {
  uint32_t low, high;
  if (len < 4) /* 1, 2 or 3: one is read twice */
    return at[0] | (uint64_t)at[len / 2] << len / 2 * 8 | (uint64_t)at[len - 1] << (len - 1) * 8;
  memcpy(&low, at, 4);
  memcpy(&high, at + len - 4, 4);
  return low | (uint64_t)high << (len - 4) * 8;
}

/* What most numbers are: up to 8 bytes of digits, with a point or none. There is no branch for each
** digit: how many there are is nothing that a processor foresees. False: it is something else. */
static inline bool scan_short (const uint8_t *at, size_t len, decimal *d) {
  if (len - 1 > 7) return false;
  uint64_t x = load_short(at, len) ^ 0x3030303030303030u >> (64 - 8 * len);
  /* a digit is 0 to 9 now, and 0x76 more has no highest bit; a point is 0x1e */
  uint64_t others = ((x + 0x7676767676767676u) | x) & 0x8080808080808080u;
  size_t count = len, fraction = 0;
  if (others) {
    unsigned bits = (unsigned)__builtin_ctzll(others) & ~7u;
    uint64_t low = ((uint64_t)1 << bits) - 1;
    if ((others & (others - 1)) || (x >> bits & 0xff) != ('.' ^ '0') || len == 1) return false;
    x = (x & low) | (x >> 8 & ~low);
    count--;
    fraction = count - bits / 8;
  }
  x <<= 64 - 8 * count; /* zeros lead; then two, four and eight digits become one number */
  x = (x * 2561) >> 8 & 0x00FF00FF00FF00FFu;
  x = (x * 6553601) >> 16 & 0x0000FFFF0000FFFFu;
  d->digits = (x * 42949672960001u) >> 32;
  d->mantissa_len = len;
  d->digit_count = count;
  d->fraction_count = fraction;
  return true;
}
#else
static inline bool scan_short (const uint8_t *at, size_t len, decimal *d) {
  (void)at, (void)len, (void)d;
  return false;
}
#endif

static inline int scan (tl_slice text, decimal *d) {
  const uint8_t *at = text.at, *end = text.at + text.len;
  uint64_t digits = 0;
  d->negative = false;
  d->exponent = 0;
  if (at < end && (*at == '-' || *at == '+')) d->negative = *at++ == '-';
  d->mantissa = at;
  if (scan_short(at, (size_t)(end - at), d)) return TL_OK;
  for (; at < end && is_digit(*at); at++) digits = digits * 10 + (uint64_t)(*at - '0');
  size_t count = (size_t)(at - d->mantissa);
  d->fraction_count = 0;
  if (at < end && *at == '.') {
    const uint8_t *fraction = ++at;
    for (; at < end && is_digit(*at); at++) digits = digits * 10 + (uint64_t)(*at - '0');
    d->fraction_count = (size_t)(at - fraction);
    count += d->fraction_count;
  }
  if (count == 0) return TL_ESYNTAX;
  d->mantissa_len = (size_t)(at - d->mantissa);
  d->digit_count = count;
  d->digits = digits;
  if (at == end) return TL_OK;
  if (*at != 'e' && *at != 'E') return TL_ESYNTAX;
  return scan_exponent(at + 1, end, &d->exponent);
}

/* Walks the digits of a scanned mantissa. significant() comes first: it skips leading zeros. */
typedef struct {
  const uint8_t *at, *end;
} digit_walk;

static inline int next_digit (digit_walk *w) { /* 0..9, or -1 at the end */
  if (w->at < w->end && *w->at == '.') w->at++;
  return w->at < w->end ? *w->at++ - '0' : -1;
}

/* Skip leading zeros; returns how many digits are left: the significant ones, trailing zeros
** included. */
static size_t significant (const decimal *d, digit_walk *w) {
  size_t left = d->digit_count;
  w->at = d->mantissa;
  w->end = d->mantissa + d->mantissa_len;
  for (; w->at < w->end && (*w->at == '0' || *w->at == '.'); w->at++)
    if (*w->at == '0') left--;
  return left;
}

/* The value of the decimal integer text[0..len) times 10^exp10, computed by strtod(). The text has
** no decimal point, so the locale does not matter. */
static double by_library (char *text, size_t len, int64_t exp10) {
  if ((int64_t)len + exp10 > 400) return (double)INFINITY;
  if ((int64_t)len + exp10 < -400) return 0;
  snprintf(text + len, 16, "e%d", (int)exp10);
  return strtod(text, NULL);
}

#if LDBL_MANT_DIG == 64 && defined(__x86_64__)
/* With a 64-bit mantissa the digits and 10^27 are exact, and one operation is off by at most
** half a unit of its last place. Rounding that again to 53 bits goes wrong only from exactly
** half way. */
static bool by_extended (uint64_t digits, int64_t exp10, double *out) {
  static const long double pow10l[28] = {
    1e0L,  1e1L,  1e2L,  1e3L,  1e4L,  1e5L,  1e6L,  1e7L,  1e8L,  1e9L,
    1e10L, 1e11L, 1e12L, 1e13L, 1e14L, 1e15L, 1e16L, 1e17L, 1e18L, 1e19L,
    1e20L, 1e21L, 1e22L, 1e23L, 1e24L, 1e25L, 1e26L, 1e27L,
  };
  if (exp10 < -27 || exp10 > 27 || digits == 0) return false;
  long double r =
      exp10 < 0 ? (long double)digits / pow10l[-exp10] : (long double)digits * pow10l[exp10];
  uint64_t mantissa;
  memcpy(&mantissa, &r, sizeof mantissa);
  if ((mantissa & 0x7FF) == 0x400) return false;
  *out = (double)r;
  return true;
}
#else
static bool by_extended (uint64_t digits, int64_t exp10, double *out) {
  (void)digits, (void)exp10, (void)out;
  return false;
}
#endif

double tl_number_round (uint64_t digits, int64_t exp10) {
  double r;
  char text[48];
  if (digits == 0) return 0;
  if (by_extended(digits, exp10, &r)) return r;
  int n = snprintf(text, sizeof text - 16, "%llu", (unsigned long long)digits);
  return by_library(text, (size_t)n, exp10);
}

/* More digits than 64 bits hold. */
static double parse_long (const decimal *d) {
  digit_walk w;
  size_t left = significant(d, &w), n = 0;
  int64_t exp10 = d->exponent - (int64_t)d->fraction_count;
  if (left == 0) return 0;
  char text[ENOUGH_DIGITS + 1 + 16];
  uint64_t head = 0;
  for (; n < ENOUGH_DIGITS && n < left; n++) {
    int digit = next_digit(&w);
    text[n] = (char)('0' + digit);
    if (n < MAX_DIGITS) head = head * 10 + (uint64_t)digit;
  }
  if (left <= MAX_DIGITS) return tl_number_of_digits(head, exp10);
  /* the number lies between head and head + 1: if both round to the same double, so does the
  ** number */
  double low, high;
  int64_t head_exp10 = exp10 + (int64_t)(left - MAX_DIGITS);
  if (by_extended(head, head_exp10, &low) && by_extended(head + 1, head_exp10, &high) &&
      low == high)
    return low;
  exp10 += (int64_t)(left - n);
  bool more = false;
  for (int digit; !more && (digit = next_digit(&w)) >= 0;) more = digit != 0;
  if (more) { /* one digit stands for all that were cut: it keeps a tie from being one */
    text[n++] = '1';
    exp10--;
  }
  return by_library(text, n, exp10);
}

int tl_number_parse (tl_slice text, double *out) {
  decimal d;
  if (scan(text, &d) != TL_OK) return TL_ESYNTAX;
  bool fits = d.digit_count <= MAX_DIGITS;
  double r =
      fits ? tl_number_of_digits(d.digits, d.exponent - (int64_t)d.fraction_count) : parse_long(&d);
  *out = d.negative ? -r : r;
  return TL_OK;
}

static int64_t signed_saturated (uint64_t magnitude, bool negative, bool *exact) {
  uint64_t end = (uint64_t)INT64_MAX + (negative ? 1 : 0);
  if (magnitude > end) {
    *exact = false;
    magnitude = end;
  }
  if (!negative) return (int64_t)magnitude;
  return magnitude == (uint64_t)INT64_MAX + 1 ? INT64_MIN : -(int64_t)magnitude;
}

/* The number's magnitude rounded half away from zero; saturated at 64 bits. Works on the
** digits, so that no digit is lost. */
static uint64_t round_digits (const decimal *d, bool *exact) {
  digit_walk w;
  size_t left = significant(d, &w);
  if (left == 0) return 0;
  /* digits in front of the point */
  int64_t whole = (int64_t)left + d->exponent - (int64_t)d->fraction_count;
  if (whole > MAX_DIGITS) {
    *exact = false;
    return UINT64_MAX;
  }
  uint64_t r = 0;
  for (int64_t i = 0; i < whole; i++) {
    int digit = next_digit(&w);
    r = r * 10 + (uint64_t)(digit < 0 ? 0 : digit);
  }
  /* whole < 0: the number is below 0.1, so it rounds to 0 */
  int digit = whole < 0 ? 0 : next_digit(&w);
  if (whole < 0) *exact = false;
  if (digit >= 5) r++;
  for (; digit >= 0 && *exact; digit = next_digit(&w)) *exact = digit == 0;
  return r;
}

/* The nearest integer; halves go away from zero; what is beyond 64 bits becomes the largest or
** the smallest one. *exact: nothing of that was needed. */
int tl_integer_parse (tl_slice text, int64_t *out, bool *exact) {
  decimal d;
  bool all = true;
  if (scan(text, &d) != TL_OK) return TL_ESYNTAX;
  bool plain = d.fraction_count == 0 && d.exponent == 0 && d.digit_count <= MAX_DIGITS;
  uint64_t magnitude = plain ? d.digits : round_digits(&d, &all);
  *out = signed_saturated(magnitude, d.negative, &all);
  if (exact) *exact = all;
  return TL_OK;
}

int tl_integer_from (double number, int64_t *out) {
  if (isnan(number)) return TL_ETYPE;
  double r = round(number);
  if (r >= 0x1p63)
    *out = INT64_MAX;
  else if (r < -0x1p63)
    *out = INT64_MIN;
  else
    *out = (int64_t)r;
  return TL_OK;
}

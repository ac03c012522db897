/* core/base/number.h — numbers as text, read and written exactly, independent of the
** process's locale. Knows nothing else. */
#ifndef TL_BASE_NUMBER_H
#define TL_BASE_NUMBER_H

#include <float.h>
#include <math.h>

#include "base/buf.h"

/* A decimal number that fills the whole slice: [+-] digits [. digits] [e [+-] digits], with
** digits on at least one side of the point; correctly rounded, overflow is ±infinity with
** TL_OK. No hex, no nan, no inf, no spaces. TL_OK or TL_ESYNTAX. */
int tl_number_parse (tl_slice text, double *out);

/* digits * 10^exp10, correctly rounded: for scanners that have read the digits (at most 19 of
** them) on their way. */
double tl_number_round (uint64_t digits, int64_t exp10);
extern const double tl_pow10[23]; /* the powers of ten that a double holds exactly */
/* the same; short numbers without a call */
static inline double tl_number_of_digits (uint64_t digits, int64_t exp10) {
#if FLT_EVAL_METHOD == 0
  /* both operands are exact, so one rounding is all */
  if (digits <= (uint64_t)1 << 53 && exp10 >= -22 && exp10 <= 22)
    return exp10 < 0 ? (double)digits / tl_pow10[-exp10] : (double)digits * tl_pow10[exp10];
#endif
  return tl_number_round(digits, exp10);
}

/* The same text rounded half away from zero to an integer, saturated to 64 bits; integers keep
** every digit. *exact (may be NULL) says whether nothing was lost. TL_OK or TL_ESYNTAX. */
int tl_integer_parse (tl_slice text, int64_t *out, bool *exact);

/* Round half away from zero and saturate; NaN gives TL_ETYPE. */
int tl_integer_from (double number, int64_t *out);

/* The shortest decimal text that reads back as the same double; "21.5", "1e+300", "0", "-0";
** integral values below 2^53 have no point. NaN and infinity are the caller's error (asserted). */
void tl_number_format (tl_buf *out, double number);
void tl_integer_format (tl_buf *out, int64_t number);

/* Are they no further apart than that, as decimal numbers? 21.1 and 20.9 are, by 0.2, though their
** doubles are 0.2000000000000028 apart: what rounding makes of it, at most a thousandth, is
** forgiven. */
static inline bool tl_number_is_within (double a, double b, double apart) {
  double d = fabs(a - b);
  return d <= apart ||
         (d <= apart * (1 + 1.0 / 1024) && d - apart <= 4 * DBL_EPSILON * (fabs(a) + fabs(b)));
}

#endif

/* core/payload/civil.h — days since 1970 and back, in the proleptic Gregorian calendar. For
** this room's time files only. */
#ifndef TL_PAYLOAD_CIVIL_H
#define TL_PAYLOAD_CIVIL_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
  int32_t year;
  int32_t month, day; /* from 1 */
} tl_civil_date;

enum { TL_DAY_SECONDS = 86400 };

static inline bool tl_civil_leap (int32_t year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static inline int32_t tl_civil_month_days (int32_t year, int32_t month) {
  static const uint8_t days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
  return days[month - 1] + (month == 2 && tl_civil_leap(year));
}

/* Days from 1970-01-01 to the first of January; years from -400000 to 400000 or so, which is
** more than any caller asks for. */
static inline int64_t tl_civil_year_days (int64_t year) {
  /* a multiple of 400, so that division never sees a negative number */
  int64_t y = year - 1 + 400000;
  return y * 365 + y / 4 - y / 100 + y / 400 - (INT64_C(146097) * 1000 + 719162);
}

static inline int64_t tl_civil_days (int32_t year, int32_t month, int32_t day) {
  static const uint16_t before[12] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
  return tl_civil_year_days(year) + before[month - 1] + (month > 2 && tl_civil_leap(year)) + day -
         1;
}

static inline int64_t tl_floor_div (int64_t a, int64_t b) { /* b > 0 */
  return a / b - (a % b < 0);
}

/* The date of a day; the year is guessed from the mean year and corrected. */
static inline tl_civil_date tl_civil_from_days (int64_t days) {
  int64_t year = 1970 + tl_floor_div(days * 400, 146097);
  while (tl_civil_year_days(year + 1) <= days) year++;
  while (tl_civil_year_days(year) > days) year--;
  tl_civil_date d = { (int32_t)year, 1, 0 };
  int32_t left = (int32_t)(days - tl_civil_year_days(year));
  while (left >= tl_civil_month_days(d.year, d.month))
    left -= tl_civil_month_days(d.year, d.month++);
  d.day = left + 1;
  return d;
}

static inline int tl_civil_weekday (int64_t days) { /* 0 is Sunday */
  return (int)((days % 7 + 11) % 7);
}

#endif

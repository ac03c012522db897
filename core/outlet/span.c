/* core/outlet/span.c — see span.h. */
#include "outlet/span.h"

#include <time.h>

enum { DAY_MS = 24 * 3600 * 1000 };

static int64_t floor_div (int64_t a, int64_t b) { return a / b - (a % b < 0); }

void tl_outlet_day (int64_t time_ms, int64_t *from, int64_t *to) {
  *from = floor_div(time_ms, DAY_MS) * DAY_MS;
  *to = *from + DAY_MS;
}

static void month (int64_t day, int64_t *from, int64_t *to) {
  time_t second = (time_t)(day * (DAY_MS / 1000));
  struct tm tm;
  gmtime_r(&second, &tm);
  tm.tm_mday = 1;
  tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
  *from = (int64_t)timegm(&tm) * 1000;
  tm.tm_mon++;
  *to = (int64_t)timegm(&tm) * 1000;
}

void tl_outlet_span (int64_t keep_ms, int64_t time_ms, int64_t *from, int64_t *to) {
  int64_t day = floor_div(time_ms, DAY_MS), days = keep_ms / DAY_MS;
  if (keep_ms > 0 && days <= 366) {
    tl_outlet_day(time_ms, from, to);
  } else if (keep_ms > 0 && days <= 5 * 366) {
    int64_t monday = floor_div(day - 4, 7) * 7 + 4; /* 1970-01-05 was one */
    *from = monday * DAY_MS;
    *to = *from + (int64_t)7 * DAY_MS;
  } else {
    month(day, from, to);
  }
}

/* core/payload/duration.c — durations in texts: seconds, hours and minutes, ISO 8601. Must not
** know tags nor calendars. */
#include <math.h>

#include "base/number.h"
#include "payload/blanks.h"
#include "payload/convert.h"

static bool is_digit (uint8_t c) { return (uint8_t)(c - '0') < 10; }

static bool sixty (const uint8_t **at, const uint8_t *end, int32_t *out) {
  const uint8_t *p = *at;
  int32_t v = 0;
  while (p < end && is_digit(*p) && p - *at < 2) v = v * 10 + (*p++ - '0');
  if (p == *at || v > 59) return false;
  *at = p;
  *out = v;
  return true;
}

/* "mi:ss[.mss]" behind the hours. */
static bool minutes_of (const uint8_t *at, const uint8_t *end, int32_t *ms) {
  int32_t mi, ss, part = 0, scale = 100;
  if (!sixty(&at, end, &mi) || at == end || *at++ != ':' || !sixty(&at, end, &ss)) return false;
  if (at < end) {
    if (*at++ != '.' || at == end) return false;
    for (; at < end && is_digit(*at); at++, scale /= 10) part += (*at - '0') * scale;
  }
  *ms = (mi * 60 + ss) * 1000 + part;
  return at == end;
}

static const uint8_t *digits (const uint8_t *at, const uint8_t *end) {
  while (at < end && is_digit(*at)) at++;
  return at;
}

static bool number_of (const uint8_t *at, const uint8_t *end, double *out) {
  double number;
  if (tl_number_parse(tl_slice_of(at, (size_t)(end - at)), &number) != TL_OK || !isfinite(number))
    return false;
  *out = number;
  return true;
}

/* In milliseconds while those are whole in a double: then the quotient is rounded once. */
static double sum_of (double days, double hours, int32_t ms) {
  hours += days * 24;
  return hours < 1e9 ? (hours * 3600000 + ms) / 1000 : hours * 3600 + ms / 1000.0;
}

/* "h…h:mi:ss[.mss]", or "d…dThh:mi:ss[.mss]" as Tasmota writes it. */
static bool clock_of (const uint8_t *at, const uint8_t *end, double *seconds) {
  double days = 0, hours;
  int32_t ms;
  const uint8_t *p = digits(at, end);
  if (p > at && p < end && *p == 'T') {
    if (!number_of(at, p, &days)) return false;
    at = p + 1;
    p = digits(at, end);
  }
  if (p == at || p == end || *p != ':' || !number_of(at, p, &hours) || (days > 0 && hours > 23) ||
      !minutes_of(p + 1, end, &ms))
    return false;
  *seconds = sum_of(days, hours, ms);
  return true;
}

/* Behind the P of an ISO 8601 duration: weeks, days, hours, minutes and seconds in this order,
** each once, a fraction in the last one only. Years and months have no length: they may only be
** 0. */
static bool iso_of (const uint8_t *at, const uint8_t *end, double *seconds) {
  static const char order[] = "YMWDThms"; /* the time's M is a small one here */
  static const double lengths[] = { 0, 0, 604800, 86400, 0, 3600, 60, 1 };
  const char *from = order;
  double sum = 0;
  bool any = false, time = false, fraction = false;
  while (at < end) {
    if (*at == 'T') {
      if (time || ++at == end) return false;
      time = true;
      from = strchr(order, 'h');
      continue;
    }
    const uint8_t *p = digits(at, end);
    const uint8_t *point = p < end && (*p == '.' || *p == ',') ? p : NULL;
    if (p == at || fraction) return false;
    if (point && (p = digits(point + 1, end)) == point + 1) return false;
    char unit = p < end ? (char)*p : 0;
    const char *place =
        unit >= 'A' && unit <= 'Z' && unit != 'T' ? strchr(from, time ? unit | 0x20 : unit) : NULL;
    double whole, part = 0;
    if (!place || !number_of(at, point ? point : p, &whole)) return false;
    if (point) {
      double scale = 0.1;
      for (const uint8_t *d = point + 1; d < p; d++, scale /= 10) part += (*d - '0') * scale;
    }
    double length = lengths[place - order];
    if (length == 0 && whole + part > 0) return false;
    sum += whole * length + round(part * length * 1e6) / 1e6;
    fraction = point != NULL;
    from = place + 1;
    any = true;
    at = p + 1;
  }
  *seconds = sum;
  return any;
}

int tl_duration_parse (tl_slice text, double *seconds) {
  text = tl_trim_blanks(text);
  const uint8_t *at = text.at, *end = at + text.len;
  bool negative = at < end && *at == '-', sign = negative || (at < end && *at == '+');
  double found;
  if (text.len > sign && at[sign] == 'P') {
    if (!iso_of(at + sign + 1, end, &found)) return TL_ESYNTAX;
  } else if (text.len > 0 && memchr(at, ':', text.len)) {
    if (!clock_of(at + sign, end, &found)) return TL_ESYNTAX;
  } else
    return number_of(at, end, seconds) ? TL_OK : TL_ESYNTAX;
  if (!isfinite(found)) return TL_ESYNTAX;
  *seconds = negative ? -found : found;
  return TL_OK;
}

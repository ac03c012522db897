/* core/payload/timeplain.c — times that need no mask of their own: ISO 8601, and numbers since
** 1970. Must not know whose they are, nor what time it is. */
#include <math.h>

#include "base/number.h"
#include "payload/timeread_impl.h"

/* --- ISO 8601 --- */

/* "hh", "hh:mi", "hh:mi:ss" with a fraction, or the same without colons. */
static const uint8_t *iso_time (const uint8_t *at, const uint8_t *end, tl_time_parts *r) {
  if (!tl_digits_at(at, end, 2, &r->part[TL_STEP_HOUR])) return NULL;
  at += 2;
  bool colons = at < end && *at == ':';
  for (int i = TL_STEP_MINUTE; i <= TL_STEP_SECOND; i++) {
    const uint8_t *p = at + (colons && at < end && *at == ':');
    if (p == end || !tl_is_digit(*p) || (colons && p == at)) return colons && p != at ? NULL : at;
    if (!tl_digits_at(p, end, 2, &r->part[i])) return NULL;
    at = p + 2;
  }
  if (at == end || (*at != '.' && *at != ',')) return at;
  if (++at == end || !tl_is_digit(*at)) return NULL;
  r->part[TL_STEP_MS] = tl_time_fraction(&at, end);
  return at;
}

static const uint8_t *iso_date (const uint8_t *at, const uint8_t *end, tl_time_parts *r) {
  if (!tl_digits_at(at, end, 4, &r->part[TL_STEP_YEAR])) return NULL;
  at += 4;
  int hyphen = at < end && *at == '-';
  for (int i = TL_STEP_MONTH; i <= TL_STEP_DAY; i++, at += 2) {
    if (hyphen && (at == end || *at++ != '-')) return NULL;
    if (!tl_digits_at(at, end, 2, &r->part[i])) return NULL;
  }
  return at;
}

static tl_slice trim (tl_slice s) {
  while (s.len > 0 && (*s.at == ' ' || (*s.at >= '\t' && *s.at <= '\r')))
    s = tl_slice_of(s.at + 1, s.len - 1);
  while (s.len > 0 &&
         (s.at[s.len - 1] == ' ' || (s.at[s.len - 1] >= '\t' && s.at[s.len - 1] <= '\r')))
    s.len--;
  return s;
}

int tl_time_iso_read (const tl_zone *zone, tl_slice text, int64_t *ms) {
  tl_time_parts r = { .part = { 1, 1, 1, 0, 0, 0, 0 } };
  text = trim(text);
  const uint8_t *end = text.at + text.len, *at = iso_date(text.at, end, &r);
  if (!at) return TL_ESYNTAX;
  if (at < end) {
    if ((*at | 0x20) != 't' && *at != ' ') return TL_ESYNTAX;
    if (!(at = iso_time(at + 1, end, &r))) return TL_ESYNTAX;
  }
  bool blank = at < end && *at == ' ';
  at += blank;
  if (at < end) {
    bool word = blank && end - at == 3 && (memcmp(at, "UTC", 3) == 0 || memcmp(at, "GMT", 3) == 0);
    if ((*at | 0x20) != 'z' && *at != '+' && *at != '-' && !word) return TL_ESYNTAX;
    int rc = tl_zone_suffix(at, end, TL_ZONE_ANY, &r.offset, &at);
    if (rc != TL_OK || at != end) return rc == TL_ERANGE ? rc : TL_ESYNTAX;
    r.has_offset = true;
  }
  return tl_time_finish(&r, zone, ms);
}

/* --- UNIX and its finer units --- */

static int unix_slowly (tl_slice text, int decimals, int64_t *ms) {
  double number;
  if (tl_number_parse(text, &number) != TL_OK) return TL_ESYNTAX;
  if (decimals == 3)
    number = number * 1000;
  else if (decimals == -3)
    number = number / 1e3;
  else if (decimals == -6)
    number = number / 1e6;
  if (!(number > -1e17 && number < 1e17)) return TL_ERANGE;
  double near = round(number); /* what a rounded product lost is no digit to cut */
  *ms = (int64_t)(fabs(near - number) < 1e-3 ? near : number);
  return TL_OK;
}

/* A decimal number times 10^decimals, what is behind that cut. */
static int unix_ms (tl_slice text, int decimals, int64_t *ms) {
  const uint8_t *at = text.at, *end = at + text.len;
  bool negative = at < end && *at == '-';
  if (at < end && (*at == '-' || *at == '+')) at++;
  const uint8_t *start = at;
  int64_t v = 0;
  int left = decimals;
  for (; at < end && tl_is_digit(*at) && at - start < 15; at++) v = v * 10 + (*at - '0');
  if (at == start) return unix_slowly(text, decimals, ms);
  if (at < end && *at == '.' && end - at > 1) {
    for (at++; at < end && tl_is_digit(*at); at++) {
      if (left == 0) continue;
      v = v * 10 + (*at - '0');
      left--;
    }
  }
  if (at < end) return unix_slowly(text, decimals, ms);
  for (; left > 0; left--) v *= 10;
  *ms = negative ? -v : v;
  return TL_OK;
}

/* Micro- or nanoseconds: the last `drop` digits of the integer, and what is behind its point,
** are cut. No double has them all. */
static int unix_finer (tl_slice text, int drop, int64_t *ms) {
  const uint8_t *at = text.at, *end = at + text.len;
  bool negative = at < end && *at == '-';
  if (at < end && (*at == '-' || *at == '+')) at++;
  const uint8_t *start = at;
  while (at < end && tl_is_digit(*at)) at++;
  const uint8_t *point = at;
  if (at < end && *at == '.' && end - at > 1)
    for (at++; at < end && tl_is_digit(*at);) at++;
  if (at < end || point == start) return unix_slowly(text, -drop, ms);
  while (start < point && *start == '0') start++;
  if (point - start > 15 + drop) return TL_ERANGE;
  int64_t v = 0;
  for (; point - start > drop; start++) v = v * 10 + (*start - '0');
  *ms = negative ? -v : v;
  return TL_OK;
}

int tl_time_unix_read (tl_slice text, int decimals, int64_t *ms) {
  int64_t v;
  text = trim(text);
  int rc = decimals < 0 ? unix_finer(text, -decimals, &v) : unix_ms(text, decimals, &v);
  if (rc != TL_OK) return rc;
  if (v < TL_TIME_MIN_MS || v > TL_TIME_MAX_MS) return TL_ERANGE;
  *ms = v;
  return TL_OK;
}

int tl_time_iso_parse (tl_slice text, int64_t *ms) { return tl_time_iso_read(NULL, text, ms); }

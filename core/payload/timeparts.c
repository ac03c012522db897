/* core/payload/timeparts.c — parts of a time in a text: digits, a fraction, a Z or an offset; and
** the moment that they mean. Must not know masks. */
#include "payload/timeread_impl.h"

#include "payload/civil.h"

bool tl_digits_at (const uint8_t *at, const uint8_t *end, int n, int32_t *out) {
  int32_t v = 0;
  if (end - at < n) return false;
  for (int i = 0; i < n; i++) {
    if (!tl_is_digit(at[i])) return false;
    v = v * 10 + (at[i] - '0');
  }
  *out = v;
  return true;
}

int32_t tl_time_fraction (const uint8_t **at, const uint8_t *end) {
  static const int32_t scale[4] = { 0, 100, 10, 1 };
  int32_t v = 0;
  int n = 0;
  const uint8_t *p = *at;
  for (; p < end && tl_is_digit(*p); p++) {
    if (n == 3) continue;
    v = v * 10 + (*p - '0');
    n++;
  }
  *at = p;
  return v * scale[n];
}

/* --- a Z or an offset --- */

static int signed_offset (const uint8_t *at, const uint8_t *stop, bool short_too, int32_t *offset,
                          const uint8_t **end) {
  int32_t h, m = 0;
  const uint8_t *p = at + 3;
  if (!tl_digits_at(at + 1, stop, 2, &h)) return TL_ESYNTAX;
  if (stop - p >= 2 && tl_is_digit(*p)) {
    if (!tl_digits_at(p, stop, 2, &m)) return TL_ESYNTAX;
    p += 2;
  } else if (stop - p >= 3 && *p == ':' && tl_digits_at(p + 1, stop, 2, &m)) {
    p += 3;
  } else if (!short_too) {
    return TL_ENOENT;
  }
  if (p < stop && tl_is_digit(*p)) return TL_ESYNTAX;
  if (h > 23 || m > 59) return TL_ERANGE;
  *offset = (h * 60 + m) * (*at == '-' ? -60 : 60);
  *end = p;
  return TL_OK;
}

int tl_zone_suffix (const uint8_t *at, const uint8_t *stop, tl_zone_place place, int32_t *offset,
                    const uint8_t **end) {
  while (at < stop && *at == ' ') at++;
  if (at == stop) return TL_ENOENT;
  bool word = false;
  if (tl_is_time_letter(*at)) {
    word = stop - at >= 3 && (memcmp(at, "UTC", 3) == 0 || memcmp(at, "GMT", 3) == 0);
    if (!word && (*at | 0x20) != 'z') return TL_ENOENT;
    at += word ? 3 : 1;
    if (at < stop && tl_is_time_letter(*at)) return TL_ENOENT;
    *end = at;
    if (!word || at == stop || (*at != '+' && *at != '-')) { /* UTC+01:00 goes on */
      *offset = 0;
      return TL_OK;
    }
  }
  bool minus = *at == '-';
  if ((!minus && *at != '+') || stop - at < 2 || !tl_is_digit(at[1]))
    return word ? TL_ESYNTAX : TL_ENOENT;
  if (minus && place < TL_ZONE_LONG_MINUS && !word) return TL_ENOENT;
  int rc = signed_offset(at, stop, !minus || word || place == TL_ZONE_ANY, offset, end);
  return rc == TL_ESYNTAX && minus && place == TL_ZONE_LONG_MINUS ? TL_ENOENT : rc;
}

/* --- from parts to a moment --- */

int tl_time_finish (tl_time_parts *r, const tl_zone *zone, int64_t *ms) {
  int32_t *v = r->part;
  if (r->half) { /* 12 AM is midnight */
    if (v[TL_STEP_HOUR] < 1 || v[TL_STEP_HOUR] > 12) return TL_ERANGE;
    v[TL_STEP_HOUR] = v[TL_STEP_HOUR] % 12 + (r->half == 2) * 12;
  }
  if (v[TL_STEP_YEAR] < 1 || v[TL_STEP_MONTH] < 1 || v[TL_STEP_MONTH] > 12 || v[TL_STEP_DAY] < 1 ||
      v[TL_STEP_DAY] > tl_civil_month_days(v[TL_STEP_YEAR], v[TL_STEP_MONTH]))
    return TL_ERANGE;
  bool midnight =
      v[TL_STEP_HOUR] == 24 && (v[TL_STEP_MINUTE] | v[TL_STEP_SECOND] | v[TL_STEP_MS]) == 0;
  bool leap = v[TL_STEP_SECOND] == 60 && v[TL_STEP_MINUTE] % 15 == 14;
  if ((v[TL_STEP_HOUR] > 23 && !midnight) || v[TL_STEP_MINUTE] > 59 ||
      (v[TL_STEP_SECOND] > 59 && !leap))
    return TL_ERANGE;
  int64_t local =
      tl_civil_days(v[TL_STEP_YEAR], v[TL_STEP_MONTH], v[TL_STEP_DAY]) * TL_DAY_SECONDS +
      (v[TL_STEP_HOUR] * 60 + v[TL_STEP_MINUTE]) * 60 + v[TL_STEP_SECOND];
  int64_t utc = local - r->offset;
  if (!r->has_offset && zone) {
    int rc =
        r->earlier ? tl_zone_to_utc_earlier(zone, local, &utc) : tl_zone_to_utc(zone, local, &utc);
    if (rc != TL_OK) return rc;
  }
  utc = utc * 1000 + v[TL_STEP_MS];
  if (utc < TL_TIME_MIN_MS || utc > TL_TIME_MAX_MS) return TL_ERANGE;
  *ms = utc;
  return TL_OK;
}

/* core/payload/timeread.c — reads times by compiled masks, and ISO 8601. Must not know whose
** they are, nor what time it is. */
#include <math.h>

#include "base/number.h"
#include "payload/civil.h"
#include "payload/document.h"
#include "payload/json_scan.h"
#include "payload/timemask_impl.h"

typedef struct {
  int32_t part[TL_COMPONENTS];
  bool has_offset, earlier; /* an offset was written; 'A' asked for the earlier of two */
  int half;                 /* 1 is AM, 2 PM; 0 where the mask has none */
  const uint8_t *weekday;   /* the word that was read over as one */
  int32_t offset;
} reading;

static inline bool is_digit (uint8_t c) { return (uint8_t)(c - '0') < 10; }

static inline bool is_letter (uint8_t c) { /* beyond ASCII too: names of weekdays */
  return (uint8_t)((c | 0x20) - 'a') < 26 || c >= 0x80;
}

static bool digits_at (const uint8_t *at, const uint8_t *end, int n, int32_t *out) {
  int32_t v = 0;
  if (end - at < n) return false;
  for (int i = 0; i < n; i++) {
    if (!is_digit(at[i])) return false;
    v = v * 10 + (at[i] - '0');
  }
  *out = v;
  return true;
}

/* --- a Z or an offset --- */

static int signed_offset (const uint8_t *at, const uint8_t *stop, bool short_too, int32_t *offset,
                          const uint8_t **end) {
  int32_t h, m = 0;
  const uint8_t *p = at + 3;
  if (!digits_at(at + 1, stop, 2, &h)) return TL_ESYNTAX;
  if (stop - p >= 2 && is_digit(*p)) {
    if (!digits_at(p, stop, 2, &m)) return TL_ESYNTAX;
    p += 2;
  } else if (stop - p >= 3 && *p == ':' && digits_at(p + 1, stop, 2, &m)) {
    p += 3;
  } else if (!short_too) {
    return TL_ENOENT;
  }
  if (p < stop && is_digit(*p)) return TL_ESYNTAX;
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
  if (is_letter(*at)) {
    word = stop - at >= 3 && (memcmp(at, "UTC", 3) == 0 || memcmp(at, "GMT", 3) == 0);
    if (!word && (*at | 0x20) != 'z') return TL_ENOENT;
    at += word ? 3 : 1;
    if (at < stop && is_letter(*at)) return TL_ENOENT;
    *end = at;
    if (!word || at == stop || (*at != '+' && *at != '-')) { /* UTC+01:00 goes on */
      *offset = 0;
      return TL_OK;
    }
  }
  bool minus = *at == '-';
  if ((!minus && *at != '+') || stop - at < 2 || !is_digit(at[1]))
    return word ? TL_ESYNTAX : TL_ENOENT;
  if (minus && place < TL_ZONE_LONG_MINUS && !word) return TL_ENOENT;
  int rc = signed_offset(at, stop, !minus || word || place == TL_ZONE_ANY, offset, end);
  return rc == TL_ESYNTAX && minus && place == TL_ZONE_LONG_MINUS ? TL_ENOENT : rc;
}

/* --- from components to a time --- */

static int finish (reading *r, const tl_zone *zone, int64_t *ms) {
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

/* The first three digits of a fraction; *at is moved behind all of it. */
static int32_t fraction (const uint8_t **at, const uint8_t *end) {
  static const int32_t scale[4] = { 0, 100, 10, 1 };
  int32_t v = 0;
  int n = 0;
  const uint8_t *p = *at;
  for (; p < end && is_digit(*p); p++) {
    if (n == 3) continue;
    v = v * 10 + (*p - '0');
    n++;
  }
  *at = p;
  return v * scale[n];
}

/* --- steps: each takes the text at `at` and returns what is behind it, or NULL when it cannot
** be read --- */

static inline const uint8_t *skip_to_digit (const tl_step *s, const uint8_t *at,
                                            const uint8_t *end) {
  for (; at < end && !is_digit(*at); at++)
    if (*at == '+' && !s->may_plus) return NULL; /* an offset where the mask has a component */
  return at;
}

static inline const uint8_t *read_digits (const tl_step *s, const uint8_t *at, const uint8_t *end,
                                          int32_t *out) {
  if (!s->joined && !(at = skip_to_digit(s, at, end))) return NULL;
  const uint8_t *start = at;
  int32_t v = 0;
  for (; at < end && is_digit(*at) && at - start < s->width; at++) v = v * 10 + (*at - '0');
  long n = at - start;
  bool whole = s->joined || s->more || s->width == 4;
  if (n == 0 || (whole && n != s->width) || (!s->more && at < end && is_digit(*at))) return NULL;
  *out = v;
  return at;
}

static const uint8_t *read_hour (const tl_step *s, const uint8_t *at, const uint8_t *end,
                                 reading *r) {
  const uint8_t *p = s->joined ? at : skip_to_digit(s, at, end);
  if (!p) return NULL;
  const uint8_t *prefix = NULL;
  if (s->joined)
    prefix = p;
  else if (p > at)
    prefix = p - 1;
  if (!prefix || prefix >= end || (*prefix != 'A' && *prefix != 'B'))
    return read_digits(s, at, end, &r->part[TL_STEP_HOUR]);
  p = prefix + 1;
  if (!digits_at(p, end, 1, &r->part[TL_STEP_HOUR])) return NULL;
  if (!s->more && digits_at(p, end, 2, &r->part[TL_STEP_HOUR]))
    return read_digits(s, at, end, &r->part[TL_STEP_HOUR]);
  r->earlier = *prefix == 'A';
  return p + 1;
}

static const uint8_t *read_year (const tl_step *s, const uint8_t *at, const uint8_t *end,
                                 int32_t *year) {
  at = read_digits(s, at, end, year);
  if (at && s->width == 2) *year += *year < 70 ? 2000 : 1900;
  return at;
}

static const uint8_t *read_ms (const tl_timemask *m, const tl_step *s, const uint8_t *at,
                               const uint8_t *end, int32_t *out) {
  const uint8_t *p = at;
  const uint8_t *literal = m->text + s->at - s->literal;
  if (end - p > s->literal && memcmp(p, literal, s->literal) == 0 && is_digit(p[s->literal]))
    p += s->literal;
  else if (!s->joined && end - p >= 2 && (*p == '.' || *p == ',' || *p == ':') && is_digit(p[1]))
    p++;
  else
    return s->more ? NULL : at;
  if (s->more) return digits_at(p, end, 3, out) ? p + 3 : NULL;
  *out = fraction(&p, end);
  return p;
}

static const uint8_t *read_weekday (const uint8_t *at, const uint8_t *end, reading *r) {
  while (at < end && !is_letter(*at) && !is_digit(*at)) at++;
  r->weekday = at;
  while (at < end && is_letter(*at)) at++;
  return at;
}

/* Digits of the mask, and repeated components: any run, or none where the text has no more. */
static const uint8_t *read_over (const tl_step *s, const uint8_t *at, const uint8_t *end) {
  if (!s->joined && !(at = skip_to_digit(s, at, end))) return NULL;
  const uint8_t *start = at;
  bool exact = s->joined || s->more;
  while (at < end && is_digit(*at) && !(s->more && at - start == s->width)) at++;
  return exact && at - start != s->width ? NULL : at;
}

/* Behind a time: what the mask does not have of it, ":44", ".546". */
static const uint8_t *skip_rest_of_time (const uint8_t *at, const uint8_t *end) {
  while (end - at >= 2 && (*at == '.' || *at == ',' || *at == ':') && is_digit(at[1])) {
    at++;
    while (at < end && is_digit(*at)) at++;
  }
  return at;
}

/* AM or PM, wherever the time's rest ends: "02:03:04.5 PM". */
static const uint8_t *read_half (const uint8_t *at, const uint8_t *end, int *half) {
  at = skip_rest_of_time(at, end);
  while (at < end && !is_letter(*at) && !is_digit(*at)) at++;
  *half = tl_half_of_day(at, end, &at);
  return *half ? at : NULL;
}

static const uint8_t *read_zone (const uint8_t *at, const uint8_t *end, int32_t *offset, int *rc) {
  at = skip_rest_of_time(at, end);
  while (at < end && !is_digit(*at)) {
    const uint8_t *behind;
    *rc = tl_zone_suffix(at, end, TL_ZONE_ANY, offset, &behind);
    if (*rc != TL_ENOENT) return *rc == TL_OK ? behind : NULL;
    if (!is_letter(*at))
      at++;
    else
      while (at < end && is_letter(*at)) at++;
  }
  *rc = TL_ESYNTAX;
  return NULL;
}

/* Behind the seconds, where the mask goes on with something else than a fraction: ".546". */
static const uint8_t *skip_fraction (const tl_timemask *m, const tl_step *s, const uint8_t *at,
                                     const uint8_t *end) {
  if (s->kind != TL_STEP_SECOND || end - at < 2 || (*at != '.' && *at != ',') || !is_digit(at[1]))
    return at;
  if (m->text[s->at + s->width] == *at) return at; /* the mask's own separator */
  for (at++; at < end && is_digit(*at); at++) {}
  return at;
}

/* Take an offset when there is one at `at`; *at moves behind it. */
static int take_suffix (const uint8_t *from, const uint8_t *end, tl_zone_place place, reading *r,
                        const uint8_t **at) {
  int rc = tl_zone_suffix(from, end, place, &r->offset, at);
  r->has_offset = rc == TL_OK;
  return rc == TL_ENOENT ? TL_OK : rc;
}

static int behind_last (const tl_timemask *m, const uint8_t *at, const uint8_t *end, reading *r) {
  const uint8_t *p = at;
  tl_zone_place place = m->time_last ? TL_ZONE_ANY : TL_ZONE_PLUS;
  if (m->time_last)
    p = skip_rest_of_time(p, end);
  else if (end - p >= 2 && ((*p | 0x20) == 't' || *p == ' ') && is_digit(p[1])) {
    /* a date, and the text goes on with a time */
    for (p++; p < end && is_digit(*p); p++) {}
    p = skip_rest_of_time(p, end);
    place = TL_ZONE_ANY;
  } else if (p < end && *p == ' ')
    place = TL_ZONE_ANY;
  return take_suffix(p, end, place, r, &p);
}

/* The shape that most texts have, "-10" or ":32": the same as read_digits would read, or NULL
** to let it decide. */
static inline const uint8_t *read_plain (const tl_step *s, const uint8_t *at, const uint8_t *end,
                                         int32_t *out) {
  if (end - at < s->literal + s->width) return NULL;
  if (s->literal == 1 && (is_digit(*at) || *at == '+')) return NULL;
  const uint8_t *p = at + s->literal;
  uint32_t v = 0;
  for (int i = 0; i < 4; i++) {
    if (i == s->width) break;
    uint32_t digit = (uint32_t)(p[i] - '0');
    if (digit > 9) return NULL;
    v = v * 10 + digit;
  }
  p += s->width;
  if (!s->more && p < end && is_digit(*p)) return NULL;
  *out = (int32_t)v;
  return p;
}

static inline const uint8_t *read_step (const tl_timemask *m, const tl_step *s, const uint8_t *at,
                                        const uint8_t *end, reading *r, int *rc) {
  int32_t ignored;
  int half;
  switch (s->kind) {
    case TL_STEP_WEEKDAY: return read_weekday(at, end, r);
    case TL_STEP_HALF: return read_half(at, end, s->ignored ? &half : &r->half);
    case TL_STEP_ZONE: {
      const uint8_t *behind = read_zone(at, end, s->ignored ? &ignored : &r->offset, rc);
      r->has_offset |= !s->ignored;
      return !behind && s->ignored ? at : behind;
    }
    case TL_STEP_MS: return read_ms(m, s, at, end, s->ignored ? &ignored : &r->part[TL_STEP_MS]);
    case TL_STEP_DIGITS: return read_over(s, at, end);
    default: break;
  }
  if (s->ignored) return read_over(s, at, end);
  if (s->kind == TL_STEP_HOUR) return read_hour(s, at, end, r);
  if (s->kind == TL_STEP_YEAR) return read_year(s, at, end, &r->part[TL_STEP_YEAR]);
  return read_digits(s, at, end, &r->part[s->kind]);
}

/* A word that was passed may say what time it is: never another than the one that is read. */
static int heed_words (const tl_timemask *m, tl_slice text, reading *r) {
  switch (tl_time_words_of(m, text, r->has_offset, r->weekday)) {
    case TL_WORDS_FOREIGN: return TL_ESYNTAX;
    case TL_WORDS_UTC:
      r->has_offset = true;
      r->offset = 0;
      return TL_OK;
    default: return TL_OK;
  }
}

static int read_tokens (const tl_timemask *m, const tl_zone *zone, tl_slice text, int64_t *ms) {
  reading r = { .part = { 1, 1, 1, 0, 0, 0, 0 } };
  const uint8_t *at = text.at, *end = text.at + text.len;
  bool passed = false; /* something that may hold words was */
  for (const tl_step *s = m->step, *last = s + m->steps; s < last; s++) {
    int rc = TL_ESYNTAX;
    const uint8_t *behind = s->plain ? read_plain(s, at, end, &r.part[s->kind]) : NULL;
    passed |= !behind && s->kind != TL_STEP_MS;
    at = behind ? behind : read_step(m, s, at, end, &r, &rc);
    if (!at) return rc;
    if (s->zone_after == TL_ZONE_NOT) continue;
    if ((rc = take_suffix(skip_fraction(m, s, at, end), end, (tl_zone_place)s->zone_after, &r,
                          &at)) != TL_OK)
      return rc;
  }
  if (!m->has_zone && !r.has_offset) {
    int rc = behind_last(m, at, end, &r);
    if (rc != TL_OK) return rc;
  }
  if (passed || end - at > 1) {
    int rc = heed_words(m, text, &r);
    if (rc != TL_OK) return rc;
  }
  return finish(&r, zone, ms);
}

/* --- ISO 8601 --- */

/* "hh", "hh:mi", "hh:mi:ss" with a fraction, or the same without colons. */
static const uint8_t *iso_time (const uint8_t *at, const uint8_t *end, reading *r) {
  if (!digits_at(at, end, 2, &r->part[TL_STEP_HOUR])) return NULL;
  at += 2;
  bool colons = at < end && *at == ':';
  for (int i = TL_STEP_MINUTE; i <= TL_STEP_SECOND; i++) {
    const uint8_t *p = at + (colons && at < end && *at == ':');
    if (p == end || !is_digit(*p) || (colons && p == at)) return colons && p != at ? NULL : at;
    if (!digits_at(p, end, 2, &r->part[i])) return NULL;
    at = p + 2;
  }
  if (at == end || (*at != '.' && *at != ',')) return at;
  if (++at == end || !is_digit(*at)) return NULL;
  r->part[TL_STEP_MS] = fraction(&at, end);
  return at;
}

static const uint8_t *iso_date (const uint8_t *at, const uint8_t *end, reading *r) {
  if (!digits_at(at, end, 4, &r->part[TL_STEP_YEAR])) return NULL;
  at += 4;
  int hyphen = at < end && *at == '-';
  for (int i = TL_STEP_MONTH; i <= TL_STEP_DAY; i++, at += 2) {
    if (hyphen && (at == end || *at++ != '-')) return NULL;
    if (!digits_at(at, end, 2, &r->part[i])) return NULL;
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

static int read_iso (const tl_zone *zone, tl_slice text, int64_t *ms) {
  reading r = { .part = { 1, 1, 1, 0, 0, 0, 0 } };
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
  return finish(&r, zone, ms);
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
  for (; at < end && is_digit(*at) && at - start < 15; at++) v = v * 10 + (*at - '0');
  if (at == start) return unix_slowly(text, decimals, ms);
  if (at < end && *at == '.' && end - at > 1) {
    for (at++; at < end && is_digit(*at); at++) {
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
  while (at < end && is_digit(*at)) at++;
  const uint8_t *point = at;
  if (at < end && *at == '.' && end - at > 1)
    for (at++; at < end && is_digit(*at);) at++;
  if (at < end || point == start) return unix_slowly(text, -drop, ms);
  while (start < point && *start == '0') start++;
  if (point - start > 15 + drop) return TL_ERANGE;
  int64_t v = 0;
  for (; point - start > drop; start++) v = v * 10 + (*start - '0');
  *ms = negative ? -v : v;
  return TL_OK;
}

static int read_unix (tl_slice text, int decimals, int64_t *ms) {
  int64_t v;
  text = trim(text);
  int rc = decimals < 0 ? unix_finer(text, -decimals, &v) : unix_ms(text, decimals, &v);
  if (rc != TL_OK) return rc;
  if (v < TL_TIME_MIN_MS || v > TL_TIME_MAX_MS) return TL_ERANGE;
  *ms = v;
  return TL_OK;
}

int tl_timemask_parse (const tl_timemask *m, const tl_zone *zone, tl_slice text, int64_t *ms) {
  switch (m->kind) {
    case TL_MASK_UNIX: return read_unix(text, 3, ms);
    case TL_MASK_UNIXMS: return read_unix(text, 0, ms);
    case TL_MASK_UNIXUS: return read_unix(text, -3, ms);
    case TL_MASK_UNIXNS: return read_unix(text, -6, ms);
    case TL_MASK_ISO8601: return read_iso(zone, text, ms);
    default: return read_tokens(m, zone, text, ms);
  }
}

int tl_time_iso_parse (tl_slice text, int64_t *ms) { return read_iso(NULL, text, ms); }

/* A time that says so itself, or a number or text by the mask. */
static TL_COLD int parse_binary (const tl_timemask *m, const tl_zone *zone, const tl_json_value *v,
                                 int64_t *ms) {
  tl_buf text;
  if (v->type == TL_DOC_TIME_TEXT || (v->type == TL_DOC_NUMBER && v->format & TL_DOC_TIME))
    return tl_doc_time_of(v, ms);
  if (v->type != TL_JSON_STRING && v->type != TL_DOC_BYTES && v->type != TL_DOC_NUMBER)
    return TL_ETYPE;
  tl_buf_init(&text);
  tl_slice plain = tl_doc_plain(v, &text);
  int rc = text.failed ? TL_ENOMEM : tl_timemask_parse(m, zone, plain, ms);
  tl_buf_fini(&text);
  return rc;
}

int tl_timemask_parse_json (const tl_timemask *m, const tl_zone *zone, const tl_json_value *v,
                            int64_t *ms) {
  if (v->type == TL_JSON_NUMBER || (v->type == TL_JSON_STRING && !v->escaped))
    return tl_timemask_parse(m, zone, v->raw, ms);
  if (v->format) return parse_binary(m, zone, v, ms);
  if (v->type != TL_JSON_STRING) return TL_ETYPE;
  tl_buf text; /* rare: 2026\/11\/22 */
  tl_buf_init(&text);
  tl_json_unescape(&text, v->raw);
  int rc = text.failed ? TL_ENOMEM : tl_timemask_parse(m, zone, tl_buf_bytes(&text), ms);
  tl_buf_fini(&text);
  return rc;
}

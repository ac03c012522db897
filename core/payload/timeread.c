/* core/payload/timeread.c — reads times by compiled masks. Must not know whose they are,
** nor what time it is. */
#include "payload/document.h"
#include "payload/json_scan.h"
#include "payload/timeread_impl.h"

/* --- steps: each takes the text at `at` and returns what is behind it, or NULL when it cannot
** be read --- */

static inline const uint8_t *skip_to_digit (const tl_step *s, const uint8_t *at,
                                            const uint8_t *end) {
  for (; at < end && !tl_is_digit(*at); at++)
    if (*at == '+' && !s->may_plus) return NULL; /* an offset where the mask has a component */
  return at;
}

static inline const uint8_t *read_digits (const tl_step *s, const uint8_t *at, const uint8_t *end,
                                          int32_t *out) {
  if (!s->joined && !(at = skip_to_digit(s, at, end))) return NULL;
  const uint8_t *start = at;
  int32_t v = 0;
  for (; at < end && tl_is_digit(*at) && at - start < s->width; at++) v = v * 10 + (*at - '0');
  long n = at - start;
  bool whole = s->joined || s->more || s->width == 4;
  if (n == 0 || (whole && n != s->width) || (!s->more && at < end && tl_is_digit(*at))) return NULL;
  *out = v;
  return at;
}

static const uint8_t *read_hour (const tl_step *s, const uint8_t *at, const uint8_t *end,
                                 tl_time_parts *r) {
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
  if (!tl_digits_at(p, end, 1, &r->part[TL_STEP_HOUR])) return NULL;
  if (!s->more && tl_digits_at(p, end, 2, &r->part[TL_STEP_HOUR]))
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
  if (end - p > s->literal && memcmp(p, literal, s->literal) == 0 && tl_is_digit(p[s->literal]))
    p += s->literal;
  else if (!s->joined && end - p >= 2 && (*p == '.' || *p == ',' || *p == ':') && tl_is_digit(p[1]))
    p++;
  else
    return s->more ? NULL : at;
  if (s->more) return tl_digits_at(p, end, 3, out) ? p + 3 : NULL;
  *out = tl_time_fraction(&p, end);
  return p;
}

static const uint8_t *read_weekday (const uint8_t *at, const uint8_t *end, tl_time_parts *r) {
  while (at < end && !tl_is_time_letter(*at) && !tl_is_digit(*at)) at++;
  r->weekday = at;
  while (at < end && tl_is_time_letter(*at)) at++;
  return at;
}

/* Digits of the mask, and repeated components: any run, or none where the text has no more. */
static const uint8_t *read_over (const tl_step *s, const uint8_t *at, const uint8_t *end) {
  if (!s->joined && !(at = skip_to_digit(s, at, end))) return NULL;
  const uint8_t *start = at;
  bool exact = s->joined || s->more;
  while (at < end && tl_is_digit(*at) && !(s->more && at - start == s->width)) at++;
  return exact && at - start != s->width ? NULL : at;
}

/* Behind a time: what the mask does not have of it, ":44", ".546". */
static const uint8_t *skip_rest_of_time (const uint8_t *at, const uint8_t *end) {
  while (end - at >= 2 && (*at == '.' || *at == ',' || *at == ':') && tl_is_digit(at[1])) {
    at++;
    while (at < end && tl_is_digit(*at)) at++;
  }
  return at;
}

/* AM or PM, wherever the time's rest ends: "02:03:04.5 PM". */
static const uint8_t *read_half (const uint8_t *at, const uint8_t *end, int *half) {
  at = skip_rest_of_time(at, end);
  while (at < end && !tl_is_time_letter(*at) && !tl_is_digit(*at)) at++;
  *half = tl_half_of_day(at, end, &at);
  return *half ? at : NULL;
}

static const uint8_t *read_zone (const uint8_t *at, const uint8_t *end, int32_t *offset, int *rc) {
  at = skip_rest_of_time(at, end);
  while (at < end && !tl_is_digit(*at)) {
    const uint8_t *behind;
    *rc = tl_zone_suffix(at, end, TL_ZONE_ANY, offset, &behind);
    if (*rc != TL_ENOENT) return *rc == TL_OK ? behind : NULL;
    if (!tl_is_time_letter(*at))
      at++;
    else
      while (at < end && tl_is_time_letter(*at)) at++;
  }
  *rc = TL_ESYNTAX;
  return NULL;
}

/* Behind the seconds, where the mask goes on with something else than a fraction: ".546". */
static const uint8_t *skip_fraction (const tl_timemask *m, const tl_step *s, const uint8_t *at,
                                     const uint8_t *end) {
  if (s->kind != TL_STEP_SECOND || end - at < 2 || (*at != '.' && *at != ',') ||
      !tl_is_digit(at[1]))
    return at;
  if (m->text[s->at + s->width] == *at) return at; /* the mask's own separator */
  for (at++; at < end && tl_is_digit(*at); at++) {}
  return at;
}

/* Take an offset when there is one at `at`; *at moves behind it. */
static int take_suffix (const uint8_t *from, const uint8_t *end, tl_zone_place place,
                        tl_time_parts *r, const uint8_t **at) {
  int rc = tl_zone_suffix(from, end, place, &r->offset, at);
  r->has_offset = rc == TL_OK;
  return rc == TL_ENOENT ? TL_OK : rc;
}

static int behind_last (const tl_timemask *m, const uint8_t *at, const uint8_t *end,
                        tl_time_parts *r) {
  const uint8_t *p = at;
  tl_zone_place place = m->time_last ? TL_ZONE_ANY : TL_ZONE_PLUS;
  if (m->time_last)
    p = skip_rest_of_time(p, end);
  else if (end - p >= 2 && ((*p | 0x20) == 't' || *p == ' ') && tl_is_digit(p[1])) {
    /* a date, and the text goes on with a time */
    for (p++; p < end && tl_is_digit(*p); p++) {}
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
  if (s->literal == 1 && (tl_is_digit(*at) || *at == '+')) return NULL;
  const uint8_t *p = at + s->literal;
  uint32_t v = 0;
  for (int i = 0; i < 4; i++) {
    if (i == s->width) break;
    uint32_t digit = (uint32_t)(p[i] - '0');
    if (digit > 9) return NULL;
    v = v * 10 + digit;
  }
  p += s->width;
  if (!s->more && p < end && tl_is_digit(*p)) return NULL;
  *out = (int32_t)v;
  return p;
}

static inline const uint8_t *read_step (const tl_timemask *m, const tl_step *s, const uint8_t *at,
                                        const uint8_t *end, tl_time_parts *r, int *rc) {
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

/* Check the words that were skipped: none of them may say another time than the one that was
** read. */
static int heed_words (const tl_timemask *m, tl_slice text, tl_time_parts *r) {
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
  tl_time_parts r = { .part = { 1, 1, 1, 0, 0, 0, 0 } };
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
  return tl_time_finish(&r, zone, ms);
}

int tl_timemask_parse (const tl_timemask *m, const tl_zone *zone, tl_slice text, int64_t *ms) {
  switch (m->kind) {
    case TL_MASK_UNIX: return tl_time_unix_read(text, 3, ms);
    case TL_MASK_UNIXMS: return tl_time_unix_read(text, 0, ms);
    case TL_MASK_UNIXUS: return tl_time_unix_read(text, -3, ms);
    case TL_MASK_UNIXNS: return tl_time_unix_read(text, -6, ms);
    case TL_MASK_ISO8601: return tl_time_iso_read(zone, text, ms);
    default: return read_tokens(m, zone, text, ms);
  }
}

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

/* core/payload/tzif.c — reads a TZif file (RFC 8536) with its footer, a POSIX TZ rule, into a
** zone. Must not know the file system: the file comes as bytes, and every one of them may be a
** lie. */
#include <assert.h>
#include <stdlib.h>

#include "payload/civil.h"
#include "payload/zone_impl.h"

enum { HEADER = 44, HOUR = 3600 };

/* Years that a rule is written out for: the cycle, and enough more that the cycle's first and
** last changes lie inside the table. */
enum { RULE_YEARS = 403, RULE_CHANGES = 2 * RULE_YEARS };

/* Rules are written out only for zones whose last change lies in years that the calendar
** arithmetic is good for. */
#define RULE_LIMIT (INT64_C(1) << 40)

/* --- the POSIX TZ rule: std offset [dst [offset] [,start[/time],end[/time]]] --- */

typedef struct {
  char kind; /* 'J': day 1..365 without 29 February; 'N': day 0..365; 'M': month, week, weekday */
  int32_t day, month, week;
  int32_t time; /* seconds after local midnight, -167 h … 167 h */
} change_rule;

typedef struct {
  bool has_dst;
  int32_t std, dst;       /* seconds east */
  change_rule start, end; /* of dst */
} tz_rule;

typedef struct {
  const uint8_t *at, *end;
} cursor;

static bool take (cursor *c, char what) {
  if (c->at == c->end || *c->at != (uint8_t)what) return false;
  c->at++;
  return true;
}

static bool is_digit (uint8_t c) { return c >= '0' && c <= '9'; }

static bool is_alpha (uint8_t c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }

static bool take_number (cursor *c, int32_t min, int32_t max, int32_t *out) {
  int32_t n = 0;
  const uint8_t *start = c->at;
  while (c->at != c->end && is_digit(*c->at) && c->at - start < 4) n = n * 10 + (*c->at++ - '0');
  if (c->at == start || n < min || n > max) return false;
  *out = n;
  return true;
}

static bool take_name (cursor *c) {
  const uint8_t *start = c->at;
  if (take(c, '<')) {
    while (c->at != c->end &&
           (is_alpha(*c->at) || is_digit(*c->at) || *c->at == '+' || *c->at == '-'))
      c->at++;
    return c->at - start > 1 && take(c, '>');
  }
  while (c->at != c->end && is_alpha(*c->at)) c->at++;
  return c->at - start >= 3;
}

static bool take_hms (cursor *c, int32_t max_hours, int32_t *out) {
  int32_t h, m = 0, s = 0;
  bool negative = take(c, '-');
  if (!negative) take(c, '+');
  if (!take_number(c, 0, max_hours, &h)) return false;
  if (take(c, ':')) {
    if (!take_number(c, 0, 59, &m)) return false;
    if (take(c, ':') && !take_number(c, 0, 59, &s)) return false;
  }
  int32_t sum = h * HOUR + m * 60 + s;
  *out = negative ? -sum : sum;
  return true;
}

static bool take_change (cursor *c, change_rule *r) {
  r->time = 2 * HOUR;
  if (!take(c, ',')) return false;
  bool ok;
  if (take(c, 'M')) {
    r->kind = 'M';
    ok = take_number(c, 1, 12, &r->month) && take(c, '.') && take_number(c, 1, 5, &r->week) &&
         take(c, '.') && take_number(c, 0, 6, &r->day);
  } else if (take(c, 'J')) {
    r->kind = 'J';
    ok = take_number(c, 1, 365, &r->day);
  } else {
    r->kind = 'N';
    ok = take_number(c, 0, 365, &r->day);
  }
  return ok && (!take(c, '/') || take_hms(c, 167, &r->time));
}

static bool rule_parse (cursor *c, tz_rule *r) {
  if (!take_name(c) || !take_hms(c, 24, &r->std)) return false;
  r->std = -r->std; /* POSIX counts west */
  r->has_dst = c->at != c->end;
  if (!r->has_dst) return true;
  if (!take_name(c)) return false;
  r->dst = r->std + HOUR;
  if (c->at != c->end && *c->at != ',') {
    if (!take_hms(c, 24, &r->dst)) return false;
    r->dst = -r->dst;
  }
  if (c->at == c->end) { /* POSIX leaves the default open; the C library's */
    r->start = (change_rule){ 'M', 0, 3, 2, 2 * HOUR };
    r->end = (change_rule){ 'M', 0, 11, 1, 2 * HOUR };
    return true;
  }
  return take_change(c, &r->start) && take_change(c, &r->end) && c->at == c->end;
}

/* Local seconds, as if UTC, of the change in that year. */
static int64_t change_in (const change_rule *r, int32_t year) {
  int64_t days = tl_civil_year_days(year) + r->day;
  if (r->kind == 'J') days += (tl_civil_leap(year) && r->day >= 60) - 1;
  if (r->kind == 'M') {
    int64_t first = tl_civil_days(year, r->month, 1);
    int32_t day = (r->day - tl_civil_weekday(first) + 7) % 7 + 7 * (r->week - 1);
    days = first + (day < tl_civil_month_days(year, r->month) ? day : day - 7);
  }
  return days * TL_DAY_SECONDS + r->time;
}

typedef struct {
  int64_t at;
  bool start;
} rule_change;

static int by_time (const void *left, const void *right) {
  const rule_change *a = left, *b = right;
  if (a->at != b->at) return a->at < b->at ? -1 : 1;
  /* a daylight saving time that ends at the moment when the next one starts does not end */
  return a->start - b->start;
}

static void zone_push (tl_zone *z, int64_t at, int32_t offset) {
  if (z->count > 0 && z->at[z->count - 1] == at) z->count--;
  if ((z->count > 0 ? z->offset[z->count - 1] : z->first) == offset) return;
  z->at[z->count] = at;
  z->offset[z->count++] = offset;
}

/* Write the rule's changes out behind the table's last. */
static int rule_apply (tl_zone *z, const tz_rule *r) {
  bool alone = z->count == 0;
  if (alone) z->first = r->std;
  if (!r->has_dst) return TL_OK;
  int64_t last = alone ? INT64_MIN : z->at[z->count - 1];
  if (last != INT64_MIN && (last > RULE_LIMIT || last < -RULE_LIMIT)) return TL_OK;
  int32_t year = alone ? 1969 : tl_civil_from_days(tl_floor_div(last, TL_DAY_SECONDS)).year - 1;
  rule_change *changes = malloc(RULE_CHANGES * sizeof *changes);
  if (!changes) return TL_ENOMEM;
  for (int32_t i = 0; i < RULE_YEARS; i++) {
    changes[2 * i] = (rule_change){ change_in(&r->start, year + i) - r->std, true };
    changes[2 * i + 1] = (rule_change){ change_in(&r->end, year + i) - r->dst, false };
  }
  qsort(changes, RULE_CHANGES, sizeof *changes, by_time);
  size_t before = z->count;
  for (size_t i = 0; i < RULE_CHANGES; i++)
    if (changes[i].at > last) zone_push(z, changes[i].at, changes[i].start ? r->dst : r->std);
  free(changes);
  bool whole =
      z->count - before > RULE_YEARS && z->at[z->count - 1] - TL_ZONE_CYCLE >= z->at[before];
  z->repeats_after = whole;
  z->repeats_before = whole && alone;
  if (!whole) { /* dst all the year round; its only end is where the years written out end */
    if (z->count > before && z->offset[z->count - 1] == r->std) z->count--;
    if (alone) {
      z->first = r->dst;
      z->count = 0;
    }
  }
  return TL_OK;
}

/* --- the file --- */

static uint32_t u32 (const uint8_t *at) {
  return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static int64_t i64 (const uint8_t *at) { return (int64_t)((uint64_t)u32(at) << 32 | u32(at + 4)); }

typedef struct {
  uint8_t version;
  uint32_t utc, std, leaps, times, types, chars;
} counts;

static int header_read (tl_slice file, size_t at, counts *n, tl_err *err) {
  if (file.len - at < HEADER)
    return tl_fail(err, TL_EMALFORMED, file.len, "the time zone file ends in a header");
  const uint8_t *h = file.at + at;
  if (memcmp(h, "TZif", 4) != 0)
    return tl_fail(err, TL_EMALFORMED, at, "not a time zone file (no TZif here)");
  *n = (counts){
    h[4], u32(h + 20), u32(h + 24), u32(h + 28), u32(h + 32), u32(h + 36), u32(h + 40)
  };
  if (n->types == 0 || n->chars == 0)
    return tl_fail(err, TL_EMALFORMED, at + 36, "a time zone file without types or names");
  if ((n->utc != 0 && n->utc != n->types) || (n->std != 0 && n->std != n->types))
    return tl_fail(err, TL_EMALFORMED, at + 20,
                   "indicators of the time zone file do not fit its types");
  return TL_OK;
}

/* Bytes of the data block behind a header; sums of 32-bit counts times small sizes fit 64 bits
** with room. */
static uint64_t data_size (const counts *n, unsigned width) {
  return (uint64_t)n->times * (width + 1) + (uint64_t)n->types * 6 + n->chars +
         (uint64_t)n->leaps * (width + 4) + n->std + n->utc;
}

/* The data block at `at`, whose size is checked. */
static int table_read (tl_zone *z, const counts *n, tl_slice file, size_t at, unsigned width,
                       tl_err *err) {
  const uint8_t *time = file.at + at, *index = time + (size_t)n->times * width,
                *type = index + n->times;
  for (uint32_t i = 0; i < n->types; i++) {
    int32_t offset = (int32_t)u32(type + 6 * i);
    if (offset < TL_ZONE_OFFSET_MIN || offset > TL_ZONE_OFFSET_MAX)
      return tl_fail(err, TL_EMALFORMED, (size_t)(type + 6 * i - file.at),
                     "a time zone offset of %ld s", (long)offset);
  }
  z->first = (int32_t)u32(type);
  for (uint32_t i = 0; i < n->times; i++) {
    int64_t when = width == 8 ? i64(time + 8 * (size_t)i) : (int32_t)u32(time + 4 * (size_t)i);
    if (i > 0 && when <= z->at[i - 1])
      return tl_fail(err, TL_EMALFORMED, at + (size_t)i * width,
                     "changes of the time zone are not in order");
    if (index[i] >= n->types)
      return tl_fail(err, TL_EMALFORMED, (size_t)(index + i - file.at),
                     "a change of the time zone to a type it does not have");
    z->at[i] = when;
    z->offset[i] = (int32_t)u32(type + 6 * (size_t)index[i]);
  }
  z->count = n->times;
  return TL_OK;
}

/* "\n", the rule or nothing, "\n". */
static int footer_read (tl_slice file, size_t at, tz_rule *rule, bool *there, tl_err *err) {
  const uint8_t *from = file.at + at;
  const uint8_t *to =
      at < file.len && *from == '\n' ? memchr(from + 1, '\n', file.len - at - 1) : NULL;
  if (!to) return tl_fail(err, TL_EMALFORMED, at, "the time zone file has no footer");
  cursor c = { from + 1, to };
  *there = c.at != c.end;
  if (*there && !rule_parse(&c, rule))
    return tl_fail(err, TL_EMALFORMED, (size_t)(c.at - file.at),
                   "the footer of the time zone file is no POSIX rule");
  return TL_OK;
}

int tl_zone_tzif (tl_zone **out, tl_slice file, tl_err *err) {
  counts n;
  size_t at = 0;
  unsigned width = 4;
  int rc = header_read(file, 0, &n, err);
  if (rc != TL_OK) return rc;
  bool modern = n.version >= '2';
  if (modern) { /* the first block is for readers of 1987: skip it */
    if (data_size(&n, 4) > file.len - HEADER)
      return tl_fail(err, TL_EMALFORMED, file.len, "the time zone file ends in its data");
    at = HEADER + (size_t)data_size(&n, 4);
    width = 8;
    if ((rc = header_read(file, at, &n, err)) != TL_OK) return rc;
  }
  at += HEADER;
  if (data_size(&n, width) > file.len - at)
    return tl_fail(err, TL_EMALFORMED, file.len, "the time zone file ends in its data");
  if (n.leaps > 0)
    return tl_fail(err, TL_ETYPE, at, "a time zone that counts leap seconds is not supported");
  tz_rule rule;
  bool ruled = false;
  if (modern &&
      (rc = footer_read(file, at + (size_t)data_size(&n, width), &rule, &ruled, err)) != TL_OK)
    return rc;
  tl_zone *z;
  if ((rc = tl_zone_alloc(&z, n.times + (size_t)RULE_CHANGES)) != TL_OK)
    return tl_fail(err, rc, 0, "no memory for a time zone");
  rc = table_read(z, &n, file, at, width, err);
  if (rc == TL_OK && ruled && (rc = rule_apply(z, &rule)) != TL_OK)
    tl_fail(err, rc, 0, "no memory for a time zone");
  if (rc == TL_OK)
    *out = z;
  else
    tl_zone_free(z);
  return rc;
}

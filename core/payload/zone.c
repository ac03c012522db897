/* core/payload/zone.c — from UTC to local time and back. Must not know where zones come from,
** nor what a date is. */
#include "payload/timemask.h"

#include <stdlib.h>

#include "payload/zone_impl.h"

/* Beyond this (a thousand million years) a second is as good as any other, and sums of it
** cannot overflow. */
#define FAR (INT64_C(1) << 55)

enum { REACH = 26 * 3600 }; /* no offset is larger */

typedef struct {
  int64_t from, to; /* UTC seconds [from, to) */
  int32_t offset;
} span;

static const tl_zone utc = { .name = "UTC" };

const tl_zone *tl_zone_utc (void) { return &utc; }

int tl_zone_alloc (tl_zone **out, size_t capacity) {
  if (capacity > SIZE_MAX / 32) return TL_ENOMEM;
  tl_zone *z = calloc(1, sizeof *z + capacity * (sizeof *z->at + sizeof *z->offset));
  if (!z) return TL_ENOMEM;
  z->at = (int64_t *)(void *)(z + 1);
  z->offset = (int32_t *)(void *)(z->at + capacity);
  *out = z;
  return TL_OK;
}

int tl_zone_fixed (tl_zone **out, int32_t seconds_east) {
  if (seconds_east < TL_ZONE_OFFSET_MIN || seconds_east > TL_ZONE_OFFSET_MAX) return TL_ERANGE;
  tl_zone *z;
  int rc = tl_zone_alloc(&z, 0);
  if (rc != TL_OK) return rc;
  z->first = seconds_east;
  *out = z;
  return TL_OK;
}

void tl_zone_set_name (tl_zone *z, tl_slice name) {
  size_t n = name.len < TL_ZONE_NAME ? name.len : TL_ZONE_NAME;
  if (n > 0) memcpy(z->name, name.at, n);
  z->name[n] = 0;
}

const char *tl_zone_name (const tl_zone *z) { return z->name; }

void tl_zone_free (tl_zone *z) {
  if (z != &utc) free(z);
}

static bool two_digits (const uint8_t *at, int32_t max, int32_t *out) {
  if (at[0] < '0' || at[0] > '9' || at[1] < '0' || at[1] > '9') return false;
  *out = (at[0] - '0') * 10 + at[1] - '0';
  return *out <= max;
}

int tl_zone_offset_parse (tl_slice text, int32_t *seconds_east) {
  const uint8_t *at = text.at;
  int32_t h, m = 0, s = 0;
  if (text.len < 3 || (at[0] != '+' && at[0] != '-') || !two_digits(at + 1, 23, &h))
    return TL_ESYNTAX;
  bool ok = text.len == 3 || (text.len == 5 && two_digits(at + 3, 59, &m)) ||
            (text.len == 6 && at[3] == ':' && two_digits(at + 4, 59, &m)) ||
            (text.len == 9 && at[3] == ':' && at[6] == ':' && two_digits(at + 4, 59, &m) &&
             two_digits(at + 7, 59, &s));
  if (!ok) return TL_ESYNTAX;
  int32_t offset = h * 3600 + m * 60 + s;
  *seconds_east = at[0] == '-' ? -offset : offset;
  return TL_OK;
}

/* The number of changes at or before `when`. */
static size_t changes_until (const tl_zone *z, int64_t when) {
  const int64_t *base = z->at;
  size_t n = z->count;
  while (n > 1) { /* without a branch to mispredict */
    size_t half = n / 2;
    base = base[half] <= when ? base + half : base;
    n -= half;
  }
  return (size_t)(base - z->at) + (n == 1 && *base <= when);
}

static span span_at (const tl_zone *z, int64_t when) {
  span s = { INT64_MIN, INT64_MAX, z->first };
  if (z->count == 0) return s;
  int64_t shift = 0, last = z->at[z->count - 1];
  if (z->repeats_after && when >= last)
    shift = ((when - last) / TL_ZONE_CYCLE + 1) * TL_ZONE_CYCLE;
  else if (z->repeats_before && when < z->at[0])
    shift = -((z->at[0] - when) / TL_ZONE_CYCLE + 1) * TL_ZONE_CYCLE;
  size_t i = changes_until(z, when - shift);
  if (i > 0) {
    s.from = z->at[i - 1] + shift;
    s.offset = z->offset[i - 1];
  }
  if (i < z->count) s.to = z->at[i] + shift;
  return s;
}

static int64_t not_far (int64_t seconds) {
  if (seconds > FAR) return FAR;
  if (seconds < -FAR) return -FAR;
  return seconds;
}

int32_t tl_zone_offset (const tl_zone *z, int64_t utc_seconds) {
  return z->count == 0 ? z->first : span_at(z, not_far(utc_seconds)).offset;
}

/* Every span of one offset that could hold the local time is tried, from the latest to the
** earliest. */
static int to_utc (const tl_zone *z, int64_t local, bool earlier, int64_t *out) {
  local = not_far(local);
  bool found = false;
  for (int64_t when = local + REACH;;) {
    span s = span_at(z, when);
    int64_t candidate = local - s.offset;
    if (candidate >= s.from && candidate < s.to) {
      *out = candidate;
      found = true;
      if (!earlier) return TL_OK;
    }
    if (s.from <= local - REACH) return found ? TL_OK : TL_ENOENT;
    when = s.from - 1;
  }
}

int tl_zone_to_utc (const tl_zone *z, int64_t local_seconds, int64_t *utc_seconds) {
  if (z->count != 0) return to_utc(z, local_seconds, false, utc_seconds);
  *utc_seconds = not_far(local_seconds) - z->first;
  return TL_OK;
}

int tl_zone_to_utc_earlier (const tl_zone *z, int64_t local_seconds, int64_t *utc_seconds) {
  return to_utc(z, local_seconds, true, utc_seconds);
}

/* core/payload/timeread_impl.h — private to payload/: what readers of times share. */
#ifndef TL_PAYLOAD_TIMEREAD_IMPL_H
#define TL_PAYLOAD_TIMEREAD_IMPL_H

#include "payload/timemask_impl.h"

/* A time as its text has it. */
typedef struct {
  int32_t part[TL_COMPONENTS];
  bool has_offset, earlier; /* an offset was written; 'A' asked for the earlier of two */
  int half;                 /* 1 is AM, 2 PM; 0 where the mask has none */
  const uint8_t *weekday;   /* the word that was read over as one */
  int32_t offset;
} tl_time_parts;

static inline bool tl_is_digit (uint8_t c) { return (uint8_t)(c - '0') < 10; }

static inline bool tl_is_time_letter (uint8_t c) { /* beyond ASCII too: names of weekdays */
  return (uint8_t)((c | 0x20) - 'a') < 26 || c >= 0x80;
}

/* timeparts.c */
/* Exactly n digits at `at`. */
bool tl_digits_at (const uint8_t *at, const uint8_t *end, int n, int32_t *out);
/* The first three digits of a fraction; *at is moved behind all of it. */
int32_t tl_time_fraction (const uint8_t **at, const uint8_t *end);
/* The moment that the parts mean; without an offset of their own, in `zone` (NULL: UTC).
** TL_OK, TL_ERANGE; TL_ENOENT as tl_zone_to_utc() has it. */
int tl_time_finish (tl_time_parts *r, const tl_zone *zone, int64_t *ms);

/* timeplain.c */
/* A text of ISO 8601; TL_OK, TL_ESYNTAX, or as tl_time_finish(). */
int tl_time_iso_read (const tl_zone *zone, tl_slice text, int64_t *ms);
/* A number since 1970. decimals 3: seconds; 0: ms; -3: µs; -6: ns. TL_OK, TL_ESYNTAX, TL_ERANGE. */
int tl_time_unix_read (tl_slice text, int decimals, int64_t *ms);

#endif

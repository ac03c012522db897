/* core/payload/zone_impl.h — what zone.c (look-up) and tzif.c (reading a file) share of a
** zone. Nobody else includes it. */
#ifndef TL_PAYLOAD_ZONE_IMPL_H
#define TL_PAYLOAD_ZONE_IMPL_H

#include "payload/timemask.h"

/* The Gregorian calendar repeats itself, weekdays included, after 400 years: a rule's changes
** written out once for that long are a rule for ever. */
#define TL_ZONE_CYCLE (INT64_C(146097) * 86400)

/* RFC 8536 section 3.2: -25 h … 26 h, both ends excluded */
enum { TL_ZONE_OFFSET_MIN = -89999, TL_ZONE_OFFSET_MAX = 93599 };

enum { TL_ZONE_NAME = 47 };

/* Change i happens at UTC second at[i] (ascending); from there on local time is offset[i] ahead
** of UTC. */
struct tl_zone {
  int64_t *at;
  int32_t *offset;
  size_t count;
  int32_t first;      /* offset before at[0] */
  bool repeats_after; /* behind the last change, the last TL_ZONE_CYCLE of the table goes on */
  char name[TL_ZONE_NAME + 1]; /* "" for none */
  /* before the first change, the first TL_ZONE_CYCLE of the table went before */
  bool repeats_before;
};

/* A zone with room for `capacity` changes, none in it. TL_OK or TL_ENOMEM. */
int tl_zone_alloc (tl_zone **out, size_t capacity);

#endif

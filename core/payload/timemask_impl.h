/* core/payload/timemask_impl.h — private to payload/: a compiled mask, as timemask.c
** (compile, write) and timeread.c (read) share it. */
#ifndef TL_PAYLOAD_TIMEMASK_IMPL_H
#define TL_PAYLOAD_TIMEMASK_IMPL_H

#include "payload/timemask.h"

typedef enum {
  TL_MASK_TOKENS,
  TL_MASK_UNIX,
  TL_MASK_UNIXMS,
  TL_MASK_UNIXUS,
  TL_MASK_UNIXNS,
  TL_MASK_ISO8601
} tl_mask_kind;

/* The first seven index the components while a text is read, from coarse to fine. */
typedef enum {
  TL_STEP_YEAR,
  TL_STEP_MONTH,
  TL_STEP_DAY,
  TL_STEP_HOUR,
  TL_STEP_MINUTE,
  TL_STEP_SECOND,
  TL_STEP_MS,
  TL_STEP_HALF,
  TL_STEP_WEEKDAY,
  TL_STEP_ZONE,
  TL_STEP_DIGITS,
  TL_STEP_COUNT
} tl_step_kind;
enum { TL_COMPONENTS = TL_STEP_MS + 1 };

typedef struct {
  uint8_t kind;    /* tl_step_kind; DIGITS are digits that stand in the mask */
  uint8_t width;   /* letters of the token */
  uint8_t at;      /* where it starts in the mask */
  uint8_t literal; /* bytes of literal text in front of it */
  bool ignored;    /* a repeated component: skipped */
  bool joined;     /* it touches the digits before it … */
  /* … or those behind it; in both cases it has exactly as many digits as letters */
  bool more;
  /* four digits of a year or two of something, at most one byte before them: worth trying first */
  bool plain;
  bool may_plus; /* there is a '+' in its literal, so one in the text is no offset */
  /* tl_zone_place: may a Z or an offset stand behind it, though the mask goes on? */
  uint8_t zone_after;
} tl_step;

/* What counts as an offset: a '-' may be just a separator. */
typedef enum { TL_ZONE_NOT, TL_ZONE_PLUS, TL_ZONE_LONG_MINUS, TL_ZONE_ANY } tl_zone_place;

enum { TL_MASK_LENGTH = 255, TL_MASK_STEPS = 48 };

struct tl_timemask {
  uint8_t kind; /* tl_mask_kind */
  uint8_t steps, length;
  bool has_zone;     /* a ZZZ token */
  bool has_half;     /* an ap token: hh counts to 12 */
  bool time_last;    /* the last step is a part of the time */
  bool literal_zone; /* a Z or an offset stands in the mask as literal text behind the time */
  int32_t literal_offset;
  tl_step step[TL_MASK_STEPS];
  uint8_t text[TL_MASK_LENGTH];
};

/* timeparts.c: the Z (or UTC, GMT) or offset at `at`, blanks before it allowed. TL_OK and *end
** behind it; TL_ENOENT when there is none; TL_ESYNTAX for a sign and digits that are no offset,
** TL_ERANGE for one of 24 hours or more. */
int tl_zone_suffix (const uint8_t *at, const uint8_t *stop, tl_zone_place place, int32_t *offset,
                    const uint8_t **end);

/* AM, PM, a.m., p.m. in any case at `at`, not followed by a letter: 1 or 2 and *end behind it;
** 0: there is none. */
int tl_half_of_day (const uint8_t *at, const uint8_t *stop, const uint8_t **end);

typedef enum { TL_WORDS_FINE, TL_WORDS_UTC, TL_WORDS_FOREIGN } tl_time_words;

/* What the words in a text that was read say of the time (timeword.c): FOREIGN for AM or PM
** without an `ap` in the mask, and for the name of a zone where no offset was read; UTC where
** that is the only zone named. `weekday`: the word that a weekday token took, or NULL. */
tl_time_words tl_time_words_of (const tl_timemask *m, tl_slice text, bool has_offset,
                                const uint8_t *weekday);

#endif

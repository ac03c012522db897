/* core/history/aggregate.h — values of intervals out of rows in the order of time. Pure. */
#ifndef TL_HISTORY_AGGREGATE_H
#define TL_HISTORY_AGGREGATE_H

#include "history/history.h"

typedef enum {
  TL_AS_AVG,      /* over samples */
  TL_AS_TIME_AVG, /* a value holds until the next; invalid time does not count */
  TL_AS_MIN,
  TL_AS_MAX,
  TL_AS_FIRST,
  TL_AS_LAST,
  TL_AS_COUNT_OF, /* of valid samples, also of texts, which have no other one but `good` */
  TL_AS_SUM,
  TL_AS_GOOD, /* the share of the interval with a valid value, 0 to 1 */
  TL_AS_COUNT
} tl_as;

bool tl_as_from_name (tl_slice name, tl_as *out); /* "avg" "time_avg" … "good" */
const char *tl_as_name (tl_as as);

/* Samples of one interval by themselves. Those of integers keep all 64 bits. */
typedef struct {
  int64_t min, max, first, last;
} tl_whole;

/* One interval. */
typedef struct {
  int64_t time_ms; /* its begin */
  uint16_t has;    /* 1 << tl_as: is there one? */
  bool is_whole;   /* all samples are integers: `whole` has those of tl_whole, too */
  uint8_t type;    /* tl_type of the newest row by its end */
  double value[TL_AS_COUNT];
  tl_whole whole;
} tl_interval;

/* From this moment on a zone is so far east of UTC. */
typedef struct {
  int64_t from_ms, offset_ms;
} tl_shift;

typedef struct {
  int64_t every_ms, offset_ms; /* intervals begin at multiples of every, less offset, since 1970 */
  const tl_shift *shifts;      /* by time; in place of offset_ms from the first one on */
  size_t shift_count;
  int64_t from_ms, to_ms;                       /* what is held is counted up to to_ms */
  uint16_t as;                                  /* 1 << tl_as: those that are wanted */
  uint8_t type;                                 /* tl_type of the tag, until a row comes */
  bool (*row)(void *ctx, const tl_interval *i); /* false: stop */
  void *ctx;
  /* inside */
  int64_t begin, end, at; /* of the interval; up to where it is summed */
  bool open, holds, holds_number, is_whole, stopped, keeps_length;
  double held;
  double sum, area, min, max, first, last;
  tl_whole whole;
  uint64_t count, numbers; /* valid samples, and those that are no texts */
  int64_t good_ms, number_ms;
} tl_aggregate;

/* Set the first members, all else zero, then init(); rows in order; end(). */
void tl_aggregate_init (tl_aggregate *a);
bool tl_aggregate_row (tl_aggregate *a, const tl_history_row *row); /* false: stop */
void tl_aggregate_end (tl_aggregate *a);

#endif

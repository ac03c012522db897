/* core/spool/times.h — of which times the values of a segment are. It is written behind the
** segment's last batch, so that what is dropped later can be told by the times of its values,
** without a look at them. Programs that do not know of it pass it over.
** Reads and writes files; keeps no state. */
#ifndef TL_SPOOL_TIMES_H
#define TL_SPOOL_TIMES_H

#include "spool/reader.h"
#include "spool/segment.h"

/* An outlet may have had the first of a segment's values: each part has times of its own. */
enum { TL_TIMES_PARTS = 16, TL_TIMES_BYTES = TL_BATCH_HEAD + 24 + 24 * TL_TIMES_PARTS };

typedef struct {
  uint64_t first;         /* the number of its first value; it ends where the next part begins */
  int64_t from_ms, to_ms; /* of its earliest and latest value; from > to: none has a time */
} tl_times_part;

/* The segment's values have the numbers below `ended`, and `lost` more were left out behind them.
** Numbers behind these are of no value (tl_spool_raise). */
typedef struct {
  uint64_t ended, lost;
  uint32_t count;
  tl_times_part parts[TL_TIMES_PARTS];
} tl_times;

/* What values from `first` on have. They are a part of their own if there are fewer than `most`
** (at most TL_TIMES_PARTS), else the last part takes them. */
void tl_times_add (tl_times *t, uint32_t most, const tl_times_part *part);
/* What of the numbers from..to - 1 are values of this segment. */
tl_spool_lost tl_times_of (const tl_times *t, uint64_t from, uint64_t to);

/* Write them at this place of a segment's file. True: it has TL_TIMES_BYTES more. */
bool tl_times_write (int fd, uint64_t at, const tl_times *t, int64_t wall);
/* Read them from the end of a segment's file. False: there are none. */
bool tl_times_read (int fd, tl_times *out);
/* The same of a segment whose numbers are `first` to `until` - 1. Where it has none, its values
** count as of the time between the making of the file and the last write. */
void tl_times_look (int folder, uint64_t first, uint64_t until, tl_times *out);
/* Those of a segment's values, read one by one. False: they cannot be read. */
bool tl_times_gather (const tl_spool_place *segment, tl_times *out);

#endif

/* core/history/query_job.h — one question to a history and its answer, in memory: for a thread of
** the pool, or a command. */
#ifndef TL_HISTORY_QUERY_JOB_H
#define TL_HISTORY_QUERY_JOB_H

#include <stdatomic.h>

#include "base/buf.h"
#include "history/aggregate.h"

enum { TL_QUERY_ROWS = 1000000 }; /* that one answer holds, where nobody says less */

typedef struct {
  tl_buf path, tag; /* NUL-terminated; owned, as all that follows */
  int64_t from_ms, to_ms, now_ms;
  bool from_local, to_local; /* they are times of a zone, until it is known which moments */
  int64_t span_ms;           /* then `from` lies so long before `to`; 0: it is given */
  uint64_t limit;            /* rows or intervals, the newest; 0: as many as may be */
  uint64_t most;             /* rows or intervals that it may hold: tl_query_init() says so many */
  size_t most_bytes;         /* that it may take; 0: as many as there are */
  atomic_bool stop;          /* set by another thread: nobody waits for the answer any more */
  int64_t every_ms, offset_ms; /* every 0: rows as they are */
  uint16_t as;
  bool wants_unit;
  bool tells_type; /* rows of another type than this one name theirs, to Lua */
  uint8_t type;    /* tl_type */
  /* of tl_shift: when the offset of the zone changes in which intervals begin; may be empty */
  tl_buf shifts;
  /* the answer */
  tl_buf rows;  /* of tl_history_row, or of tl_interval */
  tl_buf texts; /* of rows: their slices hold offsets until tl_query_row() */
  tl_buf unit;  /* of the tag, where it is wanted */
  size_t count;
  uint64_t left_out;  /* older ones, by the limit */
  int64_t left_to_ms; /* then they are read with this `to` (those of one ms may come twice) */
  bool has_text, has_number; /* among the valid values of the intervals */
  int rc;
  tl_err err;
} tl_query;

void tl_query_init (tl_query *q);
void tl_query_fini (tl_query *q);
bool tl_query_is_too_fine (const tl_query *q); /* every > 0: more intervals than it may hold */
void tl_query_run (tl_query *q);
tl_history_row tl_query_row (const tl_query *q, size_t i);
size_t tl_query_bytes (const tl_query *q); /* of the answer */
const tl_interval *tl_query_interval (const tl_query *q, size_t i);

#endif

/* core/outlet/span.h — which values of a history stand together, so that they can go together.
** Pure. */
#ifndef TL_OUTLET_SPAN_H
#define TL_OUTLET_SPAN_H

#include "base/slice.h"

/* The day, week (from Monday) or month, UTC, of a time in ms since 1970: a day while at most a year
** is kept, a week up to five years, else (0: for ever) a month. All begin at midnight, so that a
** day that is in no span lies in none in part. */
void tl_outlet_span (int64_t keep_ms, int64_t time_ms, int64_t *from, int64_t *to);
/* The day alone. */
void tl_outlet_day (int64_t time_ms, int64_t *from, int64_t *to);

#endif

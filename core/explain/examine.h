/* core/explain/examine.h — what the last messages of a line show to be wrong, for status(). */
#ifndef TL_EXPLAIN_EXAMINE_H
#define TL_EXPLAIN_EXAMINE_H

#include "gateway/gateway.h"

/* Append a JSON list of what is found in the newest recorded messages, the newest of each station
** first; nothing where the line records none. `wall`: now, ms since 1970. Objects by `kind`:
**   time      station value behind [swapped|fits] [epoch] [zone]: its values' time is more than
**             a day before (behind, seconds) or ten minutes after its arrival, or (zone) half
**             hours off; swapped and fits name the mask that would make it today
**   mask      station [tag] raw field mask [fits] [gap]: a time that its mask does not read; gap:
**             a local time that does not exist in this zone
**   no_time   station field: messages without their time field
**   gzip      station raw: a compressed payload where JSON is expected; raw: how
**   format    station raw wanted: a payload of another format (raw: "CBOR" "XML" …) than `wanted`
**   rounded saturated   station tag raw value [integer]: a number that the tag does not hold
**   retained  station seconds: its last message was a retained one
**   doubled   topic filters[]: one message came twice, as several topic filters take it; once for
**             each topic, a few of them
** TL_OK or TL_ENOMEM. */
int tl_examine (tl_link *l, int64_t wall, tl_buf *out);

/* What is known of the times of a station without its messages, for one whose last message is not
** recorded any more: append one object `mask` (without raw), `no_time` or `time`, or nothing and
** return false. `arrival`: of its last message. Of `time` only what is true of all its values: a
** message may have left some as they were. */
bool tl_examine_station (tl_link *l, const tl_station *s, int64_t arrival, tl_buf *out);

#endif

/* core/payload/timemask.h — time masks (yyyy-mm-dd hh:mi:ss.mss, UNIX, UNIXMS, ISO8601) and time zones. Pure: zone data comes as bytes. */
#ifndef TL_PAYLOAD_TIMEMASK_H
#define TL_PAYLOAD_TIMEMASK_H

#include "base/buf.h"
#include "payload/json.h"

/* A time zone: fixed offset, or the rules of a TZif file (RFC 8536) with its POSIX footer. Immutable. */
typedef struct tl_zone tl_zone;
const tl_zone *tl_zone_utc (void); /* static; freeing it is harmless */
int tl_zone_fixed (tl_zone **out, int32_t seconds_east);
int tl_zone_tzif (tl_zone **out, tl_slice file, tl_err *err);
/* "+01:00", "-0530", "+02": the fixed offset in a text. TL_OK or TL_ESYNTAX. */
int tl_zone_offset_parse (tl_slice text, int32_t *seconds_east);
void tl_zone_free (tl_zone *z);
int32_t tl_zone_offset (const tl_zone *z, int64_t utc_seconds); /* seconds east of UTC then */
/* Local civil seconds (as if UTC) to UTC. A time that does not exist: TL_ENOENT; an ambiguous one is the later. */
int tl_zone_to_utc (const tl_zone *z, int64_t local_seconds, int64_t *utc_seconds);

typedef struct tl_timemask tl_timemask;
/* Compile a mask. TL_ESYNTAX for no token at all, `hb` and `HH` (trading hours), UNIX mixed with other tokens. Immutable. */
int tl_timemask_new (tl_timemask **out, tl_slice mask, tl_err *err);
void tl_timemask_free (tl_timemask *m);
/* Read a text; `zone` counts when the text carries no offset of its own. *ms: milliseconds since 1970 UTC.
** TL_OK, TL_ESYNTAX (unreadable), TL_ERANGE (a field out of range, a date that does not exist), TL_ENOENT (a local time that does not exist). */
int tl_timemask_parse (const tl_timemask *m, const tl_zone *zone, tl_slice text, int64_t *ms);
/* Read a JSON value: a string by its text, a number for UNIX and UNIXMS (and as its text for others). */
int tl_timemask_parse_json (const tl_timemask *m, const tl_zone *zone, const tl_json_value *v, int64_t *ms);
/* Write a time the way the mask reads it (for ToA); weekdays in English, UNIX/UNIXMS as numbers. */
void tl_timemask_format (const tl_timemask *m, const tl_zone *zone, int64_t ms, tl_buf *out);

#endif

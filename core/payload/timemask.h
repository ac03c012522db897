/* core/payload/timemask.h — time masks (yyyy-mm-dd hh:mi:ss.mss, UNIX…, ISO8601) and time
** zones. Pure: zone data comes as bytes, and nobody here asks for the time. Everything compiled
** here is immutable and may be shared. */
#ifndef TL_PAYLOAD_TIMEMASK_H
#define TL_PAYLOAD_TIMEMASK_H

#include "base/buf.h"
#include "payload/json.h"

/* Years 1..9999 are times; anything else is TL_ERANGE. Milliseconds since 1970 UTC of the first
** and the last. */
#define TL_TIME_MIN_MS INT64_C(-62135596800000)
#define TL_TIME_MAX_MS INT64_C(253402300799999)

/* A time zone: fixed offset, or the rules of a TZif file (RFC 8536) with its POSIX footer. */
typedef struct tl_zone tl_zone;
const tl_zone *tl_zone_utc (void); /* static; freeing it is harmless */
int tl_zone_fixed (tl_zone **out, int32_t seconds_east);
/* Read a TZif file of version 1, 2, 3 or 4; nothing in `file` is trusted, nothing of it is
** kept. TL_EMALFORMED with err->at the byte for whatever is not such a file; TL_ETYPE for one
** that counts leap seconds (zoneinfo's right/): our seconds are POSIX seconds. */
int tl_zone_tzif (tl_zone **out, tl_slice file, tl_err *err);
/* "+02", "-0530", "+01:00", "+01:00:30": the fixed offset in a text, below 24 hours. TL_OK or
** TL_ESYNTAX. */
int tl_zone_offset_parse (tl_slice text, int32_t *seconds_east);
void tl_zone_free (tl_zone *z);
/* What the user calls it, for messages: copied, cut at 47 bytes; "" until it is set, "UTC" for
** UTC. */
void tl_zone_set_name (tl_zone *z, tl_slice name);
const char *tl_zone_name (const tl_zone *z);
int32_t tl_zone_offset (const tl_zone *z, int64_t utc_seconds); /* seconds east of UTC then */
/* Local civil seconds (as if UTC) to UTC. A time that does not exist: TL_ENOENT; an ambiguous
** one is the later. */
int tl_zone_to_utc (const tl_zone *z, int64_t local_seconds, int64_t *utc_seconds);
/* The same, an ambiguous one being the earlier: what an 'A' before the hour asks for. */
int tl_zone_to_utc_earlier (const tl_zone *z, int64_t local_seconds, int64_t *utc_seconds);

#define TL_TIMEMASK_DEFAULT "yyyy-mm-dd hh:mi:ss.mss"

typedef struct tl_timemask tl_timemask;

/* Compile a mask. Blanks around it are dropped. Tokens, longest first, case counts:
**   yyyy rrrr   year, four digits              hh  hour         tttt ttt tt  weekday, skipped
**   yy rr       year, 00–69 are 2000s          mi  minute       ZZZ     +hh
**   mm          month                          ss  second       ZZZZZ   +hhmi
**   dd          day                            mss millisecond  ZZZZZZ  +hh:mi
**   ap          AM or PM: hh counts 1 to 12
** or the whole mask is UNIX, UNIXMS, UNIXUS, UNIXNS or ISO8601. Everything else is literal. Of
** a component that occurs more than once the longest token counts, of equally long ones the
** first; the others are skipped. TL_ESYNTAX, err->at the place: `hb` and `HH` (trading
** hours); UNIX… or ISO8601 among other things; no year; a component without the next coarser
** one (ss without mi: mm is the month, minutes are mi; ap without hh); more than 255 bytes or
** 48 tokens. */
int tl_timemask_new (tl_timemask **out, tl_slice mask, tl_err *err);
void tl_timemask_free (tl_timemask *m);
bool tl_timemask_is_number (const tl_timemask *m); /* UNIX and its finer units */

/* Read a text; `zone` (NULL is UTC) counts when the text carries no offset of its own. *ms:
** milliseconds since 1970 UTC. TL_OK, TL_ESYNTAX (unreadable), TL_ERANGE (a field out of range,
** a date that does not exist, a year outside 1..9999), TL_ENOENT (a local time that does not
** exist). *ms is written only with TL_OK.
**
** Components are runs of digits in the order of the mask; what is not a digit is skipped
** unread. A run has at most as many digits as its token has letters, a yyyy exactly four.
** Tokens that touch in the mask touch in the text and have exactly as many digits as letters;
** digits of the mask's literals are digits to skip. Every component must be there but
** `mss`: it is a decimal fraction behind the mask's own separator or one of . , : and 0 when
** there is none. Text behind the last component is not looked at, but for `Z`, `UTC`, `GMT`,
** +hh, +hhmi, +hh:mi (or -), which win over `zone`. They are sought behind the last of hh, mi,
** ss, mss and behind the last component, where a rest of the time that the mask does not have
** is skipped; a '-' is an offset's when it can be no separator. A sign and digits that are no
** offset there make the text unreadable. A ZZZ… token takes any of these forms and must find
** one. Month and day are 1 when the mask has none, parts of the time 0. 24:00 is the end of the
** day. A second 60 is taken at the end of a quarter of an hour (that is where leap seconds fall
** in any zone) and is the next minute's first. A2:10 and B2:10 are the first and the second
** 02:10 of an hour that occurs twice. `ap` takes AM, PM, a.m., p.m. in any case and must find
** one; without it they make a text unreadable, and so does the name of a zone (CET,
** Europe/Berlin) where no offset is read and the mask does not have it as literal text. UTC and
** GMT are UTC wherever they stand. UNIX, UNIXMS, UNIXUS, UNIXNS: a decimal number, blanks
** around it allowed; digits after the millisecond are cut. ISO8601, nothing else around it but
** blanks: date, or date and time, extended or basic form, T or one blank between, hh, hh:mi or
** hh:mi:ss with . or , and a fraction (cut to three digits), then nothing, Z, ±hh, ±hhmi or
** ±hh:mi, or one blank and UTC or GMT; calendar dates only. */
int tl_timemask_parse (const tl_timemask *m, const tl_zone *zone, tl_slice text, int64_t *ms);
/* Read an ISO 8601 text as for that mask, in UTC where it does not say. */
int tl_time_iso_parse (tl_slice text, int64_t *ms);
/* Read a JSON value: a string by its text, a number by its text too. TL_ETYPE for any other. */
int tl_timemask_parse_json (const tl_timemask *m, const tl_zone *zone, const tl_json_value *v,
                            int64_t *ms);

/* Write a time (clamped to years 1..9999) the way the mask reads it, for ToA: local to `zone`,
** or to the offset that stands in the mask as literal text behind the time (…ss.mssZ is UTC);
** weekdays in English. UNIX is seconds with three decimals where they are not zero, UNIXMS,
** UNIXUS and UNIXNS whole numbers, ISO8601 "2026-11-22T14:03:16.123Z" or with an offset in
** place of Z. Where an offset is written, the time is local to what is written: to +05 for ZZZ
** in a zone of +05:30, so that it reads back as the same time. */
void tl_timemask_format (const tl_timemask *m, const tl_zone *zone, int64_t ms, tl_buf *out);

/* Which known mask would read this text? UNIX, UNIXMS, UNIXUS, UNIXNS, ISO8601 and what devices
** write most; of several that fit, the one whose time is nearest to `near_ms`. NULL where none
** fits, or where all come to a time more than 20 years away: a number is a time only if it
** looks like one. Static text; *ms (may be NULL) is the time it would be. Local times are taken
** as `zone`'s. */
const char *tl_timemask_guess (const tl_zone *zone, tl_slice text, int64_t near_ms, int64_t *ms);
/* Which known mask reads a part of the day from this text that `m`, which reads the text, does not
** have (its hours, minutes or seconds, which are then 0)? NULL: nothing of a second or more is
** lost. *lost_ms: how much is. For messages: it is slow. */
const char *tl_timemask_finer (const tl_timemask *m, const tl_zone *zone, tl_slice text,
                               int64_t *lost_ms);
/* Why a text is no time by this mask, in words for people, appended to `out`: "is a local time
** that does not exist in Europe/Warsaw"; else "does not fit the time mask 'UNIXMS'", with what
** would fit where tl_timemask_guess finds it. */
void tl_timemask_why (const tl_timemask *m, const tl_zone *zone, tl_slice text, int64_t near_ms,
                      tl_buf *out);

#endif

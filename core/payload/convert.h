/* core/payload/convert.h — a JSON value or a text becomes a tag's value, by the table in the
** user's reference (types of tags). Pure.
**
** What the table leaves open is decided so: the words true and false are 1 and 0 for Ai and Ci
** only as JSON's own true and false, a text "true" is no number; Di takes from text only its
** eight words ("2" is type); Qi takes a number that is whole (2.0 too), anything else and 5 is
** type; Ci saturates whatever a decimal text holds (1e999) but refuses an infinity as a Lua
** number. */
#ifndef TL_PAYLOAD_CONVERT_H
#define TL_PAYLOAD_CONVERT_H

#include "base/value.h"
#include "payload/json.h"
#include "payload/timemask.h"

/* How TiA is read and ToA written. `zone` NULL is UTC. */
typedef struct {
  const tl_timemask *mask;
  const tl_zone *zone;
} tl_time_rule;

/* TL_REASON_NONE and *out, or why not (missing, type, time), *out untouched. `rule` is used for
** TiA and ToA only; without it (or without its mask) they are `time`. `scratch` holds text that
** had to be made (escapes resolved); out->text borrows from it or from the document, so the
** caller copies the value before the next conversion into the same scratch, and clears the
** scratch. No memory: scratch->failed is set and the reason is `type`. */
tl_reason tl_convert_json (tl_type type, const tl_json_value *v, const tl_time_rule *rule,
                           tl_buf *scratch, tl_value *out);
/* The same from plain text: a payload, a topic, an RE= group. Surrounding blanks (space, tab,
** CR, LF) are allowed for all but texts. */
tl_reason tl_convert_text (tl_type type, tl_slice text, const tl_time_rule *rule, tl_value *out);
/* From a Lua number, integer or boolean; TiA ToA: seconds since 1970 UTC (outside years
** 1..9999: `time`); TiR ToR: seconds; TxtI TxtO: the number's shortest text, true or false,
** made in `scratch` (may be NULL where the type is not text). */
tl_reason tl_convert_number (tl_type type, double number, tl_buf *scratch, tl_value *out);
tl_reason tl_convert_integer (tl_type type, int64_t integer, tl_buf *scratch, tl_value *out);
tl_reason tl_convert_boolean (tl_type type, bool boolean, tl_value *out);

/* A duration, one sign in front, blanks around it: "3600", "-1.5"; "h…h:mi:ss[.mss]" with
** unbounded hours; "d…dThh:mi:ss[.mss]" (days, as Tasmota writes them; then hours are below
** 24); or ISO 8601, "P1DT2H", "PT1.5S", "P2W", without years and months, which have no length.
** mi and ss have one or two digits below 60, of mss the digits after the third are cut. TL_OK
** or TL_ESYNTAX (also when it is no finite number). */
int tl_duration_parse (tl_slice text, double *seconds);

/* The text that OUT_VALUE publishes: numbers shortest, booleans true/false, Qi its name, ToA by
** the mask (ISO 8601 in UTC without one), ToR as seconds. */
void tl_convert_publish (tl_type type, const tl_value *v, const tl_time_rule *rule, tl_buf *out);
/* The JSON value of the values stream: TiA as ISO 8601 text, Qi its number; text that is not
** UTF-8 must be handled by the caller. */
void tl_convert_to_json (tl_type type, const tl_value *v, tl_buf *out);

#endif

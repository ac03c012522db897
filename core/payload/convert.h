/* core/payload/convert.h — a JSON value or a text becomes a tag's value, by the table in the user's reference. Pure. */
#ifndef TL_PAYLOAD_CONVERT_H
#define TL_PAYLOAD_CONVERT_H

#include "base/value.h"
#include "payload/json.h"
#include "payload/timemask.h"

/* How TiA is read. */
typedef struct {
  const tl_timemask *mask;
  const tl_zone *zone;
} tl_time_rule;

/* TL_REASON_NONE and *out, or why not (missing, type, time), *out untouched. `scratch` holds text that had to be made (escapes
** resolved); out->text borrows from it or from the document, so the caller clears it only after it copied the value. */
tl_reason tl_convert_json (tl_type type, const tl_json_value *v, const tl_time_rule *rule, tl_buf *scratch, tl_value *out);
/* The same from plain text: a payload, a topic, an RE= group. Surrounding blanks are allowed for all but texts. */
tl_reason tl_convert_text (tl_type type, tl_slice text, const tl_time_rule *rule, tl_value *out);
/* From a Lua number, integer or boolean. */
tl_reason tl_convert_number (tl_type type, double number, tl_value *out);
tl_reason tl_convert_integer (tl_type type, int64_t integer, tl_value *out);
tl_reason tl_convert_boolean (tl_type type, bool boolean, tl_value *out);

/* A duration, "3600", "1.5" or "h…h:mi:ss[.mss]". TL_OK or TL_ESYNTAX. */
int tl_duration_parse (tl_slice text, double *seconds);

/* The text that OUT_VALUE publishes: numbers shortest, booleans true/false, Qi its name, ToA by the mask, ToR as seconds. */
void tl_convert_publish (tl_type type, const tl_value *v, const tl_time_rule *rule, tl_buf *out);
/* The JSON value of the values stream: TiA as ISO 8601 text, text that is not UTF-8 must be handled by the caller. */
void tl_convert_to_json (tl_type type, const tl_value *v, tl_buf *out);

#endif

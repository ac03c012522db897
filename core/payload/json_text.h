/* core/payload/json_text.h — the text that a JSON string stands for, without a buffer. Inside
** of this room only. */
#ifndef TL_PAYLOAD_JSON_TEXT_H
#define TL_PAYLOAD_JSON_TEXT_H

#include "payload/json.h"

/* Resolve the (checked) escape at p; a surrogate pair is one. *n: 1..4 bytes, never
** more than the escape had. Gives the byte behind. */
const uint8_t *tl_json_unescape_one (const uint8_t *p, const uint8_t *end, uint8_t out[4],
                                     size_t *n);

/* Does a (checked) raw string stand for this text? */
bool tl_json_unescaped_eq (tl_slice raw, tl_slice text);

#endif

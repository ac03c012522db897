/* core/gateway/message_json.h — a message as JSON. Captures, watch() and the output of offline
** runs have the same members in the same order. */
#ifndef TL_GATEWAY_MESSAGE_JSON_H
#define TL_GATEWAY_MESSAGE_JSON_H

#include "model/model.h"

/* Append `{"line":…,"time":…,"topic":…,"qos":…,"retain":…,"dup":…,"id":…`.
** The caller may append further members (base/json_write.h) before tl_message_json_end(). */
void tl_message_json_begin (tl_buf *out, const char *line, const tl_incoming *m);
/* Append `,"payload":…}` and a line break. A payload that is not UTF-8 is written as the
** member "base64". */
void tl_message_json_end (tl_buf *out, tl_slice payload);

#endif

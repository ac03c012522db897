/* core/gateway/message_json.h — a message as JSON: captures, watch() and what an offline run
** published have the same members in the same order. */
#ifndef TL_GATEWAY_MESSAGE_JSON_H
#define TL_GATEWAY_MESSAGE_JSON_H

#include "model/model.h"

/* Append `{"line":…,"time":…,"topic":…,"qos":…,"retain":…,"dup":…,"id":…`; what else belongs to it
** may follow (base/json_write.h) before the end. */
void tl_message_json_begin (tl_buf *out, const char *line, const tl_incoming *m);
/* Append `,"payload":…}` and a line break; a payload that is not UTF-8 as "base64". */
void tl_message_json_end (tl_buf *out, tl_slice payload);

#endif

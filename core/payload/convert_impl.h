/* core/payload/convert_impl.h — what the files of conversion share. Inside of this room only. */
#ifndef TL_PAYLOAD_CONVERT_IMPL_H
#define TL_PAYLOAD_CONVERT_IMPL_H

#include "payload/convert.h"

/* tl_convert_json for what only binary documents have, and for their strings in chunks. */
tl_reason tl_convert_binary (tl_type type, const tl_json_value *v, const tl_time_rule *rule,
                             tl_buf *scratch, tl_value *out);

/* What was appended to `b` since it was `before` bytes long. */
static inline tl_slice tl_appended (const tl_buf *b, size_t before) {
  return b->len > before ? tl_slice_of(b->at + before, b->len - before) : tl_slice_of("", 0);
}

#endif

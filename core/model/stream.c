/* core/model/stream.c — a tag as one line of JSON. Must not know who reads it. */
#include "base/text.h"
#include "model/model_impl.h"

static bool is_binary (const tl_tag *t) {
  return t->status == TL_VALID && tl_type_is_text(tl_tag_def(t)->type) &&
         !tl_utf8_valid(t->value.text);
}

static void base64 (const tl_tag *t, tl_buf *out) {
  tl_buf_str(out, "\"base64\":\"");
  tl_base64_encode(out, t->value.text);
  tl_buf_byte(out, '"');
}

static void value (const tl_tag *t, tl_buf *out) {
  tl_type type = tl_tag_def(t)->type;
  if (t->status != TL_VALID)
    tl_buf_str(out, "null");
  else if (tl_type_is_text(type))
    tl_json_quote(out, t->value.text);
  else
    tl_convert_to_json(type, &t->value, out);
}

void tl_tag_value_json (const tl_tag *t, tl_buf *out) {
  if (!is_binary(t)) {
    value(t, out);
    return;
  }
  tl_buf_byte(out, '{');
  base64(t, out);
  tl_buf_byte(out, '}');
}

void tl_tag_stream (const tl_tag *t, tl_buf *out) {
  tl_buf_str(out, "{\"time\":");
  if (t->status == TL_UNSET) {
    tl_buf_str(out, "null");
  } else {
    tl_buf_byte(out, '"');
    tl_time_format(out, t->time_ms);
    tl_buf_byte(out, '"');
  }
  tl_buf_str(out, ",\"tag\":\"");
  tl_tag_full_name(t, out); /* names hold nothing that JSON escapes */
  tl_buf_str(out, "\",\"type\":\"");
  tl_buf_str(out, tl_type_name(tl_tag_def(t)->type));
  if (is_binary(t)) {
    tl_buf_str(out, "\",");
    base64(t, out);
  } else {
    tl_buf_str(out, "\",\"value\":");
    value(t, out);
  }
  tl_buf_str(out, ",\"status\":\"");
  tl_buf_str(out, tl_status_name((tl_status)t->status));
  tl_buf_byte(out, '"');
  if (t->reason != TL_REASON_NONE) {
    tl_buf_str(out, ",\"reason\":\"");
    tl_buf_str(out, tl_reason_name((tl_reason)t->reason));
    tl_buf_byte(out, '"');
  }
  tl_buf_str(out, "}\n");
}

/* core/model/stream.c — a tag as one line of JSON. Must not know who reads it. */
#include "base/base64.h"
#include "base/format.h"
#include "base/utf8.h"
#include "model/model_impl.h"

static bool is_binary (tl_type type, tl_status status, const tl_value *v) {
  return status == TL_VALID && tl_type_is_text(type) && !tl_utf8_valid(v->text);
}

static void base64 (const tl_value *v, tl_buf *out) {
  tl_buf_str(out, "\"base64\":\"");
  tl_base64_encode(out, v->text);
  tl_buf_byte(out, '"');
}

static void value (tl_type type, tl_status status, const tl_value *v, tl_buf *out) {
  if (status != TL_VALID)
    tl_buf_str(out, "null");
  else if (tl_type_is_text(type))
    tl_json_quote(out, v->text);
  else
    tl_convert_to_json(type, v, out);
}

void tl_tag_value_json (const tl_tag *t, tl_buf *out) {
  tl_type type = tl_tag_def(t)->type;
  if (!is_binary(type, (tl_status)t->status, &t->value)) {
    value(type, (tl_status)t->status, &t->value, out);
    return;
  }
  tl_buf_byte(out, '{');
  base64(&t->value, out);
  tl_buf_byte(out, '}');
}

/* What stands before the name, and behind it. */
static inline void begin (tl_status status, int64_t time_ms, tl_buf *out) {
  if (status == TL_UNSET) {
    tl_buf_str(out, "{\"time\":null,\"tag\":\"");
    return;
  }
  tl_buf_str(out, "{\"time\":\"");
  tl_time_format(out, time_ms);
  tl_buf_str(out, "\",\"tag\":\"");
}

static void put_status (tl_status status, tl_reason reason, tl_buf *out) {
  tl_buf_str(out, ",\"status\":\"");
  tl_buf_str(out, tl_status_name(status));
  tl_buf_byte(out, '"');
  if (reason != TL_REASON_NONE) {
    tl_buf_str(out, ",\"reason\":\"");
    tl_buf_str(out, tl_reason_name(reason));
    tl_buf_byte(out, '"');
  }
  tl_buf_byte(out, '}');
}

static inline void end (tl_type type, tl_status status, tl_reason reason, const tl_value *v,
                        tl_buf *out) {
  tl_buf_str(out, "\",\"type\":\"");
  tl_buf_str(out, tl_type_name(type));
  if (is_binary(type, status, v)) {
    tl_buf_str(out, "\",");
    base64(v, out);
  } else {
    tl_buf_str(out, "\",\"value\":");
    value(type, status, v, out);
  }
  if (status == TL_VALID && reason == TL_REASON_NONE) /* most of them */
    tl_buf_str(out, ",\"status\":\"valid\"}");
  else
    put_status(status, reason, out);
}

void tl_tag_stream (const tl_tag *t, tl_buf *out) {
  begin((tl_status)t->status, t->time_ms, out);
  tl_tag_full_name(t, out); /* names hold nothing that JSON escapes */
  end(tl_tag_def(t)->type, (tl_status)t->status, (tl_reason)t->reason, &t->value, out);
  tl_buf_byte(out, '\n');
}

void tl_stream_object (tl_slice name, tl_type type, tl_status status, tl_reason reason,
                       int64_t time_ms, const tl_value *v, tl_buf *out) {
  begin(status, time_ms, out);
  tl_buf_slice(out, name);
  end(type, status, reason, v, out);
}

/* core/gateway/message_json.c — a message as JSON. See message_json.h. */
#include "gateway/message_json.h"

#include "base/json_write.h"

void tl_message_json_begin (tl_buf *out, const char *line, const tl_incoming *m) {
  tl_member_open(out, NULL, '{');
  tl_member_word(out, "line", line);
  tl_member_time(out, "time", m->wall);
  tl_member_text(out, "topic", m->topic);
  tl_member_integer(out, "qos", m->qos);
  tl_member_flag(out, "retain", m->retain);
  tl_member_flag(out, "dup", m->dup);
  tl_member_integer(out, "id", m->id);
}

void tl_message_json_end (tl_buf *out, tl_slice payload) {
  tl_member_bytes(out, "payload", payload);
  tl_buf_str(out, "}\n");
}

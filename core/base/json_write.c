/* core/base/json_write.c — members of JSON objects. See json_write.h. */
#include "base/json_write.h"

#include "base/base64.h"
#include "base/format.h"
#include "base/number.h"
#include "base/utf8.h"

void tl_member (tl_buf *out, const char *key) {
  uint8_t last = out->len > 0 ? out->at[out->len - 1] : '\n';
  if (last != '{' && last != '[' && last != '\n') tl_buf_byte(out, ',');
  if (!key) return;
  tl_buf_byte(out, '"');
  tl_buf_str(out, key);
  tl_buf_str(out, "\":");
}

void tl_member_text (tl_buf *out, const char *key, tl_slice text) {
  tl_member(out, key);
  tl_json_quote(out, text);
}

void tl_member_word (tl_buf *out, const char *key, const char *word) {
  tl_member_text(out, key, tl_slice_str(word));
}

void tl_member_flag (tl_buf *out, const char *key, bool on) {
  tl_member(out, key);
  tl_buf_str(out, on ? "true" : "false");
}

void tl_member_integer (tl_buf *out, const char *key, int64_t number) {
  tl_member(out, key);
  tl_integer_format(out, number);
}

void tl_member_time (tl_buf *out, const char *key, int64_t ms) {
  tl_member(out, key);
  tl_buf_byte(out, '"');
  tl_time_format(out, ms);
  tl_buf_byte(out, '"');
}

void tl_member_name (tl_buf *out, const char *key, tl_slice first, tl_slice second) {
  tl_member_text(out, key, first);
  if (out->failed) return;
  out->at[out->len - 1] = '.'; /* in place of the quote; names hold nothing that is escaped */
  tl_buf_slice(out, second);
  tl_buf_byte(out, '"');
}

void tl_member_bytes (tl_buf *out, const char *key, tl_slice bytes) {
  if (tl_utf8_valid(bytes)) {
    tl_member_text(out, key, bytes);
    return;
  }
  tl_member(out, "base64");
  tl_buf_byte(out, '"');
  tl_base64_encode(out, bytes);
  tl_buf_byte(out, '"');
}

void tl_member_open (tl_buf *out, const char *key, char bracket) {
  tl_member(out, key);
  tl_buf_byte(out, (uint8_t)bracket);
}

/* core/web/code.c — see code.h. */
#include "web/code.h"

static void quote (tl_buf *out, tl_slice text) {
  tl_buf_byte(out, '"');
  for (size_t i = 0; i < text.len; i++) {
    uint8_t c = text.at[i];
    if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
      tl_buf_byte(out, c);
    else
      tl_buf_fmt(out, "\\%03u", c);
  }
  tl_buf_byte(out, '"');
}

void tl_code_text (tl_buf *code, const tl_buf *text) {
  quote(code, tl_slice_of(text->at, text->len - 1));
}

void tl_code_time (tl_buf *code, const tl_buf *text) {
  size_t n = text->len - 1, digits = strspn((const char *)text->at, "0123456789.");
  if (n == 0 || digits != n || n > 20)
    tl_code_text(code, text);
  else if (n >= 12 && !memchr(text->at, '.', n))
    tl_buf_fmt(code, "%s/1000", (const char *)text->at);
  else
    tl_buf_fmt(code, "tonumber(\"%s\")", (const char *)text->at);
}

void tl_code_names (tl_buf *code, const tl_buf *text) {
  const char *at = (const char *)text->at;
  tl_buf_byte(code, '{');
  while (*at != '\0') {
    size_t n = strcspn(at, ",");
    quote(code, tl_slice_of(at, n));
    tl_buf_byte(code, ',');
    at += n + (at[n] == ',');
  }
  tl_buf_byte(code, '}');
}

void tl_code_span (tl_buf *code, const tl_buf *text) {
  const char *at = (const char *)text->at;
  bool number = at[0] != '\0' && at[strspn(at, "0123456789.")] == '\0';
  if (number) tl_buf_str(code, "tonumber(");
  tl_code_text(code, text);
  if (number) tl_buf_byte(code, ')');
}

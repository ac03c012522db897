/* core/base/visible.c — text of unknown origin, made fit to be shown on a terminal. Knows nothing
** else. */
#include "base/visible.h"

#include "base/utf8.h"

static void escape_byte (tl_buf *out, uint8_t c) {
  switch (c) {
    case '\n': tl_buf_str(out, "\\n"); break;
    case '\r': tl_buf_str(out, "\\r"); break;
    case '\t': tl_buf_str(out, "\\t"); break;
    default: tl_buf_fmt(out, "\\x%02x", c);
  }
}

static bool stays (uint8_t c, bool lines) {
  return c >= 0x20 ? c != 0x7F : lines && (c == '\n' || c == '\t');
}

/* Bytes U+0080..U+009F (C1 controls) are two bytes in UTF-8, 0xC2 and the code. */
void tl_visible (tl_buf *out, tl_slice s, bool lines) {
  while (s.len > 0) {
    size_t valid = tl_utf8_prefix(s.at, s.len), from = 0;
    for (size_t i = 0; i < valid; i++) {
      uint8_t c = s.at[i];
      bool c1 = c == 0xC2 && s.at[i + 1] < 0xA0; /* well-formed: there is a second byte */
      if (stays(c, lines) && !c1) continue;
      tl_buf_add(out, s.at + from, i - from);
      escape_byte(out, c);
      if (c1) escape_byte(out, s.at[++i]);
      from = i + 1;
    }
    tl_buf_add(out, s.at + from, valid - from);
    if (valid < s.len) escape_byte(out, s.at[valid++]);
    s = tl_slice_of(s.at + valid, s.len - valid);
  }
}

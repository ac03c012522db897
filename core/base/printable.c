/* core/base/printable.c — text that others sent, made fit to be shown to people. Must not know
** where it comes from. */
#include "base/printable.h"

#include "base/utf8.h"

enum { LONGEST = 4 }; /* bytes of a character */

/* Bytes of the character at the front of s, which is not empty; 0: none that may be shown. */
static size_t shown (tl_slice s) {
  uint8_t c = s.at[0];
  if (c < 0x20 || c == 0x7f) return 0;
  if (c < 0x80) return 1;
  for (size_t n = 2; n <= LONGEST && n <= s.len; n++) {
    if (tl_utf8_prefix(s.at, n) != n) continue;
    bool c1 = c == 0xc2 && s.at[1] < 0xa0;
    return c1 ? 0 : n;
  }
  return 0;
}

const char *tl_printable (char *out, size_t cap, tl_slice text) {
  static const char cut[] = "…";
  bool whole = text.len < cap; /* each byte stays one byte, whatever becomes of it */
  size_t at = 0, room = cap > sizeof cut ? cap - sizeof cut : 0;
  if (whole) room = cap - 1;
  while (at < text.len) {
    size_t n = shown(tl_slice_of(text.at + at, text.len - at)), put = n > 0 ? n : 1;
    if (put > room - at) break;
    if (n > 0)
      memcpy(out + at, text.at + at, n);
    else
      out[at] = '?';
    at += put;
  }
  if (!whole && cap > sizeof cut) {
    memcpy(out + at, cut, sizeof cut - 1);
    at += sizeof cut - 1;
  }
  out[at] = '\0';
  return out;
}

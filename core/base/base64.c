/* core/base/base64.c — see base64.h. */
#include "base/base64.h"

/* --- reading --- */

/* The value of each letter; more than VALUE: not a letter of base64. */
#define VALUE 63
static const uint8_t value_of[256] = {
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
  255, 255, 255, 255, 255, 62,  255, 255, 255, 63,  52,  53,  54,  55,  56,  57,  58,  59,  60,
  61,  255, 255, 255, 255, 255, 255, 255, 0,   1,   2,   3,   4,   5,   6,   7,   8,   9,   10,
  11,  12,  13,  14,  15,  16,  17,  18,  19,  20,  21,  22,  23,  24,  25,  255, 255, 255, 255,
  255, 255, 26,  27,  28,  29,  30,  31,  32,  33,  34,  35,  36,  37,  38,  39,  40,  41,  42,
  43,  44,  45,  46,  47,  48,  49,  50,  51,  255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
  255, 255, 255, 255, 255, 255, 255, 255, 255,
};

/* Decode the last group into one to three bytes. Returns how many; 0: it is wrong, for example
** because unused bits are set. */
static size_t last_group (const uint8_t *at, uint8_t *out) {
  uint8_t a = value_of[at[0]], b = value_of[at[1]], c = value_of[at[2]], d = value_of[at[3]];
  if ((a | b) > VALUE) return 0;
  out[0] = (uint8_t)(a << 2 | b >> 4);
  if (at[2] == '=') return at[3] == '=' && (b & 15) == 0 ? 1 : 0;
  if (c > VALUE) return 0;
  out[1] = (uint8_t)(b << 4 | c >> 2);
  if (at[3] == '=') return (c & 3) == 0 ? 2 : 0;
  if (d > VALUE) return 0;
  out[2] = (uint8_t)(c << 6 | d);
  return 3;
}

ptrdiff_t tl_base64_read (tl_slice text, uint8_t *out) {
  const uint8_t *at = text.at;
  uint8_t *to = out;
  if (text.len % 4) return -1;
  if (text.len == 0) return 0;
  for (const uint8_t *last = at + text.len - 4; at < last; at += 4) {
    uint8_t v0 = value_of[at[0]], v1 = value_of[at[1]], v2 = value_of[at[2]], v3 = value_of[at[3]];
    if ((v0 | v1 | v2 | v3) > VALUE) return -1;
    *to++ = (uint8_t)(v0 << 2 | v1 >> 4);
    *to++ = (uint8_t)(v1 << 4 | v2 >> 2);
    *to++ = (uint8_t)(v2 << 6 | v3);
  }
  size_t last = last_group(at, to);
  return last == 0 ? -1 : to - out + (ptrdiff_t)last;
}

/* --- writing --- */

static uint8_t *put_group (uint8_t *to, const uint8_t *at, size_t n) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  uint32_t bits = (uint32_t)at[0] << 16 | (n > 1 ? (uint32_t)at[1] << 8 : 0) | (n > 2 ? at[2] : 0);
  *to++ = (uint8_t)letters[bits >> 18];
  *to++ = (uint8_t)letters[bits >> 12 & 63];
  *to++ = n > 1 ? (uint8_t)letters[bits >> 6 & 63] : '=';
  *to++ = n > 2 ? (uint8_t)letters[bits & 63] : '=';
  return to;
}

size_t tl_base64_write (tl_slice bytes, uint8_t *out) {
  uint8_t *to = out;
  for (size_t i = 0; i < bytes.len; i += 3)
    to = put_group(to, bytes.at + i, bytes.len - i < 3 ? bytes.len - i : 3);
  return (size_t)(to - out);
}

void tl_base64_encode (tl_buf *out, tl_slice s) {
  if (s.len > SIZE_MAX / 4 * 3 - 3) {
    out->failed = true;
    return;
  }
  if (tl_buf_reserve(out, (s.len + 2) / 3 * 4) == TL_OK)
    out->len += tl_base64_write(s, out->at + out->len);
}

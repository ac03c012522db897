/* core/payload/json_text.c — the text that a JSON string stands for, and the names of types.
** Must not know documents. */
#include "payload/json_text.h"

const char *tl_json_type_name (tl_json_type type) {
  static const char *const names[] = { "nothing", "null",   "false",     "true",
                                       "number",  "string", "array",     "object",
                                       "number",  "bytes",  "undefined", "string" };
  return (unsigned)type < sizeof names / sizeof *names ? names[type] : "?";
}

static unsigned hex4 (const uint8_t *p) {
  unsigned unit = 0;
  for (int i = 0; i < 4; i++)
    unit = unit << 4 | (unsigned)(p[i] <= '9' ? p[i] - '0' : (p[i] | 0x20) - 'a' + 10);
  return unit;
}

static size_t utf8 (uint32_t c, uint8_t out[4]) {
  if (c < 0x80) {
    out[0] = (uint8_t)c;
    return 1;
  }
  size_t n = 4;
  if (c < 0x800)
    n = 2;
  else if (c < 0x10000)
    n = 3;
  static const uint8_t lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
  for (size_t i = n - 1; i > 0; i--, c >>= 6) out[i] = (uint8_t)(0x80 | (c & 0x3f));
  out[0] = (uint8_t)(lead[n] | c);
  return n;
}

const uint8_t *tl_json_unescape_one (const uint8_t *p, const uint8_t *end, uint8_t out[4],
                                     size_t *n) {
  static const uint8_t plain[256] = {
    ['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t'
  };
  uint8_t c = p[1];
  if (c != 'u') {
    out[0] = plain[c] ? plain[c] : c; /* \" \\ \/ are themselves */
    *n = 1;
    return p + 2;
  }
  uint32_t unit = hex4(p + 2);
  p += 6;
  if (unit >= 0xd800 && unit < 0xdc00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u') {
    uint32_t low = hex4(p + 2);
    if (low >= 0xdc00 && low < 0xe000) {
      *n = utf8(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00), out);
      return p + 6;
    }
  }
  *n = utf8(unit >= 0xd800 && unit < 0xe000 ? 0xfffd : unit, out);
  return p;
}

void tl_json_unescape (tl_buf *out, tl_slice raw) {
  const uint8_t *p = raw.at, *end = raw.at + raw.len;
  while (p < end) {
    const uint8_t *escape = memchr(p, '\\', (size_t)(end - p));
    if (!escape) escape = end;
    tl_buf_add(out, p, (size_t)(escape - p));
    if (escape == end) return;
    uint8_t bytes[4];
    size_t n;
    p = tl_json_unescape_one(escape, end, bytes, &n);
    tl_buf_add(out, bytes, n);
  }
}

bool tl_json_unescaped_eq (tl_slice raw, tl_slice text) {
  const uint8_t *p = raw.at, *end = raw.at + raw.len;
  while (p < end) {
    uint8_t bytes[4] = { *p };
    size_t n = 1;
    if (*p == '\\')
      p = tl_json_unescape_one(p, end, bytes, &n);
    else
      p++;
    if (text.len < n || memcmp(text.at, bytes, n) != 0) return false;
    text.at += n;
    text.len -= n;
  }
  return text.len == 0;
}

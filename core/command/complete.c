/* core/command/complete.c — what to do with a list of completions. Knows no terminal, no socket. */
#include "command/complete.h"

typedef struct {
  const uint8_t *at, *end;
} cursor;

static void skip_space (cursor *c) {
  while (c->at < c->end && (*c->at == ' ' || *c->at == '\t' || *c->at == '\n' || *c->at == '\r'))
    c->at++;
}

static bool take (cursor *c, uint8_t byte) {
  skip_space(c);
  if (c->at == c->end || *c->at != byte) return false;
  c->at++;
  return true;
}

static bool hex4 (cursor *c, uint32_t *out) {
  *out = 0;
  if (c->end - c->at < 4) return false;
  for (int i = 0; i < 4; i++) {
    uint8_t d = *c->at++, low = d | 0x20;
    if (d >= '0' && d <= '9')
      *out = *out << 4 | (uint32_t)(d - '0');
    else if (low >= 'a' && low <= 'f')
      *out = *out << 4 | (uint32_t)(low - 'a' + 10);
    else
      return false;
  }
  return true;
}

static void add_utf8 (tl_buf *out, uint32_t cp) {
  if (cp < 0x80) {
    tl_buf_byte(out, (uint8_t)cp);
    return;
  }
  if (cp < 0x800) {
    tl_buf_byte(out, (uint8_t)(0xc0 | cp >> 6));
  } else {
    if (cp < 0x10000) {
      tl_buf_byte(out, (uint8_t)(0xe0 | cp >> 12));
    } else {
      tl_buf_byte(out, (uint8_t)(0xf0 | cp >> 18));
      tl_buf_byte(out, (uint8_t)(0x80 | (cp >> 12 & 63)));
    }
    tl_buf_byte(out, (uint8_t)(0x80 | (cp >> 6 & 63)));
  }
  tl_buf_byte(out, (uint8_t)(0x80 | (cp & 63)));
}

static bool escape (cursor *c, tl_buf *out) {
  static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
  uint32_t cp, low;
  if (c->at == c->end) return false;
  uint8_t e = *c->at++;
  if (e != 'u') {
    const char *found = memchr(from, e, sizeof from - 1);
    if (found) tl_buf_byte(out, (uint8_t)to[found - from]);
    return found;
  }
  if (!hex4(c, &cp)) return false;
  if (cp >= 0xd800 && cp < 0xdc00) {
    if (c->end - c->at < 6 || c->at[0] != '\\' || c->at[1] != 'u') return false;
    c->at += 2;
    if (!hex4(c, &low) || low < 0xdc00 || low > 0xdfff) return false;
    cp = 0x10000 + ((cp - 0xd800) << 10) + (low - 0xdc00);
  } else if (cp >= 0xdc00 && cp < 0xe000) {
    return false;
  }
  add_utf8(out, cp);
  return true;
}

static bool word (cursor *c, tl_buf *words, int *n) {
  size_t start = words->len;
  bool plain = true;
  if (!take(c, '"')) return false;
  while (c->at < c->end && *c->at != '"') {
    uint8_t byte = *c->at++;
    if (byte == '\\') {
      if (!escape(c, words)) return false;
    } else {
      tl_buf_byte(words, byte);
    }
  }
  if (c->at == c->end) return false;
  c->at++;
  for (size_t i = start; i < words->len; i++)
    plain = plain && words->at[i] >= 0x20 && words->at[i] != 0x7f;
  if (plain && words->len > start) {
    tl_buf_byte(words, 0);
    ++*n;
  } else {
    words->len = start;
  }
  return true;
}

/* The number that may stand behind the words. */
static bool more (cursor *c, int *n) {
  int extra = 0;
  skip_space(c);
  if (c->at == c->end || *c->at < '0' || *c->at > '9') return false;
  for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++)
    if (extra < 100000000) extra = extra * 10 + (*c->at - '0');
  *n += extra;
  return true;
}

int tl_complete_read (tl_slice json, tl_buf *words) {
  cursor c = { json.at, json.at + json.len };
  int n = 0;
  if (!take(&c, '[')) return TL_ESYNTAX;
  if (!take(&c, ']')) {
    do {
      if (!word(&c, words, &n)) return words->failed ? TL_ENOMEM : TL_ESYNTAX;
    } while (take(&c, ',') && !more(&c, &n));
    if (!take(&c, ']')) return TL_ESYNTAX;
  }
  skip_space(&c);
  if (c.at != c.end) return TL_ESYNTAX;
  return words->failed ? TL_ENOMEM : n;
}

tl_slice tl_complete_common (const tl_buf *words) {
  size_t len = words->len ? strlen((const char *)words->at) : 0;
  for (size_t at = 0; at < words->len; at += strlen((const char *)words->at + at) + 1)
    for (size_t i = 0; i < len; i++)
      if (words->at[at + i] != words->at[i]) len = i; /* the NUL differs, too */
  while (len > 0 && (words->at[len] & 0xc0) == 0x80) len--;
  return tl_slice_of(words->at, len);
}

size_t tl_complete_overlap (const char *line, size_t at, const tl_buf *words) {
  tl_slice common = tl_complete_common(words);
  for (size_t n = common.len < at ? common.len : at; n > 0; n--)
    if (memcmp(line + at - n, common.at, n) == 0) return n;
  return 0;
}

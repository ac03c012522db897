/* core/payload/json_scan.c — the slower halves of the tokens, and where a failure lies. Must
** not know addresses. */
#include "payload/json_scan.h"
#include "payload/prepare.h"

const uint8_t tl_json_class[256] = {
  ['"'] = TL_C_QUOTE,   ['-'] = TL_C_NUMBER,  ['0'] = TL_C_NUMBER,  ['1'] = TL_C_NUMBER,
  ['2'] = TL_C_NUMBER,  ['3'] = TL_C_NUMBER,  ['4'] = TL_C_NUMBER,  ['5'] = TL_C_NUMBER,
  ['6'] = TL_C_NUMBER,  ['7'] = TL_C_NUMBER,  ['8'] = TL_C_NUMBER,  ['9'] = TL_C_NUMBER,
  ['t'] = TL_C_LITERAL, ['f'] = TL_C_LITERAL, ['n'] = TL_C_LITERAL, ['{'] = TL_C_OBJECT,
  ['['] = TL_C_ARRAY,   [' '] = TL_C_BLANK,   ['\n'] = TL_C_BLANK,  ['\r'] = TL_C_BLANK,
  ['\t'] = TL_C_BLANK,
};

const uint8_t *tl_json_bad (tl_json_scan *s, const uint8_t *at, const char *expected) {
  s->bad = at;
  s->expected = expected;
  return NULL;
}

/* A byte at a time: runs repeat from line to line, so the branches are foreseen; a vector's
** result is waited for. */
const uint8_t *tl_json_blanks (const tl_json_scan *s, const uint8_t *p) {
  const uint8_t *end = s->end;
  while (p < end && tl_json_is_blank(*p)) {
    p++;
    while (p < end && *p == ' ') p++;
  }
  return p;
}

/* Unicode table 3-7: no surrogates, no overlong forms, up to U+10FFFF. */
const uint8_t *tl_json_sequence (tl_json_scan *s, const uint8_t *p) {
  uint8_t lead = *p, low = 0x80, high = 0xbf;
  unsigned more = 3;
  if (lead < 0xe0)
    more = 1;
  else if (lead < 0xf0)
    more = 2;
  if (lead < 0xc2 || lead > 0xf4 || (size_t)(s->end - p) <= more)
    return tl_json_bad(s, p, "valid UTF-8");
  if (lead == 0xe0)
    low = 0xa0;
  else if (lead == 0xed)
    high = 0x9f;
  else if (lead == 0xf0)
    low = 0x90;
  else if (lead == 0xf4)
    high = 0x8f;
  if (p[1] < low || p[1] > high) return tl_json_bad(s, p, "valid UTF-8");
  for (unsigned i = 2; i <= more; i++)
    if ((p[i] & 0xc0) != 0x80) return tl_json_bad(s, p, "valid UTF-8");
  return p + more + 1;
}

const uint8_t *tl_json_escape (tl_json_scan *s, const uint8_t *p) {
  p++;
  switch (tl_json_peek(s, p, false)) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't': return p + 1;
    case 'u':
      for (int i = 0; i < 4; i++) {
        uint8_t c = tl_json_peek(s, ++p, false);
        if (!tl_json_is_digit(c) && (uint8_t)((c | 0x20) - 'a') > 5)
          return tl_json_bad(s, p, "four hex digits after '\\u'");
      }
      return p + 1;
    default: return tl_json_bad(s, p, "one of \"\\/bfnrtu after '\\'");
  }
}

uint64_t tl_json_last_stops (const tl_json_scan *s, const uint8_t *at) {
  size_t n = (size_t)(s->end - at), whole = (size_t)(s->end - s->doc);
  uint64_t stops = ~(uint64_t)0;
  size_t i = 0;
  if (n == 0) return stops;
  stops <<= n - 1; /* the last byte, too (see tl_json_block) */
  for (; n - i >= 16; i += 16) stops |= tl_json_stops_16(at + i) << i; /* i <= 48 */
  if (i == n) return stops;
  /* the last 16 bytes of the document, of which n - i are wanted: nothing is read behind them */
  if (whole >= 16) return stops | tl_json_stops_16(s->end - 16) >> (16 - (n - i)) << i;
  uint8_t padded[16] = { 0 };
  memcpy(padded, at, n);
  return stops | tl_json_stops_16(padded);
}

/* at p or behind it */
static const uint8_t *next_stop (const tl_json_scan *s, tl_json_block *block, const uint8_t *p) {
  while (p - block->at >= 64) *block = tl_json_block_at(s, block->at + 64);
  block->stops &= ~(uint64_t)0 << (p - block->at);
  while (!block->stops) *block = tl_json_block_at(s, block->at + 64);
  return block->at + __builtin_ctzll(block->stops);
}

const uint8_t *tl_json_string_rest (tl_json_scan *s, tl_json_block *block, const uint8_t *p,
                                    bool *escaped) {
  for (;;) {
    p = next_stop(s, block, p);
    if (p == s->end) return tl_json_bad(s, p, "a closing '\"'");
    if (*p == '"') {
      block->stops &= block->stops - 1;
      return p + 1;
    }
    if (*p < ' ') return tl_json_bad(s, p, "no control character in a string");
    if (*p == '\\') {
      *escaped = true;
      p = tl_json_escape(s, p);
    } else if (*p < 0x80) /* only a stop because it is the last byte */
      p++;
    else
      do p = tl_json_sequence(s, p);
      while (p && p < s->end && *p >= 0x80);
    if (!p) return NULL;
  }
}

/* p: at the 'e' of a number. */
const uint8_t *tl_json_exponent (tl_json_scan *s, const uint8_t *p) {
  p++;
  uint8_t c = tl_json_peek(s, p, false);
  p += c == '+' || c == '-';
  const uint8_t *q = tl_json_digits(s, p, false);
  return q > p ? q : tl_json_bad(s, q, "a digit");
}

const uint8_t *tl_json_literal_at_end (tl_json_scan *s, const uint8_t *p, tl_json_type *type) {
  size_t room = (size_t)(s->end - p);
  if (room >= 4 && memcmp(p, "true", 4) == 0) {
    *type = TL_JSON_TRUE;
    return p + 4;
  }
  if (room >= 4 && memcmp(p, "null", 4) == 0) {
    *type = TL_JSON_NULL;
    return p + 4;
  }
  if (room >= 5 && memcmp(p, "false", 5) == 0) {
    *type = TL_JSON_FALSE;
    return p + 5;
  }
  const char *word = *p == 'f' ? "false" : "null";
  return tl_json_bad(s, p, *p == 't' ? "true" : word);
}

/* What a person counts: code points, not bytes. All before the bad byte is UTF-8. */
static uint32_t characters (const uint8_t *from, const uint8_t *to) {
  uint32_t n = 0;
  for (const uint8_t *p = from; p < to; p++) n += (*p & 0xC0) != 0x80;
  return n;
}

int tl_json_report (const tl_json_scan *s, tl_json_error *error) {
  if (error) {
    const uint8_t *line = s->doc;
    uint32_t lines = 1;
    for (const uint8_t *p; (p = memchr(line, '\n', (size_t)(s->bad - line))); lines++) line = p + 1;
    error->at = (size_t)(s->bad - s->doc);
    error->line = lines;
    error->column = characters(line, s->bad) + 1;
    error->expected = s->expected;
    tl_prepare_step step;
    bool curable = tl_prepare_cure(tl_slice_of(s->doc, (size_t)(s->end - s->doc)), error->at,
                                   &error->got, &step);
    if (!curable) error->got = NULL;
    error->cure = curable ? tl_prepare_name(step) : NULL;
    if (s->bad == s->doc && s->end - s->doc >= 3 && memcmp(s->doc, "\xef\xbb\xbf", 3) == 0)
      error->expected = "a value without a byte order mark";
  }
  return TL_EMALFORMED;
}

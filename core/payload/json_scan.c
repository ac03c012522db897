/* core/payload/json_scan.c — the slower halves of the tokens, and where a failure lies. Must not know addresses. */
#include "payload/json_scan.h"

const uint8_t tl_json_class[256] = {
  ['"'] = TL_C_QUOTE,   ['-'] = TL_C_NUMBER,  ['0'] = TL_C_NUMBER,  ['1'] = TL_C_NUMBER, ['2'] = TL_C_NUMBER,
  ['3'] = TL_C_NUMBER,  ['4'] = TL_C_NUMBER,  ['5'] = TL_C_NUMBER,  ['6'] = TL_C_NUMBER, ['7'] = TL_C_NUMBER,
  ['8'] = TL_C_NUMBER,  ['9'] = TL_C_NUMBER,  ['t'] = TL_C_LITERAL, ['f'] = TL_C_LITERAL, ['n'] = TL_C_LITERAL,
  ['{'] = TL_C_OBJECT,  ['['] = TL_C_ARRAY,
};

const uint8_t *tl_json_bad (tl_json_scan *s, const uint8_t *at, const char *expected) {
  s->bad = at;
  s->expected = expected;
  return NULL;
}

const uint8_t *tl_json_blanks (const tl_json_scan *s, const uint8_t *p) {
  while (p < s->end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
    p++;
  return p;
}

/* One UTF-8 sequence of more than one byte (Unicode table 3-7: no surrogates, no overlong forms, up to U+10FFFF). */
static const uint8_t *sequence (tl_json_scan *s, const uint8_t *p) {
  uint8_t lead = *p, low = 0x80, high = 0xbf;
  unsigned more = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
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
  if (p[1] < low || p[1] > high)
    return tl_json_bad(s, p, "valid UTF-8");
  for (unsigned i = 2; i <= more; i++)
    if ((p[i] & 0xc0) != 0x80)
      return tl_json_bad(s, p, "valid UTF-8");
  return p + more + 1;
}

/* p: at a backslash. */
static const uint8_t *escape (tl_json_scan *s, const uint8_t *p) {
  p++;
  switch (tl_json_peek(s, p)) {
  case '"':
  case '\\':
  case '/':
  case 'b':
  case 'f':
  case 'n':
  case 'r':
  case 't':
    return p + 1;
  case 'u':
    for (int i = 0; i < 4; i++) {
      uint8_t c = tl_json_peek(s, ++p);
      if (!tl_json_is_digit(c) && (uint8_t)((c | 0x20) - 'a') > 5)
        return tl_json_bad(s, p, "four hex digits after '\\u'");
    }
    return p + 1;
  default:
    return tl_json_bad(s, p, "one of \"\\/bfnrtu after '\\'");
  }
}

const uint8_t *tl_json_string_rest (tl_json_scan *s, const uint8_t *p, bool *escaped) {
  for (;;) {
#if defined(__SSE2__)
    while (s->end - p >= 16) {
      __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
      __m128i stop = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('"')), _mm_cmpeq_epi8(x, _mm_set1_epi8('\\'))),
                                  _mm_cmplt_epi8(x, _mm_set1_epi8(' ')));
      unsigned mask = (unsigned)_mm_movemask_epi8(stop);
      if (mask) {
        p += __builtin_ctz(mask);
        break;
      }
      p += 16;
    }
#endif
    while (p < s->end && *p >= ' ' && *p < 0x80 && *p != '"' && *p != '\\')
      p++;
    if (p == s->end)
      return tl_json_bad(s, p, "a closing '\"'");
    if (*p == '"')
      return p + 1;
    if (*p < ' ')
      return tl_json_bad(s, p, "no control character in a string");
    if (*p == '\\') {
      *escaped = true;
      p = escape(s, p);
    } else
      do
        p = sequence(s, p);
      while (p && p < s->end && *p >= 0x80);
    if (!p)
      return NULL;
  }
}

/* p: at the point or the exponent of a number. */
const uint8_t *tl_json_fraction (tl_json_scan *s, const uint8_t *p) {
  if (*p == '.') {
    const uint8_t *q = tl_json_digits(s, p + 1);
    if (q == p + 1)
      return tl_json_bad(s, q, "a digit");
    p = q;
  }
  if ((tl_json_peek(s, p) | 0x20) == 'e') {
    p++;
    uint8_t c = tl_json_peek(s, p);
    p += c == '+' || c == '-';
    const uint8_t *q = tl_json_digits(s, p);
    if (q == p)
      return tl_json_bad(s, q, "a digit");
    p = q;
  }
  return p;
}

const uint8_t *tl_json_literal (tl_json_scan *s, const uint8_t *p, tl_json_type *type) {
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
  return tl_json_bad(s, p, *p == 't' ? "true" : *p == 'f' ? "false" : "null");
}

int tl_json_report (const tl_json_scan *s, tl_json_error *error) {
  if (error) {
    const uint8_t *line = s->doc;
    uint32_t lines = 1;
    for (const uint8_t *p; (p = memchr(line, '\n', (size_t)(s->bad - line))); lines++)
      line = p + 1;
    error->at = (size_t)(s->bad - s->doc);
    error->line = lines;
    error->column = (uint32_t)(s->bad - line) + 1;
    error->expected = s->expected;
    if (s->bad == s->doc && s->end - s->doc >= 3 && memcmp(s->doc, "\xef\xbb\xbf", 3) == 0)
      error->expected = "a value without a byte order mark";
  }
  return TL_EMALFORMED;
}

/* core/payload/json_scan.h — tokens of a JSON text: blanks, strings, numbers, literals. Inside of this room only.
** Must not know what is done with the tokens (json_grammar.h) nor addresses (json_set.h).
**
** No byte at or behind scan.end is ever read. Failing functions return NULL and leave the place and what was expected in
** the scan; the first failure is the one that counts, since tokens are read strictly from left to right. */
#ifndef TL_PAYLOAD_JSON_SCAN_H
#define TL_PAYLOAD_JSON_SCAN_H

#include "payload/json.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

typedef struct {
  const uint8_t *doc, *end;
  const uint8_t *bad;   /* after a failure: the byte that is wrong, or end */
  const char *expected; /* and what should have been there */
} tl_json_scan;

/* What a byte may begin. */
enum { TL_C_NOTHING, TL_C_QUOTE, TL_C_NUMBER, TL_C_LITERAL, TL_C_OBJECT, TL_C_ARRAY };
extern const uint8_t tl_json_class[256];

#define TL_HOT static inline __attribute__((always_inline))
#define TL_COLD __attribute__((noinline, cold))

const uint8_t *tl_json_bad (tl_json_scan *s, const uint8_t *at, const char *expected) TL_COLD; /* always NULL */
const uint8_t *tl_json_blanks (const tl_json_scan *s, const uint8_t *p);
const uint8_t *tl_json_string_rest (tl_json_scan *s, const uint8_t *p, bool *escaped);
const uint8_t *tl_json_fraction (tl_json_scan *s, const uint8_t *p);
const uint8_t *tl_json_literal (tl_json_scan *s, const uint8_t *p, tl_json_type *type);

/* Skip a whole object or array at p, `depth` levels deep already. The byte behind it, or NULL. */
const uint8_t *tl_json_skip (tl_json_scan *s, const uint8_t *p, unsigned depth);

/* Turn the failure of a scan into what the caller reports; TL_EMALFORMED. */
int tl_json_report (const tl_json_scan *s, tl_json_error *error);

TL_HOT tl_json_scan tl_json_scan_of (tl_slice doc) {
  static const uint8_t nothing[1]; /* an empty slice may have no bytes to point to */
  const uint8_t *at = doc.len ? doc.at : nothing;
  return (tl_json_scan){ .doc = at, .end = at + doc.len };
}

/* The byte at p, and 0, which fits nowhere outside of strings, at the end. */
TL_HOT uint8_t tl_json_peek (const tl_json_scan *s, const uint8_t *p) {
  return p < s->end ? *p : 0;
}

/* The first byte at *p that is not blank; *p moves there. No blank and one space are by far the most frequent. */
TL_HOT uint8_t tl_json_token (const tl_json_scan *s, const uint8_t **p) {
  uint8_t c = tl_json_peek(s, *p);
  if (c > ' ')
    return c;
  *p = tl_json_blanks(s, *p);
  return tl_json_peek(s, *p);
}

TL_HOT bool tl_json_is_digit (uint8_t c) {
  return (uint8_t)(c - '0') <= 9;
}

TL_HOT const uint8_t *tl_json_digits (const tl_json_scan *s, const uint8_t *p) {
  while (p < s->end && tl_json_is_digit(*p))
    p++;
  return p;
}

/* p: behind the opening quote. The byte behind the closing one, or NULL; *escaped says whether a backslash was met. */
TL_HOT const uint8_t *tl_json_string (tl_json_scan *s, const uint8_t *p, bool *escaped) {
  *escaped = false;
#if defined(__SSE2__)
  if (s->end - p >= 16) {
    /* one signed comparison finds control bytes and, being negative, those of UTF-8 sequences */
    __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i stop = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('"')), _mm_cmpeq_epi8(x, _mm_set1_epi8('\\'))),
                                _mm_cmplt_epi8(x, _mm_set1_epi8(' ')));
    unsigned mask = (unsigned)_mm_movemask_epi8(stop);
    if (mask) {
      p += __builtin_ctz(mask);
      if (*p == '"')
        return p + 1;
    } else
      p += 16;
  }
#endif
  return tl_json_string_rest(s, p, escaped);
}

/* p: at the first byte of a number. The byte behind it, or NULL. */
TL_HOT const uint8_t *tl_json_number (tl_json_scan *s, const uint8_t *p, bool *integral) {
  p += *p == '-';
  uint8_t c = tl_json_peek(s, p);
  if (!tl_json_is_digit(c))
    return tl_json_bad(s, p, "a digit");
  const uint8_t *q = tl_json_digits(s, p + 1);
  if (c == '0' && q - p > 1)
    return tl_json_bad(s, p, "a number without leading zeros");
  c = tl_json_peek(s, q);
  *integral = c != '.' && (c | 0x20) != 'e';
  return *integral ? q : tl_json_fraction(s, q);
}

#endif

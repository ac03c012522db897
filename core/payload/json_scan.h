/* core/payload/json_scan.h — tokens of a JSON text: blanks, strings, numbers, literals. Inside
** of this room only. Must not know what is done with the tokens (json_grammar.h) nor addresses
** (json_set.h).
**
** No byte at or behind scan.end is ever read. Failing functions return NULL and leave the place
** and what was expected in the scan; the first failure is the one that counts, since tokens are
** read strictly from left to right. */
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
enum { TL_C_NOTHING, TL_C_QUOTE, TL_C_NUMBER, TL_C_LITERAL, TL_C_OBJECT, TL_C_ARRAY, TL_C_BLANK };
extern const uint8_t tl_json_class[256];

/* Copied into each caller where the compiler optimizes. A build that does not has one of each,
** whose branches scripts/coverage counts once, and not for every constant it is called with. */
#ifdef __OPTIMIZE__
#define TL_HOT static inline __attribute__((always_inline))
#else
#define TL_HOT static inline
#endif
#define TL_COLD __attribute__((noinline, cold))

/* always NULL */
const uint8_t *tl_json_bad (tl_json_scan *s, const uint8_t *at, const char *expected) TL_COLD;
const uint8_t *tl_json_blanks (const tl_json_scan *s, const uint8_t *p);
const uint8_t *tl_json_exponent (tl_json_scan *s, const uint8_t *p);
const uint8_t *tl_json_literal_at_end (tl_json_scan *s, const uint8_t *p, tl_json_type *type);

/* p: at a backslash, or at the first byte of a UTF-8 sequence of more than one. The byte behind
** the escape or the sequence, or NULL. */
const uint8_t *tl_json_escape (tl_json_scan *s, const uint8_t *p);
const uint8_t *tl_json_sequence (tl_json_scan *s, const uint8_t *p);

/* Pass over the next n elements of an array `depth` levels deep, or over those it still has. p:
** behind the comma before them. The byte behind the last one, a comma or the array's ']', and in
** *passed how many they were. NULL: not found right in this way (json_wide.c), which says
** nothing; they must be read, and before *looked, up to where it looked, it is of no use to try
** again. */
enum { TL_JSON_LONG = 512 }; /* bytes of elements that are worth it */
const uint8_t *tl_json_pass (const tl_json_scan *s, const uint8_t *p, unsigned depth, uint32_t n,
                             uint32_t *passed, const uint8_t **looked);

/* Skip a whole object or array at p, `depth` levels deep already. The byte behind it, or NULL.
** For `closed` see below. */
const uint8_t *tl_json_skip (tl_json_scan *s, const uint8_t *p, unsigned depth);
const uint8_t *tl_json_skip_closed (tl_json_scan *s, const uint8_t *p, unsigned depth);

/* Turn the failure of a scan into what the caller reports; TL_EMALFORMED. */
int tl_json_report (const tl_json_scan *s, tl_json_error *error);

TL_HOT tl_json_scan tl_json_scan_of (tl_slice doc) {
  static const uint8_t nothing[1]; /* an empty slice may have no bytes to point to */
  const uint8_t *at = doc.len ? doc.at : nothing;
  return (tl_json_scan){ .doc = at, .end = at + doc.len };
}

/* Tokens are read in one of two ways, chosen at compile time by `closed`. When the document's
** last byte (blanks cut off) is a bracket that closes, every other token has a byte behind it,
** and no look at the end is needed before each byte. */

/* The byte at p, and 0, which fits nowhere outside of strings, at the end. */
TL_HOT uint8_t tl_json_peek (const tl_json_scan *s, const uint8_t *p, bool closed) {
  return closed || p < s->end ? *p : 0;
}

/* The first byte at *p that is not blank; *p moves there. No blank and one space are by far the
** most frequent. */
TL_HOT uint8_t tl_json_token (const tl_json_scan *s, const uint8_t **p, bool closed) {
  uint8_t c = tl_json_peek(s, *p, closed);
  if (c > ' ') return c;
  if (c == ' ' && (c = tl_json_peek(s, ++*p, closed)) > ' ') return c;
  *p = tl_json_blanks(s, *p);
  return tl_json_peek(s, *p, closed);
}

TL_HOT bool tl_json_is_blank (uint8_t c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

TL_HOT bool tl_json_is_digit (uint8_t c) { return (uint8_t)(c - '0') <= 9; }

/* The first byte from p on that is no digit. Eight at a time: how long a number is, is nothing
** that a branch foresees. */
TL_HOT const uint8_t *tl_json_digits (const tl_json_scan *s, const uint8_t *p, bool closed) {
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  for (uint64_t x; s->end - p >= 8; p += 8) {
    memcpy(&x, p, sizeof x);
    x ^= 0x3030303030303030u; /* a digit is 0 to 9, and 0x76 more has no highest bit */
    x = ((x + 0x7676767676767676u) | x) & 0x8080808080808080u;
    if (x) return p + (__builtin_ctzll(x) >> 3); /* a carry spoils only bytes behind this one */
  }
#endif
  while (tl_json_is_digit(tl_json_peek(s, p, closed))) p++;
  return p;
}

/* 64 bytes of the document: bit i of `stops` is set when at[i] ends the easy part of a string
** (a quote, a backslash, a control byte, a byte of a UTF-8 sequence, the document's last byte
** or its end) and was not passed yet. Strings are found by taking a bit after the other,
** opening quote, closing quote, so that where a string ends does not depend on where the tokens
** before it were found: the processor works on several at a time. Kept by value where a
** document is read, to stay in registers. */
typedef struct {
  const uint8_t *at;
  uint64_t stops;
} tl_json_block;

/* p: in a string. The byte behind its closing quote, or NULL. */
const uint8_t *tl_json_string_rest (tl_json_scan *s, tl_json_block *block, const uint8_t *p,
                                    bool *escaped);
/* for at most 64 bytes up to the end */
uint64_t tl_json_last_stops (const tl_json_scan *s, const uint8_t *at);

#if defined(__SSE2__)
TL_HOT uint64_t tl_json_stops_16 (const uint8_t *at) {
  /* one signed comparison finds control bytes and, being negative, those of UTF-8 sequences */
  __m128i x = _mm_loadu_si128((const __m128i *)(const void *)at);
  __m128i marks =
      _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('"')), _mm_cmpeq_epi8(x, _mm_set1_epi8('\\')));
  return (uint64_t)_mm_movemask_epi8(_mm_or_si128(marks, _mm_cmplt_epi8(x, _mm_set1_epi8(' '))));
}
#else
TL_HOT uint64_t tl_json_stops_16 (const uint8_t *at) {
  uint64_t stops = 0;
  for (unsigned i = 0; i < 16; i++)
    stops |= (uint64_t)(at[i] < ' ' || at[i] >= 0x80 || at[i] == '"' || at[i] == '\\') << i;
  return stops;
}
#endif

TL_HOT uint64_t tl_json_stops (const tl_json_scan *s, const uint8_t *at) {
  if (s->end - at <= 64) return tl_json_last_stops(s, at);
  return tl_json_stops_16(at) | tl_json_stops_16(at + 16) << 16 | tl_json_stops_16(at + 32) << 32 |
         tl_json_stops_16(at + 48) << 48;
}

TL_HOT tl_json_block tl_json_block_at (const tl_json_scan *s, const uint8_t *at) {
  return (tl_json_block){ at, tl_json_stops(s, at) };
}

/* Take p, an opening quote, as the first stop that is left. Mostly it is; stops that were no
** quotes may lie before it. */
TL_HOT void tl_json_reach (const tl_json_scan *s, tl_json_block *block, const uint8_t *p) {
  if (!block->stops) *block = tl_json_block_at(s, p - block->at < 128 ? block->at + 64 : p);
  if (block->stops && block->at + __builtin_ctzll(block->stops) == p) return;
  if (p - block->at < 64)
    block->stops &= ~(uint64_t)0 << (p - block->at);
  else
    *block = tl_json_block_at(s, p);
}

/* p: at the opening quote. The byte behind the closing one, or NULL; *escaped says whether a
** backslash was met. */
TL_HOT const uint8_t *tl_json_string (tl_json_scan *s, tl_json_block *block, const uint8_t *p,
                                      bool *escaped, bool closed) {
  *escaped = false;
  tl_json_reach(s, block, p);
  block->stops &= block->stops - 1;
  while (!block->stops) *block = tl_json_block_at(s, block->at + 64);
  const uint8_t *stop = block->at + __builtin_ctzll(block->stops);
  if ((closed || stop < s->end) && *stop == '"') {
    /* where closed, the bracket at the end has stopped us if nothing else has */
    block->stops &= block->stops - 1;
    return stop + 1;
  }
  tl_json_block copy = *block; /* so that the block itself has no address */
  stop = tl_json_string_rest(s, &copy, stop, escaped);
  *block = copy;
  return stop;
}

/* p: at the first byte of a number. The byte behind it, or NULL. */
TL_HOT const uint8_t *tl_json_number (tl_json_scan *s, const uint8_t *p, bool *integral,
                                      bool closed) {
  p += *p == '-';
  uint8_t c = tl_json_peek(s, p, closed);
  if (!tl_json_is_digit(c)) return tl_json_bad(s, p, "a digit");
  const uint8_t *q = tl_json_digits(s, p + 1, closed);
  if (c == '0' && q - p > 1) return tl_json_bad(s, p, "a number without leading zeros");
  *integral = true;
  if (tl_json_peek(s, q, closed) == '.') {
    *integral = false;
    p = q + 1;
    q = tl_json_digits(s, p, closed);
    if (q == p) return tl_json_bad(s, q, "a digit");
  }
  if ((tl_json_peek(s, q, closed) | 0x20) != 'e') return q;
  *integral = false;
  return tl_json_exponent(s, q);
}

/* p: at a 't', 'f' or 'n'. The byte behind the word, or NULL. */
TL_HOT const uint8_t *tl_json_literal (tl_json_scan *s, const uint8_t *p, tl_json_type *type) {
  if (s->end - p > 4) {
    if (memcmp(p, "true", 4) == 0) {
      *type = TL_JSON_TRUE;
      return p + 4;
    }
    if (memcmp(p + 1, "alse", 4) == 0 && *p == 'f') {
      *type = TL_JSON_FALSE;
      return p + 5;
    }
    if (memcmp(p, "null", 4) == 0) {
      *type = TL_JSON_NULL;
      return p + 4;
    }
  }
  return tl_json_literal_at_end(s, p, type);
}

#endif

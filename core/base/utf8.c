/* core/base/utf8.c — the well-formed prefix of bytes as UTF-8. Knows nothing else. */
#include "base/utf8.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* How many ASCII bytes at[0..len) starts with, counted in whole blocks: the caller handles what
** is left byte by byte. */
static inline size_t ascii_blocks (const uint8_t *at, size_t len) {
  size_t i = 0;
#ifdef __SSE2__
  for (; len - i >= 16; i += 16)
    if (_mm_movemask_epi8(_mm_loadu_si128((const __m128i *)(const void *)(at + i))) != 0) return i;
#endif
  for (; len - i >= 8; i += 8) {
    uint64_t word;
    memcpy(&word, at + i, 8);
    if ((word & 0x8080808080808080u) != 0) return i;
  }
  return i;
}

static inline bool tail (uint8_t c) { return (c & 0xC0) == 0x80; }

/* Length of the multi-byte sequence at at[0..len), len > 0, at[0] >= 0x80; 0 when it is not
** well-formed. The second byte's range depends on the first (Unicode table 3-7): that is what
** keeps overlong forms, surrogates and > U+10FFFF out. */
static inline size_t sequence (const uint8_t *at, size_t len) {
  uint8_t lead = at[0];
  if (lead < 0xC2 || lead > 0xF4) return 0;
  if (lead < 0xE0) return len >= 2 && tail(at[1]) ? 2 : 0;
  if (len < 3) return 0;
  uint8_t low = 0x80;
  if (lead == 0xE0)
    low = 0xA0;
  else if (lead == 0xF0)
    low = 0x90;
  uint8_t high = 0xBF;
  if (lead == 0xED)
    high = 0x9F;
  else if (lead == 0xF4)
    high = 0x8F;
  if (at[1] < low || at[1] > high || !tail(at[2])) return 0;
  if (lead < 0xF0) return 3;
  return len >= 4 && tail(at[3]) ? 4 : 0;
}

size_t tl_utf8_prefix (const uint8_t *at, size_t len) {
  size_t i = 0;
  while (i < len) {
    if (at[i] < 0x80) {
      size_t run = len - i >= 8 ? ascii_blocks(at + i, len - i) : 0;
      i += run > 0 ? run : 1;
      continue;
    }
    size_t n = sequence(at + i, len - i);
    if (n == 0) return i;
    i += n;
  }
  return len;
}

/* core/payload/bin_scan.h — the head of an item of CBOR and MessagePack. Inside of this room
** only. Must not know containers (bin_grammar.h) nor addresses.
**
** No byte at or behind scan.end is read. A failing function leaves the place, and what was
** expected. */
#ifndef TL_PAYLOAD_BIN_SCAN_H
#define TL_PAYLOAD_BIN_SCAN_H

#include "payload/document.h"
#include "payload/json_scan.h"

typedef tl_json_scan bin_scan;

typedef enum {
  BIN_NUMBER,
  BIN_TEXT,
  BIN_BYTES,
  BIN_ARRAY,
  BIN_MAP,
  BIN_TAG,
  BIN_FALSE,
  BIN_TRUE,
  BIN_NULL,
  BIN_UNDEFINED,
  BIN_TIME, /* MessagePack's timestamp */
  BIN_BREAK
} bin_kind;

typedef struct {
  uint8_t kind; /* bin_kind */
  bool indefinite;
  const uint8_t *behind; /* the head */
  uint64_t n;            /* bytes, elements, pairs; the tag */
} bin_head;

TL_HOT uint64_t bin_uint (const uint8_t *p, unsigned bytes) { /* big-endian */
  switch (bytes) {
    case 1: return *p;
    case 2: return (uint64_t)p[0] << 8 | p[1];
    case 4: {
      uint32_t v;
      memcpy(&v, p, 4);
      return __builtin_bswap32(v);
    }
    default: {
      uint64_t v;
      memcpy(&v, p, 8);
      return __builtin_bswap64(v);
    }
  }
}

/* What a CBOR head with a length behind it, or one of MessagePack's longer ones, is. False:
** told. */
bool tl_cbor_long_head (bin_scan *s, const uint8_t *p, bin_head *h);
bool tl_msgpack_long_head (bin_scan *s, const uint8_t *p, bin_head *h);

TL_HOT bool cbor_head (bin_scan *s, const uint8_t *p, bin_head *h) {
  static const uint8_t kinds[8] = { BIN_NUMBER, BIN_NUMBER, BIN_BYTES, BIN_TEXT,
                                    BIN_ARRAY,  BIN_MAP,    BIN_TAG,   BIN_UNDEFINED };
  static const uint8_t simple[4] = { BIN_FALSE, BIN_TRUE, BIN_NULL, BIN_UNDEFINED };
  uint8_t b = *p, info = b & 31;
  if (info >= 24) {
    size_t bytes = (size_t)1 << (info & 3);
    if (info > 27 || b == 0xf8 || (size_t)(s->end - p) <= bytes) return tl_cbor_long_head(s, p, h);
    h->kind = b > 0xf8 ? BIN_NUMBER : kinds[b >> 5];
    h->indefinite = false;
    h->behind = p + 1 + bytes;
    if (h->kind != BIN_NUMBER) h->n = bin_uint(p + 1, (unsigned)bytes);
    return true;
  }
  h->kind = b >= 0xf4 ? simple[b - 0xf4] : kinds[b >> 5];
  h->indefinite = false;
  h->behind = p + 1;
  h->n = info;
  return true;
}

TL_HOT bool msgpack_head (bin_scan *s, const uint8_t *p, bin_head *h) {
  uint8_t b = *p;
  h->indefinite = false;
  h->behind = p + 1;
  if (b < 0x80 || b >= 0xe0) {
    h->kind = BIN_NUMBER;
    return true;
  }
  if (b < 0xc0) {
    h->kind = BIN_MAP;
    if (b >= 0xa0)
      h->kind = BIN_TEXT;
    else if (b >= 0x90)
      h->kind = BIN_ARRAY;
    h->n = b >= 0xa0 ? b & 31 : b & 15;
    return true;
  }
  return tl_msgpack_long_head(s, p, h);
}

TL_HOT bool bin_head_at (bin_scan *s, const uint8_t *p, bin_head *h, tl_doc_format format) {
  return format == TL_DOC_CBOR ? cbor_head(s, p, h) : msgpack_head(s, p, h);
}

/* A text whose length stands in its first byte (below 24 in CBOR, 32 in MessagePack). */
TL_HOT bool bin_is_short_text (uint8_t b, tl_doc_format format) {
  return format == TL_DOC_CBOR ? b >= 0x60 && b < 0x78 : (b & 0xe0) == 0xa0;
}

bool tl_bin_utf8 (const uint8_t *p, size_t n); /* the slow way */

/* Is a text of n bytes at p UTF-8? Most are short and ASCII. */
TL_HOT bool bin_is_utf8 (const bin_scan *s, const uint8_t *p, size_t n) {
#if defined(__SSE2__)
  const uint8_t *at = p;
  for (size_t left = n; s->end - at >= 16; at += 16, left -= 16) {
    unsigned high = (unsigned)_mm_movemask_epi8(_mm_loadu_si128((const __m128i *)(const void *)at));
    if (left <= 16) {
      if (high & ((1u << left) - 1)) break;
      return true;
    }
    if (high) break;
  }
#else
  (void)s;
#endif
  return tl_bin_utf8(p, n);
}

/* The text of a few bytes at p (not the end), checked: its length; -1: it is something else, or
** wrong. */
TL_HOT long bin_short_text (const bin_scan *s, const uint8_t *p, tl_doc_format format) {
  long n = *p & 31;
  return bin_is_short_text(*p, format) && s->end - p > n && bin_is_utf8(s, p + 1, (size_t)n) ? n
                                                                                             : -1;
}

/* All chunks of a string of indefinite length, behind its head. The byte behind the break, or
** NULL. */
const uint8_t *tl_cbor_chunks (bin_scan *s, const uint8_t *p, uint8_t kind);

/* A key that is no plain text: *key, and the byte behind it, or NULL. */
const uint8_t *tl_bin_odd_key (bin_scan *s, const uint8_t *p, unsigned depth, tl_doc_format format,
                               tl_json_value *key);

/* Skip an item at p, `depth` levels deep. The byte behind it, or NULL. */
const uint8_t *tl_bin_skip (bin_scan *s, const uint8_t *p, unsigned depth, tl_doc_format format);

int tl_bin_report (const bin_scan *s, tl_json_error *error); /* TL_EMALFORMED */

#endif

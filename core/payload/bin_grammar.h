/* core/payload/bin_grammar.h — how items of CBOR and MessagePack nest, once, for the files that
** read whole documents. Must not know what they do with them.
**
** Included after the file has defined a type `visit` and these hooks, which become part of the
** loop:
**   int on_key (visit *v, const tl_json_value *key)      a pair's key; its value follows
**   void on_element (visit *v)                           an array's element follows
**   int on_open (visit *v, const uint8_t *from, bool array)      as in json_grammar.h
**   int on_close (visit *v, const uint8_t *behind, bool array)
**   int on_scalar (visit *v, tl_json_value value)
** No recursion: a level costs 16 bytes. */
#ifndef TL_PAYLOAD_BIN_GRAMMAR_H
#define TL_PAYLOAD_BIN_GRAMMAR_H

#include "base/utf8.h"
#include "payload/bin_scan.h"

enum { BIN_ENTER, BIN_SKIP };

typedef struct {
  uint64_t left; /* items to come, UINT64_MAX where a break ends them */
  bool map;
} bin_level;

/* A text or byte string whose head is read. The byte behind it, or NULL. */
TL_HOT const uint8_t *bin_string (bin_scan *s, const bin_head *h, unsigned flags,
                                  tl_doc_format format, tl_json_value *value) {
  bool text = h->kind == BIN_TEXT;
  uint8_t type = text ? TL_JSON_STRING : TL_DOC_BYTES;
  if (h->indefinite) {
    const uint8_t *behind = tl_cbor_chunks(s, h->behind, h->kind);
    if (behind)
      *value = (tl_json_value){ type,
                                true,
                                false,
                                (uint8_t)(format | flags),
                                { h->behind, (size_t)(behind - 1 - h->behind) } };
    return behind;
  }
  if ((uint64_t)(s->end - h->behind) < h->n)
    return tl_json_bad(s, s->end, text ? "the rest of a text" : "the rest of a byte string");
  size_t n = (size_t)h->n;
  if (text && !bin_is_utf8(s, h->behind, n)) {
    if (format == TL_DOC_CBOR)
      return tl_json_bad(s, h->behind + tl_utf8_prefix(h->behind, n), "valid UTF-8");
    type = TL_DOC_BYTES;
  }
  if (text && (flags & TL_DOC_TIME)) type = TL_DOC_TIME_TEXT;
  *value = (tl_json_value){ type, false, false, (uint8_t)(format | flags), { h->behind, n } };
  return h->behind + n;
}

/* What a tag says of the item behind it. All others are read through. */
TL_HOT unsigned bin_tag (uint64_t tag) {
  if (tag < 2) return TL_DOC_TIME;
  if (tag == 2) return TL_DOC_BIG;
  if (tag == 3) return TL_DOC_BIG | TL_DOC_BIG_NEG;
  return 0;
}

/* Read the item at p, which lies `depth` levels deep. The byte behind it, or NULL. */
TL_HOT const uint8_t *bin_grammar (bin_scan *s, visit *v, const uint8_t *p, unsigned depth,
                                   tl_doc_format format) {
  static const struct {
    uint8_t type, len;
    char word[6];
  } words[] = { { TL_JSON_FALSE, 5, "false" },
                { TL_JSON_TRUE, 4, "true" },
                { TL_JSON_NULL, 4, "null" },
                { TL_DOC_UNDEFINED, 4, "null" } };
  bin_level levels[TL_JSON_DEPTH];
  bin_level top = { 1, false };
  const unsigned base = depth;
  const uint8_t *from;
  unsigned flags;
  long n;
  tl_json_value value;
  bin_head h;

value:
  flags = 0;
  if (p < s->end && (n = bin_short_text(s, p, format)) >= 0) { /* most values that are no numbers */
    value = (tl_json_value){ TL_JSON_STRING, false, false, (uint8_t)format, { p + 1, (size_t)n } };
    p += 1 + n;
    goto scalar;
  }
tagged:
  from = p;
  if (p == s->end) return tl_json_bad(s, p, "a value");
  if (!bin_head_at(s, p, &h, format)) return NULL;
  switch (h.kind) {
    case BIN_TAG:
      flags |= bin_tag(h.n);
      p = h.behind;
      goto tagged;
    case BIN_NUMBER:
      p = h.behind;
      value = (tl_json_value){
        TL_DOC_NUMBER, false, false, (uint8_t)(format | flags), { from, (size_t)(p - from) }
      };
      break;
    case BIN_TEXT:
    case BIN_BYTES:
      if (!(p = bin_string(s, &h, flags, format, &value))) return NULL;
      break;
    case BIN_TIME:
      if ((uint64_t)(s->end - h.behind) < h.n) return tl_json_bad(s, s->end, "the rest of a time");
      p = h.behind + h.n;
      value = (tl_json_value){
        TL_DOC_NUMBER, false, false, (uint8_t)(format | TL_DOC_TIME), { from, (size_t)(p - from) }
      };
      break;
    case BIN_BREAK: return tl_json_bad(s, from, "a value");
    case BIN_ARRAY:
    case BIN_MAP:
      if (depth == TL_JSON_DEPTH) return tl_json_bad(s, from, "at most 512 levels");
      switch (on_open(v, from, h.kind == BIN_ARRAY)) {
        case BIN_ENTER: break;
        case BIN_SKIP:
          if (!(p = tl_bin_skip(s, from, depth, format))) return NULL;
          goto behind;
        default: return NULL;
      }
      levels[depth - base] = top;
      depth++;
      top = (bin_level){ h.indefinite ? UINT64_MAX : h.n, h.kind == BIN_MAP };
      p = h.behind;
      goto next;
    default:
      value = (tl_json_value){ words[h.kind - BIN_FALSE].type,
                               false,
                               false,
                               (uint8_t)format,
                               { (const uint8_t *)words[h.kind - BIN_FALSE].word,
                                 words[h.kind - BIN_FALSE].len } };
      p = h.behind;
      break;
  }
scalar:
  if (on_scalar(v, value) != BIN_ENTER) return NULL;
behind:
  if (depth == base) return p;
next:
  if (top.left == UINT64_MAX) {
    if (p == s->end) return tl_json_bad(s, p, top.map ? "a key or a break" : "a value or a break");
    if (*p == 0xff) {
      p++;
      goto close;
    }
  } else if (top.left-- == 0) {
    goto close;
  }
  if (!top.map) {
    on_element(v);
    goto value;
  }
  if (p == s->end) return tl_json_bad(s, p, "a key");
  if ((n = bin_short_text(s, p, format)) >= 0) {
    value = (tl_json_value){ TL_JSON_STRING, false, false, (uint8_t)format, { p + 1, (size_t)n } };
    p += 1 + n;
  } else if (!(p = tl_bin_odd_key(s, p, depth, format, &value))) {
    return NULL;
  }
  if (on_key(v, &value) != BIN_ENTER) return NULL;
  goto value;

close:
  if (on_close(v, p, !top.map) != BIN_ENTER) return NULL;
  top = levels[--depth - base];
  goto behind;
}

/* A whole document: one item, and nothing behind it. The end, or NULL. */
TL_HOT const uint8_t *bin_document (bin_scan *s, visit *v, tl_doc_format format) {
  const uint8_t *p = bin_grammar(s, v, s->doc, 0, format);
  if (!p || p == s->end) return p;
  return tl_json_bad(s, p, "the end of the document");
}

#endif

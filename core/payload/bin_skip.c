/* core/payload/bin_skip.c — the part of a binary document that no address leads to, and keys
** that are no text: checked, and nothing else. A loop of its own rather than bin_grammar.h, for a
** key may be a container whose keys are containers, and nothing here may recurse. */
#include "base/utf8.h"
#include "payload/bin_scan.h"

typedef struct {
  uint64_t left;  /* elements or pairs to come, UINT64_MAX where a break ends them */
  bool map, half; /* half: the value of a pair comes */
} level;

static const uint8_t *cut (bin_scan *s, const char *expected) {
  return tl_json_bad(s, s->end, expected);
}

/* A text or byte string whose head is read. */
static const char *rest_of (const bin_head *h, bool key) {
  if (key) return "the rest of a key";
  if (h->kind == BIN_TIME) return "the rest of a time";
  return h->kind == BIN_TEXT ? "the rest of a text" : "the rest of a byte string";
}

TL_HOT const uint8_t *skip_string (bin_scan *s, const bin_head *h, bool key, tl_doc_format format) {
  bool text = h->kind == BIN_TEXT;
  if (h->indefinite) return tl_cbor_chunks(s, h->behind, h->kind);
  if ((uint64_t)(s->end - h->behind) < h->n) return cut(s, rest_of(h, key));
  size_t n = (size_t)h->n;
  if (text && format == TL_DOC_CBOR && !bin_is_utf8(s, h->behind, n))
    return tl_json_bad(s, h->behind + tl_utf8_prefix(h->behind, n), "valid UTF-8");
  return h->behind + n;
}

TL_HOT const uint8_t *skip (bin_scan *s, const uint8_t *p, unsigned depth, tl_doc_format format) {
  level levels[TL_JSON_DEPTH];
  level top = { 0, false, false };
  const unsigned base = depth;
  bool key = false;
  long n;
  bin_head h;

item:
  if (p == s->end) return cut(s, key ? "a key" : "a value");
  if ((n = bin_short_text(s, p, format)) >= 0) {
    p += 1 + n;
    goto behind;
  }
  if (!bin_head_at(s, p, &h, format)) return NULL;
  switch (h.kind) {
    case BIN_TAG: p = h.behind; goto item;
    case BIN_TEXT:
    case BIN_BYTES:
    case BIN_TIME:
      if (!(p = skip_string(s, &h, key, format))) return NULL;
      break;
    case BIN_BREAK: return tl_json_bad(s, p, key ? "a key" : "a value");
    case BIN_ARRAY:
    case BIN_MAP:
      if (depth == TL_JSON_DEPTH) return tl_json_bad(s, p, "at most 512 levels");
      levels[depth++ - base] = top;
      top = (level){ h.indefinite ? UINT64_MAX : h.n, h.kind == BIN_MAP, false };
      p = h.behind;
      goto next;
    default: p = h.behind; break;
  }
behind:
  if (depth == base) return p;
next:
  key = false;
  if (top.half) {
    top.half = false;
    goto item;
  }
  if (top.left == UINT64_MAX) {
    if (p == s->end) return cut(s, top.map ? "a key or a break" : "a value or a break");
    if (*p == 0xff) {
      p++;
      goto close;
    }
  } else if (top.left-- == 0) {
    goto close;
  }
  key = top.half = top.map;
  goto item;

close:
  top = levels[--depth - base];
  goto behind;
}

const uint8_t *tl_bin_skip (bin_scan *s, const uint8_t *p, unsigned depth, tl_doc_format format) {
  if (format == TL_DOC_CBOR) return skip(s, p, depth, TL_DOC_CBOR);
  return skip(s, p, depth, TL_DOC_MSGPACK);
}

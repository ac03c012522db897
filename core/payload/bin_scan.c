/* core/payload/bin_scan.c — the rarer heads, strings in chunks, odd keys. Must not know
** addresses. */
#include "payload/bin_scan.h"

#include "base/utf8.h"

static bool fails (bin_scan *s, const uint8_t *at, const char *expected) {
  tl_json_bad(s, at, expected);
  return false;
}

/* --- CBOR (RFC 8949 section 3) --- */

static bool cbor_special (bin_scan *s, const uint8_t *p, unsigned info, bin_head *h) {
  if (info == 24) { /* a simple value in two bytes: those below 32 have one, or none */
    if (h->n < 32) return fails(s, p + 1, "a simple value of at least 32");
    h->kind = BIN_UNDEFINED;
  } else {
    h->kind = BIN_NUMBER;
  }
  return true;
}

bool tl_cbor_long_head (bin_scan *s, const uint8_t *p, bin_head *h) {
  static const uint8_t kinds[8] = { BIN_NUMBER, BIN_NUMBER, BIN_BYTES, BIN_TEXT,
                                    BIN_ARRAY,  BIN_MAP,    BIN_TAG,   BIN_BREAK };
  unsigned major = *p >> 5, info = *p & 31;
  *h = (bin_head){ .kind = kinds[major], .behind = p + 1 };
  if (info == 31) {
    if (major < 2 || major == 6) return fails(s, p, "a head of CBOR (RFC 8949)");
    h->indefinite = true;
    return true;
  }
  if (info > 27) return fails(s, p, "a head of CBOR (RFC 8949)");
  unsigned bytes = 1u << (info - 24);
  if ((size_t)(s->end - h->behind) < bytes) return fails(s, s->end, "the rest of a value");
  h->n = bin_uint(h->behind, bytes);
  h->behind += bytes;
  return major == 7 ? cbor_special(s, p, info, h) : true;
}

const uint8_t *tl_cbor_chunks (bin_scan *s, const uint8_t *p, uint8_t kind) {
  bin_head h;
  for (;; p = h.behind + h.n) {
    if (p == s->end) return tl_json_bad(s, p, "a chunk or a break");
    if (*p == 0xff) return p + 1;
    if (!cbor_head(s, p, &h)) return NULL;
    if (h.kind != kind || h.indefinite)
      return tl_json_bad(s, p, kind == BIN_TEXT ? "a chunk of a text" : "a chunk of a byte string");
    if ((uint64_t)(s->end - h.behind) < h.n) return tl_json_bad(s, s->end, "the rest of a chunk");
    if (kind == BIN_TEXT && !bin_is_utf8(s, h.behind, (size_t)h.n))
      return tl_json_bad(s, h.behind + tl_utf8_prefix(h.behind, (size_t)h.n), "valid UTF-8");
  }
}

/* --- MessagePack --- */

static bool extension (bin_scan *s, const uint8_t *p, unsigned length_bytes, bin_head *h) {
  if (length_bytes == 0) {
    h->n = (uint64_t)1 << (*p - 0xd4);
  } else {
    h->n = bin_uint(p + 1, length_bytes);
  }
  h->behind = p + 1 + length_bytes;
  if (h->behind == s->end) return fails(s, s->end, "the type of an extension");
  bool time = *h->behind++ == 0xff && (h->n == 4 || h->n == 8 || h->n == 12);
  h->kind = time ? BIN_TIME : BIN_BYTES;
  return true;
}

bool tl_msgpack_long_head (bin_scan *s, const uint8_t *p, bin_head *h) {
  static const struct {
    uint8_t kind, bytes;
  } heads[32] = { /* from 0xc0 on; bytes of a length or a number behind */
                  { BIN_NULL, 0 },   { BIN_BREAK, 0 },  { BIN_FALSE, 0 },  { BIN_TRUE, 0 },
                  { BIN_BYTES, 1 },  { BIN_BYTES, 2 },  { BIN_BYTES, 4 },  { BIN_TIME, 1 },
                  { BIN_TIME, 2 },   { BIN_TIME, 4 },   { BIN_NUMBER, 4 }, { BIN_NUMBER, 8 },
                  { BIN_NUMBER, 1 }, { BIN_NUMBER, 2 }, { BIN_NUMBER, 4 }, { BIN_NUMBER, 8 },
                  { BIN_NUMBER, 1 }, { BIN_NUMBER, 2 }, { BIN_NUMBER, 4 }, { BIN_NUMBER, 8 },
                  { BIN_TIME, 0 },   { BIN_TIME, 0 },   { BIN_TIME, 0 },   { BIN_TIME, 0 },
                  { BIN_TIME, 0 },   { BIN_TEXT, 1 },   { BIN_TEXT, 2 },   { BIN_TEXT, 4 },
                  { BIN_ARRAY, 2 },  { BIN_ARRAY, 4 },  { BIN_MAP, 2 },    { BIN_MAP, 4 }
  };
  unsigned which = *p - 0xc0u, bytes = heads[which].bytes;
  *h = (bin_head){ .kind = heads[which].kind, .behind = p + 1 };
  if (h->kind == BIN_BREAK) return fails(s, p, "a head of MessagePack, which 0xC1 is not");
  if ((size_t)(s->end - h->behind) < bytes) return fails(s, s->end, "the rest of a value");
  if (h->kind == BIN_TIME) return extension(s, p, bytes, h);
  if (bytes > 0) h->n = bin_uint(h->behind, bytes);
  h->behind += bytes;
  return true;
}

/* --- both --- */

bool tl_bin_utf8 (const uint8_t *p, size_t n) { return tl_utf8_prefix(p, n) == n; }

const uint8_t *tl_bin_odd_key (bin_scan *s, const uint8_t *p, unsigned depth, tl_doc_format format,
                               tl_json_value *key) {
  bin_head h;
  const uint8_t *from = p;
  *key = (tl_json_value){ .format = (uint8_t)format };
  do {
    if (p == s->end) return tl_json_bad(s, p, "a key");
    from = p;
    if (!bin_head_at(s, p, &h, format)) return NULL;
    p = h.behind;
  } while (h.kind == BIN_TAG);
  switch (h.kind) {
    case BIN_TEXT:
    case BIN_BYTES:
      key->type = h.kind == BIN_TEXT ? TL_JSON_STRING : TL_DOC_BYTES;
      if (h.indefinite) {
        if (!(p = tl_cbor_chunks(s, h.behind, h.kind))) return NULL;
        key->escaped = true;
        key->raw = tl_slice_of(h.behind, (size_t)(p - 1 - h.behind));
        return p;
      }
      if ((uint64_t)(s->end - p) < h.n) return tl_json_bad(s, s->end, "the rest of a key");
      key->raw = tl_slice_of(p, (size_t)h.n);
      if (h.kind == BIN_TEXT && !bin_is_utf8(s, p, (size_t)h.n)) {
        if (format == TL_DOC_CBOR)
          return tl_json_bad(s, p + tl_utf8_prefix(p, (size_t)h.n), "valid UTF-8");
        key->type = TL_DOC_BYTES;
      }
      return p + h.n;
    case BIN_BREAK: return tl_json_bad(s, from, "a key");
    case BIN_NUMBER: key->type = TL_DOC_NUMBER; break;
    case BIN_FALSE: key->type = TL_JSON_FALSE; break;
    case BIN_TRUE: key->type = TL_JSON_TRUE; break;
    case BIN_NULL: key->type = TL_JSON_NULL; break;
    case BIN_ARRAY: key->type = TL_JSON_ARRAY; break;
    case BIN_MAP: key->type = TL_JSON_OBJECT; break;
    default: key->type = TL_DOC_UNDEFINED; break;
  }
  if (!(p = tl_bin_skip(s, from, depth, format))) return NULL;
  key->raw = tl_slice_of(from, (size_t)(p - from));
  return p;
}

int tl_bin_report (const bin_scan *s, tl_json_error *error) {
  if (error) *error = (tl_json_error){ .at = (size_t)(s->bad - s->doc), .expected = s->expected };
  return TL_EMALFORMED;
}

const char *tl_doc_format_name (tl_doc_format format) {
  static const char *const names[] = { "JSON", "CBOR", "MessagePack" };
  return names[format];
}

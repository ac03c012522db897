/* core/payload/bin_value.c — what encoded numbers, times and strings stand for. Must not know
** addresses nor tags. */
#include <math.h>

#include "base/number.h"
#include "payload/bin_scan.h"
#include "payload/timemask.h"

/* --- numbers --- */

static tl_doc_number natural (uint64_t n) {
  if (n <= INT64_MAX) return (tl_doc_number){ TL_DOC_INT, (int64_t)n, 0, (double)n };
  return (tl_doc_number){ TL_DOC_ABOVE, 0, n, (double)n };
}

static tl_doc_number negative (uint64_t n) { /* -1 - n */
  if (n <= INT64_MAX) return (tl_doc_number){ TL_DOC_INT, -1 - (int64_t)n, 0, -1.0 - (double)n };
  return (tl_doc_number){ TL_DOC_BELOW, 0, n, -1.0 - (double)n };
}

static tl_doc_number floating (double number) {
  return (tl_doc_number){ .kind = TL_DOC_FLOAT, .number = number };
}

static double half_float (uint64_t bits) { /* RFC 8949 appendix D */
  int exponent = (int)(bits >> 10 & 0x1f), mantissa = (int)(bits & 0x3ff);
  double v = NAN;
  if (exponent == 0)
    v = ldexp(mantissa, -24);
  else if (exponent != 31)
    v = ldexp(mantissa + 1024, exponent - 25);
  else if (mantissa == 0)
    v = INFINITY;
  return bits & 0x8000 ? -v : v;
}

static double single_float (const uint8_t *p) {
  uint32_t bits = (uint32_t)bin_uint(p, 4);
  float f;
  memcpy(&f, &bits, sizeof f);
  return f;
}

static double double_float (const uint8_t *p) {
  uint64_t bits = bin_uint(p, 8);
  double d;
  memcpy(&d, &bits, sizeof d);
  return d;
}

static tl_doc_number cbor_number (const uint8_t *p) {
  unsigned major = *p >> 5, info = *p & 31;
  uint64_t n = info < 24 ? info : bin_uint(p + 1, 1u << (info - 24));
  if (major == 0) return natural(n);
  if (major == 1) return negative(n);
  if (info == 25) return floating(half_float(n));
  return floating(info == 26 ? single_float(p + 1) : double_float(p + 1));
}

/* The seconds of a timestamp; what is behind their point is in *ns. */
static int64_t timestamp (tl_slice raw, uint32_t *ns) {
  const uint8_t *p = raw.at + raw.len;
  *ns = 0;
  if (*raw.at == 0xd6) return (int64_t)bin_uint(p - 4, 4);
  if (*raw.at == 0xd7) {
    uint64_t both = bin_uint(p - 8, 8);
    *ns = (uint32_t)(both >> 34);
    return (int64_t)(both & 0x3ffffffff);
  }
  size_t n = raw.at[1]; /* ext 8; a longer head may hold the same */
  if (*raw.at == 0xc8) n = (size_t)bin_uint(raw.at + 1, 2);
  if (*raw.at == 0xc9) n = (size_t)bin_uint(raw.at + 1, 4);
  if (n == 4) return (int64_t)bin_uint(p - 4, 4);
  if (n == 8) {
    uint64_t both = bin_uint(p - 8, 8);
    *ns = (uint32_t)(both >> 34);
    return (int64_t)(both & 0x3ffffffff);
  }
  *ns = (uint32_t)bin_uint(p - 12, 4);
  return (int64_t)bin_uint(p - 8, 8);
}

static tl_doc_number msgpack_number (tl_slice raw) {
  const uint8_t *p = raw.at;
  uint32_t ns;
  switch (*p) {
    case 0xca: return floating(single_float(p + 1));
    case 0xcb: return floating(double_float(p + 1));
    case 0xcc: return natural(bin_uint(p + 1, 1));
    case 0xcd: return natural(bin_uint(p + 1, 2));
    case 0xce: return natural(bin_uint(p + 1, 4));
    case 0xcf: return natural(bin_uint(p + 1, 8));
    case 0xd0: return (tl_doc_number){ TL_DOC_INT, (int8_t)p[1], 0, (int8_t)p[1] };
    case 0xd1: {
      int16_t v = (int16_t)bin_uint(p + 1, 2);
      return (tl_doc_number){ TL_DOC_INT, v, 0, v };
    }
    case 0xd2: {
      int32_t v = (int32_t)bin_uint(p + 1, 4);
      return (tl_doc_number){ TL_DOC_INT, v, 0, v };
    }
    case 0xd3: {
      int64_t v = (int64_t)bin_uint(p + 1, 8);
      return (tl_doc_number){ TL_DOC_INT, v, 0, (double)v };
    }
    default: break;
  }
  if (*p < 0x80) return natural(*p);
  if (*p >= 0xe0) return (tl_doc_number){ TL_DOC_INT, (int8_t)*p, 0, (int8_t)*p };
  int64_t seconds = timestamp(raw, &ns);
  if (ns == 0) return (tl_doc_number){ TL_DOC_INT, seconds, 0, (double)seconds };
  return floating((double)seconds + ns / 1e9);
}

static tl_doc_number big_number (const tl_json_value *v) {
  uint64_t whole = 0;
  double number = 0;
  bool fits = !v->escaped;
  for (size_t i = 0; i < v->raw.len && fits; i++) {
    fits = whole <= UINT64_MAX >> 8;
    whole = whole << 8 | v->raw.at[i];
  }
  if (fits) return v->format & TL_DOC_BIG_NEG ? negative(whole) : natural(whole);
  if (v->escaped) return floating(NAN); /* in chunks: nobody writes that */
  for (size_t i = 0; i < v->raw.len; i++) number = number * 256 + v->raw.at[i];
  return floating(v->format & TL_DOC_BIG_NEG ? -1 - number : number);
}

tl_doc_number tl_doc_number_of (const tl_json_value *v) {
  if (v->type == TL_DOC_BYTES) return big_number(v);
  return (v->format & TL_DOC_FORMAT) == TL_DOC_CBOR ? cbor_number(v->raw.at)
                                                    : msgpack_number(v->raw);
}

static void format_natural (tl_buf *out, uint64_t n, bool minus_one_more) {
  char digits[24];
  int at = 24;
  bool carry = minus_one_more;
  if (minus_one_more && n == UINT64_MAX) { /* 2^64 itself */
    tl_buf_str(out, "-18446744073709551616");
    return;
  }
  n += carry;
  do digits[--at] = (char)('0' + n % 10);
  while ((n /= 10) > 0);
  if (minus_one_more) tl_buf_byte(out, '-');
  tl_buf_add(out, digits + at, (size_t)(24 - at));
}

tl_slice tl_doc_number_text (const tl_json_value *v, uint8_t room[TL_DOC_NUMBER_TEXT]) {
  tl_buf text = { .at = room, .cap = TL_DOC_NUMBER_TEXT };
  tl_doc_number n = tl_doc_number_of(v);
  switch (n.kind) {
    case TL_DOC_INT: tl_integer_format(&text, n.integer); break;
    case TL_DOC_FLOAT:
      if (isfinite(n.number)) tl_number_format(&text, n.number);
      break;
    default: format_natural(&text, n.natural, n.kind == TL_DOC_BELOW); break;
  }
  return tl_buf_bytes(&text);
}

/* --- times --- */

static int seconds_to_ms (double seconds, int64_t *ms) {
  double exact = seconds * 1000, near = round(exact);
  /* a decimal fraction that a double holds inexactly must not lose its last digit when the rest is
  ** cut off */
  double cut = fabs(near - exact) < 1e-3 ? near : trunc(exact);
  if (!(cut >= (double)TL_TIME_MIN_MS && cut <= (double)TL_TIME_MAX_MS)) return TL_ERANGE;
  *ms = (int64_t)cut;
  return TL_OK;
}

int tl_doc_time_of (const tl_json_value *v, int64_t *ms) {
  if (v->type == TL_DOC_TIME_TEXT) return tl_time_iso_parse(v->raw, ms);
  if (v->type != TL_DOC_NUMBER) return TL_ESYNTAX;
  if ((v->format & TL_DOC_FORMAT) == TL_DOC_MSGPACK && v->raw.len > 1 && *v->raw.at >= 0xc7) {
    uint8_t b = *v->raw.at;
    if ((b >= 0xc7 && b <= 0xc9) || (b >= 0xd4 && b <= 0xd8)) {
      uint32_t ns;
      int64_t seconds = timestamp(v->raw, &ns);
      if (seconds < TL_TIME_MIN_MS / 1000 || seconds > TL_TIME_MAX_MS / 1000) return TL_ERANGE;
      *ms = seconds * 1000 + ns / 1000000;
      return *ms > TL_TIME_MAX_MS ? TL_ERANGE : TL_OK;
    }
  }
  return seconds_to_ms(tl_doc_number_of(v).number, ms);
}

/* --- strings --- */

/* The next chunk at *p; false at the end. All was checked when it was read. */
static bool next_chunk (const uint8_t **p, const uint8_t *end, tl_slice *chunk) {
  bin_scan s = { .doc = *p, .end = end };
  bin_head h = { 0 };
  if (*p >= end || !cbor_head(&s, *p, &h)) return false;
  *chunk = tl_slice_of(h.behind, (size_t)h.n);
  *p = h.behind + h.n;
  return true;
}

void tl_doc_bytes (const tl_json_value *v, tl_buf *out) {
  const uint8_t *p = v->raw.at, *end = p + v->raw.len;
  tl_slice chunk;
  if (!v->escaped) {
    tl_buf_slice(out, v->raw);
    return;
  }
  while (next_chunk(&p, end, &chunk)) tl_buf_slice(out, chunk);
}

bool tl_doc_chunks_eq (const tl_json_value *v, tl_slice bytes) {
  const uint8_t *p = v->raw.at, *end = p + v->raw.len;
  tl_slice chunk;
  while (next_chunk(&p, end, &chunk)) {
    if (chunk.len > bytes.len || (chunk.len && memcmp(chunk.at, bytes.at, chunk.len) != 0))
      return false;
    bytes = tl_slice_of(bytes.at + chunk.len, bytes.len - chunk.len);
  }
  return bytes.len == 0;
}

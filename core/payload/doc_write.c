/* core/payload/doc_write.c — one value as an item of CBOR or MessagePack, in its shortest form.
** Must not know tags. */
#include <math.h>

#include "base/utf8.h"
#include "payload/document.h"

static void put (tl_buf *out, uint8_t head, uint64_t n, unsigned bytes) { /* big-endian */
  uint8_t item[9] = { head };
  for (unsigned i = 0; i < bytes; i++) item[1 + i] = (uint8_t)(n >> (bytes - 1 - i) * 8);
  tl_buf_add(out, item, 1 + bytes);
}

/* A CBOR head: its major type, and a number or length. */
static void cbor_head (tl_buf *out, unsigned major, uint64_t n) {
  uint8_t type = (uint8_t)(major << 5);
  if (n < 24)
    tl_buf_byte(out, (uint8_t)(type | n));
  else if (n <= UINT8_MAX)
    put(out, type | 24, n, 1);
  else if (n <= UINT16_MAX)
    put(out, type | 25, n, 2);
  else if (n <= UINT32_MAX)
    put(out, type | 26, n, 4);
  else
    put(out, type | 27, n, 8);
}

/* The shortest form: 1, 2, 4 or 8 bytes behind a head, which is one more for each. */
static void msgpack_integer (tl_buf *out, int64_t v) {
  static const int64_t most[] = { UINT8_MAX, UINT16_MAX, UINT32_MAX, INT64_MAX },
                       least[] = { INT8_MIN, INT16_MIN, INT32_MIN, INT64_MIN };
  int form = 0;
  if (v >= -32 && v < 128) {
    tl_buf_byte(out, (uint8_t)v);
    return;
  }
  while (v >= 0 ? v > most[form] : v < least[form]) form++;
  put(out, (uint8_t)((v >= 0 ? 0xcc : 0xd0) + form), (uint64_t)v, 1u << form);
}

void tl_doc_write_integer (tl_doc_format format, int64_t integer, tl_buf *out) {
  if (format == TL_DOC_MSGPACK)
    msgpack_integer(out, integer);
  else if (integer >= 0)
    cbor_head(out, 0, (uint64_t)integer);
  else
    cbor_head(out, 1, (uint64_t)(-1 - integer));
}

void tl_doc_write_number (tl_doc_format format, double number, tl_buf *out) {
  float single = (float)number;
  if (number == trunc(number) && fabs(number) < 9007199254740992.0) {
    tl_doc_write_integer(format, (int64_t)number, out);
  } else if (single == number) {
    uint32_t bits;
    memcpy(&bits, &single, sizeof bits);
    put(out, format == TL_DOC_MSGPACK ? 0xca : 0xfa, bits, 4);
  } else {
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    put(out, format == TL_DOC_MSGPACK ? 0xcb : 0xfb, bits, 8);
  }
}

void tl_doc_write_boolean (tl_doc_format format, bool boolean, tl_buf *out) {
  uint8_t base = format == TL_DOC_MSGPACK ? 0xc2 : 0xf4;
  tl_buf_byte(out, (uint8_t)(base + boolean));
}

static void msgpack_length (tl_buf *out, bool text, uint64_t n) {
  if (text && n < 32)
    tl_buf_byte(out, (uint8_t)(0xa0 | n));
  else if (n <= UINT8_MAX)
    put(out, text ? 0xd9 : 0xc4, n, 1);
  else if (n <= UINT16_MAX)
    put(out, text ? 0xda : 0xc5, n, 2);
  else
    put(out, text ? 0xdb : 0xc6, n, 4);
}

void tl_doc_write_text (tl_doc_format format, tl_slice text, tl_buf *out) {
  bool is_text = tl_utf8_valid(text);
  if (format == TL_DOC_MSGPACK)
    msgpack_length(out, is_text, text.len);
  else
    cbor_head(out, is_text ? 3 : 2, text.len);
  tl_buf_slice(out, text);
}

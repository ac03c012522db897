/* core/codec/protobuf_impl.h — the encoding of Protocol Buffers: varints, lengths and fixed
** numbers. Knows no field.
** Each function reads what begins at `*at` and ends before `stop`, and moves `*at` behind it.
** False: it is wrong or incomplete, and the outputs do not count. */
#ifndef TL_CODEC_PROTOBUF_IMPL_H
#define TL_CODEC_PROTOBUF_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { TL_PB_VARINT = 0, TL_PB_FIXED64 = 1, TL_PB_LENGTH = 2, TL_PB_FIXED32 = 5 };
enum { TL_PB_NUMBER_LAST = 536870911 };

static inline bool tl_pb_long_varint (const uint8_t *bytes, size_t *at, size_t stop,
                                      uint64_t *value) {
  uint64_t v = 0;
  for (int i = 0; i < 10 && *at < stop; i++) {
    uint8_t byte = bytes[(*at)++];
    if (i == 9 && byte > 1) return false;
    v |= (uint64_t)(byte & 127) << 7 * i;
    if (byte < 128) {
      *value = v;
      return true;
    }
  }
  return false;
}

/* A varint of 2 to 8 bytes, if 8 bytes are there: without a branch for each byte, since how many
** there are varies. 0: there is none. */
static inline size_t tl_pb_eight (const uint8_t *bytes, uint64_t *value) {
#if defined __BYTE_ORDER__ && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  uint64_t word;
  memcpy(&word, bytes, sizeof word);
  uint64_t ends = ~word & 0x8080808080808080U;
  if (ends == 0) return 0;
  word &= (ends ^ (ends - 1)) & 0x7f7f7f7f7f7f7f7fU; /* up to the first byte without its bit 7 */
  word = (word & 0x007f007f007f007fU) | (word & 0x7f007f007f007f00U) >> 1;
  word = (word & 0x00003fff00003fffU) | (word & 0x3fff00003fff0000U) >> 2;
  *value = (word & 0x000000000fffffffU) | (word & 0x0fffffff00000000U) >> 4;
  return (size_t)__builtin_ctzll(ends) / 8 + 1;
#else
  (void)bytes, (void)value;
  return 0;
#endif
}

static inline bool tl_pb_varint (const uint8_t *bytes, size_t *at, size_t stop, uint64_t *value) {
  if (*at < stop && bytes[*at] < 128) { /* most of them */
    *value = bytes[(*at)++];
    return true;
  }
  size_t n = stop - *at >= 8 && *at < stop ? tl_pb_eight(bytes + *at, value) : 0;
  *at += n;
  return n > 0 || tl_pb_long_varint(bytes, at, stop, value);
}

/* A field with a length: afterwards `*at` is its first byte, and `*end` is behind its last
** byte. */
static inline bool tl_pb_span (const uint8_t *bytes, size_t *at, size_t stop, size_t *end) {
  uint64_t length;
  if (!tl_pb_varint(bytes, at, stop, &length) || length > stop - *at) return false;
  *end = *at + (size_t)length;
  return true;
}

/* Little-endian, `size` bytes of 4 or 8. */
static inline bool tl_pb_fixed (const uint8_t *bytes, size_t *at, size_t stop, unsigned size,
                                uint64_t *value) {
  if (stop - *at < size) return false;
  *value = 0;
  for (unsigned i = 0; i < size; i++) *value |= (uint64_t)bytes[(*at)++] << 8 * i;
  return true;
}

/* The key of a field: its number and its wire type. False also for the wire types that have no
** value (groups). */
static inline bool tl_pb_key (const uint8_t *bytes, size_t *at, size_t stop, uint64_t *number,
                              int *wire) {
  uint64_t key;
  if (!tl_pb_varint(bytes, at, stop, &key)) return false;
  *number = key >> 3;
  *wire = (int)(key & 7);
  return *number != 0 && *number <= TL_PB_NUMBER_LAST && *wire != 3 && *wire != 4 && *wire <= 5;
}

/* Skip a field. */
static inline bool tl_pb_skip (const uint8_t *bytes, int wire, size_t *at, size_t stop) {
  uint64_t value;
  size_t end;
  if (wire == TL_PB_VARINT) return tl_pb_varint(bytes, at, stop, &value);
  if (wire == TL_PB_FIXED64) return tl_pb_fixed(bytes, at, stop, 8, &value);
  if (wire == TL_PB_FIXED32) return tl_pb_fixed(bytes, at, stop, 4, &value);
  if (!tl_pb_span(bytes, at, stop, &end)) return false;
  *at = end;
  return true;
}

/* A number of 32 bits. Some libraries write a negative one with 64 bits. */
static inline bool tl_pb_uint32 (const uint8_t *bytes, size_t *at, size_t stop, uint64_t *value) {
  if (!tl_pb_varint(bytes, at, stop, value)) return false;
  if (*value > UINT32_MAX && *value < (uint64_t)INT32_MIN) return false;
  *value &= UINT32_MAX;
  return true;
}

#endif

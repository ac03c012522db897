/* core/mqtt/frame.h — splits a byte stream into MQTT packets. Pure: no libuv, no Lua, no
** allocation. Knows nothing of what the packets mean. */
#ifndef TL_MQTT_FRAME_H
#define TL_MQTT_FRAME_H

#include "base/slice.h"
#include "mqtt/wire.h"

typedef struct {
  uint8_t type, flags; /* high and low nibble of the first byte */
  tl_slice body;       /* borrowed: dies when the input buffer moves */
} tl_frame;

/* Read one frame from buf[0..len). Returns bytes consumed (> 0); TL_EPARTIAL if more input is
** needed, *out untouched; TL_ETOOBIG as soon as the length field says that the whole packet
** exceeds `max` bytes, before waiting for a body that may never come; TL_EMALFORMED when a
** fourth length byte asks for a fifth. A length written with more bytes than needed is legal in
** 3.1.1. Types and flags are not judged here. */
long tl_frame_read (const uint8_t *buf, size_t len, size_t max, tl_frame *out);

/* The same, to be compiled into the receive loop. */
static inline long tl_frame_split (const uint8_t *buf, size_t len, size_t max, tl_frame *out) {
  if (len < 2) return TL_EPARTIAL;
  size_t head = 2, body = buf[1];
  if (body & 0x80) {
    body &= 0x7f;
    for (unsigned shift = 7;; shift += 7) {
      if (head == TL_HEADER_MAX) return TL_EMALFORMED;
      if (head == len) return TL_EPARTIAL;
      uint8_t c = buf[head++];
      body |= (size_t)(c & 0x7f) << shift;
      if (!(c & 0x80)) break;
    }
  }
  if (max < head || max - head < body) return TL_ETOOBIG;
  if (len - head < body) return TL_EPARTIAL;
  out->type = buf[0] >> 4;
  out->flags = buf[0] & 0x0f;
  out->body = tl_slice_of(buf + head, body);
  return (long)(head + body);
}

/* How many bytes the packet at buf needs in all, 0 while the length field is incomplete (or
** malformed). */
size_t tl_frame_needs (const uint8_t *buf, size_t len);

#endif

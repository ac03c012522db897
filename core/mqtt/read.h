/* core/mqtt/read.h — a bounded cursor over a packet's body. Each read says whether the bytes
** were there, and moves only then. Bounds are `left < need`, never a sum that could wrap. Knows
** nothing of packets. */
#ifndef TL_MQTT_READ_H
#define TL_MQTT_READ_H

#include "base/slice.h"

typedef struct {
  const uint8_t *at, *end;
} tl_reader;

static inline tl_reader tl_reader_of (tl_slice bytes) {
  tl_reader r = { bytes.at, bytes.at + bytes.len };
  return r;
}

static inline size_t tl_reader_left (const tl_reader *r) { return (size_t)(r->end - r->at); }

static inline bool tl_read_u8 (tl_reader *r, uint8_t *out) {
  if (tl_reader_left(r) < 1) return false;
  *out = *r->at++;
  return true;
}

static inline bool tl_read_u16 (tl_reader *r, uint16_t *out) {
  if (tl_reader_left(r) < 2) return false;
  *out = (uint16_t)(r->at[0] << 8 | r->at[1]);
  r->at += 2;
  return true;
}

static inline bool tl_read_bytes (tl_reader *r, size_t n, tl_slice *out) {
  if (tl_reader_left(r) < n) return false;
  *out = tl_slice_of(r->at, n);
  r->at += n;
  return true;
}

/* Two bytes of length and so many bytes (1.5.3); whether they are UTF-8 is the caller's
** question. */
static inline bool tl_read_string (tl_reader *r, tl_slice *out) {
  tl_reader mark = *r;
  uint16_t n;
  if (tl_read_u16(r, &n) && tl_read_bytes(r, n, out)) return true;
  *r = mark;
  return false;
}

#endif

/* core/mqtt/frame.c — the parts of frame.h that need not be inline. */
#include "mqtt/frame.h"

long tl_frame_read (const uint8_t *buf, size_t len, size_t max, tl_frame *out) {
  return tl_frame_split(buf, len, max, out);
}

size_t tl_frame_needs (const uint8_t *buf, size_t len) {
  size_t body = 0;
  for (size_t i = 1; i < len && i < TL_HEADER_MAX; i++) {
    body |= (size_t)(buf[i] & 0x7f) << (7 * (i - 1));
    if (!(buf[i] & 0x80)) return i + 1 + body;
  }
  return 0;
}

/* core/mqtt/build_short.c — fixed headers, acknowledgements, PINGREQ and DISCONNECT. Knows no
** session. */
#include <assert.h>

#include "mqtt/build.h"

size_t tl_build_header (uint8_t *at, uint8_t first, size_t remaining) {
  size_t n = 0;
  assert(remaining <= TL_REMAINING_MAX);
  at[n++] = first;
  do {
    uint8_t c = remaining & 0x7f;
    remaining >>= 7;
    at[n++] = (uint8_t)(remaining ? c | 0x80 : c);
  } while (remaining);
  return n;
}

int tl_build_ack (tl_buf *out, uint8_t type, uint16_t id) {
  uint8_t flags = type == TL_PUBREL ? 2 : 0; /* [MQTT-3.6.1-1] */
  uint8_t packet[4] = { (uint8_t)(type << 4 | flags), 2, (uint8_t)(id >> 8), (uint8_t)id };
  tl_buf_add(out, packet, sizeof packet);
  return out->failed ? TL_ENOMEM : TL_OK;
}

int tl_build_empty (tl_buf *out, uint8_t type) {
  uint8_t packet[2] = { (uint8_t)(type << 4), 0 }; /* [MQTT-3.14.1-1] */
  tl_buf_add(out, packet, sizeof packet);
  return out->failed ? TL_ENOMEM : TL_OK;
}

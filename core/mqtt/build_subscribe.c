/* core/mqtt/build_subscribe.c — the bytes of SUBSCRIBE (3.8) and UNSUBSCRIBE (3.10). Knows no
** session. */
#include <assert.h>

#include "mqtt/build.h"

/* Header and identifier of a packet with `n` more bytes. */
static int begin (tl_buf *out, uint8_t type, uint16_t id, size_t n) {
  uint8_t head[TL_HEADER_MAX];
  if (n > TL_REMAINING_MAX - 2) return TL_ETOOBIG;
  if (tl_buf_reserve(out, TL_HEADER_MAX + 2 + n) != TL_OK) return TL_ENOMEM;
  /* [MQTT-3.8.1-1], [MQTT-3.10.1-1] */
  tl_buf_add(out, head, tl_build_header(head, (uint8_t)(type << 4 | 2), 2 + n));
  tl_buf_byte(out, (uint8_t)(id >> 8));
  tl_buf_byte(out, (uint8_t)id);
  return TL_OK;
}

static void add_filter (tl_buf *out, tl_slice filter) {
  tl_buf_byte(out, (uint8_t)(filter.len >> 8));
  tl_buf_byte(out, (uint8_t)filter.len);
  tl_buf_slice(out, filter);
}

int tl_build_subscribe (tl_buf *out, uint16_t id, const tl_subscription *filters, size_t n) {
  size_t size = 0;
  assert(n > 0 && id); /* [MQTT-3.8.3-3], [MQTT-2.3.1-1] */
  for (size_t i = 0; i < n; i++) {
    if (filters[i].filter.len > TL_STRING_MAX) return TL_ETOOBIG;
    size += 3 + filters[i].filter.len;
  }
  int rc = begin(out, TL_SUBSCRIBE, id, size);
  for (size_t i = 0; rc == TL_OK && i < n; i++) {
    add_filter(out, filters[i].filter);
    tl_buf_byte(out, filters[i].qos); /* upper bits 0 [MQTT-3-8.3-4] */
  }
  return rc;
}

int tl_build_unsubscribe (tl_buf *out, uint16_t id, const tl_slice *filters, size_t n) {
  size_t size = 0;
  assert(n > 0 && id); /* [MQTT-3.10.3-2], [MQTT-2.3.1-1] */
  for (size_t i = 0; i < n; i++) {
    if (filters[i].len > TL_STRING_MAX) return TL_ETOOBIG;
    size += 2 + filters[i].len;
  }
  int rc = begin(out, TL_UNSUBSCRIBE, id, size);
  for (size_t i = 0; rc == TL_OK && i < n; i++) add_filter(out, filters[i]);
  return rc;
}

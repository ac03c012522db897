/* core/mqtt/build_publish.c — the bytes of PUBLISH (3.3). Knows no session. */
#include "mqtt/build.h"

size_t tl_publish_size (size_t topic, size_t payload, uint8_t qos) {
  size_t head = 2 + topic + (qos ? 2 : 0);
  uint8_t scratch[TL_HEADER_MAX];
  if (topic > TL_STRING_MAX || payload > TL_REMAINING_MAX - head) return 0;
  return tl_build_header(scratch, 0, head + payload) + head + payload;
}

void tl_build_publish (uint8_t *at, tl_slice topic, tl_slice payload, uint8_t qos, bool retain,
                       uint16_t id, size_t *id_at) {
  uint8_t *const start = at;
  uint8_t first = (uint8_t)(TL_PUBLISH << 4 | qos << 1 | (retain ? TL_PUBLISH_RETAIN : 0));
  at += tl_build_header(at, first, 2 + topic.len + (qos ? 2 : 0) + payload.len);
  *at++ = (uint8_t)(topic.len >> 8);
  *at++ = (uint8_t)topic.len;
  memcpy(at, topic.at, topic.len);
  at += topic.len;
  if (qos) { /* no identifier at QoS 0 [MQTT-2.3.1-5] */
    if (id_at) *id_at = (size_t)(at - start);
    *at++ = (uint8_t)(id >> 8);
    *at++ = (uint8_t)id;
  }
  if (payload.len) memcpy(at, payload.at, payload.len);
}

/* core/mqtt/build_connect.c — the bytes of CONNECT (3.1). Knows no session. */
#include "mqtt/build.h"

static void add_string (tl_buf *out, tl_slice s) {
  tl_buf_byte(out, (uint8_t)(s.len >> 8));
  tl_buf_byte(out, (uint8_t)s.len);
  tl_buf_slice(out, s);
}

static uint8_t connect_flags (const tl_session_params *p, bool clean_session) {
  unsigned flags = 0; /* bit 0 stays 0 [MQTT-3.1.2-3] */
  if (clean_session) flags |= TL_CONNECT_CLEAN;
  if (p->will) {
    /* without a Will its QoS and retain are 0 [MQTT-3.1.2-11], [MQTT-3.1.2-13], [MQTT-3.1.2-15] */
    flags |= TL_CONNECT_WILL | (unsigned)p->will_qos << TL_CONNECT_WILL_QOS_SHIFT;
    if (p->will_retain) flags |= TL_CONNECT_WILL_RETAIN;
  }
  if (p->has_user) { /* no password without a user name [MQTT-3.1.2-22] */
    flags |= TL_CONNECT_USER;
    if (p->has_password) flags |= TL_CONNECT_PASSWORD;
  }
  return (uint8_t)flags;
}

int tl_build_connect (tl_buf *out, const tl_session_params *p, bool clean_session) {
  uint8_t head[TL_HEADER_MAX];
  uint8_t flags = connect_flags(p, clean_session);
  /* [MQTT-3.1.3-1] */
  const tl_slice fields[] = { p->client_id, p->will_topic, p->will_message, p->user, p->password };
  const bool present[] = { true, p->will, p->will, flags & TL_CONNECT_USER,
                           flags & TL_CONNECT_PASSWORD };
  size_t n = 10;
  for (int i = 0; i < 5; i++) {
    if (!present[i]) continue;
    if (fields[i].len > TL_STRING_MAX) return TL_ETOOBIG;
    n += 2 + fields[i].len;
  }
  if (tl_buf_reserve(out, TL_HEADER_MAX + n) != TL_OK) return TL_ENOMEM;
  tl_buf_add(out, head, tl_build_header(head, TL_CONNECT << 4, n));
  add_string(out, TL_LIT("MQTT")); /* [MQTT-3.1.2-1] */
  tl_buf_byte(out, TL_PROTOCOL_LEVEL);
  tl_buf_byte(out, flags);
  tl_buf_byte(out, (uint8_t)(p->keep_alive >> 8));
  tl_buf_byte(out, (uint8_t)p->keep_alive);
  for (int i = 0; i < 5; i++)
    if (present[i]) add_string(out, fields[i]);
  return TL_OK; /* there was room for all of it */
}

/* core/mqtt/build.h — the bytes of the packets that a client sends. Knows no session. Texts
** must have been checked before (session.h does at its door); lengths are checked here. All
** return TL_OK, TL_ETOOBIG (a field or the packet is longer than the standard can say; nothing
** was appended) or TL_ENOMEM. */
#ifndef TL_MQTT_BUILD_H
#define TL_MQTT_BUILD_H

#include "mqtt/session.h"
#include "mqtt/wire.h"

/* Fixed header: first byte and the shortest form of the length, into at[0..5). Returns bytes
** written. */
size_t tl_build_header (uint8_t *at, uint8_t first, size_t remaining);

int tl_build_connect (tl_buf *out, const tl_session_params *p, bool clean_session);
int tl_build_subscribe (tl_buf *out, uint16_t id, const tl_subscription *filters, size_t n);
int tl_build_unsubscribe (tl_buf *out, uint16_t id, const tl_slice *filters, size_t n);
/* PUBACK, PUBREC, PUBREL, PUBCOMP, and (for specs) UNSUBACK: an identifier and nothing else. */
int tl_build_ack (tl_buf *out, uint8_t type, uint16_t id);
/* PINGREQ, DISCONNECT, and (for specs) PINGRESP: nothing but the header. */
int tl_build_empty (tl_buf *out, uint8_t type);

/* PUBLISH: its size (0: too long for the standard), and its bytes into at[0..size). *id_at,
** which may be NULL, is where the identifier stands (QoS > 0). */
size_t tl_publish_size (size_t topic, size_t payload, uint8_t qos);
void tl_build_publish (uint8_t *at, tl_slice topic, tl_slice payload, uint8_t qos, bool retain,
                       uint16_t id, size_t *id_at);

#endif

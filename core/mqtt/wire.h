/* core/mqtt/wire.h — the numbers of MQTT 3.1.1: packet types, flags, limits. Knows nothing else. */
#ifndef TL_MQTT_WIRE_H
#define TL_MQTT_WIRE_H

/* High nibble of a packet's first byte (table 2.1). 0 and 15 are forbidden. */
enum {
  TL_CONNECT = 1,
  TL_CONNACK = 2,
  TL_PUBLISH = 3,
  TL_PUBACK = 4,
  TL_PUBREC = 5,
  TL_PUBREL = 6,
  TL_PUBCOMP = 7,
  TL_SUBSCRIBE = 8,
  TL_SUBACK = 9,
  TL_UNSUBSCRIBE = 10,
  TL_UNSUBACK = 11,
  TL_PINGREQ = 12,
  TL_PINGRESP = 13,
  TL_DISCONNECT = 14
};

/* Low nibble of PUBLISH; the others have 0, or 2 for PUBREL, SUBSCRIBE and UNSUBSCRIBE
** [MQTT-2.2.2-1]. */
enum { TL_PUBLISH_RETAIN = 0x01, TL_PUBLISH_QOS = 0x06, TL_PUBLISH_DUP = 0x08 };

/* Byte 8 of CONNECT's variable header. */
enum {
  TL_CONNECT_CLEAN = 0x02,
  TL_CONNECT_WILL = 0x04,
  TL_CONNECT_WILL_QOS_SHIFT = 3,
  TL_CONNECT_WILL_RETAIN = 0x20,
  TL_CONNECT_PASSWORD = 0x40,
  TL_CONNECT_USER = 0x80
};

enum {
  TL_PROTOCOL_LEVEL = 4,        /* [MQTT-3.1.2-2] */
  TL_SUBACK_REFUSED = 0x80,     /* [MQTT-3.9.3-2] */
  TL_HEADER_MAX = 5,            /* first byte and at most four of length (2.2.3) */
  TL_REMAINING_MAX = 268435455, /* 0xFF 0xFF 0xFF 0x7F */
  TL_STRING_MAX = 65535         /* a length field of two bytes [MQTT-4.7.3-3] */
};

#endif

/* core/mqtt/parse.h — what the broker's packets say. Each function judges one frame completely
** (flags, lengths, ranges) and writes its result only when all is well: TL_OK, or TL_EMALFORMED
** with *err (not NULL) naming the rule. Slices borrow from the frame. Knows no session: whether
** a packet may come now is session_in.c's question. */
#ifndef TL_MQTT_PARSE_H
#define TL_MQTT_PARSE_H

#include "mqtt/frame.h"
#include "mqtt/session.h"

/* "CONNACK" …; "packet of type 0", "packet of type 15" */
const char *tl_packet_name (uint8_t type);

/* Flags of this type's fixed header [MQTT-2.2.2-2]; PUBLISH's are parse_publish's business. */
int tl_parse_flags (uint8_t type, uint8_t flags, tl_err *err);

typedef struct {
  bool session_present;
  uint8_t code; /* 0 accepted; 1..5 are named by the standard, more are refusals as well */
} tl_connack;
int tl_parse_connack (const tl_frame *f, tl_connack *out, tl_err *err);
const char *tl_connack_reason (uint8_t code); /* in words */

/* The hottest function of the room: no copy, no allocation. m->dup is set only with QoS 1 and 2. */
int tl_parse_publish (const tl_frame *f, tl_message *m, tl_err *err);

/* PUBACK, PUBREC, PUBREL, PUBCOMP, UNSUBACK: exactly an identifier that is not 0. */
int tl_parse_ack (const tl_frame *f, uint16_t *id, tl_err *err);

typedef struct {
  uint16_t id;
  tl_slice codes; /* at least one, each 0, 1, 2 or 0x80 [MQTT-3.9.3-2] */
} tl_suback;
int tl_parse_suback (const tl_frame *f, tl_suback *out, tl_err *err);

int tl_parse_pingresp (const tl_frame *f, tl_err *err);

#endif

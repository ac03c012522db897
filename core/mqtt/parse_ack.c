/* core/mqtt/parse_ack.c — packets that carry an identifier or nothing, and their names. Knows
** no session. */
#include "mqtt/parse.h"
#include "mqtt/read.h"

const char *tl_packet_name (uint8_t type) {
  static const char *const names[16] = {
    "packet of type 0", "CONNECT",  "CONNACK",    "PUBLISH",          "PUBACK",      "PUBREC",
    "PUBREL",           "PUBCOMP",  "SUBSCRIBE",  "SUBACK",           "UNSUBSCRIBE", "UNSUBACK",
    "PINGREQ",          "PINGRESP", "DISCONNECT", "packet of type 15"
  };
  return names[type & 15];
}

int tl_parse_flags (uint8_t type, uint8_t flags, tl_err *err) {
  if (type == 0 || type == 15)
    return tl_fail(err, TL_EMALFORMED, 0, "packet type %u is forbidden", type);
  if (type == TL_PUBLISH) return TL_OK;
  uint8_t want = type == TL_PUBREL || type == TL_SUBSCRIBE || type == TL_UNSUBSCRIBE ? 2 : 0;
  if (flags == want) return TL_OK;
  return tl_fail(err, TL_EMALFORMED, 0, "%s with flags %u instead of %u [MQTT-2.2.2-2]",
                 tl_packet_name(type), flags, want);
}

int tl_parse_ack (const tl_frame *f, uint16_t *id, tl_err *err) {
  tl_reader r = tl_reader_of(f->body);
  uint16_t n;
  if (tl_parse_flags(f->type, f->flags, err) != TL_OK) return TL_EMALFORMED;
  if (!tl_read_u16(&r, &n) || tl_reader_left(&r) > 0)
    return tl_fail(err, TL_EMALFORMED, 1, "%s of %zu bytes instead of 2", tl_packet_name(f->type),
                   f->body.len);
  if (n == 0)
    return tl_fail(err, TL_EMALFORMED, 2, "%s with identifier 0 [MQTT-2.3.1-1]",
                   tl_packet_name(f->type));
  *id = n;
  return TL_OK;
}

int tl_parse_pingresp (const tl_frame *f, tl_err *err) {
  if (tl_parse_flags(f->type, f->flags, err) != TL_OK) return TL_EMALFORMED;
  if (f->body.len)
    return tl_fail(err, TL_EMALFORMED, 1, "PINGRESP of %zu bytes instead of 0", f->body.len);
  return TL_OK;
}

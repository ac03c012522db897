/* core/mqtt/parse_connack.c — CONNACK (3.2) and what its codes mean. Knows no session. */
#include "mqtt/parse.h"
#include "mqtt/read.h"

int tl_parse_connack (const tl_frame *f, tl_connack *out, tl_err *err) {
  tl_reader r = tl_reader_of(f->body);
  uint8_t flags, code;
  if (tl_parse_flags(f->type, f->flags, err) != TL_OK) return TL_EMALFORMED;
  if (!tl_read_u8(&r, &flags) || !tl_read_u8(&r, &code) || tl_reader_left(&r) > 0)
    return tl_fail(err, TL_EMALFORMED, 1, "CONNACK of %zu bytes instead of 2", f->body.len);
  if (flags & ~1u)
    return tl_fail(err, TL_EMALFORMED, 2, "CONNACK with reserved bits set (0x%02x) (3.2.2.1)",
                   flags);
  if (flags && code)
    return tl_fail(err, TL_EMALFORMED, 2,
                   "CONNACK with session present and refusal %u [MQTT-3.2.2-4]", code);
  out->session_present = flags;
  out->code = code;
  return TL_OK;
}

const char *tl_connack_reason (uint8_t code) {
  switch (code) {
    case 0: return "accepted";
    case 1: return "unacceptable protocol version";
    case 2: return "identifier rejected; another client may be using the same Client ID";
    case 3: return "server unavailable";
    case 4: return "bad user name or password";
    case 5: return "not authorized";
    default: return "a code the standard does not know";
  }
}

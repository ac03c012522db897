/* core/mqtt/parse_suback.c — SUBACK (3.9). Knows no session, so not how many codes there should
** be. */
#include "mqtt/parse.h"
#include "mqtt/read.h"

int tl_parse_suback (const tl_frame *f, tl_suback *out, tl_err *err) {
  tl_reader r = tl_reader_of(f->body);
  uint16_t id;
  if (tl_parse_flags(f->type, f->flags, err) != TL_OK) return TL_EMALFORMED;
  if (!tl_read_u16(&r, &id))
    return tl_fail(err, TL_EMALFORMED, 1, "SUBACK of %zu bytes: no identifier", f->body.len);
  if (id == 0) return tl_fail(err, TL_EMALFORMED, 2, "SUBACK with identifier 0 [MQTT-2.3.1-1]");
  if (tl_reader_left(&r) == 0)
    return tl_fail(err, TL_EMALFORMED, 4, "SUBACK without a return code");
  for (const uint8_t *c = r.at; c < r.end; c++)
    if (*c > 2 && *c != TL_SUBACK_REFUSED)
      return tl_fail(err, TL_EMALFORMED, (size_t)(c - f->body.at),
                     "SUBACK with return code 0x%02x [MQTT-3.9.3-2]", *c);
  out->id = id;
  out->codes = tl_slice_of(r.at, tl_reader_left(&r));
  return TL_OK;
}

/* core/mqtt/trace.c — packets in words, for Full Debug: each named, with its fields. Never a
** password. Knows no session state. */
#include "mqtt/read.h"
#include "mqtt/session_impl.h"

enum { SHOWN = 64, LISTED = 8 }; /* bytes of a payload, entries of a list */

static void add_text (tl_buf *out, tl_slice s, size_t most) {
  size_t n = s.len < most ? s.len : most;
  tl_buf_byte(out, '"');
  for (size_t i = 0; i < n; i++) {
    uint8_t c = s.at[i];
    if (c < 0x20 || c == 0x7f || c == '"' || c == '\\') tl_buf_fmt(out, "\\x%02x", c);
    /* a payload need not be UTF-8, and may be cut */
    else if (c >= 0x80 && most == SHOWN)
      tl_buf_fmt(out, "\\x%02x", c);
    else
      tl_buf_byte(out, c);
  }
  tl_buf_str(out, n < s.len ? "\"…" : "\"");
}

static void describe_connect (tl_buf *out, tl_reader *r) {
  tl_slice text;
  uint8_t level, flags;
  uint16_t keep_alive;
  if (!tl_read_string(r, &text) || !tl_read_u8(r, &level) || !tl_read_u8(r, &flags) ||
      !tl_read_u16(r, &keep_alive))
    return;
  tl_buf_fmt(out, " level=%u clean=%d keep_alive=%u", level, !!(flags & TL_CONNECT_CLEAN),
             keep_alive);
  if (tl_read_string(r, &text)) {
    tl_buf_str(out, " client_id=");
    add_text(out, text, TL_STRING_MAX);
  }
  if (flags & TL_CONNECT_WILL && tl_read_string(r, &text)) {
    tl_buf_fmt(out,
               " will_qos=%d will_retain=%d will_topic=", flags >> TL_CONNECT_WILL_QOS_SHIFT & 3,
               !!(flags & TL_CONNECT_WILL_RETAIN));
    add_text(out, text, TL_STRING_MAX);
    if (tl_read_string(r, &text)) {
      tl_buf_fmt(out, " will_message=%zu bytes ", text.len);
      add_text(out, text, SHOWN);
    }
  }
  if (flags & TL_CONNECT_USER && tl_read_string(r, &text)) {
    tl_buf_str(out, " user=");
    add_text(out, text, TL_STRING_MAX);
  }
  if (flags & TL_CONNECT_PASSWORD) tl_buf_str(out, " password=(not shown)");
}

static void describe_publish (tl_buf *out, const tl_frame *f, tl_reader *r) {
  tl_slice topic;
  uint16_t id;
  unsigned qos = (f->flags & TL_PUBLISH_QOS) >> 1;
  tl_buf_fmt(out, " qos=%u dup=%d retain=%d", qos, !!(f->flags & TL_PUBLISH_DUP),
             f->flags & TL_PUBLISH_RETAIN);
  if (!tl_read_string(r, &topic)) return;
  if (qos && tl_read_u16(r, &id)) tl_buf_fmt(out, " id=%u", id);
  tl_buf_str(out, " topic=");
  add_text(out, topic, TL_STRING_MAX);
  tl_slice payload = tl_slice_of(r->at, tl_reader_left(r));
  tl_buf_fmt(out, " payload=%zu bytes ", payload.len);
  add_text(out, payload, SHOWN);
}

static void describe_filters (tl_buf *out, bool with_qos, tl_reader *r) {
  tl_slice filter;
  uint8_t qos;
  size_t n = 0;
  for (; tl_read_string(r, &filter); n++) {
    bool has_qos = with_qos && tl_read_u8(r, &qos);
    if (n >= LISTED) continue;
    tl_buf_byte(out, ' ');
    add_text(out, filter, TL_STRING_MAX);
    if (has_qos) tl_buf_fmt(out, " qos=%u", qos);
  }
  if (n > LISTED) tl_buf_fmt(out, " and %zu more", n - LISTED);
}

static void describe_codes (tl_buf *out, tl_reader *r) {
  uint8_t code;
  size_t n = 0;
  tl_buf_str(out, " codes=");
  for (; tl_read_u8(r, &code); n++)
    if (n < 4 * LISTED) tl_buf_fmt(out, n ? ",0x%02x" : "0x%02x", code);
  if (n > 4 * LISTED) tl_buf_fmt(out, " and %zu more", n - 4 * LISTED);
}

void tl_describe (tl_buf *out, const tl_frame *f) {
  tl_reader r = tl_reader_of(f->body);
  uint16_t id;
  uint8_t flags, code;
  tl_buf_str(out, tl_packet_name(f->type));
  switch (f->type) {
    case TL_CONNECT: describe_connect(out, &r); return;
    case TL_CONNACK:
      if (tl_read_u8(&r, &flags) && tl_read_u8(&r, &code))
        tl_buf_fmt(out, " session_present=%u code=%u (%s)", flags, code, tl_connack_reason(code));
      return;
    case TL_PUBLISH: describe_publish(out, f, &r); return;
    case TL_PINGREQ:
    case TL_PINGRESP:
    case TL_DISCONNECT: return;
    case 0:
    case 15: tl_buf_fmt(out, " of %zu bytes", f->body.len); return;
    default: break;
  }
  if (!tl_read_u16(&r, &id)) return;
  tl_buf_fmt(out, " id=%u", id);
  if (f->type == TL_SUBACK) describe_codes(out, &r);
  if (f->type == TL_SUBSCRIBE || f->type == TL_UNSUBSCRIBE)
    describe_filters(out, f->type == TL_SUBSCRIBE, &r);
}

void tl_session_trace (tl_session *s, char dir, const tl_frame *f) {
  tl_buf text;
  tl_buf_init(&text);
  tl_describe(&text, f);
  tl_buf_byte(&text, 0);
  if (!text.failed) s->ev.trace(s->ctx, dir, (const char *)text.at);
  tl_buf_fini(&text);
}

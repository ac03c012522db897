/* core/mqtt/session_in.c — the input loop: frames to the handler of their type, and which
** packet may come when. */
#include "mqtt/session_impl.h"

/* What a wrong first byte tells a person who connected to the wrong port. */
static const char *guess (uint8_t first) {
  if (first == 'H') return " (an HTTP server?)";
  if (first == 0x15 || first == 0x16) return " (a TLS port?)";
  return "";
}

/* May a packet with this first byte come in the present phase? It is checked before the packet is
** complete, so that a wrong one is refused without waiting for the rest. */
static int check_start (tl_session *s, uint8_t first) {
  uint8_t type = first >> 4;
  if (s->phase == TL_PHASE_CONNECTING && type != TL_CONNACK)
    return tl_fail(&s->fault.why, TL_EMALFORMED, 0,
                   "expected CONNACK, got the byte 0x%02x%s [MQTT-3.2.0-1]", first, guess(first));
  if (tl_parse_flags(type, first & 15, &s->fault.why) != TL_OK) return TL_EMALFORMED;
  switch (type) {
    case TL_CONNACK:
      if (s->phase == TL_PHASE_CONNECTING) return TL_OK;
      return tl_fail(&s->fault.why, TL_EMALFORMED, 0, "a second CONNACK [MQTT-3.2.0-1]");
    case TL_CONNECT:
    case TL_SUBSCRIBE:
    case TL_UNSUBSCRIBE:
    case TL_PINGREQ:
    case TL_DISCONNECT:
      return tl_fail(&s->fault.why, TL_EMALFORMED, 0, "%s came, which only a client may send",
                     tl_packet_name(type));
    default: return TL_OK;
  }
}

static int on_connack (tl_session *s, const tl_frame *f) {
  tl_connack c;
  if (tl_parse_connack(f, &c, &s->fault.why) != TL_OK) return TL_EMALFORMED;
  if (c.session_present && s->config.clean)
    return tl_fail(
        &s->fault.why, TL_EMALFORMED, 2,
        "CONNACK with session present although a clean session was asked for [MQTT-3.2.2-1]");
  if (c.code) { /* the server must close now; we do not wait for it [MQTT-3.2.2-5] */
    s->fault.refusal = c.code;
    bool unnamed = c.code == 2 && s->config.p.client_id.len == 0; /* [MQTT-3.1.3-9] */
    return tl_fail(&s->fault.why, TL_EREFUSED, 3, "connection refused, code %u: %s", c.code,
                   unnamed ? "identifier rejected; the broker wants a Client ID, here it is blank"
                           : tl_connack_reason(c.code));
  }
  s->phase = TL_PHASE_UP;
  tl_session_times_up(s);
  int rc = tl_session_resume(s, c.session_present);
  return rc == TL_OK && s->time.paused ? TL_MESSAGE_STOP : rc; /* what comes behind it waits */
}

static int dispatch (tl_session *s, const tl_frame *f) {
  uint16_t id;
  tl_suback suback;
  int rc = check_start(s, (uint8_t)(f->type << 4 | f->flags));
  if (rc != TL_OK) return rc;
  switch (f->type) {
    case TL_CONNACK: return on_connack(s, f);
    case TL_PUBLISH: return tl_session_on_publish(s, f);
    case TL_SUBACK:
      rc = tl_parse_suback(f, &suback, &s->fault.why);
      return rc == TL_OK ? tl_session_on_suback(s, &suback) : rc;
    case TL_PINGRESP:
      rc = tl_parse_pingresp(f, &s->fault.why);
      if (rc == TL_OK) tl_session_on_pingresp(s);
      return rc;
    default: /* check_start left the acknowledgements */
      rc = tl_parse_ack(f, &id, &s->fault.why);
      if (rc != TL_OK) return rc;
      if (f->type == TL_UNSUBACK) return tl_session_on_unsuback(s, id);
      if (f->type == TL_PUBREL) return tl_session_on_pubrel(s, id);
      return tl_session_on_ack(s, f->type, id);
  }
}

/* A PUBLISH beyond max_packet_size: its topic and identifier are read, the rest goes by. */
static int begin_skip (tl_session *s, const uint8_t *bytes, size_t len) {
  size_t total = tl_frame_needs(bytes, len), head = 2, topic, needs;
  uint8_t qos = (bytes[0] & TL_PUBLISH_QOS) >> 1;
  while (bytes[head - 1] & 0x80) head++;
  if (len < head + 2)
    needs = head + 2;
  else
    topic = (size_t)(bytes[head] << 8 | bytes[head + 1]), needs = head + 2 + topic + (qos ? 2 : 0);
  if (needs > total) needs = total; /* the topic does not fit: parse says so */
  if (len < needs) {
    s->in.needs = needs;
    return TL_OK;
  }
  tl_frame f = { bytes[0] >> 4, bytes[0] & 15, tl_slice_of(bytes + head, needs - head) };
  tl_message m;
  int rc = tl_parse_publish(&f, &m, &s->fault.why);
  if (rc != TL_OK) return rc;
  s->stats.received_by[m.qos]++;
  s->stats.too_long++;
  s->in.skip = total;
  s->in.skip_qos = m.qos;
  s->in.skip_id = m.id;
  if (s->ev.too_long) s->ev.too_long(s->ctx, &m, total);
  return TL_OK;
}

/* Skip as much of len bytes as belongs to a message that is too long. After its last byte the
** message is acknowledged. */
static int go_on_skipping (tl_session *s, size_t len, size_t *at) {
  size_t n = s->in.skip < len ? s->in.skip : len;
  s->in.skip -= n;
  *at += n;
  return s->in.skip == 0 ? tl_session_on_skipped(s, s->in.skip_qos, s->in.skip_id) : TL_OK;
}

/* The input ends within a packet, or its header is wrong. */
static int on_rest (tl_session *s, const uint8_t *bytes, size_t len, long code) {
  if (code == TL_EPARTIAL) {
    int rc = check_start(s, bytes[0]);
    if (rc != TL_OK) return rc;
    s->in.needs = tl_frame_needs(bytes, len);
    return TL_OK;
  }
  int rc = check_start(s, bytes[0]); /* this error tells the user more than the wrong length */
  if (rc != TL_OK) return rc;
  if (code == TL_EMALFORMED)
    return tl_fail(&s->fault.why, TL_EMALFORMED, 4,
                   "%s with a length of more than four bytes (2.2.3)",
                   tl_packet_name(bytes[0] >> 4));
  if (bytes[0] >> 4 == TL_PUBLISH) return begin_skip(s, bytes, len);
  return tl_fail(&s->fault.why, TL_ETOOBIG, 1, "%s of %zu bytes, max_packet_size is %zu",
                 tl_packet_name(bytes[0] >> 4), tl_frame_needs(bytes, len),
                 s->config.p.max_packet_size);
}

long tl_session_input (tl_session *s, const uint8_t *bytes, size_t len, int64_t now) {
  const size_t max = s->config.p.max_packet_size;
  const int64_t partial_at = s->in.partial_at;
  size_t at = 0;
  int rc = TL_OK;
  s->now = now;
  s->in.needs = 0;
  s->in.partial_at = -1;
  if (s->phase == TL_PHASE_FAILED) return s->fault.code;
  if (s->phase == TL_PHASE_CLOSED || s->phase == TL_PHASE_DEAD) return TL_ESTATE;
  if (s->in.skip) {
    rc = go_on_skipping(s, len, &at);
    if (s->in.skip) s->in.partial_at = partial_at;
  }
  while (rc >= 0 && at < len && s->phase <= TL_PHASE_UP) {
    tl_frame f;
    long n = tl_frame_split(bytes + at, len - at, max, &f);
    if (n < 0) {
      bool first = at == 0;
      rc = on_rest(s, bytes + at, len - at, n);
      if (rc == TL_OK && s->in.skip) {
        rc = go_on_skipping(s, len - at, &at);
        if (rc == TL_OK && !s->in.skip) continue;
      }
      if (rc == TL_OK) s->in.partial_at = first && partial_at >= 0 ? partial_at : now;
      break;
    }
    if (s->tracing) tl_session_trace(s, '<', &f);
    rc = f.type == TL_PUBLISH && s->phase == TL_PHASE_UP ? tl_session_on_publish(s, &f)
                                                         : dispatch(s, &f);
    if (rc < 0) break;
    at += (size_t)n;
    if (rc == TL_MESSAGE_STOP) break;
  }
  if (s->phase == TL_PHASE_LEAVING) at = len; /* DISCONNECT was sent: what still comes is ignored */
  s->stats.bytes_in += at;
  if (at) s->stats.last_in = now;
  /* [MQTT-4.8.0-2] */
  if (rc >= 0 && (s->out.bytes.failed || s->out.answers.failed))
    rc = tl_fail(&s->fault.why, TL_ENOMEM, 0, "out of memory for the output");
  if (rc < 0) return tl_session_fail(s, rc);
  return (long)at;
}

void tl_session_forget_input (tl_session *s) {
  s->in.partial_at = -1;
  s->in.needs = s->in.skip = 0;
}

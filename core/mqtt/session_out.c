/* core/mqtt/session_out.c — publishing, the output buffer, and the broker's acknowledgements of
** what we published. */
#include <stdlib.h>

#include "base/topic.h"
#include "mqtt/session_impl.h"

enum {
  /* SUBSCRIBE and UNSUBSCRIBE of the next connection need identifiers, too */
  MOST_INFLIGHT = 65535 - 2,
  COMPACT_OUTPUT = 64 * 1024, /* sent bytes in front of unsent ones that are worth a move */
  /* unsent QoS 0 messages always allowed: max_queued is about waiting, not about one turn of
  ** the loop */
  HANDOVER_FLOOR = 1000
};

/* --- the output --- */

void tl_session_did_put (tl_session *s, size_t from) {
  s->out_end += s->out.len - from;
  if (!s->tracing) return;
  tl_frame f;
  if (tl_frame_read(s->out.at + from, s->out.len - from, SIZE_MAX, &f) > 0)
    tl_session_trace(s, '>', &f);
}

static int no_memory (tl_session *s) {
  return tl_fail(&s->err, TL_ENOMEM, 0, "out of memory for the output");
}

static int put_ack (tl_session *s, tl_buf *out, uint8_t type, uint16_t id) {
  return tl_build_ack(out, type, id) == TL_OK ? TL_OK : no_memory(s);
}

int tl_session_put_ack (tl_session *s, uint8_t type, uint16_t id) {
  if (tl_session_silent(s)) return TL_OK;
  size_t from = s->out.len;
  int rc = put_ack(s, &s->out, type, id);
  if (rc == TL_OK) tl_session_did_put(s, from);
  return rc;
}

int tl_session_put_answer (tl_session *s, uint8_t type, uint16_t id) {
  return tl_session_silent(s) ? TL_OK : put_ack(s, &s->answers, type, id);
}

static void trace_answers (tl_session *s) {
  tl_frame f;
  long n;
  for (size_t at = 0; at < s->answers.len; at += (size_t)n) {
    n = tl_frame_read(s->answers.at + at, s->answers.len - at, SIZE_MAX, &f);
    if (n <= 0) return;
    tl_session_trace(s, '>', &f);
  }
}

void tl_session_release (tl_session *s) {
  if (tl_session_silent(s)) tl_buf_clear(&s->answers); /* nothing may go any more */
  if (s->answers.len == 0) return;
  if (s->tracing) trace_answers(s);
  s->out_end += s->answers.len;
  if (s->out_at == s->out.len && !s->out.failed) { /* nothing else is to go: no copy */
    tl_buf empty = s->out;
    s->out = s->answers;
    s->answers = empty;
    s->out_at = 0;
  } else {
    tl_buf_slice(&s->out, tl_buf_bytes(&s->answers));
  }
  tl_buf_clear(&s->answers);
  tl_buf_shrink(&s->answers, TL_KEEP_OUTPUT);
  if (!s->out.failed) return;
  no_memory(s);
  tl_session_fail(s, TL_ENOMEM); /* tick says so */
}

int tl_session_put_empty (tl_session *s, uint8_t type) {
  if (tl_session_silent(s)) return TL_OK;
  size_t from = s->out.len;
  if (tl_build_empty(&s->out, type) != TL_OK) return no_memory(s);
  tl_session_did_put(s, from);
  return TL_OK;
}

int tl_session_put_message (tl_session *s, tl_outgoing *m) {
  if (tl_session_silent(s)) return TL_OK;
  size_t from = s->out.len;
  tl_buf_add(&s->out, m->packet, m->size);
  if (s->out.failed) return no_memory(s);
  s->stats.sent_by[m->qos]++;
  tl_session_did_put(s, from);
  return TL_OK;
}

size_t tl_session_unsent (const tl_session *s) { return s->out.len - s->out_at + s->answers.len; }

tl_slice tl_session_output (const tl_session *s) {
  if (s->out_at == s->out.len) return tl_slice_of(NULL, 0);
  return tl_slice_of(s->out.at + s->out_at, s->out.len - s->out_at);
}

static void tell_handover (tl_session *s, const tl_handover *h, int result) {
  tl_slice payload = h->kept ? tl_outgoing_payload(h->kept) : tl_slice_of(NULL, 0);
  bool restored = h->kept && h->kept->restored;
  if (s->ev.published && !restored) s->ev.published(s->ctx, h->token, result, payload);
  free(h->kept);
}

void tl_session_sent (tl_session *s, size_t n, int64_t now) {
  if (n == 0) return;
  s->now = now;
  s->out_at += n;
  s->stats.bytes_out += n;
  s->stats.last_out = now;
  if (s->out_at == s->out.len) {
    bool failed = s->out.failed; /* input and tick must still hear of it */
    tl_buf_clear(&s->out);
    tl_buf_shrink(&s->out, TL_KEEP_OUTPUT);
    s->out.failed = failed;
    s->out_at = 0;
  } else if (s->out_at >= COMPACT_OUTPUT && s->out_at > s->out.len / 2) {
    tl_buf_drop(&s->out, s->out_at);
    s->out_at = 0;
  }
  const uint64_t handed = s->out_end - (s->out.len - s->out_at);
  while (s->handed.len && s->handed.at[s->handed.head].end <= handed) {
    tl_handover h = s->handed.at[s->handed.head++];
    if (--s->handed.len == 0) s->handed.head = 0;
    tell_handover(s, &h, TL_OK);
  }
}

static int handovers_reserve (tl_handovers *h) {
  if (h->head + h->len < h->cap) return TL_OK;
  if (h->head > h->cap / 2) {
    memmove(h->at, h->at + h->head, h->len * sizeof *h->at);
    h->head = 0;
    return TL_OK;
  }
  size_t cap = h->cap ? h->cap * 2 : 16;
  tl_handover *at = realloc(h->at, cap * sizeof *at);
  if (!at) return TL_ENOMEM;
  h->at = at;
  h->cap = cap;
  return TL_OK;
}

static void handovers_push (tl_session *s, void *token, tl_outgoing *kept) {
  s->handed.at[s->handed.head + s->handed.len++] = (tl_handover){ s->out_end, token, kept };
}

size_t tl_handovers_fail (tl_session *s, int result) {
  tl_handovers h = s->handed; /* detached: the callback may publish */
  memset(&s->handed, 0, sizeof s->handed);
  for (size_t i = 0; i < h.len; i++) tell_handover(s, &h.at[h.head + i], result);
  free(h.at);
  return h.len;
}

/* --- publishing --- */

size_t tl_session_held_bytes (const tl_session *s) {
  return s->queue.bytes + s->inflight.bytes + (s->out.len - s->out_at);
}

void tl_session_store_out (tl_session *s, const tl_outgoing *m, bool gone) {
  if (!s->ev.store || m->qos == 0 || (s->clean && !gone)) return;
  tl_slice packet = tl_slice_of(m->packet, m->state == TL_OUT_RELEASED || gone ? 0 : m->size);
  s->ev.store(s->ctx, 'o', m->sequence, m->id, packet, gone);
}

void tl_session_finish (tl_session *s, tl_outgoing *m, int result) {
  if (!m->restored && s->ev.published)
    s->ev.published(s->ctx, m->token, result, tl_outgoing_payload(m));
  free(m);
}

/* Put a QoS 0 message that had waited. */
static int send_qos0 (tl_session *s, tl_outgoing *m) {
  if (handovers_reserve(&s->handed) != TL_OK || tl_session_put_message(s, m) != TL_OK)
    return TL_ENOMEM;
  handovers_push(s, m->token, m);
  return TL_OK;
}

/* Put a new QoS 1 or 2 message and let it wait for its acknowledgement. Nothing changed on
** failure. */
static int send_tracked (tl_session *s, tl_outgoing *m) {
  if (tl_buf_reserve(&s->out, m->size) != TL_OK) return TL_ENOMEM;
  uint16_t id = tl_ids_take(&s->ids, m); /* unused [MQTT-2.3.1-2] */
  if (!id) return TL_ENOMEM;
  tl_outgoing_set_id(m, id);
  m->state = TL_OUT_SENT;
  m->sent_at = s->now;
  tl_outlist_push(&s->inflight, m);
  tl_session_store_out(s, m, false);
  return tl_session_put_message(s, m);
}

static bool may_go (const tl_session *s, uint8_t qos) {
  size_t most = s->p.max_inflight < MOST_INFLIGHT ? s->p.max_inflight : MOST_INFLIGHT;
  return !tl_session_silent(s) && (qos == 0 || s->inflight.n < most);
}

int tl_session_drain (tl_session *s) {
  while (s->queue.head && may_go(s, s->queue.head->qos)) {
    tl_outgoing *m = s->queue.head;
    tl_outlist_remove(&s->queue, m);
    int rc = m->qos ? send_tracked(s, m) : send_qos0(s, m);
    if (rc == TL_OK) continue;
    tl_outlist_unshift(&s->queue, m); /* back to its place */
    return no_memory(s);
  }
  return TL_OK;
}

/* QoS 0 with nothing before it: straight into the output, without a copy that nobody needs. */
static int publish_now (tl_session *s, tl_slice topic, tl_slice payload, bool retain, void *token,
                        size_t size) {
  bool failed = s->out.failed;
  size_t limit = s->p.max_queued > HANDOVER_FLOOR ? s->p.max_queued : HANDOVER_FLOOR;
  if (s->handed.len >= limit) return TL_EFULL;
  if (handovers_reserve(&s->handed) != TL_OK) return TL_ENOMEM;
  if (tl_buf_reserve(&s->out, size) != TL_OK) {
    s->out.failed = failed; /* nothing of this is missing in the output */
    return TL_ENOMEM;
  }
  size_t from = s->out.len;
  tl_build_publish(s->out.at + from, topic, payload, 0, retain, 0, NULL);
  s->out.len += size;
  s->stats.sent_by[0]++;
  tl_session_did_put(s, from);
  handovers_push(s, token, NULL);
  return TL_OK;
}

/* A single message may be longer than all together may be, or it could never go. */
static bool is_full (const tl_session *s, size_t size) {
  size_t held = tl_session_held_bytes(s), most = s->p.max_queued_bytes;
  return most > 0 && held > 0 && (held > most || size > most - held);
}

bool tl_session_keeps (const tl_session *s, uint8_t qos) {
  return qos > 0 || s->queue.n > 0 || !may_go(s, qos);
}

static int accept (tl_session *s, tl_slice topic, tl_slice payload, uint8_t qos, bool retain,
                   void *token, size_t size) {
  bool failed = s->out.failed;
  bool at_once = s->queue.n == 0 && may_go(s, qos);
  if (is_full(s, size)) return TL_EFULL;
  if (at_once && qos == 0) return publish_now(s, topic, payload, retain, token, size);
  if (!at_once && s->queue.n >= s->p.max_queued) return TL_EFULL;
  tl_outgoing *m = tl_outgoing_new(topic, payload, qos, retain);
  if (!m) return TL_ENOMEM;
  m->token = token;
  m->taken_at = s->now;
  m->sequence = s->sequence;
  if (at_once) {
    int rc = send_tracked(s, m);
    if (rc != TL_OK) {
      s->out.failed = failed;
      free(m);
      return rc;
    }
  } else {
    tl_outlist_push(&s->queue, m);
    tl_session_store_out(s, m, false);
  }
  s->sequence++;
  return TL_OK;
}

int tl_session_publish (tl_session *s, tl_slice topic, tl_slice payload, uint8_t qos, bool retain,
                        void *token, tl_err *err) {
  if (s->phase == TL_PHASE_DEAD || (tl_session_silent(s) && !s->p.queue_offline))
    return tl_fail(err, TL_ESTATE, 0, "not connected");
  int rc = tl_topic_check(topic, err);
  if (rc != TL_OK) return rc;
  /* [MQTT-3.3.1-4] */
  if (qos > 2) return tl_fail(err, TL_ERANGE, 0, "expected a QoS of 0, 1 or 2, got %u", qos);
  size_t size = tl_publish_size(topic.len, payload.len, qos);
  if (size == 0 || size > s->p.max_packet_size)
    return tl_fail(err, TL_ETOOBIG, 0,
                   "a payload of %zu bytes does not fit into max_packet_size (%zu)", payload.len,
                   s->p.max_packet_size);
  rc = accept(s, topic, payload, qos, retain, token, size);
  if (rc == TL_EFULL) return tl_fail(err, rc, 0, "queue full");
  return rc == TL_OK ? TL_OK : tl_fail(err, rc, 0, "out of memory");
}

/* --- the broker's acknowledgements --- */

static int unknown_ack (tl_session *s, uint8_t type, uint16_t id) {
  s->stats.unknown_acks++;
  tl_session_note(s, TL_NOTE_DEBUG, "%s for the unknown identifier %u%s", tl_packet_name(type), id,
                  type == TL_PUBREC ? ", answered with PUBREL" : "");
  return type == TL_PUBREC ? tl_session_put_ack(s, TL_PUBREL, id) : TL_OK;
}

static int wrong_ack (tl_session *s, uint8_t type, const tl_outgoing *m) {
  const char *due = m->qos == 1 ? "PUBACK" : m->state == TL_OUT_SENT ? "PUBREC" : "PUBCOMP";
  return tl_fail(&s->err, TL_EMALFORMED, 2,
                 "%s for identifier %u, a QoS %u message that waits for %s (4.3)",
                 tl_packet_name(type), m->id, m->qos, due);
}

static int complete (tl_session *s, tl_outgoing *m) {
  if (m->state == TL_OUT_RELEASED) tl_released_remove(&s->released, m);
  tl_outlist_remove(&s->inflight, m);
  tl_ids_drop(&s->ids, m->id); /* [MQTT-2.3.1-3] */
  tl_session_store_out(s, m, true);
  tl_session_unstall(s);
  int rc = tl_session_drain(s); /* before the callback, whose own publish must not overtake */
  tl_session_finish(s, m, TL_OK);
  return rc;
}

static int on_pubrec (tl_session *s, tl_outgoing *m) {
  if (m->state == TL_OUT_SENT) { /* a repeated PUBREC only repeats PUBREL */
    m->state = TL_OUT_RELEASED;
    m->size = 0; /* never to be sent again [MQTT-4.3.3-1] */
    tl_released_push(&s->released, m);
    tl_session_store_out(s, m, false);
  }
  return tl_session_put_ack(s, TL_PUBREL, m->id);
}

int tl_session_on_ack (tl_session *s, uint8_t type, uint16_t id) {
  tl_outgoing *m = id == s->suback_id || id == s->unsuback_id ? NULL : tl_ids_owner(&s->ids, id);
  if (!m) return unknown_ack(s, type, id);
  if (type == TL_PUBACK && m->qos == 1) return complete(s, m);
  if (type == TL_PUBREC && m->qos == 2) return on_pubrec(s, m);
  if (type == TL_PUBCOMP && m->qos == 2 && m->state == TL_OUT_RELEASED) return complete(s, m);
  return wrong_ack(s, type, m);
}

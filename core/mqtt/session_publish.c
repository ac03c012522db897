/* core/mqtt/session_publish.c — messages of ours: accepted, waiting, in flight, acknowledged by the
** broker. */
#include <stdlib.h>

#include "base/topic.h"
#include "mqtt/session_impl.h"

enum {
  /* SUBSCRIBE and UNSUBSCRIBE of the next connection need identifiers, too */
  MOST_INFLIGHT = 65535 - 2,
  /* so many unsent QoS 0 messages are always allowed: max_queued limits messages that wait, not
  ** those of one turn of the loop */
  HANDOVER_FLOOR = 1000
};

/* --- publishing --- */

size_t tl_session_unconfirmed_bytes (const tl_session *s) {
  return s->sending.queue.bytes + s->sending.inflight.bytes + (s->out.bytes.len - s->out.sent);
}

void tl_session_store_out (tl_session *s, const tl_outgoing *m, bool gone) {
  if (!s->ev.store || m->qos == 0 || (s->config.clean && !gone)) return;
  tl_slice packet = tl_slice_of(m->packet, m->state == TL_OUT_RELEASED || gone ? 0 : m->size);
  s->ev.store(s->ctx, TL_RECORD_MESSAGE, m->sequence, m->id, packet, gone);
}

void tl_session_finish (tl_session *s, tl_outgoing *m, int result) {
  /* Of a message of the process before only that it failed. TL_ESTATE is no failure: the next
  ** process sends it. */
  bool told = !m->restored || (result != TL_OK && result != TL_ESTATE);
  if (told && s->ev.published) s->ev.published(s->ctx, m->token, result, tl_outgoing_payload(m));
  free(m);
}

/* Put a QoS 0 message that had waited. */
static int send_qos0 (tl_session *s, tl_outgoing *m) {
  if (tl_session_reserve_handover(s) != TL_OK || tl_session_put_message(s, m) != TL_OK)
    return TL_ENOMEM;
  tl_session_push_handover(s, m->token, m);
  return TL_OK;
}

/* Put a new QoS 1 or 2 message and let it wait for its acknowledgement. Nothing changed on
** failure. */
static int send_tracked (tl_session *s, tl_outgoing *m) {
  if (tl_buf_reserve(&s->out.bytes, m->size) != TL_OK) return TL_ENOMEM;
  uint16_t id = tl_ids_take(&s->ids, m); /* unused [MQTT-2.3.1-2] */
  if (!id) return TL_ENOMEM;
  tl_outgoing_set_id(m, id);
  m->state = TL_OUT_SENT;
  m->sent_at = s->now;
  tl_outlist_push(&s->sending.inflight, m);
  tl_session_store_out(s, m, false);
  return tl_session_put_message(s, m);
}

static bool may_go (const tl_session *s, uint8_t qos) {
  size_t most = s->config.p.max_inflight < MOST_INFLIGHT ? s->config.p.max_inflight : MOST_INFLIGHT;
  return !tl_session_silent(s) && (qos == 0 || s->sending.inflight.n < most);
}

int tl_session_drain (tl_session *s) {
  while (s->sending.queue.head && may_go(s, s->sending.queue.head->qos)) {
    tl_outgoing *m = s->sending.queue.head;
    tl_outlist_remove(&s->sending.queue, m);
    int rc = m->qos ? send_tracked(s, m) : send_qos0(s, m);
    if (rc == TL_OK) continue;
    tl_outlist_unshift(&s->sending.queue, m); /* back to its place */
    return tl_session_no_output(s);
  }
  return TL_OK;
}

/* A QoS 0 message with none before it goes straight into the output, without being copied into the
** queue. */
static int publish_now (tl_session *s, tl_slice topic, tl_slice payload, bool retain, void *token,
                        size_t size) {
  bool failed = s->out.bytes.failed;
  size_t limit = s->config.p.max_queued > HANDOVER_FLOOR ? s->config.p.max_queued : HANDOVER_FLOOR;
  if (s->out.handed.len >= limit) return TL_EFULL;
  if (tl_session_reserve_handover(s) != TL_OK) return TL_ENOMEM;
  if (tl_buf_reserve(&s->out.bytes, size) != TL_OK) {
    s->out.bytes.failed = failed; /* nothing of this is missing in the output */
    return TL_ENOMEM;
  }
  size_t from = s->out.bytes.len;
  tl_build_publish(s->out.bytes.at + from, topic, payload, 0, retain, 0, NULL);
  s->out.bytes.len += size;
  s->stats.sent_by[0]++;
  tl_session_did_put(s, from);
  tl_session_push_handover(s, token, NULL);
  return TL_OK;
}

/* Is there no room for a message of this size? A single message is always taken, even if it is
** longer than the limit; otherwise it could never be sent. */
static bool is_full (const tl_session *s, size_t size) {
  size_t held = tl_session_unconfirmed_bytes(s), most = s->config.p.max_queued_bytes;
  return most > 0 && held > 0 && (held > most || size > most - held);
}

bool tl_session_keeps (const tl_session *s, uint8_t qos) {
  return qos > 0 || s->sending.queue.n > 0 || !may_go(s, qos);
}

static int accept (tl_session *s, tl_slice topic, tl_slice payload, uint8_t qos, bool retain,
                   void *token, size_t size) {
  bool failed = s->out.bytes.failed;
  bool at_once = s->sending.queue.n == 0 && may_go(s, qos);
  if (is_full(s, size)) return TL_EFULL;
  if (at_once && qos == 0) return publish_now(s, topic, payload, retain, token, size);
  if (!at_once && s->sending.queue.n >= s->config.p.max_queued) return TL_EFULL;
  tl_outgoing *m = tl_outgoing_new(topic, payload, qos, retain);
  if (!m) return TL_ENOMEM;
  m->token = token;
  m->taken_at = s->now;
  m->sequence = s->sending.sequence;
  if (at_once) {
    int rc = send_tracked(s, m);
    if (rc != TL_OK) {
      s->out.bytes.failed = failed;
      free(m);
      return rc;
    }
  } else {
    tl_outlist_push(&s->sending.queue, m);
    tl_session_store_out(s, m, false);
  }
  s->sending.sequence++;
  return TL_OK;
}

int tl_session_publish (tl_session *s, tl_slice topic, tl_slice payload, uint8_t qos, bool retain,
                        void *token, tl_err *err) {
  if (s->phase == TL_PHASE_DEAD || (tl_session_silent(s) && !s->config.p.queue_offline))
    return tl_fail(err, TL_ESTATE, 0, "not connected");
  int rc = tl_topic_check(topic, err);
  if (rc != TL_OK) return rc;
  /* [MQTT-3.3.1-4] */
  if (qos > 2) return tl_fail(err, TL_ERANGE, 0, "expected a QoS of 0, 1 or 2, got %u", qos);
  size_t size = tl_publish_size(topic.len, payload.len, qos);
  if (size == 0 || size > s->config.p.max_packet_size)
    return tl_fail(err, TL_ETOOBIG, 0,
                   "a payload of %zu bytes does not fit into max_packet_size (%zu)", payload.len,
                   s->config.p.max_packet_size);
  rc = accept(s, topic, payload, qos, retain, token, size);
  if (rc == TL_EFULL) return tl_fail(err, rc, 0, "queue full");
  return rc == TL_OK ? TL_OK : tl_fail(err, rc, 0, "out of memory");
}

/* --- taken back --- */

/* The list must be detached already: the callbacks may publish. */
void tl_session_fail_list (tl_session *s, tl_outlist list, int result, bool forget) {
  while (list.head) {
    tl_outgoing *m = list.head;
    tl_outlist_remove(&list, m);
    if (forget) tl_session_store_out(s, m, true);
    tl_session_finish(s, m, result);
  }
}

tl_outlist tl_session_take_inflight (tl_session *s) {
  for (tl_outgoing *m = s->sending.inflight.head; m; m = m->next) tl_ids_drop(&s->ids, m->id);
  tl_outlist_take(&s->sending.released);
  return tl_outlist_take(&s->sending.inflight);
}

tl_outlist tl_session_take_waiting (tl_session *s) {
  tl_outlist gone = { NULL, NULL, 0, 0 };
  if (s->config.p.queue_offline) return gone;
  for (tl_outgoing *m = s->sending.queue.head, *next; m; m = next) {
    next = m->next;
    if (!s->config.clean && m->qos) continue;
    tl_outlist_remove(&s->sending.queue, m);
    tl_outlist_push(&gone, m);
  }
  return gone;
}

/* --- the broker's acknowledgements --- */

static int unknown_ack (tl_session *s, uint8_t type, uint16_t id) {
  s->stats.unknown_acks++;
  tl_session_note(s, TL_NOTE_DEBUG, "%s for the unknown identifier %u%s", tl_packet_name(type), id,
                  type == TL_PUBREC ? ", answered with PUBREL" : "");
  return type == TL_PUBREC ? tl_session_put_ack(s, TL_PUBREL, id) : TL_OK;
}

const char *tl_session_awaited (const tl_outgoing *m) {
  if (m->qos == 1) return "PUBACK";
  return m->state == TL_OUT_SENT ? "PUBREC" : "PUBCOMP";
}

static int wrong_ack (tl_session *s, uint8_t type, const tl_outgoing *m) {
  const char *due = tl_session_awaited(m);
  return tl_fail(&s->fault.why, TL_EMALFORMED, 2,
                 "%s for identifier %u, a QoS %u message that waits for %s (4.3)",
                 tl_packet_name(type), m->id, m->qos, due);
}

static int complete (tl_session *s, tl_outgoing *m) {
  if (m->state == TL_OUT_RELEASED) tl_released_remove(&s->sending.released, m);
  tl_outlist_remove(&s->sending.inflight, m);
  tl_ids_drop(&s->ids, m->id); /* [MQTT-2.3.1-3] */
  tl_session_store_out(s, m, true);
  tl_session_unstall(s);
  /* before the callback: a message that it publishes must not overtake those that wait */
  int rc = tl_session_drain(s);
  tl_session_finish(s, m, TL_OK);
  return rc;
}

static int on_pubrec (tl_session *s, tl_outgoing *m) {
  if (m->state == TL_OUT_SENT) { /* a repeated PUBREC only repeats PUBREL */
    m->state = TL_OUT_RELEASED;
    m->size = 0; /* never to be sent again [MQTT-4.3.3-1] */
    tl_released_push(&s->sending.released, m);
    tl_session_store_out(s, m, false);
  }
  return tl_session_put_ack(s, TL_PUBREL, m->id);
}

int tl_session_on_ack (tl_session *s, uint8_t type, uint16_t id) {
  tl_outgoing *m =
      id == s->subs.suback_id || id == s->subs.unsuback_id ? NULL : tl_ids_owner(&s->ids, id);
  if (!m) return unknown_ack(s, type, id);
  if (type == TL_PUBACK && m->qos == 1) return complete(s, m);
  if (type == TL_PUBREC && m->qos == 2) return on_pubrec(s, m);
  if (type == TL_PUBCOMP && m->qos == 2 && m->state == TL_OUT_RELEASED) return complete(s, m);
  return wrong_ack(s, type, m);
}

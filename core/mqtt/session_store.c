/* core/mqtt/session_store.c — session state from a store: the state of a process that ended,
** taken over by this one. */
#include <stdlib.h>

#include "base/topic.h"
#include "mqtt/session_impl.h"

/* A message that had its PUBREC: only its identifier is left of it. */
static int restore_released (tl_session *s, uint64_t sequence, uint16_t id) {
  tl_outgoing *m = calloc(1, sizeof *m);
  if (!m) return TL_ENOMEM;
  int rc = tl_ids_claim(&s->ids, id, m);
  if (rc != TL_OK) {
    free(m);
    return rc == TL_ERANGE ? TL_EMALFORMED : rc;
  }
  m->sequence = sequence;
  m->sent_at = -1;
  m->id = id;
  m->qos = 2;
  m->state = TL_OUT_RELEASED;
  m->restored = true;
  tl_outlist_push(&s->sending.inflight, m);
  tl_released_push(&s->sending.released, m);
  return TL_OK;
}

static int restore_publish (tl_session *s, uint64_t sequence, uint16_t id, tl_slice packet) {
  tl_outgoing *m;
  int rc = tl_outgoing_from(&m, packet);
  if (rc != TL_OK) return rc;
  if (id) rc = tl_ids_claim(&s->ids, id, m);
  if (rc != TL_OK) {
    free(m);
    return rc;
  }
  m->sequence = sequence;
  m->restored = true;
  m->state = id ? TL_OUT_SENT : TL_OUT_QUEUED;
  if (id) tl_outgoing_set_id(m, id);
  tl_outlist_push(id ? &s->sending.inflight : &s->sending.queue, m);
  return TL_OK;
}

static int restore_filter (tl_session *s, tl_slice filter) {
  tl_known_filter *k;
  if (tl_filter_check(filter, NULL) != TL_OK) return TL_EMALFORMED;
  if (tl_map_get(&s->subs.known, filter)) return TL_EEXIST;
  return tl_session_know_filter(s, filter, &k);
}

/* What an earlier process had reported counts again: its unconfirmed writes, the QoS 2
** identifiers of which a repetition must not be delivered, and the topic filters that the broker
** knows. */
int tl_session_restore (tl_session *s, char kind, uint64_t sequence, uint16_t id, tl_slice bytes) {
  int rc;
  if (s->phase != TL_PHASE_CLOSED || s->config.clean) return TL_ESTATE;
  switch (kind) {
    case TL_RECORD_MESSAGE:
      rc = bytes.len ? restore_publish(s, sequence, id, bytes) : restore_released(s, sequence, id);
      break;
    case TL_RECORD_RECEIVED: /* is_repetition() in session_receive.c compares with these */
      rc = id == 0 ? TL_EMALFORMED : tl_idset_add(&s->receiving.ids, id);
      break;
    case TL_RECORD_FILTER: rc = restore_filter(s, bytes); break;
    default: return TL_EMALFORMED;
  }
  if (rc != TL_OK) return rc;
  if (kind == TL_RECORD_MESSAGE && sequence >= s->sending.sequence)
    s->sending.sequence = sequence + 1;
  s->kept.known = true;
  return TL_OK;
}

/* Is the message with this identifier held? It is not confirmed yet, so after a restart it must be
** delivered again, and is not reported to the store. */
static bool is_held (const tl_session *s, uint16_t id) {
  const tl_acks *a = &s->receiving.acks;
  for (size_t i = 0; i < a->len; i++) {
    const tl_pending_ack *ack = &a->ring[(a->at + i) & (a->cap - 1)];
    if (ack->held && ack->qos == 2 && ack->id == id) return true;
  }
  return false;
}

void tl_session_store_all (tl_session *s) {
  if (!s->ev.store || s->config.clean) return;
  tl_session_store_filters(s);
  for (uint32_t id = 0; (id = tl_idset_next(&s->receiving.ids, (uint16_t)id)) > 0; id++) {
    if (!is_held(s, (uint16_t)id)) tl_session_store_received(s, (uint16_t)id, false);
    if (id == UINT16_MAX) break;
  }
  for (const tl_outgoing *m = s->sending.inflight.head; m; m = m->next)
    tl_session_store_out(s, m, false);
  for (const tl_outgoing *m = s->sending.queue.head; m; m = m->next)
    tl_session_store_out(s, m, false);
}

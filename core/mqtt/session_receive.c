/* core/mqtt/session_receive.c — received messages: delivery, and acknowledgements in the order
** of receipt.
** is_repetition() decides that a QoS 2 message counts once. The identifiers that it compares with
** survive a restart: the event `store` reports them (gateway/session_store.c keeps them on disk),
** and tl_session_restore() in mqtt/session_store.c brings them back. */
#include "mqtt/session_impl.h"

void tl_session_store_received (tl_session *s, uint16_t id, bool gone) {
  static const tl_slice none = { NULL, 0 };
  if (s->ev.store && (gone || !s->config.clean))
    s->ev.store(s->ctx, TL_RECORD_RECEIVED, 0, id, none, gone);
}

void tl_session_forget_received (tl_session *s) {
  tl_acks_orphan(&s->receiving.acks);
  for (uint16_t id = 0; s->receiving.ids.count;) {
    id = tl_idset_next(&s->receiving.ids, id);
    tl_idset_del(&s->receiving.ids, id);
    tl_session_store_received(s, id, true);
  }
}

static int put_received (tl_session *s, uint8_t qos, uint16_t id) {
  if (qos == 1) return tl_session_put_answer(s, TL_PUBACK, id);
  /* A broker that sent PUBREL without waiting for PUBREC has ended the exchange already: the
  ** identifier is gone, so no PUBREC is owed. */
  return tl_idset_has(&s->receiving.ids, id) ? tl_session_put_answer(s, TL_PUBREC, id) : TL_OK;
}

/* Acknowledge now, or behind those that wait already. Room in the ring was reserved. */
static int acknowledge (tl_session *s, uint8_t qos, uint16_t id) {
  if (s->receiving.acks.len == 0) return put_received(s, qos, id);
  tl_acks_push(&s->receiving.acks, (tl_pending_ack){ .id = id, .qos = qos });
  return TL_OK;
}

static int no_memory (tl_session *s) {
  return tl_fail(&s->fault.why, TL_ENOMEM, 0,
                 "out of memory for a received message [MQTT-4.8.0-2]");
}

/* The application did not take the message: forget its identifier, so that the broker's repetition
** is delivered. */
static int not_taken (tl_session *s, uint8_t qos, uint16_t id, int code) {
  if (qos == 2) {
    tl_idset_del(&s->receiving.ids, id);
    tl_session_store_received(s, id, true);
  }
  return code == TL_ENOMEM ? no_memory(s)
                           : tl_fail(&s->fault.why, code, 0, "a message could not be taken");
}

/* QoS 2 reaches the application once: a message whose identifier came before, and had no PUBREL
** since, is a repetition, and gets PUBREC only [MQTT-4.3.3-2].
** A new identifier is kept before the message is delivered (method B of figure 4.3). With
** session_store it is on the disk at the end of the wake-up, before its PUBREC leaves; what a
** kill in between means: gateway/once.h. Without session_store a restart forgets it.
** After a reconnect the identifiers are what tl_session_closed() and tl_session_resume() left.
** 1: a repetition, 0: new, or TL_ENOMEM: the connection must close. */
static int is_repetition (tl_session *s, uint16_t id) {
  if (tl_idset_has(&s->receiving.ids, id)) {
    s->stats.duplicates++;
    return 1;
  }
  if (tl_idset_add(&s->receiving.ids, id) != TL_OK) return no_memory(s);
  tl_session_store_received(s, id, false);
  return 0;
}

static int deliver (tl_session *s, const tl_message *m) {
  if (tl_acks_reserve(&s->receiving.acks) != TL_OK ||
      (m->qos && tl_buf_reserve(&s->out.answers, 4) != TL_OK))
    return no_memory(s);
  int repeated = m->qos == 2 ? is_repetition(s, m->id) : 0;
  if (repeated != 0) return repeated < 0 ? repeated : acknowledge(s, 2, m->id);
  int verdict = s->message(s->ctx, m);
  if (verdict < 0) return not_taken(s, m->qos, m->id, verdict);
  if (verdict & TL_MESSAGE_HELD) {
    tl_acks_push(&s->receiving.acks, (tl_pending_ack){ .id = m->id, .qos = m->qos, .held = true });
    /* Not confirmed: after a restart the broker must deliver it again, so the store forgets it.
    ** In this process the identifier stays. */
    if (m->qos == 2) tl_session_store_received(s, m->id, true);
    return verdict & TL_MESSAGE_STOP;
  }
  /* also when a handler failed: see session.h */
  int rc = m->qos ? acknowledge(s, m->qos, m->id) : TL_OK;
  return rc == TL_OK && verdict == TL_MESSAGE_STOP ? TL_MESSAGE_STOP : rc;
}

int tl_session_on_publish (tl_session *s, const tl_frame *f) {
  tl_message m;
  int rc = tl_parse_publish(f, &m, &s->fault.why);
  if (rc != TL_OK) return rc;
  s->stats.received_by[m.qos]++;
  if (m.qos || s->receiving.acks.len == s->receiving.acks.cap) return deliver(s, &m);
  int verdict = s->message(s->ctx, &m);
  if (verdict < 0) return not_taken(s, 0, 0, verdict);
  if (verdict & TL_MESSAGE_HELD) tl_acks_push(&s->receiving.acks, (tl_pending_ack){ .held = true });
  return verdict & TL_MESSAGE_STOP;
}

int tl_session_on_skipped (tl_session *s, uint8_t qos, uint16_t id) {
  if (qos == 0) return TL_OK;
  if (tl_acks_reserve(&s->receiving.acks) != TL_OK) return no_memory(s);
  int repeated = qos == 2 ? is_repetition(s, id) : 0;
  return repeated < 0 ? repeated : acknowledge(s, qos, id);
}

int tl_session_on_pubrel (tl_session *s, uint16_t id) {
  if (tl_idset_has(&s->receiving.ids, id)) {
    tl_idset_del(&s->receiving.ids, id);
    tl_session_store_received(s, id, true);
  } else {
    s->stats.unknown_acks++;
    tl_session_note(s, TL_NOTE_DEBUG, "PUBREL for the unknown identifier %u, answered with PUBCOMP",
                    id);
  }
  return tl_session_put_answer(s, TL_PUBCOMP, id);
}

int tl_session_ack (tl_session *s, uint16_t id, int64_t now) {
  const tl_pending_ack *head = tl_acks_head(&s->receiving.acks);
  if (!head) return TL_ENOENT;
  if (head->id != id) return TL_ERANGE;
  if (now > s->now) s->now = now;
  /* Its acknowledgement cannot be sent, so the broker repeats the message. At QoS 2 the repetition
  ** is not delivered; the PUBREC for it is the answer. */
  int result = head->lost || (head->stale && head->qos == 1) ? TL_ELOST : TL_OK;
  bool first = true;
  do { /* the head, and those behind it that waited only for it */
    tl_pending_ack a = tl_acks_pop(&s->receiving.acks);
    if (first && a.qos == 2 && tl_idset_has(&s->receiving.ids, a.id))
      tl_session_store_received(s, a.id, false);
    if (a.qos && !a.stale && put_received(s, a.qos, a.id) != TL_OK) {
      /* tl_session_tick() then returns the error, which closes the connection */
      tl_session_fail(s, TL_ENOMEM);
      return first ? TL_ELOST : result;
    }
    first = false;
    head = tl_acks_head(&s->receiving.acks);
  } while (head && !head->held);
  return result;
}

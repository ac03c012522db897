/* core/mqtt/session_resume.c — CONNACK was accepted: what the session state means now, and what
** goes out first. */
#include <stdio.h>

#include "mqtt/session_impl.h"

/* The broker kept the session: repeat all that is unacknowledged, PUBLISH with DUP
** [MQTT-4.4.0-1], [MQTT-3.3.1-1], in the order of publishing [MQTT-4.6.0-1], and among those
** places the PUBRELs in the order of their PUBRECs [MQTT-4.6.0-4]. */
static int repeat_all (tl_session *s) {
  tl_outgoing *released = s->sending.released.head;
  int rc = TL_OK;
  for (tl_outgoing *m = s->sending.inflight.head; rc == TL_OK && m; m = m->next) {
    if (m->sent_at < 0) m->sent_at = s->now;
    if (m->state == TL_OUT_RELEASED) {
      rc = tl_session_put_ack(s, TL_PUBREL, released->id);
      released = released->rel_next;
    } else {
      tl_outgoing_set_dup(m, true);
      rc = tl_session_put_message(s, m);
    }
  }
  return rc;
}

/* The broker has no session: publish the unacknowledged messages anew, with another identifier
** and DUP 0. Those past PUBREC must not go out again, for the broker may have passed them on
** [MQTT-4.3.3-1]; they come back in *lost. */
static int publish_anew (tl_session *s, tl_outlist *lost) {
  int rc = TL_OK;
  for (tl_outgoing *m = s->sending.inflight.head, *next; m; m = next) {
    next = m->next;
    if (m->state == TL_OUT_RELEASED) {
      tl_ids_drop(&s->ids, m->id);
      tl_released_remove(&s->sending.released, m);
      tl_outlist_remove(&s->sending.inflight, m);
      tl_outlist_push(lost, m);
      continue;
    }
    uint16_t id = tl_ids_take(&s->ids, m);
    if (id) { /* else all are in use, and the old one must do */
      tl_ids_drop(&s->ids, m->id);
      tl_outgoing_set_id(m, id);
    }
    tl_outgoing_set_dup(m, false);
    if (m->sent_at < 0) m->sent_at = s->now;
    tl_session_store_out(s, m, false);
    if (rc == TL_OK) rc = tl_session_put_message(s, m);
  }
  return rc;
}

static void log_lost (tl_session *s) {
  size_t again = s->sending.inflight.n - s->sending.released.n, not_again = s->sending.released.n;
  char sent[80] = "", kept[80] = "";
  if (again > 0)
    snprintf(sent, sizeof sent, "; publishing %zu unacknowledged message%s again", again,
             again == 1 ? "" : "s");
  if (not_again > 0)
    snprintf(kept, sizeof kept, "; %zu QoS 2 message%s with PUBREC: not published again", not_again,
             not_again == 1 ? "" : "s");
  tl_session_note(s, TL_NOTE_WARN, "the broker lost the session: subscribing again%s%s", sent,
                  kept);
}

/* `present`: the broker has kept the session. Then received QoS 2 identifiers stay, and what is
** unacknowledged is repeated. Otherwise, or when that session is of another Client ID,
** identifiers are forgotten (the broker may use them for new messages), and what is
** unacknowledged is published anew. */
int tl_session_resume (tl_session *s, bool present) {
  tl_outlist lost = { NULL, NULL, 0, 0 };
  bool renew = !present || s->kept.foreign;
  s->stats.lost = !s->config.clean && s->kept.known && !present;
  if (s->stats.lost) log_lost(s);
  size_t again = s->sending.inflight.n - s->sending.released.n;
  if (s->kept.foreign && again > 0)
    tl_session_note(s, TL_NOTE_WARN,
                    "the session is a new one: publishing %zu unacknowledged message%s again",
                    again, again == 1 ? "" : "s");
  /* The broker kept a session that an earlier process began, and nothing of it is known here. The
  ** broker may still remember QoS 2 identifiers of that process, and would take a new message with
  ** one of them for a repetition. So identifiers begin at a place made of the clock. */
  if (present && !s->kept.known) s->ids.last = (uint16_t)((uint64_t)s->now * 40503u);
  s->kept.known = !s->config.clean;
  s->kept.foreign = false;
  if (renew) tl_session_forget_received(s);
  int rc = tl_session_subscribe(s);
  if (rc == TL_OK) rc = renew ? publish_anew(s, &lost) : repeat_all(s);
  if (rc == TL_OK) rc = tl_session_drain(s);
  /* Only now, for what the callbacks publish must not overtake what was there before. */
  if (rc == TL_OK && s->ev.connected) s->ev.connected(s->ctx, present);
  if (rc == TL_OK && s->subs.asked->n == 0 && s->ev.subscribed)
    s->ev.subscribed(s->ctx, NULL, NULL, 0);
  tl_session_fail_list(s, lost, TL_ESESSION, true);
  return rc;
}

/* core/mqtt/session.c — a session's life: making, parameters, opening, closing, ending. Knows
** no bytes of packets. */
#include "mqtt/session.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/topic.h"
#include "base/utf8.h"
#include "mqtt/session_impl.h"

int tl_session_fail (tl_session *s, int code) {
  assert(code < 0);
  s->phase = TL_PHASE_FAILED;
  s->fault.code = code;
  s->fault.why.code = code;
  return code;
}

void tl_session_note (tl_session *s, int severity, const char *fmt, ...) {
  char text[512];
  va_list args;
  if (!s->ev.notice) return;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  s->ev.notice(s->ctx, severity, text);
}

/* --- parameters --- */

static bool is_text (tl_slice t) { /* [MQTT-1.5.3-1], [MQTT-1.5.3-2] */
  return t.len <= TL_STRING_MAX && tl_utf8_valid(t) && (t.len == 0 || !memchr(t.at, 0, t.len));
}

static int check_params (const tl_session_params *p) {
  /* [MQTT-3.1.3-4], [MQTT-3.1.3-11] */
  if (!is_text(p->client_id) || (p->has_user && !is_text(p->user))) return TL_EMALFORMED;
  /* [MQTT-3.1.2-22] */
  if (p->has_password && (!p->has_user || p->password.len > TL_STRING_MAX)) return TL_EMALFORMED;
  if (p->will && (tl_topic_check(p->will_topic, NULL) != TL_OK ||
                  p->will_message.len > TL_STRING_MAX || p->will_qos > 2))
    return TL_EMALFORMED; /* [MQTT-3.1.3-10], [MQTT-3.1.2-14] */
  if (p->max_inflight == 0 || p->max_packet_size < 2 || p->ping_interval_ms < 0 ||
      p->max_queue_age_ms < 0 || p->ask_again_ms < 0 || p->ask_again_max_ms < 0 ||
      p->reply_timeout_ms < 0 || p->connack_timeout_ms < 0)
    return TL_ERANGE;
  return TL_OK;
}

/* *into becomes a copy of *p whose texts are in one block, *texts. */
static int copy_params (tl_session_params *into, uint8_t **texts, const tl_session_params *p) {
  tl_session_params copy = *p;
  tl_slice *fields[] = { &copy.client_id, &copy.user, &copy.password, &copy.will_topic,
                         &copy.will_message };
  size_t n = 1;
  for (int i = 0; i < 5; i++) n += fields[i]->len;
  uint8_t *at = malloc(n);
  if (!at) return TL_ENOMEM;
  *texts = at;
  for (int i = 0; i < 5; i++) {
    if (fields[i]->len) memcpy(at, fields[i]->at, fields[i]->len);
    fields[i]->at = at;
    at += fields[i]->len;
  }
  copy.filters = NULL;
  copy.filter_count = 0;
  *into = copy;
  return TL_OK;
}

static bool effective_clean (const tl_session_params *p) {
  return p->clean_session || p->client_id.len == 0; /* [MQTT-3.1.3-7] */
}

/* The session is another one now (see tl_session_set_params). */
static void change_identity (tl_session *s, bool was_clean) {
  s->kept.known = false;
  tl_session_forget_filters(s);
  if (was_clean) {
    /* it left nothing behind when it closed, but what waits may outlive the process from now on */
    for (tl_outgoing *m = s->sending.queue.head; m; m = m->next) tl_session_store_out(s, m, false);
    return;
  }
  tl_session_forget_received(s);
  if (!s->config.clean) {
    s->kept.foreign = s->sending.inflight.n > 0;
    return;
  }
  for (tl_outgoing *m = s->sending.queue.head; m; m = m->next) tl_session_store_out(s, m, true);
  for (tl_outgoing *m = s->sending.inflight.head; m; m = m->next) tl_session_store_out(s, m, true);
  tl_outlist lost = tl_session_take_inflight(s), waiting = tl_session_take_waiting(s);
  tl_session_fail_list(s, lost, TL_ELOST, false);
  tl_session_fail_list(s, waiting, TL_ELOST, false);
}

int tl_session_set_params (tl_session *s, const tl_session_params *p) {
  tl_session_params copy;
  uint8_t *texts;
  tl_filter_list *list;
  if (s->phase != TL_PHASE_CLOSED) return TL_ESTATE;
  int rc = check_params(p);
  if (rc == TL_OK) rc = tl_filter_list_new(&list, p->filters, p->filter_count);
  if (rc != TL_OK) return rc;
  if (copy_params(&copy, &texts, p) != TL_OK) {
    free(list);
    return TL_ENOMEM;
  }
  bool was_clean = s->config.clean, first = !s->config.texts,
       same_id = !first && tl_slice_eq(s->config.p.client_id, copy.client_id);
  uint8_t *old = s->config.texts;
  s->config.p = copy;
  s->config.texts = texts;
  s->config.clean = effective_clean(&copy);
  s->config.say_forced = s->config.clean && !copy.clean_session;
  if (s->subs.wanted != s->subs.asked) free(s->subs.wanted);
  s->subs.wanted = list;
  free(old);
  if (!first && (!same_id || s->config.clean != was_clean)) change_identity(s, was_clean);
  return TL_OK;
}

int tl_session_set_will (tl_session *s, tl_slice message) {
  tl_session_params with = s->config.p;
  uint8_t *texts;
  if (s->phase != TL_PHASE_CLOSED) return TL_ESTATE;
  if (message.len > TL_STRING_MAX) return TL_ERANGE;
  with.will_message = message;
  if (copy_params(&with, &texts, &with) != TL_OK) return TL_ENOMEM;
  free(s->config.texts);
  s->config.p = with;
  s->config.texts = texts;
  return TL_OK;
}

int tl_session_set_filters (tl_session *s, const tl_subscription *filters, size_t n) {
  tl_filter_list *list;
  int rc = tl_filter_list_new(&list, filters, n);
  if (rc != TL_OK) return rc;
  if (s->subs.wanted != s->subs.asked) free(s->subs.wanted);
  s->subs.wanted = list;
  if (tl_session_is_connected(s) && !tl_session_filters_wait(s)) { /* nothing has changed */
    s->subs.wanted = s->subs.asked;
    free(list);
  }
  return TL_OK;
}

void tl_session_set_trace (tl_session *s, bool on) { s->tracing = on && s->ev.trace; }

/* --- life --- */

static void forget_connection (tl_session *s) {
  tl_session_forget_times(s);
  tl_session_forget_asking(s);
  tl_session_forget_input(s);
  tl_session_forget_output(s);
}

int tl_session_new (tl_session **out, const tl_session_params *params,
                    const tl_session_events *events, void *ctx) {
  assert(events->message);
  tl_session *s = calloc(1, sizeof *s);
  if (!s) return TL_ENOMEM;
  s->ev = *events;
  s->message = events->message;
  s->ctx = ctx;
  s->sending.sequence = 1;
  s->stats.oldest_inflight = s->stats.oldest_queued = s->stats.last_in = s->stats.last_out = -1;
  tl_ids_init(&s->ids);
  tl_idset_init(&s->receiving.ids);
  tl_acks_init(&s->receiving.acks);
  tl_map_init(&s->subs.known);
  tl_buf_init(&s->out.bytes);
  tl_buf_init(&s->out.answers);
  s->time.first_opened_at = -1;
  forget_connection(s);
  int rc = tl_session_set_params(s, params);
  if (rc != TL_OK) {
    tl_session_free(s);
    return rc;
  }
  *out = s;
  return TL_OK;
}

void tl_session_free (tl_session *s) {
  if (!s) return;
  s->phase = TL_PHASE_DEAD; /* a callback's publish is refused */
  tl_handovers_fail(s, TL_ESTATE);
  /* nothing is deleted from the store: the next process needs it */
  tl_session_fail_list(s, tl_session_take_inflight(s), TL_ESTATE, false);
  tl_session_fail_list(s, tl_outlist_take(&s->sending.queue), TL_ESTATE, false);
  s->ev.store = NULL;
  tl_session_forget_filters(s);
  tl_map_fini(&s->subs.known);
  tl_ids_fini(&s->ids);
  tl_idset_fini(&s->receiving.ids);
  tl_acks_fini(&s->receiving.acks);
  tl_session_fini_output(s);
  if (s->subs.asked != s->subs.wanted) free(s->subs.asked);
  free(s->subs.wanted);
  free(s->subs.granted);
  free(s->config.texts);
  free(s);
}

int tl_session_open (tl_session *s, int64_t now) {
  if (s->phase != TL_PHASE_CLOSED) return TL_ESTATE;
  s->now = now;
  s->fault.code = s->fault.refusal = 0;
  s->fault.why = (tl_err){ 0 };
  if (s->config.say_forced)
    tl_session_note(
        s, TL_NOTE_WARN,
        "the Client ID is blank: the session is a clean one, whatever clean_session says");
  s->config.say_forced = false;
  int rc = tl_build_connect(&s->out.bytes, &s->config.p, s->config.clean);
  if (rc != TL_OK) {
    tl_buf_clear(&s->out.bytes);
    return tl_fail(&s->fault.why, rc, 0, "CONNECT cannot be built: out of memory");
  }
  s->phase = TL_PHASE_CONNECTING;
  tl_session_times_opened(s);
  tl_session_did_put(s, 0); /* the first packet [MQTT-3.1.0-1] */
  return TL_OK;
}

/* A clean session ends with its connection, and so do its received QoS 2 identifiers and its
** writes in flight. Otherwise all of that stays for the next connection: tl_session_resume(). */
void tl_session_closed (tl_session *s) {
  if (s->phase == TL_PHASE_CLOSED || s->phase == TL_PHASE_DEAD) return;
  s->phase = TL_PHASE_CLOSED;
  forget_connection(s);
  tl_acks_disconnect(&s->receiving.acks);
  if (s->config.clean) tl_session_forget_received(s); /* [MQTT-3.1.2-6] */
  tl_outlist none = { NULL, NULL, 0, 0 },
             lost = s->config.clean ? tl_session_take_inflight(s) : none,
             waiting = tl_session_take_waiting(s);
  tl_handovers_fail(s, TL_ELOST);
  tl_session_fail_list(s, lost, TL_ELOST, false);
  tl_session_fail_list(s, waiting, TL_ELOST, false);
}

void tl_session_disconnect (tl_session *s) {
  if (s->phase != TL_PHASE_UP) return;
  if (tl_session_put_empty(s, TL_DISCONNECT) == TL_OK) s->phase = TL_PHASE_LEAVING;
}

/* --- asking --- */

bool tl_session_is_connected (const tl_session *s) { return s->phase == TL_PHASE_UP; }

const char *tl_session_error (const tl_session *s) { return s->fault.why.text; }

int tl_session_refusal (const tl_session *s) { return s->fault.refusal; }

size_t tl_session_needs (const tl_session *s) { return s->in.needs; }

void tl_session_go_on_counting (tl_session *s, const tl_session *before) {
  const tl_session_stats *from = &before->stats;
  for (int qos = 0; qos < 3; qos++) {
    s->stats.received_by[qos] += from->received_by[qos];
    s->stats.sent_by[qos] += from->sent_by[qos];
  }
  s->stats.bytes_in += from->bytes_in;
  s->stats.bytes_out += from->bytes_out;
  s->stats.duplicates += from->duplicates;
  s->stats.unknown_acks += from->unknown_acks;
  s->stats.too_long += from->too_long;
}

void tl_session_get_stats (const tl_session *s, tl_session_stats *out) {
  *out = s->stats;
  out->received = s->stats.received_by[0] + s->stats.received_by[1] + s->stats.received_by[2];
  out->sent = s->stats.sent_by[0] + s->stats.sent_by[1] + s->stats.sent_by[2];
  out->inflight = (uint32_t)s->sending.inflight.n;
  out->queued = (uint32_t)s->sending.queue.n;
  out->unconfirmed_bytes = tl_session_unconfirmed_bytes(s);
  out->held = s->receiving.acks.held;
  out->ping_at = s->phase == TL_PHASE_UP && s->time.pings > 0 ? s->time.ping_at : -1;
  out->oldest_inflight = -1;
  out->oldest_queued = s->sending.queue.head ? s->sending.queue.head->taken_at : -1;
  for (const tl_outgoing *m = s->sending.inflight.head; m && out->oldest_inflight < 0; m = m->next)
    out->oldest_inflight = m->sent_at;
}

bool tl_session_oldest (const tl_session *s, tl_slice *topic, size_t *packet_len) {
  const tl_outgoing *m = s->sending.inflight.head;
  if (!m || m->state != TL_OUT_SENT) return false;
  size_t at = 1;
  while (m->packet[at] & 0x80) at++; /* the length field */
  at += 3;                           /* its last byte, and the topic's length */
  *topic = tl_slice_of(m->packet + at, m->id_at - at);
  *packet_len = m->size;
  return true;
}

/* core/gateway/health.c — how a line is doing: keeps facts and computes numbers. Logs nothing. */
#include "gateway/health.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "gateway/link_impl.h"

enum {
  RATE_MS = 1000,
  ECHO_PAUSE_MS = 3000 /* a pause this long ends an echo */
};

void tl_health_init (tl_health *h, int64_t now) {
  memset(h, 0, sizeof *h);
  h->session_lost_at = h->subscribed_at = h->lost_at = -1;
  /* a session that an earlier process left in the store counts as established */
  h->established = true;
  h->rate_at = now;
}

void tl_health_fini (tl_health *h) {
  free(h->own);
  h->own = NULL;
}

void tl_health_connected (tl_link *l) {
  tl_session_stats st;
  tl_session_get_stats(l->session, &st);
  tl_health *h = &l->health;
  bool established = h->established;
  h->filter_count = 0;
  h->subscribed_at = -1;
  h->established = false;
  h->unacked_bytes = 0;
  if (!st.lost) {
    h->sessions_lost = 0; /* the broker kept this session, so earlier losses no longer matter */
    h->session_lost_at = -1;
  } else if (established) { /* a session that ended before SUBACK had no subscriptions to lose */
    h->sessions_lost++;
    h->session_lost_at = l->time.now;
  }
}

static void copy_topic (char *to, tl_slice topic) {
  size_t n = topic.len < TL_FILTER_BYTES ? topic.len : TL_FILTER_BYTES - 1;
  memcpy(to, topic.at, n);
  to[n] = '\0';
}

void tl_health_sent_unacked (tl_link *l, tl_slice topic, size_t payload) {
  tl_health *h = &l->health;
  size_t rest = 2 + topic.len + payload; /* what the length field counts */
  copy_topic(h->unacked_topic, topic);
  h->unacked_bytes = 2 + (rest > 127) + (rest > 16383) + (rest > 2097151) + rest;
}

/* The broker closed the connection: after which packet of ours?
** A publish that is sent again on each connection and never acknowledged is most likely what
** the broker does not accept.
** Without SUBACK it may be the filters. When another client takes our Client ID, both packets
** are answered first. A PUBLISH at QoS 0 has no answer: it may be either. */
void tl_health_closed (tl_link *l) {
  tl_health *h = &l->health;
  tl_slice topic;
  h->closed_on = TL_CLOSED_ON_CONNACK;
  if (tl_session_oldest(l->session, &topic, &h->closed_bytes)) {
    h->closed_on = TL_CLOSED_ON_PUBLISH;
    copy_topic(h->closed_topic, topic);
  } else if (h->subscribed_at < 0 && tl_link_filters(l)->n > 0) {
    h->closed_on = TL_CLOSED_ON_SUBSCRIBE;
  } else if (h->unacked_bytes > 0) {
    h->closed_on = TL_CLOSED_ON_QOS0;
    h->closed_bytes = h->unacked_bytes;
    memcpy(h->closed_topic, h->unacked_topic, sizeof h->closed_topic);
  }
}

void tl_health_failed (tl_link *l, const char *why) {
  snprintf(l->health.failure, sizeof l->health.failure, "%s", why);
  l->health.failed_at = tl_loop_now(l->gateway->loop);
  l->health.failed_open = l->conn.since >= 0;
  if (l->health.failed_open) l->health.lost_at = l->health.failed_at;
}

/* 0 marks a place that is free. */
static uint32_t hash_of (tl_slice topic) {
  uint32_t hash = tl_hash(topic.at, topic.len);
  return hash ? hash : 1;
}

bool tl_health_is_own (const tl_health *h, tl_slice topic) {
  if (!h->own) return false;
  uint32_t hash = hash_of(topic);
  return h->own[hash % TL_OWN_TOPICS] == hash;
}

static void note_echo (tl_link *l, tl_slice topic) {
  tl_echo *e = &l->health.echo;
  int64_t now = tl_loop_now(l->gateway->loop);
  if (e->count == 0 || now - e->last > ECHO_PAUSE_MS) *e = (tl_echo){ .since = now };
  if (e->count++ == 0) copy_topic(e->topic, topic);
  e->last = now;
}

void tl_health_publish (tl_link *l, tl_slice topic, tl_link *by, tl_slice cause) {
  tl_health *h = &l->health;
  if (by && tl_health_is_own(&by->health, cause)) note_echo(by, cause);
  if (!h->own) h->own = calloc(TL_OWN_TOPICS, sizeof *h->own);
  /* no memory for the hashes: an own message that comes back counts as another client's */
  if (!h->own) return;
  uint32_t hash = hash_of(topic);
  h->own[hash % TL_OWN_TOPICS] = hash;
}

static void note_filter (tl_health *h, tl_slice filter, uint8_t wanted, uint8_t granted) {
  uint32_t i = h->filter_count++;
  if (i >= TL_FILTER_NOTES) return;
  h->filters[i].wanted = wanted;
  h->filters[i].granted = granted;
  snprintf(h->filters[i].filter, sizeof h->filters[i].filter, "%.*s", TL_ARG(filter));
}

void tl_health_subscribed (tl_link *l, const tl_subscription *filters, const uint8_t *granted,
                           size_t n) {
  l->health.established = true;
  if (l->health.subscribed_at < 0) l->health.subscribed_at = l->time.now;
  l->health.filter_count = 0;
  for (size_t i = 0; i < n; i++) {
    bool refused = granted[i] == TL_GRANTED_NOT;
    if (refused || granted[i] < filters[i].qos)
      note_filter(&l->health, filters[i].filter, filters[i].qos, granted[i]);
  }
}

bool tl_health_too_long (tl_link *l, tl_slice topic, size_t size) {
  tl_health *h = &l->health;
  uint32_t hash = tl_hash(topic.at, topic.len);
  h->too_long_at = l->time.now;
  snprintf(h->too_long_topic, sizeof h->too_long_topic, "%.*s", TL_ARG(topic));
  h->too_long_size = size;
  for (uint32_t i = 0; i < h->too_long_logged; i++) {
    if (h->too_long_topics[i] == hash) return false;
  }
  if (h->too_long_logged == TL_TOO_LONG_TOPICS) return false;
  h->too_long_topics[h->too_long_logged++] = hash;
  return true;
}

static double per_second (uint64_t now, uint64_t before, int64_t ms) {
  return (double)(now - before) * 1000.0 / (double)ms;
}

void tl_health_input (tl_link *l) {
  tl_health *h = &l->health;
  tl_session_stats st;
  int64_t passed = l->time.now - h->rate_at;
  if (passed < RATE_MS) return;
  tl_session_get_stats(l->session, &st);
  h->received_per_s = per_second(st.received, h->rate_received, passed);
  h->sent_per_s = per_second(st.sent, h->rate_sent, passed);
  h->rate_at = l->time.now;
  h->rate_received = st.received;
  h->rate_sent = st.sent;
}

void tl_link_get_health (const tl_link *l, tl_link_health *out) {
  const tl_health *h = &l->health;
  tl_session_stats st;
  int64_t passed = tl_loop_now(l->gateway->loop) - h->rate_at;
  tl_session_get_stats(l->session, &st);
  *out = (tl_link_health){ .kept = h,
                           .quick_closes = l->conn.quick_closes,
                           .awaiting = l->ack.station,
                           .awaiting_id = l->ack.id,
                           .waiting = l->ack.count,
                           .queue_full = l->input.shut & TL_SHUT_QUEUE,
                           .congested = l->input.shut & TL_SHUT_CONGESTED,
                           .held = l->input.shut & TL_SHUT_VALUES && !l->gateway->flush.unsettled,
                           .full = l->gateway->values.sink ? tl_sink_why(l->gateway->values.sink)
                                                           : NULL,
                           .filters_wait = tl_session_filters_wait(l->session),
                           .received_per_s = h->received_per_s,
                           .sent_per_s = h->sent_per_s,
                           .retry_at = l->conn.state == TL_LINK_WAITING ? l->conn.retry_at : -1 };
  if (passed < 2 * RATE_MS) return; /* nothing has come since: the last period is over */
  out->received_per_s = per_second(st.received, h->rate_received, passed);
  out->sent_per_s = per_second(st.sent, h->rate_sent, passed);
}

/* core/gateway/session.c — the topic filters that a line wants, and the MQTT session made from
** its parameters. Must not know sockets. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/map.h"
#include "gateway/filters_impl.h"
#include "gateway/link_impl.h"
#include "base/topic.h"

/* --- topic filters: computed when stations or parameters change, borrowed by everybody --- */

/* Filled in two passes: the first counts, the second copies. */
typedef struct {
  tl_map known;     /* addresses and topic filters that are in the list */
  uint8_t *text_at; /* NULL: only count */
  tl_filters list;
  size_t bytes;
  uint8_t qos;
} gathering;

static void add_filter (gathering *g, tl_slice filter) {
  if (g->text_at) {
    if (filter.len > 0) memcpy(g->text_at, filter.at, filter.len);
    g->list.at[g->list.n] = (tl_subscription){ tl_slice_of(g->text_at, filter.len), g->qos };
    g->text_at += filter.len;
  }
  g->list.n++;
  g->bytes += filter.len;
}

/* Does the line subscribe to the station's address? Then *address is the filter.
** Dots and dollars are allowed in a topic; together with certain other characters the address
** is a regular expression, and `tagline check` warns of it. */
static bool subscribes (const tl_station *s, tl_slice *address) {
  *address = tl_slice_str(s->address);
  return s->settings.subscribe_address && !strpbrk(s->address, "*?[](){}|\\^") &&
         tl_filter_check(*address, NULL) >= 0;
}

static int gather (gathering *g, const tl_line_params *p, const tl_line *line) {
  tl_slice address;
  int rc = TL_OK;
  tl_map_init(&g->known);
  g->list.n = g->bytes = 0;
  for (size_t i = 0; i < p->topic_filter.n && rc == TL_OK; i++) {
    add_filter(g, p->topic_filter.at[i]);
    rc = tl_map_put(&g->known, p->topic_filter.at[i], g);
  }
  for (uint32_t i = 0; i < line->station_count && rc == TL_OK; i++) {
    if (!subscribes(line->stations[i], &address) || tl_map_get(&g->known, address)) continue;
    add_filter(g, address);
    rc = tl_map_put(&g->known, address, g);
  }
  tl_map_fini(&g->known);
  return rc;
}

int tl_filters_make (tl_filters *fresh, const tl_line_params *p, const tl_line *line) {
  gathering g = { .text_at = NULL, .qos = (uint8_t)p->subscribe_qos };
  int rc = gather(&g, p, line);
  if (rc == TL_OK && g.list.n > 0) {
    size_t head = g.list.n * sizeof *g.list.at;
    g.list.at = malloc(head + g.bytes);
    rc = g.list.at ? TL_OK : TL_ENOMEM;
    g.text_at = (uint8_t *)g.list.at + head;
    if (rc == TL_OK) rc = gather(&g, p, line);
  }
  if (rc == TL_OK)
    *fresh = g.list;
  else
    free(g.list.at);
  return rc;
}

void tl_filters_fini (tl_filters *f) {
  tl_filters_drop_index(f);
  free(f->at);
  memset(f, 0, sizeof *f);
}

void tl_link_use_filters (tl_link *l, tl_filters *fresh) {
  tl_filters_fini(&l->filters);
  l->filters = *fresh;
  memset(fresh, 0, sizeof *fresh);
}

int tl_link_refresh_filters (tl_link *l, const char *what) {
  tl_filters fresh;
  int rc = tl_filters_make(&fresh, &l->params, l->line);
  if (rc < 0) return rc;
  bool waited = tl_session_filters_wait(l->session);
  tl_link_use_filters(l, &fresh);
  rc = tl_session_set_filters(l->session, l->filters.at, l->filters.n);
  if (!waited && !l->conn.renew && tl_session_filters_wait(l->session)) {
    tl_log(TL_LOG_INFO, TL_LINK_SCOPE(l), "%s waits for the next connection", what);
  }
  return rc;
}

/* --- the session --- */

int tl_link_make_session (tl_link *l, tl_session **session) {
  const tl_line_params *p = &l->params;
  tl_session_params s = {
    .client_id = p->client_id.at ? p->client_id : TL_LIT(""),
    .clean_session = p->clean_session,
    .has_user = p->user_name.at,
    .has_password = p->password.at,
    .user = p->user_name,
    .password = p->password,
    .keep_alive = (uint16_t)p->keep_alive,
    .ping_interval_ms = p->ping_interval,
    .reply_timeout_ms = p->reply_timeout,
    .connack_timeout_ms = 0,
    .will = p->will_flag,
    .will_qos = (uint8_t)p->will_qos,
    .will_retain = p->will_retain,
    .will_topic = p->will_topic,
    .will_message = p->will_message,
    .filters = l->filters.at,
    .filter_count = l->filters.n,
    .ask_again_ms = p->reconnect_delay > 0 ? p->reconnect_delay : 1,
    .ask_again_max_ms = p->reconnect_delay_max,
    .max_packet_size = (size_t)p->max_packet_size,
    .max_inflight = (uint16_t)p->max_inflight,
    .max_queued = (size_t)p->max_queued,
    .max_queued_bytes = (size_t)p->max_queued_bytes,
    .max_queue_age_ms = p->max_queue_age,
    .queue_offline = tl_slice_eq(p->offline_writes, TL_LIT("queue")),
  };
  int rc = !*session ? tl_session_new(session, &s, &tl_link_session_events, l)
                     : tl_session_set_params(*session, &s);
  if (rc == TL_OK) tl_session_set_trace(*session, p->full_debug);
  return rc;
}

/* A session with a store belongs to that store. When the parameters name another store, the
** line gets another session, as after a restart of the process. The old store keeps what it
** holds. */
int tl_link_new_session (tl_link *l) {
  tl_session *fresh = NULL, *old = l->session;
  bool moved = false;
  int rc = tl_link_store_moved(l, &moved);
  if (rc < 0) return rc;
  if (!old || !moved) return tl_link_make_session(l, &l->session);
  rc = tl_link_make_session(l, &fresh);
  if (rc < 0) return rc;
  tl_session_go_on_counting(fresh, old);
  l->session = fresh;
  l->sessions++;
  /* The acknowledgement of a message in the old session is no longer possible; a broker that
  ** kept that session sends the message again. */
  l->ack.station = NULL;
  tl_link_orphan_long(l);
  l->input.shut &= ~(unsigned)TL_SHUT_QUEUE;
  tl_link_drop_queue(l);
  tl_session_free(old);
  return TL_OK;
}

const tl_filters *tl_link_filters (const tl_link *l) { return &l->filters; }

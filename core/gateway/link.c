/* core/gateway/link.c — a running line: made, freed, and what other rooms may ask of it.
** link_impl.h names the files that do the rest. */
#include "gateway/filters_impl.h"
#include "gateway/link_impl.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/station_log.h"

static bool call_headers (void *ctx, tl_buf *out) {
  tl_link *l = ctx;
  return l->gateway->handlers.headers(l->gateway->handlers_ctx, l, out);
}

static tl_dial_by dials_by (tl_link *l) {
  const tl_gateway *g = l->gateway;
  return (tl_dial_by){ .scope = l->line->name,
                       .params = &l->params,
                       .loop = g->loop,
                       .transports = g->transports,
                       .headers = g->handlers.headers ? call_headers : NULL,
                       .ctx = l };
}

int tl_link_new (tl_gateway *g, tl_line *line, tl_line_params *params, void *user, tl_link **out,
                 tl_err *err) {
  tl_link *l = calloc(1, sizeof *l);
  if (!l) return tl_fail(err, TL_ENOMEM, 0, "no memory for line '%s'", line->name);
  l->gateway = g;
  l->line = line;
  l->dial.by = dials_by(l);
  l->input.shut = g->flush.blocked ? TL_SHUT_VALUES : 0;
  l->conn.state = TL_LINK_OFF;
  l->time.armed = l->time.status_due = INT64_MAX;
  l->conn.since = -1;
  tl_health_init(&l->health, tl_loop_now(g->loop));
  l->params = *params;
  tl_buf_init(&l->input.bytes);
  int rc = tl_timer_new(&l->time.timer, g->loop, tl_link_on_timer, l);
  if (rc == 0) rc = tl_router_new(&l->routing.router, TL_LINK_TOPICS, TL_LINK_TOPIC_BYTES);
  if (rc == 0) tl_router_on_limit(l->routing.router, tl_station_log_given_up, l);
  if (rc == 0) rc = tl_filters_make(&l->filters, &l->params, line);
  if (rc == 0) rc = tl_link_new_session(l);
  if (rc < 0) {
    tl_params_init(&l->params); /* the caller keeps them */
    tl_link_free(l);
    return tl_fail(err, rc, 0, "no memory for line '%s'", line->name);
  }
  l->conn.delay = l->params.reconnect_delay;
  tl_dial_address(&l->dial, 0, l->dial.address, sizeof l->dial.address);
  l->user = user;
  tl_params_init(params);
  line->user = l;
  *out = l;
  return TL_OK;
}

void tl_link_free (tl_link *l) {
  tl_gateway *g = l->gateway;
  tl_line *line = l->line && l->line->user == l ? l->line : NULL;
  /* first: functions of pending writes, which are called now, then find the line closed */
  l->conn.removed = true;
  tl_dial_end_probes(&l->dial);
  tl_goodbye_forget(l);
  tl_link_finish_long(l);
  if (l->session) tl_session_free(l->session);
  tl_link_store_close(l);
  tl_link_drop_queue(l);
  tl_timer_close(l->time.timer);
  tl_input_forget(l);
  tl_buf_fini(&l->input.bytes);
  tl_filters_fini(&l->filters);
  free(l->conn.lost);
  tl_dial_fini(&l->dial);
  tl_recorder_fini(&l->recorder);
  tl_health_fini(&l->health);
  tl_params_fini(&l->params);
  tl_gateway_give_back(g, &l->user);
  if (line)
    tl_gateway_bury(g, line, l->routing.router);
  else
    tl_router_free(l->routing.router);
  /* last: functions called above may have asked for these again */
  tl_link_forget_pump(l);
  tl_link_forget_flush(l);
  free(l);
}

const tl_line_params *tl_link_params (const tl_link *l) { return &l->params; }
tl_dial *tl_link_dial (tl_link *l) { return &l->dial; }
tl_line *tl_link_line (const tl_link *l) { return l->line; }

bool tl_link_is_removed (const tl_link *l) { return l->conn.removed; }
int64_t tl_link_now (const tl_link *l) { return l->time.now; }
tl_router *tl_link_router (tl_link *l) { return l->routing.router; }
tl_link *tl_line_link (const tl_line *line) { return line->user; }
tl_gateway *tl_link_gateway (tl_link *l) { return l->gateway; }
void *tl_link_user (const tl_link *l) { return l->user; }
const tl_recorder *tl_link_recorder (const tl_link *l) { return &l->recorder; }
const char *tl_link_unrouted_topic (const tl_link *l) { return l->routing.unrouted_topic; }

const char *const tl_link_ends[TL_ENDS] = { "asked", "broker", "fault" };
const char *const tl_unsent_names[TL_UNSENT] = { "not connected", "queue full", "connection lost",
                                                 "session lost",  "too old",    "other" };

uint64_t tl_link_handler_errors (const tl_link *l) {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < l->line->station_count; i++)
    sum += l->line->stations[i]->stats.handler_errors;
  return sum;
}

void tl_link_get_stats (const tl_link *l, tl_link_stats *out) {
  static const char *const states[] = { "off", "waiting", "connecting", "connected",
                                        "disconnecting" };
  memset(out, 0, sizeof *out);
  out->state = states[l->conn.state];
  out->peer = l->conn.state == TL_LINK_OFF || l->conn.state == TL_LINK_WAITING ? "" : l->conn.peer;
  out->address = l->dial.address;
  out->transport = l->conn.state == TL_LINK_CONNECTED ? l->dial.made_of : "";
  out->warning = l->conn.state == TL_LINK_CONNECTED ? l->dial.warning : "";
  out->last_error = l->conn.error;
  out->connects = l->conn.connects;
  out->failures = l->conn.failures;
  out->attempts_failed = l->conn.attempts_failed;
  memcpy(out->ends, l->conn.ends, sizeof out->ends);
  memcpy(out->unsent, l->unsent, sizeof out->unsent);
  out->messages = l->routing.messages;
  out->unrouted = l->routing.unrouted;
  out->wills = l->routing.wills;
  out->too_long = l->routing.too_long;
  out->waiting_bytes = l->ack.bytes;
  out->instances_refused = l->routing.instances_refused;
  out->connected_since = l->conn.since;
  tl_session_get_stats(l->session, &out->session);
  tl_router_get_stats(l->routing.router, &out->router);
}

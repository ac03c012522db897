/* core/gateway/gateway.c — the gateway as a whole: passes news from the model to observers,
** starts and stops. */
#include "gateway/gateway.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "gateway/once_impl.h"
#include "gateway/link_impl.h"
#include "gateway/station_log.h"

static void on_value (void *ctx, tl_tag *t) {
  tl_gateway *g = ctx;
  if (g->news.looking || (g->news.acting && tl_has_functions(t))) tl_notify_value(g, t);
}

/* The values stream is an observer like any other, except that acknowledgements wait until its
** reader has the values. */
static void stream_value (void *ctx, tl_tag *t) {
  tl_gateway *g = ctx;
  tl_buf *out = tl_sink_buf(g->values.sink);
  size_t before = out->len;
  bool failed = out->failed;
  tl_tag_stream(t, out);
  /* No memory: remove the half line. The message is not acknowledged, so the broker sends it
  ** again. */
  if (out->failed && !failed) {
    out->len = before;
    out->failed = false;
    g->model->starved = true;
    tl_log(TL_LOG_ERROR, t->station->line->name,
           "no memory for the values stream: a value of %s.%s is missing", t->station->name,
           tl_tag_def(t)->name);
  }
  tl_gateway_ask_flush(g); /* values may also come from timers, when no message asks for a flush */
}

static void on_status (void *ctx, tl_station *s, tl_station_status before) {
  tl_gateway *g = ctx;
  const char *now = tl_station_status_name(s->status), *was = tl_station_status_name(before);
  if (s->status == TL_ST_HARD_ERR)
    tl_station_log(s, TL_LOG_WARN, "%s (%s), was %s", now, tl_reason_name((tl_reason)s->why), was);
  else
    tl_station_log(s, TL_LOG_DEBUG, "%s, was %s", now, was);
  if (g->news.observers) tl_notify_status(g, s, before);
}

static void on_json_error (void *ctx, tl_station *s, const tl_json_error *e) {
  (void)ctx;
  const char *name = tl_doc_format_name((tl_doc_format)s->plan->format);
  if (s->plan->format != TL_DOC_JSON)
    tl_station_log(
        s, TL_LOG_WARN,
        "the payload is not %s: at byte %zu: expected %s (logged once until it can be read)", name,
        e->at, e->expected);
  else if (e->got)
    tl_station_log(s, TL_LOG_WARN,
                   "the payload is not JSON: line %u, column %u: expected %s, got %s: prepare = "
                   "\"%s\" repairs it (logged once until it can be read)",
                   (unsigned)e->line, (unsigned)e->column, e->expected, e->got, e->cure);
  else
    tl_station_log(s, TL_LOG_WARN,
                   "the payload is not JSON: line %u, column %u: expected %s (logged once until it "
                   "can be read)",
                   (unsigned)e->line, (unsigned)e->column, e->expected);
}

static void on_time_error (void *ctx, tl_station *s, tl_reason why, tl_slice text) {
  (void)ctx;
  if (why == TL_REASON_MISSING) {
    tl_station_log(s, TL_LOG_WARN,
                   "no timestamp at '%.*s': the time of arrival is used (logged once)",
                   TL_ARG(s->plan->time.field));
    return;
  }
  tl_buf cause;
  tl_buf_init(&cause);
  tl_timemask_why(s->plan->time.mask, s->plan->rule.zone, text, tl_clock_wall_ms(), &cause);
  tl_station_log(s, TL_LOG_WARN,
                 "the timestamp '%.*s' %.*s: the time of arrival is used (logged once)",
                 TL_ARG(tl_shortened(text)), TL_ARG(tl_buf_bytes(&cause)));
  tl_buf_fini(&cause);
}

static void on_pattern_limit (void *ctx, tl_tag *t, tl_slice payload) {
  (void)ctx;
  tl_slice begin = tl_shortened(payload);
  tl_station_log(t->station, TL_LOG_WARN,
                 "tag '%s': the regular expression takes too many steps on a payload of %zu bytes, "
                 "'%.*s'%s: it counts as not matching (logged once)",
                 tl_tag_def(t)->name, payload.len, TL_ARG(begin),
                 begin.len < payload.len ? " …" : "");
}

static void on_text_limit (void *ctx, tl_tag *t, size_t bytes) {
  const tl_model *m = tl_gateway_model(ctx);
  if (t->station->line->text_refused > 1) return;
  tl_station_log(t->station, TL_LOG_WARN,
                 "tag '%s': a text of %zu bytes is not kept: the texts of one device may take %llu "
                 "bytes (limits.instance_text), those of all tags %llu (limits.text); logged once",
                 tl_tag_def(t)->name, bytes, (unsigned long long)m->instance_text_max,
                 (unsigned long long)m->text_max);
}

static void on_trace (void *ctx, tl_tag *t) {
  (void)ctx;
  tl_link *l = t->station->line->user;
  if (!l || !l->params.full_debug || !tl_log_on(TL_LOG_INFO)) return;
  tl_buf text;
  tl_buf_init(&text);
  tl_tag_stream(t, &text);
  if (!text.failed && text.len > 0)
    tl_log(TL_LOG_INFO, t->station->line->name, "value %.*s", (int)text.len - 1,
           (const char *)text.at);
  tl_buf_fini(&text);
}

static void on_due (void *ctx, tl_line *line, int64_t at) {
  (void)ctx;
  tl_link *l = line->user;
  if (!l || at >= l->time.status_due) return;
  l->time.status_due = at;
  tl_link_arm(l);
}

/* A trace costs a call for each value, so the model's hook is set only while a line has Full
** Debug. */
void tl_gateway_refresh_trace (tl_gateway *g) {
  bool wanted = false;
  for (uint32_t i = 0; i < g->model->line_count; i++) {
    const tl_link *l = g->model->lines[i]->user;
    wanted = wanted || (l && l->params.full_debug);
  }
  g->model->hooks.trace = wanted ? on_trace : NULL;
}

int tl_gateway_new (tl_gateway **out, tl_loop *loop, const tl_handlers *handlers, void *ctx) {
  static const tl_model_hooks hooks = { .value = on_value,
                                        .status = on_status,
                                        .json_error = on_json_error,
                                        .time_error = on_time_error,
                                        .pattern_limit = on_pattern_limit,
                                        .text_limit = on_text_limit,
                                        .due = on_due };
  tl_gateway *g = calloc(1, sizeof *g);
  if (!g) return TL_ENOMEM;
  g->loop = loop;
  if (handlers) g->handlers = *handlers;
  g->handlers_ctx = ctx;
  g->random = (uint32_t)tl_clock_mono_ns() | 1;
  int rc = tl_transports_new(&g->transports, loop);
  if (rc == TL_OK) rc = tl_model_new(&g->model, &hooks, g);
  if (rc < 0) {
    tl_transports_free(g->transports);
    free(g);
    return rc;
  }
  *out = g;
  return TL_OK;
}

void tl_gateway_free (tl_gateway *g) {
  if (!g) return;
  while (g->model->line_count > 0) {
    tl_line *line = g->model->lines[g->model->line_count - 1];
    if (line->user)
      tl_link_free(line->user);
    else
      tl_model_remove_line(g->model, line);
  }
  tl_gateway_bury_all(g);
  tl_gateway_forget_flush(g);
  tl_gateway_forget_longs(g);
  tl_gateway_forget_found(g);
  tl_transports_free(g->transports);
  tl_model_free(g->model);
  tl_buf_fini(&g->prepare_room.buf[0]);
  tl_buf_fini(&g->prepare_room.buf[1]);
  free(g);
}

tl_model *tl_gateway_model (tl_gateway *g) { return g->model; }
uint64_t tl_gateway_generation (const tl_gateway *g) { return g->generation; }

void tl_gateway_set_values (tl_gateway *g, tl_sink *values) {
  g->values.lost = !values && g->values.sink;
  g->values.sink = values;
  g->values.observer =
      (tl_observer){ .value = stream_value, .ctx = g, .next = g->values.observer.next };
  if (values)
    tl_gateway_observe(g, &g->values.observer);
  else
    tl_gateway_unobserve(g, &g->values.observer);
  if (g->values
          .lost) /* values that nobody reads are not acknowledged: the broker sends them again */
    tl_gateway_block(g, true);
}

void tl_gateway_values_drained (tl_gateway *g) { tl_gateway_ask_flush(g); }

void tl_gateway_start (tl_gateway *g) {
  g->life.started = true;
  for (uint32_t i = 0; i < g->model->line_count; i++) tl_link_check(g->model->lines[i]->user);
}

bool tl_gateway_is_stopping (const tl_gateway *g) { return g->life.stopping; }

void tl_gateway_stop (tl_gateway *g, void (*done)(void *ctx), void *ctx) {
  if (g->life.stopping) {
    for (uint32_t i = 0; i < g->model->line_count; i++) {
      tl_link *l = g->model->lines[i]->user;
      if (l->conn.transport) tl_transport_close(l->conn.transport, 0);
    }
    return;
  }
  for (uint32_t i = 0; i < g->model->line_count; i++) {
    tl_link_finish_long(g->model->lines[i]->user);
    tl_line_settle(g->model->lines[i], tl_loop_now(g->loop), tl_clock_wall_ms());
    tl_link_tell_lost(g->model->lines[i]->user);
  }
  g->life.stopping = true;
  g->life.stopped = done;
  g->life.ctx = ctx;
  g->life.open_links = 0;
  for (uint32_t i = 0; i < g->model->line_count; i++) {
    tl_link *l = g->model->lines[i]->user;
    if (l->conn.transport) g->life.open_links++;
  }
  for (uint32_t i = 0; i < g->model->line_count; i++) tl_link_check(g->model->lines[i]->user);
  tl_gateway_ask_flush(g);
}

void tl_station_set_mode (tl_gateway *g, tl_station *s, bool off, bool simulated) {
  tl_link *l = s->line->user;
  if (g->dry) return; /* inside explain */
  if (off || simulated) tl_link_forget_awaiting(l, s);
  tl_station_switch(s, off, simulated, tl_loop_now(g->loop), tl_clock_wall_ms());
  tl_link_check(l);
  tl_link_ask_flush(l);
}

bool tl_gateway_decodes (const tl_gateway *g, const tl_station *s) {
  const tl_handlers *h = &g->handlers;
  return s->user && h->has_decode && h->has_decode(s->user) && h->decode_dry;
}

void tl_gateway_dry_run (tl_gateway *g, tl_dry_decode *r) {
  g->dry = true;
  g->handlers.decode_dry(g->handlers_ctx, r);
  g->dry = false;
}

tl_shared_user tl_gateway_share_user (tl_gateway *g, void *user) {
  const tl_handlers *h = &g->handlers;
  void *shared = user && h->share ? h->share(g->handlers_ctx, user) : NULL;
  return (tl_shared_user){ shared, h->release, g->handlers_ctx };
}

void tl_gateway_give_back (tl_gateway *g, void **user) {
  if (*user && g->handlers.release) g->handlers.release(g->handlers_ctx, *user);
  *user = NULL;
}

void tl_shared_user_release (tl_shared_user *shared) {
  if (shared->user && shared->release) shared->release(shared->ctx, shared->user);
  shared->user = NULL;
}

void tl_gateway_renew_objects (tl_gateway *g) { g->generation++; }

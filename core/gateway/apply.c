/* core/gateway/apply.c — makes the running gateway match a checked configuration, at the start and
** at every reload: lines come, go and change. exchange.c does their stations. */
#include <string.h>

#include "base/log.h"
#include "gateway/apply_impl.h"
#include "gateway/filters_impl.h"

/* --- turns --- */

/* End this piece of work: the loop runs other things before this call returns.
** Stations may move meanwhile, so callers look them up by name again afterwards. */
static bool pause_it (tl_applying *a, bool now) {
  if (!a->config->pause) return false;
  a->g->generation++;
  bool paused = a->config->pause(a->config->pause_ctx, now);
  a->now = tl_loop_now(a->g->loop);
  a->wall = tl_clock_wall_ms();
  return paused;
}

void tl_apply_rest (tl_applying *a) { pause_it(a, false); }

/* The cut-over of a line: it handles no message while its stations are exchanged, which may
** take several turns of the loop.
** So each message finds either all old stations and handlers, or all new ones.
** Other lines continue to work, and this line still sends writes and PINGs. */
static void hold (const tl_applying *a, tl_link *l, bool held) {
  if (!a->config->pause) return;
  if (held)
    l->input.shut |= TL_SHUT_RELOAD;
  else
    l->input.shut &= ~(unsigned)TL_SHUT_RELOAD;
  if (!held) tl_link_ask_pump(l);
  tl_link_reading_changed(l);
}

/* A message that is handled in pieces ends with the stations and handlers that it began with. The
** line is held, so that no other one begins. */
static void await_long (tl_applying *a, tl_link *l) {
  while (l->longer.pieces && pause_it(a, true)) continue;
  tl_link_finish_long(l);
}

/* Functions that wait for their turn are those of what the line is now: they are called before that
** changes. Where nothing can be waited for they stay in the queue. */
static void await_functions (tl_applying *a, tl_link *l) {
  const tl_handlers *h = &a->g->handlers;
  while (h->hurry && h->hurry(a->g->handlers_ctx, l) && pause_it(a, true)) continue;
}

int tl_apply_no_memory (const tl_applying *a, const tl_link *l) {
  return tl_fail(a->err, TL_ENOMEM, 0, "no memory for line '%s'", l->line->name);
}

/* --- lines --- */

int tl_link_set_params (tl_link *l, tl_line_params *params) {
  const char *names[64];
  tl_filters filters;
  if (l->conn.removed) return TL_ESTATE;
  if (tl_filters_make(&filters, params, l->line) < 0)
    return TL_ENOMEM; /* first: when it fails, nothing has changed */
  int n = tl_params_diff(&l->params, params, names, 64);
  bool filter_only = n == 1 && strcmp(names[0], "topic_filter") == 0;
  /* fields are compared in order, and `host` is the first. New addresses: begin with the first
  ** one */
  if (n > 0 && strcmp(names[0], "host") == 0) l->conn.host = 0;
  tl_params_fini(&l->params);
  l->params = *params;
  tl_params_init(params);
  tl_link_use_filters(l, &filters);
  tl_gateway_refresh_trace(l->gateway);
  if (n == 0) return TL_OK;
  tl_dial_changed(&l->dial);
  if (filter_only) return tl_link_refresh_filters(l, "the new topic_filter");
  tl_dial_forget_failures(&l->dial);
  /* CLOSING: a handler that hears of the end of the connection sets parameters */
  if (l->conn.transport || l->conn.state == TL_LINK_CLOSING) {
    l->conn.renew = true;
    l->conn.error[0] = '\0';
    tl_log(TL_LOG_INFO, TL_LINK_SCOPE(l), "parameters changed (%s%s): reconnecting", names[0],
           n > 1 ? ", …" : "");
    tl_link_close(l, true);
    return TL_OK;
  }
  l->conn.delay = l->params.reconnect_delay;
  if (l->conn.state == TL_LINK_WAITING) { /* try at once: the new parameters may work */
    l->conn.retry_at = tl_loop_now(l->gateway->loop);
    tl_link_arm(l);
  }
  return tl_link_new_session(l);
}

static int apply_line (tl_applying *a, tl_line_config *c) {
  tl_gateway *g = a->g;
  tl_line *line = tl_model_line(g->model, c->name);
  tl_link *l = line ? line->user : NULL;
  bool fresh = !l;
  int rc = TL_OK;
  if (fresh) {
    if (!line) rc = tl_model_add_line(g->model, c->name, &line);
    if (rc < 0) return tl_fail(a->err, rc, 0, "no memory for line '%.*s'", TL_ARG(c->name));
    rc = tl_link_new(g, line, &c->params, c->user, &l, a->err);
    if (rc < 0) {
      tl_model_remove_line(g->model, line);
      return rc;
    }
    c->user = NULL;
    hold(a, l, true); /* who switches one of its first stations on connects it */
  } else {
    l->conn.removed = false;
    hold(a, l, true);
    await_long(a, l);
    await_functions(a, l);
    tl_gateway_give_back(g, &l->user);
    l->user = c->user;
    c->user = NULL;
    rc = tl_link_set_params(l, &c->params);
    if (rc < 0) tl_apply_no_memory(a, l);
  }
  if (rc >= 0) rc = tl_apply_stations(a, l, c, fresh);
  hold(a, l, false);
  return rc;
}

static void remove_line (tl_applying *a, tl_link *l) {
  hold(a, l, true);
  await_long(a, l);
  await_functions(a, l);
  l->conn.removed = true; /* from here on it may be freed in a pause */
  tl_line_settle(l->line, a->now, a->wall);
  tl_link_tell_lost(l);
  hold(a, l, false); /* what before_disconnect publishes is acknowledged */
  if (!l->conn.transport)
    tl_link_leave(l);
  else
    tl_link_close(l, true);
  tl_apply_rest(a); /* the functions of many lines would add up */
}

int tl_gateway_apply (tl_gateway *g, tl_config *config,
                      void (*changed)(void *ctx, const char *change), void *ctx, tl_err *err) {
  tl_applying a = { g, config, err, tl_loop_now(g->loop), tl_clock_wall_ms() };
  tl_map lines;
  int rc = changed ? tl_gateway_compare(g, config, changed, ctx) : TL_OK;
  if (rc == TL_OK) rc = tl_config_lines(config, &lines);
  if (rc < 0) return tl_fail(err, rc, 0, "no memory to compare the configs");
  g->generation++;
  if (g->handlers.reload_begins) g->handlers.reload_begins(g->handlers_ctx);
  for (uint32_t i = g->model->line_count; i-- > 0;) {
    if (i >= g->model->line_count) continue; /* others went in a pause */
    tl_link *l = g->model->lines[i]->user;
    bool goes = !l->conn.removed && !tl_map_get(&lines, tl_slice_str(l->line->name));
    if (goes) remove_line(&a, l);
  }
  tl_map_fini(&lines);
  for (size_t i = 0; i < config->line_count && rc >= 0; i++) rc = apply_line(&a, &config->lines[i]);
  tl_gateway_refresh_trace(g);
  for (uint32_t i = 0; i < g->model->line_count; i++) tl_link_check(g->model->lines[i]->user);
  g->generation++;
  for (uint32_t i = 0; i < g->model->line_count; i++) {
    tl_link *l = g->model->lines[i]->user;
    tl_link_fetch_retained(l);
    tl_link_arm(l);
    tl_link_ask_flush(l);
  }
  return rc;
}

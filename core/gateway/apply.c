/* core/gateway/apply.c — a checked configuration becomes the running whole; used for the first load and for every reload. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "gateway/link.h"

typedef struct {
  tl_gateway *g;
  void (*told)(void *ctx, const char *change);
  void *ctx;
  tl_err *err;
  int64_t now, wall;
} applying;

static void tell (const applying *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#include <stdarg.h>
static void tell (const applying *a, const char *fmt, ...) {
  char text[512];
  va_list args;
  if (a->told == NULL) return;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  a->told(a->ctx, text);
}

static void release (tl_gateway *g, void **user) {
  if (*user != NULL && g->handlers.release != NULL) g->handlers.release(g->handlers_ctx, *user);
  *user = NULL;
}

size_t tl_link_filters (const tl_link *l, tl_subscription *out) {
  size_t n = 0;
  uint8_t qos = (uint8_t)l->params.subscribe_qos;
  for (size_t i = 0; i < l->params.topic_filter.n; i++) out[n++] = (tl_subscription){ l->params.topic_filter.at[i], qos };
  for (uint32_t i = 0; i < l->line->station_count; i++) {
    const tl_station *s = l->line->stations[i];
    tl_slice address = tl_slice_str(s->address);
    bool known = false;
    if (!s->subscribe_address || tl_filter_check(address, NULL) < 0) continue;
    for (size_t k = 0; k < n && !known; k++) known = tl_slice_eq(out[k].filter, address);
    if (!known) out[n++] = (tl_subscription){ address, qos };
  }
  return n;
}

static int refresh_filters (tl_link *l) {
  tl_subscription *filters = calloc(l->params.topic_filter.n + l->line->station_count + 1, sizeof *filters);
  if (filters == NULL) return TL_ENOMEM;
  size_t n = tl_link_filters(l, filters);
  int rc = tl_session_set_filters(l->session, filters, n);
  free(filters);
  return rc;
}

/* ---- stations ---- */

static int route_station (tl_link *l, tl_station *s, tl_err *err) {
  int rc = tl_router_add(l->router, tl_slice_str(s->address), s, err);
  if (rc >= 0 && s->will_topic != NULL) rc = tl_router_add_will(l->router, tl_slice_str(s->will_topic), s);
  return rc;
}

static void unroute_station (tl_link *l, tl_station *s) {
  tl_router_remove(l->router, tl_slice_str(s->address));
  tl_router_forget(l->router, s); /* an instance may be fed by several topics */
  if (s->will_topic != NULL) tl_router_remove_will(l->router, tl_slice_str(s->will_topic), s);
}

static void drop_station (tl_link *l, tl_station *s) {
  tl_gateway_forget_tag(l->gateway, s);
  tl_link_forget_awaiting(l, s);
  unroute_station(l, s);
  release(l->gateway, &s->user);
  tl_line_remove_station(l->line, s);
}

static int add_station (const applying *a, tl_link *l, tl_station_config *c) {
  tl_station *s;
  int rc = tl_line_add_station(l->line, &c->spec, a->now, a->wall, &s);
  if (rc < 0) return tl_fail(a->err, rc, 0, "no memory for station '%.*s'", TL_ARG(c->spec.name));
  rc = route_station(l, s, a->err);
  if (rc < 0) {
    unroute_station(l, s);
    tl_line_remove_station(l->line, s);
    return rc;
  }
  s->user = c->user;
  c->user = NULL;
  return TL_OK;
}

static bool same_station (const tl_station *s, const tl_station_spec *c) {
  tl_slice will = s->will_topic != NULL ? tl_slice_str(s->will_topic) : tl_slice_of(NULL, 0);
  return s->plan == c->plan && tl_slice_eq(tl_slice_str(s->address), c->address) && tl_slice_eq(will, c->will_topic) &&
         tl_slice_eq(s->will_payload, c->will_payload) && s->time_filter_ms == c->time_filter_ms && s->no_data_ms == c->no_data_ms &&
         s->subscribe_address == c->subscribe_address && s->is_template == c->is_template;
}

/* A station that changed is made anew; tags of the same name and type take their values along. */
static int change_station (const applying *a, tl_link *l, tl_station *s, tl_station_config *c) {
  void *user = c->user;
  if (same_station(s, &c->spec)) {
    release(l->gateway, &s->user);
    s->user = user;
    c->user = NULL;
    s->max_instances = c->spec.max_instances;
    return TL_OK;
  }
  tell(a, "station '%s.%s' changed", l->line->name, s->name);
  bool plan_only = tl_slice_eq(tl_slice_str(s->address), c->spec.address) && s->is_template == c->spec.is_template && !s->is_template;
  if (plan_only) {
    tl_gateway_forget_tag(l->gateway, s);
    tl_link_forget_awaiting(l, s);
    unroute_station(l, s);
    int rc = tl_station_replan(&s, c->spec.plan, a->now, a->wall);
    if (rc == TL_OK) rc = tl_station_retune(s, &c->spec);
    if (rc == TL_OK) {
      release(l->gateway, &s->user);
      s->user = user;
      c->user = NULL;
    }
    int routed = route_station(l, s, a->err);
    return rc < 0 ? tl_fail(a->err, rc, 0, "no memory for station '%s'", s->name) : routed;
  }
  drop_station(l, s);
  return add_station(a, l, c);
}

static int apply_stations (const applying *a, tl_link *l, tl_line_config *c, bool fresh) {
  tl_map wanted;
  int rc = TL_OK;
  tl_map_init(&wanted);
  for (size_t i = 0; i < c->station_count && rc >= 0; i++) rc = tl_map_put(&wanted, c->stations[i].spec.name, &c->stations[i]);
  for (uint32_t i = l->line->station_count; i-- > 0 && rc >= 0;) {
    tl_station *s = l->line->stations[i];
    tl_slice origin = tl_slice_str(s->made_by != NULL ? s->made_by->name : s->name);
    const tl_station_config *stays = tl_map_get(&wanted, origin);
    /* Instances follow their template: they stay while it is unchanged. */
    if (stays != NULL && (s->made_by == NULL || same_station(s->made_by, &stays->spec))) continue;
    if (s->made_by == NULL) tell(a, "station '%s.%s' removed", l->line->name, s->name);
    drop_station(l, s);
  }
  for (size_t i = 0; i < c->station_count && rc >= 0; i++) {
    tl_station *s = fresh ? NULL : tl_line_station(l->line, c->stations[i].spec.name);
    if (s == NULL && !fresh) tell(a, "station '%s.%.*s' added", l->line->name, TL_ARG(c->stations[i].spec.name));
    rc = s == NULL ? add_station(a, l, &c->stations[i]) : change_station(a, l, s, &c->stations[i]);
  }
  tl_map_fini(&wanted);
  if (rc >= 0) rc = refresh_filters(l);
  return rc;
}

/* ---- lines ---- */

int tl_link_set_params (tl_link *l, tl_line_params *params) {
  const char *names[64];
  int n = tl_params_diff(&l->params, params, names, 64);
  bool filter_only = n == 1 && strcmp(names[0], "topic_filter") == 0;
  tl_params_fini(&l->params);
  l->params = *params;
  tl_params_init(params);
  tl_gateway_refresh_trace(l->gateway);
  if (n == 0) return TL_OK;
  if (filter_only) {
    tl_log(TL_LOG_INFO, TL_LINK_SCOPE(l), "the new topic_filter waits for the next connection");
    return refresh_filters(l);
  }
  if (l->tcp != NULL) {
    l->renew = true;
    l->error[0] = '\0';
    tl_log(TL_LOG_INFO, TL_LINK_SCOPE(l), "parameters changed (%s%s): reconnecting", names[0], n > 1 ? ", …" : "");
    tl_link_close(l, true);
    return TL_OK;
  }
  l->delay = l->params.reconnect_delay;
  if (l->state == TL_LINK_WAITING) { /* for what may work now */
    l->retry_at = tl_loop_now(l->gateway->loop);
    tl_link_arm(l);
  }
  return tl_link_new_session(l);
}

static int apply_line (const applying *a, tl_line_config *c) {
  tl_gateway *g = a->g;
  tl_line *line = tl_model_line(g->model, c->name);
  tl_link *l = line != NULL ? line->user : NULL;
  bool fresh = l == NULL;
  int rc = TL_OK;
  if (fresh) {
    if (line == NULL) rc = tl_model_add_line(g->model, c->name, &line);
    if (rc < 0) return tl_fail(a->err, rc, 0, "no memory for line '%.*s'", TL_ARG(c->name));
    rc = tl_link_new(g, line, &c->params, c->user, &l, a->err);
    if (rc < 0) {
      tl_model_remove_line(g->model, line);
      return rc;
    }
    c->user = NULL;
    tell(a, "line '%s' added", line->name);
  } else {
    const char *names[8];
    l->removed = false;
    release(g, &l->user);
    l->user = c->user;
    c->user = NULL;
    int n = tl_params_diff(&l->params, &c->params, names, 8);
    if (n > 0) tell(a, "line '%s': %s%s changed", line->name, names[0], n > 1 ? " and more" : "");
    rc = tl_link_set_params(l, &c->params);
  }
  if (rc >= 0) rc = apply_stations(a, l, c, fresh);
  return rc;
}

static void remove_line (const applying *a, tl_link *l) {
  tell(a, "line '%s' removed", l->line->name);
  l->removed = true;
  if (l->tcp == NULL) tl_link_free(l);
  else tl_link_close(l, true);
}

int tl_gateway_apply (tl_gateway *g, tl_config *config, void (*told)(void *ctx, const char *change), void *ctx, tl_err *err) {
  applying a = { g, told, ctx, err, tl_loop_now(g->loop), tl_clock_wall_ms() };
  int rc = TL_OK;
  g->generation++;
  for (uint32_t i = g->model->line_count; i-- > 0;) {
    tl_line *line = g->model->lines[i];
    bool stays = false;
    for (size_t k = 0; k < config->line_count && !stays; k++) stays = tl_slice_eq(config->lines[k].name, tl_slice_str(line->name));
    if (!stays) remove_line(&a, line->user);
  }
  for (size_t i = 0; i < config->line_count && rc >= 0; i++) rc = apply_line(&a, &config->lines[i]);
  tl_gateway_refresh_trace(g);
  for (uint32_t i = 0; i < g->model->line_count; i++) tl_link_check(g->model->lines[i]->user);
  g->generation++;
  tl_gateway_ask_flush(g);
  return rc;
}

/* core/gateway/instance.c — one station for each device: the first message of a new topic that
** a named-group address takes makes a station. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/pattern.h"
#include "gateway/link_impl.h"
#include "gateway/station_log.h"
#include "model/fill.h"

/* Give one more station the functions of its template. False: no memory. */
static bool share (tl_link *l, const tl_station *t, void **user) {
  const tl_handlers *h = &l->gateway->handlers;
  *user = t->user && h->share ? h->share(l->gateway->handlers_ctx, t->user) : NULL;
  return *user || !t->user || !h->share;
}

int tl_instance_spec_init (tl_instance_spec *out, const tl_station *made_by, tl_slice name,
                           tl_slice topic, const tl_captures *c, tl_err *err) {
  const tl_station *t = made_by;
  *out = (tl_instance_spec){
    .spec = { .name = name, .address = topic, .settings = tl_settings_of_instance(&t->settings) }
  };
  tl_buf_init(&out->will_topic);
  tl_buf_init(&out->will_payload);
  tl_buf_init(&out->birth_payload);
  int rc = tl_plan_fill(&out->spec.plan, t->plan, c->names, c->values, c->n, err);
  if (rc >= 0 && t->will_topic)
    rc = tl_text_fill(&out->will_topic, tl_slice_str(t->will_topic), c->names, c->values, c->n,
                      false);
  if (rc >= 0)
    rc = tl_text_fill(&out->will_payload, t->will_payload, c->names, c->values, c->n, false);
  if (rc >= 0 && t->has_birth)
    rc = tl_text_fill(&out->birth_payload, tl_station_birth(t), c->names, c->values, c->n, false);
  out->spec.birth_payload = tl_buf_bytes(&out->birth_payload);
  if (t->has_birth && !out->spec.birth_payload.at) out->spec.birth_payload = tl_slice_of("", 0);
  out->spec.will_topic = tl_buf_bytes(&out->will_topic);
  out->spec.will_payload = tl_buf_bytes(&out->will_payload);
  return rc == TL_ENOMEM ? tl_fail(err, rc, 0, "no memory") : rc;
}

void tl_instance_spec_fini (tl_instance_spec *x) {
  if (x->spec.plan) tl_plan_unref(x->spec.plan);
  tl_buf_fini(&x->will_topic);
  tl_buf_fini(&x->will_payload);
  tl_buf_fini(&x->birth_payload);
}

static tl_station *make (tl_link *l, tl_station *t, tl_slice name, const tl_captures *c,
                         const tl_incoming *m) {
  tl_instance_spec x;
  tl_station *s = NULL;
  tl_err err = { .text = "no memory" };
  int rc = tl_instance_spec_init(&x, t, name, m->topic, c, &err);
  if (rc >= 0) rc = tl_line_add_station(l->line, &x.spec, m->now, m->wall, &s);
  if (rc >= 0) rc = tl_router_remember(l->routing.router, m->topic, s);
  if (rc >= 0) tl_station_start(s, m->now, m->wall);
  if (rc >= 0 && s->will_topic)
    rc = tl_router_add_will(l->routing.router, tl_slice_str(s->will_topic), s);
  if (rc >= 0 && !share(l, t, &s->user)) rc = TL_ENOMEM;
  if (rc < 0 && s) {
    tl_router_forget(l->routing.router, s);
    tl_line_remove_station(l->line, s);
    s = NULL;
  }
  tl_instance_spec_fini(&x);
  l->routing.no_memory |= rc == TL_ENOMEM;
  if (!s)
    tl_log(TL_LOG_ERROR, TL_LINK_SCOPE(l), "cannot make station '%.*s': %s", TL_ARG(name),
           rc == TL_ESYNTAX ? err.text : "no memory");
  return s;
}

bool tl_instance_is_of (const tl_station *s, const tl_route *route, const tl_captures *c) {
  if (c->n < 2) return true; /* with one group, the same name means the same capture */
  int count = tl_pattern_group_count(route->pattern) + 1, found = 0;
  tl_slice topic = tl_slice_str(s->address);
  tl_captures own = { .n = 0 };
  tl_group *groups = calloc((size_t)count, sizeof *groups);
  if (groups) found = tl_pattern_match(route->pattern, topic, groups, count);
  if (found > 0)
    tl_route_captures(
        &(tl_route){ .pattern = route->pattern, .groups = groups, .group_count = (uint32_t)found },
        topic, &own);
  free(groups);
  for (size_t i = 0; i < own.n && i < c->n; i++)
    if (!tl_slice_eq(own.values[i], c->values[i])) return false;
  return true;
}

/* Refuse to make an instance. Logged once for each template; counted for the template and the
** line. */
static void refuse (tl_link *l, tl_station *t, const tl_station *taken, tl_slice topic) {
  l->routing.instances_refused++;
  if (t->stats.refused++ > 0) return;
  if (taken && taken->made_by == t) {
    tl_station_log(
        t, TL_LOG_WARN,
        "cannot make station '%s' for topic '%.*s': that of '%s' has this name: such messages are "
        "acknowledged and counted (logged once)",
        taken->name, TL_ARG(topic), taken->address);
  } else if (taken) {
    tl_station_log(t, TL_LOG_WARN,
                   "cannot make station '%s', which there is already: such messages are "
                   "acknowledged and counted (logged once)",
                   taken->name);
  } else {
    tl_station_log(t, TL_LOG_WARN,
                   "has made %u stations (max_instances): messages of further devices are "
                   "acknowledged and counted (logged once)",
                   (unsigned)t->made);
  }
}

tl_station *tl_link_instance (tl_link *l, tl_station *t, const tl_route *route,
                              const tl_incoming *m) {
  tl_captures c;
  tl_buf name;
  tl_station *s = NULL;
  if (!route->pattern) return NULL;
  tl_route_captures(route, m->topic, &c);
  tl_buf_init(&name);
  if (tl_text_fill(&name, tl_slice_str(t->name), c.names, c.values, c.n, true) < 0) {
    l->routing.no_memory = true;
  } else {
    /* Two topics may name one device: both feed it. */
    s = tl_line_station(l->line, tl_buf_bytes(&name));
    if (s && s->made_by == t && tl_instance_is_of(s, route, &c)) {
      tl_router_remember(l->routing.router, m->topic, s);
    } else if (s || t->made >= t->settings.max_instances) {
      refuse(l, t, s, m->topic);
      s = NULL;
    } else if ((s = make(l, t, tl_buf_bytes(&name), &c, m))) {
      s->made_by = t;
      t->made++;
      l->gateway->generation++;
      tl_station_log(s, TL_LOG_DEBUG, "made for topic '%.*s'", TL_ARG(m->topic));
    }
  }
  tl_buf_fini(&name);
  return s;
}

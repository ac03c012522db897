/* core/gateway/exchange.c — a line gets the stations of a checked configuration, in place of those
** that it has. What did not change keeps its values. Must not know connections. */
#include <stdlib.h>
#include <string.h>

#include "gateway/apply_impl.h"
#include "gateway/filters_impl.h"
#include "gateway/station_log.h"
#include "model/fill.h"

/* The router does not know an instance by its address: the next message finds it through its
** template, and the router then remembers the topic. */
static int route_station (tl_link *l, tl_station *s, tl_err *err) {
  tl_slice address = tl_slice_str(s->address);
  int rc = s->made_by ? TL_OK : tl_router_add(l->routing.router, address, s, err);
  if (rc >= 0 && s->will_topic) {
    rc = tl_router_add_will(l->routing.router, tl_slice_str(s->will_topic), s);
    if (rc < 0 && !s->made_by) tl_router_remove(l->routing.router, address);
  }
  s->reload.astray = rc < 0;
  return rc == TL_ENOMEM ? tl_fail(err, rc, 0, "no memory for station '%s'", s->name) : rc;
}

static void unroute_station (tl_link *l, tl_station *s) {
  tl_router_forget(l->routing.router, s); /* an instance may be fed by several topics */
  if (s->reload.astray) return;           /* its address may be another station's now */
  /* the address of an instance may be in the router for another station */
  if (!s->made_by) tl_router_remove(l->routing.router, tl_slice_str(s->address));
  if (s->will_topic) tl_router_remove_will(l->routing.router, tl_slice_str(s->will_topic), s);
  s->reload.astray = true;
}

/* The exchange of stations ended too early: those that it had taken out of the router get their
** messages again, as they are now. */
static void route_strays (tl_link *l) {
  for (uint32_t i = 0; i < l->line->station_count; i++) {
    tl_station *s = l->line->stations[i];
    if (s->reload.astray && route_station(l, s, NULL) < 0)
      tl_station_log(s, TL_LOG_ERROR, "gets no messages until the next reload: no memory");
  }
}

static void drop_station (tl_link *l, tl_station *s) {
  tl_gateway_forget_tag(l->gateway, s);
  tl_link_forget_awaiting(l, s);
  unroute_station(l, s);
  tl_gateway_give_back(l->gateway, &s->user);
  tl_line_remove_station(l->line, s);
  l->gateway->generation++; /* functions that statuses call before the next pause look it up */
}

static int add_station (const tl_applying *a, tl_link *l, tl_station_config *c) {
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
  s->reload.fresh = true;
  c->user = NULL;
  tl_station_start(s, a->now, a->wall);
  return TL_OK;
}

/* From here on the new functions are called. */
static void swap_handlers (tl_link *l, tl_station *s, void **user) {
  tl_gateway_give_back(l->gateway, &s->user);
  s->user = *user;
  *user = NULL;
}

/* Give the instances of each template the functions of their template. */
static void share_handlers (tl_applying *a, tl_link *l) {
  tl_gateway *g = l->gateway;
  for (uint32_t i = 0; i < l->line->station_count; i++) {
    tl_station *s = l->line->stations[i];
    if (!s->made_by) continue;
    tl_gateway_give_back(g, &s->user);
    if (s->made_by->user && g->handlers.share)
      s->user = g->handlers.share(g->handlers_ctx, s->made_by->user);
    tl_apply_rest(a);
  }
}

/* Note where the tags of pending writes to this station are in its next plan. */
static void mark_writes (tl_gateway *g, const tl_station *s, const tl_plan *plan) {
  for (tl_write *w = g->writes.first; w; w = w->next) {
    w->moves_to = 0;
    if (!w->tag || w->tag->station != s) continue;
    const tl_tagdef *d = tl_tag_def(w->tag);
    int index = tl_plan_find(plan, tl_slice_str(d->name));
    w->moves_to = index >= 0 && plan->tags[index].type == d->type ? index + 1 : -1;
  }
}

static void move_writes (tl_gateway *g, tl_station *s) {
  for (tl_write *w = g->writes.first; w; w = w->next)
    if (w->moves_to != 0) w->tag = w->moves_to > 0 ? &s->tags[w->moves_to - 1] : NULL;
}

/* Change a station, which the router does not know at this moment, to its new definition.
** It keeps the values of tags that did not change, and the writes that are in flight. */
static int adapt_station (const tl_applying *a, tl_link *l, tl_station *s,
                          const tl_station_spec *c) {
  /* a message waits for this station's ACK_ID: it still waits after the change */
  bool awaits = l->ack.station == s && c->plan->special.ack_id >= 0;
  if (!awaits) tl_link_forget_awaiting(l, s);
  int rc = TL_OK;
  if (!tl_slice_eq(tl_slice_str(s->address), c->address)) rc = tl_station_readdress(s, c->address);
  s->reload.fresh = s->reload.fresh || s->plan != c->plan; /* it may have new tags */
  mark_writes(l->gateway, s, c->plan);
  if (rc == TL_OK) rc = tl_station_replan(&s, c->plan, a->now, a->wall);
  if (rc == TL_OK) move_writes(l->gateway, s);
  l->gateway->generation++; /* it may have moved, and functions of statuses run below */
  if (awaits) l->ack.station = s;
  bool restart = s->settings.off != c->settings.off || s->settings.simulate != c->settings.simulate;
  if (rc == TL_OK) rc = tl_station_retune(s, c);
  if (rc == TL_OK && restart) tl_station_start(s, a->now, a->wall);
  int routed = route_station(l, s, a->err);
  return rc < 0 ? tl_fail(a->err, rc, 0, "no memory for station '%s'", s->name) : routed;
}

/* What a changed template makes of the topic that an existing instance was made for.
** TL_ENOENT: the template makes nothing of it, or an instance of another name. */
static int adapt_instance (const tl_applying *a, tl_link *l, tl_station *t, tl_station *s) {
  tl_instance_spec x = { .spec.plan = NULL };
  tl_captures c;
  tl_route route;
  tl_buf name;
  tl_slice topic = tl_slice_str(s->address);
  int rc = TL_ENOENT;
  tl_buf_init(&name);
  if (tl_router_match(l->routing.router, tl_slice_str(t->address), topic, &route)) {
    tl_route_captures(&route, topic, &c);
    rc = tl_text_fill(&name, tl_slice_str(t->name), c.names, c.values, c.n, true);
    if (rc >= 0 && !tl_slice_eq(tl_buf_bytes(&name), tl_slice_str(s->name))) rc = TL_ENOENT;
    if (rc >= 0) {
      rc = tl_instance_spec_init(&x, t, tl_buf_bytes(&name), topic, &c, a->err);
      if (rc >= 0) unroute_station(l, s);
      if (rc >= 0) rc = adapt_station(a, l, s, &x.spec);
      tl_instance_spec_fini(&x);
    }
  }
  tl_buf_fini(&name);
  return rc;
}

/* Change a template. An instance stays if the new address still takes its topic and gives it
** the same name; all others are removed. */
static int adapt_template (const tl_applying *a, tl_link *l, tl_station *t,
                           const tl_station_spec *c) {
  int rc = adapt_station(a, l, t, c);
  if (rc < 0) return rc;
  t = tl_line_station(l->line, c->name); /* it may have moved */
  for (uint32_t i = l->line->station_count; i-- > 0;) {
    tl_station *s = l->line->stations[i];
    if (s->made_by != t) continue;
    rc = adapt_instance(a, l, t, s);
    if (rc == TL_ENOMEM) return tl_apply_no_memory(a, l);
    if (rc >= 0) continue;
    if (rc == TL_ESYNTAX)
      tl_log(TL_LOG_ERROR, TL_LINK_SCOPE(l), "cannot make station '%s' again: %s", s->name,
             a->err->text);
    drop_station(l, l->line->stations[i]);
  }
  return TL_OK;
}

static int change_station (const tl_applying *a, tl_link *l, tl_station *s, tl_station_config *c,
                           bool changed) {
  int rc = TL_OK;
  if (changed)
    rc = s->is_template ? adapt_template(a, l, s, &c->spec) : adapt_station(a, l, s, &c->spec);
  if (rc < 0) return rc;
  s = tl_line_station(l->line, c->spec.name); /* it may have moved */
  s->settings.max_instances = c->spec.settings.max_instances;
  s->reload.changing = false;
  swap_handlers(l, s, &c->user);
  return TL_OK;
}

/* Remove a station that goes, and take one that changes out of the router: two stations may
** exchange their addresses, so all old addresses go before new ones come.
** Returns whether the station stays and must be changed to this config, c. */
static bool clear_way (tl_link *l, tl_station *s, const tl_station_config *c,
                       const tl_station_config *template) {
  if (!c && template && template->spec.is_template) return false; /* adapt_template sees to it */
  if (!c || s->is_template != c->spec.is_template) {
    drop_station(l, s);
    return false;
  }
  if (!s->made_by && !s->reload.changing && tl_station_is_same(s, &c->spec)) return false;
  s->reload.changing = true;
  unroute_station(l, s);
  if (s->made_by) s->made_by->made--;
  /* a device that is written out now keeps its values, and is routed by its own address */
  s->made_by = NULL;
  return true;
}

/* Which stations does the config have? `changed` has one entry for each of the config's
** stations. */
static int clear_ways (tl_applying *a, tl_link *l, const tl_line_config *c, const tl_map *wanted,
                       bool *changed) {
  for (uint32_t i = l->line->station_count; i-- > 0;) {
    tl_station *s = l->line->stations[i];
    const tl_station_config *own = tl_map_get(wanted, tl_slice_str(s->name));
    const tl_station_config *template =
        s->made_by ? tl_map_get(wanted, tl_slice_str(s->made_by->name)) : NULL;
    if (clear_way(l, s, own, template)) changed[own - c->stations] = true;
    tl_apply_rest(a);
  }
  return TL_OK;
}

static int exchange (tl_applying *a, tl_link *l, tl_line_config *c, const tl_map *wanted,
                     bool fresh) {
  bool *changed = calloc(c->station_count + 1, sizeof *changed);
  int rc = changed ? clear_ways(a, l, c, wanted, changed) : tl_apply_no_memory(a, l);
  for (size_t i = 0; i < c->station_count && rc >= 0; i++) {
    tl_station *s = fresh ? NULL : tl_line_station(l->line, c->stations[i].spec.name);
    rc = !s ? add_station(a, l, &c->stations[i])
            : change_station(a, l, s, &c->stations[i], changed[i]);
    tl_apply_rest(a);
  }
  free(changed);
  if (rc < 0) route_strays(l);
  if (!fresh) share_handlers(a, l);
  return rc;
}

int tl_apply_stations (tl_applying *a, tl_link *l, tl_line_config *c, bool fresh) {
  tl_map wanted;
  int rc = TL_OK;
  tl_map_init(&wanted);
  for (size_t i = 0; i < c->station_count && rc >= 0; i++) {
    rc = tl_map_put(&wanted, c->stations[i].spec.name, &c->stations[i]);
    tl_apply_rest(a);
  }
  if (rc < 0)
    tl_apply_no_memory(a, l);
  else
    rc = exchange(a, l, c, &wanted, fresh);
  if (rc >= 0 && tl_link_refresh_filters(l, "a changed subscribe_address") < 0)
    rc = tl_apply_no_memory(a, l);
  tl_map_fini(&wanted);
  return rc;
}

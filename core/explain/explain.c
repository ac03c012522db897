/* core/explain/explain.c — where a message goes and why. See explain.h. */
#include "explain/explain.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/format.h"
#include "base/number.h"
#include "base/topic.h"
#include "base/utf8.h"
#include "base/clock.h"
#include "explain/explain_impl.h"
#include "gateway/health.h"
#include "gateway/instance.h"
#include "gateway/offline.h"
#include "gateway/recorder.h"
#include "model/fill.h"

enum { RAW_MAX = 240 }; /* bytes of a raw value that are shown */

/* --- JSON --- */

void tl_explain_raw (tl_buf *out, const char *key, tl_slice bytes) {
  char name[64];
  tl_slice shown = tl_slice_of(bytes.at, bytes.len < RAW_MAX ? bytes.len : RAW_MAX);
  size_t good = tl_utf8_prefix(shown.at, shown.len);
  if (good == shown.len || (bytes.len > RAW_MAX && good + 4 > shown.len)) {
    /* a character may be cut */
    shown.len = good;
    tl_member_text(out, key, shown);
  } else {
    snprintf(name, sizeof name, "%s_base64", key);
    tl_member(out, name);
    tl_buf_byte(out, '"');
    tl_base64_encode(out, shown);
    tl_buf_byte(out, '"');
  }
  if (shown.len == bytes.len) return;
  snprintf(name, sizeof name, "%s_bytes", key);
  tl_member_integer(out, name, (int64_t)bytes.len);
}

void tl_explain_station (tl_buf *out, const char *key, const tl_link *l, tl_slice name) {
  tl_member_name(out, key, tl_slice_str(tl_link_line(l)->name), name);
}

/* --- the station taken --- */

static void add_captures (const tl_route *route, tl_slice topic, const tl_captures *c,
                          tl_buf *out) {
  char number[16];
  if (!route->groups || route->group_count < 2) return;
  tl_member_open(out, "captures", '{');
  for (size_t i = 0; i < c->n; i++) tl_member_text(out, (const char *)c->names[i].at, c->values[i]);
  for (uint32_t i = 1; i < route->group_count && c->n == 0; i++) {
    const tl_group *g = &route->groups[i];
    if (g->from == UINT32_MAX) continue;
    snprintf(number, sizeof number, "%u", (unsigned)i);
    tl_member_text(out, number, tl_slice_of(topic.at + g->from, g->to - g->from));
  }
  tl_buf_byte(out, '}');
}

int tl_explain_find (tl_link *l, tl_slice topic, tl_explain_place *d) {
  *d = (tl_explain_place){ .route = tl_router_find(tl_link_router(l), topic) };
  tl_buf_init(&d->name);
  tl_station *s = d->route->target;
  if (!s) return TL_OK;
  tl_route_captures(d->route, topic, &d->groups);
  d->live = d->like = s;
  if (!s->is_template) {
    tl_buf_str(&d->name, s->name);
    return d->name.failed ? TL_ENOMEM : TL_OK;
  }
  int rc = tl_text_fill(&d->name, tl_slice_str(s->name), d->groups.names, d->groups.values,
                        d->groups.n, true);
  if (rc < 0) return rc;
  d->live = tl_line_station(tl_link_line(l), tl_buf_bytes(&d->name));
  if (!d->live)
    d->refused = s->made >= s->settings.max_instances;
  else
    d->refused = d->live->made_by != s || !tl_instance_is_of(d->live, d->route, &d->groups);
  if (d->live && !d->refused) d->like = d->live;
  return TL_OK;
}

tl_station *tl_explain_where (tl_link *l, tl_slice topic, tl_buf *name) {
  tl_explain_place d;
  int rc = tl_explain_find(l, topic, &d);
  if (rc >= 0) tl_buf_slice(name, tl_buf_bytes(&d.name));
  tl_buf_fini(&d.name);
  return rc < 0 || d.refused ? NULL : d.live;
}

/* The plan of a station that may not be there yet; a reference. */
static int plan_of (const tl_explain_place *d, tl_plan **out, tl_err *err) {
  if (!d->like->is_template) {
    *out = tl_plan_ref(d->like->plan);
    return TL_OK;
  }
  return tl_plan_fill(out, d->like->plan, d->groups.names, d->groups.values, d->groups.n, err);
}

static int add_values (tl_link *l, const tl_explain_place *d, const tl_explain_message *e,
                       const tl_incoming *m, int only_tag, tl_buf *out, const char **code,
                       tl_err *err) {
  tl_gateway *g = tl_link_gateway(l);
  tl_explain_copy copy;
  tl_plan *plan;
  int rc = plan_of(d, &plan, err);
  if (rc < 0) return rc;
  rc = tl_explain_copy_init(&copy, d->like, plan, tl_buf_bytes(&d->name), m->topic, e->fresh);
  if (rc >= 0)
    rc = tl_explain_values(g, &copy, d->like->is_template ? NULL : d->live, m, d->route, only_tag,
                           out, code);
  tl_explain_copy_fini(&copy);
  tl_plan_unref(plan);
  /* a decoder may have seen the copy: objects of it are looked up again, and found or not */
  tl_gateway_renew_objects(g);
  return rc < 0 ? tl_fail(err, rc, 0, "no memory") : rc;
}

/* --- a line --- */

/* Is the message the will of one of the stations? Then it is nothing else, but a '#' station takes
** it as well, unless the will is its own. */
const tl_station *tl_explain_will (tl_link *l, const tl_incoming *m, bool *only) {
  const tl_route *route = tl_router_find(tl_link_router(l), m->topic);
  const tl_station *of = NULL;
  bool own = false;
  for (uint32_t i = 0; i < route->will_count; i++) {
    const tl_station *s = route->wills[i];
    if (tl_station_will_of(s, m) == TL_NO_WILL) continue;
    if (!of) of = s;
    own = own || s == route->target;
  }
  *only = of && (route->by != TL_BY_HASH || own);
  return of;
}

static void add_wills (const tl_link *l, const tl_explain_place *d, const tl_explain_message *m,
                       tl_buf *out) {
  if (d->route->will_count == 0) return;
  tl_member_open(out, "wills", '[');
  for (uint32_t i = 0; i < d->route->will_count; i++) {
    const tl_station *s = d->route->wills[i];
    tl_incoming in = { .topic = m->topic, .payload = m->payload, .retain = m->retain };
    tl_will will = tl_station_will_of(s, &in);
    bool takes = will != TL_NO_WILL && (m->has_payload || s->will_payload.len == 0);
    tl_member_open(out, NULL, '{');
    tl_explain_station(out, "station", l, tl_slice_str(s->name));
    tl_member_flag(out, "takes", takes);
    if (!takes && m->has_payload && s->will_payload.len > 0)
      tl_explain_raw(out, "payload", s->will_payload);
    if (takes && will == TL_WILL_BIRTH) tl_member_flag(out, "birth", true);
    tl_buf_byte(out, '}');
  }
  tl_buf_byte(out, ']');
}

static void add_taken (const tl_link *l, const tl_explain_place *d, const tl_trying *t,
                       tl_slice topic, tl_buf *out) {
  tl_explain_station(out, "station", l, tl_buf_bytes(&d->name));
  const tl_station *template = d->like->is_template ? d->like : d->like->made_by;
  if (template) tl_explain_station(out, "template", l, tl_slice_str(template->name));
  tl_member_flag(out, "exists", !d->like->is_template);
  if (!d->like->is_template)
    tl_member_word(out, "station_status",
                   tl_station_status_name((tl_station_status)d->like->status));
  tl_member_word(out, "by", tl_explain_by[t->any ? t->taken.by : d->route->by]);
  tl_explain_raw(out, "address", t->any ? t->taken.address : tl_slice_str(d->like->address));
  add_captures(d->route, topic, &d->groups, out);
  tl_member_word(out, "payload_type",
                 d->like->plan->json ? tl_doc_format_name((tl_doc_format)d->like->plan->format)
                                     : "Text only");
  if (d->like->plan->special.ack_id >= 0) tl_member_flag(out, "confirms", true);
}

/* Filters of the line; returns whether one takes the topic. */
static int add_filters (const tl_link *l, tl_slice topic, bool *taken, tl_buf *out) {
  const tl_subscription *filters = tl_link_filters(l)->at;
  size_t n = tl_link_filters(l)->n, more = 0;
  *taken = false;
  tl_member_open(out, "filters", '[');
  for (size_t i = 0; i < n; i++) {
    bool takes = tl_filter_match(filters[i].filter, topic);
    *taken = *taken || takes;
    if (!takes && i >= 20) {
      more++;
      continue;
    }
    tl_member_open(out, NULL, '{');
    tl_member_text(out, "filter", filters[i].filter);
    tl_member_flag(out, "takes", takes);
    tl_buf_byte(out, '}');
  }
  tl_buf_byte(out, ']');
  if (more > 0) tl_member_integer(out, "filters_more", (int64_t)more);
  return TL_OK;
}

static tl_incoming incoming (const tl_link *l, const tl_explain_message *m) {
  return (tl_incoming){ .topic = m->topic,
                        .payload = m->payload,
                        .id = m->id,
                        .qos = m->qos,
                        .retain = m->retain,
                        .dup = m->dup,
                        .now = tl_link_now(l),
                        .wall = m->wall };
}

/* A message of a line where another one waits for the write of ACK_ID waits, too. */
void tl_explain_awaiting (const tl_link *l, tl_buf *out) {
  tl_link_health health;
  tl_link_get_health(l, &health);
  if (!health.awaiting) return;
  tl_member_open(out, "awaiting", '{');
  tl_explain_station(out, "station", l, tl_slice_str(health.awaiting->name));
  tl_member_integer(out, "id", health.awaiting_id);
  tl_member_integer(out, "waiting", health.waiting);
  tl_buf_byte(out, '}');
}

static int add_routed (tl_link *l, const tl_explain_message *m, tl_buf *out, const char **code,
                       tl_err *err) {
  tl_explain_place d;
  tl_trying t = { .topic = m->topic };
  tl_router_explain(tl_link_router(l), m->topic, tl_explain_on_tried, &t);
  tl_explain_trying(l, &t, out);
  int rc = tl_explain_find(l, m->topic, &d);
  if (rc < 0) goto out;
  tl_incoming in = incoming(l, m);
  bool will = false;
  tl_explain_will(l, &in, &will);
  add_wills(l, &d, m, out);
  *code = will ? "will" : "no-station";
  if (!d.like) goto out;
  if (will) goto out; /* the stations that would take it otherwise are of no interest then */
  add_taken(l, &d, &t, m->topic, out);
  if (m->retain && d.like->settings.ignore_retained) {
    *code = "retained";
    goto out;
  }
  *code = "routed";
  if (d.refused)
    *code = "refused";
  else if (d.like->off)
    *code = "off";
  else if (d.like->simulated)
    *code = "simulated";
  if (d.refused || d.like->off || d.like->simulated || !m->has_payload) goto out;
  rc = add_values(l, &d, m, &in, -1, out, code, err);
out:
  tl_buf_fini(&d.name);
  return rc;
}

static int add_line (tl_link *l, const tl_explain_message *m, tl_buf *out, tl_err *err) {
  tl_link_stats stats;
  const char *code = "no-filter";
  bool taken;
  tl_link_get_stats(l, &stats);
  tl_member_open(out, NULL, '{');
  tl_member_word(out, "line", tl_link_line(l)->name);
  tl_member_word(out, "status",
                 tl_gateway_is_offline(tl_link_gateway(l)) ? "offline" : stats.state);
  int rc = add_filters(l, m->topic, &taken, out);
  if (rc >= 0 && taken) {
    rc = add_routed(l, m, out, &code, err);
  } else if (rc >= 0) { /* who adds a filter wants to know whether it helps */
    tl_explain_place d;
    rc = tl_explain_find(l, m->topic, &d);
    if (rc >= 0 && d.like) tl_explain_station(out, "would_take", l, tl_buf_bytes(&d.name));
    tl_buf_fini(&d.name);
  }
  tl_member_word(out, "code", code);
  tl_explain_awaiting(l, out);
  tl_buf_byte(out, '}');
  return rc;
}

int tl_explain (tl_gateway *g, const tl_explain_message *m, tl_buf *out, tl_err *err) {
  int rc = tl_topic_check(m->topic, err);
  bool found = false;
  if (rc < 0) return rc;
  tl_member_open(out, NULL, '{');
  tl_member_text(out, "topic", m->topic);
  if (m->has_payload) {
    tl_member_integer(out, "payload_bytes", (int64_t)m->payload.len);
    tl_member_integer(out, "qos", m->qos);
    tl_member_flag(out, "retain", m->retain);
    tl_member_time(out, "time", m->wall);
  }
  tl_member_open(out, "lines", '[');
  for (uint32_t i = 0; i < tl_gateway_model(g)->line_count && rc >= 0; i++) {
    tl_link *l = tl_line_link(tl_gateway_model(g)->lines[i]);
    if (!l || (m->line.at && !tl_slice_eq(m->line, tl_slice_str(tl_link_line(l)->name)))) continue;
    found = true;
    rc = add_line(l, m, out, err);
  }
  tl_buf_str(out, "]}");
  if (rc >= 0 && !found && m->line.at)
    return tl_fail(err, TL_ENOENT, 0, "there is no line '%.*s'", TL_ARG(m->line));
  if (rc >= 0 && out->failed) rc = TL_ENOMEM;
  if (rc == TL_ENOMEM) tl_fail(err, rc, 0, "no memory");
  return rc;
}

/* core/explain/explain_history.c — why a tag is what it is: the recorded messages of its station,
** run in their order through one copy of it. See explain.h. */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "explain/explain_impl.h"
#include "gateway/recorder.h"

enum {
  MANY = 50,        /* messages that are run */
  MANY_DECODE = 12, /* where each runs the user's decoder */
  OTHERS_MAX = 3
};

typedef struct {
  uint64_t number;
  tl_incoming m; /* topic and payload in the history's bytes */
  bool will;     /* of the tag's station */
} kept;

struct tl_explain_history {
  tl_gateway *g;
  tl_buf name;  /* the tag's full name */
  tl_buf bytes; /* topics and payloads */
  kept list[MANY];
  uint32_t n, at;
  tl_link *link; /* only compared: it may be gone */
  tl_plan *plan;
  tl_shared_user user; /* a reference of our own */
  tl_explain_copy copy;
};

/* --- messages that are for others --- */

typedef struct {
  tl_slice topic;
  uint32_t count;
  size_t likeness;
} other;

static void count_other (other *others, uint32_t *n, tl_slice topic, tl_slice address) {
  other one = { topic, 1, tl_explain_likeness(topic, address) };
  uint32_t i;
  for (i = 0; i < *n; i++) {
    if (!tl_slice_eq(others[i].topic, topic)) continue;
    others[i].count++;
    return;
  }
  if (*n < OTHERS_MAX)
    i = (*n)++;
  else if (others[--i].likeness >= one.likeness)
    return;
  for (; i > 0 && others[i - 1].likeness < one.likeness; i--) others[i] = others[i - 1];
  others[i] = one;
}

typedef struct {
  const tl_station *station;
  char why[160];
} search;

static void find_why (void *ctx, tl_slice address, void *target, tl_route_by by, bool matched,
                      const char *why) {
  search *t = ctx;
  (void)address;
  (void)by;
  if (target == t->station)
    snprintf(t->why, sizeof t->why, "%s", why);
  else if (matched && t->why[0] == '\0')
    snprintf(t->why, sizeof t->why, "another station comes first");
}

static void add_other (tl_link *l, const tl_station *s, const other *o, tl_buf *out) {
  search t = { .station = s->made_by ? s->made_by : s };
  tl_buf name;
  tl_buf_init(&name);
  tl_router_explain(tl_link_router(l), o->topic, find_why, &t);
  tl_explain_where(l, o->topic, &name);
  tl_member_open(out, NULL, '{');
  tl_member_text(out, "topic", o->topic);
  tl_member_integer(out, "count", o->count);
  if (name.len > 0) tl_explain_station(out, "station", l, tl_buf_bytes(&name));
  if (t.why[0] != '\0') tl_member_word(out, "why", t.why);
  tl_buf_byte(out, '}');
  tl_buf_fini(&name);
}

/* --- the messages that are run --- */

/* Is it for the station, or its will? */
static bool is_its (tl_link *l, const tl_station *s, const tl_incoming *m, bool *will) {
  tl_buf name;
  bool only;
  const tl_station *of = tl_explain_will(l, m, &only);
  *will = of && tl_station_will_of(s, m) == TL_WILL_DEATH; /* a birth touches no tag */
  if (*will || only) return *will;
  tl_buf_init(&name);
  bool its = tl_explain_where(l, m->topic, &name) == s;
  tl_buf_fini(&name);
  return its;
}

/* Topics and payloads are copied behind each other; slices are made when no more bytes come. */
static int keep (tl_explain_history *h, const tl_recorded *all, const uint32_t *picked,
                 const bool *wills) {
  size_t at = 0;
  for (uint32_t i = 0; i < h->n; i++) {
    tl_buf_slice(&h->bytes, all[picked[i]].m.topic);
    tl_buf_slice(&h->bytes, all[picked[i]].m.payload);
  }
  if (h->bytes.failed) return TL_ENOMEM;
  for (uint32_t i = 0; i < h->n; i++) { /* picked is newest first */
    const tl_recorded *r = &all[picked[i]];
    kept *k = &h->list[h->n - 1 - i];
    *k = (kept){ r->number, r->m, wills[i] };
    k->m.topic.at = h->bytes.at + at;
    k->m.payload.at = h->bytes.at + at + r->m.topic.len;
    at += r->m.topic.len + r->m.payload.len;
  }
  return TL_OK;
}

static int pick (tl_explain_history *h, tl_link *l, const tl_station *s, tl_buf *out) {
  uint32_t count = tl_link_recorder(l)->count, picked[MANY], other_count = 0;
  bool wills[MANY];
  tl_slice address = tl_slice_str(s->address);
  other others[OTHERS_MAX];
  tl_recorded *all = calloc(count + 1u, sizeof *all);
  if (!all) return TL_ENOMEM;
  tl_recorder_list(tl_link_recorder(l), all);
  uint32_t most = tl_gateway_decodes(h->g, s) ? MANY_DECODE : MANY;
  for (uint32_t i = count; i-- > 0 && h->n < most;) {
    bool will;
    if (is_its(l, s, &all[i].m, &will)) {
      wills[h->n] = will;
      picked[h->n++] = i;
    } else {
      count_other(others, &other_count, all[i].m.topic, address);
    }
  }
  tl_member_integer(out, "recorded", count);
  tl_member_flag(out, "complete", h->n < most && tl_link_recorder(l)->seen == count);
  if (h->n == 0) {
    tl_member_open(out, "others", '[');
    for (uint32_t i = 0; i < other_count; i++) add_other(l, s, &others[i], out);
    tl_buf_byte(out, ']');
  }
  int rc = keep(h, all, picked, wills);
  free(all);
  return rc;
}

static void add_head (const tl_tag *t, tl_link *l, tl_buf *out) {
  const tl_tagdef *d = tl_tag_def(t);
  tl_link_stats stats;
  tl_link_get_stats(l, &stats);
  tl_member_open(out, NULL, '{');
  tl_member(out, "tag");
  tl_buf_byte(out, '"');
  tl_tag_full_name(t, out);
  tl_buf_byte(out, '"');
  tl_member_word(out, "type", tl_type_name(d->type));
  tl_explain_raw(out, "address", tl_slice_str(d->address));
  tl_member(out, "value");
  tl_tag_value_json(t, out);
  tl_member_word(out, "status", tl_status_name((tl_status)t->status));
  if (t->reason != TL_REASON_NONE)
    tl_member_word(out, "reason", tl_reason_name((tl_reason)t->reason));
  if (t->status != TL_UNSET) tl_member_time(out, "time", t->time_ms);
  tl_member_word(out, "station_status",
                 tl_station_status_name((tl_station_status)t->station->status));
  tl_explain_raw(out, "station_address", tl_slice_str(t->station->address));
  tl_member_word(out, "line_status", stats.state);
  if (stats.last_error[0] != '\0') tl_member_word(out, "line_error", stats.last_error);
  tl_err why = { .text = "" };
  if (!tl_gateway_has_topic(t, &why)) tl_member_text(out, "no_topic", tl_slice_str(why.text));
  tl_member_integer(out, "recorder_bytes", tl_link_params(l)->recorder);
  tl_explain_awaiting(l, out);
}

static int begin_copy (tl_explain_history *h, const tl_station *s) {
  h->plan = tl_plan_ref(s->plan);
  h->link = s->line->user;
  int rc = tl_explain_copy_init(&h->copy, s, h->plan, tl_slice_str(s->name),
                                tl_slice_str(s->address), true);
  if (rc < 0) return rc;
  h->user = tl_gateway_share_user(h->g, s->user);
  h->copy.station->user =
      h->user.user; /* a reload between two messages may release the station's */
  return TL_OK;
}

int tl_explain_history_begin (tl_explain_history **out, tl_gateway *g, const tl_tag *t,
                              tl_buf *head, tl_err *err) {
  tl_explain_history *h = calloc(1, sizeof *h);
  *out = h;
  if (!h) return tl_fail(err, TL_ENOMEM, 0, "no memory");
  h->g = g;
  tl_tag_full_name(t, &h->name);
  add_head(t, t->station->line->user, head);
  int rc = h->name.failed ? TL_ENOMEM : pick(h, t->station->line->user, t->station, head);
  if (rc >= 0) rc = begin_copy(h, t->station);
  tl_buf_byte(head, '}');
  if (rc >= 0 && head->failed) rc = TL_ENOMEM;
  return rc < 0 ? tl_fail(err, TL_ENOMEM, 0, "no memory") : TL_OK;
}

void tl_explain_history_free (tl_explain_history *h) {
  if (!h) return;
  tl_explain_copy_fini(&h->copy);
  if (h->plan) tl_plan_unref(h->plan);
  tl_shared_user_release(&h->user);
  tl_buf_fini(&h->name);
  tl_buf_fini(&h->bytes);
  free(h);
}

static void add_will (tl_explain_history *h, tl_tag *copy, const kept *k, tl_buf *out) {
  tl_tag_invalidate(copy, TL_REASON_STATION_WILL, k->m.wall);
  tl_member_flag(out, "will", true);
  tl_member_word(out, "code", tl_reason_name(TL_REASON_STATION_WILL));
  tl_member(out, "value");
  tl_tag_value_json(copy, out);
  tl_member_word(out, "status", tl_status_name((tl_status)copy->status));
  tl_member_word(out, "reason", tl_reason_name((tl_reason)copy->reason));
  tl_member_time(out, "time", k->m.wall);
  h->copy.marks[copy->index] |= TL_COPY_SET;
}

static int add_message (tl_explain_history *h, tl_link *l, tl_tag *live, const kept *k,
                        tl_buf *out) {
  const char *code = "";
  tl_explain_place d;
  tl_tag *copy = &h->copy.station->tags[live->index];
  tl_incoming m = k->m;
  m.now = tl_link_now(l);
  tl_member_open(out, NULL, '{');
  tl_member_integer(out, "number", (int64_t)k->number);
  tl_member_time(out, "received", m.wall);
  tl_member_text(out, "topic", m.topic);
  tl_member_integer(out, "payload_bytes", (int64_t)m.payload.len);
  tl_member_flag(out, "retain", m.retain);
  int rc = tl_explain_find(l, m.topic, &d);
  if (rc >= 0 && k->will)
    add_will(h, copy, k, out);
  else if (rc >= 0)
    rc = tl_explain_values(h->g, &h->copy, live->station, &m, d.route, live->index, out, &code);
  tl_buf_fini(&d.name);
  tl_member_flag(out, "reported", (h->copy.marks[live->index] & TL_COPY_REPORTED) != 0);
  tl_buf_byte(out, '}');
  tl_gateway_renew_objects(h->g); /* a decoder may have seen the copy */
  return rc;
}

int tl_explain_history_next (tl_explain_history *h, tl_buf *out, tl_err *err) {
  if (h->at == h->n) return 0;
  tl_tag *live = tl_model_tag(tl_gateway_model(h->g), tl_buf_bytes(&h->name));
  if (!live || live->station->plan != h->plan || live->station->line->user != h->link)
    return tl_fail(err, TL_ESTATE, 0, "the config has changed meanwhile: ask again");
  tl_explain_copy_next(&h->copy);
  int rc = add_message(h, h->link, live, &h->list[h->at++], out);
  if (rc >= 0 && out->failed) rc = TL_ENOMEM;
  return rc < 0 ? tl_fail(err, TL_ENOMEM, 0, "no memory") : 1;
}

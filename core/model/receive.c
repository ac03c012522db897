/* core/model/receive.c — a message becomes tag values. The hot path: no allocation (but for a
** text that outgrew its tag), no look-ups by name. Must not know routing, acknowledgements or
** decoders. */
#include <assert.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "model/model_impl.h"

enum { LARGE_SCRATCH = 64 * 1024 }; /* more is not kept from one message to the next */

typedef enum { UNKNOWN, UTF8, OTHER } encoding;

typedef tl_reading reading;

/* A message brings its station to StOn, whatever it holds. It does not when the station is off or
** simulated, nor when the message's connection has ended meanwhile (`late`). */
bool tl_station_begin (tl_station *s, const tl_incoming *m) {
  assert(!s->is_template);
  s->stats.messages++;
  if (s->off || s->simulated) return false;
  s->heard = m->now;
  if (s->status == TL_ST_ON || m->late) return true;
  tl_station_enter(s, TL_ST_ON, m->now);
  return !s->off && !s->simulated; /* unless a handler of the status wanted otherwise */
}

/* --- the document --- */

static void json_failed (reading *r, const tl_json_error *e) {
  tl_station *s = r->station;
  r->no_slots = TL_REASON_JSON;
  s->stats.json_errors++;
  if (s->logged.json) return;
  s->logged.json = true;
  if (r->model->hooks.json_error) r->model->hooks.json_error(r->model->ctx, s, e);
}

/* Take the model's slots while a message is handled. If a handler feeds in another message
** meanwhile, that one allocates slots of its own. */
static inline void take_slots (reading *r, const tl_plan *plan) {
  tl_model *m = r->model;
  r->taken = m->slots;
  r->nested = !m->slots;
  m->slots = NULL;
  if (r->nested) r->taken = malloc(plan->slot_values * sizeof *r->taken);
}

static inline void give_slots (reading *r) {
  tl_model *m = r->model;
  if (r->nested || m->slots)
    free(r->taken); /* larger ones may have come: a handler added a station */
  else
    m->slots = r->taken;
}

static void extract (reading *r, tl_json_value *slots) {
  tl_station *s = r->station;
  tl_json_error e = { 0 };
  if (!slots) {
    r->model->starved = true; /* the values are missing, and the message must come again */
    return;
  }
  const tl_plan *plan = s->plan;
  tl_slice payload = r->message->payload;
  int rc = plan->format ? tl_doc_extract((tl_doc_format)plan->format, plan->set, payload, slots, &e)
                        : tl_json_extract(plan->set, payload, slots, &e);
  if (rc != TL_OK) {
    /* only its time was asked for: what decode reads may be anything */
    if (s->plan->slots > 0) json_failed(r, &e);
    return;
  }
  s->logged.json = false;
  r->slots = slots;
  if (!plan->format) r->encoding = UTF8;
}

/* --- its time --- */

static void time_failed (reading *r, tl_reason why, tl_slice text, bool *warned) {
  tl_station *s = r->station;
  s->stats.time_errors++;
  if (*warned) return;
  *warned = true;
  if (r->model->hooks.time_error) r->model->hooks.time_error(r->model->ctx, s, why, text);
}

/* The time of the message's values: what its time field says by the mask. Without the field, or
** when it cannot be read, it is the arrival (r->time as it was), and that is reported once. */
static void find_time (reading *r) {
  tl_station *s = r->station;
  const tl_plan *plan = s->plan;
  const tl_json_value *v = &r->slots[plan->slots];
  if (v->type == TL_JSON_NONE) {
    if (!plan->time.ignore_missing) time_failed(r, TL_REASON_MISSING, v->raw, &s->logged.no_time);
    return;
  }
  int64_t ms;
  if (tl_timemask_parse_json(plan->time.mask, plan->rule.zone, v, &ms) != TL_OK) {
    tl_buf_clear(&r->model->scratch);
    time_failed(r, TL_REASON_TIME, tl_doc_plain(v, &r->model->scratch), &s->logged.time);
    return;
  }
  s->logged.time = s->logged.no_time = false;
  r->time = ms;
}

/* --- its values --- */

static inline void receive (tl_tag *t, const tl_tagdef *def, tl_reason reason, const tl_value *v,
                            int64_t time) {
  /* Without memory for the new value, the old one must not be taken for it: the tag becomes
  ** invalid. */
  if (reason == TL_REASON_NONE && tl_tag_take(t, def, v, time)) return;
  if (reason == TL_REASON_MISSING)
    tl_tag_missing(t, time);
  else
    tl_tag_invalidate(t, reason == TL_REASON_NONE ? TL_REASON_MISSING : reason, time);
}

static void set_text (const reading *r, tl_tag *t, const tl_tagdef *def, tl_slice text) {
  tl_value v;
  const tl_time_rule *rule = &r->station->plan->rule;
  tl_reason reason = def->worded ? tl_words_text(def->type, &def->words, text, rule, &v)
                                 : tl_convert_text(def->type, text, rule, &v);
  receive(t, def, reason, &v, r->time);
}

static void set_id (const reading *r, tl_tag *t, const tl_tagdef *def) {
  tl_value v;
  tl_buf_clear(&r->model->scratch);
  tl_reason reason = tl_convert_integer(def->type, r->message->id, &r->model->scratch, &v);
  receive(t, def, reason, &v, r->time);
}

/* A text with escapes, a binary document's value, a tag with words. */
static __attribute__((noinline)) void set_rare (const reading *r, tl_tag *t, const tl_tagdef *def,
                                                const tl_json_value *found) {
  tl_value v;
  const tl_time_rule *rule = &r->station->plan->rule;
  tl_buf *scratch = &r->model->scratch;
  tl_buf_clear(scratch);
  tl_reason reason = def->worded ? tl_words_json(def->type, &def->words, found, rule, scratch, &v)
                                 : tl_convert_json(def->type, found, rule, scratch, &v);
  receive(t, def, reason, &v, r->time);
}

static inline void set_json (const reading *r, tl_tag *t, const tl_tagdef *def, uint16_t slot) {
  if (!r->slots) {
    tl_tag_invalidate(t, (tl_reason)r->no_slots, r->time);
    return;
  }
  const tl_json_value *found = &r->slots[slot];
  if (found->type == TL_JSON_NONE) {
    tl_tag_missing(t, r->time);
    return;
  }
  if (found->escaped | found->format | def->worded) {
    set_rare(r, t, def, found);
    return;
  }
  tl_value v;
  tl_reason reason =
      tl_convert_json(def->type, found, &r->station->plan->rule, &r->model->scratch, &v);
  receive(t, def, reason, &v, r->time);
}

static void given_up (const reading *r, tl_tag *t) {
  tl_station *s = r->station;
  bool *warned = &s->plan->re.gave_up[t->index];
  s->stats.given_up++;
  if (*warned || !r->model->hooks.pattern_limit) return;
  *warned = true;
  r->model->hooks.pattern_limit(r->model->ctx, t, r->message->payload);
}

static void set_regex (reading *r, tl_tag *t, const tl_tagdef *def) {
  tl_slice payload = r->message->payload;
  tl_group groups[2];
  if (r->encoding == UNKNOWN) r->encoding = tl_utf8_valid(payload) ? UTF8 : OTHER;
  int n = r->encoding == UTF8
              ? tl_pattern_match(r->station->plan->re.patterns[t->index], payload, groups, 2)
              : 0;
  bool whole = n > 0 && tl_pattern_group_count(r->station->plan->re.patterns[t->index]) == 0;
  const tl_group *g = NULL;
  if (n > 1)
    g = &groups[1];
  else if (whole)
    g = &groups[0];
  if (n == TL_ELIMIT) given_up(r, t);
  if (g && g->from != UINT32_MAX)
    set_text(r, t, def, tl_slice_of(payload.at + g->from, g->to - g->from));
  else
    tl_tag_missing(t, r->time);
}

/* Of any address but JSON. */
static __attribute__((noinline)) void set_other (reading *r, tl_tag *t, const tl_tagdef *def) {
  switch (def->kind) {
    case TL_ADDRESS_IN_TOPIC: set_text(r, t, def, r->message->topic); break;
    case TL_ADDRESS_IN_DATA: set_text(r, t, def, r->message->payload); break;
    case TL_ADDRESS_IN_ID: set_id(r, t, def); break;
    case TL_ADDRESS_REGEX: set_regex(r, t, def); break;
    default: break;
  }
}

static void set_tags (reading *r) {
  tl_station *s = r->station;
  const tl_plan *plan = s->plan;
  uint16_t slot = 0; /* JSON tags come in the order of their slots */
  for (uint16_t k = 0; k < plan->order.count; k++) {
    if (s->off || s->simulated) return; /* a handler switched it: the rest is not wanted */
    uint16_t i = plan->order.tags[k];
    tl_tag *t = &s->tags[i];
    const tl_tagdef *def = &plan->tags[i];
    if (def->kind == TL_ADDRESS_JSON)
      set_json(r, t, def, slot++);
    else
      set_other(r, t, def);
  }
}

static inline void begin_reading (reading *r, tl_station *s, const tl_incoming *m) {
  /* what is not said here is set before it is read */
  r->station = s;
  r->model = s->line->model;
  r->message = m;
  r->slots = r->taken = NULL;
  r->nested = r->done = false;
  r->no_slots = TL_REASON_MISSING;
  r->encoding = UNKNOWN;
  r->time = m->wall;
  if (!s->plan->set) return;
  take_slots(r, s->plan);
  extract(r, r->taken);
  if (s->plan->time.has_field && r->slots) find_time(r);
}

static inline void end_reading (reading *r) {
  tl_model *model = r->model;
  bool document = r->taken || r->nested;
  set_tags(r);
  if (!document) return;
  give_slots(r);
  if (model->scratch.cap > LARGE_SCRATCH) {
    tl_buf_clear(&model->scratch);
    tl_buf_shrink(&model->scratch, LARGE_SCRATCH);
  }
}

int64_t tl_station_read (tl_station *s, const tl_incoming *m, tl_reading *r) {
  begin_reading(r, s, m);
  return r->time;
}

void tl_station_set (tl_reading *r, int64_t time_ms) {
  if (r->done) return;
  r->done = true;
  r->time = time_ms;
  end_reading(r);
}

int64_t tl_station_addressed (tl_station *s, const tl_incoming *m) {
  reading r;
  begin_reading(&r, s, m);
  end_reading(&r);
  return r.time;
}

bool tl_station_receive (tl_station *s, const tl_incoming *m) {
  if (!tl_station_begin(s, m)) return false;
  tl_station_addressed(s, m);
  return true;
}

/* spec/model/world.h — a model with one line, a virtual clock, and everything its hooks said as
** lines of text. */
#ifndef SPEC_MODEL_WORLD_H
#define SPEC_MODEL_WORLD_H

#include "model/model.h"
#include "support/spec.h"

/* `wall` runs so many ms ahead of `now`; at the start a simulated sine is at its top */
enum { WALL = 974000 };

typedef struct world {
  tl_model *model;
  tl_line *line;
  /* "value s.t 21.5\n", "status s StWait StOn\n", … */
  tl_buf said;
  int64_t now;
  void (*on_value)(struct world *w, tl_tag *t); /* what a script does in a handler */
  void (*on_status)(struct world *w, tl_station *s);
  int64_t due; /* as the hook said */
  unsigned traced;
} world;

static inline int64_t wall (const world *w) { return w->now + WALL; }

static inline tl_tagdef def (const char *name, tl_type type, const char *address) {
  tl_tagdef d = { .name = name, .address = address, .type = type };
  assert_true(tl_address_parse(tl_slice_str(address), &d.kind, &d.path));
  return d;
}

static inline tl_tagdef def_text (const char *name, tl_type type, const char *address,
                                  const char *text) {
  tl_tagdef d = def(name, type, address);
  d.has_default = true;
  d.default_value.text = tl_slice_str(text);
  return d;
}

/* --- hooks --- */

static inline void said_value (void *ctx, tl_tag *t) {
  world *w = ctx;
  tl_buf_fmt(&w->said, "value %s.%s ", t->station->name, tl_tag_def(t)->name);
  tl_tag_value_json(t, &w->said);
  if (t->reason) tl_buf_fmt(&w->said, " %s", tl_reason_name((tl_reason)t->reason));
  tl_buf_byte(&w->said, '\n');
  if (w->on_value) w->on_value(w, t);
}

static inline void said_status (void *ctx, tl_station *s, tl_station_status before) {
  world *w = ctx;
  tl_buf_fmt(&w->said, "status %s %s %s\n", s->name, tl_station_status_name(before),
             tl_station_status_name((tl_station_status)s->status));
  if (w->on_status) w->on_status(w, s);
}

static inline void said_json (void *ctx, tl_station *s, const tl_json_error *e) {
  world *w = ctx;
  tl_buf_fmt(&w->said, "json %s %u:%u\n", s->name, (unsigned)e->line, (unsigned)e->column);
}

static inline void said_time (void *ctx, tl_station *s, tl_reason why, tl_slice text) {
  world *w = ctx;
  tl_buf_fmt(&w->said, "time %s %s '%.*s'\n", s->name, tl_reason_name(why), TL_ARG(text));
}

static inline void said_limit (void *ctx, tl_tag *t, tl_slice payload) {
  world *w = ctx;
  tl_buf_fmt(&w->said, "limit %s.%s %zu\n", t->station->name, tl_tag_def(t)->name, payload.len);
}

static inline void said_trace (void *ctx, tl_tag *t) {
  (void)t;
  ((world *)ctx)->traced++;
}

static inline void said_due (void *ctx, tl_line *line, int64_t at) {
  (void)line;
  ((world *)ctx)->due = at;
}

/* What was said since the last call; valid until the next hook. */
static inline const char *said (world *w) {
  static char text[65536];
  assert_true(w->said.len < sizeof text);
  if (w->said.len) memcpy(text, w->said.at, w->said.len);
  text[w->said.len] = 0;
  tl_buf_clear(&w->said);
  return text;
}

/* --- the world --- */

static inline void world_init (world *w) {
  static const tl_model_hooks hooks = { .value = said_value,
                                        .status = said_status,
                                        .json_error = said_json,
                                        .time_error = said_time,
                                        .pattern_limit = said_limit,
                                        .trace = said_trace,
                                        .due = said_due };
  *w = (world){ .now = 1000, .due = INT64_MAX };
  tl_buf_init(&w->said);
  assert_int_equal(tl_model_new(&w->model, &hooks, w), TL_OK);
  assert_int_equal(tl_model_add_line(w->model, TL_LIT("plant"), &w->line), TL_OK);
}

static inline void world_fini (world *w) {
  tl_model_free(w->model);
  tl_buf_fini(&w->said);
}

static inline tl_plan *plan_of (world *w, tl_plan_spec spec, const tl_tagdef *tags, size_t n) {
  tl_plan *p = NULL;
  tl_err err = { 0 };
  spec.tags = tags;
  spec.tag_count = n;
  if (tl_plan_pool_get(w->model->plans, &p, &spec, &err) != TL_OK) fail_msg("plan: %s", err.text);
  return p;
}

static inline tl_station *add (world *w, tl_station_spec spec, tl_plan_spec plan,
                               const tl_tagdef *tags, size_t n) {
  tl_station *s = NULL;
  spec.plan = plan_of(w, plan, tags, n);
  if (!spec.address.at) spec.address = spec.name;
  assert_int_equal(tl_line_add_station(w->line, &spec, w->now, wall(w), &s), TL_OK);
  tl_plan_unref(spec.plan);
  return s;
}

/* A station "s" on a line that is up, of payload type JSON. */
static inline tl_station *station (world *w, const tl_tagdef *tags, size_t n) {
  const tl_station_spec spec = { .name = TL_LIT("s"), .settings.time_filter_ms = 10000 };
  tl_station *s = add(w, spec, (tl_plan_spec){ .json = true }, tags, n);
  tl_line_up(w->line, w->now, wall(w));
  said(w);
  return s;
}

static inline tl_incoming message (const world *w, const char *topic, tl_slice payload) {
  return (tl_incoming){
    .topic = tl_slice_str(topic), .payload = payload, .now = w->now, .wall = wall(w)
  };
}

static inline bool receive (world *w, tl_station *s, const char *payload) {
  tl_incoming m = message(w, s->address, tl_slice_str(payload));
  return tl_station_receive(s, &m);
}

static inline int64_t tick (world *w, int64_t now) {
  w->now = now;
  return tl_line_tick(w->line, now, wall(w));
}

#endif

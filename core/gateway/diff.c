/* core/gateway/diff.c — tells in words what applying a configuration would change. Changes
** nothing itself; apply.c makes the changes that are described here. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "gateway/apply_impl.h"
#include "gateway/filters_impl.h"

enum { NAMES_MAX = 64, ITEMS_MAX = 6 };

typedef struct {
  void (*changed)(void *ctx, const char *change);
  void *ctx;
} reporting;

/* The items of one line of text: "line 'x': a, b and 3 more changed". */
typedef struct {
  tl_buf text;
  int items;
} list;

static void add (list *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void add (list *l, const char *fmt, ...) {
  char text[300];
  va_list args;
  if (l->items++ >= ITEMS_MAX) return;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  tl_buf_fmt(&l->text, "%s%s", l->items > 1 ? ", " : "", text);
}

static void report (const reporting *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void report (const reporting *t, const char *fmt, ...) {
  char text[1024];
  va_list args;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  t->changed(t->ctx, text);
}

static void report_list (const reporting *t, const char *what, const char *name, list *l) {
  if (l->items > ITEMS_MAX) tl_buf_fmt(&l->text, " and %d more", l->items - ITEMS_MAX);
  if (l->items > 0 && !l->text.failed)
    report(t, "%s '%s' changed: %.*s", what, name, TL_ARG(tl_buf_bytes(&l->text)));
  tl_buf_fini(&l->text);
}

/* --- stations --- */

static tl_slice will_of (const tl_station *s) {
  return s->will_topic ? tl_slice_str(s->will_topic) : tl_slice_of(NULL, 0);
}

/* A station keeps the payloads of a will and a birth only with a topic for them. */
static bool same_will_payload (const tl_station *s, const tl_station_spec *c) {
  tl_slice wanted = c->will_topic.len > 0 ? c->will_payload : tl_slice_of(NULL, 0);
  return tl_slice_eq(s->will_payload, wanted);
}

static bool same_birth (const tl_station *s, const tl_station_spec *c) {
  bool wanted = c->birth_payload.at && c->will_topic.len > 0;
  return s->has_birth == wanted && (!wanted || tl_slice_eq(tl_station_birth(s), c->birth_payload));
}

/* A count of a template (max_instances) says nothing at other stations. */
static bool matters (const tl_setting_field *f, const tl_station *s) {
  return f->kind != TL_SETTING_COUNT || !f->of_template || s->is_template;
}

static bool same_settings (const tl_station *s, const tl_station_spec *c) {
  for (const tl_setting_field *f = tl_setting_fields; f->name; f++)
    if (matters(f, s) && !tl_setting_same(f, &s->settings, &c->settings)) return false;
  return tl_slice_eq(will_of(s), c->will_topic) && same_will_payload(s, c) && same_birth(s, c);
}

bool tl_station_is_same (const tl_station *s, const tl_station_spec *c) {
  return s->plan == c->plan && tl_slice_eq(tl_slice_str(s->address), c->address) &&
         s->is_template == c->is_template && same_settings(s, c);
}

static bool same_tag (const tl_plan *a, uint16_t i, const tl_plan *b, uint16_t k) {
  const tl_value *x = tl_plan_default(a, i), *y = tl_plan_default(b, k);
  return tl_tagdef_same(&a->tags[i], &b->tags[k]) && (!x || tl_value_eq(a->tags[i].type, x, y));
}

static void list_tags (list *l, const tl_plan *old, const tl_plan *plan) {
  if (old == plan) return;
  int before = l->items;
  for (uint16_t i = 0; i < old->tag_count; i++)
    if (tl_plan_find(plan, tl_slice_str(old->tags[i].name)) < 0)
      add(l, "tag '%s' removed", old->tags[i].name);
  for (uint16_t k = 0; k < plan->tag_count; k++) {
    int i = tl_plan_find(old, tl_slice_str(plan->tags[k].name));
    if (i < 0)
      add(l, "tag '%s' added", plan->tags[k].name);
    else if (!same_tag(old, (uint16_t)i, plan, k))
      add(l, "tag '%s'", plan->tags[k].name);
  }
  if (old->json != plan->json || old->format != plan->format) add(l, "payload_type");
  if (old->prepare_count != plan->prepare_count ||
      memcmp(old->prepare, plan->prepare, plan->prepare_count) != 0)
    add(l, "prepare");
  if (!tl_slice_eq(old->time.field, plan->time.field)) add(l, "time_field_name");
  if (!tl_slice_eq(old->time.text, plan->time.text)) add(l, "time_mask");
  if (old->rule.zone != plan->rule.zone) add(l, "time_zone");
  if (old->time.ignore_missing != plan->time.ignore_missing) add(l, "ignore_missing_time");
  if (l->items == before) add(l, "order of tags");
}

static void diff_station (const reporting *t, const tl_station *s, const tl_station_spec *c) {
  list l = { .items = 0 };
  char name[600];
  snprintf(name, sizeof name, "%s.%s", s->line->name, s->name);
  tl_buf_init(&l.text);
  if (!tl_slice_eq(tl_slice_str(s->address), c->address)) add(&l, "address");
  if (!tl_slice_eq(will_of(s), c->will_topic)) add(&l, "station_will_topic");
  if (!same_will_payload(s, c)) add(&l, "station_will_payload");
  if (!same_birth(s, c)) add(&l, "station_birth_payload");
  for (const tl_setting_field *f = tl_setting_fields; f->name; f++)
    if (matters(f, s) && !tl_setting_same(f, &s->settings, &c->settings)) add(&l, "%s", f->name);
  list_tags(&l, s->plan, c->plan);
  report_list(t, "station", name, &l);
}

/* The loop may run other things. A line that is being removed may be gone afterwards, so
** nothing of it is used after the pause. */
static void rest (const tl_config *config, const tl_line *line) {
  const tl_link *l = line->user;
  if (config->pause && !l->conn.removed) config->pause(config->pause_ctx, false);
}

static void diff_stations (const reporting *t, const tl_line *line, const tl_line_config *c,
                           const tl_map *wanted, const tl_config *config) {
  for (uint32_t i = 0; i < line->station_count; i++) {
    const tl_station *s = line->stations[i];
    if (!s->made_by && !tl_map_get(wanted, tl_slice_str(s->name)))
      report(t, "station '%s.%s' removed", line->name, s->name);
    rest(config, line);
  }
  for (size_t i = 0; i < c->station_count; i++) {
    const tl_station *s = tl_line_station(line, c->stations[i].spec.name);
    if (!s || s->made_by)
      report(t, "station '%s.%.*s' added", line->name, TL_ARG(c->stations[i].spec.name));
    else
      diff_station(t, s, &c->stations[i].spec);
    rest(config, line);
  }
}

/* --- lines --- */

static void diff_params (const reporting *t, const tl_link *l, const tl_line_config *c) {
  const char *names[NAMES_MAX];
  list changed = { .items = 0 };
  tl_buf_init(&changed.text);
  int n = tl_params_diff(&l->params, &c->params, names, NAMES_MAX);
  bool filter_waits =
      n == 1 && strcmp(names[0], "topic_filter") == 0 && tl_session_is_connected(l->session);
  for (int i = 0; i < n && i < NAMES_MAX; i++) add(&changed, "%s", names[i]);
  if (filter_waits)
    tl_buf_fmt(&changed.text, ", which waits for the next connection (lines[\"%s\"]:reconnect())",
               l->line->name);
  report_list(t, "line", l->line->name, &changed);
}

int tl_config_lines (const tl_config *config, tl_map *lines) {
  int rc = TL_OK;
  tl_map_init(lines);
  for (size_t i = 0; i < config->line_count && rc == TL_OK; i++)
    rc = tl_map_put(lines, config->lines[i].name, &config->lines[i]);
  if (rc != TL_OK) tl_map_fini(lines);
  return rc;
}

int tl_gateway_compare (tl_gateway *g, const tl_config *config,
                        void (*changed)(void *ctx, const char *change), void *ctx) {
  reporting t = { changed, ctx };
  tl_map lines;
  int rc = tl_config_lines(config, &lines);
  if (rc != TL_OK) return rc;
  for (uint32_t i = 0; i < g->model->line_count; i++) {
    const tl_line *line = g->model->lines[i];
    if (!tl_map_get(&lines, tl_slice_str(line->name))) report(&t, "line '%s' removed", line->name);
  }
  tl_map_fini(&lines);
  for (size_t i = 0; i < config->line_count && rc == TL_OK; i++) {
    const tl_line_config *c = &config->lines[i];
    const tl_line *line = tl_model_line(g->model, c->name);
    tl_map wanted;
    if (!line || !line->user) {
      report(&t, "line '%.*s' added", TL_ARG(c->name));
      continue;
    }
    tl_map_init(&wanted);
    for (size_t k = 0; k < c->station_count && rc == TL_OK; k++) {
      rc = tl_map_put(&wanted, c->stations[k].spec.name, &c->stations[k]);
      rest(config, line);
    }
    if (rc == TL_OK) {
      diff_params(&t, line->user, c);
      diff_stations(&t, line, c, &wanted, config);
    }
    tl_map_fini(&wanted);
  }
  return rc;
}

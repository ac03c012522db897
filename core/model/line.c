/* core/model/line.c — the stations of a line: made, changed, found, removed. Must not know
** messages or statuses' rules. */
#include <stdlib.h>

#include "model/model_impl.h"

/* --- room --- */

static int reserve_station (tl_line *line) {
  if (line->station_count < line->station_cap) return TL_OK;
  uint32_t cap = line->station_cap ? line->station_cap * 2 : 4;
  tl_station **more = realloc(line->stations, cap * sizeof(tl_station *));
  if (!more) return TL_ENOMEM;
  line->stations = more;
  line->station_cap = cap;
  return TL_OK;
}

static int reserve_slots (tl_model *m, const tl_plan *plan) {
  size_t need = plan->slot_values ? plan->slot_values : 1;
  if (need <= m->slot_cap) return TL_OK;
  tl_json_value *slots = malloc(need * sizeof *slots);
  if (!slots) return TL_ENOMEM;
  free(m->slots); /* NULL while a message is being handled, which then frees the ones it holds */
  m->slots = slots;
  m->slot_cap = (uint32_t)need;
  return TL_OK;
}

/* --- texts --- */

static char *copy_three (tl_slice a, tl_slice b, tl_slice c) {
  char *block = malloc(a.len + b.len + c.len + 3);
  if (!block) return NULL;
  const tl_slice parts[] = { a, b, c };
  char *at = block;
  for (int i = 0; i < 3; i++) {
    if (parts[i].len) memcpy(at, parts[i].at, parts[i].len);
    at += parts[i].len;
    *at++ = 0;
  }
  return block;
}

static char *copy_two (tl_slice a, tl_slice b) { /* both NUL-terminated, in one block */
  char *block = malloc(a.len + 1 + b.len + 1);
  if (!block) return NULL;
  if (a.len) memcpy(block, a.at, a.len);
  block[a.len] = 0;
  if (b.len) memcpy(block + a.len + 1, b.at, b.len);
  block[a.len + 1 + b.len] = 0;
  return block;
}

static int set_will (tl_station *s, const tl_station_spec *spec) {
  tl_slice topic = spec->will_topic, payload = spec->will_payload, birth = spec->birth_payload;
  char *block = topic.len ? copy_three(topic, payload, birth) : NULL;
  if (topic.len && !block) return TL_ENOMEM;
  free(s->will_topic);
  s->will_topic = block;
  s->will_payload = block ? tl_slice_of(block + topic.len + 1, payload.len) : tl_slice_of(NULL, 0);
  s->has_birth = block && birth.at;
  s->birth_len = s->has_birth ? (uint32_t)birth.len : 0;
  return TL_OK;
}

/* --- a station --- */

static void drop_tags (tl_station *s) {
  for (uint16_t i = 0; i < s->plan->tag_count; i++) tl_tag_drop(&s->tags[i]);
}

static void station_free (tl_station *s) {
  drop_tags(s);
  tl_plan_unref(s->plan);
  free(s->name);
  free(s->will_topic);
  free(s);
}

static tl_station *station_alloc (tl_plan *plan) {
  tl_station *s = calloc(1, sizeof *s + plan->tag_count * sizeof(tl_tag));
  if (!s) return NULL;
  s->plan = tl_plan_ref(plan);
  s->heard = -1;
  for (uint16_t i = 0; i < plan->tag_count; i++) {
    s->tags[i].station = s;
    s->tags[i].index = i;
  }
  return s;
}

static int begin_tags (tl_station *s, int64_t wall) {
  for (uint16_t i = 0; i < s->plan->tag_count && !s->is_template; i++)
    if (s->tags[i].status == TL_UNSET && tl_tag_begin(&s->tags[i], wall) != TL_OK) return TL_ENOMEM;
  return TL_OK;
}

static int station_fill (tl_station *s, const tl_station_spec *spec, int64_t wall) {
  s->name = copy_two(spec->name, spec->address);
  if (!s->name) return TL_ENOMEM;
  s->address = s->name + spec->name.len + 1;
  s->is_template = spec->is_template;
  s->settings = spec->settings;
  int rc = set_will(s, spec);
  return rc == TL_OK ? begin_tags(s, wall) : rc;
}

int tl_line_add_station (tl_line *line, const tl_station_spec *spec, int64_t now, int64_t wall,
                         tl_station **out) {
  if (tl_line_station(line, spec->name)) return TL_EEXIST;
  if (reserve_station(line) != TL_OK || reserve_slots(line->model, spec->plan) != TL_OK)
    return TL_ENOMEM;
  tl_station *s = station_alloc(spec->plan);
  if (!s) return TL_ENOMEM;
  s->line = line;
  s->since = now;
  s->status = line->subscribed ? TL_ST_ON : TL_ST_WAIT;
  if (station_fill(s, spec, wall) != TL_OK ||
      tl_map_put(&line->by_name, tl_slice_of(s->name, spec->name.len), s) != TL_OK) {
    station_free(s);
    return TL_ENOMEM;
  }
  line->stations[line->station_count++] = s;
  if (s->status == TL_ST_ON && s->settings.no_data_ms > 0)
    tl_line_wake(line, tl_later(now, s->settings.no_data_ms));
  *out = s;
  return TL_OK;
}

static uint32_t index_of (const tl_line *line, const tl_station *s) {
  uint32_t i = line->station_count;
  while (i-- > 0) /* instances, the ones that go most, are behind */
    if (line->stations[i] == s) break;
  return i;
}

void tl_line_remove_station (tl_line *line, tl_station *s) {
  uint32_t i = index_of(line, s);
  tl_map_del(&line->by_name, tl_slice_str(s->name));
  line->station_count--;
  memmove(line->stations + i, line->stations + i + 1,
          (line->station_count - i) * sizeof(tl_station *));
  line->told -= i < line->told;
  line->to_tell -= i < line->to_tell;
  line->looked -= i < line->looked;
  line->simulated -= i < line->simulated;
  if (s->made_by && s->made_by->made > 0) s->made_by->made--;
  for (uint32_t k = 0; s->is_template && k < line->station_count; k++)
    if (line->stations[k]->made_by == s) line->stations[k]->made_by = NULL;
  station_free(s);
}

tl_station *tl_line_station (const tl_line *line, tl_slice name) {
  return tl_map_get(&line->by_name, name);
}

int tl_station_retune (tl_station *s, const tl_station_spec *spec) {
  int rc = set_will(s, spec);
  if (rc != TL_OK) return rc;
  s->settings = spec->settings;
  tl_line_wake(s->line, s->since); /* whatever is due now, tick finds it */
  return TL_OK;
}

int tl_station_readdress (tl_station *s, tl_slice address) {
  size_t len = strlen(s->name);
  char *block = copy_two(tl_slice_of(s->name, len), address);
  if (!block) return TL_ENOMEM;
  tl_map_put(&s->line->by_name, tl_slice_of(block, len), s); /* replaces: needs no memory */
  free(s->name);
  s->name = block;
  s->address = block + len + 1;
  return TL_OK;
}

/* --- another plan --- */

static bool same_linear (const tl_tagdef *a, const tl_tagdef *b) {
  if (a->has_linear != b->has_linear) return false;
  return !a->has_linear || (a->linear_k == b->linear_k && a->linear_q == b->linear_q);
}

static bool same_default (tl_type type, const tl_value *a, const tl_value *b) {
  return a && b ? tl_value_eq(type, a, b) : a == b;
}

static bool keeps_value (const tl_plan *old, uint16_t k, const tl_plan *plan, uint16_t i) {
  const tl_tagdef *a = &old->tags[k], *b = &plan->tags[i];
  return a->type == b->type && strcmp(a->address, b->address) == 0 && same_linear(a, b) &&
         same_default(a->type, tl_plan_default(old, k), tl_plan_default(plan, i));
}

/* Which old tag lives on as tags[i] of the new plan, or -1. */
static int ancestor (const tl_station *old, const tl_plan *plan, uint16_t i) {
  int k = tl_plan_find(old->plan, tl_slice_str(plan->tags[i].name));
  return k >= 0 && keeps_value(old->plan, (uint16_t)k, plan, i) ? k : -1;
}

/* New defaults need memory, so they come first; only then do values move, which cannot fail. */
static int begin_new_tags (tl_station *fresh, const tl_station *old, int64_t wall) {
  for (uint16_t i = 0; i < fresh->plan->tag_count && !old->is_template; i++)
    if (ancestor(old, fresh->plan, i) < 0 && tl_tag_begin(&fresh->tags[i], wall) != TL_OK)
      return TL_ENOMEM;
  return TL_OK;
}

static void move_values (tl_station *fresh, tl_station *old) {
  for (uint16_t i = 0; i < fresh->plan->tag_count; i++) {
    int k = ancestor(old, fresh->plan, i);
    if (k < 0) continue;
    tl_tag *to = &fresh->tags[i], *from = &old->tags[k];
    *to = *from;
    to->station = fresh;
    to->index = i;
    from->value = (tl_value){ 0 };
    from->text_cap = 0;
    if (tl_type_is_text(tl_tag_def(from)->type)) from->value.text = tl_slice_of(NULL, 0);
  }
}

static void take_place (tl_station *fresh, tl_station *old) {
  tl_line *line = old->line;
  line->stations[index_of(line, old)] = fresh;
  tl_map_put(&line->by_name, tl_slice_str(fresh->name), fresh); /* replaces: needs no memory */
  for (uint32_t k = 0; fresh->is_template && k < line->station_count; k++)
    if (line->stations[k]->made_by == old) line->stations[k]->made_by = fresh;
}

int tl_station_replan (tl_station **s, tl_plan *plan, int64_t now, int64_t wall) {
  tl_station *old = *s;
  (void)now;
  if (plan == old->plan) return TL_OK;
  if (reserve_slots(old->line->model, plan) != TL_OK) return TL_ENOMEM;
  tl_station *fresh = station_alloc(plan);
  if (!fresh) return TL_ENOMEM;
  fresh->line = old->line;
  if (begin_new_tags(fresh, old, wall) != TL_OK) {
    station_free(fresh);
    return TL_ENOMEM;
  }
  move_values(fresh, old);
  size_t head = offsetof(tl_station, tags);
  drop_tags(old);
  tl_plan_unref(old->plan);
  uint32_t begun = fresh->text_bytes;
  memcpy(fresh, old, head);
  fresh->text_bytes += begun;
  fresh->plan = plan;
  fresh->logged.json = fresh->logged.time = fresh->logged.no_time = false;
  take_place(fresh, old);
  free(old);
  *s = fresh;
  return TL_OK;
}

tl_tag *tl_station_tag (tl_station *s, tl_slice name) {
  int i = tl_plan_find(s->plan, name);
  return i < 0 ? NULL : &s->tags[i];
}

void tl_station_full_name (const tl_station *s, tl_buf *out) {
  tl_buf_str(out, s->line->name);
  tl_buf_byte(out, '.');
  tl_buf_str(out, s->name);
}

void tl_tag_full_name (const tl_tag *t, tl_buf *out) {
  tl_station_full_name(t->station, out);
  tl_buf_byte(out, '.');
  tl_buf_str(out, tl_tag_def(t)->name);
}

/* core/script/decode_metrics.c — the metrics of a Sparkplug message that were read in C become the
** values of tags, without a Lua table. */
#include "script/decode_impl.h"

/* The tag that an entry fills; -1: there is none. Looked up by name once, and again when the
** station has another definition. */
static int tag_of_metric (tl_taking *t, tl_metrics_values *v, int values, uint32_t place) {
  lua_State *L = t->L;
  tl_metric_entry *e = &v->reader->entries[place];
  size_t len;
  if (e->tag != TL_METRIC_TAG_NEW) return e->tag;
  tl_metrics_push_tag(L, values, place);
  const char *name = lua_tolstring(L, -1, &len);
  e->tag = name ? tl_plan_find(t->plan, tl_slice_of(name, len)) : -1;
  if (name && e->tag < 0) tl_taking_unknown(t, name);
  lua_pop(L, 1);
  return e->tag;
}

/* The same as take() for the Lua value that a table would have. */
static void take_metric (tl_taking *t, int tag, const tl_metric_value *v, int64_t time_ms) {
  tl_buf *scratch = &t->station->line->model->scratch;
  const tl_tagdef *def = &t->plan->tags[tag];
  tl_pending_value *p =
      tl_taking_add(t, tag, def->type, TL_TAKEN_VALID, v->has_time ? v->time_ms : time_ms);
  tl_reason why = TL_REASON_TYPE;
  tl_buf_clear(scratch);
  switch ((tl_metric_kind)v->kind) {
    case TL_METRIC_NULL: break;
    case TL_METRIC_INTEGER:
      why = tl_convert_integer(def->type, v->value.integer, scratch, &p->value);
      break;
    case TL_METRIC_NUMBER:
      why = tl_convert_number(def->type, v->value.number, scratch, &p->value);
      break;
    case TL_METRIC_BOOLEAN: why = tl_convert_boolean(def->type, v->value.boolean, &p->value); break;
    case TL_METRIC_TEXT:
      why = tl_words_text(def->type, &def->words, v->value.text, &t->plan->rule, &p->value);
      break;
  }
  p->how = (uint8_t)why;
  if (why != TL_REASON_NONE || (def->type != TL_TXTI && def->type != TL_TXTO)) return;
  if (v->kind == TL_METRIC_TEXT) return; /* a part of the message, which stands on the stack */
  lua_pushnil(t->L);
  p->value.text = tl_taking_keep(t, p->value.text);
  lua_pop(t->L, 1);
}

void tl_take_metrics (tl_taking *t, tl_metrics_values *v, int values, int64_t time_ms) {
  lua_State *L = t->L;
  tl_metrics_reader *reader = v->reader;
  size_t first = 0;
  if (reader->tags_of != t->plan->serial) {
    for (uint32_t i = 0; i < reader->count; i++) reader->entries[i].tag = TL_METRIC_TAG_NEW;
    reader->tags_of = t->plan->serial;
  }
  lua_getiuservalue(L, values, TL_METRICS_BYTES);
  t->texts++;
  if (v->count > t->room) tl_taking_room(t, v->count);
  for (size_t i = 0; i < v->count; i++) {
    const tl_metric_value *one = &v->list[i];
    if (one->begins) {
      tl_taking_sort(t, t->list + first, t->n - first);
      first = t->n;
    }
    int tag = tag_of_metric(t, v, values, one->place);
    if (tag >= 0) take_metric(t, tag, one, time_ms);
  }
  tl_taking_sort(t, t->list + first, t->n - first);
  tl_work(L, &t->script->box);
  v->lent = false;
}

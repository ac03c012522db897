/* core/explain/explain_tag.c — what one tag becomes of a message, step by step: where its value
** stands, how it is converted, what the filters do with it. Sets nothing. */
#include <math.h>

#include "base/format.h"
#include "base/number.h"
#include "base/utf8.h"
#include "explain/explain_impl.h"

typedef struct {
  bool found;    /* there is something to convert */
  bool text;     /* as plain text, not as a JSON value */
  bool given_up; /* its expression took too many steps */
  tl_slice raw;
  const tl_json_value *json;
} origin;

static origin find_regex (const tl_telling *t, uint16_t index) {
  const tl_pattern *p = t->copy->station->plan->re.patterns[index];
  tl_group groups[2];
  origin o = { .text = true };
  if (!tl_utf8_valid(t->m->payload)) return o;
  int n = tl_pattern_match(p, t->m->payload, groups, 2);
  const tl_group *g = NULL;
  if (n > 1)
    g = &groups[1];
  else if (n > 0 && tl_pattern_group_count(p) == 0)
    g = &groups[0];
  o.given_up = n == TL_ELIMIT;
  o.found = g && g->from != UINT32_MAX;
  if (o.found) o.raw = tl_slice_of(t->m->payload.at + g->from, g->to - g->from);
  return o;
}

static uint16_t slot_of (const tl_plan *plan, uint16_t tag) {
  uint16_t slot = 0;
  while (slot < plan->slots && plan->slot_tag[slot] != tag) slot++;
  return slot;
}

static origin find_origin (tl_telling *t, uint16_t index) {
  const tl_plan *plan = t->copy->station->plan;
  const tl_json_value *v;
  if (t->unread) return (origin){ 0 };
  switch (plan->tags[index].kind) {
    case TL_ADDRESS_IN_TOPIC: return (origin){ true, true, false, t->m->topic, NULL };
    case TL_ADDRESS_IN_DATA: return (origin){ true, true, false, t->m->payload, NULL };
    case TL_ADDRESS_IN_ID:
      tl_buf_clear(&t->scratch);
      tl_integer_format(&t->scratch, t->m->id);
      return (origin){ true, true, false, tl_buf_bytes(&t->scratch), NULL };
    case TL_ADDRESS_REGEX: return find_regex(t, index);
    case TL_ADDRESS_JSON:
      if (!t->slots) return (origin){ 0 };
      v = &t->slots[slot_of(plan, index)];
      tl_buf_clear(&t->scratch);
      return (origin){ v->type != TL_JSON_NONE, false, false, tl_doc_plain(v, &t->scratch), v };
    default:
      return (origin){ (t->copy->marks[index] & TL_COPY_RETURNED) != 0, true, false,
                       tl_buf_bytes(&t->copy->returned[index]), NULL };
  }
}

static bool as_number (tl_type type, const tl_value *v, double *out) {
  switch (type) {
    case TL_AI:
    case TL_AO:
    case TL_TIR:
    case TL_TOR: *out = v->number; return true;
    case TL_CI:
    case TL_CO: *out = (double)v->integer; return true;
    default: return false;
  }
}

static void number_member (tl_buf *out, const char *key, double number) {
  tl_member(out, key);
  if (isfinite(number))
    tl_number_format(out, number);
  else
    tl_buf_str(out, "null");
}

static void open_step (tl_buf *out, const char *step) {
  tl_member_open(out, NULL, '{');
  tl_member_word(out, "step", step);
}

/* Returns whether the value goes on to the next filter. */
static bool add_range (const tl_tagdef *d, double *v, tl_buf *out) {
  if (!d->has_range || (*v >= d->range_min && *v <= d->range_max)) return true;
  static const char *const names[] = {
    [TL_RANGE_INVALID] = "range", [TL_RANGE_CLAMP] = "clamp", [TL_RANGE_DISCARD] = "discard"
  };
  open_step(out, names[d->out_of_range]);
  number_member(out, "from", *v);
  number_member(out, "min", d->range_min);
  number_member(out, "max", d->range_max);
  if (d->out_of_range == TL_RANGE_CLAMP)
    number_member(out, "to", *v = *v < d->range_min ? d->range_min : d->range_max);
  tl_buf_byte(out, '}');
  return d->out_of_range == TL_RANGE_CLAMP;
}

static bool add_filters (const tl_telling *t, const tl_tagdef *d, const tl_value *converted,
                         tl_buf *out) {
  double v, before;
  if (!d->filtered || !as_number(d->type, converted, &v)) return false;
  if (d->has_linear) {
    open_step(out, "linear");
    number_member(out, "from", v);
    number_member(out, "k", d->linear_k);
    number_member(out, "q", d->linear_q);
    number_member(out, "to", v = v * d->linear_k + d->linear_q);
    tl_buf_byte(out, '}');
  }
  if (!add_range(d, &v, out)) return false;
  if (!(d->deadband > 0) || !t->had_before || !as_number(d->type, &t->before, &before) ||
      !tl_number_is_within(v, before, d->deadband))
    return false;
  open_step(out, "deadband");
  number_member(out, "from", v);
  number_member(out, "deadband", d->deadband);
  number_member(out, "kept", before);
  tl_buf_byte(out, '}');
  return true;
}

static void add_missing (const tl_telling *t, uint16_t index, tl_buf *out) {
  const tl_plan *plan = t->copy->station->plan;
  const tl_tagdef *d = &plan->tags[index];
  if (d->on_missing == TL_MISSING_INVALIDATE || (d->kind == TL_ADDRESS_JSON && !t->slots)) return;
  if (d->on_missing == TL_MISSING_DEFAULT && !tl_plan_default(plan, index)) return;
  open_step(out, d->on_missing == TL_MISSING_KEEP ? "keep" : "default");
  tl_buf_byte(out, '}');
}

/* "rounded" or "saturated", where a number's digits did not all go into the tag. */
static void add_lost (tl_type type, tl_slice text, tl_buf *out) {
  int64_t n;
  bool exact = true;
  double real;
  if (tl_integer_parse(text, &n, &exact) != TL_OK) return;
  if ((type == TL_CI || type == TL_CO) && !exact)
    tl_member_word(out, "lost", n == INT64_MAX || n == INT64_MIN ? "saturated" : "rounded");
  else if ((type == TL_AI || type == TL_AO) && exact && tl_number_parse(text, &real) == TL_OK &&
           (fabs(real) >= 9.2e18 || (int64_t)real != n))
    tl_member_word(out, "lost", "rounded");
}

/* Returns whether the deadband kept the old value. */
static bool add_steps (tl_telling *t, uint16_t index, const origin *o, tl_buf *out) {
  const tl_plan *plan = t->copy->station->plan;
  const tl_tagdef *d = &plan->tags[index];
  tl_buf scratch;
  tl_value v;
  bool within = false;
  bool returned = d->kind == TL_ADDRESS_NONE;
  tl_member_open(out, "steps", '[');
  if (d->kind == TL_ADDRESS_REGEX && !o->found) {
    const char *why = tl_utf8_valid(t->m->payload) ? "no-match" : "not-utf8";
    open_step(out, o->given_up ? "limit" : why);
    tl_buf_byte(out, '}');
  }
  if (!o->found) {
    if (!returned) add_missing(t, index, out);
  } else {
    tl_buf_init(&scratch);
    tl_reason why = o->text ? tl_words_text(d->type, &d->words, o->raw, &plan->rule, &v)
                            : tl_words_json(d->type, &d->words, o->json, &plan->rule, &scratch, &v);
    if (!returned || why == TL_REASON_NONE) {
      open_step(out, "convert");
      tl_member_word(out, "from",
                     o->text ? "text" : tl_json_type_name((tl_json_type)o->json->type));
      tl_member_word(out, "to", tl_type_name(d->type));
      tl_member_word(out, "code", why == TL_REASON_NONE ? "ok" : tl_reason_name(why));
      if (why == TL_REASON_NONE) add_lost(d->type, o->raw, out);
      tl_buf_byte(out, '}');
    }
    if (why == TL_REASON_NONE) within = add_filters(t, d, &v, out);
    tl_buf_fini(&scratch);
  }
  tl_buf_byte(out, ']');
  return within;
}

static const char *untouched (const tl_telling *t, uint16_t index, const origin *o) {
  const tl_tagdef *d = &t->copy->station->plan->tags[index];
  if (d->kind == TL_ADDRESS_ACK_ID || d->kind == TL_ADDRESS_OUT_TOPIC ||
      d->kind == TL_ADDRESS_OUT_VALUE)
    return "output";
  if (d->kind == TL_ADDRESS_JSON && !t->copy->station->plan->json) return "not-json";
  if (d->kind != TL_ADDRESS_NONE) return o->found ? "discarded" : "kept";
  if (t->copy->marks[index] & TL_COPY_RETURNED)
    return o->raw.len > 0 && d->has_range ? "discarded" : "kept";
  if (tl_type_is_output(d->type)) return "output";
  if (!t->decodes) return "no-decode";
  return "not-returned";
}

static const char *code_of (const tl_telling *t, uint16_t index, const origin *o, bool within) {
  const tl_tag *tag = &t->copy->station->tags[index];
  const tl_tagdef *d = tl_tag_def(tag);
  uint8_t marks = t->copy->marks[index];
  if (!(marks & TL_COPY_SET)) return untouched(t, index, o);
  if (tag->status == TL_INVALID) return tl_reason_name((tl_reason)tag->reason);
  if (!o->found && d->on_missing == TL_MISSING_DEFAULT) return "default";
  if (within) return "deadband";
  return marks & TL_COPY_REPORTED ? "new" : "same";
}

void tl_explain_tag (tl_telling *t, uint16_t index, tl_buf *out) {
  const tl_tag *tag = &t->copy->station->tags[index];
  const tl_tagdef *d = tl_tag_def(tag);
  t->had_before = t->valid_before[index];
  t->before = t->befores[index];
  origin o = find_origin(t, index);
  tl_member(out, "tag");
  tl_buf_byte(out, '"');
  tl_tag_full_name(tag, out);
  tl_buf_byte(out, '"');
  tl_member_word(out, "name", d->name);
  tl_member_word(out, "type", tl_type_name(d->type));
  if (tl_utf8_valid(tl_slice_str(d->address))) tl_member_word(out, "address", d->address);
  if (d->unit && tl_utf8_valid(tl_slice_str(d->unit))) tl_member_word(out, "unit", d->unit);
  if (o.found)
    tl_explain_raw(out, "raw", o.raw);
  else if (d->kind == TL_ADDRESS_JSON && t->slots)
    tl_explain_near(out, (tl_doc_format)t->copy->station->plan->format, d->path, t->m->payload);
  bool within = add_steps(t, index, &o, out);
  tl_member_word(out, "code", code_of(t, index, &o, within));
  tl_member(out, "value");
  tl_tag_value_json(tag, out);
  tl_member_word(out, "status", tl_status_name((tl_status)tag->status));
  if (tag->reason != TL_REASON_NONE)
    tl_member_word(out, "reason", tl_reason_name((tl_reason)tag->reason));
  if (tag->status != TL_UNSET) tl_member_time(out, "time", tag->time_ms);
  if (t->copy->count[index] < 2) return;
  tl_member_integer(out, "sample_count", t->copy->count[index]);
  tl_member_open(out, "samples", '[');
  tl_buf_slice(out, tl_buf_bytes(&t->copy->samples[index]));
  tl_buf_byte(out, ']');
}

/* core/explain/explain_tags.c — what every tag becomes of a message, step by step. The values
** themselves come from the rooms that make them always; here they are only watched. */
#include <math.h>
#include <stdlib.h>

#include "base/format.h"
#include "base/number.h"
#include "base/utf8.h"
#include "explain/explain_impl.h"
#include "gateway/prepare.h"

typedef struct {
  tl_gateway *g;
  tl_explain_copy *copy;
  const tl_incoming *m;
  tl_json_value *slots; /* NULL: no JSON */
  bool decodes, failed, declined;
  bool unread;     /* prepare left nothing to read */
  tl_value before; /* of the tag that is told */
  bool had_before;
  tl_value *befores;
  uint8_t *valid_before;
  tl_buf scratch;
} telling;

/* --- the decoder --- */

static const char *outcome (bool failed, bool declined) {
  if (failed) return "decoder";
  return declined ? "declined" : "ok";
}

static void on_returned (void *ctx, tl_slice name, tl_slice text) {
  tl_explain_copy *c = ctx;
  int index = tl_plan_find(c->station->plan, name);
  if (index < 0) {
    if (c->unknown.len > 0) tl_buf_byte(&c->unknown, ',');
    if (tl_utf8_valid(name))
      tl_json_quote(&c->unknown, name);
    else
      tl_buf_str(&c->unknown, "\"(not UTF-8)\"");
    return;
  }
  c->marks[index] |= TL_COPY_RETURNED;
  tl_buf_clear(&c->returned[index]);
  tl_buf_slice(&c->returned[index], text);
}

static void decode (telling *t, tl_station *live, const tl_route *route, int64_t time_ms,
                    tl_reading *reading, tl_buf *out) {
  tl_station *s = t->copy->station;
  tl_dry_decode r = { .copy = s,
                      .shown = live ? live : s,
                      .m = t->m,
                      .route = route,
                      .time_ms = time_ms,
                      .reading = reading,
                      .returned = on_returned,
                      .returned_ctx = t->copy };
  tl_buf_init(&r.error);
  tl_gateway_dry_run(t->g, &r);
  t->failed = r.failed;
  t->declined = r.declined;
  for (uint16_t i = 0; r.failed && i < s->plan->tag_count; i++)
    if (s->plan->tags[i].kind == TL_ADDRESS_NONE && !tl_type_is_output(s->plan->tags[i].type))
      tl_tag_invalidate(&s->tags[i], TL_REASON_DECODER, time_ms);
  tl_member_open(out, "decode", '{');
  tl_member_word(out, "code", outcome(r.failed, r.declined));
  if (r.failed && tl_utf8_valid(tl_buf_bytes(&r.error)))
    tl_member_text(out, "error", tl_buf_bytes(&r.error));
  if (t->copy->unknown.len > 0) {
    tl_member_open(out, "unknown", '[');
    tl_buf_slice(out, tl_buf_bytes(&t->copy->unknown));
    tl_buf_byte(out, ']');
  }
  tl_buf_byte(out, '}');
  tl_buf_fini(&r.error);
}

/* --- the document and its time --- */

static void tell_json (const telling *t, tl_buf *out) {
  const tl_explain_copy *c = t->copy;
  if (!c->station->plan->set || (!t->slots && !c->json_bad)) return; /* it need not be JSON */
  tl_member_open(out, "json", '{');
  tl_member_word(out, "code", c->json_bad ? "json" : "ok");
  if (c->json_bad) {
    if (c->station->plan->format != TL_DOC_JSON) {
      tl_member_integer(out, "byte", (int64_t)c->json_error.at);
    } else {
      tl_member_integer(out, "line", c->json_error.line);
      tl_member_integer(out, "column", c->json_error.column);
    }
    tl_member_word(out, "expected", c->json_error.expected);
    if (c->json_error.got) {
      tl_member_word(out, "got", c->json_error.got);
      tl_member_word(out, "cure", c->json_error.cure);
    }
  }
  tl_buf_byte(out, '}');
}

/* Did decode give the times itself? The first and the last of the values that it set. */
static bool decode_times (const telling *t, int64_t time_ms, int64_t *first, int64_t *last) {
  const tl_explain_copy *c = t->copy;
  bool other = false, any = false;
  for (uint16_t i = 0; t->decodes && i < c->station->plan->tag_count; i++) {
    const tl_tag *tag = &c->station->tags[i];
    if (!(c->marks[i] & TL_COPY_RETURNED) || !(c->marks[i] & TL_COPY_SET)) continue;
    *first = !any || tag->time_ms < *first ? tag->time_ms : *first;
    *last = !any || tag->time_ms > *last ? tag->time_ms : *last;
    any = true;
    other = other || tag->time_ms != time_ms;
  }
  return other;
}

static void tell_time (const telling *t, int64_t time_ms, tl_buf *out) {
  const tl_plan *plan = t->copy->station->plan;
  int64_t first = time_ms, last = time_ms;
  bool decoded = decode_times(t, time_ms, &first, &last);
  const tl_json_value *v = plan->has_time_field && t->slots ? &t->slots[plan->slots] : NULL;
  bool missing = v && v->type == TL_JSON_NONE;
  const char *code = "ok";
  if (!plan->has_time_field)
    code = "none";
  else if (!v)
    code = "json";
  else if (missing)
    code = "missing";
  else if (t->copy->time_bad)
    code = "time";
  tl_member_open(out, "timestamp", '{');
  if (decoded)
    tl_member_word(out, "from", "decode");
  else
    tl_member_word(out, "from", v && !missing && !t->copy->time_bad ? "field" : "arrival");
  if (plan->has_time_field) {
    tl_explain_raw(out, "field", plan->time_field);
    tl_explain_raw(out, "mask",
                   plan->time_mask.len > 0 ? plan->time_mask : TL_LIT(TL_TIMEMASK_DEFAULT));
  }
  tl_buf text;
  tl_buf_init(&text);
  tl_slice raw = v && !missing ? tl_doc_plain(v, &text) : tl_slice_of(NULL, 0);
  if (v && !missing) tl_explain_raw(out, "raw", raw);
  tl_member_word(out, "code", decoded ? "decode" : code);
  if (v && !missing && t->copy->time_bad) {
    tl_buf why;
    tl_buf_init(&why);
    tl_timemask_why(plan->mask, plan->rule.zone, raw, t->m->wall, &why);
    tl_member_text(out, "why", tl_buf_bytes(&why));
    tl_buf_fini(&why);
  }
  tl_buf_fini(&text);
  tl_member_time(out, "value", last);
  if (first != last) tl_member_time(out, "first", first);
  tl_buf_byte(out, '}');
}

/* --- one tag --- */

typedef struct {
  bool found;    /* there is something to convert */
  bool text;     /* as plain text, not as a JSON value */
  bool given_up; /* its expression took too many steps */
  tl_slice raw;
  const tl_json_value *json;
} origin;

static origin find_regex (const telling *t, uint16_t index) {
  const tl_pattern *p = t->copy->station->plan->patterns[index];
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

static origin find_origin (telling *t, uint16_t index) {
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
static bool tell_range (const tl_tagdef *d, double *v, tl_buf *out) {
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

static bool tell_filters (const telling *t, const tl_tagdef *d, const tl_value *converted,
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
  if (!tell_range(d, &v, out)) return false;
  if (!(d->deadband > 0) || !t->had_before || !as_number(d->type, &t->before, &before) ||
      fabs(v - before) > d->deadband)
    return false;
  open_step(out, "deadband");
  number_member(out, "from", v);
  number_member(out, "deadband", d->deadband);
  number_member(out, "kept", before);
  tl_buf_byte(out, '}');
  return true;
}

static void tell_missing (const telling *t, uint16_t index, tl_buf *out) {
  const tl_plan *plan = t->copy->station->plan;
  const tl_tagdef *d = &plan->tags[index];
  if (d->on_missing == TL_MISSING_INVALIDATE || (d->kind == TL_ADDRESS_JSON && !t->slots)) return;
  if (d->on_missing == TL_MISSING_DEFAULT && !tl_plan_default(plan, index)) return;
  open_step(out, d->on_missing == TL_MISSING_KEEP ? "keep" : "default");
  tl_buf_byte(out, '}');
}

/* "rounded" or "saturated", where a number's digits did not all go into the tag. */
static void tell_lost (tl_type type, tl_slice text, tl_buf *out) {
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
static bool tell_steps (telling *t, uint16_t index, const origin *o, tl_buf *out) {
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
    if (!returned) tell_missing(t, index, out);
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
      if (why == TL_REASON_NONE) tell_lost(d->type, o->raw, out);
      tl_buf_byte(out, '}');
    }
    if (why == TL_REASON_NONE) within = tell_filters(t, d, &v, out);
    tl_buf_fini(&scratch);
  }
  tl_buf_byte(out, ']');
  return within;
}

static const char *untouched (const telling *t, uint16_t index, const origin *o) {
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

static const char *code_of (const telling *t, uint16_t index, const origin *o, bool within) {
  const tl_tag *tag = &t->copy->station->tags[index];
  const tl_tagdef *d = tl_tag_def(tag);
  uint8_t marks = t->copy->marks[index];
  if (!(marks & TL_COPY_SET)) return untouched(t, index, o);
  if (tag->status == TL_INVALID) return tl_reason_name((tl_reason)tag->reason);
  if (!o->found && d->on_missing == TL_MISSING_DEFAULT) return "default";
  if (within) return "deadband";
  return marks & TL_COPY_REPORTED ? "new" : "same";
}

static void tell_tag (telling *t, uint16_t index, tl_buf *out) {
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
  bool within = tell_steps(t, index, &o, out);
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

/* --- the payload before anything reads it --- */

/* False: there is nothing more to read. Else t->m is *to, with what prepare made of its
** payload. */
static bool prepare (telling *t, tl_incoming *to, tl_prepare_room *room, tl_buf *out) {
  tl_station *s = t->copy->station;
  tl_slice before = t->m->payload, after = before;
  tl_buf error;
  tl_buf_init(&error);
  tl_prepared rc = tl_prepare_run(t->g, s, before, room, &after, &error);
  t->failed = rc == TL_PREPARED_FAILED;
  t->declined = rc == TL_PREPARED_DECLINED;
  tl_member_open(out, "prepare", '{');
  tl_member_word(out, "code", outcome(t->failed, t->declined));
  if (t->failed && error.len > 0 && tl_utf8_valid(tl_buf_bytes(&error)))
    tl_member_text(out, "error", tl_buf_bytes(&error));
  tl_buf_fini(&error);
  tl_explain_raw(out, "before", before);
  if (rc == TL_PREPARED_OK && !tl_slice_eq(before, after)) tl_explain_raw(out, "after", after);
  tl_buf_byte(out, '}');
  to->payload = after;
  t->m = to;
  return rc == TL_PREPARED_OK;
}

/* --- all of it --- */

static int begin (telling *t) {
  const tl_station *s = t->copy->station;
  const tl_plan *plan = s->plan;
  t->befores = calloc(plan->tag_count + 1u, sizeof *t->befores);
  t->valid_before = calloc(plan->tag_count + 1u, 1);
  t->slots = plan->set ? calloc(plan->slot_values, sizeof *t->slots) : NULL;
  if (!t->befores || !t->valid_before || (plan->set && !t->slots)) return TL_ENOMEM;
  for (uint16_t i = 0; i < plan->tag_count; i++) {
    t->befores[i] = s->tags[i].value; /* numbers only are looked at */
    t->valid_before[i] = s->tags[i].status == TL_VALID;
  }
  return TL_OK;
}

int tl_explain_values (tl_gateway *g, tl_explain_copy *c, tl_station *live, const tl_incoming *m,
                       const tl_route *route, int only_tag, tl_buf *out, const char **code) {
  tl_station *s = c->station;
  telling t = { .g = g, .copy = c, .m = m };
  tl_incoming prepared = *m;
  tl_prepare_room room = { 0 };
  tl_json_error ignored;
  tl_buf_init(&t.scratch);
  int rc = begin(&t);
  if (rc < 0) goto out;
  if (s->plan->prepare_count > 0 && !prepare(&t, &prepared, &room, out)) {
    *code = t.failed ? "decoder" : "declined";
    t.unread = true;
    free(t.slots);
    t.slots = NULL;
    if (t.failed) tl_station_invalidate(s, TL_REASON_DECODER, m->wall);
    goto tags;
  }
  tl_doc_format format = (tl_doc_format)s->plan->format;
  m = t.m;
  if (t.slots && tl_doc_extract(format, s->plan->set, m->payload, t.slots, &ignored) != TL_OK) {
    free(t.slots);
    t.slots = NULL;
  }
  tl_reading reading;
  int64_t time_ms = tl_station_read(s, m, &reading);
  t.decodes = tl_gateway_decodes(g, s);
  if (t.decodes) decode(&t, live, route, time_ms, &reading, out);
  tl_station_set(&reading, time_ms); /* where no decoder did */
  tell_json(&t, out);
  tell_time(&t, time_ms, out);
  *code = "delivered";
  if (t.failed)
    *code = "decoder";
  else if (t.declined)
    *code = "declined";
tags:
  if (only_tag >= 0) {
    tell_tag(&t, (uint16_t)only_tag, out);
    goto out;
  }
  tl_member_open(out, "tags", '[');
  for (uint16_t i = 0; i < s->plan->tag_count; i++) {
    tl_member_open(out, NULL, '{');
    tell_tag(&t, i, out);
    tl_buf_byte(out, '}');
  }
  tl_buf_byte(out, ']');
out:
  tl_buf_fini(&room.buf[0]);
  tl_buf_fini(&room.buf[1]);
  free(t.slots);
  free(t.befores);
  free(t.valid_before);
  tl_buf_fini(&t.scratch);
  return rc;
}

/* core/explain/explain_tags.c — what a message becomes: prepare, the decoder, the document, its
** time, then each tag (explain_tag.c). The values themselves come from the rooms that always
** make them; this file only describes them. */
#include <stdlib.h>

#include "base/format.h"
#include "base/utf8.h"
#include "explain/explain_impl.h"
#include "gateway/prepare.h"

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

static void decode (tl_telling *t, tl_station *live, const tl_route *route, int64_t time_ms,
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

static void add_json (const tl_telling *t, tl_buf *out) {
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
static bool decode_times (const tl_telling *t, int64_t time_ms, int64_t *first, int64_t *last) {
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

static void add_time (const tl_telling *t, int64_t time_ms, tl_buf *out) {
  const tl_plan *plan = t->copy->station->plan;
  int64_t first = time_ms, last = time_ms;
  bool decoded = decode_times(t, time_ms, &first, &last);
  const tl_json_value *v = plan->time.has_field && t->slots ? &t->slots[plan->slots] : NULL;
  bool missing = v && v->type == TL_JSON_NONE;
  const char *code = "ok";
  if (!plan->time.has_field)
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
  if (plan->time.has_field) {
    tl_explain_raw(out, "field", plan->time.field);
    tl_explain_raw(out, "mask",
                   plan->time.text.len > 0 ? plan->time.text : TL_LIT(TL_TIMEMASK_DEFAULT));
  }
  tl_buf text;
  tl_buf_init(&text);
  tl_slice raw = v && !missing ? tl_doc_plain(v, &text) : tl_slice_of(NULL, 0);
  if (v && !missing) tl_explain_raw(out, "raw", raw);
  tl_member_word(out, "code", decoded ? "decode" : code);
  if (v && !missing && t->copy->time_bad) {
    tl_buf why;
    tl_buf_init(&why);
    tl_timemask_why(plan->time.mask, plan->rule.zone, raw, t->m->wall, &why);
    tl_member_text(out, "why", tl_buf_bytes(&why));
    tl_buf_fini(&why);
  }
  int64_t lost;
  const char *finer = NULL;
  if (v && !missing && !t->copy->time_bad && !decoded)
    finer = tl_timemask_finer(plan->time.mask, plan->rule.zone, raw, &lost);
  if (finer) tl_member_word(out, "finer", finer);
  tl_buf_fini(&text);
  tl_member_time(out, "value", last);
  if (first != last) tl_member_time(out, "first", first);
  tl_buf_byte(out, '}');
}

/* --- the payload before anything reads it --- */

/* False: there is nothing more to read. Else t->m is *to, with what prepare made of its
** payload. */
static bool prepare (tl_telling *t, tl_incoming *to, tl_prepare_room *room, tl_buf *out) {
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

static int begin (tl_telling *t) {
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
  tl_telling t = { .g = g, .copy = c, .m = m };
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
  add_json(&t, out);
  add_time(&t, time_ms, out);
  *code = "delivered";
  if (t.failed)
    *code = "decoder";
  else if (t.declined)
    *code = "declined";
tags:
  if (only_tag >= 0) {
    tl_explain_tag(&t, (uint16_t)only_tag, out);
    goto out;
  }
  tl_member_open(out, "tags", '[');
  for (uint16_t i = 0; i < s->plan->tag_count; i++) {
    tl_member_open(out, NULL, '{');
    tl_explain_tag(&t, i, out);
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

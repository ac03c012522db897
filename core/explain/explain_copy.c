/* core/explain/explain_copy.c — a copy of a station for a message that must change nothing that
** lives. Knows nothing of routing and scripts. */
#include <stdlib.h>

#include "explain/explain_impl.h"

enum { SAMPLES = 16 }; /* of one tag in one message that are listed */

static void on_set (void *ctx, tl_tag *t) {
  tl_explain_copy *c = ctx;
  tl_buf *list = &c->samples[t->index];
  c->marks[t->index] |= TL_COPY_SET;
  if (c->count[t->index]++ >= SAMPLES) return;
  tl_member_open(list, NULL, '{');
  tl_member(list, "value");
  tl_tag_value_json(t, list);
  tl_member_word(list, "status", tl_status_name((tl_status)t->status));
  if (t->reason != TL_REASON_NONE)
    tl_member_word(list, "reason", tl_reason_name((tl_reason)t->reason));
  tl_member_time(list, "time", t->time_ms);
  tl_buf_byte(list, '}');
}
static void on_value (void *ctx, tl_tag *t) {
  ((tl_explain_copy *)ctx)->marks[t->index] |= TL_COPY_REPORTED;
}

static void on_json_error (void *ctx, tl_station *s, const tl_json_error *e) {
  tl_explain_copy *c = ctx;
  (void)s;
  c->json_bad = true;
  c->json_error = *e;
}

static void on_time_error (void *ctx, tl_station *s, tl_reason why, tl_slice text) {
  tl_explain_copy *c = ctx;
  (void)s;
  (void)text;
  if (why == TL_REASON_MISSING)
    c->time_missing = true;
  else
    c->time_bad = true;
}

/* Does it hold what was written here, rather than what a message said? */
static bool is_written (const tl_tagdef *d) {
  switch (d->kind) {
    case TL_ADDRESS_ACK_ID:
    case TL_ADDRESS_OUT_TOPIC:
    case TL_ADDRESS_OUT_VALUE: return true;
    case TL_ADDRESS_NONE: return tl_type_is_output(d->type);
    default: return false;
  }
}

/* Copy the values of the tags before the hooks are set, so that nobody is notified. */
static bool copy_values (tl_station *to, const tl_station *from, bool fresh) {
  for (uint16_t i = 0; i < from->plan->tag_count && !from->is_template; i++) {
    const tl_tag *t = &from->tags[i];
    if (fresh && !is_written(&from->plan->tags[i])) continue;
    if (t->status == TL_VALID && !tl_tag_put(&to->tags[i], &t->value, t->time_ms)) return false;
    if (t->status == TL_INVALID) tl_tag_invalidate(&to->tags[i], (tl_reason)t->reason, t->time_ms);
  }
  return true;
}

int tl_explain_copy_init (tl_explain_copy *c, const tl_station *like, tl_plan *plan, tl_slice name,
                          tl_slice address, bool fresh) {
  static const tl_model_hooks hooks = {
    .value = on_value, .json_error = on_json_error, .time_error = on_time_error, .trace = on_set
  };
  tl_station_spec spec = { .name = name,
                           .address = address,
                           .plan = plan,
                           .settings.time_filter_ms = like->settings.time_filter_ms,
                           .will_topic = tl_slice_of(NULL, 0),
                           .will_payload = tl_slice_of(NULL, 0) };
  tl_line *line = NULL;
  size_t n = plan->tag_count;
  *c = (tl_explain_copy){ .marks = calloc(n + 1, 1),
                          .returned = calloc(n + 1, sizeof *c->returned),
                          .samples = calloc(n + 1, sizeof *c->samples),
                          .count = calloc(n + 1, sizeof *c->count) };
  if (!c->marks || !c->returned || !c->samples || !c->count) return TL_ENOMEM;
  int rc = tl_model_new(&c->model, NULL, c);
  if (rc == TL_OK) rc = tl_model_add_line(c->model, tl_slice_str(like->line->name), &line);
  if (rc == TL_OK) rc = tl_line_add_station(line, &spec, 0, 0, &c->station);
  if (rc != TL_OK) return rc;
  line->user = like->line->user; /* for msg.station.line */
  c->station->user = like->user;
  if (!copy_values(c->station, like, fresh)) return TL_ENOMEM;
  c->model->hooks = hooks;
  c->model->ctx = c;
  return TL_OK;
}

void tl_explain_copy_fini (tl_explain_copy *c) {
  uint16_t n = c->station ? c->station->plan->tag_count : 0;
  for (uint16_t i = 0; c->returned && i < n; i++) tl_buf_fini(&c->returned[i]);
  for (uint16_t i = 0; c->samples && i < n; i++) tl_buf_fini(&c->samples[i]);
  if (c->station) {
    c->station->user = NULL;
    c->station->line->user = NULL;
  }
  tl_model_free(c->model);
  tl_buf_fini(&c->unknown);
  free(c->marks);
  free(c->returned);
  free(c->samples);
  free(c->count);
}

void tl_explain_copy_next (tl_explain_copy *c) {
  for (uint16_t i = 0; i < c->station->plan->tag_count; i++) {
    c->marks[i] = 0;
    c->count[i] = 0;
    tl_buf_clear(&c->returned[i]);
    tl_buf_clear(&c->samples[i]);
  }
  tl_buf_clear(&c->unknown);
  c->time_missing = c->time_bad = c->json_bad = false;
  /* errors that are logged once in the running gateway are reported for each message here */
  c->station->logged = (tl_station_logged){ .json = false };
}

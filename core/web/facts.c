/* core/web/facts.c — see facts.h. Counters belong to lines' names and never fall while the process
** lives, whatever a reload takes away. */
#include "web/facts.h"

#include <stdlib.h>

#include "base/clock.h"
#include "web/web_impl.h"

enum { COUNTERS = sizeof(tl_line_counters) / sizeof(uint64_t), A_SLICE = 100 };

/* What a line's counters had when a reload took them away. */
struct metric_base {
  struct metric_base *next;
  tl_line_counters base, before;
  /* as they were last shown: the rate of the clock for times is measured ever more exactly, and a
  ** counter must not decrease because of that */
  tl_line_counters shown;
  int64_t heard_ms; /* wall: the last message, 0 none */
  char name[];
};

/* --- gathering --- */

static void add_handlers (tl_line_facts *f, const tl_station *s, const tl_script *script) {
  tl_handler_facts kinds[TL_HANDLER_KINDS];
  if (!s->user) return;
  tl_script_handlers_of(script, s, kinds);
  for (int i = 0; i < TL_HANDLER_KINDS; i++) {
    f->sums.handler_ns[i] += (uint64_t)(kinds[i].seconds * 1e9);
    f->sums.handler_errors[i] += kinds[i].errors;
  }
}

static void add_station (tl_line_facts *f, const tl_station *s, const tl_script *script,
                         int64_t *heard) {
  const tl_station_stats *st = &s->stats;
  add_handlers(f, s, script);
  f->sums.failed[0] += st->json_errors;
  f->sums.failed[1] += st->handler_errors;
  f->sums.failed[2] += st->time_errors;
  f->sums.failed[3] += st->given_up;
  if (s->is_template) return;
  f->stations[s->status]++;
  if (s->heard > *heard) *heard = s->heard;
  for (uint16_t i = 0; i < s->plan->tag_count; i++) {
    const tl_tag *t = &s->tags[i];
    f->tags[t->status]++;
    if (t->status == TL_INVALID) f->reasons[t->reason]++;
  }
}

static void begin_line (tl_line_facts *f, const tl_line *line) {
  tl_link_stats st;
  *f = (tl_line_facts){ .line = line, .name = tl_slice_str(line->name) };
  tl_link_get_stats(tl_line_link(line), &st);
  f->up = line->connected && line->subscribed;
  f->session = st.session;
  memcpy(f->sums.received, st.session.received_by, sizeof f->sums.received);
  memcpy(f->sums.sent, st.session.sent_by, sizeof f->sums.sent);
  memcpy(f->sums.ends, st.ends, sizeof f->sums.ends);
  memcpy(f->sums.unsent, st.unsent, sizeof f->sums.unsent);
  f->sums.bytes_in = st.session.bytes_in;
  f->sums.bytes_out = st.session.bytes_out;
  f->sums.unrouted = st.unrouted;
  f->sums.connects = st.connects;
  f->sums.attempts_failed = st.attempts_failed;
  f->sums.values = line->values;
}

static void end_line (tl_line_facts *f, const tl_web *w, int64_t heard) {
  if (heard >= 0) f->heard_ms = tl_clock_wall_ms() - (tl_loop_now(w->loop) - heard);
}

/* Gather all facts of a line, for a reload. With `rests` the loop runs other things in between:
** messages increase the counters, and a removed line may be freed. False: the line is gone. */
static bool gather (tl_line_facts *f, const tl_web *w, const char *name, bool rests) {
  const tl_model *m = tl_gateway_model(w->gateway);
  const tl_line *line = tl_model_line(m, tl_slice_str(name));
  int64_t heard = -1;
  if (!line) return false;
  begin_line(f, line);
  for (uint32_t i = 0; i < line->station_count; i++) {
    add_station(f, line->stations[i], w->script, &heard);
    if (!rests || (i + 1) % A_SLICE != 0) continue;
    tl_config_rest(w->script);
    line = tl_model_line(m, tl_slice_str(name));
    if (!line) return false;
  }
  f->line = line;
  end_line(f, w, heard);
  return true;
}

/* --- what never falls --- */

static struct metric_base *base_of (tl_web *w, const char *name) {
  struct metric_base *b = w->bases;
  while (b && strcmp(b->name, name) != 0) b = b->next;
  if (b) return b;
  b = calloc(1, sizeof *b + strlen(name) + 1);
  if (!b) return NULL;
  memcpy(b->name, name, strlen(name));
  b->next = w->bases;
  w->bases = b;
  return b;
}

void tl_metrics_note (tl_web *w) {
  const tl_model *m = tl_gateway_model(w->gateway);
  for (struct metric_base *b = w->bases; b; b = b->next)
    b->before = (tl_line_counters){ .values = 0 };
  for (uint32_t i = 0; i < m->line_count; i++) base_of(w, m->lines[i]->name);
  for (struct metric_base *b = w->bases; b; b = b->next) {
    tl_line_facts f;
    if (gather(&f, w, b->name, true)) b->before = f.sums;
  }
  w->noted = true;
}

/* Add from now on what a counter lost by the reload. */
static void keep_lost (struct metric_base *b, const tl_line_counters *now) {
  uint64_t *base = (uint64_t *)&b->base;
  const uint64_t *before = (const uint64_t *)&b->before, *after = (const uint64_t *)now;
  for (size_t i = 0; i < COUNTERS; i++)
    if (after[i] < before[i]) base[i] += before[i] - after[i];
}

void tl_metrics_keep (tl_web *w, bool rests) {
  if (!w->noted) return;
  w->noted = false;
  for (struct metric_base *b = w->bases; b; b = b->next) {
    tl_line_facts f = { .line = NULL };
    if (!gather(&f, w, b->name, rests)) f = (tl_line_facts){ .line = NULL };
    keep_lost(b, &f.sums);
  }
}

void tl_metrics_free (tl_web *w) {
  while (w->bases) {
    struct metric_base *b = w->bases;
    w->bases = b->next;
    free(b);
  }
}

static void add_base (tl_web *w, tl_line_facts *f) {
  struct metric_base *b = base_of(w, f->line->name);
  uint64_t *sums = (uint64_t *)&f->sums;
  if (!b) return;
  for (size_t i = 0; i < COUNTERS; i++) {
    uint64_t *shown = (uint64_t *)&b->shown + i;
    sums[i] += ((const uint64_t *)&b->base)[i];
    if (sums[i] < *shown) sums[i] = *shown;
    *shown = sums[i];
  }
  if (f->heard_ms > b->heard_ms + 1) b->heard_ms = f->heard_ms;
  f->heard_ms = b->heard_ms;
}

/* --- all lines --- */

void tl_facts_fini (tl_facts *f) {
  free(f->lines);
  *f = (tl_facts){ .lines = NULL };
}

static int begin (tl_facts *f, const tl_web *w) {
  const tl_model *m = tl_gateway_model(w->gateway);
  tl_facts_fini(f);
  f->lines = calloc(m->line_count + 1, sizeof *f->lines);
  if (!f->lines) return TL_ENOMEM;
  f->count = m->line_count;
  f->reloads = w->reloads;
  f->line_changes = m->line_changes;
  return TL_OK;
}

/* Some stations of the line under way; true: it has no more. */
static bool gather_some (tl_facts *f, const tl_line *line, const tl_web *w) {
  tl_line_facts *one = &f->lines[f->line];
  if (!one->line) {
    begin_line(one, line);
    f->station = 0;
    f->heard = -1;
  }
  for (int n = 0; n < A_SLICE && f->station < line->station_count; n++)
    add_station(one, line->stations[f->station++], w->script, &f->heard);
  if (f->station < line->station_count) return false;
  end_line(one, w, f->heard);
  return true;
}

bool tl_facts_hold (const tl_facts *f, const tl_web *w) {
  /* a line that a reload took away is there until its connection is closed */
  return f->lines && f->reloads == w->reloads &&
         f->line_changes == tl_gateway_model(w->gateway)->line_changes;
}

int tl_facts_gather (tl_facts *f, tl_web *w, bool (*is_used)(const tl_web *w)) {
  const tl_model *m = tl_gateway_model(w->gateway);
  int rc = tl_facts_hold(f, w) ? TL_OK : begin(f, w);
  if (rc < 0) return rc;
  while (f->line < f->count) {
    if (gather_some(f, m->lines[f->line], w)) f->line++;
    if (is_used(w) && f->line < f->count) return 0;
  }
  for (uint32_t i = 0; i < f->count; i++) add_base(w, &f->lines[i]);
  return 1;
}

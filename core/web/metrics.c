/* core/web/metrics.c — GET /metrics: what is counted where, gathered when somebody asks. Counters
** belong to lines' names and never fall while the process lives, whatever a reload takes away. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/pattern.h"
#include "net/process.h"
#include "web/metrics_text.h"
#include "web/tags.h"
#include "web/web_impl.h"

enum { CAUSES = 4, REASONS = TL_REASON_COUNT, STATUSES = TL_ST_HARD_ERR + 1 };
static const char *const causes[CAUSES] = { "json", "decoder", "time", "regex" };

/* What is counted on a line. */
typedef struct {
  uint64_t received[3], sent[3], bytes_in, bytes_out, unrouted, connects, values;
  uint64_t failed[CAUSES], ends[TL_ENDS], unsent[TL_UNSENT];
  uint64_t handler_ns[TL_HANDLER_KINDS], handler_errors[TL_HANDLER_KINDS];
} counters;
enum { COUNTERS = sizeof(counters) / sizeof(uint64_t) };

/* What a line's counters had when a reload took them away. */
struct metric_base {
  struct metric_base *next;
  counters base, before;
  counters shown; /* times are measured in ticks of a clock whose rate is known better and better */
  int64_t heard_ms; /* wall: the last message, 0 none */
  char name[];
};

/* A line, looked at once for a page. */
typedef struct {
  const tl_line *line;
  tl_slice name;
  counters sums;
  bool up;
  uint64_t stations[STATUSES], tags[TL_INVALID + 1], reasons[REASONS];
  tl_session_stats session;
  int64_t heard_ms;
} facts;

/* --- gathering --- */

static void add_station (facts *f, const tl_station *s, int64_t *heard) {
  const tl_station_stats *st = &s->stats;
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

static void add_handlers (facts *f, const tl_script *script) {
  tl_handler_sum sums[TL_HANDLER_KINDS];
  tl_script_handler_sums(script, f->line, sums);
  for (int i = 0; i < TL_HANDLER_KINDS; i++) {
    f->sums.handler_ns[i] = (uint64_t)(sums[i].seconds * 1e9);
    f->sums.handler_errors[i] = sums[i].errors;
  }
}

static void gather (facts *f, const tl_line *line, const tl_web *w) {
  tl_link_stats st;
  int64_t heard = -1;
  *f = (facts){ .line = line, .name = tl_slice_str(line->name) };
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
  f->sums.values = line->values;
  for (uint32_t i = 0; i < line->station_count; i++) add_station(f, line->stations[i], &heard);
  add_handlers(f, w->script);
  if (heard >= 0) f->heard_ms = tl_clock_wall_ms() - (tl_loop_now(w->loop) - heard);
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

static void note_before (tl_web *w) {
  const tl_model *m = tl_gateway_model(w->gateway);
  for (struct metric_base *b = w->bases; b; b = b->next) b->before = (counters){ .values = 0 };
  for (uint32_t i = 0; i < m->line_count; i++) {
    struct metric_base *b = base_of(w, m->lines[i]->name);
    facts f;
    if (!b) continue;
    gather(&f, m->lines[i], w);
    b->before = f.sums;
  }
}

/* What a counter lost is added from now on. */
static void keep_lost (struct metric_base *b, const counters *now) {
  uint64_t *base = (uint64_t *)&b->base;
  const uint64_t *before = (const uint64_t *)&b->before, *after = (const uint64_t *)now;
  for (size_t i = 0; i < COUNTERS; i++)
    if (after[i] < before[i]) base[i] += before[i] - after[i];
}

void tl_metrics_reload (tl_web *w, bool begins) {
  const tl_model *m = tl_gateway_model(w->gateway);
  if (begins) {
    note_before(w);
    return;
  }
  for (struct metric_base *b = w->bases; b; b = b->next) {
    const tl_line *line = tl_model_line(m, tl_slice_str(b->name));
    facts f = { .line = NULL };
    if (line) gather(&f, line, w);
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

static void add_base (tl_web *w, facts *f) {
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

/* --- families of the process --- */

static void one_number (tl_metrics *m, const char *name, tl_metric_kind kind, const char *help,
                        double value) {
  tl_metric_begin(m, name, kind, help);
  tl_metric_sample(m);
  tl_metric_number(m, value);
}

static void add_process (tl_metrics *m, const tl_web *w) {
  tl_process_facts p;
  tl_config_facts c;
  tl_process_get(&p);
  tl_script_config_facts(w->script, &c);
  tl_metric_begin(m, "tagline_build_info", TL_INFO, "Which tagline runs.");
  tl_metric_sample(m);
  tl_metric_label(m, "version", TL_LIT(TAGLINE_VERSION));
  tl_metric_label(m, "lua", TL_LIT("5.4"));
  tl_metric_integer(m, 1);
  tl_metric_begin(m, "tagline_config_info", TL_INFO, "The running config: SHA-256 of its files.");
  tl_metric_sample(m);
  tl_metric_label(m, "version", tl_slice_str(c.hash));
  tl_metric_integer(m, 1);
  one_number(m, "tagline_config_last_reload_success", TL_GAUGE,
             "1: the last config that was read runs.", !c.refused);
  one_number(m, "tagline_config_last_reload_timestamp_seconds", TL_GAUGE,
             "When the running config was read.", (double)c.at / 1000.0);
  one_number(m, "tagline_config_reloads_total", TL_COUNTER, "Reloads that were taken.",
             (double)c.reloads);
  one_number(m, "process_start_time_seconds", TL_GAUGE, "When the process began.", p.started);
  one_number(m, "process_cpu_seconds_total", TL_COUNTER, "Processor time of the process.", p.cpu);
  one_number(m, "process_resident_memory_bytes", TL_GAUGE, "Resident memory of the process.",
             (double)p.memory);
  one_number(m, "tagline_loop_busy_seconds_total", TL_COUNTER,
             "Processor time of the thread that handles messages.", p.loop);
  one_number(m, "tagline_loop_longest_seconds", TL_GAUGE,
             "The longest turn of that thread in the last one to two minutes.",
             (double)tl_loop_longest(w->loop) / 1000.0);
  one_number(m, "tagline_lua_memory_bytes", TL_GAUGE, "Memory of the config's scripts.",
             (double)tl_script_memory(w->script));
  one_number(m, "tagline_http_connections", TL_GAUGE, "Connections of the HTTP server.",
             (double)tl_front_count(w->front));
}

/* --- families of lines --- */

typedef struct {
  tl_metrics *m;
  const facts *lines;
  uint32_t n;
} page;

static void sample_of (const page *p, uint32_t line) {
  tl_metric_sample(p->m);
  tl_metric_label(p->m, "line", p->lines[line].name);
}

/* One sample a line, of the counter at this offset. */
static void counter (const page *p, const char *name, const char *help, size_t offset) {
  tl_metric_begin(p->m, name, TL_COUNTER, help);
  for (uint32_t i = 0; i < p->n; i++) {
    sample_of(p, i);
    tl_metric_count(p->m, *(const uint64_t *)((const char *)&p->lines[i] + offset));
  }
}

/* A sample for each of `words` on each line, of an array at this offset. */
static void counters_by (const page *p, const char *name, tl_metric_kind kind, const char *help,
                         const char *label, const char *const *words, int n, size_t offset) {
  tl_metric_begin(p->m, name, kind, help);
  for (uint32_t i = 0; i < p->n; i++) {
    for (int k = 0; k < n; k++) {
      sample_of(p, i);
      tl_metric_label(p->m, label, tl_slice_str(words[k]));
      tl_metric_count(p->m, ((const uint64_t *)((const char *)&p->lines[i] + offset))[k]);
    }
  }
}

static void gauge (const page *p, const char *name, const char *help,
                   double (*value)(const facts *f)) {
  tl_metric_begin(p->m, name, TL_GAUGE, help);
  for (uint32_t i = 0; i < p->n; i++) {
    sample_of(p, i);
    tl_metric_number(p->m, value(&p->lines[i]));
  }
}

static double up (const facts *f) { return f->up; }
static double queued (const facts *f) { return f->session.queued; }

static void add_inflight (const page *p) {
  tl_metric_begin(p->m, "tagline_inflight_messages", TL_GAUGE,
                  "Messages that wait for their acknowledgement: ours (out), the broker's (in).");
  for (uint32_t i = 0; i < p->n; i++) {
    for (int out = 0; out < 2; out++) {
      sample_of(p, i);
      tl_metric_label(p->m, "direction", out ? TL_LIT("out") : TL_LIT("in"));
      tl_metric_integer(p->m, out ? p->lines[i].session.inflight : p->lines[i].session.held);
    }
  }
}

static void add_heard (const page *p) {
  tl_metric_begin(p->m, "tagline_last_message_timestamp_seconds", TL_GAUGE,
                  "When the last message for a station came.");
  for (uint32_t i = 0; i < p->n; i++) {
    if (p->lines[i].heard_ms == 0) continue;
    sample_of(p, i);
    tl_metric_number(p->m, (double)p->lines[i].heard_ms / 1000.0);
  }
}

static void add_handler_families (const page *p, const tl_script *script) {
  tl_handler_sum kinds[TL_HANDLER_KINDS];
  const char *names[TL_HANDLER_KINDS];
  if (p->n == 0) return;
  tl_script_handler_sums(script, p->lines[0].line, kinds);
  for (int k = 0; k < TL_HANDLER_KINDS; k++) names[k] = kinds[k].name;
  tl_metric_begin(p->m, "tagline_handler_seconds_total", TL_COUNTER,
                  "Time in the config's functions.");
  for (uint32_t i = 0; i < p->n; i++) {
    for (int k = 0; k < TL_HANDLER_KINDS; k++) {
      sample_of(p, i);
      tl_metric_label(p->m, "handler", tl_slice_str(names[k]));
      tl_metric_number(p->m, (double)p->lines[i].sums.handler_ns[k] / 1e9);
    }
  }
  counters_by(p, "tagline_handler_errors_total", TL_COUNTER, "Calls of them that failed.",
              "handler", names, TL_HANDLER_KINDS, offsetof(facts, sums.handler_errors));
}

static void add_states (const page *p) {
  const char *words[STATUSES], *statuses[TL_INVALID + 1], *reasons[REASONS];
  for (int i = 0; i < STATUSES; i++) words[i] = tl_station_status_name((tl_station_status)i);
  for (int i = 0; i <= TL_INVALID; i++) statuses[i] = tl_status_name((tl_status)i);
  for (int i = 0; i < REASONS; i++) reasons[i] = tl_reason_name((tl_reason)i);
  counters_by(p, "tagline_stations", TL_GAUGE, "Stations by status.", "status", words, STATUSES,
              offsetof(facts, stations));
  counters_by(p, "tagline_tags", TL_GAUGE, "Tags by status.", "status", statuses, TL_INVALID + 1,
              offsetof(facts, tags));
  counters_by(p, "tagline_tags_invalid", TL_GAUGE, "Invalid tags by reason.", "reason", reasons + 1,
              REASONS - 1, offsetof(facts, reasons) + sizeof(uint64_t));
}

static void add_lines (const page *p, const tl_script *script) {
  static const char *const qos[] = { "0", "1", "2" };
  gauge(p, "tagline_line_up", "1: connected and subscribed.", up);
  counter(p, "tagline_line_connects_total", "Connections that the broker accepted.",
          offsetof(facts, sums.connects));
  counters_by(p, "tagline_line_disconnects_total", TL_COUNTER, "How such connections ended.",
              "reason", tl_link_ends, TL_ENDS, offsetof(facts, sums.ends));
  counters_by(p, "tagline_messages_received_total", TL_COUNTER,
              "Messages from the broker, repeated ones too.", "qos", qos, 3,
              offsetof(facts, sums.received));
  counters_by(p, "tagline_messages_published_total", TL_COUNTER,
              "Messages to the broker, repeated ones too.", "qos", qos, 3,
              offsetof(facts, sums.sent));
  counter(p, "tagline_received_bytes_total", "Bytes of MQTT from the broker.",
          offsetof(facts, sums.bytes_in));
  counter(p, "tagline_sent_bytes_total", "Bytes of MQTT to the broker.",
          offsetof(facts, sums.bytes_out));
  counter(p, "tagline_messages_unrouted_total", "Messages that no station takes.",
          offsetof(facts, sums.unrouted));
  counters_by(p, "tagline_messages_failed_total", TL_COUNTER,
              "Messages that could not be read as they should.", "cause", causes, CAUSES,
              offsetof(facts, sums.failed));
  counters_by(p, "tagline_writes_failed_total", TL_COUNTER,
              "Writes that were not taken or not confirmed.", "reason", tl_unsent_names, TL_UNSENT,
              offsetof(facts, sums.unsent));
  gauge(p, "tagline_writes_queued", "Writes that wait to be sent.", queued);
  add_inflight(p);
  counter(p, "tagline_values_total", "New values of tags.", offsetof(facts, sums.values));
  add_heard(p);
  add_states(p);
  add_handler_families(p, script);
}

/* --- outlets --- */

enum { OUTLETS = 16 };
typedef struct {
  tl_outlet_facts at[OUTLETS];
  int n;
} outlets;

static void note_outlet (void *arg, const tl_outlet_facts *f) {
  outlets *o = arg;
  if (o->n < OUTLETS) o->at[o->n++] = *f;
}

static void outlet_family (tl_metrics *m, const outlets *o, const char *name, tl_metric_kind kind,
                           const char *help, double (*value)(const tl_outlet_facts *f)) {
  tl_metric_begin(m, name, kind, help);
  for (int i = 0; i < o->n; i++) {
    tl_metric_sample(m);
    tl_metric_label(m, "outlet", tl_slice_str(o->at[i].name));
    tl_metric_number(m, value(&o->at[i]));
  }
}

static double is_up (const tl_outlet_facts *f) { return f->up; }
static double stored (const tl_outlet_facts *f) { return (double)f->stored; }
static double rejected (const tl_outlet_facts *f) { return (double)f->rejected; }
static double dropped (const tl_outlet_facts *f) { return (double)f->dropped; }
static double behind (const tl_outlet_facts *f) { return (double)f->behind; }
static double lag (const tl_outlet_facts *f) { return (double)f->lag_ms / 1000.0; }

static void add_outlets (tl_metrics *m, const tl_web *w) {
  const tl_outlet_hooks *h = w->outlets;
  outlets o = { .n = 0 };
  tl_spool_facts spool;
  tl_history_facts history;
  if (!h) return;
  h->each(h->ctx, note_outlet, &o);
  if (o.n > 0) {
    outlet_family(m, &o, "tagline_outlet_up", TL_GAUGE, "1: it takes values.", is_up);
    outlet_family(m, &o, "tagline_outlet_values_total", TL_COUNTER, "Values that it stored.",
                  stored);
    outlet_family(m, &o, "tagline_outlet_rejected_total", TL_COUNTER,
                  "Values that its server refused.", rejected);
    outlet_family(m, &o, "tagline_outlet_dropped_total", TL_COUNTER,
                  "Values that a full spool dropped before it had them.", dropped);
    outlet_family(m, &o, "tagline_outlet_behind_values", TL_GAUGE, "Values that wait for it.",
                  behind);
    outlet_family(m, &o, "tagline_outlet_lag_seconds", TL_GAUGE,
                  "How long the oldest of them has waited.", lag);
  }
  if (h->spool(h->ctx, &spool)) {
    one_number(m, "tagline_spool_bytes", TL_GAUGE, "Size of the spool.", (double)spool.bytes);
    one_number(m, "tagline_spool_limit_bytes", TL_GAUGE, "Size that the spool may have.",
               (double)spool.max_bytes);
  }
  if (!h->stored(h->ctx, &history)) return;
  one_number(m, "tagline_history_bytes", TL_GAUGE, "Size of the history's file and its log.",
             (double)history.bytes);
  if (history.oldest_ms != INT64_MAX)
    one_number(m, "tagline_history_oldest_timestamp_seconds", TL_GAUGE,
               "The time of the oldest value in the history.", (double)history.oldest_ms / 1000.0);
}

/* --- values of tags, in slices --- */

typedef struct {
  tl_web *web;
  tl_buf out;
  size_t given;
  tl_metrics text;
  tl_tag_walk walk;
  bool ended;
} scrape;

static bool is_numeric (tl_type type) {
  return type == TL_AI || type == TL_AO || type == TL_CI || type == TL_CO || type == TL_DI ||
         type == TL_DO || type == TL_QI;
}

static bool wanted (const tl_web *w, const tl_tag *t, char name[TL_WEB_NAME]) {
  const char *at = (const char *)w->set.values.at, *end = at + w->set.values.len;
  if (t->status != TL_VALID || !is_numeric(tl_tag_def(t)->type) || tl_web_name(t, name) == 0)
    return false;
  for (; at < end; at += strlen(at) + 1)
    if (tl_glob_match(at, name)) return true;
  return false;
}

static void add_value (tl_metrics *m, const tl_tag *t, const char *name) {
  const tl_tagdef *d = tl_tag_def(t);
  tl_metric_sample(m);
  tl_metric_label(m, "tag", tl_slice_str(name));
  tl_metric_label(m, "unit", tl_slice_str(d->unit ? d->unit : ""));
  if (d->type == TL_AI || d->type == TL_AO)
    tl_metric_number(m, t->value.number);
  else if (d->type == TL_DI || d->type == TL_DO)
    tl_metric_integer(m, t->value.boolean);
  else
    tl_metric_integer(m, t->value.integer);
}

static void add_some_values (scrape *s) {
  char name[TL_WEB_NAME];
  int steps = TL_TAGS_A_SLICE;
  const tl_model *m = tl_gateway_model(s->web->gateway);
  while (!s->ended && s->out.len < TL_TAGS_BLOCK) {
    const tl_tag *t = s->web->set.values.len > 0 ? tl_tag_walk_next(&s->walk, m, &steps) : NULL;
    if (t) {
      if (wanted(s->web, t, name)) add_value(&s->text, t, name);
    } else if (s->walk.done || s->web->set.values.len == 0) {
      tl_metrics_end(&s->text);
      s->ended = true;
    } else {
      break;
    }
  }
}

static ssize_t on_read (void *ctx, uint64_t at, char *room, size_t max) {
  scrape *s = ctx;
  (void)at;
  /* a slice without a sample: there is no blank that would say so, and looking costs little */
  for (int i = 0; i < 100 && s->given == s->out.len && !s->ended; i++) {
    tl_buf_clear(&s->out);
    s->given = 0;
    add_some_values(s);
  }
  if (s->out.failed) return MHD_CONTENT_READER_END_WITH_ERROR;
  size_t n = s->out.len - s->given < max ? s->out.len - s->given : max;
  if (n == 0) return s->ended ? MHD_CONTENT_READER_END_OF_STREAM : 0;
  memcpy(room, s->out.at + s->given, n);
  s->given += n;
  return (ssize_t)n;
}

static void drop_scrape (void *ctx) {
  scrape *s = ctx;
  tl_buf_fini(&s->out);
  free(s);
}

/* --- the page --- */

static bool add_all (scrape *s) {
  tl_web *w = s->web;
  const tl_model *m = tl_gateway_model(w->gateway);
  facts *lines = calloc(m->line_count + 1, sizeof *lines);
  if (!lines) return false;
  page p = { &s->text, lines, m->line_count };
  for (uint32_t i = 0; i < m->line_count; i++) {
    gather(&lines[i], m->lines[i], w);
    add_base(w, &lines[i]);
  }
  add_process(&s->text, w);
  add_lines(&p, w->script);
  add_outlets(&s->text, w);
  free(lines);
  if (w->set.values.len > 0)
    tl_metric_begin(&s->text, "tagline_tag_value", TL_GAUGE, "Valid values of tags.");
  return !s->out.failed;
}

void tl_web_metrics (request *r) {
  static const char open[] = "application/openmetrics-text; version=1.0.0; charset=utf-8";
  static const char plain[] = "text/plain; version=0.0.4; charset=utf-8";
  scrape *s = calloc(1, sizeof *s);
  if (s) {
    s->web = r->web;
    s->text =
        (tl_metrics){ .out = &s->out, .open = tl_metrics_wants_open(tl_web_field(r, "Accept")) };
  }
  struct MHD_Response *response = NULL;
  const char *type = s && s->text.open ? open : plain;
  if (s && add_all(s))
    response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, TL_TAGS_BLOCK, on_read, s, drop_scrape);
  if (!response && s) drop_scrape(s);
  tl_web_respond(r, 200, response);
  tl_web_header(r, "Content-Type", type);
  tl_web_header(r, "Cache-Control", "no-store");
}

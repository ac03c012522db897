/* core/web/metrics.c — GET /metrics: what is counted where, gathered when somebody asks. */
#include <stdlib.h>

#include "base/pattern.h"
#include "net/process.h"
#include "web/facts.h"
#include "web/metrics_text.h"
#include "web/list.h"
#include "web/web_impl.h"

static const char *const causes[TL_CAUSES] = { "json", "decoder", "time", "regex" };

/* --- families of the process --- */

static void one_number (tl_metrics *m, const char *name, tl_metric_kind kind, const char *help,
                        double value) {
  tl_metric_begin(m, name, kind, help);
  tl_metric_sample(m);
  tl_metric_number(m, value);
}

typedef struct {
  tl_metrics *m;
  const tl_web *web;
  const tl_line_facts *lines;
  uint32_t n;
} page;

static void add_process (const page *to) {
  tl_metrics *m = to->m;
  const tl_web *w = to->web;
  tl_process_facts p;
  tl_config_facts c;
  tl_process_get(&p);
  tl_config_get_facts(w->script, &c);
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
  one_number(m, "tagline_http_longest_seconds", TL_GAUGE,
             "The longest processor time that this server took of one turn.",
             (double)w->share.longest_ns / 1e9);
  one_number(m, "tagline_lua_memory_bytes", TL_GAUGE, "Memory of the config's scripts.",
             (double)tl_script_memory(w->script));
  one_number(m, "tagline_http_connections", TL_GAUGE, "Connections of the HTTP server.",
             (double)tl_front_count(w->front));
}

/* --- families of lines --- */

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
                   double (*value)(const tl_line_facts *f)) {
  tl_metric_begin(p->m, name, TL_GAUGE, help);
  for (uint32_t i = 0; i < p->n; i++) {
    sample_of(p, i);
    tl_metric_number(p->m, value(&p->lines[i]));
  }
}

static double up (const tl_line_facts *f) { return f->up; }
static double queued (const tl_line_facts *f) { return f->session.queued; }

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

static void add_handler_families (const page *p) {
  if (p->n == 0) return;
  tl_metric_begin(p->m, "tagline_handler_seconds_total", TL_COUNTER,
                  "Time in the config's functions.");
  for (uint32_t i = 0; i < p->n; i++) {
    for (int k = 0; k < TL_HANDLER_KINDS; k++) {
      sample_of(p, i);
      tl_metric_label(p->m, "handler", tl_slice_str(tl_call_names[k]));
      tl_metric_number(p->m, (double)p->lines[i].sums.handler_ns[k] / 1e9);
    }
  }
  counters_by(p, "tagline_handler_errors_total", TL_COUNTER, "Calls of them that failed.",
              "handler", tl_call_names, TL_HANDLER_KINDS,
              offsetof(tl_line_facts, sums.handler_errors));
}

static void add_states (const page *p) {
  const char *words[TL_FACT_STATUSES], *statuses[TL_INVALID + 1], *reasons[TL_FACT_REASONS];
  for (int i = 0; i < TL_FACT_STATUSES; i++)
    words[i] = tl_station_status_name((tl_station_status)i);
  for (int i = 0; i <= TL_INVALID; i++) statuses[i] = tl_status_name((tl_status)i);
  for (int i = 0; i < TL_FACT_REASONS; i++) reasons[i] = tl_reason_name((tl_reason)i);
  counters_by(p, "tagline_stations", TL_GAUGE, "Stations by status.", "status", words,
              TL_FACT_STATUSES, offsetof(tl_line_facts, stations));
  counters_by(p, "tagline_tags", TL_GAUGE, "Tags by status.", "status", statuses, TL_INVALID + 1,
              offsetof(tl_line_facts, tags));
  counters_by(p, "tagline_tags_invalid", TL_GAUGE, "Invalid tags by reason.", "reason", reasons + 1,
              TL_FACT_REASONS - 1, offsetof(tl_line_facts, reasons) + sizeof(uint64_t));
}

static void add_connections (const page *p) {
  gauge(p, "tagline_line_up", "1: connected and subscribed.", up);
  counter(p, "tagline_line_connects_total", "Connections that the broker accepted.",
          offsetof(tl_line_facts, sums.connects));
  counters_by(p, "tagline_line_disconnects_total", TL_COUNTER, "How such connections ended.",
              "reason", tl_link_ends, TL_ENDS, offsetof(tl_line_facts, sums.ends));
}

static void add_messages (const page *p) {
  static const char *const qos[] = { "0", "1", "2" };
  counters_by(p, "tagline_messages_received_total", TL_COUNTER,
              "Messages from the broker, repeated ones too.", "qos", qos, 3,
              offsetof(tl_line_facts, sums.received));
  counters_by(p, "tagline_messages_published_total", TL_COUNTER,
              "Messages to the broker, repeated ones too.", "qos", qos, 3,
              offsetof(tl_line_facts, sums.sent));
  counter(p, "tagline_received_bytes_total", "Bytes of MQTT from the broker.",
          offsetof(tl_line_facts, sums.bytes_in));
  counter(p, "tagline_sent_bytes_total", "Bytes of MQTT to the broker.",
          offsetof(tl_line_facts, sums.bytes_out));
}

static void add_failures (const page *p) {
  counter(p, "tagline_messages_unrouted_total", "Messages that no station takes.",
          offsetof(tl_line_facts, sums.unrouted));
  counters_by(p, "tagline_messages_failed_total", TL_COUNTER,
              "Messages that could not be read as they should.", "cause", causes, TL_CAUSES,
              offsetof(tl_line_facts, sums.failed));
  counters_by(p, "tagline_writes_failed_total", TL_COUNTER,
              "Writes that were not taken or not confirmed.", "reason", tl_unsent_names, TL_UNSENT,
              offsetof(tl_line_facts, sums.unsent));
}

static void add_queues (const page *p) {
  gauge(p, "tagline_writes_queued", "Writes that wait to be sent.", queued);
  add_inflight(p);
  counter(p, "tagline_values_total", "New values of tags.", offsetof(tl_line_facts, sums.values));
  add_heard(p);
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

static void add_outlets (const page *p) {
  tl_metrics *m = p->m;
  const tl_outlet_hooks *h = p->web->outlets;
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
  tl_metric_begin(m, "tagline_history_oldest_timestamp_seconds", TL_GAUGE,
                  "The time of the oldest value in the history.");
  if (history.oldest_ms == INT64_MAX) return;
  tl_metric_sample(m);
  tl_metric_number(m, (double)history.oldest_ms / 1000.0);
}

/* --- values of tags, in slices --- */

typedef struct {
  tl_web *web;
  request *r;
  tl_facts facts;
  tl_buf out;
  size_t given;
  tl_metrics text;
  tl_tag_walk walk;
  unsigned family; /* of families[]: the next one */
  bool gathered, ended;
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
  int steps = TL_LIST_SLICE;
  const tl_model *m = tl_gateway_model(s->web->gateway);
  while (!s->ended && s->out.len < TL_LIST_BLOCK) {
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

/* --- the page --- */

static void (*const families[])(const page *p) = {
  add_process, add_connections, add_messages,         add_failures,
  add_queues,  add_states,      add_handler_families, add_outlets,
};
enum { FAMILIES = sizeof families / sizeof families[0] };

/* Nothing was sent yet: what a reload changed is gathered anew. */
static void begin_again (scrape *s) {
  tl_buf_clear(&s->out);
  s->family = 0;
  s->gathered = false;
}

static void add_family (scrape *s) {
  page p = { &s->text, s->web, s->facts.lines, s->facts.count };
  if (!tl_facts_hold(&s->facts, s->web)) {
    begin_again(s);
    return;
  }
  families[s->family++](&p);
  if (s->family < FAMILIES) return;
  tl_facts_fini(&s->facts);
  if (s->web->set.values.len > 0)
    tl_metric_begin(&s->text, "tagline_tag_value", TL_GAUGE, "Valid values of tags.");
}

/* A slice of the work; it need not give text yet. */
static void step (scrape *s) {
  if (s->family == FAMILIES) {
    add_some_values(s);
  } else if (s->gathered) {
    add_family(s);
  } else {
    int rc = tl_facts_gather(&s->facts, s->web, tl_share_is_used);
    if (rc < 0) s->out.failed = true;
    s->gathered = rc > 0;
  }
}

static bool has_text (const scrape *s) { return s->family == FAMILIES && s->given < s->out.len; }

static ssize_t on_read (void *ctx, uint64_t at, char *room, size_t max) {
  scrape *s = ctx;
  (void)at;
  if (s->given == s->out.len && s->family == FAMILIES) {
    tl_buf_clear(&s->out);
    s->given = 0;
  }
  while (!has_text(s) && !s->ended && !s->out.failed && !tl_share_is_used(s->web)) step(s);
  if (s->out.failed) return MHD_CONTENT_READER_END_WITH_ERROR;
  if (!has_text(s)) {
    if (s->ended) return MHD_CONTENT_READER_END_OF_STREAM;
    tl_share_wait(s->r);
    return 0;
  }
  size_t n = s->out.len - s->given < max ? s->out.len - s->given : max;
  memcpy(room, s->out.at + s->given, n);
  s->given += n;
  return (ssize_t)n;
}

static void drop_scrape (void *ctx) {
  scrape *s = ctx;
  tl_facts_fini(&s->facts);
  tl_buf_fini(&s->out);
  free(s);
}

void tl_web_metrics (request *r) {
  static const char open[] = "application/openmetrics-text; version=1.0.0; charset=utf-8";
  static const char plain[] = "text/plain; version=0.0.4; charset=utf-8";
  scrape *s = calloc(1, sizeof *s);
  struct MHD_Response *response = NULL;
  if (s) {
    s->web = r->web;
    s->r = r;
    s->text =
        (tl_metrics){ .out = &s->out, .open = tl_metrics_wants_open(tl_web_field(r, "Accept")) };
    response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, TL_LIST_BLOCK, on_read, s, drop_scrape);
  }
  const char *type = s && s->text.open ? open : plain;
  if (!response && s) drop_scrape(s);
  tl_web_respond(r, 200, response);
  tl_web_header(r, "Content-Type", type);
  tl_web_header(r, "Cache-Control", "no-store");
}

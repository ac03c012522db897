/* core/web/metrics_families.c — what /metrics tells of the process, of lines and of outlets. */
#include "net/process.h"
#include "web/metrics_impl.h"

static const char *const causes[TL_CAUSES] = { "json", "decoder", "time", "regex" };

/* --- families of the process --- */

static void one_number (tl_metrics *m, const char *name, tl_metric_kind kind, const char *help,
                        double value) {
  tl_metric_begin(m, name, kind, help);
  tl_metric_sample(m);
  tl_metric_number(m, value);
}

static void add_process (const tl_metrics_page *to) {
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

static void sample_of (const tl_metrics_page *p, uint32_t line) {
  tl_metric_sample(p->m);
  tl_metric_label(p->m, "line", p->lines[line].name);
}

/* One sample a line, of the counter at this offset. */
static void counter (const tl_metrics_page *p, const char *name, const char *help, size_t offset) {
  tl_metric_begin(p->m, name, TL_COUNTER, help);
  for (uint32_t i = 0; i < p->n; i++) {
    sample_of(p, i);
    tl_metric_count(p->m, *(const uint64_t *)((const char *)&p->lines[i] + offset));
  }
}

/* A sample for each of `words` on each line, of an array at this offset. */
static void counters_by (const tl_metrics_page *p, const char *name, tl_metric_kind kind,
                         const char *help, const char *label, const char *const *words, int n,
                         size_t offset) {
  tl_metric_begin(p->m, name, kind, help);
  for (uint32_t i = 0; i < p->n; i++) {
    for (int k = 0; k < n; k++) {
      sample_of(p, i);
      tl_metric_label(p->m, label, tl_slice_str(words[k]));
      tl_metric_count(p->m, ((const uint64_t *)((const char *)&p->lines[i] + offset))[k]);
    }
  }
}

static void gauge (const tl_metrics_page *p, const char *name, const char *help,
                   double (*value)(const tl_line_facts *f)) {
  tl_metric_begin(p->m, name, TL_GAUGE, help);
  for (uint32_t i = 0; i < p->n; i++) {
    sample_of(p, i);
    tl_metric_number(p->m, value(&p->lines[i]));
  }
}

static double up (const tl_line_facts *f) { return f->up; }
static double queued (const tl_line_facts *f) { return f->session.queued; }

static void add_inflight (const tl_metrics_page *p) {
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

static void add_heard (const tl_metrics_page *p) {
  tl_metric_begin(p->m, "tagline_last_message_timestamp_seconds", TL_GAUGE,
                  "When the last message for a station came.");
  for (uint32_t i = 0; i < p->n; i++) {
    if (p->lines[i].heard_ms == 0) continue;
    sample_of(p, i);
    tl_metric_number(p->m, (double)p->lines[i].heard_ms / 1000.0);
  }
}

static void add_handler_families (const tl_metrics_page *p) {
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

static void add_states (const tl_metrics_page *p) {
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

static void add_connections (const tl_metrics_page *p) {
  gauge(p, "tagline_line_up", "1: connected and subscribed.", up);
  counter(p, "tagline_line_connects_total", "Connections that the broker accepted.",
          offsetof(tl_line_facts, sums.connects));
  counter(p, "tagline_line_connect_failures_total", "Attempts to connect that failed.",
          offsetof(tl_line_facts, sums.attempts_failed));
  counters_by(p, "tagline_line_disconnects_total", TL_COUNTER, "How such connections ended.",
              "reason", tl_link_ends, TL_ENDS, offsetof(tl_line_facts, sums.ends));
}

static void add_messages (const tl_metrics_page *p) {
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

static void add_failures (const tl_metrics_page *p) {
  counter(p, "tagline_messages_unrouted_total", "Messages that no station takes.",
          offsetof(tl_line_facts, sums.unrouted));
  counters_by(p, "tagline_messages_failed_total", TL_COUNTER,
              "Messages that could not be read as they should.", "cause", causes, TL_CAUSES,
              offsetof(tl_line_facts, sums.failed));
  counters_by(p, "tagline_writes_failed_total", TL_COUNTER,
              "Writes that were not taken or not confirmed.", "reason", tl_unsent_names, TL_UNSENT,
              offsetof(tl_line_facts, sums.unsent));
}

static void add_queues (const tl_metrics_page *p) {
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
static double failures (const tl_outlet_facts *f) { return (double)f->failures; }
static double stored (const tl_outlet_facts *f) { return (double)f->stored; }
static double rejected (const tl_outlet_facts *f) { return (double)f->rejected; }
static double dropped (const tl_outlet_facts *f) { return (double)f->dropped; }
static double too_old (const tl_outlet_facts *f) { return (double)f->too_old; }
static double behind (const tl_outlet_facts *f) { return (double)f->behind; }
static double lag (const tl_outlet_facts *f) { return (double)f->lag_ms / 1000.0; }

static void add_outlets (const tl_metrics_page *p) {
  tl_metrics *m = p->m;
  const tl_outlet_hooks *h = p->web->outlets;
  outlets o = { .n = 0 };
  tl_spool_facts spool;
  tl_history_facts history;
  if (!h) return;
  h->each(h->ctx, note_outlet, &o);
  if (o.n > 0) {
    outlet_family(m, &o, "tagline_outlet_up", TL_GAUGE, "1: it takes values.", is_up);
    outlet_family(m, &o, "tagline_outlet_connect_failures_total", TL_COUNTER,
                  "Attempts to connect, or to open its file, that failed.", failures);
    outlet_family(m, &o, "tagline_outlet_values_total", TL_COUNTER, "Values that it stored.",
                  stored);
    outlet_family(m, &o, "tagline_outlet_rejected_total", TL_COUNTER,
                  "Values that its server refused.", rejected);
    outlet_family(m, &o, "tagline_outlet_dropped_total", TL_COUNTER,
                  "Values that a full spool dropped before it had them.", dropped);
    outlet_family(m, &o, "tagline_outlet_too_old_total", TL_COUNTER,
                  "Values that were older than keep when they came, and are not stored.", too_old);
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

static void (*const families[])(const tl_metrics_page *p) = {
  add_process, add_connections, add_messages,         add_failures,
  add_queues,  add_states,      add_handler_families, add_outlets,
};
_Static_assert(sizeof families / sizeof families[0] == TL_METRICS_FAMILIES, "all of them");

void tl_metrics_add_family (const tl_metrics_page *p, unsigned number) { families[number](p); }

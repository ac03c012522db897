/* core/web/metrics_text.c — see metrics_text.h. */
#include "web/metrics_text.h"

#include <math.h>
#include <stdlib.h>

#include "base/number.h"
#include "base/utf8.h"
#include "http/answer.h"

static size_t length_without (const char *name, const char *ending) {
  size_t n = strlen(name), e = strlen(ending);
  return n > e && strcmp(name + n - e, ending) == 0 ? n - e : n;
}

void tl_metric_begin (tl_metrics *m, const char *name, tl_metric_kind kind, const char *help) {
  static const char *const kinds[] = { "counter", "gauge", "info" };
  const char *word = kinds[kind == TL_INFO && !m->open ? TL_GAUGE : kind];
  size_t n = strlen(name);
  if (m->open && kind == TL_COUNTER) n = length_without(name, "_total");
  if (m->open && kind == TL_INFO) n = length_without(name, "_info");
  m->name = name;
  tl_buf_fmt(m->out, "# HELP %.*s %s\n# TYPE %.*s %s\n", (int)n, name, help, (int)n, name, word);
}

void tl_metric_sample (tl_metrics *m) {
  tl_buf_str(m->out, m->name);
  m->labelled = false;
}

static void add_escaped (tl_buf *out, tl_slice text) {
  for (size_t i = 0; i < text.len;) {
    tl_slice rest = tl_slice_of(text.at + i, text.len - i);
    size_t good = tl_utf8_prefix(rest.at, rest.len);
    for (size_t k = 0; k < good; k++) {
      uint8_t c = rest.at[k];
      if (c == '\\' || c == '"') tl_buf_byte(out, '\\');
      if (c == '\n')
        tl_buf_str(out, "\\n");
      else
        tl_buf_byte(out, c);
    }
    if (good < rest.len) tl_buf_str(out, "\xEF\xBF\xBD");
    i += good + (good < rest.len);
  }
}

void tl_metric_label (tl_metrics *m, const char *name, tl_slice value) {
  tl_buf_fmt(m->out, "%c%s=\"", m->labelled ? ',' : '{', name);
  add_escaped(m->out, value);
  tl_buf_byte(m->out, '"');
  m->labelled = true;
}

static void begin_value (tl_metrics *m) { tl_buf_str(m->out, m->labelled ? "} " : " "); }

void tl_metric_number (tl_metrics *m, double value) {
  const char *infinite = value > 0 ? "+Inf" : "-Inf";
  begin_value(m);
  if (isfinite(value))
    tl_number_format(m->out, value);
  else
    tl_buf_str(m->out, isnan(value) ? "NaN" : infinite);
  tl_buf_byte(m->out, '\n');
}

void tl_metric_integer (tl_metrics *m, int64_t value) {
  begin_value(m);
  tl_integer_format(m->out, value);
  tl_buf_byte(m->out, '\n');
}

void tl_metric_count (tl_metrics *m, uint64_t value) {
  begin_value(m);
  tl_buf_fmt(m->out, "%llu\n", (unsigned long long)value);
}

void tl_metrics_end (tl_metrics *m) {
  if (m->open) tl_buf_str(m->out, "# EOF\n");
}

/* --- Accept --- */

/* The weight of a media type in one element of Accept: -1, it is another one. */
static double weight_of (tl_slice element, const char *type) {
  const char *at = (const char *)element.at, *end = at + element.len;
  size_t n = strlen(type);
  while (at < end && (*at == ' ' || *at == '\t')) at++;
  if ((size_t)(end - at) < n || !tl_http_same(tl_slice_of(at, n), type)) return -1;
  if (at + n < end && at[n] != ';' && at[n] != ' ') return -1;
  const char *q = memmem(at, (size_t)(end - at), "q=", 2);
  if (!q) return 1;
  double weight = 0;
  size_t digits = strspn(q + 2, "0123456789.");
  if (q + 2 + digits > end) digits = (size_t)(end - q) - 2;
  return tl_number_parse(tl_slice_of(q + 2, digits), &weight) == TL_OK ? weight : 0;
}

bool tl_metrics_wants_open (const char *accept) {
  double open = 0, plain = 0;
  for (const char *at = accept; at && *at != '\0';) {
    size_t n = strcspn(at, ",");
    double a = weight_of(tl_slice_of(at, n), "application/openmetrics-text");
    double b = weight_of(tl_slice_of(at, n), "text/plain");
    if (a > open) open = a;
    if (b > plain) plain = b;
    at += n + (at[n] == ',');
  }
  return open > 0 && open >= plain;
}

/* core/web/metrics_text.h — metrics as text: Prometheus 0.0.4, or OpenMetrics 1.0.0. Pure: knows no
** metric. */
#ifndef TL_WEB_METRICS_TEXT_H
#define TL_WEB_METRICS_TEXT_H

#include "base/buf.h"

typedef enum { TL_COUNTER, TL_GAUGE, TL_INFO } tl_metric_kind;

/* `name` is that of the samples: a counter's ends in _total, an info's in _info. */
typedef struct {
  tl_buf *out;
  bool open; /* OpenMetrics */
  const char *name;
  bool labelled; /* the sample under way has labels */
} tl_metrics;

/* HELP and TYPE of the samples that follow; `help` is one line without backslashes. */
void tl_metric_begin (tl_metrics *m, const char *name, tl_metric_kind kind, const char *help);
/* A sample: its name, any number of labels (the value is escaped, bytes that are no UTF-8 become
** U+FFFD), and its value. */
void tl_metric_sample (tl_metrics *m);
void tl_metric_label (tl_metrics *m, const char *name, tl_slice value);
void tl_metric_number (tl_metrics *m, double value);
void tl_metric_integer (tl_metrics *m, int64_t value);
void tl_metric_count (tl_metrics *m, uint64_t value);
void tl_metrics_end (tl_metrics *m); /* "# EOF" where the format has it */

/* Does this Accept (may be NULL) want OpenMetrics rather than the older text? */
bool tl_metrics_wants_open (const char *accept);

#endif

/* core/web/facts.h — what /metrics tells of lines, gathered a slice of stations at a time; and the
** counters that a reload took away. Knows no text. */
#ifndef TL_WEB_FACTS_H
#define TL_WEB_FACTS_H

#include "gateway/gateway.h"
#include "repl/repl.h"
#include "web/web.h"

enum { TL_CAUSES = 4, TL_FACT_REASONS = TL_REASON_COUNT, TL_FACT_STATUSES = TL_ST_HARD_ERR + 1 };

/* What is counted on a line. */
typedef struct {
  uint64_t received[3], sent[3], bytes_in, bytes_out, unrouted, connects;
  uint64_t attempts_failed, values;
  uint64_t failed[TL_CAUSES], ends[TL_ENDS],
      unsent[TL_UNSENT]; /* failed: json, decoder, time, regex */
  uint64_t handler_ns[TL_HANDLER_KINDS], handler_errors[TL_HANDLER_KINDS];
} tl_line_counters;

/* A line, looked at once for a page. */
typedef struct {
  const tl_line *line; /* NULL: not begun */
  tl_slice name;       /* borrowed from the line */
  tl_line_counters sums;
  bool up;
  uint64_t stations[TL_FACT_STATUSES], tags[TL_INVALID + 1], reasons[TL_FACT_REASONS];
  tl_session_stats session;
  int64_t heard_ms; /* wall: the last message, 0 none */
} tl_line_facts;

/* All lines, and how far the gathering has got; all zero at first. */
typedef struct {
  tl_line_facts *lines;
  uint32_t count, line, station;
  int64_t heard; /* of the line under way */
  /* when it began: what a reload leaves is gathered anew */
  uint64_t reloads, line_changes;
} tl_facts;

/* Gather until `is_used(ctx)`; it is asked after each hundred stations. 1: all is there, with what
** reloads took away; 0: call again; TL_ENOMEM. */
int tl_facts_gather (tl_facts *f, tl_web *w, bool (*is_used)(const tl_web *w));
/* Are the lines still those of the model? If not, what was gathered must not be looked at. */
bool tl_facts_hold (const tl_facts *f, const tl_web *w);
void tl_facts_fini (tl_facts *f);

#endif

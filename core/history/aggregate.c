/* core/history/aggregate.c — see aggregate.h. */
#include "history/aggregate.h"

enum { REACH_MS = 27 * 3600 * 1000 }; /* more than any offset and any change of one */

static const char *const names[TL_AS_COUNT] = { "avg",  "time_avg", "min", "max", "first",
                                                "last", "count",    "sum", "good" };

bool tl_as_from_name (tl_slice name, tl_as *out) {
  for (int i = 0; i < TL_AS_COUNT; i++) {
    if (!tl_slice_eq(name, tl_slice_str(names[i]))) continue;
    *out = (tl_as)i;
    return true;
  }
  return false;
}

const char *tl_as_name (tl_as as) { return names[as]; }

static int64_t offset_at (const tl_aggregate *a, int64_t t) {
  size_t low = 0, high = a->shift_count; /* how many shifts are at t or before it */
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (a->shifts[middle].from_ms > t)
      high = middle;
    else
      low = middle + 1;
  }
  return low > 0 ? a->shifts[low - 1].offset_ms : a->offset_ms;
}

static int64_t floor_to (int64_t t, int64_t every) {
  int64_t rest = t % every;
  return t - (rest < 0 ? rest + every : rest);
}

/* Are all changes whole multiples of an interval? Then intervals keep their length, as hours do
** where the clocks are changed by one. */
static bool keeps_length (const tl_aggregate *a) {
  int64_t offset = a->offset_ms;
  for (size_t i = 0; i < a->shift_count; i++) {
    if ((a->shifts[i].offset_ms - offset) % a->every_ms != 0 && i > 0) return false;
    offset = a->shifts[i].offset_ms;
  }
  return true;
}

/* The first moment at which the zone's clocks show this time or, where they leave it out, a later
** one. */
static int64_t utc_of (const tl_aggregate *a, int64_t local) {
  int64_t before = offset_at(a, local - REACH_MS), t = local - before;
  int64_t behind = offset_at(a, t);
  if (behind == before) return t;
  int64_t later = local - behind;
  if (offset_at(a, later) == behind) return later;
  for (size_t i = a->shift_count; i > 0; i--) /* it is left out: the change lies in between */
    if (a->shifts[i - 1].from_ms <= t) return a->shifts[i - 1].from_ms;
  return t;
}

/* The end of the interval that begins at `begin`. A day in which the clocks change is longer or
** shorter. */
static int64_t end_of (const tl_aggregate *a, int64_t begin) {
  if (a->keeps_length) return begin + a->every_ms;
  return utc_of(a, floor_to(begin + offset_at(a, begin), a->every_ms) + a->every_ms);
}

/* The beginning of the interval that contains t. */
static int64_t begin_of (const tl_aggregate *a, int64_t t) {
  int64_t offset = offset_at(a, t), begin = floor_to(t + offset, a->every_ms);
  if (a->keeps_length) return begin - offset;
  begin = utc_of(a, begin);
  for (int64_t end; (end = end_of(a, begin)) <= t;) begin = end; /* an hour that is repeated */
  return begin;
}

static void clear (tl_aggregate *a, int64_t begin) {
  a->begin = begin;
  a->end = end_of(a, begin);
  a->at = begin < a->from_ms ? a->from_ms : begin;
  a->sum = a->area = a->min = a->max = a->first = a->last = 0;
  a->whole = (tl_whole){ 0 };
  a->is_whole = true;
  a->count = a->numbers = 0;
  a->good_ms = a->number_ms = 0;
}

void tl_aggregate_init (tl_aggregate *a) {
  a->keeps_length = keeps_length(a);
  clear(a, begin_of(a, a->from_ms));
  a->open = true;
}

static void put (tl_interval *i, tl_as as, double value) {
  i->has |= (uint16_t)(1 << as);
  i->value[as] = value;
}

static bool is_wanted_empty (const tl_aggregate *a) {
  return a->as & (1 << TL_AS_TIME_AVG | 1 << TL_AS_GOOD | 1 << TL_AS_COUNT_OF);
}

static void emit (tl_aggregate *a, int64_t end) {
  tl_interval i = { .time_ms = a->begin, .type = a->type };
  int64_t from = a->begin < a->from_ms ? a->from_ms : a->begin;
  if (a->numbers == 0 && !is_wanted_empty(a)) return;
  if (a->numbers > 0) {
    i.is_whole = a->is_whole;
    i.whole = a->whole;
    put(&i, TL_AS_AVG, a->sum / (double)a->numbers);
    put(&i, TL_AS_MIN, a->min);
    put(&i, TL_AS_MAX, a->max);
    put(&i, TL_AS_FIRST, a->first);
    put(&i, TL_AS_LAST, a->last);
    put(&i, TL_AS_SUM, a->sum);
  }
  put(&i, TL_AS_COUNT_OF, (double)a->count);
  if (a->number_ms > 0) put(&i, TL_AS_TIME_AVG, a->area / (double)a->number_ms);
  if (end > from) put(&i, TL_AS_GOOD, (double)a->good_ms / (double)(end - from));
  i.has &= a->as;
  if (!a->row(a->ctx, &i)) a->stopped = true;
}

static void hold_until (tl_aggregate *a, int64_t t) {
  if (t <= a->at) return;
  if (a->holds) a->good_ms += t - a->at;
  if (a->holds_number) {
    a->area += a->held * (double)(t - a->at);
    a->number_ms += t - a->at;
  }
  a->at = t;
}

/* Move on to time t, and report each interval that ends by then. */
static void advance (tl_aggregate *a, int64_t t) {
  while (!a->stopped && t >= a->end) {
    int64_t end = a->end;
    hold_until(a, end);
    emit(a, end);
    bool jump = !is_wanted_empty(a);
    clear(a, jump ? begin_of(a, t) : end);
  }
  hold_until(a, t);
}

static bool number_of (const tl_history_row *row, double *out) {
  switch ((tl_type)row->type) {
    case TL_AI:
    case TL_AO:
    case TL_TIR:
    case TL_TOR: *out = row->value.number; return true;
    case TL_DI:
    case TL_DO: *out = row->value.boolean; return true;
    case TL_TIA:
    case TL_TOA: *out = (double)row->value.integer / 1000; return true;
    case TL_TXTI:
    case TL_TXTO: return false;
    default: *out = (double)row->value.integer; return true;
  }
}

static bool is_whole (tl_type type) { return type == TL_CI || type == TL_CO || type == TL_QI; }

static void take_whole (tl_whole *w, int64_t value, bool first) {
  if (first || value < w->min) w->min = value;
  if (first || value > w->max) w->max = value;
  if (first) w->first = value;
  w->last = value;
}

static void take_number (tl_aggregate *a, const tl_history_row *row, double number) {
  bool first = a->numbers == 0;
  if (first || number < a->min) a->min = number;
  if (first || number > a->max) a->max = number;
  if (first) a->first = number;
  a->last = number;
  a->sum += number;
  a->numbers++;
  if (is_whole((tl_type)row->type))
    take_whole(&a->whole, row->value.integer, first);
  else
    a->is_whole = false;
}

bool tl_aggregate_row (tl_aggregate *a, const tl_history_row *row) {
  double number = 0;
  bool valid = row->status == TL_VALID, is_number = valid && number_of(row, &number);
  if (row->time_ms >= a->from_ms) {
    advance(a, row->time_ms);
    if (valid) a->count++;
    if (is_number) take_number(a, row, number);
  }
  a->type = row->type;
  a->holds = valid;
  a->holds_number = is_number;
  a->held = number;
  return !a->stopped;
}

void tl_aggregate_end (tl_aggregate *a) {
  if (a->stopped) return;
  advance(a, a->to_ms);
  if (a->at > a->begin && a->at > a->from_ms && !a->stopped) emit(a, a->at);
}

/* core/model/tag.c — one value: filters, setting, reporting. Must not know where values come
** from. */
#include <math.h>
#include <stdlib.h>

#include "base/number.h"
#include "model/model_impl.h"

/* a text's memory above this goes back when a much shorter value comes */
enum { SMALL_TEXT = 4096 };

/* --- keeping --- */

static inline bool same (tl_type type, const tl_value *a, const tl_value *b) {
  switch (type) {
    case TL_AI:
    case TL_AO:
    case TL_TIR:
    case TL_TOR: return a->number == b->number;
    case TL_DI:
    case TL_DO: return a->boolean == b->boolean;
    case TL_TXTI:
    case TL_TXTO: return tl_slice_eq(a->text, b->text);
    default: return a->integer == b->integer;
  }
}

/* The block of the tag's text is of another size now. */
static void count_text (tl_tag *t, size_t cap) {
  tl_station *s = t->station;
  s->text_bytes += (uint32_t)cap - t->text_cap;
  s->line->model->text_bytes += cap - t->text_cap;
  t->text_cap = (uint32_t)cap;
}

/* May it be of that size? */
static bool has_room (const tl_tag *t, size_t cap) {
  const tl_station *s = t->station;
  const tl_model *m = s->line->model;
  if (!s->made_by || cap <= t->text_cap) return true;
  size_t more = cap - t->text_cap;
  return (m->instance_text_max == 0 || s->text_bytes + more <= m->instance_text_max) &&
         (m->text_max == 0 || m->text_bytes + more <= m->text_max);
}

static void forget_text (tl_tag *t) {
  free((void *)(uintptr_t)t->value.text.at);
  t->value.text = tl_slice_of(NULL, 0);
  count_text(t, 0);
}

void tl_tag_drop (tl_tag *t) {
  if (tl_type_is_text(tl_tag_def(t)->type)) forget_text(t);
}

/* The tag's own copy; value.text.at stays the owned block whatever its length. TL_ENOMEM;
** TL_EFULL: a bound leaves no room. */
static int store_text (tl_tag *t, tl_slice text) {
  if (text.len > t->text_cap || (t->text_cap > SMALL_TEXT && text.len < t->text_cap / 4)) {
    size_t cap = (text.len + text.len / 8 + 16) & ~(size_t)15;
    if (cap > UINT32_MAX) return TL_ENOMEM;
    if (!has_room(t, cap)) return TL_EFULL;
    uint8_t *copy = malloc(cap);
    if (!copy) return TL_ENOMEM;
    if (text.len) memcpy(copy, text.at, text.len);
    forget_text(t);
    t->value.text = tl_slice_of(copy, text.len);
    count_text(t, cap);
    return TL_OK;
  }
  /* memmove: a handler may put back a part of the value it got. */
  if (text.len) memmove((void *)(uintptr_t)t->value.text.at, text.at, text.len);
  t->value.text.len = text.len;
  return TL_OK;
}

static inline int store (tl_tag *t, tl_type type, const tl_value *v) {
  if (tl_type_is_text(type)) return store_text(t, v->text);
  t->value = *v;
  return TL_OK;
}

/* Last: hooks run scripts, which may set this tag again. */
static inline void notify (tl_tag *t, const tl_tagdef *def, bool report) {
  tl_model *m = t->station->line->model;
  if (m->hooks.trace) m->hooks.trace(m->ctx, t);
  if (report) {
    t->station->line->values++;
    if (m->hooks.value) m->hooks.value(m->ctx, t);
  } else if (m->hooks.again && def->history.silence_ms > 0) {
    m->hooks.again(m->ctx, t);
  }
}

/* Is an equal value a new one? With ACK_ID each message is: two messages at QoS 0 may have the same
** time, and the handler that acknowledges the second one must be called,
** or the line stands still. */
static inline bool is_again (const tl_tag *t, const tl_tagdef *def, int64_t time_ms) {
  return def->new_value_on_time_change &&
         (t->time_ms != time_ms ||
          (def->kind == TL_ADDRESS_IN_ID && t->station->plan->special.ack_id >= 0));
}

static bool refuse_text (tl_tag *t, size_t bytes, int64_t time_ms) {
  const tl_model *m = t->station->line->model;
  t->station->line->text_refused++;
  if (m->hooks.text_limit) m->hooks.text_limit(m->ctx, t, bytes);
  tl_tag_invalidate(t, TL_REASON_RANGE, time_ms);
  return true;
}

static inline bool put (tl_tag *t, const tl_tagdef *def, const tl_value *v, int64_t time_ms) {
  bool report;
  if (t->status == TL_VALID && same(def->type, &t->value, v)) {
    report = is_again(t, def, time_ms);
  } else {
    int rc = store(t, def->type, v);
    if (rc == TL_EFULL) return refuse_text(t, v->text.len, time_ms);
    if (rc != TL_OK) {
      t->station->line->model->starved = true;
      return false;
    }
    t->status = TL_VALID;
    t->reason = TL_REASON_NONE;
    report = true;
  }
  t->time_ms = time_ms;
  notify(t, def, report);
  return true;
}

bool tl_tag_put (tl_tag *t, const tl_value *v, int64_t time_ms) {
  return put(t, tl_tag_def(t), v, time_ms);
}

int tl_tag_begin (tl_tag *t, int64_t time_ms) {
  const tl_value *value = tl_plan_default(t->station->plan, t->index);
  tl_type type = tl_tag_def(t)->type;
  if (!value || !tl_type_is_output(type)) return TL_OK;
  if (store(t, type, value) != TL_OK) return TL_ENOMEM;
  t->status = TL_VALID;
  t->reason = TL_REASON_NONE;
  t->time_ms = time_ms;
  return TL_OK;
}

/* Is the message only for tags that have no value yet, and does this tag have one? Then it keeps
** its value. */
static inline bool is_settled (const tl_tag *t) {
  return t->status != TL_UNSET && t->station->line->model->only_unset;
}

void tl_tag_invalidate (tl_tag *t, tl_reason reason, int64_t time_ms) {
  if (is_settled(t) && t->station->status == TL_ST_ON) return;
  const tl_tagdef *def = tl_tag_def(t);
  bool report = true;
  if (t->status == TL_INVALID && t->reason == reason) {
    report = def->new_value_on_time_change && t->time_ms != time_ms;
  } else {
    if (!tl_type_is_text(def->type))
      t->value = (tl_value){ 0 };
    else if (t->text_cap > SMALL_TEXT)
      forget_text(t);
    else
      t->value.text.len = 0;
    t->status = TL_INVALID;
    t->reason = (uint8_t)reason;
  }
  t->time_ms = time_ms;
  notify(t, def, report);
}

void tl_tag_missing (tl_tag *t, int64_t time_ms) {
  const tl_tagdef *def = tl_tag_def(t);
  if (def->on_missing == TL_MISSING_KEEP || is_settled(t)) return;
  const tl_value *value = tl_plan_default(t->station->plan, t->index);
  if (def->on_missing == TL_MISSING_DEFAULT && value && put(t, def, value, time_ms)) return;
  tl_tag_invalidate(t, TL_REASON_MISSING, time_ms);
}

/* --- linear, range, deadband --- */

__extension__ typedef __int128 wide;

typedef enum { TAKE, DROP, OUTSIDE } verdict;

static int64_t saturate (wide w) {
  if (w > INT64_MAX) return INT64_MAX;
  if (w < INT64_MIN) return INT64_MIN;
  return (int64_t)w;
}

static bool integral (double d, int64_t *out) { /* 2^63 itself is not in range */
  if (!(d >= -9223372036854775808.0 && d < 9223372036854775808.0) || d != trunc(d)) return false;
  *out = (int64_t)d;
  return true;
}

/* Integers stay exact as long as k and q are integers; otherwise through real numbers and back,
** rounded and saturated. */
static verdict linear_integer (const tl_tagdef *def, int64_t *v) {
  int64_t k, q;
  if (integral(def->linear_k, &k) && integral(def->linear_q, &q)) {
    *v = saturate((wide)*v * k + q);
    return TAKE;
  }
  return tl_integer_from((double)*v * def->linear_k + def->linear_q, v) == TL_OK ? TAKE : OUTSIDE;
}

static verdict range_number (const tl_tagdef *def, double *v) {
  if (*v >= def->range_min && *v <= def->range_max) return TAKE;
  if (def->out_of_range == TL_RANGE_DISCARD) return DROP;
  if (def->out_of_range == TL_RANGE_INVALID) return OUTSIDE;
  *v = *v < def->range_min ? def->range_min : def->range_max;
  return TAKE;
}

/* The integers between the bounds, so that clamping stays inside them and 64-bit values are
** compared in full. */
static bool integer_bounds (const tl_tagdef *def, int64_t *low, int64_t *high) {
  return tl_integer_from(ceil(def->range_min), low) == TL_OK &&
         tl_integer_from(floor(def->range_max), high) == TL_OK && *low <= *high;
}

static verdict range_integer (const tl_tagdef *def, int64_t *v) {
  int64_t low, high;
  bool some = integer_bounds(def, &low, &high);
  if (some && *v >= low && *v <= high) return TAKE;
  if (def->out_of_range == TL_RANGE_DISCARD) return DROP;
  if (def->out_of_range == TL_RANGE_INVALID || !some) return OUTSIDE;
  *v = *v < low ? low : high;
  return TAKE;
}

static double distance (int64_t a, int64_t b) {
  return a > b ? (double)((uint64_t)a - (uint64_t)b) : (double)((uint64_t)b - (uint64_t)a);
}

/* In this order: linear, range (out_of_range says what becomes of a number outside), deadband: a
** change of no more than that leaves the value as it is. */
static verdict filter_number (const tl_tag *t, const tl_tagdef *def, tl_value *v) {
  if (def->has_linear) v->number = v->number * def->linear_k + def->linear_q;
  if (!isfinite(v->number)) return OUTSIDE;
  if (def->has_range) {
    verdict verdict_of_range = range_number(def, &v->number);
    if (verdict_of_range != TAKE) return verdict_of_range;
  }
  if (def->deadband > 0 && t->status == TL_VALID &&
      tl_number_is_within(v->number, t->value.number, def->deadband))
    *v = t->value;
  return TAKE;
}

/* The same without a detour over double, which has no room for the digits of large integers. */
static verdict filter_integer (const tl_tag *t, const tl_tagdef *def, tl_value *v) {
  verdict result = def->has_linear ? linear_integer(def, &v->integer) : TAKE;
  if (result == TAKE && def->has_range) result = range_integer(def, &v->integer);
  if (result != TAKE) return result;
  if (def->deadband > 0 && t->status == TL_VALID &&
      distance(v->integer, t->value.integer) <= def->deadband)
    *v = t->value;
  return TAKE;
}

static __attribute__((noinline)) bool take_filtered (tl_tag *t, const tl_tagdef *def, tl_value v,
                                                     int64_t time_ms) {
  switch (tl_type_is_integer(def->type) ? filter_integer(t, def, &v) : filter_number(t, def, &v)) {
    case TAKE: return put(t, def, &v, time_ms);
    case OUTSIDE: tl_tag_invalidate(t, TL_REASON_RANGE, time_ms); return true;
    case DROP: return true;
  }
  return true;
}

bool tl_tag_take (tl_tag *t, const tl_tagdef *def, const tl_value *v, int64_t time_ms) {
  if (is_settled(t)) return true;
  return def->filtered ? take_filtered(t, def, *v, time_ms) : put(t, def, v, time_ms);
}

bool tl_tag_receive (tl_tag *t, const tl_value *v, int64_t time_ms) {
  return tl_tag_take(t, tl_tag_def(t), v, time_ms);
}

/* --- writing --- */

static void bound (tl_buf *out, double d) {
  if (isfinite(d))
    tl_number_format(out, d);
  else
    tl_buf_str(out, d < 0 ? "-infinity" : "infinity");
}

static int outside (const tl_tagdef *def, tl_err *err) {
  tl_buf text;
  tl_buf_init(&text);
  bound(&text, def->range_min);
  tl_buf_str(&text, "..");
  bound(&text, def->range_max);
  int rc = tl_fail(err, TL_ERANGE, 0, "expected a value within %.*s", TL_ARG(tl_buf_bytes(&text)));
  tl_buf_fini(&text);
  return rc;
}

static wide divide (wide a, wide b) { /* rounded half away from zero */
  wide up = a < 0 ? -a : a, down = b < 0 ? -b : b;
  wide result = (up + down / 2) / down;
  return (a < 0) != (b < 0) ? -result : result;
}

static int integer_to_device (const tl_tagdef *def, int64_t v, int64_t *out, tl_err *err) {
  int64_t low, high, k, q;
  if (def->has_range && (!integer_bounds(def, &low, &high) || v < low || v > high))
    return outside(def, err);
  if (!def->has_linear) {
    *out = v;
    return TL_OK;
  }
  if (integral(def->linear_k, &k) && integral(def->linear_q, &q) && k != 0) {
    wide raw = divide((wide)v - q, k);
    if (raw != saturate(raw))
      return tl_fail(err, TL_ERANGE, 0, "the inverse of linear does not fit 64 bits");
    *out = (int64_t)raw;
    return TL_OK;
  }
  double raw = ((double)v - def->linear_q) / def->linear_k;
  if (!(fabs(raw) < 9223372036854775808.0))
    return tl_fail(err, TL_ERANGE, 0, "the inverse of linear does not fit 64 bits");
  return tl_integer_from(raw, out);
}

int tl_tag_to_device (const tl_tag *t, const tl_value *v, tl_value *out, tl_err *err) {
  const tl_tagdef *def = tl_tag_def(t);
  if (!def->filtered) {
    *out = *v;
    return TL_OK;
  }
  if (tl_type_is_integer(def->type)) return integer_to_device(def, v->integer, &out->integer, err);
  double raw = v->number;
  if (def->has_range && !(raw >= def->range_min && raw <= def->range_max)) return outside(def, err);
  if (def->has_linear) raw = (raw - def->linear_q) / def->linear_k;
  if (!isfinite(raw))
    return tl_fail(err, TL_ERANGE, 0, "the inverse of linear is not a finite number");
  out->number = raw;
  return TL_OK;
}

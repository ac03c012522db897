/* core/outlet/collect.c — see collect.h. */
#include "outlet/collect.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/number.h"
#include "gateway/once.h"
#include "model/walk.h"
#include "spool/record.h"

enum { RETRY_MS = 1000, SLOW_MS = 200, RATE_MS = 60000 };

/* What is known of a tag beside its value. */
typedef struct {
  char *name; /* owned: "line.station.tag" */
  uint32_t name_len;
  uint32_t segment; /* in which it was defined; 0: in none */
  uint32_t id;      /* there */
  int64_t time_ms;  /* of the last value, for n */
  uint16_t n;
  uint8_t type; /* tl_type */
  bool heard;   /* there was one */
  bool stored;  /* `last` is what a history has: a valid number */
  bool hidden;  /* `held` was hidden by the deadband */
  bool missed;  /* there was no memory for its last value: it is taken once there is */
  double last;
  int64_t stored_ms; /* the time of the last value that a history has */
  tl_sample held;
} series;

struct tl_collect {
  tl_observer observer;
  tl_gateway *gateway;
  tl_loop *loop;
  tl_spool *spool;
  tl_timer *retry;
  series *list;
  uint32_t count, cap;
  uint32_t ids, ids_of; /* how many are defined in the segment ids_of */
  tl_map by_name;       /* name → (void *)(index + 1) */
  tl_buf scratch;
  uint64_t values, cut;
  void (*written)(void *ctx);
  void *ctx;
  tl_err err;
  int64_t since;
  bool failing;
  bool missed;         /* some series are, or were not even made: */
  bool missed_unknown; /* tags of which none is known yet */
  bool missed_now;     /* in this wake-up */
  uint64_t left_out;   /* values for which there was no room while the disk is full */
  double rate;         /* bytes/s, over RATE_MS or so */
  int64_t rated_at, begun_at;
  uint64_t rated; /* tl_spool_written of that time */
};

static series *make_series (tl_collect *c, tl_tag *t) {
  if (c->count == c->cap) {
    uint32_t cap = c->cap > 0 ? c->cap * 2 : 256;
    series *more = realloc(c->list, cap * sizeof *more);
    if (!more) return NULL;
    c->list = more;
    c->cap = cap;
  }
  char *name = malloc(c->scratch.len);
  if (!name) return NULL;
  memcpy(name, c->scratch.at, c->scratch.len);
  tl_slice key = tl_slice_of(name, c->scratch.len);
  if (tl_map_put(&c->by_name, key, (void *)(uintptr_t)(c->count + 1)) < 0) {
    free(name);
    return NULL;
  }
  t->series = ++c->count;
  c->list[c->count - 1] = (series){ .name = name, .name_len = (uint32_t)key.len };
  return &c->list[c->count - 1];
}

/* A tag that a reload made anew goes on with what is known of its name. */
static series *series_of (tl_collect *c, tl_tag *t) {
  if (t->series > 0 && t->series <= c->count) return &c->list[t->series - 1];
  tl_buf_clear(&c->scratch);
  tl_tag_full_name(t, &c->scratch);
  if (c->scratch.failed) return NULL;
  uintptr_t known = (uintptr_t)tl_map_get(&c->by_name, tl_buf_bytes(&c->scratch));
  if (known == 0) return make_series(c, t);
  t->series = (uint32_t)known;
  return &c->list[known - 1];
}

static tl_slice text_of (const char *text) { return text ? tl_slice_str(text) : TL_LIT(""); }

/* Within a segment ids count from 0 in the order in which tags show up. */
static void define (tl_collect *c, series *s, const tl_tagdef *def, uint32_t segment, tl_buf *out) {
  if (s->segment == segment) return;
  if (c->ids_of != segment) {
    c->ids_of = segment;
    c->ids = 0;
  }
  s->segment = segment;
  s->id = c->ids++;
  tl_series d = { .id = s->id,
                  .type = (uint8_t)def->type,
                  .name = tl_slice_of(s->name, s->name_len),
                  .unit = text_of(def->unit),
                  .description = text_of(def->description),
                  .deadband = def->history.deadband,
                  .keep_ms = def->history.keep_ms };
  tl_record_series(out, &d);
}

/* There is no memory for a value: no further message is read until the value is in the batch. */
static void miss (tl_collect *c, series *s) {
  if (s)
    s->missed = true;
  else
    c->missed_unknown = true;
  c->missed = c->missed_now = true;
  tl_gateway_hold(c->gateway);
}

/* False: no memory. */
static bool write_sample (tl_collect *c, series *s, const tl_tagdef *def, tl_sample *v) {
  if (tl_gateway_is_stored(c->gateway)) return true; /* it is in the spool */
  uint32_t segment;
  bool cut;
  tl_buf *out = tl_spool_begin(c->spool, tl_clock_wall_ms(), &segment);
  if (!out) return false;
  size_t before = out->len;
  uint32_t ids = c->ids, ids_of = c->ids_of, defined = s->segment;
  define(c, s, def, segment, out);
  v->series = s->id;
  tl_record_sample(out, v, def->type, &cut);
  if (out->failed) { /* the rest of the batch is whole */
    out->len = before;
    out->failed = false;
    c->ids = ids; /* they leave no gap */
    c->ids_of = ids_of;
    s->segment = defined;
    return false;
  }
  tl_spool_added(c->spool, v->time_ms);
  c->values++;
  c->cut += cut;
  return true;
}

/* Must this value be left out? While the spool cannot be written no message is read, but timers and
** statuses still make values, which would fill the memory. */
static bool is_too_much (tl_collect *c, const tl_tag *t) {
  if (!c->failing || tl_spool_pending(c->spool) < TL_SPOOL_BATCH) return false;
  if (c->left_out++ == 0)
    tl_log(TL_LOG_ERROR, "spool",
           "values of timers, statuses and simulation are left out, too: "
           "they fill the memory while the spool cannot be written");
  tl_spool_skip(c->spool, t->time_ms);
  return true;
}

static bool number_of (tl_type type, const tl_sample *v, double *out) {
  if (v->status != TL_VALID) return false;
  if (type == TL_AI || type == TL_AO || type == TL_TIR || type == TL_TOR)
    *out = v->value.number;
  else if (type == TL_CI || type == TL_CO)
    *out = (double)v->value.integer;
  else
    return false;
  return true;
}

/* Does the deadband of the tag's history hide this value? */
static bool is_hidden (const series *s, const tl_history_options *o, bool number, double now,
                       const tl_sample *v) {
  if (o->deadband <= 0 || !number || !s->stored) return false;
  if (!tl_number_is_within(now, s->last, o->deadband)) return false;
  return o->silence_ms <= 0 || v->time_ms - s->stored_ms < o->silence_ms;
}

/* Put the value into the batch, and note in `s` what a history has of it. False: no memory; then
** `s` is as before. */
static bool record (tl_collect *c, series *s, const tl_tagdef *def, tl_sample *v, double now,
                    bool number) {
  series before = *s;
  s->heard = true;
  s->time_ms = v->time_ms;
  s->n = v->n;
  s->missed = false;
  bool well = true;
  if (def->history.off || is_hidden(s, &def->history, number, now, v)) {
    v->only = TL_FOR_OTHERS;
    s->hidden = !def->history.off;
    if (s->hidden) s->held = *v;
  } else {
    /* The value leaves the deadband: the last hidden value is stored before it, so that the curve
    ** has its corner at the right time. */
    if (s->hidden) {
      s->held.only = TL_FOR_HISTORIES;
      well = write_sample(c, s, def, &s->held);
      before.hidden = !well; /* once, even if there is no memory for what follows it */
    }
    s->hidden = false;
    s->stored = number;
    s->last = now;
    s->stored_ms = v->time_ms;
  }
  if (well && write_sample(c, s, def, v)) return true;
  before.segment = s->segment; /* what is defined is defined */
  before.id = s->id;
  *s = before;
  return false;
}

/* A tag has a new value: into the spool, for all outlets, or for all but histories when the
** config's `history` hides it (record, is_hidden: from the last value that a history has). */
static void take (tl_collect *c, tl_tag *t) {
  const tl_tagdef *def = tl_tag_def(t);
  if (is_too_much(c, t)) return;
  series *s = series_of(c, t);
  if (!s) {
    miss(c, NULL);
    return;
  }
  if (s->heard && s->type != def->type) { /* a reload made it something else */
    s->segment = 0;
    s->stored = s->hidden = false;
  }
  s->type = (uint8_t)def->type;
  tl_sample v = {
    .status = t->status, .reason = t->reason, .time_ms = t->time_ms, .value = t->value
  };
  double now = 0;
  bool number = number_of(def->type, &v, &now);
  v.n = s->heard && s->time_ms == v.time_ms ? (uint16_t)(s->n + 1) : 0;
  if (!record(c, s, def, &v, now, number)) miss(c, s);
}

static bool is_missed (const tl_collect *c, const tl_tag *t) {
  if (t->status == TL_UNSET) return false;
  return t->series == 0 ? c->missed_unknown : c->list[t->series - 1].missed;
}

/* Once more those for which there was no memory. Their tags are as they were, for nothing was read
** meanwhile. */
static void take_missed (tl_collect *c) {
  const tl_model *m = tl_gateway_model(c->gateway);
  bool unknown = c->missed_unknown;
  c->missed = false;
  tl_tag_walk walk = { .line = 0 };
  for (tl_tag *t; (t = tl_tag_walk_next(&walk, m, NULL)) != NULL;) {
    c->missed_unknown = unknown;
    if (is_missed(c, t)) take(c, t);
  }
  c->missed_unknown = unknown && c->missed;
}

static void on_value (void *ctx, tl_tag *t) {
  tl_collect *c = ctx;
  take(c, t);
  tl_gateway_settle(c->gateway); /* timers make values, too */
}

/* The same value came again: it is stored if nothing was stored for max_silence. */
static void on_again (void *ctx, tl_tag *t) {
  tl_collect *c = ctx;
  const tl_tagdef *def = tl_tag_def(t);
  series *s = series_of(c, t);
  if (!s || def->history.off || !s->heard) return;
  if (t->time_ms - s->stored_ms < def->history.silence_ms) return;
  take(c, t);
  tl_gateway_settle(c->gateway);
}

static void on_retry (void *ctx) { tl_gateway_settle(((tl_collect *)ctx)->gateway); }

static bool fail (tl_collect *c) {
  if (!c->failing) {
    c->failing = true;
    c->since = tl_loop_now(c->loop);
    tl_log(TL_LOG_ERROR, "spool", "%s: nothing is acknowledged until it can be written",
           c->err.text);
  }
  tl_timer_at(c->retry, tl_loop_now(c->loop) + RETRY_MS);
  return false;
}

/* Bytes a second, the last minute more than what was before. */
static void rate (tl_collect *c) {
  int64_t now = tl_loop_now(c->loop), passed = now - c->rated_at;
  uint64_t written = tl_spool_written(c->spool);
  if (passed < 1000) return;
  double part = 1 - exp(-(double)passed / RATE_MS);
  c->rate += part * ((double)(written - c->rated) * 1000 / (double)passed - c->rate);
  c->rated_at = now;
  c->rated = written;
}

static void mark (void *ctx, const tl_message_mark *r) {
  tl_mark m = { r->line, r->id, r->sum };
  tl_spool_mark(((tl_collect *)ctx)->spool, &m);
}

/* Commit the batch, and log if the disk took long, since all lines wait for it. */
static int commit (tl_collect *c) {
  uint64_t before = tl_clock_mono_ns();
  /* a message of which a value is missing is not marked as stored */
  if (!c->missed) tl_gateway_each_mark(c->gateway, mark, c);
  int rc = tl_spool_commit(c->spool, tl_clock_wall_ms(), &c->err);
  uint64_t took = (tl_clock_mono_ns() - before) / 1000000;
  if (took >= SLOW_MS)
    tl_log(TL_LOG_WARN, "spool", "the disk took %.1f s for a write; everything waits meanwhile",
           (double)took / 1000);
  if (rc >= 0) tl_gateway_set_place(c->gateway, tl_spool_id(c->spool), tl_spool_next(c->spool));
  return rc;
}

static bool on_settled (void *ctx) {
  tl_collect *c = ctx;
  bool news = tl_spool_is_dirty(c->spool);
  if (news && commit(c) < 0) return fail(c);
  if (c->missed && !c->missed_now) {
    take_missed(c);
    news = true;
    if (!c->missed && commit(c) < 0) return fail(c);
  }
  c->missed_now = false;
  if (c->missed) {
    tl_fail(&c->err, TL_ENOMEM, 0, "there is no memory for a value, or too many came at once");
    return fail(c);
  }
  if (!news && c->left_out > 0 && commit(c) < 0) return fail(c);
  if (c->failing) {
    c->failing = false;
    tl_log(TL_LOG_INFO, "spool", "written again");
    if (c->left_out > 0)
      tl_log(TL_LOG_WARN, "spool", "%llu values were left out meanwhile",
             (unsigned long long)c->left_out);
    c->left_out = 0;
  }
  rate(c);
  if (news) c->written(c->ctx);
  return true;
}

static void found (void *ctx, uint64_t number, const tl_mark *m) {
  tl_message_mark r = { m->line, m->id, m->sum };
  tl_gateway_found_mark(((tl_collect *)ctx)->gateway, number, &r);
}

int tl_collect_new (tl_collect **out, tl_gateway *g, tl_loop *loop, tl_spool *spool,
                    void (*written)(void *ctx), void *ctx) {
  tl_collect *c = calloc(1, sizeof *c);
  if (!c) return TL_ENOMEM;
  c->gateway = g;
  c->loop = loop;
  c->spool = spool;
  c->written = written;
  c->ctx = ctx;
  c->rated_at = c->begun_at = tl_loop_now(loop);
  c->rated = tl_spool_written(spool);
  tl_buf_init(&c->scratch);
  tl_map_init(&c->by_name);
  int rc = tl_timer_new(&c->retry, loop, on_retry, c);
  if (rc < 0) {
    free(c);
    return rc;
  }
  c->observer =
      (tl_observer){ .value = on_value, .again = on_again, .settled = on_settled, .ctx = c };
  tl_gateway_observe(g, &c->observer);
  tl_spool_found_marks(spool, found, c);
  tl_gateway_set_place(g, tl_spool_id(spool), tl_spool_next(spool));
  *out = c;
  return TL_OK;
}

void tl_collect_free (tl_collect *c) {
  if (!c) return;
  tl_gateway_unobserve(c->gateway, &c->observer);
  tl_timer_close(c->retry);
  for (uint32_t i = 0; i < c->count; i++) free(c->list[i].name);
  free(c->list);
  tl_map_fini(&c->by_name);
  tl_buf_fini(&c->scratch);
  free(c);
}

void tl_collect_renew (tl_collect *c) {
  for (uint32_t i = 0; i < c->count; i++) c->list[i].segment = 0;
}

void tl_collect_get (const tl_collect *c, tl_collect_facts *out) {
  int64_t now = tl_loop_now(c->loop), idle = now - c->rated_at;
  /* What was not written since counts, too; a process that has just begun has no rate yet. */
  double young = 1 - exp(-(double)(now - c->begun_at + 1000) / RATE_MS);
  *out = (tl_collect_facts){ .values = c->values,
                             .cut = c->cut,
                             .why = c->failing ? c->err.text : "",
                             .since = c->since,
                             .rate = c->rate * exp(-(double)idle / RATE_MS) / young };
}

/* core/explain/examine.c — what the last messages of a line show to be wrong, though each was
** taken: times that cannot be right, numbers that lost digits, messages that come twice. Looks at
** what the recorder holds, so that receiving costs nothing. */
#include "explain/examine.h"

#include <math.h>
#include <stdlib.h>

#include "base/number.h"
#include "base/topic.h"
#include "explain/explain_impl.h"
#include "gateway/recorder.h"
#include "payload/blanks.h"

enum {
  LOOKED_AT = 256, /* messages, newest first */
  /* ms: two equal messages within this time count as one message that came twice */
  DOUBLE_MS = 1000,
  AHEAD_MS = 10 * 60 * 1000,    /* a clock may be off by so much */
  DAY_MS = 24 * 60 * 60 * 1000, /* what is older did not happen now */
  HALF_HOUR_MS = 30 * 60 * 1000,
  ZONES_MS = 14 * 60 * 60 * 1000,
  NEAR_MS = 60 * 1000, /* a device's clock, and the way */
  EXACT = 15,          /* decimal digits that a double always holds */
  FILTERS = 3,         /* that are named */
  DOUBLES = 8,         /* topics that are named */
  LONG_NUMBER = 64
};
#define YEAR_1980_MS INT64_C(315532800000)

typedef struct {
  tl_link *link;
  int64_t wall;
  tl_buf *out;
  const tl_station *seen[LOOKED_AT];
  uint32_t seen_count;
  tl_slice doubles[DOUBLES]; /* topics */
  uint32_t double_count;
} look;

static void open_finding (look *k, const char *kind, const tl_station *s, const tl_tag *tag) {
  tl_member_open(k->out, NULL, '{');
  tl_member_word(k->out, "kind", kind);
  tl_member(k->out, "station");
  tl_buf_byte(k->out, '"');
  tl_station_full_name(s, k->out);
  tl_buf_byte(k->out, '"');
  if (!tag) return;
  tl_member(k->out, "tag");
  tl_buf_byte(k->out, '"');
  tl_tag_full_name(tag, k->out);
  tl_buf_byte(k->out, '"');
}

static void close_finding (look *k) { tl_buf_byte(k->out, '}'); }

static void number_member (look *k, const char *key, double n) {
  tl_member(k->out, key);
  tl_number_format(k->out, n);
}

/* --- times --- */

static bool is_filled (const tl_station *s, uint16_t i) {
  const tl_tagdef *d = &s->plan->tags[i];
  return d->kind != TL_ADDRESS_ACK_ID && d->kind != TL_ADDRESS_OUT_TOPIC &&
         d->kind != TL_ADDRESS_OUT_VALUE && s->tags[i].status != TL_UNSET;
}

/* The oldest and the newest time of its values; false: it has none. */
static bool times_of (const tl_station *s, int64_t *oldest, int64_t *newest) {
  bool any = false;
  for (uint16_t i = 0; i < s->plan->tag_count; i++) {
    if (!is_filled(s, i)) continue;
    if (!any || s->tags[i].time_ms > *newest) *newest = s->tags[i].time_ms;
    if (!any || s->tags[i].time_ms < *oldest) *oldest = s->tags[i].time_ms;
    any = true;
  }
  return any;
}

static bool is_epoch (int64_t ms) { return ms >= 0 && ms < YEAR_1980_MS; }

static const char *mask_text (const tl_plan *p, tl_buf *room) {
  tl_buf_slice(room, p->time.text.len > 0 ? p->time.text : TL_LIT(TL_TIMEMASK_DEFAULT));
  tl_buf_byte(room, '\0');
  return room->failed ? "" : (const char *)room->at;
}

/* The mask, another than the station's, by which the text is a time within a day of its arrival. */
static const char *fitting (const tl_station *s, tl_slice text, int64_t wall) {
  int64_t ms = 0;
  const char *mask = tl_timemask_guess(s->plan->rule.zone, text, wall, &ms);
  if (!mask || tl_slice_eq(s->plan->time.text, tl_slice_str(mask))) return NULL;
  return llabs(ms - wall) <= DAY_MS ? mask : NULL;
}

/* dd and mm changed places: both masks read the same text as two days of one year. */
static bool swaps (const tl_plan *p, const char *mask) {
  tl_buf own;
  tl_buf_init(&own);
  const char *mine = mask_text(p, &own);
  const char *day = strstr(mine, "dd"), *month = strstr(mine, "mm");
  const char *other_day = strstr(mask, "dd"), *other_month = strstr(mask, "mm");
  bool yes = day && month && other_day && other_month && (day < month) != (other_day < other_month);
  tl_buf_fini(&own);
  return yes;
}

/* Off by what two time zones differ by, and by next to nothing else. */
static bool is_zone (int64_t behind) {
  int64_t off = llabs(behind), rest = off % HALF_HOUR_MS;
  if (off < HALF_HOUR_MS - NEAR_MS || off > ZONES_MS + NEAR_MS) return false;
  return rest <= NEAR_MS || rest >= HALF_HOUR_MS - NEAR_MS;
}

/* `text`: of the time field that was read as `ms`; at NULL where decode gave the time. */
static void add_time (look *k, const tl_station *s, const tl_incoming *m, int64_t ms,
                      tl_slice text) {
  int64_t behind = m->wall - ms;
  bool zone = is_zone(behind);
  if (behind <= DAY_MS && behind >= -AHEAD_MS && !zone) return;
  const char *mask = text.at ? fitting(s, text, m->wall) : NULL;
  open_finding(k, "time", s, NULL);
  tl_member_time(k->out, "value", ms);
  number_member(k, "behind", (double)behind / 1000.0);
  if (mask) tl_member_word(k->out, swaps(s->plan, mask) ? "swapped" : "fits", mask);
  if (is_epoch(ms)) tl_member_flag(k->out, "epoch", true);
  if (zone) tl_member_flag(k->out, "zone", true);
  close_finding(k);
}

/* Is this time wrong, also for a message that has waited for long: a retained one, say? */
static bool is_wrong_for_any (int64_t arrival, int64_t ms) {
  return ms > arrival + AHEAD_MS || is_epoch(ms);
}

/* Check the times that decode returned. It is not known which message they belong to, so only times
** that are wrong for every message are reported. */
static void check_decoded (look *k, const tl_station *s, const tl_incoming *m) {
  int64_t oldest = 0, newest = 0;
  if (times_of(s, &oldest, &newest) && is_wrong_for_any(m->wall, newest))
    add_time(k, s, m, newest, tl_slice_of(NULL, 0));
}

static void add_mask (look *k, const tl_station *s, const tl_tag *tag, tl_slice field,
                      tl_slice text, const tl_incoming *m) {
  const tl_plan *p = s->plan;
  int64_t ms;
  /* what spring leaves out does not exist by any mask */
  bool gap = tl_timemask_parse(p->time.mask, p->rule.zone, text, &ms) == TL_ENOENT;
  const char *mask = gap ? NULL : tl_timemask_guess(p->rule.zone, text, m->wall, NULL);
  open_finding(k, "mask", s, tag);
  tl_explain_raw(k->out, "raw", text);
  tl_explain_raw(k->out, "field", field);
  tl_explain_raw(k->out, "mask", p->time.text.len > 0 ? p->time.text : TL_LIT(TL_TIMEMASK_DEFAULT));
  if (gap) tl_member_word(k->out, "gap", p->rule.zone ? tl_zone_name(p->rule.zone) : "");
  if (mask) tl_member_word(k->out, "fits", mask);
  close_finding(k);
}

/* The text says more of the time than the mask reads. */
static void add_cut (look *k, const tl_station *s, const tl_tag *tag, tl_slice field,
                     tl_slice text) {
  const tl_plan *p = s->plan;
  int64_t lost = 0;
  const char *finer = tl_timemask_finer(p->time.mask, p->rule.zone, text, &lost);
  if (!finer) return;
  open_finding(k, "cut", s, tag);
  tl_explain_raw(k->out, "raw", text);
  tl_explain_raw(k->out, "field", field);
  tl_explain_raw(k->out, "mask", p->time.text);
  tl_member_word(k->out, "fits", finer);
  number_member(k, "lost", (double)lost / 1000.0);
  close_finding(k);
}

static void add_no_time (look *k, const tl_station *s) {
  open_finding(k, "no_time", s, NULL);
  tl_explain_raw(k->out, "field", s->plan->time.field);
  close_finding(k);
}

static void check_field (look *k, const tl_station *s, const tl_incoming *m,
                         const tl_json_value *slots) {
  const tl_plan *p = s->plan;
  const tl_json_value *v = &slots[p->slots];
  int64_t ms;
  if (!p->time.has_field) return;
  if (v->type == TL_JSON_NONE && s->logged.no_time && !p->time.ignore_missing) {
    add_no_time(k, s);
  } else if (v->type != TL_JSON_NONE && s->logged.time) {
    add_mask(k, s, NULL, p->time.field, v->raw, m);
  } else if (v->type != TL_JSON_NONE) {
    add_cut(k, s, NULL, p->time.field, v->raw);
  }
  /* a decoder may give another time; a retained message may be old */
  if (v->type == TL_JSON_NONE || tl_gateway_decodes(tl_link_gateway(k->link), s)) return;
  if (tl_timemask_parse_json(p->time.mask, p->rule.zone, v, &ms) == TL_OK &&
      (!m->retain || is_wrong_for_any(m->wall, ms)))
    add_time(k, s, m, ms, v->raw);
}

/* --- numbers --- */

static void add_number (look *k, const tl_tag *tag, const char *kind, tl_slice text) {
  open_finding(k, kind, tag->station, tag);
  tl_explain_raw(k->out, "raw", text);
  tl_member(k->out, "value");
  tl_tag_value_json(tag, k->out);
  if (tl_tag_def(tag)->type == TL_AI || tl_tag_def(tag)->type == TL_AO)
    tl_member_flag(k->out, "integer", true);
  close_finding(k);
}

/* A whole number whose digits a double does not hold. */
static bool loses_digits (tl_slice text) {
  int64_t n;
  bool exact;
  double real;
  if (text.len <= EXACT || tl_integer_parse(text, &n, &exact) != TL_OK || !exact) return false;
  return tl_number_parse(text, &real) == TL_OK && (fabs(real) >= 9.2e18 || (int64_t)real != n);
}

static void check_number (look *k, const tl_tag *tag, tl_slice text) {
  const tl_tagdef *d = tl_tag_def(tag);
  int64_t n;
  bool exact;
  if (tag->status != TL_VALID || d->filtered || text.len > LONG_NUMBER) return;
  if (d->type == TL_AI || d->type == TL_AO) {
    if (loses_digits(text)) add_number(k, tag, "rounded", text);
  } else if (d->type == TL_CI || d->type == TL_CO) {
    if (tl_integer_parse(text, &n, &exact) != TL_OK || exact) return;
    bool edge = n == INT64_MAX || n == INT64_MIN;
    add_number(k, tag, edge ? "saturated" : "rounded", text);
  }
}

static void check_tag (look *k, const tl_tag *tag, tl_slice text, const tl_incoming *m) {
  const tl_tagdef *d = tl_tag_def(tag);
  if (d->type == TL_TIA && tag->status == TL_INVALID && tag->reason == TL_REASON_TIME)
    add_mask(k, tag->station, tag, tl_slice_str(d->address), text, m);
  else if (d->type == TL_TIA && tag->status == TL_VALID)
    add_cut(k, tag->station, tag, tl_slice_str(d->address), text);
  else
    check_number(k, tag, text);
}

/* --- a message --- */

static void add_format (look *k, const tl_station *s, const char *raw, const char *wanted) {
  open_finding(k, "format", s, NULL);
  tl_member_word(k->out, "raw", raw);
  tl_member_word(k->out, "wanted", wanted);
  close_finding(k);
}

/* JSON where a binary document is expected. */
static void check_binary (look *k, const tl_station *s, const tl_incoming *m) {
  tl_slice p = tl_trim_blanks(m->payload);
  if (s->logged.json && p.len > 0 && (*p.at == '{' || *p.at == '['))
    add_format(k, s, "JSON", tl_doc_format_name((tl_doc_format)s->plan->format));
}

static void check_json (look *k, const tl_station *s, const tl_incoming *m) {
  const tl_plan *p = s->plan;
  tl_json_error ignored;
  tl_json_value *slots = calloc(p->slots + 1u, sizeof *slots);
  if (!slots) return;
  if (tl_json_extract(p->set, m->payload, slots, &ignored) == TL_OK) {
    check_field(k, s, m, slots);
    for (uint16_t i = 0; i < p->slots; i++)
      if (slots[i].type == TL_JSON_NUMBER || slots[i].type == TL_JSON_STRING)
        check_tag(k, &s->tags[p->slot_tag[i]], slots[i].raw, m);
  } else if (s->logged.json && tl_explain_compression(m->payload)) {
    open_finding(k, "gzip", s, NULL);
    tl_member_word(k->out, "raw", tl_explain_compression(m->payload));
    close_finding(k);
  } else if (s->logged.json && tl_explain_format(m->payload)) {
    add_format(k, s, tl_explain_format(m->payload), "JSON");
  }
  free(slots);
}

static void check_message (look *k, const tl_station *s, const tl_incoming *m) {
  const tl_plan *p = s->plan;
  if (p->json && p->set && p->format != TL_DOC_JSON)
    check_binary(k, s, m);
  else if (p->json && p->set)
    check_json(k, s, m);
  if (tl_gateway_decodes(tl_link_gateway(k->link), s)) check_decoded(k, s, m);
  if (p->special.in_data >= 0) check_tag(k, &s->tags[p->special.in_data], m->payload, m);
  if (!m->retain) return;
  open_finding(k, "retained", s, NULL);
  number_member(k, "seconds", (double)(k->wall - m->wall) / 1000.0);
  close_finding(k);
}

/* The first message of a station that comes here is its newest. */
static bool is_new (look *k, const tl_station *s) {
  for (uint32_t i = 0; i < k->seen_count; i++)
    if (k->seen[i] == s) return false;
  k->seen[k->seen_count++] = s;
  return true;
}

/* --- doubles --- */

static bool is_double (const tl_incoming *a, const tl_incoming *b) {
  return !a->dup && !b->dup && a->retain == b->retain && llabs(a->wall - b->wall) <= DOUBLE_MS &&
         tl_slice_eq(a->topic, b->topic) && tl_slice_eq(a->payload, b->payload);
}

/* Once for each topic that more than one filter of the line takes. */
static void add_double (look *k, tl_slice topic) {
  const tl_filters *f = tl_link_filters(k->link);
  uint32_t takes = 0;
  for (uint32_t i = 0; i < k->double_count; i++)
    if (tl_slice_eq(k->doubles[i], topic)) return;
  for (size_t i = 0; i < f->n; i++) takes += tl_filter_match(f->at[i].filter, topic);
  if (takes < 2 || k->double_count == DOUBLES) return;
  k->doubles[k->double_count++] = topic;
  tl_member_open(k->out, NULL, '{');
  tl_member_word(k->out, "kind", "doubled");
  tl_member_text(k->out, "topic", topic);
  tl_member_open(k->out, "filters", '[');
  takes = 0;
  for (size_t i = 0; i < f->n && takes < FILTERS; i++) {
    if (!tl_filter_match(f->at[i].filter, topic)) continue;
    tl_member_text(k->out, NULL, f->at[i].filter);
    takes++;
  }
  tl_buf_str(k->out, "]}");
}

bool tl_examine_station (tl_link *l, const tl_station *s, int64_t arrival, tl_buf *out) {
  const tl_plan *p = s->plan;
  look k = { .link = l, .out = out };
  tl_incoming m = { .wall = arrival };
  int64_t oldest = 0, newest = 0;
  if (p->time.has_field && s->logged.time) {
    open_finding(&k, "mask", s, NULL);
    tl_explain_raw(out, "field", p->time.field);
    tl_explain_raw(out, "mask", p->time.text.len > 0 ? p->time.text : TL_LIT(TL_TIMEMASK_DEFAULT));
    close_finding(&k);
  } else if (p->time.has_field && s->logged.no_time && !p->time.ignore_missing) {
    add_no_time(&k, s);
  } else if ((p->time.has_field || tl_gateway_decodes(tl_link_gateway(l), s)) &&
             times_of(s, &oldest, &newest) &&
             (oldest > arrival + AHEAD_MS || (is_epoch(oldest) && is_epoch(newest)))) {
    add_time(&k, s, &m, newest, tl_slice_of(NULL, 0));
  } else {
    return false;
  }
  return true;
}

int tl_examine (tl_link *l, int64_t wall, tl_buf *out) {
  const tl_recorder *r = tl_link_recorder(l);
  uint32_t count = r->count, last = count > LOOKED_AT ? count - LOOKED_AT : 0;
  look *k = calloc(1, sizeof *k);
  tl_recorded *all = calloc(count + 1u, sizeof *all);
  if (k && all) {
    k->link = l;
    k->wall = wall;
    k->out = out;
    tl_recorder_list(r, all);
  }
  tl_member_open(out, NULL, '[');
  for (uint32_t i = count; k && all && i-- > last;) {
    const tl_incoming *m = &all[i].m;
    bool only;
    if (i > last && is_double(m, &all[i - 1].m)) add_double(k, m->topic);
    tl_explain_will(l, m, &only);
    const tl_station *s = only ? NULL : tl_router_find(tl_link_router(l), m->topic)->target;
    if (!s || s->is_template || s->off || s->simulated) continue;
    if (m->retain && s->settings.ignore_retained) continue; /* it changed nothing */
    if (!is_new(k, s)) continue;
    check_message(k, s, m);
  }
  tl_buf_byte(out, ']');
  int rc = k && all && !out->failed ? TL_OK : TL_ENOMEM;
  free(k);
  free(all);
  return rc;
}

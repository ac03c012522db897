/* core/postgres/store.c — a batch on its way: tags get ids, times get partitions, then the rows go
** with the position in one transaction. Rows that the server refuses are found by halving.
** A batch comes from outlet/outlet.c, on_read(); the statement is the function `store` of
** schema.c. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/format.h"
#include "base/json_write.h"
#include "base/utf8.h"
#include "outlet/span.h"
#include "postgres/sender_impl.h"
#include "postgres/trouble.h"

enum { PERIODS_A_STEP = 16 };
enum { AT_ONCE = 64 }; /* rows that fit into the L1 cache while two passes run over them */
/* Times outside of these have no partition of their own: 1970 to 2200. */
#define FIRST_MS INT64_C(0)
#define LAST_MS INT64_C(7258118400000)

static void go_on (tl_postgres_sender *s);

static void send (tl_postgres_sender *s, void (*done)(void *ctx, const tl_pg_answer *a)) {
  s->busy = true;
  tl_pg_send(s->conn, TL_PG_ANSWER_MS, done);
}

static const tl_outlet_value *value_at (const tl_pg_batch *b, uint32_t i) {
  return &b->batch->values[b->rows[i]];
}

/* --- which values go --- */

/* NULL: there is none for it yet. */
static const tl_pg_period *period_of (const tl_postgres_sender *s, int64_t t) {
  static const tl_pg_period before = { INT64_MIN, FIRST_MS }, after = { LAST_MS, INT64_MAX };
  if (t < FIRST_MS) return &before;
  if (t >= LAST_MS) return &after;
  for (uint32_t i = s->period_count; i > 0; i--) /* the last ones are the likely ones */
    if (s->periods[i - 1].from <= t && t < s->periods[i - 1].to) return &s->periods[i - 1];
  return NULL;
}

static bool has_period (const tl_postgres_sender *s, int64_t t) { return period_of(s, t) != NULL; }

/* By the series' id, which is dense within the batch's segment. */
static int make_slot (tl_pg_batch *b, uint32_t id) {
  uint32_t cap = b->slot_cap > 0 ? b->slot_cap : 256;
  while (cap <= id) cap *= 2;
  tl_pg_slot *more = realloc(b->slots, cap * sizeof *more);
  if (!more) return TL_ENOMEM;
  memset(more + b->slot_cap, 0, (cap - b->slot_cap) * sizeof *more);
  b->slots = more;
  b->slot_cap = cap;
  return TL_OK;
}

/* A series whose tag's id is not known yet, as far as this batch knows. NULL: no memory. */
static const tl_pg_slot *meet (tl_postgres_sender *s, const tl_outlet_value *v) {
  tl_pg_batch *b = &s->b;
  uint32_t id = v->sample.series;
  if (id >= b->slot_cap && make_slot(b, id) < 0) return NULL;
  tl_pg_slot *slot = &b->slots[id];
  if (!slot->tag) slot->tag = tl_pg_tags_of(&s->tags, v->series);
  if (!slot->tag) return NULL;
  int64_t keep = v->series->keep_ms > 0 ? v->series->keep_ms : s->keep_ms;
  slot->keep_ms = keep > 0 ? keep : INT64_MAX;
  slot->id = slot->tag->known ? slot->tag->id : 0;
  slot->type = v->series->type;
  if (slot->id == 0) b->unknown = true;
  return slot;
}

/* A value that is not stored. */
static void leave_out (tl_postgres_sender *s, const tl_outlet_value *v) {
  if (v->sample.status == TL_UNSET) return;
  if (!tl_pg_can_time(v->sample.time_ms))
    tl_outlet_rejected(s->outlet, v, "its time is none that PostgreSQL knows");
  else
    s->b.too_old++;
}

/* A batch of another segment has other series. */
static void forget_slots (tl_pg_batch *b) {
  if (b->segment == b->batch->segment) return;
  b->segment = b->batch->segment;
  if (b->slot_cap > 0) memset(b->slots, 0, b->slot_cap * sizeof *b->slots);
}

static void add_rows (tl_pg_batch *b, const tl_pg_row *rows, uint32_t *count) {
  tl_pg_columns_add(&b->columns, rows, *count);
  *count = 0;
}

/* Where a time belongs. Times of it are in one partition that is there, and PostgreSQL knows them.
** False: there is none. */
static bool place (const tl_postgres_sender *s, int64_t t, tl_pg_period *out) {
  const tl_pg_period *p = tl_pg_can_time(t) ? period_of(s, t) : NULL;
  if (!p) return false;
  *out = *p;
  if (out->from < TL_PG_FIRST_MS) out->from = TL_PG_FIRST_MS;
  if (out->to > TL_PG_LAST_MS) out->to = TL_PG_LAST_MS + 1;
  return true;
}

/* Which of the batch's values go: not those of tags without a value, older than `keep`, or of a
** time that PostgreSQL does not know. If the database knows all of their tags and times, as
** nearly always, they are in the columns already, and nothing looks at them a second time. */
static int pick (tl_postgres_sender *s) {
  tl_pg_batch *b = &s->b;
  const tl_outlet_value *v = b->batch->values;
  const uint32_t count = (uint32_t)b->batch->count;
  tl_pg_period here = { 0, 0 }; /* where the last time was: the next one likely is there, too */
  int64_t wall = tl_clock_wall_ms();
  uint32_t *row = b->rows, n = 0;
  tl_pg_row some[AT_ONCE];
  b->count = b->at = b->too_old = 0;
  b->unknown = b->unplaced = false;
  forget_slots(b);
  tl_pg_columns_clear(&b->columns);
  for (uint32_t i = 0; i < count; i++, v++) {
    const uint32_t id = v->sample.series;
    const int64_t t = v->sample.time_ms;
    const tl_pg_slot *slot = id < b->slot_cap ? &b->slots[id] : NULL;
    if (!slot || slot->id == 0) slot = meet(s, v);
    if (!slot) return TL_ENOMEM;
    bool placed = (t >= here.from && t < here.to) || place(s, t, &here);
    if (v->sample.status == TL_UNSET || wall - t > slot->keep_ms ||
        (!placed && !tl_pg_can_time(t))) {
      leave_out(s, v);
      continue;
    }
    if (!placed) b->unplaced = true;
    *row++ = i;
    some[n++] = (tl_pg_row){ v, slot->id, slot->type };
    if (n == AT_ONCE) add_rows(b, some, &n);
  }
  add_rows(b, some, &n);
  b->count = (uint32_t)(row - b->rows);
  b->filled = !b->unknown && !b->unplaced && b->count <= b->piece;
  return TL_OK;
}

/* --- tags --- */

static void quote (tl_buf *out, const char *key, tl_slice text, bool bare) {
  tl_member(out, key);
  if (text.len == 0 || bare || !tl_utf8_valid(text))
    tl_buf_str(out, "null");
  else
    tl_json_quote(out, text);
}

static void describe (tl_buf *out, const tl_series *s, bool bare) {
  tl_member_open(out, NULL, '{');
  tl_member_text(out, "name", s->name);
  tl_member_word(out, "type", tl_type_name((tl_type)s->type));
  tl_member_integer(out, "keep", s->keep_ms);
  quote(out, "unit", s->unit, bare);
  quote(out, "description", s->description, bare);
  tl_buf_byte(out, '}');
}

/* The batch's tags that the database does not know as they are: a list in JSON. TL_ENOMEM. */
static int gather_tags (tl_postgres_sender *s, tl_buf *list, uint32_t *count) {
  tl_pg_batch *b = &s->b;
  *count = 0;
  tl_buf_byte(list, '[');
  for (uint32_t i = 0; i < b->count; i++) {
    const tl_outlet_value *v = value_at(b, i);
    tl_pg_tag *tag = b->slots[v->sample.series].tag;
    if (tag->known || tag->asked) continue;
    tag->asked = true;
    describe(list, v->series, b->bare);
    ++*count;
  }
  tl_buf_byte(list, ']');
  tl_buf_byte(list, '\0');
  return list->failed ? TL_ENOMEM : TL_OK;
}

static void on_tags (void *ctx, const tl_pg_answer *a) {
  tl_postgres_sender *s = ctx;
  s->busy = false;
  if (!a->ok && tl_pg_is_data(a->state) && !s->b.bare) {
    tl_log(TL_LOG_WARN, tl_outlet_name(s->outlet),
           "a unit or description is refused (%s): tags are stored without", a->text);
    s->b.bare = true;
    tl_pg_tags_forget(&s->tags);
    go_on(s);
    return;
  }
  if (!a->ok) {
    tl_pg_sender_fail(s, a);
    return;
  }
  const PGresult *r = a->results[0];
  for (int i = 0; i < PQntuples(r); i++) {
    tl_slice name = tl_slice_str(tl_pg_value(r, i, 1));
    tl_pg_tag *tag = tl_pg_tags_find(&s->tags, name, tl_slice_str(tl_pg_value(r, i, 2)));
    if (!tag) continue;
    tag->id = (uint32_t)strtoul(tl_pg_value(r, i, 0), NULL, 10);
    tag->known = true;
  }
  go_on(s);
}

/* 1: they are asked for; 0: all are known. */
static int learn_tags (tl_postgres_sender *s) {
  char keep[24];
  uint32_t count;
  tl_buf list;
  if (!s->b.unknown) return 0;
  tl_buf_init(&list);
  int rc = gather_tags(s, &list, &count);
  if (rc >= 0 && count > 0) {
    const char *values[] = { (const char *)list.at, s->spool, keep };
    tl_pg_params params = { .count = 3, .values = values, .text = true };
    snprintf(keep, sizeof keep, "%" PRId64, s->keep_ms);
    tl_pg_ask(
        s->conn,
        "INSERT INTO tag (name, type, unit, description, writer, own_keep, keep)"
        " SELECT v.name, v.type, v.unit, v.description, $2, v.keep,"
        " CASE WHEN v.keep > 0 THEN v.keep ELSE $3 END FROM jsonb_to_recordset($1::jsonb)"
        " AS v(name text, type text, unit text, description text, keep bigint)"
        " ORDER BY v.name, v.type ON CONFLICT (name, type) DO UPDATE SET unit = excluded.unit,"
        " description = excluded.description, writer = excluded.writer,"
        " own_keep = excluded.own_keep, keep = excluded.keep RETURNING id, name, type",
        &params);
    send(s, on_tags);
    rc = 1;
  }
  tl_buf_fini(&list);
  return rc;
}

/* --- partitions --- */

static void on_periods (void *ctx, const tl_pg_answer *a) {
  tl_postgres_sender *s = ctx;
  s->busy = false;
  if (!a->ok) {
    tl_pg_sender_fail(s, a);
    return;
  }
  for (int i = 0; i < a->count; i++) {
    const PGresult *r = a->results[i];
    if (PQntuples(r) == 0) {
      s->periods_full = true;
      continue;
    }
    int64_t from = strtoll(tl_pg_value(r, 0, 0), NULL, 10);
    int64_t to = strtoll(tl_pg_value(r, 0, 1), NULL, 10);
    if (has_period(s, from) || tl_pg_add_period(s, from, to) == TL_OK) continue;
    tl_pg_sender_away(s, "no memory");
    return;
  }
  go_on(s);
}

static void ask_period (tl_postgres_sender *s, int64_t at, int64_t from, int64_t to) {
  char text[3][24];
  const char *values[] = { text[0], text[1], text[2] };
  tl_pg_params params = { .count = 3, .values = values, .text = true };
  snprintf(text[0], sizeof text[0], "%" PRId64, at);
  snprintf(text[1], sizeof text[1], "%" PRId64, from);
  snprintf(text[2], sizeof text[2], "%" PRId64, to);
  tl_pg_ask(s->conn, "SELECT from_ms, to_ms FROM make_period($1, $2, $3)", &params);
}

/* True: some are asked for. */
static bool make_periods (tl_postgres_sender *s) {
  tl_pg_period asked[PERIODS_A_STEP];
  int n = 0;
  if (!s->b.unplaced) return false;
  for (uint32_t i = 0; i < s->b.count && n < PERIODS_A_STEP && !s->periods_full; i++) {
    int64_t t = value_at(&s->b, i)->sample.time_ms, from, to;
    bool there = has_period(s, t);
    for (int k = 0; k < n && !there; k++) there = asked[k].from <= t && t < asked[k].to;
    if (there) continue;
    tl_outlet_span(s->keep_ms, t, &from, &to);
    ask_period(s, t, from, to);
    asked[n++] = (tl_pg_period){ from, to };
  }
  s->b.unplaced = n > 0;
  if (n > 0) send(s, on_periods);
  return n > 0;
}

/* --- rows --- */

/* The nearest time that PostgreSQL knows. */
static int64_t possible_time (int64_t ms) {
  if (tl_pg_can_time(ms)) return ms;
  return ms < 0 ? TL_PG_FIRST_MS : TL_PG_LAST_MS;
}

static void put_position (tl_postgres_sender *s) {
  const tl_outlet_batch *batch = s->b.batch;
  char text[3][24];
  const char *position[] = { s->spool, tl_outlet_name(s->outlet), text[0] };
  tl_pg_params params = { .count = 3, .values = position, .text = true };
  snprintf(text[0], sizeof text[0], "%" PRIu64, batch->next);
  tl_pg_ask(s->conn, "SELECT advance($1, $2, $3)", &params);
  if (batch->hole.count == 0) return;
  const char *hole[] = { text[0], text[1], text[2], s->spool };
  params = (tl_pg_params){ .count = 4, .values = hole, .text = true };
  snprintf(text[0], sizeof text[0], "%" PRIu64, batch->hole.count);
  snprintf(text[1], sizeof text[1], "%" PRId64, possible_time(batch->hole.from_ms));
  snprintf(text[2], sizeof text[2], "%" PRId64, possible_time(batch->hole.to_ms));
  tl_pg_ask(s->conn,
            "INSERT INTO event (kind, count, from_time, to_time, text, writer) VALUES ('dropped',"
            " $1, at_ms($2), at_ms($3), 'values that the spool dropped before they were here', $4)",
            &params);
}

static void finish (tl_postgres_sender *s) {
  s->b.batch = NULL;
  tl_outlet_too_old(s->outlet, s->b.too_old);
  tl_outlet_stored(s->outlet);
}

static void refuse (tl_postgres_sender *s, const tl_pg_answer *a) {
  char why[240];
  snprintf(why, sizeof why, "%.180s (SQLSTATE %s)", a->text, a->state);
  tl_outlet_rejected(s->outlet, value_at(&s->b, s->b.at), why);
  s->b.at++;
  s->b.alone = false;
}

static void on_rows (void *ctx, const tl_pg_answer *a) {
  tl_postgres_sender *s = ctx;
  tl_pg_batch *b = &s->b;
  s->busy = false;
  if (a->ok) {
    b->at += b->sent;
    b->alone = false;
    b->piece = b->sent < TL_PG_MOST / 2 && b->piece < TL_PG_MOST / 2 ? b->piece * 2 : TL_PG_MOST;
    if (b->whole)
      finish(s);
    else
      go_on(s);
    return;
  }
  if (!tl_pg_is_data(a->state) || b->sent == 0) {
    tl_pg_sender_fail(s, a);
    return;
  }
  if (b->sent > 1)
    b->piece = (b->sent + 1) / 2;
  else if (b->whole)
    b->alone = true;
  else
    refuse(s, a);
  go_on(s);
}

static void fill (tl_pg_batch *b) {
  tl_pg_row some[AT_ONCE];
  uint32_t n = 0;
  tl_pg_columns_clear(&b->columns);
  for (uint32_t i = 0; i < b->sent; i++) {
    const tl_outlet_value *v = value_at(b, b->at + i);
    some[n++] = (tl_pg_row){ v, b->slots[v->sample.series].tag->id, v->series->type };
    if (n == AT_ONCE) add_rows(b, some, &n);
  }
  add_rows(b, some, &n);
}

/* Send the next rows, at most `piece` of them, as one call of the function `store` on the
** server. The last ones of a batch go with its position, in one transaction. What a row holds
** was decided before: pick(), tl_pg_columns_add(). */
static void send_rows (tl_postgres_sender *s) {
  tl_pg_batch *b = &s->b;
  const char *values[TL_PG_COLUMNS];
  int lengths[TL_PG_COLUMNS];
  uint32_t left = b->count - b->at;
  b->sent = left < b->piece ? left : b->piece;
  b->whole = b->sent == left && !b->alone;
  if (!b->filled) fill(b);
  b->filled = false;
  if (!tl_pg_columns_get(&b->columns, values, lengths)) {
    tl_pg_sender_away(s, "no memory");
    return;
  }
  tl_pg_params params = { .count = TL_PG_COLUMNS, .values = values, .lengths = lengths };
  /* libpq tries to send at each further statement, so the long one comes last */
  if (b->whole) put_position(s);
  if (b->sent > 0) tl_pg_execute(s->conn, "store", &params);
  send(s, on_rows);
}

/* Whatever comes next. */
static void go_on (tl_postgres_sender *s) {
  int rc = learn_tags(s);
  s->b.unknown = rc != 0;
  if (rc < 0) tl_pg_sender_away(s, "no memory");
  if (rc == 0 && !make_periods(s)) send_rows(s);
}

void tl_pg_store (tl_postgres_sender *s) {
  s->b.bare = s->b.alone = false;
  if (pick(s) < 0)
    tl_pg_sender_away(s, "no memory");
  else
    go_on(s);
}

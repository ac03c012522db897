/* core/postgres/columns.c — see columns.h. The format is that of array_send() and the types' own
** send functions: integers are big-endian, a time is µs since 2000-01-01. */
#include "postgres/columns.h"

#include "base/text.h"

enum { HEAD = 20 }; /* dimensions, has NULLs, type of elements, how many, first index */
/* OIDs of PostgreSQL's catalogue, which never change. */
enum { INT2 = 21, INT4 = 23, INT8 = 20, FLOAT8 = 701, TEXT = 25, BYTEA = 17, TIMESTAMPTZ = 1184 };

static const unsigned elements[TL_PG_COLUMNS] = { INT4, TIMESTAMPTZ, INT4,  INT2,       FLOAT8,
                                                  INT8, TEXT,        BYTEA, TIMESTAMPTZ };
/* The arrays of these. */
const unsigned tl_pg_column_types[TL_PG_COLUMNS] = { 1007, 1185, 1007, 1005, 1022,
                                                     1016, 1009, 1001, 1185 };

static const int64_t epoch_ms = 946684800000; /* 2000-01-01 */

void tl_pg_columns_init (tl_pg_columns *c) {
  for (int i = 0; i < TL_PG_COLUMNS; i++) tl_buf_init(&c->array[i]);
  tl_pg_columns_clear(c);
}

void tl_pg_columns_fini (tl_pg_columns *c) {
  for (int i = 0; i < TL_PG_COLUMNS; i++) tl_buf_fini(&c->array[i]);
}

void tl_pg_columns_clear (tl_pg_columns *c) {
  static const uint8_t head[HEAD];
  for (int i = 0; i < TL_PG_COLUMNS; i++) {
    tl_buf_clear(&c->array[i]);
    tl_buf_add(&c->array[i], head, HEAD);
    c->filled[i] = 0;
  }
  c->rows = 0;
}

static void big (uint8_t *out, uint64_t number, int bytes) {
  for (int i = 0; i < bytes; i++) out[i] = (uint8_t)(number >> (8 * (bytes - 1 - i)));
}

/* One element: its length and its bytes. */
static void put (tl_pg_columns *c, tl_pg_column at, uint64_t number, int bytes) {
  uint8_t element[12];
  big(element, (uint64_t)bytes, 4);
  big(element + 4, number, bytes);
  tl_buf_add(&c->array[at], element, (size_t)bytes + 4);
  c->filled[at]++;
}

static void put_null (tl_pg_columns *c, tl_pg_column at) {
  static const uint8_t null[4] = { 0xff, 0xff, 0xff, 0xff };
  tl_buf_add(&c->array[at], null, sizeof null);
}

static void put_slice (tl_pg_columns *c, tl_pg_column at, tl_slice bytes) {
  uint8_t len[4];
  big(len, bytes.len, 4);
  tl_buf_add(&c->array[at], len, 4);
  tl_buf_slice(&c->array[at], bytes);
  c->filled[at]++;
}

static void put_number (tl_pg_columns *c, double number) {
  uint64_t bits;
  memcpy(&bits, &number, sizeof bits);
  put(c, TL_PG_NUMBER, bits, 8);
}

bool tl_pg_can_time (int64_t ms) { return ms >= -210866803200000 && ms < 9224318016000000; }

static void put_time (tl_pg_columns *c, tl_pg_column at, int64_t ms) {
  put(c, at, (uint64_t)((ms - epoch_ms) * 1000), 8);
}

/* In PostgreSQL a text has no NUL; such a one is stored as bytes, as is what is not UTF-8. */
static bool is_plain (tl_slice text) {
  return tl_utf8_valid(text) && (text.len == 0 || !memchr(text.at, 0, text.len));
}

/* Into one of four columns; NULL into the others. */
static tl_pg_column put_value (tl_pg_columns *c, tl_type type, const tl_value *v) {
  switch (type) {
    case TL_AI:
    case TL_AO:
    case TL_TIR:
    case TL_TOR: put_number(c, v->number); return TL_PG_NUMBER;
    case TL_DI:
    case TL_DO: put(c, TL_PG_WHOLE, v->boolean, 8); return TL_PG_WHOLE;
    case TL_TXTI:
    case TL_TXTO: {
      tl_pg_column at = is_plain(v->text) ? TL_PG_TEXT : TL_PG_BYTES;
      put_slice(c, at, v->text);
      return at;
    }
    default: put(c, TL_PG_WHOLE, (uint64_t)v->integer, 8); return TL_PG_WHOLE;
  }
}

void tl_pg_columns_add (tl_pg_columns *c, uint32_t tag, const tl_outlet_value *v) {
  const tl_sample *s = &v->sample;
  tl_pg_column used = TL_PG_COLUMNS;
  put(c, TL_PG_TAG, tag, 4);
  put_time(c, TL_PG_TIME, s->time_ms);
  put(c, TL_PG_N, s->n, 4);
  if (s->status == TL_VALID) {
    put_null(c, TL_PG_STATE);
    used = put_value(c, (tl_type)v->series->type, &s->value);
  } else {
    put(c, TL_PG_STATE, s->status == TL_INVALID ? s->reason : 0, 2);
  }
  for (int at = TL_PG_NUMBER; at <= TL_PG_BYTES; at++)
    if (at != (int)used) put_null(c, (tl_pg_column)at);
  if (v->arrival_ms == s->time_ms)
    put_null(c, TL_PG_ARRIVAL);
  else
    put_time(c, TL_PG_ARRIVAL, v->arrival_ms);
  c->rows++;
}

bool tl_pg_columns_get (tl_pg_columns *c, const char *values[TL_PG_COLUMNS],
                        int lengths[TL_PG_COLUMNS]) {
  for (int i = 0; i < TL_PG_COLUMNS; i++) {
    tl_buf *b = &c->array[i];
    if (b->failed) return false;
    values[i] = NULL;
    lengths[i] = 0;
    if (c->filled[i] == 0) continue;
    big(b->at, 1, 4);
    big(b->at + 4, c->filled[i] < c->rows, 4);
    big(b->at + 8, elements[i], 4);
    big(b->at + 12, c->rows, 4);
    big(b->at + 16, 1, 4);
    values[i] = (const char *)b->at;
    lengths[i] = (int)b->len;
  }
  return true;
}

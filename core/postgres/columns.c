/* core/postgres/columns.c — see columns.h. The format is that of array_send() and the types' own
** send functions: integers are big-endian, a time is µs since 2000-01-01. */
#include "postgres/columns.h"

#include "base/bytes.h"
#include "base/utf8.h"

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
    c->nulls[i] = c->written[i] = 0;
  }
  c->rows = 0;
}

/* Write the missing NULLs of a column before its next value. So a column without any value costs
** nothing. A NULL is four bytes 0xff. */
static void pad (tl_pg_columns *c, tl_pg_column at) {
  size_t n = 4 * (size_t)(c->rows - c->written[at]);
  tl_buf *b = &c->array[at];
  c->nulls[at] += c->rows - c->written[at];
  c->written[at] = c->rows;
  if (n == 0 || b->failed) return;
  if (tl_buf_reserve(b, n) < 0) {
    b->failed = true;
    return;
  }
  memset(b->at + b->len, 0xff, n);
  b->len += n;
}

/* False: no memory. */
static bool make_room (tl_pg_columns *c, tl_pg_column at, size_t len) {
  if (c->written[at] < c->rows) pad(c, at);
  return tl_buf_reserve(&c->array[at], len + 4) == TL_OK;
}

/* Room for one element, with `len` bytes, behind its length, which the caller writes. NULL: no
** memory. */
static inline uint8_t *element (tl_pg_columns *c, tl_pg_column at, size_t len) {
  tl_buf *b = &c->array[at];
  if ((c->written[at] != c->rows || b->cap - b->len < len + 4) && !make_room(c, at, len))
    return NULL;
  uint8_t *out = b->at + b->len;
  b->len += len + 4;
  c->written[at] = c->rows + 1;
  return out;
}

/* The same for the next `count` rows of a column of which each row has a value. */
static uint8_t *elements_of (tl_pg_columns *c, tl_pg_column at, size_t len, uint32_t count) {
  tl_buf *b = &c->array[at];
  size_t bytes = count * (len + 4);
  if (b->failed || (b->cap - b->len < bytes && tl_buf_reserve(b, bytes) != TL_OK)) return NULL;
  b->len += bytes;
  c->written[at] = c->rows + count;
  return b->at + b->len - bytes;
}

static inline void put8 (tl_pg_columns *c, tl_pg_column at, uint64_t number) {
  uint8_t *out = element(c, at, 8);
  if (!out) return;
  tl_put_be4(out, 8);
  tl_put_be8(out + 4, number);
}

static inline void put4 (tl_pg_columns *c, tl_pg_column at, uint32_t number) {
  uint8_t *out = element(c, at, 4);
  if (out) tl_put_be8(out, (uint64_t)4 << 32 | number);
}

static void put_slice (tl_pg_columns *c, tl_pg_column at, tl_slice bytes) {
  uint8_t *out = element(c, at, bytes.len);
  if (!out) return;
  tl_put_be4(out, (uint32_t)bytes.len);
  if (bytes.len > 0) memcpy(out + 4, bytes.at, bytes.len);
}

static void put_number (tl_pg_columns *c, double number) {
  uint64_t bits;
  memcpy(&bits, &number, sizeof bits);
  put8(c, TL_PG_NUMBER, bits);
}

static uint64_t micros_of (int64_t ms) { return (uint64_t)((ms - epoch_ms) * 1000); }

/* In PostgreSQL a text has no NUL; such a one is stored as bytes, as is what is not UTF-8. */
static bool is_plain (tl_slice text) {
  return tl_utf8_valid(text) && (text.len == 0 || !memchr(text.at, 0, text.len));
}

/* Into one of four columns. */
static void put_value (tl_pg_columns *c, tl_type type, const tl_value *v) {
  switch (type) {
    case TL_AI:
    case TL_AO:
    case TL_TIR:
    case TL_TOR: put_number(c, v->number); break;
    case TL_DI:
    case TL_DO: put8(c, TL_PG_WHOLE, v->boolean); break;
    case TL_TXTI:
    case TL_TXTO: put_slice(c, is_plain(v->text) ? TL_PG_TEXT : TL_PG_BYTES, v->text); break;
    default: put8(c, TL_PG_WHOLE, (uint64_t)v->integer); break;
  }
}

/* The two columns that each row has. */
static void put_keys (tl_pg_columns *c, const tl_pg_row *rows, uint32_t count) {
  uint8_t *tag = elements_of(c, TL_PG_TAG, 4, count);
  for (uint32_t i = 0; tag && i < count; i++, tag += 8)
    tl_put_be8(tag, (uint64_t)4 << 32 | rows[i].tag);
  uint8_t *time = elements_of(c, TL_PG_TIME, 8, count);
  for (uint32_t i = 0; time && i < count; i++, time += 12) {
    tl_put_be4(time, 8);
    tl_put_be8(time + 4, micros_of(rows[i].value->sample.time_ms));
  }
}

static bool is_plain_number (const tl_pg_row *row) {
  static const unsigned numbers = 1u << TL_AI | 1u << TL_AO | 1u << TL_TIR | 1u << TL_TOR;
  const tl_outlet_value *v = row->value;
  return numbers >> row->type & 1 && v->sample.status == TL_VALID && v->sample.n == 0 &&
         v->arrival_ms == v->sample.time_ms;
}

/* The rows at the front that are a number and nothing else, as most are: how many. */
static uint32_t put_numbers (tl_pg_columns *c, const tl_pg_row *rows, uint32_t count) {
  uint32_t n = 0;
  if (!is_plain_number(rows)) return 0;
  pad(c, TL_PG_NUMBER);
  uint8_t *out = elements_of(c, TL_PG_NUMBER, 8, count);
  if (!out) return 0;
  for (; n < count && is_plain_number(&rows[n]); n++, out += 12) {
    uint64_t bits;
    memcpy(&bits, &rows[n].value->sample.value.number, sizeof bits);
    tl_put_be4(out, 8);
    tl_put_be8(out + 4, bits);
  }
  c->array[TL_PG_NUMBER].len -= 12 * (size_t)(count - n);
  c->rows += n;
  c->written[TL_PG_NUMBER] = c->rows;
  return n;
}

/* A row has its tag's id and its time. The value stands in the one column of its type
** (put_value), or there is none and a state says why. All else is NULL where it says nothing:
** the number among values of one time, and the arrival. */
void tl_pg_columns_add (tl_pg_columns *c, const tl_pg_row *rows, uint32_t count) {
  put_keys(c, rows, count);
  for (uint32_t i = 0; i < count; i++, c->rows++) {
    i += put_numbers(c, rows + i, count - i);
    if (i == count) break;
    const tl_outlet_value *v = rows[i].value;
    const tl_sample *s = &v->sample;
    if (s->n != 0) put4(c, TL_PG_N, s->n);
    if (s->status == TL_VALID) {
      put_value(c, (tl_type)rows[i].type, &s->value);
    } else {
      const uint8_t state[] = { 0, s->status == TL_INVALID ? s->reason : 0 };
      put_slice(c, TL_PG_STATE, tl_slice_of(state, sizeof state));
    }
    if (v->arrival_ms != s->time_ms) put8(c, TL_PG_ARRIVAL, micros_of(v->arrival_ms));
  }
}

bool tl_pg_columns_get (tl_pg_columns *c, const char *values[TL_PG_COLUMNS],
                        int lengths[TL_PG_COLUMNS]) {
  for (int i = 0; i < TL_PG_COLUMNS; i++) {
    tl_buf *b = &c->array[i];
    values[i] = NULL;
    lengths[i] = 0;
    if (b->failed) return false;
    if (c->written[i] == 0) continue; /* no value: all is NULL */
    pad(c, (tl_pg_column)i);
    if (b->failed) return false;
    tl_put_be4(b->at, 1);
    tl_put_be4(b->at + 4, c->nulls[i] > 0);
    tl_put_be4(b->at + 8, elements[i]);
    tl_put_be4(b->at + 12, c->rows);
    tl_put_be4(b->at + 16, 1);
    values[i] = (const char *)b->at;
    lengths[i] = (int)b->len;
  }
  return true;
}

/* core/history/query.c — one tag's rows of a range of times, from all tables that hold some, and
** the value that held before them. See history.h. */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "history/reader_impl.h"

static void read_value (sqlite3_stmt *s, int at, tl_history_row *row) {
  switch ((tl_type)row->type) {
    case TL_AI:
    case TL_AO:
    case TL_TIR:
    case TL_TOR: row->value.number = sqlite3_column_double(s, at); break;
    case TL_DI:
    case TL_DO: row->value.boolean = sqlite3_column_int(s, at); break;
    case TL_TIA:
    case TL_TOA: {
      double ms = sqlite3_column_double(s, at) * 1000;
      row->value.integer = (int64_t)(ms < 0 ? ms - 0.5 : ms + 0.5);
      break;
    }
    case TL_TXTI:
    case TL_TXTO: {
      const void *bytes = sqlite3_column_blob(s, at);
      row->value.text = tl_slice_of(bytes, (size_t)sqlite3_column_bytes(s, at));
      break;
    }
    default: row->value.integer = sqlite3_column_int64(s, at); break;
  }
}

/* Columns: t, value, state, type (tl_type). */
static void read_row (sqlite3_stmt *s, tl_history_row *row) {
  memset(row, 0, sizeof *row);
  row->time_ms = sqlite3_column_int64(s, 0);
  row->type = (uint8_t)sqlite3_column_int(s, 3);
  if (sqlite3_column_type(s, 2) == SQLITE_NULL) {
    row->status = TL_VALID;
    read_value(s, 1, row);
    return;
  }
  int state = sqlite3_column_int(s, 2);
  row->status = state == 0 ? TL_UNSET : TL_INVALID;
  row->reason = state > 0 && state < TL_REASON_COUNT ? (uint8_t)state : TL_REASON_NONE;
}

/* --- one tag --- */

/* All partitions, by time. */
static int list_tables (const tl_history_reader *r, tl_buf *out, tl_err *err) {
  sqlite3_stmt *s = NULL;
  int rc = sqlite3_prepare_v2(r->db, "SELECT name, from_ms, to_ms FROM partition ORDER BY from_ms",
                              -1, &s, NULL);
  while (rc == SQLITE_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
    tl_partition p = { sqlite3_column_int64(s, 1), sqlite3_column_int64(s, 2), "", NULL };
    const char *name = (const char *)sqlite3_column_text(s, 0);
    if (name) snprintf(p.name, sizeof p.name, "%s", name);
    if (!name) out->failed = true; /* no memory */
    tl_buf_add(out, &p, sizeof p);
    rc = SQLITE_OK;
  }
  sqlite3_finalize(s);
  if (rc != SQLITE_DONE) return tl_history_reader_fail(r, err);
  return out->failed ? tl_fail(err, TL_ENOMEM, 0, "no memory") : TL_OK;
}

/* A tag of this name; one that changed its type is several. */
typedef struct {
  sqlite3_int64 id;
  tl_type type;
} known;

typedef struct {
  tl_history_reader *r;
  const tl_history_range *range;
  const known *tags;
  size_t tag_count;
  const tl_partition *tables;
  size_t count;
  tl_err *err;
} search;

static bool is_rest (const tl_partition *p) { return p->from == p->to; }

/* The tag's rows in one table, in the order of its key. */
static void add_select (tl_buf *sql, const known *tag, const char *table, const char *where) {
  tl_buf_fmt(sql, "SELECT t, value, state, %d AS type, n FROM %s WHERE tag=%lld AND %s",
             (int)tag->type, table, (long long)tag->id, where);
}

/* Compile the text, which is freed. TL_OK, or a negative code with q->err. */
static int prepare (const search *q, tl_buf *sql, sqlite3_stmt **out) {
  tl_buf_byte(sql, '\0');
  int rc = sql->failed ? SQLITE_NOMEM
                       : sqlite3_prepare_v2(q->r->db, (const char *)sql->at, -1, out, NULL);
  tl_buf_fini(sql);
  return rc == SQLITE_OK ? TL_OK : tl_history_reader_fail(q->r, q->err);
}

/* The newest row before `from`, where it lies. */
static int find_held_of (const search *q, const known *tag, const char *table, sqlite3_stmt **out) {
  tl_buf sql;
  tl_buf_init(&sql);
  add_select(&sql, tag, table, "t<?1 ORDER BY t DESC, n DESC LIMIT 1");
  int rc = prepare(q, &sql, out);
  if (rc < 0) return rc;
  sqlite3_bind_int64(*out, 1, q->range->from_ms);
  rc = sqlite3_step(*out);
  if (rc == SQLITE_ROW) return 1;
  sqlite3_finalize(*out);
  *out = NULL;
  return rc == SQLITE_DONE ? 0 : tl_history_reader_fail(q->r, q->err);
}

/* Keeps the newer of two found rows. */
static void keep_newer (sqlite3_stmt **best, sqlite3_stmt *found) {
  if (*best && sqlite3_column_int64(*best, 0) >= sqlite3_column_int64(found, 0)) {
    sqlite3_finalize(found);
    return;
  }
  sqlite3_finalize(*best);
  *best = found;
}

/* Of all types of the tag. 1: there is one; 0: none. */
static int find_held (const search *q, const char *table, sqlite3_stmt **best) {
  int any = 0;
  for (size_t i = 0; i < q->tag_count; i++) {
    sqlite3_stmt *found = NULL;
    int rc = find_held_of(q, &q->tags[i], table, &found);
    if (rc < 0) return rc;
    if (rc == 1) keep_newer(best, found);
    any |= rc;
  }
  return any;
}

/* Tables are asked from the newest on. */
static int held (const search *q, sqlite3_stmt **best) {
  static const char *const always[] = { "recent", "last" };
  int rc = 0;
  for (int i = 0; i < 2 && rc >= 0; i++) rc = find_held(q, always[i], best);
  bool in_partition = false;
  for (size_t i = q->count; i > 0 && rc >= 0; i--) {
    const tl_partition *p = &q->tables[i - 1];
    if (!is_rest(p) && (in_partition || p->from >= q->range->from_ms)) continue;
    if ((rc = find_held(q, p->name, best)) == 1) in_partition |= !is_rest(p);
  }
  return rc < 0 ? rc : TL_OK;
}

/* Rows of one tag in order: of one table, or of all partitions of the range, one after the other.
** They are merged here, not by a UNION in SQLite, which moves each row from part to part. */
typedef struct {
  const known *tag;
  const char *table; /* the next one; NULL: a partition */
  size_t next;       /* of the partitions; their count: none follows */
  sqlite3_stmt *row; /* stands at a row; NULL: there are no more */
  sqlite3_int64 t, n;
} stream;

typedef struct {
  stream *at;
  size_t count;
} streams;

static bool is_in_range (const search *q, const tl_partition *p) {
  return p->from < q->range->to_ms && q->range->from_ms < p->to;
}

/* NULL: there is none. */
static const char *next_table (const search *q, stream *f) {
  const char *table = f->table;
  f->table = NULL;
  while (!table && f->next < q->count) {
    const tl_partition *p = &q->tables[f->next++];
    if (!is_rest(p) && is_in_range(q, p)) table = p->name;
  }
  return table;
}

/* A statement about the tag's rows of the range in this table. */
static int make_statement (const search *q, tl_buf *sql, sqlite3_stmt **out) {
  int rc = prepare(q, sql, out);
  if (rc < 0) return rc;
  sqlite3_bind_int64(*out, 1, q->range->from_ms);
  sqlite3_bind_int64(*out, 2, q->range->to_ms);
  return TL_OK;
}

static int open_table (const search *q, const known *tag, const char *table, sqlite3_stmt **out) {
  tl_buf sql;
  tl_buf_init(&sql);
  add_select(&sql, tag, table, "t>=?1 AND t<?2 ORDER BY t, n");
  return make_statement(q, &sql, out);
}

/* To the next row, or to the end. */
static int step (const search *q, stream *f) {
  for (;;) {
    int rc = f->row ? sqlite3_step(f->row) : SQLITE_DONE;
    if (rc == SQLITE_ROW) {
      f->t = sqlite3_column_int64(f->row, 0);
      f->n = sqlite3_column_int64(f->row, 4);
      return TL_OK;
    }
    sqlite3_finalize(f->row);
    f->row = NULL;
    if (rc != SQLITE_DONE) return tl_history_reader_fail(q->r, q->err);
    const char *table = next_table(q, f);
    if (!table) return TL_OK;
    rc = open_table(q, f->tag, table, &f->row);
    if (rc < 0) return rc;
  }
}

static int add_stream (const search *q, streams *all, const known *tag, const char *table,
                       size_t next) {
  stream *f = &all->at[all->count++];
  *f = (stream){ .tag = tag, .table = table, .next = next };
  return step(q, f);
}

/* All rows of the range. */
static int open_streams (const search *q, streams *all) {
  static const char *const always[] = { "recent", "last" };
  int rc = TL_OK;
  all->at = calloc(q->tag_count * (q->count + 3), sizeof *all->at);
  if (!all->at) return tl_fail(q->err, TL_ENOMEM, 0, "no memory");
  for (size_t i = 0; i < q->tag_count && rc >= 0; i++) {
    const known *tag = &q->tags[i];
    rc = add_stream(q, all, tag, NULL, 0);
    for (size_t k = 0; k < q->count && rc >= 0; k++)
      if (is_rest(&q->tables[k])) rc = add_stream(q, all, tag, q->tables[k].name, q->count);
    for (int k = 0; k < 2 && rc >= 0; k++) rc = add_stream(q, all, tag, always[k], q->count);
  }
  return rc;
}

static void close_streams (streams *all) {
  for (size_t i = 0; i < all->count; i++) sqlite3_finalize(all->at[i].row);
  free(all->at);
}

/* The one whose row is the next; NULL: there are no more. */
static stream *earliest (const streams *all) {
  stream *best = NULL;
  for (size_t i = 0; i < all->count; i++) {
    stream *f = &all->at[i];
    if (!f->row) continue;
    if (!best || f->t < best->t || (f->t == best->t && f->n < best->n)) best = f;
  }
  return best;
}

/* Adds the tag's rows in one table. */
static int count_table (const search *q, const known *tag, const char *table, uint64_t *count) {
  sqlite3_stmt *s = NULL;
  tl_buf sql;
  tl_buf_init(&sql);
  tl_buf_fmt(&sql, "SELECT count(*) FROM %s WHERE tag=%lld AND t>=?1 AND t<?2", table,
             (long long)tag->id);
  int rc = make_statement(q, &sql, &s);
  if (rc < 0) return rc;
  rc = sqlite3_step(s);
  if (rc == SQLITE_ROW) *count += (uint64_t)sqlite3_column_int64(s, 0);
  sqlite3_finalize(s);
  return rc == SQLITE_ROW ? TL_OK : tl_history_reader_fail(q->r, q->err);
}

static int count_rows (const search *q, uint64_t *count) {
  int rc = TL_OK;
  for (size_t i = 0; i < q->tag_count && rc >= 0; i++) {
    const known *tag = &q->tags[i];
    for (size_t k = 0; k < q->count && rc >= 0; k++) {
      const tl_partition *p = &q->tables[k];
      if (is_rest(p) || is_in_range(q, p)) rc = count_table(q, tag, p->name, count);
    }
    if (rc >= 0) rc = count_table(q, tag, "recent", count);
    if (rc >= 0) rc = count_table(q, tag, "last", count);
  }
  return rc;
}

static int tell_rows (const search *q, bool (*row)(void *, const tl_history_row *), void *ctx,
                      tl_history_left *left) {
  streams all = { NULL, 0 };
  tl_history_row one;
  uint64_t skip = left->count;
  int rc = open_streams(q, &all);
  for (stream *f; rc >= 0 && (f = earliest(&all)); rc = step(q, f)) {
    if (skip > 0) {
      skip--;
      left->newest_ms = f->t;
      continue;
    }
    read_row(f->row, &one);
    if (!row(ctx, &one)) break;
  }
  close_streams(&all);
  return rc;
}

static int find_tags (const search *q, tl_buf *out) {
  sqlite3_stmt *s = NULL;
  int rc = sqlite3_prepare_v2(q->r->db, "SELECT id, type FROM tag WHERE name=?1", -1, &s, NULL);
  if (rc == SQLITE_OK)
    sqlite3_bind_text(s, 1, (const char *)q->range->tag.at, (int)q->range->tag.len, SQLITE_STATIC);
  while (rc == SQLITE_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
    known one = { sqlite3_column_int64(s, 0), TL_AI };
    const char *name = (const char *)sqlite3_column_text(s, 1);
    if (name) tl_type_from_name(tl_slice_str(name), &one.type);
    tl_buf_add(out, &one, sizeof one);
    rc = SQLITE_OK;
  }
  sqlite3_finalize(s);
  if (rc != SQLITE_DONE) return tl_history_reader_fail(q->r, q->err);
  if (out->failed) return tl_fail(q->err, TL_ENOMEM, 0, "no memory");
  if (out->len > 0) return TL_OK;
  return tl_fail(q->err, TL_ENOENT, 0, "the history has no tag '%.*s'", TL_ARG(q->range->tag));
}

static int read_all (const search *q, bool (*row)(void *, const tl_history_row *), void *ctx,
                     tl_history_left *left) {
  sqlite3_stmt *edge = NULL;
  uint64_t count = 0;
  int rc = q->range->limit > 0 ? count_rows(q, &count) : TL_OK;
  if (q->range->limit > 0 && count > q->range->limit) left->count = count - q->range->limit;
  if (rc >= 0 && q->range->held && left->count == 0) rc = held(q, &edge);
  if (rc >= 0 && edge) {
    tl_history_row one;
    read_row(edge, &one);
    if (!row(ctx, &one)) rc = 1;
  }
  if (rc == TL_OK) rc = tell_rows(q, row, ctx, left);
  sqlite3_finalize(edge);
  return rc < 0 ? rc : TL_OK;
}

/* One transaction, so that a merge in between is seen whole or not at all. */
int tl_history_read (tl_history_reader *r, const tl_history_range *range,
                     bool (*row)(void *ctx, const tl_history_row *row), void *ctx,
                     tl_history_left *left, tl_err *err) {
  tl_buf tables, tags;
  tl_buf_init(&tables);
  tl_buf_init(&tags);
  search q = { .r = r, .range = range, .err = err };
  *left = (tl_history_left){ 0 };
  if (sqlite3_exec(r->db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK)
    return tl_history_reader_fail(r, err);
  int rc = find_tags(&q, &tags);
  if (rc >= 0) rc = list_tables(r, &tables, err);
  if (rc >= 0) {
    q.tags = (const known *)(const void *)tags.at;
    q.tag_count = tags.len / sizeof(known);
    q.tables = (const tl_partition *)(const void *)tables.at;
    q.count = tables.len / sizeof(tl_partition);
    rc = read_all(&q, row, ctx, left);
  }
  sqlite3_exec(r->db, "COMMIT", NULL, NULL, NULL);
  tl_buf_fini(&tables);
  tl_buf_fini(&tags);
  return rc;
}

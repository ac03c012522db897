/* core/history/merge.c — from the order of arrival to the order of tags and times. See
** history.h. */
#include <stdlib.h>

#include "history/history_impl.h"

static void bind_state (sqlite3_stmt *s, int at, int state) {
  if (state < 0)
    sqlite3_bind_null(s, at);
  else
    sqlite3_bind_int(s, at, state);
}

static int insert (tl_history *h, tl_partition *p, sqlite3_int64 tag, int64_t t, int n,
                   sqlite3_value *value, int state, sqlite3_int64 late, tl_err *err) {
  if (!p->insert) {
    char *sql = sqlite3_mprintf("INSERT OR IGNORE INTO %s VALUES(?,?,?,?,?,?)", p->name);
    int rc = sql ? tl_history_prepare(h->db, &p->insert, sql) : SQLITE_NOMEM;
    sqlite3_free(sql);
    if (rc != SQLITE_OK) return tl_history_fail(h, err, h->path);
  }
  sqlite3_stmt *s = p->insert;
  sqlite3_reset(s);
  sqlite3_bind_int64(s, 1, tag);
  sqlite3_bind_int64(s, 2, t);
  sqlite3_bind_int(s, 3, n);
  int rc = sqlite3_bind_value(s, 4, value); /* a copy of a text: there may be no memory */
  bind_state(s, 5, state);
  if (late == 0)
    sqlite3_bind_null(s, 6);
  else
    sqlite3_bind_int64(s, 6, late);
  if (rc != SQLITE_OK || sqlite3_step(s) != SQLITE_DONE) return tl_history_fail(h, err, h->path);
  return sqlite3_changes(h->db);
}

/* The key (tag, time, n) is in use. 1: by the same value, which was sent again, or came from a
** process that began to count the values of this millisecond anew. 0: by another value; *next is
** the first free n of this tag and time. */
static int compare (tl_history *h, const tl_partition *p, sqlite3_int64 tag, int64_t t,
                    sqlite3_value *value, int state, int *next, tl_err *err) {
  sqlite3_stmt *s = NULL;
  char *sql = sqlite3_mprintf("SELECT (SELECT 1 FROM %s WHERE tag=?1 AND t=?2 AND value IS ?3"
                              " AND state IS ?4), (SELECT max(n)+1 FROM %s WHERE tag=?1 AND t=?2)",
                              p->name, p->name);
  int rc = sql ? sqlite3_prepare_v2(h->db, sql, -1, &s, NULL) : SQLITE_NOMEM;
  sqlite3_free(sql);
  if (rc == SQLITE_OK) {
    sqlite3_bind_int64(s, 1, tag);
    sqlite3_bind_int64(s, 2, t);
    rc = sqlite3_bind_value(s, 3, value);
    bind_state(s, 4, state);
    if (rc == SQLITE_OK) rc = sqlite3_step(s);
  }
  int same = rc == SQLITE_ROW && sqlite3_column_type(s, 0) != SQLITE_NULL;
  *next = rc == SQLITE_ROW ? sqlite3_column_int(s, 1) : 0;
  sqlite3_finalize(s);
  return rc == SQLITE_ROW ? same : tl_history_fail(h, err, h->path);
}

int tl_history_put (tl_history *h, sqlite3_int64 tag, int64_t t, int n, sqlite3_value *value,
                    int state, sqlite3_int64 late, tl_err *err) {
  tl_partition *p = tl_history_partition(h, t, err);
  if (!p) return err ? err->code : TL_ENOMEM;
  int rc = insert(h, p, tag, t, n, value, state, late, err);
  if (rc != 0) return rc < 0 ? rc : TL_OK;
  int next, same = compare(h, p, tag, t, value, state, &next, err);
  if (same != 0) return same < 0 ? same : TL_OK;
  rc = insert(h, p, tag, t, next, value, state, late, err);
  return rc < 0 ? rc : TL_OK;
}

/* Rows of [from, to) one by one: keys that are taken are looked at. */
static int merge_rows (tl_history *h, int64_t from, int64_t to, tl_err *err) {
  sqlite3_stmt *s = NULL;
  int rc = sqlite3_prepare_v2(h->db,
                              "SELECT tag, t, n, value, state, late FROM recent"
                              " WHERE t>=?1 AND t<?2 ORDER BY tag, t, n, rowid",
                              -1, &s, NULL);
  if (rc == SQLITE_OK) {
    sqlite3_bind_int64(s, 1, from);
    sqlite3_bind_int64(s, 2, to);
  }
  while (rc == SQLITE_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
    int state = sqlite3_column_type(s, 4) == SQLITE_NULL ? -1 : sqlite3_column_int(s, 4);
    int put = tl_history_put(h, sqlite3_column_int64(s, 0), sqlite3_column_int64(s, 1),
                             sqlite3_column_int(s, 2), sqlite3_column_value(s, 3), state,
                             sqlite3_column_int64(s, 5), err);
    if (put < 0) {
      sqlite3_finalize(s);
      return put;
    }
    rc = SQLITE_OK;
  }
  sqlite3_finalize(s);
  return rc == SQLITE_DONE ? TL_OK : tl_history_fail(h, err, h->path);
}

/* All rows of a partition in one statement, which is twice as fast. 0: one of the keys is taken,
** and nothing happened. */
static int merge_partition (tl_history *h, const tl_partition *p, tl_err *err) {
  char *sql = sqlite3_mprintf("INSERT INTO %s SELECT tag, t, n, value, state, late FROM recent"
                              " WHERE t>=%lld AND t<%lld ORDER BY tag, t, n",
                              p->name, (long long)p->from, (long long)p->to);
  int rc = sql ? sqlite3_exec(h->db, sql, NULL, NULL, NULL) : SQLITE_NOMEM;
  sqlite3_free(sql);
  if (rc == SQLITE_OK) return 1;
  return rc == SQLITE_CONSTRAINT ? 0 : tl_history_fail(h, err, h->path);
}

/* The earliest time in `recent` from `from` on. 0: there is none. */
static int next_time (tl_history *h, int64_t from, int64_t *out, tl_err *err) {
  sqlite3_stmt *s = NULL;
  int rc = sqlite3_prepare_v2(h->db, "SELECT min(t) FROM recent WHERE t>=?", -1, &s, NULL);
  if (rc == SQLITE_OK) {
    sqlite3_bind_int64(s, 1, from);
    rc = sqlite3_step(s);
  }
  bool any = rc == SQLITE_ROW && sqlite3_column_type(s, 0) != SQLITE_NULL;
  if (any) *out = sqlite3_column_int64(s, 0);
  sqlite3_finalize(s);
  return rc == SQLITE_ROW ? any : tl_history_fail(h, err, h->path);
}

/* Merge the rows of `recent`, partition by partition. Sorted by key they go into neighbouring
** places of a table, which is quick.
** Each partition costs a pass over all rows. So after PARTITIONS of them the remaining rows are
** merged one by one. */
int tl_history_merge_here (tl_history *h, tl_err *err) {
  enum { PARTITIONS = 8 };
  int64_t from = INT64_MIN, t = 0;
  int rc = TL_OK, any = 1;
  for (int i = 0; rc >= 0 && i < PARTITIONS && (any = next_time(h, from, &t, err)) > 0; i++) {
    const tl_partition *found = tl_history_partition(h, t, err);
    if (!found) return err ? err->code : TL_ENOMEM;
    /* a copy, because the list of partitions may move when one is added */
    tl_partition p = *found;
    if (p.from == p.to) break; /* the rest of times */
    int whole = merge_partition(h, &p, err);
    rc = whole == 0 ? merge_rows(h, p.from, p.to, err) : whole;
    from = p.to;
  }
  if (rc >= 0 && any > 0) rc = merge_rows(h, from, INT64_MAX, err);
  if (any < 0) rc = any;
  if (rc >= 0) rc = tl_history_run(h, "DELETE FROM recent", err);
  if (rc >= 0) h->recent = 0;
  return rc < 0 ? rc : TL_OK;
}

int tl_history_merge (tl_history *h, tl_err *err) {
  uint64_t recent = h->recent;
  if (recent == 0) return TL_OK;
  int rc = tl_history_run(h, "BEGIN IMMEDIATE", err);
  if (rc < 0) return rc;
  rc = tl_history_merge_here(h, err);
  if (rc >= 0) rc = tl_history_run(h, "COMMIT", err);
  if (rc >= 0) return TL_OK;
  sqlite3_exec(h->db, "ROLLBACK", NULL, NULL, NULL);
  h->recent = recent;
  tl_history_load_partitions(h, NULL);
  return rc;
}

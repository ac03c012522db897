/* core/history/trim.c — what is older than it should be goes; of each tag one older value stays,
** so that its curve has a left edge. See history.h. */
#include <stdlib.h>

#include "history/history_impl.h"

/* The rows of a table that are too old: older than the `keep` of their tag or, if it has none, of
** the history. ?1: now. ?2: the history's `keep`; 0: for ever. */
#define OLD_ROWS                                              \
  " FROM %s v JOIN tag ON tag.id=v.tag WHERE"                 \
  " (CASE WHEN tag.keep_ms>0 THEN tag.keep_ms ELSE ?2 END)>0" \
  " AND v.t < ?1-(CASE WHEN tag.keep_ms>0 THEN tag.keep_ms ELSE ?2 END)"

static int run (tl_history *h, const char *format, const char *name, int64_t now_ms,
                sqlite3_int64 *changed, tl_err *err) {
  sqlite3_stmt *s = NULL;
  char *sql = sqlite3_mprintf(format, name, name, name);
  int rc = sql ? sqlite3_prepare_v2(h->db, sql, -1, &s, NULL) : SQLITE_NOMEM;
  sqlite3_free(sql);
  if (rc == SQLITE_OK) {
    if (sqlite3_bind_parameter_count(s) > 0) sqlite3_bind_int64(s, 1, now_ms);
    if (sqlite3_bind_parameter_count(s) > 1) sqlite3_bind_int64(s, 2, h->keep_ms);
    rc = sqlite3_step(s);
  }
  if (changed) *changed = rc == SQLITE_ROW ? sqlite3_column_int64(s, 0) : sqlite3_changes(h->db);
  sqlite3_finalize(s);
  return rc == SQLITE_DONE || rc == SQLITE_ROW ? TL_OK : tl_history_fail(h, err, h->path);
}

/* Put each tag's newest row that is dropped into the table `last`, unless a newer one is there. */
static const char keep_edge[] =
    "INSERT INTO last SELECT tag, t, n, value, state, late FROM (SELECT v.*, row_number() OVER"
    " (PARTITION BY v.tag ORDER BY v.t DESC, v.n DESC) AS place" OLD_ROWS ") WHERE place=1"
    " ON CONFLICT(tag) DO UPDATE SET t=excluded.t, n=excluded.n, value=excluded.value,"
    " state=excluded.state, late=excluded.late WHERE excluded.t>=last.t";

static int trim_partition (tl_history *h, const tl_partition *p, int64_t now_ms, bool *dropped,
                           uint64_t *rows, tl_err *err) {
  sqlite3_int64 all, old, gone;
  int rc = run(h, "SELECT count(*) FROM %s", p->name, now_ms, &all, err);
  if (rc >= 0) rc = run(h, "SELECT count(*)" OLD_ROWS, p->name, now_ms, &old, err);
  if (rc < 0 || old == 0) return rc;
  rc = run(h, keep_edge, p->name, now_ms, NULL, err);
  *rows += (uint64_t)old;
  if (rc >= 0 && old == all) {
    *dropped = true;
    rc = run(h, "DELETE FROM partition WHERE name='%s'", p->name, now_ms, &gone, err);
    /* The view names it: it is made anew behind this. */
    if (rc >= 0) rc = tl_history_run(h, "DROP VIEW IF EXISTS value", err);
    return rc >= 0 ? run(h, "DROP TABLE %s", p->name, now_ms, &gone, err) : rc;
  }
  if (rc < 0) return rc;
  return run(h, "DELETE FROM %s WHERE (tag, t, n) IN (SELECT v.tag, v.t, v.n" OLD_ROWS ")", p->name,
             now_ms, &gone, err);
}

/* The shortest `keep` of all tags and of the history: nothing younger can be too old. */
static int shortest_keep (tl_history *h, int64_t *out, tl_err *err) {
  sqlite3_int64 of_tags = 0;
  int rc = run(h, "SELECT coalesce(min(keep_ms),0) FROM tag WHERE keep_ms>0", "", 0, &of_tags, err);
  *out = h->keep_ms > 0 && (of_tags == 0 || h->keep_ms < of_tags) ? h->keep_ms : of_tags;
  return rc;
}

static int trim_all (tl_history *h, int64_t now_ms, uint64_t *rows, tl_err *err) {
  int64_t keep;
  bool dropped = false;
  int rc = shortest_keep(h, &keep, err);
  if (rc < 0 || keep == 0) return rc;
  for (uint32_t i = h->partition_count; rc >= 0 && i > 0; i--) {
    tl_partition p = h->partitions[i - 1];
    if (p.from >= now_ms - keep) continue;
    sqlite3_finalize(p.insert);
    h->partitions[i - 1].insert = NULL;
    rc = trim_partition(h, &p, now_ms, &dropped, rows, err);
  }
  if (rc >= 0 && dropped) {
    rc = tl_history_load_partitions(h, err);
    if (rc >= 0) rc = tl_history_make_view(h, err);
  }
  return rc;
}

/* Find the oldest value by one look-up in the key for each tag, which does not read the whole
** table. Two tables are looked at, because the first may be that of times outside of all
** partitions. */
int tl_history_find_oldest (tl_history *h, tl_err *err) {
  static const char of_table[] =
      "SELECT coalesce(min((SELECT min(t) FROM %s v WHERE v.tag=tag.id)),9223372036854775807)"
      " FROM tag";
  sqlite3_int64 oldest, found;
  int rc = run(h, "SELECT coalesce(min(t),9223372036854775807) FROM recent", "", 0, &oldest, err);
  for (uint32_t i = 0; rc >= 0 && i < 2 && i < h->partition_count; i++) {
    rc = run(h, of_table, h->partitions[i].name, 0, &found, err);
    if (rc >= 0 && found < oldest) oldest = found;
  }
  if (rc >= 0) h->oldest_ms = oldest;
  return rc;
}

int64_t tl_history_oldest (const tl_history *h) { return h->oldest_ms; }

int tl_history_trim (tl_history *h, int64_t now_ms, uint64_t *rows, tl_err *err) {
  *rows = 0;
  int rc = tl_history_run(h, "BEGIN IMMEDIATE", err);
  if (rc < 0) return rc;
  rc = trim_all(h, now_ms, rows, err);
  if (rc >= 0 && *rows > 0) rc = tl_history_find_oldest(h, err);
  if (rc >= 0) rc = tl_history_run(h, "COMMIT", err);
  if (rc >= 0) return TL_OK;
  sqlite3_exec(h->db, "ROLLBACK", NULL, NULL, NULL);
  tl_history_load_partitions(h, NULL);
  return rc;
}

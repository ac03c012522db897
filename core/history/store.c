/* core/history/store.c — takes batches: appends what is new, keys what is late. See history.h. */
#include <stdlib.h>

#include "base/utf8.h"
#include "history/history_impl.h"

/* --- tags --- */

static const char *text_or_null (tl_slice s, int *len) {
  *len = (int)s.len;
  return s.len > 0 ? (const char *)s.at : NULL;
}

static int bind_series (sqlite3_stmt *s, const tl_series *series, int64_t now_ms) {
  const char *type = tl_type_name((tl_type)series->type);
  int unit_len, description_len;
  const char *unit = text_or_null(series->unit, &unit_len);
  const char *description = text_or_null(series->description, &description_len);
  sqlite3_reset(s);
  sqlite3_bind_text(s, 1, (const char *)series->name.at, (int)series->name.len, SQLITE_STATIC);
  sqlite3_bind_text(s, 2, type, -1, SQLITE_STATIC);
  sqlite3_bind_text(s, 3, unit, unit_len, SQLITE_STATIC);
  sqlite3_bind_text(s, 4, description, description_len, SQLITE_STATIC);
  sqlite3_bind_double(s, 5, (double)now_ms / 1000);
  sqlite3_bind_int64(s, 6, series->keep_ms);
  return sqlite3_step(s);
}

/* Add the tag's row, or update its unit, description and `keep`. A tag of the same name with
** another type is another row. */
static const char add_tag[] =
    "INSERT INTO tag(name, type, unit, description, since, keep_ms) VALUES(?1,?2,?3,?4,?5,?6)"
    " ON CONFLICT(name, type) DO UPDATE SET unit=?3, description=?4, keep_ms=?6"
    " RETURNING id";
/* An import knows less about a tag than the process that recorded it, so it only adds a missing
** unit. */
static const char add_import[] =
    "INSERT INTO tag(name, type, unit, description, since, keep_ms) VALUES(?1,?2,?3,?4,?5,?6)"
    " ON CONFLICT(name, type) DO UPDATE SET unit=coalesce(unit,?3)"
    " RETURNING id, keep_ms";

static tl_history_known *learn (tl_history *h, const tl_series *s, int64_t now_ms, tl_err *err) {
  tl_history_known *k = calloc(1, sizeof *k);
  if (!k) {
    tl_fail(err, TL_ENOMEM, 0, "no memory for a tag of the history");
    return NULL;
  }
  tl_buf_init(&k->key);
  tl_buf_byte(&k->key, s->type);
  tl_buf_slice(&k->key, s->name);
  tl_buf_init(&k->words);
  tl_buf_slice(&k->words, s->unit);
  tl_buf_slice(&k->words, s->description);
  k->unit_len = s->unit.len;
  int rc = tl_history_prepare(h->db, &h->add_tag, h->importing ? add_import : add_tag);
  if (rc == SQLITE_OK) rc = bind_series(h->add_tag, s, now_ms);
  k->keep_ms = s->keep_ms;
  if (rc == SQLITE_ROW) {
    k->id = sqlite3_column_int64(h->add_tag, 0);
    if (h->importing) k->keep_ms = sqlite3_column_int64(h->add_tag, 1);
    rc = sqlite3_step(h->add_tag);
  }
  if (rc != SQLITE_DONE) tl_history_fail(h, err, h->path);
  sqlite3_reset(h->add_tag);
  if (rc == SQLITE_DONE && !k->key.failed && !k->words.failed &&
      tl_map_put(&h->tags, tl_buf_bytes(&k->key), k) == TL_OK)
    return k;
  if (rc == SQLITE_DONE) tl_fail(err, TL_ENOMEM, 0, "no memory for a tag of the history");
  tl_buf_fini(&k->key);
  tl_buf_fini(&k->words);
  free(k);
  return NULL;
}

/* Is the known row of this tag up to date? A reload may change unit, description or `keep`; the
** spool then defines the series again. */
static bool is_current (const tl_history *h, const tl_history_known *k, const tl_series *s) {
  if (h->importing) return true;
  if (k->keep_ms != s->keep_ms || k->unit_len != s->unit.len) return false;
  if (k->words.len != s->unit.len + s->description.len) return false;
  return (s->unit.len == 0 || memcmp(k->words.at, s->unit.at, s->unit.len) == 0) &&
         (s->description.len == 0 ||
          memcmp(k->words.at + s->unit.len, s->description.at, s->description.len) == 0);
}

static void free_known (tl_history_known *k) {
  tl_buf_fini(&k->key);
  tl_buf_fini(&k->words);
  free(k);
}

static tl_history_known *known_of (tl_history *h, const tl_series *s, int64_t now_ms, tl_err *err) {
  uint8_t small[256], *key = s->name.len < sizeof small ? small : malloc(s->name.len + 1);
  if (!key) {
    tl_fail(err, TL_ENOMEM, 0, "no memory for a tag of the history");
    return NULL;
  }
  key[0] = s->type;
  memcpy(key + 1, s->name.at, s->name.len);
  tl_history_known *k = tl_map_get(&h->tags, tl_slice_of(key, s->name.len + 1));
  if (key != small) free(key);
  if (k && !is_current(h, k, s)) {
    tl_map_del(&h->tags, tl_buf_bytes(&k->key));
    free_known(k);
    k = NULL;
  }
  return k ? k : learn(h, s, now_ms, err);
}

/* The time of the tag's newest row: in a partition, for `recent` is empty when this is asked
** first. */
static int find_last (tl_history *h, tl_history_known *k, tl_err *err) {
  k->last_ms = INT64_MIN;
  for (uint32_t i = h->partition_count; i > 0 && k->last_ms == INT64_MIN; i--) {
    sqlite3_stmt *s = NULL;
    char *sql = sqlite3_mprintf("SELECT max(t) FROM %s WHERE tag=%lld", h->partitions[i - 1].name,
                                (long long)k->id);
    int rc = sql ? sqlite3_prepare_v2(h->db, sql, -1, &s, NULL) : SQLITE_NOMEM;
    sqlite3_free(sql);
    if (rc == SQLITE_OK) rc = sqlite3_step(s);
    if (rc == SQLITE_ROW && sqlite3_column_type(s, 0) != SQLITE_NULL)
      k->last_ms = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    if (rc != SQLITE_ROW) return tl_history_fail(h, err, h->path);
  }
  k->last_known = true;
  return TL_OK;
}

/* --- values --- */

static int state_of (const tl_sample *v) { /* -1: valid */
  if (v->status == TL_VALID) return -1;
  return v->status == TL_INVALID ? v->reason : 0;
}

/* As a reader of the table wants it: Di 0 and 1, times and durations in seconds, text as TEXT
** where it is UTF-8. */
static void bind_value (sqlite3_stmt *s, int at, tl_type type, const tl_sample *v) {
  if (v->status != TL_VALID) {
    sqlite3_bind_null(s, at);
    return;
  }
  switch (type) {
    case TL_AI:
    case TL_AO:
    case TL_TIR:
    case TL_TOR: sqlite3_bind_double(s, at, v->value.number); break;
    case TL_DI:
    case TL_DO: sqlite3_bind_int(s, at, v->value.boolean); break;
    case TL_TIA:
    case TL_TOA: sqlite3_bind_double(s, at, (double)v->value.integer / 1000); break;
    case TL_TXTI:
    case TL_TXTO: {
      tl_slice text = v->value.text;
      const char *bytes = text.len > 0 ? (const char *)text.at : "";
      bool plain = tl_utf8_valid(text) && (text.len == 0 || !memchr(text.at, 0, text.len));
      if (plain)
        sqlite3_bind_text(s, at, bytes, (int)text.len, SQLITE_STATIC);
      else
        sqlite3_bind_blob(s, at, bytes, (int)text.len, SQLITE_STATIC);
      break;
    }
    default: sqlite3_bind_int64(s, at, v->value.integer); break;
  }
}

/* A row: the tag's number, the time in ms, its number among values of this time, the value (NULL
** when the tag has none), then state and delay, NULL when they say nothing. */
static void bind_row (sqlite3_stmt *s, sqlite3_int64 tag, const tl_outlet_value *v) {
  int state = state_of(&v->sample);
  int64_t late = v->arrival_ms - v->sample.time_ms;
  sqlite3_bind_int64(s, 1, tag);
  sqlite3_bind_int64(s, 2, v->sample.time_ms);
  sqlite3_bind_int(s, 3, v->sample.n);
  bind_value(s, 4, (tl_type)v->series->type, &v->sample);
  if (state < 0)
    sqlite3_bind_null(s, 5);
  else
    sqlite3_bind_int(s, 5, state);
  if (late == 0)
    sqlite3_bind_null(s, 6);
  else
    sqlite3_bind_int64(s, 6, late);
}

static int append (tl_history *h, const tl_history_known *k, const tl_outlet_value *v,
                   tl_err *err) {
  sqlite3_reset(h->append);
  bind_row(h->append, k->id, v);
  if (sqlite3_step(h->append) != SQLITE_DONE) return tl_history_fail(h, err, h->path);
  h->recent++;
  return TL_OK;
}

/* A value that is not newer than the last one may be there already: it is put by its key. A
** statement that returns what is bound to it makes a value of SQLite, since tl_history_put() takes
** one; bind_value() binds it as for append(), so that both store alike. */
static int put_late (tl_history *h, const tl_history_known *k, const tl_outlet_value *v,
                     tl_err *err) {
  sqlite3_stmt *s = NULL;
  if (sqlite3_prepare_v2(h->db, "SELECT ?4", -1, &s, NULL) != SQLITE_OK)
    return tl_history_fail(h, err, h->path);
  bind_value(s, 4, (tl_type)v->series->type, &v->sample);
  int rc =
      sqlite3_step(s) == SQLITE_ROW
          ? tl_history_put(h, k->id, v->sample.time_ms, v->sample.n, sqlite3_column_value(s, 0),
                           state_of(&v->sample), v->arrival_ms - v->sample.time_ms, err)
          : tl_history_fail(h, err, h->path);
  sqlite3_finalize(s);
  return rc;
}

/* The tag's own `keep` counts before the history's; 0: for ever. Such a value is not stored. */
static bool is_too_old (const tl_history *h, const tl_history_known *k, const tl_outlet_value *v,
                        int64_t now_ms) {
  int64_t keep = k->keep_ms > 0 ? k->keep_ms : h->keep_ms;
  return keep > 0 && v->sample.time_ms < now_ms - keep;
}

static int take (tl_history *h, const tl_outlet_value *v, int64_t now_ms, uint8_t *late,
                 bool *any_late, tl_err *err) {
  if (v->sample.status == TL_UNSET) return TL_OK;
  tl_history_known *k = known_of(h, v->series, now_ms, err);
  if (!k) return err->code < 0 ? err->code : TL_ENOMEM;
  if (is_too_old(h, k, v, now_ms)) {
    h->too_old++;
    return TL_OK;
  }
  int rc = k->last_known ? TL_OK : find_last(h, k, err);
  if (rc < 0) return rc;
  if (v->sample.time_ms < h->oldest_ms) h->oldest_ms = v->sample.time_ms;
  if (v->sample.time_ms > k->last_ms || (v->sample.time_ms == k->last_ms && v->sample.n > 0)) {
    k->last_ms = v->sample.time_ms;
    return append(h, k, v, err);
  }
  *late = 1;
  *any_late = true;
  return TL_OK;
}

static int advance (tl_history *h, const tl_outlet_batch *b, tl_err *err) {
  sqlite3_reset(h->advance);
  sqlite3_bind_int64(h->advance, 1, (sqlite3_int64)b->spool);
  sqlite3_bind_int64(h->advance, 2, (sqlite3_int64)b->next);
  return sqlite3_step(h->advance) == SQLITE_DONE ? TL_OK : tl_history_fail(h, err, h->path);
}

static int note_hole (tl_history *h, const tl_outlet_hole *hole, int64_t now_ms, tl_err *err) {
  char *sql = sqlite3_mprintf("INSERT INTO event VALUES(%f,'dropped',%lld,%f,%f,"
                              "'values that the spool dropped before they were here')",
                              (double)now_ms / 1000, (long long)hole->count,
                              (double)hole->from_ms / 1000, (double)hole->to_ms / 1000);
  int rc = sql ? tl_history_run(h, sql, err) : tl_fail(err, TL_ENOMEM, 0, "no memory");
  sqlite3_free(sql);
  return rc;
}

static int prepare (tl_history *h, tl_err *err) {
  int rc = tl_history_prepare(h->db, &h->append, "INSERT INTO recent VALUES(?,?,?,?,?,?)");
  if (rc == SQLITE_OK)
    rc = tl_history_prepare(h->db, &h->advance, "INSERT OR REPLACE INTO applied VALUES(?,?)");
  return rc == SQLITE_OK ? TL_OK : tl_history_fail(h, err, h->path);
}

static int store_all (tl_history *h, const tl_outlet_batch *b, int64_t now_ms, uint8_t *late,
                      tl_err *err) {
  bool any_late = false;
  int rc = b->hole.count > 0 ? note_hole(h, &b->hole, now_ms, err) : TL_OK;
  for (size_t i = 0; rc >= 0 && i < b->count; i++)
    rc = take(h, &b->values[i], now_ms, &late[i], &any_late, err);
  if (rc >= 0 && any_late) rc = tl_history_merge_here(h, err);
  for (size_t i = 0; any_late && rc >= 0 && i < b->count; i++) {
    if (!late[i]) continue;
    tl_history_known *k = known_of(h, b->values[i].series, now_ms, err);
    rc = k ? put_late(h, k, &b->values[i], err) : TL_ENOMEM;
  }
  return rc >= 0 && !h->importing ? advance(h, b, err) : rc;
}

/* After a failure nothing of the batch is there, and what was learnt meanwhile is forgotten. */
static void give_up (tl_history *h, uint64_t recent, uint64_t too_old) {
  tl_slice key;
  void *value;
  sqlite3_exec(h->db, "ROLLBACK", NULL, NULL, NULL);
  h->recent = recent;
  h->too_old = too_old;
  for (uint32_t i = 0; tl_map_next(&h->tags, &i, &key, &value);) {
    tl_history_known *k = value;
    tl_map_del(&h->tags, key);
    free_known(k);
  }
  tl_history_load_partitions(h, NULL);
  tl_history_find_oldest(h, NULL);
}

int tl_history_store (tl_history *h, const tl_outlet_batch *b, int64_t now_ms, tl_err *err) {
  uint64_t recent = h->recent, too_old = h->too_old;
  uint8_t *late = calloc(b->count + 1, 1);
  err->code = 0;
  h->importing = b->spool == 0;
  if (!late) return tl_fail(err, TL_ENOMEM, 0, "no memory for the history");
  int rc = prepare(h, err);
  if (rc >= 0) rc = tl_history_run(h, "BEGIN IMMEDIATE", err);
  if (rc >= 0) {
    rc = store_all(h, b, now_ms, late, err);
    if (rc >= 0) rc = tl_history_run(h, "COMMIT", err);
    if (rc < 0) give_up(h, recent, too_old);
  }
  free(late);
  return rc;
}

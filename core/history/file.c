/* core/history/file.c — the history's file: schema, lock, partitions. See history.h. */
#include "history/history_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "outlet/span.h"

enum { BUSY_MS = 5000 };

int tl_history_code (sqlite3 *db, const char **why) {
  int code = sqlite3_errcode(db) & 0xff;
  if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE) code = SQLITE_NOMEM;
  *why = code == SQLITE_NOMEM ? "out of memory" : sqlite3_errmsg(db);
  return code;
}

int tl_history_fail (tl_history *h, tl_err *err, const char *what) {
  const char *why;
  int code = tl_history_code(h->db, &why);
  int rc = TL_EREFUSED;
  if (code == SQLITE_NOMEM)
    rc = TL_ENOMEM;
  else if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
    rc = TL_EMALFORMED;
  else if (code == SQLITE_FULL)
    rc = -ENOSPC;
  return tl_fail(err, rc, 0, "%s: %s", what, code == SQLITE_FULL ? "the disk is full" : why);
}

int tl_history_run (tl_history *h, const char *sql, tl_err *err) {
  return sqlite3_exec(h->db, sql, NULL, NULL, NULL) == SQLITE_OK ? TL_OK
                                                                 : tl_history_fail(h, err, h->path);
}

int tl_history_prepare (sqlite3 *db, sqlite3_stmt **out, const char *sql) {
  if (*out) return SQLITE_OK;
  return sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
}

/* --- opening --- */

static const char schema[] =
    "PRAGMA application_id=1414285395;"
    "CREATE TABLE tag(id INTEGER PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL, unit TEXT,"
    " description TEXT, since REAL NOT NULL, keep_ms INTEGER NOT NULL DEFAULT 0,"
    " UNIQUE(name, type)) STRICT;"
    "CREATE TABLE recent(tag INTEGER NOT NULL, t INTEGER NOT NULL, n INTEGER NOT NULL, value ANY,"
    " state INTEGER, late INTEGER) STRICT;"
    "CREATE TABLE last(tag INTEGER PRIMARY KEY, t INTEGER NOT NULL, n INTEGER NOT NULL, value ANY,"
    " state INTEGER, late INTEGER) STRICT;"
    "CREATE TABLE applied(spool INTEGER PRIMARY KEY, next INTEGER NOT NULL) STRICT;"
    "CREATE TABLE partition(name TEXT PRIMARY KEY, from_ms INTEGER NOT NULL,"
    " to_ms INTEGER NOT NULL) STRICT;"
    "CREATE TABLE event(time REAL NOT NULL, kind TEXT NOT NULL, count INTEGER, from_time REAL,"
    " to_time REAL, text TEXT) STRICT;"
    "PRAGMA user_version=1;";

static int number_of (tl_history *h, const char *sql, sqlite3_int64 *out) {
  sqlite3_stmt *s = NULL;
  int rc = sqlite3_prepare_v2(h->db, sql, -1, &s, NULL);
  if (rc == SQLITE_OK) rc = sqlite3_step(s);
  if (rc == SQLITE_ROW) *out = sqlite3_column_int64(s, 0);
  sqlite3_finalize(s);
  return rc == SQLITE_ROW ? TL_OK : TL_EMALFORMED;
}

/* An empty file becomes a history; one of somebody else is not touched. */
static int check_or_make (tl_history *h, tl_err *err) {
  sqlite3_int64 application, version, tables;
  if (number_of(h, "PRAGMA application_id", &application) < 0 ||
      number_of(h, "PRAGMA user_version", &version) < 0 ||
      number_of(h, "SELECT count(*) FROM sqlite_schema", &tables) < 0)
    return tl_history_fail(h, err, h->path);
  if (application == 0 && version == 0 && tables == 0) {
    int rc = tl_history_run(h, "BEGIN IMMEDIATE", err);
    if (rc >= 0) rc = tl_history_run(h, schema, err);
    if (rc >= 0) rc = tl_history_make_view(h, err);
    return rc >= 0 ? tl_history_run(h, "COMMIT", err) : rc;
  }
  if (application != TL_HISTORY_APPLICATION)
    return tl_fail(err, TL_EMALFORMED, 0,
                   "'%.150s' is no history of tagline: it is left as it is; name another file",
                   h->path);
  if (version != TL_HISTORY_VERSION)
    return tl_fail(err, TL_EMALFORMED, 0,
                   "'%.120s' is a history of version %lld, this program knows version %d", h->path,
                   (long long)version, TL_HISTORY_VERSION);
  return TL_OK;
}

/* Lock a file of our own beside the database. SQLite's lock is released between transactions, and
** would let a second writer in. */
static int take_lock (tl_history *h, tl_err *err) {
  char path[4096], text[32] = "";
  int n = snprintf(path, sizeof path, "%s.lock", h->path);
  if (n < 0 || (size_t)n >= sizeof path)
    return tl_fail(err, TL_ETOOBIG, 0, "history: the path is too long");
  h->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
  if (h->lock < 0) return tl_fail(err, -errno, 0, "'%.150s': %s", path, strerror(errno));
  if (flock(h->lock, LOCK_EX | LOCK_NB) == 0) {
    int len = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (ftruncate(h->lock, 0) == 0) (void)!pwrite(h->lock, text, (size_t)len, 0);
    return TL_OK;
  }
  ssize_t got = pread(h->lock, text, sizeof text - 1, 0);
  text[got > 0 ? got : 0] = '\0';
  text[strspn(text, "0123456789")] = '\0';
  return tl_fail(err, TL_EEXIST, 0, "'%.150s': process %s writes it; one process a history",
                 h->path, text[0] != '\0' ? text : "?");
}

char *tl_history_real_path (const char *path) {
  enum { LINKS_MAX = 40 };
  char *at = strdup(path), to[PATH_MAX];
  for (int i = 0; at && i < LINKS_MAX; i++) {
    ssize_t n = readlink(at, to, sizeof to);
    if (n <= 0 || n == sizeof to) break;
    const char *slash = strrchr(at, '/');
    size_t folder = slash && to[0] != '/' ? (size_t)(slash - at) + 1 : 0;
    char *next = malloc(folder + (size_t)n + 1);
    if (next) {
      memcpy(next, at, folder);
      memcpy(next + folder, to, (size_t)n);
      next[folder + (size_t)n] = '\0';
    }
    free(at);
    at = next;
  }
  return at;
}

static int is_regular_or_absent (const char *path, tl_err *err) {
  struct stat st;
  if (stat(path, &st) < 0) {
    if (errno == ENOENT || errno == ENAMETOOLONG) return TL_OK; /* who makes it says why not */
    return tl_fail(err, -errno, 0, "'%.150s': %s", path, strerror(errno));
  }
  if (S_ISREG(st.st_mode)) return TL_OK;
  return tl_fail(err, TL_EMALFORMED, 0, "'%.150s' is no regular file", path);
}

static int open_database (tl_history *h, tl_err *err) {
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  int rc = sqlite3_open_v2(h->path, &h->db, flags, NULL);
  if (!h->db) return tl_fail(err, TL_ENOMEM, 0, "no memory for the history");
  if (rc != SQLITE_OK) return tl_history_fail(h, err, h->path);
  sqlite3_busy_timeout(h->db, BUSY_MS);
  rc = check_or_make(h, err);
  if (rc < 0) return rc;
  /* FULL: what is stored is synced, for the spool lets go of it. A log that grew while somebody
  ** read the file is made short again once it begins anew. */
  rc = tl_history_run(h,
                      "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=OFF;"
                      "PRAGMA journal_size_limit=16777216;",
                      err);
  if (rc >= 0) rc = tl_history_load_partitions(h, err);
  sqlite3_int64 recent = 0;
  if (rc >= 0 && number_of(h, "SELECT count(*) FROM recent", &recent) < 0)
    rc = tl_history_fail(h, err, h->path);
  h->recent = (uint64_t)recent;
  return rc;
}

int tl_history_open (tl_history **out, const char *path, int64_t keep_ms, tl_err *err) {
  tl_history *h = calloc(1, sizeof *h);
  if (h) h->path = tl_history_real_path(path);
  if (!h || !h->path) {
    free(h);
    return tl_fail(err, TL_ENOMEM, 0, "no memory for the history");
  }
  h->lock = -1;
  h->keep_ms = keep_ms;
  tl_map_init(&h->tags);
  int rc = is_regular_or_absent(h->path, err);
  if (rc >= 0) rc = take_lock(h, err);
  if (rc >= 0) rc = open_database(h, err);
  /* Late values are compared with rows by key, and only merged rows have keys. So what an earlier
  ** process left unmerged is merged first. */
  if (rc >= 0) rc = tl_history_merge(h, err);
  if (rc >= 0) rc = tl_history_find_oldest(h, err);
  if (rc < 0) {
    tl_history_close(h);
    return rc;
  }
  *out = h;
  return TL_OK;
}

static void forget_tags (tl_history *h) {
  tl_slice key;
  void *value;
  for (uint32_t i = 0; tl_map_next(&h->tags, &i, &key, &value);) {
    tl_history_known *known = value;
    tl_buf_fini(&known->key);
    tl_buf_fini(&known->words);
    free(known);
  }
  tl_map_fini(&h->tags);
}

void tl_history_close (tl_history *h) {
  if (!h) return;
  tl_history_forget_partitions(h);
  free(h->partitions);
  sqlite3_finalize(h->append);
  sqlite3_finalize(h->advance);
  sqlite3_finalize(h->add_tag);
  sqlite3_finalize(h->tune_tag);
  sqlite3_close(h->db);
  if (h->lock >= 0) close(h->lock);
  forget_tags(h);
  free(h->path);
  free(h);
}

void tl_history_set_keep (tl_history *h, int64_t keep_ms) { h->keep_ms = keep_ms; }
uint64_t tl_history_recent (const tl_history *h) { return h->recent; }
uint64_t tl_history_too_old (const tl_history *h) { return h->too_old; }

static uint64_t bytes_of (const tl_history *h, const char *suffix) {
  char path[4096];
  struct stat st;
  snprintf(path, sizeof path, "%s%s", h->path, suffix);
  return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

uint64_t tl_history_log_bytes (const tl_history *h) { return bytes_of(h, "-wal"); }

uint64_t tl_history_bytes (const tl_history *h) {
  return bytes_of(h, "") + tl_history_log_bytes(h);
}

int tl_history_rows (tl_history *h, uint64_t *out, tl_err *err) {
  sqlite3_int64 sum = 0;
  for (uint32_t i = 0; i <= h->partition_count; i++) {
    sqlite3_int64 n = 0;
    bool last = i == h->partition_count;
    char *sql = sqlite3_mprintf("SELECT count(*) FROM %s", last ? "recent" : h->partitions[i].name);
    int rc = sql ? number_of(h, sql, &n) : TL_ENOMEM;
    sqlite3_free(sql);
    if (rc < 0) return tl_history_fail(h, err, h->path);
    sum += n;
  }
  *out = (uint64_t)sum;
  return TL_OK;
}

uint64_t tl_history_applied (tl_history *h, uint64_t spool) {
  sqlite3_stmt *s = NULL;
  uint64_t next = 0;
  if (sqlite3_prepare_v2(h->db, "SELECT next FROM applied WHERE spool=?", -1, &s, NULL) ==
      SQLITE_OK) {
    sqlite3_bind_int64(s, 1, (sqlite3_int64)spool);
    if (sqlite3_step(s) == SQLITE_ROW) next = (uint64_t)sqlite3_column_int64(s, 0);
  }
  sqlite3_finalize(s);
  return next;
}

/* --- partitions --- */

void tl_history_forget_partitions (tl_history *h) {
  for (uint32_t i = 0; i < h->partition_count; i++) sqlite3_finalize(h->partitions[i].insert);
  h->partition_count = 0;
}

static tl_partition *add_partition (tl_history *h, uint32_t at) {
  if (h->partition_count == h->partition_cap) {
    uint32_t cap = h->partition_cap > 0 ? h->partition_cap * 2 : 32;
    tl_partition *more = realloc(h->partitions, cap * sizeof *more);
    if (!more) return NULL;
    h->partitions = more;
    h->partition_cap = cap;
  }
  memmove(h->partitions + at + 1, h->partitions + at,
          (h->partition_count - at) * sizeof *h->partitions);
  h->partition_count++;
  return &h->partitions[at];
}

int tl_history_load_partitions (tl_history *h, tl_err *err) {
  sqlite3_stmt *s = NULL;
  int rc = sqlite3_prepare_v2(h->db, "SELECT name, from_ms, to_ms FROM partition ORDER BY from_ms",
                              -1, &s, NULL);
  tl_history_forget_partitions(h);
  while (rc == SQLITE_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
    const char *name = (const char *)sqlite3_column_text(s, 0);
    tl_partition *p = name ? add_partition(h, h->partition_count) : NULL;
    if (!p) break;
    *p = (tl_partition){ sqlite3_column_int64(s, 1), sqlite3_column_int64(s, 2), "", NULL };
    snprintf(p->name, sizeof p->name, "%s", name);
    rc = SQLITE_OK;
  }
  sqlite3_finalize(s);
  if (rc == SQLITE_ROW) return tl_fail(err, TL_ENOMEM, 0, "no memory");
  return rc == SQLITE_DONE ? TL_OK : tl_history_fail(h, err, h->path);
}

static int64_t floor_div (int64_t a, int64_t b) { return a / b - (a % b < 0); }

/* A neighbouring partition of another size may overlap with this one: then this one holds one day
** only. */
static bool overlaps (const tl_history *h, int64_t from, int64_t to) {
  for (uint32_t i = 0; i < h->partition_count; i++)
    if (h->partitions[i].from < to && from < h->partitions[i].to) return true;
  return false;
}

static int make_table (tl_history *h, const tl_partition *p, tl_err *err) {
  char *sql = sqlite3_mprintf(
      "CREATE TABLE %s(tag INTEGER NOT NULL, t INTEGER NOT NULL, n INTEGER NOT NULL, value ANY,"
      " state INTEGER, late INTEGER, PRIMARY KEY(tag, t, n)) STRICT, WITHOUT ROWID;"
      "INSERT INTO partition VALUES('%s', %lld, %lld);",
      p->name, p->name, (long long)p->from, (long long)p->to);
  int rc = sql ? tl_history_run(h, sql, err) : tl_fail(err, TL_ENOMEM, 0, "no memory");
  sqlite3_free(sql);
  return rc;
}

/* The table for times outside of all partitions: values with wrong times must not make a table
** each. */
static tl_partition *rest (tl_history *h, tl_err *err) {
  for (uint32_t i = 0; i < h->partition_count; i++)
    if (strcmp(h->partitions[i].name, "value_rest") == 0) return &h->partitions[i];
  tl_partition p = { INT64_MIN, INT64_MIN, "value_rest", NULL };
  if (make_table(h, &p, err) < 0) return NULL;
  tl_partition *at = add_partition(h, 0);
  if (at) *at = p;
  if (!at) tl_fail(err, TL_ENOMEM, 0, "no memory");
  return at && tl_history_make_view(h, err) >= 0 ? at : NULL;
}

tl_partition *tl_history_partition (tl_history *h, int64_t t, tl_err *err) {
  uint32_t low = 0, high = h->partition_count;
  while (low < high) { /* the first that begins behind t */
    uint32_t middle = low + (high - low) / 2;
    if (h->partitions[middle].from <= t)
      low = middle + 1;
    else
      high = middle;
  }
  if (low > 0 && t < h->partitions[low - 1].to) return &h->partitions[low - 1];
  if (h->partition_count >= TL_PARTITIONS_MAX) return rest(h, err);
  tl_partition p = { .insert = NULL };
  tl_outlet_span(h->keep_ms, t, &p.from, &p.to);
  if (overlaps(h, p.from, p.to)) tl_outlet_day(t, &p.from, &p.to);
  time_t second = (time_t)floor_div(p.from, 1000);
  struct tm tm;
  if (!gmtime_r(&second, &tm) || tm.tm_year < -1900 || tm.tm_year > 8099) return rest(h, err);
  snprintf(p.name, sizeof p.name, "value_%04d%02d%02d", (tm.tm_year + 1900) % 10000,
           (tm.tm_mon + 1) % 100, tm.tm_mday % 100);
  if (make_table(h, &p, err) < 0) return NULL;
  tl_partition *at = add_partition(h, low);
  if (!at) {
    tl_fail(err, TL_ENOMEM, 0, "no memory");
    return NULL;
  }
  *at = p;
  return tl_history_make_view(h, err) >= 0 ? at : NULL;
}

/* The view that people and tools read: names, real times, words. */
int tl_history_make_view (tl_history *h, tl_err *err) {
  tl_buf sql;
  tl_buf_init(&sql);
  tl_buf_str(&sql, "DROP VIEW IF EXISTS value; CREATE VIEW value AS SELECT v.t/1000.0 AS time,"
                   " tag.name AS tag, v.value AS value,"
                   " CASE WHEN v.state IS NULL THEN 'valid' WHEN v.state=0 THEN 'unset'"
                   " ELSE 'invalid' END AS status, CASE v.state");
  for (int i = 1; i < TL_REASON_COUNT; i++)
    tl_buf_fmt(&sql, " WHEN %d THEN '%s'", i, tl_reason_name((tl_reason)i));
  tl_buf_str(&sql, " END AS reason, tag.unit AS unit,"
                   " (v.t+coalesce(v.late,0))/1000.0 AS arrival FROM (");
  for (uint32_t i = 0; i < h->partition_count; i++)
    tl_buf_fmt(&sql, "SELECT * FROM %s UNION ALL ", h->partitions[i].name);
  tl_buf_str(&sql,
             "SELECT * FROM recent UNION ALL SELECT * FROM last) v JOIN tag ON tag.id=v.tag;");
  tl_buf_byte(&sql, '\0');
  int rc = sql.failed ? tl_fail(err, TL_ENOMEM, 0, "no memory")
                      : tl_history_run(h, (const char *)sql.at, err);
  tl_buf_fini(&sql);
  return rc;
}

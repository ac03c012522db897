/* core/history/reader.c — opens a history for reading, beside whoever writes it, and what it says
** of itself: tags, holes, whether the file is whole. Rows are read by query.c. See history.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "history/reader_impl.h"

enum { BUSY_MS = 2000 };

int tl_history_reader_fail (const tl_history_reader *r, tl_err *err) {
  const char *why;
  int code = tl_history_code(r->db, &why);
  int rc = TL_EREFUSED;
  if (code == SQLITE_NOMEM)
    rc = TL_ENOMEM;
  else if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
    rc = TL_EMALFORMED;
  if (code == SQLITE_READONLY || code == SQLITE_CANTOPEN)
    return tl_fail(
        err, rc, 0,
        "'%.80s': its log ('-wal') is read only where the folder can be written: copy both",
        r->path);
  return tl_fail(err, rc, 0, "'%.120s': %.90s", r->path, why);
}

/* SQLite's code; SQLITE_ROW: *out is what the pragma says. */
static int read_pragma (const tl_history_reader *r, const char *sql, int *out) {
  sqlite3_stmt *s = NULL;
  int rc = sqlite3_prepare_v2(r->db, sql, -1, &s, NULL);
  if (rc == SQLITE_OK) rc = sqlite3_step(s);
  if (rc == SQLITE_ROW) *out = sqlite3_column_int(s, 0);
  sqlite3_finalize(s);
  return rc;
}

static int check_application (const tl_history_reader *r, tl_err *err) {
  int application = 0, version = 0;
  int rc = read_pragma(r, "PRAGMA application_id", &application);
  if (rc == SQLITE_ROW) rc = read_pragma(r, "PRAGMA user_version", &version);
  if (rc != SQLITE_ROW && rc != SQLITE_NOTADB) return tl_history_reader_fail(r, err);
  if (rc != SQLITE_ROW || application != TL_HISTORY_APPLICATION)
    return tl_fail(err, TL_EMALFORMED, 0, "'%.150s' is no history of tagline", r->path);
  if (version == TL_HISTORY_VERSION) return TL_OK;
  return tl_fail(err, TL_EMALFORMED, 0,
                 "'%.120s' is a history of version %d, this program knows version %d", r->path,
                 version, TL_HISTORY_VERSION);
}

/* A file whose folder we may not write into: SQLite would make `-shm` there. Where nobody left a
** log, the file alone has all, and does not change under a reader without one. */
static bool stands_alone (const char *path) {
  char log[4096], folder[4096];
  struct stat st;
  int n = snprintf(log, sizeof log, "%s-wal", path);
  if (n < 0 || (size_t)n >= sizeof log || (stat(log, &st) == 0 && st.st_size > 0)) return false;
  const char *slash = strrchr(path, '/');
  snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
  return access(folder, W_OK) < 0;
}

static int open_database (tl_history_reader *r) {
  int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX;
  if (!stands_alone(r->path)) return sqlite3_open_v2(r->path, &r->db, flags, NULL);
  tl_buf uri;
  tl_buf_init(&uri);
  tl_buf_str(&uri, r->path[0] == '/' ? "file://" : "file:");
  for (const char *c = r->path; *c != '\0'; c++) {
    if (strchr("%?#", *c))
      tl_buf_fmt(&uri, "%%%02X", (unsigned char)*c);
    else
      tl_buf_byte(&uri, (uint8_t)*c);
  }
  tl_buf_add(&uri, "?immutable=1", sizeof "?immutable=1");
  int rc = uri.failed
               ? SQLITE_NOMEM
               : sqlite3_open_v2((const char *)uri.at, &r->db, flags | SQLITE_OPEN_URI, NULL);
  tl_buf_fini(&uri);
  return rc;
}

int tl_history_reader_open (tl_history_reader **out, const char *path, tl_err *err) {
  struct stat st;
  if (stat(path, &st) < 0) return tl_fail(err, TL_ENOENT, 0, "'%.150s': %s", path, strerror(errno));
  if (!S_ISREG(st.st_mode)) return tl_fail(err, TL_EMALFORMED, 0, "'%.150s' is no file", path);
  if (access(path, R_OK) < 0) return tl_fail(err, -errno, 0, "'%.150s': %s", path, strerror(errno));
  tl_history_reader *r = calloc(1, sizeof *r);
  if (r) r->path = tl_history_real_path(path);
  if (!r || !r->path) {
    free(r);
    return tl_fail(err, TL_ENOMEM, 0, "no memory to read the history");
  }
  int rc = open_database(r);
  if (rc == SQLITE_OK) sqlite3_busy_timeout(r->db, BUSY_MS);
  rc = rc == SQLITE_OK ? check_application(r, err) : tl_history_reader_fail(r, err);
  if (rc < 0) {
    tl_history_reader_close(r);
    return rc;
  }
  *out = r;
  return TL_OK;
}

void tl_history_reader_close (tl_history_reader *r) {
  if (!r) return;
  sqlite3_close(r->db);
  free(r->path);
  free(r);
}

static int is_stopped (void *stop) {
  const atomic_bool *is_set = stop;
  return atomic_load(is_set);
}

void tl_history_reader_watch (tl_history_reader *r, const atomic_bool *stop) {
  enum { STEPS = 1000 }; /* of SQLite's machine: some 100 rows */
  sqlite3_progress_handler(r->db, STEPS, is_stopped, (void *)(uintptr_t)stop);
}

/* --- tags, check --- */

static tl_slice column_slice (sqlite3_stmt *s, int at) {
  const void *bytes = sqlite3_column_text(s, at);
  return tl_slice_of(bytes, (size_t)sqlite3_column_bytes(s, at));
}

int tl_history_tags (tl_history_reader *r, bool (*tag)(void *ctx, const tl_history_tag *tag),
                     void *ctx, tl_err *err) {
  sqlite3_stmt *s = NULL;
  int rc = sqlite3_prepare_v2(r->db,
                              "SELECT name, unit, description, type FROM tag"
                              " ORDER BY name, id",
                              -1, &s, NULL);
  while (rc == SQLITE_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
    tl_history_tag one = { column_slice(s, 0), column_slice(s, 1), column_slice(s, 2), TL_AI };
    tl_type type = TL_AI;
    tl_type_from_name(column_slice(s, 3), &type);
    one.type = (uint8_t)type;
    rc = tag(ctx, &one) ? SQLITE_OK : SQLITE_DONE;
  }
  sqlite3_finalize(s);
  return rc == SQLITE_DONE ? TL_OK : tl_history_reader_fail(r, err);
}

int tl_history_unit (tl_history_reader *r, tl_slice name, tl_buf *out, tl_err *err) {
  sqlite3_stmt *s = NULL;
  int rc = sqlite3_prepare_v2(
      r->db, "SELECT unit FROM tag WHERE name=?1 ORDER BY since DESC, id DESC LIMIT 1", -1, &s,
      NULL);
  if (rc == SQLITE_OK) sqlite3_bind_text(s, 1, (const char *)name.at, (int)name.len, SQLITE_STATIC);
  if (rc == SQLITE_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
    tl_buf_slice(out, column_slice(s, 0));
    rc = SQLITE_DONE;
  }
  sqlite3_finalize(s);
  if (rc != SQLITE_DONE) return tl_history_reader_fail(r, err);
  return out->failed ? tl_fail(err, TL_ENOMEM, 0, "no memory") : TL_OK;
}

int tl_history_holes (tl_history_reader *r, int64_t from_ms, int64_t to_ms,
                      void (*hole)(void *ctx, const tl_outlet_hole *hole), void *ctx, tl_err *err) {
  sqlite3_stmt *s = NULL;
  int rc = sqlite3_prepare_v2(r->db,
                              "SELECT count, from_time, to_time FROM event WHERE kind='dropped'"
                              " AND from_time<?2 AND to_time>=?1 ORDER BY from_time",
                              -1, &s, NULL);
  if (rc == SQLITE_OK) {
    sqlite3_bind_double(s, 1, (double)from_ms / 1000);
    sqlite3_bind_double(s, 2, (double)to_ms / 1000);
  }
  while (rc == SQLITE_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
    tl_outlet_hole one = { (uint64_t)sqlite3_column_int64(s, 0),
                           (int64_t)(sqlite3_column_double(s, 1) * 1000 + 0.5),
                           (int64_t)(sqlite3_column_double(s, 2) * 1000 + 0.5) };
    hole(ctx, &one);
    rc = SQLITE_OK;
  }
  sqlite3_finalize(s);
  return rc == SQLITE_DONE ? TL_OK : tl_history_reader_fail(r, err);
}

int tl_history_check (tl_history_reader *r, void (*problem)(void *ctx, const char *text), void *ctx,
                      tl_err *err) {
  sqlite3_stmt *s = NULL;
  int problems = 0, rc = sqlite3_prepare_v2(r->db, "PRAGMA integrity_check", -1, &s, NULL);
  while (rc == SQLITE_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
    const char *text = (const char *)sqlite3_column_text(s, 0);
    if (text && strcmp(text, "ok") != 0) {
      problem(ctx, text);
      problems++;
    }
    rc = SQLITE_OK;
  }
  sqlite3_finalize(s);
  return rc == SQLITE_DONE ? problems : tl_history_reader_fail(r, err);
}

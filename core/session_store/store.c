/* core/session_store/store.c — the file of a store: made, locked, checked, read. Knows no
** MQTT.
**
** SQLite runs in WAL mode: each transaction is appended to the log. When the process dies at
** any point, complete transactions in the log count, and an incomplete last one does not.
** Exclusive locking keeps a second process out and needs no shared memory file. The system
** drops the lock when the process ends. */
#include "session_store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "session_store/store_impl.h"

enum { APPLICATION = 0x746c7373, VERSION = 1 }; /* "tlss", and the schema below */

/* Tables that were added later: files of older versions lack them, and older versions of the
** program ignore them. */
static const char later[] =
    "CREATE TABLE IF NOT EXISTS taken(id INTEGER PRIMARY KEY, sum INTEGER NOT NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS place(one INTEGER PRIMARY KEY, store INTEGER NOT NULL,"
    " next INTEGER NOT NULL) STRICT;";

static const char settings[] =
    "PRAGMA locking_mode=EXCLUSIVE;"
    "PRAGMA journal_mode=WAL;"
    "PRAGMA synchronous=NORMAL;" /* batch.c syncs the log itself */
    /* Nobody else reads the file, and overwriting deleted content with zeros would cost a page
    ** each. */
    "PRAGMA secure_delete=OFF;"
    "PRAGMA journal_size_limit=4194304;"
    "PRAGMA cell_size_check=ON;"
    "PRAGMA trusted_schema=OFF;";

static const char schema[] =
    "PRAGMA application_id=0x746c7373;"
    "PRAGMA user_version=1;"
    "CREATE TABLE owner(line BLOB NOT NULL, client_id BLOB NOT NULL) STRICT;"
    "CREATE TABLE message(sequence INTEGER PRIMARY KEY, id INTEGER NOT NULL, bytes BLOB NOT NULL, "
    "sum INTEGER NOT NULL) STRICT;"
    "CREATE TABLE received(id INTEGER PRIMARY KEY) STRICT;"
    "CREATE TABLE filter(bytes BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;";

/* --- failures in words --- */

int tl_store_damaged (const tl_store *s, const char *what, tl_err *err) {
  return tl_fail(err, TL_EMALFORMED, 0,
                 "session store %s: %s; move it away to begin with an empty one",
                 (const char *)s->path.at, what);
}

static int fail_errno (const tl_store *s, int code, tl_err *err) {
  return tl_fail(err, -code, 0, "session store %s: %s", (const char *)s->path.at, strerror(code));
}

int tl_store_fail (const tl_store *s, int sqlite, tl_err *err) {
  const char *path = (const char *)s->path.at;
  int code = s->db ? sqlite3_system_errno(s->db) : 0;
  if (code == 0) code = s->reason;
  switch (sqlite & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return tl_fail(err, TL_EEXIST, 0, "session store %s: in use by another process", path);
    case SQLITE_NOTADB: return tl_store_damaged(s, "damaged, or not a session store", err);
    case SQLITE_CORRUPT: return tl_store_damaged(s, "damaged", err);
    case SQLITE_NOMEM: return tl_fail(err, TL_ENOMEM, 0, "session store %s: out of memory", path);
    case SQLITE_FULL: return fail_errno(s, ENOSPC, err);
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY: return fail_errno(s, code != 0 ? code : EACCES, err);
    case SQLITE_IOERR:
      return sqlite == SQLITE_IOERR_NOMEM
                 ? tl_fail(err, TL_ENOMEM, 0, "session store %s: out of memory", path)
                 : fail_errno(s, code != 0 ? code : EIO, err);
    default:
      return tl_fail(err, -EIO, 0, "session store %s: %s", path,
                     s->db ? sqlite3_errmsg(s->db) : sqlite3_errstr(sqlite));
  }
}

/* --- opening --- */

static int make_folder (const tl_store *s, tl_slice folder, tl_err *err) {
  tl_buf name;
  tl_buf_init(&name);
  tl_buf_slice(&name, folder);
  tl_buf_byte(&name, '\0');
  int rc = 0;
  if (name.failed)
    rc = ENOMEM;
  else if (mkdir((const char *)name.at, 0700) != 0 && errno != EEXIST)
    rc = errno;
  tl_buf_fini(&name);
  return rc == 0 ? TL_OK : fail_errno(s, rc, err);
}

/* SQLite gives its log the mode of the database file, so that file is made here.
** A file that exists is not opened: closing it would drop a lock that this process holds on it
** through another descriptor. */
static int make_file (const tl_store *s, tl_err *err) {
  struct stat is;
  int fd = open((const char *)s->path.at, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0 && errno != EEXIST) return fail_errno(s, errno, err);
  if (fd >= 0) close(fd);
  /* SQLite's own word for it would refuse a folder behind a link, too: a service's state is. */
  if (lstat((const char *)s->path.at, &is) != 0) return fail_errno(s, errno, err);
  return S_ISLNK(is.st_mode) ? fail_errno(s, ELOOP, err) : TL_OK;
}

/* Sync the folder: only then do the names of new files survive a power failure. */
static int sync_folder (const tl_store *s, tl_slice folder, tl_err *err) {
  tl_buf name;
  tl_buf_init(&name);
  tl_buf_slice(&name, folder);
  tl_buf_byte(&name, '\0');
  int fd = name.failed ? -1 : open((const char *)name.at, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int rc = fd < 0 || fsync(fd) != 0 ? errno : 0;
  if (fd >= 0) close(fd);
  tl_buf_fini(&name);
  /* EINVAL: this file system does not need a sync of folders */
  return rc == 0 || rc == EINVAL ? TL_OK : fail_errno(s, rc, err);
}

static int number (tl_store *s, const char *sql, int64_t *out) {
  sqlite3_stmt *q;
  int rc = sqlite3_prepare_v2(s->db, sql, -1, &q, NULL);
  if (rc != SQLITE_OK) return rc;
  rc = sqlite3_step(q);
  if (rc == SQLITE_ROW) *out = sqlite3_column_int64(q, 0);
  sqlite3_finalize(q);
  if (rc == SQLITE_ROW) return SQLITE_OK;
  if (rc == SQLITE_DONE) return SQLITE_CORRUPT;
  return rc;
}

static tl_slice blob (sqlite3_stmt *q, int column) {
  const void *at = sqlite3_column_blob(q, column);
  return tl_slice_of(at, at ? (size_t)sqlite3_column_bytes(q, column) : 0);
}

static int write_owner (tl_store *s, tl_slice line, tl_slice client_id) {
  sqlite3_stmt *q;
  int rc = sqlite3_prepare_v2(s->db, "INSERT INTO owner VALUES(?, ?)", -1, &q, NULL);
  if (rc != SQLITE_OK) return rc;
  rc = sqlite3_bind_blob64(q, 1, line.at, line.len, SQLITE_STATIC);
  if (rc == SQLITE_OK) rc = sqlite3_bind_blob64(q, 2, client_id.at, client_id.len, SQLITE_STATIC);
  if (rc == SQLITE_OK) rc = sqlite3_step(q);
  sqlite3_finalize(q);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int check_owner (tl_store *s, tl_slice line, tl_slice client_id, tl_err *err) {
  sqlite3_stmt *q;
  int rc = sqlite3_prepare_v2(s->db, "SELECT line, client_id FROM owner", -1, &q, NULL),
      result = TL_OK;
  if (rc != SQLITE_OK) return tl_store_fail(s, rc, err);
  rc = sqlite3_step(q);
  if (rc != SQLITE_ROW) {
    result = rc == SQLITE_DONE ? tl_store_damaged(s, "damaged: it names no line", err)
                               : tl_store_fail(s, rc, err);
  } else if (!tl_slice_eq(blob(q, 0), line) || !tl_slice_eq(blob(q, 1), client_id)) {
    result = tl_store_damaged(s, "it belongs to another line or Client ID", err);
  }
  sqlite3_finalize(q);
  return result;
}

/* In one transaction: check that the file belongs to this line and Client ID, or make a new
** file theirs. This also takes the lock. */
static int claim (tl_store *s, tl_slice line, tl_slice client_id, tl_err *err) {
  int64_t application = 0, version = 0, tables = 0;
  int rc = sqlite3_exec(s->db, settings, NULL, NULL, NULL);
  if (rc == SQLITE_OK && tl_store_check_log(s, err) < 0) return err->code;
  if (rc == SQLITE_OK) rc = sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
  if (rc == SQLITE_OK) rc = number(s, "PRAGMA application_id", &application);
  if (rc == SQLITE_OK) rc = number(s, "PRAGMA user_version", &version);
  if (rc == SQLITE_OK) rc = number(s, "SELECT count(*) FROM sqlite_schema", &tables);
  if (rc != SQLITE_OK) return tl_store_fail(s, rc, err);
  if (tables == 0) {
    rc = sqlite3_exec(s->db, schema, NULL, NULL, NULL);
    if (rc == SQLITE_OK) rc = write_owner(s, line, client_id);
  } else if (application != APPLICATION) {
    return tl_store_damaged(s, "not a session store", err);
  } else if (version != VERSION) {
    return tl_fail(err, TL_EMALFORMED, 0,
                   "session store %s: its format is %lld, this tagline reads %d",
                   (const char *)s->path.at, (long long)version, VERSION);
  } else {
    int code = check_owner(s, line, client_id, err);
    if (code < 0) return code;
  }
  if (rc == SQLITE_OK) rc = sqlite3_exec(s->db, later, NULL, NULL, NULL);
  if (rc == SQLITE_OK) rc = sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL);
  return rc == SQLITE_OK ? TL_OK : tl_store_fail(s, rc, err);
}

static int check_pages (tl_store *s, tl_err *err) {
  sqlite3_stmt *q;
  int rc = sqlite3_prepare_v2(s->db, "PRAGMA quick_check(1)", -1, &q, NULL), result = TL_OK;
  if (rc == SQLITE_OK) rc = sqlite3_step(q);
  const char *said = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(q, 0) : NULL;
  if (!said)
    result = tl_store_fail(s, rc == SQLITE_ROW ? SQLITE_NOMEM : rc, err);
  else if (strcmp(said, "ok") != 0)
    result = tl_store_damaged(s, "damaged", err);
  sqlite3_finalize(q);
  return result;
}

int tl_store_prepare (tl_store *s) {
  static const char *const texts[TL_SQL_MANY] = {
    [TL_SQL_BEGIN] = "BEGIN",
    [TL_SQL_COMMIT] = "COMMIT",
    [TL_SQL_ROLLBACK] = "ROLLBACK",
    [TL_SQL_PUT_MESSAGE] = "INSERT OR REPLACE INTO message VALUES(?, ?, ?, ?)",
    [TL_SQL_PUT_RECEIVED] = "INSERT OR IGNORE INTO received VALUES(?)",
    [TL_SQL_PUT_FILTER] = "INSERT OR IGNORE INTO filter VALUES(?)",
    [TL_SQL_DELETE_MESSAGE] = "DELETE FROM message WHERE sequence = ?",
    [TL_SQL_DELETE_RECEIVED] = "DELETE FROM received WHERE id = ?",
    [TL_SQL_EMPTY_MESSAGE] = "DELETE FROM message",
    [TL_SQL_EMPTY_RECEIVED] = "DELETE FROM received",
    [TL_SQL_EMPTY_TAKEN] = "DELETE FROM taken",
    [TL_SQL_PUT_TAKEN] = "INSERT OR REPLACE INTO taken VALUES(?, ?)",
    [TL_SQL_DELETE_TAKEN] = "DELETE FROM taken WHERE id = ?",
    [TL_SQL_EMPTY_FILTER] = "DELETE FROM filter",
    [TL_SQL_PUT_PLACE] = "INSERT OR REPLACE INTO place VALUES(1, ?, ?)",
    [TL_SQL_DELETE_FILTER] = "DELETE FROM filter WHERE bytes = ?",
  };
  int rc = SQLITE_OK;
  for (int i = 0; i < TL_SQL_MANY && rc == SQLITE_OK; i++)
    rc = sqlite3_prepare_v3(s->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &s->sql[i], NULL);
  return rc;
}

static int read_place (tl_store *s) {
  sqlite3_stmt *q;
  int rc = sqlite3_prepare_v2(s->db, "SELECT store, next FROM place", -1, &q, NULL);
  if (rc == SQLITE_OK) rc = sqlite3_step(q);
  if (rc == SQLITE_ROW) {
    s->place[0] = (uint64_t)sqlite3_column_int64(q, 0);
    s->place[1] = (uint64_t)sqlite3_column_int64(q, 1);
  }
  sqlite3_finalize(q);
  return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int on_logged (void *ctx, sqlite3 *db, const char *name, int pages) {
  (void)db, (void)name;
  ((tl_store *)ctx)->log_pages = pages;
  return SQLITE_OK;
}

static int open_database (tl_store *s, tl_slice folder, tl_slice line, tl_slice client_id,
                          tl_err *err) {
  enum { FLAGS = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE };
  int code = make_folder(s, folder, err);
  if (code == TL_OK) code = make_file(s, err);
  if (code < 0) return code;
  int rc = sqlite3_open_v2((const char *)s->path.at, &s->db, FLAGS, NULL);
  if (rc != SQLITE_OK) return tl_store_fail(s, rc, err);
  code = claim(s, line, client_id, err);
  if (code == TL_OK) code = check_pages(s, err);
  if (code == TL_OK) code = sync_folder(s, folder, err);
  if (code < 0) return code;
  /* This hook replaces SQLite's own checkpoints, which would run between write and sync. */
  sqlite3_wal_hook(s->db, on_logged, s);
  rc = tl_store_prepare(s);
  if (rc == SQLITE_OK) rc = read_place(s);
  s->open = rc == SQLITE_OK;
  return rc == SQLITE_OK ? TL_OK : tl_store_fail(s, rc, err);
}

int tl_store_open (tl_store **out, tl_slice folder, tl_slice line, tl_slice client_id,
                   tl_err *err) {
  tl_store *s = calloc(1, sizeof *s);
  if (!s) return tl_fail(err, TL_ENOMEM, 0, "no memory for a session store");
  tl_buf_init(&s->path);
  tl_buf_init(&s->batch);
  s->mark_fd = -1;
  tl_store_path(&s->path, folder, line, client_id);
  tl_buf_byte(&s->path, '\0');
  int rc = s->path.failed ? tl_fail(err, TL_ENOMEM, 0, "no memory for a session store")
                          : open_database(s, folder, line, client_id, err);
  if (rc < 0) {
    tl_store_close(s);
    return rc;
  }
  *out = s;
  return TL_OK;
}

void tl_store_close (tl_store *s) {
  if (!s) return;
  for (int i = 0; i < TL_SQL_MANY; i++) sqlite3_finalize(s->sql[i]);
  /* SQLite deletes the log when it is empty and the store is closed. Remove the mark first, or
  ** the log would seem to be missing. */
  if (s->open &&
      sqlite3_wal_checkpoint_v2(s->db, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) == SQLITE_OK)
    tl_store_unmark(s);
  tl_store_mark_close(s);
  sqlite3_close(s->db);
  tl_buf_fini(&s->path);
  tl_buf_fini(&s->batch);
  free(s);
}

/* --- reading --- */

static int load_message (tl_store *s, sqlite3_stmt *q, tl_store_each *each, void *ctx,
                         tl_err *err) {
  int64_t sequence = sqlite3_column_int64(q, 0), id = sqlite3_column_int64(q, 1),
          sum = sqlite3_column_int64(q, 3);
  tl_slice bytes = blob(q, 2);
  if (id < 0 || id > 65535 || sum != tl_store_sum((uint64_t)sequence, (uint16_t)id, bytes))
    return tl_store_damaged(s, "a message in it is damaged", err);
  return each(ctx, TL_STORE_MESSAGE, (uint64_t)sequence, (uint16_t)id, bytes, err);
}

static int load_row (tl_store *s, char kind, sqlite3_stmt *q, tl_store_each *each, void *ctx,
                     tl_err *err) {
  if (kind == TL_STORE_MESSAGE) return load_message(s, q, each, ctx, err);
  if (kind == TL_STORE_FILTER) return each(ctx, kind, 0, 0, blob(q, 0), err);
  int64_t id = sqlite3_column_int64(q, 0);
  if (id < 0 || id > 65535) return tl_store_damaged(s, "an identifier in it is damaged", err);
  uint64_t sequence = kind == TL_STORE_TAKEN ? (uint64_t)sqlite3_column_int64(q, 1) : 0;
  return each(ctx, kind, sequence, (uint16_t)id, tl_slice_of(NULL, 0), err);
}

int tl_store_load (tl_store *s, tl_store_each *each, void *ctx, tl_err *err) {
  static const struct {
    char kind;
    const char *sql;
  } tables[] = {
    { TL_STORE_FILTER, "SELECT bytes FROM filter" },
    { TL_STORE_RECEIVED, "SELECT id FROM received" },
    { TL_STORE_TAKEN, "SELECT id, sum FROM taken" },
    { TL_STORE_MESSAGE, "SELECT sequence, id, bytes, sum FROM message ORDER BY sequence" },
  };
  int result = TL_OK;
  for (int i = 0; i < 4 && result == TL_OK; i++) {
    sqlite3_stmt *q;
    int rc = sqlite3_prepare_v2(s->db, tables[i].sql, -1, &q, NULL);
    if (rc != SQLITE_OK) return tl_store_fail(s, rc, err);
    while (result == TL_OK && (rc = sqlite3_step(q)) == SQLITE_ROW)
      result = load_row(s, tables[i].kind, q, each, ctx, err);
    if (result == TL_OK && rc != SQLITE_DONE) result = tl_store_fail(s, rc, err);
    sqlite3_finalize(q);
  }
  return result;
}

/* core/session_store/batch.c — changes are gathered in memory and written in one transaction. */
#include <assert.h>
#include <errno.h>

#include "session_store/store_impl.h"

enum {
  KEEP_BATCH = 64 * 1024, /* bytes of memory that an idle batch may keep */
  /* When the log has so many pages, its content is moved into the database and the log begins
  ** anew. So it stays below about 4 MiB. */
  LOG_PAGES = 1000
};

/* The header of each change in the batch; its bytes follow. Copied in and out with memcpy,
** because nothing in the buffer is aligned. */
typedef struct {
  uint64_t sequence;
  size_t len;
  uint16_t id;
  char kind;
  bool gone;
} change;

/* FNV-1a. The sums are in files, so this function must never change. */
uint32_t tl_store_sum (uint64_t sequence, uint16_t id, tl_slice bytes) {
  const uint32_t prime = 16777619u;
  uint32_t sum = 2166136261u;
  for (int shift = 0; shift < 64; shift += 8) sum = (sum ^ (uint8_t)(sequence >> shift)) * prime;
  sum = (sum ^ (uint8_t)id) * prime;
  sum = (sum ^ (uint8_t)(id >> 8)) * prime;
  for (size_t i = 0; i < bytes.len; i++) sum = (sum ^ bytes.at[i]) * prime;
  return sum;
}

static void add (tl_store *s, char kind, uint64_t sequence, uint16_t id, tl_slice bytes,
                 bool gone) {
  change c;
  memset(&c, 0, sizeof c); /* sets the padding, too, because the whole struct is copied */
  c.sequence = sequence;
  bool bare = kind == TL_STORE_RECEIVED || kind == TL_STORE_TAKEN;
  c.len = bare || (kind == TL_STORE_MESSAGE && gone) ? 0 : bytes.len;
  c.id = id;
  c.kind = kind;
  c.gone = gone;
  assert(bare || kind == TL_STORE_MESSAGE || kind == TL_STORE_FILTER);
  tl_buf_add(&s->batch, &c, sizeof c);
  tl_buf_add(&s->batch, bytes.at, c.len);
  /* Syncs are needed for what is added. Removing a received identifier needs one, too: if it
  ** came back after a power failure, the next message with this identifier would be taken for
  ** a repetition and lost. */
  if (!gone || kind == TL_STORE_RECEIVED) s->must_sync = true;
  if (!gone && kind == TL_STORE_RECEIVED) s->has_received = true;
}

void tl_store_put (tl_store *s, char kind, uint64_t sequence, uint16_t id, tl_slice bytes) {
  add(s, kind, sequence, id, bytes, false);
}

void tl_store_delete (tl_store *s, char kind, uint64_t sequence, uint16_t id, tl_slice bytes) {
  add(s, kind, sequence, id, bytes, true);
}

bool tl_store_is_broken (const tl_store *s) { return s->batch.failed; }

void tl_store_begin_anew (tl_store *s) {
  tl_buf_clear(&s->batch);
  s->anew = s->must_sync = true;
  s->has_received = false;
}

void tl_store_put_place (tl_store *s, uint64_t store, uint64_t next) {
  s->place[0] = store;
  s->place[1] = next;
  s->place_new = true;
}

void tl_store_get_place (const tl_store *s, uint64_t *store, uint64_t *next) {
  *store = s->place[0];
  *next = s->place[1];
}

bool tl_store_has_received (const tl_store *s) { return s->has_received; }

static int run (tl_store *s, sqlite3_stmt *sql) {
  errno = 0;
  int rc = sqlite3_step(sql);
  s->reason = errno;
  int reset = sqlite3_reset(sql);
  if (rc == SQLITE_DONE || rc == SQLITE_ROW) return SQLITE_OK;
  if (reset != SQLITE_OK) return reset;
  return rc;
}

static int bind_blob (sqlite3_stmt *sql, int at, tl_slice bytes) {
  return bytes.len == 0 ? sqlite3_bind_zeroblob(sql, at, 0)
                        : sqlite3_bind_blob64(sql, at, bytes.at, bytes.len, SQLITE_STATIC);
}

static int write_message (tl_store *s, const change *c, tl_slice bytes) {
  sqlite3_stmt *sql = s->sql[c->gone ? TL_SQL_DELETE_MESSAGE : TL_SQL_PUT_MESSAGE];
  int rc = sqlite3_bind_int64(sql, 1, (sqlite3_int64)c->sequence);
  if (rc == SQLITE_OK && !c->gone) rc = sqlite3_bind_int(sql, 2, c->id);
  if (rc == SQLITE_OK && !c->gone) rc = bind_blob(sql, 3, bytes);
  if (rc == SQLITE_OK && !c->gone)
    rc = sqlite3_bind_int64(sql, 4, tl_store_sum(c->sequence, c->id, bytes));
  return rc == SQLITE_OK ? run(s, sql) : rc;
}

static int write_taken (tl_store *s, const change *c) {
  sqlite3_stmt *sql = s->sql[c->gone ? TL_SQL_DELETE_TAKEN : TL_SQL_PUT_TAKEN];
  int rc = sqlite3_bind_int(sql, 1, c->id);
  if (rc == SQLITE_OK && !c->gone) rc = sqlite3_bind_int64(sql, 2, (sqlite3_int64)c->sequence);
  return rc == SQLITE_OK ? run(s, sql) : rc;
}

static int write_change (tl_store *s, const change *c, tl_slice bytes) {
  if (c->kind == TL_STORE_MESSAGE) return write_message(s, c, bytes);
  if (c->kind == TL_STORE_TAKEN) return write_taken(s, c);
  bool received = c->kind == TL_STORE_RECEIVED;
  sqlite3_stmt *sql = s->sql[received ? (c->gone ? TL_SQL_DELETE_RECEIVED : TL_SQL_PUT_RECEIVED)
                                      : (c->gone ? TL_SQL_DELETE_FILTER : TL_SQL_PUT_FILTER)];
  int rc = received ? sqlite3_bind_int(sql, 1, c->id) : bind_blob(sql, 1, bytes);
  return rc == SQLITE_OK ? run(s, sql) : rc;
}

static int write_all (tl_store *s, uint64_t *changes) {
  for (size_t at = 0; at < s->batch.len;) {
    change c;
    memcpy(&c, s->batch.at + at, sizeof c);
    at += sizeof c;
    int rc = write_change(s, &c, tl_slice_of(s->batch.at + at, c.len));
    if (rc != SQLITE_OK) return rc;
    at += c.len;
    ++*changes;
  }
  return SQLITE_OK;
}

static int write_place (tl_store *s) {
  sqlite3_stmt *sql = s->sql[TL_SQL_PUT_PLACE];
  int rc = sqlite3_bind_int64(sql, 1, (sqlite3_int64)s->place[0]);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(sql, 2, (sqlite3_int64)s->place[1]);
  return rc == SQLITE_OK ? run(s, sql) : rc;
}

int tl_store_write (tl_store *s, tl_err *err) {
  uint64_t changes = 0;
  if (s->batch.failed)
    return tl_fail(err, TL_ENOMEM, 0, "session store %s: no memory for a change",
                   (const char *)s->path.at);
  if (s->batch.len == 0 && !s->anew && !s->place_new) return TL_OK;
  if (!sqlite3_get_autocommit(s->db)) run(s, s->sql[TL_SQL_ROLLBACK]); /* one that failed */
  int rc = run(s, s->sql[TL_SQL_BEGIN]);
  for (int i = TL_SQL_EMPTY_MESSAGE; rc == SQLITE_OK && s->anew && i <= TL_SQL_EMPTY_FILTER; i++)
    rc = run(s, s->sql[i]);
  if (rc == SQLITE_OK) rc = write_all(s, &changes);
  if (rc == SQLITE_OK && s->place_new) rc = write_place(s);
  if (rc == SQLITE_OK) rc = run(s, s->sql[TL_SQL_COMMIT]);
  if (rc != SQLITE_OK) {
    int code = tl_store_fail(s, rc, err); /* before the rollback, which overwrites SQLite's error */
    if (!sqlite3_get_autocommit(s->db)) run(s, s->sql[TL_SQL_ROLLBACK]);
    return code;
  }
  s->stats.writes++;
  s->stats.changes += changes;
  s->unsynced = s->unsynced || s->must_sync;
  s->must_sync = s->has_received = s->anew = s->place_new = false;
  tl_buf_clear(&s->batch);
  tl_buf_shrink(&s->batch, KEEP_BATCH);
  return TL_OK;
}

/* Sync the log. SQLite would do this within COMMIT, but the gateway prints values between the
** write and the sync. */
static int sync_log (tl_store *s) {
  sqlite3_file *log = NULL;
  int rc = sqlite3_file_control(s->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
  if (rc != SQLITE_OK || !log || !log->pMethods) return SQLITE_IOERR_FSYNC;
  errno = 0;
  rc = log->pMethods->xSync(log, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
  s->reason = errno;
  if (rc == SQLITE_OK) tl_store_mark(s, log);
  return rc;
}

int tl_store_commit (tl_store *s, tl_err *err) {
  int rc = tl_store_write(s, err);
  if (rc < 0 || !s->unsynced) return rc;
  /* After a failed sync the system may consider the pages clean, so a second sync would prove
  ** nothing. The whole log must then be moved into the database file and synced there. */
  if (s->sync_failed) tl_store_unmark(s);
  int sql = s->sync_failed
                ? sqlite3_wal_checkpoint_v2(s->db, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL)
                : sync_log(s);
  s->sync_failed = sql != SQLITE_OK;
  if (s->sync_failed) return tl_store_fail(s, sql, err);
  s->stats.syncs++;
  s->unsynced = false;
  /* If this fails, everything is still safe in the log, which grows meanwhile. The next commit
  ** tries again. */
  if (s->log_pages >= LOG_PAGES &&
      sqlite3_wal_checkpoint_v2(s->db, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) == SQLITE_OK)
    s->log_pages = 0;
  return TL_OK;
}

void tl_store_get_stats (const tl_store *s, tl_store_stats *out) { *out = s->stats; }

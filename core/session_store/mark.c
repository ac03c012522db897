/* core/session_store/mark.c — finds out that SQLite's log is damaged. SQLite takes a log to
** end at the first frame with a wrong check sum, so a flipped bit would lose all later
** transactions without an error.
** So a mark is kept in a file beside the log: at least how many frames, of which log, were
** synced.
** The mark is written after each sync, and never synced itself: an old mark only promises
** fewer frames. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "session_store/store_impl.h"

/* of the log's header, in bytes: its length, where the salt is, the salt's length, how much
** the check sum covers */
enum { HEADER = 32, SALT_AT = 16, SALT = 8, CHECKED = 24 };

typedef struct {
  uint8_t salt[SALT];
  uint32_t frames, sum;
} mark;

static uint32_t sum_of (const mark *m) {
  return tl_store_sum(m->frames, 0, tl_slice_of(m->salt, SALT));
}

/* The path of a file beside the database, in *name. NULL: no memory. */
static const char *beside (const tl_store *s, const char *ending, tl_buf *name) {
  tl_buf_init(name);
  tl_buf_add(name, s->path.at, s->path.len - 1);
  tl_buf_str(name, ending);
  tl_buf_byte(name, '\0');
  return name->failed ? NULL : (const char *)name->at;
}

static ssize_t read_beside (const tl_store *s, const char *ending, void *into, size_t n) {
  tl_buf name;
  const char *path = beside(s, ending, &name);
  int fd = path ? open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) : -1;
  ssize_t got = fd >= 0 ? pread(fd, into, n, 0) : -1;
  if (fd >= 0) close(fd);
  tl_buf_fini(&name);
  return got;
}

static uint32_t word (const uint8_t *at, bool big) {
  uint32_t w = 0;
  for (int i = 0; i < 4; i++) w |= (uint32_t)at[i] << (big ? 24 - 8 * i : 8 * i);
  return w;
}

/* Is the check sum of the log's header right? See SQLite's file format, section 4.1. */
static bool header_checks (const uint8_t *h) {
  bool big = h[3] & 1;
  uint32_t a = 0, b = 0;
  for (int i = 0; i < CHECKED; i += 8) {
    a += word(h + i, big) + b;
    b += word(h + i + 4, big) + a;
  }
  return a == word(h + CHECKED, true) && b == word(h + CHECKED + 4, true);
}

int tl_store_check_log (tl_store *s, tl_err *err) {
  mark m;
  uint8_t header[HEADER];
  int frames = 0;
  if (read_beside(s, "-mark", &m, sizeof m) != (ssize_t)sizeof m || m.sum != sum_of(&m) ||
      !m.frames)
    return TL_OK; /* there is no mark: nothing can be checked */
  bool checks = read_beside(s, "-wal", header, HEADER) == HEADER && header_checks(header);
  if (checks && memcmp(header + SALT_AT, m.salt, SALT) != 0)
    /* the log is newer than the mark: what the mark counted is in the database already */
    return TL_OK;
  int rc = sqlite3_wal_checkpoint_v2(s->db, "main", SQLITE_CHECKPOINT_PASSIVE, &frames, NULL);
  if (rc != SQLITE_OK) return tl_store_fail(s, rc, err);
  if (checks && frames >= (int)m.frames) return TL_OK;
  /* leave the damaged files unchanged when the store is closed */
  sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
  return tl_store_damaged(s, "its log is damaged", err);
}

/* A failure is ignored: without a mark only a damaged log goes unnoticed. */
static void write_mark (tl_store *s, const mark *m) {
  if (s->mark_fd < 0) {
    tl_buf name;
    const char *path = beside(s, "-mark", &name);
    if (path) s->mark_fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    tl_buf_fini(&name);
  }
  if (s->mark_fd >= 0 && pwrite(s->mark_fd, m, sizeof *m, 0) != (ssize_t)sizeof *m) {
    close(s->mark_fd);
    s->mark_fd = -1;
  }
}

void tl_store_mark (tl_store *s, sqlite3_file *log) {
  mark m = { .frames = (uint32_t)s->log_pages };
  if (log->pMethods->xRead(log, m.salt, SALT, SALT_AT) != SQLITE_OK) return;
  m.sum = sum_of(&m);
  write_mark(s, &m);
}

void tl_store_mark_close (tl_store *s) {
  if (s->mark_fd >= 0) close(s->mark_fd);
  s->mark_fd = -1;
}

void tl_store_unmark (tl_store *s) {
  int before = errno; /* restored afterwards: a failure here is not reported */
  tl_buf name;
  const char *path = beside(s, "-mark", &name);
  tl_store_mark_close(s);
  if (path) unlink(path);
  tl_buf_fini(&name);
  errno = before;
}

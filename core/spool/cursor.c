/* core/spool/cursor.c — how far each outlet has come, in a small file beside the segments. */
#include "spool/spool_impl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { KEPT_S = 24 * 3600, LINE = 160 };
/* The file is written each time the outlet has gone on by so many values, and when the cursor
** is closed. After a kill up to so many values are sent again, which outlets must accept. */
enum { STORE_EACH = 1000 };

typedef struct {
  uint64_t at, doubt, ahead;
  tl_spool_lost lost;
  uint64_t lost_to;
} stored_place;

/* A cursor's file: lines of 16 hexadecimal digits. The spool's number, the value's number,
** tl_cursor_doubt() and tl_cursor_ahead(), then what was lost: how many values, their times, and up
** to which number this counts. Files of earlier versions lack the last ones. 1; 0: it is of
** another spool; TL_EMALFORMED: it is damaged, or empty; a negated errno: it could not be read, and
** what stands there is not known. */
enum { SPOOL, AT, DOUBT, AHEAD, LOST, LOST_FROM, LOST_UNTIL, LOST_TO, LINES };

static int read_place (int fd, const tl_spool *s, stored_place *out) {
  char text[LINE], *rest = text;
  uint64_t line[LINES] = { 0 };
  int count = 0;
  ssize_t n = pread(fd, text, sizeof text - 1, 0);
  if (n < 0) return -errno;
  text[n] = '\0';
  for (char *end; count < LINES; count++, rest = end) {
    line[count] = strtoull(rest, &end, 16);
    if (end == rest || *end != '\n') break;
  }
  if (n < 33 || count < AT || (count == AT && *rest == '\0')) return TL_EMALFORMED;
  if (line[SPOOL] != s->id) return 0;
  *out = (stored_place){ .at = line[AT],
                         .doubt = line[DOUBT] > line[AT] ? line[DOUBT] : 0,
                         .ahead = line[AHEAD] > line[AT] ? line[AHEAD] : 0 };
  if (count < LINES) return 1;
  out->lost = (tl_spool_lost){ line[LOST], (int64_t)line[LOST_FROM], (int64_t)line[LOST_UNTIL] };
  out->lost_to = line[LOST_TO];
  return 1;
}

static void write_place (tl_cursor *c) {
  char text[LINE];
  tl_spool_lost lost = tl_cursor_lost(c);
  /* a kill loses what is under way, too */
  tl_spool_lost under_way = tl_times_of(&c->grave.times, c->grave.from, c->grave.to);
  tl_spool_lose(&lost, &under_way);
  const uint64_t line[LINES] = { [SPOOL] = c->spool->id,
                                 [AT] = c->at,
                                 [DOUBT] = c->doubt,
                                 [AHEAD] = c->ahead,
                                 [LOST] = lost.count,
                                 [LOST_FROM] = (uint64_t)lost.from_ms,
                                 [LOST_UNTIL] = (uint64_t)lost.to_ms,
                                 [LOST_TO] = c->lost_to };
  int n = 0;
  for (int i = 0; i < LINES; i++)
    n += snprintf(text + n, sizeof text - (size_t)n, "%016llx\n", (unsigned long long)line[i]);
  if (pwrite(c->fd, text, (size_t)n, 0) == n) c->stored = c->at;
  c->unsynced = true;
}

static void store (tl_cursor *c) {
  if (c->stored != c->at) write_place(c);
}

/* 1: its file has a place; 0: it is a new one; TL_EMALFORMED: the file is damaged, such as one of
** which a power failure left the name alone; a negated errno. */
static int open_file (tl_cursor *c, const tl_spool *s, const char *file) {
  const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  c->fd = openat(s->folder, file, flags);
  if (c->fd >= 0) {
    stored_place found = { 0 };
    int rc = read_place(c->fd, s, &found);
    c->at = found.at;
    c->doubt = found.doubt;
    c->ahead = found.ahead;
    c->lost = found.lost;
    c->lost_to = found.lost_to;
    return rc;
  }
  if (errno != ENOENT) return -errno;
  c->fd = openat(s->folder, file, flags | O_CREAT, 0600);
  return c->fd < 0 ? -errno : 0;
}

static uint64_t later (uint64_t a, uint64_t b) { return a > b ? a : b; }
static uint64_t least (uint64_t a, uint64_t b) { return a < b ? a : b; }

/* Of values that were dropped after the file was written, such as while the outlet was not in the
** config, no times are known. If a power failure brought a segment back it is not lost. An earlier
** version that wrote the file meanwhile went on, and left what was lost before as it was. */
static void find_lost (tl_cursor *c, uint64_t oldest) {
  uint64_t from = later(c->at, c->lost_to), before = c->lost.count;
  if (c->at >= oldest || c->at >= c->lost_to) c->lost.count = 0;
  if (c->lost_to > oldest) c->lost.count -= least(c->lost.count, c->lost_to - oldest);
  if (from < oldest) {
    tl_spool_lost more = { oldest - from, INT64_MAX, INT64_MIN };
    tl_spool_lose(&c->lost, &more);
  }
  c->lost_to = oldest;
  if (c->lost.count != before) write_place(c);
}

/* Where it begins. */
static void place (tl_cursor *c, int found) {
  const tl_spool *s = c->spool;
  uint64_t oldest = s->count > 0 ? s->segments[0].first : s->next;
  /* numbers from next on are given to values that nobody has */
  if (found == TL_EMALFORMED || s->power_failed || c->doubt > s->next) c->doubt = s->next;
  if (found == TL_EMALFORMED)
    c->at = oldest;
  else if (found == 0 || c->at > s->next)
    c->at = s->is_new ? oldest : s->next;
  else if (!s->power_failed) /* else the doubt is to be stored */
    c->stored = c->at;
  find_lost(c, oldest);
  store(c);
}

int tl_cursor_open (tl_cursor **out, tl_spool *s, const char *name, tl_err *err) {
  tl_cursor *c = calloc(1, sizeof *c);
  char file[80];
  if (!c) return tl_fail(err, TL_ENOMEM, 0, "no memory for an outlet");
  snprintf(c->name, sizeof c->name, "%s", name);
  snprintf(file, sizeof file, "%s.cursor", c->name);
  int rc = open_file(c, s, file);
  if (rc < 0 && rc != TL_EMALFORMED) {
    if (c->fd >= 0) close(c->fd);
    free(c);
    return tl_fail(err, rc, 0, "spool: '%s': %s", file, strerror(-rc));
  }
  c->spool = s;
  place(c, rc);
  c->next = s->cursors;
  s->cursors = c;
  s->disk.names = true;
  *out = c;
  return TL_OK;
}

void tl_cursor_close (tl_cursor *c) {
  if (!c) return;
  tl_cursor **at = &c->spool->cursors;
  while (*at != c) at = &(*at)->next;
  *at = c->next;
  tl_cursor_take(c, 0);
  store(c);
  if (c->unsynced) tl_spool_leave_place(c->spool, c->name);
  /* the day for which lowest_of_absent() keeps its values begins now */
  (void)!futimens(c->fd, NULL);
  close(c->fd);
  free(c);
}

uint64_t tl_cursor_at (const tl_cursor *c) { return c->at; }
uint64_t tl_cursor_doubt (const tl_cursor *c) { return c->doubt; }

uint64_t tl_cursor_ahead (const tl_cursor *c) { return c->ahead; }

void tl_cursor_set_ahead (tl_cursor *c, uint64_t number) {
  c->ahead = number;
  write_place(c);
}

/* --- what the spool dropped --- */

tl_spool_lost tl_cursor_lost (const tl_cursor *c) {
  tl_spool_lost sum = c->lost;
  tl_spool_lose(&sum, &c->telling);
  return sum;
}

tl_spool_lost tl_cursor_tell (tl_cursor *c, uint64_t next) {
  c->telling = tl_cursor_lost(c);
  c->told_to = next;
  c->lost.count = c->untold.count = 0;
  return c->telling;
}

static void lose (tl_cursor *c, const tl_times *t, uint64_t from, uint64_t to) {
  tl_spool_lost more = tl_times_of(t, from, to);
  tl_spool_lost untold = tl_times_of(t, later(from, c->told_to), to);
  tl_spool_lose(&c->lost, &more);
  tl_spool_lose(&c->untold, &untold);
}

/* Of dropped values, which the outlet has under way, only those below `next` still are: the others
** are lost. */
static bool shrink_grave (tl_cursor *c, uint64_t next) {
  uint64_t to = later(next, later(c->at, c->grave.from));
  if (c->grave.to <= to) return false;
  lose(c, &c->grave.times, to, c->grave.to);
  c->grave.to = to;
  return true;
}

void tl_cursor_take (tl_cursor *c, uint64_t next) {
  c->taken = next;
  bool more = shrink_grave(c, next);
  if (next > 0) {
    if (more) write_place(c);
    return;
  }
  c->grave.from = c->grave.to = 0;
  c->lost = tl_cursor_lost(c); /* it is told again */
  c->telling.count = 0;
  if (more) write_place(c);
}

void tl_cursors_lose (tl_spool *s, const tl_times *t, uint64_t until) {
  for (tl_cursor *c = s->cursors; c; c = c->next) {
    uint64_t from = later(c->at, c->lost_to), kept = least(c->taken, until);
    if (from >= until) continue;
    if (kept > from) {
      c->grave = (tl_grave){ from, kept, *t };
      from = kept;
    }
    lose(c, t, from, until);
    c->lost_to = until;
    write_place(c);
  }
}

void tl_cursors_pass (tl_spool *s, uint64_t before, uint64_t after) {
  for (tl_cursor *c = s->cursors; c; c = c->next)
    if (c->at == before) tl_cursor_move(c, after);
}

/* Whoever is at the cursor's place has the values before it, or was told. What was told last may
** have arrived though its answer was lost: then what was dropped since is lost alone. Of a batch
** that an earlier process told, no more than the count is known. */
static void forget_lost (tl_cursor *c) {
  uint64_t most = c->lost_to > c->at ? c->lost_to - c->at : 0;
  if (c->at == c->told_to) c->lost = c->untold;
  c->lost.count = least(c->lost.count, most);
}

/* The file follows when a segment was passed, each 1,000 values (STORE_EACH), and when no value
** is left. */
void tl_cursor_move (tl_cursor *c, uint64_t next) {
  tl_spool *s = c->spool;
  uint64_t lost = tl_cursor_lost(c).count + (c->grave.to - c->grave.from);
  if (next <= c->at) return;
  c->at = next;
  c->telling.count = 0;
  tl_cursor_take(c, 0);
  forget_lost(c);
  if (lost > 0) c->stored = 0;
  bool passed = s->count > 1 && s->segments[1].first <= next;
  if (passed || lost > 0 || next >= c->stored + STORE_EACH || next == s->next) store(c);
  if (passed) tl_spool_trim(s);
}

bool tl_cursor_back (tl_cursor *c, uint64_t next) {
  const tl_spool *s = c->spool;
  uint64_t oldest = s->count > 0 ? s->segments[0].first : s->next;
  if (next < oldest) next = oldest;
  if (next >= c->at) return false;
  c->at = next;
  store(c);
  return true;
}

static bool is_open (const tl_spool *s, const char *file) {
  for (const tl_cursor *c = s->cursors; c; c = c->next) {
    size_t n = strlen(c->name);
    if (strncmp(file, c->name, n) == 0 && strcmp(file + n, ".cursor") == 0) return true;
  }
  return false;
}

/* How far the outlet of this file came; UINT64_MAX: it needs nothing any more, and its file is
** gone; 0: that is not known. */
static uint64_t place_of_absent (const tl_spool *s, const char *file) {
  stored_place found = { 0 };
  struct stat st;
  int fd = openat(s->folder, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  int rc = fd < 0 || fstat(fd, &st) < 0 ? -errno : read_place(fd, s, &found);
  if (fd >= 0) close(fd);
  if (rc < 0 && rc != TL_EMALFORMED) return 0;
  if (rc > 0 && st.st_mtime + KEPT_S >= time(NULL)) return found.at;
  unlinkat(s->folder, file, 0);
  return UINT64_MAX;
}

/* Values are kept for a day after an outlet was removed from the config, in case that was a
** mistake. Where it cannot be seen how far such an outlet came, all are kept. */
static uint64_t lowest_of_absent (const tl_spool *s, uint64_t lowest) {
  int copy = dup(s->folder);
  DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
  if (!dir) {
    if (copy >= 0) close(copy);
    return 0;
  }
  rewinddir(dir);
  for (;;) {
    errno = 0;
    struct dirent *e = readdir(dir);
    if (!e && errno != 0) lowest = 0;
    if (!e) break;
    size_t n = strlen(e->d_name);
    if (n < 8 || strcmp(e->d_name + n - 7, ".cursor") != 0 || is_open(s, e->d_name)) continue;
    uint64_t at = place_of_absent(s, e->d_name);
    if (at < lowest) lowest = at;
  }
  closedir(dir);
  return lowest;
}

uint64_t tl_spool_lowest (const tl_spool *s) {
  uint64_t lowest = s->next;
  for (const tl_cursor *c = s->cursors; c; c = c->next) {
    if (c->at < lowest) lowest = c->at;
  }
  return lowest_of_absent(s, lowest);
}

/* core/spool/spool.c — the writing side of a spool: batches, and how segments are made and
** removed. See spool.h. */
#include "spool/spool_impl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/* At least two segments fit below the limit of the spool, so that the oldest can be removed
** while the newest grows. */
static uint64_t segment_bytes (const tl_spool *s) {
  uint64_t part = s->max_bytes / 8;
  return part < TL_SEGMENT_BYTES ? part : TL_SEGMENT_BYTES;
}

static int fail_errno (tl_err *err, int code, const char *what, const char *path) {
  return tl_fail(err, code, 0, "%s '%.150s': %s", what, path, strerror(-code));
}

/* --- segments --- */

static tl_spool_segment *add_segment (tl_spool *s) {
  if (s->count == s->cap) {
    uint32_t cap = s->cap > 0 ? s->cap * 2 : 16;
    tl_spool_segment *more = realloc(s->segments, cap * sizeof *more);
    if (!more) return NULL;
    s->segments = more;
    s->cap = cap;
  }
  return &s->segments[s->count++];
}

void tl_spool_unlink (const tl_spool_gone *gone) {
  for (uint32_t i = 0; i < gone->count; i++) {
    char name[32];
    tl_segment_name(gone->first[i], name);
    unlinkat(gone->folder, name, 0);
  }
}

bool tl_spool_take_gone (tl_spool *s, tl_spool_gone *out) {
  *out = s->gone;
  out->folder = s->folder;
  s->gone.count = 0;
  return out->count > 0;
}

static void unlink_now (tl_spool *s) {
  tl_spool_gone gone;
  if (tl_spool_take_gone(s, &gone)) tl_spool_unlink(&gone);
}

static void remove_oldest (tl_spool *s) {
  const uint32_t most = sizeof s->gone.first / sizeof s->gone.first[0];
  if (s->gone.count == most) unlink_now(s);
  s->gone.first[s->gone.count++] = s->segments[0].first;
  s->bytes -= s->segments[0].bytes;
  s->count--;
  memmove(s->segments, s->segments + 1, s->count * sizeof *s->segments);
}

/* Remove the oldest segment. Outlets that have not passed it lose its values. */
static bool drop_oldest (tl_spool *s) {
  if (s->count < 2) return false;
  uint64_t lowest = tl_spool_lowest(s), first = s->segments[0].first, next = s->segments[1].first;
  if (lowest < next) s->dropped += next - (lowest > first ? lowest : first);
  remove_oldest(s);
  unlink_now(s); /* at once, because the limit also counts on the disk */
  return true;
}

void tl_spool_trim (tl_spool *s) {
  uint64_t lowest = tl_spool_lowest(s);
  while (s->count > 1 && s->segments[1].first <= lowest) remove_oldest(s);
}

/* Begin a new segment. If the newest one is empty it has the same file name: it is removed and
** made again. So is what is left of one that could not be made. */
static int roll (tl_spool *s, int64_t wall) {
  tl_segment_head head = { s->id, s->next, wall };
  tl_spool_segment *newest = s->count > 0 ? &s->segments[s->count - 1] : NULL;
  char name[32];
  tl_segment_name(s->next, name);
  unlinkat(s->folder, name, 0);
  if (newest && newest->first == s->next) {
    s->bytes -= newest->bytes;
    s->count--;
  }
  int fd = tl_segment_make(s->folder, &head);
  if (fd < 0) return fd;
  tl_spool_segment *made = add_segment(s);
  if (!made) {
    close(fd);
    unlinkat(s->folder, name, 0);
    return TL_ENOMEM;
  }
  *made = (tl_spool_segment){ s->next, TL_SEGMENT_HEAD };
  if (s->fd >= 0) close(s->fd);
  s->fd = fd;
  s->bytes += TL_SEGMENT_HEAD;
  s->ordinal++;
  return TL_OK;
}

/* --- opening --- */

static int compare_segments (const void *a, const void *b) {
  const tl_spool_segment *x = a, *y = b;
  return x->first < y->first ? -1 : x->first > y->first;
}

static int note_segment (tl_spool *s, const char *name, uint64_t first) {
  struct stat st;
  if (fstatat(s->folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0) return -errno;
  if (!S_ISREG(st.st_mode)) return TL_OK;
  tl_spool_segment *at = add_segment(s);
  if (!at) return TL_ENOMEM;
  *at = (tl_spool_segment){ first, (uint64_t)st.st_size };
  s->bytes += at->bytes;
  return TL_OK;
}

/* A segment that cannot be seen now must not be taken for one that is not there. */
static int list_segments (tl_spool *s) {
  int copy = dup(s->folder);
  DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
  int rc = TL_OK;
  if (!dir) {
    rc = -errno;
    if (copy >= 0) close(copy);
    return rc;
  }
  rewinddir(dir);
  while (rc >= 0) {
    errno = 0;
    struct dirent *e = readdir(dir);
    uint64_t first;
    if (!e) rc = -errno;
    if (!e) break;
    if (tl_segment_is_name(e->d_name, &first)) rc = note_segment(s, e->d_name, first);
  }
  closedir(dir);
  if (s->count > 1) qsort(s->segments, s->count, sizeof *s->segments, compare_segments);
  return rc;
}

/* Keep the last batch for tl_spool_found_marks(). Without memory its marks are not known. */
static void keep_last (tl_spool *s, int fd, const tl_segment_end *where) {
  tl_batch batch;
  tl_buf bytes;
  tl_buf_init(&bytes);
  if (tl_segment_last(fd, where, &bytes, &batch) == TL_OK) {
    s->found_at = batch.first;
    tl_buf_slice(&s->found, batch.marks);
  }
  tl_buf_fini(&bytes);
}

/* The last segment may be empty, if the process was killed before it wrote a batch: then the
** last batch is in the segment before. */
static void look_before_last (tl_spool *s) {
  tl_segment_head head;
  tl_segment_end where;
  char name[32];
  if (s->found_at > 0 || s->count < 2) return;
  tl_segment_name(s->segments[s->count - 2].first, name);
  int fd = openat(s->folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return;
  if (tl_segment_read_head(fd, &head) == TL_OK && tl_segment_scan(fd, &head, &where) == TL_OK &&
      where.last > 0)
    keep_last(s, fd, &where);
  close(fd);
}

/* The last segment may end in the middle of a batch: its complete batches are kept, and the
** rest is cut off. A segment with a damaged head holds nothing readable. */
static int mend_last (tl_spool *s, tl_spool_found *found) {
  tl_spool_segment *last = &s->segments[s->count - 1];
  tl_segment_head head;
  tl_segment_end where = { 0, last->first, 0 };
  char name[32];
  tl_segment_name(last->first, name);
  int fd = openat(s->folder, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return -errno;
  int rc = tl_segment_read_head(fd, &head);
  if (rc == TL_OK && head.first != last->first) rc = TL_EMALFORMED;
  if (rc == TL_OK) {
    s->id = head.spool;
    rc = tl_segment_scan(fd, &head, &where);
  } else if (rc == TL_EMALFORMED) {
    rc = TL_OK;
  }
  s->next = where.next;
  if (rc == TL_OK && where.last > 0) keep_last(s, fd, &where);
  if (rc == TL_OK && where.end < last->bytes) {
    found->cut_bytes = last->bytes - where.end;
    if (ftruncate(fd, (off_t)where.end) < 0) rc = -errno;
    s->bytes -= found->cut_bytes;
    last->bytes = where.end;
  }
  close(fd);
  return rc;
}

/* Each segment's head has the spool's number. If the last head is damaged, the others have it. */
static void find_id (tl_spool *s) {
  for (uint32_t i = s->count; s->id == 0 && i > 0; i--) {
    tl_segment_head head;
    char name[32];
    tl_segment_name(s->segments[i - 1].first, name);
    int fd = openat(s->folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) continue;
    if (tl_segment_read_head(fd, &head) == TL_OK) s->id = head.spool;
    close(fd);
  }
  while (s->id == 0) {
    if (getrandom(&s->id, sizeof s->id, 0) != (ssize_t)sizeof s->id) s->id = (uint64_t)getpid();
    s->is_new = true;
  }
}

static int lock (tl_spool *s, const char *path, tl_err *err) {
  char text[32] = "";
  s->lock = openat(s->folder, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
  if (s->lock < 0) return fail_errno(err, -errno, "spool", path);
  if (flock(s->lock, LOCK_EX | LOCK_NB) < 0) {
    ssize_t n = pread(s->lock, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    text[strspn(text, "0123456789")] = '\0';
    return tl_fail(err, TL_EEXIST, 0, "spool '%.120s': process %s has it; one process a spool",
                   path, text[0] != '\0' ? text : "?");
  }
  int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
  /* only for the message above: the lock is what counts */
  if (ftruncate(s->lock, 0) == 0) (void)!pwrite(s->lock, text, (size_t)n, 0);
  return TL_OK;
}

static int open_folder (tl_spool *s, const char *path, tl_err *err) {
  if (mkdir(path, 0700) < 0 && errno != EEXIST) return fail_errno(err, -errno, "spool", path);
  s->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (s->folder < 0) return fail_errno(err, -errno, "spool", path);
  return lock(s, path, err);
}

int tl_spool_open (tl_spool **out, const tl_spool_options *options, int64_t wall,
                   tl_spool_found *found, tl_err *err) {
  tl_spool *s = calloc(1, sizeof *s);
  if (!s) return tl_fail(err, TL_ENOMEM, 0, "no memory for the spool");
  *found = (tl_spool_found){ 0 };
  s->folder = s->lock = s->fd = -1;
  s->next = s->ordinal = 1; /* also where no segment can be made yet */
  s->max_bytes = options->max_bytes < TL_SPOOL_LEAST ? TL_SPOOL_LEAST : options->max_bytes;
  s->hold = options->hold;
  tl_buf_init(&s->batch);
  tl_buf_init(&s->marks);
  tl_buf_init(&s->found);
  int rc = open_folder(s, options->folder, err);
  if (rc >= 0) {
    rc = list_segments(s);
    if (rc >= 0 && s->count > 0) rc = mend_last(s, found);
    if (rc >= 0) look_before_last(s);
    if (rc >= 0) {
      find_id(s);
      found->waiting = s->count > 0 ? s->next - s->segments[0].first : 0;
      rc = roll(s, wall);
      /* the disk is full: tl_spool_begin() tries again */
      if (rc == -ENOSPC || rc == -EDQUOT) rc = TL_OK;
    }
    if (rc < 0) fail_errno(err, rc == TL_ENOMEM ? -ENOMEM : rc, "spool", options->folder);
  }
  if (rc < 0) {
    tl_spool_close(s);
    return rc;
  }
  *out = s;
  return TL_OK;
}

void tl_spool_close (tl_spool *s) {
  if (!s) return;
  while (s->cursors) tl_cursor_close(s->cursors);
  unlink_now(s);
  if (s->fd >= 0) close(s->fd);
  if (s->lock >= 0) close(s->lock);
  if (s->folder >= 0) close(s->folder);
  tl_buf_fini(&s->batch);
  tl_buf_fini(&s->marks);
  tl_buf_fini(&s->found);
  free(s->segments);
  free(s);
}

void tl_spool_set (tl_spool *s, uint64_t max_bytes, bool hold) {
  s->max_bytes = max_bytes < TL_SPOOL_LEAST ? TL_SPOOL_LEAST : max_bytes;
  s->hold = hold;
}

uint64_t tl_spool_id (const tl_spool *s) { return s->id; }
uint64_t tl_spool_next (const tl_spool *s) { return s->next; }
uint64_t tl_spool_bytes (const tl_spool *s) { return s->bytes; }
uint64_t tl_spool_max (const tl_spool *s) { return s->max_bytes; }
uint64_t tl_spool_dropped (const tl_spool *s) { return s->dropped; }
uint64_t tl_spool_written (const tl_spool *s) { return s->written; }
uint64_t tl_spool_pending (const tl_spool *s) { return s->added > 0 ? s->batch.len : 0; }
void tl_spool_skip (tl_spool *s) { s->skipped++; }
bool tl_spool_is_dirty (const tl_spool *s) { return s->added > 0; }

/* --- writing --- */

/* Remove old segments until `wanted` bytes fit below the limit, unless values must be held. */
static int make_room (tl_spool *s, uint64_t wanted) {
  while (s->bytes + wanted > s->max_bytes) {
    if (s->hold) return TL_EFULL;
    if (!drop_oldest(s)) return TL_OK; /* a single batch may be larger than the limit */
  }
  return TL_OK;
}

tl_buf *tl_spool_begin (tl_spool *s, int64_t wall, uint32_t *segment) {
  bool full = s->count == 0 || s->segments[s->count - 1].bytes >= segment_bytes(s);
  if (s->added == 0 && (full || s->fd < 0)) {
    /* If this fails, the old segment is used further, or commit() reports why. */
    int rc = roll(s, wall);
    if (rc == TL_OK) tl_spool_trim(s);
  }
  if (s->added == 0) {
    static const uint8_t head[TL_BATCH_HEAD];
    tl_buf_clear(&s->batch);
    tl_buf_add(&s->batch, head, sizeof head);
    if (s->batch.failed) return NULL;
  }
  *segment = s->ordinal;
  return &s->batch;
}

void tl_spool_added (tl_spool *s) { s->added++; }

/* Write the batch completely or not at all: on a full disk, the part that was written is cut
** off again. */
static int write_batch (tl_spool *s) {
  tl_spool_segment *newest = &s->segments[s->count - 1];
  size_t done = 0;
  while (done < s->batch.len) {
    ssize_t n =
        pwrite(s->fd, s->batch.at + done, s->batch.len - done, (off_t)(newest->bytes + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      int code = n < 0 ? -errno : -ENOSPC;
      if (done > 0 && ftruncate(s->fd, (off_t)newest->bytes) < 0) return code;
      return code;
    }
    done += (size_t)n;
  }
  newest->bytes += done;
  s->bytes += done;
  s->written += done;
  return TL_OK;
}

/* Values were skipped, and their numbers are left out. A new segment begins behind them, so
** that readers, and a process that opens the spool after a kill, see the gap. */
static void leave_hole (tl_spool *s, int64_t wall) {
  uint64_t skipped = s->skipped;
  if (skipped == 0) return;
  s->next += skipped;
  if (roll(s, wall) != TL_OK) { /* tried again the next time */
    s->next -= skipped;
    return;
  }
  s->dropped += skipped;
  s->skipped = 0;
}

/* The disk is full: unlink segments that nobody needs, then drop the oldest ones, unless
** values must be held. */
static int write_with_less (tl_spool *s, int64_t wall) {
  int rc = -ENOSPC;
  bool less = s->gone.count > 0;
  while (rc == -ENOSPC || rc == -EDQUOT) {
    if (!less && (s->hold || !drop_oldest(s))) break;
    unlink_now(s);
    less = false;
    rc = s->fd < 0 ? roll(s, wall) : TL_OK;
    if (rc >= 0) rc = write_batch(s);
  }
  return rc;
}

/* Write the batch; its last `marks` bytes are marks. */
static int commit (tl_spool *s, size_t marks, int64_t wall, tl_err *err) {
  int rc = make_room(s, s->batch.len);
  if (rc < 0)
    return tl_fail(err, rc, 0, "the spool is full (%llu of %llu bytes)",
                   (unsigned long long)s->bytes, (unsigned long long)s->max_bytes);
  if (s->fd < 0) rc = roll(s, wall);
  tl_batch_seal(&s->batch, marks, s->next, s->added, wall);
  if (rc >= 0) rc = write_batch(s);
  if (rc == -ENOSPC || rc == -EDQUOT) rc = write_with_less(s, wall);
  return rc < 0 ? tl_fail(err, rc, 0, "the spool cannot be written: %s", strerror(-rc)) : TL_OK;
}

int tl_spool_commit (tl_spool *s, int64_t wall, tl_err *err) {
  size_t before = s->batch.len, marks = s->marks.failed ? 0 : s->marks.len;
  if (s->added == 0) {
    tl_buf_clear(&s->marks);
    leave_hole(s, wall);
    return TL_OK;
  }
  if (s->batch.failed) return tl_fail(err, TL_ENOMEM, 0, "no memory for the spool");
  if (marks > 0 && tl_buf_reserve(&s->batch, marks) < 0) {
    s->batch.failed = false;
    marks = 0;
  }
  if (marks > 0) tl_buf_add(&s->batch, s->marks.at, marks);
  tl_buf_clear(&s->marks);
  int rc = commit(s, marks, wall, err);
  if (rc < 0) {
    s->batch.len = before;
    return rc;
  }
  s->next += s->added;
  s->added = 0;
  tl_buf_clear(&s->batch);
  tl_buf_shrink(&s->batch, 1 << 20);
  leave_hole(s, wall);
  return TL_OK;
}

/* --- marks --- */

void tl_spool_mark (tl_spool *s, const tl_mark *m) { tl_record_mark(&s->marks, m); }

void tl_spool_found_marks (const tl_spool *s,
                           void (*one)(void *ctx, uint64_t number, const tl_mark *m), void *ctx) {
  tl_mark m;
  for (size_t at = 0; tl_record_next_mark(tl_buf_bytes(&s->found), &at, &m) == 1;)
    one(ctx, s->found_at, &m);
}

bool tl_spool_where (const tl_spool *s, uint64_t at, tl_spool_place *out) {
  if (at >= s->next || s->count == 0) return false;
  uint32_t i = 0;
  while (i + 1 < s->count && s->segments[i + 1].first <= at) i++;
  *out = (tl_spool_place){ s->folder, s->segments[i].first, s->segments[i].bytes,
                           i + 1 < s->count ? s->segments[i + 1].first : s->next, at };
  return true;
}

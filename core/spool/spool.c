/* core/spool/spool.c — the writing side of a spool: batches, and how segments are made and
** removed. See spool.h. */
#include "spool/spool_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* At least two segments fit below the limit of the spool, so that the oldest can be removed
** while the newest grows. */
static uint64_t segment_bytes (const tl_spool *s) {
  uint64_t part = s->max_bytes / 8;
  return part < TL_SEGMENT_BYTES ? part : TL_SEGMENT_BYTES;
}

int tl_spool_fail (tl_err *err, int code, const char *what, const char *path) {
  return tl_fail(err, code, 0, "%s '%.150s': %s", what, path, strerror(-code));
}

/* --- segments --- */

tl_spool_segment *tl_spool_add_segment (tl_spool *s) {
  if (s->count == s->cap) {
    uint32_t cap = s->cap > 0 ? s->cap * 2 : 16;
    tl_spool_segment *more = realloc(s->segments, cap * sizeof *more);
    if (!more) return NULL;
    s->segments = more;
    s->cap = cap;
  }
  return &s->segments[s->count++];
}

static void unlink_all (const tl_spool_gone *gone) {
  for (uint32_t i = 0; i < gone->count; i++) {
    char name[32];
    tl_segment_name(gone->first[i], name);
    unlinkat(gone->folder, name, 0);
  }
}

void tl_spool_unlink (const tl_spool_gone *gone) {
  tl_spool_sync_places(gone->folder, &gone->places);
  unlink_all(gone);
}

bool tl_spool_take_gone (tl_spool *s, tl_spool_gone *out) {
  if (s->gone.count == 0) return false;
  *out = s->gone;
  out->folder = s->folder;
  tl_spool_take_places(s, &out->places);
  s->gone.count = 0;
  return true;
}

/* On the loop's thread, which waits for no sync. */
static void unlink_now (tl_spool *s) {
  s->gone.folder = s->folder;
  unlink_all(&s->gone);
  s->gone.count = 0;
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
  bool lost = lowest < next;
  tl_times times;
  if (lost) tl_times_look(s->folder, first, next, &times);
  remove_oldest(s);
  unlink_now(s); /* at once, because the limit also counts on the disk */
  if (!lost) return true;
  s->dropped += tl_times_of(&times, lowest > first ? lowest : first, next).count;
  tl_cursors_lose(s, &times, next);
  return true;
}

void tl_spool_trim (tl_spool *s) {
  uint64_t lowest = tl_spool_lowest(s);
  while (s->count > 1 && s->segments[1].first <= lowest) remove_oldest(s);
}

static const tl_times_part no_times = { 0, INT64_MAX, INT64_MIN };

static void note_time (tl_times_part *p, int64_t time_ms) {
  if (time_ms == 0) return;
  if (time_ms < p->from_ms) p->from_ms = time_ms;
  if (time_ms > p->to_ms) p->to_ms = time_ms;
}

/* The segment gets no more batches: behind its last one are the times of its values, and which of
** the numbers behind them are of values that were skipped. */
static void seal (tl_spool *s, tl_spool_segment *segment, int64_t wall) {
  if (s->next > s->times.ended && s->begun.skipped > 0) {
    s->times.lost = s->begun.skipped;
    s->begun.skipped_times.first = s->times.ended;
    tl_times_add(&s->times, TL_TIMES_PARTS, &s->begun.skipped_times);
  }
  if (!tl_times_write(s->fd, segment->bytes, &s->times, wall)) return;
  segment->bytes += TL_TIMES_BYTES;
  s->bytes += TL_TIMES_BYTES;
}

/* Begin a new segment. If the newest one is empty it has the same file name: it is removed and
** made again. So is what is left of one that could not be made. A batch that waits for the first
** segment goes into it with its definitions: those behind it count on from them. */
int tl_spool_roll (tl_spool *s, int64_t wall) {
  tl_segment_head head = { .spool = s->id, .first = s->next, .made_ms = wall };
  bool empty = s->count > 0 && s->segments[s->count - 1].first == s->next;
  char name[32];
  tl_segment_name(s->next, name);
  unlinkat(s->folder, name, 0);
  if (empty) s->bytes -= s->segments[--s->count].bytes;
  int fd = tl_segment_make(s->folder, &head);
  if (fd < 0) return fd;
  tl_spool_segment *made = tl_spool_add_segment(s);
  if (!made) {
    close(fd);
    unlinkat(s->folder, name, 0);
    return TL_ENOMEM;
  }
  *made = (tl_spool_segment){ s->next, TL_SEGMENT_HEAD };
  if (s->fd >= 0 && s->count > 1 && !empty) seal(s, &s->segments[s->count - 2], wall);
  if (s->fd >= 0) close(s->fd);
  s->fd = fd;
  s->leaves = false;
  s->times = (tl_times){ .ended = s->next };
  s->bytes += TL_SEGMENT_HEAD;
  s->disk.names = true;
  if (s->begun.added == 0) s->ordinal++;
  return TL_OK;
}

/* --- closing, and what it is like --- */

void tl_spool_close (tl_spool *s) {
  if (!s) return;
  while (s->cursors) tl_cursor_close(s->cursors);
  unlink_now(s);
  if (s->fd >= 0) close(s->fd);
  /* nobody has it: what comes is no power failure */
  if (s->is_mine) (void)!ftruncate(s->lock, 0);
  if (s->lock >= 0) close(s->lock);
  if (s->folder >= 0) close(s->folder);
  tl_buf_fini(&s->begun.bytes);
  tl_buf_fini(&s->begun.marks);
  tl_buf_fini(&s->earlier.marks);
  free(s->segments);
  free(s);
}

bool tl_spool_holds (const tl_spool *s) { return s->hold; }

void tl_spool_set (tl_spool *s, uint64_t max_bytes, bool hold) {
  s->max_bytes = max_bytes < TL_SPOOL_LEAST ? TL_SPOOL_LEAST : max_bytes;
  s->hold = hold;
}

uint64_t tl_spool_id (const tl_spool *s) { return s->id; }
uint64_t tl_spool_next (const tl_spool *s) { return s->next; }
uint64_t tl_spool_oldest (const tl_spool *s) {
  return s->count > 0 ? s->segments[0].first : s->next;
}
uint64_t tl_spool_bytes (const tl_spool *s) { return s->bytes; }
uint64_t tl_spool_max (const tl_spool *s) { return s->max_bytes; }
uint64_t tl_spool_dropped (const tl_spool *s) { return s->dropped; }
uint64_t tl_spool_written (const tl_spool *s) { return s->written; }
uint64_t tl_spool_pending (const tl_spool *s) {
  return s->begun.added > 0 ? s->begun.bytes.len : 0;
}
void tl_spool_skip (tl_spool *s, int64_t time_ms) {
  if (s->begun.skipped++ == 0) s->begun.skipped_times = no_times;
  note_time(&s->begun.skipped_times, time_ms);
}
bool tl_spool_is_dirty (const tl_spool *s) { return s->begun.added > 0; }

/* --- writing --- */

/* Remove old segments until `wanted` bytes fit below the limit, unless values must be held. */
static int make_room (tl_spool *s, uint64_t wanted) {
  while (s->bytes + wanted > s->max_bytes) {
    if (s->hold) return TL_EFULL;
    if (!drop_oldest(s)) return TL_OK; /* a single batch may be larger than the limit */
  }
  return TL_OK;
}

/* The first value of a batch may begin a segment. */
static bool begin_batch (tl_spool *s, int64_t wall) {
  static const uint8_t head[TL_BATCH_HEAD];
  bool full = s->count == 0 || s->leaves || s->segments[s->count - 1].bytes >= segment_bytes(s);
  /* If this fails, the old segment is used further, or commit() reports why. */
  if ((full || s->fd < 0) && tl_spool_roll(s, wall) == TL_OK) tl_spool_trim(s);
  s->begun.times = no_times;
  tl_buf_clear(&s->begun.bytes);
  tl_buf_add(&s->begun.bytes, head, sizeof head);
  return !s->begun.bytes.failed;
}

tl_buf *tl_spool_begin (tl_spool *s, int64_t wall, uint32_t *segment) {
  if (s->begun.added == 0 && !begin_batch(s, wall)) return NULL;
  if (s->begun.bytes.len >= TL_SPOOL_MOST) return NULL;
  *segment = s->ordinal;
  return &s->begun.bytes;
}

void tl_spool_added (tl_spool *s, int64_t time_ms) {
  s->begun.added++;
  note_time(&s->begun.times, time_ms);
}

/* Write the batch completely or not at all: on a full disk, the part that was written is cut
** off again. */
static int write_batch (tl_spool *s) {
  tl_spool_segment *newest = &s->segments[s->count - 1];
  size_t done = 0;
  while (done < s->begun.bytes.len) {
    ssize_t n = pwrite(s->fd, s->begun.bytes.at + done, s->begun.bytes.len - done,
                       (off_t)(newest->bytes + done));
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

/* Values were skipped, or others have their numbers, which are left out. A new segment begins
** behind them, so that readers, and a process that opens the spool after a kill, see the gap. */
static void leave_hole (tl_spool *s, int64_t wall) {
  uint64_t before = s->next, after = before + s->begun.skipped;
  if (after < s->least) after = s->least;
  if (after == before) return;
  s->next = after;
  if (tl_spool_roll(s, wall) != TL_OK) { /* tried again the next time */
    s->next = before;
    return;
  }
  if (s->begun.skipped == 0) tl_cursors_pass(s, before, after);
  s->dropped += s->begun.skipped;
  s->begun.skipped = 0;
}

void tl_spool_raise (tl_spool *s, uint64_t next, int64_t wall) {
  if (next > s->least && next < TL_SPOOL_NUMBERS) s->least = next;
  if (s->begun.added == 0) leave_hole(s, wall); /* else once these are written */
}

void tl_spool_leave_segment (tl_spool *s, uint64_t segment) {
  if (s->count > 0 && s->segments[s->count - 1].first == segment) s->leaves = true;
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
    rc = s->fd < 0 ? tl_spool_roll(s, wall) : TL_OK;
    if (rc >= 0) rc = write_batch(s);
  }
  return rc;
}

/* Write the batch; its last `marks` bytes are marks. */
static int commit (tl_spool *s, size_t marks, int64_t wall, tl_err *err) {
  int rc = make_room(s, s->begun.bytes.len);
  if (rc < 0)
    return tl_fail(err, rc, 0, "the spool is full (%llu of %llu bytes)",
                   (unsigned long long)s->bytes, (unsigned long long)s->max_bytes);
  if (s->fd < 0) rc = tl_spool_roll(s, wall);
  tl_batch_seal(&s->begun.bytes, marks, s->next, s->begun.added, wall);
  if (rc >= 0) rc = write_batch(s);
  if (rc == -ENOSPC || rc == -EDQUOT) rc = write_with_less(s, wall);
  return rc < 0 ? tl_fail(err, rc, 0, "the spool cannot be written: %s", strerror(-rc)) : TL_OK;
}

/* The batch is written. As many parts have times as the segment's share of its full size. */
static void note_batch (tl_spool *s) {
  uint64_t share = s->segments[s->count - 1].bytes * TL_TIMES_PARTS / segment_bytes(s) + 1;
  s->begun.times.first = s->next;
  tl_times_add(&s->times, share < TL_TIMES_PARTS ? (uint32_t)share : TL_TIMES_PARTS,
               &s->begun.times);
}

int tl_spool_commit (tl_spool *s, int64_t wall, tl_err *err) {
  size_t before = s->begun.bytes.len, marks = s->begun.marks.failed ? 0 : s->begun.marks.len;
  if (s->begun.added == 0) {
    tl_buf_clear(&s->begun.marks);
    leave_hole(s, wall);
    return TL_OK;
  }
  if (s->begun.bytes.failed) return tl_fail(err, TL_ENOMEM, 0, "no memory for the spool");
  if (marks > TL_BATCH_MAX - before) marks = 0; /* a reader would take it for damage */
  if (marks > 0 && tl_buf_reserve(&s->begun.bytes, marks) < 0) {
    s->begun.bytes.failed = false;
    marks = 0;
  }
  if (marks > 0) tl_buf_add(&s->begun.bytes, s->begun.marks.at, marks);
  tl_buf_clear(&s->begun.marks);
  int rc = commit(s, marks, wall, err);
  if (rc < 0) {
    s->begun.bytes.len = before;
    return rc;
  }
  note_batch(s);
  s->next += s->begun.added;
  s->times.ended = s->next;
  s->begun.added = 0;
  tl_buf_clear(&s->begun.bytes);
  tl_buf_shrink(&s->begun.bytes, 1 << 20);
  leave_hole(s, wall);
  return TL_OK;
}

/* --- marks --- */

void tl_spool_mark (tl_spool *s, const tl_mark *m) { tl_record_mark(&s->begun.marks, m); }

void tl_spool_found_marks (const tl_spool *s,
                           void (*one)(void *ctx, uint64_t number, const tl_mark *m), void *ctx) {
  tl_mark m;
  for (size_t at = 0; tl_record_next_mark(tl_buf_bytes(&s->earlier.marks), &at, &m) == 1;)
    one(ctx, s->earlier.at, &m);
}

bool tl_spool_where (const tl_spool *s, uint64_t at, tl_spool_place *out) {
  if (at >= s->next || s->count == 0) return false;
  uint32_t i = 0;
  while (i + 1 < s->count && s->segments[i + 1].first <= at) i++;
  *out = (tl_spool_place){ s->folder, s->segments[i].first, s->segments[i].bytes,
                           i + 1 < s->count ? s->segments[i + 1].first : s->next, at };
  return true;
}

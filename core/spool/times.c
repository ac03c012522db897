/* core/spool/times.c — see times.h. Integers are little-endian. */
#include "spool/times.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"

void tl_spool_lose (tl_spool_lost *sum, const tl_spool_lost *more) {
  if (more->count == 0) return;
  if (sum->count == 0) *sum = (tl_spool_lost){ 0, INT64_MAX, INT64_MIN };
  sum->count += more->count;
  if (more->from_ms < sum->from_ms) sum->from_ms = more->from_ms;
  if (more->to_ms > sum->to_ms) sum->to_ms = more->to_ms;
}

void tl_times_add (tl_times *t, uint32_t most, const tl_times_part *part) {
  if (t->count == 0 || t->count < most) {
    t->parts[t->count++] = *part;
    return;
  }
  tl_times_part *last = &t->parts[t->count - 1];
  if (part->from_ms < last->from_ms) last->from_ms = part->from_ms;
  if (part->to_ms > last->to_ms) last->to_ms = part->to_ms;
}

tl_spool_lost tl_times_of (const tl_times *t, uint64_t from, uint64_t to) {
  tl_spool_lost sum = { 0 };
  if (to > t->ended + t->lost) to = t->ended + t->lost;
  if (from >= to) return sum;
  tl_spool_lost all = { to - from, INT64_MAX, INT64_MIN };
  tl_spool_lose(&sum, &all);
  for (uint32_t i = 0; i < t->count; i++) {
    const tl_times_part *p = &t->parts[i];
    if (p->first >= to || (i + 1 < t->count && t->parts[i + 1].first <= from)) continue;
    if (p->from_ms < sum.from_ms) sum.from_ms = p->from_ms;
    if (p->to_ms > sum.to_ms) sum.to_ms = p->to_ms;
  }
  return sum;
}

/* --- in a file: a batch of no values, with this in place of marks --- */

bool tl_times_write (int fd, uint64_t at, const tl_times *t, int64_t wall) {
  uint8_t bytes[TL_TIMES_BYTES] = { 0 }, *to = bytes + TL_BATCH_HEAD;
  tl_buf out = { .at = bytes, .len = sizeof bytes, .cap = sizeof bytes };
  tl_put_le8(to, t->ended);
  tl_put_le8(to + 8, t->lost);
  tl_put_le8(to + 16, t->count);
  for (uint32_t i = 0; i < t->count; i++) {
    tl_put_le8(to + 24 + 24 * i, t->parts[i].first);
    tl_put_le8(to + 32 + 24 * i, (uint64_t)t->parts[i].from_ms);
    tl_put_le8(to + 40 + 24 * i, (uint64_t)t->parts[i].to_ms);
  }
  tl_batch_seal(&out, sizeof bytes - TL_BATCH_HEAD, t->ended, 0, wall);
  ssize_t n = pwrite(fd, bytes, sizeof bytes, (off_t)at);
  if (n == (ssize_t)sizeof bytes) return true;
  if (n > 0) (void)!ftruncate(fd, (off_t)at);
  return false;
}

bool tl_times_read (int fd, tl_times *out) {
  uint8_t bytes[TL_TIMES_BYTES];
  struct stat st;
  tl_batch batch;
  if (fstat(fd, &st) < 0 || st.st_size < TL_SEGMENT_HEAD + TL_TIMES_BYTES) return false;
  ssize_t n = pread(fd, bytes, sizeof bytes, st.st_size - TL_TIMES_BYTES);
  if (n != (ssize_t)sizeof bytes) return false;
  if (tl_batch_read(tl_slice_of(bytes, sizeof bytes), 0, TL_SEGMENT_FORMAT, &batch) !=
          TL_TIMES_BYTES ||
      batch.count > 0 || batch.marks.len != TL_TIMES_BYTES - TL_BATCH_HEAD)
    return false;
  const uint8_t *from = batch.marks.at;
  *out = (tl_times){ .ended = tl_get_le8(from), .lost = tl_get_le8(from + 8) };
  uint64_t count = tl_get_le8(from + 16);
  for (; out->count < count && out->count < TL_TIMES_PARTS; out->count++)
    out->parts[out->count] = (tl_times_part){ tl_get_le8(from + 24 + 24 * out->count),
                                              (int64_t)tl_get_le8(from + 32 + 24 * out->count),
                                              (int64_t)tl_get_le8(from + 40 + 24 * out->count) };
  return true;
}

void tl_times_look (int folder, uint64_t first, uint64_t until, tl_times *out) {
  tl_segment_head head;
  struct stat st;
  char name[32];
  tl_segment_name(first, name);
  *out = (tl_times){ .ended = until };
  int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return;
  if (!tl_times_read(fd, out) && fstat(fd, &st) == 0 && tl_segment_read_head(fd, &head) == TL_OK) {
    int64_t last = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
    *out = (tl_times){ .ended = until, .count = 1, .parts = { { first, head.made_ms, last } } };
  }
  close(fd);
}

void tl_spool_unread (const tl_spool_place *place, uint64_t from, uint64_t to, tl_spool_lost *out) {
  tl_times t;
  tl_times_look(place->folder, place->first, to, &t);
  *out = tl_times_of(&t, from, to);
}

/* --- from the values --- */

bool tl_times_gather (const tl_spool_place *segment, tl_times *out) {
  const uint64_t each = (segment->until - segment->first) / TL_TIMES_PARTS + 1;
  tl_times_part part = { segment->first, INT64_MAX, INT64_MIN };
  tl_sample samples[64];
  tl_reader_found found;
  tl_reader *r;
  if (tl_reader_new(&r) < 0) return false;
  int n = tl_reader_seek(r, segment);
  *out = (tl_times){ .ended = segment->first };
  while (n >= 0 && (n = tl_reader_next(r, 64, samples, sizeof samples[0], &found)) > 0) {
    for (int i = 0; i < n; i++) {
      int64_t t = samples[i].time_ms;
      if (t != 0 && t < part.from_ms) part.from_ms = t;
      if (t != 0 && t > part.to_ms) part.to_ms = t;
    }
    out->ended = found.number + (uint64_t)n;
    if (out->ended - part.first < each && out->ended < segment->until) continue;
    tl_times_add(out, TL_TIMES_PARTS, &part);
    part = (tl_times_part){ out->ended, INT64_MAX, INT64_MIN };
  }
  tl_reader_free(r);
  return n == 0 && out->ended == segment->until;
}

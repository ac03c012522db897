/* core/spool/spool_open.c — a spool is opened: its folder is locked, its segments are listed, and
** the last one, which a kill may have cut, is mended. */
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

static int compare_segments (const void *a, const void *b) {
  const tl_spool_segment *x = a, *y = b;
  return x->first < y->first ? -1 : x->first > y->first;
}

static int note_segment (tl_spool *s, const char *name, uint64_t first) {
  struct stat st;
  if (fstatat(s->folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0) return -errno;
  if (!S_ISREG(st.st_mode)) return TL_OK;
  tl_spool_segment *at = tl_spool_add_segment(s);
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
static void keep_last (tl_spool *s, int fd, const tl_segment_head *head,
                       const tl_segment_end *where) {
  tl_batch batch;
  tl_buf bytes;
  tl_buf_init(&bytes);
  if (tl_segment_last(fd, head, where, &bytes, &batch) == TL_OK) {
    s->earlier.at = batch.first;
    tl_buf_slice(&s->earlier.marks, batch.marks);
  }
  tl_buf_fini(&bytes);
}

/* The last segment may be empty, if the process was killed before it wrote a batch: then the
** last batch is in the segment before. */
static void check_before_last (tl_spool *s) {
  tl_segment_head head;
  tl_segment_end where;
  char name[32];
  if (s->earlier.at > 0 || s->count < 2) return;
  tl_segment_name(s->segments[s->count - 2].first, name);
  int fd = openat(s->folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return;
  if (tl_segment_read_head(fd, &head) == TL_OK && tl_segment_scan(fd, &head, &where) == TL_OK &&
      where.last > 0)
    keep_last(s, fd, &head, &where);
  close(fd);
}

/* The last segment gets no more batches, and the times of its values were known to the earlier
** process alone. */
static void seal_last (tl_spool *s, int fd, int64_t wall) {
  tl_spool_segment *last = &s->segments[s->count - 1];
  tl_spool_place all = { s->folder, last->first, last->bytes, s->next, last->first };
  tl_times times;
  if (s->next == last->first || tl_times_read(fd, &times) || !tl_times_gather(&all, &times)) return;
  if (!tl_times_write(fd, last->bytes, &times, wall)) return;
  last->bytes += TL_TIMES_BYTES;
  s->bytes += TL_TIMES_BYTES;
}

/* The last segment may end in the middle of a batch: its complete batches are kept, and the
** rest is cut off. A segment with a damaged head holds nothing readable. */
static int mend_last (tl_spool *s, int64_t wall, tl_spool_found *found) {
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
  if (rc == TL_OK && where.last > 0) keep_last(s, fd, &head, &where);
  if (rc == TL_OK && where.end < last->bytes) {
    found->cut_bytes = last->bytes - where.end;
    if (ftruncate(fd, (off_t)where.end) < 0) rc = -errno;
    s->bytes -= found->cut_bytes;
    last->bytes = where.end;
  }
  if (rc == TL_OK && where.last > 0 && head.format == TL_SEGMENT_FORMAT) seal_last(s, fd, wall);
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

/* Which start of the machine this is: a text of the system; "" where it has none. */
static void read_boot (char out[40]) {
  out[0] = '\0';
  int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  ssize_t n = fd >= 0 ? read(fd, out, 36) : 0;
  if (fd >= 0) close(fd);
  out[n > 0 ? n : 0] = '\0';
}

/* The lock's file names the process, and in a second line the start of the machine; who closes the
** spool empties it. */
static bool is_of_other_boot (int fd, const char *boot) {
  char text[80];
  ssize_t n = pread(fd, text, sizeof text - 1, 0);
  text[n > 0 ? n : 0] = '\0';
  const char *line = strchr(text, '\n');
  return line && strlen(line + 1) >= 36 && boot[0] != '\0' && strncmp(line + 1, boot, 36) != 0;
}

static int lock (tl_spool *s, const char *path, bool *power_failed, tl_err *err) {
  char text[80] = "", boot[40];
  s->lock = openat(s->folder, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
  if (s->lock < 0) return tl_spool_fail(err, -errno, "spool", path);
  if (flock(s->lock, LOCK_EX | LOCK_NB) < 0) {
    ssize_t n = pread(s->lock, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    text[strspn(text, "0123456789")] = '\0';
    return tl_fail(err, TL_EEXIST, 0, "spool '%.120s': process %s has it; one process a spool",
                   path, text[0] != '\0' ? text : "?");
  }
  s->is_mine = true;
  read_boot(boot);
  *power_failed = is_of_other_boot(s->lock, boot);
  int n = snprintf(text, sizeof text, "%ld\n%s\n", (long)getpid(), boot);
  /* only for messages: the lock is what counts */
  if (ftruncate(s->lock, 0) == 0) (void)!pwrite(s->lock, text, (size_t)n, 0);
  return TL_OK;
}

static int open_folder (tl_spool *s, const char *path, bool *power_failed, tl_err *err) {
  if (mkdir(path, 0700) < 0 && errno != EEXIST) return tl_spool_fail(err, -errno, "spool", path);
  s->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (s->folder < 0) return tl_spool_fail(err, -errno, "spool", path);
  return lock(s, path, power_failed, err);
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
  tl_buf_init(&s->begun.bytes);
  tl_buf_init(&s->begun.marks);
  tl_buf_init(&s->earlier.marks);
  s->disk.fresh = true;
  int rc = open_folder(s, options->folder, &found->power_failed, err);
  if (rc >= 0) {
    rc = list_segments(s);
    if (rc >= 0 && s->count > 0) rc = mend_last(s, wall, found);
    if (rc >= 0) check_before_last(s);
    if (rc >= 0) {
      find_id(s);
      found->waiting = s->count > 0 ? s->next - s->segments[0].first : 0;
      s->power_failed = found->power_failed;
      /* what an earlier process had synced is not known */
      s->disk.synced = s->disk.readable = s->count > 0 ? s->segments[0].first : s->next;
      rc = tl_spool_roll(s, wall);
      /* the disk is full: tl_spool_begin() tries again */
      if (rc == -ENOSPC || rc == -EDQUOT) rc = TL_OK;
    }
    if (rc == TL_ETYPE)
      tl_fail(err, rc, 0,
              "spool '%.120s' was written by a later version of tagline, which this one cannot "
              "read: go on with that version, or move the folder away",
              options->folder);
    else if (rc < 0)
      tl_spool_fail(err, rc == TL_ENOMEM ? -ENOMEM : rc, "spool", options->folder);
  }
  if (rc < 0) {
    tl_spool_close(s);
    return rc;
  }
  *out = s;
  return TL_OK;
}

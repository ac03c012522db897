/* core/spool/aside.c — values that a server refused, written to a file beside the segments for
** people to read. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool/spool_impl.h"

/* a file of this size is renamed to NAME.rejected.old, and a new one begins */
enum { ASIDE_BYTES = 16 * 1024 * 1024 };

static void names (const char *name, char file[80], char old[88]) {
  snprintf(file, 80, "%s.rejected", name);
  snprintf(old, 88, "%s.old", file);
}

int tl_spool_put_aside (const tl_spool *s, const char *name, tl_slice line) {
  char file[80], old[88];
  struct stat st;
  names(name, file, old);
  if (fstatat(s->folder, file, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_size >= ASIDE_BYTES)
    renameat(s->folder, file, s->folder, old);
  int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  int fd = openat(s->folder, file, flags, 0600);
  if (fd < 0) return -errno;
  off_t end = lseek(fd, 0, SEEK_END);
  ssize_t n = write(fd, line.at, line.len);
  int rc = n == (ssize_t)line.len ? TL_OK : -ENOSPC;
  if (n < 0) rc = -errno;
  /* the next line must not begin behind a half one */
  if (n > 0 && rc < 0 && end >= 0) (void)!ftruncate(fd, end);
  close(fd);
  return rc;
}

/* --- read again --- */

enum { READ_BYTES = 1 << 16 };

static int open_one (int folder, const char *file, uint64_t *bytes) {
  struct stat st;
  int fd = openat(folder, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))) {
    close(fd);
    return -1;
  }
  *bytes = fd >= 0 ? (uint64_t)st.st_size : 0;
  return fd;
}

bool tl_spool_aside_open (const tl_spool *s, const char *name, tl_spool_aside *out) {
  char file[80], old[88];
  names(name, file, old);
  out->fds[0] = open_one(s->folder, old, &out->bytes[0]);
  out->fds[1] = open_one(s->folder, file, &out->bytes[1]);
  return out->fds[0] >= 0 || out->fds[1] >= 0;
}

/* The lines that the bytes have whole. How many bytes they take. */
static size_t split (tl_slice bytes, bool at_end, void (*line)(void *, tl_slice, bool), void *ctx) {
  size_t at = 0;
  for (const uint8_t *end; (end = memchr(bytes.at + at, '\n', bytes.len - at)) != NULL;) {
    size_t next = (size_t)(end - bytes.at) + 1;
    bool is_last = at_end && next == bytes.len;
    line(ctx, tl_slice_of(bytes.at + at, next - at - 1), is_last);
    at = next;
    if (at == bytes.len) break;
  }
  return at;
}

static void read_one (int fd, uint64_t bytes, bool newest, void (*line)(void *, tl_slice, bool),
                      void *ctx) {
  tl_buf buf;
  tl_buf_init(&buf);
  for (uint64_t at = 0; at < bytes;) {
    size_t wanted = bytes - at < READ_BYTES ? (size_t)(bytes - at) : READ_BYTES;
    if (tl_buf_reserve(&buf, wanted) < 0) break;
    ssize_t n = pread(fd, buf.at + buf.len, wanted, (off_t)at);
    if (n <= 0) break;
    at += (uint64_t)n;
    buf.len += (size_t)n;
    tl_buf_drop(&buf, split(tl_buf_bytes(&buf), newest && at == bytes, line, ctx));
  }
  tl_buf_fini(&buf);
}

void tl_spool_aside_close (tl_spool_aside *a) {
  for (int i = 0; i < 2; i++) {
    if (a->fds[i] >= 0) close(a->fds[i]);
    a->fds[i] = -1;
  }
}

void tl_spool_aside_read (tl_spool_aside *a, void (*line)(void *ctx, tl_slice line, bool is_last),
                          void *ctx) {
  for (int i = 0; i < 2; i++) {
    if (a->fds[i] < 0) continue;
    read_one(a->fds[i], a->bytes[i], i == 1 || a->bytes[1] == 0, line, ctx);
  }
  tl_spool_aside_close(a);
}

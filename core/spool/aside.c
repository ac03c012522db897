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

int tl_spool_put_aside (const tl_spool *s, const char *name, tl_slice line) {
  char file[80], old[88];
  struct stat st;
  snprintf(file, sizeof file, "%s.rejected", name);
  snprintf(old, sizeof old, "%s.old", file);
  if (fstatat(s->folder, file, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_size >= ASIDE_BYTES)
    renameat(s->folder, file, s->folder, old);
  int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  int fd = openat(s->folder, file, flags, 0600);
  if (fd < 0) return -errno;
  ssize_t n = write(fd, line.at, line.len);
  int rc = n == (ssize_t)line.len ? TL_OK : -ENOSPC;
  if (n < 0) rc = -errno;
  close(fd);
  return rc;
}

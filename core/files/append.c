/* core/files/append.c — appends lines to a file. Must not know what is in them. */
#include "files/append.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int tl_file_append (const char *path, unsigned mode, tl_slice bytes) {
  struct stat st;
  int flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  int fd = open(path, flags, (mode_t)mode), why = 0;
  if (fd < 0) return errno;
  if (fstat(fd, &st) != 0)
    why = errno;
  else if (!S_ISREG(st.st_mode))
    why = EINVAL;
  for (size_t at = 0; why == 0 && at < bytes.len;) {
    ssize_t n = write(fd, bytes.at + at, bytes.len - at);
    if (n > 0)
      at += (size_t)n;
    else if (n < 0 && errno != EINTR)
      why = errno;
  }
  if (close(fd) != 0 && why == 0) why = errno;
  return why;
}

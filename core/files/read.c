/* core/files/read.c — see read.h. Knows nothing of what is in the files. */
#include "files/read.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 65536 };

static int fail_errno (tl_err *err, int why) {
  int code = TL_ESTATE;
  if (why == ENOENT || why == ENOTDIR)
    code = TL_ENOENT;
  else if (why == EACCES || why == EPERM)
    code = TL_EREFUSED;
  return tl_fail(err, code, 0, "%s", strerror(why));
}

static const char *kind_of (mode_t mode) {
  if (S_ISFIFO(mode)) return "is a pipe (FIFO), not a file";
  if (S_ISDIR(mode)) return "is a folder, not a file";
  if (S_ISSOCK(mode)) return "is a socket, not a file";
  return "is a device, not a file";
}

/* O_NONBLOCK: to open a FIFO without a writer would wait for one. A socket cannot be opened at
** all, and the error would not say why. */
static int open_regular (const char *path, tl_err *err) {
  struct stat st;
  int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (fd < 0) {
    int why = errno;
    if (why == ENXIO && stat(path, &st) == 0)
      return tl_fail(err, TL_ETYPE, 0, "%s", kind_of(st.st_mode));
    return fail_errno(err, why);
  }
  int rc = fstat(fd, &st) != 0 ? fail_errno(err, errno) : TL_OK;
  if (rc == TL_OK && !S_ISREG(st.st_mode))
    rc = tl_fail(err, TL_ETYPE, 0, "%s", kind_of(st.st_mode));
  if (rc == TL_OK) return fd;
  close(fd);
  return rc;
}

/* In pieces: files of /proc have a length of 0, and others grow. */
static int read_all (int fd, tl_buf *out, size_t max, tl_err *err) {
  for (size_t from = out->len;;) {
    if (tl_buf_reserve(out, PIECE) < 0) return tl_fail(err, TL_ENOMEM, 0, "not enough memory");
    ssize_t n = read(fd, out->at + out->len, PIECE);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno(err, errno);
    if (n == 0) return TL_OK;
    out->len += (size_t)n;
    if (out->len - from > max) return tl_fail(err, TL_ETOOBIG, 0, "longer than %zu bytes", max);
  }
}

int tl_file_read (tl_buf *out, const char *path, size_t max, tl_err *err) {
  size_t from = out->len;
  int fd = open_regular(path, err);
  if (fd < 0) return fd;
  int rc = read_all(fd, out, max, err);
  if (rc < 0) out->len = from;
  if (rc == TL_ENOMEM) out->failed = false; /* what was there is whole */
  close(fd);
  return rc;
}

int tl_file_names (tl_buf *out, const char *folder, const char *ending) {
  size_t tail = strlen(ending);
  DIR *dir = opendir(folder);
  for (struct dirent *entry; dir && (entry = readdir(dir));) {
    size_t len = strlen(entry->d_name);
    if (len > tail && strcmp(entry->d_name + len - tail, ending) == 0)
      tl_buf_add(out, entry->d_name, len + 1);
  }
  if (dir) closedir(dir);
  return out->failed ? TL_ENOMEM : TL_OK;
}

int tl_file_create (const char *path, unsigned mode) {
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOCTTY | O_CLOEXEC, (mode_t)mode);
  return fd < 0 ? -errno : fd;
}

int tl_file_add (int fd, tl_slice bytes) {
  while (bytes.len > 0) {
    ssize_t n = write(fd, bytes.at, bytes.len);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n < 0 ? errno : EIO;
    bytes = tl_slice_of(bytes.at + n, bytes.len - (size_t)n);
  }
  return 0;
}

int tl_file_finish (int fd, const char *path, int why) {
  if (close(fd) != 0 && why == 0) why = errno;
  if (why != 0) unlink(path);
  return why;
}

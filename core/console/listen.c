/* core/console/listen.c — takes and gives back a place in the file system for the console's
** socket. No frames, no loop. */
#include "console/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <uv.h>

static int fail_errno (tl_err *err, const char *what, const char *path) {
  int code = uv_translate_sys_error(errno);
  return tl_fail(err, code, 0, "%s '%.150s': %s", what, path, uv_strerror(code));
}

/* Is the folder one in which nobody else can put a socket in our place? Its owner, and a link's
** to it, must be us or root, and others may write only where a sticky bit keeps them from our
** files. */
static int check_folder (const char *folder, tl_err *err) {
  struct stat st, link;
  if (lstat(folder, &link) < 0 || stat(folder, &st) < 0)
    return fail_errno(err, "socket folder", folder);
  if (!S_ISDIR(st.st_mode))
    return tl_fail(err, UV_ENOTDIR, 0, "socket folder '%.150s' is not a folder", folder);
  uid_t me = geteuid();
  if ((st.st_uid != me && st.st_uid != 0) || (link.st_uid != me && link.st_uid != 0))
    return tl_fail(err, TL_EREFUSED, 0, "socket folder '%.150s' belongs to another user", folder);
  if ((st.st_mode & 022) && !(st.st_mode & S_ISVTX))
    return tl_fail(err, TL_EREFUSED, 0, "others may write in socket folder '%.150s'", folder);
  return TL_OK;
}

/* Lock the folder while the socket is examined, so that two processes that start together do not
** both find it stale.
** Waits for at most a second, and then goes on without the lock, since anybody can lock a folder
** like /tmp. Returns a descriptor, or -1. */
static int lock_folder (const char *folder) {
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  for (int i = 0; fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && i < 100; i++)
    nanosleep(&(struct timespec){ .tv_nsec = 10 * 1000 * 1000 }, NULL);
  return fd;
}

static int make_way (const struct sockaddr_un *address, tl_err *err) {
  const char *path = address->sun_path;
  struct stat st;
  if (lstat(path, &st) < 0) return errno == ENOENT ? TL_OK : fail_errno(err, "socket", path);
  if (!S_ISSOCK(st.st_mode))
    return tl_fail(err, UV_EADDRINUSE, 0, "'%.150s' exists and is not a socket", path);
  int rc = tl_console_answers(address);
  if (rc == 1) return tl_fail(err, TL_EEXIST, 0, "a running process answers on '%.150s'", path);
  if (rc < 0 && rc != UV_ENOENT)
    return tl_fail(err, rc, 0, "socket '%.150s': %s", path, uv_strerror(rc));
  return unlink(path) < 0 && errno != ENOENT ? fail_errno(err, "remove the stale socket", path)
                                             : TL_OK;
}

/* Make the socket: bind, set its mode, listen, in this order. Nobody can connect before it listens,
** so the mode is set before anybody can connect.
** The folder must be locked until the socket listens; another process would take it for a stale
** one. */
static int bind_socket (tl_console_place *p, int *out, tl_err *err) {
  const char *path = p->address.sun_path;
  struct stat st;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return fail_errno(err, "socket", path);
  if (bind(fd, (struct sockaddr *)&p->address, sizeof p->address) < 0 || chmod(path, 0600) < 0 ||
      lstat(path, &st) < 0 || listen(fd, TL_CONSOLE_QUEUE) < 0) {
    int rc = fail_errno(err, "make the socket", path);
    close(fd);
    return rc;
  }
  p->dev = st.st_dev;
  p->ino = st.st_ino;
  *out = fd;
  return TL_OK;
}

int tl_console_claim (tl_console_place *out, const char *path, int *fd, tl_err *err) {
  char folder[sizeof out->address.sun_path] = ".";
  int rc = tl_console_address(&out->address, path, err);
  if (rc < 0) return rc;
  const char *slash = strrchr(path, '/');
  if (slash == path)
    snprintf(folder, sizeof folder, "/");
  else if (slash)
    snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
  if (mkdir(folder, 0700) < 0 && errno != EEXIST)
    return fail_errno(err, "make the socket folder", folder);
  rc = check_folder(folder, err);
  if (rc < 0) return rc;
  int lock = lock_folder(folder);
  rc = make_way(&out->address, err);
  if (rc == 0) rc = bind_socket(out, fd, err);
  if (lock >= 0) close(lock);
  return rc;
}

void tl_console_release (tl_console_place *p) {
  struct stat st;
  if (lstat(p->address.sun_path, &st) == 0 && st.st_dev == p->dev && st.st_ino == p->ino)
    unlink(p->address.sun_path);
}

/* spec/support/kill_points.c — `tagline_killed`, the program under test, which kills itself at a
** point that TAGLINE_KILL names: "spool 3 half" is in the middle of the third write to a segment.
** Points are the calls by which the program changes something outside of itself, SQLite's
** included. "before" such a call nothing is written, "behind" it all of it.
**
**   spool    a segment          cursor   an outlet's place     unlink   a segment goes
**   session  session_store's log and file                      sync     its fdatasync
**   history  the history's log and file                        stdout   the values stream
**   socket   bytes to the broker
*/
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static char point[16], how[16];
static atomic_int left = -1; /* passes until the one that is hit; negative: none is */

__attribute__((constructor)) static void read_environment (void) {
  const char *text = getenv("TAGLINE_KILL");
  int n;
  if (text && sscanf(text, "%15s %d %15s", point, &n, how) == 3) left = n;
}

static _Noreturn void end (void) {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

static bool ends_with (const char *text, const char *end) {
  size_t n = strlen(text), m = strlen(end);
  return n >= m && strcmp(text + n - m, end) == 0;
}

/* Which point a write to this descriptor is; "" none. */
static const char *name_of (int fd) {
  char link[32], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, sizeof path - 1);
  if (n < 0) return "";
  path[n] = '\0';
  if (strncmp(path, "socket:", 7) == 0) {
    struct sockaddr_storage peer;
    socklen_t len = sizeof peer;
    if (getpeername(fd, (struct sockaddr *)&peer, &len) != 0) return "";
    return peer.ss_family == AF_INET ? "socket" : "stdout"; /* a pipe of the spec */
  }
  if (ends_with(path, ".spool")) return "spool";
  if (ends_with(path, ".cursor")) return "cursor";
  if (strstr(path, ".sqlite")) return "session";
  return strstr(path, ".db") && !ends_with(path, ".lock") ? "history" : "";
}

/* Is this the one? Then it ends here, unless it is to end in the middle or behind it. */
static bool is_hit (const char *name) {
  if (left < 0 || strcmp(name, point) != 0 || atomic_fetch_sub(&left, 1) != 1) return false;
  if (strcmp(how, "before") == 0) end();
  return true;
}

static size_t part_of (size_t n) { return strcmp(how, "half") == 0 ? n / 2 : n; }

#define REAL(type, name) ((type)dlsym(RTLD_NEXT, name))

typedef ssize_t write_at (int, const void *, size_t, off_t);

static ssize_t write_to (int fd, const void *bytes, size_t n, off_t at) {
  static write_at *real;
  if (!real) real = REAL(write_at *, "pwrite");
  bool hit = left >= 0 && is_hit(name_of(fd));
  ssize_t done = real(fd, bytes, hit ? part_of(n) : n, at);
  if (hit) end();
  return done;
}

ssize_t pwrite (int fd, const void *bytes, size_t n, off_t at) {
  return write_to(fd, bytes, n, at);
}
ssize_t pwrite64 (int fd, const void *bytes, size_t n, off64_t at) {
  return write_to(fd, bytes, n, at);
}

ssize_t write (int fd, const void *bytes, size_t n) {
  static ssize_t (*real)(int, const void *, size_t);
  if (!real) real = REAL(ssize_t(*)(int, const void *, size_t), "write");
  bool hit = left >= 0 && is_hit(name_of(fd));
  ssize_t done = real(fd, bytes, hit ? part_of(n) : n);
  if (hit) end();
  return done;
}

ssize_t send (int fd, const void *bytes, size_t n, int flags) {
  static ssize_t (*real)(int, const void *, size_t, int);
  if (!real) real = REAL(ssize_t(*)(int, const void *, size_t, int), "send");
  bool hit = left >= 0 && is_hit(name_of(fd));
  ssize_t done = real(fd, bytes, hit ? part_of(n) : n, flags);
  if (hit) end();
  return done;
}

ssize_t writev (int fd, const struct iovec *parts, int count) {
  static ssize_t (*real)(int, const struct iovec *, int);
  if (!real) real = REAL(ssize_t(*)(int, const struct iovec *, int), "writev");
  bool hit = left >= 0 && is_hit(name_of(fd));
  ssize_t done = real(fd, parts, count);
  if (hit) end();
  return done;
}

int unlinkat (int folder, const char *path, int flags) {
  static int (*real)(int, const char *, int);
  if (!real) real = REAL(int (*)(int, const char *, int), "unlinkat");
  bool hit = left >= 0 && ends_with(path, ".spool") && is_hit("unlink");
  int rc = real(folder, path, flags);
  if (hit) end();
  return rc;
}

int fdatasync (int fd) {
  static int (*real)(int);
  if (!real) real = REAL(int (*)(int), "fdatasync");
  bool hit = left >= 0 && strcmp(name_of(fd), "session") == 0 && is_hit("sync");
  int rc = real(fd);
  if (hit) end();
  return rc;
}

/* core/console/client.c — the blocking side of the console socket. Knows frames, not what they
** mean. */
#include "console/client.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <uv.h>

#include "base/clock.h"
#include "console/address.h"
#include "console/server.h"

/* for a descriptor that somebody made non-blocking, and behind a limit of its own */
enum { PATIENCE_MS = 10000 };

const char *tl_console_services = "/run/tagline";

int tl_console_folder (tl_buf *out) {
  const char *service = getenv("RUNTIME_DIRECTORY"), *run = getenv("XDG_RUNTIME_DIR");
  if (service && service[0] == '/') /* there may be several, with colons between them */
    tl_buf_add(out, service, strcspn(service, ":"));
  else if (run && run[0] == '/') /* a relative one is to be ignored, says its specification */
    tl_buf_fmt(out, "%s/tagline", run);
  else
    tl_buf_fmt(out, "/tmp/tagline-%lu", (unsigned long)geteuid());
  return out->failed ? TL_ENOMEM : TL_OK;
}

int tl_console_path (tl_buf *out, const char *config) {
  const char *slash = strrchr(config, '/');
  const char *name = slash ? slash + 1 : config;
  size_t len = strlen(name);
  if (len > 4 && strcmp(name + len - 4, ".lua") == 0) len -= 4;
  tl_console_folder(out);
  tl_buf_byte(out, '/');
  tl_buf_add(out, name, len);
  tl_buf_str(out, ".sock");
  return out->failed ? TL_ENOMEM : TL_OK;
}

static int is_socket_name (const struct dirent *entry) {
  size_t len = strlen(entry->d_name);
  return len > 5 && strcmp(entry->d_name + len - 5, ".sock") == 0;
}

static int is_folder_name (const struct dirent *entry) { return entry->d_name[0] != '.'; }

enum { MINE, ROOTS, ANYBODYS };

/* May sockets in `folder` be trusted? The folder must belong to the expected user, and no other
** user may write to it. 1: yes; 0: there is no such folder; negative: no, and *err says why. */
static int check_folder (const char *folder, int whose, tl_err *err) {
  struct stat st;
  if (stat(folder, &st) != 0) return errno == ENOENT ? 0 : uv_translate_sys_error(errno);
  uid_t owner = whose == ROOTS ? 0 : geteuid();
  if (!S_ISDIR(st.st_mode) || (whose != ANYBODYS && st.st_uid != owner))
    return tl_fail(err, TL_EREFUSED, 0,
                   "'%.120s' belongs to another user (uid %u): name the socket with --socket",
                   folder, (unsigned)st.st_uid);
  if (st.st_mode & 022)
    return tl_fail(err, TL_EREFUSED, 0,
                   "others may write in '%.120s': name the socket with --socket", folder);
  return 1;
}

/* The sockets in one folder. Their number, or negative. */
static int add_running (tl_buf *out, const char *folder, int whose, tl_err *err) {
  struct dirent **list = NULL;
  int found = 0, rc = check_folder(folder, whose, err);
  if (rc <= 0) return rc;
  int n = scandir(folder, &list, is_socket_name, alphasort);
  for (int i = 0; i < n; i++) {
    struct sockaddr_un address;
    char path[sizeof address.sun_path + 1];
    int len = snprintf(path, sizeof path, "%s/%s", folder, list[i]->d_name);
    free(list[i]);
    if ((size_t)len >= sizeof path) continue;
    if (tl_console_address(&address, path, NULL) < 0 || tl_console_answers(&address) != 1) continue;
    tl_buf_str(out, path);
    tl_buf_byte(out, '\n');
    found++;
  }
  free(list);
  return n < 0 ? uv_translate_sys_error(errno) : found;
}

/* /run/tagline is root's, so who owns a folder in it was given it by root. */
static int add_services (tl_buf *out, tl_err *err) {
  struct dirent **list = NULL;
  int found = add_running(out, tl_console_services, ROOTS, err);
  if (found < 0 || check_folder(tl_console_services, ROOTS, err) <= 0) return found;
  int n = scandir(tl_console_services, &list, is_folder_name, alphasort);
  for (int i = 0; i < n; i++) {
    char folder[300];
    struct stat st;
    int len = snprintf(folder, sizeof folder, "%s/%s", tl_console_services, list[i]->d_name);
    free(list[i]);
    if ((size_t)len >= sizeof folder) continue;
    if (stat(folder, &st) != 0 || !S_ISDIR(st.st_mode)) continue;
    int more = add_running(out, folder, ANYBODYS, err);
    if (more > 0) found += more;
  }
  free(list);
  return found;
}

int tl_console_running (tl_buf *out, tl_err *err) {
  tl_buf folder;
  tl_buf_init(&folder);
  int found = tl_console_folder(&folder);
  tl_buf_byte(&folder, 0);
  if (!folder.failed) found = add_running(out, (const char *)folder.at, MINE, err);
  tl_buf_fini(&folder);
  int services = geteuid() == 0 ? add_services(out, err) : 0;
  if (out->failed) return TL_ENOMEM;
  if (services > 0) return found > 0 ? found + services : services;
  return found;
}

/* Does this user own the folder of the socket? Only then may a process of this user answer on a
** socket that was not named by --socket. */
static bool owns_folder (const char *path, uint32_t uid) {
  char folder[sizeof((struct sockaddr_un *)NULL)->sun_path] = ".";
  struct stat st;
  const char *slash = strrchr(path, '/');
  if (slash) snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
  return stat(folder[0] != '\0' ? folder : "/", &st) == 0 && st.st_uid == uid;
}

static bool may_be_asked (int fd, const char *path, bool named, uint32_t *uid) {
  *uid = 0;
  bool known = tl_console_peer(fd, uid);
  if (known && (*uid == geteuid() || *uid == 0)) return true;
  if (geteuid() != 0) return false;
  return named || (known && owns_folder(path, *uid));
}

/* As connect(2) with patience. A signal that comes meanwhile (the program was stopped and goes on)
** leaves the rest of it. */
static int connect_within (int fd, const struct sockaddr_un *address, int patience_ms) {
  int64_t now = tl_clock_mono_ms(), end = now + patience_ms;
  int rc = -1;
  errno = EINTR;
  for (; rc < 0 && errno == EINTR && now < end; now = tl_clock_mono_ms()) {
    struct timeval limit = { (end - now) / 1000, (end - now) % 1000 * 1000 };
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    rc = connect(fd, (const struct sockaddr *)address, sizeof *address);
  }
  if (rc < 0 && errno == EINTR) errno = EAGAIN;
  return rc;
}

int tl_console_connect (const char *path, bool named, int patience_ms, tl_err *err) {
  struct sockaddr_un address;
  struct timeval limit = { patience_ms / 1000, patience_ms % 1000 * 1000 };
  uint32_t uid;
  int rc = tl_console_address(&address, path, err);
  if (rc < 0) return rc;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return tl_fail(err, uv_translate_sys_error(errno), 0, "connect to '%.150s': %s", path,
                   strerror(errno));
  rc = connect_within(fd, &address, patience_ms);
  int why = errno;
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  if (rc < 0) {
    int code = uv_translate_sys_error(why);
    close(fd);
    if (code == UV_ECONNREFUSED)
      return tl_fail(err, code, 0, "no running process answers on '%.150s'", path);
    if (code == UV_EAGAIN) /* others wait to be let in, too */
      return tl_fail(err, UV_ETIMEDOUT, 0,
                     "the process behind '%.120s' accepts no connection: it is "
                     "stopped, or blocked",
                     path);
    return tl_fail(err, code, 0, "connect to '%.150s': %s", path, uv_strerror(code));
  }
  if (!may_be_asked(fd, path, named, &uid)) {
    close(fd);
    return tl_fail(err, TL_EREFUSED, 0, "'%.120s' belongs to a process of another user (uid %u)%s",
                   path, (unsigned)uid, geteuid() == 0 ? ": name it with --socket" : "");
  }
  return fd;
}

static int put_all (int fd, const uint8_t *at, size_t n) {
  while (n > 0) {
    ssize_t rc = send(fd, at, n, MSG_NOSIGNAL);
    if (rc < 0 && errno == EAGAIN) { /* a descriptor that somebody made non-blocking */
      struct pollfd p = { .fd = fd, .events = POLLOUT };
      if (poll(&p, 1, PATIENCE_MS) == 0) return UV_ETIMEDOUT;
      continue;
    }
    if (rc < 0 && errno == EINTR) continue;
    if (rc < 0) return uv_translate_sys_error(errno);
    at += rc;
    n -= (size_t)rc;
  }
  return TL_OK;
}

int tl_console_put (int fd, char type, tl_slice body) {
  if (body.len > TL_CONSOLE_FRAME) return TL_ETOOBIG;
  uint8_t head[5] = { (uint8_t)type, (uint8_t)(body.len >> 24), (uint8_t)(body.len >> 16),
                      (uint8_t)(body.len >> 8), (uint8_t)body.len };
  int rc = put_all(fd, head, sizeof head);
  return rc < 0 ? rc : put_all(fd, body.at, body.len);
}

/* 1: all n bytes are there; 0: the end came before the first; negative: an error, or the end
** came later. */
static int get_all (int fd, uint8_t *at, size_t n) {
  for (size_t have = 0; have < n;) {
    ssize_t rc = recv(fd, at + have, n - have, 0);
    if (rc < 0 && errno == EAGAIN) {
      struct pollfd p = { .fd = fd, .events = POLLIN };
      if (poll(&p, 1, PATIENCE_MS) == 0) return UV_ETIMEDOUT;
      continue;
    }
    if (rc < 0 && errno == EINTR) continue;
    if (rc < 0 && errno != ECONNRESET) return uv_translate_sys_error(errno);
    if (rc <= 0) return have == 0 ? 0 : UV_EOF;
    have += (size_t)rc;
  }
  return 1;
}

int tl_console_get (int fd, char *type, tl_buf *body) {
  uint8_t head[5];
  tl_buf_clear(body);
  int rc = get_all(fd, head, sizeof head);
  if (rc <= 0) return rc;
  size_t len = (size_t)head[1] << 24 | (size_t)head[2] << 16 | (size_t)head[3] << 8 | head[4];
  if (tl_buf_reserve(body, len) < 0) return TL_ENOMEM;
  if (len > 0 && (rc = get_all(fd, body->at, len)) <= 0) return rc < 0 ? rc : UV_EOF;
  body->len = len;
  *type = (char)head[0];
  return 1;
}

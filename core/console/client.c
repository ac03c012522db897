/* core/console/client.c — the blocking side of the console socket. Knows frames, not what they
** mean. */
#include "console/client.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <uv.h>

#include "console/address.h"
#include "console/server.h"

int tl_console_folder (tl_buf *out) {
  const char *run = getenv("XDG_RUNTIME_DIR");
  if (run && run[0] == '/') /* a relative one is to be ignored, says its specification */
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

int tl_console_running (tl_buf *out) {
  tl_buf path;
  struct dirent **list = NULL;
  int n = 0, found = 0, rc = TL_ENOMEM;
  tl_buf_init(&path);
  if (tl_console_folder(&path) < 0) goto out;
  tl_buf_byte(&path, 0);
  if (path.failed) goto out;
  n = scandir((const char *)path.at, &list, is_socket_name, alphasort);
  if (n < 0) {
    rc = errno == ENOENT ? 0 : uv_translate_sys_error(errno);
    goto out;
  }
  size_t folder = path.len - 1;
  for (int i = 0; i < n; i++) {
    struct sockaddr_un address;
    path.len = folder;
    tl_buf_fmt(&path, "/%s", list[i]->d_name);
    tl_buf_byte(&path, 0);
    if (path.failed) goto out;
    if (tl_console_address(&address, (const char *)path.at, NULL) < 0 ||
        tl_console_answers(&address) != 1)
      continue;
    tl_buf_add(out, path.at, path.len - 1);
    tl_buf_byte(out, '\n');
    found++;
  }
  rc = out->failed ? TL_ENOMEM : found;
out:
  for (int i = 0; i < n; i++) free(list[i]);
  free(list);
  tl_buf_fini(&path);
  return rc;
}

int tl_console_connect (const char *path, tl_err *err) {
  struct sockaddr_un address;
  uint32_t uid = 0;
  int rc = tl_console_address(&address, path, err);
  if (rc < 0) return rc;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return tl_fail(err, uv_translate_sys_error(errno), 0, "connect to '%.150s': %s", path,
                   strerror(errno));
  if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
    int code = uv_translate_sys_error(errno);
    close(fd);
    if (code == UV_ECONNREFUSED)
      return tl_fail(err, code, 0, "no running process answers on '%.150s'", path);
    return tl_fail(err, code, 0, "connect to '%.150s': %s", path, uv_strerror(code));
  }
  if (!tl_console_trusts(fd, &uid) && geteuid() != 0) {
    close(fd);
    return tl_fail(err, TL_EREFUSED, 0, "'%.120s' belongs to a process of another user (uid %u)",
                   path, (unsigned)uid);
  }
  return fd;
}

static int put_all (int fd, const uint8_t *at, size_t n) {
  while (n > 0) {
    ssize_t rc = send(fd, at, n, MSG_NOSIGNAL);
    if (rc < 0 && errno == EAGAIN) { /* a descriptor that somebody made non-blocking */
      struct pollfd p = { .fd = fd, .events = POLLOUT };
      poll(&p, 1, -1);
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
      poll(&p, 1, -1);
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

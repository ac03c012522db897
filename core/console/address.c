/* core/console/address.c — socket paths, for both sides of the console. */
#include "console/address.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <uv.h>

int tl_console_address (struct sockaddr_un *out, const char *path, tl_err *err) {
  size_t len = strlen(path);
  memset(out, 0, sizeof *out);
  out->sun_family = AF_UNIX;
  if (len >= sizeof out->sun_path)
    return tl_fail(
        err, TL_ETOOBIG, 0,
        "a socket's path has at most %zu bytes, '%.80s…' has %zu; choose another with --socket",
        sizeof out->sun_path - 1, path, len);
  memcpy(out->sun_path, path, len);
  return TL_OK;
}

int tl_console_answers (const struct sockaddr_un *address) {
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return uv_translate_sys_error(errno);
  int rc = connect(fd, (const struct sockaddr *)address, sizeof *address) < 0 ? errno : 0;
  close(fd);
  /* EAGAIN: it lives, its queue is full */
  if (rc == 0 || rc == EAGAIN || rc == EINPROGRESS) return 1;
  return rc == ECONNREFUSED ? 0 : uv_translate_sys_error(rc);
}

bool tl_console_peer (int fd, uint32_t *uid) {
  struct ucred peer;
  socklen_t len = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0) return false;
  *uid = peer.uid;
  return true;
}

bool tl_console_trusts (int fd, uint32_t *uid) {
  return tl_console_peer(fd, uid) && (*uid == geteuid() || *uid == 0);
}

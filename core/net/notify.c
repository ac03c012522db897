/* core/net/notify.c — see notify.h. Must not know what the messages mean. */
#include "net/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct tl_notify {
  int fd;
  struct sockaddr_un address;
  socklen_t len;
};

static bool read_address (tl_notify *n, const char *text) {
  size_t len = strlen(text);
  if ((text[0] != '/' && text[0] != '@') || len < 2 || len >= sizeof n->address.sun_path)
    return false;
  n->address.sun_family = AF_UNIX;
  memcpy(n->address.sun_path, text, len);
  n->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
  if (text[0] == '@')
    n->address.sun_path[0] = '\0'; /* abstract: the name is as long as it says, without an end */
  else
    n->len++;
  return true;
}

tl_notify *tl_notify_open (void) {
  const char *text = getenv("NOTIFY_SOCKET");
  tl_notify *n = text ? calloc(1, sizeof *n) : NULL;
  if (!n) return NULL;
  n->fd = -1;
  if (read_address(n, text)) n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  unsetenv("NOTIFY_SOCKET");
  if (n->fd >= 0) return n;
  free(n);
  return NULL;
}

void tl_notify_close (tl_notify *n) {
  if (!n) return;
  close(n->fd);
  free(n);
}

void tl_notify_send (tl_notify *n, const char *text) {
  if (!n) return;
  ssize_t rc;
  do {
    rc = sendto(n->fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL,
                (const struct sockaddr *)&n->address, n->len);
  } while (rc < 0 && errno == EINTR);
}

int64_t tl_notify_watchdog_ms (void) {
  const char *text = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
  if (!text || (pid && strtol(pid, NULL, 10) != (long)getpid())) return 0;
  long long us = strtoll(text, NULL, 10);
  if (us <= 0) return 0;
  return us < 2000 ? 1 : us / 2000;
}

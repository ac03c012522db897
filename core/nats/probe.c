/* core/nats/probe.c — why a server cannot be reached: libnats says only that none can. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nats/session.h"

enum { ATTEMPT_MS = 2000, NAME = 256 };

/* 0, or an errno. */
static int try_address (const struct addrinfo *a) {
  int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), code = 0;
  socklen_t size = sizeof code;
  if (fd < 0) return errno;
  if (connect(fd, a->ai_addr, a->ai_addrlen) < 0) {
    struct pollfd p = { .fd = fd, .events = POLLOUT };
    code = errno;
    if (code == EINPROGRESS) {
      code = poll(&p, 1, ATTEMPT_MS) > 0 ? 0 : ETIMEDOUT;
      if (code == 0) getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size);
    }
  }
  close(fd);
  return code;
}

static const char *reason_of (const char *host, const char *port) {
  struct addrinfo *list, hints = { .ai_socktype = SOCK_STREAM };
  int rc = getaddrinfo(host, port, &hints, &list);
  if (rc != 0) return rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc);
  int code = ENOENT;
  for (const struct addrinfo *a = list; a && code != 0; a = a->ai_next) code = try_address(a);
  freeaddrinfo(list);
  if (code == ECONNREFUSED) return "connection refused";
  return code == 0 ? "it takes a connection, but does not speak NATS: it stands still, or is "
                     "another service"
                   : strerror(code);
}

/* Host and port of "tls://HOST:PORT", "[::1]:4222", "HOST". */
static void split (const char *server, size_t len, char *host, char *port) {
  const char *at = memmem(server, len, "://", 3);
  size_t skip = at ? (size_t)(at + 3 - server) : 0;
  server += skip;
  len -= skip;
  const char *end = server + len, *colon = memrchr(server, ':', len);
  if (colon && memchr(colon, ']', (size_t)(end - colon))) colon = NULL;
  const char *stop = colon ? colon : end;
  if (stop - server > 2 && *server == '[' && stop[-1] == ']') {
    server++;
    stop--;
  }
  snprintf(host, NAME, "%.*s", (int)(stop - server), server);
  snprintf(port, NAME, "%.*s", colon ? (int)(end - colon - 1) : 4, colon ? colon + 1 : "4222");
}

void tl_nats_probe (const char *servers, char *out, size_t size) {
  size_t used = 0;
  out[0] = '\0';
  for (const char *at = servers; *at != '\0' && used + 1 < size;) {
    char host[NAME], port[NAME];
    at += strspn(at, " ,;");
    size_t len = strcspn(at, " ,;");
    if (len == 0) break;
    split(at, len, host, port);
    int n = snprintf(out + used, size - used, "%s%.*s: %s", used > 0 ? "; " : "", (int)len, at,
                     reason_of(host, port));
    used += n > 0 ? (size_t)n : 0;
    at += len;
  }
}

/* core/net/listen.c — see listen.h. Knows nothing of what its connections are for. */
#include "net/listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/poll.h"
#include "net/uv.h"

enum { A_WAKE_UP = 16, REST_MS = 100 };

struct tl_listener {
  tl_loop *loop;
  tl_poll *poll;
  tl_timer *rest; /* no descriptors are left: for a while nothing is accepted */
  int fd;
  void (*accepted)(void *ctx, int fd, const char *peer);
  void *ctx;
  bool closed;  /* inside `accepted` */
  bool calling; /* on_ready is under way */
};

/* --- making --- */

static int parse (const char *where, struct sockaddr_storage *sa, socklen_t *len) {
  char host[64];
  const char *colon = strrchr(where, ':'), *end = colon;
  bool brackets = where[0] == '[';
  if (!colon || (brackets && (colon == where || colon[-1] != ']'))) return TL_ESYNTAX;
  if (brackets) {
    where++;
    end--;
  }
  char *stop;
  unsigned long port = strtoul(colon + 1, &stop, 10);
  if (colon[1] < '0' || colon[1] > '9' || *stop != '\0' || port > 65535) return TL_ESYNTAX;
  if ((size_t)(end - where) >= sizeof host) return TL_ESYNTAX;
  snprintf(host, sizeof host, "%.*s", (int)(end - where), where);
  memset(sa, 0, sizeof *sa);
  if (brackets) {
    *len = sizeof(struct sockaddr_in6);
    return uv_ip6_addr(host, (int)port, (struct sockaddr_in6 *)sa) < 0 ? TL_ESYNTAX : TL_OK;
  }
  *len = sizeof(struct sockaddr_in);
  return uv_ip4_addr(host, (int)port, (struct sockaddr_in *)sa) < 0 ? TL_ESYNTAX : TL_OK;
}

static int fail_errno (int fd, const char *where, tl_err *err) {
  int code = uv_translate_sys_error(errno);
  if (fd >= 0) close(fd);
  if (code == UV_EADDRINUSE)
    return tl_fail(err, TL_EEXIST, 0, "listen on %s: the port is in use by another process", where);
  return tl_fail(err, code, 0, "listen on %s: %s", where, uv_strerror(code));
}

int tl_listen_tcp (const char *where, int *out, char bound[TL_LISTEN_ADDRESS], tl_err *err) {
  struct sockaddr_storage sa;
  socklen_t len;
  int one = 1;
  if (parse(where, &sa, &len) < 0)
    return tl_fail(err, TL_ESYNTAX, 0, "listen on %s: expected ADDRESS:PORT", where);
  int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return fail_errno(fd, where, err);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (sa.ss_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
  if (bind(fd, (struct sockaddr *)&sa, len) < 0 || listen(fd, TL_LISTEN_BACKLOG) < 0 ||
      getsockname(fd, (struct sockaddr *)&sa, &len) < 0)
    return fail_errno(fd, where, err);
  tl_net_peer_text(bound, (const struct sockaddr *)&sa);
  *out = fd;
  return TL_OK;
}

/* --- accepting --- */

static void on_rested (void *ctx) {
  tl_listener *l = ctx;
  tl_poll_for(l->poll, TL_POLL_READ);
}

/* Descriptors or memory are missing: the next connections wait in the kernel. */
static void rest (tl_listener *l) {
  tl_poll_for(l->poll, 0);
  tl_timer_at(l->rest, tl_loop_now(l->loop) + REST_MS);
}

static void take (tl_listener *l, int fd, const struct sockaddr *sa) {
  char peer[TL_NET_PEER] = "";
  int one = 1;
  if (sa->sa_family != AF_UNIX) {
    tl_net_peer_text(peer, sa);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  }
  l->accepted(l->ctx, fd, peer);
}

static void on_ready (void *ctx, int events) {
  tl_listener *l = ctx;
  (void)events;
  tl_poll_for(l->poll, TL_POLL_READ);
  l->calling = true;
  for (int i = 0; i < A_WAKE_UP && !l->closed; i++) {
    struct sockaddr_storage sa = { .ss_family = AF_UNIX };
    socklen_t len = sizeof sa;
    int fd = accept4(l->fd, (struct sockaddr *)&sa, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
      take(l, fd, (const struct sockaddr *)&sa);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      rest(l);
      break;
    } else if (errno != ECONNABORTED && errno != EINTR) {
      break;
    }
  }
  l->calling = false;
  if (l->closed) free(l);
}

int tl_listener_new (tl_listener **out, tl_loop *loop, int fd,
                     void (*accepted)(void *ctx, int fd, const char *peer), void *ctx) {
  tl_listener *l = calloc(1, sizeof *l);
  int rc = l ? TL_OK : TL_ENOMEM;
  if (rc == TL_OK) {
    *l = (tl_listener){ .loop = loop, .fd = fd, .accepted = accepted, .ctx = ctx };
    rc = tl_poll_new(&l->poll, loop, fd, on_ready, l);
  }
  if (rc == TL_OK) rc = tl_timer_new(&l->rest, loop, on_rested, l);
  if (rc < 0) {
    if (l) tl_poll_close(l->poll);
    free(l);
    close(fd);
    return rc;
  }
  tl_poll_for(l->poll, TL_POLL_READ);
  *out = l;
  return TL_OK;
}

void tl_listener_close (tl_listener *l) {
  if (!l || l->closed) return;
  l->closed = true;
  tl_poll_close(l->poll);
  tl_timer_close(l->rest);
  close(l->fd);
  if (!l->calling) free(l);
}

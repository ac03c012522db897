/* spec/net/net_support.h — a loop, a deadline and plain loopback sockets for the specs of net/
** and console/. No sleeping: a spec runs the loop until what it waits for is there, and fails
** at the deadline. */
#ifndef TL_SPEC_NET_SUPPORT_H
#define TL_SPEC_NET_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/uv.h"

enum { DEADLINE_MS = 90000 }; /* only reached by what fails */

static tl_loop *loop;

/* Wake-ups until the condition holds; between them the spec may look at plain sockets, so none
** lasts longer than 5 ms. */
#define RUN_UNTIL(condition)                                                         \
  do {                                                                               \
    int64_t end_ = tl_clock_mono_ms() + DEADLINE_MS;                                 \
    while (!(condition)) {                                                           \
      if (tl_clock_mono_ms() > end_) fail_msg("waited in vain for: %s", #condition); \
      turn();                                                                        \
    }                                                                                \
  } while (0)

static void on_turn_timer (uv_timer_t *timer) { (void)timer; }

static inline void turn (void) {
  static uv_timer_t timer;
  uv_timer_init(tl_loop_uv(loop), &timer);
  uv_timer_start(&timer, on_turn_timer, 5, 5); /* repeating: it may come before the loop waits */
  uv_run(tl_loop_uv(loop), UV_RUN_ONCE);
  uv_close((uv_handle_t *)&timer, NULL);
  uv_run(tl_loop_uv(loop), UV_RUN_NOWAIT);
}

static inline int loop_setup (void **state) {
  (void)state;
  signal(SIGPIPE, SIG_IGN);
  return tl_loop_new(&loop);
}

static inline int loop_teardown (void **state) { /* asserts that every handle was closed */
  (void)state;
  tl_loop_free(loop);
  loop = NULL;
  return 0;
}

/* A listening socket on a free port of 127.0.0.1 or ::1; -1 when the family is not there. */
static inline int listen_on (int family, int backlog, uint16_t *port) {
  struct sockaddr_in in4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
  struct sockaddr *sa = family == AF_INET ? (struct sockaddr *)&in4 : (struct sockaddr *)&in6;
  socklen_t len = family == AF_INET ? sizeof in4 : sizeof in6;
  int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  if (bind(fd, sa, len) < 0 || listen(fd, backlog) < 0) {
    close(fd);
    return -1;
  }
  getsockname(fd, sa, &len);
  *port = ntohs(family == AF_INET ? in4.sin_port : in6.sin6_port);
  return fd;
}

/* A port on 127.0.0.1 where nobody listens. */
static inline uint16_t closed_port (void) {
  uint16_t port = 0;
  int fd = listen_on(AF_INET, 1, &port);
  assert_true(fd >= 0);
  close(fd);
  return port;
}

/* Our end of a connection to 127.0.0.1: the one descriptor whose peer has this port. */
static inline int our_end_to (uint16_t port) {
  int found = -1;
  for (int fd = 3; fd < 64; fd++) {
    struct sockaddr_in sa;
    socklen_t len = sizeof sa;
    if (getpeername(fd, (struct sockaddr *)&sa, &len) < 0 || sa.sin_family != AF_INET ||
        ntohs(sa.sin_port) != port)
      continue;
    assert_int_equal(found, -1);
    found = fd;
  }
  assert_true(found >= 0);
  return found;
}

/* Is there something to read (or the end) on fd, now? */
static inline bool readable (int fd) {
  struct pollfd p = { .fd = fd, .events = POLLIN };
  return poll(&p, 1, 0) == 1;
}

static inline void set_nonblocking (int fd) { fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); }

#endif

/* spec/nats/probe_test.c — why a server cannot be reached, for each server of a list. */
#include "net/net_support.h"
#include "support/torture.h"

#include <netdb.h>

#include "nats/session.h"

FAILING(socket, int, (errno = EMFILE, -1), (int family, int type, int protocol),
        (family, type, protocol))
FAILING(poll, int, 0, (struct pollfd * list, nfds_t n, int ms), (list, n, ms))
WRAPPED(connect, int __wrap_connect(int fd, const struct sockaddr *sa, socklen_t len);)
WRAPPED(getaddrinfo, int __wrap_getaddrinfo(const char *host, const char *port,
                                            const struct addrinfo *hints, struct addrinfo **out);)

static char asked[200];           /* host and port of the last question */
static int resolving, connecting; /* how each fails; 0: as the system has it */

int __real_connect (int fd, const struct sockaddr *sa, socklen_t len);
int __wrap_connect (int fd, const struct sockaddr *sa, socklen_t len) {
  if (connecting == 0) return __real_connect(fd, sa, len);
  errno = connecting;
  return -1;
}

int __real_getaddrinfo (const char *host, const char *port, const struct addrinfo *hints,
                        struct addrinfo **out);
int __wrap_getaddrinfo (const char *host, const char *port, const struct addrinfo *hints,
                        struct addrinfo **out) {
  snprintf(asked, sizeof asked, "%s %s", host, port);
  errno = EMFILE;
  return resolving != 0 ? resolving : __real_getaddrinfo("127.0.0.1", port, hints, out);
}

static const char *probe (const char *servers) {
  static char out[200];
  tl_nats_probe(servers, out, sizeof out);
  return out;
}

static void host_and_port_are_split_as_they_are_written (void **state) {
  (void)state;
  static const char *const cases[][2] = {
    { "h", "h 4222" },       { "h:5", "h 5" },       { "nats://h:5", "h 5" },
    { "tls://h", "h 4222" }, { "[::1]:5", "::1 5" }, { "[::1]", "::1 4222" },
    { " , ;[x", "[x 4222" }, { "[]", "[] 4222" },
  };
  resolving = EAI_NONAME;
  for (size_t i = 0; i < COUNT(cases); i++) {
    probe(cases[i][0]);
    assert_string_equal(asked, cases[i][1]);
  }
  resolving = 0;
}

static void each_server_has_its_reason (void **state) {
  uint16_t port = 0;
  char servers[200], wanted[400];
  (void)state;
  int fd = listen_on(AF_INET, 1, &port);
  uint16_t nobody = closed_port();
  snprintf(servers, sizeof servers, "tls://a:%u, b:%u ", nobody, port);
  snprintf(wanted, sizeof wanted,
           "tls://a:%u: connection refused; b:%u: it takes a connection, but does not speak NATS: "
           "it stands still, or is another service",
           nobody, port);
  assert_string_equal(probe(servers), wanted);
  assert_string_equal(probe(""), "");
  close(fd);
  resolving = EAI_NONAME;
  assert_string_equal(probe("h"), "h: Name or service not known");
  resolving = EAI_SYSTEM;
  assert_string_equal(probe("h"), "h: Too many open files");
  resolving = 0;
  connecting = ENETUNREACH;
  assert_string_equal(probe("h"), "h: Network is unreachable");
  connecting = 0;
  memory_fails(0, false);
  assert_string_equal(probe("h"), "h: Too many open files");
  connecting = EINPROGRESS;
  memory_fails(1, false);
  assert_string_equal(probe("h"), "h: Connection timed out");
  memory_heals();
  connecting = 0;
}

static void a_long_list_is_cut (void **state) {
  char out[20];
  (void)state;
  resolving = EAI_NONAME;
  tl_nats_probe("first,second,third", out, sizeof out);
  assert_string_equal(out, "first: Name or serv");
  resolving = 0;
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(host_and_port_are_split_as_they_are_written),
    cmocka_unit_test(each_server_has_its_reason),
    cmocka_unit_test(a_long_list_is_cut),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

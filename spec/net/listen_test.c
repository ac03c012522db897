/* spec/net/listen_test.c — addresses to listen on, and what is accepted there. */
#include "net/net_support.h"
#include "support/torture.h"

#include <netinet/tcp.h>
#include <sys/un.h>

#include "net/listen.h"

static int why; /* errno of an accept that fails */
FAILING(accept4, int, (errno = why, -1), (int fd, struct sockaddr *sa, socklen_t *len, int flags),
        (fd, sa, len, flags))

static tl_listener *listener;
static int accepted[64], n_accepted;
static char last_peer[80], bound[TL_LISTEN_ADDRESS];
static bool close_inside;

static void on_accepted (void *ctx, int fd, const char *peer) {
  assert_ptr_equal(ctx, &listener);
  assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
  accepted[n_accepted++] = fd;
  snprintf(last_peer, sizeof last_peer, "%s", peer);
  if (close_inside) tl_listener_close(listener);
}

static void begin (const char *where) {
  tl_err err = { .text = "" };
  int fd;
  n_accepted = 0;
  close_inside = false;
  if (tl_listen_tcp(where, &fd, bound, &err) != TL_OK) fail_msg("%s", err.text);
  assert_int_equal(tl_listener_new(&listener, loop, fd, on_accepted, &listener), TL_OK);
}
static void finish (void) {
  for (int i = 0; i < n_accepted; i++) close(accepted[i]);
  tl_listener_close(listener);
  tl_loop_run(loop); /* returns: nothing is left */
}

/* A client of what `bound` says. */
static int connect_to (int family) {
  struct sockaddr_storage sa;
  int port = atoi(strrchr(bound, ':') + 1), fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (family == AF_INET)
    uv_ip4_addr("127.0.0.1", port, (struct sockaddr_in *)&sa);
  else
    uv_ip6_addr("::1", port, (struct sockaddr_in6 *)&sa);
  socklen_t len = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
  if (connect(fd, (struct sockaddr *)&sa, len) < 0) fail_msg("%s: %s", bound, strerror(errno));
  return fd;
}

static void what_is_no_address_is_said (void **state) {
  static const char *const wrong[] = {
    "",
    "8080",
    "localhost:80",
    "127.0.0.1",
    "127.0.0.1:",
    "127.0.0.1:x",
    "127.0.0.1:9x",
    "127.0.0.1:65536",
    "127.0.0.1:-1",
    "[::1]",
    "[::1:80",
    "[",
    "[:80",
    "::1:80",
    "[nothing]:80",
    "1.2.3:80",
    "127.0.0.1: 80",
    "[1111:2222:3333:4444:5555:6666:7777:8888:9999:0000:1111:2222:3333:4444]:80",
  };
  (void)state;
  for (size_t i = 0; i < COUNT(wrong); i++) {
    tl_err err = { .text = "" };
    char expected[200];
    int fd = -7;
    if (tl_listen_tcp(wrong[i], &fd, bound, &err) != TL_ESYNTAX) fail_msg("%s", wrong[i]);
    snprintf(expected, sizeof expected, "listen on %s: expected ADDRESS:PORT", wrong[i]);
    assert_string_equal(err.text, expected);
    assert_int_equal(fd, -7);
  }
}

static void a_port_that_is_taken_is_said (void **state) {
  char first[TL_LISTEN_ADDRESS];
  tl_err err = { .text = "" };
  int fd = -1, other = -1;
  (void)state;
  assert_int_equal(tl_listen_tcp("127.0.0.1:0", &fd, first, &err), TL_OK);
  assert_int_equal(tl_listen_tcp(first, &other, bound, &err), TL_EEXIST);
  assert_non_null(strstr(err.text, ": the port is in use by another process"));
  close(fd);
  assert_int_equal(tl_listen_tcp("192.0.2.1:0", &other, bound, &err), UV_EADDRNOTAVAIL);
  assert_string_equal(err.text, "listen on 192.0.2.1:0: address not available");
}

static void accepts_with_the_peers_address_and_without_delay (void **state) {
  static const char *const where[] = { "127.0.0.1:0", "[::1]:0" };
  static const int families[] = { AF_INET, AF_INET6 };
  (void)state;
  for (int i = 0; i < 2; i++) {
    uint16_t port;
    int on = 0, probe = listen_on(families[i], 1, &port);
    socklen_t len = sizeof on;
    if (probe < 0) continue; /* no IPv6 here */
    close(probe);
    begin(where[i]);
    int client = connect_to(families[i]);
    RUN_UNTIL(n_accepted == 1);
    struct sockaddr_storage sa;
    socklen_t size = sizeof sa;
    char own[TL_NET_PEER];
    getsockname(client, (struct sockaddr *)&sa, &size);
    tl_net_peer_text(own, (struct sockaddr *)&sa);
    assert_string_equal(last_peer, own);
    assert_int_equal(getsockopt(accepted[0], IPPROTO_TCP, TCP_NODELAY, &on, &len), 0);
    assert_int_equal(on, 1);
    close(client);
    finish();
  }
}

static void a_unix_socket_has_peers_without_a_name (void **state) {
  struct sockaddr_un sa = { .sun_family = AF_UNIX };
  socklen_t len = sizeof sa;
  (void)state;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa.sun_family), 0); /* any name */
  assert_int_equal(listen(fd, 5), 0);
  getsockname(fd, (struct sockaddr *)&sa, &len);
  n_accepted = 0;
  close_inside = false;
  assert_int_equal(tl_listener_new(&listener, loop, fd, on_accepted, &listener), TL_OK);
  int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(client, (struct sockaddr *)&sa, len), 0);
  RUN_UNTIL(n_accepted == 1);
  assert_string_equal(last_peer, "");
  close(client);
  finish();
}

static void many_at_once_are_all_taken (void **state) {
  int clients[40];
  (void)state;
  begin("127.0.0.1:0");
  for (int i = 0; i < 40; i++) clients[i] = connect_to(AF_INET);
  RUN_UNTIL(n_accepted == 40);
  for (int i = 0; i < 40; i++) close(clients[i]);
  finish();
}

static void it_may_be_closed_when_it_accepts (void **state) {
  (void)state;
  begin("127.0.0.1:0");
  close_inside = true;
  int one = connect_to(AF_INET), two = connect_to(AF_INET);
  RUN_UNTIL(n_accepted == 1);
  tl_loop_run(loop); /* returns: it is gone */
  close(accepted[0]);
  close(one);
  close(two);
  tl_listener_close(NULL);
}

/* Without descriptors it rests and goes on; a peer that is gone again is passed over. */
static void an_accept_that_fails_loses_nobody (void **state) {
  static const int reasons[] = { EMFILE, ENFILE, ENOBUFS, ENOMEM, ECONNABORTED, EINTR, EPERM };
  (void)state;
  for (size_t i = 0; i < COUNT(reasons); i++) {
    begin("127.0.0.1:0");
    int client = connect_to(AF_INET);
    why = reasons[i];
    memory_fails(0, false);
    RUN_UNTIL(n_accepted == 1);
    memory_heals();
    assert_true(memory_failed);
    close(client);
    finish();
  }
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, loop_setup, loop_teardown)
int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(what_is_no_address_is_said),
    SPEC(a_port_that_is_taken_is_said),
    SPEC(accepts_with_the_peers_address_and_without_delay),
    SPEC(a_unix_socket_has_peers_without_a_name),
    SPEC(many_at_once_are_all_taken),
    SPEC(it_may_be_closed_when_it_accepts),
    SPEC(an_accept_that_fails_loses_nobody),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* spec/net/watch_test.c — connections that nobody reads: a reset and a peer that has vanished are
** noticed all the same, a peer that only keeps quiet is left alone. In a network of its own,
** which the spec can cut. */
#include "net/tcp_support.h"

#include <net/if.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/ioctl.h>

#include "net/alive.h"

static int unread (void **state) {
  if (setup(state) < 0) return -1;
  open_connection();
  tl_tcp_read(tcp, false);
  return 0;
}

/* The loopback of this network. False: the system does not let us. */
static bool set_loopback (bool up) {
  struct ifreq r = { .ifr_name = "lo" };
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  bool ok = fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &r) == 0;
  r.ifr_flags = (short)(up ? r.ifr_flags | IFF_UP : r.ifr_flags & ~IFF_UP);
  ok = ok && ioctl(fd, SIOCSIFFLAGS, &r) == 0;
  if (fd >= 0) close(fd);
  return ok;
}

static void a_reset_is_noticed (void **state) {
  struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
  (void)state;
  tl_tcp_watch(tcp, 3000);
  setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close(client);
  client = -1;
  RUN_UNTIL(closes == 1);
  assert_int_equal(code, UV_ECONNRESET);
  assert_non_null(strstr(text, "read from 127.0.0.1:"));
}

static bool asks_for_signs (void) {
  int on = 0;
  socklen_t len = sizeof on;
  getsockopt(our_end_to(port), SOL_SOCKET, SO_KEEPALIVE, &on, &len);
  return on;
}

static void an_end_of_watching_asks_for_nothing_more (void **state) {
  (void)state;
  tl_tcp_watch(tcp, 3000);
  assert_false(asks_for_signs()); /* a short pause costs no calls */
  RUN_UNTIL(asks_for_signs());
  tl_tcp_watch(tcp, 0);
  assert_false(asks_for_signs());
  finish();
}

/* How many signs of life have come: each makes the time since the last one short again. */
static int count_signs (void) {
  static int count;
  static unsigned last;
  struct tcp_info info = { .tcpi_state = 0 };
  socklen_t len = sizeof info;
  getsockopt(our_end_to(port), IPPROTO_TCP, TCP_INFO, &info, &len);
  if (info.tcpi_last_ack_recv < last) count++;
  last = info.tcpi_last_ack_recv;
  return count;
}

static unsigned silence_of (int fd) { /* ms */
  struct tcp_info info = { .tcpi_state = 0 };
  socklen_t len = sizeof info;
  getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len);
  return info.tcpi_last_ack_recv;
}

/* This process may have been stopped: nobody has asked the peer meanwhile. */
static void who_was_not_asked_need_not_answer (void **state) {
  int ours = our_end_to(port);
  (void)state;
  RUN_UNTIL(silence_of(ours) >= 20);
  assert_int_equal(tl_alive_code(ours, 20), 0);
  finish();
}

/* The peer's window is closed: the kernel asks it at longer and longer intervals, and it answers
** each time, but for the first ones: it answers once in half a second
** (net.ipv4.tcp_invalid_ratelimit). */
static void a_peer_that_takes_nothing_for_a_while_lives (void **state) {
  static char bytes[1024 * 1024];
  int ours = our_end_to(port);
  (void)state;
  while (tl_tcp_pending(tcp) == 0) tl_tcp_write(tcp, bytes, sizeof bytes);
  for (int spells = 0; spells < 2;) {
    unsigned before = silence_of(ours);
    if (spells > 0 && before >= 300) assert_int_equal(tl_alive_code(ours, 300), 0);
    RUN_UNTIL(silence_of(ours) != before);
    spells += before >= 800 && silence_of(ours) < before;
  }
  finish();
}

static void a_peer_that_has_vanished_is_noticed_and_a_quiet_one_is_not (void **state) {
  (void)state;
  tl_tcp_watch(tcp, 3000);
  RUN_UNTIL(count_signs() >= 4); /* longer than the silence that ends it */
  assert_int_equal(closes, 0);
  if (!set_loopback(false)) skip();
  tl_tcp_write(tcp, "x", 1); /* what is not acknowledged counts, too */
  RUN_UNTIL(closes == 1);
  set_loopback(true);
  assert_int_equal(code, UV_ETIMEDOUT);
  assert_non_null(strstr(text, "has given no sign of life for 3 s"));
}

int main (void) {
#define UNREAD(name) cmocka_unit_test_setup_teardown(name, unread, teardown)
  const struct CMUnitTest specs[] = {
    UNREAD(a_reset_is_noticed),
    UNREAD(an_end_of_watching_asks_for_nothing_more),
    UNREAD(who_was_not_asked_need_not_answer),
    UNREAD(a_peer_that_takes_nothing_for_a_while_lives),
    UNREAD(a_peer_that_has_vanished_is_noticed_and_a_quiet_one_is_not),
  };
  if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0) {
    printf("1..0 # SKIP this system makes no network of its own\n");
    return 0;
  }
  if (!set_loopback(true)) return 1;
  return cmocka_run_group_tests_name("net watch", specs, NULL, NULL);
}

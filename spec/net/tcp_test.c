/* spec/net/tcp_test.c — outgoing connections against plain sockets: names, addresses, connecting,
** closing while nothing is up yet. Names are answered by tcp_support.h. */
#include "tcp_support.h"

static void connects_to_ipv4_without_delay (void **state) {
  char want[80];
  (void)state;
  open_connection();
  snprintf(want, sizeof want, "127.0.0.1:%u", port);
  assert_string_equal(peer, want);
  finish();
  assert_int_equal(recv(client, want, 1, 0), 0);
}

static void sets_tcp_nodelay (void **state) {
  (void)state;
  open_connection();
  int on = 0;
  socklen_t len = sizeof on;
  assert_int_equal(getsockopt(our_end_to(port), IPPROTO_TCP, 1 /* TCP_NODELAY */, &on, &len), 0);
  assert_true(on != 0);
  finish();
}

static void connects_to_ipv6_with_and_without_brackets (void **state) {
  uint16_t port6 = 0;
  char want[80];
  (void)state;
  int server6 = listen_on(AF_INET6, 4, &port6);
  if (server6 < 0) skip();
  for (int i = 0; i < 2; i++) {
    connects = closes = 0;
    start(i ? "[::1]" : "::1", port6);
    RUN_UNTIL(connects == 1);
    snprintf(want, sizeof want, "[::1]:%u", port6);
    assert_string_equal(peer, want);
    finish();
  }
  close(server6);
}

static void says_when_it_is_refused (void **state) {
  (void)state;
  close(server);
  server = -1;
  check_failure("127.0.0.1", UV_ECONNREFUSED, "connect to 127.0.0.1:%u: connection refused");
}

static void tries_every_address_in_turn (void **state) {
  char want[80];
  (void)state;
  start("two", port);
  RUN_UNTIL(connects == 1);
  snprintf(want, sizeof want, "127.0.0.1:%u", port);
  assert_string_equal(peer, want);
  finish();
  connects = 0;
  check_failure("refused", UV_ECONNREFUSED,
                "connect to 127.0.0.2:%u: connection refused; to 127.0.0.3:%u: connection refused");
}

static void goes_on_behind_an_address_that_connect_itself_refuses (void **state) {
  (void)state;
  start("odd", port);
  RUN_UNTIL(connects == 1);
  finish();
}

static void says_why_a_name_does_not_resolve (void **state) {
  (void)state;
  check_failure("nohost", UV_EAI_NONAME, "resolve 'nohost': name not known");
  static const struct {
    int eai, code;
    const char *words;
  } failures[] = {
    { EAI_AGAIN, UV_EAI_AGAIN, "no answer from the name server" },
    { EAI_FAIL, UV_EAI_FAIL, "the name server failed" },
    { EAI_FAMILY, UV_EAI_FAMILY, "ai_family not supported" },
    { EAI_MEMORY, UV_EAI_MEMORY, "out of memory" },
    { EAI_NODATA, UV_EAI_NODATA, "the name has no address" },
    { EAI_SERVICE, UV_EAI_SERVICE, "service not available for socket type" },
    { EAI_OVERFLOW, UV_EAI_FAIL, "the name server failed" },
  };
  for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
    char host[16], words[100];
    snprintf(host, sizeof host, "%d", failures[i].eai);
    snprintf(words, sizeof words, "resolve '%s': %s", host, failures[i].words);
    check_failure(host, failures[i].code, words);
  }
  check_failure("system", UV_EMFILE, "resolve 'system': too many open files");
  check_failure("empty", UV_EAI_NODATA, "resolve 'empty': the name has no address");
  check_failure("", UV_EAI_NONAME, "resolve '': name not known");
}

/* Fill the listener's queue: on Linux a SYN is then left without an answer. */
static int fill_backlog (int fds[], int max) {
  struct sockaddr_in sa = { .sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                            .sin_port = htons(port) };
  int n = 0;
  for (; n < max; n++) {
    fds[n] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct pollfd p = { .fd = fds[n], .events = POLLOUT };
    (void)!connect(fds[n], (struct sockaddr *)&sa, sizeof sa);
    if (poll(&p, 1, 500) == 0) return n + 1;
  }
  return n;
}

static void an_address_that_never_answers_does_not_hold_up_the_next (void **state) {
  int fds[16], n;
  (void)state;
  close(server);
  server = listen_on(AF_INET, 0, &port);
  n = fill_backlog(fds, 16);
  tl_tcp_attempt_ms = 50;
  check_failure(
      "hole", UV_ECONNREFUSED,
      "connect to 127.0.0.1:%u: connection timed out; to 127.0.0.2:%u: connection refused");
  /* more than there is for both: each gets its share */
  tl_tcp_attempt_ms = 2 * DEADLINE_MS;
  closes = 0;
  int64_t before = tl_clock_mono_ms();
  assert_int_equal(tl_tcp_connect(&tcp, loop, "hole", port, 200, &events, &tcp), 0);
  RUN_UNTIL(closes == 1);
  assert_in_range(tl_clock_mono_ms() - before, 90, DEADLINE_MS);
  assert_non_null(strstr(text, "127.0.0.2"));
  start("127.0.0.1", port); /* and a connect in progress can be closed */
  closes = 0;
  turn();
  finish();
  while (n > 0) close(fds[--n]);
}

static void can_be_closed_at_once_whatever_it_was_doing (void **state) {
  const char *hosts[] = { "127.0.0.1", "two", "refused", "nohost", "nohost", "again" };
  (void)state;
  for (unsigned i = 0; i < sizeof hosts / sizeof *hosts; i++)
    for (int turns = 0; turns < 5; turns++) {
      closes = connects = 0;
      start(hosts[i], port);
      for (int k = 0; k < turns && closes == 0; k++) uv_run(tl_loop_uv(loop), UV_RUN_NOWAIT);
      int before = closes;
      if (!before) {
        int seen = connects;
        tl_tcp_close(tcp, i % 2 ? 1000 : 0);
        tl_tcp_close(tcp, 0);
        RUN_UNTIL(closes == 1);
        assert_int_equal(connects, seen);
      }
      tl_loop_run(loop); /* nothing may be left, nothing comes twice */
      assert_int_equal(closes, 1);
    }
}

static void closing_does_not_wait_for_the_name_server (void **state) {
  (void)state;
  start("slow", port);
  pthread_mutex_lock(&gate);
  while (waiting == 0) pthread_cond_wait(&moved, &gate);
  waiting = 0;
  pthread_mutex_unlock(&gate);
  turn();
  finish();
  tl_loop_run(loop); /* returns although the look-up still runs */
  assert_int_equal(answered, 0);
  pthread_mutex_lock(&gate);
  let_go++;
  pthread_cond_broadcast(&moved);
  while (answered == 0) pthread_cond_wait(&moved, &gate);
  pthread_mutex_unlock(&gate);
  turn();
  assert_int_equal(connects, 0);
  assert_int_equal(closes, 1);
  answered = 0;
}

static void a_slow_name_holds_up_nobody_else (void **state) {
  tl_tcp *slow[8];
  (void)state;
  several = true;
  for (int i = 0; i < 8; i++)
    assert_int_equal(tl_tcp_connect(&slow[i], loop, "slow", port, 0, &events, &tcp), 0);
  start("two", port);
  RUN_UNTIL(connects == 1);
  pthread_mutex_lock(&gate);
  let_go = 8;
  pthread_cond_broadcast(&moved);
  pthread_mutex_unlock(&gate);
  RUN_UNTIL(connects == 9);
  for (int i = 0; i < 8; i++) tl_tcp_close(slow[i], 0);
  tl_tcp_close(tcp, 0);
  RUN_UNTIL(closes == 9);
  several = false;
  waiting = answered = 0;
}

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(connects_to_ipv4_without_delay),
    SPEC(sets_tcp_nodelay),
    SPEC(connects_to_ipv6_with_and_without_brackets),
    SPEC(says_when_it_is_refused),
    SPEC(tries_every_address_in_turn),
    SPEC(goes_on_behind_an_address_that_connect_itself_refuses),
    SPEC(says_why_a_name_does_not_resolve),
    SPEC(an_address_that_never_answers_does_not_hold_up_the_next),
    SPEC(can_be_closed_at_once_whatever_it_was_doing),
    SPEC(closing_does_not_wait_for_the_name_server),
    SPEC(a_slow_name_holds_up_nobody_else),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

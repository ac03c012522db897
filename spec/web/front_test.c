/* spec/web/front_test.c — connections before and behind the server that answers: which heads go on,
** who has to go when one too many comes, what happens when either side ends first. */
#include "support/torture.h"

#include "base/clock.h"
#include "net/net_support.h"
#include "web/front.h"

enum { MOST = 300 };

static tl_front *front;
static int served[MOST], serves, gones, rests; /* the sockets that were handed on */
static bool refuses;

static bool on_serve (void *ctx, int fd) {
  (void)ctx;
  if (refuses) {
    close(fd);
    return false;
  }
  served[serves++] = fd;
  return true;
}
static void on_gone (void *ctx) { (void)ctx, gones++; }
static void on_rests (void *ctx) { (void)ctx, rests++; }
static const tl_front_events front_events = { on_serve, on_gone, on_rests };

static void quick_turn (void) { uv_run(tl_loop_uv(loop), UV_RUN_NOWAIT); }

static int set_up (void **state) {
  serves = gones = rests = 0;
  refuses = false;
  return loop_setup(state) || tl_front_new(&front, loop, &front_events, NULL);
}

static int tear_down (void **state) {
  tl_front_close(front);
  for (int i = 0; i < serves; i++) close(served[i]);
  for (int i = 0; i < 5; i++) quick_turn();
  return loop_teardown(state);
}

/* The client's end of a new connection from this address. */
static int connect_from (const char *peer) {
  int pair[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
  tl_front_accept(front, pair[0], peer);
  return pair[1];
}

static void send_text (int fd, const char *text) {
  assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static char came[70000];

/* All that comes on fd up to this text; NULL: up to its end. */
static void reads (int fd, const char *text) {
  size_t n = 0;
  for (int64_t end = tl_clock_mono_ms() + DEADLINE_MS;; quick_turn()) {
    if (tl_clock_mono_ms() > end) fail_msg("'%s' never comes, but: %s", text ? text : "end", came);
    ssize_t rc = recv(fd, came + n, sizeof came - 1 - n, 0);
    if (rc > 0) n += (size_t)rc;
    came[n] = '\0';
    if (text && strstr(came, text)) return;
    if (rc == 0 || (rc < 0 && errno != EAGAIN)) break;
  }
  if (text) fail_msg("'%s' did not come, but: %s", text, came);
}

#define GOOD "GET / HTTP/1.1\r\nHost: h\r\n\r\n"

/* A connection whose request is under way; its served end is the last of served[]. */
static int ask_from (const char *peer) {
  int before = serves, fd = connect_from(peer);
  send_text(fd, GOOD);
  RUN_UNTIL(serves > before);
  reads(served[serves - 1], "\r\n\r\n");
  return fd;
}

static void a_bad_head_is_answered_and_goes_no_further (void **state) {
  (void)state;
  static char longer[9000];
  memset(longer, 'x', sizeof longer - 1);
  memcpy(longer, "GET /", 5);
  static const char *const cases[][2] = {
    { "nonsense\r\n\r\n", "HTTP/1.1 400 Bad Request" },
    { "GET / HTTP/2.7\r\nHost: h\r\n\r\n", "HTTP/1.1 505 HTTP Version Not Supported" },
    { "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n",
      "HTTP/1.1 413 Content Too Large" },
    { "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: x\r\n\r\n",
      "HTTP/1.1 417 Expectation Failed" },
    { "GET / HTTP/1.1\r\nHost: h\r\n folded: x\r\n\r\n", "HTTP/1.1 400 Bad Request" },
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    int fd = connect_from("10.0.0.1:1");
    send_text(fd, cases[i][0]);
    reads(fd, cases[i][1]);
    send_text(fd, GOOD); /* nothing more of it is read */
    reads(fd, NULL);
    close(fd);
  }
  int fd = connect_from("10.0.0.1:1");
  for (int i = 0; i < 4; i++) {
    if (send(fd, longer + 8000 * (i > 0), 8000 - (i > 0) * 7000, MSG_NOSIGNAL) < 0) break;
    quick_turn();
  }
  reads(fd, "HTTP/1.1 431 Request Header Fields Too Large");
  close(fd);
  assert_int_equal(serves, 0);
  refuses = true;
  fd = connect_from("10.0.0.1:1");
  send_text(fd, GOOD);
  reads(fd, "HTTP/1.1 503 Service Unavailable");
  close(fd);
}

/* A head, and a body, may come in pieces and several at once; answers go back. */
static void requests_go_on_and_answers_come_back (void **state) {
  (void)state;
  int fd = connect_from("10.0.0.1:1");
  send_text(fd, "POST / HTTP/1.1\r\nHo");
  for (int i = 0; i < 3; i++) quick_turn();
  send_text(fd, "st: h\r\nContent-Length: 6\r\n\r\nabc");
  RUN_UNTIL(serves == 1);
  send_text(fd, "def" GOOD);
  reads(served[0], "\r\n\r\nabcdefGET / HTTP/1.1\r\n");
  assert_string_equal(tl_front_peer(front, served[0]), "10.0.0.1:1");
  assert_string_equal(tl_front_peer(front, -7), "");
  assert_true(tl_front_has(front, served[0]) && !tl_front_has(front, -7));
  tl_front_streams(front, -7);
  tl_front_waits(front, -7, true);
  tl_front_answered(front, -7);
  send_text(served[0], "one");
  tl_front_answered(front, served[0]);
  reads(fd, "one");
  RUN_UNTIL(rests > 0);
  send_text(served[0], "two"); /* another piece waits for its turn */
  tl_front_answered(front, served[0]);
  tl_front_answered(front, served[0]); /* there is none under way */
  tl_front_serve(front);
  reads(fd, "two");
  close(served[0]);
  served[0] = -1;
  tl_front_serve(front);
  reads(fd, NULL);
  close(fd);
  RUN_UNTIL(tl_front_count(front) == 0);
}

/* One that ended its side gets the answer to what it asked, unless that has no end. */
static void a_client_that_ends_its_side_gets_its_answer (void **state) {
  (void)state;
  int fd = ask_from("10.0.0.1:1");
  shutdown(fd, SHUT_WR);
  reads(served[0], NULL);
  send_text(served[0], "answer");
  reads(fd, "answer");
  close(fd);
  fd = ask_from("10.0.0.1:1");
  tl_front_streams(front, served[1]);
  int before = gones;
  shutdown(fd, SHUT_WR);
  RUN_UNTIL(gones > before);
  reads(fd, NULL);
  close(fd);
  fd = connect_from("10.0.0.1:1"); /* nothing asked */
  shutdown(fd, SHUT_WR);
  reads(fd, NULL);
  close(fd);
}

static bool is_open (int fd) {
  char byte;
  for (int i = 0; i < 5; i++) quick_turn();
  return recv(fd, &byte, 1, MSG_PEEK) < 0 && errno == EAGAIN;
}

/* First those that have asked nothing, the oldest first; then one of those that wait for the check
** of a token, of the address that has most of them; then nobody. */
static void one_too_many_takes_the_place_of_who_needs_it_least (void **state) {
  (void)state;
  int fds[TL_FRONT_CONNECTIONS], idle = connect_from("10.0.0.9:1");
  for (int i = 1; i < TL_FRONT_CONNECTIONS; i++) {
    fds[i] = ask_from(i < 40 ? "10.0.0.1:7" : "[fe80::1]:9");
    if (i < 12) tl_front_waits(front, served[serves - 1], true);
    if (i >= 60) tl_front_waits(front, served[serves - 1], true);
  }
  fds[0] = ask_from("10.0.0.2:1");
  assert_false(is_open(idle));
  close(idle);
  int more = ask_from("10.0.0.3:1"); /* 11 of 10.0.0.1 wait, 4 of fe80::1 */
  int gone = 0;
  for (int i = 1; i < 12; i++) gone += !is_open(fds[i]);
  assert_int_equal(gone, 1);
  assert_false(is_open(fds[11])); /* its newest */
  /* an address that has more of them than all others gets no place of theirs */
  for (int i = 1; i < 11; i++) tl_front_waits(front, served[i - 1], false);
  int late = connect_from("[fe80::1]:5");
  reads(late, "HTTP/1.1 503 Service Unavailable");
  close(late);
  close(more);
  for (int i = 0; i < TL_FRONT_CONNECTIONS; i++) close(fds[i]);
  while (serves > 0) close(served[--serves]); /* they wait for their answers */
  RUN_UNTIL(tl_front_count(front) == 0);
}

static void a_connection_is_taken_or_closed (void **state) {
  (void)state;
  for (torture_round t = { 0 }; torture_next(&t);) {
    memory_fails(t.at, t.for_ever);
    int fd = connect_from("10.0.0.1:1"), before = serves;
    (void)!send(fd, GOOD, strlen(GOOD), MSG_NOSIGNAL);
    for (int i = 0; i < 5; i++) quick_turn();
    memory_heals();
    bool failed = memory_failed;
    assert_true(failed || serves > before);
    if (serves == before) reads(fd, NULL); /* answered with 503, or not at all */
    close(fd);
    while (serves > before) close(served[--serves]);
    RUN_UNTIL(tl_front_count(front) == 0);
    memory_failed = failed;
  }
}

#define SPEC(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(a_bad_head_is_answered_and_goes_no_further),
    SPEC(requests_go_on_and_answers_come_back),
    SPEC(a_client_that_ends_its_side_gets_its_answer),
    SPEC(one_too_many_takes_the_place_of_who_needs_it_least),
    SPEC(a_connection_is_taken_or_closed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

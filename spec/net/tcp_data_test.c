/* spec/net/tcp_data_test.c — bytes over a connection that is up: reading, writing, a slow peer,
** ends and resets, lingering. */
#include "tcp_support.h"

static void reads_what_comes_with_one_call_each (void **state) {
  (void)state;
  open_connection();
  assert_int_equal(send(client, "hello", 5, 0), 5);
  RUN_UNTIL(got.len == 5);
  assert_memory_equal(got.at, "hello", 5);
  assert_int_equal(datas, 1);
  room_size = 2; /* a room that is filled is asked for again */
  assert_int_equal(send(client, "world", 5, 0), 5);
  RUN_UNTIL(got.len == 10);
  assert_int_equal(datas, 4);
  finish();
}

static void stops_and_goes_on_reading (void **state) {
  (void)state;
  start("127.0.0.1", port);
  tl_tcp_read(tcp, false); /* before it is connected */
  RUN_UNTIL(connects == 1);
  client = accept4(server, NULL, NULL, SOCK_CLOEXEC);
  assert_int_equal(send(client, "abc", 3, 0), 3);
  for (int i = 0; i < 5; i++) turn();
  assert_int_equal(got.len, 0);
  tl_tcp_read(tcp, true);
  RUN_UNTIL(got.len == 3);
  tl_tcp_read(tcp, false);
  tl_tcp_read(tcp, false);
  assert_int_equal(send(client, "def", 3, 0), 3);
  for (int i = 0; i < 5; i++) turn();
  assert_int_equal(got.len, 3);
  tl_tcp_read(tcp, true);
  RUN_UNTIL(got.len == 6);
  finish();
}

static void without_room_it_closes (void **state) {
  char want[80];
  (void)state;
  open_connection();
  no_room = true;
  assert_int_equal(send(client, "x", 1, 0), 1);
  RUN_UNTIL(closes == 1);
  assert_int_equal(code, UV_ENOMEM);
  snprintf(want, sizeof want, "read from 127.0.0.1:%u: not enough memory", port);
  assert_string_equal(text, want);
}

static void may_be_closed_inside_every_call (void **state) {
  static char big[4 << 20];
  (void)state;
  for (close_in = IN_CONNECTED; close_in <= IN_ROOM; close_in++) {
    connects = closes = 0;
    if (close_in == IN_DRAINED) {
      open_narrow_connection();
    } else {
      open_connection();
    }
    set_nonblocking(client);
    assert_int_equal(send(client, "x", 1, MSG_NOSIGNAL), 1);
    if (close_in == IN_DRAINED) {
      assert_int_equal(tl_tcp_write(tcp, big, sizeof big), 0);
      assert_true(tl_tcp_pending(tcp) > 0);
    }
    int64_t end = tl_clock_mono_ms() + DEADLINE_MS;
    while (closes == 0) {
      assert_true(tl_clock_mono_ms() < end);
      turn();
      while (close_in == IN_DRAINED && recv(client, got.at, got.cap < 1 ? 0 : 1, 0) > 0 &&
             recv(client, big, sizeof big, 0) > 0)
        continue;
    }
    assert_int_equal(code, 0);
    close(client);
    client = -1;
  }
}

static void small_writes_go_out_at_once_without_drained (void **state) {
  char in[8];
  (void)state;
  open_connection();
  assert_int_equal(tl_tcp_write(tcp, "ab", 2), 0);
  assert_int_equal(tl_tcp_write(tcp, NULL, 0), 0);
  assert_true(readable(client)); /* no turn of the loop was needed */
  assert_int_equal(recv(client, in, sizeof in, 0), 2);
  assert_int_equal(tl_tcp_pending(tcp), 0);
  turn();
  assert_int_equal(drains, 0);
  finish();
}

static void counts_what_a_slow_peer_has_not_taken_and_says_once_when_it_has (void **state) {
  enum { BLOCK = 300000, BLOCKS = 60 };
  static uint8_t block[BLOCK], in[1 << 20];
  size_t taken = 0, wrong = 0;
  (void)state;
  open_narrow_connection();
  set_nonblocking(client);
  for (int b = 0; b < BLOCKS; b++) {
    for (size_t i = 0; i < BLOCK; i++) block[i] = (uint8_t)(((size_t)b * BLOCK + i) % 251);
    assert_int_equal(tl_tcp_write(tcp, block, BLOCK), 0);
    memset(block, 0, BLOCK); /* it was copied */
  }
  size_t pending = tl_tcp_pending(tcp);
  assert_in_range(pending, 1, (size_t)BLOCK * BLOCKS);
  turn();
  assert_int_equal(drains, 0);
  while (taken < (size_t)BLOCK * BLOCKS) {
    ssize_t n = recv(client, in, sizeof in, 0);
    for (ssize_t i = 0; i < n; i++) wrong += in[i] != (uint8_t)((taken + (size_t)i) % 251);
    if (n > 0) taken += (size_t)n;
    turn();
    assert_in_range(tl_tcp_pending(tcp), 0, pending);
    assert_int_equal(closes, 0);
  }
  assert_int_equal(wrong, 0);
  RUN_UNTIL(drains == 1);
  assert_int_equal(tl_tcp_write(tcp, "x", 1), 0);
  turn();
  assert_int_equal(drains, 1);
  finish();
}

static void refuses_writes_while_it_is_not_connected (void **state) {
  (void)state;
  start("127.0.0.1", port);
  assert_int_equal(tl_tcp_write(tcp, "x", 1), TL_ESTATE);
  assert_int_equal(tl_tcp_pending(tcp), 0);
  RUN_UNTIL(connects == 1);
  tl_tcp_close(tcp, 1000);
  assert_int_equal(tl_tcp_write(tcp, "x", 1), TL_ESTATE);
  tl_tcp_close(tcp, 0);
  assert_int_equal(tl_tcp_write(tcp, "x", 1), TL_ESTATE);
  RUN_UNTIL(closes == 1);
}

static void says_when_the_peer_closes (void **state) {
  char want[80];
  (void)state;
  open_connection();
  assert_int_equal(send(client, "bye", 3, 0), 3);
  shutdown(client, SHUT_WR); /* half closed is closed: MQTT has no use for the other half */
  RUN_UNTIL(closes == 1);
  assert_int_equal(got.len, 3);
  assert_int_equal(code, UV_EOF);
  snprintf(want, sizeof want, "127.0.0.1:%u closed the connection", port);
  assert_string_equal(text, want);
}

static void reset (int fd) {
  struct linger off = { .l_onoff = 1, .l_linger = 0 };
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &off, sizeof off);
  close(fd);
}

static void says_when_the_peer_resets (void **state) {
  char want[80];
  (void)state;
  open_connection();
  reset(client);
  client = -1;
  RUN_UNTIL(closes == 1);
  assert_int_equal(code, UV_ECONNRESET);
  snprintf(want, sizeof want, "read from 127.0.0.1:%u: connection reset by peer", port);
  assert_string_equal(text, want);
}

static void a_write_error_comes_later_and_once (void **state) {
  (void)state;
  open_connection();
  tl_tcp_read(tcp, false); /* so that writing finds it first */
  reset(client);
  client = -1;
  for (int i = 0; i < 3; i++) assert_true(tl_tcp_write(tcp, "x", 1) == 0 || i > 0);
  assert_int_equal(closes, 0);
  RUN_UNTIL(closes == 1);
  assert_true(code == UV_ECONNRESET || code == UV_EPIPE);
  assert_non_null(strstr(text, "write to 127.0.0.1:"));
}

static void a_reset_with_bytes_pending_frees_them (void **state) {
  static char big[8 << 20];
  (void)state;
  open_narrow_connection();
  assert_int_equal(tl_tcp_write(tcp, big, sizeof big), 0);
  assert_true(tl_tcp_pending(tcp) > 0);
  reset(client);
  client = -1;
  RUN_UNTIL(closes == 1);
  assert_int_equal(drains, 0);
}

static void closing_with_linger_delivers_everything_then_the_end (void **state) {
  static char big[6 << 20], in[1 << 16];
  size_t taken = 0;
  ssize_t n = -1;
  (void)state;
  open_connection();
  set_nonblocking(client);
  assert_int_equal(tl_tcp_write(tcp, big, sizeof big), 0);
  /* unread: a plain close() would reset */
  assert_int_equal(send(client, in, sizeof in, 0), sizeof in);
  tl_tcp_close(tcp, DEADLINE_MS);
  tl_tcp_close(tcp, DEADLINE_MS);
  int64_t end = tl_clock_mono_ms() + DEADLINE_MS;
  while (n != 0 && tl_clock_mono_ms() < end) {
    while ((n = recv(client, in, sizeof in, 0)) > 0) taken += (size_t)n;
    if (n < 0) assert_int_equal(errno, EAGAIN);
    turn();
  }
  assert_int_equal(taken, sizeof big);
  assert_int_equal(got.len, 0);
  assert_int_equal(drains, 0);
  close(client);
  client = -1;
  RUN_UNTIL(closes == 1);
  assert_int_equal(code, 0);
}

static void lingering_is_bounded_by_its_time (void **state) {
  static char big[8 << 20];
  (void)state;
  open_narrow_connection();
  assert_int_equal(tl_tcp_write(tcp, big, sizeof big), 0); /* nobody reads */
  tl_loop_update(loop);
  int64_t start_ms = tl_clock_mono_ms();
  tl_tcp_close(tcp, 40);
  assert_int_equal(closes, 0);
  RUN_UNTIL(closes == 1);
  assert_in_range(tl_clock_mono_ms() - start_ms, 30, DEADLINE_MS / 2);
  assert_int_equal(code, 0);
}

static void lingering_does_not_wait_long_for_a_peer_that_stays (void **state) {
  (void)state;
  open_connection();
  assert_int_equal(tl_tcp_write(tcp, "x", 1), 0);
  tl_tcp_close(tcp, 10 * DEADLINE_MS);
  RUN_UNTIL(closes == 1); /* within DEADLINE_MS, not ten times that */
}

static void lingering_can_be_cut_short (void **state) {
  static char big[8 << 20];
  (void)state;
  open_narrow_connection();
  assert_int_equal(tl_tcp_write(tcp, big, sizeof big), 0);
  tl_tcp_close(tcp, 60000);
  turn();
  assert_int_equal(closes, 0);
  finish();
}

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(reads_what_comes_with_one_call_each),
    SPEC(stops_and_goes_on_reading),
    SPEC(without_room_it_closes),
    SPEC(may_be_closed_inside_every_call),
    SPEC(small_writes_go_out_at_once_without_drained),
    SPEC(counts_what_a_slow_peer_has_not_taken_and_says_once_when_it_has),
    SPEC(refuses_writes_while_it_is_not_connected),
    SPEC(says_when_the_peer_closes),
    SPEC(says_when_the_peer_resets),
    SPEC(a_write_error_comes_later_and_once),
    SPEC(a_reset_with_bytes_pending_frees_them),
    SPEC(closing_with_linger_delivers_everything_then_the_end),
    SPEC(lingering_is_bounded_by_its_time),
    SPEC(lingering_does_not_wait_long_for_a_peer_that_stays),
    SPEC(lingering_can_be_cut_short),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

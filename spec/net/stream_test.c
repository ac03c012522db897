/* spec/net/stream_test.c — a connected socket: bytes and ends in both directions, a peer that does
** not read, closing with and without lingering, and calls of libuv that fail. */
#include "net/net_support.h"
#include "support/torture.h"

#include "net/stream.h"

FAILING(uv_try_write, int, UV_EIO, (uv_stream_t * s, const uv_buf_t *b, unsigned n), (s, b, n))
FAILING(uv_write, int, UV_EIO,
        (uv_write_t * r, uv_stream_t *s, const uv_buf_t *b, unsigned n, uv_write_cb f),
        (r, s, b, n, f))
FAILING(uv_shutdown, int, UV_ENOTCONN, (uv_shutdown_t * r, uv_stream_t *s, uv_shutdown_cb f),
        (r, s, f))

enum { IN_NOTHING, IN_DATA, IN_ENDED, IN_DRAINED };

static tl_stream *stream;
static int peer, datas, ended, drained, closed, close_in;
static char got[64];

static void close_if (int where) {
  if (close_in == where) tl_stream_close(stream, 0);
}
static void on_data (void *ctx, const uint8_t *at, size_t n) {
  assert_ptr_equal(ctx, &stream);
  assert_int_equal(closed, 0);
  snprintf(got, sizeof got, "%.*s", (int)n, (const char *)at);
  datas++;
  close_if(IN_DATA);
}
static void on_ended (void *ctx) {
  (void)ctx;
  ended++;
  close_if(IN_ENDED);
}
static void on_drained (void *ctx) {
  (void)ctx;
  assert_int_equal(tl_stream_pending(stream), 0);
  drained++;
  close_if(IN_DRAINED);
}
static void on_closed (void *ctx) {
  (void)ctx;
  closed++;
}
static const tl_stream_events events = { on_data, on_ended, on_drained, on_closed };

static void begin (void) {
  int ends[2];
  datas = ended = drained = closed = 0;
  got[0] = '\0';
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  peer = ends[1];
  set_nonblocking(peer);
  assert_int_equal(tl_stream_open(&stream, loop, ends[0], &events, &stream), TL_OK);
}

static void finish (void) {
  if (closed == 0) tl_stream_close(stream, 0);
  RUN_UNTIL(closed == 1);
  close(peer);
  close_in = IN_NOTHING;
}

static char big[4 << 20];

/* Bytes that came until there are no more now. */
static size_t take (void) {
  static char in[1 << 16];
  size_t sum = 0;
  for (ssize_t n; (n = recv(peer, in, sizeof in, 0)) > 0;) sum += (size_t)n;
  return sum;
}

static void nothing_is_read_before_it_is_asked_for (void **state) {
  (void)state;
  begin();
  assert_int_equal(send(peer, "one", 3, 0), 3);
  for (int i = 0; i < 3; i++) turn();
  assert_int_equal(datas, 0);
  tl_stream_read(stream, true);
  tl_stream_read(stream, true);
  RUN_UNTIL(datas == 1);
  assert_string_equal(got, "one");
  tl_stream_read(stream, false);
  assert_int_equal(send(peer, "two", 3, 0), 3);
  for (int i = 0; i < 3; i++) turn();
  assert_int_equal(datas, 1);
  tl_stream_read(stream, true);
  RUN_UNTIL(datas == 2);
  assert_string_equal(got, "two");
  finish();
}

static void a_peer_that_ends_can_still_be_answered (void **state) {
  char in[8];
  (void)state;
  begin();
  tl_stream_read(stream, true);
  assert_int_equal(shutdown(peer, SHUT_WR), 0);
  RUN_UNTIL(ended == 1);
  tl_stream_read(stream, true); /* nothing more comes */
  assert_int_equal(tl_stream_write(stream, "answer", 6), TL_OK);
  assert_int_equal(tl_stream_write(stream, "", 0), TL_OK);
  tl_stream_end(stream);
  tl_stream_end(stream);
  assert_int_equal(tl_stream_write(stream, "late", 4), TL_ESTATE);
  RUN_UNTIL(readable(peer));
  assert_int_equal(recv(peer, in, sizeof in, 0), 6);
  RUN_UNTIL(readable(peer));
  assert_int_equal(recv(peer, in, sizeof in, 0), 0);
  assert_int_equal(closed, 0);
  finish();
  assert_int_equal(ended, 1);
}

static void what_a_peer_does_not_read_waits_and_is_told_when_it_is_gone (void **state) {
  size_t taken = 0;
  (void)state;
  begin();
  assert_int_equal(tl_stream_write(stream, "x", 1), TL_OK);
  assert_int_equal(tl_stream_pending(stream), 0);
  assert_int_equal(tl_stream_write(stream, big, sizeof big), TL_OK);
  assert_int_equal(tl_stream_write(stream, "y", 1), TL_OK);
  assert_true(tl_stream_pending(stream) > 1000000);
  RUN_UNTIL((taken += take()) == sizeof big + 2);
  RUN_UNTIL(drained > 0);
  assert_int_equal(drained, 1);
  finish();
}

static void it_may_be_closed_inside_each_call (void **state) {
  (void)state;
  for (int where = IN_DATA; where <= IN_DRAINED; where++) {
    begin();
    close_in = where;
    tl_stream_read(stream, true);
    assert_int_equal(tl_stream_write(stream, big, sizeof big), TL_OK);
    if (where == IN_DATA) assert_int_equal(send(peer, "x", 1, 0), 1);
    if (where == IN_ENDED) assert_int_equal(shutdown(peer, SHUT_WR), 0);
    RUN_UNTIL((where == IN_DRAINED ? take() : 0, closed == 1));
    close(peer);
  }
  close_in = IN_NOTHING;
}

static void a_peer_that_is_gone_closes_it (void **state) {
  (void)state;
  for (int pending = 0; pending < 2; pending++) {
    begin();
    if (pending) assert_int_equal(tl_stream_write(stream, big, sizeof big), TL_OK);
    close(peer);
    if (!pending) assert_int_equal(tl_stream_write(stream, "x", 1), TL_OK);
    RUN_UNTIL(closed == 1);
    peer = -1;
  }
  begin(); /* with bytes that it never read: a reset, not an end */
  assert_int_equal(tl_stream_write(stream, "x", 1), TL_OK);
  tl_stream_read(stream, true);
  close(peer);
  RUN_UNTIL(closed == 1);
  assert_int_equal(ended, 0);
}

static void after_closing_nothing_is_done (void **state) {
  (void)state;
  begin();
  tl_stream_close(stream, 0);
  tl_stream_close(stream, 100);
  tl_stream_end(stream);
  tl_stream_read(stream, true);
  assert_int_equal(tl_stream_write(stream, "x", 1), TL_ESTATE);
  finish();
}

/* All arrives, with the end behind it; what the peer says meanwhile is read away. */
static void lingering_delivers_all_and_waits_for_the_end (void **state) {
  (void)state;
  for (int reads = 0; reads < 2; reads++) {
    size_t taken = 0;
    begin();
    if (reads) tl_stream_read(stream, true);
    assert_int_equal(tl_stream_write(stream, big, sizeof big), TL_OK);
    assert_int_equal(send(peer, "unread", 6, 0), 6);
    tl_stream_close(stream, DEADLINE_MS);
    tl_stream_close(stream, DEADLINE_MS);
    assert_int_equal(tl_stream_write(stream, "late", 4), TL_ESTATE);
    tl_stream_read(stream, false);
    RUN_UNTIL((taken += take()) == sizeof big);
    for (int i = 0; i < 3; i++) turn();
    assert_int_equal(closed, 0); /* the peer has not ended */
    assert_int_equal(shutdown(peer, SHUT_WR), 0);
    RUN_UNTIL(closed == 1);
    assert_int_equal(datas + drained, 0);
    close(peer);
  }
}

static void lingering_behind_the_peers_end_ends_when_all_is_out (void **state) {
  (void)state;
  for (int pending = 0; pending < 2; pending++) {
    size_t taken = 0;
    begin();
    tl_stream_read(stream, true);
    assert_int_equal(shutdown(peer, SHUT_WR), 0);
    RUN_UNTIL(ended == 1);
    if (pending) assert_int_equal(tl_stream_write(stream, big, sizeof big), TL_OK);
    tl_stream_close(stream, DEADLINE_MS);
    RUN_UNTIL((taken += take(), closed == 1));
    assert_int_equal(taken, pending ? sizeof big : 0);
    close(peer);
  }
}

static void lingering_is_bounded_and_can_be_cut_short (void **state) {
  (void)state;
  for (int cut = 0; cut < 2; cut++) {
    begin();
    assert_int_equal(tl_stream_write(stream, big, sizeof big), TL_OK);
    tl_stream_close(stream, cut ? DEADLINE_MS : 20);
    if (cut) tl_stream_close(stream, 0);
    RUN_UNTIL(closed == 1); /* though nobody reads */
    close(peer);
  }
}

/* A part may be out: whatever cannot be written ends the stream, and `closed` comes once. */
static void a_write_that_fails_closes_it (void **state) {
  (void)state;
  for (torture_round t = { 0 }; torture_next(&t);) {
    begin();
    memory_fails(t.at, t.for_ever);
    int rc = tl_stream_write(stream, big, sizeof big);
    memory_heals();
    if (memory_failed) {
      assert_true(rc == TL_OK || rc == TL_ENOMEM);
      assert_int_equal(closed, 0); /* not from inside */
      assert_int_equal(tl_stream_write(stream, "x", 1), TL_ESTATE);
      RUN_UNTIL(closed == 1);
    } else {
      assert_int_equal(rc, TL_OK);
    }
    finish();
  }
}

static void an_end_that_fails_closes_it (void **state) {
  (void)state;
  for (int linger = 0; linger < 2; linger++) {
    begin();
    memory_fails(0, false);
    if (linger)
      tl_stream_close(stream, DEADLINE_MS);
    else
      tl_stream_end(stream);
    memory_heals();
    assert_true(memory_failed);
    RUN_UNTIL(closed == 1);
    close(peer);
  }
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, loop_setup, loop_teardown)
int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(nothing_is_read_before_it_is_asked_for),
    SPEC(a_peer_that_ends_can_still_be_answered),
    SPEC(what_a_peer_does_not_read_waits_and_is_told_when_it_is_gone),
    SPEC(it_may_be_closed_inside_each_call),
    SPEC(a_peer_that_is_gone_closes_it),
    SPEC(after_closing_nothing_is_done),
    SPEC(lingering_delivers_all_and_waits_for_the_end),
    SPEC(lingering_behind_the_peers_end_ends_when_all_is_out),
    SPEC(lingering_is_bounded_and_can_be_cut_short),
    SPEC(a_write_that_fails_closes_it),
    SPEC(an_end_that_fails_closes_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

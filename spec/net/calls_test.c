/* spec/net/calls_test.c — calls of the system that fail in a way of their own: a pipe that may not
** be opened once more, interrupted writes, sizes that nobody tells, a socket that tells its end. */
#include "net/net_support.h"
#include "support/torture.h"

#include <netinet/tcp.h>
#include <sys/ioctl.h>

#include "net/alive.h"
#include "net/sink.h"

WRAPPED(uv_hrtime, uint64_t __wrap_uv_hrtime(void);)
WRAPPED(uv_now, uint64_t __wrap_uv_now(const uv_loop_t *l);)
WRAPPED(open, int __wrap_open(const char *path, int flags, mode_t mode);)
WRAPPED(poll, int __wrap_poll(struct pollfd *list, nfds_t n, int ms);)
WRAPPED(write, ssize_t __wrap_write(int fd, const void *at, size_t n);)
WRAPPED(ioctl, int __wrap_ioctl(int fd, unsigned long request, int *out);)
WRAPPED(setsockopt,
        int __wrap_setsockopt(int fd, int level, int name, const void *at, socklen_t n);)
WRAPPED(getsockopt, int __wrap_getsockopt(int fd, int level, int name, void *at, socklen_t *n);)

static bool no_open, no_ioctl, no_force, is_full;
static int write_error, writes; /* of the next write */
static int forced, usual;       /* sizes that were asked for */

static uint64_t ahead_ms; /* of the clock */

uint64_t __real_uv_hrtime (void);
uint64_t __wrap_uv_hrtime (void) { return __real_uv_hrtime() + ahead_ms * 1000000; }
uint64_t __real_uv_now (const uv_loop_t *l);
uint64_t __wrap_uv_now (const uv_loop_t *l) { return __real_uv_now(l) + ahead_ms; }

int __real_open (const char *path, int flags, mode_t mode);
int __wrap_open (const char *path, int flags, mode_t mode) {
  return no_open ? (errno = EACCES, -1) : __real_open(path, flags, mode);
}

int __real_poll (struct pollfd *list, nfds_t n, int ms);
int __wrap_poll (struct pollfd *list, nfds_t n, int ms) {
  return is_full ? 0 : __real_poll(list, n, ms);
}

ssize_t __real_write (int fd, const void *at, size_t n);
ssize_t __wrap_write (int fd, const void *at, size_t n) {
  writes++;
  if (write_error == 0) return __real_write(fd, at, n);
  errno = write_error;
  write_error = 0;
  return -1;
}

int __real_ioctl (int fd, unsigned long request, int *out);
int __wrap_ioctl (int fd, unsigned long request, int *out) {
  return no_ioctl ? (errno = ENOTTY, -1) : __real_ioctl(fd, request, out);
}

int __real_setsockopt (int fd, int level, int name, const void *at, socklen_t n);
int __wrap_setsockopt (int fd, int level, int name, const void *at, socklen_t n) {
  if (name == SO_SNDBUFFORCE) forced++;
  if (name == SO_SNDBUF) usual++;
  if (name == SO_SNDBUFFORCE && no_force) return -1;
  return __real_setsockopt(fd, level, name, at, n);
}

static int so_error, tcp_info_rc, tcp_state, silent_ms, probes;
static bool fake_socket;
int __real_getsockopt (int fd, int level, int name, void *at, socklen_t *n);
int __wrap_getsockopt (int fd, int level, int name, void *at, socklen_t *n) {
  if (!fake_socket) return __real_getsockopt(fd, level, name, at, n);
  if (name == SO_ERROR) {
    *(int *)at = so_error;
    return 0;
  }
  struct tcp_info info = { .tcpi_state = (uint8_t)tcp_state,
                           .tcpi_probes = (uint8_t)probes,
                           .tcpi_last_ack_recv = (uint32_t)silent_ms };
  memcpy(at, &info, *n < sizeof info ? *n : sizeof info);
  return tcp_info_rc;
}

/* --- sinks --- */

static tl_sink *sink;
static int drains, failures, ends[2];
static char text[200];

static void on_drained (void *ctx) { (void)ctx, drains++; }
static void on_failed (void *ctx, int why, const char *what) {
  (void)ctx, (void)why;
  failures++;
  snprintf(text, sizeof text, "%s", what);
}

static int set_up (void **state) {
  no_open = no_ioctl = no_force = is_full = fake_socket = false;
  write_error = writes = forced = usual = drains = failures = 0;
  text[0] = '\0';
  return loop_setup(state);
}

static void open_sink (int fd) {
  assert_int_equal(tl_sink_new(&sink, loop, fd, on_drained, on_failed, NULL), TL_OK);
}

static void put (size_t lines) {
  for (size_t i = 0; i < lines; i++) tl_buf_str(tl_sink_buf(sink), "0123456789012345678\n");
}

static size_t read_all (void) {
  static char bytes[1 << 16];
  size_t all = 0;
  set_nonblocking(ends[0]);
  for (ssize_t n; (n = read(ends[0], bytes, sizeof bytes)) > 0;) all += (size_t)n;
  return all;
}

static void finish (void) {
  tl_sink_close(sink);
  close(ends[0]);
  close(ends[1]);
}

/* Another user's pipe: it is asked before each write, and others' writes do not fail for it. */
static void a_pipe_that_is_not_ours_is_asked_first (void **state) {
  (void)state;
  assert_int_equal(pipe(ends), 0);
  no_open = true;
  open_sink(ends[1]);
  no_open = false;
  put(10);
  is_full = true;
  assert_false(tl_sink_flush(sink));
  assert_int_equal(writes, 0);
  is_full = false;
  RUN_UNTIL(drains == 1);
  assert_int_equal(read_all(), 200);
  assert_false(fcntl(ends[1], F_GETFL) & O_NONBLOCK);
  finish();
}

static void an_interrupted_write_goes_on_and_a_failed_one_is_told (void **state) {
  (void)state;
  assert_int_equal(pipe(ends), 0);
  open_sink(ends[1]);
  put(10);
  write_error = EINTR;
  assert_true(tl_sink_flush(sink));
  assert_int_equal(writes, 2);
  put(10);
  write_error = EAGAIN;
  assert_false(tl_sink_flush(sink));
  RUN_UNTIL(drains == 1);
  assert_int_equal(read_all(), 400);
  put(10);
  write_error = EIO;
  assert_false(tl_sink_flush(sink));
  assert_false(tl_sink_flush(sink)); /* once */
  RUN_UNTIL(failures == 1);
  assert_non_null(strstr(text, "i/o error"));
  assert_int_equal(tl_sink_pending(sink), 0);
  assert_true(tl_sink_end_line(sink)); /* nothing stands half */
  finish();
}

/* A size that is not known is taken for the least that every pipe has. */
static void a_pipe_that_tells_no_size_gets_small_writes (void **state) {
  (void)state;
  for (int kind = 0; kind < 2; kind++) {
    size_t sum = 0;
    assert_int_equal(kind == 0 ? pipe(ends) : socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    open_sink(ends[1]);
    no_ioctl = true;
    put(4000); /* 80 KB */
    tl_sink_flush(sink);
    for (int64_t end = tl_clock_mono_ms() + DEADLINE_MS; sum < 80000; turn()) {
      sum += read_all();
      assert_true(tl_clock_mono_ms() < end);
    }
    assert_int_equal(sum, 80000);
    no_ioctl = false;
    finish();
  }
}

/* A line that stands half in a socket is ended, also where the system does not permit more. */
static void a_half_line_is_ended_in_a_larger_buffer (void **state) {
  static char line[600000];
  (void)state;
  memset(line, 'x', sizeof line - 2);
  line[sizeof line - 2] = '\n';
  for (int i = 0; i < 2; i++) {
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    open_sink(ends[1]);
    tl_buf_str(tl_sink_buf(sink), line);
    assert_false(tl_sink_flush(sink));
    no_force = no_ioctl = i == 1;
    bool whole = tl_sink_end_line(sink);
    assert_int_equal(forced, i + 1);
    assert_int_equal(usual, i); /* who may not force asks for what everybody may have */
    size_t sum = 0;
    for (int64_t end = tl_clock_mono_ms() + DEADLINE_MS; sum < sizeof line - 1; turn()) {
      sum += read_all();
      if (!whole) tl_sink_flush(sink);
      assert_true(tl_clock_mono_ms() < end);
    }
    no_ioctl = no_force = false;
    finish();
  }
}

/* --- signs of life --- */

static void a_socket_tells_whether_its_peer_lives (void **state) {
  static const struct {
    int error, rc, state, silent, probes, code;
  } rows[] = {
    { 0, 0, TCP_ESTABLISHED, 0, 0, 0 },
    { ECONNRESET, 0, TCP_ESTABLISHED, 0, 0, UV_ECONNRESET },
    { 0, -1, TCP_CLOSE, 9000, 9, 0 }, /* it tells nothing: that is no end */
    { 0, 0, TCP_CLOSE, 0, 0, UV_ECONNRESET },
    { 0, 0, TCP_ESTABLISHED, 5000, 1, 0 }, /* the answer may be under way */
    { 0, 0, TCP_ESTABLISHED, 4999, 2, 0 },
    { 0, 0, TCP_ESTABLISHED, 5000, 2, UV_ETIMEDOUT },
  };
  uint16_t port;
  (void)state;
  fake_socket = true;
  for (size_t i = 0; i < COUNT(rows); i++) {
    so_error = rows[i].error;
    tcp_info_rc = rows[i].rc;
    tcp_state = rows[i].state;
    silent_ms = rows[i].silent;
    probes = rows[i].probes;
    int code = tl_alive_code(-1, 5000);
    if (code != rows[i].code) fail_msg("%zu: %d", i, code);
  }
  fake_socket = false;
  int fd = listen_on(AF_INET, 1, &port), on = -1, idle = 0;
  socklen_t n = sizeof on;
  tl_alive_ask(fd, 300); /* less than a second is a second */
  assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, &n), 0);
  assert_int_equal(idle, 1);
  tl_alive_ask(fd, 0);
  assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, &n), 0);
  assert_int_equal(on, 0);
  close(fd);
}

/* --- turns --- */

static tl_timer *timer;

static void take_long (void *ctx) {
  ahead_ms += *(uint64_t *)ctx;
  tl_timer_close(timer);
}

/* A turn of so many ms; the longest one that is remembered then. */
static int64_t turn_of (uint64_t ms) {
  assert_int_equal(tl_timer_new(&timer, loop, take_long, &ms), TL_OK);
  tl_timer_at(timer, tl_loop_now(loop) + 1);
  tl_loop_run(loop);
  return tl_loop_longest(loop);
}

/* That of this minute and of the one before. */
static void a_long_turn_is_forgotten_after_two_minutes (void **state) {
  enum { LONG = 500000 }; /* more than any turn of a busy machine */
  (void)state;
  tl_loop_time_turns(loop, true);
  assert_true(turn_of(0) < LONG);
  assert_true(turn_of(LONG) >= LONG);
  ahead_ms += 61000;
  turn_of(0);
  ahead_ms += 61000;
  assert_true(turn_of(0) < LONG);
  assert_true(turn_of(LONG) >= LONG);
  ahead_ms += 130000; /* nothing happened for long */
  assert_true(turn_of(0) < LONG);
  tl_loop_time_turns(loop, false);
  assert_true(turn_of(LONG) < LONG);
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, set_up, loop_teardown)
int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(a_pipe_that_is_not_ours_is_asked_first),
    SPEC(an_interrupted_write_goes_on_and_a_failed_one_is_told),
    SPEC(a_pipe_that_tells_no_size_gets_small_writes),
    SPEC(a_half_line_is_ended_in_a_larger_buffer),
    SPEC(a_long_turn_is_forgotten_after_two_minutes),
    SPEC(a_socket_tells_whether_its_peer_lives),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

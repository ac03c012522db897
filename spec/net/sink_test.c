/* spec/net/sink_test.c — pipes, sockets, terminals and files as standard output. */
#include "net/net_support.h"

#include <pty.h>
#include <sys/wait.h>

#include "net/sink.h"

static tl_sink *sink;
static int drains, failures, code;
static char text[200];
static bool close_inside;

static void on_drained (void *ctx) {
  assert_ptr_equal(ctx, &sink);
  drains++;
  if (close_inside) tl_sink_close(sink);
}
static void on_failed (void *ctx, int why, const char *what) {
  assert_ptr_equal(ctx, &sink);
  failures++;
  code = why;
  snprintf(text, sizeof text, "%s", what);
  if (close_inside) tl_sink_close(sink);
}

static int setup (void **state) {
  drains = failures = code = 0;
  close_inside = false;
  return loop_setup(state);
}

static void open_sink (int fd) {
  assert_int_equal(tl_sink_new(&sink, loop, fd, on_drained, on_failed, &sink), 0);
}

static void finish (void) {
  tl_sink_close(sink);
  tl_loop_run(loop);
}

static void put (const char *s) { tl_buf_str(tl_sink_buf(sink), s); }

static bool is_blocking (int fd) { return !(fcntl(fd, F_GETFL) & O_NONBLOCK); }

/* Bytes whose place is known, `total` of them, read slowly at the other end; nothing may be
** missing, doubled or swapped. */
static void stream_through (int out, int in, size_t total) {
  static uint8_t line[1000], back[150000];
  size_t sent = 0, seen = 0, wrong = 0;
  bool told = false;
  open_sink(out);
  assert_true(is_blocking(out)); /* others share it */
  set_nonblocking(in);
  int64_t end = tl_clock_mono_ms() + DEADLINE_MS;
  while (seen < total) {
    assert_true(tl_clock_mono_ms() < end);
    for (int i = 0; i < 2000 && sent < total; i++) { /* the owner does not hold itself back here */
      for (size_t k = 0; k < sizeof line; k++) line[k] = (uint8_t)((sent + k) % 253);
      tl_buf_add(tl_sink_buf(sink), line, sizeof line);
      sent += sizeof line;
      if (i % 100 == 0) told = tl_sink_flush(sink);
    }
    told = tl_sink_flush(sink);
    assert_true(told == (tl_sink_pending(sink) == 0));
    assert_in_range(seen + tl_sink_pending(sink), 0, sent);
    for (int i = 0; i < 3; i++) {
      ssize_t n = read(in, back, sizeof back);
      for (ssize_t k = 0; k < n; k++) wrong += back[k] != (uint8_t)((seen + (size_t)k) % 253);
      if (n > 0) seen += (size_t)n;
      uv_run(tl_loop_uv(loop), UV_RUN_NOWAIT);
    }
  }
  assert_int_equal(sent, total);
  assert_int_equal(wrong, 0);
  RUN_UNTIL(tl_sink_pending(sink) == 0);
  assert_true(drains >= 1);
  assert_int_equal(failures, 0);
  finish();
}

static void a_slow_reader_of_a_pipe_gets_all_of_100_mb_in_order (void **state) {
  int fds[2];
  (void)state;
  assert_int_equal(pipe(fds), 0);
  stream_through(fds[1], fds[0], 100 * 1000 * 1000);
  close(fds[0]);
  close(fds[1]);
}

static void a_slow_reader_of_a_socket_gets_all_in_order (void **state) {
  int fds[2];
  (void)state;
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
  stream_through(fds[1], fds[0], 20 * 1000 * 1000);
  close(fds[0]);
  close(fds[1]);
}

static void a_quick_reader_costs_no_waiting (void **state) {
  int fds[2];
  char in[16];
  (void)state;
  assert_int_equal(pipe(fds), 0);
  open_sink(fds[1]);
  assert_true(tl_sink_flush(sink)); /* nothing to write */
  put("one\n");
  assert_true(tl_sink_flush(sink));
  assert_int_equal(read(fds[0], in, sizeof in), 4);
  assert_int_equal(tl_sink_pending(sink), 0);
  tl_loop_run(loop); /* an idle sink keeps nobody */
  assert_int_equal(drains, 0);
  finish();
  close(fds[0]);
  close(fds[1]);
}

static void a_sink_with_bytes_pending_keeps_the_loop_until_they_are_out (void **state) {
  int fds[2];
  char *in = malloc(1 << 20);
  (void)state;
  assert_int_equal(pipe(fds), 0);
  open_sink(fds[1]);
  for (int i = 0; i < 100000; i++) put("12345678");
  assert_false(tl_sink_flush(sink));
  pid_t reader = fork();
  if (reader == 0) {
    close(fds[1]);
    for (ssize_t n, left = 800000; left > 0 && (n = read(fds[0], in, 1 << 20)) > 0;) left -= n;
    _exit(0);
  }
  tl_loop_run(loop);
  assert_int_equal(tl_sink_pending(sink), 0);
  assert_int_equal(drains, 1);
  finish();
  close(fds[0]);
  close(fds[1]);
  assert_int_equal(waitpid(reader, NULL, 0), reader);
  free(in);
}

static void a_pipe_never_holds_a_part_of_a_line (void **state) {
  static char in[1 << 20];
  int fds[2];
  size_t written = 0;
  (void)state;
  assert_int_equal(pipe(fds), 0);
  open_sink(fds[1]);
  for (int i = 0; i < 20000; i++) tl_buf_fmt(tl_sink_buf(sink), "%0*d\n", 20 + i % 130, i);
  assert_false(tl_sink_flush(sink)); /* nobody reads */
  size_t left = tl_sink_lines(sink);
  finish();
  close(fds[1]);
  ssize_t n = read(fds[0], in, sizeof in);
  assert_true(n > 0 && in[n - 1] == '\n');
  for (ssize_t i = 0; i < n; i++) written += in[i] == '\n';
  assert_int_equal(written + left, 20000);
  close(fds[0]);
}

/* A line longer than what a pipe or a socket's buffer has room for is begun: its reader may come
** back. At the end there is nobody left to write the rest. */
static void at_the_end_a_long_line_is_made_whole (void **state) {
  enum { LONG = 700000 };
  char *in = malloc(1 << 20);
  (void)state;
  for (int kind = 0; kind < 2; kind++) {
    int fds[2];
    assert_int_equal(kind ? socketpair(AF_UNIX, SOCK_STREAM, 0, fds) : pipe(fds), 0);
    open_sink(fds[1]);
    put("first\n");
    assert_true(tl_sink_flush(sink));
    assert_true(tl_sink_end_line(sink)); /* nothing was begun */
    for (int i = 0; i < LONG / 10; i++) put("123456789 ");
    assert_false(tl_sink_flush(sink));
    assert_false(tl_sink_end_line(sink)); /* the owner has not written its end */
    put("\n");
    put("never\n");
    assert_true(tl_sink_end_line(sink));
    assert_int_equal(tl_sink_lines(sink), 1);
    finish();
    close(fds[1]);
    ssize_t n, all = 0;
    while ((n = read(fds[0], in + all, (1 << 20) - (size_t)all)) > 0) all += n;
    assert_int_equal(all, 6 + LONG + 1);
    assert_int_equal(in[all - 1], '\n');
    close(fds[0]);
  }
  free(in);
}

static void notices_an_idle_reader_that_goes (void **state) {
  (void)state;
  for (int kind = 0; kind < 2; kind++) {
    int fds[2];
    assert_int_equal(kind ? socketpair(AF_UNIX, SOCK_STREAM, 0, fds) : pipe(fds), 0);
    failures = 0;
    open_sink(fds[1]);
    turn();
    assert_int_equal(failures, 0);
    close(fds[0]);
    RUN_UNTIL(failures == 1);
    assert_int_equal(code, UV_EPIPE);
    assert_non_null(strstr(text, ": the reader is gone"));
    put("x");
    assert_false(tl_sink_flush(sink));
    assert_int_equal(tl_sink_pending(sink), 0); /* thrown away, not collected */
    turn();
    assert_int_equal(failures, 1);
    finish();
    close(fds[1]);
  }
}

static void notices_a_reader_that_goes_while_bytes_are_pending (void **state) {
  int fds[2];
  (void)state;
  assert_int_equal(pipe(fds), 0);
  open_sink(fds[1]);
  for (int i = 0; i < 100000; i++) put("12345678");
  assert_false(tl_sink_flush(sink));
  close(fds[0]);
  assert_false(tl_sink_flush(sink)); /* finds it */
  assert_int_equal(failures, 0);     /* but not from inside the call */
  close_inside = true;
  RUN_UNTIL(failures == 1);
  assert_int_equal(code, UV_EPIPE);
  assert_int_equal(drains, 0);
  tl_loop_run(loop);
  close(fds[1]);
}

static void may_be_closed_before_the_failure_is_told (void **state) {
  int fds[2];
  (void)state;
  assert_int_equal(pipe(fds), 0);
  open_sink(fds[1]);
  close(fds[0]);
  put("x");
  assert_false(tl_sink_flush(sink));
  finish();
  assert_int_equal(failures, 0);
  tl_sink_close(NULL);
  close(fds[1]);
}

static void a_socket_that_stops_sending_still_reads (void **state) {
  int fds[2];
  char in[8];
  (void)state;
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
  open_sink(fds[1]);
  shutdown(fds[0], SHUT_WR);
  for (int i = 0; i < 3; i++) turn();
  assert_int_equal(failures, 0);
  put("abc");
  assert_true(tl_sink_flush(sink));
  assert_int_equal(read(fds[0], in, sizeof in), 3);
  close(fds[0]);
  RUN_UNTIL(failures == 1);
  finish();
  close(fds[1]);
}

static void a_file_is_written_at_once (void **state) {
  FILE *file = tmpfile();
  char in[8] = "";
  (void)state;
  open_sink(fileno(file));
  put("abc\n");
  assert_true(tl_sink_flush(sink));
  put("def\n");
  assert_true(tl_sink_flush(sink));
  assert_int_equal(pread(fileno(file), in, sizeof in, 0), 8);
  assert_memory_equal(in, "abc\ndef\n", 8);
  finish();
  fclose(file);
  assert_int_equal(drains, 0);
}

static void says_when_a_file_cannot_be_written (void **state) {
  int full = open("/dev/full", O_WRONLY);
  char want[80];
  (void)state;
  assert_true(full >= 0);
  open_sink(full);
  put("x");
  assert_false(tl_sink_flush(sink));
  close_inside = true;
  RUN_UNTIL(failures == 1);
  assert_int_equal(code, UV_ENOSPC);
  snprintf(want, sizeof want, "write to descriptor %d: no space left on device", full);
  assert_string_equal(text, want);
  close(full);
  open_sink(full); /* not even open */
  put("x");
  assert_false(tl_sink_flush(sink));
  RUN_UNTIL(failures == 2);
  assert_int_equal(code, UV_EBADF);
}

static void standard_output_is_called_so (void **state) {
  int fds[2], keep = dup(1);
  (void)state;
  assert_int_equal(pipe(fds), 0);
  dup2(fds[1], 1);
  open_sink(1);
  dup2(keep, 1);
  close(fds[1]);
  close(keep);
  close(fds[0]); /* the sink's own description is the only writer now */
  RUN_UNTIL(failures == 1);
  assert_string_equal(text, "standard output: the reader is gone");
  finish();
}

static void memory_that_ran_out_is_a_failure (void **state) {
  int fds[2];
  (void)state;
  assert_int_equal(pipe(fds), 0);
  open_sink(fds[1]);
  put("whole\n");
  tl_sink_buf(sink)->failed = true;
  assert_false(tl_sink_flush(sink));
  RUN_UNTIL(failures == 1);
  assert_int_equal(code, TL_ENOMEM);
  assert_non_null(strstr(text, "out of memory"));
  assert_false(readable(fds[0]));
  finish();
  close(fds[0]);
  close(fds[1]);
}

static void a_terminal_is_written_and_its_end_noticed (void **state) {
  int master, slave;
  char in[64];
  (void)state;
  assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
  open_sink(slave);
  assert_true(is_blocking(slave));
  put("hello");
  assert_true(tl_sink_flush(sink));
  assert_int_equal(read(master, in, sizeof in), 5);
  for (int i = 0; i < 20000; i++) put("12345678"); /* nobody reads: what fits, fits */
  assert_false(tl_sink_flush(sink));
  close(master);
  RUN_UNTIL(failures == 1);
  finish();
  close(slave);
}

/* A pipe that cannot be opened once more: that of another user. */
static void without_a_description_of_its_own_it_never_blocks_either (void **state) {
  int status;
  pid_t child = fork(); /* gives up its rights, and would hang if it blocked */
  (void)state;
  if (child == 0) {
    int fds[2], bad = 0;
    char in[70000];
    size_t seen = 0;
    if (pipe(fds) < 0 || setgid(65534) < 0 || setuid(65534) < 0) _exit(77);
    alarm(600);
    if (tl_loop_new(&loop) < 0) _exit(2); /* the parent's does not survive a fork */
    if (tl_sink_new(&sink, loop, fds[1], on_drained, on_failed, &sink) < 0) _exit(2);
    for (int i = 0; i < 40000; i++) tl_buf_str(tl_sink_buf(sink), "12345678");
    bad |= tl_sink_flush(sink) || tl_sink_pending(sink) == 0;
    set_nonblocking(fds[0]);
    while (seen < 320000) {
      ssize_t n = read(fds[0], in, sizeof in);
      if (n > 0) seen += (size_t)n;
      uv_run(tl_loop_uv(loop), UV_RUN_NOWAIT);
    }
    bad |= tl_sink_pending(sink) != 0 || drains != 1 || seen != 320000;
    close(fds[0]);
    while (failures == 0) turn();
    _exit(bad ? 3 : 0);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) skip(); /* only root can give up rights */
  assert_int_equal(WEXITSTATUS(status), 0);
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, setup, loop_teardown)
int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(a_slow_reader_of_a_pipe_gets_all_of_100_mb_in_order),
    SPEC(a_slow_reader_of_a_socket_gets_all_in_order),
    SPEC(a_quick_reader_costs_no_waiting),
    SPEC(a_sink_with_bytes_pending_keeps_the_loop_until_they_are_out),
    SPEC(a_pipe_never_holds_a_part_of_a_line),
    SPEC(at_the_end_a_long_line_is_made_whole),
    SPEC(notices_an_idle_reader_that_goes),
    SPEC(notices_a_reader_that_goes_while_bytes_are_pending),
    SPEC(may_be_closed_before_the_failure_is_told),
    SPEC(a_socket_that_stops_sending_still_reads),
    SPEC(a_file_is_written_at_once),
    SPEC(says_when_a_file_cannot_be_written),
    SPEC(standard_output_is_called_so),
    SPEC(memory_that_ran_out_is_a_failure),
    SPEC(a_terminal_is_written_and_its_end_noticed),
    SPEC(without_a_description_of_its_own_it_never_blocks_either),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

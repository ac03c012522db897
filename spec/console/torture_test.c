/* spec/console/torture_test.c — each request for memory and each call of libuv and of the system
** fails in turn, on both sides of the console's socket: it is not there, or a client is let go;
** those who are let in are answered, and the socket's file is nobody else's. */
#include "net/net_support.h"
#include "support/torture.h"

#include <dirent.h>
#include <sys/file.h>
#include <sys/un.h>

#include "console/client.h"
#include "console/server.h"
#include "net/poll.h"

FAILING(uv_pipe_open, int, UV_EBADF, (uv_pipe_t * h, int fd), (h, fd))
FAILING(uv_listen, int, UV_EADDRINUSE, (uv_stream_t * h, int n, uv_connection_cb f), (h, n, f))
FAILING(uv_fileno, int, UV_EBADF, (const uv_handle_t *h, uv_os_fd_t *fd), (h, fd))
FAILING(uv_read_start, int, UV_EINVAL, (uv_stream_t * h, uv_alloc_cb a, uv_read_cb r), (h, a, r))
FAILING(uv_try_write, int, UV_EAGAIN, (uv_stream_t * s, const uv_buf_t *b, unsigned n), (s, b, n))
FAILING(uv_write, int, UV_EPIPE,
        (uv_write_t * r, uv_stream_t *s, const uv_buf_t *b, unsigned n, uv_write_cb f),
        (r, s, b, n, f))
FAILING(stat, int, (errno = EIO, -1), (const char *path, struct stat *st), (path, st))
FAILING(lstat, int, (errno = EIO, -1), (const char *path, struct stat *st), (path, st))
FAILING(mkdir, int, (errno = ENOSPC, -1), (const char *path, mode_t mode), (path, mode))
FAILING(chmod, int, (errno = EROFS, -1), (const char *path, mode_t mode), (path, mode))
FAILING(unlink, int, (errno = EROFS, -1), (const char *path), (path))
FAILING(socket, int, (errno = EMFILE, -1), (int family, int type, int protocol),
        (family, type, protocol))
FAILING(bind, int, (errno = EADDRINUSE, -1), (int fd, const struct sockaddr *sa, socklen_t len),
        (fd, sa, len))
FAILING(listen, int, (errno = ENOBUFS, -1), (int fd, int backlog), (fd, backlog))
FAILING(connect, int, (errno = EACCES, -1), (int fd, const struct sockaddr *sa, socklen_t len),
        (fd, sa, len))
FAILING(getsockopt, int, (errno = ENOPROTOOPT, -1),
        (int fd, int level, int name, void *at, socklen_t *len), (fd, level, name, at, len))
FAILING(scandir, int, (errno = ENOMEM, -1),
        (const char *path, struct dirent ***list, int (*f)(const struct dirent *),
         int (*cmp)(const struct dirent **, const struct dirent **)),
        (path, list, f, cmp))

/* Calls that are begun anew, or fail for good. */
static int why;
FAILING(send, ssize_t, (errno = why, -1), (int fd, const void *at, size_t n, int flags),
        (fd, at, n, flags))
FAILING(recv, ssize_t, (errno = why, -1), (int fd, void *at, size_t n, int flags),
        (fd, at, n, flags))

static char folder[64], run_folder[80], path[100];
static tl_console *console;
static int opened, closed, frames;

static void on_opened (void *ctx, tl_console_client *c) {
  (void)ctx, (void)c;
  opened++;
}
static void on_frame (void *ctx, tl_console_client *c, char type, tl_slice body) {
  (void)ctx;
  frames++;
  tl_console_send(c, type, body);
}
static void on_closed (void *ctx, tl_console_client *c) {
  (void)ctx, (void)c;
  closed++;
}
static const tl_console_events events = { on_opened, on_frame, on_closed, NULL };

static int set_up (void **state) {
  opened = closed = frames = 0;
  console = NULL;
  memory_is_spared = false;
  snprintf(folder, sizeof folder, "/tmp/tagline-spec-XXXXXX");
  if (!mkdtemp(folder)) return -1;
  setenv("XDG_RUNTIME_DIR", folder, 1);
  unsetenv("RUNTIME_DIRECTORY");
  tl_console_services = "/nowhere/tagline";
  snprintf(run_folder, sizeof run_folder, "%s/tagline", folder);
  snprintf(path, sizeof path, "%s/plant.sock", run_folder);
  if (loop_setup(state) < 0) return -1;
  tl_poll_reserve(loop, 100);
  return 0;
}
static int tear_down (void **state) {
  tl_console_close(console);
  unlink(path);
  rmdir(run_folder);
  return rmdir(folder) + loop_teardown(state);
}

static void open_console (void) {
  tl_err err = { .text = "" };
  if (tl_console_listen(&console, loop, path, &events, NULL, &err) < 0) fail_msg("%s", err.text);
}

static void quick_turn (void) { uv_run(tl_loop_uv(loop), UV_RUN_NOWAIT); }
#define UNTIL(condition)                                                       \
  do {                                                                         \
    int64_t end_ = tl_clock_mono_ms() + DEADLINE_MS;                           \
    for (; !(condition); quick_turn()) assert_true(tl_clock_mono_ms() < end_); \
  } while (0)

static void it_listens_or_says_why_not (void **state) {
  (void)state;
  for (int stale = 0; stale < 2; stale++)
    for (torture_round t = { 0 }; torture_next(&t);) {
      tl_err err = { .text = "" };
      struct stat st;
      tl_console *it = NULL;
      unlink(path);
      if (stale) { /* a socket of a process that was killed */
        struct sockaddr_un sa = { .sun_family = AF_UNIX };
        memcpy(sa.sun_path, path, strlen(path));
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
        close(fd);
      } else {
        rmdir(run_folder);
      }
      memory_fails(t.at, t.for_ever);
      int rc = tl_console_listen(&it, loop, path, &events, NULL, &err);
      memory_heals();
      assert_true(memory_failed || rc == TL_OK);
      if (rc < 0) assert_true(!it && err.text[0] != '\0');
      for (int i = 0; i < 3; i++) quick_turn();
      tl_console_close(it);
      for (int i = 0; i < 3; i++) quick_turn();
      open_console(); /* nothing is in its way */
      assert_int_equal(stat(path, &st), 0);
      assert_int_equal(st.st_mode & 0777, 0600);
      tl_console_close(console);
      console = NULL;
      for (int i = 0; i < 3; i++) quick_turn();
    }
}

/* A client of plain calls: it sends a frame of `n` bytes and reads the answer. Whether all of it
** came; false: it was let go. */
static bool is_answered (const char *body, size_t n) {
  uint8_t head[5] = { 'e', (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n };
  static char in[1 << 16];
  struct sockaddr_un sa = { .sun_family = AF_UNIX };
  size_t sent = 0, got = 0;
  memory_is_spared = true;
  memcpy(sa.sun_path, path, strlen(path));
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
  set_nonblocking(fd);
  bool over = false;
  for (int64_t end = tl_clock_mono_ms() + DEADLINE_MS; !over && got < n + 5;) {
    assert_true(tl_clock_mono_ms() < end);
    ssize_t rc = 0;
    if (sent < 5)
      rc = send(fd, head + sent, 5 - sent, MSG_NOSIGNAL);
    else if (sent < n + 5)
      rc = send(fd, body + sent - 5, n + 5 - sent, MSG_NOSIGNAL);
    if (rc > 0) sent += (size_t)rc;
    ssize_t came = recv(fd, in, sizeof in, 0);
    if (came > 0 && got == 0) assert_int_equal(in[0], 'e');
    if (came > 0) got += (size_t)came;
    over = came == 0 || (came < 0 && errno != EAGAIN);
    memory_is_spared = false;
    quick_turn();
    memory_is_spared = true;
  }
  close(fd);
  memory_is_spared = false;
  return !over;
}

static void a_client_is_answered_or_let_go (void **state) {
  static char large[400000];
  (void)state;
  open_console();
  for (int size = 0; size < 2; size++)
    for (torture_round t = { 0 }; torture_next(&t);) {
      opened = closed = 0;
      memory_fails(t.at, t.for_ever);
      bool well = is_answered(large, size ? sizeof large : 10);
      memory_heals();
      bool failed = memory_failed;
      assert_true(well || failed);
      UNTIL(opened == closed);
      assert_true(is_answered(large, 10)); /* the next one is */
      memory_failed = failed;
      UNTIL(opened == closed);
    }
}

static void what_runs_is_found_or_an_error (void **state) {
  (void)state;
  open_console();
  for (torture_round t = { 0 }; torture_next(&t);) {
    tl_buf out;
    tl_err err = { .text = "" };
    tl_buf_init(&out);
    memory_fails(t.at, t.for_ever);
    int n = tl_console_running(&out, &err);
    memory_heals();
    if (!memory_failed) assert_int_equal(n, 1);
    assert_true(n <= 1);
    if (n == 1) assert_true(out.len == strlen(path) + 1 && memcmp(out.at, path, strlen(path)) == 0);
    tl_buf_fini(&out);
  }
}

static void a_connection_is_made_or_says_why_not (void **state) {
  (void)state;
  open_console();
  for (torture_round t = { 0 }; torture_next(&t);) {
    tl_err err = { .text = "" };
    memory_fails(t.at, t.for_ever);
    int fd = tl_console_connect(path, true, 20000, &err);
    memory_heals();
    /* root may ask a process that it does not know */
    assert_true(fd >= 0 || (memory_failed && strstr(err.text, path)));
    if (fd >= 0) close(fd);
    UNTIL(opened == closed);
  }
}

static void frames_pass_over_interrupted_calls (void **state) {
  static const int reasons[] = { EINTR, EAGAIN, EIO, ECONNRESET };
  (void)state;
  for (size_t i = 0; i < COUNT(reasons); i++) {
    why = reasons[i];
    for (torture_round t = { 0 }; torture_next(&t);) {
      int ends[2];
      tl_buf body;
      char type = '?';
      bool passes_over = why == EINTR || why == EAGAIN;
      if (t.for_ever && passes_over) break; /* it would go on for ever */
      tl_buf_init(&body);
      assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
      memory_fails(t.at, t.for_ever);
      int put = tl_console_put(ends[0], 'e', TL_LIT("code"));
      int got = put == 0 ? tl_console_get(ends[1], &type, &body) : -1;
      memory_heals();
      bool passes = !memory_failed || (passes_over && got != TL_ENOMEM);
      if (passes) {
        assert_int_equal(put, 0);
        assert_int_equal(got, 1);
        assert_int_equal(type, 'e');
        assert_bytes(tl_buf_bytes(&body), "code");
      } else {
        assert_true(put < 0 || got <= 0);
      }
      tl_buf_fini(&body);
      close(ends[0]);
      close(ends[1]);
    }
  }
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(it_listens_or_says_why_not),         SPEC(a_client_is_answered_or_let_go),
    SPEC(what_runs_is_found_or_an_error),     SPEC(a_connection_is_made_or_says_why_not),
    SPEC(frames_pass_over_interrupted_calls),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

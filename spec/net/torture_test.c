/* spec/net/torture_test.c — each request for memory and each call of libuv and of the system that a
** maker of this room needs fails in turn: the maker says so, gives nothing, keeps nothing, and the
** loop goes on. */
#include "net/net_support.h"
#include "support/torture.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/un.h>

#include "net/listen.h"
#include "net/notify.h"
#include "net/poll.h"
#include "net/process.h"
#include "net/resolve.h"
#include "net/sink.h"
#include "net/stall.h"
#include "net/stream.h"
#include "net/tcp.h"
#include "net/thread.h"
#include "net/work.h"

FAILING(uv_loop_init, int, UV_EMFILE, (uv_loop_t * l), (l))
FAILING(uv_async_init, int, UV_EMFILE, (uv_loop_t * l, uv_async_t *h, uv_async_cb f), (l, h, f))
FAILING(uv_poll_init, int, UV_EBADF, (uv_loop_t * l, uv_poll_t *h, int fd), (l, h, fd))
FAILING(uv_pipe_open, int, UV_EBADF, (uv_pipe_t * h, int fd), (h, fd))
FAILING(uv_queue_work, int, UV_ENOMEM,
        (uv_loop_t * l, uv_work_t *r, uv_work_cb f, uv_after_work_cb done), (l, r, f, done))
FAILING(uv_resident_set_memory, int, UV_EIO, (size_t * n), (n))
FAILING(uv_tcp_connect, int, UV_ENETUNREACH,
        (uv_connect_t * r, uv_tcp_t *h, const struct sockaddr *sa, uv_connect_cb f), (r, h, sa, f))
FAILING(uv_try_write, int, UV_EIO, (uv_stream_t * s, const uv_buf_t *b, unsigned n), (s, b, n))
FAILING(uv_write, int, UV_EIO,
        (uv_write_t * r, uv_stream_t *s, const uv_buf_t *b, unsigned n, uv_write_cb f),
        (r, s, b, n, f))
FAILING(uv_shutdown, int, UV_ENOTCONN, (uv_shutdown_t * r, uv_stream_t *s, uv_shutdown_cb f),
        (r, s, f))
FAILING(pthread_create, int, EAGAIN,
        (pthread_t * t, const pthread_attr_t *a, void *(*f)(void *), void *arg), (t, a, f, arg))
FAILING(epoll_create1, int, (errno = EMFILE, -1), (int flags), (flags))
FAILING(epoll_ctl, int, (errno = ENOSPC, -1), (int e, int op, int fd, struct epoll_event *v),
        (e, op, fd, v))
FAILING(socket, int, (errno = EMFILE, -1), (int family, int type, int protocol),
        (family, type, protocol))
FAILING(listen, int, (errno = ENOBUFS, -1), (int fd, int backlog), (fd, backlog))
FAILING(getsockname, int, (errno = ENOBUFS, -1), (int fd, struct sockaddr *sa, socklen_t *len),
        (fd, sa, len))
FAILING(eventfd, int, (errno = EMFILE, -1), (unsigned n, int flags), (n, flags))
FAILING(getrusage, int, (errno = EFAULT, -1), (int who, void *out), (who, out))
WRAPPED(clock_gettime, int __wrap_clock_gettime(clockid_t id, struct timespec *out);)

/* Only of the maker: the thread that it starts reads the clock at a time of its own. */
static pthread_t maker;
int __real_clock_gettime (clockid_t id, struct timespec *out);
int __wrap_clock_gettime (clockid_t id, struct timespec *out) {
  if (!pthread_equal(pthread_self(), maker) || !memory_is_refused())
    return __real_clock_gettime(id, out);
  errno = EINVAL;
  return -1;
}

/* --- what is made --- */

static int calls;
static int ends[2];

static void nothing (void *ctx) { (void)ctx; }
static void count_call (void *ctx) {
  (void)ctx;
  calls++;
}
static void on_number (void *ctx, int number) { (void)ctx, (void)number; }
static void on_failed (void *ctx, int code, const char *text) { (void)ctx, (void)code, (void)text; }
static void on_fd (void *ctx, int fd, const char *peer) { (void)ctx, (void)fd, (void)peer; }
static void on_bytes (void *ctx, const uint8_t *at, size_t n) { (void)ctx, (void)at, (void)n; }
static void on_where (void *ctx, tl_stall_note *note) { (void)ctx, (void)note; }
static int64_t on_limit (void *ctx, bool told) { return (void)ctx, (void)told, 0; }
static void on_why (void *ctx, const char *told, double held_s, char *out, size_t room) {
  (void)ctx, (void)told, (void)held_s, (void)out, (void)room;
}
static void on_line (void *ctx, const char *line) { (void)ctx, (void)line; }
static int on_end (void *ctx) { return (void)ctx, 1; }
static void on_names (void *ctx, int code, struct addrinfo *list) {
  (void)ctx, (void)code;
  if (list) freeaddrinfo(list);
}
static const tl_stream_events stream_events = { on_bytes, nothing, nothing, nothing };
static const tl_stall_events stall_events = {
  nothing, on_where, on_limit, on_why, on_line, on_end
};

static int make_timer (void **out) { return tl_timer_new((tl_timer **)out, loop, nothing, NULL); }
static void drop_timer (void *it) { tl_timer_close(it); }

static int make_signal (void **out) {
  return tl_signal_new((tl_signal **)out, loop, SIGUSR1, on_number, NULL);
}
static void drop_signal (void *it) { tl_signal_close(it); }

static int make_poll (void **out) {
  return tl_poll_new((tl_poll **)out, loop, ends[0], on_number, NULL);
}
static void drop_poll (void *it) { tl_poll_close(it); }

static int make_sink (void **out) {
  return tl_sink_new((tl_sink **)out, loop, ends[1], nothing, on_failed, NULL);
}
static void drop_sink (void *it) { tl_sink_close(it); }

static int make_listener (void **out) {
  uint16_t port = 0;
  long left = memory_left;
  memory_left = -1; /* of the socket we speak elsewhere */
  int fd = listen_on(AF_INET, 1, &port);
  assert_true(fd >= 0);
  memory_left = left;
  return tl_listener_new((tl_listener **)out, loop, fd, on_fd, NULL);
}
static void drop_listener (void *it) { tl_listener_close(it); }

static int make_stream (void **out) {
  int fd = dup(ends[0]);
  assert_true(fd >= 0);
  int rc = tl_stream_open((tl_stream **)out, loop, fd, &stream_events, NULL);
  if (rc < 0) assert_int_equal(close(fd), 0); /* not taken */
  return rc;
}
static void drop_stream (void *it) { tl_stream_close(it, 0); }

static int make_stall (void **out) {
  return tl_stall_watch((tl_stall **)out, loop, 60000, 0, &stall_events, NULL);
}
static void drop_stall (void *it) { tl_stall_close(it); }

static int make_thread (void **out) {
  return tl_thread_start((tl_thread **)out, loop, nothing, nothing, nothing, NULL);
}
static void drop_thread (void *it) { tl_thread_cancel(it); }

static int make_resolve (void **out) {
  struct addrinfo *list;
  return tl_resolve_start((tl_resolve **)out, &list, loop, "localhost", 1, on_names, NULL);
}
static void drop_resolve (void *it) { tl_resolve_cancel(it); }

static const struct {
  const char *name;
  int (*make)(void **out);
  void (*drop)(void *it);
} makers[] = {
  { "timer", make_timer, drop_timer },
  { "signal", make_signal, drop_signal },
  { "poll", make_poll, drop_poll },
  { "sink", make_sink, drop_sink },
  { "listener", make_listener, drop_listener },
  { "stream", make_stream, drop_stream },
  { "stall", make_stall, drop_stall },
  { "thread", make_thread, drop_thread },
  { "resolve", make_resolve, drop_resolve },
};

static int set_up (void **state) {
  maker = pthread_self();
  return loop_setup(state) + socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
}
static int tear_down (void **state) {
  close(ends[0]);
  close(ends[1]);
  return loop_teardown(state);
}

/* The lowest free descriptor: the same before and after where none is kept. */
static int next_descriptor (void) {
  int fd = dup(STDERR_FILENO);
  close(fd);
  return fd;
}

static void a_maker_that_fails_keeps_nothing (void **state) {
  (void)state;
  turn(); /* libuv opens what it keeps */
  for (size_t i = 0; i < COUNT(makers); i++) {
    void *first;
    assert_int_equal(makers[i].make(&first), 0); /* its table of descriptors has room then */
    makers[i].drop(first);
    for (int n = 0; n < 3; n++) turn();
    for (torture_round t = { 0 }; torture_next(&t);) {
      void *const before = (void *)&t, *it = before;
      int free_before = next_descriptor();
      memory_fails(t.at, t.for_ever);
      int rc = makers[i].make(&it);
      memory_heals();
      if (memory_failed && (rc >= 0 || it != before))
        fail_msg("%s: %d when request %ld fails", makers[i].name, rc, t.at);
      if (!memory_failed) {
        assert_int_equal(rc, 0);
        makers[i].drop(it);
      }
      for (int n = 0; n < 3; n++) turn();
      if (memory_failed && strcmp(makers[i].name, "signal") != 0)
        assert_int_equal(next_descriptor(), free_before);
    }
  }
}

static void a_loop_is_not_made (void **state) {
  (void)state;
  for (torture_round t = { 0 }; torture_next(&t);) {
    tl_loop *other = NULL;
    memory_fails(t.at, t.for_ever);
    int rc = tl_loop_new(&other);
    memory_heals();
    /* libuv's table of descriptors may have the reserve (net/memory.c) */
    assert_true(rc == TL_OK || (memory_failed && rc < 0 && !other));
    if (rc == TL_OK) tl_loop_free(other);
  }
}

static void what_is_asked_for_later_is_refused_or_comes (void **state) {
  (void)state;
  for (torture_round t = { 0 }; torture_next(&t);) {
    tl_loop *other = NULL;
    assert_int_equal(tl_loop_new(&other), TL_OK);
    int taken = 0;
    calls = 0;
    memory_fails(t.at, t.for_ever);
    for (intptr_t i = 0; i < 40; i++) {
      int rc = tl_loop_later(other, count_call, (void *)i);
      assert_true(rc == TL_OK || rc == TL_ENOMEM);
      taken += rc == TL_OK;
    }
    memory_heals();
    assert_true(taken == 40 || memory_failed); /* what only makes it quicker may be missing */
    tl_loop_run(other);
    assert_int_equal(calls, taken);
    tl_loop_free(other);
  }
}

static void work_is_done_and_told_or_refused (void **state) {
  (void)state;
  for (torture_round t = { 0 }; torture_next(&t);) {
    calls = 0;
    memory_fails(t.at, t.for_ever);
    int rc = tl_work_start(loop, nothing, count_call, NULL);
    memory_heals();
    assert_true(memory_failed ? rc < 0 : rc == TL_OK);
    tl_loop_run(loop);
    assert_int_equal(calls, memory_failed ? 0 : 1);
  }
}

static void a_port_is_not_taken (void **state) {
  (void)state;
  for (torture_round t = { 0 }; torture_next(&t);) {
    char bound[TL_LISTEN_ADDRESS] = "none";
    tl_err err = { .text = "" };
    int fd = -7, free_before = next_descriptor();
    memory_fails(t.at, t.for_ever);
    int rc = tl_listen_tcp("127.0.0.1:0", &fd, bound, &err);
    memory_heals();
    if (memory_failed) {
      assert_true(rc < 0 && fd == -7);
      assert_non_null(strstr(err.text, "listen on 127.0.0.1:0: "));
      assert_string_equal(bound, "none");
      assert_int_equal(next_descriptor(), free_before);
    } else {
      assert_int_equal(rc, TL_OK);
      close(fd);
    }
  }
}

static void a_manager_is_not_told (void **state) {
  (void)state;
  for (torture_round t = { 0 }; torture_next(&t);) {
    setenv("NOTIFY_SOCKET", "@tagline-spec-nobody", 1);
    memory_fails(t.at, t.for_ever);
    tl_notify *n = tl_notify_open();
    memory_heals();
    assert_true(memory_failed == !n);
    tl_notify_send(n, "READY=1"); /* nobody is there: no harm */
    tl_notify_close(n);
  }
  unsetenv("NOTIFY_SOCKET");
}

/* What the system does not tell is 0. */
static void facts_of_the_process_are_given_as_far_as_they_are_known (void **state) {
  (void)state;
  tl_process_begin();
  for (torture_round t = { 0 }; torture_next(&t);) {
    tl_process_facts facts;
    memory_fails(t.at, t.for_ever);
    tl_process_get(&facts);
    memory_heals();
    assert_true(facts.started > 1e9);
    if (!memory_failed) {
      assert_true(facts.cpu > 0 && facts.loop > 0 && facts.memory > 0);
    } else {
      assert_true(facts.cpu == 0 || facts.loop == 0 || facts.memory == 0);
    }
  }
}

static void room_for_descriptors_is_made_or_not (void **state) {
  (void)state;
  for (torture_round t = { 0 }; torture_next(&t);) {
    int free_before = next_descriptor();
    memory_fails(t.at, t.for_ever);
    tl_poll_reserve(loop, 200);
    memory_heals();
    for (int n = 0; n < 2; n++) turn();
    assert_int_equal(next_descriptor(), free_before);
  }
}

/* --- a connection --- */

static uint8_t room[64];
static int tcp_connects, tcp_closes;
static void on_tcp_connected (void *ctx, const char *peer) {
  (void)ctx, (void)peer;
  tcp_connects++;
}
static uint8_t *on_tcp_room (void *ctx, size_t *n) {
  (void)ctx;
  *n = sizeof room;
  return room;
}
static void on_tcp_data (void *ctx, size_t n) { (void)ctx, (void)n; }
static void on_tcp_closed (void *ctx, int code, const char *text) {
  (void)ctx, (void)code;
  assert_true(text[0] != '\0');
  tcp_closes++;
}
static const tl_tcp_events tcp_events = { .connected = on_tcp_connected,
                                          .room = on_tcp_room,
                                          .data = on_tcp_data,
                                          .drained = nothing,
                                          .closed = on_tcp_closed };

/* By name, which takes a thread: it is refused at once, or ends with `closed`, or connects. */
static void a_connection_ends_in_words (void **state) {
  (void)state;
  uint16_t port = 0;
  int server = listen_on(AF_INET, 100, &port);
  assert_true(server >= 0);
  for (torture_round t = { 0 }; torture_next(&t);) {
    tl_tcp *tcp = NULL;
    tcp_connects = tcp_closes = 0;
    memory_fails(t.at, t.for_ever);
    int rc = tl_tcp_connect(&tcp, loop, "localhost", port, 0, &tcp_events, NULL);
    memory_heals();
    if (rc < 0) {
      assert_true(memory_failed && !tcp);
      turn();
      continue;
    }
    RUN_UNTIL(tcp_connects + tcp_closes > 0);
    assert_true(memory_failed ? tcp_closes == 1 : tcp_connects == 1);
    if (tcp_closes == 0) tl_tcp_close(tcp, 0);
    RUN_UNTIL(tcp_closes == 1);
  }
  close(server);
}

/* Closed with time to linger: with whatever fails it ends, once. */
static void a_write_that_fails_ends_the_connection (void **state) {
  static char big[6 << 20];
  (void)state;
  uint16_t port = 0;
  int server = listen_on(AF_INET, 100, &port);
  assert_true(server >= 0);
  for (torture_round t = { 0 }; torture_next(&t);) {
    tl_tcp *tcp = NULL;
    tcp_connects = tcp_closes = 0;
    assert_int_equal(tl_tcp_connect(&tcp, loop, "127.0.0.1", port, 5000, &tcp_events, NULL), 0);
    RUN_UNTIL(tcp_connects == 1);
    int client = accept(server, NULL, NULL);
    memory_fails(t.at, t.for_ever);
    int rc = tl_tcp_write(tcp, big, sizeof big);
    tl_tcp_close(tcp, 10);
    memory_heals();
    assert_true(rc == TL_OK || (rc == TL_ENOMEM && memory_failed));
    assert_int_equal(tl_tcp_write(tcp, "x", 1), TL_ESTATE);
    assert_int_equal(tcp_closes, 0); /* never from inside */
    RUN_UNTIL(tcp_closes == 1);
    close(client);
  }
  close(server);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_maker_that_fails_keeps_nothing, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_loop_is_not_made, set_up, tear_down),
    cmocka_unit_test_setup_teardown(what_is_asked_for_later_is_refused_or_comes, set_up, tear_down),
    cmocka_unit_test_setup_teardown(work_is_done_and_told_or_refused, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_port_is_not_taken, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_manager_is_not_told, set_up, tear_down),
    cmocka_unit_test_setup_teardown(facts_of_the_process_are_given_as_far_as_they_are_known, set_up,
                                    tear_down),
    cmocka_unit_test_setup_teardown(room_for_descriptors_is_made_or_not, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_connection_ends_in_words, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_write_that_fails_ends_the_connection, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

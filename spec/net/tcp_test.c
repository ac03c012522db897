/* spec/net/tcp_test.c — outgoing connections against plain sockets; names are answered by this
** program's own getaddrinfo(). */
#include "net/net_support.h"

#include <netdb.h>
#include <pthread.h>

#include "base/buf.h"
#include "net/tcp.h"

/* Names: "two" is a refused address and then 127.0.0.1; "slow" waits until it is let go; "hole"
** is 127.0.0.1 and then a refused one; "refused" two refused ones; "odd" one that connect()
** itself refuses and then 127.0.0.1; "empty" succeeds without an address; "system" fails so, a
** number with this EAI_… code; all others are not known. Literals as usual. */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;
static int waiting, let_go, answered;

static struct addrinfo *address (const char *text, const char *port, struct addrinfo *next) {
  struct addrinfo *ai = calloc(1, sizeof *ai);
  bool six = strchr(text, ':');
  ai->ai_family = six ? AF_INET6 : AF_INET;
  ai->ai_next = next;
  ai->ai_addr = calloc(1, sizeof(struct sockaddr_in6));
  if (six)
    uv_ip6_addr(text, atoi(port), (struct sockaddr_in6 *)(void *)ai->ai_addr);
  else
    uv_ip4_addr(text, atoi(port), (struct sockaddr_in *)(void *)ai->ai_addr);
  return ai;
}

int getaddrinfo (const char *host, const char *port, const struct addrinfo *hints,
                 struct addrinfo **out) {
  struct in6_addr six;
  struct in_addr four;
  if (inet_pton(AF_INET, host, &four) == 1 || inet_pton(AF_INET6, host, &six) == 1) {
    *out = address(host, port, NULL);
    return 0;
  }
  if (hints->ai_flags & AI_NUMERICHOST) return EAI_NONAME;
  if (strcmp(host, "slow") == 0) {
    pthread_mutex_lock(&gate);
    waiting++;
    pthread_cond_broadcast(&moved);
    while (let_go == 0) pthread_cond_wait(&moved, &gate);
    let_go--;
    answered++;
    pthread_cond_broadcast(&moved);
    pthread_mutex_unlock(&gate);
    *out = address("127.0.0.1", port, NULL);
    return 0;
  }
  if (strcmp(host, "two") == 0)
    *out = address("127.0.0.2", port, address("127.0.0.1", port, NULL));
  else if (strcmp(host, "refused") == 0)
    *out = address("127.0.0.2", port, address("127.0.0.3", port, NULL));
  else if (strcmp(host, "hole") == 0)
    *out = address("127.0.0.1", port, address("127.0.0.2", port, NULL));
  else if (strcmp(host, "odd") == 0)
    /* refused by connect() itself */
    *out = address("255.255.255.255", port, address("127.0.0.1", port, NULL));
  else if (strcmp(host, "empty") == 0)
    *out = NULL;
  else if (atoi(host) < 0)
    return atoi(host);
  else if (strcmp(host, "system") == 0) {
    errno = EMFILE;
    return EAI_SYSTEM;
  } else
    return EAI_NONAME;
  return 0;
}

void freeaddrinfo (struct addrinfo *ai) {
  while (ai) {
    struct addrinfo *next = ai->ai_next;
    free(ai->ai_addr);
    free(ai);
    ai = next;
  }
}

/* What the owner saw. */
static tl_tcp *tcp;
static int connects, drains, closes, code, datas, close_in;
static char peer[80], text[256];
static tl_buf got;
static size_t room_size;
static bool no_room, several;
enum { IN_CONNECTED = 1, IN_DATA, IN_DRAINED, IN_ROOM };

static void on_connected (void *ctx, const char *who) {
  (void)ctx;
  connects++;
  snprintf(peer, sizeof peer, "%s", who);
  if (close_in == IN_CONNECTED) tl_tcp_close(tcp, 0);
}
static uint8_t *on_room (void *ctx, size_t *room) {
  (void)ctx;
  if (close_in == IN_ROOM) tl_tcp_close(tcp, 0);
  if (no_room || tl_buf_reserve(&got, room_size) < 0) return NULL;
  *room = room_size;
  return got.at + got.len;
}
static void on_data (void *ctx, size_t n) {
  (void)ctx;
  assert_int_equal(closes, 0);
  got.len += n;
  datas++;
  if (close_in == IN_DATA) tl_tcp_close(tcp, 0);
}
static void on_drained (void *ctx) {
  (void)ctx;
  drains++;
  assert_int_equal(tl_tcp_pending(tcp), 0);
  if (close_in == IN_DRAINED) tl_tcp_close(tcp, 0);
}
static void on_closed (void *ctx, int why, const char *what) {
  assert_ptr_equal(ctx, &tcp);
  closes++;
  code = why;
  snprintf(text, sizeof text, "%s", what);
  if (!several) tl_tcp_close(tcp, 0); /* harmless even here */
}
static const tl_tcp_events events = { .connected = on_connected,
                                      .room = on_room,
                                      .data = on_data,
                                      .drained = on_drained,
                                      .closed = on_closed };

static int server, client;
static uint16_t port;

static int setup (void **state) {
  connects = drains = closes = datas = close_in = 0;
  code = 12345;
  no_room = false;
  room_size = 65536;
  peer[0] = text[0] = 0;
  client = -1;
  server = listen_on(AF_INET, 16, &port);
  return server < 0 ? -1 : loop_setup(state);
}
static int teardown (void **state) {
  if (client >= 0) close(client);
  if (server >= 0) close(server);
  tl_buf_fini(&got);
  return loop_teardown(state);
}

static void start (const char *host, uint16_t to) {
  assert_int_equal(tl_tcp_connect(&tcp, loop, host, to, 0, &events, &tcp), 0);
}

static void open_connection (void) {
  start("127.0.0.1", port);
  RUN_UNTIL(connects == 1);
  client = accept4(server, NULL, NULL, SOCK_CLOEXEC);
  assert_true(client >= 0);
}

static void finish (void) {
  tl_tcp_close(tcp, 0);
  RUN_UNTIL(closes == 1);
  assert_int_equal(code, 0);
  assert_string_equal(text, "closed");
}

static void check_failure (const char *host, int want, const char *words) {
  char full[256];
  closes = 0;
  start(host, port);
  assert_int_equal(closes, 0); /* never from inside the call */
  RUN_UNTIL(closes == 1);
  snprintf(full, sizeof full, words, port, port);
  assert_string_equal(text, full);
  assert_int_equal(code, want);
  assert_int_equal(connects, 0);
}

static void connects_to_ipv4_without_delay (void **state) {
  char want[80];
  (void)state;
  open_connection();
  snprintf(want, sizeof want, "127.0.0.1:%u", port);
  assert_string_equal(peer, want);
  finish();
  assert_int_equal(recv(client, want, 1, 0), 0);
}

/* Our end of the connection: the descriptor whose peer is the listening port. */
static int our_end (void) {
  int found = -1;
  for (int fd = 3; fd < 64; fd++) {
    struct sockaddr_in sa;
    socklen_t len = sizeof sa;
    if (getpeername(fd, (struct sockaddr *)&sa, &len) < 0 || sa.sin_family != AF_INET ||
        ntohs(sa.sin_port) != port)
      continue;
    assert_int_equal(found, -1);
    found = fd;
  }
  assert_true(found >= 0);
  return found;
}

/* As open_connection(), but the kernel holds a few 100 kB only, whatever this machine lets
** buffers grow to. */
static void open_narrow_connection (void) {
  int small = 65536;
  setsockopt(server, SOL_SOCKET, SO_RCVBUF, &small, sizeof small); /* inherited */
  open_connection();
  setsockopt(our_end(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
}

static void sets_tcp_nodelay (void **state) {
  (void)state;
  open_connection();
  int on = 0;
  socklen_t len = sizeof on;
  assert_int_equal(getsockopt(our_end(), IPPROTO_TCP, 1 /* TCP_NODELAY */, &on, &len), 0);
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
    if (poll(&p, 1, 100) == 0) return n + 1;
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
  tl_tcp_attempt_ms = 5000; /* more than there is for both: each gets its share */
  closes = 0;
  int64_t before = tl_clock_mono_ms();
  assert_int_equal(tl_tcp_connect(&tcp, loop, "hole", port, 200, &events, &tcp), 0);
  RUN_UNTIL(closes == 1);
  assert_in_range(tl_clock_mono_ms() - before, 90, 2000);
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

#define SPEC(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
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

/* spec/net/tcp_support.h — an owner of connections that notes what it is told, and a
** getaddrinfo() of our own that answers names. */
#ifndef TL_SPEC_NET_TCP_SUPPORT_H
#define TL_SPEC_NET_TCP_SUPPORT_H

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

static inline struct addrinfo *address (const char *text, const char *port, struct addrinfo *next) {
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

static inline void on_connected (void *ctx, const char *who) {
  (void)ctx;
  connects++;
  snprintf(peer, sizeof peer, "%s", who);
  if (close_in == IN_CONNECTED) tl_tcp_close(tcp, 0);
}
static inline uint8_t *on_room (void *ctx, size_t *room) {
  (void)ctx;
  if (close_in == IN_ROOM) tl_tcp_close(tcp, 0);
  if (no_room || tl_buf_reserve(&got, room_size) < 0) return NULL;
  *room = room_size;
  return got.at + got.len;
}
static inline void on_data (void *ctx, size_t n) {
  (void)ctx;
  assert_int_equal(closes, 0);
  got.len += n;
  datas++;
  if (close_in == IN_DATA) tl_tcp_close(tcp, 0);
}
static inline void on_drained (void *ctx) {
  (void)ctx;
  drains++;
  assert_int_equal(tl_tcp_pending(tcp), 0);
  if (close_in == IN_DRAINED) tl_tcp_close(tcp, 0);
}
static inline void on_closed (void *ctx, int why, const char *what) {
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

static inline int setup (void **state) {
  connects = drains = closes = datas = close_in = 0;
  code = 12345;
  no_room = false;
  room_size = 65536;
  peer[0] = text[0] = 0;
  client = -1;
  server = listen_on(AF_INET, 16, &port);
  return server < 0 ? -1 : loop_setup(state);
}
static inline int teardown (void **state) {
  if (client >= 0) close(client);
  if (server >= 0) close(server);
  tl_buf_fini(&got);
  return loop_teardown(state);
}

static inline void start (const char *host, uint16_t to) {
  assert_int_equal(tl_tcp_connect(&tcp, loop, host, to, 0, &events, &tcp), 0);
}

static inline void open_connection (void) {
  start("127.0.0.1", port);
  RUN_UNTIL(connects == 1);
  client = accept4(server, NULL, NULL, SOCK_CLOEXEC);
  assert_true(client >= 0);
}

static inline void finish (void) {
  tl_tcp_close(tcp, 0);
  RUN_UNTIL(closes == 1);
  assert_int_equal(code, 0);
  assert_string_equal(text, "closed");
}

static inline void check_failure (const char *host, int want, const char *words) {
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

/* As open_connection(), but the kernel holds a few 100 kB only, whatever this machine lets
** buffers grow to. */
static inline void open_narrow_connection (void) {
  int small = 65536;
  setsockopt(server, SOL_SOCKET, SO_RCVBUF, &small, sizeof small); /* inherited */
  open_connection();
  setsockopt(our_end_to(port), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif

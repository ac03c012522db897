/* spec/transport/torture_test.c — each request for memory, and each call that makes a layer, fails
** in turn while a connection comes up, carries bytes and ends: it is refused, or ends once and
** says why, and no byte is wrong or left out before that. */
#include "support/torture.h"
#include "owner.h"

#include <openssl/ssl.h>
#include <pthread.h>
#include <sys/random.h>

#include "net/poll.h"

FAILING(SSL_new, SSL *, NULL, (SSL_CTX * c), (c))
FAILING(SSL_CTX_new, SSL_CTX *, NULL, (const SSL_METHOD *m), (m))
FAILING(BIO_new, BIO *, NULL, (const BIO_METHOD *m), (m))
FAILING(BIO_new_mem_buf, BIO *, NULL, (const void *at, int n), (at, n))
FAILING(getrandom, ssize_t, -1, (void *at, size_t n, unsigned flags), (at, n, flags))
FAILING(pthread_create, int, EAGAIN,
        (pthread_t * t, const pthread_attr_t *a, void *(*f)(void *), void *arg), (t, a, f, arg))
FAILING(uv_try_write, int, UV_EAGAIN, (uv_stream_t * s, const uv_buf_t *b, unsigned n), (s, b, n))

static char words[70000]; /* many reads of the room below */

static void on_bytes (size_t n) {
  (void)n;
  assert_true(got.len <= sizeof words && memcmp(got.at, words, got.len) == 0);
}

static int set_up (void **state) {
  int rc = owner_set_up(state, on_bytes);
  tl_poll_reserve(loop, 100); /* libuv does not do without that table */
  for (size_t i = 0; i < sizeof words; i++) words[i] = (char)('a' + i % 26);
  return rc;
}

static void peers_turn (peer *p) {
  char c;
  memory_is_spared = true;
  if (p->fd >= 0 && recv(p->fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) == 0) peer_hang_up(p);
  peer_turn(p);
  memory_is_spared = false;
}
/* Nothing is waited for: there are many rounds. */
static void quick_turn (peer *p) {
  peers_turn(p);
  uv_run(tl_loop_uv(loop), UV_RUN_NOWAIT);
}
#define UNTIL(p, condition)                                                     \
  do {                                                                          \
    int64_t end_ = tl_clock_mono_ms() + DEADLINE_MS;                            \
    for (; !(condition); quick_turn(p)) assert_true(tl_clock_mono_ms() < end_); \
  } while (0)

static int begin (peer *p, layers of, tl_transport_memory *memory) {
  const tl_slice headers[] = { TL_LIT("X-Plant: 7") };
  tl_transport_target target = target_of(p);
  target.ws_headers = headers;
  target.ws_header_count = of.ws ? 1 : 0;
  target.memory = memory;
  return owner_connect(&target);
}

/* Hello, the words, and a close with time to linger. False: it ended before. */
static bool live (peer *p) {
  bool told = false;
  UNTIL(p, connects == 1 || closes == 1);
  if (closes > 0) return false;
  int rc = tl_transport_write(transport, "hello", 5);
  assert_true(rc == TL_OK || rc == TL_ENOMEM || rc == TL_ESTATE);
  int64_t until = tl_clock_mono_ms() + DEADLINE_MS;
  while (closes == 0 && got.len < sizeof words) {
    assert_true(tl_clock_mono_ms() < until);
    if (p->ready && p->in.len >= (p->of.ws ? 11 : 5) && !told) {
      memory_is_spared = told = true;
      const uint8_t *in = p->in.at, *mask = in + 2;
      for (size_t i = 0; i < 5; i++)
        assert_int_equal(p->of.ws ? in[6 + i] ^ mask[i % 4] : in[i], "hello"[i]);
      peer_send(p, words, sizeof words);
      memory_is_spared = false;
    }
    quick_turn(p);
  }
  return closes == 0;
}

static void torture_kind (layers of, bool resumes) {
  tl_transport_memory memory = { .session = NULL };
  for (torture_round t = { 0 }; torture_next(&t);) {
    peer p;
    transport = NULL;
    peer_open(&p, of, server);
    memory_fails(t.at, t.for_ever);
    int rc = begin(&p, of, resumes ? &memory : NULL);
    bool whole = rc == TL_OK && live(&p);
    if (whole) tl_transport_close(transport, 100);
    memory_heals();
    bool failed = memory_failed;
    if (!whole && !failed) fail_msg("%d %d %s", rc, closes, text);
    if (rc < 0) {
      assert_true(!transport && closes == 0);
    } else {
      if (closes == 0) peer_hang_up(&p); /* it would linger for us */
      UNTIL(&p, closes == 1);
      if (!whole && text[0] == '\0') fail_msg("no word when request %ld fails", t.at);
      if (whole) assert_int_equal(code, 0);
    }
    for (int i = 0; i < 2; i++) quick_turn(&p);
    peer_close(&p);
    memory_failed = failed;
  }
  tl_transport_memory_fini(&memory);
}

static void tcp_alone (void **state) {
  (void)state;
  torture_kind((layers){ .tls = false }, false);
}
static void a_websocket (void **state) {
  (void)state;
  torture_kind((layers){ .ws = true }, false);
}
static void tls_that_resumes (void **state) {
  (void)state;
  torture_kind((layers){ .tls = true }, true);
}
static void all_layers_behind_socks (void **state) {
  (void)state;
  torture_kind((layers){ .socks = true, .tls = true, .ws = true }, false);
}
static void tls_behind_a_proxy (void **state) {
  (void)state;
  torture_kind((layers){ .http_proxy = true, .tls = true }, false);
}

/* What is shared by all of them. */
static void there_are_no_transports_without_memory (void **state) {
  (void)state;
  for (torture_round t = { 0 }; torture_next(&t);) {
    tl_transports *other = NULL;
    memory_fails(t.at, t.for_ever);
    int rc = tl_transports_new(&other, loop);
    memory_heals();
    assert_true(memory_failed ? rc < 0 && !other : rc == TL_OK);
    if (other) tl_transports_free(other);
  }
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, set_up, owner_tear_down)
int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(tcp_alone),          SPEC(a_websocket),
    SPEC(tls_that_resumes),   SPEC(all_layers_behind_socks),
    SPEC(tls_behind_a_proxy), SPEC(there_are_no_transports_without_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

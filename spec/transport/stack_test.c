/* spec/transport/stack_test.c — connections made of layers: cut anywhere, peers that do not read,
** owners that pause. */
#include "owner.h"

static bool pauses;     /* at the first data */
static bool small_room; /* the peer's kernel keeps little that the peer has not read */

static void on_bytes (size_t n) {
  (void)n;
  if (pauses) tl_transport_read(transport, false);
}

static int set_up (void **state) { return owner_set_up(state, on_bytes); }

static void begin (peer *p, layers of) {
  peer_open(p, of, server);
  if (small_room) setsockopt(p->listening, SOL_SOCKET, SO_RCVBUF, &(int){ 8192 }, sizeof(int));
  pauses = false;
  const tl_transport_target target = target_of(p);
  assert_int_equal(owner_connect(&target), TL_OK);
}

#define UNTIL(p, condition) RUN_UNTIL((peer_turn(p), (condition)))

static void finish (peer *p) {
  if (closes == 0) tl_transport_close(transport, 0);
  UNTIL(p, closes == 1);
  peer_close(p);
}

static const layers kinds[] = {
  { .tls = false },
  { .tls = true },
  { .ws = true },
  { .tls = true, .ws = true },
  { .http_proxy = true, .tls = true },
  { .socks = true, .tls = true, .ws = true },
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static const char words[] = "what the broker says once all is up";

/* --- specs --- */

static void bytes_come_and_go_through_every_stack (void **state) {
  (void)state;
  for (int i = 0; i < KINDS; i++) {
    peer p;
    begin(&p, kinds[i]);
    UNTIL(&p, connects == 1);
    assert_int_equal(tl_transport_write(transport, "hello", 5), TL_OK);
    UNTIL(&p, p.ready && p.in.len >= 5);
    peer_send(&p, words, sizeof words);
    UNTIL(&p, got.len == sizeof words);
    assert_memory_equal(got.at, words, sizeof words);
    finish(&p);
    assert_int_equal(code, 0);
  }
}

/* Cuts the peer off after `may_say` bytes. Returns whether it had more to say. */
static bool cut (layers of, size_t may_say, ending ends) {
  peer p;
  bool told = false;
  begin(&p, of);
  p.may_say = may_say;
  p.ends = ends;
  for (int64_t until = tl_clock_mono_ms() + DEADLINE_MS; closes == 0;) {
    peer_turn(&p);
    turn();
    if (connects == 1 && p.ready && !told) peer_send(&p, words, sizeof words);
    told = told || (connects == 1 && p.ready);
    if (told && got.len == sizeof words) break;
    assert_true(tl_clock_mono_ms() < until);
  }
  bool whole = got.len == sizeof words; /* then it may have ended, too, or not */
  if (!whole && (code >= 0 || !strstr(text, "127.0.0.1:") || strchr(text, '\n')))
    fail_msg("cut at %zu: code %d: %s", may_say, code, text);
  finish(&p);
  assert_int_equal(closes, 1);
  return !whole;
}

static void an_end_at_any_byte_is_told_once (void **state) {
  static const size_t steps[KINDS] = { 7, 211, 29, 293, 307, 401 };
  (void)state;
  for (int i = 0; i < KINDS; i++) {
    for (ending ends = END_FIN; ends <= END_RST; ends++) {
      size_t n = 0;
      while (cut(kinds[i], n, ends)) n += steps[i];
    }
  }
}

/* What was decrypted and unframed already comes when the owner reads again, in order and whole. */
static void a_pause_keeps_what_was_read_already (void **state) {
  enum { MANY = 300 * 1000 };
  uint8_t *bytes = malloc(MANY);
  (void)state;
  for (size_t n = 0; n < MANY; n++) bytes[n] = (uint8_t)(n * 31 + n / 251);
  for (int i = 0; i < KINDS; i++) {
    peer p;
    begin(&p, kinds[i]);
    UNTIL(&p, connects == 1 && p.ready);
    pauses = true;
    peer_send(&p, bytes, MANY);
    UNTIL(&p, got.len > 0);
    size_t at_pause = got.len;
    assert_true(at_pause <= 2 * 4096);
    for (int turns = 0; turns < 20; turns++) {
      peer_turn(&p);
      turn();
    }
    assert_int_equal(got.len, at_pause);
    pauses = false;
    tl_transport_read(transport, true);
    UNTIL(&p, got.len == MANY);
    assert_memory_equal(got.at, bytes, MANY);
    finish(&p);
  }
  free(bytes);
}

/* What is read may want answers: while the peer takes none of ours it is read no further. */
static void a_peer_that_never_reads_is_not_read_either (void **state) {
  enum { MUCH = 8 << 20 };
  uint8_t *bytes = calloc(1, MUCH);
  (void)state;
  for (int i = 1; i < 4; i++) { /* TCP alone leaves that to its owner */
    peer p;
    small_room = true;
    begin(&p, kinds[i]);
    small_room = false;
    UNTIL(&p, connects == 1 && p.ready);
    p.deaf = true;
    assert_int_equal(tl_transport_write(transport, bytes, MUCH), TL_OK);
    assert_true(tl_transport_pending(transport) > MUCH / 4);
    peer_send(&p, words, sizeof words);
    UNTIL(&p, got.len == sizeof words); /* the socket was being read already */
    peer_send(&p, words, sizeof words);
    for (int turns = 0; turns < 20; turns++) {
      peer_turn(&p);
      turn();
    }
    assert_int_equal(got.len, sizeof words);
    p.deaf = false;
    UNTIL(&p, got.len == 2 * sizeof words);
    finish(&p);
  }
  free(bytes);
}

/* What is waited for is named: connect_timeout tells it. */
static void a_stage_that_waits_names_itself (void **state) {
  static const char *const stages[KINDS] = { NULL, "TLS", "WebSocket", "TLS", "proxy", "proxy" };
  (void)state;
  for (int i = 1; i < KINDS; i++) {
    peer p;
    begin(&p, kinds[i]);
    p.may_say = 0;
    UNTIL(&p, p.fd >= 0 && p.out.len > 0);
    const char *stage = tl_transport_stage(transport);
    assert_non_null(stage);
    assert_non_null(strstr(stage, stages[i]));
    finish(&p);
    assert_int_equal(code, 0);
  }
}

/* A broker speaks as soon as the proxy lets it: its bytes come with the proxy's answer. */
static void what_comes_with_the_proxys_answer_is_the_owners (void **state) {
  static const layers proxies[] = { { .http_proxy = true }, { .http_proxy = true, .ws = true } };
  (void)state;
  for (size_t i = 0; i < COUNT(proxies); i++)
    for (int full = 0; full < 2; full++) {
      peer p;
      begin(&p, proxies[i]);
      p.may_say = 0;
      UNTIL(&p, p.tunnelled && p.out.len > 0);
      if (i == 0) peer_raw(&p, words, sizeof words);
      no_room = full;
      p.may_say = SIZE_MAX;
      if (i == 1) {
        UNTIL(&p, p.ready);
        peer_send(&p, words, sizeof words);
      }
      UNTIL(&p, got.len == sizeof words || closes == 1);
      assert_int_equal(closes, full);
      if (full) assert_non_null(strstr(text, "memory"));
      no_room = false;
      finish(&p);
    }
}

/* Once all is up, a layer that does not understand says so, with the address. */
static void garbage_is_told_by_the_layer_that_it_meets (void **state) {
  static const struct {
    layers of;
    const char *bytes, *words;
  } rows[] = {
    { { .tls = true }, "\x17\x03\x03\x01\x01 that is no record of ours ……", "TLS failed: " },
    { { .ws = true }, "\xf7\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "WebSocket" },
    { { .tls = true, .ws = true }, "\x83\x7f\xff\xff\xff\xff\xff\xff\xff\xff", "WebSocket" },
  };
  (void)state;
  for (size_t i = 0; i < COUNT(rows); i++) {
    char much[300];
    peer p;
    begin(&p, rows[i].of);
    UNTIL(&p, connects == 1 && p.ready);
    memset(much, 'x', sizeof much);
    memcpy(much, rows[i].bytes, strlen(rows[i].bytes));
    if (rows[i].of.ws)
      peer_plain(&p, much, sizeof much);
    else
      peer_raw(&p, much, sizeof much);
    UNTIL(&p, closes == 1);
    if (!strstr(text, rows[i].words) || strncmp(text, "127.0.0.1:", 10) != 0)
      fail_msg("%zu: %s", i, text);
    finish(&p);
  }
}

static void nothing_is_written_before_it_is_up_or_behind_its_end (void **state) {
  (void)state;
  for (int i = 0; i < KINDS; i++) {
    peer p;
    begin(&p, kinds[i]);
    assert_int_equal(tl_transport_write(transport, "x", 1), TL_ESTATE);
    tl_transport_watch(transport, 1000);
    UNTIL(&p, connects == 1);
    tl_transport_close(transport, 60000);
    tl_transport_close(transport, 0); /* asked again: at once */
    finish(&p);
    assert_int_equal(code, 0);
  }
}

static void an_address_of_version_6_stands_in_brackets (void **state) {
  char wanted_text[40];
  uint16_t port = 0;
  (void)state;
  int fd = listen_on(AF_INET6, 1, &port);
  if (fd < 0) skip();
  close(fd);
  const tl_transport_target target = { .host = tl_slice_str("::1"),
                                       .port = port,
                                       .is_ws = true,
                                       .ws_path = tl_slice_str("/mqtt"),
                                       .ws_subprotocol = tl_slice_str("mqtt") };
  assert_int_equal(owner_connect(&target), TL_OK);
  RUN_UNTIL(closes == 1);
  snprintf(wanted_text, sizeof wanted_text, "[::1]:%u: ", port);
  if (!strstr(text, wanted_text)) fail_msg("%s", text);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(bytes_come_and_go_through_every_stack),
    cmocka_unit_test(an_end_at_any_byte_is_told_once),
    cmocka_unit_test(a_pause_keeps_what_was_read_already),
    cmocka_unit_test(a_peer_that_never_reads_is_not_read_either),
    cmocka_unit_test(a_stage_that_waits_names_itself),
    cmocka_unit_test(what_comes_with_the_proxys_answer_is_the_owners),
    cmocka_unit_test(garbage_is_told_by_the_layer_that_it_meets),
    cmocka_unit_test(nothing_is_written_before_it_is_up_or_behind_its_end),
    cmocka_unit_test(an_address_of_version_6_stands_in_brackets),
  };
  return cmocka_run_group_tests(tests, set_up, owner_tear_down);
}

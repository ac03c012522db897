/* spec/proxy/proxy_test.c — conversations with proxies, whole and byte by byte; refusals with
** cause and remedy. */
#include "support/torture.h"

#include "proxy/proxy.h"

static tl_proxy_target target (tl_proxy_kind kind, const char *host, const char *user) {
  tl_proxy_target t = { .kind = kind,
                        .host = tl_slice_str(host),
                        .port = 8883,
                        .user = tl_slice_str(user),
                        .password = TL_LIT("geheim") };
  return t;
}

/* The proxy's answer in pieces, as an owner feeds it: what is unused is kept. Returns the
** last result; *rest is what is left for the target. */
static int talk (const tl_proxy_target *t, tl_slice answer, size_t piece, tl_buf *out, size_t *rest,
                 tl_err *err) {
  tl_proxy p;
  tl_buf in;
  int rc = tl_proxy_begin(&p, t, out, err);
  tl_buf_init(&in);
  for (size_t at = 0; rc != TL_OK || at == 0; at += piece) {
    if (at > 0 && rc != TL_EPARTIAL) break;
    if (at >= answer.len) break;
    size_t used = 0, n = answer.len - at < piece ? answer.len - at : piece;
    tl_buf_add(&in, answer.at + at, n);
    uint8_t *copy = malloc(in.len);
    memcpy(copy, in.at, in.len);
    rc = tl_proxy_read(&p, copy, in.len, &used, out, err);
    free(copy);
    tl_buf_drop(&in, used);
  }
  *rest = in.len;
  tl_buf_fini(&in);
  return rc;
}

typedef struct {
  tl_proxy_kind kind;
  const char *host, *user;
  tl_slice answer, sent;
} good_case;
#define S(text) \
  { (const uint8_t *)text, sizeof text - 1 }

static const good_case good[] = {
  { TL_PROXY_HTTP, "broker", "", S("HTTP/1.1 200 OK\r\n\r\nMQ"),
    S("CONNECT broker:8883 HTTP/1.1\r\nHost: broker:8883\r\n\r\n") },
  { TL_PROXY_HTTP, "::1", "u", S("HTTP/1.0 200 x\r\nA: b\r\n\r\nMQ"),
    S("CONNECT [::1]:8883 HTTP/1.1\r\nHost: [::1]:8883\r\nProxy-Authorization: Basic "
      "dTpnZWhlaW0=\r\n\r\n") },
  { TL_PROXY_SOCKS5, "broker", "", S("\5\0\5\0\0\1\1\2\3\4\0\1MQ"),
    S("\5\1\0\5\1\0\3\6broker\x22\xb3") },
  { TL_PROXY_SOCKS5, "10.0.0.1", "u", S("\5\0\5\0\0\4aaaaaaaaaaaaaaaa\0\1MQ"),
    S("\5\2\0\2\5\1\0\1\x0a\0\0\1\x22\xb3") },
  { TL_PROXY_SOCKS5, "::1", "u", S("\5\2\1\0\5\0\0\3\3abc\0\1MQ"),
    S("\5\2\0\2\1\1u\6geheim\5\1\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\x22\xb3") },
};

static void opens_a_tunnel_at_every_cut (void **unused) {
  (void)unused;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    tl_slice answer = good[i].answer;
    for (size_t piece = 1; piece <= answer.len; piece++) {
      tl_proxy_target t = target(good[i].kind, good[i].host, good[i].user);
      tl_buf out;
      tl_err err = { .text = "" };
      size_t rest;
      tl_buf_init(&out);
      int rc = talk(&t, answer, piece, &out, &rest, &err);
      if (rc != TL_OK) fail_msg("case %zu, pieces of %zu: %d %s", i, piece, rc, err.text);
      assert_true(tl_slice_eq(tl_buf_bytes(&out), good[i].sent));
      assert_true(rest <= 2);
      if (piece == answer.len) assert_int_equal(rest, 2); /* the target's bytes are not eaten */
      tl_buf_fini(&out);
    }
    for (size_t n = 0; n < answer.len - 2; n++) { /* and not before the answer is whole */
      tl_proxy_target t = target(good[i].kind, good[i].host, good[i].user);
      tl_buf out;
      size_t rest;
      tl_buf_init(&out);
      assert_int_equal(n == 0 ? TL_EPARTIAL
                              : talk(&t, tl_slice_of(answer.at, n), n, &out, &rest, NULL),
                       TL_EPARTIAL);
      tl_buf_fini(&out);
    }
  }
}

static void names_refusals (void **unused) {
  (void)unused;
  static const struct {
    tl_proxy_kind kind;
    const char *user;
    tl_slice answer;
    int code;
    const char *words;
  } cases[] = {
    { TL_PROXY_HTTP, "", S("HTTP/1.1 407 x\r\nProxy-Authenticate: Basic realm=\"plant\"\r\n\r\n"),
      TL_EREFUSED,
      "wants a password: set proxy_user and proxy_password (HTTP 407, realm 'plant')" },
    { TL_PROXY_HTTP, "u", S("HTTP/1.1 407 x\r\n\r\n"), TL_EREFUSED,
      "does not take proxy_user and proxy_password: correct them (HTTP 407)" },
    { TL_PROXY_HTTP, "", S("HTTP/1.1 403 No\r\n\r\n"), TL_EREFUSED,
      "the proxy refuses: HTTP 403 No: it does not allow" },
    { TL_PROXY_HTTP, "", S("HTTP/1.1 502 x\r\n\r\n"), TL_EREFUSED,
      "does not reach the broker: check host and port" },
    { TL_PROXY_HTTP, "", S("HTTP/1.1 500 Unable to connect\r\n\r\n"), TL_EREFUSED,
      "may not reach the broker: check host and port" },
    { TL_PROXY_HTTP, "u", S("HTTP/1.1 401 x\r\n\r\n"), TL_EREFUSED,
      "does not take proxy_user and proxy_password: correct them (HTTP 401)" },
    { TL_PROXY_HTTP, "", S("HTTP/1.1 302 x\r\n\r\n"), TL_EREFUSED, "login page" },
    { TL_PROXY_HTTP, "", S("HTTP/1.1 400 x\r\n\r\n"), TL_EREFUSED, "knows CONNECT" },
    { TL_PROXY_HTTP, "", S("HTTP/1.1 404 \r\n\r\n"), TL_EREFUSED,
      "the proxy refuses: HTTP 404: is it a proxy that knows CONNECT?" },
    { TL_PROXY_HTTP, "", S("HTTP/1.1 405 No\r\n\r\n"), TL_EREFUSED, "it does not allow" },
    { TL_PROXY_HTTP, "", S("HTTP/1.1 503 x\r\n\r\n"), TL_EREFUSED, "does not reach the broker" },
    { TL_PROXY_HTTP, "", S("HTTP/1.1 504 x\r\n\r\n"), TL_EREFUSED, "does not reach the broker" },
    { TL_PROXY_HTTP, "", S("HTTP/1.1 199 x\r\n\r\n"), TL_EREFUSED, "look at the proxy" },
    { TL_PROXY_HTTP, "", S("HTTP/1.1 407 x\r\nProxy-Authenticate: Digest\r\n\r\n"), TL_EREFUSED,
      "wants a password: set proxy_user and proxy_password (HTTP 407)" },
    { TL_PROXY_HTTP, "", S("HTTP/1.1 407 x\r\nProxy-Authenticate: Basic realm=\"open\r\n\r\n"),
      TL_EREFUSED, "(HTTP 407, realm 'open')" },
    { TL_PROXY_HTTP, "", S("HTTP/1.1 418 x\r\n\r\n"), TL_EREFUSED, "look at the proxy" },
    { TL_PROXY_HTTP, "", S("\5\0"), TL_EMALFORMED, "is proxy right" },
    { TL_PROXY_SOCKS5, "", S("\5\xff"), TL_EREFUSED,
      "wants a user name and password: set proxy_user and proxy_password" },
    { TL_PROXY_SOCKS5, "u", S("\5\xff"), TL_EREFUSED, "accepts no user name and password" },
    { TL_PROXY_SOCKS5, "", S("\5\2"), TL_EMALFORMED, "not offered" },
    { TL_PROXY_SOCKS5, "u", S("\5\2\1\1"), TL_EREFUSED,
      "does not take proxy_user and proxy_password" },
    { TL_PROXY_SOCKS5, "", S("HT"), TL_EMALFORMED, "answers with HTTP: set proxy = \"http://" },
    { TL_PROXY_SOCKS5, "", S("\4\0"), TL_EMALFORMED, "0x04" },
    { TL_PROXY_SOCKS5, "", S("\5\0\4"), TL_EMALFORMED, "0x04" },
    { TL_PROXY_SOCKS5, "", S("\5\0\5\0\0\7\0"), TL_EMALFORMED, "kind of address" },
    { TL_PROXY_SOCKS5, "", S("\5\0\5\1"), TL_EREFUSED, "(1): general failure" },
    { TL_PROXY_SOCKS5, "", S("\5\0\5\2"), TL_EREFUSED, "(2): it does not allow" },
    { TL_PROXY_SOCKS5, "", S("\5\0\5\3"), TL_EREFUSED,
      "(3): it does not reach the broker's network" },
    { TL_PROXY_SOCKS5, "", S("\5\0\5\4"), TL_EREFUSED, "(4): it does not reach" },
    { TL_PROXY_SOCKS5, "", S("\5\0\5\5"), TL_EREFUSED,
      "(5): the broker refuses the proxy's connection: check host and port" },
    { TL_PROXY_SOCKS5, "", S("\5\0\5\6"), TL_EREFUSED,
      "(6): the broker did not answer the proxy in time" },
    { TL_PROXY_SOCKS5, "", S("\5\0\5\7"), TL_EREFUSED, "(7): it does not know CONNECT" },
    { TL_PROXY_SOCKS5, "", S("\5\0\5\10"), TL_EREFUSED, "(8)" },
    { TL_PROXY_SOCKS5, "", S("\5\0\5\x63"), TL_EREFUSED, "(99)" },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    tl_proxy_target t = target(cases[i].kind, "broker", cases[i].user);
    tl_buf out;
    tl_err err = { .text = "" };
    size_t rest;
    tl_buf_init(&out);
    int rc = talk(&t, cases[i].answer, cases[i].answer.len, &out, &rest, &err);
    if (rc != cases[i].code || !strstr(err.text, cases[i].words))
      fail_msg("case %zu: %d %s", i, rc, err.text);
    assert_null(strstr(err.text, "geheim"));
    tl_buf_fini(&out);
  }
}

static void refuses_texts_that_are_too_long (void **unused) {
  (void)unused;
  char text[300];
  memset(text, 'x', sizeof text);
  tl_proxy p;
  tl_buf out;
  tl_err err;
  tl_proxy_target t = target(TL_PROXY_SOCKS5, "broker", "u");
  tl_buf_init(&out);
  t.host = tl_slice_of(text, 256);
  assert_int_equal(tl_proxy_begin(&p, &t, &out, &err), TL_ERANGE);
  t.host = TL_LIT("");
  assert_int_equal(tl_proxy_begin(&p, &t, &out, &err), TL_ERANGE);
  t = target(TL_PROXY_SOCKS5, "broker", "u");
  t.user = tl_slice_of(text, 256);
  assert_int_equal(tl_proxy_begin(&p, &t, &out, &err), TL_ERANGE);
  t = target(TL_PROXY_SOCKS5, "broker", "u");
  t.password = tl_slice_of(text, 256);
  assert_int_equal(tl_proxy_begin(&p, &t, &out, &err), TL_ERANGE);
  assert_int_equal(out.len, 0);
  tl_buf_fini(&out);
}

static void a_request_is_whole_or_there_is_no_memory (void **unused) {
  static const uint8_t allowed[] = "\5\2\1\0"; /* of SOCKS: user and password, and they are right */
  (void)unused;
  for (int kind = 0; kind < 2; kind++)
    for (torture_round t = { 0 }; torture_next(&t);) {
      tl_proxy p;
      tl_err err = { .text = "" };
      tl_buf out;
      size_t used = 0;
      tl_proxy_target to = target(kind ? TL_PROXY_SOCKS5 : TL_PROXY_HTTP, "broker", "user");
      tl_buf_init(&out);
      memory_fails(t.at, t.for_ever);
      int rc = tl_proxy_begin(&p, &to, &out, &err);
      for (size_t at = 0; kind && rc >= 0 && at < 4; at += 2) {
        out.cap = out.len; /* no room for the next request */
        rc = tl_proxy_read(&p, allowed + at, 2, &used, &out, &err);
        if (rc == TL_EPARTIAL) rc = TL_OK;
      }
      memory_heals();
      assert_int_equal(rc, memory_failed ? TL_ENOMEM : TL_OK);
      tl_buf_fini(&out);
    }
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(opens_a_tunnel_at_every_cut),
    cmocka_unit_test(names_refusals),
    cmocka_unit_test(refuses_texts_that_are_too_long),
    cmocka_unit_test(a_request_is_whole_or_there_is_no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* spec/ws/upgrade_test.c — the request for a WebSocket, and what answers are taken, with the
** words for the others. */
#include "support/spec.h"

#include "ws/upgrade.h"

static const char key[] = "dGhlIHNhbXBsZSBub25jZQ=="; /* RFC 6455 section 1.3 */

static void makes_the_key_of_random_bytes (void **unused) {
  (void)unused;
  char made[TL_WS_KEY];
  tl_ws_key(made, (const uint8_t *)"the sample nonce");
  assert_string_equal(made, key);
}

static void writes_the_request (void **unused) {
  (void)unused;
  tl_slice headers[] = { TL_LIT("Authorization: Bearer abc"), TL_LIT("X-Plant: 1") };
  tl_ws_request r = { .host = TL_LIT("broker:8080"),
                      .path = TL_LIT("/mqtt?a=1"),
                      .subprotocol = TL_LIT("mqtt"),
                      .headers = headers,
                      .header_count = 2 };
  tl_buf out;
  tl_buf_init(&out);
  tl_ws_request_write(&out, &r, key);
  tl_buf_byte(&out, 0);
  assert_string_equal((const char *)out.at,
                      "GET /mqtt?a=1 HTTP/1.1\r\nHost: broker:8080\r\nUpgrade: "
                      "websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: "
                      "mqtt\r\nAuthorization: Bearer abc\r\nX-Plant: 1\r\n\r\n");
  tl_buf_clear(&out);
  r.subprotocol = TL_LIT("");
  r.header_count = 0;
  tl_ws_request_write(&out, &r, key);
  tl_buf_byte(&out, 0);
  assert_null(strstr((const char *)out.at, "Protocol"));
  tl_buf_fini(&out);
}

#define ACCEPT "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
#define GOOD "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"

static int check (const char *answer, const char *subprotocol, bool *without, tl_err *err) {
  tl_ws_request r = { .host = TL_LIT("broker"),
                      .path = TL_LIT("/mqtt?token=geheim"),
                      .subprotocol = tl_slice_str(subprotocol) };
  tl_http_answer a;
  memset(err, 0, sizeof *err);
  assert_true(tl_http_answer_read((const uint8_t *)answer, strlen(answer), &a, err) > 0);
  return tl_ws_answer_check(&a, &r, key, without, err);
}

static void takes_the_answers_that_brokers_give (void **unused) {
  (void)unused;
  tl_err err;
  bool without;
  assert_int_equal(check(GOOD ACCEPT "Sec-Websocket-Protocol:mqtt\r\n\r\n", "mqtt", &without, &err),
                   TL_OK);
  assert_false(without);
  assert_int_equal(check(GOOD ACCEPT "\r\n", "mqtt", &without, &err), TL_OK); /* aedes with ws */
  assert_true(without);
  assert_int_equal(check(GOOD ACCEPT "\r\n", "", &without, &err), TL_OK);
  assert_false(without);
  assert_int_equal(
      check("HTTP/1.1 101 x\r\nUPGRADE: WebSocket\r\nconnection: keep-alive, upgrade\r\n" ACCEPT
            "Sec-WebSocket-Extensions:\r\n\r\n",
            "", &without, &err),
      TL_OK);
}

static void names_what_is_wrong_and_what_to_do (void **unused) {
  (void)unused;
  static const struct {
    const char *answer, *cause, *remedy;
    int code;
  } cases[] = {
    { "HTTP/1.1 404 Not Found\r\n\r\n", "HTTP 404 Not Found for '/mqtt'", "ws_path", TL_EREFUSED },
    { "HTTP/1.1 302 Found\r\nLocation: https://x.example/login?t=1\r\n\r\n",
      "HTTP 302 Found for '/mqtt', to 'https://x.example/login'", "not followed", TL_EREFUSED },
    { "HTTP/1.1 401 Unauthorized\r\n\r\n", "HTTP 401", "ws_headers", TL_EREFUSED },
    { "HTTP/1.1 403\r\n\r\n", "HTTP 403 for", "ws_headers", TL_EREFUSED },
    { "HTTP/1.1 400 Bad\r\n\r\n", "HTTP 400", "ws_path", TL_EREFUSED },
    { "HTTP/1.1 407 P\r\n\r\n", "HTTP 407", "proxy_user", TL_EREFUSED },
    { "HTTP/1.1 426 P\r\n\r\n", "HTTP 426", "port", TL_EREFUSED },
    { "HTTP/1.1 429 P\r\n\r\n", "HTTP 429", "reconnect_delay", TL_EREFUSED },
    { "HTTP/1.1 503 Down\r\n\r\n", "HTTP 503 Down", "look at the server", TL_EREFUSED },
    { "HTTP/1.1 200 OK\r\n\r\n", "HTTP 200 OK", "no WebSocket", TL_EREFUSED },
    { "HTTP/1.1 301 M\r\n\r\n", "HTTP 301 M", "check host", TL_EREFUSED },
    { "HTTP/1.1 404 a\x9b"
      "b\r\n\r\n",
      "HTTP 404 a?b", "ws_path", TL_EREFUSED },
    { GOOD "\r\n", "Sec-WebSocket-Accept is wrong", "cache", TL_EMALFORMED },
    { GOOD "Sec-WebSocket-Accept: x\r\n\r\n", "Sec-WebSocket-Accept is wrong", "cache",
      TL_EMALFORMED },
    { "HTTP/1.1 101 x\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n" ACCEPT "\r\n",
      "not for a WebSocket", "proxy", TL_EMALFORMED },
    { "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: close\r\n" ACCEPT "\r\n",
      "not for a WebSocket", "proxy", TL_EMALFORMED },
    { GOOD ACCEPT "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n", "extension",
      "switch it off", TL_EMALFORMED },
    { GOOD ACCEPT "Sec-WebSocket-Protocol: mqttv3.1\r\n\r\n", "subprotocol 'mqttv3.1'",
      "ws_subprotocol", TL_EMALFORMED },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    tl_err err;
    bool without;
    assert_int_equal(check(cases[i].answer, "mqtt", &without, &err), cases[i].code);
    if (!strstr(err.text, cases[i].cause) || !strstr(err.text, cases[i].remedy))
      fail_msg("%zu: %s", i, err.text);
    assert_null(strstr(err.text, "geheim"));
  }
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(makes_the_key_of_random_bytes),
    cmocka_unit_test(writes_the_request),
    cmocka_unit_test(takes_the_answers_that_brokers_give),
    cmocka_unit_test(names_what_is_wrong_and_what_to_do),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* spec/http/answer_test.c — heads of HTTP answers: good ones at every cut, bad ones by name. */
#include "support/spec.h"

#include "http/answer.h"

/* Read with nothing readable behind the input. */
static long read_exact (const char *text, size_t len, tl_http_answer *out, tl_err *err,
                        uint8_t **memory) {
  *memory = malloc(len > 0 ? len : 1);
  memcpy(*memory, text, len);
  return tl_http_answer_read(*memory, len, out, err);
}

static const char upgrade[] =
    "HTTP/1.1 101 Switching Protocols\r\n"
    "upgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n"
    "X-Empty:\r\nSec-WebSocket-Accept:  s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\t\r\n\r\n";

static void reads_a_head_and_asks_for_more_at_every_shorter_one (void **unused) {
  (void)unused;
  size_t len = sizeof upgrade - 1;
  tl_http_answer a;
  tl_err err;
  uint8_t *memory;
  for (size_t n = 0; n < len; n++) {
    assert_int_equal(read_exact(upgrade, n, &a, &err, &memory), TL_EPARTIAL);
    free(memory);
  }
  assert_int_equal(read_exact(upgrade, len, &a, &err, &memory), (long)len);
  assert_int_equal(a.status, 101);
  assert_true(tl_slice_eq(a.reason, TL_LIT("Switching Protocols")));
  assert_true(tl_http_has_token(&a, "Upgrade", "websocket"));
  assert_true(tl_http_has_token(&a, "connection", "upgrade"));
  assert_false(tl_http_has_token(&a, "connection", "keep"));
  size_t from = 0;
  tl_slice value;
  assert_true(tl_http_header(&a, "sec-websocket-accept", &from, &value));
  assert_true(tl_slice_eq(value, TL_LIT("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")));
  assert_false(tl_http_header(&a, "sec-websocket-accept", &from, &value));
  from = 0;
  assert_true(tl_http_header(&a, "x-empty", &from, &value));
  assert_int_equal(value.len, 0);
  from = 0;
  assert_false(tl_http_header(&a, "x-none", &from, &value));
  free(memory);
}

static void leaves_what_comes_behind_the_head (void **unused) {
  (void)unused;
  const char text[] = "HTTP/1.0 404 Not Found\n\nbody";
  tl_http_answer a;
  uint8_t *memory;
  assert_int_equal(read_exact(text, sizeof text - 1, &a, NULL, &memory), (long)sizeof text - 1 - 4);
  assert_int_equal(a.status, 404);
  assert_int_equal(a.headers.len, 0);
  free(memory);
}

static void takes_a_status_without_a_reason (void **unused) {
  (void)unused;
  static const char *const texts[] = { "HTTP/1.1 200 \r\n\r\n", "HTTP/1.1 200\r\n\r\n" };
  for (size_t i = 0; i < 2; i++) {
    tl_http_answer a;
    uint8_t *memory;
    assert_int_equal(read_exact(texts[i], strlen(texts[i]), &a, NULL, &memory),
                     (long)strlen(texts[i]));
    assert_int_equal(a.status, 200);
    assert_int_equal(a.reason.len, 0);
    free(memory);
  }
}

static void refuses_what_is_no_answer (void **unused) {
  (void)unused;
  static const struct {
    const char *text;
    size_t len;
  } bad[] = {
#define BAD(t) { t, sizeof t - 1 }
    BAD("\x20\x02"),
    BAD("\x15\x03\x01"),
    BAD("hello"),
    BAD("HTTP/2 200\r\n"),
    BAD("HTTP/1.x 200 OK\r\n\r\n"),
    BAD("HTTP/1.1  200 OK\r\n\r\n"),
    BAD("HTTP/1.1 20 OK\r\n\r\n"),
    BAD("HTTP/1.1 099 OK\r\n\r\n"),
    BAD("HTTP/1.1 2000 OK\r\n\r\n"),
    BAD("HTTP/1.1 200 O\x01K\r\n\r\n"),
    BAD("HTTP/1.1 200 OK\r\nno colon\r\n\r\n"),
    BAD("HTTP/1.1 200 OK\r\n: x\r\n\r\n"),
    BAD("HTTP/1.1 200 OK\r\na b: x\r\n\r\n"),
    BAD("HTTP/1.1 200 OK\r\na: x\r\n folded\r\n\r\n"),
    BAD("HTTP/1.1 200 OK\r\na: \0x\r\n\r\n"),
    BAD("HTTP/1.1 200 OK\r\na: x\ry\r\n\r\n"),
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    tl_http_answer a;
    tl_err err = { .text = "" };
    uint8_t *memory;
    assert_int_equal(read_exact(bad[i].text, bad[i].len, &a, &err, &memory), TL_EMALFORMED);
    if (!strstr(err.text, "expected an HTTP answer, got '")) fail_msg("%zu: %s", i, err.text);
    for (const char *c = err.text; *c; c++) assert_true((uint8_t)*c >= 0x20);
    free(memory);
  }
}

static void bounds_the_head (void **unused) {
  (void)unused;
  size_t len = TL_HTTP_HEAD_MAX + 100;
  char *text = malloc(len);
  tl_http_answer a;
  tl_err err;
  memset(text, 'x', len);
  memcpy(text, "HTTP/1.1 200 OK\r\na: ", 20);
  uint8_t *memory;
  assert_int_equal(read_exact(text, TL_HTTP_HEAD_MAX - 1, &a, &err, &memory), TL_EPARTIAL);
  free(memory);
  assert_int_equal(read_exact(text, TL_HTTP_HEAD_MAX, &a, &err, &memory), TL_ETOOBIG);
  free(memory);
  memcpy(text + TL_HTTP_HEAD_MAX - 4, "\r\n\r\n", 4); /* exactly as long as it may be */
  assert_int_equal(read_exact(text, len, &a, &err, &memory), TL_HTTP_HEAD_MAX);
  free(memory);
  free(text);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(reads_a_head_and_asks_for_more_at_every_shorter_one),
    cmocka_unit_test(leaves_what_comes_behind_the_head),
    cmocka_unit_test(takes_a_status_without_a_reason),
    cmocka_unit_test(refuses_what_is_no_answer),
    cmocka_unit_test(bounds_the_head),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

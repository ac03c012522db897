/* spec/http/request_test.c — heads of requests: good ones at every cut; each that two parsers could
** read in two ways is refused; targets and hosts. */
#include "support/spec.h"

#include "http/request.h"

typedef struct {
  const char *text;
  size_t len;
  int status;
} bad;
#define BAD(text, status) \
  { text, sizeof(text) - 1, status }

#define LINE "GET /a HTTP/1.1\r\n"
#define HOST "Host: x\r\n"
static const bad table[] = {
  BAD("GET /a HTTP/1.1\nHost: x\n\n", 400),
  BAD(LINE "Host: x\n\r\n", 400),
  BAD(LINE "Host: x\r\r\n", 400),
  BAD(LINE HOST "A: b\rc\r\n\r\n", 400),
  BAD(LINE HOST "A: b\0c\r\n\r\n", 400),
  BAD(LINE HOST "A: b\x01\r\n\r\n", 400),
  BAD(LINE HOST "A: b\x7f\r\n\r\n", 400),
  BAD("GET /a\0 HTTP/1.1\r\n" HOST "\r\n", 400),
  BAD(LINE HOST "A: b\r\n c\r\n\r\n", 400),
  BAD(LINE HOST "A: b\r\n\tc\r\n\r\n", 400),
  BAD(LINE " Host: x\r\n\r\n", 400),
  BAD(LINE HOST "A : b\r\n\r\n", 400),
  BAD(LINE HOST ": b\r\n\r\n", 400),
  BAD(LINE HOST "A\r\n\r\n", 400),
  BAD(LINE HOST "A B: c\r\n\r\n", 400),
  BAD(LINE HOST "Transfer-Encoding: chunked\r\n\r\n", 400),
  BAD(LINE HOST "transfer-encoding: identity\r\n\r\n", 400),
  BAD(LINE HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
  BAD(LINE HOST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 400),
  BAD(LINE HOST "Content-Length: 5, 5\r\n\r\n", 400),
  BAD(LINE HOST "Content-Length: +5\r\n\r\n", 400),
  BAD(LINE HOST "Content-Length: -5\r\n\r\n", 400),
  BAD(LINE HOST "Content-Length: 0x5\r\n\r\n", 400),
  BAD(LINE HOST "Content-Length:\r\n\r\n", 400),
  BAD(LINE HOST "Content-Length: 5 5\r\n\r\n", 400),
  BAD(LINE HOST "Content-Length: 65537\r\n\r\n", 413),
  BAD(LINE HOST "Content-Length: 99999999999999999999999999\r\n\r\n", 413),
  BAD(LINE HOST "Host: y\r\n\r\n", 400),
  BAD(LINE "A: b\r\n\r\n", 400),
  BAD(LINE HOST "Expect: 200-ok\r\n\r\n", 417),
  BAD("GET http://x/a HTTP/1.1\r\n" HOST "\r\n", 400),
  BAD("GET * HTTP/1.1\r\n" HOST "\r\n", 400),
  BAD("GET  /a HTTP/1.1\r\n" HOST "\r\n", 400),
  BAD("GET /a  HTTP/1.1\r\n" HOST "\r\n", 400),
  BAD("GET /a b HTTP/1.1\r\n" HOST "\r\n", 400),
  BAD("GET /\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n", 400),
  BAD("GET /a\r\n" HOST "\r\n", 400),
  BAD("G\"T /a HTTP/1.1\r\n" HOST "\r\n", 400),
  BAD(" GET /a HTTP/1.1\r\n" HOST "\r\n", 400),
  BAD("GET /a HTTP/2.0\r\n" HOST "\r\n", 505),
  BAD("GET /a HTTP/1.2\r\n" HOST "\r\n", 505),
  BAD("GET /a http/1.1\r\n" HOST "\r\n", 400),
  BAD("PRI * HTTP/2.0\r\n\r\n", 400),
  BAD("\r\n" LINE HOST "\r\n", 400),
};

static void refuses_each_head_of_the_table (void **unused) {
  (void)unused;
  for (size_t i = 0; i < COUNT(table); i++) {
    tl_http_request r;
    tl_http_refusal why = { 0 };
    size_t seen = 0;
    uint8_t *copy = exact_copy(table[i].text, table[i].len);
    long rc = tl_http_request_read(copy, table[i].len, &seen, &r, &why);
    if (rc != TL_EMALFORMED || why.status != table[i].status)
      fail_msg("%zu: %s: got %ld, status %d", i, table[i].text, rc, why.status);
    assert_non_null(why.text);
    free(copy);
  }
}

/* A byte at a time: never taken before its end, never refused later than whole. */
static void refuses_them_byte_by_byte_as_well (void **unused) {
  (void)unused;
  for (size_t i = 0; i < COUNT(table); i++) {
    tl_http_request r;
    tl_http_refusal why = { 0 };
    size_t seen = 0;
    long rc = TL_EPARTIAL;
    for (size_t n = 1; n <= table[i].len && rc == TL_EPARTIAL; n++)
      rc = tl_http_request_read((const uint8_t *)table[i].text, n, &seen, &r, &why);
    assert_int_equal(rc, TL_EMALFORMED);
    assert_int_equal(why.status, table[i].status);
  }
}

static void reads_a_good_head_at_every_cut (void **unused) {
  (void)unused;
  static const char text[] =
      "POST /api/v1/tags/a.b?x=1 HTTP/1.1\r\nHost:\tx:8080 \r\n"
      "Content-Length: 65536\r\nX-Odd: \xc3\xa9\t\"\r\nExpect: 100-Continue\r\n"
      "\r\n";
  size_t len = sizeof text - 1, seen = 0;
  tl_http_request r;
  tl_http_refusal why;
  for (size_t n = 0; n < len; n++) {
    uint8_t *copy = exact_copy(text, n);
    assert_int_equal(tl_http_request_read(copy, n, &seen, &r, &why), TL_EPARTIAL);
    free(copy);
  }
  uint8_t *copy = exact_copy(text, len);
  assert_int_equal(tl_http_request_read(copy, len, &seen, &r, &why), (long)len);
  assert_bytes(r.method, "POST");
  assert_bytes(r.target, "/api/v1/tags/a.b?x=1");
  assert_int_equal(r.body, 65536);
  assert_true(r.minor);
  free(copy);
}

static void leaves_what_comes_behind (void **unused) {
  (void)unused;
  static const char text[] = "GET / HTTP/1.0\r\n\r\nGET / HTTP/1.0\r\n\r\n";
  size_t seen = 0;
  tl_http_request r;
  tl_http_refusal why;
  assert_int_equal(tl_http_request_read((const uint8_t *)text, sizeof text - 1, &seen, &r, &why),
                   18);
  assert_false(r.minor);
  assert_int_equal(r.body, 0);
}

static void bounds_the_head (void **unused) {
  (void)unused;
  static uint8_t text[TL_HTTP_REQUEST_HEAD + 100];
  static const char start[] = LINE HOST "A: ";
  tl_http_request r;
  tl_http_refusal why;
  size_t seen = 0;
  memset(text, 'x', sizeof text);
  memcpy(text, start, sizeof start - 1);
  assert_int_equal(tl_http_request_read(text, TL_HTTP_REQUEST_HEAD - 1, &seen, &r, &why),
                   TL_EPARTIAL);
  assert_int_equal(tl_http_request_read(text, sizeof text, &seen, &r, &why), TL_EMALFORMED);
  assert_int_equal(why.status, 431);
  memcpy(text + TL_HTTP_REQUEST_HEAD - 4, "\r\n\r\n", 4);
  seen = 0;
  assert_int_equal(tl_http_request_read(text, sizeof text, &seen, &r, &why), TL_HTTP_REQUEST_HEAD);
}

/* --- targets --- */

static int path_of (const char *target, tl_buf *out) {
  tl_buf_clear(out);
  return tl_http_path(tl_slice_str(target), out);
}

static void decodes_paths_and_parameters (void **unused) {
  (void)unused;
  tl_buf name, value;
  tl_buf_init(&name);
  tl_buf_init(&value);
  assert_int_equal(path_of("/a%2Fb%c3%A9+c?x=%zz", &value), TL_OK);
  assert_bytes(tl_buf_bytes(&value), "/a/b\xc3\xa9+c");
  tl_slice query = tl_http_query(tl_slice_str("/p?&a=1+2&&b=%26%3d=&c&=d"));
  static const char *const pairs[][2] = {
    { "a", "1 2" }, { "b", "&==" }, { "c", "" }, { "", "d" }
  };
  for (size_t i = 0; i < COUNT(pairs); i++) {
    assert_int_equal(tl_http_parameter(&query, &name, &value), 1);
    assert_bytes(tl_buf_bytes(&name), pairs[i][0]);
    assert_bytes(tl_buf_bytes(&value), pairs[i][1]);
  }
  assert_int_equal(tl_http_parameter(&query, &name, &value), 0);
  assert_int_equal(tl_http_query(tl_slice_str("/p")).len, 0);
  tl_buf_fini(&name);
  tl_buf_fini(&value);
}

static void refuses_targets_that_cannot_be_read (void **unused) {
  (void)unused;
  static const char *const bad_paths[] = { "/%", "/%4", "/%zz", "/a%0", "/%00", "/%ff", "/%c3" };
  tl_buf out, name;
  tl_buf_init(&out);
  tl_buf_init(&name);
  for (size_t i = 0; i < COUNT(bad_paths); i++) {
    uint8_t *copy = exact_copy(bad_paths[i], strlen(bad_paths[i]));
    tl_slice target = tl_slice_of(copy, strlen(bad_paths[i]));
    tl_buf_clear(&out);
    assert_int_equal(tl_http_path(target, &out), TL_ESYNTAX);
    assert_int_equal(out.len, 0);
    assert_int_equal(tl_http_parameter(&target, &name, &out), TL_ESYNTAX);
    free(copy);
  }
  tl_buf_fini(&out);
  tl_buf_fini(&name);
}

static void knows_its_own_hosts (void **unused) {
  (void)unused;
  static const char names[] = "gw.local\0plant";
  static const char *const ours[] = { "localhost",  "LOCALHOST:80", "127.0.0.1", "127.0.0.1:8080",
                                      "10.1.2.3",   "[::1]",        "[::1]:80",  "[fe80::1]",
                                      "gw.local:1", "GW.local",     "plant" };
  static const char *const others[] = { "",          "evil.com",     "localhost.evil.com",
                                        "1.2.3.4.5", "1.2.3",        "a.1.2.3.4",
                                        "1.2.3.4.x", "[::1].evil",   "127.0.0.1.evil.com",
                                        "gw.locall", "gw.local.com", "[evil.com]",
                                        "plan",      "localhost:x",  "::1",
                                        "1..2.3",    "1.2.3.4444",   "1.2.3.",
                                        "[::g]",     "[::",          "1.2.3.4a" };
  for (size_t i = 0; i < COUNT(ours); i++)
    if (!tl_http_host_is_ours(tl_slice_str(ours[i]), names, sizeof names)) fail_msg("%s", ours[i]);
  for (size_t i = 0; i < COUNT(others); i++)
    if (tl_http_host_is_ours(tl_slice_str(others[i]), names, sizeof names))
      fail_msg("%s", others[i]);
  assert_true(tl_http_host_is_ours(TL_LIT("localhost"), NULL, 0));
  assert_false(tl_http_host_is_ours(TL_LIT("gw.local"), NULL, 0));
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(refuses_each_head_of_the_table),
    cmocka_unit_test(refuses_them_byte_by_byte_as_well),
    cmocka_unit_test(reads_a_good_head_at_every_cut),
    cmocka_unit_test(leaves_what_comes_behind),
    cmocka_unit_test(bounds_the_head),
    cmocka_unit_test(decodes_paths_and_parameters),
    cmocka_unit_test(refuses_targets_that_cannot_be_read),
    cmocka_unit_test(knows_its_own_hosts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

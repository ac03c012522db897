/* spec/base/address_test.c — addresses of brokers and proxies, good ones and wrong ones. */
#include "base_support.h"

#include "base/address.h"

static void takes_addresses_apart (void **unused) {
  (void)unused;
  static const struct {
    const char *text, *host, *path;
    tl_scheme scheme;
    uint16_t port;
  } cases[] = {
    { "broker", "broker", "", TL_SCHEME_NONE, 0 },
    { "10.0.0.1", "10.0.0.1", "", TL_SCHEME_NONE, 0 },
    { "::1", "::1", "", TL_SCHEME_NONE, 0 },
    { "[::1]", "::1", "", TL_SCHEME_NONE, 0 },
    { "mqtt://broker", "broker", "", TL_SCHEME_MQTT, 0 },
    { "MQTTS://broker:8884", "broker", "", TL_SCHEME_MQTTS, 8884 },
    { "mqtts://broker/", "broker", "/", TL_SCHEME_MQTTS, 0 },
    { "mqtts://[fe80::1%eth0]:1", "fe80::1%eth0", "", TL_SCHEME_MQTTS, 1 },
    { "ws://broker:80/mqtt?a=b&c=%20", "broker", "/mqtt?a=b&c=%20", TL_SCHEME_WS, 80 },
    { "wss://[::1]/x/y", "::1", "/x/y", TL_SCHEME_WSS, 0 },
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    tl_address a;
    tl_err err = { .text = "" };
    uint8_t *copy = exact_copy(cases[i].text, strlen(cases[i].text));
    if (tl_broker_parse(tl_slice_of(copy, strlen(cases[i].text)), &a, &err) != TL_OK)
      fail_msg("%s: %s", cases[i].text, err.text);
    assert_int_equal(a.scheme, cases[i].scheme);
    assert_int_equal(a.port, cases[i].port);
    assert_bytes(a.host, cases[i].host);
    assert_bytes(a.path, cases[i].path);
    free(copy);
  }
  assert_int_equal(tl_scheme_port(TL_SCHEME_NONE), 1883);
  assert_int_equal(tl_scheme_port(TL_SCHEME_MQTT), 1883);
  assert_int_equal(tl_scheme_port(TL_SCHEME_MQTTS), 8883);
  assert_int_equal(tl_scheme_port(TL_SCHEME_WS), 80);
  assert_int_equal(tl_scheme_port(TL_SCHEME_WSS), 443);
}

static void refuses_wrong_ones_and_tells_no_password (void **unused) {
  (void)unused;
  static const struct {
    const char *text, *words;
  } cases[] = {
    { "", "empty" },
    { "http://broker", "got \"http://\": here it is \"ws://\"" },
    { "ssl://broker", "here it is \"mqtts://\"" },
    { "mqqt://broker", "expected mqtt://, mqtts://, ws:// or wss://, got \"mqqt://\"" },
    { "mqtt://", "empty" },
    { "mqtt://:1883", "empty" },
    { "mqtt://joe:geheim@broker", "set user_name and password" },
    { "mqtts://broker:0", "port" },
    { "mqtts://broker:65536", "port" },
    { "mqtts://broker:", "port" },
    { "mqtts://broker:88x", "port" },
    { "mqtts://[::1", "]" },
    { "mqtts://[::1]8", "port behind the ]" },
    { "mqtts://bro ker", "got \"bro ker\"" },
    { "mqtts://broker/x", "only ws:// and wss://" },
    { "wss://broker/a b", "printable" },
    { "wss://broker/a#b", "printable" },
    { "wss://broker/a\x7f", "printable" },
    { "mqtts://broker:123456", "port" },
    { "mqtts://broker:-1", "port" },
    { "mqtts://bro{ker", "expected a host name" },
    { "mqtts://bro@ker", "set user_name" },
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    tl_address a;
    tl_err err = { .text = "" };
    int rc = tl_broker_parse(tl_slice_str(cases[i].text), &a, &err);
    if (rc != TL_ESYNTAX || !strstr(err.text, cases[i].words))
      fail_msg("%s: %s", cases[i].text, err.text);
    assert_null(strstr(err.text, "geheim"));
  }
}

static void refuses_what_is_too_long (void **unused) {
  static char text[5000];
  (void)unused;
  for (int path = 0; path < 2; path++) {
    tl_address a;
    tl_err err = { .text = "" };
    memset(text, 'x', sizeof text - 1);
    memcpy(text, path ? "wss://h/" : "mqtts://", 8);
    assert_int_equal(tl_broker_parse(tl_slice_str(text), &a, &err), TL_ESYNTAX);
    assert_non_null(strstr(err.text, path ? "a path of at most" : "a host name or an address"));
  }
}

static void takes_proxies_apart (void **unused) {
  (void)unused;
  static const struct {
    const char *text, *host, *words;
    bool is_socks;
    uint16_t port;
  } cases[] = {
    { "http://proxy:3128", "proxy", NULL, false, 3128 },
    { "socks5://[::1]:1080/", "::1", NULL, true, 1080 },
    { "proxy:3128", NULL, "expected \"http://HOST:PORT\"", false, 0 },
    { "https://proxy:3128", NULL, "expected \"http://HOST:PORT\"", false, 0 },
    { "http://proxy", NULL, "expected a port, as in \"http://HOST:3128\"", false, 0 },
    { "socks5://proxy", NULL, "expected a port, as in \"socks5://HOST:1080\"", true, 0 },
    { "http://u:geheim@proxy:1", NULL, "set proxy_user and proxy_password", false, 0 },
    { "http://:1", NULL, "empty", false, 0 },
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    tl_address a;
    tl_err err = { .text = "" };
    bool is_socks;
    int rc = tl_proxy_parse(tl_slice_str(cases[i].text), &a, &is_socks, &err);
    assert_int_equal(is_socks, cases[i].is_socks);
    if (cases[i].words) {
      if (rc != TL_ESYNTAX || !strstr(err.text, cases[i].words))
        fail_msg("%s: %s", cases[i].text, err.text);
      assert_null(strstr(err.text, "geheim"));
    } else {
      assert_int_equal(rc, TL_OK);
      assert_int_equal(a.port, cases[i].port);
      assert_bytes(a.host, cases[i].host);
    }
  }
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(takes_addresses_apart),
    cmocka_unit_test(refuses_wrong_ones_and_tells_no_password),
    cmocka_unit_test(refuses_what_is_too_long),
    cmocka_unit_test(takes_proxies_apart),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

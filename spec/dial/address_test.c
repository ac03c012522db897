/* spec/dial/address_test.c — how a line's addresses are written, and what is said of an end
** without a reason. */
#include <string.h>

#include "dial/dial_impl.h"
#include "support/spec.h"

static void addresses_are_written_whole (void **state) {
  tl_slice hosts[] = { TL_LIT("broker"),
                       TL_LIT("mqtts://broker"),
                       TL_LIT("ws://broker/path"),
                       TL_LIT("wss://broker:443"),
                       TL_LIT("::1"),
                       TL_LIT("mqtt://[::1]:1884") };
  const tl_line_params params = { .host = { hosts, COUNT(hosts) }, .port = 1883 };
  const tl_dial d = { .by.params = &params };
  (void)state;
  static const struct {
    const char *address, *url, *hint;
  } cases[] = {
    { "broker:1883", "mqtt://broker:1883", "does it want TLS" },
    { "broker:8883", "mqtts://broker:8883", "our certificate" },
    { "broker:80", "ws://broker:80", "the user?" },
    { "broker:443", "wss://broker:443", "our certificate" },
    { "[::1]:1883", "mqtt://[::1]:1883", "does it want TLS" },
    { "[::1]:1884", "mqtt://[::1]:1884", "does it want TLS" },
  };
  char text[100];
  for (size_t i = 0; i < COUNT(cases); i++) {
    tl_dial_address(&d, i, text, sizeof text);
    assert_string_equal(text, cases[i].address);
    tl_dial_url(&d, i, text, sizeof text);
    assert_string_equal(text, cases[i].url);
    assert_non_null(strstr(tl_dial_end_hint(&d, i), cases[i].hint));
  }
}

static void a_plain_end_names_no_cause (void **state) {
  (void)state;
  assert_true(tl_dial_ended_plainly(TL_TRANSPORT_END, "the broker closed the connection"));
  assert_false(tl_dial_ended_plainly(TL_TRANSPORT_END, "TLS: unknown ca"));
  assert_false(tl_dial_ended_plainly(TL_TRANSPORT_END, "short"));
  assert_true(tl_dial_ended_plainly(-104, "read: connection reset by peer"));
  assert_false(tl_dial_ended_plainly(-110, "connection timed out"));
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(addresses_are_written_whole),
    cmocka_unit_test(a_plain_end_names_no_cause),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

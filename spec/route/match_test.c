/* spec/route/match_test.c — one regex asked about one topic, whatever stations stand beside it. */
#include "route_support.h"

static void takes (const char *address, const char *topic, const char *captures) {
  tl_route route;
  tl_captures c;
  char text[200] = "";
  if (!tl_router_match(router, tl_slice_str(address), tl_slice_str(topic), &route))
    fail_msg("%s does not take %s", address, topic);
  assert_string_equal(route.target, address);
  tl_route_captures(&route, tl_slice_str(topic), &c);
  for (size_t i = 0; i < c.n; i++) {
    size_t n = strlen(text);
    snprintf(text + n, sizeof text - n, "%.*s=%.*s;", TL_ARG(c.names[i]), TL_ARG(c.values[i]));
  }
  assert_string_equal(text, captures);
}

static void leaves (const char *address, const char *topic) {
  tl_route route;
  assert_false(tl_router_match(router, tl_slice_str(address), tl_slice_str(topic), &route));
}

static void an_address_is_asked_though_another_comes_first (void **unused) {
  (void)unused;
  add("up/(?<dev>.*)");
  add("up/(?<kind>[a-z]+)-(?<dev>[0-9]+)");
  add("up/a-1");
  goes("up/a-1", "up/a-1", TL_BY_EXACT);
  takes("up/(?<dev>.*)", "up/a-1", "dev=a-1;");
  takes("up/(?<kind>[a-z]+)-(?<dev>[0-9]+)", "up/a-1", "dev=1;kind=a;");
  leaves("up/(?<kind>[a-z]+)-(?<dev>[0-9]+)", "up/a-b");
  leaves("up/(?<dev>.*)", "down/a-1");
  goes("up/a-1", "up/a-1", TL_BY_EXACT);
}

static void what_is_no_regex_or_not_there_matches_nothing (void **unused) {
  (void)unused;
  add("up/a");
  add(".*");
  add("#");
  leaves("up/a", "up/a");
  leaves(".*", "up/a");
  leaves("#", "up/a");
  leaves("up/(.*)", "up/a");
}

static void the_answer_before_it_is_asked_anew (void **unused) {
  (void)unused;
  tl_router_free(router);
  /* no memory: groups stand in the router's own room */
  assert_int_equal(tl_router_new(&router, 0, 0), TL_OK);
  add("up/(?<dev>.*)");
  find("up/first");
  takes("up/(?<dev>.*)", "up/a", "dev=a;");
  const tl_route *route = find("up/first");
  tl_captures c;
  tl_route_captures(route, TL_LIT("up/first"), &c);
  assert_int_equal(c.n, 1);
  assert_true(tl_slice_eq(c.values[0], TL_LIT("first")));
}

int main (void) {
  const struct CMUnitTest tests[] = {
    ROUTER_TEST(an_address_is_asked_though_another_comes_first),
    ROUTER_TEST(what_is_no_regex_or_not_there_matches_nothing),
    ROUTER_TEST(the_answer_before_it_is_asked_anew),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

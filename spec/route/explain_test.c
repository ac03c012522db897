/* spec/route/explain_test.c — the decision told candidate by candidate. */
#include "route_support.h"

static char told[4096];

static void tell (void *ctx, tl_slice address, void *target, tl_route_by by, bool matched,
                  const char *why) {
  static const char *const words[] = { "nothing", "hash", "exact", "regex", "rest" };
  size_t n = strlen(told);
  assert_ptr_equal(ctx, told);
  assert_true(tl_slice_eq(address, tl_slice_str(target)));
  snprintf(told + n, sizeof told - n, "%s %.*s%s: %s\n", words[by], TL_ARG(address),
           matched ? " MATCHES" : "", why);
}

static void explains (const char *topic, const char *expected) {
  told[0] = '\0';
  tl_router_explain(router, tl_slice_str(topic), tell, told);
  assert_string_equal(told, expected);
}

static void each_candidate_is_told_in_the_order_it_is_tried (void **unused) {
  (void)unused;
  add("plant/boiler/up");
  add("plant/meter-.*/up");
  add("plant/meter-[0-9]+/up");
  add("plant");
  add("site/.*");
  add(".*");
  explains("plant/meter-7/up",
           "exact plant/boiler/up: level 2 is 'boiler', in the topic it is 'meter-7'\n"
           "exact plant: the topic goes on after the address: '/meter-7/up'\n"
           "regex site/.*: regex does not match: it takes topics that begin with 'site/'\n"
           "regex plant/meter-[0-9]+/up MATCHES: regex matches\n");
  explains("pla", "exact plant/boiler/up: level 1 is 'plant', in the topic it is 'pla'\n"
                  "exact plant: level 1 is 'plant', in the topic it is 'pla'\n"
                  "regex site/.*: regex does not match: it takes topics that begin with 'site/'\n"
                  "regex plant/meter-[0-9]+/up: regex does not match: it takes topics that begin "
                  "with 'plant/meter-'\n"
                  "regex plant/meter-.*/up: regex does not match: it takes topics that begin with "
                  "'plant/meter-'\n"
                  "rest .* MATCHES: '.*' takes what no other station takes\n");
  explains("plant", "exact plant/boiler/up: the address goes on after the topic: '/boiler/up'\n"
                    "exact plant MATCHES: address equals the topic\n");
  add("a/.*");
  explains("a/.*", "exact plant/boiler/up: level 1 is 'plant', in the topic it is 'a'\n"
                   "exact plant: level 1 is 'plant', in the topic it is 'a'\n"
                   "exact a/.* MATCHES: address equals the topic\n");
}

static void near_misses_are_named (void **unused) {
  (void)unused;
  add("Plant/boiler");
  explains("plant/Boiler", "exact Plant/boiler: the same but for upper and lower case\n");
  explains("/Plant/boiler", "exact Plant/boiler: the same, but the topic begins with '/'\n");
  explains("Plant/boiler/", "exact Plant/boiler: the topic goes on after the address: '/'\n");
  remove_address("Plant/boiler");
  add("/a/b");
  explains("a/b", "exact /a/b: the same, but the address begins with '/'\n");
  remove_address("/a/b");
  add("(?<dev>[0-9]+)/up");
  explains("12/down",
           "regex (?<dev>[0-9]+)/up: regex does not match: it takes topics that end with '/up'\n");
  explains("x12/up", "regex (?<dev>[0-9]+)/up: regex does not match: only '12/up', and it must "
                     "match the whole topic\n");
  explains("x/up", "regex (?<dev>[0-9]+)/up: regex does not match\n");
}

static void long_texts_are_cut_between_characters (void **unused) {
  (void)unused;
  add("a/ääääääääääääääääääääääääääääääää/b");
  explains("a/aää/b", "exact a/ääääääääääääääääääääääääääääääää/b: level 2 is 'ääääääääääääääää…', "
                      "in the topic it is 'aää'\n");
}

static void a_hash_station_ends_it_at_once (void **unused) {
  (void)unused;
  add("a");
  add("#");
  explains("a", "hash # MATCHES: '#' takes every topic\n");
}

static void nothing_is_told_where_there_is_nothing (void **unused) {
  (void)unused;
  explains("a", "");
  add("b");
  explains("a", "exact b: level 1 is 'b', in the topic it is 'a'\n");
}

static void a_limit_is_named (void **unused) {
  (void)unused;
  add("(a+)+c?");
  explains("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab",
           "regex (a+)+c?: regex takes too many steps on this topic: it counts as not matching\n");
}

static void explaining_changes_nothing (void **unused) {
  (void)unused;
  tl_router_stats s;
  add("a.*");
  const tl_route *route = find("ab");
  explains("ac", "regex a.* MATCHES: regex matches\n");
  assert_string_equal(route->target, "a.*");
  tl_router_get_stats(router, &s);
  assert_true(s.remembered == 1 && s.hits == 0 && s.misses == 1);
}

static void stations_that_come_and_go_are_seen (void **unused) {
  (void)unused;
  add("x");
  explains("y", "exact x: level 1 is 'x', in the topic it is 'y'\n");
  add("z");
  explains("y", "exact z: level 1 is 'z', in the topic it is 'y'\n"
                "exact x: level 1 is 'x', in the topic it is 'y'\n");
  assert_int_equal(tl_router_remove(router, TL_LIT("z")), TL_OK);
  explains("y", "exact x: level 1 is 'x', in the topic it is 'y'\n");
  assert_int_equal(tl_router_remove(router, TL_LIT("x")), TL_OK);
  explains("y", "");
}

int main (void) {
  const struct CMUnitTest tests[] = {
    ROUTER_TEST(each_candidate_is_told_in_the_order_it_is_tried),
    ROUTER_TEST(near_misses_are_named),
    ROUTER_TEST(long_texts_are_cut_between_characters),
    ROUTER_TEST(a_hash_station_ends_it_at_once),
    ROUTER_TEST(nothing_is_told_where_there_is_nothing),
    ROUTER_TEST(a_limit_is_named),
    ROUTER_TEST(explaining_changes_nothing),
    ROUTER_TEST(stations_that_come_and_go_are_seen),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* spec/route/memory_test.c — remembered answers: what changes them, what bounds them, instances
** and wills. */
#include "base/clock.h"
#include "route_support.h"

static tl_router_stats stats (void) {
  tl_router_stats s;
  tl_router_get_stats(router, &s);
  return s;
}

static void changes_are_seen_by_topics_known_before (void **unused) {
  (void)unused;
  goes("a/b", NULL, TL_BY_NOTHING);
  add("a/.*");
  goes("a/b", "a/.*", TL_BY_REGEX);
  add("a/[b]");
  goes("a/b", "a/[b]", TL_BY_REGEX); /* '[' > '.' */
  add("a/b");
  goes("a/b", "a/b", TL_BY_EXACT);
  add("#");
  goes("a/b", "#", TL_BY_HASH);
  remove_address("#");
  goes("a/b", "a/b", TL_BY_EXACT);
  remove_address("a/b");
  goes("a/b", "a/[b]", TL_BY_REGEX);
  remove_address("a/[b]");
  goes("a/b", "a/.*", TL_BY_REGEX);
  add(".*");
  remove_address("a/.*");
  goes("a/b", ".*", TL_BY_REST);
  remove_address(".*");
  goes("a/b", NULL, TL_BY_NOTHING);
}

static void each_change_alone_is_seen_at_once (void **unused) {
  (void)unused;
  static const char *const addresses[] = { "t", "[t]", ".*", "#" };
  static const tl_route_by by[] = { TL_BY_EXACT, TL_BY_REGEX, TL_BY_REST, TL_BY_HASH };
  for (int i = 0; i < 4; i++) {
    assert_int_equal(find("t")->by, TL_BY_NOTHING);
    add(addresses[i]);
    assert_int_equal(find("t")->by, by[i]);
    assert_int_equal(find("t")->by, by[i]);
    remove_address(addresses[i]);
    assert_int_equal(find("t")->by, TL_BY_NOTHING);
  }
}

static void adding_twice_and_removing_what_is_not_there_fail (void **unused) {
  (void)unused;
  static const char *const addresses[] = { "plain", "reg.*ex", ".*", "#" };
  tl_err err;
  for (int i = 0; i < 4; i++) {
    assert_int_equal(tl_router_remove(router, tl_slice_str(addresses[i])), TL_ENOENT);
    add(addresses[i]);
    assert_int_equal(tl_router_add(router, tl_slice_str(addresses[i]), "other", &err), TL_EEXIST);
    assert_non_null(strstr(err.text, addresses[i]));
    assert_int_equal(tl_router_add(router, tl_slice_str(addresses[i]), "other", NULL), TL_EEXIST);
  }
  remove_address("#");
  goes("plain", "plain", TL_BY_EXACT);
  goes("reg-ex", "reg.*ex", TL_BY_REGEX);
}

static void a_regex_that_does_not_compile_leaves_no_trace (void **unused) {
  (void)unused;
  tl_err err;
  assert_int_equal(tl_router_add(router, TL_LIT("a/(b"), "x", &err), TL_ESYNTAX);
  assert_int_equal(err.at, 4);
  assert_string_equal(err.text, "missing closing parenthesis");
  assert_int_equal(tl_router_add(router, TL_LIT(""), "x", &err), TL_ESYNTAX);
  assert_int_equal(stats().exact, 0);
  assert_int_equal(stats().regexes, 0);
  goes("a/(b", NULL, TL_BY_NOTHING);
  char *text = malloc(65536);
  memset(text, 'a', 65536);
  assert_int_equal(tl_router_add(router, tl_slice_of(text, 65536), "x", &err), TL_ESYNTAX);
  assert_int_equal(tl_router_add(router, tl_slice_of(text, 65535), "x", &err), TL_OK);
  assert_non_null(tl_router_find(router, tl_slice_of(text, 65535))->target);
  free(text);
}

static void captures_come_with_the_answer_each_time (void **unused) {
  (void)unused;
  add("site/(?<dev>[^/]+)/(up)?.*");
  for (int i = 0; i < 3; i++) {
    const tl_route *route = find("site/a17/x");
    assert_int_equal(route->group_count, 3);
    assert_true(route->groups[0].from == 0 && route->groups[0].to == 10);
    assert_true(route->groups[1].from == 5 && route->groups[1].to == 8);
    assert_true(route->groups[2].from == UINT32_MAX);
    const char *name;
    int number;
    assert_true(tl_pattern_named(route->pattern, 0, &name, &number));
    assert_string_equal(name, "dev");
    assert_int_equal(number, 1);
    if (i > 0) find("site/other/up");
  }
  add("bare/.*");
  assert_null(find("bare/x")->groups);
  assert_null(find("bare/x")->pattern);
  assert_int_equal(find("bare/x")->group_count, 0);
}

static void hits_and_misses_are_counted (void **unused) {
  (void)unused;
  add("exact");
  add("reg.*");
  find("exact");
  find("exact");
  assert_int_equal(stats().hits + stats().misses, 0);
  assert_int_equal(stats().remembered, 0);
  find("reg1");
  find("reg1");
  find("exact");
  find("reg1");
  find("nobody");
  find("nobody");
  assert_int_equal(stats().misses, 2);
  assert_int_equal(stats().hits, 3);
  assert_int_equal(stats().remembered, 2);
  assert_int_equal(stats().exact, 1);
  assert_int_equal(stats().regexes, 1);
}

static void the_number_of_topics_is_bounded (void **unused) {
  (void)unused;
  char topic[32];
  add("t.*");
  for (int i = 0; i < 5000; i++) {
    snprintf(topic, sizeof topic, "t/%d", i);
    assert_string_equal(find(topic)->target, "t.*");
    assert_true(stats().remembered <= 100);
  }
  assert_int_equal(stats().remembered, 100);
  assert_int_equal(stats().misses, 5000);
}

static void a_topic_in_use_outlives_a_flood_of_others (void **unused) {
  (void)unused;
  char topic[32];
  for (int i = 0; i < 5000; i++) {
    snprintf(topic, sizeof topic, "flood/%d", i);
    find("in use");
    find(topic);
  }
  assert_int_equal(stats().misses, 5001);
  assert_int_equal(stats().hits, 4999);
}

static void the_bytes_of_text_are_bounded (void **unused) {
  (void)unused;
  char topic[4001];
  memset(topic, 'a', 4000);
  topic[4000] = '\0';
  for (int i = 0; i < 50; i++) {
    topic[0] = (char)('A' + i);
    find(topic);
    assert_true(stats().remembered <= 2); /* 10000 bytes */
  }
  assert_int_equal(stats().remembered, 2);
  find("short");
  assert_int_equal(stats().remembered, 3);
}

static void a_topic_too_long_to_remember_is_routed_all_the_same (void **unused) {
  (void)unused;
  char *topic = malloc(65536);
  memset(topic, 'x', 65535);
  topic[65535] = '\0';
  add("x(.*)");
  for (int i = 0; i < 3; i++) {
    const tl_route *route = find(topic);
    assert_string_equal(route->target, "x(.*)");
    assert_int_equal(route->by, TL_BY_REGEX);
    assert_int_equal(route->groups[1].to, 65535);
    assert_non_null(route->pattern);
  }
  assert_int_equal(stats().misses, 3);
  assert_int_equal(stats().remembered, 0);
  assert_int_equal(tl_router_remember(router, tl_slice_str(topic), "instance"), TL_EFULL);
  free(topic);
}

static void what_was_given_up_for_its_time_is_not_remembered (void **unused) {
  (void)unused;
  char topic[4001], address[64];
  memset(topic, 'a', 4000);
  topic[4000] = '\0';
  for (int i = 0; i < 200; i++) {
    snprintf(address, sizeof address, "(?:a*+c|a)*[d-e]{%d}", i + 1);
    add(address);
  }
  add(".*");
  for (int i = 0; i < 2; i++) {
    uint64_t start = tl_clock_cpu_ns(), before = tl_pattern_sum_begin();
    const tl_route *route = find(topic);
    tl_pattern_sum_end(before);
    assert_null(route->target); /* not even '.*': one of the others might have taken it */
    assert_int_equal(route->by, TL_BY_GIVEN_UP);
    assert_true(tl_clock_cpu_ns() - start < 200000000);
    assert_int_equal(stats().remembered, 0);
  }
  uint64_t before = tl_pattern_sum_begin();
  goes("x", ".*", TL_BY_REST);
  tl_pattern_sum_end(before);
  assert_true(stats().remembered > 0);
}

static void a_router_without_memory_decides_each_time (void **unused) {
  (void)unused;
  router_end(NULL);
  assert_int_equal(tl_router_new(&router, 0, 0), TL_OK);
  add("a(.)");
  add(".*");
  goes("ab", "a(.)", TL_BY_REGEX);
  goes("x", ".*", TL_BY_REST);
  assert_int_equal(find("ab")->groups[1].from, 1);
  assert_int_equal(tl_router_remember(router, TL_LIT("ab"), "instance"), TL_EFULL);
  remove_address(".*");
  goes("x", NULL, TL_BY_NOTHING);
}

static void an_instance_takes_its_topics_with_the_captures (void **unused) {
  (void)unused;
  add("site/(?<dev>[^/]+)/(.*)");
  const tl_route *route = find("site/a17/up");
  const tl_group *groups = route->groups;
  assert_int_equal(tl_router_remember(router, TL_LIT("site/a17/up"), "a17"), TL_OK);
  /* still to be read */
  assert_true(route->groups == groups && groups[1].from == 5 && groups[1].to == 8);
  for (int i = 0; i < 3; i++) {
    route = find("site/a17/up");
    assert_string_equal(route->target, "a17");
    assert_int_equal(route->by, TL_BY_EXACT);
    assert_int_equal(route->group_count, 3);
    assert_true(route->groups[1].from == 5 && route->groups[1].to == 8);
    find("site/a17/down");
  }
  /* asked for or not */
  assert_int_equal(tl_router_remember(router, TL_LIT("site/a17/down"), "a17"), TL_OK);
  assert_int_equal(tl_router_remember(router, TL_LIT("site/b/new"), "b"), TL_OK);
  assert_string_equal(find("site/b/new")->target, "b");
  assert_string_equal(find("site/a17/down")->target, "a17");
}

static void an_instance_is_forgotten_by_topic_by_target_and_with_its_regex (void **unused) {
  (void)unused;
  const char *regex = "site/(?<dev>[^/]+)/.*";
  static const char *const topics[] = { "site/a/1", "site/a/2", "site/b/1" };
  add(regex);
  for (int i = 0; i < 3; i++)
    assert_int_equal(tl_router_remember(router, tl_slice_str(topics[i]), &"ab"[i / 2]), TL_OK);
  remove_address("site/a/1");
  assert_string_equal(find("site/a/1")->target, regex);
  /* an ordinary answer now */
  assert_int_equal(tl_router_remove(router, TL_LIT("site/a/1")), TL_ENOENT);
  assert_int_equal(tl_router_remember(router, TL_LIT("site/a/1"), &"ab"[0]), TL_OK);
  tl_router_forget(router, find("site/a/2")->target);
  assert_string_equal(find("site/a/1")->target, regex);
  assert_string_equal(find("site/a/2")->target, regex);
  assert_string_equal(find("site/b/1")->target, "b");
  remove_address(regex);
  assert_null(find("site/b/1")->target);
}

static void what_no_station_takes_has_no_instance (void **unused) {
  (void)unused;
  add("exact");
  assert_int_equal(tl_router_remember(router, TL_LIT("exact"), "x"), TL_EEXIST);
  assert_int_equal(tl_router_remember(router, TL_LIT("nobody"), "x"), TL_ENOENT);
  goes("nobody", NULL, TL_BY_NOTHING);
  goes("exact", "exact", TL_BY_EXACT);
}

static void assert_wills (const char *topic, uint32_t count, ...) {
  va_list args;
  for (int round = 0; round < 2; round++) {
    const tl_route *route = find(topic);
    assert_int_equal(route->will_count, count);
    va_start(args, count);
    for (uint32_t i = 0; i < count; i++)
      assert_ptr_equal(route->wills[i], va_arg(args, const char *));
    va_end(args);
  }
}

static void wills_come_beside_whatever_takes_the_topic (void **unused) {
  (void)unused;
  static const char one[] = "1", two[] = "2", three[] = "3";
  static const char *const ways[] = { NULL, ".*", "[l]wt", "lwt", "#" };
  for (int i = 0; i < 5; i++) {
    if (i > 0) add(ways[i]);
    assert_wills("lwt", 0);
    assert_int_equal(tl_router_add_will(router, TL_LIT("lwt"), (void *)one), TL_OK);
    assert_wills("lwt", 1, one);
    assert_wills("other", 0);
    assert_int_equal(tl_router_add_will(router, TL_LIT("lwt"), (void *)two), TL_OK);
    assert_int_equal(tl_router_add_will(router, TL_LIT("lwt"), (void *)three), TL_OK);
    assert_int_equal(tl_router_add_will(router, TL_LIT("lwt"), (void *)two), TL_EEXIST);
    assert_wills("lwt", 3, one, two, three);
    assert_int_equal(tl_router_remove_will(router, TL_LIT("lwt"), (void *)one), TL_OK);
    assert_wills("lwt", 2, two, three);
    assert_int_equal(tl_router_add_will(router, TL_LIT("lwt"), (void *)one), TL_OK);
    assert_wills("lwt", 3, two, three, one);
    for (int k = 0; k < 3; k++)
      assert_int_equal(tl_router_remove_will(router, TL_LIT("lwt"),
                                             (void *)(k == 0   ? three
                                                      : k == 1 ? one
                                                               : two)),
                       TL_OK);
    assert_int_equal(tl_router_remove_will(router, TL_LIT("lwt"), (void *)one), TL_ENOENT);
    assert_wills("lwt", 0);
    const char *target = find("lwt")->target;
    assert_true(i == 0 ? target == NULL : strcmp(target, ways[i]) == 0);
  }
}

static void a_station_added_later_finds_the_wills_of_its_topic (void **unused) {
  (void)unused;
  static const char one[] = "1";
  assert_int_equal(tl_router_add_will(router, TL_LIT("a/b"), (void *)one), TL_OK);
  assert_wills("a/b", 1, one);
  add("a/b");
  assert_wills("a/b", 1, one);
  assert_int_equal(find("a/b")->by, TL_BY_EXACT);
  remove_address("a/b");
  assert_wills("a/b", 1, one);
  assert_int_equal(tl_router_remove_will(router, TL_LIT("none"), (void *)one), TL_ENOENT);
}

static void hundreds_of_stations_may_share_a_will (void **unused) {
  (void)unused;
  static char targets[300];
  for (int i = 0; i < 300; i++)
    assert_int_equal(tl_router_add_will(router, TL_LIT("gw/down"), &targets[i]), TL_OK);
  const tl_route *route = find("gw/down");
  assert_int_equal(route->will_count, 300);
  for (int i = 0; i < 300; i++) assert_ptr_equal(route->wills[i], &targets[i]);
  for (int i = 0; i < 300; i += 2)
    assert_int_equal(tl_router_remove_will(router, TL_LIT("gw/down"), &targets[i]), TL_OK);
  route = find("gw/down");
  for (int i = 0; i < 150; i++) assert_ptr_equal(route->wills[i], &targets[2 * i + 1]);
}

/* Changed at random, against what a second router says that never remembers. */
static void agrees_with_a_router_that_never_remembers (void **unused) {
  (void)unused;
  static char addresses[200][24];
  static bool there[200];
  tl_router *fresh;
  uint64_t seed = 11;
  assert_int_equal(tl_router_new(&fresh, 0, 0), TL_OK);
  memset(there, 0, sizeof there);
  for (int i = 0; i < 200; i++) {
    static const char *const before[] = { "t/", ".*/", "t/", "t/[" }, *const after[] = { ".*", "",
                                                                                         "", "]+" };
    snprintf(addresses[i], sizeof addresses[i], "%s%d%s", before[i % 4], i % 30, after[i % 4]);
  }
  strcpy(addresses[198], ".*");
  for (int step = 0; step < 20000; step++) {
    char topic[24];
    int k = (int)(random_next(&seed) >> 33) % 200;
    if (step % 20 == 0 && !there[k]) {
      bool known =
          tl_router_add(router, tl_slice_str(addresses[k]), addresses[k], NULL) == TL_EEXIST;
      assert_true((tl_router_add(fresh, tl_slice_str(addresses[k]), addresses[k], NULL) ==
                   TL_EEXIST) == known);
      there[k] = !known;
    } else if (step % 20 == 10 && there[k]) {
      assert_int_equal(tl_router_remove(router, tl_slice_str(addresses[k])), TL_OK);
      assert_int_equal(tl_router_remove(fresh, tl_slice_str(addresses[k])), TL_OK);
      there[k] = false;
    }
    snprintf(topic, sizeof topic, "t/%d", k);
    const tl_route *a = tl_router_find(router, tl_slice_str(topic)),
                   *b = tl_router_find(fresh, tl_slice_str(topic));
    assert_ptr_equal(a->target, b->target);
    assert_int_equal(a->by, b->by);
  }
  tl_router_free(fresh);
}

/* What a limit stops is counted once, since the answer is remembered, and the next station has
** its chance. */
static void a_regex_that_explodes_is_counted_and_does_not_match (void **unused) {
  (void)unused;
  const char *topic = "x/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab";
  add("x/(a+)+");
  add("x/(a|aa)+c?");
  add("x/(.*)");
  goes(topic, "x/(.*)", TL_BY_REGEX);
  assert_int_equal(stats().limit_hits, 2);
  goes(topic, "x/(.*)", TL_BY_REGEX);
  assert_int_equal(stats().limit_hits, 2);
  goes("x/aaa", "x/(a|aa)+c?", TL_BY_REGEX);
}

static char heard[256];

static void on_limit (void *ctx, void *target, tl_slice topic) {
  size_t used = strlen(heard);
  assert_ptr_equal(ctx, heard);
  snprintf(heard + used, sizeof heard - used, "%s %zu;", (const char *)target, topic.len);
}

static void tells_each_regex_that_it_gives_up (void **unused) {
  (void)unused;
  const char *topic = "x/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab";
  heard[0] = '\0';
  tl_router_on_limit(router, on_limit, heard);
  add("x/(a+)+");
  add("x/(a|aa)+c?");
  find("x/b");
  assert_string_equal(heard, "");
  find(topic);
  find(topic);
  assert_string_equal(heard, "x/(a|aa)+c? 47;x/(a+)+ 47;");
}

int main (void) {
  const struct CMUnitTest tests[] = {
    ROUTER_TEST(changes_are_seen_by_topics_known_before),
    ROUTER_TEST(each_change_alone_is_seen_at_once),
    ROUTER_TEST(adding_twice_and_removing_what_is_not_there_fail),
    ROUTER_TEST(a_regex_that_does_not_compile_leaves_no_trace),
    ROUTER_TEST(captures_come_with_the_answer_each_time),
    ROUTER_TEST(hits_and_misses_are_counted),
    ROUTER_TEST(the_number_of_topics_is_bounded),
    ROUTER_TEST(a_topic_in_use_outlives_a_flood_of_others),
    ROUTER_TEST(the_bytes_of_text_are_bounded),
    ROUTER_TEST(a_topic_too_long_to_remember_is_routed_all_the_same),
    ROUTER_TEST(what_was_given_up_for_its_time_is_not_remembered),
    ROUTER_TEST(a_router_without_memory_decides_each_time),
    ROUTER_TEST(an_instance_takes_its_topics_with_the_captures),
    ROUTER_TEST(an_instance_is_forgotten_by_topic_by_target_and_with_its_regex),
    ROUTER_TEST(what_no_station_takes_has_no_instance),
    ROUTER_TEST(wills_come_beside_whatever_takes_the_topic),
    ROUTER_TEST(a_station_added_later_finds_the_wills_of_its_topic),
    ROUTER_TEST(hundreds_of_stations_may_share_a_will),
    ROUTER_TEST(agrees_with_a_router_that_never_remembers),
    ROUTER_TEST(a_regex_that_explodes_is_counted_and_does_not_match),
    ROUTER_TEST(tells_each_regex_that_it_gives_up),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

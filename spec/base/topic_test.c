/* spec/base/topic_test.c — topic names and filters by the statements of MQTT 3.1.1. */
#include "base_support.h"

#include "base/topic.h"

typedef int check_fn (tl_slice s, tl_err *err);

static void refuse (check_fn *check, tl_slice s, size_t at, const char *text) {
  tl_err err = { 0 };
  uint8_t *copy = exact_copy(s.at, s.len);
  tl_slice exact = tl_slice_of(copy, s.len);
  if (check(exact, &err) != TL_EMALFORMED) fail_msg("accepted \"%.*s\"", TL_ARG(s));
  assert_int_equal(check(exact, NULL), TL_EMALFORMED);
  assert_int_equal(err.code, TL_EMALFORMED);
  assert_string_equal(err.text, text);
  assert_int_equal(err.at, at);
  free(copy);
}

static void accept (check_fn *check, const char *text) {
  tl_err err = { 0 };
  uint8_t *copy = exact_copy(text, strlen(text));
  if (check(tl_slice_of(copy, strlen(text)), &err) != TL_OK) fail_msg("\"%s\": %s", text, err.text);
  free(copy);
}

static void names_are_text_without_wildcards (void **unused) {
  (void)unused;
  static const char *const good[] = {
    "a",
    "/",
    "//",
    "a/b",
    " ",
    "a b",
    "$SYS/x",
    "$share/g/x",
    "\x01",
    "\x7f",
    "é/€/😀",
    "\xef\xbf\xbf",
    "\xef\xbb\xbf",
    "plant/boiler/a-topic-that-is-longer-than-a-block",
    "exactly-sixteen!",
    "0123456789abcdef/\xc3\xa9",
  };
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) accept(tl_topic_check, good[i]);
  refuse(tl_topic_check, tl_slice_of(NULL, 0), 0, "a topic name has at least one character");
  refuse(tl_topic_check, TL_LIT("a/+"), 2, "a topic name has no wildcard, got '+'");
  refuse(tl_topic_check, TL_LIT("a#"), 1, "a topic name has no wildcard, got '#'");
  refuse(tl_topic_check, tl_slice_of("a\0b", 3), 1, "a topic name must not contain U+0000");
  refuse(tl_topic_check, tl_slice_of("a\0\xff", 3), 1, "a topic name must not contain U+0000");
  refuse(tl_topic_check, TL_LIT("a\xff"), 1, "a topic name is UTF-8, got the byte 0xff");
  refuse(tl_topic_check, tl_slice_of("\xff\0", 2), 0, "a topic name is UTF-8, got the byte 0xff");
  refuse(tl_topic_check, TL_LIT("\xed\xa0\x80"), 0, "a topic name is UTF-8, got the byte 0xed");
}

static void a_bad_byte_is_found_at_each_place (void **unused) {
  (void)unused;
  static const uint8_t bad[] = { 0, '+', '#', 0xff };
  for (size_t len = 1; len < 50; len++)
    for (size_t at = 0; at < len; at++)
      for (size_t i = 0; i < sizeof bad; i++) {
        uint8_t text[50];
        memset(text, 'a', len);
        text[at] = bad[i];
        tl_err err;
        uint8_t *copy = exact_copy(text, len);
        assert_int_equal(tl_topic_check(tl_slice_of(copy, len), &err), TL_EMALFORMED);
        assert_int_equal(err.at, at);
        free(copy);
      }
}

static void the_longest_name_has_65535_bytes (void **unused) {
  (void)unused;
  char *text = malloc(65537);
  assert_non_null(text);
  memset(text, 'a', 65536);
  text[65536] = '\0';
  refuse(tl_topic_check, tl_slice_of(text, 65536), 65535,
         "a topic name has at most 65535 bytes, got 65536");
  refuse(tl_filter_check, tl_slice_of(text, 65536), 65535,
         "a topic filter has at most 65535 bytes, got 65536");
  text[65535] = '\0';
  accept(tl_topic_check, text);
  accept(tl_filter_check, text);
  free(text);
}

static void wildcards_stand_alone_and_the_hash_at_the_end (void **unused) {
  (void)unused;
  static const char *const good[] = {
    "#",          "+",          "/",      "+/+",       "/+",        "+/",         "a/#",
    "a/+/b",      "+/#",        "/#",     "+/a/#",     "$SYS/#",    "$share/g/#", "$share/g/+/a",
    "$share/g/a", "$share/g//", "$share", "$shared/#", "$share2/+", "é/+",
  };
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) accept(tl_filter_check, good[i]);
  refuse(tl_filter_check, TL_LIT(""), 0, "a topic filter has at least one character");
  refuse(tl_filter_check, TL_LIT("a#"), 1, "expected '/' before '#', got 'a'");
  refuse(tl_filter_check, TL_LIT("a/#/b"), 3, "expected nothing after '#', got '/'");
  refuse(tl_filter_check, TL_LIT("##"), 1, "expected nothing after '#', got '#'");
  refuse(tl_filter_check, TL_LIT("a+"), 1, "expected '/' before '+', got 'a'");
  refuse(tl_filter_check, TL_LIT("+a"), 1, "expected '/' after '+', got 'a'");
  refuse(tl_filter_check, TL_LIT("+/++/up"), 3, "expected '/' after '+', got '+'");
  refuse(tl_filter_check, tl_slice_of("a/\0", 3), 2, "a topic filter must not contain U+0000");
  refuse(tl_filter_check, TL_LIT("a/\xc3"), 2, "a topic filter is UTF-8, got the byte 0xc3");
  refuse(tl_filter_check, TL_LIT("$share/"), 7, "expected a group name after '$share/'");
  refuse(tl_filter_check, TL_LIT("$share//a"), 7, "expected a group name after '$share/'");
  refuse(tl_filter_check, TL_LIT("$share/g"), 8, "expected '/' and a filter after the share group");
  refuse(tl_filter_check, TL_LIT("$share/g/"), 9,
         "expected '/' and a filter after the share group");
  refuse(tl_filter_check, TL_LIT("$share/+/a"), 7, "a share group has no wildcard, got '+'");
  refuse(tl_filter_check, TL_LIT("$share/g#/a"), 8, "a share group has no wildcard, got '#'");
  refuse(tl_filter_check, TL_LIT("$share/g/a#"), 10, "expected '/' before '#', got 'a'");
}

static void filters_take_what_the_standard_says (void **unused) {
  (void)unused;
  static const struct {
    const char *filter, *topic;
    bool match;
  } cases[] = {
    { "a", "a", true },
    { "a", "b", false },
    { "a", "a/", false },
    { "a/", "a", false },
    { "a", "A", false },
    { "a b", "a b", true },
    { "ab", "a", false },
    { "a", "ab", false },
    { "a/b", "a/bc", false },
    { "a/bc", "a/b", false },
    { "sport/tennis/player1/#", "sport/tennis/player1", true },
    { "sport/tennis/player1/#", "sport/tennis/player1/ranking", true },
    { "sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true },
    { "sport/tennis/player1/#", "sport/tennis/player2", false },
    { "sport/#", "sport", true },
    { "sport/#", "sport/", true },
    { "sport/#", "sports", false },
    { "sport/#", "spor", false },
    { "#", "a", true },
    { "#", "/", true },
    { "#", "a/b/c", true },
    { "/#", "/a", true },
    { "/#", "a", false },
    { "/#", "/", true },
    { "sport/tennis/+", "sport/tennis/player1", true },
    { "sport/tennis/+", "sport/tennis/player1/ranking", false },
    { "sport/+", "sport", false },
    { "sport/+", "sport/", true },
    { "+", "a", true },
    { "+", "a/b", false },
    { "+", "/a", false },
    { "+/+", "/finance", true },
    { "/+", "/finance", true },
    { "+", "/finance", false },
    { "+/+", "a", false },
    { "+/+/+", "a//b", true },
    { "+/#", "a", true },
    { "+/#", "a/b/c", true },
    { "+/tennis/#", "sport/tennis", true },
    { "+/tennis/#", "sport/tennis/x", true },
    { "a/+/c", "a/b/c", true },
    { "a/+/c", "a//c", true },
    { "a/+/c", "a/b/d", false },
    { "a/+/c", "a/b/c/d", false },
    { "a/+", "a/b/", false },
    { "#", "$SYS/x", false },
    { "+/x", "$SYS/x", false },
    { "$SYS/#", "$SYS/x", true },
    { "$SYS/+", "$SYS/x", true },
    { "+/#", "$SYS", false },
    { "a/#", "a/$x", true },
    { "a/+", "a/$x", true },
    { "$SYS/#", "$SYS", true },
    { "$share/g/a/+", "a/b", true },
    { "$share/g/a/+", "b/b", false },
    { "$share/g/#", "a", true },
    { "$share/g/#", "$SYS", false },
    { "$share/g/$SYS/#", "$SYS/x", true },
    { "$share/g/+", "$x", false },
    { "$share/g/a", "$share/g/a", false },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    size_t f = strlen(cases[i].filter), t = strlen(cases[i].topic);
    uint8_t *filter = exact_copy(cases[i].filter, f), *topic = exact_copy(cases[i].topic, t);
    if (tl_filter_match(tl_slice_of(filter, f), tl_slice_of(topic, t)) != cases[i].match)
      fail_msg("%s %s %s", cases[i].filter, cases[i].match ? "should take" : "should not take",
               cases[i].topic);
    free(filter);
    free(topic);
  }
}

/* Level by level, the way the standard's prose goes. */
static bool naive_match (const char *filter, const char *topic) {
  if (topic[0] == '$' && (filter[0] == '+' || filter[0] == '#')) return false;
  for (;;) {
    size_t f = strcspn(filter, "/"), t = strcspn(topic, "/");
    if (f == 1 && filter[0] == '#') return true;
    if (!(f == 1 && filter[0] == '+') && (f != t || memcmp(filter, topic, f) != 0)) return false;
    filter += f;
    topic += t;
    if (*topic == '\0') return *filter == '\0' || strcmp(filter, "/#") == 0;
    if (*filter == '\0') return false;
    filter++;
    topic++;
  }
}

static void agrees_with_the_prose_on_random_pairs (void **unused) {
  (void)unused;
  uint64_t seed = 9;
  int matches = 0;
  for (int i = 0; i < 200000; i++) {
    char filter[32] = "", topic[32] = "";
    for (size_t n = random_next(&seed) % 6 + 1, k = 0; k < n; k++) {
      strcat(filter, (const char *const[]){ "a", "b", "/", "/", "+", "#" }[random_next(&seed) % 6]);
      strcat(topic, (const char *const[]){ "a", "b", "/", "$", "/", "a" }[random_next(&seed) % 6]);
    }
    if (tl_filter_check(tl_slice_str(filter), NULL) != TL_OK) continue;
    bool expected = naive_match(filter, topic);
    if (tl_filter_match(tl_slice_str(filter), tl_slice_str(topic)) != expected)
      fail_msg("%s %s", filter, topic);
    matches += expected;
  }
  assert_true(matches > 1000);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(names_are_text_without_wildcards),
    cmocka_unit_test(a_bad_byte_is_found_at_each_place),
    cmocka_unit_test(the_longest_name_has_65535_bytes),
    cmocka_unit_test(wildcards_stand_alone_and_the_hash_at_the_end),
    cmocka_unit_test(filters_take_what_the_standard_says),
    cmocka_unit_test(agrees_with_the_prose_on_random_pairs),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

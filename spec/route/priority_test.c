/* spec/route/priority_test.c — which station takes a topic, by the reference's order. */
#include "route_support.h"

static void a_hash_station_takes_everything (void **unused) {
  (void)unused;
  add("a/b");
  add("a/.*");
  add(".*");
  add("#");
  goes("a/b", "#", TL_BY_HASH);
  goes("a/c", "#", TL_BY_HASH);
  goes("x", "#", TL_BY_HASH);
  remove_address("#");
  goes("a/b", "a/b", TL_BY_EXACT);
  goes("a/c", "a/.*", TL_BY_REGEX);
  goes("x", ".*", TL_BY_REST);
}

static void exact_comes_before_regexes_whatever_their_order (void **unused) {
  (void)unused;
  add("z.*");
  add("zz");
  add("[z]z");
  goes("zz", "zz", TL_BY_EXACT);
  goes("za", "z.*", TL_BY_REGEX);
}

static void an_address_with_regex_characters_may_equal_a_topic (void **unused) {
  (void)unused;
  add("price/$/a|b");
  add("price/.*");
  goes("price/$/a|b", "price/$/a|b", TL_BY_EXACT);
  assert_null(find("price/$/a|b")->groups);
  goes("b", "price/$/a|b", TL_BY_REGEX);
}

static void the_address_of_the_rest_is_no_exact_one (void **unused) {
  (void)unused;
  add(".*");
  add("x.*");
  goes(".*", ".*", TL_BY_REST);
  goes("x.*", "x.*", TL_BY_EXACT);
}

static void regexes_are_tried_in_descending_byte_order (void **unused) {
  (void)unused;
  add("status/batt.*");
  add("status/battery.?"); /* 'e' > '.' : before the line above, as the reference says */
  add("status/.*");
  add("Status/.*|status/battle");
  add(".+");
  goes("status/battery1", "status/battery.?", TL_BY_REGEX);
  goes("status/battle", "status/batt.*", TL_BY_REGEX);
  goes("status/x", "status/.*", TL_BY_REGEX);
  goes("Status/x", "Status/.*|status/battle", TL_BY_REGEX);
  goes("elsewhere", ".+", TL_BY_REGEX);
}

static void byte_order_is_unsigned_and_longer_is_greater (void **unused) {
  (void)unused;
  add("[^x]+");
  add("é.*");
  add("\xc3\xa9+/.*");
  add("(é|x).*");
  goes("é/a", "\xc3\xa9.*", TL_BY_REGEX); /* '.' > '+' */
  remove_address("é.*");
  goes("é/a", "é+/.*", TL_BY_REGEX);
  remove_address("é+/.*");
  goes("é/a", "[^x]+", TL_BY_REGEX);
  add("a.*b?");
  add("a.*");
  goes("ab", "a.*b?", TL_BY_REGEX);
}

static void a_regex_must_match_the_whole_topic (void **unused) {
  (void)unused;
  add("a/[0-9]+");
  add("b|bc");
  goes("a/12", "a/[0-9]+", TL_BY_REGEX);
  goes("a/12x", NULL, TL_BY_NOTHING);
  goes("xa/12", NULL, TL_BY_NOTHING);
  goes("bc", "b|bc", TL_BY_REGEX);
  goes("bcd", NULL, TL_BY_NOTHING);
}

static void regexes_see_characters_not_bytes (void **unused) {
  (void)unused;
  add("a.c");
  goes("aéc", "a.c", TL_BY_REGEX);
  goes("a😀c", "a.c", TL_BY_REGEX);
  goes("aééc", NULL, TL_BY_NOTHING);
}

static void the_rest_takes_what_is_left (void **unused) {
  (void)unused;
  goes("x", NULL, TL_BY_NOTHING);
  add(".*");
  add("a");
  add("b.*");
  goes("x", ".*", TL_BY_REST);
  goes("b", "b.*", TL_BY_REGEX);
  goes("a", "a", TL_BY_EXACT);
  remove_address(".*");
  goes("x", NULL, TL_BY_NOTHING);
}

/* The literal text at both ends is compared before PCRE2 is asked; every kind of address must
** still find its topics. */
static void literal_text_never_hides_a_match (void **unused) {
  (void)unused;
  static const struct {
    const char *address, *topic;
    bool match;
  } cases[] = {
    { "ab?", "a", true },
    { "ab*c", "ac", true },
    { "ab{0,1}c", "ac", true },
    { "aé?c", "ac", true },
    { "aé{0}", "a", true },
    { "^plant/.*", "plant/x", true },
    { "plant/.*up$", "plant/up", true },
    { "^a", "a", true },
    { ".*a$", "a", true },
    { "a|b", "b", true },
    { "x(a|b)y", "xby", true },
    { "(a)|b", "b", true },
    { "(a|b", "", false },
    { "x|(y)z", "x", true },
    { "(?i)plant/.*UP", "PLANT/up", true },
    { "(?i:p).*", "P", true },
    { ".*(?i)up", "x/UP", true },
    { "pl(?i)ant", "plANT", true },
    { "(?x) a .* # note", "ab", true },
    { "(?x)a b", "ab", true },
    { "a\\.b", "a.b", true },
    { "a\\.b", "axb", false },
    { ".*\\/up", "x/up", true },
    { ".*\\$", "a$", true },
    { ".*\\\\b", "x\\b", true },
    { "a\\Qb|c\\E", "ab|c", true },
    { ".*\\x41", "xA", true },
    { ".*\\101", "xA", true },
    { "(.)x\\1", "axa", true },
    { ".*\\d", "x7", true },
    { "\\d.*", "7x", true },
    { "a[|]b", "a|b", true },
    { "[|]", "|", true },
    { "[]|]x", "|x", true },
    { "[^]|]x", "ax", true },
    { "[[:alpha:]|]+", "a|", true },
    { "a]b", "a]b", true },
    { "a}b", "a}b", true },
    { "a{b", "a{b", true },
    { "a{,2}", "a{,2}", true },
    { "x[a\\]|]y", "x|y", true },
    { "(?=a).*", "ab", true },
    { ".*(?<=b)", "ab", true },
    { ".*(?<!b)c", "ac", true },
    { "(?<dev>[^/]+)/up", "x/up", true },
    { "(?P<dev>[^/]+)/up", "x/up", true },
    { "(?|(a)|(b))c", "bc", true },
    { "(?#|)ab.", "abc", true },
    { "(*ANYCRLF)ab.", "abc", true },
    { "aba.*aba", "aba", false },
    { "ab.*ba", "aba", false },
    { "ab.*b", "ab", false },
    { "ab.*", "a", false },
    { ".*ab", "b", false },
    { "(?:a(b|c)d)e", "acde", true },
    { "a\\|b", "a|b", true },
    { "a\\(|b", "b", true },
    { "a\\[|b", "b", true },
    { "a[(]|b", "b", true },
    { "\\Aa/.*\\z", "a/b", true },
    { "a/.*\\Z", "a/b", true },
    { "a(?!b).*", "ac", true },
    { "a++b", "aab", true },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    tl_router *r;
    tl_err err = { 0 };
    assert_int_equal(tl_router_new(&r, 10, 1000), TL_OK);
    int rc = tl_router_add(r, tl_slice_str(cases[i].address), (void *)cases[i].address, &err);
    if (rc != TL_OK && cases[i].topic[0] != '\0') fail_msg("%s: %s", cases[i].address, err.text);
    if (rc == TL_OK &&
        (tl_router_find(r, tl_slice_str(cases[i].topic))->target != NULL) != cases[i].match)
      fail_msg("%s %s %s", cases[i].address, cases[i].match ? "should take" : "should not take",
               cases[i].topic);
    tl_router_free(r);
  }
}

static void plain_addresses_are_told_from_regexes (void **unused) {
  (void)unused;
  static const char *const plain[] = { "a",    "a/b", "a-b_c",
                                       "a]b}", "é",   "a,b:c;d=e!f<g>h@i%j&k'l\"m~n`",
                                       "a/#",  "$" };
  for (size_t i = 0; i + 1 < sizeof plain / sizeof *plain; i++)
    assert_true(tl_address_is_plain(tl_slice_str(plain[i])));
  for (const char *c = "\\^$.[|()?*+{"; *c != '\0'; c++) {
    char text[] = { 'a', *c, 'b', '\0' };
    if (tl_address_is_plain(tl_slice_str(text))) fail_msg("%s", text);
  }
  assert_false(tl_address_is_plain(TL_LIT("#")));
  assert_true(tl_address_is_plain(tl_slice_of("a\0b", 3)));
}

/* Many random addresses over a tiny alphabet, against trying each in turn. */
static void agrees_with_trying_each_in_turn (void **unused) {
  (void)unused;
  static const char *const parts[] = { "a",    "b",  "/",  ".",     ".*",
                                       "[ab]", "a?", "b+", "(a|b)", "(?:/a)?" };
  static char addresses[60][64];
  tl_pattern *patterns[60];
  uint64_t seed = 3;
  for (int round = 0; round < 60; round++) {
    int n = 0;
    assert_int_equal(router_begin(NULL), 0);
    while (n < 60) {
      addresses[n][0] = '\0';
      for (int k = 0; k < 4; k++) strcat(addresses[n], parts[(random_next(&seed) >> 33) % 10]);
      bool known = false;
      for (int k = 0; k < n; k++) known = known || strcmp(addresses[k], addresses[n]) == 0;
      if (known) continue;
      add(addresses[n]);
      tl_slice address = tl_slice_str(addresses[n]);
      assert_int_equal(
          tl_pattern_new(&patterns[n++], address, TL_PATTERN_WHOLE | TL_PATTERN_UTF, NULL), TL_OK);
    }
    for (int i = 0; i < 400; i++) {
      char topic[8] = "";
      for (uint64_t bits = random_next(&seed) >> 40, k = bits % 6 + 1; k > 0; k--, bits /= 3)
        strcat(topic, &"a\0b\0/"[bits % 3 * 2]);
      const char *expected = NULL;
      for (int k = 0; k < n; k++)
        if (strcmp(addresses[k], topic) == 0) expected = addresses[k];
      for (int k = 0; k < n && (expected == NULL || strcmp(expected, topic) != 0); k++)
        if (tl_pattern_match(patterns[k], tl_slice_str(topic), NULL, 0) > 0)
          if (expected == NULL || strcmp(addresses[k], expected) > 0) expected = addresses[k];
      const char *got = find(topic)->target;
      if (got != expected) fail_msg("%s: expected %s, got %s", topic, expected, got);
    }
    for (int k = 0; k < n; k++) tl_pattern_free(patterns[k]);
    router_end(NULL);
  }
}

int main (void) {
  const struct CMUnitTest tests[] = {
    ROUTER_TEST(a_hash_station_takes_everything),
    ROUTER_TEST(exact_comes_before_regexes_whatever_their_order),
    ROUTER_TEST(an_address_with_regex_characters_may_equal_a_topic),
    ROUTER_TEST(the_address_of_the_rest_is_no_exact_one),
    ROUTER_TEST(regexes_are_tried_in_descending_byte_order),
    ROUTER_TEST(byte_order_is_unsigned_and_longer_is_greater),
    ROUTER_TEST(a_regex_must_match_the_whole_topic),
    ROUTER_TEST(regexes_see_characters_not_bytes),
    ROUTER_TEST(the_rest_takes_what_is_left),
    cmocka_unit_test(literal_text_never_hides_a_match),
    cmocka_unit_test(plain_addresses_are_told_from_regexes),
    cmocka_unit_test(agrees_with_trying_each_in_turn),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* spec/base/pattern_test.c — PCRE2 patterns: matching, groups, errors with their place, and
** limits that hold. */
#include "base_support.h"

#include "base/clock.h"
#include "base/pattern.h"

static tl_pattern *compiled (const char *text, int flags) {
  tl_pattern *p = NULL;
  tl_err err = { 0 };
  uint8_t *copy = exact_copy(text, strlen(text));
  if (tl_pattern_new(&p, tl_slice_of(copy, strlen(text)), flags, &err) != TL_OK)
    fail_msg("%s: %s", text, err.text);
  free(copy);
  return p;
}

static int match (const char *pattern, int flags, const char *subject) {
  tl_pattern *p = compiled(pattern, flags);
  uint8_t *copy = exact_copy(subject, strlen(subject));
  int rc = tl_pattern_match(p, tl_slice_of(copy, strlen(subject)), NULL, 0);
  free(copy);
  tl_pattern_free(p);
  return rc;
}

static void whole_means_the_whole_subject (void **unused) {
  (void)unused;
  assert_int_equal(match("b.d", 0, "abcde"), 1);
  assert_int_equal(match("b.d", TL_PATTERN_WHOLE, "abcde"), 0);
  assert_int_equal(match("b.d", TL_PATTERN_WHOLE, "bcd"), 1);
  /* the first branch alone is too short */
  assert_int_equal(match("b|bcd", TL_PATTERN_WHOLE, "bcd"), 1);
  assert_int_equal(match("a*?", TL_PATTERN_WHOLE, "aaa"), 1);
  assert_int_equal(match("bcd", TL_PATTERN_WHOLE, "bcd\n"), 0); /* unlike with '$' */
  assert_int_equal(match("bcd$", TL_PATTERN_WHOLE, "bcd\n"), 0);
  assert_int_equal(match("", TL_PATTERN_WHOLE, ""), 1);
  assert_int_equal(match("", TL_PATTERN_WHOLE, "x"), 0);
  assert_int_equal(match("a.*", TL_PATTERN_WHOLE | TL_PATTERN_LAZY, "abc"), 1);
}

static void utf_counts_characters (void **unused) {
  (void)unused;
  assert_int_equal(match("a.b", TL_PATTERN_WHOLE | TL_PATTERN_UTF, "aéb"), 1);
  assert_int_equal(match("a.b", TL_PATTERN_WHOLE, "aéb"), 0);
  assert_int_equal(match("a..b", TL_PATTERN_WHOLE, "aéb"), 1);
  assert_int_equal(match("[éü]+", TL_PATTERN_WHOLE | TL_PATTERN_UTF, "éü"), 1);
}

static void groups_are_offsets_and_unset_ones_say_so (void **unused) {
  (void)unused;
  tl_pattern *p = compiled("(a)|(b)(c)?(d)?", 0);
  tl_group g[8];
  memset(g, 0x55, sizeof g);
  assert_int_equal(tl_pattern_group_count(p), 4);
  assert_int_equal(tl_pattern_match(p, TL_LIT("xbd"), g, 8), 5);
  assert_true(g[0].from == 1 && g[0].to == 3);
  assert_true(g[1].from == UINT32_MAX);
  assert_true(g[2].from == 1 && g[2].to == 2);
  assert_true(g[3].from == UINT32_MAX);
  assert_true(g[4].from == 2 && g[4].to == 3);
  assert_true(g[5].from == 0x55555555);
  assert_int_equal(tl_pattern_match(p, TL_LIT("xa"), g, 8), 5);
  /* groups behind the last that took part */
  assert_true(g[1].from == 1 && g[4].from == UINT32_MAX);
  memset(g, 0x55, sizeof g);
  assert_int_equal(tl_pattern_match(p, TL_LIT("xbd"), g, 2), 2);
  assert_true(g[2].from == 0x55555555);
  assert_int_equal(tl_pattern_match(p, TL_LIT("xbd"), NULL, 0), 1);
  assert_int_equal(tl_pattern_match(p, TL_LIT("zzz"), g, 8), 0);
  tl_pattern_free(p);
}

static void more_groups_than_any_pattern_before (void **unused) {
  (void)unused;
  char text[256] = "", subject[64] = "";
  for (int i = 0; i < 60; i++) strcat(text, "(.)"), strcat(subject, "x");
  tl_pattern *few = compiled("(x)", 0), *many = compiled(text, TL_PATTERN_WHOLE);
  tl_group g[64];
  assert_int_equal(tl_pattern_match(many, tl_slice_str(subject), g, 64), 61);
  assert_true(g[60].from == 59 && g[60].to == 60);
  assert_int_equal(tl_pattern_match(few, tl_slice_str(subject), g, 64), 2);
  tl_pattern_free(few);
  tl_pattern_free(many);
}

static void named_groups_come_by_name (void **unused) {
  (void)unused;
  tl_pattern *p =
      compiled("(?<zone>[^/]+)/([^/]+)/(?<dev>[^/]+)", TL_PATTERN_WHOLE | TL_PATTERN_UTF);
  const char *name;
  int number;
  assert_true(tl_pattern_named(p, 0, &name, &number));
  assert_string_equal(name, "dev");
  assert_int_equal(number, 3);
  assert_true(tl_pattern_named(p, 1, &name, &number));
  assert_string_equal(name, "zone");
  assert_int_equal(number, 1);
  assert_false(tl_pattern_named(p, 2, &name, &number));
  assert_false(tl_pattern_named(p, -1, &name, &number));
  tl_pattern_free(p);
}

static void an_error_has_its_place (void **unused) {
  (void)unused;
  static const struct {
    const char *text;
    size_t at;
    int flags;
    const char *says;
  } cases[] = {
    { "a(b", 3, 0, "missing closing parenthesis" },
    { "a[b", 3, 0, "missing terminating ] for character class" },
    { "ab*+**", 4, 0, "quantifier does not follow a repeatable item" },
    { "a\\", 2, 0, "\\ at end of pattern" },
    { "(?<a>x)(?<a>y)", 12, 0,
      "two named subpatterns have the same name (PCRE2_DUPNAMES not set)" },
    { "ab\xff", 2, TL_PATTERN_UTF, "UTF-8 error: illegal byte (0xfe or 0xff)" },
    { "a\\Cb", 3, TL_PATTERN_UTF, "using \\C is disabled by the application" },
    { "(*UTF)a", 6, 0, "using UTF is disabled by the application" },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    tl_pattern *const untouched = (tl_pattern *)(uintptr_t)64, *p = untouched;
    tl_err err = { 0 };
    assert_int_equal(tl_pattern_new(&p, tl_slice_str(cases[i].text), cases[i].flags, &err),
                     TL_ESYNTAX);
    assert_ptr_equal(p, untouched); /* out-parameters are written only on success */
    if (err.at != cases[i].at || strcmp(err.text, cases[i].says) != 0)
      fail_msg("%s: %zu %s", cases[i].text, err.at, err.text);
    assert_int_equal(tl_pattern_new(&p, tl_slice_str(cases[i].text), cases[i].flags, NULL),
                     TL_ESYNTAX);
  }
}

static void a_pattern_longer_than_any_topic_is_refused (void **unused) {
  (void)unused;
  char *text = malloc(70000);
  tl_pattern *p;
  tl_err err;
  assert_non_null(text);
  memset(text, 'a', 70000);
  assert_int_equal(tl_pattern_new(&p, tl_slice_of(text, 70000), 0, &err), TL_ESYNTAX);
  free(text);
}

/* What each costs is checked against the process's own clock, loosely: under sanitizers PCRE2
** itself is as fast as ever. */
static void explosions_end_with_the_limit_in_short_time (void **unused) {
  (void)unused;
  static const struct {
    const char *pattern, *unit;
    int count;
    const char *tail;
  } cases[] = {
    { "(a+)+$", "a", 40, "b" },
    { "(a+)+$", "a", 65000, "b" },
    { "(a|aa)+$", "a", 1000, "b" },
    { "a*a*a*a*a*[bc]", "a", 500, "" },
    { "(?:a|b)*?[xy]", "a", 60000, "" },
    { "(a*)(\\1)*[xy]", "a", 20000, "" },
    { "(?:a*c|a)*[de]", "a", 60000, "" },
    { "(([a-z])+.)+[A-Z]([a-z])+$", "a", 60, "" },
    { "(?:a?){30}a{30}", "a", 25, "" },
    { "(.*?,){30}P", "1,", 40, "" },
    { "(a(?1)?)+b|(?1)+c", "a", 5000, "" },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (int flags = 0; flags < 4; flags++) {
      tl_pattern *p = compiled(cases[i].pattern, flags);
      tl_buf b;
      tl_buf_init(&b);
      for (int k = 0; k < cases[i].count; k++) tl_buf_str(&b, cases[i].unit);
      tl_buf_str(&b, cases[i].tail);
      uint64_t start = tl_clock_cpu_ns();
      int rc = tl_pattern_match(p, tl_buf_bytes(&b), NULL, 0);
      uint64_t ms = (tl_clock_cpu_ns() - start) / 1000000;
      if (rc > 0 || (rc < 0 && rc != TL_ELIMIT) || ms > 60)
        fail_msg("%s, flags %d: %d after %llu ms", cases[i].pattern, flags, rc,
                 (unsigned long long)ms);
      tl_buf_fini(&b);
      tl_pattern_free(p);
    }
  assert_int_equal(match("(a+)+$", TL_PATTERN_WHOLE, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"),
                   TL_ELIMIT);
}

/* One message may meet hundreds of patterns. */
static void what_many_take_together_is_bounded (void **unused) {
  (void)unused;
  char text[4001];
  memset(text, 'a', 4000);
  tl_slice slow = tl_slice_of(text, 4000), quick = TL_LIT("xd");
  tl_pattern *p = compiled("(?:a*+c|a)*[de]", 0), *simple = compiled("d", 0);
  uint64_t start = tl_clock_cpu_ns(), before = tl_pattern_sum_begin();
  assert_false(tl_pattern_sum_is_over());
  for (int i = 0; i < 500; i++) assert_int_equal(tl_pattern_match(p, slow, NULL, 0), TL_ELIMIT);
  assert_true(tl_clock_cpu_ns() - start < 200000000);
  assert_true(tl_pattern_sum_is_over());
  assert_int_equal(tl_pattern_match(simple, quick, NULL, 0), TL_ELIMIT); /* not tried */
  uint64_t inner = tl_pattern_sum_begin();                               /* a message within it */
  assert_int_equal(tl_pattern_match(simple, quick, NULL, 0), 1);
  tl_pattern_sum_end(inner);
  assert_int_equal(tl_pattern_match(simple, quick, NULL, 0), TL_ELIMIT);
  assert_int_equal(tl_pattern_match_from(simple, quick, 0, NULL, 0), 1); /* a script's own */
  tl_pattern_sum_end(before);
  assert_false(tl_pattern_sum_is_over());
  assert_int_equal(tl_pattern_match(simple, quick, NULL, 0), 1);
  tl_pattern_free(p);
  tl_pattern_free(simple);
}

/* No step is counted while a class runs to the end of the subject from each starting point:
** only the clock can end that. */
static void a_search_that_is_quadratic_ends_too (void **unused) {
  (void)unused;
  tl_pattern *p = compiled("[0-9]+[VX]", 0);
  char *digits = malloc(1 << 21);
  assert_non_null(digits);
  memset(digits, '7', 1 << 21);
  uint64_t start = tl_clock_cpu_ns();
  assert_int_equal(tl_pattern_match(p, tl_slice_of(digits, 1 << 21), NULL, 0), TL_ELIMIT);
  assert_true(tl_clock_cpu_ns() - start < 400000000);
  digits[(1 << 21) - 1] = 'V'; /* the same length where it is easy */
  tl_group g;
  assert_int_equal(tl_pattern_match(p, tl_slice_of(digits, 1 << 21), &g, 1), 1);
  assert_int_equal(g.to, 1 << 21);
  free(digits);
  tl_pattern_free(p);
}

/* What the quick way cannot decide is decided by the other one, with the same answer. */
static void long_subjects_are_matched_not_given_up (void **unused) {
  (void)unused;
  tl_buf b;
  tl_buf_init(&b);
  for (int i = 0; i < 20000; i++) tl_buf_str(&b, "{\"k\":1},");
  tl_buf_str(&b, "temp=-44.5 end");
  tl_pattern *p = compiled(".*temp=([-0-9.]+)", 0);
  tl_group g[2];
  assert_int_equal(tl_pattern_match(p, tl_buf_bytes(&b), g, 2), 2);
  assert_bytes(tl_slice_of(b.at + g[1].from, g[1].to - g[1].from), "-44.5");
  tl_pattern_free(p);
  p = compiled(".*[xy]z", TL_PATTERN_WHOLE | TL_PATTERN_UTF);
  assert_int_equal(tl_pattern_match(p, tl_buf_bytes(&b), NULL, 0), 0);
  tl_pattern_free(p);
  tl_buf_fini(&b);
}

static void a_pattern_works_after_one_that_hit_the_limit (void **unused) {
  (void)unused;
  tl_pattern *bad = compiled("(a+)+$", TL_PATTERN_WHOLE), *good = compiled("a+b", TL_PATTERN_WHOLE);
  const char *subject = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab";
  for (int i = 0; i < 3; i++) {
    assert_int_equal(tl_pattern_match(bad, tl_slice_str(subject), NULL, 0), TL_ELIMIT);
    assert_int_equal(tl_pattern_match(good, tl_slice_str(subject), NULL, 0), 1);
  }
  tl_pattern_free(bad);
  tl_pattern_free(good);
  tl_pattern_free(NULL);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(whole_means_the_whole_subject),
    cmocka_unit_test(utf_counts_characters),
    cmocka_unit_test(groups_are_offsets_and_unset_ones_say_so),
    cmocka_unit_test(more_groups_than_any_pattern_before),
    cmocka_unit_test(named_groups_come_by_name),
    cmocka_unit_test(an_error_has_its_place),
    cmocka_unit_test(a_pattern_longer_than_any_topic_is_refused),
    cmocka_unit_test(explosions_end_with_the_limit_in_short_time),
    cmocka_unit_test(what_many_take_together_is_bounded),
    cmocka_unit_test(a_search_that_is_quadratic_ends_too),
    cmocka_unit_test(long_subjects_are_matched_not_given_up),
    cmocka_unit_test(a_pattern_works_after_one_that_hit_the_limit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

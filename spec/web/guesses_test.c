/* spec/web/guesses_test.c — wrong tokens: some cost nothing, more wait their turn, nobody waits for
** longer than two seconds; each address for itself, in bounded memory. */
#include "support/spec.h"

#include <stdio.h>

#include "web/guesses.h"

static tl_guesses g;

static int setup (void **state) {
  (void)state;
  memset(&g, 0, sizeof g);
  return 0;
}

/* So many wrong ones at this time, each checked at once. */
static void wrong (const char *peer, int n, int64_t now) {
  for (int i = 0; i < n; i++) tl_guesses_wrong(&g, peer, now, false);
}

static void some_cost_nothing_and_more_wait (void **state) {
  (void)state;
  wrong("10.0.0.1:1", TL_GUESSES_FREE - 1, 5000);
  assert_int_equal(tl_guesses_wait(&g, "10.0.0.1:2", 5000), 0);
  assert_true(tl_guesses_wrong(&g, "10.0.0.1:2", 5000, false)); /* said */
  assert_int_equal(tl_guesses_wait(&g, "10.0.0.1:3", 5000), TL_GUESSES_EACH_MS);
  assert_int_equal(tl_guesses_wait(&g, "10.0.0.1:4", 5000), 2 * TL_GUESSES_EACH_MS);
  assert_false(tl_guesses_wrong(&g, "10.0.0.1:3", 5000 + TL_GUESSES_EACH_MS, true)); /* once */
  assert_int_equal(tl_guesses_wait(&g, "10.0.0.1:5", 5000 + TL_GUESSES_EACH_MS),
                   2 * TL_GUESSES_EACH_MS);
}

static void time_makes_it_good (void **state) {
  (void)state;
  wrong("10.0.0.1:1", TL_GUESSES_FREE, 5000);
  assert_int_equal(tl_guesses_wait(&g, "10.0.0.1:1", 5000 + TL_GUESSES_EACH_MS), 0);
  wrong("10.0.0.1:1", 1, 60000);
  assert_int_equal(tl_guesses_wait(&g, "10.0.0.1:1", 60000), 0);
}

static void nobody_waits_for_longer_than_the_longest (void **state) {
  (void)state;
  int waits = 0;
  int64_t wait;
  wrong("10.0.0.1:1", TL_GUESSES_FREE, 5000);
  assert_false(tl_guesses_too_many(&g, "10.0.0.1:1", 5000));
  while ((wait = tl_guesses_wait(&g, "10.0.0.1:1", 5000)) < TL_GUESSES_LONGEST_MS) waits++;
  assert_int_equal(waits, TL_GUESSES_LONGEST_MS / TL_GUESSES_EACH_MS - 1);
  for (int i = 0; i < 1000; i++)
    assert_int_equal(tl_guesses_wait(&g, "10.0.0.1:1", 5000), TL_GUESSES_LONGEST_MS);
  assert_true(tl_guesses_too_many(&g, "10.0.0.1:1", 5000));
  assert_false(tl_guesses_too_many(&g, "10.0.0.2:1", 5000));
  assert_true(tl_guesses_wait(&g, "10.0.0.1:1", 5000 + 2 * TL_GUESSES_EACH_MS) <
              TL_GUESSES_LONGEST_MS);
}

static void who_gave_the_right_one_waits_no_more (void **state) {
  (void)state;
  wrong("10.0.0.1:1", 80, 5000);
  assert_int_equal(tl_guesses_wait(&g, "10.0.0.1:1", 5000), TL_GUESSES_LONGEST_MS);
  tl_guesses_right(&g, "10.0.0.1:2", 7000);
  assert_int_equal(tl_guesses_wait(&g, "10.0.0.1:3", 7000), 0);
  wrong("10.0.0.1:4", 100000, 7000); /* somebody beside it goes on: he hears so, it does not */
  assert_true(tl_guesses_too_many(&g, "10.0.0.1:5", 7000));
  assert_int_equal(tl_guesses_wait(&g, "10.0.0.1:5", 7000), 0);
  assert_false(tl_guesses_too_many(&g, "10.0.0.1:5", 7000 + 2 * TL_GUESSES_LONGEST_MS));
  tl_guesses_new_token(&g);
  assert_int_equal(tl_guesses_wait(&g, "10.0.0.1:5", 7000), TL_GUESSES_LONGEST_MS);
}

static void the_last_ones_that_gave_it_are_known (void **state) {
  (void)state;
  char peer[40];
  tl_guesses_right(&g, "10.0.0.1:1", 1000);
  for (int i = 0; i < TL_GUESSES_KNOWN; i++) {
    tl_guesses_right(&g, "10.0.0.2:1", 2000 + i); /* one address takes one place */
    snprintf(peer, sizeof peer, "10.1.0.%d:1", i);
    if (i >= 2) tl_guesses_right(&g, peer, 2000 + i);
  }
  wrong("10.0.0.1:1", 80, 5000);
  assert_int_equal(tl_guesses_wait(&g, "10.0.0.1:1", 5000), 0);
  tl_guesses_right(&g, "10.3.0.1:1", 6000);
  assert_int_equal(tl_guesses_wait(&g, "10.0.0.1:1", 5000), TL_GUESSES_LONGEST_MS);
}

static void a_thousand_make_it_slow (void **state) {
  (void)state;
  int64_t now = 5000;
  for (int i = 0; i < TL_GUESSES_MANY; i++, now += 45) wrong("10.0.0.1:1", 1, now);
  int64_t from = now;
  int checks = 0;
  for (; now < from + 60000; now++) {
    if (tl_guesses_too_many(&g, "10.0.0.1:1", now)) continue;
    int64_t wait = tl_guesses_wait(&g, "10.0.0.1:1", now);
    tl_guesses_wrong(&g, "10.0.0.1:1", now + wait, wait > 0);
    checks++;
  }
  assert_in_range(checks, 280, 330);
}

static void each_address_is_for_itself (void **state) {
  static const char *const others[] = { "10.0.0.2:1",           "",         "[::1]:80",
                                        "[2001:db8:0:1::1]:80", "nonsense", "[fe80::1%eth0]:5" };
  (void)state;
  wrong("[2001:db8::1]:80", 80, 5000);
  assert_int_equal(tl_guesses_wait(&g, "[2001:db8::ffff:1]:9", 5000),
                   TL_GUESSES_LONGEST_MS); /* the same /64 */
  for (size_t i = 0; i < COUNT(others); i++)
    assert_int_equal(tl_guesses_wait(&g, others[i], 5000), 0);
  wrong("", 80, 5000);
  assert_int_equal(tl_guesses_wait(&g, "", 5000), TL_GUESSES_LONGEST_MS);
  wrong("10.0.0.1:7", 80, 5000);
  assert_int_equal(tl_guesses_wait(&g, "[::ffff:10.0.0.1]:8", 5000), TL_GUESSES_LONGEST_MS);
}

static void who_finds_no_place_counts_with_the_others (void **state) {
  (void)state;
  char peer[40];
  wrong("10.0.0.1:1", 80, 5000);
  for (int i = 0; i < 1000; i++) {
    snprintf(peer, sizeof peer, "10.1.%d.%d:1", i / 256, i % 256);
    wrong(peer, 1, 5000);
  }
  assert_int_equal(tl_guesses_wait(&g, "10.0.0.1:1", 5000), TL_GUESSES_LONGEST_MS);
  assert_int_equal(tl_guesses_wait(&g, "10.1.0.0:1", 5000), 0); /* it has a place */
  assert_int_equal(tl_guesses_wait(&g, "10.2.0.0:1", 5000), TL_GUESSES_LONGEST_MS);
  tl_guesses_right(&g, "10.2.0.0:1", 7000);
  assert_int_equal(tl_guesses_wait(&g, "10.2.0.0:1", 7000), 0);
}

/* An address that gave a thousand is quiet while 10,000 others come and go: it is not forgotten. */
static void nobody_is_forgotten_for_others (void **state) {
  (void)state;
  char peer[40];
  int64_t now = 5000, quiet = TL_GUESSES_MANY * (int64_t)TL_GUESSES_QUIET_MS;
  for (int i = 0; i < TL_GUESSES_MANY; i++, now += 45) wrong("10.0.0.1:1", 1, now);
  for (int i = 0; i < 10000; i++, now += 10) {
    snprintf(peer, sizeof peer, "10.1.%d.%d:1", i / 256, i % 256);
    wrong(peer, 1, now);
  }
  wrong("10.0.0.1:1", TL_GUESSES_FREE, now);
  assert_int_equal(tl_guesses_wait(&g, "10.0.0.1:1", now), TL_GUESSES_LONGEST_MS);
  now += 2 * quiet;
  wrong("10.0.0.1:1", TL_GUESSES_FREE - 1, now);
  assert_int_equal(tl_guesses_wait(&g, "10.0.0.1:1", now), 0); /* by time it is */
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup(some_cost_nothing_and_more_wait, setup),
    cmocka_unit_test_setup(time_makes_it_good, setup),
    cmocka_unit_test_setup(nobody_waits_for_longer_than_the_longest, setup),
    cmocka_unit_test_setup(who_gave_the_right_one_waits_no_more, setup),
    cmocka_unit_test_setup(the_last_ones_that_gave_it_are_known, setup),
    cmocka_unit_test_setup(a_thousand_make_it_slow, setup),
    cmocka_unit_test_setup(each_address_is_for_itself, setup),
    cmocka_unit_test_setup(who_finds_no_place_counts_with_the_others, setup),
    cmocka_unit_test_setup(nobody_is_forgotten_for_others, setup),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* spec/web/guesses_test.c — wrong tokens: some cost nothing, more wait their turn, too many are
** refused; each address for itself, in bounded memory. */
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

static void who_asks_too_much_is_refused (void **state) {
  (void)state;
  int waits = 0;
  int64_t wait;
  wrong("10.0.0.1:1", TL_GUESSES_FREE, 5000);
  while ((wait = tl_guesses_wait(&g, "10.0.0.1:1", 5000)) > 0) {
    assert_true(wait <= TL_GUESSES_LONGEST_MS);
    waits++;
  }
  assert_int_equal(wait, -1);
  assert_int_equal(waits, TL_GUESSES_LONGEST_MS / TL_GUESSES_EACH_MS);
  assert_true(tl_guesses_wait(&g, "10.0.0.1:1", 5000 + TL_GUESSES_EACH_MS) > 0);
}

static void a_thousand_make_it_slow (void **state) {
  (void)state;
  int64_t now = 5000;
  for (int i = 0; i < TL_GUESSES_MANY; i++, now += 45) wrong("10.0.0.1:1", 1, now);
  int64_t from = now;
  int checks = 0;
  for (; now < from + 60000; now++) {
    int64_t wait = tl_guesses_wait(&g, "10.0.0.1:1", now);
    if (wait < 0) continue;
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
  assert_int_equal(tl_guesses_wait(&g, "[2001:db8::ffff:1]:9", 5000), -1); /* the same /64 */
  for (size_t i = 0; i < COUNT(others); i++)
    assert_int_equal(tl_guesses_wait(&g, others[i], 5000), 0);
  wrong("", 80, 5000);
  assert_int_equal(tl_guesses_wait(&g, "", 5000), -1);
  wrong("10.0.0.1:7", 80, 5000);
  assert_int_equal(tl_guesses_wait(&g, "[::ffff:10.0.0.1]:8", 5000), -1);
}

static void who_was_quiet_for_longest_makes_room (void **state) {
  (void)state;
  char peer[40];
  wrong("10.0.0.1:1", 80, 5000);
  for (int i = 0; i < 1000; i++) {
    snprintf(peer, sizeof peer, "10.1.%d.%d:1", i / 256, i % 256);
    wrong(peer, 1, 5000);
  }
  assert_int_equal(tl_guesses_wait(&g, "10.0.0.1:1", 5000), -1); /* it gave the most */
  assert_int_equal(tl_guesses_wait(&g, "10.1.0.0:1", 5000), 0);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup(some_cost_nothing_and_more_wait, setup),
    cmocka_unit_test_setup(time_makes_it_good, setup),
    cmocka_unit_test_setup(who_asks_too_much_is_refused, setup),
    cmocka_unit_test_setup(a_thousand_make_it_slow, setup),
    cmocka_unit_test_setup(each_address_is_for_itself, setup),
    cmocka_unit_test_setup(who_was_quiet_for_longest_makes_room, setup),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

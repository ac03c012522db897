/* spec/gateway/unrouted_test.c — the most frequent topics that no station takes, in bounded
** memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "gateway/unrouted.h"

static void note (tl_unrouted *u, const char *topic, int times) {
  for (int i = 0; i < times; i++) tl_unrouted_note(u, tl_slice_str(topic));
}

static const tl_unrouted_topic *place (const tl_unrouted *u, uint32_t i) {
  uint32_t order[TL_UNROUTED_MANY];
  tl_unrouted_order(u, order);
  assert_true(i < u->n);
  return &u->at[order[i]];
}

static void is (const tl_unrouted_topic *t, const char *topic, uint64_t count) {
  assert_int_equal(t->len, strlen(topic));
  assert_memory_equal(t->topic, topic, t->len);
  assert_int_equal(t->count, count);
}

static void counts_exactly_while_there_is_room (void **state) {
  tl_unrouted u = { 0 };
  (void)state;
  note(&u, "a", 2);
  note(&u, "b", 5);
  note(&u, "", 3);
  assert_int_equal(u.n, 3);
  is(place(&u, 0), "b", 5);
  is(place(&u, 1), "", 3);
  is(place(&u, 2), "a", 2);
  for (uint32_t i = 0; i < 3; i++) assert_int_equal(place(&u, i)->over, 0);
}

static void keeps_frequent_topics_among_thousands_of_rare_ones (void **state) {
  tl_unrouted u = { 0 };
  char topic[20];
  (void)state;
  for (int i = 0; i < 10000; i++) {
    snprintf(topic, sizeof topic, "rare/%d", i);
    note(&u, topic, 1);
    if (i % 2 == 0) note(&u, "often", 1);
    if (i % 4 == 0) note(&u, "half", 1);
  }
  assert_int_equal(u.n, TL_UNROUTED_MANY);
  assert_true(memcmp(place(&u, 0)->topic, "often", 5) == 0);
  assert_true(memcmp(place(&u, 1)->topic, "half", 4) == 0);
  const tl_unrouted_topic *t = place(&u, 0);
  /* what it says of its own error holds */
  assert_true(t->count >= 5000 && t->count - t->over <= 5000);
}

static void says_that_a_late_topic_inherited_its_count (void **state) {
  tl_unrouted u = { 0 };
  char topic[20];
  (void)state;
  for (int i = 0; i < TL_UNROUTED_MANY; i++) {
    snprintf(topic, sizeof topic, "t%d", i);
    note(&u, topic, 10 + i);
  }
  note(&u, "late", 1);
  bool found = false;
  for (uint32_t i = 0; i < u.n; i++) {
    const tl_unrouted_topic *t = place(&u, i);
    assert_false(t->len == 2 && memcmp(t->topic, "t0", 2) == 0); /* the rarest made room */
    if (t->len != 4 || memcmp(t->topic, "late", 4) != 0) continue;
    found = true;
    assert_int_equal(t->count, 11);
    assert_int_equal(t->over, 10);
  }
  assert_true(found);
}

static void cuts_long_topics (void **state) {
  tl_unrouted u = { 0 };
  char longer[TL_UNROUTED_BYTES + 10];
  (void)state;
  memset(longer, 'x', sizeof longer - 1);
  longer[sizeof longer - 1] = '\0';
  note(&u, longer, 2);
  longer[TL_UNROUTED_BYTES] = '\0'; /* as long as is kept: another topic */
  note(&u, longer, 1);
  assert_int_equal(u.n, 2);
  assert_true(place(&u, 0)->cut);
  assert_int_equal(place(&u, 0)->count, 2);
  assert_int_equal(place(&u, 0)->len, TL_UNROUTED_BYTES);
  assert_false(place(&u, 1)->cut);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(counts_exactly_while_there_is_room),
    cmocka_unit_test(keeps_frequent_topics_among_thousands_of_rare_ones),
    cmocka_unit_test(says_that_a_late_topic_inherited_its_count),
    cmocka_unit_test(cuts_long_topics),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Texts that were logged: each once, a bounded number, and all once more after an hour. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "script/said.h"
#include "support/torture.h"

static tl_said_answer ask (tl_said *s, int n, int64_t now) {
  char text[32];
  snprintf(text, sizeof text, "text %d", n);
  return tl_said_ask(s, tl_slice_str(text), now);
}

static void each_text_is_new_once (void **state) {
  tl_said s = { 0 };
  (void)state;
  assert_int_equal(tl_said_ask(&s, tl_slice_of(NULL, 0), 0), TL_SAID_NEW);
  assert_int_equal(tl_said_ask(&s, tl_slice_of(NULL, 0), 0), TL_SAID_BEFORE);
  for (int round = 0; round < 2; round++)
    for (int i = 0; i < 100; i++)
      assert_int_equal(ask(&s, i, round), round == 0 ? TL_SAID_NEW : TL_SAID_BEFORE);
  tl_said_forget(&s);
  assert_int_equal(ask(&s, 1, 0), TL_SAID_NEW);
  tl_said_forget(&s);
}

static void more_than_fit_are_told_once_an_hour (void **state) {
  tl_said s = { 0 };
  int64_t now = 5;
  (void)state;
  for (int hour = 0; hour < 3; hour++, now += TL_SAID_REST_MS) {
    for (int i = 0; i < TL_SAID_MANY; i++) assert_int_equal(ask(&s, i, now), TL_SAID_NEW);
    now += TL_SAID_REST_MS; /* an hour from when they are full, not from the first */
    assert_int_equal(ask(&s, -1, now), TL_SAID_FULL);
    for (int i = 2; i < 50; i++) {
      assert_int_equal(ask(&s, -i, now + TL_SAID_REST_MS - 1), TL_SAID_TOO_MANY);
      assert_int_equal(ask(&s, i, now + TL_SAID_REST_MS - 1), TL_SAID_BEFORE);
    }
  }
  assert_int_equal(ask(&s, -1, now), TL_SAID_NEW);
  tl_said_forget(&s);
}

/* Without memory it is said twice, not never. */
static void without_memory_a_text_is_new_again (void **state) {
  (void)state;
  for (int for_ever = 0; for_ever < 2; for_ever++)
    for (long left = 0;; left++) {
      tl_said s = { 0 };
      int again = 0;
      memory_fails(left, for_ever);
      for (int i = 0; i < 20; i++) assert_int_equal(ask(&s, i, 0), TL_SAID_NEW);
      memory_heals();
      bool failed = memory_failed;
      for (int i = 0; i < 20; i++) again += ask(&s, i, 0) == TL_SAID_NEW;
      assert_true(failed ? again > 0 : again == 0);
      tl_said_forget(&s);
      if (!failed) break;
    }
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(each_text_is_new_once),
    cmocka_unit_test(more_than_fit_are_told_once_an_hour),
    cmocka_unit_test(without_memory_a_text_is_new_again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

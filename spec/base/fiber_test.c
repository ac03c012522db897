/* spec/base/fiber_test.c — pauses and goes on, deep in its own stack, beside another one. */
#include "base/fiber.h"
#include "support/spec.h"

typedef struct {
  tl_fiber *fiber;
  int steps, sum;
} counter;

/* Some 600 KiB of stack. */
static int deep (counter *c, int depth) {
  volatile char room[4096];
  room[depth % 4096] = (char)depth;
  if (depth == 150) tl_fiber_pause(c->fiber);
  int below = depth < 150 ? deep(c, depth + 1) : 0;
  return below + (room[depth % 4096] == (char)depth);
}

static void count (void *ctx) {
  counter *c = ctx;
  for (c->steps = 1; c->steps < 4; c->steps++) tl_fiber_pause(c->fiber);
  c->sum = deep(c, 1);
}

static void pauses_and_goes_on (void **unused) {
  (void)unused;
  counter c[2] = { { .steps = 0 }, { .steps = 0 } };
  for (int i = 0; i < 2; i++) assert_int_equal(tl_fiber_new(&c[i].fiber, count, &c[i]), 0);
  for (int step = 1; step < 4; step++)
    for (int i = 0; i < 2; i++) {
      assert_true(tl_fiber_go(c[i].fiber));
      assert_int_equal(c[i].steps, step);
    }
  for (int i = 0; i < 2; i++) assert_true(tl_fiber_go(c[i].fiber));
  for (int i = 0; i < 2; i++) {
    assert_false(tl_fiber_go(c[i].fiber));
    assert_int_equal(c[i].sum, 150);
    tl_fiber_free(c[i].fiber);
  }
}

static void one_that_never_ran_is_freed (void **unused) {
  (void)unused;
  tl_fiber *f;
  assert_int_equal(tl_fiber_new(&f, count, NULL), 0);
  tl_fiber_free(f);
  tl_fiber_free(NULL);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(pauses_and_goes_on),
    cmocka_unit_test(one_that_never_ran_is_freed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

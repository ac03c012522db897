/* spec/payload/json_memory_test.c — compiling addresses when memory runs out. The compiler is
** included here, with an allocator that fails at the first, second, … request, in place of the
** one in the library. */
#include "json_support.h"
#include "support/spare_memory.h"

#define malloc spare_malloc
#define free spare_free
#include "payload/json_set.c"
#undef malloc
#undef free

static void reports_each_failed_allocation_and_leaks_nothing (void **state) {
  (void)state;
  tl_slice paths[20];
  char texts[20][16];
  for (size_t i = 0; i < 20; i++) {
    snprintf(texts[i], sizeof texts[i], "a.k%zu[%zu]", i, i + 1);
    paths[i] = tl_slice_str(texts[i]);
  }
  int needed = 0;
  for (;; needed++) {
    tl_json_set *set = NULL;
    tl_err err = { 0 };
    size_t which = 99;
    countdown = needed;
    int rc = tl_json_set_new(&set, paths, 20, &which, &err);
    if (rc == TL_OK) {
      countdown = -1;
      assert_non_null(set);
      assert_int_equal(blocks, 1); /* a set is one block */
      tl_json_set_free(set);
      break;
    }
    assert_int_equal(rc, TL_ENOMEM);
    assert_int_equal(err.code, TL_ENOMEM);
    assert_int_equal(which, 99);
    assert_null(set);
    assert_int_equal(blocks, 0);
  }
  assert_int_equal(blocks, 0);
  assert_true(needed > 1);
}

int main (void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(
      reports_each_failed_allocation_and_leaks_nothing) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

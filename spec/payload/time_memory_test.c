/* spec/payload/time_memory_test.c — masks and zones when memory runs out. Their sources are
** included here, with an allocator that fails at the first, second, … request, in place of the
** ones in the library. */
#include "time_support.h"

#include "support/spare_memory.h"

#define malloc spare_malloc
#define calloc spare_calloc
#define free spare_free
#include "payload/tzif.c"
#include "payload/zone.c"
#define is_digit mask_is_digit
#include "payload/timemask.c"
#undef malloc
#undef calloc
#undef free

static void reads_a_zone_file_or_says_that_there_is_no_memory (void **state) {
  (void)state;
  tl_slice file = zone_file("Europe/Bratislava");
  for (int enough = 0; enough < 2; enough++) {
    tl_zone *z = NULL;
    tl_err err = { .code = 0 };
    countdown = enough;
    assert_int_equal(tl_zone_tzif(&z, file, &err), TL_ENOMEM);
    assert_int_equal(err.code, TL_ENOMEM);
    assert_null(z);
    assert_int_equal(blocks, 0);
  }
  tl_zone *z;
  countdown = 2;
  assert_int_equal(tl_zone_tzif(&z, file, NULL), TL_OK);
  assert_int_equal(countdown, 0); /* two requests, no more */
  tl_zone_free(z);
  assert_int_equal(blocks, 0);
  free((void *)(uintptr_t)file.at);
}

static void makes_no_fixed_zone_and_no_mask_without_memory (void **state) {
  (void)state;
  tl_zone *z = NULL;
  tl_timemask *m = NULL;
  tl_err err = { .code = 0 };
  countdown = 0;
  assert_int_equal(tl_zone_fixed(&z, 3600), TL_ENOMEM);
  countdown = 0;
  assert_int_equal(tl_timemask_new(&m, TL_LIT("UNIX"), &err), TL_ENOMEM);
  assert_int_equal(err.code, TL_ENOMEM);
  assert_null(z);
  assert_null(m);
}

static void frees_what_a_wrong_mask_took (void **state) {
  (void)state;
  tl_timemask *m = NULL;
  countdown = 1;
  assert_int_equal(tl_timemask_new(&m, TL_LIT("HH"), NULL), TL_ESYNTAX);
  assert_int_equal(blocks, 0);
}

static void writes_no_time_without_memory_and_says_so (void **state) {
  (void)state;
  tl_timemask *m = NULL;
  countdown = 1;
  assert_int_equal(tl_timemask_new(&m, TL_LIT("tttt yyyy-mm-dd hh:miZZZ"), NULL), TL_OK);
  tl_buf out;
  tl_buf_init(&out);
  out.failed = true;
  tl_timemask_format(m, NULL, 0, &out);
  assert_true(out.failed);
  assert_int_equal(out.len, 0);
  tl_timemask_free(m);
  assert_int_equal(blocks, 0);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(reads_a_zone_file_or_says_that_there_is_no_memory),
    cmocka_unit_test(makes_no_fixed_zone_and_no_mask_without_memory),
    cmocka_unit_test(frees_what_a_wrong_mask_took),
    cmocka_unit_test(writes_no_time_without_memory_and_says_so),
  };
  return cmocka_run_group_tests_name("payload.time_memory", tests, NULL, NULL);
}

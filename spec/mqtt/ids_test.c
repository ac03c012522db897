/* Packet identifiers in use, and the set of received ones. */
#include "mqtt/harness.h"

static void never_gives_zero_nor_one_in_use (void **state) {
  (void)state;
  tl_ids ids;
  int owner;
  static bool used[65536];
  tl_ids_init(&ids);
  for (int i = 0; i < 65535; i++) {
    uint16_t id = tl_ids_take(&ids, &owner);
    assert_true(id != 0 && !used[id]);
    used[id] = true;
  }
  assert_int_equal(tl_ids_take(&ids, &owner), 0);
  tl_ids_drop(&ids, 777);
  assert_int_equal(tl_ids_take(&ids, &owner), 777);
  tl_ids_fini(&ids);
}

static void goes_round_before_it_gives_one_again (void **state) {
  (void)state;
  tl_ids ids;
  int stays, goes;
  tl_ids_init(&ids);
  assert_int_equal(tl_ids_claim(&ids, 5, &stays), TL_OK);
  for (int round = 0; round < 3; round++)
    for (int want = 1; want < 65536; want++) {
      if (want == 5) continue; /* in flight all the time: skipped each time round */
      uint16_t id = tl_ids_take(&ids, &goes);
      assert_int_equal(id, want);
      assert_ptr_equal(tl_ids_owner(&ids, id), &goes);
      tl_ids_drop(&ids, id);
    }
  assert_ptr_equal(tl_ids_owner(&ids, 5), &stays);
  assert_int_equal(ids.count, 1);
  tl_ids_fini(&ids);
}

static void claims_only_what_is_free (void **state) {
  (void)state;
  tl_ids ids;
  int a, b;
  tl_ids_init(&ids);
  assert_int_equal(tl_ids_claim(&ids, 0, &a), TL_ERANGE);
  assert_int_equal(tl_ids_claim(&ids, 300, &a), TL_OK);
  assert_int_equal(tl_ids_claim(&ids, 300, &b), TL_EEXIST);
  assert_ptr_equal(tl_ids_owner(&ids, 300), &a);
  tl_ids_drop(&ids, 301); /* not in use: nothing happens */
  tl_ids_drop(&ids, 300);
  assert_null(tl_ids_owner(&ids, 300));
  assert_int_equal(tl_ids_claim(&ids, 9, &b), TL_OK); /* the spare page is clean */
  assert_null(tl_ids_owner(&ids, 300));
  tl_ids_fini(&ids);
}

static void a_set_remembers_every_identifier (void **state) {
  (void)state;
  tl_idset set;
  static const uint16_t some[] = { 1, 63, 64, 65, 4096, 65535 };
  tl_idset_init(&set);
  assert_false(tl_idset_has(&set, 1));
  tl_idset_del(&set, 1);
  assert_int_equal(tl_idset_next(&set, 0), 0);
  for (int i = 0; i < 6; i++) assert_int_equal(tl_idset_add(&set, some[i]), TL_OK);
  assert_int_equal(tl_idset_add(&set, 64), TL_OK);
  assert_int_equal(set.count, 6);
  uint16_t at = 0;
  for (int i = 0; i < 6; i++) {
    at = tl_idset_next(&set, at);
    assert_int_equal(at, some[i]);
    tl_idset_del(&set, at);
  }
  assert_int_equal(tl_idset_next(&set, 0), 0);
  tl_idset_fini(&set);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(never_gives_zero_nor_one_in_use),
    cmocka_unit_test(goes_round_before_it_gives_one_again),
    cmocka_unit_test(claims_only_what_is_free),
    cmocka_unit_test(a_set_remembers_every_identifier),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

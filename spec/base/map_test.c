/* spec/base/map_test.c — the hash map against a list that is searched from the front. */
#include "base_support.h"

#include "base/map.h"

const char *__asan_default_options (void);
const char *__asan_default_options (void) { return "allocator_may_return_null=1"; }

enum { KEYS = 400 };

static char keys[KEYS][24];
static int values[KEYS + 1];

static void make_keys (void) {
  for (int i = 0; i < KEYS; i++)
    snprintf(keys[i], sizeof keys[i], "%.*s%d", i % 17, "aaaaaaaaaaaaaaaaa", i);
}

static void agrees_with_a_list_under_random_changes (void **unused) {
  (void)unused;
  void *model[KEYS] = { NULL };
  uint64_t seed = 5;
  tl_map m;
  make_keys();
  tl_map_init(&m);
  for (int step = 0; step < 200000; step++) {
    size_t k = random_next(&seed) % (step % 20000 < 10000 ? KEYS : 20);
    tl_slice key = tl_slice_str(keys[k]);
    void *value = &values[random_next(&seed) % KEYS];
    switch (random_next(&seed) % 4) {
      case 0:
      case 1:
        assert_int_equal(tl_map_put(&m, key, value), TL_OK);
        model[k] = value;
        break;
      case 2:
        assert_ptr_equal(tl_map_del(&m, key), model[k]);
        model[k] = NULL;
        break;
      default: assert_ptr_equal(tl_map_get(&m, key), model[k]);
    }
    assert_true(m.live <= m.used && m.used <= m.cap / 4 * 3 + (m.cap == 0));
  }
  uint32_t live = 0, at = 0, walked = 0;
  for (int k = 0; k < KEYS; k++) live += model[k] != NULL;
  assert_int_equal(m.live, live);
  tl_slice key;
  void *value;
  for (; tl_map_next(&m, &at, &key, &value); walked++) {
    int k = 0;
    while (k < KEYS && (const void *)key.at != keys[k]) k++;
    assert_true(k < KEYS && model[k] == value && key.len == strlen(keys[k]));
  }
  assert_int_equal(walked, live);
  tl_map_fini(&m);
}

static void a_walk_may_delete_what_it_stands_on (void **unused) {
  (void)unused;
  tl_map m;
  tl_map_init(&m);
  make_keys();
  for (int i = 0; i < KEYS; i++)
    assert_int_equal(tl_map_put(&m, tl_slice_str(keys[i]), &values[i]), TL_OK);
  tl_slice key;
  void *value;
  int seen[KEYS] = { 0 };
  for (uint32_t at = 0; tl_map_next(&m, &at, &key, &value);) {
    int i = (int)((int *)value - values);
    seen[i]++;
    if (i % 3 == 0) assert_ptr_equal(tl_map_del(&m, key), value);
  }
  for (int i = 0; i < KEYS; i++) {
    assert_int_equal(seen[i], 1);
    assert_ptr_equal(tl_map_get(&m, tl_slice_str(keys[i])), i % 3 == 0 ? NULL : &values[i]);
  }
  for (int i = 0; i < KEYS; i++) tl_map_del(&m, tl_slice_str(keys[i]));
  /* an emptied map has no removed slots left to walk over */
  assert_true(m.live == 0 && m.used == 0);
  tl_map_fini(&m);
}

static void replacing_takes_the_new_key_pointer (void **unused) {
  (void)unused;
  tl_map m;
  tl_map_init(&m);
  uint8_t *first = exact_copy("key", 3), *second = exact_copy("key", 3);
  assert_int_equal(tl_map_put(&m, tl_slice_of(first, 3), &values[0]), TL_OK);
  assert_int_equal(tl_map_put(&m, tl_slice_of(second, 3), &values[1]), TL_OK);
  free(first);
  assert_ptr_equal(tl_map_get(&m, TL_LIT("key")), &values[1]);
  assert_int_equal(m.live, 1);
  free(second);
  tl_map_fini(&m);
}

static void empty_maps_and_empty_keys_are_fine (void **unused) {
  (void)unused;
  tl_map m;
  tl_map_init(&m);
  assert_null(tl_map_get(&m, TL_LIT("x")));
  assert_null(tl_map_del(&m, TL_LIT("x")));
  uint32_t at = 0;
  tl_slice key;
  void *value;
  assert_false(tl_map_next(&m, &at, &key, &value));
  assert_int_equal(tl_map_put(&m, tl_slice_of(NULL, 0), &values[0]), TL_OK);
  assert_ptr_equal(tl_map_get(&m, tl_slice_of("", 0)), &values[0]);
  assert_ptr_equal(tl_map_del(&m, tl_slice_of(NULL, 0)), &values[0]);
  tl_map_fini(&m);
}

static void adding_and_removing_in_turn_does_not_grow (void **unused) {
  (void)unused;
  tl_map m;
  tl_map_init(&m);
  make_keys();
  for (int i = 0; i < 100000; i++) {
    assert_int_equal(tl_map_put(&m, tl_slice_str(keys[i % KEYS]), &values[0]), TL_OK);
    if (i >= 5) assert_non_null(tl_map_del(&m, tl_slice_str(keys[(i - 5) % KEYS])));
  }
  assert_true(m.cap <= 32);
  tl_map_fini(&m);
}

static void without_memory_nothing_changes (void **unused) {
  (void)unused;
  tl_map_slot slots[8] = { { 0 } };
  tl_map m = { .slots = slots, .cap = UINT32_C(1) << 31, .used = UINT32_MAX - 2, .live = 0 };
  assert_int_equal(tl_map_put(&m, tl_slice_of("x", (size_t)UINT32_MAX + 1), &values[0]), TL_ENOMEM);
  m = (tl_map){ .slots = slots, .cap = 8, .used = 0, .live = 0 };
  for (int i = 0; i < 6; i++)
    assert_int_equal(tl_map_put(&m, tl_slice_of(&"abcdef"[i], 1), &values[i]), TL_OK);
  assert_ptr_equal(m.slots, slots); /* three quarters full: not grown yet */
  for (int i = 0; i < 6; i++)
    assert_ptr_equal(tl_map_get(&m, tl_slice_of(&"abcdef"[i], 1)), &values[i]);
}

static void hashes_spread_and_never_look_like_a_free_slot (void **unused) {
  (void)unused;
  enum { N = 1 << 16 };
  static uint16_t low[N], high[N];
  char text[64];
  for (int i = 0; i < N; i++) {
    int n = snprintf(text, sizeof text, "plant/line-%d/station-%05d/temperature", i / 1000, i);
    uint32_t hash = tl_hash(text, (size_t)n);
    assert_true(hash > 1);
    low[hash % N]++;
    high[hash / (UINT32_MAX / N + 1)]++;
  }
  int worst = 0, used = 0;
  for (int i = 0; i < N; i++) {
    if (low[i] > worst) worst = low[i];
    if (high[i] > worst) worst = high[i];
    used += low[i] > 0;
  }
  assert_true(worst < 14);        /* chance gives 8 or so */
  assert_true(used > N * 6 / 10); /* chance gives 63 % */
}

static void each_bit_of_the_key_matters_at_each_length (void **unused) {
  (void)unused;
  uint8_t bytes[80] = { 0 };
  for (size_t len = 1; len <= sizeof bytes; len++) {
    uint8_t *exact = exact_copy(bytes, len);
    uint32_t plain = tl_hash(exact, len);
    assert_int_not_equal(plain, tl_hash(exact, len - 1));
    for (size_t bit = 0; bit < len * 8; bit++) {
      exact[bit / 8] ^= (uint8_t)(1 << bit % 8);
      assert_int_not_equal(tl_hash(exact, len), plain);
      exact[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    free(exact);
  }
  assert_true(tl_hash(NULL, 0) > 1);
}

/* With factors that are known, a text can be chosen whose half makes the product 0, and whose
** other half does not matter then. */
static void no_text_can_be_chosen_to_have_the_hash_of_another (void **unused) {
  (void)unused;
  static const uint64_t known[] = { 0x6A09E667F3BCC909u, 0xBB67AE8584CAA73Bu, 0x3C6EF372FE94F82Bu };
  for (size_t k = 0; k < 3; k++) {
    uint64_t text[2] = { known[k], 0 };
    uint32_t first = tl_hash(text, sizeof text), same = 0;
    for (text[1] = 1; text[1] <= 1000; text[1]++) same += tl_hash(text, sizeof text) == first;
    assert_true(same < 3);
  }
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(agrees_with_a_list_under_random_changes),
    cmocka_unit_test(a_walk_may_delete_what_it_stands_on),
    cmocka_unit_test(replacing_takes_the_new_key_pointer),
    cmocka_unit_test(empty_maps_and_empty_keys_are_fine),
    cmocka_unit_test(adding_and_removing_in_turn_does_not_grow),
    cmocka_unit_test(without_memory_nothing_changes),
    cmocka_unit_test(hashes_spread_and_never_look_like_a_free_slot),
    cmocka_unit_test(no_text_can_be_chosen_to_have_the_hash_of_another),
    cmocka_unit_test(each_bit_of_the_key_matters_at_each_length),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

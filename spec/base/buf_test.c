/* spec/base/buf_test.c — the growing buffer, its sticky failure, and the error record. */
#include "base_support.h"

const char *__asan_default_options (void);
const char *__asan_default_options (void) { return "allocator_may_return_null=1"; }

static void appends_everything_in_order (void **unused) {
  (void)unused;
  tl_buf b;
  tl_buf_init(&b);
  tl_buf_add(&b, NULL, 0);
  assert_null(b.at);
  tl_buf_str(&b, "one ");
  tl_buf_byte(&b, '2');
  tl_buf_slice(&b, TL_LIT(" three"));
  tl_buf_slice(&b, tl_slice_of(NULL, 0));
  tl_buf_fmt(&b, " %d %s", 4, "five");
  assert_bytes(tl_buf_bytes(&b), "one 2 three 4 five");
  for (int i = 0; i < 1000; i++) tl_buf_byte(&b, 'x');
  assert_int_equal(b.len, 1018);
  assert_false(b.failed);
  tl_buf_fini(&b);
  assert_true(b.at == NULL && b.len == 0 && b.cap == 0 && !b.failed);
  tl_buf_fini(&b);
}

static void formats_into_whatever_room_is_left (void **unused) {
  (void)unused;
  for (int before = 0; before < 140; before++) {
    tl_buf b;
    tl_buf_init(&b);
    for (int i = 0; i < before; i++) tl_buf_byte(&b, '.');
    tl_buf_fmt(&b, "%s-%d", "0123456789", before);
    char expected[40];
    snprintf(expected, sizeof expected, "0123456789-%d", before);
    assert_bytes(tl_slice_of(b.at + before, b.len - (size_t)before), expected);
    tl_buf_fmt(&b, "%s", "");
    assert_int_equal(b.len, (size_t)before + strlen(expected));
    tl_buf_fini(&b);
  }
}

/* Two ways to fail: a size that cannot be computed, and one that the allocator refuses. */
static void failure_sticks_and_keeps_what_was_there (void **unused) {
  (void)unused;
  static const size_t sizes[] = { SIZE_MAX - 10, SIZE_MAX / 4 };
  for (int i = 0; i < 2; i++) {
    tl_buf b;
    tl_buf_init(&b);
    tl_buf_str(&b, "kept");
    assert_int_equal(tl_buf_reserve(&b, sizes[i]), TL_ENOMEM);
    assert_true(b.failed);
    tl_buf_str(&b, "x");
    tl_buf_byte(&b, 'x');
    tl_buf_slice(&b, TL_LIT("x"));
    tl_buf_fmt(&b, "%d", 1);
    assert_int_equal(tl_buf_reserve(&b, 1), TL_ENOMEM);
    assert_bytes(tl_buf_bytes(&b), "kept");
    tl_buf_clear(&b);
    tl_buf_str(&b, "again");
    assert_false(b.failed);
    assert_bytes(tl_buf_bytes(&b), "again");
    tl_buf_fini(&b);
  }
}

static void drops_from_the_front_and_gives_memory_back (void **unused) {
  (void)unused;
  tl_buf b;
  tl_buf_init(&b);
  tl_buf_drop(&b, 0);
  tl_buf_str(&b, "headtail");
  tl_buf_drop(&b, 0);
  tl_buf_drop(&b, 4);
  assert_bytes(tl_buf_bytes(&b), "tail");
  tl_buf_drop(&b, 4);
  assert_int_equal(b.len, 0);
  assert_int_equal(tl_buf_reserve(&b, 100000), TL_OK);
  tl_buf_str(&b, "kept");
  tl_buf_shrink(&b, 3); /* more than that is in use */
  assert_true(b.cap >= 100000);
  tl_buf_shrink(&b, 1000);
  assert_int_equal(b.cap, 1000);
  assert_bytes(tl_buf_bytes(&b), "kept");
  tl_buf_shrink(&b, 2000); /* it is smaller already */
  assert_int_equal(b.cap, 1000);
  tl_buf_clear(&b);
  tl_buf_shrink(&b, 0);
  assert_null(b.at);
  tl_buf_str(&b, "alive");
  assert_bytes(tl_buf_bytes(&b), "alive");
  tl_buf_fini(&b);
}

static void an_error_says_code_place_and_text (void **unused) {
  (void)unused;
  tl_err err;
  assert_int_equal(tl_fail(&err, TL_ERANGE, 17, "expected %d..%d,\ngot %s", 1, 9, "x"), TL_ERANGE);
  assert_int_equal(err.code, TL_ERANGE);
  assert_int_equal(err.at, 17);
  assert_string_equal(err.text, "expected 1..9, got x");
  assert_int_equal(tl_fail(NULL, TL_EFULL, 0, "nobody listens"), TL_EFULL);
}

static void a_long_error_is_cut_between_characters (void **unused) {
  (void)unused;
  static const char *const characters[] = { "x", "é", "€", "😀" };
  for (int kind = 0; kind < 4; kind++)
    for (int before = 0; before < 4; before++) {
      char text[512] = "";
      tl_err err;
      for (int i = 0; i < before; i++) strcat(text, "x");
      while (strlen(text) < 300) strcat(text, characters[kind]);
      tl_fail(&err, TL_ESYNTAX, 0, "%s", text);
      size_t n = strlen(err.text), width = strlen(characters[kind]);
      assert_true(n < sizeof err.text && n + width >= sizeof err.text);
      assert_int_equal((n - (size_t)before) % width, 0);
      assert_memory_equal(err.text, text, n);
    }
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(appends_everything_in_order),
    cmocka_unit_test(formats_into_whatever_room_is_left),
    cmocka_unit_test(failure_sticks_and_keeps_what_was_there),
    cmocka_unit_test(drops_from_the_front_and_gives_memory_back),
    cmocka_unit_test(an_error_says_code_place_and_text),
    cmocka_unit_test(a_long_error_is_cut_between_characters),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

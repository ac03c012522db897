/* spec/base/value_test.c — the words of types, statuses and reasons. */
#include "base_support.h"

#include <math.h>

#include "base/value.h"

static void each_type_has_one_name_both_ways (void **unused) {
  (void)unused;
  static const char *const names[] = { "Ai",   "Ao",   "Ci",  "Co",  "Di",  "Do", "Qi",
                                       "TxtI", "TxtO", "TiA", "ToA", "TiR", "ToR" };
  assert_int_equal(sizeof names / sizeof *names, TL_TYPE_COUNT);
  for (int i = 0; i < TL_TYPE_COUNT; i++) {
    tl_type type = TL_TYPE_COUNT;
    assert_string_equal(tl_type_name((tl_type)i), names[i]);
    assert_true(tl_type_from_name(tl_slice_str(names[i]), &type));
    assert_int_equal(type, i);
    bool output =
        strchr("oO", names[i][strlen(names[i]) - 1]) != NULL || strncmp(names[i], "To", 2) == 0;
    assert_true(tl_type_is_output((tl_type)i) == output);
  }
  tl_type type = TL_QI;
  assert_false(tl_type_from_name(TL_LIT("ai"), &type));
  assert_false(tl_type_from_name(TL_LIT("A"), &type));
  assert_false(tl_type_from_name(TL_LIT("Aix"), &type));
  assert_false(tl_type_from_name(TL_LIT(""), &type));
  assert_int_equal(type, TL_QI);
}

static void each_reason_and_status_has_the_contracts_word (void **unused) {
  (void)unused;
  static const char *const reasons[] = { "",        "missing", "json",         "type",
                                         "range",   "decoder", "station-will", "disconnected",
                                         "no-data", "off",     "time" };
  assert_int_equal(sizeof reasons / sizeof *reasons, TL_REASON_COUNT);
  for (int i = 0; i < TL_REASON_COUNT; i++) {
    tl_reason reason = TL_REASON_COUNT;
    assert_string_equal(tl_reason_name((tl_reason)i), reasons[i]);
    assert_true(tl_reason_from_name(tl_slice_str(reasons[i]), &reason));
    assert_int_equal(reason, i);
  }
  tl_reason reason = TL_REASON_OFF;
  assert_false(tl_reason_from_name(TL_LIT("Missing"), &reason));
  assert_int_equal(reason, TL_REASON_OFF);
  assert_string_equal(tl_status_name(TL_UNSET), "unset");
  assert_string_equal(tl_status_name(TL_VALID), "valid");
  assert_string_equal(tl_status_name(TL_INVALID), "invalid");
  assert_string_equal(tl_qi_names[4], "Oscillate");
}

static void values_are_compared_by_what_their_type_holds (void **unused) {
  (void)unused;
  for (int i = 0; i < TL_TYPE_COUNT; i++) {
    tl_value a, b, c;
    memset(&a, 0x11, sizeof a); /* bytes that the type does not use must not count */
    memset(&b, 0x22, sizeof b);
    memset(&c, 0x33, sizeof c);
    switch (i) {
      case TL_AI:
      case TL_AO:
      case TL_TIR:
      case TL_TOR: a.number = b.number = 1.5, c.number = 2; break;
      case TL_DI:
      case TL_DO: a.boolean = b.boolean = true, c.boolean = false; break;
      case TL_TXTI:
      case TL_TXTO:
        a.text = TL_LIT("same"), b.text = tl_slice_str("same"), c.text = TL_LIT("sam");
        break;
      default: a.integer = b.integer = INT64_MAX, c.integer = INT64_MAX - 1;
    }
    assert_true(tl_value_eq((tl_type)i, &a, &b));
    assert_false(tl_value_eq((tl_type)i, &a, &c));
  }
  tl_value zero = { .number = 0.0 }, minus = { .number = -0.0 };
  assert_true(tl_value_eq(TL_AI, &zero, &minus));
  tl_value none = { .text = { NULL, 0 } }, empty = { .text = { (const uint8_t *)"", 0 } };
  assert_true(tl_value_eq(TL_TXTI, &none, &empty));
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(each_type_has_one_name_both_ways),
    cmocka_unit_test(each_reason_and_status_has_the_contracts_word),
    cmocka_unit_test(values_are_compared_by_what_their_type_holds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* spec/payload/words_test.c — words for states and decimal commas. */
#include "payload/words.h"
#include "support/spec.h"

#define WORD(state, text)                              \
  {                                                    \
    state, { (const uint8_t *)text, sizeof(text) - 1 } \
  }

static const tl_word door[] = { WORD(0, "CLOSED"), WORD(1, "OPEN"), WORD(1, "opened") };
static const tl_word moving[] = { WORD(2, "moving") };
static const tl_text_rule doors = { door, 3, false }, movings = { moving, 1, false },
                          comma = { NULL, 0, true };

static tl_reason text (tl_type type, const tl_text_rule *w, const char *s, tl_value *v) {
  return tl_words_text(type, w, tl_slice_str(s), NULL, v);
}

static tl_reason json (tl_type type, const tl_text_rule *w, const char *doc, tl_value *v) {
  static tl_json_set *set;
  static tl_buf scratch;
  tl_slice whole = TL_LIT("");
  tl_json_value found;
  if (!set) assert_int_equal(tl_json_set_new(&set, &whole, 1, NULL, NULL), TL_OK);
  assert_int_equal(tl_json_extract(set, tl_slice_str(doc), &found, NULL), TL_OK);
  tl_buf_clear(&scratch);
  return tl_words_json(type, w, &found, NULL, &scratch, v);
}

static void takes_words_exactly (void **state) {
  (void)state;
  tl_value v;
  assert_int_equal(text(TL_DI, &doors, "OPEN", &v), TL_REASON_NONE);
  assert_true(v.boolean);
  assert_int_equal(text(TL_DI, &doors, "opened", &v), TL_REASON_NONE);
  assert_true(v.boolean);
  assert_int_equal(text(TL_DI, &doors, "CLOSED", &v), TL_REASON_NONE);
  assert_false(v.boolean);
  static const char *const bad[] = { "open", " OPEN", "OPEN\n", "on", "1", "0", "", "OPENED" };
  for (size_t i = 0; i < COUNT(bad); i++)
    assert_int_equal(text(TL_DI, &doors, bad[i], &v), TL_REASON_TYPE);
}

static void keeps_usual_words_for_other_states (void **state) {
  (void)state;
  tl_value v;
  assert_int_equal(text(TL_QI, &movings, "moving", &v), TL_REASON_NONE);
  assert_int_equal(v.integer, 2);
  assert_int_equal(text(TL_QI, &movings, "on", &v), TL_REASON_NONE);
  assert_int_equal(v.integer, 1);
  assert_int_equal(text(TL_QI, &movings, "3", &v), TL_REASON_NONE);
  assert_int_equal(v.integer, 3);
  assert_int_equal(text(TL_QI, &movings, "Trans", &v), TL_REASON_TYPE);
  assert_int_equal(text(TL_QI, &movings, "2", &v), TL_REASON_TYPE);
}

static void compares_json_by_its_text (void **state) {
  (void)state;
  static const tl_word numbers[] = { WORD(1, "1.0"), WORD(0, "false"), WORD(0, "ä") };
  const tl_text_rule w = { numbers, 3, false };
  tl_value v;
  assert_int_equal(json(TL_DI, &w, "1.0", &v), TL_REASON_NONE);
  assert_true(v.boolean);
  assert_int_equal(json(TL_DI, &w, "1", &v), TL_REASON_TYPE);
  assert_int_equal(json(TL_DI, &w, "false", &v), TL_REASON_NONE);
  assert_false(v.boolean);
  assert_int_equal(json(TL_DI, &w, "true", &v), TL_REASON_TYPE);
  assert_int_equal(json(TL_DI, &w, "\"\\u00e4\"", &v), TL_REASON_NONE);
  assert_false(v.boolean);
  assert_int_equal(json(TL_DI, &w, "null", &v), TL_REASON_TYPE);
  assert_int_equal(json(TL_DI, &w, "[]", &v), TL_REASON_TYPE);
}

static void reads_decimal_commas (void **state) {
  (void)state;
  tl_value v;
  static const struct {
    const char *text;
    double number;
  } good[] = {
    { "12,5", 12.5 }, { " -0,25 ", -0.25 }, { "12", 12 }, { "1,5e3", 1500 }, { ",5", 0.5 }
  };
  for (size_t i = 0; i < COUNT(good); i++) {
    assert_int_equal(text(TL_AI, &comma, good[i].text, &v), TL_REASON_NONE);
    assert_true(v.number == good[i].number);
  }
  static const char *const bad[] = { "12.5", "1.234,5", "1,234,5", "1 234,5", "", ",", "x" };
  for (size_t i = 0; i < COUNT(bad); i++)
    assert_int_equal(text(TL_AI, &comma, bad[i], &v), TL_REASON_TYPE);
  char longest[80];
  memset(longest, '1', sizeof longest - 1);
  longest[79] = 0;
  assert_int_equal(text(TL_AI, &comma, longest, &v), TL_REASON_TYPE);
  assert_int_equal(json(TL_AI, &comma, "12.5", &v), TL_REASON_NONE); /* a number is a number */
  assert_true(v.number == 12.5);
  assert_int_equal(json(TL_AI, &comma, "\"12,5\"", &v), TL_REASON_NONE);
  assert_int_equal(json(TL_AI, &comma, "\"12.5\"", &v), TL_REASON_TYPE);
  assert_int_equal(json(TL_CI, &comma, "\"9007199254740993\"", &v), TL_REASON_NONE);
  assert_int_equal(v.integer, INT64_C(9007199254740993));
  assert_int_equal(text(TL_TIR, &comma, "1,5", &v), TL_REASON_NONE);
  assert_true(v.number == 1.5);
  assert_int_equal(text(TL_TXTI, &comma, "1.5", &v), TL_REASON_NONE); /* texts stay */
}

static void writes (tl_type type, const tl_text_rule *w, tl_value v, const char *expected) {
  tl_buf out;
  tl_buf_init(&out);
  tl_words_publish(type, w, &v, NULL, &out);
  assert_bytes(tl_buf_bytes(&out), expected);
  tl_buf_fini(&out);
}

static void writes_the_first_word_and_commas (void **state) {
  (void)state;
  writes(TL_DO, &doors, (tl_value){ .boolean = true }, "OPEN");
  writes(TL_DO, &doors, (tl_value){ .boolean = false }, "CLOSED");
  writes(TL_DO, &movings, (tl_value){ .boolean = true }, "true");
  writes(TL_AO, &comma, (tl_value){ .number = 12.5 }, "12,5");
  writes(TL_AO, &comma, (tl_value){ .number = 12 }, "12");
  writes(TL_TXTO, &comma, (tl_value){ .text = TL_LIT("1.5") }, "1.5");
  writes(TL_CO, &comma, (tl_value){ .integer = -7 }, "-7");
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(takes_words_exactly),
    cmocka_unit_test(keeps_usual_words_for_other_states),
    cmocka_unit_test(compares_json_by_its_text),
    cmocka_unit_test(reads_decimal_commas),
    cmocka_unit_test(writes_the_first_word_and_commas),
  };
  return cmocka_run_group_tests_name("payload.words", tests, NULL, NULL);
}

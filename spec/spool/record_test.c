/* spec/spool/record_test.c — what a spool holds, as bytes: it comes back as it went; damage is
** told. */
#include <stdlib.h>

#include "support/spec.h"

#include "spool/record.h"
#include "spool/sum.h"

/* A value of each type comes back as it went; cut anywhere, it is an error and no more. */
static void samples_round_trip (void **state) {
  const struct {
    tl_type type;
    tl_sample sample;
  } rows[] = {
    { TL_AI, { 7, TL_VALID, 0, TL_FOR_HISTORIES, 0, -5, { .number = -0.1 } } },
    { TL_CI, { 7, TL_VALID, 0, 0, 513, INT64_MAX, { .integer = INT64_MIN } } },
    { TL_DO, { 7, TL_VALID, 0, 0, 0, 0, { .boolean = true } } },
    { TL_QI, { 7, TL_VALID, 0, 0, 65535, 1, { .integer = 4 } } },
    { TL_TIA, { 7, TL_VALID, 0, 0, 0, 1, { .integer = 1763820000123 } } },
    { TL_TXTI, { 7, TL_VALID, 0, 0, 0, 1, { .text = TL_LIT("x\0y") } } },
    { TL_TXTO, { 7, TL_INVALID, TL_REASON_TIME, 0, 0, 1, { .integer = 0 } } },
    { TL_AI, { 7, TL_UNSET, 0, 0, 0, 0, { .integer = 0 } } },
  };
  (void)state;
  for (size_t i = 0; i < COUNT(rows); i++) {
    tl_buf out;
    bool cut;
    uint8_t types[8] = { [7] = (uint8_t)rows[i].type };
    size_t at = 0;
    tl_series series;
    tl_sample sample;
    tl_buf_init(&out);
    tl_record_sample(&out, &rows[i].sample, rows[i].type, &cut);
    assert_false(cut);
    assert_int_equal(tl_record_next(tl_buf_bytes(&out), &at, types, 8, &series, &sample),
                     TL_RECORD_SAMPLE);
    const tl_sample *a = &rows[i].sample, *b = &sample;
    assert_int_equal(a->status, b->status);
    assert_int_equal(a->reason, b->reason);
    assert_int_equal(a->n, b->n);
    assert_int_equal(a->only, b->only);
    assert_true(a->time_ms == b->time_ms);
    if (a->status == TL_VALID) assert_true(tl_value_eq(rows[i].type, &a->value, &b->value));
    assert_int_equal(tl_record_next(tl_buf_bytes(&out), &at, types, 8, &series, &sample),
                     TL_RECORD_END);
    for (size_t n = 1; n < out.len; n++) {
      uint8_t *copy = exact_copy(out.at, n);
      at = 0;
      assert_int_equal(tl_record_next(tl_slice_of(copy, n), &at, types, 8, &series, &sample),
                       TL_EMALFORMED);
      free(copy);
    }
    at = 0; /* nobody defined the series */
    assert_int_equal(tl_record_next(tl_buf_bytes(&out), &at, types, 7, &series, &sample),
                     TL_EMALFORMED);
    tl_buf_fini(&out);
  }
}

static void long_texts_are_cut_and_told (void **state) {
  (void)state;
  tl_buf out;
  bool cut;
  uint8_t *text = calloc(1, TL_RECORD_TEXT + 1);
  assert_non_null(text);
  tl_sample v = { 7, TL_VALID, 0, 0, 0, 1, { .text = tl_slice_of(text, TL_RECORD_TEXT + 1) } };
  tl_buf_init(&out);
  tl_record_sample(&out, &v, TL_TXTI, &cut);
  assert_true(cut);
  assert_int_equal(out.len, 16 + 4 + TL_RECORD_TEXT);
  tl_buf_fini(&out);
  free(text);
}

static void definitions_round_trip (void **state) {
  (void)state;
  tl_series s = { 3, TL_TXTI, TL_LIT("a.b.c"), TL_LIT("°C"), TL_LIT(""), 0.5, 90000 };
  tl_buf out;
  size_t at = 0;
  tl_series r;
  tl_sample sample;
  tl_buf_init(&out);
  tl_record_series(&out, &s);
  assert_int_equal(tl_record_next(tl_buf_bytes(&out), &at, NULL, 0, &r, &sample), TL_RECORD_SERIES);
  assert_int_equal(r.id, 3);
  assert_int_equal(r.type, TL_TXTI);
  assert_true(tl_slice_eq(r.name, s.name) && tl_slice_eq(r.unit, s.unit));
  assert_int_equal(r.description.len, 0);
  assert_true(r.deadband == 0.5 && r.keep_ms == 90000);
  out.at[5] = TL_TYPE_COUNT; /* no such type */
  at = 0;
  assert_int_equal(tl_record_next(tl_buf_bytes(&out), &at, NULL, 0, &r, &sample), TL_EMALFORMED);
  tl_buf_fini(&out);
}

/* Whatever bit is another one, and wherever it ends: the sum is another one. */
static void a_sum_notices_each_bit (void **state) {
  uint8_t bytes[100];
  uint32_t seen[101];
  (void)state;
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 7);
  for (size_t n = 0; n <= sizeof bytes; n++) {
    seen[n] = tl_sum(bytes, n);
    for (size_t k = 0; k < n; k++) assert_true(seen[k] != seen[n]);
    for (size_t bit = 0; bit < 8 * n; bit++) {
      bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
      assert_true(tl_sum(bytes, n) != seen[n]);
      bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
  }
  /* it is on disks: it stays what it is */
  assert_int_equal(tl_sum(bytes, 0), 0x9abe8d1d);
  assert_int_equal(tl_sum(bytes, 100), 0xf74bc5f4);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_sum_notices_each_bit),
    cmocka_unit_test(samples_round_trip),
    cmocka_unit_test(long_texts_are_cut_and_told),
    cmocka_unit_test(definitions_round_trip),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* spec/model/tag_test.c — filters, setting and reporting of one value */
#include <math.h>

#include "world.h"

static tl_tag *tag (world *w, tl_tagdef d) {
  world_init(w);
  return &station(w, &d, 1)->tags[0];
}

static void number (world *w, tl_tag *t, double v) {
  assert_true(tl_tag_receive(t, &(tl_value){ .number = v }, wall(w)));
}

static void integer (world *w, tl_tag *t, int64_t v) {
  assert_true(tl_tag_receive(t, &(tl_value){ .integer = v }, wall(w)));
}

static void text (world *w, tl_tag *t, const char *v) {
  assert_true(tl_tag_receive(t, &(tl_value){ .text = tl_slice_str(v) }, wall(w)));
}

static tl_tagdef linear (tl_type type, double k, double q) {
  tl_tagdef d = def("t", type, "");
  d.has_linear = true, d.linear_k = k, d.linear_q = q;
  return d;
}

static tl_tagdef range (tl_type type, double min, double max, tl_out_of_range what) {
  tl_tagdef d = def("t", type, "");
  d.has_range = true, d.range_min = min, d.range_max = max, d.out_of_range = what;
  return d;
}

static void reports_only_what_changed (void **state) {
  (void)state;
  world w;
  tl_tag *t = tag(&w, def("t", TL_AI, ""));
  assert_int_equal(t->status, TL_UNSET);
  assert_int_equal(t->time_ms, 0);
  number(&w, t, 0);
  assert_string_equal(said(&w), "value s.t 0\n");
  w.now += 5;
  number(&w, t, 0);
  assert_string_equal(said(&w), "");
  assert_int_equal(t->time_ms, wall(&w)); /* though not reported */
  number(&w, t, 1.5);
  assert_string_equal(said(&w), "value s.t 1.5\n");
  tl_tag_invalidate(t, TL_REASON_TYPE, wall(&w));
  tl_tag_invalidate(t, TL_REASON_TYPE, wall(&w) + 1);
  tl_tag_invalidate(t, TL_REASON_RANGE, wall(&w) + 2);
  assert_string_equal(said(&w), "value s.t null type\nvalue s.t null range\n");
  assert_int_equal(t->time_ms, wall(&w) + 2);
  number(&w, t, 1.5);
  assert_string_equal(said(&w), "value s.t 1.5\n");
  assert_int_equal(w.traced, 7);
  world_fini(&w);
}

static void reports_a_new_time_where_asked (void **state) {
  (void)state;
  world w;
  tl_tagdef d = def("t", TL_CI, "");
  d.new_value_on_time_change = true;
  tl_tag *t = tag(&w, d);
  integer(&w, t, 0);
  integer(&w, t, 0);
  w.now++;
  integer(&w, t, 0);
  assert_string_equal(said(&w), "value s.t 0\nvalue s.t 0\n");
  tl_tag_invalidate(t, TL_REASON_TYPE, wall(&w));
  tl_tag_invalidate(t, TL_REASON_TYPE, wall(&w));
  tl_tag_invalidate(t, TL_REASON_TYPE, wall(&w) + 1);
  assert_string_equal(said(&w), "value s.t null type\nvalue s.t null type\n");
  world_fini(&w);
}

static void compares_each_type_by_its_own_member (void **state) {
  (void)state;
  world w;
  tl_tag *t = tag(&w, def("t", TL_DI, ""));
  tl_value v;
  memset(&v, 0xff, sizeof v); /* rubbish beside the boolean */
  v.boolean = true;
  tl_tag_receive(t, &v, 1);
  tl_tag_receive(t, &(tl_value){ .boolean = true }, 1);
  assert_string_equal(said(&w), "value s.t true\n");
  world_fini(&w);
  t = tag(&w, def("t", TL_CI, ""));
  integer(&w, t, INT64_MAX);
  integer(&w, t, INT64_MAX - 1);
  integer(&w, t, INT64_MAX - 1);
  assert_string_equal(said(&w), "value s.t 9223372036854775807\nvalue s.t 9223372036854775806\n");
  world_fini(&w);
}

static void texts_are_copied (void **state) {
  (void)state;
  world w;
  tl_tag *t = tag(&w, def("t", TL_TXTI, ""));
  char buffer[] = "first";
  text(&w, t, buffer);
  memset(buffer, 'x', 5);
  assert_true(tl_slice_eq(t->value.text, TL_LIT("first")));
  text(&w, t, "first");
  text(&w, t, "");
  text(&w, t, "a longer text than any before it");
  assert_string_equal(
      said(&w),
      "value s.t \"first\"\nvalue s.t \"\"\nvalue s.t \"a longer text than any before it\"\n");
  const uint8_t *block = t->value.text.at;
  text(&w, t, "short");
  assert_ptr_equal(t->value.text.at, block); /* what fits allocates nothing */
  /* a part of itself */
  tl_tag_receive(t, &(tl_value){ .text = tl_slice_of(t->value.text.at + 1, 3) }, 1);
  assert_true(tl_slice_eq(t->value.text, TL_LIT("hor")));
  tl_tag_invalidate(t, TL_REASON_MISSING, 1);
  assert_int_equal(t->value.text.len, 0);
  text(&w, t, "");
  assert_int_equal(t->status, TL_VALID);
  world_fini(&w);
}

static void large_texts_give_their_memory_back (void **state) {
  (void)state;
  world w;
  tl_tag *t = tag(&w, def("t", TL_TXTI, ""));
  static uint8_t large[100000];
  tl_tag_receive(t, &(tl_value){ .text = tl_slice_of(large, sizeof large) }, 1);
  assert_true(t->text_cap >= sizeof large);
  text(&w, t, "small");
  assert_true(t->text_cap < 100);
  tl_tag_receive(t, &(tl_value){ .text = tl_slice_of(large, sizeof large) }, 1);
  tl_tag_invalidate(t, TL_REASON_TYPE, 1);
  assert_int_equal(t->text_cap, 0);
  world_fini(&w);
}

static void linear_is_applied_and_inverted (void **state) {
  (void)state;
  world w;
  tl_tag *t = tag(&w, linear(TL_AO, 0.5, -10));
  number(&w, t, 100);
  assert_true(t->value.number == 40);
  tl_value out;
  assert_int_equal(tl_tag_to_device(t, &(tl_value){ .number = 40 }, &out, NULL), TL_OK);
  assert_true(out.number == 100);
  number(&w, t, 1e308);
  assert_int_equal(t->status, TL_VALID);
  world_fini(&w);
  t = tag(&w, linear(TL_TIR, 60, 0));
  number(&w, t, 2);
  assert_true(t->value.number == 120);
  world_fini(&w);
}

static void linear_that_leaves_the_numbers_is_out_of_range (void **state) {
  (void)state;
  world w;
  tl_tag *t = tag(&w, linear(TL_AO, 10, 0));
  number(&w, t, 1e308);
  assert_string_equal(said(&w), "value s.t null range\n");
  tl_value out;
  tl_err err;
  world_fini(&w);
  t = tag(&w, linear(TL_AO, 0.1, 0));
  assert_int_equal(tl_tag_to_device(t, &(tl_value){ .number = 1.7e308 }, &out, &err), TL_ERANGE);
  world_fini(&w);
}

static void linear_keeps_integers_exact (void **state) {
  (void)state;
  static const struct {
    double k, q;
    int64_t in, out;
  } rows[] = {
    { 1, 1, 9007199254740993, 9007199254740994 },
    { 1, -1, INT64_MIN, INT64_MIN },
    { 2, 0, INT64_MAX, INT64_MAX },
    { -1, 0, INT64_MIN, INT64_MAX },
    { 2, 1, 4503599627370497, 9007199254740995 },
    { 0.5, 0, 3, 2 },
    { 0.5, 0, -3, -2 },
    { 0.1, 0, 24, 2 },
    { 1.5, 0.25, 1, 2 },
    { 1e30, 0, -1, INT64_MIN },
  };
  for (size_t i = 0; i < COUNT(rows); i++) {
    world w;
    tl_tag *t = tag(&w, linear(TL_CI, rows[i].k, rows[i].q));
    integer(&w, t, rows[i].in);
    assert_int_equal(t->value.integer, rows[i].out);
    world_fini(&w);
  }
}

static void linear_is_inverted_for_integers (void **state) {
  (void)state;
  static const struct {
    double k, q;
    int64_t in, out;
  } rows[] = {
    { 1, 1, 9007199254740994, 9007199254740993 },
    { 10, 0, 25, 3 },
    { 10, 0, -25, -3 },
    { 10, 0, 24, 2 },
    { -10, 0, 25, -3 },
    { 3, 0, 4, 1 },
    { 3, 0, 5, 2 },
    { 0.5, 0, 3, 6 },
  };
  world w;
  tl_value out;
  for (size_t i = 0; i < COUNT(rows); i++) {
    tl_tag *t = tag(&w, linear(TL_CO, rows[i].k, rows[i].q));
    assert_int_equal(tl_tag_to_device(t, &(tl_value){ .integer = rows[i].in }, &out, NULL), TL_OK);
    assert_int_equal(out.integer, rows[i].out);
    world_fini(&w);
  }
  tl_tag *t = tag(&w, linear(TL_CO, 1, 1));
  assert_int_equal(tl_tag_to_device(t, &(tl_value){ .integer = INT64_MIN }, &out, NULL), TL_ERANGE);
  world_fini(&w);
  t = tag(&w, linear(TL_CO, 0.1, 0));
  assert_int_equal(tl_tag_to_device(t, &(tl_value){ .integer = INT64_MAX }, &out, NULL), TL_ERANGE);
  world_fini(&w);
}

static void range_invalidates_clamps_or_discards (void **state) {
  (void)state;
  world w;
  tl_tag *t = tag(&w, range(TL_AI, 0, 10, TL_RANGE_INVALID));
  number(&w, t, 10), number(&w, t, 10.5), number(&w, t, 0), number(&w, t, -0.5);
  assert_string_equal(said(&w),
                      "value s.t 10\nvalue s.t null range\nvalue s.t 0\nvalue s.t null range\n");
  world_fini(&w);
  t = tag(&w, range(TL_AI, 0, 10, TL_RANGE_CLAMP));
  number(&w, t, 12), number(&w, t, 11), number(&w, t, -1);
  assert_string_equal(said(&w), "value s.t 10\nvalue s.t 0\n");
  world_fini(&w);
  t = tag(&w, range(TL_AI, 0, 10, TL_RANGE_DISCARD));
  number(&w, t, 12);
  assert_int_equal(t->status, TL_UNSET);
  number(&w, t, 5);
  int64_t before = t->time_ms;
  w.now++;
  number(&w, t, 12);
  assert_string_equal(said(&w), "value s.t 5\n");
  assert_int_equal(t->time_ms, before); /* as if it had not come */
  world_fini(&w);
}

static void range_comes_after_linear (void **state) {
  (void)state;
  world w;
  tl_tagdef d = linear(TL_AI, 0.1, 0);
  d.has_range = true, d.range_max = 10;
  tl_tag *t = tag(&w, d);
  number(&w, t, 90), number(&w, t, 110);
  assert_string_equal(said(&w), "value s.t 9\nvalue s.t null range\n");
  world_fini(&w);
}

static void range_of_integers_stays_inside_its_bounds (void **state) {
  (void)state;
  world w;
  tl_tag *t = tag(&w, range(TL_CI, 0.5, 9.5, TL_RANGE_CLAMP));
  integer(&w, t, -7), integer(&w, t, 10);
  assert_string_equal(said(&w), "value s.t 1\nvalue s.t 9\n");
  world_fini(&w);
  t = tag(&w, range(TL_CI, 0, 9007199254740992, TL_RANGE_INVALID));
  /* one above, though the same as a double */
  integer(&w, t, 9007199254740992), integer(&w, t, 9007199254740993);
  assert_string_equal(said(&w), "value s.t 9007199254740992\nvalue s.t null range\n");
  world_fini(&w);
  t = tag(&w, range(TL_CI, 0, INFINITY, TL_RANGE_INVALID));
  integer(&w, t, INT64_MAX);
  assert_int_equal(t->status, TL_VALID);
  world_fini(&w);
  t = tag(&w, range(TL_CI, 0.2, 0.8, TL_RANGE_CLAMP)); /* no integer between them */
  integer(&w, t, 5);
  assert_string_equal(said(&w), "value s.t null range\n");
  world_fini(&w);
}

static void range_refuses_writes_whatever_it_does_to_readings (void **state) {
  (void)state;
  world w;
  tl_value out = { .number = -1 };
  tl_err err;
  tl_tag *t = tag(&w, range(TL_AO, 0, INFINITY, TL_RANGE_CLAMP));
  assert_int_equal(tl_tag_to_device(t, &(tl_value){ .number = -0.5 }, &out, &err), TL_ERANGE);
  assert_string_equal(err.text, "expected a value within 0..infinity");
  assert_true(out.number == -1);
  assert_int_equal(tl_tag_to_device(t, &(tl_value){ .number = 0.5 }, &out, &err), TL_OK);
  assert_true(out.number == 0.5);
  world_fini(&w);
  t = tag(&w, range(TL_CO, -INFINITY, 5, TL_RANGE_DISCARD));
  assert_int_equal(tl_tag_to_device(t, &(tl_value){ .integer = 6 }, &out, &err), TL_ERANGE);
  assert_string_equal(err.text, "expected a value within -infinity..5");
  assert_int_equal(tl_tag_to_device(t, &(tl_value){ .integer = 5 }, &out, &err), TL_OK);
  assert_int_equal(out.integer, 5);
  world_fini(&w);
  t = tag(&w, def("t", TL_TXTO, ""));
  assert_int_equal(tl_tag_to_device(t, &(tl_value){ .text = TL_LIT("x") }, &out, &err), TL_OK);
  assert_true(tl_slice_eq(out.text, TL_LIT("x")));
  world_fini(&w);
}

static void deadband_measures_from_the_value_kept (void **state) {
  (void)state;
  world w;
  tl_tagdef d = def("t", TL_AI, "");
  d.deadband = 0.5;
  tl_tag *t = tag(&w, d);
  number(&w, t, 20);
  w.now++;
  number(&w, t, 20.4), number(&w, t, 20.5); /* creeping does not move the measure */
  assert_string_equal(said(&w), "value s.t 20\n");
  assert_true(t->value.number == 20);
  assert_int_equal(t->time_ms, wall(&w)); /* the kept value, seen again now */
  number(&w, t, 20.75);
  assert_string_equal(said(&w), "value s.t 20.75\n");
  tl_tag_invalidate(t, TL_REASON_TYPE, 1);
  said(&w);
  number(&w, t, 20.75); /* nothing to measure from */
  assert_string_equal(said(&w), "value s.t 20.75\n");
  world_fini(&w);
  d = def("t", TL_AI, "");
  d.deadband = 0.2;
  t = tag(&w, d);
  number(&w, t, 20.9), number(&w, t, 21.1); /* their doubles are 0.2000000000000028 apart */
  assert_string_equal(said(&w), "value s.t 20.9\n");
  number(&w, t, 21.1001);
  assert_string_equal(said(&w), "value s.t 21.1001\n");
  world_fini(&w);
  d = def("t", TL_CI, "");
  d.deadband = 2;
  t = tag(&w, d);
  integer(&w, t, INT64_MIN), integer(&w, t, INT64_MIN + 2), integer(&w, t, INT64_MAX);
  assert_string_equal(said(&w), "value s.t -9223372036854775808\nvalue s.t 9223372036854775807\n");
  world_fini(&w);
}

static void filters_leave_put_alone (void **state) {
  (void)state;
  world w;
  tl_tagdef d = range(TL_AO, 0, 1, TL_RANGE_INVALID);
  d.has_linear = true, d.linear_k = 2, d.deadband = 5;
  tl_tag *t = tag(&w, d);
  tl_tag_put(t, &(tl_value){ .number = 7 }, 1);
  tl_tag_put(t, &(tl_value){ .number = 8 }, 1);
  assert_string_equal(said(&w), "value s.t 7\nvalue s.t 8\n");
  world_fini(&w);
}

static void filters_apply_to_numbers_only (void **state) {
  (void)state;
  world w;
  tl_tagdef d = range(TL_TXTI, 0, 1, TL_RANGE_INVALID);
  d.has_linear = true, d.deadband = 1;
  tl_tag *t = tag(&w, d);
  text(&w, t, "a");
  assert_string_equal(said(&w), "value s.t \"a\"\n");
  world_fini(&w);
  d = range(TL_QI, 0, 1, TL_RANGE_INVALID);
  t = tag(&w, d);
  integer(&w, t, 4);
  assert_string_equal(said(&w), "value s.t 4\n");
  world_fini(&w);
}

static void missing_invalidates_keeps_or_takes_the_default (void **state) {
  (void)state;
  world w;
  tl_tagdef d = def("t", TL_AI, "");
  tl_tag *t = tag(&w, d);
  number(&w, t, 5);
  tl_tag_missing(t, 1);
  assert_string_equal(said(&w), "value s.t 5\nvalue s.t null missing\n");
  world_fini(&w);
  d.on_missing = TL_MISSING_KEEP;
  t = tag(&w, d);
  number(&w, t, 5);
  tl_tag_missing(t, 1);
  assert_string_equal(said(&w), "value s.t 5\n");
  assert_int_equal(t->time_ms, wall(&w));
  world_fini(&w);
  d.on_missing = TL_MISSING_DEFAULT, d.has_default = true, d.default_value.number = -1;
  t = tag(&w, d);
  assert_int_equal(t->status, TL_UNSET); /* an input's default is not its value at start */
  number(&w, t, 5);
  tl_tag_missing(t, 7);
  assert_string_equal(said(&w), "value s.t 5\nvalue s.t -1\n");
  assert_int_equal(t->time_ms, 7);
  world_fini(&w);
  d.has_default = false;
  t = tag(&w, d);
  tl_tag_missing(t, 7);
  assert_string_equal(said(&w), "value s.t null missing\n");
  world_fini(&w);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(reports_only_what_changed),
    cmocka_unit_test(reports_a_new_time_where_asked),
    cmocka_unit_test(compares_each_type_by_its_own_member),
    cmocka_unit_test(texts_are_copied),
    cmocka_unit_test(large_texts_give_their_memory_back),
    cmocka_unit_test(linear_is_applied_and_inverted),
    cmocka_unit_test(linear_that_leaves_the_numbers_is_out_of_range),
    cmocka_unit_test(linear_keeps_integers_exact),
    cmocka_unit_test(linear_is_inverted_for_integers),
    cmocka_unit_test(range_invalidates_clamps_or_discards),
    cmocka_unit_test(range_comes_after_linear),
    cmocka_unit_test(range_of_integers_stays_inside_its_bounds),
    cmocka_unit_test(range_refuses_writes_whatever_it_does_to_readings),
    cmocka_unit_test(deadband_measures_from_the_value_kept),
    cmocka_unit_test(filters_leave_put_alone),
    cmocka_unit_test(filters_apply_to_numbers_only),
    cmocka_unit_test(missing_invalidates_keeps_or_takes_the_default),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

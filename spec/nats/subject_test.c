/* spec/nats/subject_test.c — subjects of tags, what a stream takes, identifiers of messages. */
#include "support/spec.h"

#include "nats/subject.h"

static void is_subject (const char *template, const char *name, const char *wanted) {
  tl_buf out;
  tl_buf_init(&out);
  tl_nats_subject(&out, tl_slice_str(template), tl_slice_str(name));
  tl_buf_byte(&out, '\0');
  assert_string_equal((const char *)out.at, wanted);
  tl_buf_fini(&out);
}

static void a_tag_has_its_subject (void **state) {
  (void)state;
  is_subject("tags.{line}.{station}.{tag}", "plant.boiler.t", "tags.plant.boiler.t");
  is_subject("{tag}.of-{line}", "plant.boiler.t", "t.of-plant");
  is_subject("x.{station}.{tag}", "line-1.dev-2.t_3", "x.dev-2.t_3");
  is_subject("x{station}.{tag}", "line.t", "x.t"); /* names of two parts, and of one */
  is_subject("{line}.{tag}", "alone", "alone.alone");
  is_subject("x.{tag}", "l.dev%20a%2Eb.t", "x.t");
  is_subject("x.{station}.{tag}", "l.dev%20a%2Eb.t", "x.dev%20a%2Eb.t");
}

static void what_a_subject_may_not_hold_is_escaped (void **state) {
  (void)state;
  is_subject("x.{station}.{tag}", "l.a b*c>d.t", "x.a%20b%2Ac%3Ed.t");
  is_subject("x.{station}.{tag}", "l.a.b.t", "x.a%2Eb.t");
  is_subject("x.{station}.{tag}", "l.\xc3\xa9\n.t", "x.%C3%A9%0A.t");
}

static void is_wildcard (const char *template, const char *wanted) {
  tl_buf out;
  tl_buf_init(&out);
  tl_nats_wildcard(&out, tl_slice_str(template));
  tl_buf_byte(&out, '\0');
  assert_string_equal((const char *)out.at, wanted);
  tl_buf_fini(&out);
}

static void a_stream_takes_all_of_them (void **state) {
  (void)state;
  is_wildcard("tags.{line}.{station}.{tag}", "tags.*.*.*");
  is_wildcard("{tag}", "*");
  is_wildcard("of-{line}.x.{tag}-now", "*.x.*");
  is_wildcard("plant{tag}.y", "*.y");
}

static bool covers (const char *wide, const char *narrow) {
  return tl_nats_covers(tl_slice_str(wide), tl_slice_str(narrow));
}

static void a_stream_covers_or_not (void **state) {
  (void)state;
  assert_true(covers("tags.*.*.*", "tags.*.*.*"));
  assert_true(covers("tags.>", "tags.*.*.*"));
  assert_true(covers(">", "tags.*.*.*"));
  assert_true(covers("*.*", "a.b"));
  assert_false(covers("tags.plant.*.*", "tags.*.*.*"));
  assert_false(covers("tags.*.*", "tags.*.*.*"));
  assert_false(covers("tags.*.*.*.*", "tags.*.*.*"));
  assert_false(covers("tags.*", "tags.>"));
  assert_false(covers("tags.*.*.*.>", "tags.*.*.*"));
  assert_false(covers("", "a"));
}

static void identifiers_are_of_the_text_and_its_number (void **state) {
  char a[TL_NATS_ID], b[TL_NATS_ID];
  (void)state;
  tl_nats_id(a, TL_LIT("{1}"), 0);
  tl_nats_id(b, TL_LIT("{1}"), 0);
  assert_string_equal(a, b);
  tl_nats_id(b, TL_LIT("{1}"), 1);
  assert_string_not_equal(a, b);
  tl_nats_id(b, TL_LIT("{2}"), 0);
  assert_string_not_equal(a, b);
}

static void places_round_trip (void **state) {
  char place[TL_NATS_ID];
  uint64_t number = 0;
  (void)state;
  tl_nats_place(place, UINT64_MAX, UINT64_MAX - 1);
  assert_true(tl_nats_place_read(place, UINT64_MAX, &number));
  assert_true(number == UINT64_MAX - 1);
  assert_false(tl_nats_place_read(place, 7, &number));
  assert_false(tl_nats_place_read("", 0, &number));
  assert_false(tl_nats_place_read("00000000000000ff:12x", 255, &number));
  assert_false(tl_nats_place_read("somebody's", 0, &number));
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_tag_has_its_subject),
    cmocka_unit_test(what_a_subject_may_not_hold_is_escaped),
    cmocka_unit_test(a_stream_takes_all_of_them),
    cmocka_unit_test(a_stream_covers_or_not),
    cmocka_unit_test(identifiers_are_of_the_text_and_its_number),
    cmocka_unit_test(places_round_trip),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

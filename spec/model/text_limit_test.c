/* spec/model/text_limit_test.c — the memory of texts: counted, and bounded for instances */
#include "world.h"

static const char *text_of (char letter, size_t n) {
  static char json[20000];
  int head = snprintf(json, sizeof json, "{\"a\":\"");
  memset(json + head, letter, n);
  snprintf(json + head + n, sizeof json - (size_t)head - n, "\"}");
  return json;
}

static tl_station *instance (world *w, tl_station *template, const char *name) {
  const tl_tagdef tags[] = { def("a", TL_TXTI, "JA=a"), def("b", TL_TXTI, "IN_DATA") };
  tl_station *s = add(w, (tl_station_spec){ .name = tl_slice_str(name) },
                      (tl_plan_spec){ .json = true }, tags, 2);
  s->made_by = template;
  return s;
}

static void a_text_above_the_bound_is_invalid (void **state) {
  (void)state;
  world w;
  world_init(&w);
  tl_station *other = instance(&w, NULL, "other");
  tl_station *s = instance(&w, other, "s");
  w.model->instance_text_max = 3000;
  tl_line_up(w.line, w.now, wall(&w));
  receive(&w, s, text_of('x', 500));
  assert_int_equal(s->tags[0].status, TL_VALID);
  assert_true(s->text_bytes >= 1000 && s->text_bytes == w.model->text_bytes);
  receive(&w, s, text_of('y', 4000));
  for (int i = 0; i < 2; i++) {
    assert_int_equal(s->tags[i].status, TL_INVALID);
    assert_int_equal(s->tags[i].reason, TL_REASON_RANGE);
  }
  assert_int_equal(w.line->text_refused, 2);
  assert_false(w.model->starved);
  receive(&w, s, text_of('z', 100));
  assert_int_equal(s->tags[0].status, TL_VALID);
  /* one that the config names has no bound */
  receive(&w, other, text_of('y', 4000));
  assert_int_equal(other->tags[0].status, TL_VALID);
  assert_int_equal(w.model->text_bytes, s->text_bytes + other->text_bytes);
  world_fini(&w);
}

static void all_texts_together_have_one_too (void **state) {
  (void)state;
  world w;
  world_init(&w);
  tl_station *template = instance(&w, NULL, "t");
  tl_station *a = instance(&w, template, "a"), *b = instance(&w, template, "b");
  w.model->text_max = 12000;
  tl_line_up(w.line, w.now, wall(&w));
  receive(&w, a, text_of('x', 4000));
  receive(&w, b, text_of('x', 4000));
  assert_int_equal(a->tags[1].status, TL_VALID);
  assert_int_equal(b->tags[1].reason, TL_REASON_RANGE);
  assert_true(w.model->text_bytes <= 12000);
  tl_line_remove_station(w.line, a); /* gives back what it had */
  receive(&w, b, text_of('x', 4000));
  assert_int_equal(b->tags[1].status, TL_VALID);
  assert_int_equal(w.model->text_bytes, b->text_bytes);
  world_fini(&w);
}

static void the_count_survives_another_plan (void **state) {
  (void)state;
  world w;
  world_init(&w);
  tl_station *s = instance(&w, NULL, "s");
  const tl_tagdef tags[] = { def("a", TL_TXTI, "JA=a"), def("c", TL_TXTI, "IN_TOPIC") };
  tl_line_up(w.line, w.now, wall(&w));
  receive(&w, s, text_of('x', 900));
  uint64_t before = s->text_bytes;
  tl_plan *plan = plan_of(&w, (tl_plan_spec){ .json = true }, tags, 2);
  assert_int_equal(tl_station_replan(&s, plan, w.now, wall(&w)), TL_OK);
  tl_plan_unref(plan);
  assert_true(s->text_bytes >= 900 && s->text_bytes < before);
  assert_int_equal(s->text_bytes, w.model->text_bytes);
  tl_line_remove_station(w.line, s);
  assert_int_equal(w.model->text_bytes, 0);
  world_fini(&w);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_text_above_the_bound_is_invalid),
    cmocka_unit_test(all_texts_together_have_one_too),
    cmocka_unit_test(the_count_survives_another_plan),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* spec/model/model_test.c — lines, stations and tags by name; adding, changing and removing them */
#include <malloc.h>

#include "world.h"

static tl_station *simple (world *w, const char *name) {
  const tl_tagdef tags[] = { def("a", TL_AI, "JA=a"), def("out", TL_TXTO, "OUT_TOPIC") };
  return add(w, (tl_station_spec){ .name = tl_slice_str(name) }, (tl_plan_spec){ .json = true },
             tags, 2);
}

static void finds_by_full_name (void **state) {
  (void)state;
  world w;
  world_init(&w);
  tl_station *s = simple(&w, "boiler");
  assert_ptr_equal(tl_model_line(w.model, TL_LIT("plant")), w.line);
  assert_ptr_equal(tl_model_station(w.model, TL_LIT("plant.boiler")), s);
  assert_ptr_equal(tl_model_tag(w.model, TL_LIT("plant.boiler.out")), &s->tags[1]);
  assert_ptr_equal(tl_station_tag(s, TL_LIT("a")), &s->tags[0]);
  static const char *const wrong[] = { "",
                                       ".",
                                       "..",
                                       "plant",
                                       "plant.",
                                       "plant.boiler",
                                       "plant.boiler.",
                                       "plant.boiler.x",
                                       "plant.boiler.a.b",
                                       "x.boiler.a",
                                       "plant.x.a",
                                       ".boiler.a" };
  for (size_t i = 0; i < COUNT(wrong); i++)
    assert_null(tl_model_tag(w.model, tl_slice_str(wrong[i])));
  assert_null(tl_model_station(w.model, TL_LIT("plant")));
  assert_null(tl_model_station(w.model, TL_LIT("plant.")));
  assert_null(tl_model_station(w.model, TL_LIT("plant.boiler.a")));
  tl_buf b;
  tl_buf_init(&b);
  tl_tag_full_name(&s->tags[0], &b);
  assert_true(tl_slice_eq(tl_buf_bytes(&b), TL_LIT("plant.boiler.a")));
  tl_buf_fini(&b);
  world_fini(&w);
}

static void refuses_a_name_twice (void **state) {
  (void)state;
  world w;
  world_init(&w);
  tl_line *line = NULL;
  assert_int_equal(tl_model_add_line(w.model, TL_LIT("plant"), &line), TL_EEXIST);
  assert_null(line);
  tl_station *s = simple(&w, "boiler"), *other = NULL;
  const tl_station_spec again = { .name = TL_LIT("boiler"), .plan = s->plan };
  assert_int_equal(tl_line_add_station(w.line, &again, 0, 0, &other), TL_EEXIST);
  assert_null(other);
  assert_int_equal(w.line->station_count, 1);
  world_fini(&w);
}

static void removes_and_keeps_the_order (void **state) {
  (void)state;
  world w;
  char name[8];
  world_init(&w);
  for (int i = 0; i < 9; i++) snprintf(name, sizeof name, "s%d", i), simple(&w, name);
  tl_line_remove_station(w.line, tl_line_station(w.line, TL_LIT("s4")));
  tl_line_remove_station(w.line, tl_line_station(w.line, TL_LIT("s0")));
  tl_line_remove_station(w.line, tl_line_station(w.line, TL_LIT("s8")));
  assert_null(tl_line_station(w.line, TL_LIT("s4")));
  static const char *const left[] = { "s1", "s2", "s3", "s5", "s6", "s7" };
  assert_int_equal(w.line->station_count, COUNT(left));
  for (size_t i = 0; i < COUNT(left); i++) assert_string_equal(w.line->stations[i]->name, left[i]);
  tl_line *second = NULL;
  assert_int_equal(tl_model_add_line(w.model, TL_LIT("second"), &second), TL_OK);
  tl_model_remove_line(w.model, w.line);
  assert_null(tl_model_line(w.model, TL_LIT("plant")));
  assert_int_equal(w.model->line_count, 1);
  assert_ptr_equal(w.model->lines[0], second);
  world_fini(&w);
}

static void copies_names_and_wills (void **state) {
  (void)state;
  world w;
  world_init(&w);
  char text[] = "nameaddrtopicload";
  tl_station *s = NULL;
  tl_plan *plan = plan_of(&w, (tl_plan_spec){ 0 }, NULL, 0);
  const tl_station_spec spec = { .name = tl_slice_of(text, 4),
                                 .address = tl_slice_of(text + 4, 4),
                                 .will_topic = tl_slice_of(text + 8, 5),
                                 .will_payload = tl_slice_of(text + 13, 4),
                                 .plan = plan,
                                 .settings.time_filter_ms = 1,
                                 .settings.no_data_ms = 2,
                                 .settings.subscribe_address = true,
                                 .settings.max_instances = 3 };
  assert_int_equal(tl_line_add_station(w.line, &spec, 0, 0, &s), TL_OK);
  tl_plan_unref(plan);
  memset(text, 'x', sizeof text);
  assert_string_equal(s->name, "name");
  assert_string_equal(s->address, "addr");
  assert_string_equal(s->will_topic, "topic");
  assert_true(tl_slice_eq(s->will_payload, TL_LIT("load")));
  assert_true(s->settings.subscribe_address && s->settings.time_filter_ms == 1 &&
              s->settings.no_data_ms == 2 && s->settings.max_instances == 3);
  assert_ptr_equal(tl_line_station(w.line, TL_LIT("name")), s);
  assert_int_equal(tl_station_retune(s, &(tl_station_spec){ .settings.time_filter_ms = 9 }), TL_OK);
  assert_null(s->will_topic);
  assert_int_equal(s->will_payload.len, 0);
  assert_int_equal(s->settings.time_filter_ms, 9);
  assert_string_equal(s->name, "name");
  world_fini(&w);
}

static void outputs_begin_with_their_default (void **state) {
  (void)state;
  world w;
  world_init(&w);
  tl_tagdef tags[] = { def_text("topic", TL_TXTO, "OUT_TOPIC", "s/set"), def("ao", TL_AO, "JA=x"),
                       def("ai", TL_AI, "JA=y") };
  for (int i = 1; i < 3; i++) tags[i].has_default = true, tags[i].default_value.number = 4;
  tl_station *s =
      add(&w, (tl_station_spec){ .name = TL_LIT("s") }, (tl_plan_spec){ .json = true }, tags, 3);
  assert_string_equal(said(&w), "");
  assert_true(tl_slice_eq(s->tags[0].value.text, TL_LIT("s/set")));
  assert_true(s->tags[0].status == TL_VALID && s->tags[0].time_ms == wall(&w));
  assert_true(s->tags[1].status == TL_VALID && s->tags[1].value.number == 4);
  assert_int_equal(s->tags[2].status, TL_UNSET);
  world_fini(&w);
}

static void a_station_on_a_subscribed_line_is_on (void **state) {
  (void)state;
  world w;
  world_init(&w);
  tl_line_up(w.line, w.now, wall(&w));
  const tl_tagdef tags[] = { def("a", TL_AI, "JA=a") };
  tl_station *s = add(&w, (tl_station_spec){ .name = TL_LIT("s"), .settings.no_data_ms = 500 },
                      (tl_plan_spec){ .json = true }, tags, 1);
  assert_int_equal(s->status, TL_ST_ON);
  assert_int_equal(w.due, 1500);
  assert_int_equal(tl_station_retune(s, &(tl_station_spec){ .settings.no_data_ms = 300,
                                                            .settings.time_filter_ms = 50 }),
                   TL_OK);
  assert_int_equal(tick(&w, 1000), 1300);
  world_fini(&w);
}

/* --- another plan --- */

static void replan (world *w, tl_station **s, tl_plan_spec spec, const tl_tagdef *tags, size_t n) {
  tl_plan *plan = plan_of(w, spec, tags, n);
  assert_int_equal(tl_station_replan(s, plan, w->now, wall(w)), TL_OK);
  tl_plan_unref(plan);
}

static void a_new_plan_keeps_the_values_of_tags_that_stayed (void **state) {
  (void)state;
  world w;
  world_init(&w);
  tl_tagdef before[] = {
    def("same", TL_AI, "JA=a"),
    def("text", TL_TXTI, "JA=t"),
    def("type", TL_AI, "JA=b"),
    def("address", TL_AI, "JA=c"),
    def("gone", TL_TXTI, "JA=d"),
    def_text("topic", TL_TXTO, "OUT_TOPIC", "one"),
    def_text("kept", TL_TXTO, "OUT_VALUE", "idle"),
  };
  tl_tagdef after[] = {
    def_text("kept", TL_TXTO, "OUT_VALUE", "idle"),
    def("new", TL_AI, "JA=e"),
    def("address", TL_AI, "JA=cc"),
    def("type", TL_CI, "JA=b"),
    def("text", TL_TXTI, "JA=t"),
    def("same", TL_AI, "JA=a"),
    def_text("topic", TL_TXTO, "OUT_TOPIC", "two"),
  };
  after[5].unit = "C"; /* no other value for that */
  tl_station *s = station(&w, before, COUNT(before));
  receive(&w, s, "{\"a\":1,\"t\":\"x\",\"b\":2,\"c\":3,\"d\":\"gone\"}");
  tl_tag_put(tl_station_tag(s, TL_LIT("kept")), &(tl_value){ .text = TL_LIT("written") }, 5);
  said(&w);
  s->logged.json = true;
  replan(&w, &s, (tl_plan_spec){ .json = true }, after, COUNT(after));
  assert_string_equal(said(&w), "");
  assert_ptr_equal(tl_line_station(w.line, TL_LIT("s")), s);
  assert_ptr_equal(w.line->stations[0], s);
  assert_true(tl_slice_eq(s->tags[0].value.text, TL_LIT("written")));
  assert_int_equal(s->tags[0].time_ms, 5);
  assert_int_equal(s->tags[1].status, TL_UNSET);
  assert_int_equal(s->tags[2].status, TL_UNSET);
  assert_int_equal(s->tags[3].status, TL_UNSET);
  assert_true(tl_slice_eq(s->tags[4].value.text, TL_LIT("x")));
  assert_true(s->tags[5].value.number == 1);
  /* a new default is a new value at start */
  assert_true(tl_slice_eq(s->tags[6].value.text, TL_LIT("two")));
  for (uint16_t i = 0; i < COUNT(after); i++)
    assert_true(s->tags[i].station == s && s->tags[i].index == i);
  assert_int_equal(s->stats.messages, 1);
  assert_false(s->logged.json);
  receive(&w, s, "{\"a\":1,\"t\":\"x\",\"b\":2.4,\"cc\":3,\"e\":4}");
  assert_string_equal(said(&w), "value s.new 4\nvalue s.address 3\nvalue s.type 2\n");
  world_fini(&w);
}

static void another_linear_makes_another_tag (void **state) {
  (void)state;
  world w;
  world_init(&w);
  tl_tagdef d = def("a", TL_AI, "JA=a");
  tl_station *s = station(&w, &d, 1);
  receive(&w, s, "{\"a\":1}");
  d.has_linear = true, d.linear_k = 10;
  replan(&w, &s, (tl_plan_spec){ .json = true }, &d, 1);
  assert_int_equal(s->tags[0].status, TL_UNSET);
  world_fini(&w);
}

static void the_same_plan_changes_nothing (void **state) {
  (void)state;
  world w;
  world_init(&w);
  tl_station *s = simple(&w, "s"), *before = s;
  assert_int_equal(tl_station_replan(&s, s->plan, 0, 0), TL_OK);
  assert_ptr_equal(s, before);
  world_fini(&w);
}

static void instances_follow_a_template_that_moves_or_goes (void **state) {
  (void)state;
  world w;
  world_init(&w);
  const tl_tagdef tags[] = { def_text("t", TL_TXTO, "OUT_TOPIC", "a/{dev}") },
                  more[] = { tags[0], def("x", TL_AI, "JA=x") };
  const tl_station_spec template = { .name = TL_LIT("s-{dev}"), .is_template = true };
  tl_station *t = add(&w, template, (tl_plan_spec){ .json = true }, tags, 1);
  tl_station *a = simple(&w, "s-a"), *b = simple(&w, "s-b");
  a->made_by = b->made_by = t;
  t->made = 2;
  replan(&w, &t, (tl_plan_spec){ .json = true }, more, 2);
  assert_ptr_equal(a->made_by, t);
  assert_int_equal(t->tags[0].status, TL_UNSET);
  tl_line_remove_station(w.line, a);
  assert_int_equal(t->made, 1);
  tl_line_remove_station(w.line, t);
  assert_null(b->made_by);
  world_fini(&w);
}

/* --- memory --- */

static void ten_thousand_stations_share_a_plan_and_stay_small (void **state) {
  (void)state;
  world w;
  char name[32], address[48], topic[48];
  world_init(&w);
  size_t heap = mallinfo2().uordblks;
  tl_tagdef tags[] = { def("a", TL_AI, "JA=a"), def("b", TL_CI, "JA=b"), def("c", TL_DI, "JA=c") };
  for (int i = 0; i < 10000; i++) {
    snprintf(name, sizeof name, "station-%05d", i);
    snprintf(address, sizeof address, "plant/hall-7/station-%05d/up", i);
    const tl_station_spec spec = { .name = tl_slice_str(name), .address = tl_slice_str(address) };
    add(&w, spec, (tl_plan_spec){ .json = true }, tags, 3);
  }
  assert_ptr_equal(w.line->stations[0]->plan, w.line->stations[9999]->plan);
  assert_int_equal(w.line->stations[0]->plan->refs, 10000);
  size_t one = sizeof(tl_station) + 3 * sizeof(tl_tag);
  assert_true(one <= 352);
  heap = mallinfo2().uordblks - heap; /* 0 where a sanitizer allocates */
  print_message("%zu bytes a station, %zu in all\n", one, heap);
  assert_true(heap < 5u << 20);
  tl_tagdef topics[] = { def("a", TL_AI, "JA=a"), def("b", TL_CI, "JA=b"),
                         def("t", TL_TXTO, "OUT_TOPIC") };
  topics[2].has_default = true;
  tl_plan *first = NULL;
  for (int i = 0; i < 100; i++) {
    snprintf(name, sizeof name, "other-%05d", i);
    snprintf(topic, sizeof topic, "plant/%05d/down", i);
    topics[2].default_value.text = tl_slice_str(topic);
    tl_station *s = add(&w, (tl_station_spec){ .name = tl_slice_str(name) },
                        (tl_plan_spec){ .json = true }, topics, 3);
    if (!first) first = s->plan;
    assert_ptr_equal(s->plan->set, first->set);
    assert_true(tl_slice_eq(s->tags[2].value.text, tl_slice_str(topic)));
  }
  world_fini(&w);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(finds_by_full_name),
    cmocka_unit_test(refuses_a_name_twice),
    cmocka_unit_test(removes_and_keeps_the_order),
    cmocka_unit_test(copies_names_and_wills),
    cmocka_unit_test(outputs_begin_with_their_default),
    cmocka_unit_test(a_station_on_a_subscribed_line_is_on),
    cmocka_unit_test(a_new_plan_keeps_the_values_of_tags_that_stayed),
    cmocka_unit_test(another_linear_makes_another_tag),
    cmocka_unit_test(the_same_plan_changes_nothing),
    cmocka_unit_test(instances_follow_a_template_that_moves_or_goes),
    cmocka_unit_test(ten_thousand_stations_share_a_plan_and_stay_small),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

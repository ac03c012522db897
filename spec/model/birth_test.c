/* spec/model/birth_test.c — births, retained messages that are ignored, stations that start off or
** simulated, and what plans keep of words, formats and selectors. */
#include "world.h"

static tl_tagdef tags[2];

static tl_station *with (world *w, tl_station_spec spec) {
  tags[0] = def("a", TL_AI, "JA=a");
  world_init(w);
  spec.name = TL_LIT("s");
  spec.settings.time_filter_ms = 10000;
  tl_station *s = add(w, spec, (tl_plan_spec){ .json = true }, tags, 1);
  tl_line_up(w->line, w->now, wall(w));
  receive(w, s, "{\"a\":1}");
  said(w);
  return s;
}

static bool will (world *w, tl_station *s, const char *payload, bool retain) {
  tl_incoming m = message(w, "s/will", tl_slice_str(payload));
  m.retain = retain;
  return tl_station_will(s, &m);
}

static void a_birth_ends_a_hard_error_and_touches_no_tag (void **state) {
  (void)state;
  world w;
  tl_station *s = with(&w, (tl_station_spec){ .will_topic = TL_LIT("s/will"),
                                              .will_payload = TL_LIT("off"),
                                              .birth_payload = TL_LIT("on") });
  assert_true(will(&w, s, "off", false));
  said(&w);
  assert_false(will(&w, s, "other", false));
  assert_true(will(&w, s, "on", false));
  assert_string_equal(said(&w), "status s StHardErr StOn\n");
  assert_int_equal(s->tags[0].reason, TL_REASON_STATION_WILL);
  assert_int_equal(s->stats.wills, 1);
  assert_true(will(&w, s, "on", false));
  assert_string_equal(said(&w), "");
  tl_station_switch(s, true, false, w.now, wall(&w));
  said(&w);
  assert_true(will(&w, s, "on", false)); /* of a station that is off: nothing, and nothing else */
  assert_string_equal(said(&w), "");
  world_fini(&w);
}

static void a_birth_wins_where_any_payload_is_the_will (void **state) {
  (void)state;
  world w;
  tl_station *s =
      with(&w, (tl_station_spec){ .will_topic = TL_LIT("s/will"), .birth_payload = TL_LIT("on") });
  assert_true(will(&w, s, "on", false));
  assert_string_equal(said(&w), "");
  assert_true(will(&w, s, "", false));
  assert_int_equal(s->status, TL_ST_HARD_ERR);
  world_fini(&w);
}

static void a_birth_may_be_empty_and_ends_silence (void **state) {
  (void)state;
  world w;
  tl_station *s = with(&w, (tl_station_spec){ .will_topic = TL_LIT("s/will"),
                                              .will_payload = TL_LIT("off"),
                                              .birth_payload = TL_LIT(""),
                                              .settings.no_data_ms = 5000 });
  tick(&w, 7000);
  assert_string_equal(said(&w), "status s StOn StComErr\n");
  assert_true(will(&w, s, "", false));
  assert_string_equal(said(&w), "status s StComErr StOn\n");
  tick(&w, 11999); /* it counts as having been heard */
  assert_string_equal(said(&w), "");
  tick(&w, 12000);
  assert_string_equal(said(&w), "status s StOn StComErr\n");
  world_fini(&w);
}

static void a_retained_will_may_be_ignored (void **state) {
  (void)state;
  world w;
  tl_station *s = with(
      &w, (tl_station_spec){ .will_topic = TL_LIT("s/will"), .settings.ignore_retained = true });
  tl_incoming m = message(&w, "s/will", TL_LIT("x"));
  m.retain = true;
  assert_int_equal(tl_station_will_of(s, &m), TL_NO_WILL);
  assert_false(will(&w, s, "x", true));
  assert_string_equal(said(&w), "");
  assert_true(will(&w, s, "x", false));
  world_fini(&w);
}

static void starts_as_its_spec_says (void **state) {
  (void)state;
  world w;
  tl_station *s = with(&w, (tl_station_spec){ .settings.off = true, .settings.simulate = true });
  tl_station_start(s, w.now, wall(&w));
  assert_int_equal(s->status, TL_ST_OFF); /* both: off */
  assert_true(s->off && s->simulated);
  tl_station_switch(s, false, false, w.now, wall(&w)); /* the operator */
  said(&w);
  tl_station_spec spec = { .settings.simulate = true };
  assert_int_equal(tl_station_retune(s, &spec), TL_OK);
  tl_station_start(s, w.now, wall(&w));
  assert_int_equal(s->status, TL_ST_SIMUL);
  world_fini(&w);
}

static void all_tags_of_an_unreadable_message_are_invalid (void **state) {
  (void)state;
  world w;
  tl_station *s = with(&w, (tl_station_spec){ .name = TL_LIT("s") });
  tl_station_invalidate(s, TL_REASON_DECODER, wall(&w));
  assert_string_equal(said(&w), "value s.a null decoder\n");
  world_fini(&w);
}

static void plans_differ_by_words_format_and_prepare (void **state) {
  (void)state;
  world w;
  static const tl_word open[] = { { 1, { (const uint8_t *)"OPEN", 4 } } };
  static const uint8_t trim[] = { TL_PREPARE_TRIM }, nan[] = { TL_PREPARE_NAN };
  world_init(&w);
  tl_tagdef plain = def("a", TL_DI, "JA=a"), worded = plain, comma = plain;
  worded.words = (tl_text_rule){ open, 1, false };
  comma.words.comma = true;
  const tl_plan_spec json = { .json = true }, cbor = { .json = true, .format = TL_DOC_CBOR },
                     trimmed = { .json = true, .prepare = trim, .prepare_count = 1 },
                     other = { .json = true, .prepare = nan, .prepare_count = 1 };
  tl_plan *plans[] = { plan_of(&w, json, &plain, 1),    plan_of(&w, json, &worded, 1),
                       plan_of(&w, json, &comma, 1),    plan_of(&w, cbor, &plain, 1),
                       plan_of(&w, trimmed, &plain, 1), plan_of(&w, other, &plain, 1) };
  for (size_t i = 0; i < COUNT(plans); i++)
    for (size_t k = 0; k < i; k++) assert_ptr_not_equal(plans[i], plans[k]);
  tl_plan *again = plan_of(&w, json, &worded, 1);
  assert_ptr_equal(again, plans[1]);
  assert_true(again->tags[0].worded && again->tags[0].words.words != open);
  assert_bytes(again->tags[0].words.words[0].text, "OPEN");
  tl_plan_unref(again);
  for (size_t i = 0; i < COUNT(plans); i++) tl_plan_unref(plans[i]);
  world_fini(&w);
}

static void selectors_and_binary_times_reach_tags (void **state) {
  (void)state;
  world w;
  world_init(&w);
  tl_tagdef two[] = { def("b", TL_AI, "JA=l[id=B].t"), def("o", TL_AI, "JA=l[2].t") };
  tl_station *s =
      add(&w, (tl_station_spec){ .name = TL_LIT("s") },
          (tl_plan_spec){
              .json = true, .time_field = TL_LIT("l[id=A].ts"), .time_mask = TL_LIT("UNIX") },
          two, 2);
  receive(&w, s, "{\"l\":[{\"t\":2,\"id\":\"B\"},{\"id\":\"A\",\"ts\":5,\"t\":1}]}");
  assert_string_equal(said(&w), "status s StWait StOn\nvalue s.b 2\nvalue s.o 1\n");
  assert_int_equal(s->tags[0].time_ms, 5000);
  receive(&w, s, "{\"l\":[]}");
  assert_string_equal(said(&w),
                      "time s missing ''\nvalue s.b null missing\nvalue s.o null missing\n");
  world_fini(&w);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_birth_ends_a_hard_error_and_touches_no_tag),
    cmocka_unit_test(a_birth_wins_where_any_payload_is_the_will),
    cmocka_unit_test(a_birth_may_be_empty_and_ends_silence),
    cmocka_unit_test(a_retained_will_may_be_ignored),
    cmocka_unit_test(starts_as_its_spec_says),
    cmocka_unit_test(all_tags_of_an_unreadable_message_are_invalid),
    cmocka_unit_test(plans_differ_by_words_format_and_prepare),
    cmocka_unit_test(selectors_and_binary_times_reach_tags),
  };
  return cmocka_run_group_tests_name("model.birth", tests, NULL, NULL);
}

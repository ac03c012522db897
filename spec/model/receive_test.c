/* spec/model/receive_test.c — a message becomes values */
#include "world.h"

static void sets_tags_in_the_order_of_the_reference (void **state) {
  (void)state;
  world w;
  world_init(&w);
  const tl_tagdef tags[] = {
    def("b", TL_AI, "JA=b"),         def("re", TL_CI, "RE=\"a\":([0-9]+)"),
    def("id", TL_CI, "IN_ID"),       def("a", TL_TXTI, "JA=a"),
    def("data", TL_TXTI, "IN_DATA"), def("topic", TL_TXTI, "IN_TOPIC"),
    def("none", TL_AI, ""),          def("out", TL_TXTO, "OUT_VALUE"),
  };
  tl_station *s = station(&w, tags, COUNT(tags));
  tl_incoming m = message(&w, "s", TL_LIT("{\"a\":12,\"b\":21.5}"));
  m.id = 7;
  assert_true(tl_station_receive(s, &m));
  assert_string_equal(
      said(&w),
      "value s.topic \"s\"\nvalue s.data \"{\\\"a\\\":12,\\\"b\\\":21.5}\"\nvalue s.id 7\n"
      "value s.b 21.5\nvalue s.re 12\nvalue s.a \"12\"\n");
  assert_int_equal(s->stats.messages, 1);
  for (size_t i = 0; i < 6; i++) assert_int_equal(s->tags[i].time_ms, wall(&w));
  assert_int_equal(s->tags[6].status, TL_UNSET);
  world_fini(&w);
}

static void converts_topic_and_payload_to_any_type (void **state) {
  (void)state;
  world w;
  world_init(&w);
  const tl_tagdef tags[] = { def("data", TL_AI, "IN_DATA"), def("topic", TL_CI, "IN_TOPIC"),
                             def("id", TL_TXTI, "IN_ID") };
  const tl_station_spec spec = { .name = TL_LIT("s"), .address = TL_LIT("42") };
  tl_station *s = add(&w, spec, (tl_plan_spec){ .json = false }, tags, 3);
  receive(&w, s, " 21.5\n");
  assert_string_equal(
      said(&w), "status s StWait StOn\nvalue s.topic 42\nvalue s.data 21.5\nvalue s.id \"0\"\n");
  receive(&w, s, "warm");
  assert_string_equal(said(&w), "value s.data null type\n");
  world_fini(&w);
}

static void takes_binary_payloads_as_they_are (void **state) {
  (void)state;
  world w;
  world_init(&w);
  const tl_tagdef tags[] = { def("data", TL_TXTI, "IN_DATA"), def("re", TL_AI, "RE=([0-9]+)") };
  tl_station *s = station(&w, tags, 2);
  tl_incoming m = message(&w, "s",
                          tl_slice_of("\0\xff"
                                      "12",
                                      4));
  tl_station_receive(s, &m);
  assert_int_equal(s->tags[0].value.text.len, 4);
  assert_memory_equal(s->tags[0].value.text.at,
                      "\0\xff"
                      "12",
                      4);
  assert_int_equal(s->tags[1].reason, TL_REASON_MISSING); /* not UTF-8: no match */
  world_fini(&w);
}

static void missing_addresses_follow_on_missing (void **state) {
  (void)state;
  world w;
  world_init(&w);
  tl_tagdef tags[] = {
    def("a", TL_AI, "JA=a"),
    def("b", TL_AI, "JA=b"),
    def("c", TL_AI, "JA=c"),
    def("r", TL_AI, "RE=r([0-9])"),
  };
  tags[1].on_missing = TL_MISSING_KEEP;
  tags[2].on_missing = TL_MISSING_DEFAULT, tags[2].has_default = true,
  tags[2].default_value.number = 9;
  tl_station *s = station(&w, tags, 4);
  receive(&w, s, "{\"a\":1,\"b\":2,\"c\":3,\"r\":\"r4\"}");
  assert_string_equal(said(&w), "value s.a 1\nvalue s.b 2\nvalue s.c 3\nvalue s.r 4\n");
  receive(&w, s, "{}");
  assert_string_equal(said(&w), "value s.a null missing\nvalue s.c 9\nvalue s.r null missing\n");
  receive(&w, s, "{\"a\":null,\"b\":{},\"c\":\"nan\"}");
  assert_string_equal(said(&w), "value s.a null type\nvalue s.b null type\nvalue s.c null type\n");
  world_fini(&w);
}

static void regex_takes_the_first_group_or_the_whole_match (void **state) {
  (void)state;
  world w;
  world_init(&w);
  const tl_tagdef tags[] = {
    def("g", TL_TXTI, "RE=t=([0-9]+)"),
    def("w", TL_TXTI, "RE=[0-9]+ C"),
    def("o", TL_TXTI, "RE=t=(x)?"),
    def("e", TL_TXTI, "RE=t(=*)"),
  };
  tl_station *s =
      add(&w, (tl_station_spec){ .name = TL_LIT("s") }, (tl_plan_spec){ .json = false }, tags, 4);
  receive(&w, s, "t=21 C");
  assert_string_equal(
      said(&w),
      "status s StWait StOn\nvalue s.g \"21\"\nvalue s.w \"21 C\"\nvalue s.o null missing\n"
      "value s.e \"=\"\n");
  world_fini(&w);
}

static void regex_that_explodes_is_missing (void **state) {
  (void)state;
  world w;
  world_init(&w);
  const tl_tagdef tags[] = { def("r", TL_TXTI, "RE=(a+)+$"), def("d", TL_CI, "RE=([0-9]+)") };
  tl_station *s =
      add(&w, (tl_station_spec){ .name = TL_LIT("s") }, (tl_plan_spec){ .json = false }, tags, 2);
  receive(&w, s, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!7");
  assert_int_equal(s->tags[0].reason, TL_REASON_MISSING);
  assert_int_equal(s->tags[1].value.integer, 7);
  world_fini(&w);
}

static void tells_once_for_each_expression_that_it_gave_up (void **state) {
  (void)state;
  world w;
  world_init(&w);
  const char *bad = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!";
  const tl_tagdef tags[] = { def("r", TL_TXTI, "RE=(a+)+$"), def("q", TL_TXTI, "RE=(a+)+b?$") };
  tl_station *s =
      add(&w, (tl_station_spec){ .name = TL_LIT("s") }, (tl_plan_spec){ .json = false }, tags, 2);
  receive(&w, s, "x"); /* simply no match */
  assert_null(strstr(said(&w), "limit"));
  receive(&w, s, bad);
  assert_string_equal(said(&w), "limit s.r 73\nlimit s.q 73\n");
  receive(&w, s, bad);
  assert_string_equal(said(&w), "");
  assert_int_equal(s->stats.given_up, 4);
  world_fini(&w);
}

static void says_once_that_a_payload_is_not_json (void **state) {
  (void)state;
  world w;
  world_init(&w);
  tl_tagdef tags[] = {
    def("a", TL_AI, "JA=a"),
    def("d", TL_TXTI, "IN_DATA"),
    def("r", TL_CI, "RE=([0-9]+)"),
    def("k", TL_AI, "JA=k"),
  };
  tags[3].on_missing = TL_MISSING_KEEP;
  tl_station *s = station(&w, tags, 4);
  receive(&w, s, "{\"a\":1,\"k\":1}");
  said(&w);
  receive(&w, s, "{\n 2");
  assert_string_equal(
      said(&w),
      "json s 2:2\nvalue s.d \"{\\n 2\"\nvalue s.a null json\nvalue s.r 2\nvalue s.k null json\n");
  receive(&w, s, "{");
  assert_string_equal(said(&w), "value s.d \"{\"\nvalue s.r null missing\n");
  receive(&w, s, "{\"a\":1}");
  assert_string_equal(said(&w), "value s.d \"{\\\"a\\\":1}\"\nvalue s.a 1\nvalue s.r 1\n");
  receive(&w, s, "");
  assert_string_equal(said(&w),
                      "json s 1:1\nvalue s.d \"\"\nvalue s.a null json\nvalue s.r null missing\n");
  assert_int_equal(s->stats.json_errors, 3);
  world_fini(&w);
}

static void text_payloads_set_no_json_tags (void **state) {
  (void)state;
  world w;
  world_init(&w);
  const tl_tagdef tags[] = { def("a", TL_AI, "JA=a"), def("d", TL_TXTI, "IN_DATA") };
  tl_station *s =
      add(&w, (tl_station_spec){ .name = TL_LIT("s") }, (tl_plan_spec){ .json = false }, tags, 2);
  receive(&w, s, "{\"a\":1}");
  assert_string_equal(said(&w), "status s StWait StOn\nvalue s.d \"{\\\"a\\\":1}\"\n");
  assert_int_equal(s->tags[0].status, TL_UNSET);
  world_fini(&w);
}

static void a_document_no_tag_asks_for_need_not_be_json (void **state) {
  (void)state;
  world w;
  world_init(&w);
  const tl_tagdef tags[] = { def("d", TL_TXTI, "IN_DATA") };
  tl_station *s = station(&w, tags, 1);
  receive(&w, s, "{");
  assert_string_equal(said(&w), "value s.d \"{\"\n");
  world_fini(&w);
}

static void resolves_escapes_for_texts (void **state) {
  (void)state;
  world w;
  world_init(&w);
  const tl_tagdef tags[] = { def("a", TL_TXTI, "JA=a"), def("b", TL_TXTI, "JA=b"),
                             def("all", TL_TXTI, "JA=") };
  tl_station *s = station(&w, tags, 3);
  receive(&w, s, "{\"a\":\"x\\u00e9\\n\",\"b\":\"\\\"y\"}");
  assert_true(tl_slice_eq(s->tags[0].value.text, TL_LIT("x\xc3\xa9\n")));
  assert_true(tl_slice_eq(s->tags[1].value.text, TL_LIT("\"y")));
  assert_true(
      tl_slice_eq(s->tags[2].value.text, TL_LIT("{\"a\":\"x\\u00e9\\n\",\"b\":\"\\\"y\"}")));
  world_fini(&w);
}

static void what_conversions_need_does_not_pile_up (void **state) {
  (void)state;
  world w;
  world_init(&w);
  const tl_tagdef tags[] = { def("a", TL_TXTI, "JA=a"), def("b", TL_TXTI, "JA=b") };
  tl_station *s = station(&w, tags, 2);
  for (int i = 0; i < 1000; i++)
    receive(&w, s, "{\"a\":\"\\u00e9 is a text of some length\",\"b\":\"and \\n one more\"}");
  assert_true(w.model->scratch.cap <= 1024);
  static char large[200000];
  memset(large, 'x', sizeof large);
  memcpy(large, "{\"a\":\"\\n", 8);
  memcpy(large + sizeof large - 3, "\"}", 3);
  receive(&w, s, large);
  assert_int_equal(s->tags[0].value.text.len, sizeof large - 3 - 8 + 1);
  assert_true(w.model->scratch.cap <= 65536);
  tl_buf_clear(&w.said);
  world_fini(&w);
}

/* --- the message's time --- */

static tl_station *timed (world *w, tl_plan_spec spec) {
  static tl_tagdef tags[2];
  tags[0] = def("a", TL_AI, "JA=a");
  tags[1] = def("t", TL_TXTI, "IN_TOPIC");
  world_init(w);
  spec.json = true;
  spec.time_field = TL_LIT("ts");
  spec.time_mask = TL_LIT("UNIXMS");
  tl_station *s = add(w, (tl_station_spec){ .name = TL_LIT("s") }, spec, tags, 2);
  tl_line_up(w->line, w->now, wall(w));
  said(w);
  return s;
}

static void one_time_field_stamps_all_values (void **state) {
  (void)state;
  world w;
  tl_station *s = timed(&w, (tl_plan_spec){ 0 });
  receive(&w, s, "{\"a\":1,\"ts\":1767225600123}");
  assert_int_equal(s->tags[0].time_ms, 1767225600123);
  assert_int_equal(s->tags[1].time_ms, 1767225600123);
  tl_incoming m = message(&w, "s", TL_LIT("{\"ts\":\"1767225600124\"}"));
  assert_true(tl_station_begin(s, &m));
  assert_int_equal(tl_station_addressed(s, &m), 1767225600124);
  assert_int_equal(s->tags[0].time_ms, 1767225600124); /* also that it is missing */
  world_fini(&w);
}

static void a_missing_time_is_arrival_with_one_warning (void **state) {
  (void)state;
  world w;
  tl_station *s = timed(&w, (tl_plan_spec){ 0 });
  receive(&w, s, "{\"a\":1}");
  assert_string_equal(said(&w), "time s missing ''\nvalue s.t \"s\"\nvalue s.a 1\n");
  assert_int_equal(s->tags[0].time_ms, wall(&w));
  receive(&w, s, "{\"a\":2}");
  assert_string_equal(said(&w), "value s.a 2\n");
  receive(&w, s, "{\"a\":3,\"ts\":1}");
  receive(&w, s, "{\"a\":4}");
  assert_string_equal(said(&w), "value s.a 3\ntime s missing ''\nvalue s.a 4\n");
  assert_int_equal(s->stats.time_errors, 3);
  world_fini(&w);
}

static void a_missing_time_may_be_ignored_an_unreadable_one_not (void **state) {
  (void)state;
  world w;
  tl_station *s = timed(&w, (tl_plan_spec){ .ignore_missing_time = true });
  receive(&w, s, "{\"a\":1}");
  assert_string_equal(said(&w), "value s.t \"s\"\nvalue s.a 1\n");
  assert_int_equal(s->stats.time_errors, 0);
  receive(&w, s, "{\"a\":2,\"ts\":\"noon\"}");
  assert_string_equal(said(&w), "time s time 'noon'\nvalue s.a 2\n");
  assert_int_equal(s->tags[0].time_ms, wall(&w));
  receive(&w, s, "{\"a\":3,\"ts\":null}");
  receive(&w, s, "{\"a\":4,\"ts\":5}");
  receive(&w, s, "{\"a\":5,\"ts\":null}");
  assert_string_equal(said(&w), "value s.a 3\nvalue s.a 4\ntime s time 'null'\nvalue s.a 5\n");
  world_fini(&w);
}

static void a_missing_and_an_unreadable_time_are_two_news (void **state) {
  (void)state;
  world w;
  tl_station *s = timed(&w, (tl_plan_spec){ 0 });
  receive(&w, s, "{}");
  receive(&w, s, "{\"ts\":\"x\"}");
  receive(&w, s, "{}");
  assert_string_equal(
      said(&w), "time s missing ''\nvalue s.t \"s\"\nvalue s.a null missing\ntime s time 'x'\n");
  world_fini(&w);
}

static void what_is_not_json_has_no_time_to_warn_of (void **state) {
  (void)state;
  world w;
  tl_station *s = timed(&w, (tl_plan_spec){ 0 });
  receive(&w, s, "[");
  assert_string_equal(said(&w), "json s 1:2\nvalue s.t \"s\"\nvalue s.a null json\n");
  assert_int_equal(s->tags[0].time_ms, wall(&w));
  world_fini(&w);
}

static void where_only_the_time_is_asked_for_a_payload_need_not_be_json (void **state) {
  (void)state;
  world w;
  world_init(&w);
  const tl_tagdef tags[] = { def("d", TL_CI, "RE=([0-9]+)"), def("n", TL_AI, "") };
  const tl_station_spec spec = { .name = TL_LIT("s") };
  const tl_plan_spec plan = { .json = true,
                              .time_field = TL_LIT("ts"),
                              .time_mask = TL_LIT("UNIXMS") };
  tl_station *s = add(&w, spec, plan, tags, 2);
  receive(&w, s, "n=5");
  assert_string_equal(said(&w), "status s StWait StOn\nvalue s.d 5\n");
  assert_int_equal(s->tags[0].time_ms, wall(&w));
  assert_int_equal(s->stats.json_errors + s->stats.time_errors, 0);
  receive(&w, s, "{\"n\":6,\"ts\":7}");
  assert_int_equal(s->tags[0].time_ms, 7);
  receive(&w, s, "{\"n\":8}");
  assert_string_equal(said(&w), "value s.d 6\ntime s missing ''\nvalue s.d 8\n");
  world_fini(&w);
}

static void absolute_times_follow_the_mask (void **state) {
  (void)state;
  world w;
  world_init(&w);
  const tl_tagdef tags[] = { def("a", TL_TIA, "JA=a") };
  tl_station *s =
      add(&w, (tl_station_spec){ .name = TL_LIT("s") }, (tl_plan_spec){ .json = true }, tags, 1);
  receive(&w, s, "{\"a\":\"2026-11-22 14:03:16.5\"}");
  receive(&w, s, "{\"a\":\"2026-13-22 14:03:16\"}");
  assert_string_equal(
      said(&w),
      "status s StWait StOn\nvalue s.a \"2026-11-22T14:03:16.500Z\"\nvalue s.a null time\n");
  world_fini(&w);
}

/* --- handlers in between --- */

static void switch_off (world *w, tl_tag *t) {
  w->on_value = NULL;
  tl_station_switch(t->station, true, false, w->now, wall(w));
}

static void a_station_switched_off_by_a_handler_takes_no_more (void **state) {
  (void)state;
  world w;
  world_init(&w);
  const tl_tagdef tags[] = { def("a", TL_AI, "JA=a"), def("b", TL_AI, "JA=b") };
  tl_station *s = station(&w, tags, 2);
  w.on_value = switch_off;
  receive(&w, s, "{\"a\":1,\"b\":2}");
  assert_string_equal(said(&w),
                      "value s.a 1\nstatus s StOn StOff\nvalue s.a null off\nvalue s.b null off\n");
  assert_false(receive(&w, s, "{\"a\":1,\"b\":2}"));
  assert_string_equal(said(&w), "");
  assert_int_equal(s->stats.messages, 2);
  world_fini(&w);
}

static void feed_another (world *w, tl_tag *t) {
  (void)t;
  w->on_value = NULL;
  tl_station *other = tl_line_station(w->line, TL_LIT("other"));
  receive(w, other, "{\"a\":7,\"b\":8}");
  tl_tagdef tags[40]; /* and a station whose plan needs more slots than there are */
  char names[40][8];
  for (int i = 0; i < 40; i++) {
    snprintf(names[i], sizeof names[i], "n%d", i);
    tags[i] = def(names[i], TL_AI, "JA=z");
  }
  receive(w,
          add(w, (tl_station_spec){ .name = TL_LIT("large") }, (tl_plan_spec){ .json = true }, tags,
              40),
          "{\"z\":1}");
}

static void a_handler_may_feed_another_station (void **state) {
  (void)state;
  world w;
  world_init(&w);
  const tl_tagdef tags[] = { def("a", TL_AI, "JA=a"), def("b", TL_AI, "JA=b") };
  tl_station *s = station(&w, tags, 2);
  add(&w, (tl_station_spec){ .name = TL_LIT("other") }, (tl_plan_spec){ .json = true }, tags, 2);
  w.on_value = feed_another;
  receive(&w, s, "{\"a\":1,\"b\":2}");
  assert_true(s->tags[1].value.number == 2);
  assert_true(tl_model_tag(w.model, TL_LIT("plant.other.b"))->value.number == 8);
  assert_true(tl_model_tag(w.model, TL_LIT("plant.large.n39"))->value.number == 1);
  receive(&w, s, "{\"a\":3,\"b\":4}");
  assert_true(s->tags[1].value.number == 4);
  world_fini(&w);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(sets_tags_in_the_order_of_the_reference),
    cmocka_unit_test(converts_topic_and_payload_to_any_type),
    cmocka_unit_test(takes_binary_payloads_as_they_are),
    cmocka_unit_test(missing_addresses_follow_on_missing),
    cmocka_unit_test(regex_takes_the_first_group_or_the_whole_match),
    cmocka_unit_test(regex_that_explodes_is_missing),
    cmocka_unit_test(tells_once_for_each_expression_that_it_gave_up),
    cmocka_unit_test(says_once_that_a_payload_is_not_json),
    cmocka_unit_test(text_payloads_set_no_json_tags),
    cmocka_unit_test(a_document_no_tag_asks_for_need_not_be_json),
    cmocka_unit_test(resolves_escapes_for_texts),
    cmocka_unit_test(what_conversions_need_does_not_pile_up),
    cmocka_unit_test(one_time_field_stamps_all_values),
    cmocka_unit_test(a_missing_time_is_arrival_with_one_warning),
    cmocka_unit_test(a_missing_time_may_be_ignored_an_unreadable_one_not),
    cmocka_unit_test(a_missing_and_an_unreadable_time_are_two_news),
    cmocka_unit_test(what_is_not_json_has_no_time_to_warn_of),
    cmocka_unit_test(where_only_the_time_is_asked_for_a_payload_need_not_be_json),
    cmocka_unit_test(absolute_times_follow_the_mask),
    cmocka_unit_test(a_station_switched_off_by_a_handler_takes_no_more),
    cmocka_unit_test(a_handler_may_feed_another_station),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* spec/model/simulate_test.c — simulated values */
#include "world.h"

enum { AI, CO, DI, QI, TXT, TIA, TIR, TOPIC, VALUE, N };

static tl_station *simulated (world *w) {
  static tl_tagdef tags[N];
  tags[AI] = def("ai", TL_AI, "JA=ai");
  tags[CO] = def("co", TL_CO, "JA=co");
  tags[DI] = def("di", TL_DI, "JA=di");
  tags[QI] = def("qi", TL_QI, "JA=qi");
  tags[TXT] = def("txt", TL_TXTI, "IN_DATA");
  tags[TIA] = def("tia", TL_TIA, "JA=tia");
  tags[TIR] = def("tir", TL_TIR, "JA=tir");
  tags[TOPIC] = def_text("topic", TL_TXTO, "OUT_TOPIC", "s/set");
  tags[VALUE] = def_text("out", TL_TXTO, "OUT_VALUE", "rest");
  tags[AI].has_range = true, tags[AI].range_max = 1; /* filters do not apply */
  world_init(w);
  tl_station *s = station(w, tags, N);
  tl_station_switch(s, false, true, w->now, wall(w));
  return s;
}

static void values_come_at_once_and_every_second (void **state) {
  (void)state;
  world w;
  tl_station *s = simulated(&w);
  assert_string_equal(
      said(&w),
      "status s StOn StSimul\nvalue s.ai 100\nvalue s.co 100\nvalue s.di true\nvalue s.qi 0\n"
      "value s.txt \"1\"\nvalue s.tia \"1970-01-01T00:16:15.000Z\"\nvalue s.tir 975\n"
      "value s.out \"1\"\n");
  assert_int_equal(w.due, 2000);
  assert_int_equal(tick(&w, 1999), 2000);
  assert_string_equal(said(&w), "");
  assert_int_equal(tick(&w, 2000), 3000);
  assert_false(s->tags[DI].value.boolean);
  assert_int_equal(s->tags[QI].value.integer, 1);
  assert_true(tl_slice_eq(s->tags[TXT].value.text, TL_LIT("2")));
  assert_int_equal(s->tags[TIA].value.integer, wall(&w));
  assert_int_equal(s->tags[AI].time_ms, wall(&w));
  world_fini(&w);
}

static void a_late_tick_keeps_the_beat (void **state) {
  (void)state;
  world w;
  simulated(&w);
  assert_int_equal(tick(&w, 4300), 5000);
  assert_int_equal(tick(&w, 5000), 6000);
  world_fini(&w);
}

static void numbers_run_from_0_to_100_and_states_round (void **state) {
  (void)state;
  world w;
  tl_station *s = simulated(&w);
  double low = 1000, high = -1000;
  int64_t states = 0, clow = 1000, chigh = -1000;
  for (int i = 1; i <= 120; i++) {
    bool before = s->tags[DI].value.boolean;
    tick(&w, 1000 + 1000 * i);
    double v = s->tags[AI].value.number;
    int64_t c = s->tags[CO].value.integer;
    low = v < low ? v : low, high = v > high ? v : high;
    clow = c < clow ? c : clow, chigh = c > chigh ? c : chigh;
    states |= 1 << s->tags[QI].value.integer;
    assert_int_equal(s->tags[DI].value.boolean, !before);
    assert_int_equal(s->tags[AI].status, TL_VALID);
    tl_buf_clear(&w.said);
  }
  assert_true(low >= 0 && low < 0.01 && high <= 100 && high > 99.99);
  assert_int_equal(clow, 0);
  assert_int_equal(chigh, 100);
  assert_int_equal(states, 31);
  world_fini(&w);
}

static void where_to_publish_is_not_simulated (void **state) {
  (void)state;
  world w;
  tl_station *s = simulated(&w);
  assert_true(tl_slice_eq(s->tags[TOPIC].value.text, TL_LIT("s/set")));
  world_fini(&w);
}

static void received_messages_and_breaks_do_not_disturb (void **state) {
  (void)state;
  world w;
  tl_station *s = simulated(&w);
  said(&w);
  assert_false(receive(&w, s, "{\"ai\":5}"));
  tl_line_down(w.line, w.now, wall(&w));
  tl_line_up(w.line, w.now, wall(&w));
  assert_string_equal(said(&w), "");
  world_fini(&w);
}

static void the_end_starts_anew (void **state) {
  (void)state;
  world w;
  tl_station *s = simulated(&w);
  said(&w);
  tl_station_switch(s, false, false, w.now, wall(&w));
  assert_string_equal(said(&w),
                      "status s StSimul StOn\nvalue s.ai null no-data\nvalue s.co null no-data\n"
                      "value s.di null no-data\nvalue s.qi null no-data\nvalue s.txt null no-data\n"
                      "value s.tia null no-data\n"
                      "value s.tir null no-data\nvalue s.out \"rest\"\n");
  assert_int_equal(tick(&w, 10000), INT64_MAX);
  receive(&w, s, "{\"ai\":0.5}");
  assert_true(s->tags[AI].value.number == 0.5);
  world_fini(&w);
}

static void from_simulation_to_off (void **state) {
  (void)state;
  world w;
  tl_station *s = simulated(&w);
  tl_station_switch(s, true, true, w.now, wall(&w)); /* off wins */
  assert_int_equal(s->status, TL_ST_OFF);
  assert_int_equal(s->tags[AI].reason, TL_REASON_OFF);
  assert_true(tl_slice_eq(s->tags[VALUE].value.text, TL_LIT("rest")));
  tl_station_switch(s, false, true, w.now, wall(&w));
  assert_int_equal(s->status, TL_ST_SIMUL);
  assert_int_equal(s->tags[AI].status, TL_VALID);
  world_fini(&w);
}

static void times_before_1970_do_not_upset_it (void **state) {
  (void)state;
  world w;
  tl_station *s = simulated(&w);
  tl_line_tick(w.line, 2000, -1);
  assert_true(s->tags[AI].value.number >= 0 && s->tags[AI].value.number <= 100);
  assert_true(s->tags[TIR].value.number >= 0 && s->tags[TIR].value.number < 86400);
  world_fini(&w);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(values_come_at_once_and_every_second),
    cmocka_unit_test(a_late_tick_keeps_the_beat),
    cmocka_unit_test(numbers_run_from_0_to_100_and_states_round),
    cmocka_unit_test(where_to_publish_is_not_simulated),
    cmocka_unit_test(received_messages_and_breaks_do_not_disturb),
    cmocka_unit_test(the_end_starts_anew),
    cmocka_unit_test(from_simulation_to_off),
    cmocka_unit_test(times_before_1970_do_not_upset_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

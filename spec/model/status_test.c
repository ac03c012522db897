/* spec/model/status_test.c — statuses: what brings each, what it does to values, when it is due */
#include "world.h"

enum { ERR = 10000 }; /* time_filter of the stations here */

static const tl_slice S = { (const uint8_t *)"s", 1 };

static tl_station *with (world *w, tl_station_spec spec) {
  static tl_tagdef tags[4];
  tags[0] = def("a", TL_AI, "JA=a");
  tags[1] = def("o", TL_AO, "JA=o");
  tags[2] = def_text("topic", TL_TXTO, "OUT_TOPIC", "s/set");
  tags[3] = def("n", TL_AI, "");
  world_init(w);
  spec.name = S;
  return add(w, spec, (tl_plan_spec){ .json = true }, tags, 4);
}

static tl_station *plain (world *w) {
  return with(w, (tl_station_spec){ .settings.time_filter_ms = ERR });
}

static tl_station *up (world *w, tl_station *s) { /* StOn with values, nothing said yet */
  tl_line_up(w->line, w->now, wall(w));
  receive(w, s, "{\"a\":1,\"o\":2}");
  said(w);
  return s;
}

static void names_are_the_references (void **state) {
  (void)state;
  static const char *const names[] = {
    "StOn", "StOff", "StWait", "StSimul", "StComErr", "StHardErr"
  };
  for (int i = 0; i < 6; i++)
    assert_string_equal(tl_station_status_name((tl_station_status)i), names[i]);
}

static void waits_until_subscribed (void **state) {
  (void)state;
  world w;
  tl_station *s = plain(&w);
  assert_int_equal(s->status, TL_ST_WAIT);
  tl_line_down(w.line, w.now, wall(&w)); /* a connection that never came is no loss */
  assert_int_equal(tick(&w, 1000000), INT64_MAX);
  assert_string_equal(said(&w), "");
  tl_line_up(w.line, w.now, wall(&w));
  assert_string_equal(said(&w), "status s StWait StOn\n");
  assert_int_equal(s->since, 1000000);
  world_fini(&w);
}

static void a_message_ends_the_wait_too (void **state) {
  (void)state;
  world w;
  tl_station *s = plain(&w); /* a kept session delivers before SUBACK */
  receive(&w, s, "{\"a\":1}");
  assert_string_equal(said(&w), "status s StWait StOn\nvalue s.a 1\nvalue s.o null missing\n");
  world_fini(&w);
}

/* The broker refused every topic filter that could bring its messages. */
static void what_cannot_be_fed_is_in_an_error_on_a_line_that_is_up (void **state) {
  (void)state;
  world w;
  tl_station *s = plain(&w);
  tl_station_set_fed(s, false, w.now, wall(&w));
  assert_string_equal(said(&w), ""); /* it waits still */
  tl_line_up(w.line, w.now, wall(&w));
  assert_string_equal(said(&w), "status s StWait StComErr\n");
  tl_station_switch(s, true, false, w.now, wall(&w));
  tl_station_switch(s, false, false, w.now, wall(&w));
  assert_int_equal(s->status, TL_ST_COM_ERR);
  said(&w);
  tl_station_set_fed(s, true, w.now, wall(&w));
  assert_string_equal(said(&w), "status s StComErr StOn\n");
  tl_station_set_fed(s, false, w.now, wall(&w));
  assert_string_equal(said(&w), "status s StOn StComErr\n");
  tick(&w, w.now + ERR);
  assert_int_equal(s->status, TL_ST_HARD_ERR);
  tl_station_set_fed(s, true, w.now, wall(&w)); /* the next message ends that */
  assert_int_equal(s->status, TL_ST_HARD_ERR);
  world_fini(&w);
}

static void a_short_break_keeps_values (void **state) {
  (void)state;
  world w;
  tl_station *s = up(&w, plain(&w));
  w.now = 2000;
  tl_line_down(w.line, w.now, wall(&w));
  assert_int_equal(w.due, 2000 + ERR);
  assert_string_equal(said(&w), "status s StOn StComErr\n");
  assert_int_equal(tick(&w, 2000 + ERR - 1), 2000 + ERR);
  tl_line_up(w.line, w.now, wall(&w));
  assert_string_equal(said(&w), "status s StComErr StOn\n");
  assert_int_equal(s->tags[0].status, TL_VALID);
  assert_int_equal(s->heard, -1);
  assert_int_equal(tick(&w, 100000), INT64_MAX);
  world_fini(&w);
}

static void a_long_break_invalidates_what_the_device_said (void **state) {
  (void)state;
  world w;
  tl_station *s = up(&w, plain(&w));
  tl_line_down(w.line, w.now, wall(&w));
  said(&w);
  assert_int_equal(tick(&w, w.now + ERR), INT64_MAX);
  assert_string_equal(
      said(&w),
      "status s StComErr StHardErr\nvalue s.a null disconnected\nvalue s.o null disconnected\n"
      "value s.n null disconnected\n");
  assert_int_equal(s->tags[0].time_ms, wall(&w));
  assert_true(tl_slice_eq(s->tags[2].value.text, TL_LIT("s/set"))); /* what was written stays */
  w.now += 5;
  tl_line_up(w.line, w.now, wall(&w)); /* SUBACK is not enough */
  assert_string_equal(said(&w), "");
  receive(&w, s, "{\"a\":1,\"o\":2}");
  assert_string_equal(said(&w), "status s StHardErr StOn\nvalue s.a 1\nvalue s.o 2\n");
  world_fini(&w);
}

static void a_break_that_no_tick_saw_was_long_all_the_same (void **state) {
  (void)state;
  world w;
  up(&w, plain(&w));
  tl_line_down(w.line, w.now, wall(&w));
  said(&w);
  w.now += ERR;
  tl_line_up(w.line, w.now, wall(&w));
  assert_string_equal(
      said(&w),
      "status s StComErr StHardErr\nvalue s.a null disconnected\nvalue s.o null disconnected\n"
      "value s.n null disconnected\n");
  world_fini(&w);
}

static void without_time_filter_a_break_is_hard_at_once (void **state) {
  (void)state;
  world w;
  up(&w, with(&w, (tl_station_spec){ .settings.time_filter_ms = 0 }));
  tl_line_down(w.line, w.now, wall(&w));
  assert_string_equal(
      said(&w), "status s StOn StComErr\nstatus s StComErr StHardErr\nvalue s.a null disconnected\n"
                "value s.o null disconnected\nvalue s.n null disconnected\n");
  assert_int_equal(tick(&w, w.now), INT64_MAX);
  world_fini(&w);
}

static void silence_is_an_error_where_asked (void **state) {
  (void)state;
  world w;
  tl_station *s = up(&w, with(&w, (tl_station_spec){ .settings.time_filter_ms = ERR,
                                                     .settings.no_data_ms = 5000 }));
  assert_int_equal(w.due, 6000);
  w.now = 4000;
  receive(&w, s, "{\"a\":1,\"o\":2}");
  assert_int_equal(tick(&w, 6000), 9000); /* counts from the last message */
  assert_int_equal(tick(&w, 8999), 9000);
  assert_string_equal(said(&w), "");
  assert_int_equal(tick(&w, 9000), 9000 + ERR);
  assert_string_equal(said(&w), "status s StOn StComErr\n");
  w.now = 9500;
  receive(&w, s, "{\"a\":1,\"o\":2}");
  assert_string_equal(said(&w), "status s StComErr StOn\n");
  assert_int_equal(w.due, 14500);
  assert_int_equal(tick(&w, 14500), 14500 + ERR);
  assert_int_equal(tick(&w, 14500 + ERR), INT64_MAX);
  assert_string_equal(
      said(&w), "status s StOn StComErr\nstatus s StComErr StHardErr\nvalue s.a null no-data\n"
                "value s.o null no-data\nvalue s.n null no-data\n");
  world_fini(&w);
}

static void silence_is_excused_while_nothing_could_be_heard (void **state) {
  (void)state;
  world w;
  tl_station *s = up(&w, with(&w, (tl_station_spec){ .settings.time_filter_ms = ERR,
                                                     .settings.no_data_ms = 5000 }));
  w.now = 2000;
  receive(&w, s, "{\"a\":1,\"o\":2}");
  said(&w);
  tl_line_excuse(w.line, 6500);
  assert_int_equal(tick(&w, 7000), 11500);
  tl_line_excuse(w.line, 3000); /* what was heard since counts */
  assert_int_equal(tick(&w, 11499), 11500);
  assert_string_equal(said(&w), "");
  assert_int_equal(tick(&w, 11500), 11500 + ERR);
  assert_string_equal(said(&w), "status s StOn StComErr\n");
  world_fini(&w);
}

static void silence_counts_from_suback (void **state) {
  (void)state;
  world w;
  with(&w, (tl_station_spec){ .settings.time_filter_ms = ERR, .settings.no_data_ms = 5000 });
  assert_int_equal(tick(&w, 50000), INT64_MAX); /* StWait: nobody could have said anything */
  tl_line_up(w.line, w.now, wall(&w));
  assert_int_equal(w.due, 55000);
  said(&w);
  assert_int_equal(tick(&w, 55000), 55000 + ERR);
  assert_string_equal(said(&w), "status s StOn StComErr\n");
  world_fini(&w);
}

static void another_suback_does_not_excuse_silence (void **state) {
  (void)state;
  world w;
  up(&w,
     with(&w, (tl_station_spec){ .settings.time_filter_ms = ERR, .settings.no_data_ms = 5000 }));
  tick(&w, 6000);
  assert_string_equal(said(&w), "status s StOn StComErr\n");
  tl_line_up(w.line, w.now, wall(&w));
  assert_string_equal(said(&w), "");
  world_fini(&w);
}

static void a_break_in_silence_goes_on_as_one_error (void **state) {
  (void)state;
  world w;
  up(&w,
     with(&w, (tl_station_spec){ .settings.time_filter_ms = ERR, .settings.no_data_ms = 5000 }));
  tick(&w, 6000);
  w.now = 8000;
  tl_line_down(w.line, w.now, wall(&w));
  said(&w);
  assert_int_equal(tick(&w, 6000 + ERR), INT64_MAX);
  assert_string_equal(
      said(&w),
      "status s StComErr StHardErr\nvalue s.a null disconnected\nvalue s.o null disconnected\n"
      "value s.n null disconnected\n");
  world_fini(&w);
}

/* --- wills --- */

static bool will (world *w, tl_station *s, const char *topic, const char *payload) {
  tl_incoming m = message(w, topic, tl_slice_str(payload));
  return tl_station_will(s, &m);
}

static void a_will_is_a_hard_error_and_nothing_else (void **state) {
  (void)state;
  world w;
  tl_station *s = up(&w, with(&w, (tl_station_spec){ .settings.time_filter_ms = ERR,
                                                     .will_topic = TL_LIT("s/will") }));
  assert_false(will(&w, s, "s/wil", "x"));
  assert_string_equal(said(&w), "");
  assert_true(will(&w, s, "s/will", "whatever"));
  assert_string_equal(
      said(&w),
      "status s StOn StHardErr\nvalue s.a null station-will\nvalue s.o null station-will\n"
      "value s.n null station-will\n");
  assert_int_equal(s->stats.wills, 1);
  assert_int_equal(s->stats.messages, 1);
  receive(&w, s, "{\"a\":1,\"o\":2}");
  assert_string_equal(said(&w), "status s StHardErr StOn\nvalue s.a 1\nvalue s.o 2\n");
  world_fini(&w);
}

static void a_will_payload_must_be_equal (void **state) {
  (void)state;
  world w;
  tl_station *s = up(
      &w, with(&w, (tl_station_spec){ .will_topic = TL_LIT("s"), .will_payload = TL_LIT("gone") }));
  assert_false(will(&w, s, "s", "here"));
  assert_false(will(&w, s, "s", "gone "));
  assert_false(will(&w, s, "s", ""));
  assert_int_equal(s->status, TL_ST_ON);
  assert_true(will(&w, s, "s", "gone"));
  assert_int_equal(s->status, TL_ST_HARD_ERR);
  world_fini(&w);
}

static void a_will_says_more_than_a_lost_line (void **state) {
  (void)state;
  world w;
  tl_station *s = up(&w, with(&w, (tl_station_spec){ .will_topic = TL_LIT("s/will") }));
  tl_line_down(w.line, w.now, wall(&w));
  tl_line_up(w.line, w.now, wall(&w));
  said(&w);
  assert_true(will(&w, s, "s/will", "")); /* retained */
  assert_string_equal(
      said(&w),
      "value s.a null station-will\nvalue s.o null station-will\nvalue s.n null station-will\n");
  world_fini(&w);
}

static void a_will_does_not_touch_what_is_off_or_simulated (void **state) {
  (void)state;
  world w;
  tl_station *s = up(&w, with(&w, (tl_station_spec){ .will_topic = TL_LIT("s/will") }));
  tl_station_switch(s, true, false, w.now, wall(&w));
  said(&w);
  assert_true(will(&w, s, "s/will", ""));
  assert_string_equal(said(&w), "");
  assert_int_equal(s->status, TL_ST_OFF);
  world_fini(&w);
}

static void what_a_decoder_knows_to_be_gone_is_a_hard_error (void **state) {
  (void)state;
  world w;
  tl_station *s = up(&w, plain(&w));
  tl_station_gone(s, w.now, wall(&w));
  assert_string_equal(
      said(&w),
      "status s StOn StHardErr\nvalue s.a null disconnected\nvalue s.o null disconnected\n"
      "value s.n null disconnected\n");
  assert_int_equal(s->stats.wills, 1);
  receive(&w, s, "{\"a\":1,\"o\":2}");
  assert_string_equal(said(&w), "status s StHardErr StOn\nvalue s.a 1\nvalue s.o 2\n");
  tl_station_switch(s, true, false, w.now, wall(&w));
  said(&w);
  tl_station_gone(s, w.now, wall(&w));
  assert_string_equal(said(&w), "");
  assert_int_equal(s->status, TL_ST_OFF);
  world_fini(&w);
}

/* --- the operator --- */

static void off_invalidates_and_on_returns (void **state) {
  (void)state;
  world w;
  tl_station *s = up(&w, plain(&w));
  tl_station_switch(s, true, false, w.now, wall(&w));
  assert_string_equal(
      said(&w),
      "status s StOn StOff\nvalue s.a null off\nvalue s.o null off\nvalue s.n null off\n");
  assert_int_equal(s->tags[2].status, TL_VALID);
  assert_false(receive(&w, s, "{\"a\":5,\"o\":6}"));
  tl_line_down(w.line, w.now, wall(&w));
  tl_line_up(w.line, w.now, wall(&w));
  tick(&w, w.now + 100000);
  tl_station_switch(s, true, false, w.now, wall(&w)); /* again: nothing new */
  assert_string_equal(said(&w), "");
  tl_station_switch(s, false, false, w.now, wall(&w));
  assert_string_equal(said(&w), "status s StOff StOn\n");
  receive(&w, s, "{\"a\":5,\"o\":6}");
  assert_string_equal(said(&w), "value s.a 5\nvalue s.o 6\n");
  world_fini(&w);
}

static void on_waits_where_the_line_is_not_subscribed (void **state) {
  (void)state;
  world w;
  tl_station *s = plain(&w);
  tl_station_switch(s, true, false, w.now, wall(&w));
  tl_station_switch(s, false, false, w.now, wall(&w));
  assert_int_equal(s->status, TL_ST_WAIT);
  tl_line_up(w.line, w.now, wall(&w));
  assert_int_equal(s->status, TL_ST_ON);
  world_fini(&w);
}

static void on_does_not_heal_an_error (void **state) {
  (void)state;
  world w;
  tl_station *s = up(&w, plain(&w));
  tl_line_down(w.line, w.now, wall(&w));
  said(&w);
  tl_station_switch(s, false, false, w.now, wall(&w));
  assert_string_equal(said(&w), "");
  assert_int_equal(s->status, TL_ST_COM_ERR);
  world_fini(&w);
}

static void a_line_is_wanted_by_one_station_at_work (void **state) {
  (void)state;
  world w;
  world_init(&w);
  assert_true(tl_line_wanted(w.line)); /* it may publish */
  const tl_tagdef tags[] = { def("a", TL_AI, "JA=a") };
  tl_station *a =
      add(&w, (tl_station_spec){ .name = TL_LIT("a") }, (tl_plan_spec){ .json = true }, tags, 1);
  tl_station *b =
      add(&w, (tl_station_spec){ .name = TL_LIT("b") }, (tl_plan_spec){ .json = true }, tags, 1);
  assert_true(tl_line_wanted(w.line));
  tl_station_switch(a, true, false, w.now, wall(&w));
  assert_true(tl_line_wanted(w.line));
  tl_station_switch(b, false, true, w.now, wall(&w));
  assert_false(tl_line_wanted(w.line));
  tl_station_switch(b, false, false, w.now, wall(&w));
  assert_true(tl_line_wanted(w.line));
  world_fini(&w);
}

/* --- handlers in between --- */

static void off_at_hard_error (world *w, tl_station *s) {
  if (s->status == TL_ST_HARD_ERR) tl_station_switch(s, true, false, w->now, wall(w));
}

static void a_handler_of_the_status_may_switch_the_station (void **state) {
  (void)state;
  world w;
  tl_station *s = up(&w, with(&w, (tl_station_spec){ 0 }));
  w.on_status = off_at_hard_error;
  tl_line_down(w.line, w.now, wall(&w));
  assert_string_equal(
      said(&w), "status s StOn StComErr\nstatus s StComErr StHardErr\nstatus s StHardErr StOff\n"
                "value s.a null off\nvalue s.o null off\nvalue s.n null off\n");
  assert_int_equal(s->tags[0].reason, TL_REASON_OFF);
  world_fini(&w);
}

static void off_at_the_first_value (world *w, tl_tag *t) {
  w->on_value = NULL;
  tl_station_switch(t->station, true, false, w->now, wall(w));
}

static void a_handler_of_a_value_may_switch_the_station (void **state) {
  (void)state;
  world w;
  tl_station *s = up(&w, with(&w, (tl_station_spec){ 0 }));
  w.on_value = off_at_the_first_value;
  tl_line_down(w.line, w.now, wall(&w));
  assert_string_equal(
      said(&w),
      "status s StOn StComErr\nstatus s StComErr StHardErr\nvalue s.a null disconnected\n"
      "status s StHardErr StOff\nvalue s.a null off\nvalue s.o null off\nvalue s.n null off\n");
  assert_int_equal(s->status, TL_ST_OFF);
  world_fini(&w);
}

static void on_again (world *w, tl_station *s) {
  if (s->status == TL_ST_OFF) tl_station_switch(s, false, false, w->now, wall(w));
}

static void a_handler_may_take_a_switch_back (void **state) {
  (void)state;
  world w;
  tl_station *s = up(&w, plain(&w));
  w.on_status = on_again;
  tl_station_switch(s, true, false, w.now, wall(&w));
  assert_string_equal(said(&w), "status s StOn StOff\nstatus s StOff StOn\n");
  assert_int_equal(s->tags[0].status, TL_VALID);
  world_fini(&w);
}

static void simulate_the_first (world *w, tl_station *s) {
  if (s->status == TL_ST_COM_ERR)
    tl_station_switch(tl_line_station(w->line, TL_LIT("a")), false, true, w->now, wall(w));
}

static void tick_counts_in_what_its_handlers_started (void **state) {
  (void)state;
  world w;
  world_init(&w);
  const tl_tagdef tags[] = { def("t", TL_CI, "") };
  add(&w, (tl_station_spec){ .name = TL_LIT("a") }, (tl_plan_spec){ .json = true }, tags, 1);
  const tl_station_spec silent = { .name = TL_LIT("b"),
                                   .settings.time_filter_ms = 99000,
                                   .settings.no_data_ms = 5000 };
  add(&w, silent, (tl_plan_spec){ .json = true }, tags, 1);
  tl_line_up(w.line, w.now, wall(&w));
  w.on_status = simulate_the_first;
  assert_int_equal(tick(&w, 6000), 7000);
  world_fini(&w);
}

/* --- very many stations --- */

enum { MANY = 2500, STEP = 1000 /* between two simulated values */ };

static unsigned told; /* statuses */

static void count_told (world *w, tl_station *s) {
  (void)s;
  told++;
  tl_buf_clear(&w->said);
}

static void with_many (world *w) {
  static tl_tagdef tags[1];
  tags[0] = def("a", TL_AI, "JA=a");
  world_init(w);
  w->on_status = count_told;
  told = 0;
  for (int i = 0; i < MANY; i++) {
    char name[16];
    snprintf(name, sizeof name, "s%d", i);
    add(w, (tl_station_spec){ .name = tl_slice_str(name), .settings.time_filter_ms = ERR },
        (tl_plan_spec){ .json = true }, tags, 1);
  }
}

static unsigned count (const world *w, tl_station_status status) {
  unsigned n = 0;
  for (uint32_t i = 0; i < w->line->station_count; i++) n += w->line->stations[i]->status == status;
  return n;
}

static bool is_part (unsigned n) { return n > 0 && n < MANY - 1; }

/* The due time when no part is left. */
static int64_t tick_on (world *w) {
  int64_t due = w->now;
  for (int turns = 0; due <= w->now + 1; turns++) {
    assert_true(turns < 20);
    w->now++;
    due = tl_line_tick(w->line, w->now, wall(w));
    tl_buf_clear(&w->said);
  }
  return due;
}

static void many_stations_change_in_parts (void **state) {
  (void)state;
  world w;
  with_many(&w);
  tl_line_up(w.line, w.now, wall(&w));
  assert_true(is_part(count(&w, TL_ST_ON)));
  assert_int_equal(w.due, w.now + 1);
  assert_int_equal(tick_on(&w), INT64_MAX);
  assert_int_equal(count(&w, TL_ST_ON), MANY);
  int64_t lost = w.now;
  tl_line_down(w.line, w.now, wall(&w));
  assert_true(is_part(count(&w, TL_ST_COM_ERR)));
  tl_line_remove_station(w.line, w.line->stations[0]); /* the others move up: none is left out */
  assert_int_equal(tick_on(&w), lost + ERR);
  assert_int_equal(count(&w, TL_ST_COM_ERR), MANY - 1);
  w.now += ERR;
  assert_int_equal(tl_line_tick(w.line, w.now, wall(&w)), w.now + 1);
  assert_true(is_part(count(&w, TL_ST_HARD_ERR)));
  tl_line_remove_station(w.line, w.line->stations[0]);
  assert_int_equal(tick_on(&w), INT64_MAX);
  assert_int_equal(count(&w, TL_ST_HARD_ERR), MANY - 2);
  world_fini(&w);
}

static void each_of_many_hears_of_a_break_that_ends_at_once (void **state) {
  (void)state;
  world w;
  with_many(&w);
  tl_line_up(w.line, w.now, wall(&w));
  tl_line_down(w.line, w.now, wall(&w));
  tl_line_up(w.line, w.now, wall(&w));
  tick_on(&w);
  assert_int_equal(count(&w, TL_ST_ON), MANY);
  assert_int_equal(told, 3 * MANY);
  tl_line_down(w.line, w.now, wall(&w));
  tl_line_settle(w.line, w.now, wall(&w));
  assert_int_equal(count(&w, TL_ST_COM_ERR), MANY);
  world_fini(&w);
}

/* All lines of a turn share what may change in it, and none is forgotten. */
static void many_lines_that_are_lost_together_share_a_turn (void **state) {
  (void)state;
  enum { LINES = 4, EACH = 700 };
  world w;
  with_many(&w);
  tl_line *lines[LINES];
  for (int n = 0; n < LINES; n++) {
    char name[16];
    snprintf(name, sizeof name, "more%d", n);
    assert_int_equal(tl_model_add_line(w.model, tl_slice_str(name), &lines[n]), TL_OK);
    w.line = lines[n];
    for (int i = 0; i < EACH; i++) {
      snprintf(name, sizeof name, "s%d", i);
      add(&w, (tl_station_spec){ .name = tl_slice_str(name), .settings.time_filter_ms = ERR },
          (tl_plan_spec){ .json = true }, NULL, 0);
    }
    tl_line_up(w.line, w.now, wall(&w));
    tl_line_settle(w.line, w.now, wall(&w));
    w.now++;
  }
  told = 0;
  for (int n = 0; n < LINES; n++) tl_line_down(lines[n], w.now, wall(&w));
  assert_true(told > EACH && told < 2 * EACH);
  for (int n = 0; n < LINES; n++) {
    w.line = lines[n];
    assert_true(count(&w, TL_ST_COM_ERR) > 0);
    assert_int_equal(tl_line_is_settled(lines[n]), n == 0);
    tick_on(&w);
    assert_int_equal(count(&w, TL_ST_COM_ERR), EACH);
    assert_true(tl_line_is_settled(lines[n]));
  }
  w.line = w.model->lines[0];
  world_fini(&w);
}

static unsigned count_valid (const world *w) {
  unsigned n = 0;
  for (uint32_t i = 0; i < w->line->station_count; i++)
    n += w->line->stations[i]->tags[0].status == TL_VALID;
  return n;
}

static unsigned count_at (const world *w, int64_t time_ms) { /* values of this time or later */
  unsigned n = 0;
  for (uint32_t i = 0; i < w->line->station_count; i++)
    n += w->line->stations[i]->tags[0].time_ms >= time_ms;
  return n;
}

static void many_simulated_stations_change_in_parts_and_keep_the_beat (void **state) {
  (void)state;
  world w;
  with_many(&w);
  int64_t began = w.now;
  for (int i = 0; i < MANY; i++)
    tl_station_switch(w.line->stations[i], false, true, w.now, wall(&w));
  assert_int_equal(count_valid(&w), MANY);
  w.now = began + STEP;
  int64_t round = wall(&w);
  assert_int_equal(tl_line_tick(w.line, w.now, round), w.now + 1);
  assert_true(is_part(count_at(&w, round)));
  tl_station_switch(w.line->stations[0], false, false, w.now, round); /* its place is behind */
  tl_station_switch(w.line->stations[0], false, true, w.now, round);
  tl_line_remove_station(w.line, w.line->stations[1]);
  assert_int_equal(tick_on(&w), began + 2 * STEP);
  assert_int_equal(count_at(&w, round), MANY - 1);
  world_fini(&w);
}

/* A kept session delivers before SUBACK, also to a device that was not known. */
static void what_comes_later_is_not_told_of_the_break_before (void **state) {
  (void)state;
  world w;
  tl_station *s = up(&w, plain(&w));
  tl_line_down(w.line, w.now, wall(&w));
  tick(&w, w.now + 1);
  tl_station *late =
      add(&w, (tl_station_spec){ .name = TL_LIT("t") }, (tl_plan_spec){ 0 }, NULL, 0);
  receive(&w, s, "{\"a\":2}");
  receive(&w, late, "{}");
  said(&w);
  tick(&w, w.now + ERR);
  assert_string_equal(said(&w), "");
  world_fini(&w);
}

/* --- templates --- */

static void templates_follow_the_line_but_hold_no_values (void **state) {
  (void)state;
  world w;
  tl_station *s = with(&w, (tl_station_spec){ .is_template = true, .settings.no_data_ms = 5000 });
  assert_int_equal(s->tags[2].status, TL_UNSET);
  tl_line_up(w.line, w.now, wall(&w));
  assert_int_equal(tick(&w, 100000), INT64_MAX); /* no device, no silence */
  assert_string_equal(said(&w), "status s StWait StOn\n");
  tl_line_down(w.line, w.now, wall(&w));
  tl_station_switch(s, false, true, w.now, wall(&w));
  tick(&w, w.now + 1000);
  tl_station_switch(s, true, false, w.now, wall(&w));
  assert_string_equal(said(&w), "status s StOn StComErr\nstatus s StComErr StHardErr\n"
                                "status s StHardErr StSimul\nstatus s StSimul StOff\n");
  world_fini(&w);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(names_are_the_references),
    cmocka_unit_test(waits_until_subscribed),
    cmocka_unit_test(what_cannot_be_fed_is_in_an_error_on_a_line_that_is_up),
    cmocka_unit_test(a_message_ends_the_wait_too),
    cmocka_unit_test(a_short_break_keeps_values),
    cmocka_unit_test(a_long_break_invalidates_what_the_device_said),
    cmocka_unit_test(a_break_that_no_tick_saw_was_long_all_the_same),
    cmocka_unit_test(without_time_filter_a_break_is_hard_at_once),
    cmocka_unit_test(silence_is_an_error_where_asked),
    cmocka_unit_test(silence_is_excused_while_nothing_could_be_heard),
    cmocka_unit_test(silence_counts_from_suback),
    cmocka_unit_test(another_suback_does_not_excuse_silence),
    cmocka_unit_test(a_break_in_silence_goes_on_as_one_error),
    cmocka_unit_test(a_will_is_a_hard_error_and_nothing_else),
    cmocka_unit_test(a_will_payload_must_be_equal),
    cmocka_unit_test(a_will_says_more_than_a_lost_line),
    cmocka_unit_test(a_will_does_not_touch_what_is_off_or_simulated),
    cmocka_unit_test(what_a_decoder_knows_to_be_gone_is_a_hard_error),
    cmocka_unit_test(off_invalidates_and_on_returns),
    cmocka_unit_test(on_waits_where_the_line_is_not_subscribed),
    cmocka_unit_test(on_does_not_heal_an_error),
    cmocka_unit_test(a_line_is_wanted_by_one_station_at_work),
    cmocka_unit_test(a_handler_of_the_status_may_switch_the_station),
    cmocka_unit_test(a_handler_of_a_value_may_switch_the_station),
    cmocka_unit_test(a_handler_may_take_a_switch_back),
    cmocka_unit_test(tick_counts_in_what_its_handlers_started),
    cmocka_unit_test(many_stations_change_in_parts),
    cmocka_unit_test(each_of_many_hears_of_a_break_that_ends_at_once),
    cmocka_unit_test(what_comes_later_is_not_told_of_the_break_before),
    cmocka_unit_test(many_lines_that_are_lost_together_share_a_turn),
    cmocka_unit_test(many_simulated_stations_change_in_parts_and_keep_the_beat),
    cmocka_unit_test(templates_follow_the_line_but_hold_no_values),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

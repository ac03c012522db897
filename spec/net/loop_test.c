/* spec/net/loop_test.c — order of what is asked for later, timers, signals. */
#include "net/net_support.h"

static char trace[80];
static tl_timer *timer, *timer2;
static int again;

static void note (const char *what) { strcat(trace, what); }
static void later_a (void *ctx) {
  (void)ctx;
  note("a");
}
static void later_b (void *ctx) {
  (void)ctx;
  note("b");
}
static void later_self (void *ctx) {
  note("s");
  if (again-- > 0) assert_int_equal(tl_loop_later(loop, later_self, ctx), 0);
}
static void later_c_asks_a (void *ctx) {
  note("c");
  assert_int_equal(tl_loop_later(loop, later_a, ctx), 0);
}
static void later_d_forgets_b (void *ctx) {
  note("d");
  tl_loop_forget(loop, later_b, ctx);
}

static int setup (void **state) {
  trace[0] = 0;
  return loop_setup(state);
}

static void runs_in_the_order_of_asking_and_once (void **state) {
  (void)state;
  assert_int_equal(tl_loop_later(loop, later_b, NULL), 0);
  assert_int_equal(tl_loop_later(loop, later_a, NULL), 0);
  assert_int_equal(tl_loop_later(loop, later_b, NULL), 0);
  assert_int_equal(tl_loop_later(loop, later_a, &loop), 0); /* another ctx is another call */
  tl_loop_run(loop);
  assert_string_equal(trace, "baa");
}

static void does_not_run_what_was_taken_back (void **state) {
  (void)state;
  tl_loop_later(loop, later_a, NULL);
  tl_loop_later(loop, later_b, NULL);
  tl_loop_forget(loop, later_a, NULL);
  tl_loop_forget(loop, later_a, NULL);
  tl_loop_run(loop);
  assert_string_equal(trace, "b");
  trace[0] = 0;
  tl_loop_later(loop, later_d_forgets_b, NULL);
  tl_loop_later(loop, later_b, NULL);
  tl_loop_run(loop);
  assert_string_equal(trace, "d");
}

static void keeps_many (void **state) {
  static char many[300];
  (void)state;
  for (int i = 0; i < 60; i++) tl_loop_later(loop, later_a, &many[i]);
  tl_loop_run(loop);
  assert_int_equal(strlen(trace), 60);
}

static unsigned called, last_called;
static bool in_order;
static void count (void *ctx) {
  unsigned i = *(unsigned *)ctx;
  called++;
  in_order = in_order && i > last_called;
  last_called = i;
}

/* Compared one by one, this would take hours. */
static void many_who_ask_again_are_found_at_once (void **state) {
  enum { MANY = 200000 };
  unsigned *many = malloc((MANY + 1) * sizeof *many);
  (void)state;
  for (int turn = 0; turn < 2; turn++) { /* the second one finds the room of the first */
    called = last_called = 0;
    in_order = true;
    for (int time = 0; time < 2; time++) {
      for (unsigned i = 1; i <= MANY; i++) {
        many[i] = i;
        tl_loop_later(loop, count, &many[i]);
      }
    }
    for (unsigned i = 1; i <= MANY; i += 2) tl_loop_forget(loop, count, &many[i]);
    tl_loop_run(loop);
    assert_int_equal(called, MANY / 2);
    assert_true(in_order);
  }
  free(many);
}

static void keeps_many_at_the_end (void **state) {
  static char many[TL_LOOP_LAST * 2];
  (void)state;
  for (size_t i = 0; i < sizeof many; i++) {
    assert_int_equal(tl_loop_last(loop, later_a, &many[i]), 0);
    assert_int_equal(tl_loop_last(loop, later_a, &many[i]), 0);
  }
  tl_loop_forget(loop, later_a, &many[1]);
  tl_loop_run(loop);
  assert_int_equal(strlen(trace), sizeof many - 1);
}

static void asking_from_inside_means_the_next_wake_up_which_comes_at_once (void **state) {
  (void)state;
  again = 3;
  tl_loop_later(loop, later_self, NULL);
  tl_loop_later(loop, later_c_asks_a, NULL);
  tl_loop_run(loop);
  assert_string_equal(trace, "scsass");
}

static void fired (void *ctx) {
  note(ctx);
  tl_loop_later(loop, later_a, NULL);
}
static void fired_and_stop (void *ctx) {
  note(ctx);
  tl_loop_later(loop, later_b, NULL);
  tl_loop_stop(loop);
}

static void stop (void *ctx) {
  (void)ctx;
  tl_loop_stop(loop);
}

static void runs_behind_timers_and_before_the_loop_waits (void **state) {
  (void)state;
  assert_int_equal(tl_timer_new(&timer, loop, fired, "1"), 0);
  assert_int_equal(tl_timer_new(&timer2, loop, fired, "2"), 0);
  tl_timer_at(timer, tl_loop_now(loop));
  tl_timer_at(timer2, tl_loop_now(loop) - 5); /* in the past: at once */
  uv_run(tl_loop_uv(loop), UV_RUN_NOWAIT);
  assert_true(strcmp(trace, "12a") == 0 || strcmp(trace, "21a") == 0);
  tl_timer_close(timer);
  tl_timer_close(timer2);
}

static void runs_what_was_asked_for_before_a_stop (void **state) {
  (void)state;
  assert_int_equal(tl_timer_new(&timer, loop, fired_and_stop, "1"), 0);
  tl_timer_at(timer, tl_loop_now(loop));
  tl_loop_run(loop);
  assert_string_equal(trace, "1b");
  tl_timer_close(timer);
}

static void what_was_taken_back_from_the_end_keeps_nobody_awake (void **state) {
  (void)state;
  tl_loop_last(loop, later_a, NULL);
  tl_loop_forget(loop, later_a, NULL);
  assert_int_equal(tl_timer_new(&timer, loop, stop, NULL), 0);
  tl_timer_at(timer, tl_loop_now(loop) + 50);
  uint64_t turn = tl_loop_turn(loop);
  tl_loop_run(loop);
  assert_string_equal(trace, "");
  assert_true(tl_loop_turn(loop) - turn < 10); /* it waited */
  tl_timer_close(timer);
}

static int64_t fired_at;
static void note_time (void *ctx) {
  (void)ctx;
  fired_at = tl_loop_now(loop);
  note("t");
}

/* What takes long: three of them, each of which uses `cost` ticks of the processor. */
static struct {
  tl_heavy h;
  const char *name;
} heavy[3];
static uint32_t cost;
static int rounds;
static uint64_t turns[16];

static void run_heavy_one (tl_heavy *h) {
  for (size_t i = 0; i < 3; i++) {
    if (h != &heavy[i].h) continue;
    turns[strlen(trace)] = tl_loop_turn(loop);
    note(heavy[i].name);
  }
  tl_clock_busy += cost;
  if (rounds-- > 0) tl_heavy_wait(loop, h);
}

static void make_heavy (uint32_t ticks, int more) {
  static const char *const names[] = { "x", "y", "z" };
  cost = ticks;
  rounds = more;
  memset(heavy, 0, sizeof heavy);
  for (int i = 0; i < 3; i++) {
    heavy[i].h.run = run_heavy_one;
    heavy[i].name = names[i];
    tl_heavy_wait(loop, &heavy[i].h);
    tl_heavy_wait(loop, &heavy[i].h); /* harmless */
  }
}

static void what_takes_long_takes_turns (void **state) {
  (void)state;
  make_heavy(100, 6);
  assert_int_equal(tl_loop_later(loop, later_a, NULL), 0);
  tl_loop_run(loop);
  assert_string_equal(trace, "axyzxyzxyz");
  for (int i = 2; i < 10; i++) assert_true(turns[i] > turns[i - 1]); /* one in each turn */
}

static void what_is_quick_shares_a_turn_and_waits_for_the_next_when_it_asks_again (void **state) {
  (void)state;
  make_heavy(1, 3);
  tl_loop_run(loop);
  assert_string_equal(trace, "xyzxyz");
  assert_int_equal(turns[0], turns[2]);
  assert_true(turns[3] > turns[2]);
}

static uint32_t used = 8; /* ticks: more than 25 ms, and less than 50 */

static void use_the_turn (void *ctx) {
  note("u");
  tl_clock_busy += used;
  if (again-- > 0) assert_int_equal(tl_loop_later(loop, use_the_turn, ctx), 0);
}

static void a_turn_that_messages_used_up_gives_the_next_to_what_waits (void **state) {
  (void)state;
  again = 3;
  assert_int_equal(tl_loop_later(loop, use_the_turn, NULL), 0);
  make_heavy(100, 0);
  tl_loop_run(loop);
  assert_string_equal(trace, "uuxuuyz");
}

/* A message that came during one long call finds no second one before it. */
static void a_turn_with_a_long_call_is_followed_by_no_other_long_call (void **state) {
  (void)state;
  again = 9;
  used = 100;
  assert_int_equal(tl_loop_later(loop, use_the_turn, NULL), 0);
  make_heavy(100, 0);
  tl_loop_run(loop);
  assert_string_equal(trace, "uuuuuuuuuxuyz"); /* but it waits for eight of them, not for ever */
  used = 8;
}

static bool busy[3];

static void note_busy (void *ctx) {
  (void)ctx;
  busy[again] = tl_loop_is_busy(loop);
  if (again == 1) tl_clock_busy += 100;
  if (again-- > 0) assert_int_equal(tl_loop_later(loop, note_busy, NULL), 0);
}

static void a_loop_is_busy_in_the_turn_after_a_long_call_and_while_something_waits (void **state) {
  (void)state;
  again = 2;
  assert_int_equal(tl_loop_later(loop, note_busy, NULL), 0);
  tl_loop_run(loop);
  assert_false(busy[2]);
  assert_false(busy[1]); /* before its call */
  assert_true(busy[0]);
  assert_false(tl_loop_is_busy(loop));
  make_heavy(1, 0);
  assert_true(tl_loop_is_busy(loop));
  tl_loop_run(loop);
  assert_false(tl_loop_is_busy(loop));
}

static void what_was_quick_goes_first_and_leaves_every_second_turn (void **state) {
  (void)state;
  make_heavy(8, 0);
  for (int i = 0; i < 2; i++) {
    tl_heavy_forget(loop, &heavy[i].h);
    tl_heavy_wait_ahead(loop, &heavy[i].h, false);
  }
  tl_loop_run(loop);
  assert_string_equal(trace, "xyz");
  assert_int_equal(turns[1], turns[2]);
  assert_true(turns[1] > turns[0]);
  trace[0] = '\0';
  make_heavy(1, 0);
  tl_heavy_forget(loop, &heavy[2].h);
  tl_heavy_wait_ahead(loop, &heavy[2].h, false);
  tl_loop_run(loop);
  assert_string_equal(trace, "zxy");
  assert_int_equal(turns[0], turns[2]);
}

/* The turn is used, but what was quick does not wait for the next one. */
static void what_was_quick_is_called_in_a_turn_that_is_used (void **state) {
  (void)state;
  again = 1;
  assert_int_equal(tl_loop_later(loop, use_the_turn, NULL), 0);
  make_heavy(1, 0);
  tl_heavy_forget(loop, &heavy[1].h);
  tl_heavy_wait_ahead(loop, &heavy[1].h, false);
  tl_loop_run(loop);
  assert_string_equal(trace, "uyuxz");
}

/* Two that wait ahead become slow: who is trusted does not wait for both. When that one is slow,
** too, the next turn is theirs. */
static void what_is_trusted_goes_before_what_was_quick (void **state) {
  (void)state;
  make_heavy(100, 0);
  for (int i = 0; i < 3; i++) {
    tl_heavy_forget(loop, &heavy[i].h);
    tl_heavy_wait_ahead(loop, &heavy[i].h, i == 2);
  }
  tl_loop_run(loop);
  assert_string_equal(trace, "zxy");
  assert_true(turns[1] > turns[0]);
  assert_true(turns[2] > turns[1]);
  trace[0] = '\0';
  make_heavy(1, 0);
  for (int i = 0; i < 3; i++) {
    tl_heavy_forget(loop, &heavy[i].h);
    tl_heavy_wait_ahead(loop, &heavy[i].h, i == 2);
  }
  tl_loop_run(loop);
  assert_string_equal(trace, "zxy");
  assert_int_equal(turns[0], turns[2]);
}

/* A turn with a long call has no second one of what was quick: that waits for the next turn, but
** for eight such turns at most. What is short for certain does not wait. */
static void a_long_call_holds_back_what_was_quick_and_not_what_is_short (void **state) {
  (void)state;
  for (int trusted = 0; trusted < 2; trusted++) {
    again = 9;
    used = 100;
    trace[0] = '\0';
    assert_int_equal(tl_loop_later(loop, use_the_turn, NULL), 0);
    make_heavy(100, 0);
    for (int i = 1; i < 3; i++) tl_heavy_forget(loop, &heavy[i].h);
    tl_heavy_wait_ahead(loop, &heavy[1].h, trusted);
    tl_heavy_wait_first(loop, &heavy[2].h);
    tl_loop_run(loop);
    assert_string_equal(trace, "uzuuuuuuuuyux");
  }
  used = 8;
}

static void use_the_trusted_turn (tl_heavy *h) {
  note("t");
  tl_clock_busy += 8;
  if (again-- > 0) tl_heavy_wait_ahead(loop, h, true);
}

/* What is trusted uses all turns: the others go on while they are quick, all of them in one. */
static void what_was_quick_has_a_share_beside_what_is_trusted (void **state) {
  (void)state;
  for (uint32_t ticks = 0; ticks <= 2; ticks += 2) {
    tl_heavy trusted = { .run = use_the_trusted_turn };
    again = 6;
    trace[0] = '\0';
    make_heavy(ticks, 0);
    for (int i = 0; i < 3; i++) {
      tl_heavy_forget(loop, &heavy[i].h);
      tl_heavy_wait_ahead(loop, &heavy[i].h, false);
    }
    tl_heavy_wait_ahead(loop, &trusted, true);
    tl_loop_run(loop);
    assert_string_equal(trace, ticks == 0 ? "ttxyzttttt" : "ttxttyttzt");
  }
}

static void what_waits_may_be_taken_back (void **state) {
  (void)state;
  make_heavy(1, 0);
  tl_heavy_forget(loop, &heavy[0].h);
  tl_heavy_forget(loop, &heavy[2].h);
  tl_heavy_forget(loop, &heavy[2].h); /* harmless */
  tl_loop_run(loop);
  assert_string_equal(trace, "y");
}

static void a_timer_put_off_fires_once_at_the_last_due_time (void **state) {
  (void)state;
  assert_int_equal(tl_timer_new(&timer, loop, note_time, NULL), 0);
  int64_t now = tl_loop_now(loop);
  tl_timer_at(timer, now + 5);
  tl_timer_at(timer, now + 30);
  tl_loop_run(loop);
  assert_string_equal(trace, "t");
  assert_true(fired_at >= now + 30);
  now = tl_loop_now(loop);
  tl_timer_at(timer, now + 60000);
  tl_timer_at(timer, now + 1); /* earlier: moved for real */
  tl_loop_run(loop);
  assert_string_equal(trace, "tt");
  assert_true(fired_at < now + 30000);
  tl_timer_at(timer, now + 60000);
  tl_timer_stop(timer);
  tl_loop_run(loop); /* nothing left: returns */
  tl_timer_at(timer, now + 60000);
  tl_timer_at(timer, INT64_MAX);
  tl_loop_run(loop);
  assert_string_equal(trace, "tt");
  tl_timer_close(timer);
  tl_timer_close(NULL);
}

static void close_itself (void *ctx) {
  (void)ctx;
  note("x");
  tl_timer_close(timer);
}

static void a_timer_may_be_closed_in_its_own_call (void **state) {
  (void)state;
  assert_int_equal(tl_timer_new(&timer, loop, close_itself, NULL), 0);
  tl_timer_at(timer, 0);
  tl_loop_run(loop);
  assert_string_equal(trace, "x");
}

static int closings;
static void on_closed (uv_handle_t *handle) {
  (void)handle;
  closings++;
}

static void a_handle_is_closed_once_however_often_it_is_asked_for (void **state) {
  static uv_timer_t handle;
  (void)state;
  uv_timer_init(tl_loop_uv(loop), &handle);
  assert_true(tl_handle_close((uv_handle_t *)&handle, on_closed));
  assert_false(tl_handle_close((uv_handle_t *)&handle, on_closed));
  tl_loop_run(loop);
  assert_int_equal(closings, 1);
  assert_false(tl_handle_close((uv_handle_t *)&handle, on_closed)); /* closed is closing, too */
  tl_loop_run(loop);
  assert_int_equal(closings, 1);
}

static void the_clock_is_the_monotonic_one (void **state) {
  (void)state;
  tl_loop_update(loop);
  int64_t difference = tl_clock_mono_ms() - tl_loop_now(loop);
  assert_true(difference >= -20 && difference <= 1000);
}

static void on_long_timer (void *ctx) {
  uint64_t began = tl_clock_mono_ns();
  tl_timer_close(*(tl_timer **)ctx);
  while (tl_clock_mono_ns() - began < 30000000) {}
}

/* It is asked for in a turn, so that another turn waits for it: the first one of a run is not timed
   and would see it due if this process had to wait for the processor. */
static void start_long_timer (void *ctx) {
  (void)ctx;
  tl_timer_at(timer, tl_loop_now(loop) + 2);
}

static void run_long_timer (void) {
  assert_int_equal(tl_timer_new(&timer, loop, on_long_timer, &timer), TL_OK);
  tl_loop_later(loop, start_long_timer, NULL);
  tl_loop_run(loop);
}

static void turns_are_timed_when_that_is_asked_for (void **state) {
  (void)state;
  run_long_timer();
  assert_int_equal(tl_loop_longest(loop), 0);
  tl_loop_time_turns(loop, true);
  run_long_timer();
  assert_true(tl_loop_longest(loop) >= 29);
  tl_loop_time_turns(loop, false);
  tl_loop_run(loop);
}

static tl_signal *usr1;
static void on_usr1 (void *ctx, int signum) {
  assert_ptr_equal(ctx, &usr1);
  assert_int_equal(signum, SIGUSR1);
  note("u");
  tl_signal_close(usr1);
}

static void a_signal_comes_from_the_loop (void **state) {
  tl_signal *bad = NULL;
  (void)state;
  assert_int_equal(tl_signal_new(&usr1, loop, SIGUSR1, on_usr1, &usr1), 0);
  raise(SIGUSR1);
  assert_string_equal(trace, "");
  tl_loop_run(loop);
  assert_string_equal(trace, "u");
  assert_int_equal(tl_signal_new(&bad, loop, SIGKILL, on_usr1, NULL), UV_EINVAL);
  assert_null(bad);
}

static void on_readable (uv_poll_t *handle, int status, int events) {
  (void)status, (void)events;
  note("r");
  uv_close((uv_handle_t *)handle, NULL);
}

static void what_has_come_is_read_before_a_signal_is_told (void **state) {
  int ends[2];
  uv_poll_t readable;
  (void)state;
  assert_int_equal(tl_signal_new(&usr1, loop, SIGUSR1, on_usr1, &usr1), 0);
  assert_int_equal(pipe(ends), 0);
  uv_poll_init(tl_loop_uv(loop), &readable, ends[0]);
  uv_poll_start(&readable, UV_READABLE, on_readable);
  raise(SIGUSR1);
  assert_int_equal(write(ends[1], "x", 1), 1);
  tl_loop_run(loop);
  assert_string_equal(trace, "ru");
  close(ends[0]);
  close(ends[1]);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(runs_in_the_order_of_asking_and_once, setup, loop_teardown),
    cmocka_unit_test_setup_teardown(does_not_run_what_was_taken_back, setup, loop_teardown),
    cmocka_unit_test_setup_teardown(keeps_many, setup, loop_teardown),
    cmocka_unit_test_setup_teardown(many_who_ask_again_are_found_at_once, setup, loop_teardown),
    cmocka_unit_test_setup_teardown(keeps_many_at_the_end, setup, loop_teardown),
    cmocka_unit_test_setup_teardown(asking_from_inside_means_the_next_wake_up_which_comes_at_once,
                                    setup, loop_teardown),
    cmocka_unit_test_setup_teardown(runs_behind_timers_and_before_the_loop_waits, setup,
                                    loop_teardown),
    cmocka_unit_test_setup_teardown(runs_what_was_asked_for_before_a_stop, setup, loop_teardown),
    cmocka_unit_test_setup_teardown(what_was_taken_back_from_the_end_keeps_nobody_awake, setup,
                                    loop_teardown),
    cmocka_unit_test_setup_teardown(what_takes_long_takes_turns, setup, loop_teardown),
    cmocka_unit_test_setup_teardown(
        what_is_quick_shares_a_turn_and_waits_for_the_next_when_it_asks_again, setup,
        loop_teardown),
    cmocka_unit_test_setup_teardown(a_turn_that_messages_used_up_gives_the_next_to_what_waits,
                                    setup, loop_teardown),
    cmocka_unit_test_setup_teardown(a_turn_with_a_long_call_is_followed_by_no_other_long_call,
                                    setup, loop_teardown),
    cmocka_unit_test_setup_teardown(
        a_loop_is_busy_in_the_turn_after_a_long_call_and_while_something_waits, setup,
        loop_teardown),
    cmocka_unit_test_setup_teardown(what_was_quick_goes_first_and_leaves_every_second_turn, setup,
                                    loop_teardown),
    cmocka_unit_test_setup_teardown(what_is_trusted_goes_before_what_was_quick, setup,
                                    loop_teardown),
    cmocka_unit_test_setup_teardown(a_long_call_holds_back_what_was_quick_and_not_what_is_short,
                                    setup, loop_teardown),
    cmocka_unit_test_setup_teardown(what_was_quick_has_a_share_beside_what_is_trusted, setup,
                                    loop_teardown),
    cmocka_unit_test_setup_teardown(what_was_quick_is_called_in_a_turn_that_is_used, setup,
                                    loop_teardown),
    cmocka_unit_test_setup_teardown(what_waits_may_be_taken_back, setup, loop_teardown),
    cmocka_unit_test_setup_teardown(a_timer_put_off_fires_once_at_the_last_due_time, setup,
                                    loop_teardown),
    cmocka_unit_test_setup_teardown(a_timer_may_be_closed_in_its_own_call, setup, loop_teardown),
    cmocka_unit_test_setup_teardown(a_handle_is_closed_once_however_often_it_is_asked_for, setup,
                                    loop_teardown),
    cmocka_unit_test_setup_teardown(the_clock_is_the_monotonic_one, setup, loop_teardown),
    cmocka_unit_test_setup_teardown(turns_are_timed_when_that_is_asked_for, setup, loop_teardown),
    cmocka_unit_test_setup_teardown(a_signal_comes_from_the_loop, setup, loop_teardown),
    cmocka_unit_test_setup_teardown(what_has_come_is_read_before_a_signal_is_told, setup,
                                    loop_teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

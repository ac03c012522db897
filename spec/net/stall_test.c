/* spec/net/stall_test.c — a loop that turns is left alone, one that does not is ended with words.
*/
#include <sched.h>

#include "base/starved.h"

/* The file is compiled in here: whether other programs have the processor is decided here. */
static uint64_t (*starve)(void);

static uint64_t starved_here (const char *path) { return starve ? starve() : tl_starved_ns(path); }

#define tl_starved_ns starved_here
#include "net/stall.c"
#undef tl_starved_ns

#include <sys/prctl.h>
#include <sys/wait.h>

#include "net/net_support.h"

static tl_stall *stall;
static int beats, out = -1;
static int64_t limit, told_limit; /* ms: what the loop's thread says when it is asked */

static void on_beat (void *ctx) {
  (void)ctx;
  beats++;
}
static void on_where (void *ctx, tl_stall_note *note) {
  (void)ctx;
  tl_stall_add(note, "in the spec\nand nowhere else");
}
static int64_t on_limit (void *ctx, bool told) { return (void)ctx, told ? told_limit : limit; }
static void on_why (void *ctx, const char *told, double held_s, char *text, size_t room) {
  (void)ctx;
  snprintf(text, room, "%s: held for %.3f s", told ? told : "not told", held_s);
}
static void on_say (void *ctx, const char *line) {
  (void)ctx;
  (void)!write(out, line, strlen(line));
  (void)!write(out, "\n", 1);
}
void __gcov_dump (void) __attribute__((weak));
static int on_end (void *ctx) {
  on_say(ctx, "the end");
  if (__gcov_dump) __gcov_dump(); /* the process ends without its exit handlers */
  return 3;
}
static const tl_stall_events events = { on_beat, on_where, on_limit, on_why, on_say, on_end };

static void asks_a_loop_that_waits_and_lets_it_be (void **state) {
  (void)state;
  beats = 0;
  assert_int_equal(tl_stall_watch(&stall, loop, 1500, 0, &events, NULL), 0);
  RUN_UNTIL(beats >= 8); /* longer than the limit */
  tl_stall_set_limit(stall, 0);
  tl_stall_close(stall);
  tl_stall_close(NULL);
}

static void does_not_keep_the_loop (void **state) {
  (void)state;
  assert_int_equal(tl_stall_watch(&stall, loop, 60000, 0, &events, NULL), 0);
  tl_loop_run(loop); /* returns: there is nothing else */
  tl_stall_close(stall);
}

static void beats_as_often_as_it_is_asked_for (void **state) {
  (void)state;
  beats = 0;
  assert_int_equal(tl_stall_watch(&stall, loop, 0, 40, &events, NULL), 0);
  int64_t began = tl_clock_mono_ms();
  RUN_UNTIL(beats >= 5);
  assert_in_range(tl_clock_mono_ms() - began, 50, DEADLINE_MS); /* and not all the time */
  tl_stall_close(stall);
}

static void stand_still (uv_timer_t *timer) {
  (void)timer;
  for (;;) pause();
}

/* Told again and again, as by `while kill PID; do sleep 0.1; done`. */
static void stand_still_and_be_told (uv_timer_t *timer) {
  (void)timer;
  alarm(DEADLINE_MS / 1000);
  for (;;) {
    tl_stall_hurry("SIGTERM");
    poll(NULL, 0, 5);
  }
}

/* What the loop of see_the_end() is held by. */
static void (*stands_still)(uv_timer_t *timer) = stand_still;

/* A process whose loop stands still, and the watch over it, which knows of `known` ms. Returns what
** was said when it has ended. */
static const char *see_the_end (int64_t known, const char *told) {
  static char text[20000];
  uv_timer_t timer;
  size_t len = 0;
  int ends[2], status;
  assert_int_equal(pipe(ends), 0);
  pid_t child = fork();
  if (child == 0) {
    out = ends[1];
    assert_int_equal(uv_loop_fork(tl_loop_uv(loop)), 0);
    uv_timer_init(tl_loop_uv(loop), &timer);
    uv_timer_start(&timer, stands_still, 0, 0);
    if (told) tl_stall_hurry(told);
    assert_int_equal(tl_stall_watch(&stall, loop, known, 0, &events, NULL), 0);
    tl_loop_run(loop);
    _exit(7);
  }
  close(ends[1]);
  for (ssize_t n; len < sizeof text - 1; len += (size_t)n)
    if ((n = read(ends[0], text + len, sizeof text - 1 - len)) <= 0) break;
  text[len] = '\0';
  close(ends[0]);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 3);
  return text;
}

static void ends_a_process_whose_loop_stands_still_and_says_where (void **state) {
  (void)state;
  limit = 100;
  const char *text = see_the_end(100, NULL);
  assert_memory_equal(text, "not told: held for 0.1", 22);
  assert_non_null(strstr(text, "\nin the spec\nand nowhere else\nthe C functions, "));
  assert_non_null(strstr(text, "pause"));
  assert_non_null(strstr(text, "\nthe end\n"));
}

static void leaves_it_as_long_as_what_holds_it_may (void **state) {
  (void)state;
  limit = 300;
  assert_memory_equal(see_the_end(50, NULL), "not told: held for 0.3", 22);
}

static void ends_one_that_was_told_to_end_though_it_may_stand_still_for_ever (void **state) {
  (void)state;
  limit = 0;
  told_limit = 1200;
  assert_memory_equal(see_the_end(0, "SIGTERM"), "SIGTERM: held for 1.", 20);
}

static void ends_one_that_is_told_again_and_again (void **state) {
  (void)state;
  limit = 0;
  told_limit = 1200;
  stands_still = stand_still_and_be_told;
  assert_memory_equal(see_the_end(0, NULL), "SIGTERM: held for 1.", 20);
  stands_still = stand_still;
}

static volatile int looks;

static uint64_t always_starved (void) {
  looks++;
  return tl_clock_mono_ns();
}

static void wait_for_many_looks (uv_timer_t *timer) {
  int before = looks;
  while (looks - before < 20) sched_yield();
  uv_stop(timer->loop);
}

/* Twenty looks of a sixth of the limit each: the loop was ready to run, and did not get to. */
static void others_that_have_the_processor_end_nothing (void **state) {
  static uv_timer_t timer;
  (void)state;
  starve = always_starved;
  uv_timer_init(tl_loop_uv(loop), &timer);
  uv_timer_start(&timer, wait_for_many_looks, 0, 0);
  assert_int_equal(tl_stall_watch(&stall, loop, 60, 0, &events, NULL), 0);
  tl_loop_run(loop);
  starve = NULL;
  tl_stall_close(stall);
  uv_close((uv_handle_t *)&timer, NULL);
}

static uint64_t count_looks (void) {
  looks++;
  return 0;
}

/* Each time that it is heard, the time is counted anew. */
static void before_the_loop_runs_it_is_told_that_things_go_on (void **state) {
  (void)state;
  looks = 0;
  starve = count_looks;
  assert_int_equal(tl_stall_watch(&stall, loop, 0, 20, &events, NULL), 0);
  for (int i = 1; i <= 3; i++) {
    while (looks < i) sched_yield();
    tl_stall_turned(stall);
  }
  while (looks < 4) sched_yield();
  starve = NULL;
  tl_stall_close(stall);
}

static void tells_a_thread_that_could_run_from_one_that_waits (void **state) {
  char path[40];
  (void)state;
  pid_t child = fork();
  if (child == 0)
    for (;;) pause();
  snprintf(path, sizeof path, "/proc/%d/stat", (int)child);
  while (tl_is_ready(path)) sched_yield();
  assert_int_equal(kill(child, SIGKILL), 0);
  assert_int_equal(waitpid(child, NULL, 0), child);
  assert_false(tl_is_ready(path)); /* there is none */
  assert_int_equal(prctl(PR_SET_NAME, ") S ("), 0);
  assert_true(tl_is_ready("/proc/thread-self/stat"));
}

static void a_note_is_cut_where_it_is_full (void **state) {
  static tl_stall_note note;
  (void)state;
  for (int i = 0; i < 1000; i++) tl_stall_add(&note, "twelve bytes");
  assert_int_equal(note.len, sizeof note.text - 1);
  assert_int_equal(strlen(note.text), note.len);
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, loop_setup, loop_teardown)
int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(asks_a_loop_that_waits_and_lets_it_be),
    SPEC(does_not_keep_the_loop),
    SPEC(beats_as_often_as_it_is_asked_for),
    SPEC(ends_a_process_whose_loop_stands_still_and_says_where),
    SPEC(leaves_it_as_long_as_what_holds_it_may),
    SPEC(ends_one_that_was_told_to_end_though_it_may_stand_still_for_ever),
    SPEC(ends_one_that_is_told_again_and_again),
    SPEC(before_the_loop_runs_it_is_told_that_things_go_on),
    SPEC(tells_a_thread_that_could_run_from_one_that_waits),
    SPEC(others_that_have_the_processor_end_nothing),
    SPEC(a_note_is_cut_where_it_is_full),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

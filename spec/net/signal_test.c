/* spec/net/signal_test.c — a signal's handler: what it must not touch, and which thread it is for. */
#include <pthread.h>

#include "net/net_support.h"

static tl_signal *usr1;
static int calls, calls_at_once;
static pthread_t loops; /* the thread in which the handler acts */

static void on_usr1 (void *ctx, int signum) {
  assert_ptr_equal(ctx, &usr1);
  assert_int_equal(signum, SIGUSR1);
  calls++;
  tl_signal_close(usr1);
}

static void spoil_errno (int signum) {
  assert_int_equal(signum, SIGUSR1);
  assert_true(pthread_equal(pthread_self(), loops));
  calls_at_once++;
  errno = EXDEV;
}

static int setup (void **state) {
  calls = calls_at_once = 0;
  loops = pthread_self();
  return loop_setup(state);
}

static void what_is_interrupted_keeps_its_errno (void **state) {
  (void)state;
  assert_int_equal(tl_signal_new(&usr1, loop, SIGUSR1, on_usr1, &usr1), 0);
  tl_signal_at_once(usr1, spoil_errno);
  errno = EDOM;
  raise(SIGUSR1);
  assert_int_equal(errno, EDOM);
  assert_int_equal(calls_at_once, 1);
  tl_loop_run(loop);
  assert_int_equal(calls, 1);
}

static void *raise_here (void *arg) {
  (void)arg;
  raise(SIGUSR1);
  return NULL;
}

static void one_that_another_thread_gets_comes_to_the_loops (void **state) {
  pthread_t other;
  (void)state;
  assert_int_equal(tl_signal_new(&usr1, loop, SIGUSR1, on_usr1, &usr1), 0);
  tl_signal_at_once(usr1, spoil_errno);
  assert_int_equal(pthread_create(&other, NULL, raise_here, NULL), 0);
  assert_int_equal(pthread_join(other, NULL), 0);
  tl_loop_run(loop);
  assert_int_equal(calls_at_once, 1);
  assert_int_equal(calls, 1);
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, setup, loop_teardown)
int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(what_is_interrupted_keeps_its_errno),
    SPEC(one_that_another_thread_gets_comes_to_the_loops),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

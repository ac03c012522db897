/* spec/net/signal_test.c — a signal's handler: what it must not touch, and from when on it hears.
*/
#include <signal.h>
#include <stdbool.h>

/* The file is compiled in here: a signal comes as soon as there is a handler, and before the
** function that sets it returns. */
static bool at_once_there;

static int set_handler (int signum, const struct sigaction *action, struct sigaction *before) {
  int rc = sigaction(signum, action, before);
  if (rc == 0 && at_once_there) raise(signum);
  return rc;
}

#define sigaction(signum, action, before) set_handler(signum, action, before)
#include "net/signal.c"
#undef sigaction

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

static void one_that_comes_as_soon_as_it_is_heard_is_not_lost (void **state) {
  (void)state;
  at_once_there = true;
  assert_int_equal(tl_signal_new(&usr1, loop, SIGUSR1, on_usr1, &usr1), 0);
  at_once_there = false;
  assert_true(tl_signal_is_due(usr1));
  tl_signal_at_once(usr1, spoil_errno);
  assert_int_equal(calls_at_once, 1);
  assert_int_equal(calls, 0);
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

static void a_number_that_has_no_handler_is_told (void **state) {
  (void)state;
  tl_signal *bad = NULL;
  assert_int_equal(tl_signal_new(&bad, loop, SIGKILL, on_usr1, NULL), UV_EINVAL);
  assert_null(bad);
  assert_null(heard[SIGKILL].signal);
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, setup, loop_teardown)
int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(what_is_interrupted_keeps_its_errno),
    SPEC(one_that_comes_as_soon_as_it_is_heard_is_not_lost),
    SPEC(one_that_another_thread_gets_comes_to_the_loops),
    SPEC(a_number_that_has_no_handler_is_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

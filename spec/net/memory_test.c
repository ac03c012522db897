/* spec/net/memory_test.c — libuv without memory: it goes on with the reserve, and a process that
** cannot says why it ends. */
#include "net/net_support.h"

#include <sys/wait.h>

#include <stdlib.h>

static bool failing;

static void *spec_realloc (void *at, size_t n) { return failing ? NULL : realloc(at, n); }
static void *spec_malloc (size_t n) { return failing ? NULL : malloc(n); }

#define realloc spec_realloc
#define malloc spec_malloc
#include "net/memory.c"
#undef realloc
#undef malloc

static uv_loop_t own;

static void on_event (uv_poll_t *poll, int status, int events) {
  (void)status;
  (void)events;
  uv_poll_stop(poll);
}

/* Watch a descriptor with this number. */
static void watch (int number, uv_poll_t *poll) {
  int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, number), ends[2];
  assert_true(fd >= number);
  assert_int_equal(pipe(ends), 0);
  dup2(ends[0], fd);
  close(ends[0]);
  close(ends[1]);
  assert_int_equal(uv_poll_init(&own, poll, fd), 0);
  assert_int_equal(uv_poll_start(poll, UV_READABLE, on_event), 0);
}

static void stop (uv_poll_t *poll) {
  uv_os_fd_t fd;
  uv_fileno((uv_handle_t *)poll, &fd);
  uv_close((uv_handle_t *)poll, NULL);
  uv_run(&own, UV_RUN_DEFAULT);
  close(fd);
}

static int setup (void **state) {
  (void)state;
  failing = false;
  tl_net_memory_begin();
  return 0;
}

static int teardown (void **state) {
  (void)state;
  failing = false;
  return uv_loop_close(&own);
}

static void a_loop_begins_without_memory_for_its_table (void **state) {
  (void)state;
  failing = true;
  assert_int_equal(uv_loop_init(&own), 0);
  assert_true(lent);
}

static void a_table_moves_to_the_reserve_and_back (void **state) {
  uv_poll_t first, second, third;
  (void)state;
  assert_int_equal(uv_loop_init(&own), 0);
  watch(40, &first);
  assert_false(lent);
  failing = true;
  watch(100, &second); /* the table has doubled, and more */
  assert_true(lent);
  watch(200, &third); /* and again, where it is */
  stop(&third);
  failing = false;
  watch(600, &third);
  assert_false(lent);
  stop(&third);
  stop(&second);
  stop(&first);
}

static void a_process_that_cannot_go_on_says_why (void **state) {
  int ends[2], status = 0;
  char said[300] = "";
  (void)state;
  assert_int_equal(uv_loop_init(&own), 0);
  assert_int_equal(pipe(ends), 0);
  pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    failing = true;
    lent = true;
    grow(NULL, 100);
    _exit(77);
  }
  close(ends[1]);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(read(ends[0], said, sizeof said - 1) > 0);
  close(ends[0]);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 1);
  assert_non_null(strstr(said, "out of memory for one more descriptor"));
}

int main (void) {
#define SPEC(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest specs[] = {
    SPEC(a_loop_begins_without_memory_for_its_table),
    SPEC(a_table_moves_to_the_reserve_and_back),
    SPEC(a_process_that_cannot_go_on_says_why),
  };
  return cmocka_run_group_tests_name("net memory", specs, NULL, NULL);
}

/* spec/net/sink_full_test.c — a file as standard output, on a disk that has no room. */
#include <stddef.h>
#include <sys/types.h>
#include <unistd.h>

/* The file is compiled in here: whether a disk has room is decided here. */
static ssize_t write_here (int fd, const void *at, size_t n);

#define write write_here
#include "net/sink.c"
#undef write

#include "net/net_support.h"

static tl_sink *sink;
static int drains, told;
static char said[200];
static size_t room = SIZE_MAX; /* bytes */

static ssize_t write_here (int fd, const void *at, size_t n) {
  if (room == 0) return errno = ENOSPC, -1;
  if (n > room) n = room;
  if (room != SIZE_MAX) room -= n;
  return write(fd, at, n);
}

static void on_drained (void *ctx) { *(int *)ctx += 1; }
static void on_failed (void *ctx, int code, const char *text) {
  (void)ctx;
  fail_msg("%d: %s", code, text);
}
static void on_full (void *ctx, const char *why) {
  assert_ptr_equal(ctx, &drains);
  told++;
  snprintf(said, sizeof said, "%s", why ? why : "written again");
}

static void waits_for_room_says_so_once_and_goes_on_where_it_was (void **state) {
  FILE *file = tmpfile();
  char in[8] = "";
  (void)state;
  assert_int_equal(tl_sink_new(&sink, loop, fileno(file), on_drained, on_failed, &drains), 0);
  assert_int_equal(tl_sink_wait_for_room(sink, on_full), 0);
  room = 5;
  tl_buf_str(tl_sink_buf(sink), "abc\ndef\n");
  assert_false(tl_sink_flush(sink)); /* half a line is written */
  assert_false(tl_sink_flush(sink));
  RUN_UNTIL(told == 1);
  assert_memory_equal(said, "write to descriptor ", 20);
  assert_non_null(strstr(said, ": no space left on device"));
  assert_string_equal(tl_sink_why(sink), "no space left on device");
  assert_int_equal(tl_sink_pending(sink), 3);
  room = SIZE_MAX;
  RUN_UNTIL(drains == 1); /* tried again by itself */
  RUN_UNTIL(told == 2);
  assert_string_equal(said, "written again");
  assert_null(tl_sink_why(sink));
  assert_int_equal(pread(fileno(file), in, sizeof in, 0), 8);
  assert_memory_equal(in, "abc\ndef\n", 8);
  room = 0;
  tl_buf_str(tl_sink_buf(sink), "x");
  assert_false(tl_sink_flush(sink));
  tl_sink_close(sink); /* given up: nothing is called any more */
  tl_loop_run(loop);
  fclose(file);
  assert_int_equal(told, 2);
}

static void what_is_no_file_fails (void **state) {
  int null = open("/dev/null", O_WRONLY);
  (void)state;
  assert_int_equal(tl_sink_new(&sink, loop, null, on_drained, on_failed, &drains), 0);
  assert_int_equal(tl_sink_wait_for_room(sink, on_full), 0);
  assert_null(sink->again);
  tl_sink_close(sink);
  close(null);
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, loop_setup, loop_teardown)
int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(waits_for_room_says_so_once_and_goes_on_where_it_was),
    SPEC(what_is_no_file_fails),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* spec/files/log_writer_test.c — the log's queue: in order, bounded, and never in the way of who
** logs. */
#include "support/spec.h"

#include <fcntl.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <unistd.h>

/* The file is compiled in here: whether a disk has room is decided here. */
static ssize_t write_here (int fd, const void *at, size_t n);

#define write write_here
#include "files/log_writer.c"
#undef write

static size_t room = SIZE_MAX; /* bytes; under the lock */
static sem_t is_full_now;

static ssize_t write_here (int fd, const void *at, size_t n) {
  pthread_mutex_lock(&q.lock);
  size_t fits = n < room ? n : room;
  if (room != SIZE_MAX) room -= fits;
  pthread_mutex_unlock(&q.lock);
  if (fits > 0) return write(fd, at, fits);
  sem_post(&is_full_now);
  errno = ENOSPC;
  return -1;
}

static void set_room (size_t n) {
  pthread_mutex_lock(&q.lock);
  room = n;
  pthread_mutex_unlock(&q.lock);
}

static int ends[2];
static tl_buf got;

static int begin (void **state) {
  (void)state;
  signal(SIGPIPE, SIG_IGN);
  tl_buf_init(&got);
  return pipe2(ends, O_CLOEXEC);
}

static int finish (void **state) {
  (void)state;
  tl_buf_fini(&got);
  return 0;
}

/* All that comes until the end; the other side must be closed. */
static void read_all (void) {
  for (ssize_t n = 1; n > 0;) {
    assert_int_equal(tl_buf_reserve(&got, 65536), 0);
    n = read(ends[0], got.at + got.len, 65536);
    if (n > 0) got.len += (size_t)n;
  }
  tl_buf_byte(&got, 0);
}

static void writes_all_in_order_and_then_ends (void **state) {
  char want[40];
  (void)state;
  assert_true(tl_log_writer_start(ends[1]));
  assert_true(tl_log_writer_start(ends[1])); /* again is harmless */
  for (int i = 0; i < 500; i++) tl_log(TL_LOG_INFO, "n", "line %d.", i);
  tl_log_print(TL_LIT("printed"));
  assert_true(tl_log_writer_end());
  assert_true(tl_log_writer_end());
  close(ends[1]);
  read_all();
  char *at = (char *)got.at;
  for (int i = 0; i < 500; i++) {
    snprintf(want, sizeof want, " INFO  n: line %d.\n", i);
    at = strstr(at, want);
    assert_non_null(at);
  }
  assert_non_null(strstr(at, ".\nprinted\n"));
  close(ends[0]);
}

/* Lines in got from *at on, and how many others are missing, as some lines say. No sscanf(): it
** measures all that follows, once for each line. */
static size_t count_lines (size_t *at, size_t *missing) {
  static const char note[] = " WARN  ";
  size_t n = 0;
  while (*at < got.len) {
    const char *line = (const char *)got.at + *at, *end = strchr(line, '\n');
    assert_non_null(end);
    if (strncmp(line + 24, note, sizeof note - 1) == 0)
      *missing += strtoul(line + 24 + sizeof note - 1, NULL, 10);
    else
      n++;
    *at += (size_t)(end - line) + 1;
  }
  return n;
}

static void what_nobody_reads_is_dropped_counted_and_said (void **state) {
  enum { LINES = 30000 };
  size_t missing = 0, counted = 0;
  (void)state;
  assert_true(tl_log_writer_start(ends[1]));
  for (int i = 0; i < LINES; i++) tl_log(TL_LOG_INFO, NULL, "%060d", i); /* 2.8 MB, and returns */
  assert_false(tl_log_writer_end());                                     /* nobody reads */
  tl_log(TL_LOG_INFO, NULL, "behind the gap");
  assert_int_equal(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0); /* others share it */
  int copy = dup(ends[0]);
  struct pollfd p = { .fd = copy, .events = POLLIN };
  size_t lines = 0;
  while (missing + lines < LINES + 1) { /* it goes on when somebody reads again */
    assert_int_equal(poll(&p, 1, 90000), 1);
    assert_int_equal(tl_buf_reserve(&got, 65536), 0);
    ssize_t n = read(copy, got.at + got.len, 65536);
    assert_true(n > 0);
    got.len += (size_t)n;
    if (got.at[got.len - 1] != '\n') continue;
    tl_buf_byte(&got, 0);
    got.len--;
    lines += count_lines(&counted, &missing);
  }
  assert_true(missing > LINES / 2);
  close(copy);
  assert_true(tl_log_writer_end());
  close(ends[0]);
  close(ends[1]);
}

/* Half a line fits; more lines than the queue holds wait for room, and it is said what is
** missing. */
static void lines_of_a_file_wait_for_room_on_its_disk (void **state) {
  FILE *file = tmpfile();
  (void)state;
  sem_init(&is_full_now, 0, 0);
  set_room(30);
  assert_true(tl_log_writer_start(fileno(file)));
  tl_log(TL_LOG_INFO, NULL, "the first line");
  while (sem_wait(&is_full_now) != 0) continue;
  for (int i = 0; i < 12000; i++) tl_log(TL_LOG_INFO, NULL, "%0100d", i);
  while (sem_wait(&is_full_now) != 0) continue; /* it tries again */
  set_room(SIZE_MAX);
  tl_log(TL_LOG_INFO, NULL, "the last line");
  while (!tl_log_writer_end()) continue;
  assert_int_equal(tl_buf_reserve(&got, 2 << 20), 0);
  ssize_t n = pread(fileno(file), got.at, 2 << 20, 0);
  assert_true(n > 0);
  got.at[n] = '\0';
  char *at = (char *)got.at;
  assert_non_null(strstr(at, " INFO  the first line\n"));
  assert_non_null(strstr(at, " log lines were not written: No space left on device\n"));
  fclose(file);
  close(ends[0]);
  close(ends[1]);
}

static void a_reader_that_is_gone_holds_nobody (void **state) {
  (void)state;
  close(ends[0]);
  assert_true(tl_log_writer_start(ends[1]));
  for (int i = 0; i < 3000; i++) tl_log(TL_LOG_INFO, NULL, "%0100d", i);
  assert_true(tl_log_writer_end());
  close(ends[1]);
}

static void waits_while_others_hold_a_description_that_does_not_block (void **state) {
  (void)state;
  assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
  assert_true(tl_log_writer_start(ends[1]));
  for (int i = 0; i < 3000; i++) tl_log(TL_LOG_INFO, NULL, "%0100d", i);
  size_t total = 0, lines = 0;
  while (lines < 3000) {
    static char piece[65536];
    ssize_t n = read(ends[0], piece, sizeof piece);
    assert_true(n > 0);
    for (ssize_t i = 0; i < n; i++) lines += piece[i] == '\n';
    total += (size_t)n;
  }
  assert_int_equal(total, 3000 * (24 + 7 + 100 + 1));
  assert_true(tl_log_writer_end());
  close(ends[0]);
  close(ends[1]);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(writes_all_in_order_and_then_ends, begin, finish),
    cmocka_unit_test_setup_teardown(what_nobody_reads_is_dropped_counted_and_said, begin, finish),
    cmocka_unit_test_setup_teardown(lines_of_a_file_wait_for_room_on_its_disk, begin, finish),
    cmocka_unit_test_setup_teardown(a_reader_that_is_gone_holds_nobody, begin, finish),
    cmocka_unit_test_setup_teardown(waits_while_others_hold_a_description_that_does_not_block,
                                    begin, finish),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

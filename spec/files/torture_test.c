/* spec/files/torture_test.c — each request for memory and each call that touches a file fails in
** turn: the caller is told, what was in its buffer stays, and no part of a file is left. */
#include "support/torture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "files/append.h"
#include "files/log_writer.h"
#include "files/read.h"

FAILING(open, int, (errno = EMFILE, -1), (const char *path, int flags, mode_t mode),
        (path, flags, mode))
FAILING(stat, int, (errno = EIO, -1), (const char *path, struct stat *st), (path, st))
FAILING(fstat, int, (errno = EIO, -1), (int fd, struct stat *st), (fd, st))
FAILING(opendir, DIR *, (errno = EMFILE, NULL), (const char *path), (path))
FAILING(read, ssize_t, (errno = EIO, -1), (int fd, void *at, size_t n), (fd, at, n))
FAILING(pthread_create, int, EAGAIN,
        (pthread_t * t, const pthread_attr_t *a, void *(*f)(void *), void *arg), (t, a, f, arg))
FAILING(pthread_attr_init, int, ENOMEM, (pthread_attr_t * a), (a))

int __real_close (int fd);
ssize_t __real_write (int fd, const void *at, size_t n);
FAILING(close, int, (__real_close(fd), errno = EDQUOT, -1), (int fd), (fd))

/* How a write fails: nothing of it, half of it, or it was interrupted. */
enum { NOTHING, HALF, INTERRUPTED, WAYS };
static int how;
static ssize_t refused (ssize_t half) {
  errno = how == INTERRUPTED ? EINTR : ENOSPC;
  return how == HALF ? half : -1;
}
FAILING(write, ssize_t, refused(how == HALF ? __real_write(fd, at, n / 2) : 0),
        (int fd, const void *at, size_t n), (fd, at, n))

static char folder[] = "/tmp/tagline-files-XXXXXX";

static int make_folder (void **state) {
  (void)state;
  return mkdtemp(folder) == NULL || chdir(folder) != 0 ? -1 : 0;
}
static int remove_folder (void **state) {
  (void)state;
  unlink("file");
  return chdir("/") != 0 || rmdir(folder) != 0 ? -1 : 0;
}

static const char *content (void) {
  static char text[100];
  int fd = open("file", O_RDONLY, 0);
  ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
  if (fd >= 0) close(fd);
  text[n > 0 ? n : 0] = '\0';
  return text;
}

static int writing (void) {
  int fd = tl_file_create("file", 0600);
  if (fd < 0) return -fd;
  return tl_file_finish(fd, "file", tl_file_add(fd, TL_LIT("all of it")));
}

static void a_new_file_is_whole_or_not_there (void **state) {
  (void)state;
  for (how = NOTHING; how < WAYS; how++)
    for (torture_round t = { 0 }; torture_next(&t);) {
      unlink("file");
      memory_fails(t.at, how == NOTHING && t.for_ever); /* the others would never end */
      int why = writing();
      memory_heals();
      if (why == 0) assert_string_equal(content(), "all of it");
      if (why != 0) assert_int_equal(access("file", F_OK), -1);
      assert_true(memory_failed || why == 0);
      if (how != NOTHING && !memory_failed) break;
    }
}

static void bytes_behind_a_file_are_whole_or_told (void **state) {
  (void)state;
  for (how = NOTHING; how < WAYS; how++)
    for (torture_round t = { 0 }; torture_next(&t);) {
      unlink("file");
      assert_int_equal(tl_file_append("file", 0600, TL_LIT("one ")), 0);
      memory_fails(t.at, how == NOTHING && t.for_ever);
      int why = tl_file_append("file", 0600, TL_LIT("two"));
      memory_heals();
      assert_true(memory_failed || why == 0);
      if (why == 0) assert_string_equal(content(), "one two");
      if (why != 0) assert_memory_equal(content(), "one ", 4);
      if (how != NOTHING && !memory_failed) break;
    }
}

static void what_is_read_is_whole_or_told (void **state) {
  (void)state;
  static char large[200001];
  unlink("file");
  memset(large, 'x', sizeof large - 1);
  assert_int_equal(tl_file_append("file", 0600, tl_slice_str(large)), 0);
  for (torture_round t = { 0 }; torture_next(&t);) {
    tl_buf b;
    tl_err err = { .text = "" };
    tl_buf_init(&b);
    tl_buf_str(&b, "before");
    memory_fails(t.at, t.for_ever);
    int rc = tl_file_read(&b, "file", 1 << 20, &err);
    memory_heals();
    assert_true(memory_failed || rc == TL_OK);
    if (rc == TL_OK) {
      assert_int_equal(b.len, 6 + sizeof large - 1);
    } else {
      assert_true(err.text[0] != '\0' && !b.failed);
      assert_bytes(tl_buf_bytes(&b), "before");
    }
    tl_buf_fini(&b);
  }
}

static void names_are_all_there_or_there_is_no_memory (void **state) {
  (void)state;
  for (torture_round t = { 0 }; torture_next(&t);) {
    tl_buf b;
    tl_buf_init(&b);
    memory_fails(t.at, t.for_ever);
    int rc = tl_file_names(&b, ".", "ile");
    memory_heals();
    if (!memory_failed) assert_bytes(tl_slice_of(b.at, b.len - 1), "file");
    assert_true(rc == TL_OK || rc == TL_ENOMEM);
    tl_buf_fini(&b);
  }
}

static void without_a_thread_lines_are_written_directly (void **state) {
  (void)state;
  int saved = dup(STDERR_FILENO), ends[2];
  assert_int_equal(pipe(ends), 0);
  for (torture_round t = { 0 }; torture_next(&t);) {
    char text[200] = "";
    memory_fails(t.at, t.for_ever);
    bool started = tl_log_writer_start(ends[1]);
    memory_heals();
    bool failed = memory_failed;
    assert_true(failed == !started);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    tl_log(TL_LOG_WARN, "x", "said");
    if (started) assert_true(tl_log_writer_end());
    dup2(saved, STDERR_FILENO);
    assert_true(read(ends[0], text, sizeof text - 1) > 0);
    assert_non_null(strstr(text, "WARN  x: said\n"));
    memory_failed = failed;
  }
  close(saved);
  close(ends[0]);
  close(ends[1]);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_new_file_is_whole_or_not_there),
    cmocka_unit_test(bytes_behind_a_file_are_whole_or_told),
    cmocka_unit_test(what_is_read_is_whole_or_told),
    cmocka_unit_test(names_are_all_there_or_there_is_no_memory),
    cmocka_unit_test(without_a_thread_lines_are_written_directly),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

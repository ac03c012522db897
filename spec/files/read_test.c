/* spec/files/read_test.c — regular files whole; whatever would wait is refused at once. */
#include "support/spec.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "files/read.h"

static char folder[] = "/tmp/tagline-files-XXXXXX";
static tl_buf bytes;
static tl_err err;

static int make_folder (void **state) {
  (void)state;
  return mkdtemp(folder) == NULL || chdir(folder) != 0 ? -1 : 0;
}

static int remove_folder (void **state) {
  (void)state;
  tl_buf_fini(&bytes);
  return chdir("/") != 0 || rmdir(folder) != 0 ? -1 : 0;
}

static void put (const char *path, const char *text) {
  int fd = tl_file_create(path, 0600);
  assert_true(fd >= 0);
  assert_int_equal(tl_file_finish(fd, path, tl_file_add(fd, tl_slice_str(text))), 0);
}

static void refused (const char *path, int code, const char *why) {
  tl_buf_clear(&bytes);
  tl_buf_str(&bytes, "before");
  assert_int_equal(tl_file_read(&bytes, path, 100, &err), code);
  assert_string_equal(err.text, why);
  assert_bytes(tl_buf_bytes(&bytes), "before");
}

static void reads_what_was_written (void **state) {
  (void)state;
  put("a", "one\n\xff");
  tl_buf_str(&bytes, "x");
  assert_int_equal(tl_file_read(&bytes, "a", 5, &err), TL_OK);
  assert_bytes(tl_buf_bytes(&bytes), "xone\n\xff");
  refused("none", TL_ENOENT, "No such file or directory");
  refused("a/b", TL_ENOENT, "Not a directory");
  assert_int_equal(unlink("a"), 0);
}

static void reads_a_file_without_a_length (void **state) {
  (void)state;
  tl_buf_clear(&bytes);
  assert_int_equal(tl_file_read(&bytes, "/proc/self/status", 1 << 20, &err), TL_OK);
  assert_true(bytes.len > 100);
}

static void refuses_more_than_it_may_hold (void **state) {
  (void)state;
  char text[102];
  memset(text, 'x', 101);
  text[101] = '\0';
  put("long", text);
  refused("long", TL_ETOOBIG, "longer than 100 bytes");
  assert_int_equal(unlink("long"), 0);
}

static void never_waits_for_another_process (void **state) {
  struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "socket" };
  (void)state;
  assert_int_equal(mkfifo("pipe", 0600), 0);
  refused("pipe", TL_ETYPE, "is a pipe (FIFO), not a file");
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
  refused("socket", TL_ETYPE, "is a socket, not a file");
  refused("/dev/zero", TL_ETYPE, "is a device, not a file");
  refused(".", TL_ETYPE, "is a folder, not a file");
  close(fd);
  assert_int_equal(unlink("pipe"), 0);
  assert_int_equal(unlink("socket"), 0);
}

static void makes_no_file_in_the_place_of_another (void **state) {
  (void)state;
  put("there", "1");
  assert_int_equal(mkfifo("pipe", 0600), 0);
  assert_int_equal(tl_file_create("there", 0600), -EEXIST);
  assert_int_equal(tl_file_create("pipe", 0600), -EEXIST);
  assert_int_equal(tl_file_create("none/x", 0600), -ENOENT);
  assert_int_equal(unlink("there"), 0);
  assert_int_equal(unlink("pipe"), 0);
}

static void leaves_no_file_that_is_not_whole (void **state) {
  (void)state;
  int fd = tl_file_create("half", 0600);
  assert_true(fd >= 0);
  assert_int_equal(tl_file_finish(fd, "half", ENOSPC), ENOSPC);
  assert_int_equal(access("half", F_OK), -1);
  int full = open("/dev/full", O_WRONLY);
  assert_int_equal(tl_file_add(full, TL_LIT("x")), ENOSPC);
  close(full);
}

static void names_what_is_in_a_folder (void **state) {
  (void)state;
  put("a.lua", "");
  put("b.txt", "");
  put(".lua", "");
  tl_buf_clear(&bytes);
  assert_int_equal(tl_file_names(&bytes, ".", ".lua"), TL_OK);
  assert_int_equal(bytes.len, 6);
  assert_string_equal((char *)bytes.at, "a.lua");
  assert_int_equal(tl_file_names(&bytes, "none", ".lua"), TL_OK);
  assert_int_equal(bytes.len, 6);
  unlink("a.lua");
  unlink("b.txt");
  unlink(".lua");
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(reads_what_was_written),
    cmocka_unit_test(reads_a_file_without_a_length),
    cmocka_unit_test(refuses_more_than_it_may_hold),
    cmocka_unit_test(never_waits_for_another_process),
    cmocka_unit_test(makes_no_file_in_the_place_of_another),
    cmocka_unit_test(leaves_no_file_that_is_not_whole),
    cmocka_unit_test(names_what_is_in_a_folder),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

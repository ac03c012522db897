/* spec/net/notify_test.c — datagrams to a service manager, at both kinds of address. */
#include "net/net_support.h"

#include <stddef.h>
#include <sys/un.h>

#include "net/notify.h"

/* A manager's socket at `name`; an '@' in front makes it abstract. */
static int listen_at (const char *name) {
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  size_t len = strlen(name);
  memcpy(address.sun_path, name, len);
  if (name[0] == '@') address.sun_path[0] = '\0';
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
  assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
  return fd;
}

static void comes_to (const char *name) {
  char got[100];
  int fd = listen_at(name);
  setenv("NOTIFY_SOCKET", name, 1);
  tl_notify *n = tl_notify_open();
  assert_non_null(n);
  assert_null(getenv("NOTIFY_SOCKET")); /* children are not the service */
  tl_notify_send(n, "READY=1\nSTATUS=fine");
  ssize_t len = recv(fd, got, sizeof got, 0);
  assert_int_equal(len, 19);
  assert_memory_equal(got, "READY=1\nSTATUS=fine", 19);
  for (int i = 0; i < 10000; i++) tl_notify_send(n, "WATCHDOG=1"); /* nobody reads: no waiting */
  tl_notify_close(n);
  close(fd);
}

static void comes_to_a_path_and_to_an_abstract_address (void **state) {
  char name[80];
  (void)state;
  snprintf(name, sizeof name, "/tmp/tagline-notify-%d", (int)getpid());
  comes_to(name);
  assert_int_equal(unlink(name), 0);
  snprintf(name, sizeof name, "@tagline-notify-%d", (int)getpid());
  comes_to(name);
}

static void is_silent_without_an_address (void **state) {
  static const char *const wrong[] = { "", "@", "relative/path", "vsock:1:2" };
  char longer[200];
  (void)state;
  unsetenv("NOTIFY_SOCKET");
  assert_null(tl_notify_open());
  for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    setenv("NOTIFY_SOCKET", wrong[i], 1);
    assert_null(tl_notify_open());
  }
  memset(longer, '/', sizeof longer - 1);
  longer[sizeof longer - 1] = '\0';
  setenv("NOTIFY_SOCKET", longer, 1);
  assert_null(tl_notify_open());
  tl_notify_send(NULL, "READY=1");
  tl_notify_close(NULL);
}

static void the_watchdog_wants_half_its_time_of_the_right_process (void **state) {
  char pid[20];
  (void)state;
  unsetenv("WATCHDOG_USEC");
  unsetenv("WATCHDOG_PID");
  assert_int_equal(tl_notify_watchdog_ms(), 0);
  setenv("WATCHDOG_USEC", "30000000", 1);
  assert_int_equal(tl_notify_watchdog_ms(), 15000);
  snprintf(pid, sizeof pid, "%d", (int)getpid());
  setenv("WATCHDOG_PID", pid, 1);
  assert_int_equal(tl_notify_watchdog_ms(), 15000);
  setenv("WATCHDOG_PID", "1", 1);
  assert_int_equal(tl_notify_watchdog_ms(), 0);
  unsetenv("WATCHDOG_PID");
  setenv("WATCHDOG_USEC", "5", 1);
  assert_int_equal(tl_notify_watchdog_ms(), 1);
  setenv("WATCHDOG_USEC", "none", 1);
  assert_int_equal(tl_notify_watchdog_ms(), 0);
  unsetenv("WATCHDOG_USEC");
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(comes_to_a_path_and_to_an_abstract_address),
    cmocka_unit_test(is_silent_without_an_address),
    cmocka_unit_test(the_watchdog_wants_half_its_time_of_the_right_process),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

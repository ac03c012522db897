/* spec/console/client_test.c — paths, running processes, and blocking frames. */
#include "net/net_support.h"

#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "console/client.h"
#include "console/server.h"

static char folder[64];
static tl_buf out;
static tl_err err;

static int setup (void **state) {
  (void)state;
  signal(SIGPIPE, SIG_IGN);
  unsetenv("RUNTIME_DIRECTORY");
  tl_console_services = "/nowhere/tagline";
  err.text[0] = 0;
  snprintf(folder, sizeof folder, "/tmp/tagline-spec-XXXXXX");
  return mkdtemp(folder) && setenv("XDG_RUNTIME_DIR", folder, 1) == 0 ? 0 : -1;
}
static int teardown (void **state) {
  char sub[80];
  (void)state;
  tl_buf_fini(&out);
  snprintf(sub, sizeof sub, "%s/tagline", folder);
  rmdir(sub);
  return rmdir(folder);
}

static void is (const char *fmt, const char *a) {
  char want[1000];
  snprintf(want, sizeof want, fmt, a);
  tl_buf_byte(&out, 0);
  assert_string_equal((char *)out.at, want);
  tl_buf_clear(&out);
}

static void a_socket_is_named_after_its_config (void **state) {
  (void)state;
  const char *same[] = { "plant.lua", "/etc/tagline/plant.lua", "./plant.lua", "plant" };
  for (int i = 0; i < 4; i++) {
    assert_int_equal(tl_console_path(&out, same[i]), 0);
    is("%s/tagline/plant.sock", folder);
  }
  assert_int_equal(tl_console_path(&out, "a.b.lua"), 0);
  is("%s/tagline/a.b.sock", folder);
  assert_int_equal(tl_console_folder(&out), 0);
  is("%s/tagline", folder);
}

static void without_a_runtime_folder_it_is_in_tmp (void **state) {
  char uid[32];
  (void)state;
  snprintf(uid, sizeof uid, "%u", (unsigned)geteuid());
  setenv("XDG_RUNTIME_DIR", "relative", 1);
  assert_int_equal(tl_console_path(&out, "plant.lua"), 0);
  is("/tmp/tagline-%s/plant.sock", uid);
  unsetenv("XDG_RUNTIME_DIR");
  assert_int_equal(tl_console_folder(&out), 0);
  is("/tmp/tagline-%s", uid);
  setenv("XDG_RUNTIME_DIR", folder, 1);
}

static void under_systemd_it_is_in_the_services_runtime_folder (void **state) {
  (void)state;
  setenv("RUNTIME_DIRECTORY", "/run/tagline/a:/run/other", 1);
  assert_int_equal(tl_console_path(&out, "plant.lua"), 0);
  is("%s/plant.sock", "/run/tagline/a");
  setenv("RUNTIME_DIRECTORY", "relative", 1);
  assert_int_equal(tl_console_folder(&out), 0);
  is("%s/tagline", folder);
}

static int listening (const char *name, bool alive) {
  struct sockaddr_un sa = { .sun_family = AF_UNIX };
  snprintf(sa.sun_path, sizeof sa.sun_path, "%s/tagline/%s", folder, name);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
  if (alive) assert_int_equal(listen(fd, 1), 0);
  return fd;
}

static void lists_sockets_that_somebody_answers_on (void **state) {
  char place[100], want[600];
  (void)state;
  assert_int_equal(tl_console_running(&out, &err), 0); /* no folder */
  snprintf(place, sizeof place, "%s/tagline", folder);
  mkdir(place, 0700);
  assert_int_equal(tl_console_running(&out, &err), 0);
  int fds[4] = { listening("b.sock", true), listening("stale.sock", false),
                 listening("a.sock", true), listening("no.socket", true) };
  assert_int_equal(tl_console_running(&out, &err), 2);
  snprintf(want, sizeof want, "%s/a.sock\n%s/b.sock\n", place, place);
  is("%s", want);
  const char *names[] = { "a.sock", "b.sock", "stale.sock", "no.socket" };
  for (int i = 0; i < 4; i++) {
    close(fds[i]);
    snprintf(want, sizeof want, "%s/%s", place, names[i]);
    unlink(want);
  }
}

static void looks_into_no_folder_of_somebody_else (void **state) {
  char place[100], socket_path[200];
  (void)state;
  snprintf(place, sizeof place, "%s/tagline", folder);
  mkdir(place, 0700);
  int fd = listening("a.sock", true);
  chmod(place, 0733);
  assert_int_equal(tl_console_running(&out, &err), TL_EREFUSED);
  assert_int_equal(out.len, 0);
  assert_non_null(strstr(err.text, "others may write in '/tmp/"));
  chmod(place, 0700);
  if (geteuid() == 0) {
    assert_int_equal(chown(place, 12345, 12345), 0);
    assert_int_equal(tl_console_running(&out, &err), TL_EREFUSED);
    assert_non_null(strstr(err.text, "another user (uid 12345): name the socket with --socket"));
    assert_int_equal(chown(place, 0, 0), 0);
  }
  assert_int_equal(tl_console_running(&out, &err), 1);
  tl_buf_clear(&out);
  close(fd);
  snprintf(socket_path, sizeof socket_path, "%s/a.sock", place);
  unlink(socket_path);
}

/* A process of another user that listens in `place`, and ends when the pipe to it is closed. */
static pid_t of_another (const char *place, int *end) {
  int ready[2], stop[2];
  char byte;
  assert_int_equal(pipe(ready), 0);
  assert_int_equal(pipe(stop), 0);
  pid_t child = fork();
  if (child == 0) {
    close(stop[1]);
    struct sockaddr_un sa = { .sun_family = AF_UNIX };
    snprintf(sa.sun_path, sizeof sa.sun_path, "%.107s", place);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (setuid(12345) != 0 || bind(fd, (struct sockaddr *)&sa, sizeof sa) != 0 ||
        listen(fd, 4) != 0)
      _exit(1);
    (void)!write(ready[1], "x", 1);
    (void)!read(stop[0], &byte, 1);
    _exit(0);
  }
  close(ready[1]);
  close(stop[0]);
  assert_int_equal(read(ready[0], &byte, 1), 1);
  close(ready[0]);
  *end = stop[1];
  return child;
}

static void root_finds_services_and_names_other_users_sockets (void **state) {
  char place[100], inner[120], path[140], want[200];
  int end;
  (void)state;
  if (geteuid() != 0) skip();
  snprintf(place, sizeof place, "%s/tagline", folder);
  snprintf(inner, sizeof inner, "%s/plant", place);
  snprintf(path, sizeof path, "%s/plant.sock", inner);
  chmod(folder, 0755);
  mkdir(place, 0755);
  mkdir(inner, 0755);
  assert_int_equal(chown(inner, 12345, 12345), 0);
  pid_t child = of_another(path, &end);
  setenv("RUNTIME_DIRECTORY", "/nowhere", 1);
  assert_int_equal(tl_console_running(&out, &err), 0); /* not there */
  tl_console_services = place;
  assert_int_equal(tl_console_running(&out, &err), 1);
  snprintf(want, sizeof want, "%s\n", path);
  is("%s", want);
  int fd = tl_console_connect(path, false, 20000, &err); /* the folder is its owner's */
  assert_true(fd >= 0);
  close(fd);
  assert_int_equal(chown(inner, 0, 0), 0); /* somebody's socket in a folder of ours */
  assert_int_equal(tl_console_connect(path, false, 20000, &err), TL_EREFUSED);
  assert_non_null(strstr(err.text, "another user (uid 12345): name it with --socket"));
  fd = tl_console_connect(path, true, 20000, &err);
  assert_true(fd >= 0);
  close(fd);
  close(end);
  assert_int_equal(waitpid(child, NULL, 0), child);
  unlink(path);
  rmdir(inner);
}

static void on_alarm (int signum) { (void)signum; }

/* Signals that come all the time, as to a program that is stopped and goes on, change nothing. */
static void a_process_that_lets_nobody_in_is_not_waited_for (void **state) {
  char path[100];
  const struct itimerval often = { { 0, 5000 }, { 0, 5000 } }, never = { { 0, 0 }, { 0, 0 } };
  struct sigaction heard = { .sa_handler = on_alarm };
  struct sockaddr_un sa = { .sun_family = AF_UNIX };
  int fds[8], n = 0;
  (void)state;
  snprintf(path, sizeof path, "%s/full.sock", folder);
  snprintf(sa.sun_path, sizeof sa.sun_path, "%s", path);
  int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(server, (struct sockaddr *)&sa, sizeof sa), 0);
  assert_int_equal(listen(server, 0), 0);
  sigaction(SIGALRM, &heard, NULL);
  setitimer(ITIMER_REAL, &often, NULL);
  while (n < 8 && (fds[n] = tl_console_connect(path, true, 50, &err)) >= 0) n++;
  setitimer(ITIMER_REAL, &never, NULL);
  assert_true(n < 8);
  assert_int_equal(fds[n], UV_ETIMEDOUT);
  assert_non_null(strstr(err.text, "accepts no connection"));
  while (n > 0) close(fds[--n]);
  close(server);
  unlink(path);
}

static void says_why_it_cannot_connect (void **state) {
  char place[200], want[300];
  (void)state;
  snprintf(place, sizeof place, "%s/none.sock", folder);
  snprintf(want, sizeof want, "connect to '%s': no such file or directory", place);
  assert_int_equal(tl_console_connect(place, true, 20000, &err), UV_ENOENT);
  assert_string_equal(err.text, want);
  memset(place, 'x', sizeof place);
  place[150] = 0;
  assert_int_equal(tl_console_connect(place, true, 20000, &err), TL_ETOOBIG);
  assert_non_null(strstr(err.text, "at most 107 bytes"));
}

static int pair[2];
static size_t big = 5 << 20;

/* a frame byte by byte, an empty one, a big one, then the end inside a head */
static void *send_in_bits (void *arg) {
  static const char small[] = "o\0\0\0\003abcr\0\0\0\0";
  (void)arg;
  for (size_t i = 0; i < sizeof small - 1; i++) assert_int_equal(send(pair[1], small + i, 1, 0), 1);
  uint8_t *body = malloc(big);
  for (size_t i = 0; i < big; i++) body[i] = (uint8_t)(i % 255);
  assert_int_equal(tl_console_put(pair[1], 'f', tl_slice_of(body, big)), 0);
  assert_int_equal(send(pair[1], "o\0\0", 3, 0), 3);
  shutdown(pair[1], SHUT_WR);
  free(body);
  return NULL;
}

static void gets_whole_frames_until_the_end (void **state) {
  for (int nonblocking = 0; nonblocking < 2; nonblocking++) {
    pthread_t thread;
    char type = 0;
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    if (nonblocking) set_nonblocking(pair[0]);
    assert_int_equal(pthread_create(&thread, NULL, send_in_bits, NULL), 0);
    assert_int_equal(tl_console_get(pair[0], &type, &out), 1);
    assert_int_equal(type, 'o');
    assert_int_equal(out.len, 3);
    assert_memory_equal(out.at, "abc", 3);
    assert_int_equal(tl_console_get(pair[0], &type, &out), 1);
    assert_int_equal(type, 'r');
    assert_int_equal(out.len, 0);
    assert_int_equal(tl_console_get(pair[0], &type, &out), 1);
    assert_int_equal(type, 'f');
    assert_int_equal(out.len, big);
    assert_int_equal(out.at[big - 1], (uint8_t)((big - 1) % 255));
    assert_int_equal(tl_console_get(pair[0], &type, &out), UV_EOF);
    assert_int_equal(tl_console_get(pair[0], &type, &out), 0);
    pthread_join(thread, NULL);
    close(pair[0]);
    close(pair[1]);
    tl_buf_clear(&out);
  }
}

static void refuses_what_the_server_would_and_notices_its_end (void **state) {
  char type;
  (void)state;
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  assert_int_equal(tl_console_put(pair[0], 'e', tl_slice_of("", (size_t)TL_CONSOLE_FRAME + 1)),
                   TL_ETOOBIG);
  assert_int_equal(send(pair[1], "o\0\0\0\005ab", 7, 0), 7);
  close(pair[1]);
  assert_int_equal(tl_console_get(pair[0], &type, &out), UV_EOF); /* inside a body */
  assert_int_equal(tl_console_put(pair[0], 'e', TL_LIT("1")), UV_EPIPE);
  close(pair[0]);
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(a_socket_is_named_after_its_config),
    SPEC(without_a_runtime_folder_it_is_in_tmp),
    SPEC(lists_sockets_that_somebody_answers_on),
    SPEC(under_systemd_it_is_in_the_services_runtime_folder),
    SPEC(looks_into_no_folder_of_somebody_else),
    SPEC(root_finds_services_and_names_other_users_sockets),
    SPEC(a_process_that_lets_nobody_in_is_not_waited_for),
    SPEC(says_why_it_cannot_connect),
    SPEC(gets_whole_frames_until_the_end),
    SPEC(refuses_what_the_server_would_and_notices_its_end),
  };
  (void)turn;
  return cmocka_run_group_tests(tests, NULL, NULL);
}

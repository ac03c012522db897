/* spec/command/discover_test.c — `tagline discover` of a broker that is not there, with each
** request for memory failing: it says why, and is over. */
#include "support/torture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "command/command.h"

static char said[2000]; /* on stderr */
static char password[] = "/tmp/tagline-spec-XXXXXX";
static FILE *screen;

#define DISCOVER(...) discover((char *[]){ "discover", __VA_ARGS__, NULL })
static int discover (char **argv) {
  int argc = 0, keep = dup(2);
  while (argv[argc]) argc++;
  rewind(screen);
  assert_int_equal(ftruncate(fileno(screen), 0), 0);
  fflush(stderr);
  dup2(fileno(screen), 2);
  int rc = tl_command_discover(argc, argv);
  fflush(stderr);
  dup2(keep, 2);
  close(keep);
  rewind(screen);
  said[fread(said, 1, sizeof said - 1, screen)] = '\0';
  return rc;
}

/* Nobody listens on it. */
static const char *closed_port (void) {
  static char text[40];
  struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  socklen_t len = sizeof sa;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
  close(fd);
  snprintf(text, sizeof text, "127.0.0.1:%d", ntohs(sa.sin_port));
  return text;
}

static void write_password (const char *text) {
  FILE *f = fopen(password, "w");
  assert_true(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static int set_up (void **state) {
  (void)state;
  int fd = mkstemp(password);
  screen = tmpfile();
  tl_log_set_level((tl_log_level)-1);
  return fd < 0 || !screen || close(fd);
}

static int tear_down (void **state) {
  (void)state;
  fclose(screen);
  return unlink(password);
}

static void a_broker_that_is_not_there_is_named (void **state) {
  (void)state;
  char *port = (char *)(uintptr_t)closed_port();
  for (torture_round t = { 0 }; torture_next(&t);) {
    memory_fails(t.at, t.for_ever);
    int rc = DISCOVER(port, "plant/#", "--seconds", "1");
    memory_heals();
    assert_int_equal(rc, 1);
    if (said[0] == '\0') fail_msg("nothing is said when request %ld fails", t.at);
    if (!memory_failed && !strstr(said, ": connection refused")) fail_msg("%s", said);
  }
}

static void a_password_is_the_file_without_its_last_line_break (void **state) {
  (void)state;
  char *port = (char *)(uintptr_t)closed_port();
  static const char *const texts[] = { "secret", "secret\n", "secret\r\n", "\xEF\xBB\xBFsecret\n",
                                       "\n",     "" };
  for (size_t i = 0; i < COUNT(texts); i++) {
    write_password(texts[i]);
    assert_int_equal(DISCOVER(port, "--user", "me", "--password-file", password), 1);
    assert_non_null(strstr(said, ": connection refused"));
    assert_null(strstr(said, "secret"));
  }
  for (torture_round t = { 0 }; torture_next(&t);) {
    memory_fails(t.at, t.for_ever);
    int rc = DISCOVER(port, "--user", "me", "--password-file", password);
    memory_heals();
    assert_int_equal(rc, 1);
    assert_true(said[0] != '\0');
  }
  assert_int_equal(DISCOVER(port, "--user", "me", "--password-file", "/nonexistent/file"), 1);
  assert_non_null(strstr(said, "--password-file: /nonexistent/file: "));
}

static void words_that_make_no_sense_are_refused (void **state) {
  (void)state;
  static char *const cases[][6] = {
    { "h", "--seconds", "", NULL },
    { "h", "--seconds", "1x", NULL },
    { "h", "--seconds", "nan", NULL },
    { "h", "--seconds", "0", NULL },
    { "h", "--seconds", "604801", NULL },
    { "h", "a/#/b", NULL },
    { "h", "--config", "--json", NULL },
    { "h", "--password-file", "x", NULL },
    { "mqtt://h", "--tls-ca-file", "x", NULL },
    { "mqtt://h:x", NULL },
    { "h:1:2:3", NULL },
    { "[::1", NULL },
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    char *argv[8] = { "discover" };
    for (int k = 0; cases[i][k]; k++) argv[k + 1] = cases[i][k];
    int rc = discover(argv);
    if (rc != 2 && strcmp(cases[i][0], "h:1:2:3") != 0) fail_msg("%s %s: %d", argv[1], argv[2], rc);
    assert_true(said[0] != '\0');
  }
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_broker_that_is_not_there_is_named),
    cmocka_unit_test(a_password_is_the_file_without_its_last_line_break),
    cmocka_unit_test(words_that_make_no_sense_are_refused),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}

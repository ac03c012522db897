/* spec/command/options_test.c — command-line words: every form that is taken, every form that
** is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "command/options.h"

static const char *socket_path, *code, *operands[2];
static bool json;
static const tl_option table[] = { { "socket", 0, NULL, &socket_path },
                                   { NULL, 'e', NULL, &code },
                                   { "json", 'j', &json, NULL },
                                   { 0 } };
static char said[1024]; /* what went to stderr, or to stdout for help */

/* Run `call` with `fd` caught in said[]. */
static int catch_fd (int fd, FILE *stream, int argc, char **argv) {
  FILE *file = tmpfile();
  assert_non_null(file);
  int keep = dup(fd);
  fflush(stream);
  dup2(fileno(file), fd);
  int rc = tl_options_read(argc, argv, "repl", "usage: tagline repl\n", table, operands, 2);
  fflush(stream);
  dup2(keep, fd);
  close(keep);
  rewind(file);
  said[fread(said, 1, sizeof said - 1, file)] = 0;
  fclose(file);
  return rc;
}

#define READ(...) read_words((char *[]){ "repl", __VA_ARGS__, NULL })
static int read_words (char **argv) {
  int argc = 0;
  while (argv[argc]) argc++;
  socket_path = code = NULL;
  json = false;
  return catch_fd(2, stderr, argc, argv);
}

static void takes_values_in_both_forms (void **state) {
  (void)state;
  assert_int_equal(READ("--socket", "/a", "x"), 1);
  assert_string_equal(socket_path, "/a");
  assert_string_equal(operands[0], "x");
  assert_int_equal(READ("--socket=/b=c"), 0);
  assert_string_equal(socket_path, "/b=c");
  assert_int_equal(READ("--socket="), 0);
  assert_string_equal(socket_path, "");
  assert_int_equal(READ("--socket", "/a", "--socket", "/c"), 0);
  assert_string_equal(socket_path, "/c");
}

static void takes_letters_and_values_with_dashes (void **state) {
  (void)state;
  assert_int_equal(READ("-e", "-1", "-j"), 0);
  assert_string_equal(code, "-1");
  assert_true(json);
}

static void takes_operands_anywhere (void **state) {
  (void)state;
  assert_int_equal(READ("a", "--json", "-"), 2);
  assert_string_equal(operands[0], "a");
  assert_string_equal(operands[1], "-");
  assert_int_equal(READ("--", "--json", "-e"), 2);
  assert_false(json);
  assert_string_equal(operands[0], "--json");
}

static void refuses_with_the_reason (void **state) {
  (void)state;
  assert_int_equal(READ("--sokcet", "/a"), TL_OPTIONS_WRONG);
  assert_string_equal(said, "tagline repl: unknown option '--sokcet'; did you mean '--socket'? "
                            "(see 'tagline repl --help')\n");
  assert_int_equal(READ("--JSON=x"), TL_OPTIONS_WRONG);
  assert_non_null(strstr(said, "unknown option '--JSON'; did you mean '--json'?"));
  assert_int_equal(READ("--frobnicate"), TL_OPTIONS_WRONG);
  assert_non_null(strstr(said, "unknown option '--frobnicate' (see"));
  assert_int_equal(READ("--json=1"), TL_OPTIONS_WRONG);
  assert_non_null(strstr(said, "'--json' takes no value"));
  assert_int_equal(READ("--socket"), TL_OPTIONS_WRONG);
  assert_non_null(strstr(said, "'--socket' needs a value"));
  assert_int_equal(READ("-e"), TL_OPTIONS_WRONG);
  assert_non_null(strstr(said, "'-e' needs a value"));
  assert_int_equal(READ("-x"), TL_OPTIONS_WRONG);
  assert_non_null(strstr(said, "unknown option '-x'"));
  assert_int_equal(READ("a", "b", "c"), TL_OPTIONS_WRONG);
  assert_non_null(strstr(said, "'c' is one word too many"));
  assert_int_equal(READ("--", "a", "b", "c"), TL_OPTIONS_WRONG);
  char longer[600];
  memset(longer, 'z', sizeof longer);
  longer[0] = longer[1] = '-';
  longer[sizeof longer - 1] = 0;
  assert_int_equal(READ(longer), TL_OPTIONS_WRONG);
}

static void prints_help_to_stdout (void **state) {
  (void)state;
  char *argv[] = { "repl", "--json", "--help", NULL };
  int rc = catch_fd(1, stdout, 3, argv);
  assert_int_equal(rc, TL_OPTIONS_HELP);
  assert_string_equal(said, "usage: tagline repl\n");
  assert_int_equal(tl_options_exit(TL_OPTIONS_HELP), 0);
  assert_int_equal(tl_options_exit(TL_OPTIONS_WRONG), 2);
}

static void finds_the_nearest_name_or_none (void **state) {
  (void)state;
  const char *names[] = { "run", "check", NULL, "explain", "repl" };
  assert_string_equal(tl_options_nearest("rpel", names, 5), "repl");
  assert_string_equal(tl_options_nearest("rum", names, 5), "run");
  assert_string_equal(tl_options_nearest("Explian", names, 5), "explain");
  assert_null(tl_options_nearest("xy", names, 5));
  assert_null(tl_options_nearest("", names, 5));
  assert_null(tl_options_nearest("stop", names, 5));
}

static char told[200];

static void tell (const char *command, const tl_option *options) {
  size_t len = (size_t)snprintf(told, sizeof told, "%s:", command);
  for (; options->name || options->letter; options++)
    len += (size_t)snprintf(told + len, sizeof told - len, " %s%c",
                            options->name ? options->name : "", options->letter ? '!' : '.');
}

static void hands_its_table_to_who_asks_and_reads_nothing (void **state) {
  (void)state;
  tl_options_list(tell);
  assert_int_equal(READ("--socket", "/a"), TL_OPTIONS_HELP);
  assert_string_equal(told, "repl: socket. ! json!");
  assert_null(socket_path);
  assert_string_equal(said, "");
  tl_options_list(NULL);
  assert_int_equal(READ("--socket", "/a"), 0);
  assert_string_equal(socket_path, "/a");
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(hands_its_table_to_who_asks_and_reads_nothing),
    cmocka_unit_test(takes_values_in_both_forms),
    cmocka_unit_test(takes_letters_and_values_with_dashes),
    cmocka_unit_test(takes_operands_anywhere),
    cmocka_unit_test(refuses_with_the_reason),
    cmocka_unit_test(prints_help_to_stdout),
    cmocka_unit_test(finds_the_nearest_name_or_none),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

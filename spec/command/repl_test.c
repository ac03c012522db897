/* spec/command/repl_test.c — `tagline repl` on pipes: code of -e, scripts, and who answers. */
#include "support/torture.h"

#include "command/attached.h"

static const char plain[] = "{\"tty\":false,\"width\":80,\"json\":false,\"wait\":1000}";

/* `repl -e CODE` has come as far as the process that evaluates it. */
static void evaluate (const char *code) {
  if (server < 0) server = listen_at("plant");
  if (peer >= 0) close(peer);
  START("--socket", path, "-e", (char *)code);
  attach();
  expect('h', plain);
  expect('e', code);
}

/* `repl` is attached, and waits for what write_in() gives it. */
static void begin_script (void) {
  server = listen_at("plant");
  START("--socket", path);
  attach();
  expect('h', plain);
}

static void prints_the_result_of_an_expression (void **state) {
  (void)state;
  server = listen_at("plant");
  /* the only running process is found; a line for that is the first connection */
  START("-e", "1 + 1");
  attach(); /* the look whether somebody answers */
  close(peer);
  attach();
  expect('h', plain);
  expect('e', "1 + 1");
  answer('o', "printed");
  answer('o', " text\n");
  answer('r', "2");
  says(out, "printed text\n2\n", false);
  says(errors, "", false);
  exits(0);
}

static void exits_1_with_the_error_on_stderr (void **state) {
  (void)state;
  server = listen_at("plant");
  START("--socket", path, "--json", "-e", "boom(");
  attach();
  expect('h', "{\"tty\":false,\"width\":80,\"json\":true,\"wait\":1000}");
  expect('e', "boom(");
  answer('f', "repl:1: unexpected symbol");
  says(out, "", false);
  says(errors, "repl:1: unexpected symbol\n", false);
  exits(1);
}

/* A payload is quoted there, and whoever keeps stderr in a file shows it on a terminal later. */
static void an_error_has_no_control_bytes (void **state) {
  (void)state;
  evaluate("boom()");
  answer('n', "[a note \033[2J]");
  answer('f', "got \"abc\033[31m\tq\"\n  \xc2\x9b");
  says(errors, "[a note \\x1b[2J]\ngot \"abc\\x1b[31m\tq\"\n  \\xc2\\x9b\n", false);
  exits(1);
}

static void an_empty_result_prints_nothing (void **state) {
  (void)state;
  evaluate("x = 1");
  answer('r', "");
  says(out, "", false);
  exits(0);
}

static void does_not_wait_for_a_process_that_does_not_answer (void **state) {
  (void)state;
  server = listen_at("plant");
  tl_talk_patience_ms = 200;
  START("--socket", path, "-e", "1 + 1");
  attach();
  says(errors, "tagline repl: the process has not answered for 1 s: it is stopped, or", true);
  exits(1);
  tl_talk_patience_ms = 10000;
}

static void waits_for_a_process_that_is_there_as_long_as_it_takes (void **state) {
  (void)state;
  server = listen_at("plant");
  tl_talk_patience_ms = 1000;
  START("--socket", path, "-e", "long()");
  attach();
  expect('h', plain);
  expect('e', "long()");
  for (int i = 0; i < 4; i++) { /* twice its patience */
    char got = 0;
    assert_int_equal(tl_console_get(peer, &got, &frame), 1);
    assert_int_equal(got, 'p');
    answer('p', "");
  }
  answer('r', "done");
  says(out, "done\n", false);
  exits(0);
  tl_talk_patience_ms = 10000;
}

static void says_when_the_process_goes_away (void **state) {
  (void)state;
  evaluate("x");
  close(peer);
  peer = -1;
  says(errors, "tagline repl: the process has ended the connection\n", false);
  exits(1);
}

static void a_closed_output_ends_it (void **state) {
  (void)state;
  evaluate("watch()");
  close(out);
  out = -1;
  answer('o', "value\n");
  exits(1);
}

static void ctrl_c_cancels_first_and_ends_second (void **state) {
  (void)state;
  evaluate("watch()");
  kill(child, SIGINT);
  expect('x', "");
  answer('f', "cancelled");
  says(errors, "cancelled\n", false);
  exits(1);
  evaluate("hangs()");
  kill(child, SIGINT);
  expect('x', "");
  kill(child, SIGINT);
  exits(130);
}

static void write_in (const char *text) {
  assert_int_equal(write(in, text, strlen(text)), strlen(text));
}
static void end_in (void) {
  close(in);
  in = -1;
}

/* The chunk of a script that begins at this line. */
static void expect_script (char type, const char *line, const char *body) {
  expect('s', line);
  expect(type, body);
}

static void evaluates_a_script_line_by_line_and_joins_unfinished_ones (void **state) {
  (void)state;
  begin_script();
  write_in("x = 1\n\n");
  /* at once: whoever types into a pipe wants to see what it did */
  expect_script('l', "1", "x = 1");
  answer('r', "");
  write_in("for i = 1, 2");
  write_in(" do\n");
  expect_script('l', "3", "for i = 1, 2 do");
  answer('m', "");
  write_in("\n  print(i)\nend\nx");
  expect_script('l', "3", "for i = 1, 2 do\n");
  answer('m', "");
  expect_script('l', "3", "for i = 1, 2 do\n\n  print(i)");
  answer('m', "");
  answer('o', "late\n"); /* between the lines */
  end_in();
  expect_script('l', "3", "for i = 1, 2 do\n\n  print(i)\nend");
  answer('o', "1\n2\n");
  answer('r', "");
  expect_script('l', "7", "x");
  answer('r', "1");
  expect_script('e', "7", ""); /* waits for what is under way */
  answer('r', "");
  says(out, "late\n1\n2\n1\n", false);
  says(errors, "", false);
  exits(0);
}

static void a_statement_of_a_script_goes_on_where_a_line_begins_in_the_middle (void **state) {
  (void)state;
  begin_script();
  write_in("-- a comment\nx = 'a'\n\n  -- why\n  .. 'b'\n\n-- and\ny\n");
  end_in();
  expect_script('l', "2", "x = 'a'\n\n  -- why\n  .. 'b'");
  answer('r', "");
  expect_script('l', "8", "y");
  answer('r', "");
  expect_script('e', "8", "");
  answer('r', "");
  exits(0);
}

static void a_script_stops_at_its_first_error (void **state) {
  (void)state;
  begin_script();
  write_in("one\ntwo\n");
  expect_script('l', "1", "one");
  answer('f', "no such thing");
  says(errors, "no such thing\n", false);
  exits(1);
}

static void what_a_script_left_under_way_may_fail (void **state) {
  (void)state;
  begin_script();
  write_in("one\n");
  end_in();
  expect_script('l', "1", "one");
  answer('r', "");
  expect_script('e', "1", "");
  answer('f', "no answer to 1 write");
  says(errors, "no answer to 1 write\n", false);
  exits(1);
}

static void an_unfinished_script_is_an_error (void **state) {
  (void)state;
  begin_script();
  write_in("for i = 1\n");
  expect_script('l', "1", "for i = 1");
  answer('m', "");
  end_in();
  expect_script('e', "1", "for i = 1"); /* as a whole: then it says what is missing */
  answer('f', "',' expected near <eof>");
  says(errors, "',' expected near <eof>\n", false);
  exits(1);
}

static void an_empty_script_is_fine (void **state) {
  (void)state;
  begin_script();
  end_in();
  expect_script('e', "0", "");
  answer('r', "");
  exits(0);
}

static void says_which_processes_are_running (void **state) {
  char want[300];
  (void)state;
  START("-e", "1");
  snprintf(want, sizeof want, "tagline repl: no running process in %s/tagline; start one with",
           folder);
  says(errors, want, true);
  exits(1);
  server = listen_at("b");
  int other = listen_at("a");
  START("-e", "1");
  snprintf(want, sizeof want,
           "tagline repl: several processes are running; choose one with "
           "--socket:\n%s/tagline/a.sock\n%s/tagline/b.sock\n",
           folder, folder);
  says(errors, want, false);
  exits(1);
  close(other);
  START("--socket", path, "-e", "1");
  snprintf(want, sizeof want, "tagline repl: no running process answers on '%s'\n", path);
  says(errors, want, false);
  exits(1);
}

static void wrong_usage_exits_2 (void **state) {
  (void)state;
  START("--sockt", "x");
  says(errors, "did you mean '--socket'?", true);
  exits(2);
  START("code");
  says(errors, "'code' is one word too many", true);
  exits(2);
  START("--help");
  says(out, "usage: tagline repl", true);
  exits(0);
}

static void code_that_is_too_long_is_not_sent (void **state) {
  (void)state;
  char *code = malloc(17 << 20);
  assert_non_null(code);
  memset(code, ' ', 17 << 20);
  code[(17 << 20) - 1] = '\0';
  server = listen_at("plant");
  START("--socket", path, "-e", code);
  free(code);
  attach();
  expect('h', plain);
  says(errors, "tagline repl: the code is too long\n", false);
  exits(1);
}

static void a_script_that_waits_for_its_next_line_can_be_left (void **state) {
  (void)state;
  begin_script();
  write_in("one\n");
  expect_script('l', "1", "one");
  answer('r', "1");
  char got;
  while (read(out, &got, 1) == 1 && got != '\n') continue; /* its answer is out */
  kill(child, SIGINT);
  exits(130);
  close(peer);
  start((char *[]){ "repl", "--socket", path, NULL });
  attach();
  expect('h', plain);
  write_in("one\n..tw"); /* a line that has begun */
  close(peer);
  peer = -1;
  says(errors, "tagline repl: the process has ended the connection\n", false);
  exits(1);
}

static void a_folder_that_others_may_write_is_not_looked_into (void **state) {
  char sub[80], want[200];
  (void)state;
  snprintf(sub, sizeof sub, "%s/tagline", folder);
  chmod(sub, 0777);
  START("-e", "1");
  snprintf(want, sizeof want,
           "tagline repl: others may write in '%s': name the socket with "
           "--socket\n",
           sub);
  says(errors, want, false);
  exits(1);
}

static void seconds_that_are_none_are_refused (void **state) {
  static const char *const wrong[] = { "", "x", "1s", "-1", "86401", "nan" };
  char want[120];
  (void)state;
  for (size_t i = 0; i < COUNT(wrong); i++) {
    START("--wait", (char *)(uintptr_t)wrong[i]);
    snprintf(want, sizeof want, "--wait: expected seconds (0 to 86400), got '%s'", wrong[i]);
    says(errors, want, true);
    exits(2);
    close(errors), close(out), close(in);
  }
  errors = out = in = -1;
}

static int
    failing; /* the request for memory that fails, twice its number; odd: all behind it, too */

static void fail_one (void) { memory_fails(failing / 2, failing % 2); }

/* Answers whatever comes until the child ends. */
static int attend (void) {
  int status;
  int64_t end = tl_clock_mono_ms() + DEADLINE_MS;
  while (waitpid(child, &status, WNOHANG) != child) {
    struct pollfd p[] = { { .fd = server, .events = POLLIN }, { .fd = peer, .events = POLLIN } };
    char type;
    if (tl_clock_mono_ms() > end) fail_msg("it does not end when request %d fails", failing / 2);
    poll(p, 2, 5);
    if (p[0].revents) {
      if (peer >= 0) close(peer); /* that was only a look whether somebody answers */
      peer = accept4(server, NULL, NULL, SOCK_CLOEXEC);
      continue;
    }
    if (!p[1].revents) continue;
    if (tl_console_get(peer, &type, &frame) != 1) {
      close(peer);
      peer = -1;
    } else if (type != 'h' && type != 's') {
      (void)tl_console_put(peer, type == 'p' ? 'p' : 'r', TL_LIT("2"));
    }
  }
  child = 0;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 256;
}

static void without_memory_it_says_so (void **state) {
  enum { REQUESTS = 30 };
  (void)state;
  server = listen_at("plant");
  before_command = fail_one;
  after_command = memory_heals; /* what counts branches asks for memory at the end */
  for (int script = 0; script < 2; script++)
    for (failing = 0; failing <= 2 * REQUESTS; failing++) {
      if (script)
        START("--socket", path);
      else
        START("-e", "1 + 1");
      if (script) (void)!write(in, "1\n2\n", 4); /* it may have ended */
      end_in();
      int code = attend();
      if (code != 0 && code != 1) fail_msg("%d when request %d fails", code, failing / 2);
      says(errors, code == 1 ? "memory" : "", true);
      if (failing == 2 * REQUESTS) assert_int_equal(code, 0); /* more are not asked for */
      close(out), close(errors);
      if (peer >= 0) close(peer);
      peer = out = errors = -1;
    }
  before_command = after_command = NULL;
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(prints_the_result_of_an_expression),
    SPEC(exits_1_with_the_error_on_stderr),
    SPEC(an_error_has_no_control_bytes),
    SPEC(an_empty_result_prints_nothing),
    SPEC(does_not_wait_for_a_process_that_does_not_answer),
    SPEC(waits_for_a_process_that_is_there_as_long_as_it_takes),
    SPEC(says_when_the_process_goes_away),
    SPEC(a_closed_output_ends_it),
    SPEC(ctrl_c_cancels_first_and_ends_second),
    SPEC(evaluates_a_script_line_by_line_and_joins_unfinished_ones),
    SPEC(a_script_stops_at_its_first_error),
    SPEC(a_statement_of_a_script_goes_on_where_a_line_begins_in_the_middle),
    SPEC(what_a_script_left_under_way_may_fail),
    SPEC(an_unfinished_script_is_an_error),
    SPEC(an_empty_script_is_fine),
    SPEC(says_which_processes_are_running),
    SPEC(wrong_usage_exits_2),
    SPEC(code_that_is_too_long_is_not_sent),
    SPEC(a_script_that_waits_for_its_next_line_can_be_left),
    SPEC(a_folder_that_others_may_write_is_not_looked_into),
    SPEC(seconds_that_are_none_are_refused),
    SPEC(without_memory_it_says_so),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* spec/command/repl_test.c — `tagline repl` in a child process; this program plays the running
** process that it attaches to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "command/command.h"
#include "command/talk.h"
#include "console/client.h"

enum { DEADLINE_MS = 90000 }; /* only reached by what fails */

static char folder[64], path[100];
static int server, peer, in, out, errors, terminal;
static pid_t child;
static tl_buf frame, seen; /* seen: what came on a pipe or the screen */

static int listen_at (const char *name) {
  struct sockaddr_un sa = { .sun_family = AF_UNIX };
  snprintf(path, sizeof path, "%s/tagline/%s.sock", folder, name);
  snprintf(sa.sun_path, sizeof sa.sun_path, "%s", path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
  assert_int_equal(listen(fd, 4), 0);
  return fd;
}

static int setup (void **state) {
  char sub[80];
  (void)state;
  signal(SIGPIPE, SIG_IGN);
  alarm(600); /* this program waits with deadlines, but the child is beyond them */
  server = peer = in = out = errors = terminal = -1;
  child = 0;
  snprintf(folder, sizeof folder, "/tmp/tagline-spec-XXXXXX");
  if (!mkdtemp(folder)) return -1;
  snprintf(sub, sizeof sub, "%s/tagline", folder);
  mkdir(sub, 0700);
  setenv("XDG_RUNTIME_DIR", folder, 1);
  setenv("XDG_STATE_HOME", folder, 1);
  setenv("HOME", folder, 1);
  return 0;
}

static int teardown (void **state) {
  char command[100];
  (void)state;
  int fds[] = { server, peer, in, out, errors, terminal };
  for (int i = 0; i < 6; i++)
    if (fds[i] >= 0) close(fds[i]);
  if (child > 0) {
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
  }
  tl_buf_fini(&frame);
  tl_buf_fini(&seen);
  snprintf(command, sizeof command, "rm -r %s", folder);
  return system(command);
}

static int count (char **argv) {
  int argc = 0;
  while (argv[argc]) argc++;
  return argc;
}

/* Start the command with pipes. */
#define START(...) start((char *[]){ "repl", __VA_ARGS__, NULL })
static void start (char **argv) {
  int i[2], o[2], e[2];
  assert_int_equal(pipe2(i, O_CLOEXEC) + pipe2(o, O_CLOEXEC) + pipe2(e, O_CLOEXEC), 0);
  child = fork();
  if (child == 0) {
    dup2(i[0], 0);
    dup2(o[1], 1);
    dup2(e[1], 2);
    for (int fd = 3; fd < 64; fd++) close(fd); /* no exec here that would */
    int rc = tl_command_repl(count(argv), argv);
    fflush(stdout);
    _exit(rc);
  }
  close(i[0]);
  close(o[1]);
  close(e[1]);
  in = i[1];
  out = o[0];
  errors = e[0];
}

static void attach (void) {
  struct pollfd p = { .fd = server, .events = POLLIN };
  assert_int_equal(poll(&p, 1, DEADLINE_MS), 1);
  peer = accept4(server, NULL, NULL, SOCK_CLOEXEC);
  assert_true(peer >= 0);
}

/* The next frame must be this one. That we are there is said whenever it is asked. */
static void expect (char type, const char *body) {
  struct pollfd p = { .fd = peer, .events = POLLIN };
  char got = 'p';
  while (got == 'p') {
    if (poll(&p, 1, DEADLINE_MS) != 1) fail_msg("no frame came; expected %c: %s", type, body);
    assert_int_equal(tl_console_get(peer, &got, &frame), 1);
    if (got == 'p') assert_int_equal(tl_console_put(peer, 'p', TL_LIT("")), 0);
  }
  tl_buf_byte(&frame, 0);
  assert_int_equal(got, type);
  assert_string_equal((char *)frame.at, body);
}
static void answer (char type, const char *body) {
  assert_int_equal(tl_console_put(peer, type, tl_slice_str(body)), 0);
}

/* All that comes on fd until its end is this text (a part of it with `part`). */
static void says (int fd, const char *text, bool part) {
  struct pollfd p = { .fd = fd, .events = POLLIN };
  tl_buf_clear(&seen);
  for (;;) {
    assert_int_equal(poll(&p, 1, DEADLINE_MS), 1);
    tl_buf_reserve(&seen, 4096);
    ssize_t n = read(fd, seen.at + seen.len, 4095);
    if (n <= 0) break;
    seen.len += (size_t)n;
  }
  tl_buf_byte(&seen, 0);
  if (part && !strstr((char *)seen.at, text))
    fail_msg("'%s' does not say '%s'", (char *)seen.at, text);
  if (!part) assert_string_equal((char *)seen.at, text);
}

static void exits (int code) {
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  child = 0;
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), code);
}

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

/* A terminal */

static void start_terminal (void) {
  struct winsize ws = { .ws_row = 24, .ws_col = 100 };
  char *argv[] = { "repl", "--socket", path, NULL };
  child = forkpty(&terminal, NULL, NULL, &ws);
  if (child == 0) {
    setenv("TERM", "xterm", 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    for (int fd = 3; fd < 64; fd++) close(fd);
    _exit(tl_command_repl(3, argv));
  }
  attach();
  expect('h', "{\"tty\":true,\"width\":100,\"json\":false,\"wait\":1000}");
  char got = 0; /* before the prompt: is anybody there? */
  assert_int_equal(tl_console_get(peer, &got, &frame), 1);
  assert_int_equal(got, 'p');
  answer('p', "");
}
static void type (const char *keys) {
  assert_int_equal(write(terminal, keys, strlen(keys)), strlen(keys));
}

/* Read the screen until `text` is there, and forget what came up to it. */
static void shows (const char *text) {
  int64_t end = tl_clock_mono_ms() + DEADLINE_MS;
  for (;;) {
    tl_buf_byte(&seen, 0);
    seen.len--;
    char *found = seen.len ? memmem(seen.at, seen.len, text, strlen(text)) : NULL;
    if (found) {
      tl_buf_drop(&seen, (size_t)(found - (char *)seen.at) + strlen(text));
      return;
    }
    struct pollfd p = { .fd = terminal, .events = POLLIN };
    if (tl_clock_mono_ms() > end || poll(&p, 1, DEADLINE_MS) != 1)
      fail_msg("'%s' never shows '%s'", seen.at ? (char *)seen.at : "", text);
    tl_buf_reserve(&seen, 4096);
    ssize_t n = read(terminal, seen.at + seen.len, 4095);
    if (n <= 0) fail_msg("the terminal ended; '%s' was not shown", text);
    seen.len += (size_t)n;
  }
}

static void begin_terminal (void) {
  server = listen_at("plant");
  start_terminal();
  shows("tagline> ");
}

static void edits_lines_and_asks_for_more (void **state) {
  (void)state;
  begin_terminal();
  type("prXint(1)\x01\x06\x06\x04\r"); /* Ctrl-A, two to the right, Ctrl-D deletes */
  expect('l', "print(1)");
  answer('o', "1\x1b[2J\n"); /* whatever a device sent: it does not clear the screen */
  answer('r', "");
  shows("1\\x1b[2J\r\n");
  shows("tagline> ");
  type("do\r");
  expect('l', "do");
  answer('m', "");
  shows("      -> ");
  type("end\r");
  expect('l', "do\nend");
  answer('f', "it failed");
  shows("\033[31mit failed\033[0m\r\n");
  shows("tagline> ");
  type("\x10\x10\x10\r"); /* Ctrl-P: the third line back */
  expect('l', "print(1)");
  answer('r', "\xc3\xa9");
  shows("\xc3\xa9\r\n");
  shows("tagline> ");
  type("\xe2\x82\xac\r"); /* beyond ASCII, as typed */
  expect('l', "\xe2\x82\xac");
  answer('r', "");
  shows("tagline> ");
  type("\x04");
  exits(0);
}

static void knows_the_keys_that_terminals_send (void **state) {
  (void)state;
  begin_terminal();
  /* Home, Delete, End, in the forms there are */
  type("yx = 1\x1b[1~\x1b[3~\x1b[4~2\x1b[HQ\x1b[F3\x1bOHZ\x1bOF4\r");
  expect('l', "ZQx = 1234");
  answer('r', "");
  shows("tagline> ");
  type("one two three\x1b[1;5D\x1b[1;5DX\r"); /* Ctrl-Left, twice */
  expect('l', "one Xtwo three");
  answer('r', "");
  shows("tagline> ");
  type("\x04");
  exits(0);
}

static void a_paste_keeps_its_tabs (void **state) {
  (void)state;
  server = listen_at("plant");
  start_terminal();
  shows("\x1b[?2004h"); /* asks for the marks */
  shows("tagline> ");
  type("\x1b[200~if x then\n\ty =\t1\nend\x1b[201~");
  expect('l', "if x then");
  answer('m', "");
  expect('l', "if x then\n\ty =\t1");
  answer('m', "");
  type("\r");
  expect('l', "if x then\n\ty =\t1\nend");
  answer('r', "");
  shows("tagline> ");
  type("li\t");
  expect('c', "{\"line\":\"li\",\"at\":2}");
  answer('c', "[\"lines\"]");
  shows("nes");
  type("\r");
  expect('l', "lines");
  answer('r', "");
  shows("\x1b[?2004l");
  shows("tagline> ");
  type("\x04");
  exits(0);
}

static void output_that_comes_while_a_line_is_typed_moves_it_down (void **state) {
  (void)state;
  begin_terminal();
  type("abc");
  shows("abc");
  answer('o', "late value\n");
  shows("late value\r\n");
  shows("tagline> abc");
  type("\r");
  expect('l', "abc");
  answer('r', "");
  shows("tagline> ");
  close(peer);
  peer = -1;
  shows("the process has ended the connection");
  exits(1);
}

static void tab_completes_from_the_live_process (void **state) {
  (void)state;
  begin_terminal();
  type("tags[\"pl\t");
  expect('c', "{\"line\":\"tags[\\\"pl\",\"at\":8}");
  answer('o', "meanwhile\n");
  answer('c', "[\"plant.boiler.up\",\"plant.burner.up\"]");
  shows("ant.b");
  type("\t");
  expect('c', "{\"line\":\"tags[\\\"plant.b\",\"at\":13}");
  answer('c', "[\"plant.boiler.up\",\"plant.burner.up\"]");
  shows("plant.boiler.up");
  shows("plant.burner.up");
  shows("tags[\"plant.b");
  type("o\t");
  expect('c', "{\"line\":\"tags[\\\"plant.bo\",\"at\":14}");
  answer('c', "[\"plant.boiler.up\"]");
  shows("iler.up");
  type("\t");
  expect('c', "{\"line\":\"tags[\\\"plant.boiler.up\",\"at\":21}");
  answer('c', "not a list");
  type("\"]\r");
  expect('l', "tags[\"plant.boiler.up\"]");
  answer('r', "21.5");
  shows("21.5\r\n");
  type("x\t"); /* a process that does not answer does not take the keyboard away for long */
  expect('c', "{\"line\":\"x\",\"at\":1}");
  type("\r");
  expect('l', "x");
}

static void ctrl_c_drops_the_line_or_cancels_the_evaluation (void **state) {
  (void)state;
  begin_terminal();
  type("for\r");
  expect('l', "for");
  answer('m', "");
  shows("      -> ");
  type("unwanted\x03");
  shows("tagline> ");
  type("watch()\r");
  expect('l', "watch()");
  type("\x03");
  expect('x', "");
  answer('f', "cancelled");
  shows("cancelled");
  shows("tagline> ");
  type("watch()\r");
  expect('l', "watch()");
  answer('o', "value\n");
  shows("value");
  type("\r"); /* Enter ends a watch */
  expect('i', "");
  answer('r', "");
  shows("tagline> ");
  type("\x04");
  exits(0);
}

static void pasted_lines_belong_to_the_prompt (void **state) {
  (void)state;
  begin_terminal();
  type("a\rb\rc\r");
  expect('l', "a");
  answer('r', "");
  expect('l', "b");
  answer('r', "");
  expect('l', "c");
  answer('r', "");
  shows("tagline> ");
}

static void history_lasts_and_is_private (void **state) {
  struct stat st;
  char file[120];
  (void)state;
  server = listen_at("plant");
  for (int round = 0; round < 2; round++) {
    start_terminal();
    shows("tagline> ");
    type(round == 0 ? "say(\"a \\\\ \xc3\xa9\")\r" : "\x10\r");
    expect('l', "say(\"a \\\\ \xc3\xa9\")");
    answer('r', "");
    shows("tagline> ");
    type("\x04");
    exits(0);
    close(terminal);
    close(peer);
    tl_buf_clear(&seen);
  }
  terminal = peer = -1;
  snprintf(file, sizeof file, "%s/tagline/history", folder);
  assert_int_equal(stat(file, &st), 0);
  assert_int_equal(st.st_mode & 07777, 0600);
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(prints_the_result_of_an_expression),
    SPEC(exits_1_with_the_error_on_stderr),
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
    SPEC(edits_lines_and_asks_for_more),
    SPEC(knows_the_keys_that_terminals_send),
    SPEC(a_paste_keeps_its_tabs),
    SPEC(output_that_comes_while_a_line_is_typed_moves_it_down),
    SPEC(tab_completes_from_the_live_process),
    SPEC(ctrl_c_drops_the_line_or_cancels_the_evaluation),
    SPEC(pasted_lines_belong_to_the_prompt),
    SPEC(history_lasts_and_is_private),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

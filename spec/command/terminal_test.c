/* spec/command/terminal_test.c — `tagline repl` on a terminal: keys, the prompt, what is shown
** above it, and the lines that are remembered. */
#include "support/torture.h"

#include "command/attached.h"

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
    end_terminal();
  }
  snprintf(file, sizeof file, "%s/tagline/history", folder);
  assert_int_equal(stat(file, &st), 0);
  assert_int_equal(st.st_mode & 07777, 0600);
}

/* The line comes, and its answer is shown above the next prompt. */
static void runs (const char *line) {
  expect('l', line);
  answer('r', "so it is");
  shows("so it is\r\n");
  shows("tagline> ");
}

/* No escape sequence goes to a terminal that does not know them. */
static void a_plain_terminal_gets_plain_text (void **state) {
  static const char *const terms[] = { "dumb", "", NULL };
  (void)state;
  server = listen_at("plant");
  for (size_t i = 0; i < COUNT(terms); i++) {
    term = terms[i];
    start_terminal();
    shows("tagline> ");
    type("abc");
    shows("abc");
    answer('o', "late value");
    shows("\r\nlate value\r\n");
    shows("tagline> abc");
    type("\x12\t\r"); /* Ctrl-R searches nothing; a Tab with more behind it was pasted */
    expect('l', "abc\t");
    answer('f', "it failed");
    shows("it failed\r\n");
    tl_buf_byte(&seen, 0);
    assert_null(strchr((char *)seen.at, 27));
    shows("tagline> ");
    type("\x04");
    exits(0);
    end_terminal();
  }
}

/* `n` words that have nothing in common, each `width` characters long. */
static const char *word_list (int n, int width) {
  static tl_buf list;
  tl_buf_clear(&list);
  for (int i = 0; i < n; i++)
    tl_buf_fmt(&list, "%c\"%c%0*d\"", i ? ',' : '[', 'a' + i % 26, width - 1, i);
  tl_buf_str(&list, "]");
  tl_buf_byte(&list, 0);
  return (const char *)list.at;
}

static void many_words_stand_in_columns_and_the_rest_is_counted (void **state) {
  (void)state;
  server = listen_at("plant");
  columns = 20;
  start_terminal();
  shows("tagline> ");
  type("\t");
  expect('c', "{\"line\":\"\",\"at\":0}");
  answer('c', word_list(4, 8)); /* two of ten columns in a row */
  shows("\r\na0000000  b0000001\r\nc0000002  d0000003\r\n");
  type("\t");
  expect('c', "{\"line\":\"\",\"at\":0}");
  answer('c', word_list(2, 30)); /* wider than the terminal */
  shows("\r\na00000000000000000000000000000\r\nb00000000000000000000000000001\r\n");
  type("\t");
  expect('c', "{\"line\":\"\",\"at\":0}");
  answer('c', word_list(203, 8));
  shows("r0000199\r\n… and 3 more\r\n");
  type("\t");
  expect('c', "{\"line\":\"\",\"at\":0}");
  answer('c', "[]");
  type("x\r");
  runs("x");
  type("\x04");
  exits(0);
}

static void ctrl_r_takes_an_earlier_line_and_leaves_keys_out (void **state) {
  (void)state;
  begin_terminal();
  type("\x12"); /* there is none yet */
  shows("earlier line with: ");
  type("one");
  shows("earlier line with: one  (there is none)");
  type("\x07");
  shows("tagline> ");
  static const char *const lines[] = { "print(1)", "print(2)" };
  for (int i = 0; i < 2; i++) {
    type(lines[i]);
    type("\r");
    runs(lines[i]);
  }
  type("\x12(");
  shows("earlier line with: (  >  print(2)");
  type("\x12");
  shows("earlier line with: (  >  print(1)");
  type("\x1b[1;5D"); /* an arrow: the line is to be edited, and nothing of the arrow in it */
  shows("tagline> print(1)");
  type("!\r");
  runs("print(1)!");
  type("\x12(2");
  shows("(2  >  print(2)");
  type("\r");
  runs("print(2)");
  type("\x12");
  shows("earlier line with: ");
  close(peer); /* it ends in the middle of a search */
  peer = -1;
  shows("the process has ended the connection");
  exits(1);
}

/* What stands in the file of remembered lines. */
static bool is_remembered (const char *file, const char *line) {
  char text[40000];
  FILE *f = fopen(file, "r");
  if (!f) return false;
  text[fread(text, 1, sizeof text - 1, f)] = '\0';
  fclose(f);
  return strstr(text, line);
}

static void lines_are_remembered_where_the_state_is_kept (void **state) {
  char file[160], blocked[120];
  (void)state;
  server = listen_at("plant");
  snprintf(blocked, sizeof blocked, "%s/blocked", folder);
  fclose(fopen(blocked, "w"));
  for (int kind = 0; kind < 4; kind++) {
    unsetenv("XDG_STATE_HOME");
    unsetenv("HOME");
    if (kind == 0) setenv("XDG_STATE_HOME", "relative", 1); /* is to be ignored */
    if (kind == 0) setenv("HOME", folder, 1);
    if (kind == 2) setenv("HOME", "relative", 1);
    if (kind == 3) setenv("XDG_STATE_HOME", blocked, 1); /* no folder can be made in it */
    start_terminal();
    shows("tagline> ");
    type("   \r"); /* nothing to remember */
    runs("   ");
    type("again\r");
    runs("again");
    type("\r\x10\r"); /* the line before, wherever it is kept */
    runs("again");
    type("\x04");
    exits(0);
    end_terminal();
  }
  snprintf(file, sizeof file, "%s/.local/state/tagline/history", folder);
  assert_true(is_remembered(file, "_HiStOrY_V2_\nagain\n"));
  assert_false(is_remembered(file, "again\nagain"));
}

static void a_long_history_is_cut_to_its_last_lines (void **state) {
  char file[160];
  (void)state;
  server = listen_at("plant");
  snprintf(file, sizeof file, "%s/tagline/history", folder);
  FILE *f = fopen(file, "w");
  fputs("_HiStOrY_V2_\n", f);
  for (int i = 0; i < 2100; i++) fprintf(f, "line%04d\n", i);
  fclose(f);
  start_terminal();
  shows("tagline> ");
  assert_true(is_remembered(file, "line2099\n"));
  assert_false(is_remembered(file, "line1099\n"));
  type("\x10\r");
  runs("line2099");
  type("\x04");
  exits(0);
}

static void another_width_is_told_with_the_next_line (void **state) {
  struct winsize ws = { .ws_row = 24, .ws_col = 60 };
  (void)state;
  begin_terminal();
  type("ab");
  shows("ab");
  assert_int_equal(ioctl(terminal, TIOCSWINSZ, &ws), 0);
  type("c\r");
  expect('h', "{\"tty\":true,\"width\":60,\"json\":false,\"wait\":1000}");
  runs("abc");
  type("d\r"); /* once */
  runs("d");
  type("\x04");
  exits(0);
}

static void bytes_that_are_no_character_are_left_out (void **state) {
  (void)state;
  begin_terminal();
  type("a\xff\xc3\xa9z\r");
  runs("a\xc3\xa9z");
  close(terminal); /* and a terminal that goes is the end */
  terminal = -1;
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  child = 0;
}

static void a_process_that_is_silent_is_told_of_and_can_be_left (void **state) {
  (void)state;
  tl_talk_patience_ms = 1000;
  server = listen_at("plant");
  open_terminal(); /* no answer before the prompt */
  shows("the process has not answered for 1 s: it is stopped, or something holds its loop");
  exits(1);
  close(terminal);
  close(peer);
  start_terminal();
  shows("tagline> ");
  type("slow()\r");
  expect('l', "slow()");
  shows("[the process has not answered for 1 s; Ctrl-C, twice, stops waiting]");
  type("\x03");
  expect('x', "");
  type("\x03");
  exits(130);
  close(terminal);
  close(peer);
  open_terminal();
  type("\x03"); /* nor is the first answer waited for */
  exits(130);
  close(terminal);
  close(peer);
  open_terminal();
  close(peer);
  peer = -1;
  shows("the process has ended the connection");
  exits(1);
  tl_talk_patience_ms = 10000;
}

/* What is typed at a prompt: a word that Tab completes; a search that is left, and the end. */
static const char *const keys[] = { "li\t + 1\r", "\x12li\x07\x04" };

/* Plays the running process and the person until the child ends; what it showed is in seen. */
static int attend (void) {
  size_t typed = 0, looked = 0;
  int64_t end = tl_clock_mono_ms() + DEADLINE_MS;
  for (;;) {
    struct pollfd p[] = { { .fd = server, .events = POLLIN },
                          { .fd = terminal, .events = POLLIN },
                          { .fd = peer, .events = POLLIN } };
    if (tl_clock_mono_ms() > end) fail_msg("it does not end: %.*s", TL_ARG(tl_buf_bytes(&seen)));
    poll(p, 3, 1000);
    if (p[0].revents) {
      if (peer >= 0) close(peer); /* that was only a look whether somebody answers */
      peer = accept4(server, NULL, NULL, SOCK_CLOEXEC);
      continue;
    }
    if (p[2].revents) {
      char type, reply = 'r';
      if (tl_console_get(peer, &type, &frame) != 1) {
        close(peer);
        peer = -1;
        continue;
      }
      if (type == 'p' || type == 'c') reply = type;
      if (type != 'h') (void)tl_console_put(peer, reply, TL_LIT("[\"lines\"]"));
    }
    if (!p[1].revents) continue;
    tl_buf_reserve(&seen, 4096);
    ssize_t n = read(terminal, seen.at + seen.len, 4095);
    if (n <= 0) break;
    seen.len += (size_t)n;
    const char *prompt = memmem(seen.at + looked, seen.len - looked, "\x1b[?2004h", 8);
    prompt = prompt ? memmem(prompt, seen.len - looked, "tagline> ", 9) : NULL;
    if (!prompt || typed == COUNT(keys)) continue;
    looked = seen.len;
    type(keys[typed++]);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  child = 0;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 256;
}

/* It goes on, or says why it ends. */
static void without_memory_the_prompt_says_so (void **state) {
  enum { REQUESTS = 45 };
  char *argv[] = { "repl", "--socket", path, NULL };
  struct winsize ws = { .ws_row = 24, .ws_col = columns };
  (void)state;
  server = listen_at("plant");
  for (int n = 0; n <= 2 * REQUESTS; n++) {
    tl_buf_fini(&seen);
    child = forkpty(&terminal, NULL, NULL, &ws);
    if (child == 0) {
      setenv("TERM", "xterm", 1);
      setenv("LC_ALL", "C.UTF-8", 1);
      for (int fd = 3; fd < 64; fd++) close(fd);
      memory_fails(n / 2, n % 2);
      int rc = tl_command_repl(3, argv);
      memory_heals();
      end_child(rc);
    }
    int code = attend();
    tl_buf_byte(&seen, 0);
    if (code != 0 && code != 1) fail_msg("%d when request %d fails", code, n / 2);
    if (code == 1 && !strstr((char *)seen.at, "memory") &&
        !strstr((char *)seen.at, "terminal cannot be used"))
      fail_msg("it ends without a word when request %d fails: %s", n / 2, (char *)seen.at);
    close(terminal);
    if (peer >= 0) close(peer);
    peer = terminal = -1;
    if (n == 2 * REQUESTS) assert_int_equal(code, 0); /* more are not asked for */
  }
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(edits_lines_and_asks_for_more),
    SPEC(knows_the_keys_that_terminals_send),
    SPEC(a_paste_keeps_its_tabs),
    SPEC(output_that_comes_while_a_line_is_typed_moves_it_down),
    SPEC(tab_completes_from_the_live_process),
    SPEC(ctrl_c_drops_the_line_or_cancels_the_evaluation),
    SPEC(pasted_lines_belong_to_the_prompt),
    SPEC(history_lasts_and_is_private),
    SPEC(a_plain_terminal_gets_plain_text),
    SPEC(many_words_stand_in_columns_and_the_rest_is_counted),
    SPEC(ctrl_r_takes_an_earlier_line_and_leaves_keys_out),
    SPEC(lines_are_remembered_where_the_state_is_kept),
    SPEC(a_long_history_is_cut_to_its_last_lines),
    SPEC(another_width_is_told_with_the_next_line),
    SPEC(bytes_that_are_no_character_are_left_out),
    SPEC(a_process_that_is_silent_is_told_of_and_can_be_left),
    SPEC(without_memory_the_prompt_says_so),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* spec/base/log_test.c — one line, one write, nothing in it that moves a terminal; and the
** clocks it is stamped with. */
#include "base_support.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

static int saved, ends[2];

/* stderr becomes a pipe; packet mode keeps each write apart from the next. */
static int begin (void **unused) {
  (void)unused;
  saved = dup(STDERR_FILENO);
  return saved < 0 || pipe2(ends, O_DIRECT | O_NONBLOCK) != 0 || dup2(ends[1], STDERR_FILENO) < 0
             ? -1
             : 0;
}

static int end (void **unused) {
  (void)unused;
  dup2(saved, STDERR_FILENO);
  close(saved);
  close(ends[0]);
  close(ends[1]);
  tl_log_set_sink(NULL, NULL);
  tl_log_set_level(TL_LOG_INFO);
  tl_log_set_style(TL_LOG_TEXT, false);
  return 0;
}

static char *written (void) { /* what one write brought, "" when there was none */
  static char text[8192];
  ssize_t n = read(ends[0], text, sizeof text - 1);
  text[n > 0 ? n : 0] = '\0';
  return text;
}

static void a_line_has_time_level_scope_and_text (void **unused) {
  (void)unused;
  tl_log(TL_LOG_INFO, "plant", "connected to %s:%d", "127.0.0.1", 1883);
  char *line = written();
  assert_int_equal(strlen(line),
                   strlen("2026-11-22T14:03:16.123Z INFO  plant: connected to 127.0.0.1:1883\n"));
  assert_true(line[4] == '-' && line[10] == 'T' && line[19] == '.' && line[23] == 'Z');
  assert_string_equal(line + 24, " INFO  plant: connected to 127.0.0.1:1883\n");
  tl_log(TL_LOG_ERROR, NULL, "bare");
  assert_string_equal(written() + 24, " ERROR bare\n");
  tl_log(TL_LOG_WARN, "a.b", "x");
  assert_string_equal(written() + 24, " WARN  a.b: x\n");
}

static void levels_keep_lines_back (void **unused) {
  (void)unused;
  tl_log(TL_LOG_DEBUG, NULL, "not yet");
  assert_string_equal(written(), "");
  tl_log_set_level(TL_LOG_DEBUG);
  tl_log(TL_LOG_DEBUG, NULL, "now");
  assert_string_equal(written() + 24, " DEBUG now\n");
  tl_log_set_level(TL_LOG_ERROR);
  assert_true(tl_log_on(TL_LOG_ERROR));
  assert_false(tl_log_on(TL_LOG_WARN));
  tl_log(TL_LOG_WARN, NULL, "no more");
  assert_string_equal(written(), "");
}

static void what_could_move_a_terminal_becomes_visible (void **unused) {
  (void)unused;
  tl_log(TL_LOG_INFO, "li\nne",
         "a\nb\rc\td\x1b[31m\x7f é \xc2\x9b \xff\xfe \xed\xa0\x80 cut \xe2\x82");
  assert_string_equal(written() + 24, " INFO  li\\nne: a\\nb\\rc\\td\\x1b[31m\\x7f é \\xc2\\x9b "
                                      "\\xff\\xfe \\xed\\xa0\\x80 cut \\xe2\\x82\n");
}

static void what_a_script_prints_keeps_its_lines_and_moves_no_terminal (void **unused) {
  (void)unused;
  tl_log_print(TL_LIT("a\tb\nc\x1b[2J\xff"));
  assert_string_equal(written(), "a\tb\nc\\x1b[2J\\xff\n");
}

static void the_journal_gets_priorities_and_no_time (void **unused) {
  (void)unused;
  tl_log_set_style(TL_LOG_JOURNAL, false);
  tl_log(TL_LOG_INFO, "plant", "connected");
  assert_string_equal(written(), "<6>plant: connected\n");
  tl_log(TL_LOG_ERROR, NULL, "bare");
  assert_string_equal(written(), "<3>bare\n");
  tl_log(TL_LOG_WARN, NULL, "x");
  assert_string_equal(written(), "<4>x\n");
  tl_log_print(TL_LIT("one\ntwo"));
  assert_string_equal(written(), "<6>one\n<6>two\n");
}

static void json_lines_are_whole_documents (void **unused) {
  (void)unused;
  tl_log_set_style(TL_LOG_JSON, false);
  tl_log(TL_LOG_WARN, "plant", "a \"b\" \x1b \xff");
  char *line = written();
  assert_memory_equal(line, "{\"time\":\"2", 10);
  assert_string_equal(line + 34, ",\"level\":\"warn\",\"scope\":\"plant\",\"text\":"
                                 "\"a \\\"b\\\" \\\\x1b \\\\xff\"}\n");
  tl_log_print(TL_LIT("one\ntwo"));
  assert_string_equal(written() + 34, ",\"level\":\"info\",\"text\":\"one\\ntwo\"}\n");
}

static char plain[200];
static bool show (void *ctx, tl_log_level level, const char *line) {
  (void)ctx;
  (void)level;
  snprintf(plain, sizeof plain, "%s", line);
  return false;
}

static void colour_is_the_levels_alone_and_not_for_those_who_show_it_elsewhere (void **unused) {
  (void)unused;
  tl_log_set_style(TL_LOG_TEXT, true);
  tl_log_set_writer(show, NULL);
  tl_log(TL_LOG_ERROR, "plant", "gone");
  assert_string_equal(written() + 24, " \x1b[31mERROR\x1b[0m plant: gone\n");
  assert_string_equal(plain + 24, " ERROR plant: gone");
  tl_log_set_writer(NULL, NULL);
  tl_log(TL_LOG_INFO, NULL, "SIGTERM: ending");
  assert_string_equal(written() + 24, " INFO  SIGTERM: ending\n");
}

static char outlet[400];
static void take (void *ctx, tl_slice line) {
  (void)ctx;
  snprintf(outlet, sizeof outlet, "%.*s", TL_ARG(line));
}

static void an_outlet_gets_whole_lines_in_place_of_stderr (void **unused) {
  (void)unused;
  tl_buf line;
  tl_log_set_outlet(take, NULL);
  tl_log(TL_LOG_INFO, NULL, "x");
  assert_string_equal(outlet + 24, " INFO  x\n");
  assert_string_equal(written(), "");
  tl_log_set_outlet(NULL, NULL);
  tl_buf_init(&line);
  assert_int_equal(tl_log_line(&line, TL_LOG_WARN, "y\x1b"), TL_OK);
  tl_buf_byte(&line, 0);
  assert_string_equal((char *)line.at + 24, " WARN  y\\x1b\n");
  tl_buf_fini(&line);
}

static void a_long_line_is_one_write (void **unused) {
  (void)unused;
  char text[3001];
  memset(text, 'x', 3000);
  text[3000] = '\0';
  tl_log(TL_LOG_INFO, NULL, "%s", text);
  char *line = written();
  assert_int_equal(strlen(line), 24 + 7 + 3000 + 1);
  assert_string_equal(written(), "");
}

static void a_reader_that_stopped_does_not_hold_the_process (void **unused) {
  (void)unused;
  char block[4096];
  memset(block, 'x', sizeof block);
  while (write(ends[1], block, sizeof block) > 0) continue;
  assert_int_equal(errno, EAGAIN);
  tl_log(TL_LOG_INFO, NULL, "lost");
  close(STDERR_FILENO);
  tl_log(TL_LOG_INFO, NULL, "nowhere to go");
}

static char last[200];
static tl_log_level last_level;

static void keep (void *ctx, tl_log_level level, const char *line) {
  ++*(int *)ctx;
  last_level = level;
  snprintf(last, sizeof last, "%s", line);
}

static void a_sink_hears_each_line_without_its_break (void **unused) {
  (void)unused;
  int count = 0;
  tl_log_set_sink(keep, &count);
  tl_log(TL_LOG_WARN, "plant", "heard");
  assert_string_equal(last + 24, " WARN  plant: heard");
  assert_int_equal(last_level, TL_LOG_WARN);
  assert_string_equal(written() + 24, " WARN  plant: heard\n");
  tl_log(TL_LOG_DEBUG, "plant", "not written, not heard");
  tl_log_set_sink(NULL, NULL);
  tl_log(TL_LOG_WARN, "plant", "not heard");
  assert_int_equal(count, 1);
}

static void clocks_agree_and_go_forward (void **unused) {
  (void)unused;
  int64_t wall = tl_clock_wall_ms(), library = (int64_t)time(NULL) * 1000;
  assert_true(wall > library - 2000 && wall < library + 2000);
  uint64_t ns = tl_clock_mono_ns(), cpu = tl_clock_cpu_ns();
  int64_t ms = tl_clock_mono_ms();
  assert_true(ms >= (int64_t)(ns / 1000000) && ms < (int64_t)(ns / 1000000) + 60000);
  assert_true(tl_clock_mono_ns() >= ns && tl_clock_cpu_ns() >= cpu);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_line_has_time_level_scope_and_text, begin, end),
    cmocka_unit_test_setup_teardown(levels_keep_lines_back, begin, end),
    cmocka_unit_test_setup_teardown(what_could_move_a_terminal_becomes_visible, begin, end),
    cmocka_unit_test_setup_teardown(a_long_line_is_one_write, begin, end),
    cmocka_unit_test_setup_teardown(what_a_script_prints_keeps_its_lines_and_moves_no_terminal,
                                    begin, end),
    cmocka_unit_test_setup_teardown(the_journal_gets_priorities_and_no_time, begin, end),
    cmocka_unit_test_setup_teardown(json_lines_are_whole_documents, begin, end),
    cmocka_unit_test_setup_teardown(
        colour_is_the_levels_alone_and_not_for_those_who_show_it_elsewhere, begin, end),
    cmocka_unit_test_setup_teardown(an_outlet_gets_whole_lines_in_place_of_stderr, begin, end),
    cmocka_unit_test_setup_teardown(a_reader_that_stopped_does_not_hold_the_process, begin, end),
    cmocka_unit_test_setup_teardown(a_sink_hears_each_line_without_its_break, begin, end),
    cmocka_unit_test(clocks_agree_and_go_forward),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

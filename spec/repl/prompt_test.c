/* spec/repl/prompt_test.c — a prompt from the inside: words without parentheses, chunks over
** several lines, variables that stay, errors in plain words, scripts, completion. */
#include "running.h"

static const char *running_config =
    "shared = 7\n"
    "line 'l' { host = '127.0.0.1', topic_filter = '#',\n"
    "  station 's' { address = 's', tags = { v = Ci 'IN_DATA', out = TxtO 'OUT_VALUE',\n"
    "    to = TxtO { 'OUT_TOPIC', default = 'set' } } } }\n";

static answer a;
static tl_eval *e;
static int leaves;

static void on_leave (void *ctx) {
  (void)ctx;
  leaves++;
}

static const tl_eval_events prompt_events = { on_output, on_done, on_note, on_more, on_leave };

static int begin_prompt (void **state) {
  if (begin_all(state) != 0) return -1;
  leaves = 0;
  return tl_eval_new(&e, script, &prompt_events, &a);
}

static int end_prompt (void **state) {
  tl_eval_free(e);
  return end_all(state);
}

/* One line at the prompt. */
static void types (const char *code) {
  a = (answer){ .dones = 0 };
  tl_eval_run(e, tl_slice_str(code), true);
  for (int i = 0; i < 100 && a.dones + a.mores == 0 && leaves == 0; i++) turn();
}

static void answers (const char *code, const char *text) {
  types(code);
  if (a.dones != 1 || !strstr(a.text, text)) fail_msg("%s: %d: %s", code, a.dones, a.text);
}

static void words_need_no_parentheses (void **unused) {
  (void)unused;
  static const char *const words[] = { "help",  " help ",  "help()", "?", "help keep_alive",
                                       "? JA=", "?decode", "status" };
  for (size_t i = 0; i < COUNT(words); i++) {
    types(words[i]);
    if (!a.ok || strlen(a.text) + strlen(a.seen) == 0) fail_msg("%s: %s", words[i], a.text);
  }
  static const char *const none[] = { "help keep-alive", "help a b", "?=x" };
  for (size_t i = 0; i < COUNT(none); i++) {
    types(none[i]);
    if (a.ok && a.mores == 0) fail_msg("%s is no code: %s", none[i], a.text);
  }
  types("exit");
  types("quit()");
  assert_int_equal(leaves, 2);
}

static void variables_come_before_words (void **unused) {
  (void)unused;
  answers("help = 5", "");
  answers("help", "5");
  answers("status = 6", "");
  answers("status", "6");
  answers("exit = 7", "");
  answers("exit", "7");
  assert_int_equal(leaves, 0);
}

static void a_chunk_may_take_several_lines (void **unused) {
  (void)unused;
  types("for i = 1, 2 do");
  assert_int_equal(a.mores, 1);
  types("for i = 1, 2 do\nlast = i\nend");
  assert_int_equal(a.dones, 1);
  answers("last", "2");
  types("return {");
  assert_int_equal(a.mores, 1);
}

static void variables_stay_also_local_ones (void **unused) {
  (void)unused;
  answers("x = 5", "");
  answers("x + 1", "6");
  answers("local y = 8", "");
  answers("y", "8");
  answers("_", "8");
  answers("shared", "7");
  answers("nil", "nil");
  answers("1, nil, 'a'", "a");
  answers("error 'x'", "x");
  answers("_", "1");
}

static void errors_are_told_in_plain_words (void **unused) {
  (void)unused;
  tl_eval_options(e, false, true, 0, 80, 0);
  answers("tgas", "did you mean 'tags'?\n  tgas\n  ^");
  answers("tgas['l.s.v'].value", "tags");
  answers("1 +* 2", "unexpected symbol");
  answers("x.y.z", "unknown word 'x'");
  answers("error {}", "error object that is a table");
  answers("error(setmetatable({}, { __tostring = function() return 'mine' end }))", "mine");
  answers("error(setmetatable({}, { __tostring = function() error 'no' end }))",
          "error object that cannot be shown");
  answers("error(setmetatable({}, { __tostring = function() return {} end }))",
          "error object that cannot be shown");
  answers("watch {}", "watch");
}

static void one_evaluation_at_a_time (void **unused) {
  (void)unused;
  types("watch 'l.s.v'");
  assert_int_equal(a.dones, 0);
  types("1 + 1");
  assert_int_equal(a.dones, 1);
  assert_string_equal(a.text, "an evaluation is still running");
  a.dones = 0;
  tl_eval_cancel(e);
  assert_int_equal(a.dones, 1);
  assert_string_equal(a.text, "cancelled");
  tl_eval_cancel(e); /* nothing runs */
  assert_int_equal(a.dones, 1);
  answers("1 + 1", "2");
}

/* `tagline repl -e` and scripts: nil and why is a failure. */
static void a_failure_fails_a_script (void **unused) {
  (void)unused;
  static const char *const failures[] = { "return nil, 'why not'", "return nil, 'why not', 5" };
  static const char *const fine[] = { "return nil", "return nil, 5", "return nil, 'a', 'b'",
                                      "return false, 'x'", "return 1, 'x'" };
  for (size_t i = 0; i < COUNT(failures); i++) {
    evaluate(failures[i], &a);
    if (a.ok || !strstr(a.seen, "why not")) fail_msg("%s: %s", failures[i], a.seen);
    answers(failures[i], "why not"); /* at a prompt it is a result */
    assert_true(a.ok);
  }
  for (size_t i = 0; i < COUNT(fine); i++) {
    evaluate(fine[i], &a);
    if (!a.ok) fail_msg("%s: %s", fine[i], a.text);
  }
  a = (answer){ .dones = 0 };
  tl_eval_script(e, 12);
  tl_eval_run(e, TL_LIT("\nerror 'there'"), true);
  for (int i = 0; i < 100 && a.dones == 0; i++) turn();
  assert_false(a.ok);
  assert_non_null(strstr(a.text, "stdin:13:"));
}

static void completes (const char *request, const char *expected) {
  tl_buf out;
  tl_buf_init(&out);
  tl_eval_complete(e, tl_slice_str(request), &out);
  tl_buf_byte(&out, '\0');
  if (!strstr((char *)out.at, expected)) fail_msg("%s: %s", request, (char *)out.at);
  tl_buf_fini(&out);
}

static void names_are_completed (void **unused) {
  (void)unused;
  completes("{\"line\":\"tags['l.s.\",\"at\":10}", "l.s.v']");
  completes("{\"line\":\"tags['l\",\"at\":7}", "l.");
  completes("{\"line\":\"stations['l.\",\"at\":12}", "l.s']");
  completes("{\"line\":\"lines['\",\"at\":7}", "l']");
  completes("{\"line\":\"shar\",\"at\":4}", "shared");
  completes("{\"line\":\"lines.l:rec\",\"at\":11}", "reconnect(");
  completes("{\"line\":\"require 'tagline.codec.he\",\"at\":25}", "tagline.codec.hex");
  completes("{\"line\":\"zzz\",\"at\":3}", "[]");
  completes("not JSON", "[]");
  completes("5", "[]");
}

#define SPEC(f) cmocka_unit_test_setup_teardown(f, begin_prompt, end_prompt)

/* Megabytes of code take long to compile. Some code is compiled, or not any more. */
static void long_code_waits_for_its_turn_while_the_loop_is_busy (void **unused) {
  (void)unused;
  static char code[6000];
  memset(code, ' ', sizeof code - 1);
  memcpy(code, "return 6 * 7", 12);
  for (int how = 0; how < 4; how++) {
    answer got = { .dones = 0 };
    tl_eval *one;
    if (how == 1) memcpy(code, "return 6 ** ", 12);
    assert_int_equal(tl_eval_new(&one, script, &events, &got), TL_OK);
    tl_clock_busy += 100;
    tl_eval_run(one, tl_slice_str(code), false);
    assert_int_equal(got.dones, 0);
    if (how == 2) tl_eval_cancel(one);
    for (int i = 0; i < 100 && got.dones == 0 && how < 2; i++) turn();
    assert_int_equal(got.dones, how < 3);
    assert_int_equal(got.ok, how == 0);
    if (how == 0) assert_string_equal(got.text, "42");
    if (how == 1) assert_non_null(strstr(got.text, "unexpected symbol"));
    tl_eval_free(one);
  }
}

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(words_need_no_parentheses),
    SPEC(variables_come_before_words),
    SPEC(a_chunk_may_take_several_lines),
    SPEC(variables_stay_also_local_ones),
    SPEC(errors_are_told_in_plain_words),
    SPEC(one_evaluation_at_a_time),
    SPEC(a_failure_fails_a_script),
    SPEC(names_are_completed),
    SPEC(long_code_waits_for_its_turn_while_the_loop_is_busy),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}

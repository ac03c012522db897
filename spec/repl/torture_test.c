/* spec/repl/torture_test.c — every allocation of a script's start, of its config, of evaluations,
** of messages with handlers and of a reload fails in turn, once and for ever: each ends with an
** answer, and what runs goes on. */
#include "running.h"

/* --- what runs --- */

static const char *running_config =
    "kept = 0\n"
    "line 'l' { host = '127.0.0.1', topic_filter = '#',\n"
    "  station 's' { address = 's/(.*)',\n"
    "    decode = function(m) return { x = m.json.v, text = m.captures[1] .. m.payload } end,\n"
    "    encode = function(tag, value) return value .. '!' end,\n"
    "    on_value = function(tag) kept = kept + 1 end,\n"
    "    on_status = function(s) kept = kept + 1 end,\n"
    "    tags = { x = Ai {}, text = TxtI {}, out = TxtO 'OUT_VALUE',\n"
    "      to = TxtO { 'OUT_TOPIC', default = 'out' } } },\n"
    "  station 'd{dev}' { address = 'dev/(?<dev>[^/]+)', tags = { y = Ai 'IN_DATA' } },\n"
    "  station 'j' { address = 'j', payload_type = 'JSON', tags = { z = Ai 'JA=a.b' } } }\n"
    "every(60, function() end)\n";

static void torture_evaluation (const char *code, bool interactive) {
  for (int forever = 0; forever < 2; forever++)
    for (long n = 0;; n += torture_step(n, 40)) {
      answer a = { .dones = 0 };
      tl_eval *e = NULL;
      memory_fails(n, forever);
      if (tl_eval_new(&e, script, &events, &a) == TL_OK) {
        tl_eval_run(e, tl_slice_str(code), interactive);
        if (a.dones + a.mores == 0) turn();
        memory_heals();
        turn();
        if (a.dones + a.mores == 0) tl_eval_cancel(e); /* it may wait for something */
        if (a.dones + a.mores != 1)
          fail_msg("%s: %d answers when request %ld fails%s", code, a.dones + a.mores, n,
                   forever ? " for ever" : "");
        if (a.dones == 1 && !a.ok && a.text[0] == '\0')
          fail_msg("%s: fails without a word when request %ld fails", code, n);
        tl_eval_free(e);
      }
      memory_heals();
      if (!memory_failed) break;
      gives("1 + 1", "2");
    }
}

static void evaluations_answer_once (void **unused) {
  (void)unused;
  static const char *const codes[] = {
    "1 + 1",
    "print('x', 1)",
    "return tags['l.s.x'].value",
    "local t = {} for i = 1, 100 do t[i] = { i } end return t",
    "x = 5 x = nil",
    "nothing.at.all",
    "error({})",
    "tags['l.s.out']:write('x')",
    "tags['l.s.out']:write('x', print)",
    "coroutine.wrap(function() tags['l.s.out']:write('x') end)()",
    "lines['l']:publish('a', 'b')",
    "stations['l.s']:off() stations['l.s']:on()",
    "lines['l']:set { keep_alive = 50 }",
    "after(1000, print)",
    "reload { dry = true }",
    "for i = 1, 1e5 do end",
    "print(explain(tags['l.s.x']))",
    "print(explain(tags['l.j.z']))",
    "print(explain('none', 'x'))",
    "messages('s/#')",
    "find('l.*')",
    "watch('l.*')",
    "watch 'messages'",
    "discover()",
    "stations['l.s']:forget()",
    "setmetatable({}, { __tostring = function() return 'x' end })",
  };
  for (size_t i = 0; i < COUNT(codes); i++) torture_evaluation(codes[i], false);
  torture_evaluation("local a = 1", true);
  torture_evaluation("for i = 1, 2 do", true);
  gives("tags['l.s.x'].name", "x");
}

static void words_of_the_prompt_answer_once (void **unused) {
  (void)unused;
  torture_evaluation("status()", false);
  torture_evaluation("explain('s/1', '{\"v\":1}')", false);
  torture_evaluation("messages()", false);
  torture_evaluation("help(tags)", false);
  gives("1 + 1", "2");
}

static void completions_are_lists (void **unused) {
  (void)unused;
  answer a = { .dones = 0 };
  tl_eval *e;
  assert_int_equal(tl_eval_new(&e, script, &events, &a), TL_OK);
  for (int forever = 0; forever < 2; forever++)
    for (long n = 0;; n += torture_step(n, 40)) {
      tl_buf out;
      tl_buf_init(&out);
      memory_fails(n, forever);
      tl_eval_complete(e, TL_LIT("{\"line\":\"tags['l.\",\"at\":8}"), &out);
      memory_heals();
      if (out.len > 0) assert_int_equal(out.at[0], '[');
      tl_buf_fini(&out);
      if (!memory_failed) break;
    }
  tl_eval_free(e);
}

/* --- messages --- */

static void messages_come_again (void **unused) {
  (void)unused;
  static const char *const topics[] = { "s/1", "dev/a", "j", "none" };
  char payload[40], expected[40];
  long number = 0;
  for (size_t i = 0; i < COUNT(topics); i++)
    for (int forever = 0; forever < 2; forever++)
      for (long n = 0;; n += torture_step(n, 40)) {
        memory_fails(n, forever);
        feed(topics[i], "{\"v\":1,\"a\":{\"b\":2}}");
        memory_heals();
        if (!memory_failed) break;
        snprintf(payload, sizeof payload, "{\"v\":%ld}", ++number);
        snprintf(expected, sizeof expected, "%ld.0", number);
        assert_int_equal(feed("s/1", payload), TL_OK);
        gives("return tostring(tags['l.s.x'].value)", expected);
      }
}

/* --- configs --- */

static void a_reload_that_fails_leaves_the_old_config (void **unused) {
  (void)unused;
  for (int forever = 0; forever < 2; forever++)
    for (long n = 0;; n += torture_step(n, 12)) {
      memory_fails(n, forever);
      tl_config_reload(script);
      for (int i = 0; i < 1000 && tl_config_is_reloading(script); i++) turn();
      memory_heals();
      bool hit = memory_failed;
      while (tl_config_is_reloading(script)) turn();
      gives("tags['l.s.x'].name", "x");
      assert_int_equal(feed("s/1", "{\"v\":7}"), TL_OK);
      gives("return tostring(tags['l.s.x'].value)", "7.0");
      gives("return tags['l.s.text'].value", "1{\"v\":7}");
      if (!hit) break;
    }
  tl_config_facts facts;
  tl_config_reload(script);
  while (tl_config_is_reloading(script)) turn();
  tl_config_get_facts(script, &facts);
  assert_false(facts.refused);
}

static void a_start_fails_in_words_or_works (void **unused) {
  (void)unused;
  for (int forever = 0; forever < 2; forever++)
    for (long n = 0;; n += torture_step(n, 10)) {
      tl_err err = { .text = "" };
      memory_fails(n, forever);
      bool ok = begin(&err);
      memory_heals();
      if (ok) gives("1 + 1", "2");
      if (!script) assert_true(err.text[0] != '\0');
      end();
      if (!memory_failed) break;
    }
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(evaluations_answer_once, begin_all, end_all),
    cmocka_unit_test_setup_teardown(words_of_the_prompt_answer_once, begin_all, end_all),
    cmocka_unit_test_setup_teardown(completions_are_lists, begin_all, end_all),
    cmocka_unit_test_setup_teardown(messages_come_again, begin_all, end_all),
    cmocka_unit_test_setup_teardown(a_reload_that_fails_leaves_the_old_config, begin_all, end_all),
    cmocka_unit_test(a_start_fails_in_words_or_works),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}

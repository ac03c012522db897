/* spec/repl/history_test.c — history() at the prompt and in coroutines of handlers: rows,
** intervals, lists of very many rows; whoever asks gets an answer, also where he goes meanwhile. */
#include "support/failing_sqlite.h"

#include "running.h"

#include "base/clock.h"
#include "history/history.h"
#include "net/uv.h"
#include "script/l_history.h"
#include "script/script.h"

FAILING(uv_queue_work, int, UV_ENOMEM,
        (uv_loop_t * l, uv_work_t *r, uv_work_cb f, uv_after_work_cb done), (l, r, f, done))

enum { ROWS = 100, MANY = 41000, BATCH = 1000, DEADLINE_MS = 90000 };

static const char *running_config =
    "seen = {}\n"
    "line 'l' { host = '127.0.0.1', topic_filter = '#',\n"
    "  station 's' { address = 's', on_value = function(tag) if seen.hook then seen.hook() end "
    "end,\n"
    "    tags = { v = Ci { 'IN_DATA', unit = 'V', new_value_on_time_change = true },\n"
    "      new = TxtI 'IN_TOPIC' } } }\n";

static char file[80];
static bool is_there = true; /* the config has a history */

static const char *history_file (void *ctx) {
  (void)ctx;
  return is_there ? file : NULL;
}
static bool apply_none (void *ctx, const tl_outlets_config *c, const tl_outlets_change *change,
                        tl_err *err) {
  (void)ctx, (void)c, (void)change, (void)err;
  return true;
}
static const tl_outlet_hooks hooks = { .apply = apply_none, .history = history_file };

/* l.s.v has ROWS values, a second apart, the tenth invalid and the last of another type; l.s.many
** has MANY. */
static void add_values (tl_history *h, const char *name, int from, int to) {
  tl_err err;
  tl_series series = { .type = TL_CI, .name = tl_slice_str(name) };
  static tl_outlet_value values[BATCH];
  static uint64_t next = 1;
  tl_outlet_batch b = { .spool = 7, .first = next, .count = (size_t)(to - from), .values = values };
  for (int i = from; i < to; i++) {
    tl_outlet_value *v = &values[i - from];
    *v = (tl_outlet_value){ .series = &series, .arrival_ms = running_wall + 1000 * i };
    v->sample = (tl_sample){ .status = TL_VALID, .time_ms = running_wall + 1000 * i };
    v->sample.value.integer = i;
    if (i == 10) v->sample.status = TL_INVALID, v->sample.reason = TL_REASON_RANGE;
  }
  b.next = next += b.count;
  if (tl_history_store(h, &b, running_wall, &err) < 0) fail_msg("%s", err.text);
}

static int make_history (void **unused) {
  tl_err err = { .text = "" };
  tl_history *h;
  if (setup(unused) != 0) return -1;
  snprintf(file, sizeof file, "%s.db", path);
  if (tl_history_open(&h, file, 0, &err) < 0) fail_msg("%s", err.text);
  add_values(h, "l.s.v", 0, ROWS);
  for (int i = 0; i < MANY; i += BATCH) add_values(h, "l.s.many", i, i + BATCH);
  tl_history_close(h);
  return 0;
}

static int remove_history (void **unused) {
  static const char *const parts[] = { "", "-wal", "-shm", ".lock" };
  for (size_t i = 0; i < COUNT(parts); i++) {
    char one[100];
    snprintf(one, sizeof one, "%s%s", file, parts[i]);
    unlink(one);
  }
  return teardown(unused);
}

static int begin_with_history (void **unused) {
  if (begin_all(unused) != 0) return -1;
  tl_config_set_outlets(script, &hooks);
  is_there = true;
  return 0;
}

static void wait_for (answer *a) {
  for (int64_t end_ = tl_clock_mono_ms() + DEADLINE_MS; a->dones == 0; turn())
    if (tl_clock_mono_ms() > end_) fail_msg("no answer");
}

static void ask (const char *code, answer *a) {
  tl_eval *e;
  *a = (answer){ .dones = 0 };
  assert_int_equal(tl_eval_new(&e, script, &events, a), TL_OK);
  tl_eval_run(e, tl_slice_str(code), false);
  wait_for(a);
  tl_eval_free(e);
}

static void answers (const char *code, const char *expected) {
  answer a;
  ask(code, &a);
  if (strcmp(a.text, expected) != 0) fail_msg("%s: %s, not %s", code, a.text, expected);
}

/* The code gives this in the end: where the turn is used, a handler runs in a later one. */
static void comes (const char *code, const char *expected) {
  int64_t end_ = tl_clock_mono_ms() + DEADLINE_MS;
  for (answer a = { .dones = 0 }; strcmp(a.text, expected) != 0; ask(code, &a))
    if (tl_clock_mono_ms() > end_) fail_msg("%s: %s, never %s", code, a.text, expected);
}

#define ALL "{ from = 1700000000, to = 1700001000 }"

static void rows_intervals_and_errors (void **unused) {
  (void)unused;
  static const char *const cases[][2] = {
    { "return #history(tags['l.s.v'], " ALL ")", "100" },
    { "return #history('l.s.v', { from = 1700000000, to = 1700001000, limit = 5 })", "5" },
    { "local h = history('l.s.v', " ALL ") return h[11].status .. h[11].reason .. h[12].value",
      "invalidrange11" },
    { "return history('l.s.v', { from = -5, to = -1.5 }) and 'none'", "none" },
    { "local h = history('l.s.v', { from = 1700000000, to = 1700000100, every = '1m', as = "
      "{ 'avg', 'count' }, zone = 'Europe/Berlin' }) return h[1].count",
      "39" },
    { "local h = history('l.s.v', { from = 1700000000, to = 1700000100, every = 60, as = 'max', "
      "zone = 'UTC' }) return h[1]",
      "" },
    { "return #history(tags['l.s.new'])", "0" }, /* nothing of it is kept yet */
    { "local h = history('l.s.many', { from = 1700000000, to = 1700099999, limit = 100000 }) "
      "h[#h + 1] = 'more' h.note = 'n' h[#h + 5] = 'far' local n = 0 for k in pairs(h) do n = n + "
      "1 "
      "end h[#h] = nil h[3] = nil return n .. ' ' .. #h .. ' ' .. h[41000].value .. "
      "tostring(h[3]) .. tostring(h[0]) .. tostring(h.x) .. h.note",
      "41004 41000 40999nilnilniln" },
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    answer a;
    ask(cases[i][0], &a);
    if (!a.ok || (cases[i][1][0] && strcmp(a.text, cases[i][1]) != 0))
      fail_msg("%s: %s, not %s", cases[i][0], a.text, cases[i][1]);
  }
  static const char *const wrong[][2] = {
    { "return history('l.s.nobody')", "the history has no tag 'l.s.nobody'" },
    { "return history('l.s.v', { from = 1700000000, to = 1700001000, every = '1h', as = 'avg', "
      "zone = 'Nowhere/Land' })",
      "Nowhere/Land" },
    { "return history(5)", "history: expected a tag or its full name" },
    { "return history('l.s.v', { from = -1e300, to = 0 })", "from: expected a time" },
    { "return history('l.s.v', { to = 0/0 })", "to: expected a time" },
    { "return plot('l.s.v', { width = -5 })", "plot: width: expected an integer from 10 to 1000" },
    { "return plot('l.s.v', { hight = 5 })", "plot: unknown option 'hight'; expected from" },
    /* a zone's clocks change 80,000 times meanwhile: no thread counts them for what is refused */
    { "return history('l.s.v', { from = '0000-01-01', to = '9999-01-01', every = 1, as = 'avg', "
      "zone = 'Europe/Berlin' })",
      "more than 1000000 intervals" },
  };
  for (size_t i = 0; i < COUNT(wrong); i++) {
    answer a;
    ask(wrong[i][0], &a);
    if (!strstr(a.text, wrong[i][1])) fail_msg("%s: %s, not %s", wrong[i][0], a.text, wrong[i][1]);
  }
  is_there = false;
  answer a;
  ask("return history('l.s.v')", &a);
  assert_non_null(strstr(a.text, "the config has no history { file = … }"));
}

static void a_coroutine_of_a_handler_waits (void **unused) {
  (void)unused;
  holds("seen.hook = function() seen.why = select(2, pcall(history, 'l.s.v')) end");
  assert_int_equal(feed("s", "1"), TL_OK);
  comes("return (seen.why or ''):match 'in a handler it needs a coroutine'",
        "in a handler it needs a coroutine");
  holds("seen.hook = coroutine.wrap(function() seen.rows = #history('l.s.v', { from = "
        "1700000000, to = 1700099999, limit = 100000 }) end)");
  assert_int_equal(feed("s", "2"), TL_OK);
  comes("return seen.rows", "100");
  holds("seen.hook = coroutine.wrap(function() history('l.s.v') seen.came = true error {} end)");
  assert_int_equal(feed("s", "3"), TL_OK);
  comes("return seen.came", "true");
  /* one that something else resumes meanwhile */
  holds(
      "seen.n = 0 local co = coroutine.create(function() history('l.s.v') seen.n = seen.n + 1 end) "
      "seen.hook = function() coroutine.resume(co) coroutine.resume(co) end");
  assert_int_equal(feed("s", "4"), TL_OK);
  answers("return #history('l.s.v', " ALL ")", "100");
  comes("return seen.n", "1");
}

/* Two are answered at a time, a thousand wait, and whoever asks more is told. The script ends with
** most of them unanswered. */
static void questions_of_handlers_are_bounded (void **unused) {
  (void)unused;
  holds("seen.refused, seen.come = 0, 0 seen.hook = function() seen.hook = nil for i = 1, 1005 do "
        "coroutine.wrap(function() local rows, why = history('l.s.v', " ALL ") "
        "if rows then seen.come = seen.come + 1 elseif why:find '^1000 questions' then "
        "seen.refused = seen.refused + 1 end end)() end end");
  assert_int_equal(feed("s", "1"), TL_OK);
  comes("return seen.refused", "3");
  answers("return #history('l.s.v', " ALL ")", "100"); /* a prompt waits for none of them */
  for (answer a = { .dones = 0 }; strcmp(a.text, "true") != 0;) ask("return seen.come > 2", &a);
}

/* Answers that are not made into tables yet hold memory of C: whoever asks while they hold too much
** is told, also when no question waits. */
static void answers_that_handlers_hold_are_bounded (void **unused) {
  (void)unused;
  script->history.most_bytes = 100;
  holds("seen.hook = function() seen.hook = nil coroutine.wrap(function() seen.many = "
        "#history('l.s.many', { from = 1700000000, to = 1700099999, limit = 100000 }) end)() "
        "coroutine.wrap(function() local rows repeat rows, seen.why = history('l.s.v', " ALL ") "
        "until seen.why or seen.many end)() end");
  assert_int_equal(feed("s", "1"), TL_OK);
  comes("return seen.many", "41000");
  answers("return (seen.why or ''):match 'have not taken yet hold'", "have not taken yet hold");
  script->history.most_bytes = TL_SCRIPT_ANSWERS;
  holds("seen.hook = coroutine.wrap(function() seen.rows = #history('l.s.v', " ALL ") end)");
  assert_int_equal(feed("s", "2"), TL_OK);
  comes("return seen.rows", "100");
}

/* The evaluation goes, or the script, while a thread reads. */
static void who_goes_meanwhile_is_not_answered (void **unused) {
  (void)unused;
  for (int how = 0; how < 3; how++) {
    answer a = { .dones = 0 };
    tl_eval *e;
    assert_int_equal(tl_eval_new(&e, script, &events, &a), TL_OK);
    tl_eval_run(
        e,
        TL_LIT(
            "return #history('l.s.many', { from = 1700000000, to = 1700099999, limit = 100000 })"),
        false);
    assert_int_equal(a.dones, 0);
    if (how == 0) tl_eval_cancel(e);
    if (how == 0) assert_true(a.dones == 1 && !a.ok);
    tl_eval_free(e);
    if (how < 2) answers("return 1 + 1", "2");
  }
  holds("seen.hook = coroutine.wrap(function() history('l.s.v') end)");
  assert_int_equal(feed("s", "2"), TL_OK); /* end_all() follows at once */
}

/* What the answer is stays with the evaluation until its turn comes. */
static void an_answer_in_a_busy_turn_waits_and_is_whole (void **unused) {
  (void)unused;
  answer a = { .dones = 0 };
  tl_eval *e;
  assert_int_equal(tl_eval_new(&e, script, &events, &a), TL_OK);
  tl_clock_busy += 100;
  tl_eval_run(e, TL_LIT("return #history(tags['l.s.v'], " ALL ")"), false);
  assert_int_equal(a.dones, 0);
  for (int64_t end_ = tl_clock_mono_ms() + DEADLINE_MS; a.dones == 0; turn()) {
    tl_clock_busy += 100;
    if (tl_clock_mono_ms() > end_) fail_msg("no answer");
  }
  assert_string_equal(a.text, "100");
  tl_eval_free(e);
}

static void without_memory_there_is_an_answer_all_the_same (void **unused) {
  (void)unused;
  static const char *const codes[] = {
    "return #history('l.s.v', " ALL ")",
    "return #history('l.s.v', { from = 1700000000, to = 1700000100, every = '1m', as = 'avg', zone "
    "= "
    "'Europe/Berlin' }) + 98",
  };
  for (size_t i = 0; i < COUNT(codes); i++)
    for (torture_round t = { 0 }; torture_next(&t); t.at += torture_step(t.at, 20) - 1) {
      answer a = { .dones = 0 };
      tl_eval *e = NULL;
      memory_fails(t.at, t.for_ever);
      int rc = tl_eval_new(&e, script, &events, &a);
      if (rc == TL_OK) tl_eval_run(e, tl_slice_str(codes[i]), false);
      for (int k = 0; k < 2000 && rc == TL_OK && a.dones == 0; k++) turn();
      memory_heals();
      bool failed = memory_failed;
      if (rc == TL_OK) {
        wait_for(&a);
        if (a.ok && strcmp(a.text, "100") != 0) fail_msg("%s: %s", codes[i], a.text);
        assert_true(a.ok || (failed && a.text[0] != '\0'));
        tl_eval_free(e);
      }
      assert_true(rc == TL_OK || failed);
      memory_failed = failed;
    }
  answers(codes[0], "100");
}

/* --- the module of commands --- */

/* The code gets the module; its result, or its error, is in said[]. */
static char said[1000];
static bool run_module (const char *code) {
  lua_State *L = script->box.L;
  int top = lua_gettop(L);
  bool well = luaL_loadstring(L, code) == LUA_OK;
  if (well) {
    memory_is_spared = true;
    luaL_requiref(L, "tagline.history.file", tl_open_history, 0);
    memory_is_spared = false;
    well = lua_pcall(L, 1, 1, 0) == LUA_OK;
  }
  snprintf(said, sizeof said, "%s", lua_tostring(L, -1) ? lua_tostring(L, -1) : "nothing");
  lua_settop(L, top);
  lua_gc(L, LUA_GCCOLLECT, 0);
  return well;
}

static const char import[] = "local file = ...\n"
                             "local w <close> = assert(file.open(FILE, 0))\n"
                             "for i = 1, 3 do\n"
                             "  assert(w:add('l.x.a', 'Ai', 'V', i, 0, i + 0.5))\n"
                             "  assert(w:add('l.x.n', 'Ci', '', i, 0, i))\n"
                             "  assert(w:add('l.x.b', 'Di', '', i, 0, i == 1))\n"
                             "  assert(w:add('l.x.t', 'TxtI', '', i, 0, 'text ' .. i))\n"
                             "end\n"
                             "assert(w:add('l.x.a', 'Ai', 'V', 4, 0, nil, 'range'))\n"
                             "assert(w:flush())\n"
                             "local rows = assert(w:rows())\n"
                             "w:close()\n"
                             "assert(not pcall(w.rows, w))\n"
                             "return 'rows ' .. rows\n";

static const char export[] =
    "local file = ...\n"
    "local n, list = 0, assert(file.tags(FILE))\n"
    "for _, tag in ipairs(list) do\n"
    "  n = n + #assert(file.read(FILE, { tag = tag.name, from = 0, to = 10 }))\n"
    "end\n"
    "assert(#assert(file.check(FILE)) == 0)\n"
    "assert(#assert(file.holes(FILE, 0, 1e9)) == 0)\n"
    "return 'rows ' .. n\n";

/* A file of its own in place of FILE. */
static const char *with_file (const char *code) {
  static char text[2000];
  char quoted[100];
  text[0] = '\0';
  snprintf(quoted, sizeof quoted, "'%s.import'", file);
  for (const char *at = code, *next; *at; at = next) {
    size_t n = strlen(text);
    next = strstr(at, "FILE");
    int len = next ? (int)(next - at) : (int)strlen(at);
    snprintf(text + n, sizeof text - n, "%.*s%s", len, at, next ? quoted : "");
    next = next ? next + 4 : at + len;
  }
  return text;
}

static void remove_import (void) {
  static const char *const parts[] = { "", "-wal", "-shm", ".lock", "-journal" };
  for (size_t i = 0; i < COUNT(parts); i++) {
    char one[120];
    snprintf(one, sizeof one, "%s.import%s", file, parts[i]);
    unlink(one);
  }
}

static void an_import_is_whole_or_says_why (void **unused) {
  (void)unused;
  for (torture_round t = { 0 }; torture_next(&t); t.at += torture_step(t.at, 3) - 1) {
    remove_import();
    memory_fails(t.at, t.for_ever);
    bool well = run_module(with_file(import));
    memory_heals();
    bool failed = memory_failed;
    if (well) assert_string_equal(said, "rows 13");
    assert_true(well || (failed && said[0] != '\0' && strcmp(said, "nothing") != 0));
    if (!run_module(with_file(import))) fail_msg("afterwards: %s", said);
    assert_string_equal(said, "rows 13"); /* once, whatever came before */
    memory_failed = failed;
  }
  if (!run_module(with_file(export))) fail_msg("%s", said);
  assert_string_equal(said, "rows 13");
  static const char *const wrong[][2] = {
    { "local f = ... return f.open(FILE, 0):add('a', 'Xx', '', 1, 0, 1)", "a type is expected" },
    { "local f = ... return f.open(FILE, 0):add('a', 'Ai', '', 1, 0, 1, 'x')", "a reason is" },
    { "local f = ... return select(2, f.tags '/nonexistent/file')", "/nonexistent/file" },
    { "local f = ... return select(2, f.check '/nonexistent/file')", "/nonexistent/file" },
    { "local f = ... return select(2, f.holes('/nonexistent/file', 0, 1))", "/nonexistent/file" },
    { "local f = ... return select(2, f.read('/nonexistent/file', { tag = 'a' }))",
      "/nonexistent" },
  };
  for (size_t i = 0; i < COUNT(wrong); i++) {
    run_module(with_file(wrong[i][0]));
    if (!strstr(said, wrong[i][1])) fail_msg("%s: %s", wrong[i][0], said);
  }
  remove_import();
}

#define SPEC(f) cmocka_unit_test_setup_teardown(f, begin_with_history, end_all)
int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(rows_intervals_and_errors),
    SPEC(a_coroutine_of_a_handler_waits),
    SPEC(questions_of_handlers_are_bounded),
    SPEC(answers_that_handlers_hold_are_bounded),
    SPEC(who_goes_meanwhile_is_not_answered),
    SPEC(an_answer_in_a_busy_turn_waits_and_is_whole),
    SPEC(without_memory_there_is_an_answer_all_the_same),
    SPEC(an_import_is_whole_or_says_why),
  };
  sqlite_fails_too();
  return cmocka_run_group_tests(tests, make_history, remove_history);
}

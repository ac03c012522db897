/* spec/offline/replay_test.c — a config in the time of its messages: which lines of a capture are
** read in C and which are left to Lua, what a run tells of, and that it begins whole or not. */
#include <unistd.h>

#include "offline/replay.h"
#include "support/torture.h"

#define TIME "\"time\":\"2026-01-01T00:00:00Z\","
#define LINE(fields) "{" TIME fields "}\n"

static const char config[] =
    "line 'l' { host = '127.0.0.1', topic_filter = 'x/#', subscribe_qos = 2,\n"
    "  station 'up' { address = 'x/up', tags = { v = TxtI { 'IN_DATA',\n"
    "    new_value_on_time_change = true }, to = TxtO { 'OUT_TOPIC', default = 'x/set' },\n"
    "    out = TxtO 'OUT_VALUE' },\n"
    "    on_value = function(tag)\n"
    "      if tag.name ~= 'v' then return end\n"
    "      if tag.value == 'bad' then error 'broken' end\n"
    "      if tag.value == 'when' then stations['l.up'].tags.out:write(os.date '!%Y') end end } }\n"
    "line 'm' { host = '127.0.0.1', topic_filter = 'y', station 's' { address = 'y',\n"
    "  tags = { v = TxtI 'IN_DATA' } } }\n";

static char path[] = "/tmp/tagline-spec-XXXXXX";
static tl_offline_run *run;
static tl_replay *replay;
static tl_replayed done;

static void on_problem (void *ctx, bool is_error, const char *text) {
  (void)ctx;
  if (is_error && !memory_failed) fail_msg("%s", text);
}

static void save (const char *text) {
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  fputs(text, f);
  assert_int_equal(fclose(f), 0);
}

static int set_up (void **state) {
  tl_err err = { .text = "" };
  (void)state;
  save(config);
  if (tl_offline_run_new(&run, path, false, 1767225600000, on_problem, NULL, &err) != TL_OK)
    fail_msg("%s", err.text);
  return tl_replay_new(&replay, run);
}

static int tear_down (void **state) {
  (void)state;
  tl_replay_free(replay);
  tl_offline_run_free(run);
  return 0;
}

static tl_replay_end feed (const char *text) {
  return tl_replay_feed(replay, tl_slice_str(text), 1000, &done);
}

static const char *news (tl_buf *b) {
  tl_buf_byte(b, '\0');
  return (const char *)b->at;
}

static void plain_lines_are_messages (void **state) {
  (void)state;
  static const char *const lines[] = {
    LINE("\"topic\":\"x/up\",\"payload\":\"a\""),
    "{\"time\":\"2026-01-01T00:00:00.250Z\",\"topic\":\"x/up\",\"payload\":\"a\"}\n",
    LINE("\"topic\":\"x\\u002fup\",\"payload\":\"\\u0061\""),
    LINE("\"topic\":\"x/"
         "up\",\"base64\":\"YQ==\",\"qos\":2,\"id\":65535,\"retain\":true,\"dup\":false"),
    LINE("\"topic\":\"x/up\",\"base64\":\"YQ==\",\"line\":\"l\""),
    LINE("\"topic\":\"x/up\",\"payload\":\"a\",\"line\":\"not here\""),
    LINE("\"topic\":\"x/up\",\"payload\":\"a\",\"line\":null"),
  };
  for (size_t i = 0; i < COUNT(lines); i++) {
    assert_int_equal(feed(LINE("\"topic\":\"x/up\",\"payload\":\"other\"")), TL_REPLAY_ALL);
    tl_offline_run_clear_news(run);
    assert_int_equal(feed(lines[i]), TL_REPLAY_ALL);
    assert_int_equal(done.fed, 1);
    assert_int_equal(done.used, strlen(lines[i]));
    if (!strstr(news(&tl_offline_run_news(run)->values), "\"value\":\"a\""))
      fail_msg("%s", lines[i]);
  }
}

static void other_lines_are_left_to_lua (void **state) {
  (void)state;
  static const char *const lines[] = {
    "not JSON\n",
    "{\"tagline_capture\":1}\n",
    "{\"topic\":\"x/up\",\"payload\":\"a\"}\n",
    "{\"time\":5,\"topic\":\"x/up\",\"payload\":\"a\"}\n",
    "{\"time\":\"2026-01-01 00:00:00Z\",\"topic\":\"x/up\",\"payload\":\"a\"}\n",
    "{\"time\":\"2026/01-01T00:00:00Z\",\"topic\":\"x/up\",\"payload\":\"a\"}\n",
    "{\"time\":\"2026-01-01T00.00:00Z\",\"topic\":\"x/up\",\"payload\":\"a\"}\n",
    "{\"time\":\"2026-01-01T00:00:00X\",\"topic\":\"x/up\",\"payload\":\"a\"}\n",
    "{\"time\":\"2026-01-01T00:00:00,000Z\",\"topic\":\"x/up\",\"payload\":\"a\"}\n",
    "{\"time\":\"2026-13-01T00:00:00Z\",\"topic\":\"x/up\",\"payload\":\"a\"}\n",
    "{\"time\":\"\\u0032026-01-01T00:00:0Z\",\"topic\":\"x/up\",\"payload\":\"a\"}\n",
    LINE("\"topic\":5,\"payload\":\"a\""),
    LINE("\"topic\":\"x/up\""),
    LINE("\"topic\":\"x/up\",\"payload\":5"),
    LINE("\"topic\":\"x/up\",\"base64\":5"),
    LINE("\"topic\":\"x/up\",\"base64\":\"YQ\""),
    LINE("\"topic\":\"x/up\",\"base64\":\"YQ\\u003d=\""),
    LINE("\"topic\":\"x/up\",\"payload\":\"a\",\"qos\":3"),
    LINE("\"topic\":\"x/up\",\"payload\":\"a\",\"qos\":\"1\""),
    LINE("\"topic\":\"x/up\",\"payload\":\"a\",\"qos\":1.5"),
    LINE("\"topic\":\"x/up\",\"payload\":\"a\",\"qos\":-1"),
    LINE("\"topic\":\"x/up\",\"payload\":\"a\",\"id\":65536"),
    LINE("\"topic\":\"x/up\",\"payload\":\"a\",\"id\":100000"),
    LINE("\"topic\":\"x/up\",\"payload\":\"a\",\"retain\":1"),
    LINE("\"topic\":\"x/up\",\"payload\":\"a\",\"dup\":\"x\""),
    LINE("\"topic\":\"x/up\",\"payload\":\"a\",\"line\":5"),
    LINE("\"topic\":\"x/up\",\"payload\":\"a\",\"line\":\"\\u006c\""),
  };
  for (size_t i = 0; i < COUNT(lines); i++) {
    if (feed(lines[i]) != TL_REPLAY_ODD) fail_msg("%s", lines[i]);
    assert_int_equal(done.fed, 0);
    assert_int_equal(done.used, 0);
  }
}

static void many_lines_are_counted (void **state) {
  (void)state;
  const char *text =
      LINE("\"topic\":\"x/up\",\"payload\":\"a\"") LINE("\"topic\":\"x/none\",\"payload\":\"a\"")
          LINE("\"topic\":\"z\",\"payload\":\"a\"") LINE("\"topic\":\"x/#\",\"payload\":\"a\"")
              LINE("\"topic\":\"y\",\"payload\":\"a\"") "{\"half";
  assert_int_equal(feed(text), TL_REPLAY_ALL);
  assert_int_equal(done.fed, 5);
  assert_int_equal(done.unrouted, 1);
  assert_int_equal(done.filtered, 1);
  assert_int_equal(done.wrong, 1);
  assert_true(tl_slice_eq(done.topic, TL_LIT("y")));
  assert_int_equal(done.used, strlen(text) - strlen("{\"half"));
  assert_int_equal(tl_replay_feed(replay, tl_slice_str(text), 2, &done), TL_REPLAY_FULL);
  assert_int_equal(done.fed, 2);
  assert_int_equal(feed(""), TL_REPLAY_ALL);
}

static void a_handler_that_fails_ends_the_run_there (void **state) {
  (void)state;
  assert_int_equal(feed(LINE("\"topic\":\"x/up\",\"payload\":\"bad\"")
                            LINE("\"topic\":\"x/up\",\"payload\":\"a\"")),
                   TL_REPLAY_ERROR);
  assert_int_equal(done.fed, 1);
  assert_non_null(strstr(news(&tl_offline_run_news(run)->errors), "broken"));
}

static void scripts_see_the_time_of_the_messages (void **state) {
  (void)state;
  assert_int_equal(feed("{\"time\":\"2031-05-01T00:00:00Z\",\"topic\":\"x/up\","
                        "\"payload\":\"when\"}\n"),
                   TL_REPLAY_ALL);
  assert_non_null(strstr(news(&tl_offline_run_news(run)->values), "\"value\":\"2031\""));
  assert_int_equal(tl_offline_run_wall(run), 1935360000000);
}

static void a_config_with_errors_is_no_run (void **state) {
  (void)state;
  tl_err err = { .text = "" };
  tl_offline_run *none = NULL;
  save("line 'l' { hots = 5 }\n");
  memory_failed = true; /* its problems are expected */
  assert_int_equal(tl_offline_run_new(&none, path, false, 0, on_problem, NULL, &err), TL_ESYNTAX);
  assert_non_null(strstr(err.text, "has errors"));
  assert_null(none);
  memory_failed = false;
  assert_int_equal(tl_offline_run_recorded(run, &err), TL_OK); /* nothing is recorded */
}

static void without_memory_a_run_does_not_begin (void **state) {
  (void)state;
  for (int for_ever = 0; for_ever < 2; for_ever++)
    for (long n = 0;; n += torture_step(n, 6)) {
      tl_err err = { .text = "" };
      tl_offline_run *one = NULL;
      tl_replay *lines = NULL;
      memory_fails(n, for_ever);
      int rc = tl_offline_run_new(&one, path, false, 1767225600000, on_problem, NULL, &err);
      if (rc == TL_OK) rc = tl_replay_new(&lines, one);
      memory_heals();
      if (rc != TL_OK && !lines && !one)
        if (!err.text[0]) fail_msg("%d without a word when request %ld fails", rc, n);
      tl_replay_free(lines);
      tl_offline_run_free(one);
      if (!memory_failed) break;
    }
  assert_int_equal(feed(LINE("\"topic\":\"x/up\",\"payload\":\"a\"")), TL_REPLAY_ALL);
}

static int make_file (void **state) {
  (void)state;
  int fd = mkstemp(path);
  return fd < 0 ? -1 : close(fd);
}

static int remove_file (void **state) {
  (void)state;
  return unlink(path);
}

#define SPEC(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(plain_lines_are_messages),
    SPEC(other_lines_are_left_to_lua),
    SPEC(many_lines_are_counted),
    SPEC(a_handler_that_fails_ends_the_run_there),
    SPEC(scripts_see_the_time_of_the_messages),
    SPEC(a_config_with_errors_is_no_run),
    SPEC(without_memory_a_run_does_not_begin),
  };
  return cmocka_run_group_tests(tests, make_file, remove_file);
}

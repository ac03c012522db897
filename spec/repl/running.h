/* spec/repl/running.h — a config that runs in the spec's own process, without a network: its
** messages are fed, and code is evaluated as at the prompt. The spec defines running_config. */
#ifndef SPEC_REPL_RUNNING_H
#define SPEC_REPL_RUNNING_H

#include <unistd.h>

#include "base/log.h"
#include "config/config.h"
#include "gateway/offline.h"
#include "repl/repl.h"
#include "support/torture.h"

static const char *running_config; /* its text; each spec has its own */
static const int64_t running_wall = 1700000000000;

static char path[] = "/tmp/tagline-spec-XXXXXX";
static tl_loop *loop;
static tl_gateway *gateway;
static tl_script *script;

static bool quiet (void *ctx, tl_log_level level, const char *line) {
  (void)ctx, (void)level, (void)line;
  return true;
}

static bool begin (tl_err *err) {
  tl_script_options options = { .lua_dir = LUA_DIR };
  loop = NULL;
  gateway = NULL;
  script = NULL;
  if (tl_script_new(&script, &options, err) < 0) return false;
  if (tl_loop_new(&loop) < 0) return false;
  if (tl_gateway_new(&gateway, loop, &tl_script_handlers, script) < 0) return false;
  tl_script_attach(script, gateway, loop);
  if (!tl_config_start(script, path, NULL, NULL)) return false;
  tl_offline_begin(gateway, NULL, NULL, tl_loop_now(loop), running_wall);
  return true;
}

static void end (void) {
  tl_gateway_free(gateway);
  tl_script_free(script);
  tl_loop_free(loop);
}

/* For cmocka_run_group_tests. */
static int setup (void **unused) {
  (void)unused;
  size_t n = strlen(running_config);
  int fd = mkstemp(path);
  if (fd < 0 || write(fd, running_config, n) < 0 || close(fd) != 0) return -1;
  if (!getenv("SPEC_LOUD")) tl_log_set_writer(quiet, NULL);
  return 0;
}

static int teardown (void **unused) {
  (void)unused;
  return unlink(path);
}

/* For each test. */
static int begin_all (void **unused) {
  (void)unused;
  tl_err err = { .text = "" };
  return begin(&err) ? 0 : -1;
}

static int end_all (void **unused) {
  (void)unused;
  end();
  return 0;
}

static void stop (void *ctx) { tl_loop_stop(ctx); }

static void turn (void) {
  for (int i = 0; i < 3; i++) {
    if (tl_loop_later(loop, stop, loop) != TL_OK) return;
    tl_loop_run(loop);
  }
}

/* --- evaluations --- */

typedef struct {
  int dones, mores;
  bool ok;
  char text[4000]; /* the result or the error */
  char seen[4000]; /* what was printed */
} answer;

static bool on_output (void *ctx, tl_slice text) {
  answer *a = ctx;
  size_t n = strlen(a->seen);
  snprintf(a->seen + n, sizeof a->seen - n, "%.*s", TL_ARG(text));
  return true;
}

static void on_done (void *ctx, bool ok, tl_slice text) {
  answer *a = ctx;
  a->dones++;
  a->ok = ok;
  snprintf(a->text, sizeof a->text, "%.*s", TL_ARG(text));
}

static void on_note (void *ctx, tl_slice text) { on_output(ctx, text); }
static void on_more (void *ctx) { ((answer *)ctx)->mores++; }

static const tl_eval_events events = { on_output, on_done, on_note, on_more, NULL };

/* With all the memory there is: what the code gives. */
static inline void evaluate (const char *code, answer *a) {
  tl_eval *e;
  *a = (answer){ .dones = 0 };
  assert_int_equal(tl_eval_new(&e, script, &events, a), TL_OK);
  tl_eval_run(e, tl_slice_str(code), false);
  for (int i = 0; i < 100 && a->dones == 0; i++) turn();
  if (a->dones != 1) fail_msg("%s: %d answers", code, a->dones);
  tl_eval_free(e);
}

static inline void gives (const char *code, const char *expected) {
  answer a;
  evaluate(code, &a);
  assert_string_equal(a.text, expected);
}

/* The code ends well: it asserts itself. */
static inline void holds (const char *code) {
  answer a;
  evaluate(code, &a);
  if (!a.ok) fail_msg("%s: %s", code, a.text);
}

/* The code fails, and its error holds this text. */
static inline void fails_with (const char *code, const char *text) {
  answer a;
  evaluate(code, &a);
  if (a.ok || !strstr(a.text, text)) fail_msg("%s: %s, not %s", code, a.text, text);
}

/* --- messages --- */

static inline int feed_as (const char *topic, tl_slice payload, bool retain, int64_t wall) {
  tl_incoming m = { .topic = tl_slice_str(topic),
                    .payload = payload,
                    .qos = 1,
                    .id = 1,
                    .retain = retain,
                    .now = tl_loop_now(loop),
                    .wall = wall };
  tl_offline_fed fed;
  tl_err err = { .text = "" };
  return tl_offline_feed(gateway, TL_LIT("l"), &m, &fed, &err);
}

static inline int feed (const char *topic, const char *payload) {
  return feed_as(topic, tl_slice_str(payload), false, running_wall);
}

#endif

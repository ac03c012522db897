/* core/command/run.c — `tagline run CONFIG.lua`: joins the rooms, runs the loop, ends in order. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "command/attach.h"
#include "command/command.h"
#include "command/options.h"
#include "command/start.h"
#include "console/client.h"
#include "gateway/gateway.h"

static const char help[] =
    "usage: tagline run [OPTIONS] CONFIG.lua\n"
    "\n"
    "Connects the lines of the config and runs until SIGINT or SIGTERM. SIGHUP reloads the config.\n"
    "\n"
    "  --values             print each new tag value as a line of JSON on stdout\n"
    "  --socket PATH        the console socket (default: $XDG_RUNTIME_DIR/tagline/NAME.sock, else /tmp/tagline-UID/NAME.sock)\n"
    "  --log-level LEVEL    error, warn, info (default) or debug\n"
    "  --unsafe             the config may use all of Lua (io, os, debug, package)\n";

typedef struct {
  tl_loop *loop;
  tl_script *script;
  tl_gateway *gateway;
  tl_console *console;
  tl_sink *values;
  tl_signal *signals[3];
  const char *config;
  int exit_code;
  bool ending;
} running;

static void log_problem (void *ctx, bool is_error, const char *text) {
  (void)ctx;
  tl_log(is_error ? TL_LOG_ERROR : TL_LOG_WARN, NULL, "%s", text);
}

static void log_change (void *ctx, const char *change) {
  (void)ctx;
  tl_log(TL_LOG_INFO, NULL, "reload: %s", change);
}

static void end (void *ctx) {
  running *r = ctx;
  for (int i = 0; i < 3; i++) tl_signal_close(r->signals[i]);
  memset(r->signals, 0, sizeof r->signals);
  tl_console_close(r->console);
  r->console = NULL;
  tl_loop_stop(r->loop);
}

static void begin_end (running *r, int exit_code) {
  if (exit_code > r->exit_code) r->exit_code = exit_code;
  if (r->ending) return;
  r->ending = true;
  tl_gateway_stop(r->gateway, end, r);
}

static void on_drained (void *ctx) { tl_gateway_values_drained(((running *)ctx)->gateway); }

static void on_failed (void *ctx, int code, const char *text) {
  running *r = ctx;
  (void)code;
  tl_log(TL_LOG_ERROR, NULL, "stdout is closed (%s): ending", text);
  tl_gateway_set_values(r->gateway, NULL);
  begin_end(r, 1);
}

/* Loads and applies; on errors nothing that runs is changed. */
static bool load (running *r, bool first) {
  tl_err err = { .text = "" };
  int errors = tl_script_load(r->script, r->config, log_problem, NULL, &err);
  if (errors < 0) tl_log(TL_LOG_ERROR, NULL, "%s: %s", r->config, err.text);
  if (errors != 0) return false;
  int rc = tl_script_apply(r->script, first ? NULL : log_change, r, &err);
  if (rc < 0) tl_log(TL_LOG_ERROR, NULL, "%s: %s", r->config, err.text);
  return rc >= 0;
}

static void on_signal (void *ctx, int signum) {
  running *r = ctx;
  if (signum == SIGHUP) {
    if (r->ending) return;
    tl_log(TL_LOG_INFO, NULL, "%s: reloading", r->config);
    if (!load(r, false)) tl_log(TL_LOG_ERROR, NULL, "%s: not reloaded, the old config stays", r->config);
    return;
  }
  if (r->ending) { /* asked twice: at once */
    tl_gateway_stop(r->gateway, end, r);
    return;
  }
  tl_log(TL_LOG_INFO, NULL, "%s: ending", signum == SIGINT ? "SIGINT" : "SIGTERM");
  begin_end(r, 0);
}

static int listen_console (running *r, const char *path) {
  tl_err err = { .text = "" };
  tl_buf made;
  tl_buf_init(&made);
  int rc = TL_OK;
  if (path == NULL) {
    rc = tl_console_path(&made, r->config);
    tl_buf_byte(&made, '\0');
    path = rc >= 0 && !made.failed ? (const char *)made.at : NULL;
  }
  if (path == NULL) tl_fail(&err, rc, 0, "no path for the console socket");
  else rc = tl_console_listen(&r->console, r->loop, path, &tl_attach_events, r->script, &err);
  if (rc < 0) tl_log(TL_LOG_ERROR, NULL, "console: %s", err.text);
  tl_buf_fini(&made);
  return rc;
}

/* main() puts something that cannot be written where stdout was not open at all. */
static bool stdout_is_open (void) {
  int mode = fcntl(STDOUT_FILENO, F_GETFL);
  return mode >= 0 && (mode & O_ACCMODE) != O_RDONLY;
}

static bool set_up (running *r, const char *socket, bool values, bool unsafe) {
  static const int signals[3] = { SIGINT, SIGTERM, SIGHUP };
  if (values && !stdout_is_open()) {
    tl_log(TL_LOG_ERROR, NULL, "--values: stdout is closed, or cannot be written");
    return false;
  }
  r->script = tl_start_script(unsafe);
  if (r->script == NULL) return false;
  bool ok = tl_loop_new(&r->loop) >= 0 && tl_gateway_new(&r->gateway, r->loop, &tl_script_handlers, r->script) >= 0;
  if (ok && values) ok = tl_sink_new(&r->values, r->loop, STDOUT_FILENO, on_drained, on_failed, r) >= 0;
  for (int i = 0; ok && i < 3; i++) ok = tl_signal_new(&r->signals[i], r->loop, signals[i], on_signal, r) >= 0;
  if (!ok) {
    tl_log(TL_LOG_ERROR, NULL, "cannot start: no resources");
    return false;
  }
  tl_script_attach(r->script, r->gateway, r->loop);
  if (values) tl_gateway_set_values(r->gateway, r->values);
  return load(r, true) && listen_console(r, socket) >= 0;
}

static void tear_down (running *r) {
  for (int i = 0; i < 3; i++) tl_signal_close(r->signals[i]);
  tl_console_close(r->console);
  if (r->values != NULL) tl_sink_close(r->values);
  tl_gateway_free(r->gateway);
  tl_script_free(r->script);
  if (r->loop != NULL) tl_loop_free(r->loop);
}

static bool set_log_level (const char *word) {
  static const char *const words[] = { "error", "warn", "info", "debug" };
  for (int i = 0; i < 4; i++) {
    if (strcmp(word, words[i]) != 0) continue;
    tl_log_set_level((tl_log_level)i);
    return true;
  }
  return false;
}

int tl_command_run (int argc, char **argv) {
  running r = { .exit_code = 0 };
  bool values = false, unsafe = false;
  const char *socket = NULL, *level = "info", *config[1];
  const tl_option options[] = { { "values", 0, &values, NULL }, { "unsafe", 0, &unsafe, NULL }, { "socket", 0, NULL, &socket },
                                { "log-level", 0, NULL, &level }, { 0 } };
  int n = tl_options_read(argc, argv, "run", help, options, config, 1);
  if (n < 0) return tl_options_exit(n);
  if (n < 1) return tl_options_exit(tl_options_wrong("run", "a CONFIG.lua is missing"));
  if (!set_log_level(level))
    return tl_options_exit(tl_options_wrong("run", "--log-level: expected error, warn, info or debug, got '%s'", level));
  r.config = config[0];
  if (set_up(&r, socket, values, unsafe)) {
    tl_gateway_start(r.gateway);
    tl_loop_run(r.loop);
  } else {
    r.exit_code = 1;
  }
  tear_down(&r);
  return r.exit_code;
}

/* core/command/run.c — `tagline run CONFIG.lua`: joins the rooms, runs the loop, ends in order. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "command/attach.h"
#include "command/command.h"
#include "command/logs.h"
#include "command/repl_child.h"
#include "command/options.h"
#include "command/outlets.h"
#include "command/service.h"
#include "command/start.h"
#include "command/values.h"
#include "command/http.h"
#include "console/client.h"
#include "gateway/gateway.h"
#include "net/process.h"
#include "net/stall.h"

enum { WATCH_MS = 500, OUTLETS_MS = 5000, SIGNALS = 3 };

static const char help[] =
    "usage: tagline run [OPTIONS] CONFIG.lua\n"
    "\n"
    "Connects the lines of the config and runs until SIGINT or SIGTERM. SIGHUP reloads the "
    "config.\n"
    "\n"
    "  --repl               a prompt (REPL) on this terminal; when it ends, the process ends\n"
    "  --watch              reload when a file of the config changes on disk\n"
    "  --values             print each new tag value as a line of JSON on stdout\n"
    "  --socket PATH        the console socket (default: NAME.sock in the first of\n"
    "                       $RUNTIME_DIRECTORY, $XDG_RUNTIME_DIR/tagline, /tmp/tagline-UID)\n"
    "  --log-level LEVEL    error, warn, info (default) or debug\n"
    "  --log-format FORMAT  text (default; under systemd's journal with priorities and without\n"
    "                       times) or json\n"
    "  --unsafe             the config may use all of Lua (io, os, debug, package)\n";

typedef struct {
  tl_loop *loop;
  tl_script *script;
  tl_gateway *gateway;
  tl_outlets *outlets;
  tl_http *http;
  tl_console *console;
  tl_values *values; /* --values: NULL without */
  tl_signal *signals[SIGNALS];
  tl_attach *attach;
  tl_service *service;
  tl_repl_child *repl; /* --repl: NULL without */
  tl_timer *watcher;   /* --watch */
  /* files have changed; they are read when no further change came for a while */
  bool changed;
  bool on_terminal; /* the REPL and the log are on one terminal */
  const char *config;
  int exit_code;
  bool ending, sending, closed; /* sending: the lines are closed, outlets are not; closed: all is */
} running;

/* When the REPL uses the terminal that the log goes to, the REPL shows the log lines above its
** prompt. */
static bool write_log (void *ctx, tl_log_level level, const char *line) {
  running *r = ctx;
  (void)level;
  return r->attach && tl_attach_log(r->attach, line) && r->on_terminal;
}

static void close_doors (running *r) {
  for (int i = 0; i < SIGNALS; i++) tl_signal_close(r->signals[i]);
  memset(r->signals, 0, sizeof r->signals);
  tl_timer_close(r->watcher);
  r->watcher = NULL;
  tl_console_close(r->console);
  r->console = NULL;
  tl_http_close(r->http);
  r->http = NULL;
  tl_repl_child_detach(r->repl);
}

static void finish (void *ctx) {
  running *r = ctx;
  close_doors(r);
  tl_loop_stop(r->loop);
}

/* All lines and outlets are closed. What may remain is a reader of the values stream that is
** behind. */
static void end (void *ctx) {
  running *r = ctx;
  r->closed = true;
  if (r->values)
    tl_values_end(r->values, finish, r);
  else
    finish(r);
}

/* All lines are closed: give the outlets some time to send the values that they have not sent
** yet. Scripts that would run meanwhile only keep the loop from it. */
static void end_outlets (void *ctx) {
  running *r = ctx;
  r->sending = true;
  tl_script_end(r->script);
  tl_outlets_stop(r->outlets, OUTLETS_MS, end, r);
}

static void begin_end (running *r, int exit_code) {
  if (exit_code > r->exit_code) r->exit_code = exit_code;
  if (r->ending) return;
  r->ending = true;
  tl_service_stopping(r->service);
  tl_config_end_reload(r->script);
  tl_gateway_stop(r->gateway, end_outlets, r);
}

static void on_failed (void *ctx, const char *text) {
  running *r = ctx;
  tl_log(TL_LOG_ERROR, NULL, "stdout is closed (%s): ending", text);
  begin_end(r, 1);
}

/* Editors write in several steps, and several files may change together: half a second of rest
** comes before they are read. */
static void check_for_changes (void *ctx) {
  running *r = ctx;
  if (tl_config_files_changed(r->script)) {
    tl_config_files_seen(r->script);
    r->changed = true;
  } else if (r->changed && !r->ending) {
    r->changed = false;
    tl_log(TL_LOG_INFO, NULL, "%s: changed on disk, reloading", r->config);
    tl_config_reload(r->script);
  }
  tl_timer_at(r->watcher, tl_loop_now(r->loop) + WATCH_MS);
}

static void on_repl_ended (void *ctx, int code) {
  running *r = ctx;
  if (!r->ending) tl_log(TL_LOG_INFO, NULL, "the REPL has ended: ending");
  begin_end(r, code == 0 || r->ending ? 0 : 1);
}

static void on_signal (void *ctx, int signum) {
  running *r = ctx;
  if (signum == SIGHUP) {
    if (r->ending) return;
    tl_log(TL_LOG_INFO, NULL, "%s: reloading%s", r->config,
           tl_config_is_reloading(r->script) ? " once more, when this is done" : "");
    tl_config_reload(r->script);
    return;
  }
  if (r->ending) { /* asked twice: at once */
    if (r->closed)
      end(r);
    else if (r->sending)
      end_outlets(r);
    else
      tl_gateway_stop(r->gateway, end_outlets, r);
    return;
  }
  tl_log(TL_LOG_INFO, NULL, "%s: ending", signum == SIGINT ? "SIGINT" : "SIGTERM");
  begin_end(r, 0);
}

enum { INTERRUPT, TERMINATE, HANG_UP };
static const int signals[SIGNALS] = { SIGINT, SIGTERM, SIGHUP };
static const char *const signal_names[SIGNALS] = { "SIGINT", "SIGTERM", "SIGHUP" };

static void on_end_signal (int signum) {
  tl_stall_hurry(signal_names[signum == SIGINT ? INTERRUPT : TERMINATE]);
}

/* With a REPL all but Ctrl-C, which is the REPL's. They come when the loop runs; what holds it, or
** its beginning, for too long hears of the end at once. */
static bool hear_signals (running *r, bool repl) {
  if (repl) signal(SIGINT, SIG_IGN);
  for (int i = repl ? TERMINATE : INTERRUPT; i < SIGNALS; i++) {
    if (tl_signal_new(&r->signals[i], r->loop, signals[i], on_signal, r) < 0) return false;
    if (i != HANG_UP) tl_signal_at_once(r->signals[i], on_end_signal);
  }
  return true;
}

/* The signal by which the process is to end before the loop runs; NULL: there was none. */
static const char *ends_by (const running *r) {
  for (int i = INTERRUPT; i <= TERMINATE; i++)
    if (tl_signal_is_due(r->signals[i])) return signal_names[i];
  return NULL;
}

static bool ends_early (void *ctx) {
  running *r = ctx;
  tl_service_loads(r->service);
  return ends_by(r);
}

static int start_repl (running *r, const char *path) {
  tl_err err = { .text = "" };
  r->on_terminal = isatty(STDERR_FILENO);
  int rc = tl_repl_child_start(&r->repl, r->loop, path, on_repl_ended, r, &err);
  if (rc < 0) tl_log(TL_LOG_ERROR, NULL, "--repl: %s", err.text);
  return rc;
}

static int listen_console (running *r, const char *path, bool repl) {
  tl_err err = { .text = "" };
  tl_buf made;
  tl_buf_init(&made);
  int rc = TL_OK;
  if (!path) {
    rc = tl_console_path(&made, r->config);
    tl_buf_byte(&made, '\0');
    path = rc >= 0 && !made.failed ? (const char *)made.at : NULL;
  }
  if (!path)
    tl_fail(&err, rc, 0, "no path for the console socket");
  else
    rc = tl_console_listen(&r->console, r->loop, path, &tl_attach_events, r->attach, &err);
  if (rc < 0)
    tl_log(TL_LOG_ERROR, NULL, "console: %s", err.text);
  else if (repl)
    rc = start_repl(r, path);
  tl_buf_fini(&made);
  return rc;
}

/* main() puts something that cannot be written where stdout was not open at all. */
static bool stdout_is_open (void) {
  int mode = fcntl(STDOUT_FILENO, F_GETFL);
  return mode >= 0 && (mode & O_ACCMODE) != O_RDONLY;
}

typedef struct {
  const char *socket;
  bool values, unsafe, repl, watch;
} settings;

static bool set_up (running *r, const settings *set) {
  if (set->values && !stdout_is_open()) {
    tl_log(TL_LOG_ERROR, NULL, "--values: stdout is closed, or cannot be written");
    return false;
  }
  bool ok = tl_loop_new(&r->loop) >= 0 && hear_signals(r, set->repl);
  if (ok && !(r->script = tl_start_script(set->unsafe, false))) return false;
  if (ok) ok = tl_gateway_new(&r->gateway, r->loop, &tl_script_handlers, r->script) >= 0;
  if (ok && set->values) ok = tl_values_new(&r->values, r->loop, r->gateway, on_failed, r) >= 0;
  if (ok) ok = tl_outlets_new(&r->outlets, r->loop, r->gateway) >= 0;
  if (ok) ok = tl_attach_new(&r->attach, r->script) >= 0;
  if (ok && set->watch) ok = tl_timer_new(&r->watcher, r->loop, check_for_changes, r) >= 0;
  if (!ok) {
    tl_log(TL_LOG_ERROR, NULL, "cannot start: no resources");
    return false;
  }
  tl_script_attach(r->script, r->gateway, r->loop);
  tl_config_set_outlets(r->script, tl_outlets_hooks(r->outlets));
  if (tl_http_new(&r->http, r->loop, r->gateway, r->script, tl_outlets_hooks(r->outlets)) < 0)
    return false;
  if (tl_service_new(&r->service, r->loop, r->script, r->gateway) < 0) {
    tl_log(TL_LOG_ERROR, NULL, "cannot start: no resources to watch the loop with");
    return false;
  }
  if (!tl_config_start(r->script, r->config, ends_early, r)) return false;
  if (set->watch) tl_timer_at(r->watcher, tl_loop_now(r->loop) + WATCH_MS);
  tl_log_set_writer(write_log, r);
  return listen_console(r, set->socket, set->repl) >= 0;
}

static void stop_loop (void *ctx) { tl_loop_stop(ctx); }

/* The start failed: outlets may be open, and threads at work for them and for the spool. */
static void close_outlets (running *r) {
  r->ending = r->closed = true;
  tl_outlets_stop(r->outlets, 0, stop_loop, r->loop);
  tl_loop_run(r->loop);
}

static void tear_down (running *r) {
  if (r->script) tl_config_end_reload(r->script);
  close_doors(r);
  tl_service_free(r->service);
  if (r->outlets && !r->closed) close_outlets(r);
  bool held = tl_outlets_are_held(r->outlets);
  tl_values_free(r->values);
  tl_outlets_free(r->outlets);
  tl_gateway_free(r->gateway);
  tl_script_free(r->script);
  if (r->loop && !held) tl_loop_free(r->loop);
  tl_log_set_writer(NULL, NULL);
  tl_attach_free(r->attach);
  tl_repl_child_free(r->repl);
  if (!held) return;
  tl_logs_end();
  _exit(r->exit_code); /* exit() would wait for the thread that waits for the disk */
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
  tl_process_begin();
  settings set = { .socket = NULL };
  const char *level = "info", *format = NULL, *config[1];
  const tl_option options[] = {
    { "values", 0, &set.values, NULL }, { "unsafe", 0, &set.unsafe, NULL },
    { "repl", 0, &set.repl, NULL },     { "watch", 0, &set.watch, NULL },
    { "socket", 0, NULL, &set.socket }, { "log-level", 0, NULL, &level },
    { "log-format", 0, NULL, &format }, { 0 }
  };
  int n = tl_options_read(argc, argv, "run", help, options, config, 1);
  if (n < 0) return tl_options_exit(n);
  if (n < 1) return tl_options_exit(tl_options_wrong("run", "a CONFIG.lua is missing"));
  if (!set_log_level(level))
    return tl_options_exit(tl_options_wrong(
        "run", "--log-level: expected error, warn, info or debug, got '%s'", level));
  if (set.repl && set.values && isatty(STDOUT_FILENO))
    return tl_options_exit(tl_options_wrong(
        "run", "--repl and --values both need this terminal: send the values elsewhere"));
  if (!tl_logs_begin(format))
    return tl_options_exit(
        tl_options_wrong("run", "--log-format: expected text or json, got '%s'", format));
  r.config = config[0];
  if (set_up(&r, &set)) {
    tl_gateway_start(r.gateway);
    tl_service_ready(r.service);
    tl_loop_run(r.loop);
  } else if (ends_by(&r)) {
    tl_log(TL_LOG_INFO, NULL, "%s while the config was loading: ending", ends_by(&r));
  } else {
    r.exit_code = 1;
  }
  tear_down(&r);
  tl_logs_end();
  return r.exit_code;
}

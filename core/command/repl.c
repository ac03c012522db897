/* core/command/repl.c — `tagline repl`: the person's side of the console. What code means is
** the running process's matter. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "command/chunk.h"
#include "command/command.h"
#include "command/complete.h"
#include "command/edit.h"
#include "command/options.h"
#include "console/client.h"

static const char help[] =
    "usage: tagline repl [--socket PATH] [-e CODE] [--json] [--logs] [--wait SECONDS]\n"
    "\n"
    "Attach to a running process. Lines are evaluated there as they are typed. Without a terminal, "
    "standard input is a script:\n"
    "each statement runs as soon as it is complete, and expressions print their value; locals stay "
    "to the end. The first error\n"
    "ends it with exit 1 and is told with its line (stdin:3: ...).\n"
    "\n"
    "  -e CODE         evaluate CODE, print its result, exit 1 on an error\n"
    "  --socket PATH   the process's socket; without it, the only running process\n"
    "  --json          print results as JSON\n"
    "  --logs          show the process's log lines, too\n"
    "  --wait SECONDS  how long -e and scripts wait for the functions of writes (1)\n"
    "  --help          print this\n"
    "\n"
    "With -e and in scripts a result of nil and a text, as of a write that failed, is an error; "
    "and the functions of writes are\n"
    "waited for, unless no line is connected: tagline repl -e "
    "'tags[\"plant.boiler.setpoint\"]:write(5, print)'.\n"
    "\n"
    "Ctrl-C cancels an evaluation, Ctrl-D leaves, Tab completes.\n";

/* TYPED_MS: what is typed during an evaluation goes to it (to end a watch), but only once it
** lasts: lines that were pasted belong to the prompt. */
enum { COMPLETE_MS = 1000, TYPED_MS = 250, SPLIT_MS = 20, INTERRUPTED = 130 };

typedef struct {
  int fd;
  bool json, logs;
  int wait_ms;      /* for the functions of writes */
  unsigned width;   /* of the terminal, as the process knows it */
  sigset_t waiting; /* the signal mask while we wait: SIGINT is let in only there */
  bool script_ended;
  tl_buf frame, input, chunk;
} repl;

static volatile int interrupted;

static void on_interrupt (int signum) { interrupted = signum; }

static bool write_all (int fd, const uint8_t *at, size_t n) {
  while (n > 0) {
    ssize_t rc = write(fd, at, n);
    if (rc < 0 && errno == EAGAIN) { /* shared with somebody who made it so */
      struct pollfd p = { .fd = fd, .events = POLLOUT };
      poll(&p, 1, -1);
    } else if (rc < 0 && errno != EINTR) {
      return false;
    } else if (rc > 0) {
      at += rc;
      n -= (size_t)rc;
    }
  }
  return true;
}

/* A text of its own: with a line break behind it, if it has none. */
static bool write_line (int fd, tl_buf *text) {
  if (text->len > 0 && text->at[text->len - 1] != '\n') tl_buf_byte(text, '\n');
  return write_all(fd, text->at, text->len);
}

static int gone (void) {
  fputs("tagline repl: the process has ended the connection\n", stderr);
  return 1;
}

/* Wait for the socket or, if `input` is not negative, for that one. Returns 1 for the socket, 2
** for the input, 0 when interrupted, -1 when timed out. */
static int wait_for (repl *r, int input, int timeout_ms) {
  struct timespec limit = { timeout_ms / 1000, (timeout_ms % 1000) * 1000000L };
  for (;;) {
    struct pollfd fds[2] = { { .fd = r->fd, .events = POLLIN }, { .fd = input, .events = POLLIN } };
    int rc = ppoll(fds, 2, timeout_ms < 0 ? NULL : &limit, &r->waiting);
    if (interrupted) {
      interrupted = 0;
      return 0;
    }
    if (rc == 0) return -1;
    /* a flood of output must not keep what is typed from being read */
    if (rc > 0) return fds[1].revents ? 2 : 1;
  }
}

/* One frame: its type, 0 when the process is gone, -1 when our own output is. Output is
** written; results and errors, too. */
static int take_frame (repl *r) {
  char type;
  if (tl_console_get(r->fd, &type, &r->frame) <= 0) return 0;
  bool ok = true;
  if (type == 'o') ok = write_all(STDOUT_FILENO, r->frame.at, r->frame.len);
  if (type == 'r') ok = write_line(STDOUT_FILENO, &r->frame);
  if (type == 'f' || type == 'n') write_line(STDERR_FILENO, &r->frame);
  if (!ok && errno != EPIPE)
    fprintf(stderr, "tagline repl: standard output: %s\n", strerror(errno));
  return ok ? type : -1;
}

/* Ask for an evaluation and wait for its end: 'r', 'f', 'm'; 0: the process is gone; -1: our
** output is; INTERRUPTED: Ctrl-C came twice. */
static int evaluate (repl *r, char type, tl_slice code, bool typed) {
  bool cancelled = false, lasts = false;
  uint64_t began = tl_clock_mono_ns();
  int rc = tl_console_put(r->fd, type, code);
  if (rc == TL_ETOOBIG) fputs("tagline repl: the code is too long\n", stderr);
  if (rc < 0) return rc == TL_ETOOBIG ? 'f' : 0;
  for (;;) {
    /* whether there is output meanwhile or not */
    lasts = lasts || tl_clock_mono_ns() - began >= TYPED_MS * 1000000ull;
    int what = wait_for(r, typed && lasts ? STDIN_FILENO : -1, typed && !lasts ? TYPED_MS : -1);
    if (what < 0) {
      lasts = true;
    } else if (what == 0) {
      if (cancelled) return INTERRUPTED;
      cancelled = true;
      if (tl_console_put(r->fd, 'x', TL_LIT("")) < 0) return 0;
    } else if (what == 2) { /* a line during an evaluation: it ends a watch */
      char line[4096];
      ssize_t n = read(STDIN_FILENO, line, sizeof line);
      if (n <= 0) typed = false;
      while (n > 0 && line[n - 1] == '\n') n--;
      if (tl_console_put(r->fd, 'i', tl_slice_of(line, n > 0 ? (size_t)n : 0)) < 0) return 0;
    } else {
      int got = take_frame(r);
      if (got <= 0 || got == 'r' || got == 'f' || got == 'm') return got;
    }
  }
}

/* The exit code of an evaluation that ends everything. */
static int code_of (int answer) {
  if (answer == 0) return gone();
  return answer == 'r' ? 0 : answer == INTERRUPTED ? INTERRUPTED : 1;
}

/* A script from standard input: statement by statement, up to the first error */

/* More of it into r->input: 1; 0 when nothing came within `timeout_ms`; -1: `*answer` says why
** to stop. */
static int read_script (repl *r, int timeout_ms, int *answer) {
  int what = wait_for(r, STDIN_FILENO, timeout_ms);
  *answer = what == 0 ? INTERRUPTED : 'r';
  if (what == 1) *answer = take_frame(r); /* late output of an earlier line */
  if (*answer <= 0 || *answer == INTERRUPTED) return -1;
  if (what < 0) return 0;
  if (what != 2) return 1;
  if (tl_buf_reserve(&r->input, 65536) < 0) return *answer = 'f', -1;
  ssize_t n = read(STDIN_FILENO, r->input.at + r->input.len, 65536);
  if (n > 0) r->input.len += (size_t)n;
  r->script_ended = n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN);
  return 1;
}

/* The line at r->input.at[at], without its break, and where the next begins; false: it is not
** complete yet. */
static bool line_at (const repl *r, size_t at, tl_slice *line, size_t *next) {
  const uint8_t *start = r->input.at + at;
  size_t left = r->input.len - at;
  const uint8_t *end = left > 0 ? memchr(start, '\n', left) : NULL;
  if (!end && (!r->script_ended || left == 0)) return false;
  *line = tl_slice_of(start, end ? (size_t)(end - start) : left);
  *next = at + line->len + (end ? 1 : 0);
  return true;
}

/* The next line: 1; 0 at the end; -1: `*answer` says why to stop. */
static int script_line (repl *r, tl_slice *line, size_t *taken, int *answer) {
  while (!line_at(r, *taken, line, taken)) {
    if (r->script_ended) return 0;
    tl_buf_drop(&r->input, *taken);
    *taken = 0;
    if (read_script(r, -1, answer) < 0) return -1;
  }
  return 1;
}

/* Does what follows belong to the statement before it ("  .. 'x'", "  :close()")? A script that
** somebody types into a pipe is not waited for: only for the rest of a line that has begun, and
** a moment where one may just have been split. 1, 0; -1: `*answer` says why to stop. */
static int script_goes_on (repl *r, size_t *taken, int *answer) {
  tl_slice line;
  size_t at = *taken;
  for (;;) {
    if (!line_at(r, at, &line, &at)) {
      if (r->script_ended) return 0;
      bool begun = r->input.len > at;
      tl_buf_drop(&r->input, *taken);
      *taken = at = 0;
      int rc = read_script(r, begun ? -1 : SPLIT_MS, answer);
      if (rc <= 0) return rc;
    } else if (!tl_chunk_is_blank(line)) {
      return tl_chunk_goes_on(line);
    }
  }
}

static int evaluate_script (repl *r, char type, unsigned line) {
  char text[16];
  int n = snprintf(text, sizeof text, "%u", line);
  if (tl_console_put(r->fd, 's', tl_slice_of(text, (size_t)n)) < 0) return 0;
  return evaluate(r, type, tl_buf_bytes(&r->chunk), false);
}

static int run_script (repl *r) {
  size_t taken = 0;
  unsigned number = 0, first = 1; /* lines read; where the chunk begins */
  tl_slice line;
  int rc, answer = 'r';
  while ((rc = script_line(r, &line, &taken, &answer)) == 1) {
    number++;
    if (r->chunk.len == 0)
      first = number;
    else
      tl_buf_byte(&r->chunk, '\n');
    tl_buf_slice(&r->chunk, line);
    if (r->chunk.failed) return 1;
    if (tl_chunk_is_blank(tl_buf_bytes(&r->chunk))) {
      tl_buf_clear(&r->chunk);
      continue;
    }
    rc = script_goes_on(r, &taken, &answer);
    if (rc < 0) return code_of(answer);
    if (rc > 0) continue;
    answer = evaluate_script(r, 'l', first);
    if (answer == 'm') continue;
    if (answer != 'r') return code_of(answer);
    tl_buf_clear(&r->chunk);
  }
  if (rc < 0) return code_of(answer);
  /* What is unfinished says as a whole what is missing; nothing at all waits for what the
  ** script left under way. */
  return code_of(evaluate_script(r, 'e', r->chunk.len > 0 ? first : number));
}

/* --- A terminal --- */

static size_t on_complete (void *ctx, const char *line, size_t at, tl_buf *words) {
  repl *r = ctx;
  tl_buf ask;
  tl_buf_init(&ask);
  if (!tl_utf8_valid(tl_slice_str(line))) return 0;
  tl_buf_str(&ask, "{\"line\":");
  tl_json_quote(&ask, tl_slice_str(line));
  tl_buf_fmt(&ask, ",\"at\":%zu}", at);
  int type = ask.failed || tl_console_put(r->fd, 'c', tl_buf_bytes(&ask)) < 0 ? 0 : 'o';
  tl_buf_fini(&ask);
  while (type == 'o' && wait_for(r, -1, COMPLETE_MS) == 1) type = take_frame(r);
  int all = type == 'c' ? tl_complete_read(tl_buf_bytes(&r->frame), words) : 0;
  if (all < 0) tl_buf_clear(words);
  return all > 0 ? (size_t)all : 0;
}

static bool on_wake (void *ctx, tl_buf *text) {
  repl *r = ctx;
  char type;
  if (tl_console_get(r->fd, &type, &r->frame) <= 0) return false;
  if (type != 'c') tl_buf_slice(text, tl_buf_bytes(&r->frame));
  return true;
}

static int hello (repl *r, bool tty) {
  struct winsize ws = { .ws_col = 0 };
  char text[120];
  if (tty) ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws);
  r->width = ws.ws_col ? ws.ws_col : 80u;
  int n = snprintf(text, sizeof text, "{\"tty\":%s,\"width\":%u,\"json\":%s%s,\"wait\":%d}",
                   tty ? "true" : "false", r->width, r->json ? "true" : "false",
                   r->logs ? ",\"logs\":true" : "", r->wait_ms);
  return tl_console_put(r->fd, 'h', tl_slice_of(text, (size_t)n));
}

/* The window may have another size than when we attached. */
static void renew_hello (repl *r) {
  struct winsize ws = { .ws_col = 0 };
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_col != 0 && ws.ws_col != r->width)
    hello(r, true);
}

/* Once the process has answered, it writes no log line over the prompt any more: it sends them
** here. */
static int await_logs (repl *r) { return r->logs ? evaluate(r, 'e', TL_LIT(""), false) : 'r'; }

static int run_terminal (repl *r) {
  static const tl_edit_events events = { on_complete, on_wake };
  tl_edit *edit;
  tl_buf line;
  int code = -1, answer = await_logs(r);
  if (answer <= 0 || answer == INTERRUPTED) return code_of(answer);
  if (tl_edit_new(&edit, r->fd, &events, r, &r->waiting, &interrupted) < 0) {
    fputs("tagline repl: the terminal cannot be used\n", stderr);
    return 1;
  }
  tl_buf_init(&line);
  while (code < 0) {
    int what = tl_edit_line(edit, r->chunk.len ? "      -> " : "tagline> ", &line);
    if (what == TL_EDIT_INTERRUPTED) tl_buf_clear(&r->chunk);
    if (what == TL_EDIT_END) code = 0;
    if (what == TL_EDIT_GONE) code = gone();
    if (what < 0) code = 1;
    if (what != TL_EDIT_LINE) continue;
    if (r->chunk.len > 0) tl_buf_byte(&r->chunk, '\n');
    tl_buf_slice(&r->chunk, tl_buf_bytes(&line));
    tl_buf_byte(&line, 0);
    if (line.failed || r->chunk.failed) break;
    tl_edit_remember(edit, (char *)line.at);
    if (r->chunk.len == 0) continue;
    renew_hello(r);
    answer = evaluate(r, 'l', tl_buf_bytes(&r->chunk), true);
    if (answer == 'm') continue;
    tl_buf_clear(&r->chunk);
    if (answer <= 0 || answer == INTERRUPTED) code = code_of(answer);
  }
  tl_buf_fini(&line);
  tl_edit_free(edit);
  return code < 0 ? 1 : code;
}

/* The socket to use, into `path` with a NUL. Returns 0, or the exit code after saying why there
** is none. */
static int choose (const char *given, tl_buf *path) {
  if (given) {
    tl_buf_str(path, given);
    tl_buf_byte(path, 0);
    return path->failed;
  }
  int n = tl_console_running(path);
  tl_buf_byte(path, 0);
  if (n == 1 && !path->failed) {
    path->at[path->len - 2] = 0; /* its line break */
    return 0;
  }
  if (n > 1 && !path->failed) {
    fprintf(stderr, "tagline repl: several processes are running; choose one with --socket:\n%s",
            (char *)path->at);
    return 1;
  }
  tl_buf_clear(path);
  tl_console_folder(path);
  tl_buf_byte(path, 0);
  fprintf(stderr,
          "tagline repl: no running process in %s; start one with 'tagline run CONFIG.lua', or "
          "name its socket with --socket\n",
          path->failed ? "?" : (char *)path->at);
  return 1;
}

static bool read_seconds (const char *text, int *ms) {
  char *end;
  double seconds = strtod(text, &end);
  if (end == text || *end != '\0' || !(seconds >= 0 && seconds <= 86400)) return false;
  *ms = (int)(seconds * 1000);
  return true;
}

int tl_command_repl (int argc, char **argv) {
  const char *socket = NULL, *code = NULL, *wait = "1";
  repl r = { .fd = -1 };
  const tl_option options[] = { { "socket", 0, NULL, &socket }, { NULL, 'e', NULL, &code },
                                { "json", 0, &r.json, NULL },   { "logs", 0, &r.logs, NULL },
                                { "wait", 0, NULL, &wait },     { 0 } };
  tl_buf path;
  tl_err err = { 0 };
  struct sigaction before, catch = { .sa_handler = on_interrupt };
  sigset_t block;
  int rc = tl_options_read(argc, argv, "repl", help, options, NULL, 0);
  if (rc < 0) return tl_options_exit(rc);
  if (!read_seconds(wait, &r.wait_ms))
    return tl_options_exit(
        tl_options_wrong("repl", "--wait: expected seconds (0 to 86400), got '%s'", wait));
  tl_buf_init(&path);
  rc = choose(socket, &path);
  if (rc == 0) r.fd = tl_console_connect((char *)path.at, &err);
  tl_buf_fini(&path);
  if (rc != 0) return rc;
  if (r.fd < 0) {
    fprintf(stderr, "tagline repl: %s\n", err.text);
    return 1;
  }
  sigemptyset(&block);
  sigaddset(&block, SIGINT);
  sigprocmask(SIG_BLOCK, &block, &r.waiting);
  sigaction(SIGINT, &catch, &before);
  interrupted = 0;
  bool tty = isatty(STDOUT_FILENO), typed = !code && tty && isatty(STDIN_FILENO);
  if (hello(&r, tty && !code) < 0)
    rc = gone();
  else if (code)
    rc = code_of(evaluate(&r, 'e', tl_slice_str(code), false));
  else
    rc = typed ? run_terminal(&r) : run_script(&r);
  close(r.fd);
  sigaction(SIGINT, &before, NULL);
  sigprocmask(SIG_SETMASK, &r.waiting, NULL);
  tl_buf_fini(&r.frame);
  tl_buf_fini(&r.input);
  tl_buf_fini(&r.chunk);
  return rc;
}

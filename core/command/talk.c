/* core/command/talk.c — see talk.h. What code means is the running process's matter. */
#include "command/talk.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/visible.h"
#include "command/paint.h"
#include "command/print.h"
#include "console/client.h"

/* What is typed during an evaluation is sent to it, to end a watch. This begins only after so many
** ms: before that, lines were most likely pasted, and belong to the prompt. */
enum { TYPED_MS = 250 };

int tl_talk_patience_ms = 10000;

static volatile int interrupted;

static void on_interrupt (int signum) { interrupted = signum; }

volatile int *tl_talk_interrupted (void) { return &interrupted; }

/* --- writing --- */

static bool write_all (int fd, tl_slice text) {
  while (text.len > 0) {
    ssize_t rc = write(fd, text.at, text.len);
    if (rc < 0 && errno == EAGAIN) { /* shared with somebody who made it so */
      struct pollfd p = { .fd = fd, .events = POLLOUT };
      poll(&p, 1, -1);
    } else if (rc < 0 && errno != EINTR) {
      return false;
    } else if (rc > 0) {
      text = tl_slice_of(text.at + rc, text.len - (size_t)rc);
    }
  }
  return true;
}

static bool write_painted (int fd, tl_slice text, tl_paint_kind kind) {
  tl_buf clean, painted;
  /* results go to programs, byte by byte; errors and notes are for people */
  if (!isatty(fd) && kind == TL_PAINT_TEXT) return write_all(fd, text);
  tl_buf_init(&clean);
  tl_buf_init(&painted);
  tl_visible(&clean, text, true);
  if (tl_paint_wanted(fd)) tl_paint(&painted, tl_buf_bytes(&clean), kind);
  if (clean.failed || painted.failed) errno = ENOMEM;
  bool ok = !clean.failed && !painted.failed &&
            write_all(fd, tl_buf_bytes(painted.len > 0 ? &painted : &clean));
  tl_buf_fini(&clean);
  tl_buf_fini(&painted);
  return ok;
}

bool tl_talk_write (int fd, tl_slice text) { return write_painted(fd, text, TL_PAINT_TEXT); }

/* A text of its own: with a line break behind it, if it has none. */
static bool write_line (int fd, tl_buf *text, tl_paint_kind kind) {
  if (text->len > 0 && text->at[text->len - 1] != '\n') tl_buf_byte(text, '\n');
  return write_painted(fd, tl_buf_bytes(text), kind);
}

/* --- waiting --- */

int tl_talk_wait (tl_talk *t, int input, int timeout_ms) {
  struct timespec limit = { timeout_ms / 1000, (timeout_ms % 1000) * 1000000L };
  for (;;) {
    struct pollfd fds[2] = { { .fd = t->fd, .events = POLLIN }, { .fd = input, .events = POLLIN } };
    int rc = ppoll(fds, 2, timeout_ms < 0 ? NULL : &limit, &t->waiting);
    if (interrupted) {
      interrupted = 0;
      return 0;
    }
    if (rc == 0) return -1;
    /* while much output comes, input must still be read */
    if (rc > 0) return fds[1].revents ? 2 : 1;
  }
}

/* How long, in ms, until the silence of the process must be acted on; 0: now. After half of
** `patience_ms` without a frame the process is asked whether it is there. After the other half it
** counts as dead. */
static int silence_left (const tl_talk *t) {
  int64_t since = t->asked_at ? t->asked_at : t->heard_at;
  int64_t left = since + t->patience_ms / 2 - tl_clock_mono_ms();
  return left > 0 ? (int)left : 0;
}

/* Ask the process whether it is there. False: the connection is gone. */
static bool ask (tl_talk *t) {
  t->asked_at = tl_clock_mono_ms();
  return tl_console_put(t->fd, 'p', TL_LIT("")) == TL_OK;
}

/* As tl_talk_wait(), with -2: the process does not answer. */
static int wait_answer (tl_talk *t, int input, int timeout_ms) {
  int64_t until = tl_clock_mono_ms() + timeout_ms;
  for (;;) {
    int left = silence_left(t), rest = (int)(until - tl_clock_mono_ms());
    bool last = timeout_ms >= 0 && rest <= left;
    int what = tl_talk_wait(t, input, last ? (rest > 0 ? rest : 0) : left);
    if (what >= 0 || last) return what;
    if (t->asked_at || !ask(t)) return -2;
  }
}

static int no_memory (const tl_talk *t) {
  tl_print_error(t->command, "not enough memory");
  return -1;
}

int tl_talk_frame (tl_talk *t) {
  char type;
  int rc = tl_console_get(t->fd, &type, &t->frame);
  if (rc == TL_ENOMEM) return no_memory(t);
  if (rc <= 0) return 0;
  bool ok = true;
  t->heard_at = tl_clock_mono_ms();
  t->asked_at = 0;
  tl_buf *keep = type == 'r' ? t->result : NULL;
  if (type == 'o') keep = t->output;
  if (keep) {
    tl_buf_slice(keep, tl_buf_bytes(&t->frame));
    return keep->failed ? no_memory(t) : type;
  }
  if (type == 'o') ok = tl_talk_write(STDOUT_FILENO, tl_buf_bytes(&t->frame));
  if (type == 'r') ok = write_line(STDOUT_FILENO, &t->frame, TL_PAINT_TEXT);
  if (type == 'f') write_line(STDERR_FILENO, &t->frame, TL_PAINT_ERROR);
  if (type == 'n') write_line(STDERR_FILENO, &t->frame, TL_PAINT_NOTE);
  if (!ok && errno != EPIPE)
    fprintf(stderr, "tagline %s: standard output: %s\n", t->command, strerror(errno));
  return ok ? type : -1;
}

/* --- evaluations --- */

/* A line during an evaluation ends a watch. False: the process is gone. */
static bool pass_line (tl_talk *t, bool *typed) {
  char line[4096];
  ssize_t n = read(STDIN_FILENO, line, sizeof line);
  if (n <= 0) *typed = false;
  while (n > 0 && line[n - 1] == '\n') n--;
  return tl_console_put(t->fd, 'i', tl_slice_of(line, n > 0 ? (size_t)n : 0)) == TL_OK;
}

/* The process is silent, but a person decides how long to wait: print one warning. */
static void warn_of_silence (tl_talk *t) {
  if (!t->silence_logged)
    fprintf(stderr, "[the process has not answered for %d s; Ctrl-C, twice, stops waiting]\n",
            t->patience_ms / 1000);
  t->silence_logged = true;
  t->heard_at = tl_clock_mono_ms();
  t->asked_at = 0;
}

static int start (tl_talk *t, char type, tl_slice code) {
  int rc = tl_console_put(t->fd, type, code);
  t->heard_at = tl_clock_mono_ms();
  t->asked_at = 0;
  t->silence_logged = false;
  if (rc == TL_ETOOBIG) tl_print_error(t->command, "the code is too long");
  return rc;
}

int tl_talk_evaluate (tl_talk *t, char type, tl_slice code, bool typed) {
  bool cancelled = false, lasts = false;
  int64_t began = tl_clock_mono_ms();
  int rc = start(t, type, code);
  if (rc < 0) return rc == TL_ETOOBIG ? 'f' : 0;
  for (;;) {
    /* whether there is output meanwhile or not */
    lasts = lasts || tl_clock_mono_ms() - began >= TYPED_MS;
    int what = wait_answer(t, typed && lasts ? STDIN_FILENO : -1, typed && !lasts ? TYPED_MS : -1);
    if (what == -2 && !typed) return TL_TALK_SILENT;
    if (what == -2) {
      warn_of_silence(t);
    } else if (what < 0) {
      lasts = true;
    } else if (what == 0) {
      if (cancelled) return TL_TALK_INTERRUPTED;
      cancelled = true;
      if (tl_console_put(t->fd, 'x', TL_LIT("")) < 0) return 0;
    } else if (what == 2) {
      if (!pass_line(t, &typed)) return 0;
    } else {
      int got = tl_talk_frame(t);
      if (got <= 0 || got == 'r' || got == 'f' || got == 'm' || got == 'q') return got;
    }
  }
}

int tl_talk_greet (tl_talk *t) {
  int64_t until = tl_clock_mono_ms() + t->patience_ms;
  if (!ask(t)) return 0;
  for (;;) {
    int64_t left = until - tl_clock_mono_ms();
    int what = tl_talk_wait(t, -1, left > 0 ? (int)left : 0);
    if (what < 0) return TL_TALK_SILENT;
    if (what == 0) return TL_TALK_INTERRUPTED;
    int got = tl_talk_frame(t);
    if (got <= 0) return got;
    if (got == 'p') return 'r';
  }
}

static void fail_with (tl_talk *t, const char *text) {
  snprintf(t->why, sizeof t->why, "%s", text);
  tl_print_error(t->command, text);
}

int tl_talk_exit (tl_talk *t, int answer) {
  char text[160];
  if (answer == 'r') return 0;
  if (answer == TL_TALK_INTERRUPTED) return TL_TALK_INTERRUPTED;
  if (answer == 0) fail_with(t, "the process has ended the connection");
  if (answer != TL_TALK_SILENT) return 1;
  snprintf(text, sizeof text,
           "the process has not answered for %d s: it is stopped, or something holds its loop",
           t->patience_ms / 1000);
  fail_with(t, text);
  return 1;
}

/* --- coming and going --- */

/* The socket to use, into `path` with a NUL. 0, or the exit code after saying why there is none. */
static int choose (tl_talk *t, const char *given, tl_buf *path) {
  tl_err refused = { .text = "" };
  tl_buf text;
  if (given) {
    tl_buf_str(path, given);
    tl_buf_byte(path, 0);
    if (path->failed) fail_with(t, "not enough memory");
    return path->failed;
  }
  int n = tl_console_running(path, &refused);
  tl_buf_byte(path, 0);
  if (n == TL_ENOMEM || path->failed) {
    fail_with(t, "not enough memory");
    return 1;
  }
  if (n == 1) {
    path->at[path->len - 2] = 0; /* its line break */
    return 0;
  }
  tl_buf_init(&text);
  if (n > 1) {
    tl_buf_fmt(&text, "several processes are running; choose one with --socket:\n%s",
               (char *)path->at);
    text.len--; /* the last line's break */
  } else if (refused.text[0] != '\0') {
    tl_buf_str(&text, refused.text);
  } else {
    tl_buf_str(&text, "no running process in ");
    tl_console_folder(&text);
    tl_buf_str(&text, "; start one with 'tagline run CONFIG.lua', or name its socket with "
                      "--socket");
  }
  tl_buf_byte(&text, 0);
  fail_with(t, text.failed ? "not enough memory" : (char *)text.at);
  tl_buf_fini(&text);
  return 1;
}

int tl_talk_open (tl_talk *t, const char *socket) {
  struct sigaction catch = { .sa_handler = on_interrupt };
  sigset_t block;
  tl_err err = { .text = "" };
  tl_buf path;
  tl_buf_init(&t->frame);
  tl_buf_init(&path);
  t->patience_ms = t->wait_ms > tl_talk_patience_ms ? t->wait_ms : tl_talk_patience_ms;
  int rc = choose(t, socket, &path);
  if (rc == 0) {
    t->fd = tl_console_connect((char *)path.at, socket != NULL, t->patience_ms, &err);
    if (t->fd < 0) fail_with(t, err.text);
    rc = t->fd < 0;
  }
  tl_buf_fini(&path);
  if (rc != 0) return rc;
  sigemptyset(&block);
  sigaddset(&block, SIGINT);
  sigprocmask(SIG_BLOCK, &block, &t->waiting);
  sigaction(SIGINT, &catch, &t->before);
  interrupted = 0;
  return 0;
}

void tl_talk_close (tl_talk *t) {
  close(t->fd);
  sigaction(SIGINT, &t->before, NULL);
  sigprocmask(SIG_SETMASK, &t->waiting, NULL);
  tl_buf_fini(&t->frame);
}

int tl_talk_hello (tl_talk *t, bool tty) {
  struct winsize ws = { .ws_col = 0 };
  char text[120], answer[32] = "";
  if (tty) ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws);
  t->width = ws.ws_col ? ws.ws_col : 80u;
  if (t->answer_too) snprintf(answer, sizeof answer, ",\"answer\":%d", t->wait_ms);
  int n = snprintf(text, sizeof text, "{\"tty\":%s,\"width\":%u,\"json\":%s%s,\"wait\":%d%s}",
                   tty ? "true" : "false", t->width, t->json ? "true" : "false",
                   t->logs ? ",\"logs\":true" : "", t->wait_ms, answer);
  return tl_console_put(t->fd, 'h', tl_slice_of(text, (size_t)n));
}

void tl_talk_renew_hello (tl_talk *t) {
  struct winsize ws = { .ws_col = 0 };
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_col != 0 && ws.ws_col != t->width)
    tl_talk_hello(t, true);
}

/* core/command/repl.c — `tagline repl`: the client's side of the console. The running process
** evaluates the code. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/format.h"
#include "base/utf8.h"
#include "base/visible.h"
#include "command/chunk.h"
#include "command/command.h"
#include "command/complete.h"
#include "command/edit.h"
#include "command/options.h"
#include "command/print.h"
#include "command/talk.h"
#include "console/client.h"

static const char help[] =
    "usage: tagline repl [--socket PATH] [-e CODE] [--json] [--logs] [--wait SECONDS]\n"
    "\n"
    "Opens a prompt in a running process. Without a terminal, standard input is a script: each\n"
    "statement runs as soon as it is complete, expressions print their value, and locals stay to "
    "the\n"
    "end. The first error ends the script with exit code 1 and names its line (stdin:3: ...).\n"
    "\n"
    "  -e CODE         evaluate CODE, print its result, exit 1 on an error\n"
    "  --socket PATH   the process's socket; without it, the only running process\n"
    "  --json          print results as JSON\n"
    "  --logs          show the process's log lines, too\n"
    "  --wait SECONDS  how long -e and scripts wait for the functions of writes (1) and for the\n"
    "                  writes themselves (10); if more than 10, also for a process that is silent\n"
    "  --help          print this\n"
    "\n"
    "With -e and in scripts, a result of nil and a text is an error: so a write says that it "
    "failed.\n"
    "The functions of writes are waited for, unless no line is connected:\n"
    "tagline repl -e 'tags[\"plant.boiler.setpoint\"]:write(5, print)'.\n"
    "\n"
    "Ctrl-C cancels an evaluation; Ctrl-D, exit or quit leave; Tab completes; Ctrl-R searches "
    "earlier\n"
    "lines. NO_COLOR in the environment: no colours.\n";

enum { COMPLETE_MS = 1000, SPLIT_MS = 20 };

typedef struct {
  tl_talk talk;
  bool script_ended;
  tl_buf input, chunk;
} repl;

static int no_memory (void) {
  tl_print_error("repl", "not enough memory");
  return 1;
}

/* A script from standard input: statement by statement, up to the first error */

/* More of it into r->input: 1; 0 when nothing came within `timeout_ms`; -1: `*answer` says why
** to stop. */
static int read_script (repl *r, int timeout_ms, int *answer) {
  int what = tl_talk_wait(&r->talk, STDIN_FILENO, timeout_ms);
  *answer = what == 0 ? TL_TALK_INTERRUPTED : 'r';
  if (what == 1) *answer = tl_talk_frame(&r->talk); /* late output of an earlier line */
  if (*answer <= 0 || *answer == TL_TALK_INTERRUPTED) return -1;
  if (what < 0) return 0;
  if (what != 2) return 1;
  if (tl_buf_reserve(&r->input, 65536) < 0) {
    no_memory();
    *answer = 'f';
    return -1;
  }
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

/* Does the next line belong to the statement before it ("  .. 'x'", "  :close()")?
** If the next line has not come yet, this does not wait for it, because somebody may be typing the
** script into a pipe. It only waits for the rest of a line that has begun, and for a moment in case
** two lines came in separate reads.
** 1: yes, 0: no, -1: stop, with the reason in *answer. */
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
  if (tl_console_put(r->talk.fd, 's', tl_slice_of(text, (size_t)n)) < 0) return 0;
  return tl_talk_evaluate(&r->talk, type, tl_buf_bytes(&r->chunk), false);
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
    if (r->chunk.failed) return no_memory();
    if (tl_chunk_is_blank(tl_buf_bytes(&r->chunk))) {
      tl_buf_clear(&r->chunk);
      continue;
    }
    rc = script_goes_on(r, &taken, &answer);
    if (rc < 0) return tl_talk_exit(&r->talk, answer);
    if (rc > 0) continue;
    answer = evaluate_script(r, 'l', first);
    if (answer == 'm') continue;
    if (answer == 'q') return 0;
    if (answer != 'r') return tl_talk_exit(&r->talk, answer);
    tl_buf_clear(&r->chunk);
  }
  if (rc < 0) return tl_talk_exit(&r->talk, answer);
  /* Evaluate what is left. An unfinished statement gives an error that names what is missing. With
  ** nothing left, this waits for the writes that the script has begun. */
  return tl_talk_exit(&r->talk, evaluate_script(r, 'e', r->chunk.len > 0 ? first : number));
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
  int type = ask.failed || tl_console_put(r->talk.fd, 'c', tl_buf_bytes(&ask)) < 0 ? 0 : 'o';
  tl_buf_fini(&ask);
  while (type == 'o' && tl_talk_wait(&r->talk, -1, COMPLETE_MS) == 1)
    type = tl_talk_frame(&r->talk);
  int all = type == 'c' ? tl_complete_read(tl_buf_bytes(&r->talk.frame), words) : 0;
  if (all < 0) tl_buf_clear(words);
  return all > 0 ? (size_t)all : 0;
}

static bool on_wake (void *ctx, tl_buf *text) {
  repl *r = ctx;
  char type;
  if (tl_console_get(r->talk.fd, &type, &r->talk.frame) <= 0) return false;
  if (type != 'c' && type != 'p') tl_visible(text, tl_buf_bytes(&r->talk.frame), true);
  return true;
}

/* Wait, before the prompt is shown, until the process has answered. From then on it sends its log
** lines here and does not write them over the prompt. */
static int await_start (repl *r) {
  if (!r->talk.logs) return tl_talk_greet(&r->talk);
  return tl_talk_evaluate(&r->talk, 'e', TL_LIT(""), false);
}

static int run_terminal (repl *r) {
  static const tl_edit_events events = { on_complete, on_wake };
  tl_edit *edit;
  tl_buf line;
  int code = -1, answer = await_start(r);
  if (answer != 'r' && answer != 'f') return tl_talk_exit(&r->talk, answer);
  if (tl_edit_new(&edit, r->talk.fd, &events, r, &r->talk.waiting, tl_talk_interrupted()) < 0) {
    fputs("tagline repl: the terminal cannot be used\n", stderr);
    return 1;
  }
  tl_buf_init(&line);
  while (code < 0) {
    int what = tl_edit_line(edit, r->chunk.len ? "      -> " : "tagline> ", &line);
    if (what == TL_EDIT_INTERRUPTED) tl_buf_clear(&r->chunk);
    if (what == TL_EDIT_END) code = 0;
    if (what == TL_EDIT_GONE) code = tl_talk_exit(&r->talk, 0);
    if (what < 0) code = no_memory();
    if (what != TL_EDIT_LINE) continue;
    if (r->chunk.len > 0) tl_buf_byte(&r->chunk, '\n');
    tl_buf_slice(&r->chunk, tl_buf_bytes(&line));
    tl_buf_byte(&line, 0);
    if (line.failed || r->chunk.failed) {
      code = no_memory();
      break;
    }
    tl_edit_remember(edit, (char *)line.at);
    if (r->chunk.len == 0) continue;
    tl_talk_renew_hello(&r->talk);
    answer = tl_talk_evaluate(&r->talk, 'l', tl_buf_bytes(&r->chunk), true);
    if (answer == 'm') continue;
    tl_buf_clear(&r->chunk);
    if (answer == 'q') code = 0;
    if (answer <= 0 || answer == TL_TALK_INTERRUPTED) code = tl_talk_exit(&r->talk, answer);
  }
  tl_buf_fini(&line);
  tl_edit_free(edit);
  return code;
}

static bool read_seconds (const char *text, int *ms) {
  char *end;
  double seconds = strtod(text, &end);
  if (end == text || *end != '\0' || !(seconds >= 0 && seconds <= 86400)) return false;
  *ms = (int)(seconds * 1000);
  return true;
}

int tl_command_repl (int argc, char **argv) {
  const char *socket = NULL, *code = NULL, *wait = NULL;
  repl r = { .talk = { .command = "repl", .fd = -1 } };
  tl_talk *t = &r.talk;
  const tl_option options[] = { { "socket", 0, NULL, &socket }, { NULL, 'e', NULL, &code },
                                { "json", 0, &t->json, NULL },  { "logs", 0, &t->logs, NULL },
                                { "wait", 0, NULL, &wait },     { 0 } };
  int rc = tl_options_read(argc, argv, "repl", help, options, NULL, 0);
  if (rc < 0) return tl_options_exit(rc);
  t->answer_too = wait != NULL;
  if (!read_seconds(wait ? wait : "1", &t->wait_ms))
    return tl_options_exit(
        tl_options_wrong("repl", "--wait: expected seconds (0 to 86400), got '%s'", wait));
  rc = tl_talk_open(t, socket);
  if (rc != 0) return rc;
  bool tty = isatty(STDOUT_FILENO), typed = !code && tty && isatty(STDIN_FILENO);
  if (tl_talk_hello(t, tty && !code) < 0)
    rc = tl_talk_exit(t, 0);
  else if (code)
    rc = tl_talk_exit(t, tl_talk_evaluate(t, 'e', tl_slice_str(code), false));
  else
    rc = typed ? run_terminal(&r) : run_script(&r);
  tl_talk_close(t);
  tl_buf_fini(&r.input);
  tl_buf_fini(&r.chunk);
  return rc;
}

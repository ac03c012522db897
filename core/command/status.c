/* core/command/status.c — `tagline status`: is something wrong with a running process? For people,
** and for what looks after processes. What is wrong is the process's to say. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/format.h"
#include "command/command.h"
#include "command/options.h"
#include "command/print.h"
#include "command/talk.h"

static const char help[] =
    "usage: tagline status [--socket PATH] [--json]\n"
    "\n"
    "Prints what is wrong with a running process, and what to do. Exit code 0 when nothing is "
    "wrong;\n"
    "1 when there is a problem, no process runs, or it does not answer within 10 s. Remarks (what "
    "was\n"
    "wrong, or may become so) do not change the exit code.\n"
    "\n"
    "  --socket PATH   the process's socket; without it, the only running process\n"
    "  --json          as JSON: problems and remarks, each {code, text, remedy, line, station, "
    "tag};\n"
    "                  also where no process answers (no-process, no-answer)\n";

/* The number of problems is printed, and the whole is the result. */
static const char code[] = "local s = status() print(#s.problems) return s";

static int ask (tl_talk *t) {
  tl_buf result, count;
  tl_buf_init(&result);
  tl_buf_init(&count);
  t->result = &result;
  t->output = &count;
  int rc = tl_talk_hello(t, false) < 0 ? 0 : tl_talk_evaluate(t, 'e', tl_slice_str(code), false);
  if (rc == 'r') {
    tl_buf_byte(&result, '\n');
    tl_buf_byte(&count, '\0');
    if (result.failed || count.failed) tl_print_error(t->command, "not enough memory");
    bool fine = !count.failed && strcmp((const char *)count.at, "0\n") == 0;
    bool written = !result.failed && tl_talk_write(STDOUT_FILENO, tl_buf_bytes(&result));
    rc = fine && written ? 0 : 1;
  } else {
    rc = tl_talk_exit(t, rc);
  }
  tl_buf_fini(&result);
  tl_buf_fini(&count);
  return rc;
}

/* A program that reads JSON gets JSON, also when there is nobody to ask. */
static void print_why (const tl_talk *t, const char *what) {
  tl_buf out;
  if (!t->json || t->why[0] == '\0') return;
  tl_buf_init(&out);
  tl_buf_fmt(&out, "{\"problems\":[{\"code\":\"%s\",\"text\":", what);
  tl_json_quote(&out, tl_slice_str(t->why));
  tl_buf_str(&out, ",\"remedy\":\"look into the log of the process; tagline run CONFIG.lua starts "
                   "one\"}],\"remarks\":[]}\n");
  if (!out.failed) (void)tl_talk_write(STDOUT_FILENO, tl_buf_bytes(&out));
  tl_buf_fini(&out);
}

int tl_command_status (int argc, char **argv) {
  const char *socket = NULL;
  tl_talk t = { .command = "status", .fd = -1 };
  const tl_option options[] = { { "socket", 0, NULL, &socket },
                                { "json", 0, &t.json, NULL },
                                { 0 } };
  int rc = tl_options_read(argc, argv, "status", help, options, NULL, 0);
  if (rc < 0) return tl_options_exit(rc);
  rc = tl_talk_open(&t, socket);
  if (rc != 0) {
    print_why(&t, "no-process");
    return rc;
  }
  rc = ask(&t);
  print_why(&t, "no-answer");
  tl_talk_close(&t);
  return rc;
}

/* core/main.c — the program: finds the command and hands over. */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/command.h"
#include "command/options.h"

static const char help[] =
    "usage: tagline COMMAND …\n"
    "\n"
    "  run CONFIG.lua                     connect and run\n"
    "  check CONFIG.lua                   load and validate; every problem as FILE:LINE\n"
    "  explain CONFIG.lua TOPIC [FILE]    where a message goes and what every tag becomes of it, "
    "and why\n"
    "  test [FILE …]                      run specs of configs and decoders, without a broker\n"
    "  replay CAPTURE CONFIG.lua          recorded messages through a config\n"
    "  repl [-e CODE]                     attach to a running process\n"
    "  history FILE|CONFIG.lua [PATTERN]  what a history holds, as CSV or JSON\n"
    "\n"
    "tagline COMMAND --help tells a command's options; tagline --version the version.\n"
    "Exit codes: 0 done, 1 failed (errors in a config, in REPL code, in specs), 2 wrong usage.\n";

static const struct {
  const char *name;
  int (*run)(int argc, char **argv);
} commands[] = {
  { "run", tl_command_run },         { "check", tl_command_check },
  { "explain", tl_command_explain }, { "test", tl_command_test },
  { "replay", tl_command_replay },   { "repl", tl_command_repl },
  { "history", tl_command_history },
};

enum { COMMANDS = sizeof commands / sizeof *commands };

/* A process may be started with 0, 1 or 2 closed; the next socket would take the number, and be
** written to as if it were stdout. What stands in for stdout cannot be written, so that a
** command which must print notices. */
static void fill_descriptors (void) {
  for (int fd = 0; fd <= 2; fd++)
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 2 ? O_WRONLY : O_RDONLY) < 0) abort();
}

static int unknown (const char *word) {
  static const char *const options[] = { "--help", "--version" };
  const char *names[COMMANDS];
  for (int i = 0; i < COMMANDS; i++) names[i] = commands[i].name;
  bool option = word[0] == '-';
  const char *what = option ? "option" : "command";
  const char *near =
      option ? tl_options_nearest(word, options, 2) : tl_options_nearest(word, names, COMMANDS);
  if (near)
    return tl_options_exit(
        tl_options_wrong(NULL, "unknown %s '%s'; did you mean '%s'?", what, word, near));
  return tl_options_exit(tl_options_wrong(NULL, "unknown %s '%s'", what, word));
}

int main (int argc, char **argv) {
  fill_descriptors();
  /* A reader that goes away is an error to handle, not the end of the process. */
  signal(SIGPIPE, SIG_IGN);
  if (argc < 2) {
    fputs(help, stderr);
    return 2;
  }
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) return fputs(help, stdout) < 0;
  if (strcmp(argv[1], "--version") == 0) return printf("tagline %s\n", TAGLINE_VERSION) < 0;
  for (int i = 0; i < COMMANDS; i++)
    if (strcmp(argv[1], commands[i].name) == 0) return commands[i].run(argc - 1, argv + 1);
  return unknown(argv[1]);
}

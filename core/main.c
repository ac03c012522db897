/* core/main.c — the program: finds the command and hands over. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "command/command.h"
#include "command/options.h"

static const char help[] =
    "usage: tagline COMMAND …\n"
    "\n"
    "  run CONFIG.lua                     connect and run\n"
    "  check CONFIG.lua                   load and validate; every problem as FILE:LINE\n"
    "  repl [-e CODE]                     attach to a running process\n"
    "\n"
    "tagline COMMAND --help tells a command's options; tagline --version the version.\n";

static const struct {
  const char *name;
  int (*run) (int argc, char **argv);
} commands[] = {
  { "run", tl_command_run },
  { "check", tl_command_check },
  { "repl", tl_command_repl },
};

enum { COMMANDS = sizeof commands / sizeof *commands };

int main (int argc, char **argv) {
  const char *names[COMMANDS];
  /* A reader that goes away is an error to handle, not the end of the process. */
  signal(SIGPIPE, SIG_IGN);
  if (argc < 2) {
    fputs(help, stderr);
    return 2;
  }
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) return fputs(help, stdout) < 0;
  if (strcmp(argv[1], "--version") == 0) return printf("tagline %s\n", TAGLINE_VERSION) < 0;
  for (int i = 0; i < COMMANDS; i++) {
    names[i] = commands[i].name;
    if (strcmp(argv[1], commands[i].name) == 0) return commands[i].run(argc - 1, argv + 1);
  }
  const char *near = tl_options_nearest(argv[1], names, COMMANDS);
  fprintf(stderr, "tagline: unknown %s '%s'%s%s%s (see 'tagline --help')\n", argv[1][0] == '-' ? "option" : "command", argv[1],
          near != NULL ? "; did you mean '" : "", near != NULL ? near : "", near != NULL ? "'?" : "");
  return 2;
}

/* core/main.c — the program: finds the command and hands over. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command/help.h"
#include "command/options.h"
#include "command/print.h"

/* A process may be started with 0, 1 or 2 closed; the next socket would take the number, and be
** written to as if it were stdout. What stands in for stdout cannot be written, so that a
** command which must print notices. */
static void fill_descriptors (void) {
  for (int fd = 0; fd <= 2; fd++)
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 2 ? O_WRONLY : O_RDONLY) < 0) abort();
}

static int unknown (const char *word) {
  static const char *const options[] = { "--help", "--version" };
  bool option = word[0] == '-';
  const char *what = option ? "option" : "command";
  const char *near = option ? tl_options_nearest(word, options, 2) : tl_command_nearest(word);
  if (near)
    return tl_options_exit(
        tl_options_wrong(NULL, "unknown %s '%s'; did you mean '%s'?", what, word, near));
  return tl_options_exit(tl_options_wrong(NULL, "unknown %s '%s'", what, word));
}

/* A reader that is gone ("| head") has what it wants. */
static bool has_reader (void) {
  struct pollfd p = { .fd = STDOUT_FILENO };
  return poll(&p, 1, 0) <= 0 || !(p.revents & POLLERR);
}

/* What was printed must have arrived: a full disk, say, is told, and no success. */
static int finish (int code) {
  bool lost = ferror(stdout);
  errno = 0;
  if (fflush(stdout) != 0) lost = true;
  if (!lost || !has_reader()) return code;
  char text[160];
  snprintf(text, sizeof text, "write to standard output: %s",
           errno != 0 ? strerror(errno) : "some of it was not written");
  tl_print_error(NULL, text);
  return code == 0 ? 1 : code;
}

static int run (int argc, char **argv) {
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
    fputs(tl_command_text(), stdout);
    return 0;
  }
  if (strcmp(argv[1], "--version") == 0) {
    printf("tagline %s\n", TAGLINE_VERSION);
    return 0;
  }
  const tl_command *c = tl_command_find(argv[1]);
  return c ? c->run(argc - 1, argv + 1) : unknown(argv[1]);
}

int main (int argc, char **argv) {
  fill_descriptors();
  /* A reader that goes away is an error to handle, not the end of the process. */
  signal(SIGPIPE, SIG_IGN);
  if (argc < 2) {
    fputs(tl_command_text(), stderr);
    return 2;
  }
  return finish(run(argc, argv));
}

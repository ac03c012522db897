/* core/command/options.h — reads a command's words: long options, one-letter options, flags,
** operands; and says in words what is wrong, with the nearest known name. Knows nothing of the
** commands themselves. */
#ifndef TL_COMMAND_OPTIONS_H
#define TL_COMMAND_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

/* One option. Exactly one of `flag` and `text` is set: a flag takes no value, a text takes one
** and keeps the pointer into argv. Given twice, the last counts. `name` is without dashes
** ("socket" for --socket) and may be NULL, `letter` (-e) may be 0. */
typedef struct {
  const char *name;
  char letter;
  bool *flag;
  const char **text;
} tl_option;

/* A table ends with an entry that has neither name nor letter:
**
**   const char *socket = NULL; bool values = false;
**   const tl_option options[] = { { "socket", 0, NULL, &socket }, { "values", 0, &values, NULL
**   }, { 0 } };
**   const char *operands[1];
**   int n = tl_options_read(argc, argv, "run", help_text, options, operands, 1);
**   if (n < 0) return tl_options_exit(n);
**   if (n < 1) return tl_options_exit(tl_options_wrong("run", "a CONFIG.lua is missing")); */
enum {
  TL_OPTIONS_HELP = -1, /* --help or -h: `help` was printed to stdout; exit 0 */
  TL_OPTIONS_WRONG = -2 /* wrong usage: one line was printed to stderr; exit 2 */
};

/* Read argv[1..argc): argv[0] is the command's own word. "--name VALUE", "--name=VALUE",
** "--flag", "-e VALUE", "-f"; a value may begin with a dash; "--" ends the options, "-" is an
** operand. Operands may stand anywhere; they are borrowed from argv. Returns their number
** (0..max), or one of the codes above: an unknown option, a value missing or not wanted, more
** operands than `max`. */
int tl_options_read (int argc, char **argv, const char *command, const char *help,
                     const tl_option *options, const char **operands, int max);

/* From here on tl_options_read reads nothing: it hands the command's table to `list`, and answers
** TL_OPTIONS_HELP. So a table of all commands can be printed, for completions and man pages. NULL
** ends it. */
typedef void (*tl_options_lister)(const char *command, const tl_option *options);
void tl_options_list (tl_options_lister list);

/* Print "tagline COMMAND: TEXT (see 'tagline COMMAND --help')" to stderr and return
** TL_OPTIONS_WRONG. `command` may be NULL. */
int tl_options_wrong (const char *command, const char *fmt, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;

/* The exit code that belongs to a negative result: 0 for help, 2 for wrong usage. */
int tl_options_exit (int result);

/* The one of names[0..n) (entries may be NULL) that `word` most likely meant, or NULL when none
** is near: at most two edits, and fewer than half of the word. Upper case counts as lower case.
** Swapped neighbours are one edit. */
const char *tl_options_nearest (const char *word, const char *const *names, int n);

#endif

/* core/command/help.h — the table of commands, and the text about them. */
#ifndef TL_COMMAND_HELP_H
#define TL_COMMAND_HELP_H

#include <stdint.h>

typedef struct {
  const char *name;
  int (*run)(int argc, char **argv);
} tl_command;

const tl_command *tl_command_find (const char *name); /* NULL: there is none */
const char *tl_command_nearest (const char *word);    /* the one most likely meant, or NULL */
const char *tl_command_text (void);                   /* of tagline --help */

#endif

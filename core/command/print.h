/* core/command/print.h — what a command says to a person: nothing in it moves a terminal, whatever
** files, topics and processes are called. */
#ifndef TL_COMMAND_PRINT_H
#define TL_COMMAND_PRINT_H

/* "tagline COMMAND: TEXT" on stderr; `command` may be NULL. */
void tl_print_error (const char *command, const char *text);
/* `text` as a line of stdout. */
void tl_print_line (const char *text);

#endif

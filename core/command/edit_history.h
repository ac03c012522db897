/* core/command/edit_history.h — the lines that were typed at a prompt, kept in a file from one
** REPL to the next. Knows no terminal. */
#ifndef TL_COMMAND_EDIT_HISTORY_H
#define TL_COMMAND_EDIT_HISTORY_H

#include <histedit.h>

#include "base/buf.h"

typedef struct {
  History *lines; /* libedit's */
  char *path;     /* NULL: they are not kept */
} tl_edit_history;

/* Reads the file, if there is one. TL_ENOMEM: also then tl_edit_history_close() is called. */
int tl_edit_history_open (tl_edit_history *h);
void tl_edit_history_close (tl_edit_history *h);
void tl_edit_history_add (tl_edit_history *h, const char *line);
/* Line number `at`, from the newest (0); asked for one after the other. NULL: there is none. */
const char *tl_edit_history_line (tl_edit_history *h, size_t at);

#endif

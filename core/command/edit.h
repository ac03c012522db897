/* core/command/edit.h — lines typed at a terminal: editing, history on disk, completion. Knows
** neither the console nor Lua. */
#ifndef TL_COMMAND_EDIT_H
#define TL_COMMAND_EDIT_H

#include "base/buf.h"

typedef struct tl_edit tl_edit;

typedef struct {
  /* Append to `words` what may stand in place of the word before the cursor, each text followed
  ** by a NUL. Returns how many there are in all, which may be more than were given. */
  size_t (*complete)(void *ctx, const char *line, size_t at, tl_buf *words);
  /* Called when the other descriptor is readable while a line is typed: append to the buffer what
  ** is to be shown above the line. False: the descriptor has ended. */
  bool (*wake)(void *ctx, tl_buf *text);
} tl_edit_events;

enum { TL_EDIT_END = 0, TL_EDIT_LINE = 1, TL_EDIT_INTERRUPTED = 2, TL_EDIT_GONE = 3 };

/* Standard input and output must be a terminal. `fd` is the other descriptor to look at. SIGINT
** must be blocked by the caller, with a handler installed; it is let through while waiting,
** with `waiting_mask` (a sigset_t), and *interrupted says that it came. */
int tl_edit_new (tl_edit **out, int fd, const tl_edit_events *events, void *ctx,
                 const void *waiting_mask, volatile int *interrupted);
/* Read one line (without its line break) into `line`, replacing what it held: TL_EDIT_LINE;
** TL_EDIT_END: Ctrl-D or the terminal is gone; TL_EDIT_INTERRUPTED: Ctrl-C; TL_EDIT_GONE: wake
** said so; TL_ENOMEM. */
int tl_edit_line (tl_edit *e, const char *prompt, tl_buf *line);
/* Put a line into the history, in memory and on disk. Empty ones and repetitions of the last
** are left out. */
void tl_edit_remember (tl_edit *e, const char *line);
void tl_edit_free (tl_edit *e);

#endif

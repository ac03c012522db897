/* core/command/complete.h — what to do with a list of completions: pure text, no terminal, no
** socket. */
#ifndef TL_COMMAND_COMPLETE_H
#define TL_COMMAND_COMPLETE_H

#include "base/buf.h"

/* Read a JSON list of texts (the answer 'c' of the console) into `words`, each followed by a
** NUL. Texts with control bytes are left out: they cannot be typed. A number at its end says
** how many more there are. Returns how many there are in all, TL_ESYNTAX when it is no such
** list, TL_ENOMEM. */
int tl_complete_read (tl_slice json, tl_buf *words);

/* How many bytes before the cursor are the beginning of every word: the longest such.
** `line[0..at)` is what stands there. */
size_t tl_complete_overlap (const char *line, size_t at, const tl_buf *words);

/* The longest beginning that all words share, never half a character; borrowed from words. */
tl_slice tl_complete_common (const tl_buf *words);

#endif

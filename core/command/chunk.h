/* core/command/chunk.h — lines of a script: which of them belong together. No Lua: it looks at
** how a line begins, never further. */
#ifndef TL_COMMAND_CHUNK_H
#define TL_COMMAND_CHUNK_H

#include "base/slice.h"

/* Nothing but blanks and comments of one line. */
bool tl_chunk_is_blank (tl_slice text);
/* Can a line that begins so only be the rest of the statement before it: with an operator, a
** mark, a word that begins nothing? What could as well begin something of its own, like a
** bracket, is not; a minus is. */
bool tl_chunk_goes_on (tl_slice line);

#endif

/* core/command/chunk.h — which lines of a script belong together. Looks only at how a line begins,
** and knows no Lua beyond that. */
#ifndef TL_COMMAND_CHUNK_H
#define TL_COMMAND_CHUNK_H

#include "base/slice.h"

/* Nothing but blanks and comments of one line. */
bool tl_chunk_is_blank (tl_slice text);
/* Must this line be the rest of the statement before it? So it is when it begins with an operator,
** a punctuation mark or a word that cannot begin a statement.
** A bracket may begin a statement, so it gives false. A minus gives true. */
bool tl_chunk_goes_on (tl_slice line);

#endif

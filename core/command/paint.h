/* core/command/paint.h — colours for a terminal: what is wrong is red, what is uncertain yellow.
** Never alone: the words say it, too. */
#ifndef TL_COMMAND_PAINT_H
#define TL_COMMAND_PAINT_H

#include "base/buf.h"

/* Does this terminal want colours? Not with NO_COLOR (any text but an empty one), TERM=dumb or
** without TERM. */
bool tl_paint_wanted (int fd);

typedef enum { TL_PAINT_TEXT, TL_PAINT_ERROR, TL_PAINT_NOTE } tl_paint_kind;

/* Append `text`, which was made fit for a terminal, with colours. */
void tl_paint (tl_buf *out, tl_slice text, tl_paint_kind kind);

#endif

/* core/base/visible.h — text of unknown origin, made fit for a terminal. */
#ifndef TL_BASE_VISIBLE_H
#define TL_BASE_VISIBLE_H

#include "base/buf.h"

/* Text of unknown origin (brokers, payloads, file names), made fit for a terminal: control bytes,
** DEL, the C1 controls (U+0080..U+009F) and what is not UTF-8 become \x1b and the like. With
** `lines`, line breaks and tabs stay. */
void tl_visible (tl_buf *out, tl_slice s, bool lines);

#endif

/* core/model/fill.h — texts with {name} placeholders, filled with what an address captured.
** Pure; knows nothing of plans. */
#ifndef TL_MODEL_FILL_H
#define TL_MODEL_FILL_H

#include "base/buf.h"

/* Append `text` to `out` with each {name} of the n names replaced by its value; braces around
** anything else stay as they are. With name_escape, bytes of a value that a station's name may
** not hold (all but letters, digits, '_' and '-') become %XX, so that different captures make
** different names. TL_OK or TL_ENOMEM. */
int tl_text_fill (tl_buf *out, tl_slice text, const tl_slice *names, const tl_slice *values,
                  size_t n, bool name_escape);

typedef enum {
  TL_FILL_PLAIN,
  TL_FILL_NAME, /* bytes that a name may not hold as %XX */
  TL_FILL_REGEX /* bytes that a regular expression might read as syntax behind a backslash */
} tl_fill_how;

/* The filled text at `to`, which must have room for it; NULL: only count. Returns its length. */
size_t tl_fill_into (uint8_t *to, tl_slice text, const tl_slice *names, const tl_slice *values,
                     size_t n, tl_fill_how how);
/* Is one of the names' placeholders in the text? */
bool tl_fill_needed (tl_slice text, const tl_slice *names, size_t n);

#endif

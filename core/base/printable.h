/* core/base/printable.h — text that brokers, proxies or certificates contain, made fit to be shown
** to people. Knows nothing else. */
#ifndef TL_BASE_PRINTABLE_H
#define TL_BASE_PRINTABLE_H

#include "base/slice.h"

/* Copies `text` into out[0..cap), NUL-terminated (cap > 0): control characters (C0, DEL, C1)
** and bytes that are not UTF-8 become '?', and what does not fit is cut at a character with
** "…" behind it. Returns out. */
const char *tl_printable (char *out, size_t cap, tl_slice text);

#endif

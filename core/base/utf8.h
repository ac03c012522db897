/* core/base/utf8.h — which bytes are UTF-8. Knows nothing else. */
#ifndef TL_BASE_UTF8_H
#define TL_BASE_UTF8_H

#include "base/slice.h"

/* Length of the well-formed UTF-8 prefix (Unicode 15 table 3-7: no surrogates, no overlong
** forms, at most U+10FFFF). Equal to len when all of it is well-formed. U+0000 counts as
** well-formed here. */
size_t tl_utf8_prefix (const uint8_t *at, size_t len);
static inline bool tl_utf8_valid (tl_slice s) { return tl_utf8_prefix(s.at, s.len) == s.len; }

#endif

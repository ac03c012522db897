/* core/base/base64.h — base64 as RFC 4648, section 4, has it: with padding. Knows nothing else. */
#ifndef TL_BASE_BASE64_H
#define TL_BASE_BASE64_H

#include "base/buf.h"

/* Decode into `out`, which has room for 3 bytes for each 4 letters. Returns the number of bytes;
** -1: the text is wrong. Strict: whole groups of four letters, padding only at the end, no bits
** set that belong to no byte. */
ptrdiff_t tl_base64_read (tl_slice text, uint8_t *out);

/* Encode into `out`, which has room for 4 letters for each 3 bytes, rounded up. Returns the number
** of letters. */
size_t tl_base64_write (tl_slice bytes, uint8_t *out);
void tl_base64_encode (tl_buf *out, tl_slice s); /* the same, appended */

#endif

/* core/base/format.h — bytes as text that others read: JSON strings, times. */
#ifndef TL_BASE_FORMAT_H
#define TL_BASE_FORMAT_H

#include "base/buf.h"

/* Text as a JSON string with quotes; `s` must be UTF-8. Escapes what RFC 8259 requires, and DEL and
** the C1 controls (U+0080..U+009F): what is printed moves no terminal. */
void tl_json_quote (tl_buf *out, tl_slice s);

/* Milliseconds since 1970 UTC as "2026-11-22T14:03:16.123Z". */
void tl_time_format (tl_buf *out, int64_t ms);

#endif

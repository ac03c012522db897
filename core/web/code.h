/* core/web/code.h — parameters of a query as Lua: literals, whatever is in them. `text` is
** NUL-terminated, and its len counts that; what is made is appended. Pure. */
#ifndef TL_WEB_CODE_H
#define TL_WEB_CODE_H

#include "base/buf.h"

void tl_code_text (tl_buf *code, const tl_buf *text);
/* Seconds since 1970, or milliseconds, as Grafana sends them; else a text for history() to read. */
void tl_code_time (tl_buf *code, const tl_buf *text);
/* "avg,max" becomes { "avg", "max" }. */
void tl_code_names (tl_buf *code, const tl_buf *text);
/* A length of time: "1m", or seconds. */
void tl_code_span (tl_buf *code, const tl_buf *text);

#endif

/* core/web/body.h — the body of a write: {"value": 5}, and nothing else; its value in a tag's type,
** by the strict rules of tag:write(): nothing is guessed. Pure. */
#ifndef TL_WEB_BODY_H
#define TL_WEB_BODY_H

#include "base/buf.h"
#include "payload/json.h"
#include "base/value.h"

/* The value, with slices of `bytes`. TL_ESYNTAX: it is not JSON, *error says where; TL_ETYPE: it is
** something else than one value. */
int tl_body_read (tl_slice bytes, tl_json_value *value, tl_json_error *error);
/* In this output type. A text is unescaped into `text`, which *out borrows then. False: it is not
** of the type, and *expected says what is. */
bool tl_body_value (tl_type type, const tl_json_value *v, tl_buf *text, tl_value *out,
                    const char **expected);

#endif

/* core/base/json_write.h — JSON objects and lists, a member after another, into a buffer. Each
** member puts the comma before itself, unless an object or list has just begun. Knows nothing else.
**
**     tl_member_open(out, NULL, '{');
**     tl_member_word(out, "line", name);
**     tl_member_integer(out, "qos", 1);
**     tl_buf_byte(out, '}'); */
#ifndef TL_BASE_JSON_WRITE_H
#define TL_BASE_JSON_WRITE_H

#include "base/buf.h"

/* `,"key":`; with key NULL the comma alone, before an element of a list. A key is our own word: it
** has nothing that is escaped. */
void tl_member (tl_buf *out, const char *key);
void tl_member_text (tl_buf *out, const char *key, tl_slice text); /* UTF-8 */
void tl_member_word (tl_buf *out, const char *key, const char *word);
void tl_member_flag (tl_buf *out, const char *key, bool on);
void tl_member_integer (tl_buf *out, const char *key, int64_t number);
void tl_member_time (tl_buf *out, const char *key, int64_t ms); /* since 1970, UTC */
/* A name of two parts, "line.station". */
void tl_member_name (tl_buf *out, const char *key, tl_slice first, tl_slice second);
/* Bytes that are UTF-8 as a text under `key`, others as "base64". */
void tl_member_bytes (tl_buf *out, const char *key, tl_slice bytes);
void tl_member_open (tl_buf *out, const char *key, char bracket); /* key NULL: an element */

#endif

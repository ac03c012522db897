/* core/http/answer.h — the head of an HTTP/1.x answer, as far as a WebSocket upgrade and
** CONNECT need it: status, reason, headers. Pure: bytes in, slices out; no body, no chunking,
** nothing is followed. */
#ifndef TL_HTTP_ANSWER_H
#define TL_HTTP_ANSWER_H

#include "base/slice.h"

enum { TL_HTTP_HEAD_MAX = 16 * 1024 }; /* bytes of a head with its empty line */

/* All slices are borrowed from the bytes that were read. */
typedef struct {
  int status;       /* 100..999 */
  tl_slice reason;  /* may be empty */
  tl_slice headers; /* "Name: value\r\n" …, checked */
} tl_http_answer;

/* Read one head from at[0..len), which begins at its first byte. Returns the bytes of the
** head (> 0); TL_EPARTIAL: more input is needed; TL_ETOOBIG: longer than TL_HTTP_HEAD_MAX;
** TL_EMALFORMED: no HTTP answer (RFC 9112 section 4; bare LF is taken, folded headers and
** control characters are not). `err` may be NULL and is filled on the last two; *out is
** written on success only. */
long tl_http_answer_read (const uint8_t *at, size_t len, tl_http_answer *out, tl_err *err);

/* The next header of this name (ASCII case does not count) at or behind *from, an offset into
** headers that begins at 0 and is moved behind what was found. False: there is none. Blanks
** around the value are cut. */
bool tl_http_header (const tl_http_answer *a, const char *name, size_t *from, tl_slice *value);
/* Is there a header of this name with this token in its comma-separated list, in any case? */
bool tl_http_has_token (const tl_http_answer *a, const char *name, const char *token);
bool tl_http_same (tl_slice a, const char *b); /* equal but for ASCII case */

#endif

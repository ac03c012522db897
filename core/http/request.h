/* core/http/request.h — the head of an HTTP/1.x request, checked before any parser of others sees
** it: what two parsers could read in two ways is refused. And its target, taken apart. Pure. */
#ifndef TL_HTTP_REQUEST_H
#define TL_HTTP_REQUEST_H

#include "base/buf.h"

enum {
  TL_HTTP_REQUEST_HEAD = 8 * 1024, /* bytes of a head with its empty line */
  TL_HTTP_REQUEST_BODY = 64 * 1024
};

/* All slices are borrowed from the bytes that were read. */
typedef struct {
  tl_slice method, target;
  size_t body; /* bytes that follow the head: Content-Length, 0 without one */
  bool minor;  /* HTTP/1.1 */
} tl_http_request;

typedef struct {
  int status; /* 400, 413, 417, 431 or 505 */
  const char *text;
} tl_http_refusal;

/* Read one head from at[0..len), which begins at its first byte; `*seen` is 0 at first, and what
** an earlier call left there when only more bytes came. Returns the bytes of the head (> 0);
** TL_EPARTIAL: more input is needed; TL_EMALFORMED: refused, *why says with what. Refused are: a
** CR or LF that is not part of a line break, NUL and other control bytes, a folded line, blanks
** before a colon, an absolute target, other versions than 1.0 and 1.1, more than
** TL_HTTP_REQUEST_HEAD bytes, a Content-Length that is no number or above TL_HTTP_REQUEST_BODY, two
** of it or of Host, no Host in HTTP/1.1, and every Transfer-Encoding (RFC 9112 sections 2 to 6). */
long tl_http_request_read (const uint8_t *at, size_t len, size_t *seen, tl_http_request *out,
                           tl_http_refusal *why);

/* --- the target: "/api/v1/tags?match=a%2a&limit=5" --- */

/* Append the path, with %XX decoded. TL_ESYNTAX: a '%' without two hex digits, or a NUL, or text
** that is not UTF-8; *out is then as before. TL_ENOMEM. */
int tl_http_path (tl_slice target, tl_buf *out);
/* The part behind the first '?'; empty: there is none. */
tl_slice tl_http_query (tl_slice target);
/* The next parameter of a query or a form (`*query` is moved behind it): name and value decoded
** ('+' is a blank) into `name` and `value`, which are cleared before. 1; 0 at the end; TL_ESYNTAX
** as above; TL_ENOMEM. */
int tl_http_parameter (tl_slice *query, tl_buf *name, tl_buf *value);

/* May a request have this Host? Allowed are IP addresses, "localhost" and the names in `names`
** (each followed by a NUL, `n` bytes in all), in upper or lower case, with or without a port.
** Other names are refused, because a stranger could let one point to this machine (DNS
** rebinding). */
bool tl_http_host_is_ours (tl_slice host, const char *names, size_t n);

#endif

/* core/http/request.c — see request.h: the head of a request. */
#include "http/request.h"

#include "http/answer.h"

static long refuse (tl_http_refusal *why, int status, const char *text) {
  *why = (tl_http_refusal){ status, text };
  return TL_EMALFORMED;
}

/* RFC 9110 section 5.6.2 */
static bool is_token_byte (uint8_t c) {
  if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')) return true;
  return c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static bool is_token (tl_slice s) {
  for (size_t i = 0; i < s.len; i++)
    if (!is_token_byte(s.at[i])) return false;
  return s.len > 0;
}

/* Look for the empty line; what must never stand in a head is found at once. */
static long find_end (const uint8_t *at, size_t len, size_t *seen, tl_http_refusal *why) {
  size_t i = *seen;
  for (; i < len && i < TL_HTTP_REQUEST_HEAD; i++) {
    uint8_t c = at[i];
    if (i > 0 && at[i - 1] == '\r' && c != '\n') return refuse(why, 400, "a bare CR in the head");
    if (c == '\n' && (i == 0 || at[i - 1] != '\r'))
      return refuse(why, 400, "a bare LF in the head");
    if (c == '\n' && i >= 3 && at[i - 2] == '\n') return (long)i + 1;
    if ((c < ' ' && c != '\t' && c != '\r' && c != '\n') || c == 0x7f)
      return refuse(why, 400, "a control byte in the head");
  }
  *seen = i;
  if (i >= TL_HTTP_REQUEST_HEAD) return refuse(why, 431, "the head is longer than 8192 bytes");
  return TL_EPARTIAL;
}

/* The next line without its CRLF; `rest` is moved behind it. */
static tl_slice next_line (tl_slice *rest) {
  const uint8_t *end = memchr(rest->at, '\r', rest->len);
  tl_slice line = tl_slice_of(rest->at, (size_t)(end - rest->at));
  *rest = tl_slice_of(end + 2, rest->len - line.len - 2);
  return line;
}

static long read_request_line (tl_slice line, tl_http_request *out, tl_http_refusal *why) {
  const uint8_t *end = line.at + line.len;
  const uint8_t *first = memchr(line.at, ' ', line.len);
  const uint8_t *second = first ? memchr(first + 1, ' ', (size_t)(end - first - 1)) : NULL;
  if (!second) return refuse(why, 400, "expected METHOD TARGET HTTP/1.1");
  tl_slice version = tl_slice_of(second + 1, (size_t)(end - second - 1));
  out->method = tl_slice_of(line.at, (size_t)(first - line.at));
  out->target = tl_slice_of(first + 1, (size_t)(second - first - 1));
  if (!is_token(out->method)) return refuse(why, 400, "the method is no token");
  if (out->target.len == 0 || out->target.at[0] != '/')
    return refuse(why, 400, "expected a target that begins with '/'");
  for (size_t i = 0; i < out->target.len; i++)
    if (out->target.at[i] <= ' ' || out->target.at[i] > '~')
      return refuse(why, 400, "the target holds bytes that must be written as %XX");
  out->minor = tl_slice_eq(version, TL_LIT("HTTP/1.1"));
  if (out->minor || tl_slice_eq(version, TL_LIT("HTTP/1.0"))) return TL_OK;
  return refuse(why, version.len == 8 && memcmp(version.at, "HTTP/", 5) == 0 ? 505 : 400,
                "expected HTTP/1.1");
}

static long read_length (tl_slice value, tl_http_request *out, tl_http_refusal *why) {
  size_t n = 0;
  if (value.len == 0) return refuse(why, 400, "the Content-Length is no number");
  for (size_t i = 0; i < value.len; i++) {
    if (value.at[i] < '0' || value.at[i] > '9')
      return refuse(why, 400, "the Content-Length is no number");
    if (n <= TL_HTTP_REQUEST_BODY) n = n * 10 + (size_t)(value.at[i] - '0');
  }
  if (n > TL_HTTP_REQUEST_BODY) return refuse(why, 413, "the body is longer than 65536 bytes");
  out->body = n;
  return TL_OK;
}

static tl_slice trim (tl_slice s) {
  while (s.len > 0 && (s.at[0] == ' ' || s.at[0] == '\t')) s = tl_slice_of(s.at + 1, s.len - 1);
  while (s.len > 0 && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t')) s.len--;
  return s;
}

static long read_fields (tl_slice rest, tl_http_request *out, tl_http_refusal *why) {
  int lengths = 0, hosts = 0;
  while (rest.len > 2) {
    tl_slice line = next_line(&rest);
    const uint8_t *colon = memchr(line.at, ':', line.len);
    if (line.at[0] == ' ' || line.at[0] == '\t') return refuse(why, 400, "a folded line");
    if (!colon) return refuse(why, 400, "a line without a colon");
    tl_slice name = tl_slice_of(line.at, (size_t)(colon - line.at));
    tl_slice value = trim(tl_slice_of(colon + 1, line.len - name.len - 1));
    if (!is_token(name)) return refuse(why, 400, "a field's name is no token");
    if (tl_http_same(name, "transfer-encoding"))
      return refuse(why, 400, "Transfer-Encoding is not taken: send a Content-Length");
    if (tl_http_same(name, "content-length")) {
      if (lengths++ > 0) return refuse(why, 400, "two Content-Lengths");
      if (read_length(value, out, why) < 0) return TL_EMALFORMED;
    }
    if (tl_http_same(name, "host") && hosts++ > 0) return refuse(why, 400, "two Hosts");
    if (tl_http_same(name, "expect") && !tl_http_same(value, "100-continue"))
      return refuse(why, 417, "expected 100-continue, or no Expect");
  }
  if (out->minor && hosts == 0) return refuse(why, 400, "no Host");
  return TL_OK;
}

long tl_http_request_read (const uint8_t *at, size_t len, size_t *seen, tl_http_request *out,
                           tl_http_refusal *why) {
  tl_http_request r = { .body = 0 };
  long n = find_end(at, len, seen, why);
  if (n < 0) return n;
  tl_slice rest = tl_slice_of(at, (size_t)n);
  tl_slice line = next_line(&rest);
  long rc = read_request_line(line, &r, why);
  if (rc == TL_OK) rc = read_fields(rest, &r, why);
  if (rc < 0) return rc;
  *out = r;
  return n;
}

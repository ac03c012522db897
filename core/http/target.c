/* core/http/target.c — see request.h: paths, parameters and hosts. */
#include "base/utf8.h"
#include "http/answer.h"
#include "http/request.h"

static int hex_of (uint8_t c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

static int decode (tl_slice text, bool plus, tl_buf *out) {
  size_t start = out->len;
  for (size_t i = 0; i < text.len; i++) {
    uint8_t c = text.at[i];
    if (c == '%') {
      bool whole = text.len - i > 2;
      int high = whole ? hex_of(text.at[i + 1]) : -1, low = whole ? hex_of(text.at[i + 2]) : -1;
      if (high < 0 || low < 0) {
        out->len = start;
        return TL_ESYNTAX;
      }
      c = (uint8_t)(high << 4 | low);
      i += 2;
    } else if (plus && c == '+') {
      c = ' ';
    }
    tl_buf_byte(out, c);
  }
  if (out->failed) return TL_ENOMEM;
  if (out->len == start) return TL_OK;
  tl_slice made = tl_slice_of(out->at + start, out->len - start);
  if (!memchr(made.at, 0, made.len) && tl_utf8_valid(made)) return TL_OK;
  out->len = start;
  return TL_ESYNTAX;
}

static tl_slice before (tl_slice *rest, uint8_t mark) {
  const uint8_t *at = rest->len > 0 ? memchr(rest->at, mark, rest->len) : NULL;
  tl_slice part = tl_slice_of(rest->at, at ? (size_t)(at - rest->at) : rest->len);
  *rest = at ? tl_slice_of(at + 1, rest->len - part.len - 1) : tl_slice_of(NULL, 0);
  return part;
}

int tl_http_path (tl_slice target, tl_buf *out) { return decode(before(&target, '?'), false, out); }

tl_slice tl_http_query (tl_slice target) {
  before(&target, '?');
  return target;
}

int tl_http_parameter (tl_slice *query, tl_buf *name, tl_buf *value) {
  tl_slice pair = tl_slice_of(NULL, 0);
  while (query->len > 0 && pair.len == 0) pair = before(query, '&');
  if (pair.len == 0) return 0;
  tl_buf_clear(name);
  tl_buf_clear(value);
  tl_slice key = before(&pair, '=');
  int rc = decode(key, true, name);
  if (rc == TL_OK) rc = decode(pair, true, value);
  return rc < 0 ? rc : 1;
}

/* --- Host --- */

/* "a.b.c.d": allowed, because DNS rebinding needs a name. */
static bool is_ipv4 (tl_slice host) {
  int dots = 0, digits = 0;
  for (size_t i = 0; i < host.len; i++) {
    if (host.at[i] == '.' && digits > 0 && digits < 4) {
      dots++;
      digits = 0;
    } else if (host.at[i] >= '0' && host.at[i] <= '9') {
      digits++;
    } else {
      return false;
    }
  }
  return dots == 3 && digits > 0 && digits < 4;
}

static bool is_ipv6 (tl_slice host) {
  if (host.len < 4 || host.at[0] != '[' || host.at[host.len - 1] != ']') return false;
  for (size_t i = 1; i + 1 < host.len; i++)
    if (hex_of(host.at[i]) < 0 && host.at[i] != ':' && host.at[i] != '.') return false;
  return true;
}

static tl_slice without_port (tl_slice host) {
  size_t n = host.len;
  while (n > 0 && host.at[n - 1] >= '0' && host.at[n - 1] <= '9') n--;
  if (n > 0 && n < host.len && host.at[n - 1] == ':') host.len = n - 1;
  return host;
}

bool tl_http_host_is_ours (tl_slice host, const char *names, size_t n) {
  host = without_port(host);
  if (is_ipv4(host) || is_ipv6(host) || tl_http_same(host, "localhost")) return true;
  for (size_t at = 0; at < n; at += strlen(names + at) + 1)
    if (tl_http_same(host, names + at)) return true;
  return false;
}

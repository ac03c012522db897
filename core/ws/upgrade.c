/* core/ws/upgrade.c — asking for a WebSocket, and understanding the answer. Must not know how
** bytes travel. */
#include "ws/upgrade.h"

#include <assert.h>
#include <sha1.h>

#include "base/printable.h"
#include "base/buf.h"

enum { SHOWN = 80 };

static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* RFC 6455 section 1.3 */

static void base64 (char *out, size_t room, const uint8_t *at, size_t n) {
  (void)room; /* without assert */
  uint8_t memory[64];
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  size_t used = 0;
  memset(memory, 0, sizeof memory);
  assert(n + 2 < sizeof memory && (n + 2) / 3 * 4 < room);
  memcpy(memory, at, n);
  for (size_t i = 0; i < n; i += 3) {
    uint32_t three = (uint32_t)memory[i] << 16 | (uint32_t)memory[i + 1] << 8 | memory[i + 2];
    for (int k = 0; k < 4; k++) {
      bool padding = k > 0 && i + (size_t)k - 1 >= n;
      out[used++] = padding ? '=' : digits[three >> (18 - 6 * k) & 63];
    }
  }
  out[used] = '\0';
}

void tl_ws_key (char key[TL_WS_KEY], const uint8_t random[TL_WS_RANDOM]) {
  base64(key, TL_WS_KEY, random, TL_WS_RANDOM);
}

/* A line of the head. Who could smuggle a line break in here could send any request. */
static void line (tl_buf *out, const char *before, tl_slice text) {
  assert(text.len == 0 || (!memchr(text.at, '\n', text.len) && !memchr(text.at, '\r', text.len)));
  tl_buf_str(out, before);
  tl_buf_slice(out, text);
  tl_buf_str(out, "\r\n");
}

void tl_ws_request_write (tl_buf *out, const tl_ws_request *r, const char *key) {
  tl_buf_str(out, "GET ");
  tl_buf_slice(out, r->path);
  tl_buf_str(out, " HTTP/1.1\r\n");
  line(out, "Host: ", r->host);
  tl_buf_str(out, "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n");
  line(out, "Sec-WebSocket-Key: ", tl_slice_str(key));
  if (r->subprotocol.len > 0) line(out, "Sec-WebSocket-Protocol: ", r->subprotocol);
  for (size_t i = 0; i < r->header_count; i++) line(out, "", r->headers[i]);
  tl_buf_str(out, "\r\n");
}

/* Sec-WebSocket-Accept for a key. */
static void accept_of (char out[32], const char *key) {
  SHA1_CTX sha;
  uint8_t digest[SHA1_DIGEST_LENGTH];
  SHA1Init(&sha);
  SHA1Update(&sha, (const uint8_t *)key, strlen(key));
  SHA1Update(&sha, (const uint8_t *)guid, sizeof guid - 1);
  SHA1Final(digest, &sha);
  base64(out, 32, digest, sizeof digest);
}

static const char *remedy (int status) {
  switch (status) {
    case 400: return "the server does not take the request: check ws_path and ws_headers";
    case 401: return "it wants a login: give it a token in ws_headers";
    case 403: return "it does not let us in: check ws_headers and ws_path";
    case 404: return "set ws_path, or the path in host, to that of the broker";
    case 407:
      return "there is a proxy between, which wants a password: set proxy, proxy_user and "
             "proxy_password";
    case 426: return "it wants another version of the protocol: is it the broker's WebSocket port?";
    case 429: return "too many requests: raise reconnect_delay";
    default: break;
  }
  if (status >= 500)
    return "the server answers, but the broker behind it does not: look at the server";
  if (status >= 200 && status < 300)
    return "that is a web server and no WebSocket: check host, port and ws_path";
  return "check host, port and ws_path";
}

static int refused (const tl_http_answer *a, const tl_ws_request *r, tl_err *err) {
  char reason[SHOWN], path[SHOWN], where[SHOWN + 32];
  size_t from = 0;
  tl_slice plain = r->path, location;
  const uint8_t *query = memchr(plain.at, '?', plain.len); /* may be a signature */
  if (query) plain.len = (size_t)(query - plain.at);
  tl_printable(reason, sizeof reason, a->reason);
  tl_printable(path, sizeof path, plain);
  const char *blank = reason[0] ? " " : "";
  if (a->status >= 300 && a->status < 400 && tl_http_header(a, "Location", &from, &location)) {
    query = memchr(location.at, '?', location.len);
    if (query) location.len = (size_t)(query - location.at);
    return tl_fail(err, TL_EREFUSED, 0,
                   "HTTP %d%s%s for '%s', to '%s': it is not followed, set host to where it leads",
                   a->status, blank, reason, path, tl_printable(where, sizeof where, location));
  }
  return tl_fail(err, TL_EREFUSED, 0, "HTTP %d%s%s for '%s': %s", a->status, blank, reason, path,
                 remedy(a->status));
}

static int check_subprotocol (const tl_http_answer *a, const tl_ws_request *r, bool *without,
                              tl_err *err) {
  size_t from = 0;
  tl_slice given;
  char shown[SHOWN];
  *without = false;
  if (!tl_http_header(a, "Sec-WebSocket-Protocol", &from, &given)) {
    *without = r->subprotocol.len > 0;
    return TL_OK;
  }
  if (tl_slice_eq(given, r->subprotocol)) return TL_OK;
  return tl_fail(
      err, TL_EMALFORMED, 0,
      "the server answers with the subprotocol '%s', which was not asked for: set ws_subprotocol",
      tl_printable(shown, sizeof shown, given));
}

int tl_ws_answer_check (const tl_http_answer *a, const tl_ws_request *r, const char *key,
                        bool *without, tl_err *err) {
  char expected[32];
  size_t from = 0;
  tl_slice value;
  if (a->status != 101) return refused(a, r, err);
  if (!tl_http_has_token(a, "Upgrade", "websocket") ||
      !tl_http_has_token(a, "Connection", "upgrade"))
    return tl_fail(
        err, TL_EMALFORMED, 0,
        "the server's 101 is not for a WebSocket: is there a proxy between that drops headers?");
  accept_of(expected, key);
  if (!tl_http_header(a, "Sec-WebSocket-Accept", &from, &value) ||
      !tl_slice_eq(value, tl_slice_str(expected)))
    return tl_fail(
        err, TL_EMALFORMED, 0,
        "Sec-WebSocket-Accept is wrong: is there a cache between, or no WebSocket server?");
  from = 0;
  if (tl_http_header(a, "Sec-WebSocket-Extensions", &from, &value) && value.len > 0)
    return tl_fail(
        err, TL_EMALFORMED, 0,
        "the server uses a WebSocket extension that was not offered: switch it off there");
  return check_subprotocol(a, r, without, err);
}

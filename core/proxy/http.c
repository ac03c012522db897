/* core/proxy/http.c — CONNECT through an HTTP proxy. Must not know what goes through it. */
#include "proxy/proxy_impl.h"

#include "base/printable.h"
#include "base/base64.h"
#include "base/format.h"
#include "http/answer.h"

enum { SHOWN = 64 };

int tl_proxy_http_begin (tl_proxy *p, tl_buf *out) {
  const tl_proxy_target *t = &p->target;
  bool is_v6 = memchr(t->host.at, ':', t->host.len);
  const char *open = is_v6 ? "[" : "", *close = is_v6 ? "]" : "";
  for (int i = 0; i < 2; i++) {
    tl_buf_fmt(out, "%s%s%.*s%s:%u%s", i ? "Host: " : "CONNECT ", open, TL_ARG(t->host), close,
               (unsigned)t->port, i ? "\r\n" : " HTTP/1.1\r\n");
  }
  if (t->user.len > 0) {
    tl_buf pair;
    tl_buf_init(&pair);
    tl_buf_slice(&pair, t->user);
    tl_buf_byte(&pair, ':');
    tl_buf_slice(&pair, t->password);
    tl_buf_str(out, "Proxy-Authorization: Basic ");
    tl_base64_encode(out, tl_buf_bytes(&pair));
    tl_buf_str(out, "\r\n");
    if (pair.failed) out->failed = true;
    if (pair.len > 0) memset(pair.at, 0, pair.len);
    tl_buf_fini(&pair);
  }
  tl_buf_str(out, "\r\n");
  return out->failed ? TL_ENOMEM : TL_OK;
}

/* The realm of a 407, or what else it says of itself: "Basic realm=\"plant\"". */
static void realm_of (const tl_http_answer *a, char *out, size_t room) {
  static const char key[] = "realm=\"";
  size_t from = 0;
  tl_slice value;
  out[0] = '\0';
  while (tl_http_header(a, "Proxy-Authenticate", &from, &value)) {
    for (size_t i = 0; i + sizeof key - 1 <= value.len; i++) {
      if (memcmp(value.at + i, key, sizeof key - 1) != 0) continue;
      const uint8_t *at = value.at + i + sizeof key - 1, *end = value.at + value.len;
      const uint8_t *quote = memchr(at, '"', (size_t)(end - at));
      tl_printable(out, room, tl_slice_of(at, (size_t)((quote ? quote : end) - at)));
      return;
    }
  }
}

static int wants_password (const tl_proxy *p, const tl_http_answer *a, tl_err *err) {
  char realm[SHOWN];
  realm_of(a, realm, sizeof realm);
  const char *asks = p->target.user.len > 0
                         ? "does not take proxy_user and proxy_password: correct them"
                         : "wants a password: set proxy_user and proxy_password";
  if (!realm[0]) return tl_fail(err, TL_EREFUSED, 0, "the proxy %s (HTTP %d)", asks, a->status);
  return tl_fail(err, TL_EREFUSED, 0, "the proxy %s (HTTP %d, realm '%s')", asks, a->status, realm);
}

static const char *remedy (int status) {
  switch (status) {
    case 403:
    case 405: return "it does not allow this host and port: allow them there";
    case 400:
    case 404: return "is it a proxy that knows CONNECT?";
    case 500: return "it may not reach the broker: check host and port, or look at its log";
    case 502:
    case 503:
    case 504: return "it does not reach the broker: check host and port";
    default:
      return status >= 300 && status < 400 ? "is there a login page between?" : "look at the proxy";
  }
}

int tl_proxy_http_read (tl_proxy *p, const uint8_t *at, size_t len, size_t *used, tl_err *err) {
  tl_http_answer a;
  tl_err why = { .text = "" };
  char reason[SHOWN];
  long n = tl_http_answer_read(at, len, &a, &why);
  if (n == TL_EPARTIAL) return TL_EPARTIAL;
  if (n < 0)
    return tl_fail(err, (int)n, why.at,
                   "the proxy does not answer as one (%s): is proxy right, http:// or socks5://?",
                   why.text);
  if (a.status >= 200 && a.status < 300) {
    *used = (size_t)n;
    return TL_OK;
  }
  if (a.status == 407 || a.status == 401) return wants_password(p, &a, err);
  tl_printable(reason, sizeof reason, a.reason);
  return tl_fail(err, TL_EREFUSED, 0, "the proxy refuses: HTTP %d%s%s: %s", a.status,
                 reason[0] ? " " : "", reason, remedy(a.status));
}

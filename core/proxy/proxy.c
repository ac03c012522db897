/* core/proxy/proxy.c — which kind of proxy is asked. */
#include "proxy/proxy_impl.h"

enum { TEXT_MAX = 255 };

int tl_proxy_begin (tl_proxy *p, const tl_proxy_target *target, tl_buf *out, tl_err *err) {
  p->target = *target;
  p->step = 0;
  if (target->host.len == 0 || target->host.len > TEXT_MAX)
    return tl_fail(err, TL_ERANGE, 0, "expected a host of 1 to %d bytes", TEXT_MAX);
  if (target->user.len > TEXT_MAX || target->password.len > TEXT_MAX)
    return tl_fail(err, TL_ERANGE, 0, "proxy_user and proxy_password have at most %d bytes each",
                   TEXT_MAX);
  int rc =
      target->kind == TL_PROXY_HTTP ? tl_proxy_http_begin(p, out) : tl_proxy_socks_begin(p, out);
  return rc == TL_OK ? TL_OK : tl_fail(err, rc, 0, "no memory for the request to the proxy");
}

int tl_proxy_read (tl_proxy *p, const uint8_t *at, size_t len, size_t *used, tl_buf *out,
                   tl_err *err) {
  *used = 0;
  if (p->target.kind == TL_PROXY_HTTP) return tl_proxy_http_read(p, at, len, used, err);
  return tl_proxy_socks_read(p, at, len, used, out, err);
}

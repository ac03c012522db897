/* core/proxy/proxy.h — asking a proxy for a connection: HTTP CONNECT (RFC 9110 section 9.3.6)
** and SOCKS5 (RFC 1928, 1929). Names are the proxy's to resolve. Pure: bytes in, bytes out. */
#ifndef TL_PROXY_PROXY_H
#define TL_PROXY_PROXY_H

#include "base/buf.h"

typedef enum { TL_PROXY_HTTP, TL_PROXY_SOCKS5 } tl_proxy_kind;

/* What is asked for; borrowed for as long as the tl_proxy. */
typedef struct {
  tl_proxy_kind kind;
  tl_slice host; /* name, IPv4 or IPv6 (without brackets); at most 255 bytes */
  uint16_t port;
  tl_slice user, password; /* user empty: none; at most 255 bytes each for SOCKS5 */
} tl_proxy_target;

typedef struct {
  tl_proxy_target target;
  int step;
} tl_proxy;

/* Puts the first bytes for the proxy behind `out`. TL_OK; TL_ENOMEM; TL_ERANGE: a text is too
** long. */
int tl_proxy_begin (tl_proxy *p, const tl_proxy_target *target, tl_buf *out, tl_err *err);
/* The proxy's bytes that are not used yet, all of them: at[0..len). TL_OK: the tunnel is
** open, *used bytes were the proxy's, the rest is the target's. TL_EPARTIAL: *used are done
** with, more is needed (at most TL_HTTP_HEAD_MAX are ever left over); `out` may have more to
** send. TL_EREFUSED, TL_EMALFORMED, TL_ETOOBIG, TL_ENOMEM: `err` has cause and remedy, never
** the user or the password. */
int tl_proxy_read (tl_proxy *p, const uint8_t *at, size_t len, size_t *used, tl_buf *out,
                   tl_err *err);

#endif

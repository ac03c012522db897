/* core/proxy/proxy_impl.h — private to proxy/: the two kinds. */
#ifndef TL_PROXY_PROXY_IMPL_H
#define TL_PROXY_PROXY_IMPL_H

#include "proxy/proxy.h"

int tl_proxy_http_begin (tl_proxy *p, tl_buf *out);
int tl_proxy_http_read (tl_proxy *p, const uint8_t *at, size_t len, size_t *used, tl_err *err);
int tl_proxy_socks_begin (tl_proxy *p, tl_buf *out);
int tl_proxy_socks_read (tl_proxy *p, const uint8_t *at, size_t len, size_t *used, tl_buf *out,
                         tl_err *err);

#endif

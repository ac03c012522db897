/* core/net/tcp.h — one outgoing TCP connection: names resolved without blocking the loop, IPv4
** and IPv6, TCP_NODELAY. */
#ifndef TL_NET_TCP_H
#define TL_NET_TCP_H

#include "net/transport.h"

typedef struct tl_tcp tl_tcp;

typedef tl_transport_events
    tl_tcp_events; /* `text` of `closed`: what was tried, with all addresses */

/* Resolve `host` (name, IPv4 or IPv6 literal, with or without brackets; copied), try its
** addresses in order until one connects. One with others behind it gets 5 s, or less when they
** share less: within_ms (0: no limit) is the time that the owner will give to all of them
** before it closes, which it must do itself. `events` must live as long as the tcp. Failure
** comes as `closed`, with all that was tried in its text. Only TL_ENOMEM and libuv's init
** errors are returned. */
int tl_tcp_connect (tl_tcp **out, tl_loop *loop, const char *host, uint16_t port, int64_t within_ms,
                    const tl_tcp_events *events, void *ctx);
tl_transport *tl_tcp_transport (tl_tcp *t);
/* The calls of net/transport.h, for those who know that it is TCP alone. */
int tl_tcp_write (tl_tcp *t, const void *bytes, size_t n);
size_t tl_tcp_pending (const tl_tcp *t); /* bytes written that the kernel has not taken */
void tl_tcp_read (tl_tcp *t, bool on);
void tl_tcp_watch (tl_tcp *t, int64_t silence_ms);
void tl_tcp_close (tl_tcp *t, int linger_ms);

#endif

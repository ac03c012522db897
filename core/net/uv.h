/* core/net/uv.h — what is inside the loop, for the rooms that may use libuv (net, console,
** command, main.c). Not for gateway or script. */
#ifndef TL_NET_UV_H
#define TL_NET_UV_H

#include <uv.h>

#include "net/loop.h"

uv_loop_t *tl_loop_uv (tl_loop *loop);

/* Close `handle` unless that is under way: the only caller of uv_close(), which aborts the
** process on a second call. `closed` (may be NULL) comes from the loop, once. False: it is
** closing already, and the first call's `closed` comes. */
bool tl_handle_close (uv_handle_t *handle, uv_close_cb closed);

/* An IPv4 or IPv6 address as "1.2.3.4:5" or "[::1]:5". `out` holds TL_NET_PEER bytes. */
enum { TL_NET_PEER = 80 };
void tl_net_peer_text (char *out, const struct sockaddr *sa);

/* How long an address that has others behind it may take to connect: one that answers nothing
** must not use up its owner's time for all of them. 5000 ms; a variable so that specs need not
** wait. */
extern int tl_tcp_attempt_ms;

#endif

/* core/net/listen.h — a listening socket, and what it accepts. */
#ifndef TL_NET_LISTEN_H
#define TL_NET_LISTEN_H

#include "net/loop.h"

typedef struct tl_listener tl_listener;

enum { TL_LISTEN_ADDRESS = 80, TL_LISTEN_BACKLOG = 128 };

/* A listening TCP socket on "127.0.0.1:8080" or "[::1]:8080" (an address, not a name; port 0: a
** free one): *fd, and in `bound` the address with the port that it got. TL_ESYNTAX; TL_EEXIST:
** another process has the port; libuv's codes; err says why with the address. */
int tl_listen_tcp (const char *where, int *fd, char bound[TL_LISTEN_ADDRESS], tl_err *err);

/* Accept on `fd` (listening, taken also on failure): `accepted` gets a connected socket, which is
** its own from then on, non-blocking, with TCP_NODELAY, and the peer's address as text ("" for a
** Unix socket). At most 16 a wake-up. Keeps tl_loop_run() going. TL_ENOMEM, libuv's codes. */
int tl_listener_new (tl_listener **out, tl_loop *loop, int fd,
                     void (*accepted)(void *ctx, int fd, const char *peer), void *ctx);
/* Closes the socket at once. NULL is fine. */
void tl_listener_close (tl_listener *l);

#endif

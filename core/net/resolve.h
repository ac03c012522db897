/* core/net/resolve.h — host names to addresses without blocking the loop. Knows nothing of
** connections.
**
** Each name is looked up in a thread of its own, not in libuv's pool: the pool gives look-ups
** two threads, so two lines with a dead name server would hold up every other line, and a
** look-up that runs there cannot be left behind: the loop and the process's exit would wait for
** the name server. Here a cancelled look-up is forgotten at once. */
#ifndef TL_NET_RESOLVE_H
#define TL_NET_RESOLVE_H

#include <netdb.h>

#include "net/loop.h"

typedef struct tl_resolve tl_resolve;

/* Addresses of `host` (a name or a literal, not in brackets) for a stream socket, in the
** system's order. A literal is answered at once: returns 1 with *list set and nothing started.
** A name: returns 0, *out set, and `done` comes once from the loop, after which *out is gone;
** its `list` is the callee's to free with freeaddrinfo(). A failure to start: negative (libuv
** codes, TL_ENOMEM). */
int tl_resolve_start (tl_resolve **out, struct addrinfo **list, tl_loop *loop, const char *host,
                      uint16_t port, void (*done)(void *ctx, int code, struct addrinfo *list),
                      void *ctx);
/* Take it back: `done` will not come. */
void tl_resolve_cancel (tl_resolve *r);

/* A UV_EAI_… code in words: "name not known". */
const char *tl_resolve_text (int code);

#endif

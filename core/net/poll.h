/* core/net/poll.h — tells when a descriptor that somebody else owns (a library's socket) can be
** read or written. Reads and writes nothing itself. */
#ifndef TL_NET_POLL_H
#define TL_NET_POLL_H

#include "net/loop.h"

typedef struct tl_poll tl_poll;

enum { TL_POLL_READ = 1, TL_POLL_WRITE = 2 };

/* `fn` comes from the loop with what is possible now, both after an error of the descriptor: the
** owner's next call finds out. The descriptor becomes non-blocking. Nothing is watched before
** tl_poll_for(). A code of libuv, TL_ENOMEM. */
int tl_poll_new (tl_poll **out, tl_loop *loop, int fd, void (*fn)(void *ctx, int events),
                 void *ctx);
/* Watch for these from now on; 0: for nothing. A code of libuv. */
int tl_poll_for (tl_poll *p, int events);
/* Before the descriptor is closed. `fn` does not come any more. NULL is fine. */
void tl_poll_close (tl_poll *p);

/* libuv ends the process when it has no memory to watch one more descriptor: make that room now,
** for descriptors up to this number. What it cannot have is left as it is. */
void tl_poll_reserve (tl_loop *loop, int descriptors);

#endif

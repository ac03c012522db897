/* core/net/work.h — work that may wait (files, databases) on a thread of libuv's pool. */
#ifndef TL_NET_WORK_H
#define TL_NET_WORK_H

#include "net/loop.h"

/* Call fn(ctx) on a thread of the pool, and done(ctx) from the loop once it returned. What ctx
** points to is the thread's alone meanwhile. tl_loop_run() goes on until then. TL_ENOMEM, or a
** code of libuv: neither is called. */
int tl_work_start (tl_loop *loop, void (*fn)(void *ctx), void (*done)(void *ctx), void *ctx);

#endif

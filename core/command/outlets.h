/* core/command/outlets.h — joins the spool, the collector and the senders that a config asks
** for. */
#ifndef TL_COMMAND_OUTLETS_H
#define TL_COMMAND_OUTLETS_H

#include "gateway/gateway.h"
#include "outlet/config.h"
#include "outlet/outlet.h"

typedef struct tl_outlets tl_outlets;

int tl_outlets_new (tl_outlets **out, tl_loop *loop, tl_gateway *g);
/* What a script calls when a config runs. */
const tl_outlet_hooks *tl_outlets_hooks (tl_outlets *o);
/* Send what is there and close all, for at most `ms` (half a second of it is for closing, and more
** than that where `ms` is less); what is left stays in the spool. Then sync the spool, for what is
** left of `ms`, but for a second at least. `done` comes once, from the loop, or from here, whatever
** a disk does. A second call sends nothing more, and gives those that close half a second; once all
** are closed, it waits for no disk. */
void tl_outlets_stop (tl_outlets *o, int64_t ms, void (*done)(void *ctx), void *ctx);
/* After `done`: does a thread still wait for a disk or a server? Then free() leaves what the thread
** has, and tl_loop_free() would wait for it: the process is to end by _exit(). NULL is fine. */
bool tl_outlets_are_held (const tl_outlets *o);
/* After `done`, or when nothing was ever applied; before the gateway. NULL is fine. */
void tl_outlets_free (tl_outlets *o);

#endif

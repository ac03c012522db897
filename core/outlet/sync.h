/* core/outlet/sync.h — has the spool synced about each second while values come, on a thread of
** the pool. So a power failure takes at most what came in about the last second. */
#ifndef TL_OUTLET_SYNC_H
#define TL_OUTLET_SYNC_H

#include "net/loop.h"
#include "spool/spool.h"

typedef struct tl_sync tl_sync;

/* `synced` is called from the loop each time values were synced. All is borrowed. TL_ENOMEM, or a
** code of libuv. */
int tl_sync_new (tl_sync **out, tl_loop *loop, tl_spool *spool, void (*synced)(void *ctx),
                 void *ctx);
void tl_sync_poke (tl_sync *y);  /* something was written */
void tl_sync_hurry (tl_sync *y); /* from now on nothing waits for the next second */
/* Sync what was written until now, then call `closed` from the loop, or at once when nothing is
** left. From then on nothing is synced. */
void tl_sync_close (tl_sync *y, void (*closed)(void *ctx), void *ctx);
/* After close(): call `closed` now, although a thread may still wait for the disk. */
void tl_sync_give_up (tl_sync *y);
bool tl_sync_is_busy (const tl_sync *y); /* does a thread wait for the disk? */
/* False: a thread still waits for the disk, and has the spool. The spool is the sync's from now on,
** which closes it from the loop when the thread is back. NULL is fine: true. */
bool tl_sync_free (tl_sync *y);
/* Why a power failure would take more, since the disk does not sync; "" while it does. */
const char *tl_sync_why (const tl_sync *y);

#endif

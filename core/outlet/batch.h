/* core/outlet/batch.h — private to outlet/: reads a batch of the spool on a thread of the pool. */
#ifndef TL_OUTLET_BATCH_H
#define TL_OUTLET_BATCH_H

#include "outlet/outlet.h"
#include "spool/reader.h"

typedef struct tl_fetch tl_fetch;

int tl_fetch_new (tl_fetch **out, bool history, uint32_t most);
void tl_fetch_free (tl_fetch *f); /* not while it runs */

/* Before: what to read. */
void tl_fetch_prepare (tl_fetch *f, const tl_spool_place *place, uint64_t spool);
/* What the disk cannot read counts as damaged this time. */
void tl_fetch_give_up (tl_fetch *f);
bool tl_is_unreadable (int rc); /* the disk says so: it may be for ever */
/* On a pool's thread. */
void tl_fetch_run (tl_fetch *f);
/* After: the batch, borrowed until the next run. TL_OK; TL_ENOMEM, or a negated errno. */
int tl_fetch_result (const tl_fetch *f, tl_outlet_batch *out);
/* Its segment is no more: what it should have had is in no batch. */
bool tl_fetch_is_gone (const tl_fetch *f);
/* When its oldest value arrived; 0: it has none. */
int64_t tl_fetch_arrival (const tl_fetch *f);

#endif

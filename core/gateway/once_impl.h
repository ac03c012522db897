/* core/gateway/once_impl.h — private to gateway/: received QoS 2 identifiers that the store does
** not have yet (once.c; what for: once.h). */
#ifndef TL_GATEWAY_ONCE_IMPL_H
#define TL_GATEWAY_ONCE_IMPL_H

#include "gateway/link_impl.h"
#include "gateway/once.h"

/* A received QoS 2 identifier is remembered, or (gone) forgotten. True: the store is told
** later, or need not be told. */
bool tl_pending_received (tl_link *l, uint16_t id, bool gone);
/* The message was delivered: all of its values came. */
void tl_pending_whole (tl_link *l, const tl_incoming *m);
/* Did an earlier process store the values of this message? */
bool tl_pending_is_found (const tl_link *l, const tl_incoming *m);
/* The broker lost the session: no message comes again under its old identifier. True: the store is
** to hear so. */
bool tl_pending_session_lost (tl_link *l);
/* The spool is written: put the identifiers into the store's batch. True: something was put. */
bool tl_pending_put (tl_link *l);
void tl_pending_written (tl_link *l);    /* the store's batch was written */
void tl_pending_begin_anew (tl_link *l); /* the store's batch was thrown away */
bool tl_pending_is_unwritten (const tl_link *l, uint16_t id);
void tl_pending_restore (tl_link *l, uint16_t id, uint64_t sum);
/* The store was opened and read: it knows that the spool was written up to this place. */
void tl_pending_opened (tl_link *l, uint64_t store, uint64_t next);
void tl_pending_free (tl_link *l);
void tl_gateway_forget_found (tl_gateway *g);

#endif

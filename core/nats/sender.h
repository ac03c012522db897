/* core/nats/sender.h — NATS JetStream as an outlet: each value a message on a subject of its own,
** with an identifier made of spool and number, so that what is sent twice is stored once. */
#ifndef TL_NATS_SENDER_H
#define TL_NATS_SENDER_H

#include "outlet/config.h"
#include "outlet/outlet.h"

typedef struct tl_nats_sender tl_nats_sender;

extern const tl_sender tl_nats_kind;
/* `spool`: tl_spool_id. `config` is copied. TL_ENOMEM. */
int tl_nats_sender_new (tl_nats_sender **out, tl_outlet *o, const tl_outlet_config *config,
                        uint64_t spool);

#endif

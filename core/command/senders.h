/* core/command/senders.h — makes the sender for the settings of an outlet. */
#ifndef TL_COMMAND_SENDERS_H
#define TL_COMMAND_SENDERS_H

#include "outlet/config.h"
#include "outlet/outlet.h"

typedef struct tl_sender_maker tl_sender_maker; /* of one kind; static */

/* A new outlet with its sender, not started yet: tl_outlet_start(*out, *sender). TL_ENOENT: this
** program is built without that kind. */
int tl_sender_make (tl_outlet **out, void **sender, const tl_sender_maker **maker, tl_loop *loop,
                    tl_spool *spool, const tl_outlet_config *c, tl_err *err);
/* What may change while it runs: `keep`, where is_tuned. */
bool tl_sender_is_tuned (const tl_sender_maker *maker);
void tl_sender_tune (const tl_sender_maker *maker, void *sender, const tl_outlet_config *c);
/* The path of the embedded history; NULL: it is none. */
const char *tl_sender_history (const tl_sender_maker *maker, const void *sender);
/* The state of the embedded history's file. False: the sender is not the embedded history. */
bool tl_sender_stored (const tl_sender_maker *maker, const void *sender, tl_history_facts *out);

#endif

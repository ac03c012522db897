/* core/history/sender.h — the embedded history as an outlet. */
#ifndef TL_HISTORY_SENDER_H
#define TL_HISTORY_SENDER_H

#include "outlet/config.h"

typedef struct tl_history_sender tl_history_sender;

extern const tl_sender tl_history_kind;
/* `spool`: tl_spool_id. TL_ENOMEM. */
int tl_history_sender_new (tl_history_sender **out, tl_outlet *o, const char *path, int64_t keep_ms,
                           uint64_t spool);
/* Set how long values are kept; used from the next job on. */
void tl_history_sender_set_keep (tl_history_sender *s, int64_t keep_ms);
void tl_history_sender_get (const tl_history_sender *s, tl_history_facts *out);
const char *tl_history_sender_path (const tl_history_sender *s);

#endif

/* core/outlet/collect.h — hears of new values and puts them into the spool: an observer of the
** gateway. Applies what a tag's history asks for (deadband, max_silence). Knows no outlet.
**
** A value's way: model/tag.c (a new value) → gateway/observers.c → here → spool/spool.c (on the
** disk) → outlet/outlet.c (read again) → a sender: history/, postgres/, nats/. */
#ifndef TL_OUTLET_COLLECT_H
#define TL_OUTLET_COLLECT_H

#include "gateway/gateway.h"
#include "spool/spool.h"

typedef struct tl_collect tl_collect;

/* `written` is called at the end of each wake-up that brought values, once they are on the disk.
** Both g and spool are borrowed. TL_ENOMEM. */
int tl_collect_new (tl_collect **out, tl_gateway *g, tl_loop *loop, tl_spool *spool,
                    void (*written)(void *ctx), void *ctx);
void tl_collect_free (tl_collect *c); /* before the gateway; NULL is fine */

/* To be called after a reload: units, descriptions and `keep` of tags may have changed. */
void tl_collect_renew (tl_collect *c);

typedef struct {
  uint64_t values; /* that were put into the spool */
  uint64_t cut;    /* texts longer than 64 KB */
  const char *why; /* the spool cannot be written: nothing is acknowledged; "" while it can */
  int64_t since;   /* tl_loop_now of that */
  double rate;     /* bytes a second that are written, of the last minutes */
} tl_collect_facts;
void tl_collect_get (const tl_collect *c, tl_collect_facts *out);

#endif

/* core/outlet/refused.h — private to outlet/: values that the other side refused, in the outlet's
** file in the spool. Each is put aside once, also when the batch that it is in comes again, or the
** process is another one by then. */
#ifndef TL_OUTLET_REFUSED_H
#define TL_OUTLET_REFUSED_H

#include "outlet/outlet.h"

typedef struct tl_refused tl_refused;

/* `name`: the outlet's. The spool must outlive it. */
int tl_refused_new (tl_refused **out, const tl_spool *spool, const char *name);
void tl_refused_free (tl_refused *r); /* not while it is read */

/* Is there a file of earlier processes? Then tl_refused_read() follows, on a thread of the pool,
** and tl_refused_found(), or tl_refused_leave(); until then only tl_refused_pass() may be called.
** `from`: the first value that may come again. */
bool tl_refused_look (tl_refused *r, uint64_t from);
void tl_refused_leave (tl_refused *r); /* there is no thread */
void tl_refused_read (tl_refused *r);
/* What was read: how many, and the last one, "TAG: WHY" (borrowed; "" if there is none). */
uint64_t tl_refused_found (tl_refused *r, const char **last);

/* The value with the reason becomes a line of the file, if it is none yet. *rc: TL_OK, TL_ENOMEM,
** or a negated errno. False: it was refused before. */
bool tl_refused_add (tl_refused *r, const tl_outlet_value *v, const char *why, int *rc);
/* Values with lower numbers do not come again. */
void tl_refused_pass (tl_refused *r, uint64_t next);

#endif

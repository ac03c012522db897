/* core/history/fill.h — puts the values of a run without a network into a history. They pass
** through the same collector as usual, and through a spool of their own beside the file, which is
** removed at the end. */
#ifndef TL_HISTORY_FILL_H
#define TL_HISTORY_FILL_H

#include "net/loop.h"

struct tl_gateway;
typedef struct tl_fill tl_fill;

/* From here on values of this gateway are recorded. The file is made where it is not there.
** All calls wait for the disk. */
int tl_fill_new (tl_fill **out, struct tl_gateway *g, tl_loop *loop, const char *path, tl_err *err);
/* Store what has come. */
int tl_fill_drain (tl_fill *f, tl_err *err);
void tl_fill_free (tl_fill *f); /* before the gateway; NULL is fine */

#endif

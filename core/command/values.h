/* core/command/values.h — run --values: the stream of values on standard output, and its end. */
#ifndef TL_COMMAND_VALUES_H
#define TL_COMMAND_VALUES_H

#include "gateway/gateway.h"
#include "net/loop.h"

typedef struct tl_values tl_values;

/* Give the gateway's values to standard output. `failed` comes once when nobody takes them any
** more; the gateway has been told by then. TL_ENOMEM or a libuv code. */
int tl_values_new (tl_values **out, tl_loop *loop, tl_gateway *gateway,
                   void (*failed)(void *ctx, const char *text), void *ctx);
/* Nothing more comes: wait for a reader that is behind, as long as he takes something every second
** and at most 10 s in all. What he left is counted in the log. `done` comes once, maybe before this
** returns. A second call does not wait any longer. */
void tl_values_end (tl_values *v, void (*done)(void *ctx), void *ctx);
void tl_values_free (tl_values *v); /* NULL is fine; freed from the loop */

#endif

/* core/command/values.h — run --values: the stream of values on standard output, and its end. */
#ifndef TL_COMMAND_VALUES_H
#define TL_COMMAND_VALUES_H

#include "gateway/gateway.h"
#include "net/loop.h"

typedef struct tl_values tl_values;

/* Write the gateway's values to standard output. `failed` is called once, when the reader is gone
** or writing failed; the gateway knows it by then. TL_ENOMEM or a libuv code. */
int tl_values_new (tl_values **out, tl_loop *loop, tl_gateway *gateway,
                   void (*failed)(void *ctx, const char *text), void *ctx);
/* There will be no more values: wait for a reader that is behind, as long as it reads something
** every second, and at most 10 s in all. The log says how many values it did not read.
** `done` is called once, perhaps before this returns. A second call ends the waiting. */
void tl_values_end (tl_values *v, void (*done)(void *ctx), void *ctx);
void tl_values_free (tl_values *v); /* NULL is fine; freed from the loop */

#endif

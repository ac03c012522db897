/* core/base/fiber.h — a function with a stack of its own, which may pause in the middle of anything
** and is continued later, on the same thread. Knows nothing of who runs it, or why it pauses. */
#ifndef TL_BASE_FIBER_H
#define TL_BASE_FIBER_H

#include <stdbool.h>
#include <stddef.h>

typedef struct tl_fiber tl_fiber;

/* Nothing runs yet. `ctx` is borrowed until it has ended. TL_ENOMEM. */
int tl_fiber_new (tl_fiber **out, void (*body)(void *ctx), void *ctx);
/* Goes on until the body pauses or returns; true: it paused. Not from inside a fiber, and not once
** it has ended. */
bool tl_fiber_go (tl_fiber *f);
/* Inside its body: back to who called tl_fiber_go(). */
void tl_fiber_pause (tl_fiber *f);
/* One that has ended, or never ran; NULL is fine. */
void tl_fiber_free (tl_fiber *f);

#endif

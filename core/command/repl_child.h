/* core/command/repl_child.h — `run --repl`: a `tagline repl` of our own as a child on our
** terminal, attached like any other. So a person who types never stands between the loop and
** its messages. */
#ifndef TL_COMMAND_REPL_CHILD_H
#define TL_COMMAND_REPL_CHILD_H

#include "net/loop.h"

typedef struct tl_companion tl_companion;

/* Start it on the console socket `path`. `ended` comes when it has ended by itself. Failure
** fills err. */
int tl_companion_start (tl_companion **out, tl_loop *loop, const char *path,
                        void (*ended)(void *ctx, int code), void *ctx, tl_err *err);
/* It is no longer on the loop; `ended` does not come any more. NULL is fine. */
void tl_companion_detach (tl_companion *c);
/* After the loop is gone: waits until it has left the terminal as it found it, which it does
** when its socket is closed. NULL is fine. */
void tl_companion_free (tl_companion *c);

#endif

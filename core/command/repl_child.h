/* core/command/repl_child.h — `run --repl`: a `tagline repl` of our own as a child on our
** terminal, attached like any other. So a person who types never stands between the loop and
** its messages. */
#ifndef TL_COMMAND_REPL_CHILD_H
#define TL_COMMAND_REPL_CHILD_H

#include "net/loop.h"

typedef struct tl_repl_child tl_repl_child;

/* Start it on the console socket `path`. `ended` comes when it has ended by itself. Failure
** fills err. */
int tl_repl_child_start (tl_repl_child **out, tl_loop *loop, const char *path,
                         void (*ended)(void *ctx, int code), void *ctx, tl_err *err);
/* It is no longer on the loop; `ended` does not come any more. NULL is fine. */
void tl_repl_child_detach (tl_repl_child *c);
/* After the loop is gone: waits until it has left the terminal as it found it, which it does
** when its socket is closed. NULL is fine. */
void tl_repl_child_free (tl_repl_child *c);

#endif

/* core/sandbox/pieces.h — work that takes too long for one turn of the loop, done in pieces.
** It is C code that may enter Lua, and runs on a stack and in a Lua thread of its own.
** In Lua it pauses where the watchdog's bell interrupts it; in C where it calls tl_pause().
** Must not know loops.
**
** While it is paused the sandbox is as if the work did not run: other calls come through the
** door as usual. Its budget counts only its own processor time, and the memory that it took is
** not counted for the others. */
#ifndef TL_SANDBOX_PIECES_H
#define TL_SANDBOX_PIECES_H

#include "sandbox/sandbox.h"

typedef struct tl_pieces tl_pieces;

/* Prepare the work; nothing runs yet. All arguments are borrowed until it has ended. TL_OK,
** TL_ENOMEM. */
int tl_pieces_new (tl_pieces **out, tl_sandbox *b, void (*body)(void *ctx), void *ctx);
/* The memory that the work takes does not count against the limit of the others (for a config
** that is loaded). */
void tl_pieces_lend (tl_pieces *p);
/* The work pauses only while sandbox.pausable is set; `brief`: its pieces take 0.5 ms. */
void tl_pieces_mind (tl_pieces *p, bool brief);
/* Run one piece, about 2 ms. True: there is more to do. Not to be called from inside its own
** body; inside the body of other work it may be. */
bool tl_pieces_go (tl_pieces *p);
/* From now on the work does not pause. A call through the door in it ends with the error `why`
** when it next looks at its budget (borrowed; NULL: it is not ended). */
void tl_pieces_hurry (tl_pieces *p, const char *why);
/* The work must have ended, or never have run. NULL is allowed. */
void tl_pieces_free (tl_pieces *p);

/* To be called in the body where nothing is half done: if the time of the piece is up, it
** pauses, and returns true afterwards. Without pieces it does nothing. */
bool tl_pause (tl_sandbox *b);
/* It pauses at once, to wait for something that others do. False: it cannot. */
bool tl_pause_now (tl_sandbox *b);
/* The same as tl_pause() in a protected C function; raises if the work is to be ended
** (tl_budget_check). */
void tl_pause_protected (lua_State *L);

/* budget.c: why the running work must end, as tl_pieces_hurry() was told; NULL: it may go on. */
const char *tl_pieces_end (const tl_sandbox *b);

#endif

/* core/sandbox/pieces.h — work that takes too long for one turn of the loop, in pieces: C code that
** enters Lua as it likes, on a stack and in a Lua thread of its own. It pauses by itself where the
** watchdog rings while it is in Lua, and in C where it says that it may. Must not know loops.
**
** While it is away the sandbox is as if it did not run: calls come in through the door as ever.
** Its budget counts its own processor time only, and the memory that it took is not theirs. */
#ifndef TL_SANDBOX_PIECES_H
#define TL_SANDBOX_PIECES_H

#include "sandbox/sandbox.h"

typedef struct tl_pieces tl_pieces;

/* Nothing runs yet. Everything is borrowed until it has ended. TL_ENOMEM. */
int tl_pieces_new (tl_pieces **out, tl_sandbox *b, void (*body)(void *ctx), void *ctx);
/* The memory that it takes is beside the limit of the others (a config that is loaded). */
void tl_pieces_lend (tl_pieces *p);
/* It pauses only while sandbox.pausable is set. */
void tl_pieces_mind (tl_pieces *p);
/* One piece, some 2 ms. True: there is more to do. Not from inside its own body; from inside
** another one's it may be. */
bool tl_pieces_go (tl_pieces *p);
/* From now on it does not pause; a call through the door in it ends at its next look with the error
** `why` (borrowed; NULL: it does not). */
void tl_pieces_hurry (tl_pieces *p, const char *why);
/* has ended, or never ran; NULL is fine */
void tl_pieces_free (tl_pieces *p);

/* In the body, where nothing is half done: is the piece over? Then others have their turn, and
** true comes back. Without pieces it does nothing. */
bool tl_pause (tl_sandbox *b);
/* The same in a protected C function, which ends with an error when it is to (tl_budget_check). */
void tl_pause_protected (lua_State *L);

/* budget.c: what `why` of the running piece says; NULL: it may go on */
const char *tl_pieces_end (const tl_sandbox *b);

#endif

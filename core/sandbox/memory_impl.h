/* core/sandbox/memory_impl.h — private to sandbox/: how much memory a call may take (memory.c). */
#ifndef TL_SANDBOX_MEMORY_IMPL_H
#define TL_SANDBOX_MEMORY_IMPL_H

#include "sandbox/sandbox.h"

/* Set the mark at which the call is out of memory: limit - limit / 8. If more is used already,
** the call may take 1/8 of what is free.
** So a call that fills the memory ends before Lua must collect all of it at once, and small
** calls still work. */
void tl_memory_mark (tl_sandbox *s);
/* Has the running call taken too much memory? When it passed its mark, a part may be garbage:
** that is collected first, a little each time this is asked. */
bool tl_memory_is_full (tl_sandbox *s);
/* How many bytes a text may have. In a config it may be as long as a table, since a config is
** loaded once. */
size_t tl_memory_text_max (const tl_sandbox *s);
/* Is so much used that the collector must be told when to begin (tl_sandbox_tune)? */
bool tl_memory_is_much (const tl_sandbox *s);
bool tl_memory_is_scarce (const tl_sandbox *s); /* only the reserve is free */
/* Bytes that one step of the collector is worth: it frees up to 100 objects for each 16. */
enum { TL_GC_STEP_BITS = 10, TL_GC_STEP = 1 << TL_GC_STEP_BITS };
/* Let the collector work: at least one step, and more until its cycle ends or the time is
** over. True: the cycle has ended. */
bool tl_memory_collect (tl_sandbox *s, uint64_t ns);

/* budget.c: the running thread will look at the budget before its next instruction. */
void tl_budget_look_soon (tl_sandbox *s);

#endif

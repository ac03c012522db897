/* core/sandbox/heap.h — the memory of the Lua state: small objects in chunks of their own, so
** that a config's draft, many times larger than what runs, leaves whole pages behind when it
** goes, and the core's long-lived objects are not scattered among it. Also quicker than malloc
** for Lua's many small objects. Knows nothing of Lua. */
#ifndef TL_SANDBOX_HEAP_H
#define TL_SANDBOX_HEAP_H

#include <stddef.h>

enum { TL_HEAP_SMALL = 512, TL_HEAP_STEP = 16, TL_HEAP_CLASSES = TL_HEAP_SMALL / TL_HEAP_STEP };

typedef struct tl_heap_chunk tl_heap_chunk;

typedef struct {
  tl_heap_chunk *partial[TL_HEAP_CLASSES]; /* chunks with a free place, by size class */
  /* empty ones, kept for the next garbage: mapping costs more than using */
  tl_heap_chunk *spare;
  size_t chunks, spares; /* mapped and in use; mapped and spare */
} tl_heap;

/* As lua_Alloc: `before` is the size of the object at `at` (0 when at is NULL), `wanted` 0
** frees. NULL: no memory, the object stays. Making an object smaller never fails. A heap needs
** no end: when its last object is freed it holds at most a chunk for each class, which
** tl_heap_fini gives back. */
void *tl_heap_realloc (tl_heap *h, void *at, size_t before, size_t wanted);
void tl_heap_fini (tl_heap *h);
void tl_heap_trim (tl_heap *h); /* gives the spare chunks back */
/* The program's own memory to the system, after much was freed. */
void tl_give_memory_back (void);

#endif

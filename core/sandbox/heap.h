/* core/sandbox/heap.h — the memory of the Lua state. Small objects lie in chunks of their own,
** apart from the core's objects.
** A config's draft is many times larger than what runs; when it is freed, whole pages become
** free. It is also faster than malloc for Lua's many small objects. Knows nothing of Lua. */
#ifndef TL_SANDBOX_HEAP_H
#define TL_SANDBOX_HEAP_H

#include <stddef.h>

enum { TL_HEAP_SMALL = 512, TL_HEAP_STEP = 16, TL_HEAP_CLASSES = TL_HEAP_SMALL / TL_HEAP_STEP };

typedef struct tl_heap_chunk tl_heap_chunk;

typedef struct {
  tl_heap_chunk *partial[TL_HEAP_CLASSES]; /* chunks with a free place, by size class */
  /* Empty chunks that are kept: mapping a chunk costs more than using it. */
  tl_heap_chunk *spare;
  size_t chunks, spares; /* chunks in use; chunks in `spare` */
} tl_heap;

/* Works as lua_Alloc: `before` is the size of the object at `at` (0 if at is NULL); `wanted` 0
** frees it. NULL: no memory, and the object stays. Making an object smaller never fails.
** When its last object is freed, the heap holds at most one chunk for each class;
** tl_heap_fini() gives these back. */
void *tl_heap_realloc (tl_heap *h, void *at, size_t before, size_t wanted);
void tl_heap_fini (tl_heap *h);
void tl_heap_trim (tl_heap *h); /* unmaps the spare chunks */
/* Give free memory of malloc back to the system, after much was freed. */
void tl_give_memory_back (void);

#endif

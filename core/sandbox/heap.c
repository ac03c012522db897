/* core/sandbox/heap.c — see heap.h. A chunk is mapped at an address that is a multiple of its
** size, so an object's chunk is found by masking the object's address. */
#include "sandbox/heap.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { CHUNK = 64 * 1024, HEAD = 64, SPARES_MAX = 64 };

struct tl_heap_chunk {
  /* neighbours in the list of chunks of this class that have a free place */
  tl_heap_chunk *next, *prev;
  void *freed;              /* list of places that were freed; each holds the address of the next */
  uint32_t used, untouched; /* places in use; offset of the first place that was never used */
  uint32_t size, index;     /* bytes of a place; number of the size class */
};

#if defined(__SANITIZE_ADDRESS__)
/* With the address sanitizer every object comes from malloc, so that it finds a use after
** free. */
static bool is_small (size_t n) {
  (void)n;
  return false;
}
#else
static bool is_small (size_t n) { return n <= TL_HEAP_SMALL; }
#endif

static unsigned class_of (size_t n) {
  return (unsigned)((n + TL_HEAP_STEP - 1) / TL_HEAP_STEP) - 1;
}

static tl_heap_chunk *chunk_of (void *at) {
  return (tl_heap_chunk *)((uintptr_t)at & ~(uintptr_t)(CHUNK - 1));
}

static void *map_aligned (void) {
  uint8_t *wide = mmap(NULL, 2 * CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (wide == MAP_FAILED) return NULL;
  uint8_t *at = (uint8_t *)(((uintptr_t)wide + CHUNK - 1) & ~(uintptr_t)(CHUNK - 1));
  if (at > wide) munmap(wide, (size_t)(at - wide));
  munmap(at + CHUNK, (size_t)(wide + 2 * CHUNK - (at + CHUNK)));
  return at;
}

static void put_first (tl_heap *h, tl_heap_chunk *c) {
  c->prev = NULL;
  c->next = h->partial[c->index];
  if (c->next) c->next->prev = c;
  h->partial[c->index] = c;
}

static void take_out (tl_heap *h, tl_heap_chunk *c) {
  if (c->prev)
    c->prev->next = c->next;
  else
    h->partial[c->index] = c->next;
  if (c->next) c->next->prev = c->prev;
}

static bool is_full (const tl_heap_chunk *c) { return !c->freed && CHUNK - c->untouched < c->size; }

static tl_heap_chunk *new_chunk (tl_heap *h, unsigned index) {
  tl_heap_chunk *c = h->spare;
  if (c) {
    h->spare = c->next;
    h->spares--;
  } else if (!(c = map_aligned())) {
    return NULL;
  }
  *c = (tl_heap_chunk){ .size = (index + 1) * TL_HEAP_STEP, .index = index, .untouched = HEAD };
  h->chunks++;
  put_first(h, c);
  return c;
}

/* The class has no free place: map a new chunk. */
static __attribute__((noinline)) tl_heap_chunk *more_places (tl_heap *h, unsigned index) {
  tl_heap_chunk *c = new_chunk(h, index);
  /* no memory: take a place of a larger class */
  while (!c && ++index < TL_HEAP_CLASSES) c = h->partial[index];
  return c;
}

static inline void *take_place (tl_heap *h, size_t n) {
  unsigned index = class_of(n);
  tl_heap_chunk *c = h->partial[index];
  if (!c && !(c = more_places(h, index))) return NULL;
  void *at = c->freed;
  if (at) {
    memcpy(&c->freed, at, sizeof c->freed);
  } else {
    at = (uint8_t *)c + c->untouched;
    c->untouched += c->size;
  }
  c->used++;
  if (is_full(c)) take_out(h, c);
  return at;
}

static __attribute__((noinline)) void give_chunk (tl_heap *h, tl_heap_chunk *c) {
  take_out(h, c);
  h->chunks--;
  if (h->spares >= SPARES_MAX) {
    munmap(c, CHUNK);
    return;
  }
  c->next = h->spare;
  h->spare = c;
  h->spares++;
}

static inline void give_place (tl_heap *h, void *at) {
  tl_heap_chunk *c = chunk_of(at);
  if (is_full(c)) put_first(h, c);
  memcpy(at, &c->freed, sizeof c->freed);
  c->freed = at;
  /* The last chunk of a class is kept. Otherwise one object that comes and goes would map and
  ** unmap a chunk each time. */
  if (--c->used == 0 && (c->next || c->prev)) give_chunk(h, c);
}

static inline void *get (tl_heap *h, size_t n) {
  return is_small(n) ? take_place(h, n) : malloc(n);
}

static inline void give (tl_heap *h, void *at, size_t n) {
  if (!at) return;
  if (is_small(n))
    give_place(h, at);
  else
    free(at);
}

static __attribute__((noinline)) void *resize (tl_heap *h, void *at, size_t before, size_t wanted) {
  if (!is_small(before) && !is_small(wanted)) return realloc(at, wanted);
  if (is_small(before) && is_small(wanted) && class_of(before) == class_of(wanted)) return at;
  void *moved = get(h, wanted);
  /* no memory to move it: it may stay if its place is large enough */
  if (!moved) return wanted <= before && is_small(before) ? at : NULL;
  memcpy(moved, at, before < wanted ? before : wanted);
  give(h, at, before);
  return moved;
}

void *tl_heap_realloc (tl_heap *h, void *at, size_t before, size_t wanted) {
  if (wanted == 0) {
    give(h, at, before);
    return NULL;
  }
  return !at || before == 0 ? get(h, wanted) : resize(h, at, before, wanted);
}

void tl_heap_trim (tl_heap *h) {
  while (h->spare) {
    tl_heap_chunk *c = h->spare;
    h->spare = c->next;
    munmap(c, CHUNK);
  }
  h->spares = 0;
}

void tl_heap_fini (tl_heap *h) {
  tl_heap_trim(h);
  for (unsigned i = 0; i < TL_HEAP_CLASSES; i++) {
    while (h->partial[i]) {
      tl_heap_chunk *c = h->partial[i];
      take_out(h, c);
      munmap(c, CHUNK);
      h->chunks--;
    }
  }
}

void tl_give_memory_back (void) {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

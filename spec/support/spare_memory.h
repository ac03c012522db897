/* spec/support/spare_memory.h — an allocator that fails at the request a spec chooses, and
** counts the blocks that are not given back. A spec defines malloc, calloc, realloc and free as
** these around the sources that it includes, so that only their requests fail. */
#ifndef SPEC_SUPPORT_SPARE_MEMORY_H
#define SPEC_SUPPORT_SPARE_MEMORY_H

#include <stdbool.h>
#include <stdlib.h>

static long countdown = -1; /* requests until the one that fails; -1: none does, or it has been */
static long blocks;         /* taken and not given back */

static inline bool spare_fails (void) { return countdown >= 0 && countdown-- == 0; }

static inline void *spare_taken (void *at) {
  blocks += at != NULL;
  return at;
}

static inline void *spare_malloc (size_t n) {
  return spare_fails() ? NULL : spare_taken(malloc(n));
}
static inline void *spare_calloc (size_t n, size_t size) {
  return spare_fails() ? NULL : spare_taken(calloc(n, size));
}
static inline void *spare_realloc (void *at, size_t n) {
  if (spare_fails()) return NULL;
  return at == NULL ? spare_taken(malloc(n)) : realloc(at, n);
}
static inline void spare_free (void *at) {
  blocks -= at != NULL;
  free(at);
}

#endif

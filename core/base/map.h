/* core/base/map.h — a hash map from bytes to a pointer. Keys are borrowed: the value's owner
** keeps them alive. Open addressing with stored hashes; 24 bytes a slot, load at most 3/4.
** Iteration order is not defined. */
#ifndef TL_BASE_MAP_H
#define TL_BASE_MAP_H

#include "base/slice.h"

typedef struct {
  const uint8_t *key;
  uint32_t len, hash; /* hash 0 marks an empty slot, key NULL with hash 1 a removed one */
  void *value;
} tl_map_slot;

typedef struct {
  tl_map_slot *slots;
  uint32_t cap, used, live; /* cap is a power of two or 0; used counts removed slots too */
} tl_map;

/* never 0 or 1; fast for short keys; another one in every process, so that nobody can choose
** texts of one hash */
uint32_t tl_hash (const void *bytes, size_t n);

void tl_map_init (tl_map *m);
void tl_map_fini (tl_map *m);                     /* frees the slots only */
void *tl_map_get (const tl_map *m, tl_slice key); /* NULL when absent */
void *tl_map_get_hashed (const tl_map *m, tl_slice key, uint32_t hash);
/* adds or replaces (the key pointer too); TL_OK or TL_ENOMEM */
int tl_map_put (tl_map *m, tl_slice key, void *value);
/* the value that was there, or NULL */
void *tl_map_del (tl_map *m, tl_slice key);
/* Walk: for (uint32_t i = 0; tl_map_next(&m, &i, &key, &value); ) … ; deleting the current key
** is allowed. */
bool tl_map_next (const tl_map *m, uint32_t *at, tl_slice *key, void **value);

#endif

/* core/mqtt/ids.c — packet identifiers in use, see ids.h. */
#include "mqtt/ids.h"

#include <assert.h>
#include <stdlib.h>

void tl_ids_init (tl_ids *ids) { memset(ids, 0, sizeof *ids); }

void tl_ids_fini (tl_ids *ids) {
  for (int i = 0; i < 256; i++) free(ids->pages[i]);
  free(ids->spare);
  tl_ids_init(ids);
}

void *tl_ids_owner (const tl_ids *ids, uint16_t id) {
  void **page = ids->pages[id >> 8];
  return page ? page[id & 0xff] : NULL;
}

int tl_ids_claim (tl_ids *ids, uint16_t id, void *owner) {
  assert(owner);
  if (id == 0) return TL_ERANGE;
  if (tl_ids_owner(ids, id)) return TL_EEXIST;
  void ***page = &ids->pages[id >> 8];
  if (!*page) {
    if (ids->spare) {
      *page = ids->spare;
      ids->spare = NULL;
    } else {
      *page = calloc(256, sizeof **page);
    }
    if (!*page) return TL_ENOMEM;
  }
  (*page)[id & 0xff] = owner;
  ids->used[id >> 8]++;
  ids->count++;
  return TL_OK;
}

uint16_t tl_ids_take (tl_ids *ids, void *owner) {
  if (ids->count == 65535) return 0;
  uint16_t id = ids->last;
  do {
    if (++id == 0) id = 1; /* [MQTT-2.3.1-1] */
  } while (tl_ids_owner(ids, id));
  if (tl_ids_claim(ids, id, owner) != TL_OK) return 0;
  ids->last = id;
  return id;
}

void tl_ids_drop (tl_ids *ids, uint16_t id) {
  if (!tl_ids_owner(ids, id)) return;
  void ***page = &ids->pages[id >> 8];
  (*page)[id & 0xff] = NULL;
  ids->count--;
  if (--ids->used[id >> 8]) return;
  if (ids->spare)
    free(*page); /* an empty page is all NULL, so either may be kept */
  else
    ids->spare = *page;
  *page = NULL;
}

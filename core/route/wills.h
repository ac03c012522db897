/* core/route/wills.h — which targets a topic is the will of. Knows nothing of addresses. */
#ifndef TL_ROUTE_WILLS_H
#define TL_ROUTE_WILLS_H

#include "base/map.h"
#include "base/slice.h"

typedef struct {
  void **targets; /* in the order they were added */
  void *one;      /* where targets points while there is only one */
  uint32_t count, len;
  uint8_t topic[];
} tl_will_set;

typedef struct {
  tl_map by_topic;
} tl_wills;

void tl_wills_init (tl_wills *w);
void tl_wills_fini (tl_wills *w);
int tl_wills_add (tl_wills *w, tl_slice topic, void *target); /* TL_OK, TL_EEXIST or TL_ENOMEM */
/* TL_OK or TL_ENOENT; the last target takes the set along */
int tl_wills_remove (tl_wills *w, tl_slice topic, void *target);

#endif

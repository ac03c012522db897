/* core/mqtt/ids.h — the packet identifiers of one session that are in use, and who uses each.
** PUBLISH, SUBSCRIBE and UNSUBSCRIBE share them [MQTT-2.3.1-2]; the broker's own identifiers
** are another set (inbox.h). Knows nothing of packets. Pages of 256 identifiers exist only
** while one of them is in use: taking, finding and dropping cost the same for any number. */
#ifndef TL_MQTT_IDS_H
#define TL_MQTT_IDS_H

#include "base/slice.h"

typedef struct {
  void **pages[256];
  uint16_t used[256]; /* identifiers in use of each page */
  /* one empty page, so that crossing a page's border does not allocate each time */
  void **spare;
  uint32_t count;
  uint16_t last; /* the identifier given out last; the next search starts behind it */
} tl_ids;

void tl_ids_init (tl_ids *ids);
void tl_ids_fini (tl_ids *ids);
/* An identifier that is not in use, never 0, the one that was not used for the longest time;
** `owner` must not be NULL. 0: all 65535 are in use, or no memory. */
uint16_t tl_ids_take (tl_ids *ids, void *owner);
/* Take this one: TL_OK, TL_EEXIST, TL_ENOMEM, TL_ERANGE for 0. */
int tl_ids_claim (tl_ids *ids, uint16_t id, void *owner);
void *tl_ids_owner (const tl_ids *ids, uint16_t id); /* NULL: not in use */
void tl_ids_drop (tl_ids *ids, uint16_t id);         /* no-op when not in use */

#endif

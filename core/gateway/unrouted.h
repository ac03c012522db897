/* core/gateway/unrouted.h — topics that no station takes: the most frequent ones, in bounded
** memory. Knows nothing else. */
#ifndef TL_GATEWAY_UNROUTED_H
#define TL_GATEWAY_UNROUTED_H

#include "base/slice.h"

enum { TL_UNROUTED_MANY = 16, TL_UNROUTED_BYTES = 120 };

typedef struct {
  /* An upper bound of the messages that came; up to `over` of them may belong to topics that
  ** had this place before. */
  uint64_t count;
  uint64_t over;
  uint8_t len;
  bool cut; /* the topic is longer than this; topics with the same beginning are counted together */
  char topic[TL_UNROUTED_BYTES];
} tl_unrouted_topic;

typedef struct {
  uint32_t n;
  tl_unrouted_topic at[TL_UNROUTED_MANY]; /* any order */
} tl_unrouted;

/* Count one more message of this topic. When all places are taken, the topic with the lowest
** count loses its place, and the new one inherits its count.
** So a topic that has more than a sixteenth of the messages is always in the list. */
void tl_unrouted_note (tl_unrouted *u, tl_slice topic);

/* Writes the indexes of at[0..n), the most frequent first. */
void tl_unrouted_order (const tl_unrouted *u, uint32_t order[TL_UNROUTED_MANY]);

#endif

/* core/gateway/unrouted.h — the topics that no station takes, the most frequent of them in
** bounded memory. Knows nothing else. */
#ifndef TL_GATEWAY_UNROUTED_H
#define TL_GATEWAY_UNROUTED_H

#include "base/slice.h"

enum { TL_UNROUTED_MANY = 16, TL_UNROUTED_BYTES = 120 };

typedef struct {
  /* at least as many came; of a topic that came late, up to `over` of them were others' */
  uint64_t count;
  uint64_t over;
  uint8_t len;
  bool cut; /* the topic is longer: those that begin alike are counted together */
  char topic[TL_UNROUTED_BYTES];
} tl_unrouted_topic;

typedef struct {
  uint32_t n;
  tl_unrouted_topic at[TL_UNROUTED_MANY]; /* any order */
} tl_unrouted;

/* One more message of this topic. When all places are taken the rarest topic loses its place to
** the new one, which inherits its count: whatever makes up more than a sixteenth of the
** messages is always among them. */
void tl_unrouted_note (tl_unrouted *u, tl_slice topic);

/* The most frequent first: indexes into at[], n of them. */
void tl_unrouted_order (const tl_unrouted *u, uint32_t order[TL_UNROUTED_MANY]);

#endif

/* core/gateway/unrouted.c — the topics that no station takes. Knows nothing else. */
#include "gateway/unrouted.h"

#include <string.h>

static bool is (const tl_unrouted_topic *t, tl_slice topic, bool cut) {
  return t->cut == cut && t->len == topic.len && memcmp(t->topic, topic.at, topic.len) == 0;
}

void tl_unrouted_note (tl_unrouted *u, tl_slice topic) {
  bool cut = topic.len > TL_UNROUTED_BYTES;
  uint32_t rarest = 0;
  if (cut) topic.len = TL_UNROUTED_BYTES;
  for (uint32_t i = 0; i < u->n; i++) {
    if (is(&u->at[i], topic, cut)) {
      u->at[i].count++;
      return;
    }
    if (u->at[i].count < u->at[rarest].count) rarest = i;
  }
  tl_unrouted_topic *t = &u->at[u->n < TL_UNROUTED_MANY ? u->n : rarest];
  if (u->n < TL_UNROUTED_MANY) u->n++;
  t->over = t->count;
  t->count++;
  t->cut = cut;
  t->len = (uint8_t)topic.len;
  if (topic.len > 0) memcpy(t->topic, topic.at, topic.len);
}

void tl_unrouted_order (const tl_unrouted *u, uint32_t order[TL_UNROUTED_MANY]) {
  for (uint32_t i = 0; i < u->n; i++) {
    uint32_t k = i;
    for (; k > 0 && u->at[order[k - 1]].count < u->at[i].count; k--) order[k] = order[k - 1];
    order[k] = i;
  }
}

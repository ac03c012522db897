/* core/route/memory.h — remembered answers, bounded in number and in bytes of topic text. Knows
** no rules of routing. */
#ifndef TL_ROUTE_MEMORY_H
#define TL_ROUTE_MEMORY_H

#include "base/map.h"
#include "base/pattern.h"
#include "base/slice.h"

typedef struct {
  void *target;        /* NULL: nobody */
  const void *station; /* the memory's user knows */
  const void *wills;
  uint32_t len, slot;
  uint32_t group_count;
  bool instance;     /* target was put here by tl_router_remember */
  bool used;         /* since the hand passed */
  tl_group groups[]; /* then the topic */
} tl_memo;

typedef struct {
  tl_map by_topic;
  tl_memo **ring;
  uint32_t count, cap, hand;
  size_t max_topics, max_bytes, bytes;
} tl_memory;

void tl_memory_init (tl_memory *m, size_t max_topics, size_t max_bytes);
void tl_memory_fini (tl_memory *m);
void tl_memory_clear (tl_memory *m);

static inline tl_slice tl_memo_topic (const tl_memo *memo) {
  return tl_slice_of(memo->groups + memo->group_count, memo->len);
}

/* A new answer for a topic that has none, or NULL: no memory, or the topic is longer than all
** text may be. Topic and groups are copied; the rest is zero for the caller to fill. Older
** answers make room. */
tl_memo *tl_memory_add (tl_memory *m, tl_slice topic, const tl_group *groups, uint32_t group_count);
void tl_memory_forget (tl_memory *m, tl_memo *memo);

#endif

/* core/route/memory.c — remembered answers. Knows no rules of routing.
** The CLOCK algorithm chooses what is forgotten: a hand goes round the answers and takes the first
** one that was not used since the hand last passed. This is nearly "least recently used", but a hit
** sets only a flag. A flood of topics that come once replace each other, and not the topics in
** use. */
#include "route/memory.h"

#include <stdlib.h>

void tl_memory_init (tl_memory *m, size_t max_topics, size_t max_bytes) {
  memset(m, 0, sizeof *m);
  m->max_topics = max_topics < UINT32_MAX / 2 ? max_topics : UINT32_MAX / 2;
  m->max_bytes = max_bytes;
}

void tl_memory_clear (tl_memory *m) {
  for (uint32_t i = 0; i < m->count; i++) free(m->ring[i]);
  tl_map_fini(&m->by_topic);
  m->count = m->hand = 0;
  m->bytes = 0;
}

void tl_memory_fini (tl_memory *m) {
  tl_memory_clear(m);
  free(m->ring);
  m->ring = NULL;
  m->cap = 0;
}

void tl_memory_forget (tl_memory *m, tl_memo *memo) {
  uint32_t slot = memo->slot, last = --m->count;
  tl_map_del(&m->by_topic, tl_memo_topic(memo));
  m->bytes -= memo->len;
  m->ring[slot] = m->ring[last];
  m->ring[slot]->slot = slot;
  free(memo);
}

static void make_room (tl_memory *m, size_t len) {
  while (m->count > 0 && (m->count >= m->max_topics || m->max_bytes - m->bytes < len)) {
    if (m->hand >= m->count) m->hand = 0;
    tl_memo *memo = m->ring[m->hand];
    if (memo->used) {
      memo->used = false;
      m->hand++;
    } else {
      tl_memory_forget(m, memo); /* the last one comes to this slot: it is looked at next */
    }
  }
}

static bool reserve_slot (tl_memory *m) {
  if (m->count < m->cap) return true;
  uint32_t cap = m->cap < 16 ? 16 : m->cap * 2;
  tl_memo **ring = realloc(m->ring, cap * sizeof(tl_memo *));
  if (!ring) return false;
  m->ring = ring;
  m->cap = cap;
  return true;
}

tl_memo *tl_memory_add (tl_memory *m, tl_slice topic, const tl_group *groups,
                        uint32_t group_count) {
  if (m->max_topics == 0 || topic.len > m->max_bytes) return NULL;
  make_room(m, topic.len);
  if (!reserve_slot(m)) return NULL;
  size_t head = sizeof(tl_memo) + group_count * sizeof(tl_group);
  tl_memo *memo = calloc(1, head + topic.len);
  if (!memo) return NULL;
  memo->len = (uint32_t)topic.len;
  memo->group_count = group_count;
  if (group_count > 0) memcpy(memo->groups, groups, group_count * sizeof(tl_group));
  memcpy((uint8_t *)memo + head, topic.at, topic.len);
  if (tl_map_put(&m->by_topic, tl_memo_topic(memo), memo) != TL_OK) {
    free(memo);
    return NULL;
  }
  memo->slot = m->count;
  m->ring[m->count++] = memo;
  m->bytes += topic.len;
  return memo;
}

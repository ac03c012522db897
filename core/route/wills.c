/* core/route/wills.c — which targets a topic is the will of. Knows nothing of addresses. */
#include "route/wills.h"

#include <stdlib.h>

void tl_wills_init (tl_wills *w) { tl_map_init(&w->by_topic); }

static void free_set (tl_will_set *set) {
  if (set->targets != &set->one) free(set->targets);
  free(set);
}

void tl_wills_fini (tl_wills *w) {
  tl_slice topic;
  void *set;
  for (uint32_t i = 0; tl_map_next(&w->by_topic, &i, &topic, &set);) free_set(set);
  tl_map_fini(&w->by_topic);
}

static int add_set (tl_wills *w, tl_slice topic, void *target) {
  tl_will_set *set = malloc(sizeof *set + topic.len);
  if (!set) return TL_ENOMEM;
  set->targets = &set->one;
  set->one = target;
  set->count = 1;
  set->len = (uint32_t)topic.len;
  memcpy(set->topic, topic.at, topic.len);
  int rc = tl_map_put(&w->by_topic, tl_slice_of(set->topic, set->len), set);
  if (rc != TL_OK) free_set(set);
  return rc;
}

static uint32_t index_of (const tl_will_set *set, const void *target) {
  uint32_t i = 0;
  while (i < set->count && set->targets[i] != target) i++;
  return i;
}

int tl_wills_add (tl_wills *w, tl_slice topic, void *target) {
  tl_will_set *set = tl_map_get(&w->by_topic, topic);
  if (!set) return add_set(w, topic, target);
  if (index_of(set, target) < set->count) return TL_EEXIST;
  if ((set->count & (set->count - 1)) == 0) { /* full at each power of two */
    void **targets = realloc(set->targets == &set->one ? NULL : set->targets,
                             2 * (size_t)set->count * sizeof(void *));
    if (!targets) return TL_ENOMEM;
    if (set->targets == &set->one) targets[0] = set->one;
    set->targets = targets;
  }
  set->targets[set->count++] = target;
  return TL_OK;
}

/* A list that shrank and grows again may be larger than its count says; reallocating to the
** size it has is harmless. */
int tl_wills_remove (tl_wills *w, tl_slice topic, void *target) {
  tl_will_set *set = tl_map_get(&w->by_topic, topic);
  uint32_t i = !set ? 0 : index_of(set, target);
  if (!set || i == set->count) return TL_ENOENT;
  set->count--;
  memmove(set->targets + i, set->targets + i + 1, (set->count - i) * sizeof(void *));
  if (set->count > 0) return TL_OK;
  tl_map_del(&w->by_topic, topic);
  free_set(set);
  return TL_OK;
}

/* core/gateway/filter_index.c — which messages would a broker send for a line's topic filters?
** For runs without a broker.
** With thousands of filters most are plain topics, so one look-up in a map answers for all of
** these. */
#include <stdlib.h>

#include "base/map.h"
#include "base/topic.h"
#include "gateway/filters_impl.h"
#include "gateway/link_impl.h"

struct tl_filter_index {
  tl_map plain; /* filter → itself */
  size_t wild_count;
  const tl_subscription *wild[];
};

static bool is_plain (tl_slice filter) {
  for (size_t i = 0; i < filter.len; i++)
    if (filter.at[i] == '+' || filter.at[i] == '#') return false;
  return filter.len == 0 || filter.at[0] != '$'; /* "$share/…" */
}

void tl_filters_drop_index (tl_filters *f) {
  if (!f->index) return;
  tl_map_fini(&f->index->plain);
  free(f->index);
  f->index = NULL;
}

static struct tl_filter_index *make (const tl_filters *f) {
  struct tl_filter_index *index = malloc(sizeof *index + f->n * sizeof index->wild[0]);
  int rc = TL_OK;
  if (!index) return NULL;
  tl_map_init(&index->plain);
  index->wild_count = 0;
  for (size_t i = 0; i < f->n && rc == TL_OK; i++) {
    if (is_plain(f->at[i].filter))
      rc = tl_map_put(&index->plain, f->at[i].filter, &f->at[i]);
    else
      index->wild[index->wild_count++] = &f->at[i];
  }
  if (rc == TL_OK) return index;
  tl_map_fini(&index->plain);
  free(index);
  return NULL;
}

bool tl_filters_take (tl_filters *f, tl_slice topic) {
  bool yes = false;
  if (!f->index) f->index = make(f);
  if (!f->index) { /* no memory */
    for (size_t i = 0; i < f->n && !yes; i++) yes = tl_filter_match(f->at[i].filter, topic);
    return yes;
  }
  yes = tl_map_get(&f->index->plain, topic);
  for (size_t i = 0; i < f->index->wild_count && !yes; i++)
    yes = tl_filter_match(f->index->wild[i]->filter, topic);
  return yes;
}

/* core/gateway/fed.c — which stations can receive nothing because the broker refused topic
** filters.
** This is certain for a station whose address is one exact topic.
** For any other address it is certain only when no filter was granted. Must not know sessions. */
#include <stdlib.h>

#include "base/log.h"
#include "base/map.h"
#include "gateway/filters_impl.h"
#include "gateway/link_impl.h"
#include "base/topic.h"

typedef struct {
  const tl_subscription *filters;
  const uint8_t *codes;
  tl_map exact;      /* filter without wildcards → its place in `codes` */
  size_t *wild;      /* places of the others */
  size_t wild_count; /* few, however many stations subscribe their addresses */
  bool any;          /* at least one was granted */
} answer;

static bool has_wildcard (tl_slice f) {
  return memchr(f.at, '+', f.len) || memchr(f.at, '#', f.len) ||
         (f.len > 7 && memcmp(f.at, "$share/", 7) == 0);
}

static int sort_answer (answer *a, size_t n) {
  int rc = TL_OK;
  for (size_t i = 0; i < n && rc == TL_OK; i++) {
    if (has_wildcard(a->filters[i].filter))
      a->wild[a->wild_count++] = i;
    else
      rc = tl_map_put(&a->exact, a->filters[i].filter, (void *)(uintptr_t)&a->codes[i]);
  }
  return rc;
}

static bool can_hear (const answer *a, const tl_station *s) {
  tl_slice address = tl_slice_str(s->address);
  if (s->is_template || !tl_address_is_plain(address)) return a->any;
  const uint8_t *code = tl_map_get(&a->exact, address);
  bool granted = code && *code != TL_GRANTED_NOT, refused = code && !granted;
  for (size_t i = 0; i < a->wild_count && !granted; i++) {
    if (!tl_filter_match(a->filters[a->wild[i]].filter, address)) continue;
    granted = a->codes[a->wild[i]] != TL_GRANTED_NOT;
    refused = true;
  }
  return granted || !refused; /* no filter asks for this topic: then a refusal is not the cause */
}

void tl_link_note_fed (tl_link *l, const tl_subscription *filters, const uint8_t *granted,
                       size_t n) {
  answer a = { .filters = filters, .codes = granted };
  bool refused = false;
  for (size_t i = 0; i < n; i++) {
    refused = refused || granted[i] == TL_GRANTED_NOT;
    a.any = a.any || granted[i] != TL_GRANTED_NOT;
  }
  if (!refused && !l->routing.some_unfed) return;
  tl_map_init(&a.exact);
  a.wild = malloc((n + 1) * sizeof *a.wild);
  if (!a.wild || sort_answer(&a, n) != TL_OK) {
    tl_log(TL_LOG_ERROR, TL_LINK_SCOPE(l),
           "no memory to find the stations that the refused topic filters leave without messages");
  } else {
    l->routing.some_unfed = refused;
    for (uint32_t i = 0; i < l->line->station_count; i++) {
      tl_station *s = l->line->stations[i];
      tl_station_set_fed(s, !refused || can_hear(&a, s), l->time.now, l->time.wall);
    }
  }
  tl_map_fini(&a.exact);
  free(a.wild);
}

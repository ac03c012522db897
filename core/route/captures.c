/* core/route/captures.c — what the named groups of a station's address took of a topic. */
#include "route/router.h"

void tl_route_captures (const tl_route *route, tl_slice topic, tl_captures *out) {
  const char *name;
  int number;
  out->n = 0;
  if (!route->pattern) return;
  for (int i = 0; out->n < TL_CAPTURES_MAX && tl_pattern_named(route->pattern, i, &name, &number);
       i++) {
    bool took_part =
        (uint32_t)number < route->group_count && route->groups[number].from != UINT32_MAX;
    const tl_group *g = took_part ? &route->groups[number] : NULL;
    out->names[out->n] = tl_slice_str(name);
    out->values[out->n++] = g ? tl_slice_of(topic.at + g->from, g->to - g->from) : TL_LIT("");
  }
}

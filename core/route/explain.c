/* core/route/explain.c — how the decision for a topic falls, for a person. Pure. Asks every candidate itself, so that what it
** tells does not come from a memory. */
#include <stdio.h>
#include <stdlib.h>

#include "route/router.h"
#include "route/router_state.h"

typedef struct {
  tl_slice topic;
  tl_route_told *told;
  void *ctx;
} telling;

static bool tell (const telling *t, const tl_route_station *s, tl_route_by by, bool matched, const char *why) {
  t->told(t->ctx, tl_route_station_address(s), s->target, by, matched, why);
  return matched;
}

static int descending (const void *a, const void *b) {
  const tl_route_station *const *left = a, *const *right = b;
  return tl_address_compare(tl_route_station_address(*right), tl_route_station_address(*left));
}

/* All stations in descending byte order; NULL when there are none or no memory. */
static const tl_route_station **sorted (const tl_router *r, uint32_t *count) {
  tl_slice address;
  void *s;
  uint32_t n = 0;
  const tl_route_station **all = r->stations.live == 0 ? NULL : malloc(r->stations.live * sizeof *all);
  if (all != NULL) {
    for (uint32_t i = 0; tl_map_next(&r->stations, &i, &address, &s);) all[n++] = s;
    qsort(all, n, sizeof *all, descending);
  }
  *count = n;
  return all;
}

static size_t first_difference (tl_slice a, tl_slice b) {
  size_t i = 0;
  while (i < a.len && i < b.len && a.at[i] == b.at[i]) i++;
  return i;
}

static bool tell_exact (const telling *t, const tl_route_station *s) {
  char why[64];
  tl_slice address = tl_route_station_address(s);
  if (tl_slice_eq(address, t->topic)) return tell(t, s, TL_BY_EXACT, true, "address equals the topic");
  if (s->regex != NULL) return false; /* its turn comes */
  size_t at = first_difference(address, t->topic);
  if (at == address.len) snprintf(why, sizeof why, "the topic goes on after the address");
  else if (at == t->topic.len) snprintf(why, sizeof why, "the address goes on after the topic");
  else snprintf(why, sizeof why, "address differs at byte %zu", at + 1);
  return tell(t, s, TL_BY_EXACT, false, why);
}

static bool tell_regex (const telling *t, const tl_route_station *s) {
  if (s->regex == NULL) return false;
  int rc = tl_pattern_match(s->regex->pattern, t->topic, NULL, 0);
  const char *why = rc > 0 ? "regex matches" : rc == TL_ELIMIT ? "regex given up: it takes too many steps on this topic"
                                                               : "regex does not match";
  return tell(t, s, TL_BY_REGEX, rc > 0, why);
}

/* Exact matches are found by a lookup, so the one that equals decides, whatever stands beside it: it is told after those above
** it. */
static bool tell_stations (const telling *t, const tl_route_station **all, uint32_t count) {
  for (uint32_t i = 0; i < count; i++)
    if (tell_exact(t, all[i])) return true;
  for (uint32_t i = 0; i < count; i++)
    if (tell_regex(t, all[i])) return true;
  return false;
}

void tl_router_explain (tl_router *r, tl_slice topic, tl_route_told *told, void *ctx) {
  telling t = { topic, told, ctx };
  uint32_t count;
  if (r->hash != NULL) {
    tell(&t, r->hash, TL_BY_HASH, true, "'#' takes every topic");
    return;
  }
  const tl_route_station **all = sorted(r, &count);
  if (!tell_stations(&t, all, count) && r->rest != NULL)
    tell(&t, r->rest, TL_BY_REST, true, "'.*' takes what no other station takes");
  free(all);
}

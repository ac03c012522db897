/* core/route/router_impl.h — the router's insides, for router.c, find.c and explain.c only. */
#ifndef TL_ROUTE_ROUTER_IMPL_H
#define TL_ROUTE_ROUTER_IMPL_H

#include "route/memory.h"
#include "route/router.h"
#include "route/station.h"
#include "route/wills.h"

struct tl_router {
  tl_map stations;               /* by address, plain and regex: any may equal a topic */
  tl_route_station *hash, *rest; /* '#' and '.*', not in the map */
  tl_regexes regexes;
  tl_wills wills;
  tl_memory memory;
  tl_group *groups; /* room for the largest pattern's */
  tl_route route;   /* what find() gave last */
  /* explain.c: all of `stations` in descending byte order, of so many; NULL: not known */
  const tl_route_station **sorted;
  uint32_t sorted_count;
  /* the topic of that, empty when it must be asked anew; in an entry's own memory */
  tl_slice last;
  bool last_remembered;
  uint64_t hits, misses, limit_hits;
  void (*given_up)(void *ctx, void *target, tl_slice topic);
  void *given_up_ctx;
};

/* What to call after a change that the last answer may not survive. */
static inline void tl_router_ask_anew (tl_router *r) { r->last.len = 0; }

void tl_router_forget_order (tl_router *r); /* explain.c: a station comes or goes */

#endif

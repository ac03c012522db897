/* core/gateway/burial.c — the stations of a line that is gone. Freeing 100,000 of them takes some
** 50 ms, so it is done in pieces, while everything else goes on. */
#include <stdlib.h>

#include "base/clock.h"
#include "gateway/link_impl.h"

enum {
  PIECE_NS = 1000000, /* processor time of a turn */
  AT_ONCE = 64        /* stations between two looks at the clock */
};

typedef struct tl_gone {
  struct tl_gone *next;
  tl_line *line;
  tl_router *router; /* NULL: freed, or there was none */
  uint32_t at;       /* of tl_router_free_some() */
} gone;

/* False: there is more. */
static bool drop_some (tl_gateway *g, gone *it) {
  if (it->router) {
    if (tl_router_free_some(it->router, &it->at, AT_ONCE)) it->router = NULL;
    return false;
  }
  for (int n = 0; n < AT_ONCE && it->line->station_count > 0; n++) {
    tl_station *s = it->line->stations[it->line->station_count - 1];
    tl_gateway_give_back(g, &s->user);
    tl_line_remove_station(it->line, s);
  }
  if (it->line->station_count > 0) return false;
  tl_line_free(it->line);
  return true;
}

/* False: the time was up. */
static bool work_until (tl_gateway *g, uint64_t end) {
  while (g->gone) {
    gone *it = g->gone;
    if (drop_some(g, it)) {
      g->gone = it->next;
      free(it);
    }
    if (end < UINT64_MAX && tl_clock_cpu_ns() >= end) return !g->gone;
  }
  return true;
}

static void on_turn (void *ctx) {
  tl_gateway *g = ctx;
  if (work_until(g, tl_clock_cpu_ns() + PIECE_NS)) return;
  if (tl_loop_later(g->loop, on_turn, g) != TL_OK) work_until(g, UINT64_MAX);
}

void tl_gateway_bury (tl_gateway *g, tl_line *line, tl_router *router) {
  gone one = { .line = line, .router = router }, *it = malloc(sizeof *it);
  tl_gateway_forget_line(g, line);
  tl_model_take_line(g->model, line);
  line->user = NULL;
  g->generation++; /* objects of scripts look it up again, and do not find it */
  if (!it) {
    while (!drop_some(g, &one)) continue;
    return;
  }
  /* at the end: a function that is released may bury another line, while the first is worked on */
  gone **at = &g->gone;
  while (*at) at = &(*at)->next;
  *it = one;
  *at = it;
  if (g->gone == it) on_turn(g);
}

void tl_gateway_bury_all (tl_gateway *g) {
  tl_loop_forget(g->loop, on_turn, g);
  work_until(g, UINT64_MAX);
}

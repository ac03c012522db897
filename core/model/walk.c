/* core/model/walk.c — see walk.h. */
#include "model/walk.h"

/* The station that the walk stands at; NULL: it is over. */
static tl_station *here (tl_tag_walk *w, const tl_model *m) {
  while (w->line < m->line_count && w->station >= m->lines[w->line]->station_count) {
    w->line++;
    w->station = 0;
    w->tag = 0;
  }
  w->done = w->line >= m->line_count;
  return w->done ? NULL : m->lines[w->line]->stations[w->station];
}

static void leave_station (tl_tag_walk *w) {
  w->station++;
  w->tag = 0;
}

tl_tag *tl_tag_walk_next (tl_tag_walk *w, const tl_model *m, int *steps) {
  for (tl_station *s; (s = here(w, m)) != NULL; leave_station(w)) {
    if (steps && (*steps)-- <= 0) return NULL;
    if (!s->is_template && w->tag < s->plan->tag_count) return &s->tags[w->tag++];
  }
  return NULL;
}

tl_station *tl_station_walk_next (tl_tag_walk *w, const tl_model *m) {
  tl_station *s = here(w, m);
  if (s) leave_station(w);
  return s;
}

static void go_to (tl_tag_walk *w, const tl_model *m, const tl_station *s) {
  *w = (tl_tag_walk){ .line = 0 };
  while (m->lines[w->line] != s->line) w->line++;
  while (s->line->stations[w->station] != s) w->station++;
}

void tl_tag_walk_behind (tl_tag_walk *w, const tl_model *m, const tl_tag *t) {
  go_to(w, m, t->station);
  w->tag = (uint16_t)(t->index + 1);
}

void tl_station_walk_behind (tl_tag_walk *w, const tl_model *m, const tl_station *s) {
  go_to(w, m, s);
  leave_station(w);
}

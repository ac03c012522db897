/* core/model/walk.h — the one walk over the stations and tags of all lines, in the order of the
** source. Where it has got to is a place that is kept between two turns of the loop: the model may
** grow or change meanwhile, and what moves may be met twice or not at all. */
#ifndef TL_MODEL_WALK_H
#define TL_MODEL_WALK_H

#include "model/model.h"

/* All zero: at the beginning. */
typedef struct {
  uint32_t line, station;
  uint16_t tag;
  bool done;
} tl_tag_walk;

/* The next tag; templates have none. NULL: there is no more (done), or *steps stations and tags
** were looked at. steps NULL: however many. */
tl_tag *tl_tag_walk_next (tl_tag_walk *w, const tl_model *m, int *steps);
/* The next station, templates included; NULL: there is no more. */
tl_station *tl_station_walk_next (tl_tag_walk *w, const tl_model *m);
/* Go on behind this tag, this station. */
void tl_tag_walk_behind (tl_tag_walk *w, const tl_model *m, const tl_tag *t);
void tl_station_walk_behind (tl_tag_walk *w, const tl_model *m, const tl_station *s);

#endif

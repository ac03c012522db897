/* core/model/walk.h — walks over the stations and tags of all lines, in the order of the config.
** The place of the walk may be kept between two turns of the loop. The model may change meanwhile;
** a station or tag that moves may then come twice or not at all. */
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

/* core/web/tags.h — all tags, some hundred at a time; the model may grow or change between. */
#ifndef TL_WEB_TAGS_H
#define TL_WEB_TAGS_H

#include "model/model.h"

enum { TL_TAGS_A_SLICE = 500, TL_TAGS_BLOCK = 32 * 1024 };

/* Where a walk has got to; all zero: at the beginning. */
typedef struct {
  uint32_t line, station;
  uint16_t tag;
  bool done;
} tl_tag_walk;

/* The next tag. NULL: there is none (done), or *steps stations and tags were looked at. */
tl_tag *tl_tag_walk_next (tl_tag_walk *w, const tl_model *m, int *steps);
/* Go on behind this tag. */
void tl_tag_walk_behind (tl_tag_walk *w, const tl_model *m, const tl_tag *t);

#endif

/* core/web/list.h — an answer that is a JSON list of what is in the model. A list of 100,000 is
** made while it is sent, a hundred elements at a time, so that the loop has its turn in between. */
#ifndef TL_WEB_LIST_H
#define TL_WEB_LIST_H

#include "model/walk.h"
#include "web/web_impl.h"

enum { TL_LIST_SLICE = 100, TL_LIST_BLOCK = 8 * 1024 };

typedef struct tl_list tl_list;
struct tl_list {
  request *r;
  /* Go on by one, and add it if it is wanted; *steps: how many may be looked at, counted down.
  ** False: none is left (walk.done), or no step is. */
  bool (*add_next)(tl_list *l, const tl_model *m, int *steps);
  tl_buf match;     /* NUL-terminated; empty: all */
  tl_buf out;       /* what was made and not handed on yet, from `given` on */
  size_t given;     /* bytes */
  uint64_t left;    /* elements that may come */
  tl_tag_walk walk; /* in the model, which may grow or change meanwhile */
  bool begun, some, done;
};

/* Answer with the list, by the request's parameters match, limit and after. `behind`: the walk goes
** on behind what has this full name; false: there is none, and `kind` is what it should be. */
void tl_list_answer (request *r, const char *kind,
                     bool (*behind)(tl_tag_walk *walk, const tl_model *m, tl_slice name),
                     bool (*add_next)(tl_list *l, const tl_model *m, int *steps));
void tl_list_element (tl_list *l); /* an element follows in `out` */

#endif

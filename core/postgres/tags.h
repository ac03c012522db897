/* core/postgres/tags.h — which id a tag has in the database, and what the database knows of it.
** Pure. */
#ifndef TL_POSTGRES_TAGS_H
#define TL_POSTGRES_TAGS_H

#include "base/map.h"
#include "outlet/outlet.h"

/* A tag of one name and type. */
typedef struct {
  tl_buf key, facts; /* type byte and name; unit, description and keep as they were last sent */
  uint32_t id;       /* 0: not known yet */
  int64_t keep_ms;
  bool known; /* the database has these facts */
  bool asked; /* it is in the list of tags to be sent */
} tl_pg_tag;

typedef struct {
  tl_map map;
} tl_pg_tags;

void tl_pg_tags_init (tl_pg_tags *t);
void tl_pg_tags_fini (tl_pg_tags *t);
/* Forget what the database knows: it may be another one, or one that was restored. */
void tl_pg_tags_forget (tl_pg_tags *t);
/* The tag of a series, made when it is new; `known` is false where its facts changed. NULL: no
** memory. */
tl_pg_tag *tl_pg_tags_of (tl_pg_tags *t, const tl_series *s);
tl_pg_tag *tl_pg_tags_find (tl_pg_tags *t, tl_slice name, tl_slice type); /* NULL: none */

#endif

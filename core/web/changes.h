/* core/web/changes.h — which values changed, in the order of their last change: one list for all
** readers, each with a mark in it. A value that changes again moves to the end, so a reader gets
** the last one only, a slow one fewer, and the list is never longer than there are tags. Knows no
** HTTP. */
#ifndef TL_WEB_CHANGES_H
#define TL_WEB_CHANGES_H

#include "base/map.h"
#include "model/model.h"

/* A place in the list: a tag that changed, or a reader's mark. */
typedef struct tl_changes_place {
  struct tl_changes_place *before, *behind;
  uint64_t number; /* of its last change; 0: a mark */
} tl_changes_place;

typedef struct {
  tl_changes_place end; /* the ring's: behind it is the oldest */
  tl_map names;         /* full name → tl_changed_tag */
  uint64_t last;        /* the newest change's number */
} tl_changes;

typedef struct {
  tl_changes_place at; /* first */
  uint32_t len;
  char name[]; /* NUL-terminated */
} tl_changed_tag;

void tl_changes_init (tl_changes *c);
/* Forgets all changes; marks stay, at the end. */
void tl_changes_clear (tl_changes *c);
void tl_changes_fini (tl_changes *c); /* without marks in it */
/* This tag changed now. TL_ENOMEM: it is not noted. */
int tl_changes_add (tl_changes *c, tl_slice name);
/* Put a mark that is in no list yet behind all changes up to this number. */
void tl_changes_mark (tl_changes *c, tl_changes_place *mark, uint64_t number);
void tl_changes_unmark (tl_changes_place *mark);
/* The next tag behind the mark, which moves behind it; NULL: there is none. */
const tl_changed_tag *tl_changes_next (tl_changes *c, tl_changes_place *mark);

#endif

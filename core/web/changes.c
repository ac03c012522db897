/* core/web/changes.c — see changes.h. */
#include "web/changes.h"

#include <stdlib.h>

void tl_changes_init (tl_changes *c) {
  *c = (tl_changes){ .last = 0 };
  c->end.before = c->end.behind = &c->end;
  tl_map_init(&c->names);
}

static void take_out (tl_changes_place *at) {
  at->before->behind = at->behind;
  at->behind->before = at->before;
}

static void put_before (tl_changes_place *at, tl_changes_place *next) {
  at->behind = next;
  at->before = next->before;
  next->before->behind = at;
  next->before = at;
}

void tl_changes_clear (tl_changes *c) {
  for (tl_changes_place *at = c->end.behind, *next; at != &c->end; at = next) {
    next = at->behind;
    if (at->number == 0) continue;
    take_out(at);
    free(at);
  }
  tl_map_fini(&c->names);
  tl_map_init(&c->names);
}

void tl_changes_fini (tl_changes *c) {
  tl_changes_clear(c);
  tl_map_fini(&c->names);
}

int tl_changes_add (tl_changes *c, tl_slice name) {
  tl_changed_tag *t = tl_map_get(&c->names, name);
  if (t) {
    take_out(&t->at);
  } else {
    t = malloc(sizeof *t + name.len + 1);
    if (!t) return TL_ENOMEM;
    t->len = (uint32_t)name.len;
    memcpy(t->name, name.at, name.len);
    t->name[name.len] = '\0';
    if (tl_map_put(&c->names, tl_slice_of(t->name, name.len), t) < 0) {
      free(t);
      return TL_ENOMEM;
    }
  }
  t->at.number = ++c->last;
  put_before(&t->at, &c->end);
  return TL_OK;
}

void tl_changes_mark (tl_changes *c, tl_changes_place *mark, uint64_t number) {
  tl_changes_place *next = &c->end;
  while (next->before != &c->end && (next->before->number == 0 || next->before->number > number))
    next = next->before;
  mark->number = 0;
  put_before(mark, next);
}

void tl_changes_unmark (tl_changes_place *mark) {
  if (!mark->behind) return;
  take_out(mark);
  mark->behind = mark->before = NULL;
}

const tl_changed_tag *tl_changes_next (tl_changes *c, tl_changes_place *mark) {
  tl_changes_place *at = mark->behind;
  while (at != &c->end && at->number == 0) at = at->behind;
  if (at == &c->end) return NULL;
  take_out(mark);
  put_before(mark, at->behind);
  return (const tl_changed_tag *)at;
}

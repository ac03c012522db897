/* core/script/decode_list.c — the list of values that decode returned: gathered, sorted, set into
** tags. Must not know how a decoder returns them. */
#include <stdlib.h>
#include <string.h>

#include "script/decode_impl.h"

enum { FEW = 24 /* up to so many values are sorted by insertion */ };

void tl_taking_room (tl_taking *t, size_t room) {
  tl_pending_value *more = lua_newuserdatauv(t->L, room * sizeof *more, 0);
  memcpy(more, t->list, t->n * sizeof *more);
  lua_replace(t->L, t->base);
  t->list = more;
  t->room = room;
}

tl_slice tl_taking_keep (tl_taking *t, tl_slice text) {
  lua_State *L = t->L;
  size_t len;
  luaL_checkstack(L, LUA_MINSTACK, "too many texts");
  if (lua_type(L, -1) == LUA_TSTRING)
    lua_pushvalue(L, -1);
  else
    /* the text of a number is in a scratch buffer, so it is copied */
    lua_pushlstring(L, (const char *)text.at, text.len);
  const char *kept = lua_tolstring(L, -1, &len);
  lua_insert(L, t->base + ++t->texts);
  return tl_slice_of(kept, len);
}

void tl_taking_unknown (tl_taking *t, const char *name) {
  tl_buf scope, text;
  tl_buf_init(&scope);
  tl_buf_init(&text);
  tl_station_full_name(t->station, &scope);
  tl_buf_byte(&scope, '\0');
  tl_buf_fmt(
      &text,
      "decode returned a value for '%.100s%s', but the station has no such tag (logged once)", name,
      strlen(name) > 100 ? "…" : "");
  bool live = t->script->gateway &&
              /* not in a copy that explain made */
              t->station->line->model == tl_gateway_model(t->script->gateway);
  if (live && !text.failed)
    tl_failure_note(t->script, t->station, NULL, "names", tl_buf_bytes(&text));
  if (!scope.failed && !text.failed)
    tl_script_log_error(t->script, (const char *)scope.at, tl_buf_bytes(&text));
  tl_buf_fini(&scope);
  tl_buf_fini(&text);
}

/* --- the order of tags --- */

static int by_tag (const void *a, const void *b) {
  return ((const tl_pending_value *)a)->tag - ((const tl_pending_value *)b)->tag;
}

/* Sort many values by tag with a counting sort. */
static void sort_many (tl_taking *t, tl_pending_value *list, size_t n) {
  size_t tags = t->plan->tag_count;
  if (tags / 8 > n) {
    qsort(list, n, sizeof *list, by_tag);
    return;
  }
  tl_pending_value *copy = lua_newuserdatauv(t->L, n * sizeof *copy + tags * sizeof(uint32_t), 0);
  uint32_t *which = (uint32_t *)(void *)(copy + n);
  memcpy(copy, list, n * sizeof *copy);
  memset(which, 0, tags * sizeof *which);
  for (size_t i = 0; i < n; i++) which[copy[i].tag] = (uint32_t)i + 1;
  for (size_t tag = 0, at = 0; tag < tags; tag++)
    if (which[tag] != 0) list[at++] = copy[which[tag] - 1];
  lua_pop(t->L, 1);
}

void tl_taking_sort (tl_taking *t, tl_pending_value *list, size_t n) {
  size_t sorted = 1;
  while (sorted < n && list[sorted - 1].tag <= list[sorted].tag) sorted++;
  if (sorted < n && n > FEW) {
    sort_many(t, list, n);
    return;
  }
  for (size_t i = sorted; i < n; i++) {
    if (list[i - 1].tag <= list[i].tag) continue;
    tl_pending_value one = list[i];
    size_t at = i;
    for (; at > 0 && list[at - 1].tag > one.tag; at--) list[at] = list[at - 1];
    list[at] = one;
  }
}

/* --- into tags --- */

void tl_taking_set (const tl_taking *t) {
  tl_station *s = t->station;
  for (size_t i = 0; i < t->n; i++) {
    const tl_pending_value *p = &t->list[i];
    if (p->tag >= s->plan->tag_count || s->plan->tags[p->tag].type != p->type) continue;
    tl_tag *tag = &s->tags[p->tag];
    if (p->how == TL_TAKEN_MISSING)
      tl_tag_missing(tag, p->time_ms);
    else if (p->how != TL_TAKEN_VALID)
      tl_tag_invalidate(tag, (tl_reason)p->how, p->time_ms);
    /* no memory */
    else if (!tl_tag_receive(tag, &p->value, p->time_ms))
      tl_tag_invalidate(tag, TL_REASON_MISSING, p->time_ms);
    if (s->off || s->simulated) return;
  }
}

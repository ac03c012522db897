/* core/postgres/tags.c — see tags.h. */
#include "postgres/tags.h"

#include <stdlib.h>

void tl_pg_tags_init (tl_pg_tags *t) { tl_map_init(&t->map); }

static void free_tag (tl_pg_tag *tag) {
  tl_buf_fini(&tag->key);
  tl_buf_fini(&tag->facts);
  free(tag);
}

void tl_pg_tags_fini (tl_pg_tags *t) {
  tl_slice key;
  void *tag;
  for (uint32_t i = 0; tl_map_next(&t->map, &i, &key, &tag);) free_tag(tag);
  tl_map_fini(&t->map);
}

void tl_pg_tags_forget (tl_pg_tags *t) {
  tl_slice key;
  void *tag;
  for (uint32_t i = 0; tl_map_next(&t->map, &i, &key, &tag);)
    ((tl_pg_tag *)tag)->known = ((tl_pg_tag *)tag)->asked = false;
}

static tl_pg_tag *find (tl_pg_tags *t, uint8_t type, tl_slice name) {
  uint8_t small[256], *key = name.len < sizeof small ? small : malloc(name.len + 1);
  if (!key) return NULL;
  key[0] = type;
  memcpy(key + 1, name.at, name.len);
  tl_pg_tag *tag = tl_map_get(&t->map, tl_slice_of(key, name.len + 1));
  if (key != small) free(key);
  return tag;
}

tl_pg_tag *tl_pg_tags_find (tl_pg_tags *t, tl_slice name, tl_slice type) {
  tl_type of;
  return tl_type_from_name(type, &of) ? find(t, (uint8_t)of, name) : NULL;
}

static tl_pg_tag *make (tl_pg_tags *t, const tl_series *s) {
  tl_pg_tag *tag = calloc(1, sizeof *tag);
  if (!tag) return NULL;
  tl_buf_byte(&tag->key, s->type);
  tl_buf_slice(&tag->key, s->name);
  if (tag->key.failed || tl_map_put(&t->map, tl_buf_bytes(&tag->key), tag) < 0) {
    free_tag(tag);
    return NULL;
  }
  return tag;
}

static bool same_facts (const tl_pg_tag *tag, const tl_series *s) {
  tl_slice facts = tl_buf_bytes(&tag->facts);
  size_t unit = s->unit.len, description = s->description.len;
  if (tag->keep_ms != s->keep_ms || facts.len != unit + description + 1) return false;
  return tl_slice_eq(tl_slice_of(facts.at, unit), s->unit) && facts.at[unit] == 0 &&
         tl_slice_eq(tl_slice_of(facts.at + unit + 1, description), s->description);
}

tl_pg_tag *tl_pg_tags_of (tl_pg_tags *t, const tl_series *s) {
  tl_pg_tag *tag = find(t, s->type, s->name);
  if (!tag) tag = make(t, s);
  if (!tag || same_facts(tag, s)) return tag;
  tl_buf_clear(&tag->facts);
  tl_buf_slice(&tag->facts, s->unit);
  tl_buf_byte(&tag->facts, 0);
  tl_buf_slice(&tag->facts, s->description);
  tag->keep_ms = s->keep_ms;
  tag->known = tag->asked = false;
  return tag->facts.failed ? NULL : tag;
}

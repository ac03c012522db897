/* core/discover/heard.c — see heard.h. A message of a known topic costs one look-up and one copy of
** its payload. */
#include "discover/heard.h"

#include <stdlib.h>

#include "base/map.h"

enum { FIRST, LONGEST, LAST };

const tl_heard_limits tl_heard_usual = { 100000, (size_t)256 << 20, 65536 };

typedef struct {
  tl_heard_topic facts;
  uint8_t *kept[TL_HEARD_SAMPLES];
  size_t room[TL_HEARD_SAMPLES]; /* of kept, counted in `used` */
  uint8_t topic[];
} entry;

struct tl_heard {
  tl_heard_limits limits;
  tl_map by_topic;
  entry **all;
  size_t count, cap;
  tl_heard_totals sum;
};

int tl_heard_new (tl_heard **out, const tl_heard_limits *limits) {
  tl_heard *c = calloc(1, sizeof *c);
  if (!c) return TL_ENOMEM;
  c->limits = *limits;
  tl_map_init(&c->by_topic);
  *out = c;
  return TL_OK;
}

void tl_heard_free (tl_heard *c) {
  if (!c) return;
  for (size_t i = 0; i < c->count; i++) {
    for (int k = 0; k < TL_HEARD_SAMPLES; k++) free(c->all[i]->kept[k]);
    free(c->all[i]);
  }
  tl_map_fini(&c->by_topic);
  free(c->all);
  free(c);
}

static bool fits (const tl_heard *c, size_t bytes) {
  return c->limits.bytes - c->sum.used >= bytes;
}

static bool make_room (tl_heard *c) {
  if (c->count < c->cap) return true;
  size_t cap = c->cap ? c->cap * 2 : 64;
  entry **all = realloc(c->all, cap * sizeof(entry *));
  if (!all) return false;
  c->all = all;
  c->cap = cap;
  return true;
}

/* NULL: there is no room for another topic. */
static entry *add_topic (tl_heard *c, tl_slice topic, int64_t wall) {
  size_t size = sizeof(entry) + topic.len;
  if (c->count >= c->limits.topics || !fits(c, size) || !make_room(c)) return NULL;
  entry *e = calloc(1, size);
  if (!e) return NULL;
  memcpy(e->topic, topic.at, topic.len);
  e->facts.topic = tl_slice_of(e->topic, topic.len);
  e->facts.first = wall;
  if (tl_map_put(&c->by_topic, e->facts.topic, e) != TL_OK) {
    free(e);
    return NULL;
  }
  c->all[c->count++] = e;
  c->sum.used += size;
  c->sum.unkept++;
  return e;
}

/* False: there is no room for it. */
static bool keep (tl_heard *c, entry *e, int which, tl_slice payload, bool retained, int64_t wall) {
  size_t need = payload.len > 0 ? payload.len : 1;
  if (!payload.at || payload.len > c->limits.sample) return false;
  if (need > e->room[which]) {
    if (!fits(c, need - e->room[which])) return false;
    uint8_t *at = realloc(e->kept[which], need);
    if (!at) return false;
    e->kept[which] = at;
    c->sum.used += need - e->room[which];
    e->room[which] = need;
  }
  if (payload.len > 0) memcpy(e->kept[which], payload.at, payload.len);
  e->facts.samples[which] =
      (tl_heard_sample){ tl_slice_of(e->kept[which], payload.len), wall, retained };
  return true;
}

static void keep_some (tl_heard *c, entry *e, tl_slice payload, bool retained, int64_t wall) {
  tl_heard_sample *samples = e->facts.samples;
  if (!samples[FIRST].payload.at) {
    if (keep(c, e, FIRST, payload, retained, wall)) c->sum.unkept--;
    return;
  }
  size_t longest =
      samples[LONGEST].payload.at ? samples[LONGEST].payload.len : samples[FIRST].payload.len;
  if (payload.len > longest) keep(c, e, LONGEST, payload, retained, wall);
  keep(c, e, LAST, payload, retained, wall);
}

void tl_heard_add (tl_heard *c, tl_slice topic, tl_slice payload, size_t size, bool retained,
                   int64_t wall) {
  c->sum.messages++;
  c->sum.bytes += size;
  entry *e = tl_map_get(&c->by_topic, topic);
  if (!e) e = add_topic(c, topic, wall);
  if (!e) {
    c->sum.over++;
    return;
  }
  tl_heard_topic *t = &e->facts;
  if (t->count == 0 || size < t->smallest) t->smallest = size;
  if (size > t->largest) t->largest = size;
  t->count++;
  t->bytes += size;
  t->retained += retained;
  t->last = wall;
  keep_some(c, e, payload, retained, wall);
}

size_t tl_heard_count (const tl_heard *c) { return c->count; }

const tl_heard_topic *tl_heard_at (const tl_heard *c, size_t i) { return &c->all[i]->facts; }

tl_heard_totals tl_heard_sum (const tl_heard *c) { return c->sum; }

/* core/route/find.c — from a topic to its station: one hash and one or two lookups for a topic
** seen before. Pure. */
#include "route/router.h"

#include "route/router_impl.h"

static void set_wills (tl_route *route, const tl_will_set *wills) {
  route->wills = !wills ? NULL : wills->targets;
  route->will_count = !wills ? 0 : wills->count;
}

static const tl_route *answer (tl_router *r, tl_slice kept, bool remembered, void *target,
                               tl_route_by by, const void *wills) {
  r->last = kept;
  r->last_remembered = remembered;
  r->route.target = target;
  r->route.by = by;
  set_wills(&r->route, wills);
  r->route.groups = NULL;
  r->route.group_count = 0;
  r->route.pattern = NULL;
  r->route.no_memory = false;
  return &r->route;
}

static tl_route_by by_of (const tl_router *r, const tl_memo *memo) {
  if (memo->instance) return TL_BY_EXACT;
  if (!memo->station) return TL_BY_NOTHING;
  return memo->station == r->rest ? TL_BY_REST : TL_BY_REGEX;
}

static const tl_route *answer_memo (tl_router *r, const tl_memo *memo) {
  answer(r, tl_memo_topic(memo), true, memo->target, by_of(r, memo), memo->wills);
  if (memo->group_count > 0) {
    r->route.groups = memo->groups;
    r->route.group_count = memo->group_count;
    r->route.pattern = ((const tl_route_station *)memo->station)->regex->pattern;
  }
  return &r->route;
}

typedef struct {
  tl_router *r;
  tl_slice topic;
  int groups;
  bool failed; /* there was no memory */
} trial;

static bool try_regex (void *ctx, const tl_route_station *s) {
  trial *t = ctx;
  if (!tl_route_station_has_text(s, t->topic)) return false;
  int rc =
      tl_pattern_match(s->regex->pattern, t->topic, t->r->groups, (int)t->r->regexes.groups_max);
  if (rc == TL_ENOMEM) t->failed = true;
  if (rc == TL_ELIMIT) {
    t->r->limit_hits++;
    /* the sum is used up by other patterns, so this one is not reported */
    bool untried = tl_pattern_sum_is_over();
    if (t->r->given_up && !untried) t->r->given_up(t->r->given_up_ctx, s->target, t->topic);
  }
  if (rc <= 0) return false;
  t->groups = rc;
  return true;
}

/* There was no time, or no memory, to try all the regexes: nobody is known to take the topic,
** and its next message is asked about anew. */
static const tl_route *give_up (tl_router *r, const void *wills, bool no_memory) {
  answer(r, tl_slice_of(NULL, 0), false, NULL, TL_BY_GIVEN_UP, wills);
  r->route.no_memory = no_memory;
  return &r->route;
}

/* A topic not seen before, or no more. Exact addresses were tried. */
static const tl_route *decide (tl_router *r, tl_slice topic, uint32_t hash) {
  trial t = { r, topic, 0, false };
  r->misses++;
  const tl_route_station *s = tl_regexes_visit(&r->regexes, topic, try_regex, &t);
  const void *wills =
      r->wills.by_topic.live > 0 ? tl_map_get_hashed(&r->wills.by_topic, topic, hash) : NULL;
  if (t.failed || (!s && tl_pattern_sum_is_over())) return give_up(r, wills, t.failed);
  /* an address without groups has no captures to tell */
  uint32_t groups = s && t.groups > 1 ? (uint32_t)t.groups : 0;
  if (!s) s = r->rest;
  void *target = !s ? NULL : s->target;
  tl_memo *memo = tl_memory_add(&r->memory, topic, r->groups, groups);
  if (memo) {
    memo->target = target;
    memo->station = s;
    memo->wills = wills;
    return answer_memo(r, memo);
  }
  tl_route_by by = s == r->rest ? TL_BY_REST : TL_BY_REGEX;
  answer(r, tl_slice_of(NULL, 0), false, target, s ? by : TL_BY_NOTHING, wills);
  if (groups > 0) {
    r->route.groups = r->groups;
    r->route.group_count = groups;
    r->route.pattern = s->regex->pattern;
  }
  return &r->route;
}

const tl_route *tl_router_find (tl_router *r, tl_slice topic) {
  if (topic.len == r->last.len && topic.len > 0 && memcmp(topic.at, r->last.at, topic.len) == 0) {
    r->hits += r->last_remembered;
    return &r->route;
  }
  uint32_t hash = tl_hash(topic.at, topic.len);
  if (r->hash) {
    const void *wills =
        r->wills.by_topic.live > 0 ? tl_map_get_hashed(&r->wills.by_topic, topic, hash) : NULL;
    return answer(r, tl_slice_of(NULL, 0), false, r->hash->target, TL_BY_HASH, wills);
  }
  const tl_route_station *s = tl_map_get_hashed(&r->stations, topic, hash);
  if (s) return answer(r, tl_route_station_address(s), false, s->target, TL_BY_EXACT, s->wills);
  tl_memo *memo = tl_map_get_hashed(&r->memory.by_topic, topic, hash);
  if (!memo) return decide(r, topic, hash);
  memo->used = true;
  r->hits++;
  return answer_memo(r, memo);
}

int tl_router_remember (tl_router *r, tl_slice topic, void *target) {
  if (tl_map_get(&r->stations, topic)) return TL_EEXIST;
  tl_memo *memo = tl_map_get(&r->memory.by_topic, topic);
  if (!memo) {
    if (topic.len > r->memory.max_bytes || r->memory.max_topics == 0) return TL_EFULL;
    decide(r, topic, tl_hash(topic.at, topic.len));
    memo = tl_map_get(&r->memory.by_topic, topic);
    if (!memo) return TL_ENOMEM;
  }
  if (!memo->station) return TL_ENOENT;
  memo->target = target;
  memo->instance = true;
  tl_router_ask_anew(r); /* r->route itself stays as it is: the caller may still read its groups */
  return TL_OK;
}

bool tl_router_match (tl_router *r, tl_slice address, tl_slice topic, tl_route *route) {
  const tl_route_station *s = tl_map_get(&r->stations, address);
  trial t = { r, topic, 0, false };
  if (!s || !s->regex) return false;
  tl_router_ask_anew(r); /* the last answer may stand in the room for groups */
  if (!try_regex(&t, s)) return false;
  *route = (tl_route){ .target = s->target,
                       .by = TL_BY_REGEX,
                       .groups = r->groups,
                       .group_count = (uint32_t)t.groups,
                       .pattern = s->regex->pattern };
  return true;
}

/* core/route/router.c — adding and removing: what is known, and which remembered answers a
** change makes wrong. Pure. */
#include "route/router.h"

#include <assert.h>
#include <stdlib.h>

#include "route/router_impl.h"

int tl_router_new (tl_router **out, size_t max_topics, size_t max_bytes) {
  tl_router *r = calloc(1, sizeof *r);
  if (!r) return TL_ENOMEM;
  tl_map_init(&r->stations);
  tl_regexes_init(&r->regexes);
  tl_wills_init(&r->wills);
  tl_memory_init(&r->memory, max_topics, max_bytes);
  *out = r;
  return TL_OK;
}

/* The router must not be used between the calls. */
bool tl_router_free_some (tl_router *r, uint32_t *at, uint32_t most) {
  tl_slice address;
  void *s;
  for (uint32_t n = 0; n < most && r->memory.count > 0; n++)
    free(r->memory.ring[--r->memory.count]);
  if (r->memory.count > 0) return false;
  for (uint32_t n = 0; tl_map_next(&r->stations, at, &address, &s);) {
    tl_route_station_free(s);
    if (++n == most) return false;
  }
  tl_router_forget_order(r);
  tl_regexes_fini(&r->regexes);
  tl_map_fini(&r->stations);
  tl_route_station_free(r->hash);
  tl_route_station_free(r->rest);
  tl_wills_fini(&r->wills);
  tl_memory_fini(&r->memory);
  free(r->groups);
  free(r);
  return true;
}

void tl_router_free (tl_router *r) {
  uint32_t at = 0;
  if (r) tl_router_free_some(r, &at, UINT32_MAX);
}

static void forget_topic (tl_router *r, tl_slice topic) {
  tl_memo *memo = tl_map_get(&r->memory.by_topic, topic);
  tl_router_ask_anew(r);
  if (memo) tl_memory_forget(&r->memory, memo);
}

static void forget_all (tl_router *r) {
  tl_router_ask_anew(r);
  tl_memory_clear(&r->memory);
}

/* '#' and '.*' have a place of their own. */
static tl_route_station **special_place (tl_router *r, tl_slice address) {
  if (tl_slice_eq(address, TL_LIT("#"))) return &r->hash;
  if (tl_slice_eq(address, TL_LIT(".*"))) return &r->rest;
  return NULL;
}

static int add_special (tl_router *r, tl_route_station **place, tl_slice address, void *target,
                        tl_err *err) {
  int rc = tl_route_station_new(place, address, target, false, err);
  if (rc == TL_OK) forget_all(r);
  return rc;
}

static int add_regex (tl_router *r, tl_route_station *s) {
  uint32_t groups = (uint32_t)tl_pattern_group_count(s->regex->pattern) + 1;
  if (groups > r->regexes.groups_max || !r->groups) {
    tl_group *room = realloc(r->groups, groups * sizeof *room);
    if (!room) return TL_ENOMEM;
    r->groups = room;
  }
  int rc = tl_regexes_add(&r->regexes, s);
  /* it may come before any regex that answered, and before "nobody" */
  if (rc == TL_OK) forget_all(r);
  return rc;
}

int tl_router_add (tl_router *r, tl_slice address, void *target, tl_err *err) {
  tl_route_station **place = special_place(r, address), *s = NULL;
  if ((place && *place) || tl_map_get(&r->stations, address))
    return tl_fail(err, TL_EEXIST, 0, "another station has the address '%.*s'", TL_ARG(address));
  if (address.len == 0) return tl_fail(err, TL_ESYNTAX, 0, "an address has at least one character");
  if (address.len > UINT16_MAX)
    return tl_fail(err, TL_ESYNTAX, UINT16_MAX, "an address has at most 65535 bytes");
  if (place) return add_special(r, place, address, target, err);
  int rc = tl_route_station_new(&s, address, target, !tl_address_is_plain(address), err);
  if (rc != TL_OK) return rc;
  tl_router_forget_order(r);
  rc = tl_map_put(&r->stations, tl_route_station_address(s), s);
  if (rc == TL_OK && s->regex && (rc = add_regex(r, s)) != TL_OK) tl_map_del(&r->stations, address);
  if (rc != TL_OK) {
    tl_route_station_free(s);
    return tl_fail(err, rc, 0, "no memory");
  }
  s->wills = tl_map_get(&r->wills.by_topic, address);
  forget_topic(r, address);
  return TL_OK;
}

static void remove_station (tl_router *r, tl_route_station *s) {
  tl_router_forget_order(r);
  tl_map_del(&r->stations, tl_route_station_address(s));
  tl_router_ask_anew(r);
  if (s->regex) {
    tl_regexes_remove(&r->regexes, s);
    forget_all(r);
  }
  tl_route_station_free(s);
}

int tl_router_remove (tl_router *r, tl_slice address) {
  tl_route_station **place = special_place(r, address), *s = tl_map_get(&r->stations, address);
  if (place) {
    if (!*place) return TL_ENOENT;
    tl_route_station_free(*place);
    *place = NULL;
    forget_all(r);
    return TL_OK;
  }
  if (s) {
    remove_station(r, s);
    return TL_OK;
  }
  tl_memo *memo = tl_map_get(&r->memory.by_topic, address);
  if (!memo || !memo->instance) return TL_ENOENT;
  forget_topic(r, address);
  return TL_OK;
}

void tl_router_forget (tl_router *r, const void *target) {
  tl_router_ask_anew(r);
  for (uint32_t i = 0; i < r->memory.count;) {
    tl_memo *memo = r->memory.ring[i];
    /* the last one comes to this place */
    if (memo->target == target)
      tl_memory_forget(&r->memory, memo);
    else
      i++;
  }
}

/* The wills of a topic have changed: update them where an answer for the topic is kept, in its
** station and in the memory. */
static void wills_changed (tl_router *r, tl_slice topic) {
  tl_route_station *s = tl_map_get(&r->stations, topic);
  if (s) s->wills = tl_map_get(&r->wills.by_topic, topic);
  tl_memo *memo = tl_map_get(&r->memory.by_topic, topic);
  if (memo) memo->wills = tl_map_get(&r->wills.by_topic, topic);
  tl_router_ask_anew(r);
}

int tl_router_add_will (tl_router *r, tl_slice topic, void *target) {
  int rc = tl_wills_add(&r->wills, topic, target);
  if (rc == TL_OK) wills_changed(r, topic);
  return rc;
}

int tl_router_remove_will (tl_router *r, tl_slice topic, void *target) {
  int rc = tl_wills_remove(&r->wills, topic, target);
  if (rc == TL_OK) wills_changed(r, topic);
  return rc;
}

void tl_router_on_limit (tl_router *r, void (*given_up)(void *ctx, void *target, tl_slice topic),
                         void *ctx) {
  r->given_up = given_up;
  r->given_up_ctx = ctx;
}

void tl_router_get_stats (const tl_router *r, tl_router_stats *out) {
  uint32_t regexes = r->regexes.count;
  *out = (tl_router_stats){ .exact = r->stations.live - regexes,
                            .regexes = regexes,
                            .remembered = r->memory.count,
                            .hits = r->hits,
                            .misses = r->misses,
                            .limit_hits = r->limit_hits };
}

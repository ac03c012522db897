/* core/route/router.h — which station takes a topic. Pure: no libuv, no Lua, no clock.
**
** Priority (reference, station address): a station '#' takes everything; else an address equal
** to the topic; else addresses as PCRE2 expressions that match the whole topic, in descending
** byte order of the address; else the station '.*'. Answers are remembered (bounded), so that
** the cost for a topic seen before does not grow with the number of stations. */
#ifndef TL_ROUTE_ROUTER_H
#define TL_ROUTE_ROUTER_H

#include "base/pattern.h"
#include "base/slice.h"

typedef struct tl_router tl_router;

typedef enum {
  TL_BY_NOTHING,
  TL_BY_HASH,
  TL_BY_EXACT,
  TL_BY_REGEX,
  TL_BY_REST,    /* '.*' */
  TL_BY_GIVEN_UP /* the regexes take too long for this topic, together; or there is no memory */
} tl_route_by;

/* Where a topic goes. Borrowed: valid until the next call that changes the router or looks up
** another topic. */
typedef struct {
  void *target; /* NULL: no station takes it */
  tl_route_by by;
  /* targets whose will topic this is (they may also be `target`), in the order they were added */
  void *const *wills;
  uint32_t will_count;
  /* regex captures, group 0 first, as offsets into the topic; NULL when the address has none */
  const tl_group *groups;
  uint32_t group_count;
  const tl_pattern *pattern; /* the pattern behind `groups`, for names; NULL otherwise */
  bool no_memory;            /* of TL_BY_GIVEN_UP: not for want of time */
} tl_route;

/* max_topics: how many answers are remembered (one that was not used lately goes first);
** max_bytes: of topic text in them. Exact answers need no memory and are not counted. */
int tl_router_new (tl_router **out, size_t max_topics, size_t max_bytes);
void tl_router_free (tl_router *r);
/* The same in pieces of so many addresses and remembered topics. *at: 0 at the first call, then
** untouched; no other function may be called any more. True: it is freed. */
bool tl_router_free_some (tl_router *r, uint32_t *at, uint32_t most);

/* Add a target under an address. The address is copied. TL_EEXIST: the address is there already
** (err->text says so); TL_ESYNTAX: as a regex it does not compile (err->at is the offset). An
** address without regex characters needs no regex. */
int tl_router_add (tl_router *r, tl_slice address, void *target, tl_err *err);
int tl_router_remove (tl_router *r, tl_slice address); /* TL_OK or TL_ENOENT */
/* Many targets may share a will topic. TL_OK, TL_EEXIST (this target has it already) or
** TL_ENOMEM. */
int tl_router_add_will (tl_router *r, tl_slice topic, void *target);
int tl_router_remove_will (tl_router *r, tl_slice topic, void *target); /* TL_OK or TL_ENOENT */
/* The station that a regex station made for one device (named groups) takes this topic from now
** on: found like an exact entry, with the regex's groups. It is an answer in the memory: it
** makes room like the others, and a change of regexes forgets it. Then find() gives the regex
** station again, and its caller remembers again. remove(topic) forgets it. The route of the
** last find() stays valid over this call when it is of the same topic. TL_EEXIST: a station has
** that address; TL_ENOENT: no station takes the topic; TL_EFULL: the topic is too long for the
** memory; TL_ENOMEM. */
int tl_router_remember (tl_router *r, tl_slice topic, void *target);
/* Forget each remembered topic of this target: before it is freed. */
void tl_router_forget (tl_router *r, const void *target);

/* Who hears that the cost of a regex went over its limit for this topic. Called inside find(),
** for topics that are not remembered; must not change the router. NULL: nobody. */
void tl_router_on_limit (tl_router *r, void (*given_up)(void *ctx, void *target, tl_slice topic),
                         void *ctx);

/* Never NULL. The topic must be valid [MQTT-4.7.3-1]; regexes see it as UTF-8. A regex that a
** limit stops does not match, and is counted. */
const tl_route *tl_router_find (tl_router *r, tl_slice topic);

/* Does the regex of this address match the topic, whatever other stations there are? *route:
** its groups, for tl_route_captures; valid until the next call. */
bool tl_router_match (tl_router *r, tl_slice address, tl_slice topic, tl_route *route);

/* Tell how the decision falls: each candidate in the order it is tried, until one matches
** (plain addresses, which one lookup tries together, in descending byte order). `why` is a
** short text such as "level 2 is 'boiler', in the topic it is 'boilr'" or "regex does not
** match: it takes topics that end with '/up'"; what it quotes is cut. For a person: slow, not
** remembered. */
typedef void tl_route_visitor (void *ctx, tl_slice address, void *target, tl_route_by by,
                               bool matched, const char *why);
void tl_router_explain (tl_router *r, tl_slice topic, tl_route_visitor *visitor, void *ctx);

/* Is the address plain text (equal to the only topic it can match)? */
bool tl_address_is_plain (tl_slice address);

/* The named groups of a route, as slices of the topic; "" for one that took no part. At most
** TL_CAPTURES_MAX; the config refuses more. */
enum { TL_CAPTURES_MAX = 16 };
typedef struct {
  tl_slice names[TL_CAPTURES_MAX], values[TL_CAPTURES_MAX];
  size_t n;
} tl_captures;
void tl_route_captures (const tl_route *route, tl_slice topic, tl_captures *out);

typedef struct {
  uint32_t exact, regexes, remembered;
  uint64_t hits, misses; /* of the memory */
  uint64_t limit_hits;   /* regex matches given up for their cost */
} tl_router_stats;
void tl_router_get_stats (const tl_router *r, tl_router_stats *out);

#endif

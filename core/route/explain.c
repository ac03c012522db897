/* core/route/explain.c — how the decision for a topic falls, for a person. Pure. Asks every
** candidate itself, so that what it tells does not come from a memory. */
#include <stdio.h>
#include <stdlib.h>

#include "route/router.h"
#include "route/router_impl.h"

enum { WHY = 160, QUOTED = 32, PARTS = 64 };

typedef struct {
  tl_slice topic;
  tl_route_visitor *visitor;
  void *ctx;
  /* expressions that may still be compiled anew, to see whether a part of the topic matches */
  int parts;
} walk;

static bool visit (const walk *t, const tl_route_station *s, tl_route_by by, bool matched,
                   const char *why) {
  t->visitor(t->ctx, tl_route_station_address(s), s->target, by, matched, why);
  return matched;
}

static int descending (const void *a, const void *b) {
  const tl_route_station *const *left = a, *const *right = b;
  return tl_address_compare(tl_route_station_address(*right), tl_route_station_address(*left));
}

void tl_router_forget_order (tl_router *r) {
  free(r->sorted);
  r->sorted = NULL;
  r->sorted_count = 0;
}

/* All stations in descending byte order, kept until one comes or goes; NULL when there are none or
** no memory. */
static const tl_route_station **sorted (tl_router *r, uint32_t *count) {
  tl_slice address;
  void *s;
  uint32_t n = 0;
  if (!r->sorted && r->stations.live > 0) {
    r->sorted = malloc(r->stations.live * sizeof *r->sorted);
    if (r->sorted) {
      for (uint32_t i = 0; tl_map_next(&r->stations, &i, &address, &s);) r->sorted[n++] = s;
      qsort(r->sorted, n, sizeof *r->sorted, descending);
    }
    r->sorted_count = n;
  }
  *count = r->sorted_count;
  return r->sorted;
}

/* At most QUOTED bytes of a text, whole characters. */
static tl_slice head (tl_slice s) {
  if (s.len <= QUOTED) return s;
  size_t n = QUOTED;
  while (n > 0 && (s.at[n] & 0xC0) == 0x80) n--;
  return tl_slice_of(s.at, n);
}

static const char *dots (tl_slice s) { return s.len > QUOTED ? "…" : ""; }

static uint8_t small (uint8_t c) { return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c; }

static bool equal_but_for_case (tl_slice a, tl_slice b) {
  if (a.len != b.len) return false;
  for (size_t i = 0; i < a.len; i++)
    if (small(a.at[i]) != small(b.at[i])) return false;
  return true;
}

static tl_slice rest (tl_slice s, size_t from) { return tl_slice_of(s.at + from, s.len - from); }

/* The level that begins at `from`. */
static tl_slice level_at (tl_slice s, size_t from) {
  size_t to = from;
  while (to < s.len && s.at[to] != '/') to++;
  return tl_slice_of(s.at + from, to - from);
}

static void goes_on (char *why, const char *what, const char *other, tl_slice more) {
  snprintf(why, WHY, "the %s goes on after the %s: '%.*s%s'", what, other, TL_ARG(head(more)),
           dots(more));
}

/* In the levels that a person thinks in. */
static void explain_difference (char *why, tl_slice address, tl_slice topic) {
  size_t at = 0;
  for (int level = 1;; level++) {
    tl_slice a = level_at(address, at), t = level_at(topic, at);
    if (!tl_slice_eq(a, t)) {
      snprintf(why, WHY, "level %d is '%.*s%s', in the topic it is '%.*s%s'", level,
               TL_ARG(head(a)), dots(a), TL_ARG(head(t)), dots(t));
      return;
    }
    at += a.len;
    if (at == address.len) return goes_on(why, "topic", "address", rest(topic, at));
    if (at == topic.len) return goes_on(why, "address", "topic", rest(address, at));
    at++;
  }
}

static bool one_slash_more (tl_slice longer, tl_slice shorter) {
  return longer.len == shorter.len + 1 && longer.at[0] == '/' &&
         tl_slice_eq(rest(longer, 1), shorter);
}

static bool explain_exact (const walk *t, const tl_route_station *s) {
  char why[WHY];
  tl_slice address = tl_route_station_address(s);
  if (tl_slice_eq(address, t->topic))
    return visit(t, s, TL_BY_EXACT, true, "address equals the topic");
  if (s->regex) return false; /* its turn comes */
  if (equal_but_for_case(address, t->topic))
    snprintf(why, sizeof why, "the same but for upper and lower case");
  else if (one_slash_more(t->topic, address))
    snprintf(why, sizeof why, "the same, but the topic begins with '/'");
  else if (one_slash_more(address, t->topic))
    snprintf(why, sizeof why, "the same, but the address begins with '/'");
  else
    explain_difference(why, address, t->topic);
  return visit(t, s, TL_BY_EXACT, false, why);
}

static bool begins (tl_slice s, tl_slice with) {
  return s.len >= with.len && memcmp(s.at, with.at, with.len) == 0;
}

static bool ends (tl_slice s, tl_slice with) {
  return s.len >= with.len && memcmp(s.at + s.len - with.len, with.at, with.len) == 0;
}

/* The part of the topic that the expression matches. */
static tl_slice matched_part (walk *t, tl_slice address) {
  tl_pattern *p;
  tl_group whole;
  tl_err ignored;
  if (t->parts-- <= 0 || tl_pattern_new(&p, address, TL_PATTERN_UTF, &ignored) != TL_OK)
    return tl_slice_of(NULL, 0);
  int rc = tl_pattern_match(p, t->topic, &whole, 1);
  tl_pattern_free(p);
  return rc > 0 ? tl_slice_of(t->topic.at + whole.from, whole.to - whole.from)
                : tl_slice_of(NULL, 0);
}

static void explain_mismatch (walk *t, const tl_route_station *s, char *why) {
  tl_slice address = tl_route_station_address(s);
  tl_slice prefix = tl_slice_of(s->address + s->regex->prefix_at, s->regex->prefix_len);
  tl_slice suffix = tl_slice_of(s->address + s->regex->suffix_at, s->regex->suffix_len);
  int n = snprintf(why, WHY, "regex does not match");
  char *more = why + n;
  size_t room = WHY - (size_t)n;
  if (!begins(t->topic, prefix)) {
    snprintf(more, room, ": it takes topics that begin with '%.*s%s'", TL_ARG(head(prefix)),
             dots(prefix));
  } else if (!ends(t->topic, suffix)) {
    snprintf(more, room, ": it takes topics that end with '%.*s%s'", TL_ARG(head(suffix)),
             dots(suffix));
  } else {
    tl_slice part = matched_part(t, address);
    if (part.len > 0)
      snprintf(more, room, ": only '%.*s%s', and it must match the whole topic", TL_ARG(head(part)),
               dots(part));
  }
}

static bool explain_regex (walk *t, const tl_route_station *s) {
  char why[WHY] = "regex matches";
  if (!s->regex) return false;
  int rc = tl_pattern_match(s->regex->pattern, t->topic, NULL, 0);
  if (rc == TL_ELIMIT)
    snprintf(why, sizeof why,
             "regex takes too many steps on this topic: it counts as not matching");
  else if (rc <= 0)
    explain_mismatch(t, s, why);
  return visit(t, s, TL_BY_REGEX, rc > 0, why);
}

/* Explain all stations. An address equal to the topic wins over all expressions, so the plain
** addresses come first, then the expressions. */
static bool explain_stations (walk *t, const tl_route_station **all, uint32_t count) {
  for (uint32_t i = 0; i < count; i++)
    if (explain_exact(t, all[i])) return true;
  for (uint32_t i = 0; i < count; i++)
    if (explain_regex(t, all[i])) return true;
  return false;
}

void tl_router_explain (tl_router *r, tl_slice topic, tl_route_visitor *visitor, void *ctx) {
  walk t = { topic, visitor, ctx, PARTS };
  uint32_t count;
  if (r->hash) {
    visit(&t, r->hash, TL_BY_HASH, true, "'#' takes every topic");
    return;
  }
  const tl_route_station **all = sorted(r, &count);
  if (!explain_stations(&t, all, count) && r->rest)
    visit(&t, r->rest, TL_BY_REST, true, "'.*' takes what no other station takes");
}

/* core/route/station.c — stations, and regexes in lists by their literal prefix. Knows nothing
** of memory and wills. */
#include "route/station.h"

#include <stdlib.h>

#include "route/address.h"

static int make_regex (tl_station_regex **out, tl_slice address, tl_err *err) {
  tl_station_regex *x = calloc(1, sizeof *x);
  if (!x) return tl_fail(err, TL_ENOMEM, 0, "no memory");
  int rc = tl_pattern_new(&x->pattern, address, TL_PATTERN_WHOLE | TL_PATTERN_UTF | TL_PATTERN_LAZY,
                          err);
  if (rc != TL_OK) {
    free(x);
    return rc;
  }
  tl_address_hints hints = tl_address_hints_of(address);
  x->prefix_at = (uint32_t)(hints.prefix.at - address.at);
  x->prefix_len = (uint8_t)hints.prefix.len;
  x->suffix_at = (uint32_t)(hints.suffix.at - address.at);
  x->suffix_len = (uint16_t)hints.suffix.len; /* no pattern is longer than 65535 bytes */
  *out = x;
  return TL_OK;
}

int tl_route_station_new (tl_route_station **out, tl_slice address, void *target, bool regex,
                          tl_err *err) {
  tl_route_station *s = malloc(sizeof *s + address.len);
  if (!s) return tl_fail(err, TL_ENOMEM, 0, "no memory");
  *s = (tl_route_station){ .target = target, .len = (uint32_t)address.len };
  memcpy(s->address, address.at, address.len);
  int rc = regex ? make_regex(&s->regex, tl_route_station_address(s), err) : TL_OK;
  if (rc == TL_OK)
    *out = s;
  else
    free(s);
  return rc;
}

void tl_route_station_free (tl_route_station *s) {
  if (!s) return;
  if (s->regex) tl_pattern_free(s->regex->pattern);
  free(s->regex);
  free(s);
}

static tl_slice prefix_of (const tl_route_station *s) {
  return tl_slice_of(s->address + s->regex->prefix_at, s->regex->prefix_len);
}

bool tl_route_station_has_text (const tl_route_station *s, tl_slice topic) {
  const tl_station_regex *x = s->regex;
  return topic.len >= x->prefix_len && topic.len >= x->suffix_len &&
         memcmp(topic.at, s->address + x->prefix_at, x->prefix_len) == 0 &&
         memcmp(topic.at + topic.len - x->suffix_len, s->address + x->suffix_at, x->suffix_len) ==
             0;
}

int tl_address_compare (tl_slice a, tl_slice b) {
  size_t n = a.len < b.len ? a.len : b.len;
  int order = n > 0 ? memcmp(a.at, b.at, n) : 0;
  if (order != 0) return order;
  if (a.len < b.len) return -1;
  return a.len > b.len;
}

/* The regexes that share a prefix. The prefix in the map is that of the first: all have the
** same. */
typedef struct {
  uint32_t count, cap;
  const tl_route_station **at;
  uint8_t prefix[];
} list;

void tl_regexes_init (tl_regexes *x) { memset(x, 0, sizeof *x); }

static void free_list (list *l) {
  free(l->at);
  free(l);
}

void tl_regexes_fini (tl_regexes *x) {
  tl_slice prefix;
  void *l;
  for (uint32_t i = 0; tl_map_next(&x->by_prefix, &i, &prefix, &l);) free_list(l);
  tl_map_fini(&x->by_prefix);
  tl_regexes_init(x);
}

static list *list_for (tl_regexes *x, tl_slice prefix) {
  list *l = tl_map_get(&x->by_prefix, prefix);
  if (l) return l;
  l = calloc(1, sizeof *l + prefix.len);
  if (!l) return NULL;
  memcpy(l->prefix, prefix.at, prefix.len);
  if (tl_map_put(&x->by_prefix, tl_slice_of(l->prefix, prefix.len), l) == TL_OK) return l;
  free(l);
  return NULL;
}

/* Where in the list the address stands or belongs. */
static uint32_t place_of (const list *l, tl_slice address) {
  uint32_t low = 0, high = l->count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (tl_address_compare(tl_route_station_address(l->at[middle]), address) > 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* An empty list stays when the memory for its first station was refused: harmless, and fini
** frees it. */
int tl_regexes_add (tl_regexes *x, tl_route_station *s) {
  list *l = list_for(x, prefix_of(s));
  if (!l) return TL_ENOMEM;
  if (l->count == l->cap) {
    uint32_t cap = l->cap == 0 ? 1 : l->cap * 2;
    const tl_route_station **at = realloc(l->at, cap * sizeof(const tl_route_station *));
    if (!at) return TL_ENOMEM;
    l->at = at;
    l->cap = cap;
  }
  uint32_t place = place_of(l, tl_route_station_address(s));
  memmove(l->at + place + 1, l->at + place, (l->count - place) * sizeof(const tl_route_station *));
  l->at[place] = s;
  l->count++;
  x->count++;
  x->lengths |= (uint64_t)1 << s->regex->prefix_len;
  uint32_t groups = (uint32_t)tl_pattern_group_count(s->regex->pattern) + 1;
  if (groups > x->groups_max) x->groups_max = groups;
  return TL_OK;
}

static void update_lengths (tl_regexes *x) {
  tl_slice prefix;
  void *l;
  x->lengths = 0;
  for (uint32_t i = 0; tl_map_next(&x->by_prefix, &i, &prefix, &l);)
    x->lengths |= (uint64_t)1 << prefix.len;
}

void tl_regexes_remove (tl_regexes *x, const tl_route_station *s) {
  tl_slice prefix = prefix_of(s);
  list *l = tl_map_get(&x->by_prefix, prefix);
  uint32_t place = place_of(l, tl_route_station_address(s));
  l->count--;
  x->count--;
  memmove(l->at + place, l->at + place + 1, (l->count - place) * sizeof(const tl_route_station *));
  if (l->count > 0) return;
  tl_map_del(&x->by_prefix, prefix);
  free_list(l);
  update_lengths(x);
}

typedef struct {
  const tl_route_station *const *at, *const *end;
} cursor;

const tl_route_station *tl_regexes_visit (const tl_regexes *x, tl_slice topic, tl_regexes_try *try,
                                          void *ctx) {
  cursor cursors[64];
  uint32_t n = 0;
  for (size_t len = 0; len < 64 && len <= topic.len && x->lengths >> len != 0; len++) {
    if ((x->lengths >> len & 1) == 0) continue;
    const list *l = tl_map_get(&x->by_prefix, tl_slice_of(topic.at, len));
    if (l && l->count > 0) cursors[n++] = (cursor){ l->at, l->at + l->count };
  }
  while (n > 0) {
    uint32_t best = 0;
    for (uint32_t i = 1; i < n; i++) {
      tl_slice first = tl_route_station_address(*cursors[i].at);
      if (tl_address_compare(first, tl_route_station_address(*cursors[best].at)) > 0) best = i;
    }
    const tl_route_station *s = *cursors[best].at++;
    if (try(ctx, s)) return s;
    if (cursors[best].at == cursors[best].end) cursors[best] = cursors[--n];
  }
  return NULL;
}

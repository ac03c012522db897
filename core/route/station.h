/* core/route/station.h — what the router keeps of a station, and the regexes among them
** arranged so that a topic meets only those whose literal text it has. Knows nothing of memory
** and wills. */
#ifndef TL_ROUTE_STATION_H
#define TL_ROUTE_STATION_H

#include "base/map.h"
#include "base/pattern.h"
#include "base/slice.h"

typedef struct {
  tl_pattern *pattern;
  uint32_t prefix_at; /* in the address */
  uint8_t prefix_len;
  uint16_t suffix_len;
  uint32_t suffix_at;
} tl_station_regex;

/* One allocation, kept small: there are ten thousand of them. */
typedef struct {
  void *target;
  const void *wills;       /* of the topic that equals the address; NULL: none */
  tl_station_regex *regex; /* NULL: plain text, '#' or '.*' */
  uint32_t len;
  uint8_t address[];
} tl_route_station;

static inline tl_slice tl_route_station_address (const tl_route_station *s) {
  return tl_slice_of(s->address, s->len);
}

int tl_route_station_new (tl_route_station **out, tl_slice address, void *target, bool regex,
                          tl_err *err);
void tl_route_station_free (tl_route_station *s); /* NULL is fine */
/* the regex's literal text at both ends? */
bool tl_route_station_has_text (const tl_route_station *s, tl_slice topic);

/* The regexes. */
typedef struct {
  /* literal prefix → list of stations in descending byte order of the address */
  tl_map by_prefix;
  uint64_t lengths; /* bit n: there is a prefix of n bytes */
  uint32_t count;
  uint32_t groups_max; /* groups of the largest pattern, group 0 included */
} tl_regexes;

void tl_regexes_init (tl_regexes *x);
void tl_regexes_fini (tl_regexes *x);                    /* the stations are not freed */
int tl_regexes_add (tl_regexes *x, tl_route_station *s); /* TL_OK or TL_ENOMEM */
void tl_regexes_remove (tl_regexes *x, const tl_route_station *s);

/* Visit the stations whose prefix the topic has, in descending byte order of the address, until
** `try` says true. */
typedef bool tl_regexes_try (void *ctx, const tl_route_station *s);
const tl_route_station *tl_regexes_visit (const tl_regexes *x, tl_slice topic, tl_regexes_try *try,
                                          void *ctx);

/* byte order; a prefix comes before what is longer */
int tl_address_compare (tl_slice a, tl_slice b);

#endif

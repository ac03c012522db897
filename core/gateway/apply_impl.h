/* core/gateway/apply_impl.h — private to gateway/: a configuration is being applied, at the start
** or by a reload. */
#ifndef TL_GATEWAY_APPLY_IMPL_H
#define TL_GATEWAY_APPLY_IMPL_H

#include "gateway/link_impl.h"

typedef struct {
  tl_gateway *g;
  const tl_config *config;
  tl_err *err;
  int64_t now, wall;
} tl_applying;

/* apply.c */
/* Between two stations: the loop may run other things before this call returns. Stations may
** move meanwhile, so callers look them up by name again. */
void tl_apply_rest (tl_applying *a);
int tl_apply_no_memory (const tl_applying *a, const tl_link *l); /* TL_ENOMEM, with its text */

/* exchange.c: give the line the stations of c. `fresh`: the line is new, and has none. */
int tl_apply_stations (tl_applying *a, tl_link *l, tl_line_config *c, bool fresh);

/* diff.c */
/* A map from name to line of the config; free it with tl_map_fini(). TL_ENOMEM. */
int tl_config_lines (const tl_config *config, tl_map *lines);
bool tl_station_is_same (const tl_station *s, const tl_station_spec *c);

#endif

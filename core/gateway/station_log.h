/* core/gateway/station_log.h — log lines about one station. */
#ifndef TL_GATEWAY_STATION_LOG_H
#define TL_GATEWAY_STATION_LOG_H

#include "base/log.h"
#include "model/model.h"

/* Log a line under the station's full name, as scripts name it: "plant.boiler: StOn, was
** StWait". At most 511 bytes of text. */
void tl_station_log (const tl_station *s, tl_log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The first bytes of a text that may be long: at most 64, cut between characters. Borrowed
** from `text`. */
tl_slice tl_shortened (tl_slice text);

/* For tl_router_on_limit(): the pattern in the address of `station` (a tl_station) took too
** many steps on this topic. Counted, and logged once. */
void tl_station_log_given_up (void *ctx, void *station, tl_slice topic);

#endif

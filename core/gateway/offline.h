/* core/gateway/offline.h — a config that runs without a network, at times that its caller
** names: for replay and specs. */
#ifndef TL_GATEWAY_OFFLINE_H
#define TL_GATEWAY_OFFLINE_H

#include "gateway/gateway.h"

/* Takes what would be published; texts borrowed. The write counts as confirmed. */
typedef void tl_offline_published (void *ctx, tl_link *l, tl_slice topic, tl_slice payload,
                                   uint8_t qos, bool retain);

/* In place of tl_gateway_start, once a config is applied: every line is as if subscribed. `now`
** as tl_loop_now. */
bool tl_gateway_is_offline (const tl_gateway *g);
void tl_offline_begin (tl_gateway *g, tl_offline_published *published, void *ctx, int64_t now,
                       int64_t wall);
/* Time passes, for statuses and simulation. Returns when it is due again; INT64_MAX: never. */
int64_t tl_offline_tick (tl_gateway *g, int64_t now, int64_t wall);

typedef struct {
  uint32_t filtered; /* lines of which no topic filter takes it */
  uint32_t taken;    /* lines with a station, or a station's will, for it */
  uint32_t unrouted; /* lines without */
} tl_offline_fed;

/* A message arrives: at one line, or (line.at == NULL) at each that subscribes to its topic.
** What waits for ACK_ID is as if confirmed. TL_ESYNTAX: no valid topic, TL_ENOENT: no such line
** (err filled), TL_ENOMEM. */
int tl_offline_feed (tl_gateway *g, tl_slice line, const tl_incoming *m, tl_offline_fed *fed,
                     tl_err *err);

#endif

/* core/gateway/offline.h — a config that runs without a network, at times that the caller
** sets: for replay and specs. */
#ifndef TL_GATEWAY_OFFLINE_H
#define TL_GATEWAY_OFFLINE_H

#include "gateway/gateway.h"

/* Takes each message that would be published; texts are borrowed. The write then counts as
** confirmed. */
typedef void tl_offline_published (void *ctx, tl_link *l, tl_slice topic, tl_slice payload,
                                   uint8_t qos, bool retain);

/* tl_offline_begin() is called in place of tl_gateway_start(), after a config was applied:
** every line counts as subscribed. `now` in ms, as tl_loop_now(). */
bool tl_gateway_is_offline (const tl_gateway *g);
void tl_offline_begin (tl_gateway *g, tl_offline_published *published, void *ctx, int64_t now,
                       int64_t wall);
/* Let time pass, for statuses and simulation. `now` and `wall` in ms. Returns when it is due
** again; INT64_MAX: never. */
int64_t tl_offline_tick (tl_gateway *g, int64_t now, int64_t wall);

typedef struct {
  uint32_t filtered; /* lines that have no topic filter for it */
  uint32_t taken;    /* lines that have a station for it, or a station with this will topic */
  uint32_t unrouted; /* lines that have neither */
} tl_offline_fed;

/* A message arrives: at one line, or (line.at == NULL) at every line with a topic filter for
** it. ACK_ID counts as written at once.
** TL_OK; with err filled TL_EMALFORMED (not a valid topic), TL_ENOENT (no such line), TL_ENOMEM. */
int tl_offline_feed (tl_gateway *g, tl_slice line, const tl_incoming *m, tl_offline_fed *fed,
                     tl_err *err);

#endif

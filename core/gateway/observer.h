/* core/gateway/observer.h — news of what happens in the gateway, for parts that register for
** it: the values stream, watch(), the user's functions, a history, a page. No observer knows
** another. */
#ifndef TL_GATEWAY_OBSERVER_H
#define TL_GATEWAY_OBSERVER_H

#include "model/model.h"

struct tl_gateway;
struct tl_link;

/* What became of a received message. */
typedef enum {
  TL_FATE_TAKEN,
  TL_FATE_UNROUTED,
  TL_FATE_WILL,
  TL_FATE_OFF,
  TL_FATE_REFUSED,
  TL_FATE_RETAINED /* ignored: a retained message, which the station does not want */
} tl_fate;

/* One observer. Its owner keeps the struct, sets the functions it wants (NULL: not called),
** and does not move it while it is registered.
** All calls come from the loop; arguments are borrowed. An observer may write tags, switch
** stations, and register or remove observers, also itself. It must not reload. */
typedef struct tl_observer tl_observer;
struct tl_observer {
  /* A tag has a new value, status or reason: one line of the values stream. */
  void (*value)(void *ctx, tl_tag *t);
  /* The same value came again. Called only for tags whose history has max_silence. */
  void (*again)(void *ctx, tl_tag *t);
  /* A received message was routed; called before its values show. s: its station, NULL: none
  ** takes it.
  ** A message that waited for ACK_ID of another one is reported when it is delivered, not when
  ** it arrived. */
  void (*message)(void *ctx, struct tl_link *link, const tl_incoming *m, const tl_station *s,
                  tl_fate fate);
  void (*status)(void *ctx, tl_station *s, tl_station_status before);
  /* The line is connected (up), or no longer connected and why: "disconnected" when that was
  ** asked for. */
  void (*line)(void *ctx, struct tl_link *link, bool up, const char *why);
  /* The wake-up ends: has the observer stored all it heard, so that messages may be
  ** acknowledged?
  ** While one observer answers false, nothing is read and no acknowledgement leaves. It calls
  ** tl_gateway_settle() to be asked again. */
  bool (*settled)(void *ctx);
  void *ctx;
  /* This observer runs functions of the user. It is called after those that only look, and
  ** hears of values, statuses and lines only if the station or the line has a `user`. */
  bool acts;
  tl_observer *next; /* written by the gateway */
};

/* From now on the observer is called, after those that registered earlier. Cannot fail. */
void tl_gateway_observe (struct tl_gateway *g, tl_observer *o);
/* The observer is called no more; allowed inside a call, and harmless when it is not
** registered.
** Required before its memory is freed, unless the gateway was freed before. */
void tl_gateway_unobserve (struct tl_gateway *g, tl_observer *o);

/* Called from inside value() by an observer that can take no more values. No later message is
** read before settled() was asked again; settled() must answer false once. */
void tl_gateway_hold (struct tl_gateway *g);

/* Ask the observers' settled() at the end of this wake-up, whether messages came or not. */
void tl_gateway_settle (struct tl_gateway *g);

#endif

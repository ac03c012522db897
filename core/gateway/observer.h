/* core/gateway/observer.h — news of what runs, for those who register for them: the
** values stream, watch(), the user's functions, a history, a page. None of them knows another. */
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
  TL_FATE_RETAINED /* ignored: the station does not want retained ones */
} tl_fate;

/* One that listens. Its owner keeps it, fills what it wants to hear (NULL: nothing) and does
** not move it while it is registered. All calls come from the loop; what they are given is
** borrowed. An observer may write tags, switch stations, and register or remove observers,
** itself too; it must not reload. */
typedef struct tl_observer tl_observer;
struct tl_observer {
  /* A tag has a new value, status or reason: one line of the values stream. */
  void (*value)(void *ctx, tl_tag *t);
  /* The same value came again; of tags whose history has max_silence only. */
  void (*again)(void *ctx, tl_tag *t);
  /* A received message was routed, before its values show. s: the station it goes to, NULL: none.
  ** With ACK_ID it comes when the message is delivered, not when it arrived. */
  void (*message)(void *ctx, struct tl_link *link, const tl_incoming *m, const tl_station *s,
                  tl_fate fate);
  void (*status)(void *ctx, tl_station *s, tl_station_status before);
  /* The line is connected; or no more, and why: "disconnected" when it was asked to. */
  void (*line)(void *ctx, struct tl_link *link, bool up, const char *why);
  /* The wake-up ends: is all that it heard safe, so that messages may be acknowledged? While one
  ** says no, nothing is read and nothing leaves; it calls tl_gateway_settle() to be asked anew. */
  bool (*settled)(void *ctx);
  void *ctx;
  /* It runs the user's functions: it comes after those that only look, and hears of values,
  ** statuses and lines only where the station or the line has a `user`. */
  bool acts;
  tl_observer *next; /* the gateway's */
};

/* From now on it hears what happens; in the order of registering. Cannot fail. */
void tl_gateway_observe (struct tl_gateway *g, tl_observer *o);
/* It hears nothing more, also when called from inside a call; harmless when it is not
** registered. Required before its memory goes, unless the gateway went before. */
void tl_gateway_unobserve (struct tl_gateway *g, tl_observer *o);

/* From inside value(): it cannot take more. No message behind this one is read before settled()
** was asked, which must say no once. */
void tl_gateway_hold (struct tl_gateway *g);

/* Ask the observers' settled() at the end of this wake-up, whether messages came or not. */
void tl_gateway_settle (struct tl_gateway *g);

#endif

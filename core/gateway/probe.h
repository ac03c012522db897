/* core/gateway/probe.h — does a line's connection work, and where does it not? Each address
** is tried stage by stage, with a Client ID of its own and a clean session, beside the
** running one. A probe may also stay, and hear what the broker sends. */
#ifndef TL_GATEWAY_PROBE_H
#define TL_GATEWAY_PROBE_H

#include "gateway/gateway.h"

typedef struct tl_probe tl_probe;

/* `told` hears lines of text for a person, `done` the end, once, after which the probe is
** gone: well, or the failure that came last. Both from the loop. The line may change or go
** meanwhile, which ends it. TL_ENOMEM. */
int tl_probe_start (tl_probe **out, tl_link *l, void (*report)(void *ctx, const char *text),
                    void (*done)(void *ctx, bool well, const char *why), void *ctx);

/* Who hears what the broker sends. */
typedef struct {
  /* Of a message that is longer than max_packet_size only the topic and the flags are there: no
  ** payload, and its size as that of the packet. Borrowed until it returns. */
  void (*message)(void *ctx, const tl_message *m, size_t size);
  void (*listening)(void *ctx); /* SUBACK came: from here on */
} tl_probe_ears;

/* The same, and then stay and listen at QoS 0 until tl_probe_end(), or until the connection
** ends, which is a failure. Filters that the broker refuses are told, and a failure only when it
** refuses all. Nothing is published. */
int tl_probe_listen (tl_probe **out, tl_link *l, const tl_probe_ears *ears,
                     void (*report)(void *ctx, const char *text),
                     void (*done)(void *ctx, bool well, const char *why), void *ctx);
/* Say goodbye to the broker now; `done` follows. */
void tl_probe_end (tl_probe *p);
/* Neither is called any more. */
void tl_probe_stop (tl_probe *p);

#endif

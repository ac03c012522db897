/* core/gateway/probe.h — does a line's connection work, and where does it not? Each address
** is tried stage by stage, with a Client ID of its own and a clean session, beside the
** running one. */
#ifndef TL_GATEWAY_PROBE_H
#define TL_GATEWAY_PROBE_H

#include "gateway/gateway.h"

typedef struct tl_probe tl_probe;

/* `told` hears lines of text for a person, `done` the end, once, after which the probe is
** gone: well, or the failure that came last. Both from the loop. The line may change or go
** meanwhile, which ends it. TL_ENOMEM. */
int tl_probe_start (tl_probe **out, tl_link *l, void (*told)(void *ctx, const char *text),
                    void (*done)(void *ctx, bool well, const char *why), void *ctx);
/* Neither is called any more. */
void tl_probe_stop (tl_probe *p);

#endif

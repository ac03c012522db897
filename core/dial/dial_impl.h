/* core/dial/dial_impl.h — private to dial/: what its files call of each other. */
#ifndef TL_DIAL_DIAL_IMPL_H
#define TL_DIAL_DIAL_IMPL_H

#include "dial/dial.h"

#include "base/address.h"

/* target.c: scheme and port of the address number `host`; the line's parameters fill in what it
** does not say. */
tl_address tl_dial_target (const tl_dial *d, size_t host);

/* failure.c */
/* Did the peer end the connection without giving a reason, so that the text names no cause? */
bool tl_dial_ended_plainly (int code, const char *text);
/* What may be wrong when this happens before CONNACK. The text begins with a blank. */
const char *tl_dial_end_hint (const tl_dial *d, size_t host);

#endif

/* core/net/notify.h — what a service manager hears of us: sd_notify(3) without libsystemd. A
** datagram to $NOTIFY_SOCKET, an address in the file system or an abstract one ("@…"). */
#ifndef TL_NET_NOTIFY_H
#define TL_NET_NOTIFY_H

#include "base/slice.h"

typedef struct tl_notify tl_notify;

/* NULL when nobody wants to hear (no $NOTIFY_SOCKET), its address is none of the two, or there is
** no memory. The variable is taken out of the environment: children are not the service. */
tl_notify *tl_notify_open (void);
void tl_notify_close (tl_notify *n); /* NULL is fine */
/* "READY=1", or several lines. Never waits: a manager whose queue is full misses it. NULL is fine.
*/
void tl_notify_send (tl_notify *n, const char *text);
/* How often WATCHDOG=1 is wanted: half of $WATCHDOG_USEC in ms, if it is meant for this process
** ($WATCHDOG_PID); 0: never. */
int64_t tl_notify_watchdog_ms (void);

#endif

/* core/net/alive.h — does the peer's TCP still answer? For connections that nobody reads, on
** which libuv notices nothing. Must not know whose connection it is. */
#ifndef TL_NET_ALIVE_H
#define TL_NET_ALIVE_H

#include <stdint.h>

/* Make the kernel ask the peer for a sign of life every `every_ms` (whole seconds, at least one)
** from now on; 0: no more. A kernel that cannot is no error. */
void tl_alive_ask (int fd, int64_t every_ms);
/* 0: nothing is wrong. A negative code of libuv: the connection was reset, or ended because the
** peer did not answer.
** UV_ETIMEDOUT also when the peer's last acknowledgement is older than silence_ms and the kernel
** has sent at least two probes since. The probes are required because the silence may be of this
** side's making: this process may have been stopped, or the kernel may probe at longer and longer
** intervals, because the peer takes no data at present. silence_ms: 2000 and more, for of probes
** that come within half a second such a peer answers only one. */
int tl_alive_code (int fd, int64_t silence_ms);

#endif

/* core/net/alive.h — does the peer's TCP still answer? For connections that nobody reads, on
** which libuv notices nothing. Must not know whose connection it is. */
#ifndef TL_NET_ALIVE_H
#define TL_NET_ALIVE_H

#include <stdint.h>

/* Make the kernel ask the peer for a sign of life every `every_ms` (whole seconds, at least one)
** from now on; 0: no more. A kernel that cannot is no error. */
void tl_alive_ask (int fd, int64_t every_ms);
/* 0: nothing is wrong. Else a negative code of libuv: the connection was reset, or ended for
** want of an answer; UV_ETIMEDOUT also when the peer's last acknowledgement is older than
** silence_ms, and the kernel has asked for one at least twice since. Without that, the silence
** may be ours: this process was stopped, or the kernel, whose data the peer does not take at
** present, asks it at longer and longer intervals. */
int tl_alive_code (int fd, int64_t silence_ms);

#endif

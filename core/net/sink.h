/* core/net/sink.h — writes to a file descriptor (stdout: pipe, terminal or file) without losing or dropping anything.
** What the reader has not taken yet is kept and counted, so that its owner can hold its own source back. */
#ifndef TL_NET_SINK_H
#define TL_NET_SINK_H

#include "base/buf.h"
#include "net/loop.h"

typedef struct tl_sink tl_sink;

/* fd is not closed by the sink. drained: all bytes so far are written. failed: the reader is gone (EPIPE) or writing failed; nothing more
** is written. */
int tl_sink_new (tl_sink **out, tl_loop *loop, int fd, void (*drained)(void *ctx), void (*failed)(void *ctx, int code, const char *text),
                 void *ctx);
/* Where to append; call tl_sink_flush() when a batch is complete. */
tl_buf *tl_sink_buf (tl_sink *s);
/* Try to write now. True: everything is written. False: some is pending (drained will come), or it failed. */
bool tl_sink_flush (tl_sink *s);
size_t tl_sink_pending (const tl_sink *s);
/* A reader that closes its end is noticed (failed) even while nothing is written. */
void tl_sink_close (tl_sink *s); /* what is pending is given up */

#endif

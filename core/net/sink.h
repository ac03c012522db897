/* core/net/sink.h — writes to a file descriptor (stdout: pipe, terminal or file) without losing
** or dropping anything. What the reader has not taken yet is kept and counted, so that its
** owner can hold its own source back. */
#ifndef TL_NET_SINK_H
#define TL_NET_SINK_H

#include "base/buf.h"
#include "net/loop.h"

typedef struct tl_sink tl_sink;

/* fd stays the caller's: it is neither closed nor made non-blocking (what shares it, stderr
** perhaps, would feel it). A file is written at once; a pipe, socket or terminal takes what it
** has room for, and the rest waits. Both callbacks come from the loop, never from inside a call
** of the owner, and the sink may be closed in them. drained: all bytes so far are written,
** after they were not. failed: the reader is gone (UV_EPIPE), writing failed, or memory for the
** rest ran out (TL_ENOMEM); it comes once and nothing more is written. An idle sink does not
** keep tl_loop_run() going; one with bytes pending does. The program must ignore SIGPIPE. */
int tl_sink_new (tl_sink **out, tl_loop *loop, int fd, void (*drained)(void *ctx),
                 void (*failed)(void *ctx, int code, const char *text), void *ctx);
/* A regular file on a full disk: what is pending waits for room, and is tried again each second,
** instead of failing. `full`, from the loop: why, when it begins; NULL: there is room again. It has
** no effect on another descriptor. TL_ENOMEM. */
int tl_sink_wait_for_room (tl_sink *s, void (*full)(void *ctx, const char *why));
const char *tl_sink_why (const tl_sink *s); /* why it waits for room; NULL: it does not */
/* Where to append whole records; call tl_sink_flush() when a batch is complete. Never take
** bytes out of it. */
tl_buf *tl_sink_buf (tl_sink *s);
/* Try to write now (one write call while the reader keeps up). True: everything is written.
** False: some is pending (drained will come), or it failed (failed comes or came; what is
** appended is thrown away). */
bool tl_sink_flush (tl_sink *s);
size_t tl_sink_pending (const tl_sink *s); /* bytes appended that nobody has taken */
size_t tl_sink_lines (const tl_sink *s);   /* line breaks in them */
/* For the end: writes the rest of a line that was begun, and makes the pipe or socket larger for
** it (F_SETPIPE_SZ, SO_SNDBUF). False: the reader has half a line, which is longer than the system
** lets a pipe be (1 MiB, mostly), or the sink failed in its middle. */
bool tl_sink_end_line (tl_sink *s);
/* A reader that closes its end is noticed (failed) even while nothing is written. */
/* what is pending is given up; NULL is fine; freed from the loop */
void tl_sink_close (tl_sink *s);

#endif

/* core/net/stream.h — a stream socket that is connected already: accepted, or one end of a pair.
** Knows nothing of what goes through. */
#ifndef TL_NET_STREAM_H
#define TL_NET_STREAM_H

#include "net/loop.h"

typedef struct tl_stream tl_stream;

/* All from the loop, never from inside a call of the owner but `data`'s own; the stream may be
** closed inside any of them. After `closed`, which comes exactly once, no other comes and the
** object is gone. */
typedef struct {
  void (*data)(void *ctx, const uint8_t *at, size_t n); /* borrowed until it returns */
  void (*ended)(void *ctx);   /* the peer sends nothing more; what is written still goes out */
  void (*drained)(void *ctx); /* all that was written is in the kernel's hands, after it was not */
  void (*closed)(void *ctx);  /* by the owner, or since it failed */
} tl_stream_events;

/* Takes the descriptor, on failure not. Nothing is read until tl_stream_read(). TL_ENOMEM, or a
** code of libuv. `events` must live as long as the stream. */
int tl_stream_open (tl_stream **out, tl_loop *loop, int fd, const tl_stream_events *events,
                    void *ctx);
void tl_stream_read (tl_stream *s, bool on);
/* Copies what the kernel does not take at once. 0; TL_ENOMEM (it closes, too); TL_ESTATE when it
** is closing or ended. */
int tl_stream_write (tl_stream *s, const void *bytes, size_t n);
size_t tl_stream_pending (const tl_stream *s); /* bytes that the kernel has not taken */
/* A FIN behind all that was written; reading goes on. */
void tl_stream_end (tl_stream *s);
/* Close; then `closed` is called. linger_ms 0: at once, and pending bytes are lost. Otherwise
** pending bytes are sent, then a FIN, and bytes that still come are read and thrown away until the
** peer ends, for at most linger_ms. Without this a reset could overtake our last bytes. */
void tl_stream_close (tl_stream *s, int linger_ms);

#endif

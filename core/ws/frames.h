/* core/ws/frames.h — the two streams of a WebSocket whose upgrade is done: frames in, bytes
** of MQTT out, and back (RFC 6455 section 5; MQTT 3.1.1 section 6). Pure: bytes and random
** bytes are given, nothing is sent. */
#ifndef TL_WS_FRAMES_H
#define TL_WS_FRAMES_H

#include "base/buf.h"

typedef struct tl_ws tl_ws;

/* Fills at[0..n) with bytes that nobody can guess; TL_OK or a negative code. */
typedef int tl_ws_random (void *ctx, uint8_t *at, size_t n);

enum { TL_WS_CLOSED = -10101 }; /* the peer said close: tl_ws_error() has its code and text */

/* TL_ENOMEM. */
int tl_ws_new (tl_ws **out, tl_ws_random *random, void *ctx);
void tl_ws_free (tl_ws *w); /* NULL is fine */

/* Bytes from the peer, borrowed until all of them were read: until tl_ws_read() returned 0 or
** failed. Only then may more be fed. */
void tl_ws_feed (tl_ws *w, const uint8_t *at, size_t n);
/* Copies what was fed and is not read, which is borrowed no more. TL_ENOMEM. */
int tl_ws_keep (tl_ws *w);
bool tl_ws_waits (const tl_ws *w); /* something was fed that is not read */
/* Payload of binary messages into room[0..n), n > 0: how many bytes (at most n). 0: all that
** was fed is read. TL_WS_CLOSED; TL_EMALFORMED: the peer breaks a rule; both answer with a
** close frame in the output, and every later call returns the same. TL_ENOMEM. */
long tl_ws_read (tl_ws *w, uint8_t *room, size_t n);
bool tl_ws_is_inside (const tl_ws *w); /* a frame or a message has begun and not ended */

/* One binary frame with these bytes behind the output (n > 0). TL_OK; TL_ESTATE: closed;
** TL_ENOMEM, or the code of `random`, and nothing was added. */
int tl_ws_write (tl_ws *w, const void *bytes, size_t n);
/* A close frame with this code, once; harmless when there was one. */
int tl_ws_close (tl_ws *w, unsigned code);
/* What goes to the peer: frames that were written, and the answer to the last PING (earlier
** ones need none, so that a flood of them cannot fill the memory). The owner drops what it
** sent: tl_buf_clear(), tl_buf_drop(). */
tl_buf *tl_ws_output (tl_ws *w);

/* Of a read that failed: "the broker closed the WebSocket: 1002 protocol error, 'text'". */
const char *tl_ws_error (const tl_ws *w);

#endif

/* core/net/transport.h — the interface of a byte stream to a peer: TCP alone, or with TLS, a
** WebSocket, a proxy. net/tcp.c implements TCP alone, the room `transport` the others. Users call
** the functions of this header only. */
#ifndef TL_NET_TRANSPORT_H
#define TL_NET_TRANSPORT_H

#include "net/loop.h"

typedef struct tl_transport tl_transport;

enum { TL_TRANSPORT_END = -4095 }; /* the peer ended it: UV_EOF, for those who know no libuv */

/* Callbacks, all from the loop, never from inside a call of the owner; the transport may be
** closed inside any of them. After `closed`, which comes exactly once, no other call comes
** and the object is gone. After tl_transport_close() only `closed` comes. */
typedef struct {
  /* All of it is up, the peer is accepted: "127.0.0.1:1883", "[::1]:8883" */
  void (*connected)(void *ctx, const char *peer);
  /* Where the next read goes: at least one byte of room; *room bytes at the result. NULL: no
  ** memory, closes with UV_ENOMEM. A read that fills it is followed by another in the same
  ** wake-up (at most 32), one that does not is the last. */
  uint8_t *(*room)(void *ctx, size_t *room);
  /* n bytes were read into that room; at most one call per wake-up while the rate is low */
  void (*data)(void *ctx, size_t n);
  /* everything given to tl_transport_write() is in the kernel's hands (after it was not) */
  void (*drained)(void *ctx);
  /* It failed or ended; code is 0 for tl_transport_close(), TL_TRANSPORT_END when the peer
  ** closed, else a libuv or TL_E… code. `text` says what and, where it can, what to do:
  ** "connect to 10.0.0.1:1883: connection refused", "127.0.0.1:1883 closed the connection".
  ** The transport is freed after this returns. */
  void (*closed)(void *ctx, int code, const char *text);
  /* May be NULL: a stage on the way up is done, in words ("resolve" "TCP" "proxy" "TLS"
  ** "WebSocket"), with what was found. */
  void (*stage)(void *ctx, const char *stage, const char *found);
} tl_transport_events;

/* What a maker fills. */
typedef struct {
  int (*write)(tl_transport *t, const void *bytes, size_t n);
  size_t (*pending)(const tl_transport *t);
  void (*read)(tl_transport *t, bool on);
  void (*close)(tl_transport *t, int linger_ms);
  const char *(*stage)(const tl_transport *t);
  void (*watch)(tl_transport *t, int64_t silence_ms);
} tl_transport_kind;

struct tl_transport { /* the first member of a maker's object */
  const tl_transport_kind *kind;
};

/* One write call; copies what the kernel does not take at once. Returns 0; TL_ENOMEM (it
** closes, too: a part may be out); TL_ESTATE when not connected or closing. A write error
** comes as `closed`, later. */
static inline int tl_transport_write (tl_transport *t, const void *bytes, size_t n) {
  return t->kind->write(t, bytes, n);
}
/* Bytes that the kernel has not taken, as they travel: records and frames included. */
static inline size_t tl_transport_pending (const tl_transport *t) { return t->kind->pending(t); }
/* Stop and go on reading; on after connect, may be called before. While off, the peer's end is
** not noticed either: see tl_transport_watch(). */
static inline void tl_transport_read (tl_transport *t, bool on) { t->kind->read(t, on); }
/* Close; then `closed` is called with 0.
** linger_ms 0: at once, and pending bytes are lost. Otherwise at most linger_ms are spent: pending
** bytes are sent, then the ends of WebSocket and TLS, then a FIN. Bytes that still come in are read
** and thrown away until the peer ends, too, for at most 250 ms; without this a reset could overtake
** our last bytes.
** It may be called again; with 0 it ends the lingering. */
static inline void tl_transport_close (tl_transport *t, int linger_ms) {
  t->kind->close(t, linger_ms);
}
/* What is being waited for, in words behind "no": "connection", "end of the TLS handshake".
** NULL: it is up. */
static inline const char *tl_transport_stage (const tl_transport *t) { return t->kind->stage(t); }

/* While reading is off: fail when the peer's TCP has given no sign of life for silence_ms
** (raised to 3 s; Linux only), or has reset the connection. 0 ends it. Neither the peer's
** program nor ours has to do anything for that. */
static inline void tl_transport_watch (tl_transport *t, int64_t silence_ms) {
  t->kind->watch(t, silence_ms);
}

#endif

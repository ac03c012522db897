/* core/net/tcp.h — one outgoing TCP connection: names resolved without blocking the loop, IPv4
** and IPv6, TCP_NODELAY. */
#ifndef TL_NET_TCP_H
#define TL_NET_TCP_H

#include "net/loop.h"

typedef struct tl_tcp tl_tcp;

/* Callbacks, all from the loop, never from inside a call of the owner; the tcp may be closed
** inside any of them. After `closed`, which comes exactly once, no other call comes and the
** object is gone. After tl_tcp_close() only `closed` comes. */
typedef struct {
  void (*connected)(void *ctx, const char *peer); /* "127.0.0.1:1883", "[::1]:1883" */
  /* Where the next read goes: at least one byte of room; *room bytes at the result. NULL: no
  ** memory, closes with UV_ENOMEM. A read that fills it is followed by another in the same
  ** wake-up (at most 32), one that does not is the last. */
  uint8_t *(*room)(void *ctx, size_t *room);
  /* n bytes were read into that room; at most one call per wake-up while the rate is low */
  void (*data)(void *ctx, size_t n);
  /* everything given to tl_tcp_write() is in the kernel's hands (after it was not) */
  void (*drained)(void *ctx);
  /* The connection failed or ended; code is 0 for tl_tcp_close(), UV_EOF when the peer closed,
  ** else a libuv code. `text` says what in words: "connect to 10.0.0.1:1883: connection
  ** refused", "resolve 'nohost': name not known", "127.0.0.1:1883 closed the connection". The
  ** tcp is freed after this returns. */
  void (*closed)(void *ctx, int code, const char *text);
} tl_tcp_events;

/* Resolve `host` (name, IPv4 or IPv6 literal, with or without brackets; copied), try its
** addresses in order until one connects. One with others behind it gets 5 s, or less when they
** share less: within_ms (0: no limit) is the time that the owner will give to all of them
** before it closes, which it must do itself. `events` must live as long as the tcp. Failure
** comes as `closed`, with all that was tried in its text. Only TL_ENOMEM and libuv's init
** errors are returned. */
int tl_tcp_connect (tl_tcp **out, tl_loop *loop, const char *host, uint16_t port, int64_t within_ms,
                    const tl_tcp_events *events, void *ctx);
/* One write call; copies what the kernel does not take at once. Returns 0; TL_ENOMEM (it
** closes, too: a part may be out); TL_ESTATE when not connected or closing. A write error comes
** as `closed`, later. */
int tl_tcp_write (tl_tcp *t, const void *bytes, size_t n);
size_t tl_tcp_pending (const tl_tcp *t); /* bytes written that the kernel has not taken */
/* Stop and go on reading; on after connect, may be called before. While off, the peer's end is
** not noticed either. */
void tl_tcp_read (tl_tcp *t, bool on);
/* Close, then `closed` with 0. linger_ms 0: at once, what is pending is lost. Else what is
** pending goes out with a FIN behind it, and what still comes in is read away until the peer
** ends, too (waiting at most 250 ms for that, so that no reset overtakes our last bytes); at
** most linger_ms in all. Calling it again is harmless; with 0 it cuts the lingering short. */
void tl_tcp_close (tl_tcp *t, int linger_ms);

#endif

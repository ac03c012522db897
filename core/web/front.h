/* core/web/front.h — every connection of the HTTP server, before and behind libmicrohttpd.
**
** libmicrohttpd takes what strict parsers refuse (bare CR and LF, folded lines, Transfer-Encoding
** beside a length …), and knows no limit in time for a whole head. So the client's socket is ours:
** TLS ends here, each head is read and checked by http/request.c, and only a whole good one goes
** on, through a pair of sockets, one for each connection. The answer comes back the same way. */
#ifndef TL_WEB_FRONT_H
#define TL_WEB_FRONT_H

#include "http/request.h"
#include "net/loop.h"
#include "tls/context.h"

typedef struct tl_front tl_front;

enum { TL_FRONT_CONNECTIONS = 64 };

typedef struct {
  /* Serve this socket (non-blocking, owned from here on): good requests come from it. False: it
  ** cannot be, and was closed. */
  bool (*serve)(void *ctx, int fd);
  /* A client that was served has gone: what waits for it may look. */
  void (*gone)(void *ctx);
  /* An answer has another piece, for tl_front_serve(). */
  void (*rests)(void *ctx);
} tl_front_events;

int tl_front_new (tl_front **out, tl_loop *loop, const tl_front_events *events, void *ctx);
/* New connections speak TLS with this context (kept; NULL: they do not). */
void tl_front_set_tls (tl_front *f, tl_tls_context *context);
/* Take a connected socket. One too many closes whoever has sent no whole request for longest; where
** each has, one whose token waits to be checked, of the address that has most of these; else it is
** answered 503. */
void tl_front_accept (tl_front *f, int fd, const char *peer);
/* Of the connection behind this served socket: its peer ("" for a Unix socket's); it carries an
** endless answer, and ends with its client; its token waits for its turn (on); an answer of it is
** complete. */
const char *tl_front_peer (const tl_front *f, int fd);
void tl_front_streams (tl_front *f, int fd);
void tl_front_waits (tl_front *f, int fd, bool on);
void tl_front_answered (tl_front *f, int fd);
/* Some answers go on, those that were served longest ago first; the others ask again. */
void tl_front_serve (tl_front *f);
bool tl_front_has (const tl_front *f, int fd); /* its client is there */
uint32_t tl_front_count (const tl_front *f);
/* Closes every connection; the memory goes once they are. No event comes any more. NULL is fine. */
void tl_front_close (tl_front *f);

#endif

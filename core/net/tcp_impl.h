/* core/net/tcp_impl.h — private to net/: a TCP connection that we make. */
#ifndef TL_NET_TCP_IMPL_H
#define TL_NET_TCP_IMPL_H

#include "net/resolve.h"
#include "net/tcp.h"
#include "net/uv.h"

typedef enum {
  TL_TCP_RESOLVING,
  TL_TCP_CONNECTING,
  TL_TCP_BETWEEN,
  TL_TCP_OPEN,
  TL_TCP_LINGERING,
  TL_TCP_CLOSING
} tl_tcp_state;

/* The attempts to connect, one address after the other; tcp_connect.c writes it. */
typedef struct {
  tl_resolve *resolve;   /* while TL_TCP_RESOLVING */
  struct addrinfo *list; /* all addresses, owned */
  struct addrinfo *at;   /* the one being tried */
  uv_connect_t req;
  int code;        /* of the attempt that ended last */
  int64_t by;      /* what the addresses share; INT64_MAX: no limit */
  bool told_later; /* the name was looked up, which the loop tells */
} tl_tcp_attempts;

/* tl_tcp_watch */
typedef struct {
  int64_t silence_ms; /* 0 while nothing is watched */
  int64_t from;       /* since when */
  bool asks_signs;    /* the kernel asks the peer for signs of life */
} tl_tcp_watched;

struct tl_tcp {
  tl_transport transport;
  uv_tcp_t socket;  /* initialised while has_socket */
  uv_timer_t timer; /* bounds an attempt; looks at what is watched; bounds the lingering */
  uv_shutdown_t shutdown;
  tl_loop *loop;
  const tl_tcp_events *events;
  void *ctx;
  tl_tcp_state state;
  bool has_socket, reading, in_room;
  bool waiting; /* `drained` is owed */
  int handles;  /* not yet closed */
  int code;     /* of `closed` */
  tl_tcp_attempts attempts;
  tl_tcp_watched watch;
  int64_t linger_until;
  char text[256]; /* of `closed`; collects the failed attempts before */
  char peer[TL_NET_PEER];
  char host[];
};

/* --- tcp.c --- */

const char *tl_tcp_words (int code); /* a code of libuv, or TL_ENOMEM */
int tl_tcp_begin_reading (tl_tcp *t);
/* The end, whose text is in t->text: closes every handle; the last one's callback reports it. */
void tl_tcp_finish (tl_tcp *t, int code);
void tl_tcp_handle_closed (uv_handle_t *handle);
extern const tl_transport_kind tl_tcp_kind;

#endif

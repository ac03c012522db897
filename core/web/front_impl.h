/* core/web/front_impl.h — private to web/: the clients of the front. */
#ifndef TL_WEB_FRONT_IMPL_H
#define TL_WEB_FRONT_IMPL_H

#include "net/stream.h"
#include "tls/engine.h"
#include "web/front.h"

/* One client: written by front_client.c, except the members that name another file. */
typedef struct tl_front_client {
  struct tl_front_client *next; /* front.c */
  tl_front *front;
  tl_stream *client, *inner; /* NULL: closed, or not made yet */
  int fd;                    /* the served end of the pair; -1: none */
  tl_tls *tls;
  tl_buf head;
  size_t seen, body;  /* of the head that was looked through; of a body that is to come */
  int64_t since;      /* the head or the body began; INT64_MAX: none is awaited */
  int64_t moved_at;   /* front.c: the client took something */
  size_t was_pending; /* front.c */
  uint32_t under_way; /* requests without a whole answer */
  uint64_t rests;     /* a piece of its answer was passed on, as this one in the order; 0: none */
  bool refused, streams, secured, dropped;
  bool waits; /* front.c: for its turn to have its token checked */
  char peer[80];
} tl_front_client;

struct tl_front {
  tl_loop *loop;
  tl_front_events events;
  void *ctx;
  tl_tls_context *tls;
  tl_timer *look;
  tl_front_client *list;
  uint32_t count;
  uint64_t pieces; /* of answers, that were passed on */
  bool closing;
};

/* front.c: both of its sides are closed */
void tl_front_forget (tl_front_client *c);

/* front_client.c */
extern const tl_stream_events tl_front_client_events;
void tl_front_client_drop (tl_front_client *c); /* at once */
/* Nothing more of this client is read. It is told why, unless an answer to an earlier request is
** on its way: that ends the connection then. */
void tl_front_client_refuse (tl_front_client *c, int status, const char *text);
/* Its answer goes on, unless the client has not taken enough of it. */
void tl_front_client_go_on (tl_front_client *c);

#endif

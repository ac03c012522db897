/* core/gateway/handlers.h — what the gateway needs from the room that runs the user's scripts.
** Implemented in script/, joined in command/: the gateway never names Lua. A NULL member is
** "nobody". No handler is called for stations and lines whose `user` is NULL, so a message that
** needs no script never leaves the C rooms. */
#ifndef TL_GATEWAY_HANDLERS_H
#define TL_GATEWAY_HANDLERS_H

#include "model/model.h"
#include "route/router.h"

struct tl_link;

/* What encode made of a write. Texts are borrowed until the next call into the handlers. */
typedef struct {
  tl_slice topic; /* at == NULL: OUT_TOPIC's value */
  tl_slice payload;
  int qos;    /* -1: the line's publish_qos */
  int retain; /* -1: the line's publish_retain */
} tl_outgoing;

/* A decoder run for a person who asks what it would do (explain): nothing that lives may
** change. */
typedef struct {
  tl_station *copy;  /* its tags take the values; its `user` has the decoder */
  tl_station *shown; /* what the decoder sees as msg.station */
  const tl_incoming *m;
  const tl_route *route;
  int64_t time_ms;
  tl_reading *reading; /* its addressed tags are set when the decoder's time is known */
  /* Each value that the decoder returned, as text, before its conversion. */
  void (*returned)(void *returned_ctx, tl_slice name, tl_slice text);
  void *returned_ctx;
  bool failed, declined;
  tl_buf error; /* of one that failed, with its traceback; the caller's */
} tl_dry_decode;

typedef struct {
  /* Does this station have a decoder? Then decode() is called in place of the plain receive; it
  ** calls tl_station_begin(), tl_station_read() and tl_station_set() itself, around the user's
  ** function. */
  bool (*has_decode)(void *user);
  /* TL_OK, also when the function failed; TL_ENOMEM: the system had no memory for it, no tag was
  ** set, and the message must come again. */
  int (*decode)(void *ctx, tl_station *s, const tl_incoming *m, const tl_route *route);
  void (*decode_dry)(void *ctx, tl_dry_decode *r);
  /* The station's function number `which` of prepare, from 0, given a payload: TL_OK, and what
  ** it returned appended to `out`; TL_ENOENT: it declined; TL_ETYPE: it failed, which was said
  ** and counted; with `error` (explain) it is not, and why is appended to that. */
  int (*prepare)(void *ctx, tl_station *s, unsigned which, tl_slice payload, tl_buf *out,
                 tl_buf *error);
  bool (*has_encode)(void *user);
  /* TL_OK and *out; or a negative code with err filled. */
  int (*encode)(void *ctx, tl_tag *t, const tl_value *v, tl_outgoing *out, tl_err *err);
  /* The will of the line's next CONNECT, where a function makes it: false leaves it as it is
  ** (no function, or it failed and said so). */
  bool (*will)(void *ctx, struct tl_link *link, tl_buf *out);
  /* The headers of the line's next WebSocket, where a function makes them: "Name: value", each with
  ** a NUL behind it, checked. False: it failed and said so, and there is no connection. */
  bool (*headers)(void *ctx, struct tl_link *link, tl_buf *out);
  /* The line is about to end in order; what is published now goes out before DISCONNECT. */
  void (*before_disconnect)(void *ctx, struct tl_link *link);
  /* body(body_ctx) in pieces: it pauses where a decoder takes long. new: TL_ENOMEM, or *out; go:
  ** one piece, true: there is more to do; hurry: it does not pause any more. */
  int (*pieces_new)(void *ctx, void **out, void (*body)(void *body_ctx), void *body_ctx);
  bool (*pieces_go)(void *pieces);
  void (*pieces_hurry)(void *pieces);
  void (*pieces_free)(void *pieces);
  /* another owner of a station's `user` (instances); released each */
  void *(*share)(void *ctx, void *user);
  /* a `user` is no longer referred to */
  void (*release)(void *ctx, void *user);
} tl_handlers;

#endif

/* core/gateway/handlers.h — what the gateway needs from the room that runs the user's scripts.
** Implemented in script/ and joined in command/, so the gateway never names Lua.
** A NULL member does nothing. No handler is called for a station or a line whose `user` is
** NULL: a message that needs no script stays in C. */
#ifndef TL_GATEWAY_HANDLERS_H
#define TL_GATEWAY_HANDLERS_H

#include "model/model.h"
#include "route/router.h"

struct tl_link;

/* What `encode` made of a write. Texts are borrowed until the next call of a handler. */
typedef struct {
  tl_slice topic; /* at == NULL: the value of the tag OUT_TOPIC */
  tl_slice payload;
  int qos;    /* -1: the line's publish_qos */
  int retain; /* -1: the line's publish_retain */
} tl_outgoing;

/* A run of a decoder only to show what it would do (explain): nothing live may change. */
typedef struct {
  tl_station *copy;  /* its tags take the values; its `user` has the decoder */
  tl_station *shown; /* what the decoder sees as msg.station */
  const tl_incoming *m;
  const tl_route *route;
  int64_t time_ms;
  /* the values of addressed tags; they are set once the time that decode gives is known */
  tl_reading *reading;
  /* Each value that the decoder returned, as text, before its conversion. */
  void (*returned)(void *returned_ctx, tl_slice name, tl_slice text);
  void *returned_ctx;
  bool failed, declined;
  tl_buf error; /* the error with its traceback, when the decoder failed; owned by the caller */
} tl_dry_decode;

typedef struct {
  /* Does this station have a decoder? Then decode() is called in place of
  ** tl_station_receive().
  ** decode() calls tl_station_begin(), tl_station_read() and tl_station_set() itself, around
  ** the user's function. */
  bool (*has_decode)(void *user);
  /* Does a message of this station, whose line has these functions (NULL: none), call no other
  ** function than its decoder? */
  bool (*decodes_only)(void *line_user, void *user);
  /* TL_OK, also when the user's function failed. TL_ENOMEM: the system had no memory for it;
  ** no tag was set, and the broker must send the message again. */
  int (*decode)(void *ctx, tl_station *s, const tl_incoming *m, const tl_route *route);
  void (*decode_dry)(void *ctx, tl_dry_decode *r);
  /* Call the station's function number `which` (from 0) of prepare with a payload.
  ** TL_OK: what it returned was appended to `out`. TL_ENOENT: it declined. TL_ETYPE: it
  ** failed, which was logged and counted.
  ** With `error` set (explain) a failure is neither logged nor counted; its text is appended
  ** to *error. */
  int (*prepare)(void *ctx, tl_station *s, unsigned which, tl_slice payload, tl_buf *out,
                 tl_buf *error);
  bool (*has_encode)(void *user);
  /* The user's `encode`. TL_OK and *out, or a negative code with *err filled. */
  int (*encode)(void *ctx, tl_tag *t, const tl_value *v, tl_outgoing *out, tl_err *err);
  /* The will for the line's next CONNECT, where a function makes it. False: keep the present
  ** will (there is no function, or it failed, which was logged). */
  bool (*will)(void *ctx, struct tl_link *link, tl_buf *out);
  bool (*has_will)(void *user); /* does a function make the line's will? */
  /* The headers for the line's next WebSocket, where a function makes them: "Name: value",
  ** each followed by a NUL, already checked.
  ** False: the function failed, which was logged, and the line does not connect. */
  bool (*headers)(void *ctx, struct tl_link *link, tl_buf *out);
  /* The line is about to disconnect in order. What is published during this call is sent
  ** before DISCONNECT. */
  void (*before_disconnect)(void *ctx, struct tl_link *link);
  /* A config is about to be applied. */
  void (*reload_begins)(void *ctx);
  /* The line is about to change or to go: those of its functions that wait for their turn come
  ** before all others. True: some are still to be called; ask again in the next turn. */
  bool (*hurry)(void *ctx, struct tl_link *link);
  /* The line is closed, and a reload has taken it away. True: some of its functions wait; when
  ** they have been called, tl_link_left() follows. */
  bool (*leaves)(void *ctx, struct tl_link *link);
  /* Run body(body_ctx) in pieces: it pauses where a decoder takes long.
  ** pieces_new: TL_OK and *out, or TL_ENOMEM. `brief`: each piece takes half a millisecond, not
  ** two. pieces_go: run one piece; true: there is more to
  ** do. pieces_hurry: do not pause any more. */
  int (*pieces_new)(void *ctx, void **out, bool brief, void (*body)(void *body_ctx),
                    void *body_ctx);
  bool (*pieces_go)(void *pieces);
  void (*pieces_hurry)(void *pieces);
  void (*pieces_free)(void *pieces);
  /* One more reference to a station's `user`, for an instance; each is given back with
  ** release. NULL: no memory. */
  void *(*share)(void *ctx, void *user);
  /* One reference to a `user` is given back. */
  void (*release)(void *ctx, void *user);
} tl_handlers;

#endif

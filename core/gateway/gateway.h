/* core/gateway/gateway.h — the running whole: a model of lines, stations and tags, and one link
** (connection, session, router) a line. Knows no libuv type and no Lua: the loop comes through
** net/, scripts through handlers.h. */
#ifndef TL_GATEWAY_GATEWAY_H
#define TL_GATEWAY_GATEWAY_H

#include "gateway/handlers.h"
#include "gateway/observer.h"
#include "gateway/params.h"
#include "mqtt/session.h"
#include "net/loop.h"
#include "net/sink.h"

typedef struct tl_gateway tl_gateway;
typedef struct tl_link tl_link; /* a running line */

int tl_gateway_new (tl_gateway **out, tl_loop *loop, const tl_handlers *handlers, void *ctx);
/* Only after stop() reported. */
void tl_gateway_free (tl_gateway *g);
tl_model *tl_gateway_model (tl_gateway *g);
/* Grows whenever stations or tags may have moved or gone: pointers from before must be looked
** up again. */
uint64_t tl_gateway_generation (const tl_gateway *g);

/* Every reported value goes to this sink as a line of the values stream, before its message is
** acknowledged; while the sink's reader is behind, no socket is read and nothing is
** acknowledged. NULL after a sink: its reader is gone, and nothing is acknowledged any more.
** Borrowed. */
void tl_gateway_set_values (tl_gateway *g, tl_sink *values);
void tl_gateway_values_drained (tl_gateway *g); /* the sink's `drained` */

/* Has the station a decoder that a person may ask? */
bool tl_gateway_decodes (const tl_gateway *g, const tl_station *s);
/* Run a decoder for a person who asks what it would do: writes that it asks for are refused,
** and nothing that lives changes. */
void tl_gateway_dry_run (tl_gateway *g, tl_dry_decode *r);
/* Another owner of a station's `user` (NULL: it has none), who gives it back with release: a reload
** may drop the station meanwhile, and the end of the process the gateway. */
typedef struct {
  void *user; /* NULL: none */
  void (*release)(void *ctx, void *user);
  void *ctx;
} tl_shared_user;
tl_shared_user tl_gateway_share_user (tl_gateway *g, void *user);
void tl_shared_user_release (tl_shared_user *shared);
/* Pointers behind objects of scripts are looked up again: a copy that they saw is gone. */
void tl_gateway_renew_objects (tl_gateway *g);

/* --- configuration (gateway/apply.c) --- */

typedef struct {
  tl_station_spec spec; /* texts borrowed during apply */
  /* handlers of the station; the gateway owns it from apply() on, and gives it to
  ** handlers.release */
  void *user;
} tl_station_config;

typedef struct {
  tl_slice name;
  tl_line_params params; /* moved into the gateway by a successful apply() */
  tl_station_config *stations;
  size_t station_count;
  void *user;
} tl_line_config;

typedef struct {
  tl_line_config *lines;
  size_t line_count;
  /* Called where others may have their turn, with the model as it should be: a station is the old
  ** one or the new one. Lines may be read, written and connected meanwhile, nothing of the config
  ** may. NULL: it all happens in one go. */
  void (*pause)(void *ctx);
  void *pause_ctx;
} tl_config;

/* Make the running whole be what the config says. Lines whose parameters did not change keep
** their connection, stations and tags that did not change keep their values. Each change is
** told as one line of text through `told` (may be NULL). On failure (no memory) some of it may
** have happened; calling again is safe. */
int tl_gateway_apply (tl_gateway *g, tl_config *config,
                      void (*changed)(void *ctx, const char *change), void *ctx, tl_err *err);

/* Only tell what apply() would change. TL_ENOMEM. */
int tl_gateway_compare (tl_gateway *g, const tl_config *config,
                        void (*changed)(void *ctx, const char *change), void *ctx);

/* Connect what is wanted. */
void tl_gateway_start (tl_gateway *g);
/* DISCONNECT and close every line; `done` comes when all are closed, at most a few seconds
** later. A second call gives up the goodbyes. */
void tl_gateway_stop (tl_gateway *g, void (*done)(void *ctx), void *ctx);

/* --- writing (gateway/write.c) --- */

/* result: TL_OK, or a negative code with `why` in words ("connection lost", "queue full").
** Called exactly once. */
typedef void tl_write_done (void *ctx, int result, const char *why);

/* Write a value (in the tag's type; text borrowed) to an output tag. Returns TL_OK when it is
** under way: `done` follows, never before this returns. Errors, nothing was done: TL_ETYPE (not
** an output, no way out), TL_ERANGE, TL_ESTATE (not connected), TL_EFULL (queue full) … with
** err filled. `done` may be NULL. */
int tl_gateway_write (tl_gateway *g, tl_tag *t, const tl_value *v, tl_write_done *done, void *ctx,
                      tl_err *err);
/* Writes with QoS 1 and 2 on a line with session_store survive a kill from here on: whoever
** tells somebody outside the process of a write that was taken (its TL_OK is not enough) calls
** this first. One sync a store for all that was taken since the last one; sockets and the
** values stream call it themselves. TL_OK, or a negative code: something is not on the disk,
** and its line is being closed. */
int tl_gateway_commit (tl_gateway *g, tl_err *err);
/* Where a publish went, in words for a person: "plant/boiler/set: 55 (QoS 1)"; cut to fit. */
typedef struct {
  char text[320]; /* "": nothing was published */
} tl_sent;
/* Until it is NULL again, *out describes what was published last. Borrowed. */
void tl_gateway_describe (tl_gateway *g, tl_sent *out);
/* Publish as it is. qos and retain: -1 for the line's. */
int tl_link_publish (tl_link *l, tl_slice topic, tl_slice payload, int qos, int retain,
                     tl_write_done *done, void *ctx, tl_err *err);

/* --- steering and looking --- */

void tl_station_set_mode (tl_gateway *g, tl_station *s, bool off, bool simulated);
void tl_link_reconnect (tl_link *l, const char *why);
/* New parameters for a live line: closes and re-creates the connection, topic_filter alone
** waits for the next one. Takes *params. TL_ESTATE: the line is being removed; TL_ENOMEM. */
int tl_link_set_params (tl_link *l, tl_line_params *params);
const tl_line_params *tl_link_params (const tl_link *l);
tl_line *tl_link_line (const tl_link *l);
/* of the wake-up that is being handled, tl_loop_now's ms */
int64_t tl_link_now (const tl_link *l);
tl_router *tl_link_router (tl_link *l);
tl_link *tl_line_link (const tl_line *line);
tl_gateway *tl_link_gateway (tl_link *l);
/* Topic filters in one block of memory. All zero: none. */
typedef struct {
  size_t n;
  tl_subscription *at;
  struct tl_filter_index *index; /* filter_index.c: made when it is asked; NULL: not yet */
} tl_filters;
/* The filters that the line wants now (session.c): topic_filter, and behind it the addresses
** of stations with subscribe_address that are not in it, each once. Borrowed: valid until the
** next tl_link_use_filters(). */
const tl_filters *tl_link_filters (const tl_link *l);
void *tl_link_user (const tl_link *l);
/* its last messages: gateway/recorder.h */
const struct tl_recorder *tl_link_recorder (const tl_link *l);

/* How a connection that was accepted ended: we were asked to end it, the broker or the network
** did, or we did since something was wrong (no answer, a broken rule). */
typedef enum { TL_END_ASKED, TL_END_BROKER, TL_END_FAULT, TL_ENDS } tl_link_end;
extern const char *const tl_link_ends[TL_ENDS]; /* "asked" … */

/* Why a write failed or was not taken, besides what its value or topic is. */
typedef enum {
  TL_UNSENT_STATE,
  TL_UNSENT_FULL,
  TL_UNSENT_LOST,
  TL_UNSENT_SESSION,
  TL_UNSENT_OLD,
  TL_UNSENT_OTHER,
  TL_UNSENT
} tl_unsent;
extern const char *const tl_unsent_names[TL_UNSENT]; /* "not connected" … */

typedef struct {
  const char *state;      /* "off" "connecting" "waiting" "connected" "stopping" */
  const char *peer;       /* "127.0.0.1:1883", "" while there is none */
  const char *address;    /* in use or to try next, as configured: "broker:8883" */
  const char *transport;  /* of the connection: "TLS 1.3, …"; "": TCP alone, or none */
  const char *warning;    /* of its certificates; "": none */
  const char *last_error; /* why the last connection ended, "" when none did */
  uint64_t connects, failures;
  uint64_t ends[TL_ENDS], unsent[TL_UNSENT];
  uint64_t too_long;    /* messages longer than max_packet_size, read over */
  size_t waiting_bytes; /* of received messages that wait behind one that awaits ACK_ID */
  uint64_t messages, unrouted, wills, handler_errors, instances_refused;
  int64_t connected_since; /* tl_clock_mono_ms; -1 while not connected */
  tl_session_stats session;
  tl_router_stats router;
} tl_link_stats;
void tl_link_get_stats (const tl_link *l, tl_link_stats *out);

/* The topic of a message that no station took, most frequent of the last ones; "" when there is
** none. */
const char *tl_link_unrouted_topic (const tl_link *l);

#endif

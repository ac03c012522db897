/* core/gateway/gateway.h — the running gateway: a model of lines, stations and tags, and for
** each line a link (connection, session, router).
** Knows no libuv type and no Lua: the loop comes through net/, scripts come through
** handlers.h. */
#ifndef TL_GATEWAY_GATEWAY_H
#define TL_GATEWAY_GATEWAY_H

#include "dial/dial.h"
#include "gateway/handlers.h"
#include "gateway/observer.h"
#include "mqtt/session.h"
#include "net/loop.h"
#include "net/sink.h"

typedef struct tl_gateway tl_gateway;
typedef struct tl_link tl_link; /* a running line */

int tl_gateway_new (tl_gateway **out, tl_loop *loop, const tl_handlers *handlers, void *ctx);
/* A gateway that was started: only after tl_gateway_stop() has called `done`. */
void tl_gateway_free (tl_gateway *g);
tl_model *tl_gateway_model (tl_gateway *g);
/* Grows whenever stations or tags may have moved or been removed. Pointers from before must
** then be looked up again by name. */
uint64_t tl_gateway_generation (const tl_gateway *g);

/* Every reported value is written to this sink as a line of the values stream, before its
** message is acknowledged. The sink is borrowed.
** While the sink's reader is behind, no socket is read and nothing is acknowledged.
** NULL after a sink was set: its reader is gone, and nothing is acknowledged any more. */
void tl_gateway_set_values (tl_gateway *g, tl_sink *values);
void tl_gateway_values_drained (tl_gateway *g); /* the sink calls this as its `drained` */

/* Does the station have a decoder that tl_gateway_dry_run() can run? */
bool tl_gateway_decodes (const tl_gateway *g, const tl_station *s);
/* Run a decoder only to show what it would do: its writes are refused, and no live station or
** tag changes. */
void tl_gateway_dry_run (tl_gateway *g, tl_dry_decode *r);
/* One more reference to a station's `user` (NULL: the station has none); its holder gives it
** back with release.
** With it `user` stays valid when a reload removes the station, or when the gateway is freed. */
typedef struct {
  void *user; /* NULL: none */
  void (*release)(void *ctx, void *user);
  void *ctx;
} tl_shared_user;
tl_shared_user tl_gateway_share_user (tl_gateway *g, void *user);
void tl_shared_user_release (tl_shared_user *shared);
/* Script objects look their pointers up again at the next use. Called when a copy of a station
** that scripts saw is freed. */
void tl_gateway_renew_objects (tl_gateway *g);

/* --- configuration (gateway/apply.c) --- */

typedef struct {
  tl_station_spec spec; /* texts borrowed during apply */
  /* The functions of the station. tl_gateway_apply() takes them over and later passes them to
  ** handlers.release. */
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
  /* Called where the loop may run other things: each station is then wholly the old one or
  ** wholly the new one. Lines may be read, written and connected during the call, but this
  ** config must not change. It may return at once, as long as this turn of the loop lasts no
  ** longer than it should; with `now` it does not, since something is waited for. False: nothing
  ** else ran.
  ** NULL: everything is done without a pause. */
  bool (*pause)(void *ctx, bool now);
  void *pause_ctx;
} tl_config;

/* Make the gateway match the config.
** Lines whose parameters did not change keep their connection; stations and tags that did not
** change keep their values.
** Each change is passed to `told` as one line of text (`told` may be NULL).
** TL_OK, or a negative code with *err (no memory): part of the config may be applied then, and
** calling again is safe. */
int tl_gateway_apply (tl_gateway *g, tl_config *config,
                      void (*changed)(void *ctx, const char *change), void *ctx, tl_err *err);

/* Only tell what tl_gateway_apply() would change. TL_OK or TL_ENOMEM. */
int tl_gateway_compare (tl_gateway *g, const tl_config *config,
                        void (*changed)(void *ctx, const char *change), void *ctx);

/* Connect every line that a station wants. */
void tl_gateway_start (tl_gateway *g);
/* Send DISCONNECT on every line and close it. `done` is called once, when all sockets are
** closed, at the latest after some seconds.
** A second call closes at once, without waiting for DISCONNECT to leave. */
void tl_gateway_stop (tl_gateway *g, void (*done)(void *ctx), void *ctx);
bool tl_gateway_is_stopping (const tl_gateway *g);

/* --- writing (gateway/write.c) --- */

/* How a write ended. result: TL_OK, or a negative code with `why` in words ("connection lost",
** "queue full"). Called exactly once. */
typedef void tl_write_done (void *ctx, int result, const char *why);

/* Write a value (of the tag's type; its text is borrowed) to an output tag.
** TL_OK: the write is under way, and `done` (may be NULL) is called later, never before this
** function returns.
** Errors, with *err filled and nothing done: TL_ETYPE (not an output, or no topic to write
** to), TL_ERANGE, TL_ESTATE (not connected), TL_EFULL (queue full), and others. */
int tl_gateway_write (tl_gateway *g, tl_tag *t, const tl_value *v, tl_write_done *done, void *ctx,
                      tl_err *err);
/* Would a write of this tag have a topic? False, with *err: not now. Where `encode` decides, and
** for a tag that is not published, true. */
bool tl_gateway_has_topic (const tl_tag *t, tl_err *err);
/* Make everything that was accepted so far safe on disk: writes with QoS 1 and 2 on lines with
** session_store.
** A caller that tells somebody outside this process of an accepted write calls this first; the
** write's TL_OK alone does not mean that it is stored.
** It costs one sync for each store that has changes. Sockets and the values stream call it
** themselves.
** TL_OK, or a negative code with *err: a store failed, and its line is being closed. */
int tl_gateway_commit (tl_gateway *g, tl_err *err);
/* What was published, in words for a person: "plant/boiler/set: 55 (QoS 1)". Cut to fit. */
typedef struct {
  char text[320]; /* "": nothing was published */
} tl_sent;
/* From now on each publish is described in *out, which is borrowed until this is called with
** NULL. */
void tl_gateway_describe (tl_gateway *g, tl_sent *out);
/* Publish a payload unchanged. qos 0 to 2, retain 0 or 1; -1 for either: as the line's
** parameters say. */
int tl_link_publish (tl_link *l, tl_slice topic, tl_slice payload, int qos, int retain,
                     tl_write_done *done, void *ctx, tl_err *err);

/* --- steering and looking --- */

void tl_station_set_mode (tl_gateway *g, tl_station *s, bool off, bool simulated);
void tl_link_reconnect (tl_link *l, const char *why);
/* New parameters for a running line. They close the connection and make a new one; when only
** topic_filter differs, it is used from the next connection on.
** Takes over what *params owns. TL_ESTATE: the line is being removed; TL_ENOMEM. */
int tl_link_set_params (tl_link *l, tl_line_params *params);
const tl_line_params *tl_link_params (const tl_link *l);
tl_dial *tl_link_dial (tl_link *l); /* for probes */
tl_line *tl_link_line (const tl_link *l);
bool tl_link_is_removed (const tl_link *l); /* a reload has taken the line away */
/* What waited of the line's functions has been called (tl_handlers.leaves). Frees the line, unless
** another reload has brought it back. */
void tl_link_left (tl_link *l);
/* The time of the current wake-up, in ms as tl_loop_now(). */
int64_t tl_link_now (const tl_link *l);
tl_router *tl_link_router (tl_link *l);
tl_link *tl_line_link (const tl_line *line);
tl_gateway *tl_link_gateway (tl_link *l);
/* Topic filters in one block of memory. All zero: none. */
typedef struct {
  size_t n;
  tl_subscription *at;
  /* filter_index.c makes it when it is first needed; NULL: not made yet */
  struct tl_filter_index *index;
} tl_filters;
/* The topic filters that the line wants now (session.c): its topic_filter, then the addresses
** of stations with subscribe_address. Each filter is listed once.
** Borrowed until the next tl_link_use_filters(). */
const tl_filters *tl_link_filters (const tl_link *l);
void *tl_link_user (const tl_link *l);
/* The last messages of the line (gateway/recorder.h). */
const struct tl_recorder *tl_link_recorder (const tl_link *l);

/* How a connection that had been accepted ended: this process was asked to end it, the broker
** or the network ended it, or the session found a fault (no answer, a broken rule). */
typedef enum { TL_END_ASKED, TL_END_BROKER, TL_END_FAULT, TL_ENDS } tl_link_end;
extern const char *const tl_link_ends[TL_ENDS]; /* "asked" … */

/* Why a write was refused or failed, apart from a wrong value or topic. */
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
  const char *state;   /* "off" "waiting" "connecting" "connected" "disconnecting" */
  const char *peer;    /* IP address and port, "127.0.0.1:1883"; "": no connection */
  const char *address; /* in use or to try next, as configured: "broker:8883" */
  /* what the connection is made of: "TLS 1.3, …"; "": plain TCP, or no connection */
  const char *transport;
  const char *warning;    /* about the connection's certificates; "": none */
  const char *last_error; /* why the last connection ended; "": none has ended */
  uint64_t connects, failures;
  uint64_t attempts_failed; /* of `failures`: before the broker accepted a connection */
  uint64_t ends[TL_ENDS], unsent[TL_UNSENT];
  uint64_t too_long;    /* received messages longer than max_packet_size; they were skipped */
  size_t waiting_bytes; /* bytes of received messages that wait for ACK_ID of an earlier one */
  uint64_t messages, unrouted, wills, instances_refused;
  int64_t connected_since; /* ms, as tl_clock_mono_ms(); -1 while not connected */
  tl_session_stats session;
  tl_router_stats router;
} tl_link_stats;
void tl_link_get_stats (const tl_link *l, tl_link_stats *out);
uint64_t tl_link_handler_errors (const tl_link *l); /* of all its stations: looks at each */

/* The most frequent topic, among recent messages, that no station takes; "": there is none. */
const char *tl_link_unrouted_topic (const tl_link *l);

#endif

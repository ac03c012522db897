/* core/gateway/link_impl.h — private to gateway/: a running line, and the functions that the
** files of this room call of each other. */
#ifndef TL_GATEWAY_LINK_IMPL_H
#define TL_GATEWAY_LINK_IMPL_H

#include "gateway/gateway_impl.h"
#include "base/clock.h"
#include "base/log.h"
#include "dial/dial.h"
#include "gateway/recorder.h"
#include "gateway/health.h"
#include "gateway/instance.h"
#include "route/router.h"
#include "session_store/store.h"

typedef enum {
  TL_LINK_OFF,        /* no station wants the line, or the gateway is not started */
  TL_LINK_WAITING,    /* until the next attempt */
  TL_LINK_CONNECTING, /* from name resolution to CONNACK */
  TL_LINK_CONNECTED,  /* CONNACK accepted */
  TL_LINK_CLOSING     /* the socket is being closed */
} tl_link_state;

/* A publish whose end somebody waits for. */
typedef struct tl_write {
  struct tl_write *next, *prev;
  tl_link *link;
  tl_tag *tag;    /* NULL: a publish without a tag, or the tag was removed */
  tl_value value; /* set into the tag when the write is done */
  tl_slice owned; /* memory of the value's text */
  bool published; /* the value's text is the payload, which the session keeps */
  tl_write_done *done;
  void *ctx;
  bool local;   /* needs no network: `done` is called at the end of the wake-up */
  int moves_to; /* apply.c: place of `tag` in the next plan, from 1; -1: none; 0: it stays */
  bool goodbye; /* its line waits for the end of this write before DISCONNECT */
} tl_write;

/* The call of before_disconnect for this connection (goodbye.c). */
typedef struct {
  enum { TL_GOODBYE_NOT, TL_GOODBYE_SAYING, TL_GOODBYE_SAID } state;
  uint32_t writes; /* writes of that function that have not ended yet */
  int64_t by;      /* when to stop waiting, ms as tl_loop_now() */
  int64_t latest;  /* the same, while the socket is read */
} tl_goodbye;

typedef struct tl_pending tl_pending;

/* A link's place in a list of links that have something to do. */
typedef struct {
  struct tl_link *next, **at; /* at NULL: it is in none */
} tl_link_entry;

/* Where the session is stored (session_store). All zero: nowhere. */
typedef struct {
  tl_buf path;      /* path of the file; empty: the session is not stored */
  tl_store *store;  /* NULL: no store is wanted, or it could not be opened yet */
  bool dirty;       /* the batch has changes; such links are counted in the gateway's `unsaved` */
  bool failed;      /* the last commit failed: the store is behind the session */
  bool anew;        /* the session is reporting its whole state again */
  int64_t retry_at; /* when a write may try the store again */
  tl_err why;       /* of the last failure */
  /* Messages with a lower sequence number were written by an earlier process; `restored` of
  ** them are not confirmed yet. */
  uint64_t restored_end;
  uint32_t restored;
  tl_pending *pending; /* once.c: received QoS 2 identifiers that the store does not have yet */
  uint32_t pending_count, pending_cap;
  tl_link_entry due;   /* once.c: in the gateway's list of stores that are to be told something */
  bool place_due;      /* the store does not have the present `place` of the spool yet */
  uint16_t delivering; /* identifier of the message that is being delivered; 0: none */
} tl_persistence;

typedef struct tl_waiting tl_waiting; /* a message behind one that waits for ACK_ID */

/* The connection: written by connect.c. events.c notes CONNACK, and apply.c asks for a new
** connection. */
typedef struct {
  tl_transport *transport; /* NULL: no socket */
  tl_link_state state;
  bool removed; /* the line was removed: free the link when it is closed */
  bool renew;   /* reconnect at once after the close (parameters changed) */
  size_t host;  /* index of the address in use or to try next; a failure moves on to the next one */
  int64_t retry_at;      /* WAITING: when to try again, ms */
  int64_t connect_by;    /* CONNECTING: when connect_timeout is over, ms */
  int64_t delay;         /* the present wait between two attempts, ms */
  int64_t since;         /* when CONNACK came, ms; -1: not connected */
  uint32_t quick_closes; /* in a row: closed by the broker right after CONNACK */
  uint64_t connects, failures, attempts_failed;
  uint64_t ends[TL_ENDS]; /* how connections that were accepted have ended */
  char peer[300];         /* "": the socket is not up yet */
  char error[512];        /* why the last connection ended; "": this process ended it */
  char *lost; /* why, for on_disconnect, until all stations have heard of it (owned); else NULL */
} tl_conn;

/* The time of the present wake-up, and the line's only timer. */
typedef struct {
  int64_t now, wall;  /* tl_loop_now and tl_clock_wall_ms */
  int64_t status_due; /* when tl_line_tick() is due */
  tl_timer *timer; /* fires at the earliest of: session, statuses, next attempt, connect_timeout */
  int64_t armed;   /* when the timer fires; INT64_MAX: it is not set */
  int64_t looked_for; /* the deadline that the socket was read for once it was over */
} tl_link_time;

/* Reasons why the socket is not read (tl_input.shut). */
typedef enum {
  TL_SHUT_VALUES = 1,    /* the reader of the values stream is behind: the gateway is blocked */
  TL_SHUT_QUEUE = 2,     /* receive_queue is full */
  TL_SHUT_CONGESTED = 4, /* the peer does not read our answers, and more input would add to them */
  TL_SHUT_RELOAD = 8     /* the line's stations are being exchanged */
} tl_shut;

/* Received bytes on their way to the session: written by input.c. */
typedef struct {
  tl_buf bytes;
  /* how many of these bytes the session has used; they are removed before the next read */
  size_t done;
  size_t room;    /* how many bytes the last read could take */
  size_t answers; /* bytes that input has added to the output since the output was last empty */
  bool leftover;  /* `bytes` may still hold whole packets */
  /* the last read filled the buffer: the socket has more, but other lines come first */
  bool full_read;
  /* bits of tl_shut: why nothing is read; each bit is set by the file whose reason it is */
  unsigned shut;
} tl_input;

/* How long this line may handle input in this turn of the loop: written by pace.c. `handled`
** is also counted where a message enters a script. */
typedef struct {
  int handled;   /* messages that entered a script since the loop was last served */
  bool its_turn; /* the line has waited, and is called now */
  /* Not 0 (but TL_LINK_LONG): its decoders are interrupted as on a message that is so much longer,
  ** since they may have become slow. */
  uint32_t careful;
  bool owed;      /* a deadline is over, and it had no turn since (has_stood_still in connect.c) */
  uint8_t slow;   /* not 0: its input took long not long ago */
  uint8_t quick;  /* how many inputs in a row were quick; pace.c says at which it ends */
  uint32_t took;  /* ticks of the line's input the last time */
  uint32_t ticks; /* tl_clock_busy when this turn began */
  uint64_t began; /* tl_clock_mono_ns at the same moment */
  tl_heavy waits; /* for its turn to handle input */
} tl_pace;

/* The message that waits for the write of ACK_ID, and the messages behind it: written by
** ack_id.c. */
typedef struct {
  tl_station *station; /* the station whose message waits; NULL: none */
  uint16_t id;         /* of that message */
  /* its handlers are running: the session does not know yet that the message is held */
  bool delivering;
  tl_waiting *head, *tail;
  uint32_t count;
  size_t bytes;
  tl_heavy waits; /* for its turn to deliver these: the present one is used */
} tl_ack;

/* A message that is handled in pieces: written by long_message.c. */
typedef struct {
  void *pieces;               /* NULL: there is none */
  tl_link *next;              /* in tl_gateway.longs */
  struct tl_waiting *waiting; /* owns it */
  const tl_incoming *message;
  bool held, no_memory; /* how the delivery ended, see tl_link_delivered() */
  /* the session that brought it was exchanged: an identifier of the new session that looks
  ** the same is another message's */
  bool orphan;
  /* What the gateway and the model know of a message, kept here while this one is paused. */
  tl_current current;
  bool starved, only_unset;
  uint64_t pattern_sum; /* base/pattern.h */
  uint32_t brief;       /* pieces so far, of a message that is short: they are brief */
} tl_long;

/* Received messages and who takes them: written by receive.c, except the members that name
** another file. */
typedef struct {
  tl_router *router;
  bool no_memory;  /* no memory to handle the message that is being delivered */
  bool some_unfed; /* fed.c: a station may exist that no granted topic filter serves */
  /* the generation for which will_templates was computed, plus 1; 0: not computed */
  uint64_t templates_of;
  bool will_templates; /* receive.c: a template has a will topic */
  bool asked_again;    /* retained.c: retained messages come again, meant for what is new */
  bool unrouted_logged, given_up_logged;
  uint64_t messages, unrouted, wills, too_long;
  uint64_t instances_refused; /* instance.c */
  char unrouted_topic[128];
} tl_routing;

/* flush.c: the link's place in a list of links that have something to do. */
typedef struct {
  tl_link *next, **at;
} tl_link_flush_entry;

/* Each sub-struct serves one purpose. The file that its comment names is its main writer. */
struct tl_link {
  tl_gateway *gateway;
  tl_line *line;
  tl_line_params params;
  void *user;
  tl_session *session;
  uint64_t sessions;   /* grows when `session` becomes another one */
  tl_filters filters;  /* session.c: the filters that the line wants */
  tl_persistence keep; /* session_store.c */
  tl_conn conn;
  uint64_t unsent[TL_UNSENT]; /* write.c */
  tl_link_time time;
  tl_input input;
  tl_pace pace;
  tl_routing routing;
  tl_ack ack;
  tl_long longer;
  tl_link_flush_entry flush;
  tl_dial dial;         /* the room dial */
  tl_goodbye goodbye;   /* goodbye.c */
  tl_health health;     /* health.c */
  tl_recorder recorder; /* the last messages */
};

#define TL_LINK_SCOPE(l) ((l)->line->name)

/* link.c */
/* On success takes over what *params owns. TL_OK; TL_ENOMEM with *err. */
int tl_link_new (tl_gateway *g, tl_line *line, tl_line_params *params, void *user, tl_link **out,
                 tl_err *err);
/* Frees the link, and its line in the model, whose stations go in pieces (burial.c). Its socket
** must be closed. */
void tl_link_free (tl_link *l);

/* burial.c: nobody finds the line any more; its router and its stations are freed in this turn
** and in later ones. */
void tl_gateway_bury (tl_gateway *g, tl_line *line, tl_router *router);
void tl_gateway_bury_all (tl_gateway *g); /* at once: the process ends */

/* connect.c */
/* Connect or disconnect, as the stations want it now. */
void tl_link_check (tl_link *l);
void tl_link_tell_lost (tl_link *l);               /* on_disconnect, when it is due */
void tl_link_close (tl_link *l, bool say_goodbye); /* begin to close: state CLOSING */
/* The line was removed and its socket is closed: frees it, when its functions that wait for their
** turn have been called. */
void tl_link_leave (tl_link *l);
/* Log the reason, close, and try again after a wait. */
void tl_link_fail (tl_link *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void tl_link_session_failed (tl_link *l); /* the same, with the reason that the session gives */
void tl_link_arm (tl_link *l);            /* set the timer to what is due next */
void tl_link_on_timer (void *ctx);
void tl_link_flush (tl_link *l); /* hand the session's output to the socket */
/* After so many messages that entered a script, the loop gets its turn, so that a write waits
** no longer than that (reference, Wait Timeout).
** If they took less than TL_LINK_QUICK_NS together, input goes on: nobody has waited yet. */
enum { TL_LINK_PER_TURN = 10, TL_LINK_QUICK_NS = 50000 };
/* How many topics, and bytes of topics, the router remembers an answer for. */
enum { TL_LINK_TOPICS = 65536, TL_LINK_TOPIC_BYTES = 8 << 20 };

/* input.c */
uint8_t *tl_input_room (void *ctx, size_t *room); /* of tl_transport_events */
void tl_input_data (void *ctx, size_t n);
/* May the socket be read? Until CONNACK it may, unless the broker does not read our packets: no
** other reason counts then. */
bool tl_input_may_read (const tl_link *l);
/* Must received messages wait? The session's keep-alive needs to know. */
bool tl_input_is_paused (const tl_link *l);
void tl_input_tell_paused (tl_link *l);    /* the session and the transport hear whether it is */
void tl_link_reading_changed (tl_link *l); /* `shut` has become 0, or is no longer 0 */
void tl_link_input (tl_link *l);           /* feed what is in `bytes` to the session */
/* In the next turn, go on with input that was left so that the loop could serve others. */
void tl_link_ask_resume (tl_link *l);
void tl_input_drained (tl_link *l); /* the socket took all answers */
void tl_input_forget (tl_link *l);  /* the connection is gone */

/* pace.c. A line's input is handled until its part of the turn is over: after some messages
** that entered a script, or after one tick of processor time. */
void tl_pace_begin (tl_link *l);
bool tl_pace_check_over (tl_link *l);
static inline bool tl_pace_is_over (tl_link *l) {
  bool may_be = tl_clock_busy != l->pace.ticks || l->pace.handled >= TL_LINK_PER_TURN;
  return may_be && tl_pace_check_over(l);
}
void tl_pace_end (tl_link *l);
/* Other lines come first: this line's input waits until it is its turn (tl_heavy_wait). */
bool tl_pace_passes_over (const tl_link *l);
void tl_pace_wait (tl_link *l); /* in the order of those that are passed over */
void tl_pace_slow (tl_link *l); /* it counts as slow from now on */

/* session.c */
/* Make the link's session from its parameters; a different session when they name another
** store. TL_OK, TL_ENOMEM. */
int tl_link_new_session (tl_link *l);
/* Give *session the line's parameters; with *session NULL, make a new session first. TL_OK,
** TL_ENOMEM. */
int tl_link_make_session (tl_link *l, tl_session **session);

/* goodbye.c */
/* An orderly end is wanted: calls before_disconnect, once for each connection.
** True: its messages are not acknowledged yet; tl_link_close() is called later. */
bool tl_goodbye_waits (tl_link *l);
void tl_goodbye_settled (tl_link *l); /* a write of before_disconnect has ended */
void tl_goodbye_reading (tl_link *l); /* the socket is read again, or no longer */
void tl_goodbye_tick (tl_link *l);
void tl_goodbye_forget (tl_link *l); /* the connection is gone */
static inline int64_t tl_goodbye_due (const tl_link *l) {
  return l->goodbye.state == TL_GOODBYE_SAYING ? l->goodbye.by : INT64_MAX;
}

/* events.c */
extern const tl_session_events tl_link_session_events;

/* session_store.c */
/* The session's event `store`: one change of what it must remember. */
void tl_link_remember (void *ctx, char kind, uint64_t sequence, uint16_t id, tl_slice bytes,
                       bool gone);
/* Is the session stored as the parameters want it, so that the line may connect and accept
** writes?
** If not, tries to open the store or to commit again: with at_once now, otherwise only when
** the last attempt was some time ago.
** TL_OK (also when no store is wanted), or a negative code with *err. */
int tl_link_store_ready (tl_link *l, bool at_once, tl_err *err);
/* The broker has no session: identifiers of before mean nothing, and the store hears so. */
void tl_link_session_lost (tl_link *l);
/* Close the store when the parameters name another one; *moved tells whether they do. TL_OK,
** TL_ENOMEM. */
int tl_link_store_moved (tl_link *l, bool *moved);
void tl_link_store_close (tl_link *l);
/* Write the batches of all stores, so that a kill loses nothing. tl_gateway_commit() also
** syncs them. */
int tl_gateway_write_stores (tl_gateway *g, tl_err *err);

/* receive.c */
/* prepare.c: replace the payload of *in by what the station's prepare makes of it.
** False: the message goes no further, and the station was told. */
bool tl_link_prepare (tl_link *l, tl_station *s, tl_incoming *in, tl_prepare_room *room);
/* Deliver a message to its station. True: it now waits for ACK_ID.
** l->routing.no_memory: it could not be handled, and must not be acknowledged when its QoS is
** 1 or 2. */
bool tl_link_deliver (tl_link *l, const tl_incoming *m);
int tl_link_message (void *ctx, const tl_message *m);

/* ack_id.c */
int tl_link_queue (tl_link *l, const tl_incoming *m); /* copies; TL_ENOMEM */
void tl_link_drop_queue (tl_link *l);
/* The tag ACK_ID was written with this value. */
int tl_link_confirm (tl_link *l, const tl_tag *t, int64_t id, tl_err *err);
/* Station s is removed or switched off: its message no longer waits for ACK_ID. */
void tl_link_forget_awaiting (tl_link *l, const tl_station *s);
/* At the end of this wake-up, deliver the messages that waited. */
void tl_link_ask_pump (tl_link *l);
/* Begin the message that was queued last in pieces now, if no other one is before it. */
void tl_link_begin_first (tl_link *l);
void tl_link_forget_pump (tl_link *l);

/* A message that was handled in pieces is done. Frees w. `orphan`: it is not acknowledged. */
void tl_link_delivered (tl_link *l, tl_waiting *w, bool held, bool no_memory, bool orphan);
/* The message waited, and its station may have become StHardErr meanwhile: its values do not
** change that. To be called behind the delivery. */
void tl_link_stay_lost (tl_link *l, const tl_incoming *m);

/* long_message.c */
enum { TL_LINK_LONG = 32 * 1024 }; /* bytes; shorter ones are read in a few milliseconds */
/* May the decoder of this message take long? With pace.careful, any may. */
bool tl_link_is_long (tl_link *l, const tl_incoming *m);
/* Can a message of this station be handled in pieces, if it has a decoder? */
bool tl_link_has_pieces (const tl_station *s);
/* Handle the message in pieces, one in each of the next turns. True: `waiting` now belongs to
** that. False: the caller handles the message at once. */
bool tl_link_begin_long (tl_link *l, tl_waiting *waiting, const tl_incoming *m);
/* Run the decoder of such a message. Results as those of handlers.decode. */
int tl_link_decode_long (tl_link *l, tl_station *s, const tl_incoming *m, const tl_route *route);
/* Finish a message that is handled in pieces now: the line's stations change, or the line is
** removed. */
void tl_link_finish_long (tl_link *l);
/* The line gets another session: such a message goes on, and is not acknowledged. */
void tl_link_orphan_long (tl_link *l);
void tl_gateway_forget_longs (tl_gateway *g); /* all lines are gone */

/* instance.c: the station of this device; its first message makes it. NULL: none was made
** (max_instances reached, the name is taken, or no memory). */
tl_station *tl_link_instance (tl_link *l, tl_station *made_by, const tl_route *route,
                              const tl_incoming *m);
/* write.c */
void tl_link_published (void *ctx, void *token, int result, tl_slice payload);
/* Pending writes no longer set the tags of this station; of all stations of this line. */
void tl_gateway_forget_tag (tl_gateway *g, const tl_station *s);
void tl_gateway_forget_line (tl_gateway *g, const tl_line *line);

/* flush.c */
/* At the end of this wake-up: hand the session's output to the socket, and set the timer. */
void tl_link_ask_flush (tl_link *l);
void tl_link_forget_flush (tl_link *l);

/* observers.c: pass news on to observers. Call these only when an observer is there
** (g->news.observers; for messages g->news.listening). */
bool tl_observers_settled (const tl_gateway *g); /* may messages be acknowledged? */
void tl_notify_value (tl_gateway *g, tl_tag *t);
/* For an observer that acts: does the tag's station or line have functions of the user? */
static inline bool tl_has_functions (const tl_tag *t) {
  const tl_link *l = t->station->line->user;
  return t->station->user || (l && l->user);
}
void tl_notify_message (tl_link *l, const tl_incoming *m, const tl_station *s, tl_fate fate);
void tl_notify_status (tl_gateway *g, tl_station *s, tl_station_status before);
void tl_notify_line (tl_link *l, bool up, const char *why);

/* session_store.c: all observers are settled, so tell the stores what was received. */
void tl_gateway_put_received (tl_gateway *g);

#endif

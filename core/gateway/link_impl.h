/* core/gateway/link_impl.h — private to gateway/: a running line and its owner. */
#ifndef TL_GATEWAY_LINK_IMPL_H
#define TL_GATEWAY_LINK_IMPL_H

#include "gateway/gateway.h"
#include "gateway/prepare.h"
#include "base/clock.h"
#include "base/log.h"
#include "gateway/offline.h"
#include "gateway/recorder.h"
#include "gateway/health.h"
#include "gateway/instance.h"
#include "route/router.h"
#include "transport/transport.h"
#include "session_store/store.h"

typedef enum {
  TL_LINK_OFF,        /* no station wants it, or not started */
  TL_LINK_WAITING,    /* for the next attempt */
  TL_LINK_CONNECTING, /* resolve, TCP connect, CONNECT sent */
  TL_LINK_CONNECTED,  /* CONNACK accepted */
  TL_LINK_CLOSING     /* the socket is on its way down */
} tl_link_state;

/* A publish whose fate somebody waits for. */
typedef struct tl_write {
  struct tl_write *next, *prev;
  tl_link *link;
  tl_tag *tag;    /* NULL: a plain publish, or the tag is gone */
  tl_value value; /* set into the tag when the write is done */
  tl_slice owned; /* the value's text */
  bool published; /* the value's text is the payload, which the session keeps */
  tl_write_done *done;
  void *ctx;
  bool local;   /* needs no network: told at the end of the wake-up */
  bool goodbye; /* its line waits for it before DISCONNECT */
} tl_write;

/* before_disconnect, of this connection (goodbye.c). */
typedef struct {
  enum { TL_GOODBYE_NOT, TL_GOODBYE_SAYING, TL_GOODBYE_SAID } state;
  uint32_t writes; /* that are not settled yet */
  int64_t by;      /* tl_loop_now */
} tl_goodbye;

typedef struct tl_pending tl_pending;
typedef struct tl_found tl_found;

/* Where the session is kept (session_store). All zero: nowhere. */
typedef struct {
  tl_buf path;      /* of the file; empty: nowhere */
  tl_store *store;  /* NULL: could not be opened yet, or is not wanted */
  bool dirty;       /* changes wait for a commit, counted in the gateway's `unsaved` */
  bool failed;      /* the last commit did: the store is behind the session */
  bool anew;        /* the session tells all of it once more */
  int64_t retry_at; /* a write does not try sooner */
  tl_err why;       /* of the last failure */
  /* messages below this sequence are of the process before; `restored` are not confirmed yet */
  uint64_t restored_end;
  uint32_t restored;
  tl_pending *pending; /* once.c: received identifiers that it does not have yet */
  uint32_t pending_count, pending_cap;
  bool place_due;      /* it does not know up to where values are stored */
  uint16_t delivering; /* whose message is being handed over; 0: none */
} tl_persistence;

/* Up to where values are stored; store 0: they are not. */
typedef struct {
  uint64_t store, next;
} tl_place;

/* Of the connection's transport. */
typedef struct {
  char address[300];           /* as configured, with its port: "broker:8883" */
  char made_of[300];           /* "TLS 1.3, …, WebSocket /mqtt"; "": TCP alone */
  tl_transport_memory *memory; /* of each address; NULL: none yet */
  size_t memories;
  bool stale;        /* the parameters are others now: no session of before is resumed */
  int64_t look_at;   /* at the dates of certificates, while connected */
  int64_t warned_at; /* of the last warning of a certificate that ends soon; 0: never */
  char warning[300]; /* for status(): that, or of other things to look at; "": nothing */
} tl_secured;

typedef struct tl_waiting tl_waiting; /* a message behind one that waits for ACK_ID */

/* repeats.c: a failure that was logged. */
typedef struct {
  uint32_t hash;             /* of its text */
  uint32_t logged, left_out; /* times it was logged; times it was not, since then */
  int64_t logged_at;         /* tl_loop_now */
} tl_repeat;

enum { TL_REPEATS = 4 }; /* more than redundant addresses have as a rule */

/* The connection: written by connect.c; events.c notes CONNACK, apply.c asks for another one. */
typedef struct {
  tl_transport *transport; /* NULL: no socket */
  tl_link_state state;
  bool removed;          /* free when closed */
  bool renew;            /* reconnect at once after the close (parameters changed) */
  size_t host;           /* index of the address in use, or to try next; a failure moves it on */
  int64_t retry_at;      /* WAITING */
  int64_t connect_by;    /* CONNECTING: connect_timeout */
  int64_t delay;         /* current back-off, ms */
  int64_t since;         /* CONNACK came; -1: not connected */
  uint32_t quick_closes; /* in a row: closed by the broker right after CONNACK */
  uint64_t connects, failures;
  uint64_t ends[TL_ENDS];        /* of connections that were accepted */
  char peer[300];                /* "": the socket is not up yet */
  char error[512];               /* why the last connection ended; "": we ended it */
  tl_repeat repeats[TL_REPEATS]; /* repeats.c */
} tl_conn;

/* The wake-up that is being handled, and the one timer of the line. */
typedef struct {
  int64_t now, wall;  /* tl_loop_now and tl_clock_wall_ms */
  int64_t status_due; /* next tl_line_tick */
  tl_timer *timer;    /* for all: session, statuses, back-off, connect_timeout */
  int64_t armed;      /* when it fires; INT64_MAX: not at all */
} tl_link_time;

/* Reasons why the socket is not read (tl_input.shut). */
typedef enum {
  TL_SHUT_VALUES = 1,    /* the reader of the values is behind: the gateway is blocked */
  TL_SHUT_QUEUE = 2,     /* receive_queue is full */
  TL_SHUT_CONGESTED = 4, /* the peer does not take our answers; what is read adds to them */
  TL_SHUT_RELOAD = 8     /* its stations are being exchanged: a message finds the old or the new */
} tl_shut;

/* Received bytes on their way to the session: written by input.c. */
typedef struct {
  tl_buf bytes;
  size_t done;    /* of them; dropped before the next read */
  size_t room;    /* that was offered to the last read */
  size_t answers; /* bytes that reading has put into the output since it was last empty */
  bool leftover;  /* may hold whole packets still */
  bool full_read; /* the last read filled its room: there is more, but others come first */
  unsigned shut;  /* tl_shut: why nothing is read; its bits are set by those whose reason it is */
} tl_input;

/* How long input may go on in this turn of the loop: written by pace.c; `handled` is counted where
** a message enters a script. */
typedef struct {
  int handled;       /* messages that entered a script since the loop was last served */
  bool heavy;        /* its input took long the last time */
  uint32_t ticks;    /* tl_clock_busy when this turn began */
  uint64_t began;    /* tl_clock_mono_ns of that */
  uint64_t ran_turn; /* the loop's turn in which its input was handled last */
} tl_pace;

/* Messages that wait for the write of ACK_ID, and those behind them: written by ack_id.c. */
typedef struct {
  tl_station *station; /* its message waits; NULL: none */
  uint16_t id;         /* of that message */
  bool delivering;     /* inside its handlers: it is not held by the session yet */
  tl_waiting *head, *tail;
  uint32_t count;
  size_t bytes;
} tl_ack;

/* A message that is handled in pieces: written by long_message.c. */
typedef struct {
  void *pieces;               /* NULL: there is none */
  struct tl_waiting *waiting; /* owns it */
  const tl_incoming *message;
  bool held, no_memory; /* what came of it */
  /* the gateway's and the model's, while it is away */
  tl_link *handling;
  tl_slice topic;
  bool starved, only_unset, stored;
} tl_long;

/* Messages and who takes them: written by receive.c; fed.c, retained.c and instance.c have a
** member each. */
typedef struct {
  tl_router *router;
  bool no_memory;  /* the message that is being delivered could not be handled for want of it */
  bool some_unfed; /* fed.c: there may be stations that no granted topic filter feeds */
  uint64_t templates_of; /* a generation and 1: will_templates is of it; 0: of none */
  bool will_templates;   /* receive.c: a station of named groups has a will topic */
  bool asked_again;      /* retained.c: retained messages come again, for what is new */
  bool unrouted_logged, given_up_logged;
  uint64_t messages, unrouted, wills, too_long;
  uint64_t instances_refused; /* instance.c */
  char unrouted_topic[128];
} tl_routing;

/* flush.c: its place in a list of those that have something to do. */
typedef struct {
  tl_link *next, **at;
} tl_link_flush_entry;

/* One struct for each story, and each is written by the file that it names. */
struct tl_link {
  tl_gateway *gateway;
  tl_line *line;
  tl_line_params params;
  void *user;
  tl_session *session;
  tl_filters filters;  /* session.c: that the line wants */
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
  tl_secured secured;      /* target.c */
  tl_goodbye goodbye;      /* goodbye.c */
  struct tl_probe *probes; /* probe.c: under way */
  tl_health health;        /* health.c */
  tl_recorder recorder;    /* the last messages */
};

struct tl_gateway {
  tl_loop *loop;
  tl_transports *transports;
  tl_model *model;
  tl_handlers handlers;
  void *handlers_ctx;
  tl_sent *describe;            /* tl_gateway_describe(), or NULL */
  tl_prepare_room prepare_room; /* of messages that are repaired */
  tl_sink *values;
  bool started, stopping, blocked; /* blocked: the reader of the values is behind */
  bool listening;                  /* an observer hears messages */
  bool looking, acting;            /* one hears values: only looks; acts on them */
  tl_observer *observers;          /* those that act are behind those that look */
  struct tl_news_walk *walks;      /* observers.c: under way now */
  tl_observer stream;              /* the values stream */
  tl_offline_published *published; /* offline.c: in place of a network; NULL: there is one */
  void *published_ctx;
  tl_link *handling; /* whose message the user's functions are handling; NULL: none */
  tl_slice handled_topic;
  bool dry;  /* inside explain: nothing is written */
  bool lost; /* the reader of the values stream is gone for good */
  bool flush_asked;
  tl_link *saying_goodbye;  /* inside its before_disconnect; NULL: none */
  tl_link *busy, *flushing; /* links that something is to be done for: next time, and now */
  int unsaved;              /* links whose store has changes to commit */
  tl_place place;           /* once.c */
  tl_found *found;          /* marks of a process before */
  bool stored;              /* values that come now are in the spool already */
  uint64_t generation;
  /* pace.c: the loop's; and the last one in which a line was passed over */
  uint64_t turn, passed_turn;
  uint32_t turn_ticks; /* tl_clock_busy when it began */
  tl_write *writes;    /* pending, any order */
  uint32_t open_links; /* that stop() waits for */
  void (*stopped)(void *ctx);
  void *stopped_ctx;
  uint32_t random;
};

#define TL_LINK_SCOPE(l) ((l)->line->name)

/* link.c */
/* Takes what *params owns when it succeeds. TL_ENOMEM and err. */
int tl_link_new (tl_gateway *g, tl_line *line, tl_line_params *params, void *user, tl_link **out,
                 tl_err *err);
/* With its line and stations in the model; there is no socket any more. */
void tl_link_free (tl_link *l);

/* connect.c */
/* connect or disconnect as the stations want */
void tl_link_check (tl_link *l);
void tl_link_close (tl_link *l, bool say_goodbye); /* towards CLOSING */
/* log the reason, close, retry with back-off */
void tl_link_fail (tl_link *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void tl_link_arm (tl_link *l); /* set the timer to what is due next */
void tl_link_on_timer (void *ctx);
void tl_link_flush (tl_link *l); /* hand the session's output to the socket */
/* A script takes its time. After this many messages that entered one the loop gets its turn, so
** that a write does not wait behind more (reference, Wait Timeout); unless they took less than
** TL_LINK_QUICK_NS together, when nobody has waited yet. */
enum { TL_LINK_PER_TURN = 10, TL_LINK_QUICK_NS = 50000 };
/* remembered answers of the router */
enum { TL_LINK_TOPICS = 65536, TL_LINK_TOPIC_BYTES = 8 << 20 };
extern const tl_transport_events tl_link_transport_events;

/* input.c */
uint8_t *tl_input_room (void *ctx, size_t *room); /* of tl_transport_events */
void tl_input_data (void *ctx, size_t n);
/* May the socket be read? CONNACK is, whatever else must wait. */
bool tl_input_may_read (const tl_link *l);
/* Must received messages wait, so that the session's keep-alive knows it? */
bool tl_input_is_paused (const tl_link *l);
void tl_link_reading_changed (tl_link *l); /* after shut became 0, or ceased to be */
void tl_link_input (tl_link *l);           /* feed what is in `bytes` to the session */
/* go on with input that was left for the loop's sake: in the next turn */
void tl_link_ask_resume (tl_link *l);
void tl_input_drained (tl_link *l); /* the socket took all answers */
void tl_input_forget (tl_link *l);  /* the connection is gone */

/* pace.c. Input is handled until the turn is over for it: some messages that entered a script,
** or a tick of the processor's time. */
void tl_pace_begin (tl_link *l);
bool tl_pace_check_over (tl_link *l);
static inline bool tl_pace_is_over (tl_link *l) {
  bool may_be = tl_clock_busy != l->pace.ticks || l->pace.handled >= TL_LINK_PER_TURN;
  return may_be && tl_pace_check_over(l);
}
void tl_pace_end (tl_link *l);
/* Not in this turn at all: others had it; ask for the next one. */
bool tl_pace_passes_over (tl_link *l);

/* session.c */
/* from the parameters; another one when they keep it somewhere else */
int tl_link_new_session (tl_link *l);
/* *session NULL: a new one; else it gets the parameters */
int tl_link_make_session (tl_link *l, tl_session **session);
/* Computes them; nothing has changed until tl_link_use_filters(), which takes *fresh and
** cannot fail. TL_ENOMEM. */
int tl_filters_make (tl_filters *fresh, const tl_line_params *p, const tl_line *line);
void tl_link_use_filters (tl_link *l, tl_filters *fresh);
void tl_filters_fini (tl_filters *f);
/* filter_index.c: does the broker send a message of this topic? One look-up, and those filters
** that have wildcards. */
bool tl_filters_take (tl_filters *f, tl_slice topic);
void tl_filters_drop_index (tl_filters *f);
/* diff.c: the lines of a config by name, for tl_map_fini. TL_ENOMEM. */
int tl_config_lines (const tl_config *config, tl_map *lines);
/* After stations or topic_filter have changed on a live line. Says when the broker is not
** told yet: nobody would know why nothing comes. `what` begins that sentence. TL_ENOMEM. */
int tl_link_refresh_filters (tl_link *l, const char *what);

/* repeats.c */
/* Log conn.error, unless the same text was logged lately. */
void tl_link_log_failure (tl_link *l, tl_log_level level);
void tl_link_forget_failures (tl_link *l); /* the connection holds, or the parameters are others */

/* goodbye.c */
/* An orderly end is wanted: calls before_disconnect, once for each connection. True: it is not yet
** time, tl_link_close() will be called. */
bool tl_goodbye_waits (tl_link *l);
void tl_goodbye_settled (tl_link *l); /* a write of it has its fate */
void tl_goodbye_tick (tl_link *l);
void tl_goodbye_forget (tl_link *l); /* the connection is gone */
static inline int64_t tl_goodbye_due (const tl_link *l) {
  return l->goodbye.state == TL_GOODBYE_SAYING ? l->goodbye.by : INT64_MAX;
}

/* retained.c */
/* A reload made stations or tags: have the broker send again what it retains for them. */
void tl_link_fetch_retained (tl_link *l);
/* Is m such a message, and s none that it is for? */
bool tl_retained_is_old (const tl_link *l, const tl_station *s, const tl_incoming *m);

/* fed.c: SUBACK said so; which stations can hear nothing now */
void tl_link_note_fed (tl_link *l, const tl_subscription *filters, const uint8_t *granted,
                       size_t n);
/* target.c */
/* The address of this index in words for people: "broker:8883", "[::1]:1883". */
void tl_link_address (const tl_link *l, size_t host, char *out, size_t room);
void tl_link_url (const tl_link *l, size_t host, char *out,
                  size_t room); /* "mqtts://broker:8883" */
/* A connection to that address for whoever asks; only the line's own (ctx is l) resumes
** sessions. */
int tl_link_connect_to (tl_link *l, size_t host, tl_transport **out,
                        const tl_transport_events *events, void *ctx, tl_err *err);
/* Did the peer end the connection without a word, so that its text knows no cause? */
bool tl_link_ended_plainly (int code, const char *text);
/* What may be wrong when that comes before CONNACK; begins with a blank. */
const char *tl_link_end_hint (const tl_link *l, size_t host);
/* Begin a connection to the address whose turn it is: l->transport. A negative code and err. */
int tl_link_begin (tl_link *l, tl_err *err);
void tl_link_forget_sessions (tl_link *l); /* of TLS: the parameters changed, or the line goes */

enum { TL_PROBE_TIMEOUT_S = 20 }; /* for each address, where connect_timeout is 0 */

/* refused.c: "broker:1883: connection refused, code 5: …: set user_name and password" */
void tl_link_refused (const tl_link *l, const tl_session *s, const char *address, char *out,
                      size_t room);
void tl_link_session_failed (tl_link *l); /* tl_link_fail() with that */
/* Its transport to the address `host` ended; `early`: before CONNACK. */
void tl_link_end_text (const tl_link *l, size_t host, int code, const char *text, bool early,
                       char *out, size_t room);
/* connect_timeout is over at a stage of the transport, or without CONNACK or SUBACK. */
void tl_link_late_text (const tl_link *l, size_t host, const char *stage, char *out, size_t room);

/* secured.c */
void tl_link_up (tl_link *l); /* it is up: note and say what it is made of */
/* When to look at the dates of its certificates again, and doing so when that has come. */
int64_t tl_link_secured_due (const tl_link *l);
void tl_link_secured_tick (tl_link *l);

/* probe.c: what they find would be of another line */
void tl_link_end_probes (tl_link *l);

/* events.c */
extern const tl_session_events tl_link_session_events;

/* session_store.c */
/* the session's `store` */
void tl_link_remember (void *ctx, char kind, uint64_t sequence, uint16_t id, tl_slice bytes,
                       bool gone);
/* Is the session kept as the parameters want it, so that the line may connect and take writes?
** Tries to open the store, or to commit what it did not take: at once, or when the last attempt
** is a while ago. TL_OK (also when no store is wanted), or why not. */
int tl_link_store_ready (tl_link *l, bool at_once, tl_err *err);
/* the parameters name another store: the old one is closed; TL_OK, TL_ENOMEM */
int tl_link_store_moved (tl_link *l, bool *moved);
void tl_link_store_close (tl_link *l);
/* what a kill must not take; tl_gateway_commit() syncs it as well */
int tl_gateway_write_stores (tl_gateway *g, tl_err *err);

/* diff.c */
bool tl_station_is_same (const tl_station *s, const tl_station_spec *c);

/* receive.c */
/* prepare.c: the payload of *in becomes what the station's prepare makes of it. False: there is
** nothing more to do with the message, the station was told. */
bool tl_link_prepare (tl_link *l, tl_station *s, tl_incoming *in, tl_prepare_room *room);
/* To its station; true: it waits for ACK_ID now. l->no_memory: it could not be handled, and
** at QoS 1 and 2 must not be acknowledged. */
bool tl_link_deliver (tl_link *l, const tl_incoming *m);
int tl_link_message (void *ctx, const tl_message *m);

/* ack_id.c */
int tl_link_queue (tl_link *l, const tl_incoming *m); /* copies; TL_ENOMEM */
void tl_link_drop_queue (tl_link *l);
/* the write of ACK_ID */
int tl_link_confirm (tl_link *l, const tl_tag *t, int64_t id, tl_err *err);
/* s goes away or is switched off */
void tl_link_forget_awaiting (tl_link *l, const tl_station *s);
/* deliver what waited, at the end of this wake-up */
void tl_link_ask_pump (tl_link *l);
void tl_link_forget_pump (tl_link *l);

/* what became of one that was handled in pieces; takes it */
void tl_link_delivered (tl_link *l, tl_waiting *w, bool held, bool no_memory);

/* long_message.c */
enum { TL_LINK_LONG = 32 * 1024 }; /* bytes; shorter ones are read in a few milliseconds */
/* may its decoder take long? */
bool tl_link_is_long (tl_link *l, const tl_incoming *m);
/* If so it begins, in the next turns, and takes `waiting`. False: it is to be handled at once. */
bool tl_link_begin_long (tl_link *l, tl_waiting *waiting, const tl_incoming *m);
/* What is under way ends now: the line's stations change, or it closes for good. */
void tl_link_finish_long (tl_link *l);

/* instance.c: the station of this device, made at its first message; NULL: refused
** (max_instances, its name is taken, no memory) */
tl_station *tl_link_instance (tl_link *l, tl_station *made_by, const tl_route *route,
                              const tl_incoming *m);
/* write.c */
void tl_link_published (void *ctx, void *token, int result, tl_slice payload);
/* pending writes no longer set its tags */
void tl_gateway_forget_tag (tl_gateway *g, const tl_station *s);

/* flush.c */
/* at the end of this wake-up: what the session has for the socket, and its timer */
void tl_link_ask_flush (tl_link *l);
void tl_link_forget_flush (tl_link *l);
void tl_gateway_ask_flush (tl_gateway *g); /* the values, and what is asked for by name */
void tl_gateway_forget_flush (tl_gateway *g);
/* Have the values of all messages so far been handed over, so that they may be acknowledged? Tries
** to. */
bool tl_gateway_values_are_out (tl_gateway *g);
void tl_gateway_block (tl_gateway *g, bool held);

/* observers.c: pass news on. Worth a call only where there is an observer (g->observers; of
** messages: g->listening). */
bool tl_observers_settled (const tl_gateway *g); /* may messages be acknowledged? */
void tl_notify_value (tl_gateway *g, tl_tag *t);
/* Has the tag's station or line functions of the user's, for an observer that acts? */
static inline bool tl_has_functions (const tl_tag *t) {
  const tl_link *l = t->station->line->user;
  return t->station->user || (l && l->user);
}
void tl_notify_message (tl_link *l, const tl_incoming *m, const tl_station *s, tl_fate fate);
void tl_notify_status (tl_gateway *g, tl_station *s, tl_station_status before);
void tl_notify_line (tl_link *l, bool up, const char *why);

/* gateway.c */
void tl_gateway_refresh_trace (tl_gateway *g);

/* once.c */
/* A received identifier comes or goes. True: the store hears of it later, or needs not. */
bool tl_pending_received (tl_link *l, uint16_t id, bool gone);
/* The message was handed over, all of its values came. */
void tl_pending_whole (tl_link *l, const tl_incoming *m);
/* Did a process before record it? */
bool tl_pending_is_found (const tl_link *l, const tl_incoming *m);
void tl_pending_session_lost (tl_link *l); /* nothing comes again under its identifier */
/* What was recorded is written: identifiers into the store's batch. True: there is something. */
bool tl_pending_put (tl_link *l);
void tl_pending_written (tl_link *l);    /* the batch was */
void tl_pending_begin_anew (tl_link *l); /* it was thrown away */
bool tl_pending_is_unwritten (const tl_link *l, uint16_t id);
void tl_pending_restore (tl_link *l, uint16_t id, uint64_t sum);
/* The store was opened and read; it knows this place. */
void tl_pending_opened (tl_link *l, uint64_t store, uint64_t next);
void tl_pending_free (tl_link *l);
void tl_gateway_forget_found (tl_gateway *g);
/* session_store.c: all observers are settled: stores hear of what was received. */
void tl_gateway_put_received (tl_gateway *g);

#endif

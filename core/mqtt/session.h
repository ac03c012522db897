/* core/mqtt/session.h — an MQTT 3.1.1 client session: bytes and a clock reading in, bytes and
** events out. Pure: no I/O, no clock, no Lua. It outlives connections: what the standard calls
** session state lives here.
**
** Use: tl_session_open() when the transport is up, tl_session_input() with what was read,
** tl_session_tick() when tl_session_deadline() is reached, and after each of these (and after
** publish/ack) send tl_session_output() and call tl_session_sent(). When anything returns a
** negative code the transport must be closed; tl_session_error() says why. Then
** tl_session_closed(). Times are milliseconds of one monotonic clock.
**
** An incoming QoS 1/2 message is acknowledged after the `message` event returned
** TL_MESSAGE_DONE — after handlers ran and values are set, never before — or, after
** TL_MESSAGE_HELD, when tl_session_ack() is called. A handler that fails acknowledges too: one
** bad message must not hold its place in the broker's window for ever. */
#ifndef TL_MQTT_SESSION_H
#define TL_MQTT_SESSION_H

#include "base/buf.h"

typedef struct tl_session tl_session;

/* A received PUBLISH. Borrowed: valid until the event returns. */
typedef struct {
  tl_slice topic, payload;
  uint16_t id; /* 0 for QoS 0 */
  uint8_t qos;
  bool retain, dup;
} tl_message;

enum {
  TL_MESSAGE_DONE = 0, /* taken: acknowledge now, go on */
  /* taken: tl_session_ack() will follow; go on with the input (several may be held, answered in
  ** order) */
  TL_MESSAGE_HELD = 1,
  /* taken and acknowledged as DONE, but stop reading the input here: tl_session_input() returns
  ** at once */
  TL_MESSAGE_STOP = 2,
  TL_MESSAGE_HELD_STOP = 3 /* both: held, and stop reading here */
  /* negative: not taken. The connection fails with this code, and the broker sends the message
  ** again (QoS 1, 2) [MQTT-4.8.0-2] */
};

typedef struct {
  tl_slice filter;
  uint8_t qos; /* highest wanted QoS */
} tl_subscription;

enum { TL_GRANTED_NOT = 0x80 }; /* the broker refused the filter (3.9.3) */

/* Everything CONNECT and the rules need. The session copies what it keeps. Ranges are checked
** by the config, asserted here. */
typedef struct {
  tl_slice client_id; /* empty: a clean session is forced [MQTT-3.1.3-7] */
  bool clean_session;
  bool has_user, has_password;
  tl_slice user, password;
  uint16_t keep_alive;      /* seconds, 0 off: keep_alive_due() in session_time.c */
  int64_t ping_interval_ms; /* since the broker's last packet, 0 off: silence_due() */
  /* SUBACK, UNSUBACK, PINGRESP, first to last byte of a packet; 0 never */
  int64_t reply_timeout_ms;
  /* from open() to CONNACK; 0 never (the owner of the transport bounds the whole connect) */
  int64_t connack_timeout_ms;
  bool will;
  uint8_t will_qos;
  bool will_retain;
  tl_slice will_topic, will_message;
  const tl_subscription *filters;
  size_t filter_count;
  /* Filters that the broker refused are asked for again after the first, doubling to the second;
  ** 0: never. */
  int64_t ask_again_ms, ask_again_max_ms;
  /* Bytes, a whole packet. A longer PUBLISH is skipped without taking memory, and acknowledged;
  ** any other packet is refused from its length. */
  size_t max_packet_size;
  uint16_t max_inflight; /* outgoing QoS 1/2 messages that wait for their acknowledgement */
  /* outgoing messages that wait for the connection or for a place in flight */
  size_t max_queued;
  size_t max_queued_bytes;  /* of all outgoing messages; 0: no bound. One alone may be longer */
  int64_t max_queue_age_ms; /* how long a message may wait before it is sent; 0: for ever */
  bool queue_offline;       /* accept publishes while there is no connection */
} tl_session_params;

/* Severity of a notice. */
enum { TL_NOTE_DEBUG, TL_NOTE_INFO, TL_NOTE_WARN, TL_NOTE_ERROR };

/* What the event `store` reports, and tl_session_restore() takes. */
typedef enum {
  /* An outgoing message: its sequence, its id, and its PUBLISH as bytes; no bytes after PUBREC. */
  TL_RECORD_MESSAGE = 'o',
  TL_RECORD_RECEIVED = 'i', /* id of a received QoS 2 message */
  TL_RECORD_FILTER = 'f'    /* bytes: a topic filter that the broker's session has */
} tl_session_record;

typedef struct {
  /* A message for the application; see above. QoS 2 duplicates never come here: is_repetition() in
  ** session_receive.c. */
  int (*message)(void *ctx, const tl_message *m);
  /* CONNACK accepted. */
  void (*connected)(void *ctx, bool session_present);
  /* The broker has answered all filters: granted[i] is 0, 1, 2 or TL_GRANTED_NOT for filters[i].
  ** These are the filters of the SUBSCRIBE; other ones may be wanted by now.
  ** Refused filters are subscribed to again later. The event then comes again, with all filters.
  ** Without any filter the event comes right after `connected`, with n = 0. Both lists are borrowed
  ** until it returns. */
  void (*subscribed)(void *ctx, const tl_subscription *filters, const uint8_t *granted, size_t n);
  /* The fate of one accepted publish, exactly once: TL_OK, TL_ELOST (connection lost, clean
  ** session), TL_ESESSION (session lost by the broker), TL_ESTATE (session freed or closed for
  ** good), TL_ETIMEOUT (it waited for longer than max_queue_age). payload: what was published,
  ** borrowed until the event returns, where tl_session_keeps() had said so; else nothing. May
  ** call tl_session_publish(). Of restored messages only TL_ELOST, TL_ESESSION and TL_ETIMEOUT,
  ** with the token NULL. */
  void (*published)(void *ctx, void *token, int result, tl_slice payload);
  /* A PUBLISH of `size` bytes is longer than max_packet_size and is being skipped: *m without
  ** its payload. Optional (NULL). */
  void (*too_long)(void *ctx, const tl_message *m, size_t size);
  /* Something a log should say, in words. Never contains a password. */
  void (*notice)(void *ctx, int severity, const char *text);
  /* Full Debug: each packet in (dir '<') and out ('>'), described with its fields. NULL or
  ** trace off: no cost. */
  void (*trace)(void *ctx, char dir, const char *text);
  /* Optional (NULL): the state that must survive the process has changed. Called before the
  ** bytes that depend on it are put into the output, so that the owner can sync before it sends;
  ** a received QoS 2 id also before the message is delivered (a held one again when it is
  ** acknowledged: until then another process must get it again). `kind`: a tl_session_record.
  ** `gone`: delete it. */
  void (*store)(void *ctx, char kind, uint64_t sequence, uint16_t id, tl_slice bytes, bool gone);
} tl_session_events;

int tl_session_new (tl_session **out, const tl_session_params *params,
                    const tl_session_events *events, void *ctx);
/* Reports TL_ESTATE for every publish still pending, then frees. */
void tl_session_free (tl_session *s);

/* New parameters: allowed only while closed (TL_ESTATE). TL_EMALFORMED, TL_ERANGE: they break a
** rule of the standard; nothing changed. With another client id, or clean_session changed, the
** broker's session is another one and no state is carried over as if it were the same: received
** QoS 2 identifiers and the filters to unsubscribe are forgotten; unacknowledged messages are
** reported TL_ELOST when the session is clean now, else published anew at the next CONNACK as
** after a lost session. Other parameters keep all state. */
int tl_session_set_params (tl_session *s, const tl_session_params *params);
/* Another payload of the will, only while closed (TL_ESTATE). TL_ERANGE: longer than 65,535
** bytes; TL_ENOMEM. */
int tl_session_set_will (tl_session *s, tl_slice message);
/* Other filters, at any time: they take effect at the next CONNACK, where UNSUBSCRIBE for those
** no longer wanted goes out before SUBSCRIBE. TL_OK, TL_EMALFORMED, TL_ENOMEM. */
int tl_session_set_filters (tl_session *s, const tl_subscription *filters, size_t n);
/* Connected, and the filters are others than those of this connection's SUBSCRIBE: they wait
** for the next one. */
bool tl_session_filters_wait (const tl_session *s);
/* Subscribe once more to those of this connection's filters for which `wants` returns true, so that
** the broker sends their retained messages again [MQTT-3.8.4-3].
** The SUBSCRIBE is sent when no other one waits for its answer. Does nothing while not connected.
** Returns the number of filters. */
size_t tl_session_ask_again (tl_session *s, bool (*wants)(void *ctx, tl_slice filter), void *ctx);
void tl_session_set_trace (tl_session *s, bool on);

/* The transport is up: puts CONNECT into the output. */
int tl_session_open (tl_session *s, int64_t now);
/* The transport is gone, or was closed by its owner. Publishes that can no longer be confirmed are
** reported with TL_ELOST. With a clean session these are all that were sent and, unless
** queue_offline is on, all that waited. Otherwise they are only those of QoS 0 that were not handed
** over.
** Held messages stay held: the application must still call tl_session_ack() for each, in order. It
** then gets TL_ELOST where the acknowledgement can no longer be sent. */
void tl_session_closed (tl_session *s);
/* Puts DISCONNECT into the output; nothing may follow [MQTT-3.14.4-2], also no acknowledgement that
** was not released. No-op before CONNACK. */
void tl_session_disconnect (tl_session *s);

/* Feed bytes. Returns the number consumed (whole packets; the caller keeps the rest and offers
** it again with more behind it), or a negative code: close the transport. Note the time of
** arrival of a partial packet's first byte for Reply Timeout. */
long tl_session_input (tl_session *s, const uint8_t *bytes, size_t len, int64_t now);
/* How many bytes the packet that the unconsumed input starts with needs in all; 0 when not
** known yet. For sizing the buffer. */
size_t tl_session_needs (const tl_session *s);
/* Do what is due: PINGREQ, timeouts. TL_OK or a negative code: close the transport. */
int tl_session_tick (tl_session *s, int64_t now);
/* when tick() is due next; INT64_MAX: nothing to wait for */
int64_t tl_session_deadline (const tl_session *s);
/* The owner stopped reading (back-pressure): no PINGREQ is sent for the broker's silence and no
** reply is timed until false. */
void tl_session_pause (tl_session *s, bool paused, int64_t now);

/* Acknowledgements of received messages go into the output only now; other packets do not wait for
** this call. Without memory for them the session fails at the next tick. */
void tl_session_release (tl_session *s);
/* Bytes that wait to be sent, acknowledgements that are not released included. While it is much,
** stop reading: what is read adds to it. */
size_t tl_session_unsent (const tl_session *s);
/* Bytes to send, in order; borrowed until the next call. sent(n) drops the first n and
** reports QoS 0 publishes handed over. */
tl_slice tl_session_output (const tl_session *s);
void tl_session_sent (tl_session *s, size_t n, int64_t now);

/* Bytes of all outgoing messages: waiting, in flight, and in the output. */
size_t tl_session_unconfirmed_bytes (const tl_session *s);
/* Would a message that is published now be kept until its fate is known? Else it goes straight into
** the output, and `published` comes without its payload. */
bool tl_session_keeps (const tl_session *s, uint8_t qos);

/* Set the time before tl_session_publish(), which has no argument for it, when no other call has
** passed the time lately. */
void tl_session_time (tl_session *s, int64_t now);

/* Publish. `token` comes back in `published` exactly once after TL_OK was returned (maybe
** before this returns: never). QoS 0 is reported when its last byte was handed to the
** transport. The order of publishing is kept: a message goes out at once only when none waits
** before it. With a clean session false, QoS 1 and 2 stay accepted when the connection
** breaks. Errors, nothing was taken: TL_ESTATE (not connected and queue_offline is off),
** TL_EFULL (max_queued or max_queued_bytes reached), TL_ETOOBIG (the packet would exceed
** max_packet_size), TL_EMALFORMED (invalid topic), TL_ENOMEM. */
int tl_session_publish (tl_session *s, tl_slice topic, tl_slice payload, uint8_t qos, bool retain,
                        void *token, tl_err *err);

/* Acknowledge the oldest held message, which must have this id (0 for a held QoS 0 message).
** TL_OK; TL_ENOENT: nothing is held; TL_ERANGE: the oldest held message has another id (nothing
** is acknowledged); TL_ELOST: it is not held any more, but its connection (QoS 1) or its session
** is gone, so that nothing acknowledges it. */
int tl_session_ack (tl_session *s, uint16_t id, int64_t now);

typedef struct {
  uint64_t received, sent;             /* PUBLISH packets, all QoS, duplicates included */
  uint64_t received_by[3], sent_by[3]; /* the same by QoS */
  uint64_t bytes_in, bytes_out;
  uint64_t duplicates; /* QoS 2 repeats that were not delivered again */
  uint64_t unknown_acks;
  uint64_t too_long;               /* longer than max_packet_size: skipped */
  uint32_t inflight, queued, held; /* now */
  size_t unconfirmed_bytes;        /* tl_session_unconfirmed_bytes() */
  int64_t oldest_inflight;         /* when the oldest unacknowledged message was sent, or -1 */
  /* when the oldest of the queued was published, or -1: none, or before this process */
  int64_t oldest_queued;
  int64_t last_in, last_out; /* time of the last packet; -1 none */
  int64_t ping_at;           /* when the PINGREQ went out that has no answer yet; -1: none */
  /* the last CONNACK said that the broker had lost the session */
  bool lost;
} tl_session_stats;
void tl_session_get_stats (const tl_session *s, tl_session_stats *out);
/* The session takes the place of `before`: its counters continue from those of that one. */
void tl_session_go_on_counting (tl_session *s, const tl_session *before);
/* The oldest unacknowledged message that went out: its topic (borrowed until the next call) and how
** long its packet is. False: there is none, or it is past its PUBREC. */
bool tl_session_oldest (const tl_session *s, tl_slice *topic, size_t *packet_len);
/* CONNACK was accepted and the transport is not closed */
bool tl_session_is_connected (const tl_session *s);

/* What the last negative code meant, e.g. "PUBLISH with QoS 3 [MQTT-3.3.1-4]"; "" when nothing
** failed. */
const char *tl_session_error (const tl_session *s);
/* CONNACK return code of the last refusal (1..255), 0 otherwise. */
int tl_session_refusal (const tl_session *s);

/* Restore what `store` had reported, oldest first (messages in ascending sequence), before the
** first open(). Restored messages go out again but are not reported through `published`: those
** who waited for them ended with the other process. TL_OK; TL_ESTATE: the session is clean or was
** opened, nothing was taken, delete the record; TL_EMALFORMED, TL_EEXIST, TL_ENOMEM. */
int tl_session_restore (tl_session *s, char kind, uint64_t sequence, uint16_t id, tl_slice bytes);

/* Tell `store` all that must survive the process, as it is now: for an owner that lost some
** of it. */
void tl_session_store_all (tl_session *s);

#endif

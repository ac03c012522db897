/* core/mqtt/session_impl.h — the inside of a session, shared by session*.c only; nobody outside
** this room includes it.
**   session.c          life, parameters, opening and closing
**   session_filters.c  topic filters: wanted, asked, known
**   session_in.c       the input loop, CONNACK, PINGRESP
**   session_receive.c  PUBLISH in, held messages, acknowledgements out
**   session_output.c   bytes for the broker
**   session_publish.c  publishing, acknowledgements in
**   session_resume.c   what happens to the state at CONNACK
**   session_time.c     deadlines, PINGREQ, pause
**   session_store.c    restoring */
#ifndef TL_MQTT_SESSION_IMPL_H
#define TL_MQTT_SESSION_IMPL_H

#include "base/map.h"
#include "mqtt/build.h"
#include "mqtt/ids.h"
#include "mqtt/inbox.h"
#include "mqtt/inflight.h"
#include "mqtt/parse.h"
#include "mqtt/session.h"

enum { TL_KEEP_OUTPUT = 64 * 1024 }; /* memory an idle session keeps for output */

typedef enum {
  TL_PHASE_CLOSED,
  TL_PHASE_CONNECTING, /* CONNECT is in the output, CONNACK is due */
  TL_PHASE_UP,
  /* DISCONNECT is in the output: nothing may follow, nothing is read [MQTT-3.14.4-2] */
  TL_PHASE_LEAVING,
  TL_PHASE_FAILED, /* a rule was broken: the owner must close */
  TL_PHASE_DEAD    /* in tl_session_free */
} tl_phase;

/* An immutable list of filters in one block. */
typedef struct {
  size_t n;
  tl_subscription items[];
} tl_filter_list;

enum { TL_GRANTED_UNKNOWN = 0xff };       /* beside the codes of SUBACK */
enum { TL_ASK_NEXT = 1, TL_ASK_NOW = 2 }; /* tl_session.asking, bits */

/* A filter that may be subscribed in the broker's session. */
typedef struct {
  bool wanted, leaving; /* leaving: in an UNSUBSCRIBE that waits for its UNSUBACK */
  bool refusal_logged;  /* that the broker refuses it: once, until it is granted */
  size_t len;
  uint8_t bytes[];
} tl_known_filter;

/* A QoS 0 publish that is in the output; done when byte `end` of the connection was handed over. */
typedef struct {
  uint64_t end;
  void *token;
  tl_outgoing *kept; /* a message that had waited, NULL: it went straight into the output */
} tl_handover;

typedef struct {
  tl_handover *at;
  size_t cap, head, len;
} tl_handovers;

/* Each struct below serves one purpose, and is written by the file that its comment names. */

/* session_receive.c: QoS 2 between PUBLISH and PUBREL, and what waits for its acknowledgement */
typedef struct {
  tl_acks acks;
  tl_idset ids;
} tl_session_receiving;

/* session.c: the parameters */
typedef struct {
  tl_session_params p; /* slices point into `texts`; its filters are not used */
  uint8_t *texts;
  bool clean;      /* clean_session, or forced by a blank client id */
  bool say_forced; /* the notice about that is still due */
} tl_session_config;

/* session_filters.c: subscriptions. Times are -1 when nothing is due. */
typedef struct {
  /* asked: what the current connection's SUBSCRIBE named; may be the same list */
  tl_filter_list *wanted, *asked;
  /* for each filter of `asked`, in one block: the granted QoS, or TL_GRANTED_UNKNOWN before the
  ** first answer; and bits TL_ASK_… that say whether it is in the SUBSCRIBE that waits for its
  ** SUBACK, or will be in the next one */
  uint8_t *granted, *asking;
  tl_map known; /* filter → tl_known_filter */
  int64_t suback_at, unsuback_at;
  uint16_t suback_id, unsuback_id; /* 0: none is awaited */
  int64_t again_at, again_delay; /* when refused filters are asked for again, and the wait behind */
  bool again;                    /* filters wait to be asked for again at once */
} tl_session_subs;

/* session_resume.c: what the broker has of this client */
typedef struct {
  bool known;   /* it has accepted this client id with clean session 0 */
  bool foreign; /* the messages in flight belong to the session of another Client ID */
} tl_session_kept;

/* session_publish.c: messages of ours [MQTT-4.1.0-1]. session_store.c fills it anew in another
** process, session_resume.c gives them other identifiers where the broker lost the session. */
typedef struct {
  tl_outlist inflight, released, queue;
  uint64_t sequence; /* of the next accepted message */
} tl_session_sending;

/* session_time.c: of one connection. -1: not yet, or nothing is due. */
typedef struct {
  int64_t opened_at, up_at;
  int64_t first_opened_at;    /* of the session's life */
  int64_t ping_at, last_ping; /* oldest unanswered PINGREQ; the last one sent */
  uint32_t pings;             /* unanswered */
  int64_t listen_at; /* reading began or was resumed: the broker's silence counts from here */
  bool paused;
  bool stall_logged; /* the warning about an old unacknowledged message was given */
} tl_session_times;

/* session_in.c: the packet that is not complete */
typedef struct {
  int64_t partial_at; /* arrival of its first byte; -1: there is none */
  size_t needs;
  size_t skip; /* bytes that are still to be skipped, of a PUBLISH longer than max_packet_size … */
  uint8_t skip_qos;
  uint16_t skip_id; /* … which is acknowledged behind them */
} tl_session_in;

/* session_output.c */
typedef struct {
  tl_buf answers; /* acknowledgements of what was received, not released yet */
  tl_buf bytes;
  size_t sent;  /* of `bytes` */
  uint64_t end; /* bytes ever put into the output of this connection */
  tl_handovers handed;
} tl_session_out;

/* session.c: why the phase is FAILED */
typedef struct {
  tl_err why;
  int code; /* that input and tick return */
  int refusal;
} tl_session_fault;

struct tl_session {
  /* hot: the receive loop reads these for every message */
  tl_phase phase;
  bool tracing;
  int (*message)(void *ctx, const tl_message *m);
  void *ctx;
  tl_session_receiving receiving;
  tl_session_stats stats; /* each counter where it is counted */

  tl_session_events ev;
  int64_t now; /* the latest clock reading; every call that brings one sets it */
  tl_ids ids;  /* packet identifiers of publishes, SUBSCRIBE and UNSUBSCRIBE */
  tl_session_config config;
  tl_session_subs subs;
  tl_session_kept kept;
  tl_session_sending sending;
  tl_session_times time;
  tl_session_in in;
  tl_session_out out;
  tl_session_fault fault;
};

/* session.c */
/* the phase becomes FAILED; s->fault.why says why; returns code */
int tl_session_fail (tl_session *s, int code);
void tl_session_note (tl_session *s, int severity, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* session_output.c. What goes out, each traced: TL_OK, or TL_ENOMEM with s->fault.why filled.
** No-ops unless the phase is UP. */
/* PUBACK, PUBREC, PUBCOMP: they go out once they are released */
int tl_session_put_answer (tl_session *s, uint8_t type, uint16_t id);
int tl_session_put_ack (tl_session *s, uint8_t type, uint16_t id);
int tl_session_put_empty (tl_session *s, uint8_t type);
int tl_session_put_message (tl_session *s, tl_outgoing *m);
/* What was appended behind `from` (an offset into s->out.bytes) is one packet: account and trace
** it. */
void tl_session_did_put (tl_session *s, size_t from);
int tl_session_no_output (tl_session *s); /* says so; gives TL_ENOMEM */
/* A QoS 0 message ends when what is in the output now was handed over: make room for that (TL_OK or
** TL_ENOMEM), then note it. `kept` NULL: it went straight into the output. */
int tl_session_reserve_handover (tl_session *s);
void tl_session_push_handover (tl_session *s, void *token, tl_outgoing *kept);
size_t tl_handovers_fail (tl_session *s, int result);
void tl_session_forget_output (tl_session *s); /* the connection is gone; as the three below */
void tl_session_fini_output (tl_session *s);

/* session_publish.c */
int tl_session_drain (tl_session *s); /* queued messages into the places in flight that are free */
int tl_session_on_ack (tl_session *s, uint8_t type, uint16_t id);
/* m is in no list any more: reports and frees */
void tl_session_finish (tl_session *s, tl_outgoing *m, int result);
/* reports and frees each */
void tl_session_fail_list (tl_session *s, tl_outlist list, int result, bool forget);
/* everything in flight, detached and without identifiers */
tl_outlist tl_session_take_inflight (tl_session *s);
/* Queued messages that do not outlive a connection: all with a clean session, else those of QoS 0.
** Empty when publishes are accepted offline anyway. */
tl_outlist tl_session_take_waiting (tl_session *s);
void tl_session_store_out (tl_session *s, const tl_outgoing *m, bool gone);
/* the packet that a message in flight waits for */
const char *tl_session_awaited (const tl_outgoing *m);

/* session_receive.c */
/* TL_OK, TL_MESSAGE_STOP, or negative */
int tl_session_on_publish (tl_session *s, const tl_frame *f);
/* a message beyond max_packet_size was skipped: TL_OK, or negative */
int tl_session_on_skipped (tl_session *s, uint8_t qos, uint16_t id);
int tl_session_on_pubrel (tl_session *s, uint16_t id);
void tl_session_store_received (tl_session *s, uint16_t id, bool gone);
void tl_session_forget_received (tl_session *s);

/* session_resume.c */
int tl_session_resume (tl_session *s, bool present);

/* session_filters.c */
int tl_filter_list_new (tl_filter_list **out, const tl_subscription *filters, size_t n);
void tl_session_forget_filters (tl_session *s);
void tl_session_store_filters (tl_session *s); /* tell `store` each of them */
int tl_session_know_filter (tl_session *s, tl_slice filter, tl_known_filter **out);
int tl_session_subscribe (tl_session *s);
/* when tl_session_ask_again_now() is due; INT64_MAX: never */
int64_t tl_session_ask_due (const tl_session *s);
int tl_session_ask_again_now (tl_session *s); /* TL_OK or TL_ENOMEM */
int tl_session_on_suback (tl_session *s, const tl_suback *a);
int tl_session_on_unsuback (tl_session *s, uint16_t id);
void tl_session_forget_asking (tl_session *s);

/* session_in.c */
void tl_session_forget_input (tl_session *s);

/* trace.c */
void tl_describe (tl_buf *out, const tl_frame *f); /* one packet in words; never a password */
void tl_session_trace (tl_session *s, char dir, const tl_frame *f);

/* session_time.c */
void tl_session_times_opened (tl_session *s); /* CONNECT is in the output */
void tl_session_times_up (tl_session *s);     /* CONNACK came */
void tl_session_on_pingresp (tl_session *s);
void tl_session_forget_times (tl_session *s);
/* when the oldest of the messages that wait is too old; INT64_MAX: never */
int64_t tl_session_age_due (const tl_session *s);
void tl_session_unstall (tl_session *s); /* something was acknowledged */

/* nothing may be put into the output */
static inline bool tl_session_silent (const tl_session *s) { return s->phase != TL_PHASE_UP; }

#endif

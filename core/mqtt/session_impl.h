/* core/mqtt/session_impl.h — the inside of a session, shared by session*.c only; nobody outside
** this room includes it.
**   session.c          life, parameters, opening and closing
**   session_filters.c  topic filters: wanted, asked, known
**   session_in.c       the input loop, CONNACK, PINGRESP
**   session_receive.c  PUBLISH in, held messages, acknowledgements out
**   session_out.c      publishing, the output, acknowledgements in
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
  bool refusal_said;    /* that the broker refuses it: once, until it is granted */
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

struct tl_session {
  /* hot: the receive loop reads these for every message */
  tl_phase phase;
  bool tracing;
  int (*message)(void *ctx, const tl_message *m);
  void *ctx;
  tl_acks acks;
  tl_session_stats stats;

  tl_session_events ev;
  tl_session_params p; /* slices point into `texts`; its filters are not used */
  uint8_t *texts;
  bool clean;      /* clean_session, or forced by a blank client id */
  bool say_forced; /* the notice about that is still due */
  /* asked: what the current connection's SUBSCRIBE named; may be the same list */
  tl_filter_list *wanted, *asked;
  /* of each filter of `asked`, in one block: what was granted, TL_GRANTED_UNKNOWN before the first
  ** answer; and whether it is in the SUBSCRIBE that waits for its SUBACK, or to be in the next */
  uint8_t *granted, *asking;
  tl_map known; /* filter → tl_known_filter */

  /* session state [MQTT-4.1.0-1] */
  bool had_session; /* the broker has accepted this client id with clean session 0 */
  bool foreign;     /* what is in flight belongs to the session of another client id */
  tl_ids ids;
  tl_outlist inflight, released, queue;
  uint64_t sequence; /* of the next accepted message */
  tl_idset received; /* QoS 2 between PUBLISH and PUBREL */

  /* one connection; times are -1 when nothing is due */
  int64_t now; /* the latest clock reading */
  int64_t opened_at, up_at;
  int64_t first_opened_at; /* of the session's life */
  int64_t partial_at;      /* arrival of the first byte of an incomplete packet */
  int64_t suback_at, unsuback_at;
  uint16_t suback_id, unsuback_id; /* 0: none is awaited */
  int64_t again_at, again_delay; /* when refused filters are asked for again, and the wait behind */
  bool again;                    /* filters wait to be asked for again at once */
  int64_t ping_at, last_ping;    /* oldest unanswered PINGREQ; the last one sent */
  uint32_t pings;                /* unanswered */
  /* reading began or was resumed: the broker's silence counts from here */
  int64_t listen_at;
  bool paused;
  bool stall_said; /* the warning about an old unacknowledged message was given */
  size_t needs;
  size_t skip; /* bytes that are still to be read over: a PUBLISH beyond max_packet_size … */
  uint8_t skip_qos;
  uint16_t skip_id; /* … which is acknowledged behind them */
  tl_buf answers;   /* acknowledgements of what was received, not released yet */
  tl_buf out;
  size_t out_at;    /* bytes of `out` that are sent */
  uint64_t out_end; /* bytes ever put into the output of this connection */
  tl_handovers handed;

  tl_err err;
  int failure; /* the code that input and tick returned */
  int refusal;
};

/* session.c */
/* the phase becomes FAILED; s->err says why; returns code */
int tl_session_fail (tl_session *s, int code);
void tl_session_note (tl_session *s, int severity, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void tl_session_forget_received (tl_session *s);
/* reports and frees each */
void tl_session_fail_list (tl_session *s, tl_outlist list, int result, bool forget);

/* session_out.c: what goes out, each traced. TL_OK, or TL_ENOMEM with s->err filled. No-ops
** unless the phase is UP. */
/* PUBACK, PUBREC, PUBCOMP: they go out once they are released */
int tl_session_put_answer (tl_session *s, uint8_t type, uint16_t id);
int tl_session_put_ack (tl_session *s, uint8_t type, uint16_t id);
int tl_session_put_empty (tl_session *s, uint8_t type);
int tl_session_put_message (tl_session *s, tl_outgoing *m);
/* What was appended behind `from` (an offset into s->out) is one packet: account and trace it. */
void tl_session_did_put (tl_session *s, size_t from);
int tl_session_drain (tl_session *s); /* queued messages into the places in flight that are free */
int tl_session_on_ack (tl_session *s, uint8_t type, uint16_t id);
/* m is in no list any more: reports and frees */
void tl_session_finish (tl_session *s, tl_outgoing *m, int result);
void tl_session_store_out (tl_session *s, const tl_outgoing *m, bool gone);
size_t tl_handovers_fail (tl_session *s, int result);

/* session_receive.c */
/* TL_OK, TL_MESSAGE_STOP, or negative */
int tl_session_on_publish (tl_session *s, const tl_frame *f);
/* a message beyond max_packet_size was read over: TL_OK, or negative */
int tl_session_on_skipped (tl_session *s, uint8_t qos, uint16_t id);
int tl_session_on_pubrel (tl_session *s, uint16_t id);
void tl_session_store_received (tl_session *s, uint16_t id, bool gone);

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

/* trace.c */
void tl_describe (tl_buf *out, const tl_frame *f); /* one packet in words; never a password */
void tl_session_trace (tl_session *s, char dir, const tl_frame *f);

/* session_time.c */
/* when the oldest of the messages that wait is too old; INT64_MAX: never */
int64_t tl_session_age_due (const tl_session *s);
void tl_session_unstall (tl_session *s); /* something was acknowledged */

/* nothing may be put into the output */
static inline bool tl_session_silent (const tl_session *s) { return s->phase != TL_PHASE_UP; }

#endif

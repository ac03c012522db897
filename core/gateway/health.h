/* core/gateway/health.h — how a line is doing, for status(): what the
** broker took away, what it did not grant, what waits for long, how many messages a second. */
#ifndef TL_GATEWAY_HEALTH_H
#define TL_GATEWAY_HEALTH_H

#include "gateway/gateway.h"
#include "gateway/unrouted.h"

enum { TL_FILTER_NOTES = 8, TL_FILTER_BYTES = 120, TL_TOO_LONG_TOPICS = 32 };

/* A topic filter that the broker did not grant as it was asked for. */
typedef struct {
  char filter[TL_FILTER_BYTES]; /* NUL-terminated, cut when longer */
  uint8_t wanted, granted;      /* 0x80: refused */
} tl_filter_note;

/* After what the broker closed the connection; a guess where it did so right after CONNACK. */
typedef enum { TL_CLOSED_ON_CONNACK, TL_CLOSED_ON_SUBSCRIBE, TL_CLOSED_ON_PUBLISH } tl_closed_on;

/* Messages of ours that come back and set off further ones: when, and how many. */
typedef struct {
  int64_t since, last; /* of a row without a pause of some seconds */
  uint64_t count;
  char topic[TL_FILTER_BYTES];
} tl_echo;

/* Topics that this process published to: their hashes, a newer one in place of an older one. */
enum { TL_OWN_TOPICS = 4096 };

/* What a link keeps for it. Times are tl_loop_now's ms. */
typedef struct {
  tl_unrouted unrouted;
  tl_filter_note filters[TL_FILTER_NOTES]; /* of the present connection */
  uint32_t filter_count;                   /* how many there are, maybe more than are kept */
  uint64_t sessions_lost;                  /* in a row: 0 again when one is kept */
  int64_t session_lost_at;                 /* -1: never */
  int64_t subscribed_at;                   /* SUBACK of the present connection; -1: not yet */
  bool established;                        /* the session before this connection had its SUBACK */
  tl_closed_on closed_on;                  /* of the last close by the broker */
  char closed_topic[TL_FILTER_BYTES];      /* the PUBLISH's; NUL-terminated, cut when longer */
  size_t closed_bytes;
  uint32_t *own;         /* TL_OWN_TOPICS hashes; NULL: nothing was published yet */
  uint64_t own_unrouted; /* of no station: ours that came back, wills of devices to come */
  tl_echo echo;
  char failure[256]; /* why the last connection or attempt failed; "": none did */
  int64_t failed_at;
  int64_t awaiting_since; /* of the message that waits for ACK_ID */
  int64_t rate_at;        /* when the counts below were taken */
  uint64_t rate_received, rate_sent;
  uint32_t too_long_topics[TL_TOO_LONG_TOPICS]; /* their hashes: said already */
  uint32_t too_long_logged;
  char too_long_topic[TL_FILTER_BYTES]; /* the last message that was longer than max_packet_size */
  int64_t too_long_at;
  size_t too_long_size;              /* bytes; 0: none was */
  double received_per_s, sent_per_s; /* in the last whole period */
} tl_health;

typedef struct {
  const tl_health *kept;
  /* connections in a row that the broker closed right after CONNACK; 3: probably a takeover */
  uint32_t quick_closes;
  const tl_station *awaiting; /* its message waits for the write of ACK_ID; NULL: none */
  uint16_t awaiting_id;
  uint32_t waiting;  /* messages behind it */
  bool queue_full;   /* receive_queue is reached: the socket is not read */
  bool congested;    /* the broker does not read our acknowledgements */
  bool held;         /* the reader of the values stream is behind */
  bool filters_wait; /* the topic filters were changed, and wait for the next connection */
  double received_per_s, sent_per_s;
  int64_t retry_at; /* of a line that waits for its next attempt; -1 */
} tl_link_health;
void tl_link_get_health (const tl_link *l, tl_link_health *out);

/* --- for the gateway --- */

void tl_health_init (tl_health *h, int64_t now);
void tl_health_fini (tl_health *h);
void tl_health_connected (tl_link *l);
/* The broker closed a connection that was accepted: after what? Before tl_session_closed(). */
void tl_health_closed (tl_link *l);
void tl_health_subscribed (tl_link *l, const tl_subscription *filters, const uint8_t *granted,
                           size_t n);
/* A connection or an attempt failed for this reason, which is kept when the next one succeeds. */
void tl_health_failed (tl_link *l, const char *why);
/* The line publishes to this topic; `by` (NULL: nobody) is the line whose message is being handled,
** and `cause` that message's topic. */
void tl_health_publish (tl_link *l, tl_slice topic, tl_link *by, tl_slice cause);
/* Did this process publish to this topic? (It may be another one with the same hash.) */
bool tl_health_is_own (const tl_health *h, tl_slice topic);
/* One was read over; returns whether to say so: its topic is new, and there were not many. */
bool tl_health_too_long (tl_link *l, tl_slice topic, size_t size);
/* Once a wake-up with input: rates are taken once a second, by who counts anyway. */
void tl_health_input (tl_link *l);

#endif

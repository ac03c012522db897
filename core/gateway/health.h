/* core/gateway/health.h — how a line is doing, for status(): sessions that the broker lost,
** filters that it did not grant, what has waited for long, messages per second. */
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

/* What we had sent last when the broker closed the connection. TL_CLOSED_ON_CONNACK is a
** guess: it closed right after CONNACK. TL_CLOSED_ON_QOS0: a PUBLISH went out that nobody
** acknowledges, so it is not known whether the broker took it. */
typedef enum {
  TL_CLOSED_ON_CONNACK,
  TL_CLOSED_ON_SUBSCRIBE,
  TL_CLOSED_ON_PUBLISH,
  TL_CLOSED_ON_QOS0
} tl_closed_on;

/* Echoes: messages of ours that come back and cause this process to publish again. */
typedef struct {
  int64_t since, last; /* the first and the last one of a series without a pause of some seconds */
  uint64_t count;
  char topic[TL_FILTER_BYTES];
} tl_echo;

/* Hashes of topics that this process published to. A newer topic may take the place of an
** older one. */
enum { TL_OWN_TOPICS = 4096 };

/* What a link keeps for health.c. Times are in ms, as tl_loop_now(). */
typedef struct {
  tl_unrouted unrouted;
  tl_filter_note filters[TL_FILTER_NOTES]; /* of the present connection */
  uint32_t filter_count;   /* how many filters were not granted; may be more than are kept */
  uint64_t sessions_lost;  /* in a row; 0 again when the broker keeps a session */
  int64_t session_lost_at; /* -1: never */
  int64_t subscribed_at;   /* SUBACK of the present connection; -1: not yet */
  bool established;        /* the session before this connection had received its SUBACK */
  tl_closed_on closed_on;  /* of the last close by the broker */
  /* topic of the PUBLISH concerned; NUL-terminated, cut when longer */
  char closed_topic[TL_FILTER_BYTES];
  size_t closed_bytes;
  /* the last QoS 0 PUBLISH of the present connection; bytes 0: there was none */
  char unacked_topic[TL_FILTER_BYTES];
  size_t unacked_bytes;
  uint32_t *own; /* TL_OWN_TOPICS hashes; NULL: nothing was published yet */
  /* messages without a station that are no fault: our own ones, and wills of later instances */
  uint64_t own_unrouted;
  tl_echo echo;
  /* Writes that had no topic to go to, of the tag that had the last one; no write of it has gone
  ** out since. 0: none. */
  uint64_t astray;
  int64_t astray_at;
  char astray_tag[256], astray_why[224]; /* NUL-terminated, cut when longer */
  char failure[256]; /* why the last failed connection or attempt failed; "": none failed */
  int64_t failed_at;
  bool failed_open;       /* it was a connection that the broker had accepted */
  int64_t lost_at;        /* when such a one failed last; -1: none did */
  int64_t awaiting_since; /* since when the present message waits for ACK_ID */
  int64_t rate_at;        /* when the two counts below were taken */
  uint64_t rate_received, rate_sent;
  uint32_t too_long_topics[TL_TOO_LONG_TOPICS]; /* hashes of topics that were logged already */
  uint32_t too_long_logged;
  char too_long_topic[TL_FILTER_BYTES]; /* topic of the last message longer than max_packet_size */
  int64_t too_long_at;
  size_t too_long_size;              /* of that message in bytes; 0: there was none */
  double received_per_s, sent_per_s; /* in the last whole period */
} tl_health;

typedef struct {
  const tl_health *kept;
  /* Connections in a row that the broker closed right after CONNACK. From 3 on another client
  ** probably uses our Client ID. */
  uint32_t quick_closes;
  /* the station whose message waits for the write of ACK_ID; NULL: none */
  const tl_station *awaiting;
  uint16_t awaiting_id;
  uint32_t waiting;  /* received messages that wait behind that one */
  bool queue_full;   /* receive_queue is reached: the socket is not read */
  bool congested;    /* the broker does not read our acknowledgements */
  bool held;         /* the reader of the values stream is behind … */
  const char *full;  /* … or it is a file for which the disk has no room: why; NULL: it is not */
  bool filters_wait; /* the topic filters were changed, and wait for the next connection */
  double received_per_s, sent_per_s;
  /* ms as tl_loop_now(), while the line waits for its next attempt; otherwise -1 */
  int64_t retry_at;
} tl_link_health;
void tl_link_get_health (const tl_link *l, tl_link_health *out);

/* --- for the gateway --- */

void tl_health_init (tl_health *h, int64_t now);
void tl_health_fini (tl_health *h);
void tl_health_connected (tl_link *l);
/* The broker closed an accepted connection: note which packet of ours came before. Must be
** called before tl_session_closed(). */
void tl_health_closed (tl_link *l);
void tl_health_subscribed (tl_link *l, const tl_subscription *filters, const uint8_t *granted,
                           size_t n);
/* A connection or an attempt failed for this reason. The reason is kept when a later attempt
** succeeds. */
void tl_health_failed (tl_link *l, const char *why);
/* The line publishes to this topic. `by` is the line whose message is being handled (NULL: no
** message is), `cause` the topic of that message. */
void tl_health_publish (tl_link *l, tl_slice topic, tl_link *by, tl_slice cause);
/* A QoS 0 PUBLISH with a payload of so many bytes goes out on the present connection. */
void tl_health_sent_unacked (tl_link *l, tl_slice topic, size_t payload);
/* Did this process publish to this topic? Another topic with the same hash gives true, too. */
bool tl_health_is_own (const tl_health *h, tl_slice topic);
/* A message of `size` bytes was longer than max_packet_size and was skipped. Returns whether
** to log it: not when its topic was logged before, nor after many topics. */
bool tl_health_too_long (tl_link *l, tl_slice topic, size_t size);
/* Called at the end of a wake-up that had input. Computes the rates once a second. */
void tl_health_input (tl_link *l);

#endif

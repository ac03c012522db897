/* core/mqtt/inflight.h — outgoing messages from publish() to their last acknowledgement, and
** the lists that keep their orders. Knows nothing of connections. */
#ifndef TL_MQTT_INFLIGHT_H
#define TL_MQTT_INFLIGHT_H

#include "base/slice.h"

typedef enum {
  TL_OUT_QUEUED, /* waits for the connection or for a place in flight; no identifier */
  TL_OUT_SENT,   /* PUBLISH went out: waits for PUBACK or PUBREC */
  /* PUBREL went out: waits for PUBCOMP; the PUBLISH must not be sent again [MQTT-4.3.3-1] */
  TL_OUT_RELEASED
} tl_out_state;

typedef struct tl_outgoing tl_outgoing;
struct tl_outgoing {
  /* in the queue, or in flight: the order of publishing [MQTT-4.6.0-1] */
  tl_outgoing *prev, *next;
  /* released: the order in which the PUBRECs came [MQTT-4.6.0-4] */
  tl_outgoing *rel_prev, *rel_next;
  /* of the session's life, ascending; names the message in the store */
  uint64_t sequence;
  int64_t taken_at; /* when it was published; -1 not in this process */
  int64_t sent_at;  /* when it went out first; -1 not yet in this process */
  void *token;
  uint16_t id; /* 0 while queued */
  uint8_t qos;
  uint8_t state;
  bool restored;      /* from the store: nobody waits for its fate */
  size_t room;        /* bytes of the packet, also once it is released */
  size_t payload_at;  /* where the payload begins in it */
  size_t size, id_at; /* of the packet; size 0 once released */
  uint8_t packet[];   /* the whole PUBLISH */
};

/* A copy of the message as a packet with identifier 0 and DUP 0. NULL: no memory. The size must
** be one that tl_publish_size gave. */
tl_outgoing *tl_outgoing_new (tl_slice topic, tl_slice payload, uint8_t qos, bool retain);
/* From a stored packet, checked: TL_OK, TL_EMALFORMED, TL_ENOMEM. */
int tl_outgoing_from (tl_outgoing **out, tl_slice packet);
void tl_outgoing_set_id (tl_outgoing *m, uint16_t id); /* QoS 1 and 2; also in the packet */
void tl_outgoing_set_dup (tl_outgoing *m, bool dup);   /* [MQTT-3.3.1-1] */

/* What was published, as long as the message lives; of one restored after its PUBREC nothing. */
static inline tl_slice tl_outgoing_payload (const tl_outgoing *m) {
  return tl_slice_of(m->packet + m->payload_at, m->room - m->payload_at);
}

typedef struct {
  tl_outgoing *head, *tail;
  size_t n;
  size_t bytes; /* of packets; not kept for the list of released messages */
} tl_outlist;

void tl_outlist_push (tl_outlist *l, tl_outgoing *m);
void tl_outlist_unshift (tl_outlist *l, tl_outgoing *m); /* at its head */
void tl_outlist_remove (tl_outlist *l, tl_outgoing *m);
tl_outlist tl_outlist_take (tl_outlist *l); /* the whole list; *l is empty afterwards */
/* the same for the list of released messages */
void tl_released_push (tl_outlist *l, tl_outgoing *m);
void tl_released_remove (tl_outlist *l, tl_outgoing *m);

#endif

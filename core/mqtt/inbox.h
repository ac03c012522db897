/* core/mqtt/inbox.h — what the session remembers of received messages: the identifiers of QoS 2
** messages between PUBLISH and PUBREL [MQTT-4.3.3-2], and the acknowledgements that wait behind
** a held message, since they keep their order [MQTT-4.6.0-2], [MQTT-4.6.0-3]. Knows nothing of
** packets' bytes. */
#ifndef TL_MQTT_INBOX_H
#define TL_MQTT_INBOX_H

#include "base/slice.h"

/* A set of identifiers: 8 KiB from the first QoS 2 message on. */
typedef struct {
  uint64_t *bits;
  uint32_t count;
} tl_idset;

void tl_idset_init (tl_idset *set);
void tl_idset_fini (tl_idset *set);
bool tl_idset_has (const tl_idset *set, uint16_t id);
int tl_idset_add (tl_idset *set, uint16_t id); /* adding twice is harmless; TL_OK or TL_ENOMEM */
void tl_idset_del (tl_idset *set, uint16_t id);
/* The smallest member >= from, 0 when there is none. */
uint16_t tl_idset_next (const tl_idset *set, uint16_t from);

/* One received message whose acknowledgement cannot go out yet. */
typedef struct {
  uint16_t id; /* 0 for QoS 0 */
  uint8_t qos;
  bool held;  /* waits for tl_session_ack(); false: ready, waits only for those before it */
  bool lost;  /* stale, and the broker has lost the session: it cannot be acknowledged any more */
  bool stale; /* came on an earlier connection: no acknowledgement is sent for it on this one */
} tl_pending_ack;

/* A ring of them, oldest first. Its head is always a held one. */
typedef struct {
  tl_pending_ack *ring;
  size_t cap, at, len; /* cap is a power of two or 0 */
  uint32_t held;
} tl_acks;

void tl_acks_init (tl_acks *a);
void tl_acks_fini (tl_acks *a);
int tl_acks_reserve (tl_acks *a); /* room for one more push: TL_OK or TL_ENOMEM */
void tl_acks_push (tl_acks *a, tl_pending_ack ack);
const tl_pending_ack *tl_acks_head (const tl_acks *a); /* NULL when empty */
tl_pending_ack tl_acks_pop (tl_acks *a);
/* The connection is gone: ready ones are forgotten, held ones become stale. */
void tl_acks_disconnect (tl_acks *a);
/* The broker lost the session: held messages are not acknowledged, since their identifiers may be
** used for others now. */
void tl_acks_orphan (tl_acks *a);

#endif

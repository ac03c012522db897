/* core/gateway/recorder.h — the last messages of a line, in a ring of bytes with a fixed size.
** Knows nothing of lines; no clock, no libuv.
**
** A message costs one copy into memory that is there already; the oldest messages are dropped
** for it. The ring is allocated at the first message, so that a line without messages costs
** nothing. */
#ifndef TL_GATEWAY_RECORDER_H
#define TL_GATEWAY_RECORDER_H

#include "model/model.h"

typedef struct tl_recorder {
  uint8_t *at;       /* NULL until the first message */
  size_t cap;        /* of `at` */
  size_t head, tail; /* where the next message goes; where the oldest one begins */
  size_t wrap;       /* if wrapped: where the older part ends */
  /* The messages are in [tail, wrap) and [0, head) if wrapped, otherwise in [tail, head). */
  bool wrapped;
  uint32_t count;   /* messages in it */
  uint64_t seen;    /* messages so far, including those that were not kept */
  uint64_t skipped; /* messages longer than the whole ring, or without memory for the ring */
} tl_recorder;

typedef struct {
  uint64_t number; /* of this line's messages, from 1 */
  tl_incoming m;   /* topic and payload borrowed from the ring until the next add; `now` is 0 */
} tl_recorded;

void tl_recorder_init (tl_recorder *r);
void tl_recorder_fini (tl_recorder *r);
/* Keep a message. `bytes`: the size of the ring; 0: keep nothing, and free the ring.
** When `bytes` has changed, recorded messages are moved to a new ring, and the oldest are
** dropped if they do not fit. */
void tl_recorder_add (tl_recorder *r, size_t bytes, const tl_incoming *m);
/* All messages, oldest first. `out` must have room for r->count. */
void tl_recorder_list (const tl_recorder *r, tl_recorded *out);

/* Append one line of a capture file (message_json.h). */
void tl_recorded_json (const tl_recorded *one, const char *line, tl_buf *out);

#endif

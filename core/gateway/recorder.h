/* core/gateway/recorder.h — the last messages of a line, in a bounded ring of bytes. Knows
** nothing of lines; no clock, no libuv.
**
** A message costs one copy into memory that is there already. The oldest make room. The ring is
** allocated at the first message, so that a line that hears nothing costs nothing. */
#ifndef TL_GATEWAY_RECORDER_H
#define TL_GATEWAY_RECORDER_H

#include "model/model.h"

typedef struct tl_recorder {
  uint8_t *at;       /* NULL until the first message */
  size_t cap;        /* of `at` */
  size_t head, tail; /* where the next one goes; the oldest */
  size_t wrap;       /* wrapped: where the older part ends */
  /* the messages are [tail, wrap) and [0, head), otherwise [tail, head) */
  bool wrapped;
  uint32_t count;   /* messages in it */
  uint64_t seen;    /* messages so far, those that were not kept too */
  uint64_t skipped; /* longer than the whole ring, or no memory */
} tl_recorder;

typedef struct {
  uint64_t number; /* of this line's messages, from 1 */
  tl_incoming m;   /* topic and payload borrowed from the ring until the next add; `now` is 0 */
} tl_recorded;

void tl_recorder_init (tl_recorder *r);
void tl_recorder_fini (tl_recorder *r);
/* Keep a message. `bytes`: how large the ring shall be (0: keep nothing, and give the memory
** back); when that changed, what is recorded is moved, the oldest making room. */
void tl_recorder_add (tl_recorder *r, size_t bytes, const tl_incoming *m);
/* The messages, oldest first; `out` has room for r->count. */
void tl_recorder_list (const tl_recorder *r, tl_recorded *out);

/* One line of a capture file, as message_json.h has it. */
void tl_recorded_json (const tl_recorded *one, const char *line, tl_buf *out);

#endif

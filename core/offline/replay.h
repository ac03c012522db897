/* core/offline/replay.h — feeds lines of a capture (lua/tagline/test/capture.lua) as messages into
** a run, many at a time. It reads lines as save() writes them. At any other line it stops, and the
** Lua module reads that line and reports what is wrong. Must not know files. */
#ifndef TL_OFFLINE_REPLAY_H
#define TL_OFFLINE_REPLAY_H

#include "offline/run.h"

typedef struct tl_replay tl_replay;

/* `run` is borrowed. TL_ENOMEM. */
int tl_replay_new (tl_replay **out, tl_offline_run *run);
void tl_replay_free (tl_replay *r); /* NULL is fine */

typedef enum {
  TL_REPLAY_ALL,   /* there is no whole line left */
  TL_REPLAY_ODD,   /* the next line is not a plain message */
  TL_REPLAY_ERROR, /* a handler of the last message failed: see the news */
  TL_REPLAY_FULL   /* as many messages as were wanted, or there is much news */
} tl_replay_end;

typedef struct {
  size_t used;                        /* bytes of the text that were fed, whole lines */
  uint64_t fed;                       /* messages */
  tl_slice topic;                     /* of the last one; valid until the next call */
  uint64_t filtered, unrouted, wrong; /* taken by no filter, by no station; no valid topic */
} tl_replayed;

/* Feeds lines of `text` from its beginning, at most `most`. A message whose line the config does
** not have goes to each that subscribes to its topic. */
tl_replay_end tl_replay_feed (tl_replay *r, tl_slice text, uint64_t most, tl_replayed *out);

#endif

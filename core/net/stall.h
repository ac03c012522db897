/* core/net/stall.h — the last resort: a thread that asks the loop again and again whether it still
** turns, and ends the process when it does not. */
#ifndef TL_NET_STALL_H
#define TL_NET_STALL_H

#include "net/loop.h"

typedef struct tl_stall tl_stall;

/* What can be found out about a loop that does not turn: lines of text, appended in a signal
** handler, so in place and without memory. */
typedef struct {
  char text[4096];
  size_t len;
} tl_stall_note;
void tl_stall_add (tl_stall_note *note, const char *text); /* cut when it is full */

typedef struct {
  /* From the loop: it turned within the last `beat_ms`. */
  void (*beat)(void *ctx);
  /* In a signal handler of the loop's thread, wherever that is: append what it is in. Only what
  ** signal-safety(7) allows. */
  void (*where)(void *ctx, tl_stall_note *note);
  /* From a thread of its own: say it, a line a call. The first line says that the loop stands
  ** still, before anything else is tried. */
  void (*log)(void *ctx, const char *line);
  /* From that thread, at the end; the process ends with exit code 1 when this returns. */
  void (*end)(void *ctx);
} tl_stall_events;

/* Watch `loop`, whose thread calls this. limit_ms: so long it may stand still, 0: for ever. Time in
** which the process was stopped (SIGSTOP, a suspended machine), or other programs had the
** processor, does not count. beat_ms: so often `beat` comes at least, 0: as the limit needs. Both
** callers' structures must outlive it. 0 or a negative code. One at a time. */
int tl_stall_watch (tl_stall **out, tl_loop *loop, int64_t limit_ms, int64_t beat_ms,
                    const tl_stall_events *events, void *ctx);
void tl_stall_set_limit (tl_stall *s, int64_t limit_ms); /* from the loop */
/* Ends its thread; the memory goes from the loop's close callback. NULL is fine. */
void tl_stall_close (tl_stall *s);

#endif

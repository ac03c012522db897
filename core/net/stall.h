/* core/net/stall.h — the last resort: a thread that asks the loop again and again whether it still
** turns, and ends the process when it does not; sooner when the process was told to end. */
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
  /* In a signal handler of the loop's thread, wherever that is, and only what signal-safety(7)
  ** allows: append what it is in. */
  void (*where)(void *ctx, tl_stall_note *note);
  /* There, too: for how many ms what it is in may hold it; 0: for ever. told: the process was told
  ** to end. */
  int64_t (*limit)(void *ctx, bool told);
  /* From a thread of its own, as are the next: the first line of what is said, without a line
  ** break. told: as tl_stall_hurry() was given it, NULL: it was not called. */
  void (*why)(void *ctx, const char *told, double held_s, char *out, size_t room);
  /* Say it, a line a call. The first line is said before anything else is tried. */
  void (*log)(void *ctx, const char *line);
  int (*end)(void *ctx); /* the last: returns the process's exit code */
} tl_stall_events;

/* Watch `loop`, whose thread calls this. limit_ms: so long it may stand still before `limit` is
** asked, 0: for ever. Time in which the process was stopped (SIGSTOP, a suspended machine), or
** other programs had the processor, does not count. beat_ms: so often `beat` comes at least, 0: as
** the limit needs. Both callers' structures must outlive it. 0 or a negative code. One at a
** time. */
int tl_stall_watch (tl_stall **out, tl_loop *loop, int64_t limit_ms, int64_t beat_ms,
                    const tl_stall_events *events, void *ctx);
void tl_stall_set_limit (tl_stall *s, int64_t limit_ms); /* from the loop */
/* In the loop's thread, before the loop runs: what is done instead goes on. */
void tl_stall_turned (tl_stall *s);
/* The process was told to end, by `told` ("SIGTERM"; the text stays). From now on `limit` is asked
** when the loop has stood still for 1 s. In a signal handler of the loop's thread, too, and before
** tl_stall_watch(). */
void tl_stall_hurry (const char *told);
/* Ends its thread; the memory goes from the loop's close callback. NULL is fine. */
void tl_stall_close (tl_stall *s);

#endif

/* core/net/loop.h — the event loop and its timers behind opaque types, so that rooms above need
** no <uv.h>. */
#ifndef TL_NET_LOOP_H
#define TL_NET_LOOP_H

#include "base/slice.h"

typedef struct tl_loop tl_loop;
typedef struct tl_timer tl_timer;

int tl_loop_new (tl_loop **out);
/* until nothing is left to wait for, or tl_loop_stop(), which may come before it, too */
void tl_loop_run (tl_loop *loop);
void tl_loop_stop (tl_loop *loop);
/* Runs the close callbacks that are due, frees. Everything on it must have been closed by its
** owner (asserted). */
void tl_loop_free (tl_loop *loop);
/* monotonic ms, cached once per wake-up; the same clock as tl_clock_mono_ms */
int64_t tl_loop_now (tl_loop *loop);
/* sets the time of a loop that never runs, as its owner wants it */
void tl_loop_set_now (tl_loop *loop, int64_t now);
/* grows each time before the loop looks at its sockets and signals */
uint64_t tl_loop_turn (const tl_loop *loop);
/* Switch the timing of turns on or off. While it is off it costs one comparison a turn. */
void tl_loop_time_turns (tl_loop *loop, bool on);
/* The longest one of the last one to two minutes, ms: from the end of waiting to the next wait. */
int64_t tl_loop_longest (const tl_loop *loop);
void tl_loop_update (tl_loop *loop); /* read the clock again, after long work */
/* Call `fn` at the end of this wake-up, after all its reads and timers and before the loop
** waits again; once per call, in the order of asking, also when tl_loop_stop() was called.
** Asking again before it ran is harmless (same fn and ctx); asking from inside an `fn` means
** the next wake-up, which comes at once. TL_ENOMEM. tl_loop_forget() takes it back. */
int tl_loop_later (tl_loop *loop, void (*fn)(void *ctx), void *ctx);
/* Is anything asked for by tl_loop_later() or tl_loop_last()? */
bool tl_loop_is_asked (const tl_loop *loop);
/* Call `fn` once behind all that, when it was asked for in this wake-up or before: what takes
** its time, after the others have sent what they have to send. TL_ENOMEM, but never for the first
** TL_LOOP_LAST that wait; tl_loop_forget() takes one back. */
enum { TL_LOOP_LAST = 16 };
int tl_loop_last (tl_loop *loop, void (*fn)(void *ctx), void *ctx);
void tl_loop_forget (tl_loop *loop, void (*fn)(void *ctx), void *ctx);

/* Work that takes long, and so takes turns with other such work. It is a member of the struct that
** it belongs to. Zeroed: it does not wait.
** In each turn of the loop, after all of the above, the waiting ones are called in their order,
** until 25 ms of processor time are used, including messages and timers of that turn. So quick work
** waits for one of them at most, and none of them waits for ever.
** Work that was quick so far, but finds the turn used, waits ahead of these: it shares the 25 ms
** with them, is called also when the turn is used, and leaves them every second turn. A turn that
** has had a call of 50 ms is left to them only after seven others of this kind: what comes during
** one such call waits for no second one.
** Of these, work that is trusted to be quick goes first: many that become slow in one moment are
** called one a turn, and it does not wait for all of them. Work that is short for certain waits for
** no other than its like. */
typedef struct tl_heavy {
  struct tl_heavy *next, *prev;
  uint8_t rank;
  void (*run)(struct tl_heavy *h); /* it waits no more, and may wait again, or be freed */
} tl_heavy;
void tl_heavy_wait (tl_loop *loop, tl_heavy *h); /* at the end; harmless when it waits */
void tl_heavy_wait_ahead (tl_loop *loop, tl_heavy *h, bool trusted);
void tl_heavy_wait_first (tl_loop *loop, tl_heavy *h); /* short for certain */
void tl_heavy_forget (tl_loop *loop, tl_heavy *h);     /* harmless when it does not */
/* Are the 25 ms of this turn used? */
bool tl_loop_is_used (const tl_loop *loop);
bool tl_loop_was_long (const tl_loop *loop); /* the turn before had a call of 50 ms */
bool tl_loop_is_long (const tl_loop *loop);  /* this turn had one */
/* Would a long call that is made now add up with another one? So when the 25 ms are used, when the
** turn before had a call of 50 ms, and while something waits in the queue of tl_heavy_wait(). */
bool tl_loop_is_busy (const tl_loop *loop);

int tl_timer_new (tl_timer **out, tl_loop *loop, void (*fn)(void *ctx), void *ctx);
/* one shot at this tl_loop_now(); moves an earlier one; INT64_MAX stops */
void tl_timer_at (tl_timer *t, int64_t due_ms);
void tl_timer_stop (tl_timer *t);
/* frees it from the loop's close callback; NULL is fine */
void tl_timer_close (tl_timer *t);

/* Signals as loop events (signal.c). From here on none is lost, also while the loop does not turn
** yet; several of one number may be one. One at a time for each number, in the loop's thread. Like
** a timer that runs, it keeps tl_loop_run() going until it is closed. */
typedef struct tl_signal tl_signal;
int tl_signal_new (tl_signal **out, tl_loop *loop, int signum, void (*fn)(void *ctx, int signum),
                   void *ctx);
bool tl_signal_is_due (const tl_signal *s); /* it has come, and fn was not called yet; NULL: no */
/* Also call this, in the signal handler (and now, if one is due): only what signal-safety(7)
** allows. */
void tl_signal_at_once (tl_signal *s, void (*fn)(int signum));
void tl_signal_close (tl_signal *s); /* NULL is fine */

#endif

/* core/script/turn.h — private to script/: how much time scripts have used in this turn of the
** loop, and what waits for the next turn.
** A single call is limited by its own budget, but a turn with many calls could take as long as
** all of them together. So timers, ends of writes, values and statuses ask here first.
** When scripts have used their share of the turn, these wait, and each turn of the loop runs some
** of them. Messages, signals and PINGs are handled in between.
** Each line has a queue, and the queues take turns: functions of one line that take long hold up
** those of another line by one call. Within a queue the order stays.
**
** Time is counted in ticks of the watchdog (4 ms of processor time while a script runs), so a
** short call needs no look at a clock. */
#ifndef TL_SCRIPT_TURN_H
#define TL_SCRIPT_TURN_H

#include "script/script.h"

/* Something that waits for its turn; a member of the struct it stands for. Zeroed: it does not
** wait. */
typedef struct tl_due {
  struct tl_due *next, *prev;
  uint64_t serial; /* set by tl_turn_wait(), as is the queue's number */
  uint32_t queue;
  void (*run)(
      struct tl_due *due); /* taken out of the queue before; may free what it is a member of */
  void (*drop)(struct tl_due *due); /* the script ends: only free it */
  bool owed; /* whoever asked for it counts on it: it is called at the process's end, too */
} tl_due;

/* Have scripts used their share, so that what is due now must wait? */
bool tl_turn_is_used (tl_script *s);
/* Processor time that scripts have used in this turn, ns. */
uint64_t tl_turn_used_ns (tl_script *s);
/* Put it at the end of the queue of its owner: the line whose function it is or began it, and
** which is only compared; NULL: it is of no line. */
void tl_turn_wait (tl_script *s, tl_due *due, const void *owner);
/* How many wait before one that this owner would add now: its own, and those that go before all. */
uint32_t tl_turn_count (const tl_script *s, const void *owner);
static inline bool tl_turn_waits (const tl_due *due) { return due->prev; }
/* takes it out of its queue; harmless if it does not wait */
void tl_turn_forget (tl_script *s, tl_due *due);
/* The one behind `due` of all that wait, which may be in the next queue; NULL: there is none.
** With `due` NULL: the first of all. */
tl_due *tl_turn_next (const tl_script *s, const tl_due *due);
/* Those for which `is` answers true go before all others, of all queues, and `last` behind them
** (NULL: nothing does). Otherwise the order stays. */
void tl_turn_put_first (tl_script *s, bool (*is)(const tl_due *due, const void *ctx),
                        const void *ctx, tl_due *last);
void tl_turn_drop_all (tl_script *s);

/* The process ends from now on: what waits has half a second of processor time together. */
void tl_turn_begin_end (tl_script *s);
/* Is that half second used? */
bool tl_turn_end_is_used (tl_script *s);
/* All lines are closed: call now what is owed, as far as that time allows; say what is not. */
void tl_turn_finish (tl_script *s);

#endif

/* core/script/turn.h — private to script/: how much time scripts have used in this turn of the
** loop, and what waits for the next turn.
** A single call is limited by its own budget, but a turn with many calls could take as long as
** all of them together. So timers, ends of writes, values and statuses ask here first.
** When scripts have used their share of the turn, these wait in one queue, in order, and each
** turn of the loop runs some of them. Messages, signals and PINGs are handled in between.
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
  void (*run)(
      struct tl_due *due); /* taken out of the queue before; may free what it is a member of */
  void (*drop)(struct tl_due *due); /* the script ends: only free it */
} tl_due;

/* Have scripts used their share, so that what is due now must wait? */
bool tl_turn_is_used (tl_script *s);
/* Put it at the end of the queue. */
void tl_turn_wait (tl_script *s, tl_due *due);
static inline bool tl_turn_waits (const tl_due *due) { return due->prev; }
/* takes it out of the queue; harmless if it does not wait */
void tl_turn_forget (tl_script *s, tl_due *due);
void tl_turn_drop_all (tl_script *s);

/* Must on_value of a tag (its functions from number `from` on), or on_status of a station,
** wait? False: the caller calls it now.
** True: it was put into the queue, or left out since too many wait (logged once).
** They wait only when scripts have used half of handler_time in this turn: a message should be
** acknowledged after its handlers, if they are quick enough. */
bool tl_turn_value_waits (tl_script *s, tl_tag *t, int from);
bool tl_turn_status_waits (tl_script *s, tl_station *station);
/* The same for on_connect and on_disconnect; not for those of a line that goes, which nobody would
** find any more. */
bool tl_turn_line_waits (tl_script *s, tl_link *l, bool up, const char *why);
/* The line goes: call now what waits of it. */
void tl_turn_line_leaves (tl_script *s, tl_link *l);
/* The process ends: have functions of lines used the half second that they all have together? */
bool tl_turn_end_is_used (tl_script *s);
/* All lines are closed: call what waits of those functions now, as far as that time allows. */
void tl_turn_finish (tl_script *s);

#endif

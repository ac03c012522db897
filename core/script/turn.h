/* core/script/turn.h — private to script/: how much of this turn of the loop scripts have had,
** and what waits for the next one. A call ends by its own budget; a turn in which many calls
** are due would still be as long as all of them. So timers, ends of writes, values and
** statuses ask here first: when scripts have had their share of the turn, they go into one
** queue, in their order, of which each turn of the loop runs some. Messages, signals and
** keep-alive PINGs have their turn between them.
**
** Time is counted in ticks of the watchdog (4 ms of processor time while a script runs): a
** call that is short costs no clock. */
#ifndef TL_SCRIPT_TURN_H
#define TL_SCRIPT_TURN_H

#include "script/script.h"

/* Something that waits for its turn: a member of what it stands for. Zeroed: it does not wait. */
typedef struct tl_due {
  struct tl_due *next, *prev;
  void (*run)(
      struct tl_due *due); /* taken out of the queue before; may free what it is a member of */
  void (*drop)(struct tl_due *due); /* the script ends: free only */
} tl_due;

/* Must something that is due now wait? */
bool tl_turn_is_used (tl_script *s);
/* Put it into the queue. */
void tl_turn_wait (tl_script *s, tl_due *due);
static inline bool tl_turn_waits (const tl_due *due) { return due->prev; }
void tl_turn_forget (tl_script *s, tl_due *due); /* harmless when it does not wait */
void tl_turn_drop_all (tl_script *s);

/* on_value of a tag (its functions from `from` on), on_status of a station: false: call it.
** True: it waits now, or was left out since too many wait (said once). They wait only when
** scripts have had half of handler_time in this turn: a message is acknowledged when its
** handlers have returned, if they do so in time. */
bool tl_turn_value_waits (tl_script *s, tl_tag *t, int from);
bool tl_turn_status_waits (tl_script *s, tl_station *station);

#endif

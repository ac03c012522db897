/* core/sandbox/watchdog.h — finds scripts that do not end, by a timer of this thread's
** processor time. It costs nothing while scripts run only shortly.
** At each tick the running script gets a hook, which looks at its budget before the next
** instruction; a flag tells C code that runs for long (tl_budget_check).
** So scripts run without a count hook, at full speed. */
#ifndef TL_SANDBOX_WATCHDOG_H
#define TL_SANDBOX_WATCHDOG_H

#include "sandbox/sandbox.h"

enum { TL_TICK_NS = TL_CLOCK_BUSY_NS };

/* Start the watchdog, or count one more user of it; `look` is the hook. False: the system has
** no timer left. To be called in the thread that runs all scripts. */
bool tl_watchdog_start (lua_Hook look);
void tl_watchdog_stop (void);
/* From now on this script runs; NULL: none. Returns the one that ran before. */
tl_sandbox *tl_watchdog_switch_to (tl_sandbox *s);
tl_sandbox *tl_watchdog_watched (void); /* the running script; NULL: none */

/* The bell: once, after so many ns (less than 1 s) of real time, do the same as a tick.
** tl_watchdog_rang() is then true until the bell is set again. */
void tl_watchdog_ring_in (long ns);
bool tl_watchdog_rang (void);

/* The alarm: at `due_ns` of the monotonic clock, or earlier by up to a tenth of the time from
** `now_ns` until then, do the same as a tick; a hook that counts is called now, and sets its count
** again. There is one; the last call counts. If the system has no timer left, none comes. */
void tl_watchdog_alarm (uint64_t now_ns, uint64_t due_ns);

#endif

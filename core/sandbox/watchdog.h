/* core/sandbox/watchdog.h — looks after scripts that do not end: a timer of this thread's
** processor time, which costs nothing while a script does not run for long. At each tick the
** script that runs gets a hook, which looks at its budget before the next instruction, and a
** note for C code that goes through much (tl_budget_check). So scripts run without a count hook, at
** their full speed. */
#ifndef TL_SANDBOX_WATCHDOG_H
#define TL_SANDBOX_WATCHDOG_H

#include "sandbox/sandbox.h"

enum { TL_TICK_NS = TL_CLOCK_BUSY_NS };

/* Begin, or be one more who needs it; `look` is the hook. False: the system has no timer left.
** For the thread that runs all scripts. */
bool tl_watchdog_start (lua_Hook look);
void tl_watchdog_stop (void);
/* The script that runs from now on, NULL: none. Returns the one that ran until now. */
tl_sandbox *tl_watchdog_switch_to (tl_sandbox *s);
tl_sandbox *tl_watchdog_switch_toed (void); /* which that is */

/* Once, after so many ns (below a second) of real time: the same as a tick, and rang() says so
** until it is set again. */
void tl_watchdog_ring_in (long ns);
bool tl_watchdog_rang (void);

#endif

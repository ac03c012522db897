/* core/base/clock.h — the only place that asks the system for the time. Pure rooms get times as
** arguments. */
#ifndef TL_BASE_CLOCK_H
#define TL_BASE_CLOCK_H

#include <stdint.h>

int64_t tl_clock_wall_ms (void); /* milliseconds since 1970, UTC; may jump */
/* From now on it is this time of day, until the next call: replay and tests live in the time of
** their messages. */
void tl_clock_fix (int64_t wall_ms);
int64_t tl_clock_mono_ms (void); /* milliseconds of a clock that never jumps */
uint64_t tl_clock_mono_ns (void);
uint64_t tl_clock_cpu_ns (void); /* processor time of this thread */

/* Grows with every 4 ms of processor time of the thread that runs scripts, once their watchdog
** ticks: to see without asking the system whether something takes long. Written by the
** watchdog only. */
enum { TL_CLOCK_BUSY_NS = 4000000 };
extern volatile uint32_t tl_clock_busy;

#endif

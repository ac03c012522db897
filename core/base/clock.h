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
/* For how long this thread was ready to run, and others had the processor; 0 where the system does
** not tell. Takes some microseconds. */
uint64_t tl_clock_starved_ns (void);

/* A counter: the watchdog of scripts adds one for every 4 ms of processor time of their thread.
** Two readings that differ show that the work in between took long. This needs no system call.
** Only the watchdog writes it; before the watchdog is started it stays as it is. */
enum { TL_CLOCK_BUSY_NS = 4000000 };
extern volatile uint32_t tl_clock_busy;

#endif

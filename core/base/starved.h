/* core/base/starved.h — how long threads were ready to run while others had the processor; asked of
** the system (clock.c). Knows nothing else. */
#ifndef TL_BASE_STARVED_H
#define TL_BASE_STARVED_H

#include <stdbool.h>
#include <stdint.h>

/* In ns, of the thread whose file this is, "/proc/…/schedstat"; 0 where the system does not tell.
** What it waits for at this moment is counted once it has the processor. Takes some microseconds,
** and no memory. */
uint64_t tl_starved_ns (const char *path);
/* Does the thread whose file this is, "/proc/…/stat", have a processor, or wait for one? */
bool tl_is_ready (const char *path);

#endif

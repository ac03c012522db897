/* core/net/process.c — see process.h. */
#include "net/process.h"

#include <sys/resource.h>
#include <time.h>

#include "base/clock.h"
#include "net/uv.h"

static double started;

/* The usual limit of 1,024 is for programs that call select(); nothing here does. Each line, client
** and file needs a descriptor, so all that the process may have are wanted. */
static void raise_descriptors (void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &limit); /* else it goes on with what it has */
}

void tl_process_begin (void) {
  started = (double)tl_clock_wall_ms() / 1000.0;
  raise_descriptors();
}

static double seconds_of (struct timeval t) { return (double)t.tv_sec + (double)t.tv_usec / 1e6; }

void tl_process_get (tl_process_facts *out) {
  struct rusage used;
  struct timespec loop;
  size_t memory = 0;
  *out = (tl_process_facts){ .started = started };
  if (getrusage(RUSAGE_SELF, &used) == 0)
    out->cpu = seconds_of(used.ru_utime) + seconds_of(used.ru_stime);
  if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &loop) == 0)
    out->loop = (double)loop.tv_sec + (double)loop.tv_nsec / 1e9;
  if (uv_resident_set_memory(&memory) == 0) out->memory = memory;
}

/* core/net/process.h — what the operating system knows of this process. */
#ifndef TL_NET_PROCESS_H
#define TL_NET_PROCESS_H

#include "base/slice.h"

typedef struct {
  double started;  /* seconds since 1970 */
  double cpu;      /* seconds of all threads */
  double loop;     /* seconds of the calling thread */
  uint64_t memory; /* resident bytes; 0: not known */
} tl_process_facts;
void tl_process_get (tl_process_facts *out);
/* Called once, early: notes when the process began, by the clock on the wall, and raises the limit
** of open files (RLIMIT_NOFILE) from the soft one to the hard one. */
void tl_process_begin (void);

#endif

/* core/net/thread.h — runs work that may wait for a disk, or computes for long, in a thread of its
** own, so that the loop does not wait. libuv's pool is not used: work that hangs there would delay
** other work, and the end of the process. */
#ifndef TL_NET_THREAD_H
#define TL_NET_THREAD_H

#include "net/loop.h"

typedef struct tl_thread tl_thread;

/* run(job) in another thread; then done(job) from the loop, after which *out is gone. Whoever
** is done with the job last calls drop(job), in either thread: behind done(), or behind run()
** when the work was cancelled. A failure to start (libuv's codes, TL_ENOMEM): nothing is
** called. */
int tl_thread_start (tl_thread **out, tl_loop *loop, void (*run)(void *job),
                     void (*done)(void *job), void (*drop)(void *job), void *job);
/* done() will not come; drop() does, when run() is over. */
void tl_thread_cancel (tl_thread *w);

#endif

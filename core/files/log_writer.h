/* core/files/log_writer.h — the log of a process that must never wait: lines go into a bounded
** queue in memory, and a thread of its own writes them to stderr.
**
** A thread, because nothing else keeps both promises: stderr is mostly shared with other programs,
** so it must not become non-blocking; and a terminal that was stopped with Ctrl-S, a full pipe or a
** dead network file system hold whoever writes. */
#ifndef TL_FILES_LOG_WRITER_H
#define TL_FILES_LOG_WRITER_H

#include "base/slice.h"

/* Bytes of lines that wait, at most. A line that finds no room is dropped and counted; as soon as
** there is room again "N log lines were not written" stands in its place. So it is for a file on a
** full disk, too. */
enum { TL_LOG_QUEUE = 1 << 20 };

/* Begin: from here on tl_log() and tl_log_print() queue. `fd` (2) stays the caller's and is not
** changed. Again after an end that did not drain: true, the same thread goes on. False: no thread;
** lines are written directly, as before. */
bool tl_log_writer_start (int fd);

/* Wait until the queue is written, as long as the reader takes something at least every 500 ms and
** at most 2 s in all. True: all is written and tl_log() writes directly again. False: somebody does
** not read; later lines are queued still, so that nothing waits. Without a beginning: true. */
bool tl_log_writer_end (void);

#endif

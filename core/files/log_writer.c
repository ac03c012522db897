/* core/files/log_writer.c — see log_writer.h. Knows nothing of what the lines say. */
#include "files/log_writer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"

enum { STILL_MS = 500, END_MS = 2000, FULL_MS = 200, STACK = 128 * 1024, PIECE = 16384 };

/* A ring of whole lines. Its thread writes what it has taken out into `piece`, outside of the
** lock. */
static struct {
  pthread_mutex_t lock;
  pthread_cond_t more, less; /* less: the thread has written something */
  uint8_t ring[TL_LOG_QUEUE];
  size_t at, len; /* what waits: len bytes from ring[at] on, around its end */
  size_t dropped; /* lines, since the last note */
  int why;        /* errno: why they could not be written; 0: nobody reads */
  size_t taken;   /* bytes that the thread holds */
  size_t written; /* in all; to see progress by */
  bool started, ending;
  pthread_t thread;
  int fd;
} q = { .lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER };

static void add (tl_slice line) {
  size_t end = (q.at + q.len) % TL_LOG_QUEUE;
  size_t first = TL_LOG_QUEUE - end < line.len ? TL_LOG_QUEUE - end : line.len;
  memcpy(q.ring + end, line.at, first);
  memcpy(q.ring, line.at + first, line.len - first);
  q.len += line.len;
}

/* The text that takes the place of the lines that were dropped. */
static int note_of (size_t dropped, tl_buf *out) {
  char text[160];
  const char *what = dropped == 1 ? "log line was" : "log lines were";
  snprintf(text, sizeof text, "%zu %s not written: %s", dropped, what,
           q.why != 0 ? strerror(q.why) : "stderr was not read");
  return tl_log_line(out, TL_LOG_WARN, text);
}

/* Locked. */
static void note_is_added (void) {
  q.dropped = 0;
  q.why = 0;
}

static bool has_room (size_t n) { return TL_LOG_QUEUE - q.len >= n; }

/* The note of earlier lines first. Locked. */
static bool add_note (size_t more) {
  tl_buf note;
  if (q.dropped == 0) return has_room(more);
  tl_buf_init(&note);
  bool fits = note_of(q.dropped, &note) == TL_OK && has_room(note.len + more);
  if (fits) {
    add(tl_buf_bytes(&note));
    note_is_added();
  }
  tl_buf_fini(&note);
  return fits;
}

/* Write the line at once if the queue is empty and the write does not block. RWF_NOWAIT works on
** pipes of newer kernels; elsewhere nothing is written here. Returns the number of bytes written.
** The lock is held. */
static size_t write_now (tl_slice line) {
  struct iovec part = { (void *)(uintptr_t)line.at, line.len };
  if (q.len > 0 || q.taken > 0 || q.dropped > 0) return 0;
  ssize_t n = pwritev2(q.fd, &part, 1, -1, RWF_NOWAIT);
  return n > 0 ? (size_t)n : 0;
}

static void put (void *ctx, tl_slice line) {
  (void)ctx;
  pthread_mutex_lock(&q.lock);
  size_t now = write_now(line);
  if (now == line.len) {
    q.written += now;
    pthread_mutex_unlock(&q.lock);
    return;
  }
  line = tl_slice_of(line.at + now, line.len - now);
  if (add_note(line.len))
    add(line);
  else
    q.dropped++;
  pthread_cond_signal(&q.more);
  pthread_mutex_unlock(&q.lock);
}

/* A file on a full disk: lines wait until there is room again. */
static bool is_full (int code) {
  struct stat st;
  return (code == ENOSPC || code == EDQUOT) && fstat(q.fd, &st) == 0 && S_ISREG(st.st_mode);
}

/* Bytes written; negative: nobody will read any more. *full: errno, when the disk is full. */
static ssize_t write_some (const uint8_t *at, size_t n, int *full) {
  ssize_t rc = write(q.fd, at, n);
  *full = 0;
  if (rc >= 0) return rc;
  if (errno == EINTR) return 0;
  if (is_full(errno)) {
    *full = errno;
    poll(NULL, 0, FULL_MS);
    return 0;
  }
  if (errno != EAGAIN) return -1;
  struct pollfd p = { .fd = q.fd, .events = POLLOUT }; /* somebody who shares it made it so */
  poll(&p, 1, -1);
  return 0;
}

/* Whole lines as far as they fit, so that those of several processes on one pipe stay whole. */
static size_t take (uint8_t *piece) {
  size_t n = q.len < PIECE ? q.len : PIECE, line = 0;
  for (size_t i = 0; i < n; i++) {
    piece[i] = q.ring[(q.at + i) % TL_LOG_QUEUE];
    if (piece[i] == '\n') line = i + 1;
  }
  if (line > 0) n = line;
  q.at = (q.at + n) % TL_LOG_QUEUE;
  q.len -= n;
  return n;
}

static void *run (void *arg) {
  static uint8_t piece[PIECE];
  (void)arg;
  pthread_mutex_lock(&q.lock);
  for (;;) {
    while (q.len == 0 && q.dropped == 0 && !q.ending) pthread_cond_wait(&q.more, &q.lock);
    if (q.len == 0 && !add_note(0)) q.dropped = 0; /* no memory to say so */
    if (q.len == 0 && q.ending) break;
    if (q.len == 0) continue;
    size_t n = take(piece), done = 0;
    int full;
    q.taken = n;
    while (done < n) {
      pthread_mutex_unlock(&q.lock);
      ssize_t rc = write_some(piece + done, n - done, &full);
      pthread_mutex_lock(&q.lock);
      if (full != 0) q.why = full;
      done = rc < 0 ? n : done + (size_t)rc;
      q.taken = n - done;
      q.written += rc < 0 ? n : (size_t)rc;
      pthread_cond_signal(&q.less);
    }
  }
  pthread_mutex_unlock(&q.lock);
  return NULL;
}

static bool start_thread (void) {
  pthread_attr_t attr;
  sigset_t all, before;
  if (pthread_attr_init(&attr) != 0) return false;
  pthread_attr_setstacksize(&attr, STACK);
  sigfillset(&all); /* signals are the main thread's */
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int rc = pthread_create(&q.thread, &attr, run, NULL);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attr);
  return rc == 0;
}

bool tl_log_writer_start (int fd) {
  if (q.started) return true;
  pthread_condattr_t monotonic;
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&q.less, &monotonic);
  pthread_condattr_destroy(&monotonic);
  q.fd = fd;
  q.ending = false;
  if (!start_thread()) {
    pthread_cond_destroy(&q.less);
    return false;
  }
  q.started = true;
  tl_log_set_outlet(put, NULL);
  return true;
}

static struct timespec after_ms (struct timespec from, int ms) {
  from.tv_sec += ms / 1000;
  from.tv_nsec += ms % 1000 * 1000000L;
  if (from.tv_nsec >= 1000000000L) from.tv_sec++;
  if (from.tv_nsec >= 1000000000L) from.tv_nsec -= 1000000000L;
  return from;
}

static bool is_later (struct timespec a, struct timespec b) {
  return a.tv_sec != b.tv_sec ? a.tv_sec > b.tv_sec : a.tv_nsec > b.tv_nsec;
}

static bool is_written (void) { return q.len == 0 && q.taken == 0 && q.dropped == 0; }

/* Wait until everything is written. False: nothing was written for STILL_MS, or END_MS are over.
** The lock is held. */
static bool wait_till_written (void) {
  struct timespec now, end;
  clock_gettime(CLOCK_MONOTONIC, &now);
  end = after_ms(now, END_MS);
  while (!is_written()) {
    size_t before = q.written;
    clock_gettime(CLOCK_MONOTONIC, &now);
    struct timespec still = after_ms(now, STILL_MS);
    if (is_later(now, end)) return false;
    if (is_later(still, end)) still = end;
    int rc = 0;
    while (rc == 0 && !is_written() && q.written == before)
      rc = pthread_cond_timedwait(&q.less, &q.lock, &still);
    if (rc != 0 && !is_written() && q.written == before) return false;
  }
  return true;
}

bool tl_log_writer_end (void) {
  if (!q.started) return true;
  pthread_mutex_lock(&q.lock);
  q.ending = true;
  pthread_cond_signal(&q.more);
  bool done = wait_till_written();
  if (!done) q.ending = false;
  pthread_mutex_unlock(&q.lock);
  if (!done) return false;
  pthread_join(q.thread, NULL);
  pthread_cond_destroy(&q.less);
  q.started = false;
  tl_log_set_outlet(NULL, NULL);
  return true;
}

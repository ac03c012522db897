/* core/net/stall.c — see stall.h. Knows nothing of what the loop does.
**
** The loop is asked by a uv_async, which it answers whether it waits for events or is busy.
** Where the loop is stuck is found out by a signal handler in its thread, which reads the state of
** libuv and Lua as it is at that moment. In a broken process this may crash. The process is to end
** anyway, and the first line of the report is written before. */
#include "net/stall.h"

#include <errno.h>
#include <execinfo.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/starved.h"
#include "net/uv.h"

enum { LEAST_MS = 10, MOST_MS = 5000, PARTS = 6, ANSWER_S = 2, DEEP = 40, STACK = 128 * 1024 };

struct tl_stall {
  uv_async_t ask;
  const tl_stall_events *events;
  void *ctx;
  pthread_mutex_t lock;
  pthread_cond_t woken;
  pthread_t thread, watched;
  char schedstat[64];        /* of the watched thread: a file of the system */
  int64_t limit_ms, beat_ms; /* under the lock, as are the next */
  bool ending, answered;
};

/* For the signal handler, which is given nothing. */
static struct {
  tl_stall *stall;
  tl_stall_note note;
  void *frames[DEEP];
  int depth;
  sem_t done;
} asked;

void tl_stall_add (tl_stall_note *note, const char *text) {
  size_t room = sizeof note->text - 1 - note->len, n = strlen(text);
  if (n > room) n = room;
  memcpy(note->text + note->len, text, n);
  note->len += n;
  note->text[note->len] = '\0';
}

static void on_signal (int number) {
  int before = errno;
  (void)number;
  asked.depth = backtrace(asked.frames, DEEP);
  asked.stall->events->where(asked.stall->ctx, &asked.note);
  sem_post(&asked.done);
  errno = before;
}

/* Each line of `text` on its own. */
static void say_lines (tl_stall *s, char *text) {
  for (char *line = text, *end; *line != '\0'; line = end) {
    end = line + strcspn(line, "\n");
    if (*end != '\0') *end++ = '\0';
    if (*line != '\0') s->events->log(s->ctx, line);
  }
}

/* Through a pipe: to make them in memory takes an allocator that may be what the loop hangs in. */
static void say_frames (tl_stall *s) {
  char text[4096];
  int ends[2];
  if (pipe(ends) != 0) return;
  backtrace_symbols_fd(asked.frames, asked.depth, ends[1]);
  close(ends[1]);
  size_t len = 0;
  for (ssize_t n; len < sizeof text - 1; len += (size_t)n)
    if ((n = read(ends[0], text + len, sizeof text - 1 - len)) <= 0) break;
  text[len] = '\0';
  close(ends[0]);
  say_lines(s, text);
}

static void say_where (tl_stall *s) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += ANSWER_S;
  bool told = pthread_kill(s->watched, SIGRTMIN) == 0;
  while (told && sem_timedwait(&asked.done, &until) != 0) told = errno == EINTR;
  if (!told) {
    s->events->log(s->ctx, "it answers no signal: it waits in the kernel, for a disk perhaps");
    return;
  }
  say_lines(s, asked.note.text);
  s->events->log(s->ctx, "the C functions, the innermost first:");
  say_frames(s);
}

static void stalled (tl_stall *s, int64_t ms) {
  char text[160];
  snprintf(
      text, sizeof text,
      "the loop has not turned for %g s (limits: stall_time = %g): ending, to be started again",
      (double)ms / 1000.0, (double)s->limit_ms / 1000.0);
  s->events->log(s->ctx, text);
  say_where(s);
  s->events->end(s->ctx);
  _exit(1);
}

static int64_t tick_of (const tl_stall *s) {
  int64_t tick = MOST_MS;
  if (s->limit_ms > 0 && s->limit_ms / PARTS < tick) tick = s->limit_ms / PARTS;
  if (s->beat_ms > 0 && s->beat_ms / 2 < tick) tick = s->beat_ms / 2;
  return tick > LEAST_MS ? tick : LEAST_MS;
}

/* True: a whole tick passed. Locked. */
static bool wait_tick (tl_stall *s, int64_t ms) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += ms / 1000;
  until.tv_nsec += ms % 1000 * 1000000;
  if (until.tv_nsec >= 1000000000) until.tv_sec++;
  if (until.tv_nsec >= 1000000000) until.tv_nsec -= 1000000000;
  int rc = 0;
  while (rc == 0 && !s->ending) rc = pthread_cond_timedwait(&s->woken, &s->lock, &until);
  return !s->ending;
}

static int64_t starved_ms (const tl_stall *s) {
  return (int64_t)(tl_starved_ns(s->schedstat) / 1000000);
}

/* Time is counted in ticks of this thread, not read from a clock. So the time for which the process
** was stopped or the machine asleep counts as one tick only. Time for which others had the
** processor, while the loop was ready to run, does not count at all: to be started again would help
** a process on such a machine least. */
static void *run (void *arg) {
  tl_stall *s = arg;
  int64_t silent = 0, starved = 0;
  pthread_mutex_lock(&s->lock);
  for (;;) {
    int64_t tick = tick_of(s);
    if (s->answered) {
      silent = 0;
      starved = starved_ms(s);
      s->answered = false;
      uv_async_send(&s->ask);
    }
    if (!wait_tick(s, tick)) break;
    silent += tick;
    if (s->answered || s->limit_ms == 0 || silent - (starved_ms(s) - starved) < s->limit_ms)
      continue;
    pthread_mutex_unlock(&s->lock);
    stalled(s, silent);
  }
  pthread_mutex_unlock(&s->lock);
  return NULL;
}

static void on_ask (uv_async_t *handle) {
  tl_stall *s = handle->data;
  pthread_mutex_lock(&s->lock);
  s->answered = true;
  pthread_mutex_unlock(&s->lock);
  s->events->beat(s->ctx);
}

static void free_stall (tl_stall *s) {
  pthread_cond_destroy(&s->woken);
  pthread_mutex_destroy(&s->lock);
  free(s);
}

static void on_closed (uv_handle_t *handle) { free_stall(handle->data); }

static int start_thread (tl_stall *s) {
  pthread_attr_t attr;
  sigset_t all, before;
  pthread_attr_init(&attr);
  pthread_attr_setstacksize(&attr, STACK);
  sigfillset(&all); /* signals are the loop's */
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int rc = pthread_create(&s->thread, &attr, run, s);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attr);
  return rc == 0 ? TL_OK : uv_translate_sys_error(rc);
}

static void init_locks (tl_stall *s) {
  pthread_condattr_t monotonic;
  pthread_mutex_init(&s->lock, NULL);
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&s->woken, &monotonic);
  pthread_condattr_destroy(&monotonic);
}

int tl_stall_watch (tl_stall **out, tl_loop *loop, int64_t limit_ms, int64_t beat_ms,
                    const tl_stall_events *events, void *ctx) {
  struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
  tl_stall *s = calloc(1, sizeof *s);
  if (!s) return TL_ENOMEM;
  s->events = events;
  s->ctx = ctx;
  s->limit_ms = limit_ms;
  s->beat_ms = beat_ms;
  s->answered = true;
  s->watched = pthread_self();
  snprintf(s->schedstat, sizeof s->schedstat, "/proc/self/task/%d/schedstat", (int)gettid());
  init_locks(s);
  int rc = uv_async_init(tl_loop_uv(loop), &s->ask, on_ask);
  if (rc < 0) {
    free_stall(s);
    return rc;
  }
  s->ask.data = s;
  uv_unref((uv_handle_t *)&s->ask);
  asked.stall = s;
  asked.note.len = 0;
  sem_init(&asked.done, 0, 0);
  backtrace(asked.frames, 1); /* the first call takes memory */
  sigaction(SIGRTMIN, &action, NULL);
  rc = start_thread(s);
  if (rc < 0) {
    tl_handle_close((uv_handle_t *)&s->ask, on_closed);
    return rc;
  }
  *out = s;
  return TL_OK;
}

void tl_stall_set_limit (tl_stall *s, int64_t limit_ms) {
  pthread_mutex_lock(&s->lock);
  s->limit_ms = limit_ms;
  pthread_mutex_unlock(&s->lock);
}

void tl_stall_close (tl_stall *s) {
  if (!s) return;
  pthread_mutex_lock(&s->lock);
  s->ending = true;
  pthread_cond_signal(&s->woken);
  pthread_mutex_unlock(&s->lock);
  pthread_join(s->thread, NULL);
  signal(SIGRTMIN, SIG_IGN);
  tl_handle_close((uv_handle_t *)&s->ask, on_closed);
}

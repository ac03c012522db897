/* core/net/stall.c — see stall.h. Knows nothing of what the loop does.
**
** The loop is asked by a uv_async, which it answers whether it waits for events or is busy.
** Where the loop is stuck is found out by a signal handler in its thread, which reads the state of
** libuv and Lua as it is at that moment. In a broken process this may crash. The process is to end
** anyway, and the first line of the report is written before. */
#include "net/stall.h"

#include <execinfo.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/starved.h"
#include "net/uv.h"

enum {
  LEAST_MS = 10,
  MOST_MS = 5000,
  PARTS = 6,
  TOLD_MS = 1000,     /* the process was told to end: only then is it asked what it is in */
  TOLD_TICK_MS = 250, /* and looked at so often */
  ANSWER_MS = 2000,   /* so long a thread that could run may not answer its signal */
  ANSWER_TICK_MS = 100,
  ANSWER_TICKS = 600, /* also one that always seems to get no processor */
  DEEP = 40,
  STACK = 128 * 1024
};

struct tl_stall {
  uv_async_t ask;
  const tl_stall_events *events;
  void *ctx;
  pthread_mutex_t lock;
  pthread_t thread, watched;
  char schedstat[64], stat[64]; /* of the watched thread: files of the system */
  int64_t limit_ms, beat_ms;    /* under the lock, as are the next */
  bool ending, answered;
  /* Its thread's: since the loop last answered, or the process was told to end. */
  int64_t silent, starved; /* ms */
  int64_t bound;           /* ms: then it is looked at; 0: never */
  const char *told;        /* as far as it has heard */
};

/* For signal handlers, which are given nothing. */
static struct {
  tl_stall *stall;
  tl_stall_note note;
  int64_t limit;
  void *frames[DEEP];
  int depth;
  sem_t done, woken;
  _Atomic(const char *) told; /* by what the process was told to end; NULL: it was not */
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
  tl_stall *s = asked.stall;
  (void)number;
  asked.depth = backtrace(asked.frames, DEEP);
  s->events->where(s->ctx, &asked.note);
  asked.limit = s->events->limit(s->ctx, s->told != NULL);
  sem_post(&asked.done);
  errno = before;
}

static struct timespec in_ms (int64_t ms) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  at.tv_sec += ms / 1000;
  at.tv_nsec += ms % 1000 * 1000000;
  if (at.tv_nsec >= 1000000000) at.tv_sec++;
  if (at.tv_nsec >= 1000000000) at.tv_nsec -= 1000000000;
  return at;
}

/* True: it was posted; false: all of the time passed. */
static bool wait_for (sem_t *sem, int64_t ms) {
  struct timespec until = in_ms(ms);
  int rc;
  do rc = sem_clockwait(sem, CLOCK_MONOTONIC, &until);
  while (rc != 0 && errno == EINTR);
  return rc == 0;
}

/* --- what is said --- */

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

static void say_where (tl_stall *s, bool answers) {
  if (!answers) {
    s->events->log(s->ctx, "it answers no signal: it waits in the kernel, for a disk perhaps");
    return;
  }
  say_lines(s, asked.note.text);
  if (s->told) return; /* the process was to end anyway */
  s->events->log(s->ctx, "the C functions, the innermost first:");
  say_frames(s);
}

/* --- what is found out --- */

/* Have on_signal() called in the watched thread. One that has no processor gets the time until it
** has one. */
static bool ask_thread (tl_stall *s) {
  while (sem_trywait(&asked.done) == 0) continue; /* an answer that came too late */
  asked.note.len = 0;
  asked.note.text[0] = '\0';
  if (pthread_kill(s->watched, SIGRTMIN) != 0) return false;
  int64_t waited = 0;
  for (int i = 0; i < ANSWER_TICKS && waited < ANSWER_MS; i++) {
    if (wait_for(&asked.done, ANSWER_TICK_MS)) return true;
    if (!tl_is_ready(s->stat)) waited += ANSWER_TICK_MS;
  }
  return false;
}

static int64_t starved_ms (const tl_stall *s) {
  return (int64_t)(tl_starved_ns(s->schedstat) / 1000000);
}

static bool has_answered (tl_stall *s) {
  pthread_mutex_lock(&s->lock);
  bool answered = s->answered;
  pthread_mutex_unlock(&s->lock);
  return answered;
}

/* Held for so long that it may have to end; that depends on what holds it. */
static void look (tl_stall *s, int64_t held, int64_t usual) {
  bool answers = ask_thread(s);
  if (has_answered(s)) return;
  s->bound = answers ? asked.limit : usual;
  if (s->bound == 0 || held < s->bound) return;
  char text[160];
  s->events->why(s->ctx, s->told, (double)held / 1000.0, text, sizeof text);
  s->events->log(s->ctx, text);
  say_where(s, answers);
  _exit(s->events->end(s->ctx));
}

static int64_t tick_of (const tl_stall *s) {
  int64_t tick = s->told ? TOLD_TICK_MS : MOST_MS;
  if (s->limit_ms > 0 && s->limit_ms / PARTS < tick) tick = s->limit_ms / PARTS;
  if (s->beat_ms > 0 && s->beat_ms / 2 < tick) tick = s->beat_ms / 2;
  return tick > LEAST_MS ? tick : LEAST_MS;
}

/* Locked. */
static void begin_count (tl_stall *s, bool asks) {
  bool tells = !s->told && (s->told = atomic_load(&asked.told)) != NULL;
  if (!asks && !tells) return;
  s->silent = 0;
  s->starved = starved_ms(s);
  s->bound = s->told && (s->limit_ms == 0 || s->limit_ms > TOLD_MS) ? TOLD_MS : s->limit_ms;
}

/* Time is counted in ticks of this thread, not read from a clock. So the time for which the process
** was stopped or the machine asleep counts as one tick only. Time for which others had the
** processor, while the loop was ready to run, does not count at all: to be started again would help
** a process on such a machine least. */
static void *run (void *arg) {
  tl_stall *s = arg;
  pthread_mutex_lock(&s->lock);
  while (!s->ending) {
    bool asks = s->answered;
    begin_count(s, asks);
    s->answered = false;
    if (asks) uv_async_send(&s->ask);
    int64_t tick = tick_of(s), usual = s->limit_ms;
    pthread_mutex_unlock(&s->lock);
    bool passed = !wait_for(&asked.woken, tick); /* woken: by what has changed */
    if (passed) s->silent += tick;
    if (passed && s->bound > 0 && s->silent >= s->bound && !has_answered(s)) {
      int64_t held = s->silent - (starved_ms(s) - s->starved);
      if (held >= s->bound) look(s, held, usual);
    }
    pthread_mutex_lock(&s->lock);
  }
  pthread_mutex_unlock(&s->lock);
  return NULL;
}

/* --- its life --- */

static void on_ask (uv_async_t *handle) {
  tl_stall *s = handle->data;
  pthread_mutex_lock(&s->lock);
  s->answered = true;
  pthread_mutex_unlock(&s->lock);
  s->events->beat(s->ctx);
}

void tl_stall_turned (tl_stall *s) {
  pthread_mutex_lock(&s->lock);
  s->answered = true;
  pthread_mutex_unlock(&s->lock);
}

static void free_stall (tl_stall *s) {
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

static void name_files (tl_stall *s) {
  int id = (int)gettid();
  snprintf(s->schedstat, sizeof s->schedstat, "/proc/self/task/%d/schedstat", id);
  snprintf(s->stat, sizeof s->stat, "/proc/self/task/%d/stat", id);
}

static void prepare_signal (tl_stall *s) {
  struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
  sem_init(&asked.done, 0, 0);
  sem_init(&asked.woken, 0, 0);
  asked.stall = s;
  backtrace(asked.frames, 1); /* the first call takes memory */
  sigaction(SIGRTMIN, &action, NULL);
}

int tl_stall_watch (tl_stall **out, tl_loop *loop, int64_t limit_ms, int64_t beat_ms,
                    const tl_stall_events *events, void *ctx) {
  tl_stall *s = calloc(1, sizeof *s);
  if (!s) return TL_ENOMEM;
  s->events = events;
  s->ctx = ctx;
  s->limit_ms = limit_ms;
  s->beat_ms = beat_ms;
  s->answered = true;
  s->watched = pthread_self();
  name_files(s);
  pthread_mutex_init(&s->lock, NULL);
  int rc = uv_async_init(tl_loop_uv(loop), &s->ask, on_ask);
  if (rc < 0) {
    free_stall(s);
    return rc;
  }
  s->ask.data = s;
  uv_unref((uv_handle_t *)&s->ask);
  prepare_signal(s);
  rc = start_thread(s);
  if (rc < 0) {
    asked.stall = NULL;
    tl_handle_close((uv_handle_t *)&s->ask, on_closed);
    return rc;
  }
  *out = s;
  return TL_OK;
}

void tl_stall_set_limit (tl_stall *s, int64_t limit_ms) {
  pthread_mutex_lock(&s->lock);
  bool changed = s->limit_ms != limit_ms;
  s->limit_ms = limit_ms;
  pthread_mutex_unlock(&s->lock);
  if (changed) sem_post(&asked.woken); /* its ticks may be shorter */
}

void tl_stall_hurry (const char *told) {
  int before = errno;
  /* Woken once: who tells it again and again would begin each tick anew, and none would pass. */
  bool first = atomic_exchange(&asked.told, told) == NULL;
  if (first && asked.stall) sem_post(&asked.woken);
  errno = before;
}

void tl_stall_close (tl_stall *s) {
  if (!s) return;
  pthread_mutex_lock(&s->lock);
  s->ending = true;
  pthread_mutex_unlock(&s->lock);
  sem_post(&asked.woken);
  pthread_join(s->thread, NULL);
  signal(SIGRTMIN, SIG_IGN);
  asked.stall = NULL;
  atomic_store(&asked.told, NULL);
  tl_handle_close((uv_handle_t *)&s->ask, on_closed);
}

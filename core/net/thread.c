/* core/net/thread.c — one thread for one piece of work. Knows nothing of what is done. */
#include "net/thread.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "net/uv.h"

/* enough for name service modules, and far less than the default of 8 MiB */
enum { STACK = 512 * 1024 };

/* Shared between the loop and the thread; the last of the two frees it, and drops the job. */
typedef struct {
  pthread_mutex_t lock;
  uv_async_t *wake; /* NULL once cancelled or done: the loop's side has let go */
  bool finished;    /* the thread's side has let go */
  void (*run)(void *job);
  void (*drop)(void *job);
  void *job;
} shared;

struct tl_thread {
  uv_async_t wake;
  shared *shared;
  void (*done)(void *job);
};

static void shared_free (shared *s, bool drop) {
  if (drop) s->drop(s->job);
  pthread_mutex_destroy(&s->lock);
  free(s);
}

static void *run (void *arg) {
  shared *s = arg;
  s->run(s->job);
  pthread_mutex_lock(&s->lock);
  s->finished = true;
  bool alone = !s->wake;
  /* under the lock: the loop's side cannot close the handle meanwhile */
  if (!alone) uv_async_send(s->wake);
  pthread_mutex_unlock(&s->lock);
  if (alone) shared_free(s, true);
  return NULL;
}

static void on_closed (uv_handle_t *handle) { free(handle->data); }

/* The loop's side lets go. */
static void release (tl_thread *w, bool drop) {
  shared *s = w->shared;
  pthread_mutex_lock(&s->lock);
  s->wake = NULL;
  bool alone = s->finished;
  pthread_mutex_unlock(&s->lock);
  if (alone) shared_free(s, drop);
  tl_handle_close((uv_handle_t *)&w->wake, on_closed);
}

static void on_wake (uv_async_t *handle) {
  tl_thread *w = handle->data;
  shared *s = w->shared;
  void (*done)(void *job) = w->done, (*drop)(void *job) = s->drop;
  void *job = s->job;
  pthread_mutex_lock(&s->lock);
  bool finished = s->finished;
  pthread_mutex_unlock(&s->lock);
  if (!finished) return;
  release(w, false); /* before `done`, which may free what owns w */
  done(job);
  drop(job);
}

static int start_thread (shared *s) {
  pthread_attr_t attr;
  pthread_t thread;
  sigset_t all, before;
  int rc = pthread_attr_init(&attr);
  if (rc != 0) return uv_translate_sys_error(rc);
  pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attr, STACK);
  sigfillset(&all); /* signals are the main thread's */
  pthread_sigmask(SIG_SETMASK, &all, &before);
  rc = pthread_create(&thread, &attr, run, s);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attr);
  return rc == 0 ? 0 : uv_translate_sys_error(rc);
}

int tl_thread_start (tl_thread **out, tl_loop *loop, void (*run_it)(void *job),
                     void (*done)(void *job), void (*drop)(void *job), void *job) {
  shared *s = calloc(1, sizeof *s);
  tl_thread *w = calloc(1, sizeof *w);
  if (!s || !w || pthread_mutex_init(&s->lock, NULL) != 0) {
    free(s);
    free(w);
    return TL_ENOMEM;
  }
  s->wake = &w->wake;
  s->run = run_it;
  s->drop = drop;
  s->job = job;
  int rc = uv_async_init(tl_loop_uv(loop), &w->wake, on_wake);
  if (rc < 0) {
    shared_free(s, false);
    free(w);
    return rc;
  }
  w->wake.data = w;
  w->shared = s;
  w->done = done;
  rc = start_thread(s);
  if (rc < 0) {
    s->finished = true;
    release(w, false);
    return rc;
  }
  *out = w;
  return TL_OK;
}

void tl_thread_cancel (tl_thread *w) {
  if (w) release(w, true);
}

/* core/net/signal.c — signals as events of the loop, also of one that does not turn yet. Knows
** nothing of what they are for.
**
** Our own handlers, not uv_signal: at a signal that comes while the loop is held, another thread
** must hear of it at once (tl_signal_at_once). */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "net/loop.h"
#include "net/uv.h"

struct tl_signal {
  uv_async_t wake;
  tl_loop *loop;
  void (*fn)(void *ctx, int signum);
  void (*at_once)(int signum);
  void *ctx;
  int signum;
  volatile sig_atomic_t due;
};

/* For the handler, which is given no more than the number. */
static struct {
  tl_signal *volatile signal;
  pthread_t
      thread; /* the loop's; it stays, for a handler that another thread is in the middle of */
} heard[NSIG];

/* Only in the loop's thread, which alone makes and closes them: there no handler is in the middle
** of this when one is closed. */
static void on_number (int signum) {
  int before = errno; /* of what was interrupted */
  tl_signal *s = heard[signum].signal;
  if (s && !pthread_equal(pthread_self(), heard[signum].thread)) {
    pthread_kill(heard[signum].thread, signum);
  } else if (s) {
    s->due = 1;
    if (s->at_once) s->at_once(signum);
    uv_async_send(&s->wake);
  }
  errno = before;
}

static void call (void *ctx) {
  tl_signal *s = ctx;
  if (!s->due) return;
  s->due = 0;
  s->fn(s->ctx, s->signum);
}

/* What has come by then is read before: a signal that ends the process loses none of it. */
static void on_wake (uv_async_t *wake) {
  tl_signal *s = wake->data;
  if (tl_loop_later(s->loop, call, s) < 0) call(s);
}

static void on_closed (uv_handle_t *handle) { free(handle->data); }

int tl_signal_new (tl_signal **out, tl_loop *loop, int signum, void (*fn)(void *ctx, int signum),
                   void *ctx) {
  struct sigaction action = { .sa_handler = on_number, .sa_flags = SA_RESTART };
  tl_signal *s = calloc(1, sizeof *s);
  if (!s) return TL_ENOMEM;
  int rc = uv_async_init(tl_loop_uv(loop), &s->wake, on_wake);
  if (rc < 0) {
    free(s);
    return rc;
  }
  s->wake.data = s;
  s->loop = loop;
  s->fn = fn;
  s->ctx = ctx;
  s->signum = signum;
  heard[signum].thread = pthread_self();
  heard[signum].signal = s; /* before: the first may come as soon as there is a handler */
  if (sigaction(signum, &action, NULL) != 0) {
    heard[signum].signal = NULL;
    tl_handle_close((uv_handle_t *)&s->wake, on_closed);
    return UV_EINVAL;
  }
  *out = s;
  return TL_OK;
}

bool tl_signal_is_due (const tl_signal *s) { return s && s->due; }

void tl_signal_at_once (tl_signal *s, void (*fn)(int signum)) {
  s->at_once = fn;
  if (s->due) fn(s->signum);
}

void tl_signal_close (tl_signal *s) {
  if (!s) return;
  signal(s->signum, SIG_DFL);
  heard[s->signum].signal = NULL;
  tl_loop_forget(s->loop, call, s);
  tl_handle_close((uv_handle_t *)&s->wake, on_closed);
}

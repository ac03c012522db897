/* core/net/resolve.c — host names to addresses, one thread per look-up. Knows nothing of
** connections. */
#include "net/resolve.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "net/uv.h"

/* name service modules are not modest, but need far less than the default 8 MiB */
enum { STACK = 512 * 1024 };

/* Shared between the loop and the look-up's thread; the last of the two frees it. */
typedef struct {
  pthread_mutex_t lock;
  uv_async_t *wake; /* NULL once cancelled or done: then the loop's side has let go */
  bool finished;    /* the thread's side has let go */
  int code;
  struct addrinfo *list;
  char port[8];
  char host[];
} job;

struct tl_resolve {
  uv_async_t wake;
  job *job;
  void (*done)(void *ctx, int code, struct addrinfo *list);
  void *ctx;
};

static int code_of (int eai) {
  switch (eai) {
    case 0: return 0;
    case EAI_AGAIN: return UV_EAI_AGAIN;
    case EAI_FAIL: return UV_EAI_FAIL;
    case EAI_FAMILY: return UV_EAI_FAMILY;
    case EAI_MEMORY: return UV_EAI_MEMORY;
    case EAI_NODATA: return UV_EAI_NODATA;
    case EAI_NONAME: return UV_EAI_NONAME;
    case EAI_SERVICE: return UV_EAI_SERVICE;
    case EAI_SYSTEM: return errno ? uv_translate_sys_error(errno) : UV_EAI_FAIL;
    default: return UV_EAI_FAIL;
  }
}

const char *tl_resolve_text (int code) {
  switch (code) {
    case UV_EAI_NONAME: return "name not known";
    case UV_EAI_NODATA: return "the name has no address";
    case UV_EAI_AGAIN: return "no answer from the name server";
    case UV_EAI_FAIL: return "the name server failed";
    case UV_EAI_MEMORY:
    case TL_ENOMEM: return "out of memory";
    default: return uv_strerror(code);
  }
}

static int look_up (const char *host, const char *port, int flags, struct addrinfo **list) {
  struct addrinfo hints = { .ai_family = AF_UNSPEC,
                            .ai_socktype = SOCK_STREAM,
                            .ai_flags = AI_NUMERICSERV | flags };
  *list = NULL;
  errno = 0;
  return code_of(getaddrinfo(host, port, &hints, list));
}

static void job_free (job *j) {
  if (j->list) freeaddrinfo(j->list);
  pthread_mutex_destroy(&j->lock);
  free(j);
}

static void *run_job (void *arg) {
  job *j = arg;
  struct addrinfo *list;
  int code = look_up(j->host, j->port, 0, &list);
  pthread_mutex_lock(&j->lock);
  j->code = code;
  j->list = list;
  j->finished = true;
  bool alone = !j->wake;
  /* under the lock: the loop's side cannot close the handle meanwhile */
  if (!alone) uv_async_send(j->wake);
  pthread_mutex_unlock(&j->lock);
  if (alone) job_free(j);
  return NULL;
}

static void on_closed (uv_handle_t *handle) { free(handle->data); }

/* The loop's side lets go. */
static void release (tl_resolve *r) {
  job *j = r->job;
  pthread_mutex_lock(&j->lock);
  j->wake = NULL;
  bool alone = j->finished;
  pthread_mutex_unlock(&j->lock);
  if (alone) job_free(j);
  tl_handle_close((uv_handle_t *)&r->wake, on_closed);
}

static void on_wake (uv_async_t *handle) {
  tl_resolve *r = handle->data;
  job *j = r->job;
  pthread_mutex_lock(&j->lock);
  bool finished = j->finished;
  int code = j->code;
  struct addrinfo *list = j->list;
  if (finished) j->list = NULL;
  pthread_mutex_unlock(&j->lock);
  if (!finished) return;
  /* before `done`, which may free what owns r; r itself lives until its close callback */
  release(r);
  r->done(r->ctx, code, list);
}

static int start_thread (job *j) {
  pthread_attr_t attr;
  pthread_t thread;
  sigset_t all, before;
  int rc = pthread_attr_init(&attr);
  if (rc != 0) return uv_translate_sys_error(rc);
  pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attr, STACK);
  sigfillset(&all); /* signals are the main thread's */
  pthread_sigmask(SIG_SETMASK, &all, &before);
  rc = pthread_create(&thread, &attr, run_job, j);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attr);
  return rc == 0 ? 0 : uv_translate_sys_error(rc);
}

int tl_resolve_start (tl_resolve **out, struct addrinfo **list, tl_loop *loop, const char *host,
                      uint16_t port, void (*done)(void *ctx, int code, struct addrinfo *list),
                      void *ctx) {
  size_t len = strlen(host) + 1;
  struct addrinfo *found;
  job *j = calloc(1, sizeof *j + len);
  tl_resolve *r = calloc(1, sizeof *r);
  int rc = TL_ENOMEM;
  if (!j || !r) goto fail;
  memcpy(j->host, host, len);
  snprintf(j->port, sizeof j->port, "%u", port);
  rc = look_up(host, j->port, AI_NUMERICHOST, &found);
  if (rc == 0) {
    *list = found;
    rc = 1;
    goto fail;
  }
  rc = pthread_mutex_init(&j->lock, NULL);
  if (rc != 0) {
    rc = uv_translate_sys_error(rc);
    goto fail;
  }
  rc = uv_async_init(tl_loop_uv(loop), &r->wake, on_wake);
  if (rc < 0) {
    pthread_mutex_destroy(&j->lock);
    goto fail;
  }
  r->wake.data = r;
  r->job = j;
  r->done = done;
  r->ctx = ctx;
  j->wake = &r->wake;
  rc = start_thread(j);
  if (rc < 0) {
    j->finished = true;
    release(r);
    return rc;
  }
  *out = r;
  return 0;
fail:
  free(j);
  free(r);
  return rc;
}

void tl_resolve_cancel (tl_resolve *r) {
  if (r) release(r);
}

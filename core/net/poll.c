/* core/net/poll.c — see poll.h. */
#include "net/poll.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "net/uv.h"

struct tl_poll {
  uv_poll_t handle;
  int events; /* that are watched */
  void (*fn)(void *ctx, int events);
  void *ctx;
};

static int to_uv (int events) {
  return (events & TL_POLL_READ ? UV_READABLE : 0) | (events & TL_POLL_WRITE ? UV_WRITABLE : 0);
}

static void on_poll (uv_poll_t *handle, int status, int events) {
  tl_poll *p = handle->data;
  int now = (events & UV_READABLE ? TL_POLL_READ : 0) | (events & UV_WRITABLE ? TL_POLL_WRITE : 0);
  if (status < 0) { /* libuv has stopped it */
    p->events = 0;
    now = TL_POLL_READ | TL_POLL_WRITE;
  }
  p->fn(p->ctx, now);
}

static void on_closed (uv_handle_t *handle) { free(handle->data); }

int tl_poll_new (tl_poll **out, tl_loop *loop, int fd, void (*fn)(void *ctx, int events),
                 void *ctx) {
  tl_poll *p = calloc(1, sizeof *p);
  if (!p) return TL_ENOMEM;
  int rc = uv_poll_init(tl_loop_uv(loop), &p->handle, fd);
  if (rc < 0) {
    free(p);
    return rc;
  }
  p->handle.data = p;
  p->fn = fn;
  p->ctx = ctx;
  *out = p;
  return TL_OK;
}

int tl_poll_for (tl_poll *p, int events) {
  if (events == p->events) return TL_OK;
  p->events = events;
  if (events == 0) return uv_poll_stop(&p->handle);
  return uv_poll_start(&p->handle, to_uv(events), on_poll);
}

void tl_poll_close (tl_poll *p) {
  if (p) tl_handle_close((uv_handle_t *)&p->handle, on_closed);
}

static void on_nothing (uv_poll_t *handle, int status, int events) {
  (void)handle;
  (void)status;
  (void)events;
}

/* Its array is as long as the highest descriptor that was ever watched. */
void tl_poll_reserve (tl_loop *loop, int descriptors) {
  int some = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  int high = some < 0 ? -1 : fcntl(some, F_DUPFD_CLOEXEC, descriptors);
  uv_poll_t *handle = high < 0 ? NULL : malloc(sizeof *handle);
  if (handle && uv_poll_init(tl_loop_uv(loop), handle, high) == 0) {
    handle->data = handle;
    uv_poll_start(handle, UV_READABLE, on_nothing);
    uv_poll_stop(handle);
    tl_handle_close((uv_handle_t *)handle, on_closed);
  } else {
    free(handle);
  }
  if (high >= 0) close(high);
  if (some >= 0) close(some);
}

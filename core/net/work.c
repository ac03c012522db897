/* core/net/work.c — see work.h. */
#include "net/work.h"

#include <stdlib.h>

#include "net/uv.h"

typedef struct {
  uv_work_t request;
  void (*fn)(void *ctx);
  void (*done)(void *ctx);
  void *ctx;
} work;

static void on_work (uv_work_t *request) {
  work *w = request->data;
  w->fn(w->ctx);
}

static void on_done (uv_work_t *request, int status) {
  work w = *(work *)request->data;
  (void)status; /* nobody cancels */
  free(request->data);
  w.done(w.ctx);
}

int tl_work_start (tl_loop *loop, void (*fn)(void *ctx), void (*done)(void *ctx), void *ctx) {
  work *w = malloc(sizeof *w);
  if (!w) return TL_ENOMEM;
  *w = (work){ .fn = fn, .done = done, .ctx = ctx };
  w->request.data = w;
  int rc = uv_queue_work(tl_loop_uv(loop), &w->request, on_work, on_done);
  if (rc < 0) free(w);
  return rc;
}

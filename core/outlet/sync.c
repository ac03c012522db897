/* core/outlet/sync.c — when the spool is synced. What is synced: spool/sync.c. See sync.h. */
#include "outlet/sync.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "net/work.h"

enum { EACH_MS = 1000 };

struct tl_sync {
  tl_loop *loop;
  tl_spool *spool;
  tl_timer *timer;
  tl_spool_sync job; /* a thread has it while `busy` */
  int rc;            /* of the thread */
  bool busy, hurried, armed;
  bool ended;     /* nothing begins any more */
  bool early;     /* the sync under way began before the close: places of cursors come behind it */
  bool freed;     /* while `busy`: on_done() frees it, and closes the spool */
  uint64_t until; /* of the last syncs: values below; later ones do not keep it from its end */
  int64_t due;    /* when the next may begin, tl_loop_now */
  char why[128];
  void (*synced)(void *ctx);
  void *ctx;
  void (*closed)(void *ctx);
  void *closed_ctx;
};

/* On a thread of the pool. */
static void run (void *ctx) {
  tl_sync *y = ctx;
  y->rc = tl_spool_sync_run(&y->job);
}

static void note (tl_sync *y, int rc) {
  if (rc < 0 && y->why[0] == '\0')
    tl_log(
        TL_LOG_ERROR, "spool",
        "the disk does not sync what is written: %s; a power failure may take more than the last "
        "second's values (tried again each second)",
        strerror(-rc));
  else if (rc >= 0 && y->why[0] != '\0')
    tl_log(TL_LOG_INFO, "spool", "synced again");
  snprintf(y->why, sizeof y->why, "%s", rc < 0 ? strerror(-rc) : "");
}

static void begin (tl_sync *y);

static void report_closed (tl_sync *y) {
  void (*closed)(void *) = y->closed;
  if (!closed) return;
  y->closed = NULL;
  y->ended = true;
  closed(y->closed_ctx);
}

static void on_done (void *ctx) {
  tl_sync *y = ctx;
  y->busy = false;
  if (y->freed) {
    tl_spool_close(y->spool);
    free(y);
    return;
  }
  tl_spool_sync_done(y->spool, &y->job, y->rc);
  note(y, y->rc);
  /* what failed is not tried again at the end */
  bool enough = tl_spool_synced(y->spool) >= y->until && !y->early;
  if (y->closed && (y->rc < 0 || enough)) y->ended = true;
  y->early = false;
  y->synced(y->ctx);
  if (y->ended)
    report_closed(y);
  else
    begin(y);
}

/* One sync at a time; each begins a second after the one before. At once begin the last one, when
** the spool is closed, and one that somebody is in a hurry for, unless the one before failed. */
static void begin (tl_sync *y) {
  int64_t now = tl_loop_now(y->loop);
  if (y->busy || y->ended) return;
  if (now < y->due && !y->closed && (!y->hurried || y->rc < 0)) {
    if (!y->armed) tl_timer_at(y->timer, y->due);
    y->armed = true;
    return;
  }
  if (!tl_spool_take_sync(y->spool, &y->job)) {
    report_closed(y);
    return;
  }
  y->due = now + EACH_MS;
  y->busy = true;
  if (tl_work_start(y->loop, run, on_done, y) == TL_OK) return;
  y->rc = -ENOMEM;
  on_done(y);
}

static void on_timer (void *ctx) {
  tl_sync *y = ctx;
  y->armed = false;
  begin(y);
}

int tl_sync_new (tl_sync **out, tl_loop *loop, tl_spool *spool, void (*synced)(void *ctx),
                 void *ctx) {
  tl_sync *y = calloc(1, sizeof *y);
  if (!y) return TL_ENOMEM;
  y->loop = loop;
  y->spool = spool;
  y->synced = synced;
  y->ctx = ctx;
  int rc = tl_timer_new(&y->timer, loop, on_timer, y);
  if (rc < 0) {
    free(y);
    return rc;
  }
  *out = y;
  return TL_OK;
}

void tl_sync_poke (tl_sync *y) {
  if (!y->busy) begin(y);
}

void tl_sync_hurry (tl_sync *y) {
  y->hurried = true;
  begin(y);
}

void tl_sync_close (tl_sync *y, void (*closed)(void *ctx), void *ctx) {
  y->closed = closed;
  y->closed_ctx = ctx;
  y->hurried = true;
  y->until = tl_spool_next(y->spool);
  y->early = y->busy;
  begin(y);
}

void tl_sync_give_up (tl_sync *y) { report_closed(y); }

bool tl_sync_is_busy (const tl_sync *y) { return y->busy; }

bool tl_sync_free (tl_sync *y) {
  if (!y) return true;
  tl_timer_close(y->timer);
  y->freed = y->busy;
  if (y->freed) return false;
  free(y);
  return true;
}

const char *tl_sync_why (const tl_sync *y) { return y->why; }

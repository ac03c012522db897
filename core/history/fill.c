/* core/history/fill.c — see fill.h. */
#include "history/fill.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "history/history.h"
#include "outlet/batch.h"
#include "outlet/collect.h"
#include "spool/spool.h"

enum { MOST = 20000, MERGE = 500000 };
#define SPOOL_MAX (UINT64_C(100) << 30)

struct tl_fill {
  tl_history *history;
  tl_spool *spool;
  tl_cursor *cursor;
  tl_collect *collect;
  tl_fetch *fetch;
  char folder[4200]; /* of the spool; "": there is none */
};

static void on_written (void *ctx) { (void)ctx; }

static int open_spool (tl_fill *f, const char *path, tl_err *err) {
  tl_spool_found found;
  int n = snprintf(f->folder, sizeof f->folder, "%s.replay-XXXXXX", path);
  if (n < 0 || (size_t)n >= sizeof f->folder) {
    f->folder[0] = '\0';
    return tl_fail(err, TL_ETOOBIG, 0, "the path is too long");
  }
  if (!mkdtemp(f->folder)) {
    int code = -errno;
    f->folder[0] = '\0';
    return tl_fail(err, code, 0, "'%.150s': %s", path, strerror(-code));
  }
  tl_spool_options options = { f->folder, SPOOL_MAX, false };
  return tl_spool_open(&f->spool, &options, tl_clock_wall_ms(), &found, err);
}

int tl_fill_new (tl_fill **out, struct tl_gateway *g, tl_loop *loop, const char *path,
                 tl_err *err) {
  tl_fill *f = calloc(1, sizeof *f);
  if (!f) return tl_fail(err, TL_ENOMEM, 0, "no memory for a history");
  int rc = tl_history_open(&f->history, path, 0, err);
  if (rc >= 0) rc = open_spool(f, path, err);
  if (rc >= 0) rc = tl_cursor_open(&f->cursor, f->spool, "history", err);
  if (rc >= 0 && (tl_fetch_new(&f->fetch, true, MOST) < 0 ||
                  tl_collect_new(&f->collect, g, loop, f->spool, on_written, f) < 0))
    rc = tl_fail(err, TL_ENOMEM, 0, "no memory for a history");
  if (rc < 0) {
    tl_fill_free(f);
    return rc;
  }
  *out = f;
  return TL_OK;
}

int tl_fill_drain (tl_fill *f, tl_err *err) {
  tl_spool_place place;
  int rc = tl_spool_commit(f->spool, tl_clock_wall_ms(), err);
  while (rc >= 0 && tl_spool_where(f->spool, tl_cursor_at(f->cursor), &place)) {
    tl_outlet_batch batch;
    tl_fetch_prepare(f->fetch, &place, tl_spool_id(f->spool));
    tl_fetch_run(f->fetch);
    rc = tl_fetch_result(f->fetch, &batch);
    if (rc < 0) return tl_fail(err, rc, 0, "the values cannot be read again");
    rc = tl_history_store(f->history, &batch, tl_clock_wall_ms(), err);
    if (rc >= 0) tl_cursor_move(f->cursor, batch.next);
    if (rc >= 0 && tl_history_recent(f->history) >= MERGE) rc = tl_history_merge(f->history, err);
  }
  return rc < 0 ? rc : TL_OK;
}

static void remove_folder (const char *path) {
  DIR *dir = path[0] != '\0' ? opendir(path) : NULL;
  if (!dir) return;
  for (struct dirent *e; (e = readdir(dir));)
    if (e->d_name[0] != '.' || (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0))
      unlinkat(dirfd(dir), e->d_name, 0);
  closedir(dir);
  rmdir(path);
}

void tl_fill_free (tl_fill *f) {
  if (!f) return;
  tl_collect_free(f->collect);
  tl_fetch_free(f->fetch);
  tl_spool_close(f->spool);
  remove_folder(f->folder);
  if (f->history) tl_history_merge(f->history, NULL);
  tl_history_close(f->history);
  free(f);
}

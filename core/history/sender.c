/* core/history/sender.c — runs the history's work on the pool, one job at a time: open, store,
** merge, trim, close. See sender.h. */
#include "history/sender.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "history/history.h"
#include "net/work.h"

enum { MERGE_ROWS = 200000, MERGE_MS = 60000, TRIM_MS = 3600 * 1000 };
/* A log of so many bytes is told: it has a tenth of that, unless it cannot begin anew. */
enum { LOG_BYTES = 256 * 1024 * 1024 };

typedef enum { OPEN, STORE, MERGE, TRIM, CLOSE } job;

struct tl_history_sender {
  tl_outlet *outlet;
  char *path;
  int64_t keep_ms;
  uint64_t spool;
  tl_history *history; /* NULL: not open */
  const tl_outlet_batch *batch;
  job job;
  bool working, closing;
  int64_t merged_at, trimmed_at; /* tl_loop_now; trimmed_at -1: not since it was opened */
  int64_t wall;
  /* what the job found */
  int rc;
  tl_err err;
  uint64_t applied, rows, bytes, log_bytes, recent;
  uint64_t too_old; /* of the batch */
  int64_t oldest_ms;
  bool log_told;
};

static void work (void *ctx) {
  tl_history_sender *s = ctx;
  s->rc = TL_OK;
  s->err.text[0] = '\0';
  switch (s->job) {
    case OPEN:
      tl_history_close(s->history); /* a file that could not be written is opened again */
      s->history = NULL;
      s->rc = tl_history_open(&s->history, s->path, s->keep_ms, &s->err);
      if (s->rc >= 0) s->applied = tl_history_applied(s->history, s->spool);
      break;
    case STORE:
      tl_history_set_keep(s->history, s->keep_ms);
      s->too_old = tl_history_too_old(s->history);
      s->rc = tl_history_store(s->history, s->batch, s->wall, &s->err);
      s->too_old = tl_history_too_old(s->history) - s->too_old;
      break;
    case MERGE: s->rc = tl_history_merge(s->history, &s->err); break;
    case TRIM:
      tl_history_set_keep(s->history, s->keep_ms);
      s->rc = tl_history_trim(s->history, s->wall, &s->rows, &s->err);
      break;
    case CLOSE:
      if (s->history) tl_history_merge(s->history, NULL);
      tl_history_close(s->history);
      s->history = NULL;
      return;
  }
  if (s->history) {
    s->recent = tl_history_recent(s->history);
    s->bytes = tl_history_bytes(s->history);
    s->log_bytes = tl_history_log_bytes(s->history);
    s->oldest_ms = tl_history_oldest(s->history);
  }
}

static void on_done (void *ctx);

static void begin (tl_history_sender *s, job j) {
  s->job = j;
  s->wall = tl_clock_wall_ms();
  s->working = true;
  if (tl_work_start(tl_outlet_loop(s->outlet), work, on_done, s) == TL_OK) return;
  s->rc = tl_fail(&s->err, TL_ENOMEM, 0, "no memory");
  on_done(s);
}

static void free_sender (tl_history_sender *s) {
  tl_outlet *o = s->outlet;
  free(s->path);
  free(s);
  tl_outlet_closed(o);
}

static void tell_of_log (tl_history_sender *s) {
  bool much = s->log_bytes >= LOG_BYTES;
  if (much && !s->log_told)
    tl_log(TL_LOG_WARN, tl_outlet_name(s->outlet),
           "'%s-wal' has %llu MB and grows: another program has been reading the file for long, in "
           "one transaction; when it ends, the file is made short again",
           s->path, (unsigned long long)(s->log_bytes >> 20));
  s->log_told = much;
}

static void stored (tl_history_sender *s) {
  tl_outlet_too_old(s->outlet, s->too_old);
  tl_outlet_stored(s->outlet);
}

static void on_done (void *ctx) {
  tl_history_sender *s = ctx;
  job j = s->job;
  s->working = false;
  if (j == CLOSE) {
    free_sender(s);
    return;
  }
  if (s->closing) {
    if (j == STORE && s->rc >= 0) stored(s);
    begin(s, CLOSE);
    return;
  }
  if (s->rc < 0) {
    s->batch = NULL;
    tl_outlet_away(s->outlet, "%s", s->err.text);
    return;
  }
  tell_of_log(s);
  if (j == OPEN) {
    s->merged_at = tl_loop_now(tl_outlet_loop(s->outlet));
    s->trimmed_at = -1;
    tl_outlet_ready(s->outlet, s->applied);
  }
  if (j == STORE) {
    s->batch = NULL;
    if (s->recent >= MERGE_ROWS) begin(s, MERGE); /* a flood leaves no rest */
    stored(s);
  } else if (s->batch && !s->working) {
    begin(s, STORE); /* it came meanwhile */
  }
  if (j == TRIM && s->rows > 0)
    tl_log(TL_LOG_INFO, tl_outlet_name(s->outlet), "%llu values older than `keep` are gone",
           (unsigned long long)s->rows);
}

static void open_it (void *sender) { begin(sender, OPEN); }

static void store (void *sender, const tl_outlet_batch *batch) {
  tl_history_sender *s = sender;
  s->batch = batch;
  if (!s->working) begin(s, STORE);
}

/* There is nothing to store: merge the rows that have gathered, and once an hour drop the old
** ones. */
static void rest (void *sender) {
  tl_history_sender *s = sender;
  int64_t now = tl_loop_now(tl_outlet_loop(s->outlet));
  if (s->working || !s->history) return;
  if (s->trimmed_at < 0 || now - s->trimmed_at >= TRIM_MS) {
    s->trimmed_at = now;
    begin(s, TRIM);
  } else if (s->recent >= MERGE_ROWS || (s->recent > 0 && now - s->merged_at >= MERGE_MS)) {
    s->merged_at = now;
    begin(s, MERGE);
  }
}

static void close_it (void *sender) {
  tl_history_sender *s = sender;
  s->closing = true;
  if (!s->working) begin(s, CLOSE);
}

const tl_sender tl_history_kind = { .kind = "history",
                                    .history = true,
                                    .most = 20000,
                                    .delay_ms = 1000,
                                    .open = open_it,
                                    .store = store,
                                    .rest = rest,
                                    .close = close_it };

int tl_history_sender_new (tl_history_sender **out, tl_outlet *o, const char *path, int64_t keep_ms,
                           uint64_t spool) {
  tl_history_sender *s = calloc(1, sizeof *s);
  if (s) s->path = strdup(path);
  if (!s || !s->path) {
    free(s);
    return TL_ENOMEM;
  }
  s->outlet = o;
  s->keep_ms = keep_ms;
  s->oldest_ms = INT64_MAX;
  s->spool = spool;
  *out = s;
  return TL_OK;
}

void tl_history_sender_set_keep (tl_history_sender *s, int64_t keep_ms) { s->keep_ms = keep_ms; }

void tl_history_sender_get (const tl_history_sender *s, tl_history_facts *out) {
  *out = (tl_history_facts){ .bytes = s->bytes, .oldest_ms = s->oldest_ms };
  if (s->log_told) out->log_held = s->log_bytes;
}

const char *tl_history_sender_path (const tl_history_sender *s) { return s->path; }

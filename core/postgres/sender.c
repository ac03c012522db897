/* core/postgres/sender.c — the states of the sender: away, connecting, setting up, storing, idle.
** See sender.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "postgres/sender_impl.h"
#include "postgres/trouble.h"

enum { TRIM_MS = 3600 * 1000, TRIM_AGAIN_MS = 300 * 1000, TRIM_ANSWER_MS = 600 * 1000 };

static int64_t now_of (const tl_postgres_sender *s) {
  return tl_loop_now(tl_outlet_loop(s->outlet));
}

static void free_sender (tl_postgres_sender *s) {
  tl_outlet *o = s->outlet;
  tl_pg_tags_fini(&s->tags);
  tl_pg_columns_fini(&s->b.columns);
  free(s->b.rows);
  free(s->b.slots);
  free(s->periods);
  free(s->conninfo);
  if (s->password) explicit_bzero(s->password, strlen(s->password));
  free(s->password);
  free(s->schema);
  free(s);
  tl_outlet_closed(o);
}

/* --- away --- */

static void drop_connection (tl_postgres_sender *s) {
  tl_pg_close(s->conn);
  s->conn = NULL;
  s->ready = s->busy = false;
  s->b.batch = NULL;
}

void tl_pg_sender_away (tl_postgres_sender *s, const char *why) {
  drop_connection(s);
  tl_outlet_away(s->outlet, "%s", why);
}

void tl_pg_sender_fail (tl_postgres_sender *s, const tl_pg_answer *a) {
  char why[240];
  tl_pg_explain(why, sizeof why, a->state, a->text);
  tl_pg_sender_away(s, why);
}

/* A step that took too long for the server or the network is tried again in smaller pieces. */
static void on_lost (void *ctx, const char *why) {
  tl_postgres_sender *s = ctx;
  char line[240];
  if (s->b.batch && s->b.sent > TL_PG_LEAST_PIECE) {
    uint32_t less = s->b.sent / 4;
    s->b.piece = less > TL_PG_LEAST_PIECE ? less : TL_PG_LEAST_PIECE;
  }
  tl_pg_explain(line, sizeof line, "", why);
  tl_pg_sender_away(s, line);
}

/* --- opening --- */

static void on_connected (void *ctx, PGconn *conn, const char *why) {
  tl_postgres_sender *s = ctx;
  s->attempt = NULL;
  if (s->closing) {
    if (conn) PQfinish(conn);
    free_sender(s);
    return;
  }
  if (!conn) {
    tl_outlet_away(s->outlet, "%s", why);
    return;
  }
  if (tl_pg_new(&s->conn, tl_outlet_loop(s->outlet), conn, on_lost, s) < 0) {
    s->conn = NULL;
    tl_outlet_away(s->outlet, "no memory");
    return;
  }
  tl_pg_setup(s);
}

static void open_it (void *sender) {
  tl_postgres_sender *s = sender;
  tl_err err = { .text = "" };
  drop_connection(s);
  tl_pg_tags_forget(&s->tags);
  s->b.segment = 0;
  int rc = tl_pg_attempt_start(&s->attempt, tl_outlet_loop(s->outlet), s->conninfo, s->password,
                               on_connected, s, &err);
  if (rc < 0) {
    s->attempt = NULL;
    tl_outlet_away(s->outlet, "%s", err.text);
  }
}

static void store (void *sender, const tl_outlet_batch *batch) {
  tl_postgres_sender *s = sender;
  s->b.batch = batch;
  if (!s->busy) tl_pg_store(s);
}

/* --- resting --- */

enum { LOCKED_OFTEN = 3 };

/* Another session's lock is no reason to be away; one that stays is told, once. */
static void on_trimmed (void *ctx, const tl_pg_answer *a) {
  tl_postgres_sender *s = ctx;
  s->busy = false;
  if (!a->ok) {
    bool locked = strcmp(a->state, "55P03") == 0 || strcmp(a->state, "40P01") == 0;
    s->locked = locked ? s->locked + 1 : 0;
    if (s->locked == LOCKED_OFTEN)
      tl_log(TL_LOG_WARN, tl_outlet_name(s->outlet),
             "values older than `keep` stay: another session has had them locked for some minutes, "
             "or reads them in one long transaction");
    else
      tl_log(locked ? TL_LOG_DEBUG : TL_LOG_WARN, tl_outlet_name(s->outlet),
             "values older than `keep` stay for now: %s", a->text);
    s->trimmed_at = now_of(s) - TRIM_MS + TRIM_AGAIN_MS;
  } else {
    int64_t gone = strtoll(tl_pg_value(a->results[0], 0, 0), NULL, 10);
    s->locked = 0;
    s->period_count = 0; /* some are gone: those that are needed are asked for */
    if (gone > 0)
      tl_log(TL_LOG_INFO, tl_outlet_name(s->outlet),
             "%" PRId64 " values older than `keep` are gone", gone);
  }
  if (s->b.batch) tl_pg_store(s); /* it came meanwhile */
}

static void rest (void *sender) {
  tl_postgres_sender *s = sender;
  char keep[24];
  const char *values[] = { s->spool, keep };
  tl_pg_params params = { .count = 2, .values = values, .text = true };
  if (s->busy || !s->ready) return;
  if (s->trimmed_at >= 0 && now_of(s) - s->trimmed_at < TRIM_MS) return;
  s->trimmed_at = now_of(s);
  snprintf(keep, sizeof keep, "%" PRId64, s->keep_ms);
  tl_pg_ask(s->conn, "SELECT trim_all($1, $2)", &params);
  s->busy = true;
  tl_pg_send(s->conn, TRIM_ANSWER_MS, on_trimmed);
}

static void close_it (void *sender) {
  tl_postgres_sender *s = sender;
  s->closing = true;
  drop_connection(s);
  if (s->attempt)
    tl_pg_attempt_stop(s->attempt);
  else
    free_sender(s);
}

const tl_sender tl_postgres_kind = { .kind = "postgres",
                                     .history = true,
                                     .most = TL_PG_MOST,
                                     .delay_ms = 1000,
                                     .open = open_it,
                                     .store = store,
                                     .rest = rest,
                                     .close = close_it };

static char *copy (tl_slice text) {
  char *made = malloc(text.len + 1);
  if (!made) return NULL;
  if (text.len > 0) memcpy(made, text.at, text.len);
  made[text.len] = '\0';
  return made;
}

int tl_postgres_sender_new (tl_postgres_sender **out, tl_outlet *o,
                            const tl_postgres_options *options) {
  tl_postgres_sender *s = calloc(1, sizeof *s);
  if (!s) return TL_ENOMEM;
  s->outlet = o;
  s->keep_ms = options->keep_ms;
  s->conninfo = copy(options->conninfo);
  s->password = copy(options->password);
  s->schema = copy(options->schema);
  s->b.rows = calloc(TL_PG_MOST, sizeof *s->b.rows);
  s->b.piece = TL_PG_MOST;
  s->trimmed_at = -1;
  snprintf(s->spool, sizeof s->spool, "%016" PRIx64, options->spool);
  tl_pg_tags_init(&s->tags);
  tl_pg_columns_init(&s->b.columns);
  if (s->conninfo && s->password && s->schema && s->b.rows) {
    *out = s;
    return TL_OK;
  }
  tl_pg_columns_fini(&s->b.columns);
  free(s->b.rows);
  free(s->conninfo);
  free(s->password);
  free(s->schema);
  free(s);
  return TL_ENOMEM;
}

void tl_postgres_sender_set_keep (tl_postgres_sender *s, int64_t keep_ms) {
  if (s->keep_ms != keep_ms) s->trimmed_at = -1;
  s->keep_ms = keep_ms;
  s->b.segment = 0;
}

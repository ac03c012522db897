/* core/postgres/conn.c — see conn.h. */
#include "postgres/conn.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/log.h"
#include "net/poll.h"

struct tl_pg {
  tl_loop *loop;
  PGconn *conn;
  tl_poll *poll;
  tl_timer
      *timer; /* for an answer that does not come, and for calls that must come from the loop */
  void (*lost)(void *ctx, const char *why);
  void (*done)(void *ctx, const tl_pg_answer *a);
  void *ctx;
  tl_pg_answer answer;
  int64_t patience;
  bool asked;  /* a step is under way */
  bool failed; /* it is lost; `why` says why */
  char why[256];
  char last_words[256]; /* of a server that ends */
};

/* What a server says before it ends the connection gives the reason for that. It comes as a notice,
** or as the answer to a statement that is under way. False: this is something else. */
static bool note_last_words (tl_pg *c, const char *state, const char *text) {
  if (!text || !state || strncmp(state, "57P", 3) != 0) return false;
  snprintf(c->last_words, sizeof c->last_words, "%s", text);
  return true;
}

/* A notice that the server sends on its own. */
static void on_notice (void *arg, const PGresult *r) {
  const char *text = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
  if (note_last_words(arg, PQresultErrorField(r, PG_DIAG_SQLSTATE), text)) return;
  if (text) tl_log(TL_LOG_DEBUG, "postgres", "%s", text);
}

static void drop_results (tl_pg *c) {
  for (int i = 0; i < c->answer.count; i++) PQclear(c->answer.results[i]);
  memset(&c->answer, 0, sizeof c->answer);
}

/* The connection is lost. `lost` is called from the loop by a timer, never inside a call of the
** owner. */
static void lose (tl_pg *c, const char *why) {
  if (c->failed) return;
  c->failed = true;
  snprintf(c->why, sizeof c->why, "%.*s", (int)strcspn(why, "\r\n"), why);
  tl_poll_for(c->poll, 0);
  tl_timer_at(c->timer, tl_loop_now(c->loop));
}

static void lose_connection (tl_pg *c) {
  bool known = c->last_words[0] != '\0';
  lose(c, known ? c->last_words : PQerrorMessage(c->conn));
}

static void on_timer (void *ctx) {
  tl_pg *c = ctx;
  char text[sizeof c->why];
  if (!c->failed && !c->asked) return;
  if (!c->failed) {
    snprintf(c->why, sizeof c->why,
             "no answer for %d s: the server stands still, or is out of reach",
             (int)(c->patience / 1000));
    c->failed = true;
  }
  snprintf(text, sizeof text, "%s", c->why);
  c->lost(c->ctx, text); /* which closes it */
}

/* --- answers --- */

static void note_failure (tl_pg *c, const PGresult *r) {
  const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
  const char *text = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
  (void)note_last_words(c, state, text);
  if (!c->answer.ok) return; /* the first one counts */
  c->answer.ok = false;
  snprintf(c->answer.state, sizeof c->answer.state, "%s", state ? state : "");
  snprintf(c->answer.text, sizeof c->answer.text, "%s", text ? text : PQresultErrorMessage(r));
}

/* True: the step is through. */
static bool take (tl_pg *c, PGresult *r) {
  ExecStatusType status = PQresultStatus(r);
  bool good = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
  if (status == PGRES_PIPELINE_SYNC) {
    PQclear(r);
    return true;
  }
  if (!good && status != PGRES_PIPELINE_ABORTED) note_failure(c, r);
  if (c->answer.count < TL_PG_RESULTS)
    c->answer.results[c->answer.count++] = r;
  else
    PQclear(r);
  return false;
}

static void read_results (tl_pg *c) {
  int empty = 0; /* a NULL ends a statement; two of them: nothing more is there */
  while (c->asked && empty < 2 && !PQisBusy(c->conn)) {
    PGresult *r = PQgetResult(c->conn);
    if (!r) {
      empty++;
      continue;
    }
    empty = 0;
    if (!take(c, r)) continue;
    c->asked = false;
    tl_timer_stop(c->timer);
    tl_pg_answer answer = c->answer;
    memset(&c->answer, 0, sizeof c->answer);
    c->done(c->ctx, &answer); /* may send the next step, or close */
    for (int i = 0; i < answer.count; i++) PQclear(answer.results[i]);
    return;
  }
}

static void flush (tl_pg *c) {
  int rc = PQflush(c->conn);
  if (rc < 0)
    lose_connection(c);
  else
    tl_poll_for(c->poll, rc > 0 ? TL_POLL_READ | TL_POLL_WRITE : TL_POLL_READ);
}

static void on_ready (void *ctx, int events) {
  tl_pg *c = ctx;
  if (c->failed) return;
  if (events & TL_POLL_READ) {
    bool well = PQconsumeInput(c->conn);
    bool busy = PQisBusy(c->conn); /* reads notices, too */
    (void)busy;
    if (!well) {
      lose_connection(c);
      return;
    }
  }
  if (events & TL_POLL_WRITE || c->asked) flush(c);
  if (!c->failed) read_results(c);
}

const char *tl_pg_value (const PGresult *r, int row, int column) {
  const char *text = PQgetvalue(r, row, column);
  return text ? text : "";
}

/* --- steps --- */

static void begin (tl_pg *c) {
  if (c->asked || c->answer.ok) return;
  drop_results(c);
  c->answer.ok = true;
}

static void check (tl_pg *c, int sent) {
  if (!sent) lose_connection(c);
}

void tl_pg_ask (tl_pg *c, const char *sql, const tl_pg_params *params) {
  static const tl_pg_params none = { .count = 0 };
  int formats[16];
  const tl_pg_params *p = params ? params : &none;
  begin(c);
  for (int i = 0; i < p->count && i < 16; i++) formats[i] = !p->text;
  check(c, PQsendQueryParams(c->conn, sql, p->count, p->types, p->values, p->lengths, formats, 0));
}

void tl_pg_prepare (tl_pg *c, const char *name, const char *sql, const tl_pg_params *params) {
  begin(c);
  check(c, PQsendPrepare(c->conn, name, sql, params->count, params->types));
}

void tl_pg_execute (tl_pg *c, const char *name, const tl_pg_params *params) {
  int formats[16];
  begin(c);
  for (int i = 0; i < params->count && i < 16; i++) formats[i] = !params->text;
  check(c, PQsendQueryPrepared(c->conn, name, params->count, params->values, params->lengths,
                               formats, 0));
}

void tl_pg_send (tl_pg *c, int64_t patience_ms, void (*done)(void *ctx, const tl_pg_answer *a)) {
  begin(c);
  c->done = done;
  c->asked = true;
  if (!c->failed) check(c, PQpipelineSync(c->conn));
  if (c->failed) return;
  c->patience = patience_ms;
  tl_timer_at(c->timer, tl_loop_now(c->loop) + patience_ms);
  flush(c);
}

/* --- life --- */

/* A local socket takes 200 KB at first, less than a batch: libpq would try again with each message
** that comes behind, and move the rest about each time. TCP finds its size by itself, unless it is
** told one. */
static void widen (int fd) {
  enum { BATCH_BYTES = 1 << 20 }; /* the system gives what it has */
  int family = 0, bytes = BATCH_BYTES;
  socklen_t len = sizeof family;
  if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len) == 0 && family == AF_UNIX)
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

int tl_pg_new (tl_pg **out, tl_loop *loop, PGconn *conn, void (*lost)(void *ctx, const char *why),
               void *ctx) {
  tl_pg *c = calloc(1, sizeof *c);
  int rc = c ? TL_OK : TL_ENOMEM;
  if (c) {
    c->loop = loop;
    c->conn = conn;
    c->lost = lost;
    c->ctx = ctx;
    PQsetNoticeReceiver(conn, on_notice, c);
    widen(PQsocket(conn));
    if (PQsetnonblocking(conn, 1) != 0 || !PQenterPipelineMode(conn)) rc = TL_ESTATE;
    if (rc >= 0) rc = tl_timer_new(&c->timer, loop, on_timer, c);
    if (rc >= 0) rc = tl_poll_new(&c->poll, loop, PQsocket(conn), on_ready, c);
    if (rc >= 0) rc = tl_poll_for(c->poll, TL_POLL_READ);
  }
  if (rc < 0) {
    if (c)
      tl_pg_close(c);
    else
      PQfinish(conn);
    return rc;
  }
  *out = c;
  return TL_OK;
}

void tl_pg_close (tl_pg *c) {
  if (!c) return;
  tl_poll_close(c->poll);
  tl_timer_close(c->timer);
  drop_results(c);
  PQfinish(c->conn);
  free(c);
}

int tl_pg_version (const tl_pg *c) { return PQserverVersion(c->conn); }

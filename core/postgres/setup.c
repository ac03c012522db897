/* core/postgres/setup.c — what a new connection is asked first: whose schema is it, of which
** version, how far are we, which partitions are there. Makes and moves the schema. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "postgres/schema.h"
#include "postgres/sender_impl.h"
#include "postgres/trouble.h"

enum { SETUP_MS = 60000, RACES = 3, MIGRATION_MS = 3600 * 1000 };

static int64_t integer_of (const PGresult *r, int row, int column) {
  return strtoll(tl_pg_value(r, row, column), NULL, 10);
}

static bool is_true (const PGresult *r, int column) { return tl_pg_value(r, 0, column)[0] == 't'; }

static void send (tl_postgres_sender *s, int64_t patience,
                  void (*done)(void *ctx, const tl_pg_answer *a)) {
  s->busy = true;
  tl_pg_send(s->conn, patience, done);
}

int tl_pg_add_period (tl_postgres_sender *s, int64_t from, int64_t to) {
  if (s->period_count == s->period_cap) {
    uint32_t cap = s->period_cap > 0 ? s->period_cap * 2 : 64;
    tl_pg_period *more = realloc(s->periods, cap * sizeof *more);
    if (!more) return TL_ENOMEM;
    s->periods = more;
    s->period_cap = cap;
  }
  s->periods[s->period_count++] = (tl_pg_period){ from, to };
  return TL_OK;
}

/* --- how far we are --- */

static void on_position (void *ctx, const tl_pg_answer *a) {
  tl_postgres_sender *s = ctx;
  s->busy = false;
  if (!a->ok) {
    tl_pg_sender_fail(s, a);
    return;
  }
  const PGresult *progress = a->results[0], *periods = a->results[1];
  uint64_t next = (uint64_t)integer_of(progress, 0, 0); /* 0 where there is none */
  s->period_count = 0;
  s->periods_full = false;
  for (int i = 0; i < PQntuples(periods); i++) {
    if (tl_pg_add_period(s, integer_of(periods, i, 0), integer_of(periods, i, 1)) == TL_OK)
      continue;
    tl_pg_sender_away(s, "no memory");
    return;
  }
  s->ready = true;
  s->races = 0;
  s->trimmed_at = -1;
  tl_outlet_ready(s->outlet, next);
}

static void ask_position (tl_postgres_sender *s) {
  const char *values[] = { s->spool, tl_outlet_name(s->outlet) };
  tl_pg_params params = { .count = 2, .values = values, .text = true };
  Oid arrays[TL_PG_COLUMNS];
  tl_pg_params columns = { .count = TL_PG_COLUMNS, .types = arrays };
  for (int i = 0; i < TL_PG_COLUMNS; i++) arrays[i] = tl_pg_column_types[i];
  tl_pg_ask(s->conn, "SELECT next FROM progress WHERE spool = $1 AND outlet = $2", &params);
  tl_pg_ask(s->conn, "SELECT from_ms, to_ms FROM period", NULL);
  tl_pg_prepare(s->conn, "store", "SELECT store($1, $2, $3, $4, $5, $6, $7, $8, $9)", &columns);
  send(s, SETUP_MS, on_position);
}

/* --- the schema --- */

static void ask_version (tl_postgres_sender *s);

static void on_made (void *ctx, const tl_pg_answer *a) {
  tl_postgres_sender *s = ctx;
  s->busy = false;
  if (a->ok) {
    tl_log(TL_LOG_INFO, tl_outlet_name(s->outlet), "schema '%s' is of version %d now", s->schema,
           s->from_version + 1);
    ask_version(s);
  } else if (tl_pg_is_race(a->state) && s->races++ < RACES) {
    tl_pg_setup(s); /* another process made it at the same time */
  } else {
    tl_pg_sender_fail(s, a);
  }
}

/* From one version to the next, in one transaction; two processes one behind the other. */
static void move_schema (tl_postgres_sender *s, int version) {
  char sql[160];
  tl_buf view;
  s->from_version = version;
  snprintf(sql, sizeof sql, "SELECT pg_advisory_xact_lock(hashtext('%s'), 0)", s->schema);
  tl_pg_ask(s->conn, sql, NULL);
  snprintf(sql, sizeof sql, "CREATE SCHEMA \"%s\"", s->schema);
  if (!s->has_schema) tl_pg_ask(s->conn, sql, NULL);
  for (const char *const *at = tl_pg_schema_step(version); *at; at++) tl_pg_ask(s->conn, *at, NULL);
  if (version == 0) {
    tl_buf_init(&view);
    tl_pg_schema_view(&view);
    tl_buf_byte(&view, '\0');
    tl_pg_ask(s->conn, view.failed ? "" : (const char *)view.at, NULL);
    tl_buf_fini(&view);
  } else {
    snprintf(sql, sizeof sql, "UPDATE version SET version = %d, since = now()", version + 1);
    tl_pg_ask(s->conn, sql, NULL);
  }
  send(s, MIGRATION_MS, on_made);
}

static void on_version (void *ctx, const tl_pg_answer *a) {
  tl_postgres_sender *s = ctx;
  char why[200];
  s->busy = false;
  if (!a->ok) {
    tl_pg_sender_fail(s, a);
    return;
  }
  int64_t version = integer_of(a->results[0], 0, 0);
  if (version == TL_PG_SCHEMA) {
    ask_position(s);
  } else if (version > 0 && version < TL_PG_SCHEMA) {
    move_schema(s, (int)version);
  } else {
    snprintf(why, sizeof why,
             "schema '%s' is of version %" PRId64 ", this program knows version %d: run a newer "
             "tagline, or give `schema` another name",
             s->schema, version, TL_PG_SCHEMA);
    tl_pg_sender_away(s, why);
  }
}

static void ask_version (tl_postgres_sender *s) {
  tl_pg_ask(s->conn, "SELECT max(version) FROM version", NULL);
  send(s, SETUP_MS, on_version);
}

static void on_looked (void *ctx, const tl_pg_answer *a) {
  tl_postgres_sender *s = ctx;
  s->busy = false;
  if (!a->ok) {
    tl_pg_sender_fail(s, a);
    return;
  }
  const PGresult *r = a->results[1];
  s->has_schema = is_true(r, 0);
  if (is_true(r, 1))
    ask_version(s);
  else
    move_schema(s, 0);
}

void tl_pg_setup (tl_postgres_sender *s) {
  char path[80], table[80], why[120];
  const char *values[] = { path, table };
  tl_pg_params params = { .count = 1, .values = values, .text = true };
  int version = tl_pg_version(s->conn);
  if (version < TL_PG_SERVER) {
    snprintf(why, sizeof why, "the server is PostgreSQL %d; tagline needs %d or newer",
             version / 10000, TL_PG_SERVER / 10000);
    tl_pg_sender_away(s, why);
    return;
  }
  snprintf(path, sizeof path, "\"%s\"", s->schema);
  snprintf(table, sizeof table, "\"%s\".version", s->schema);
  /* What was confirmed must be on the server's disk; a session that waits for a lock says so. */
  tl_pg_ask(s->conn,
            "SELECT set_config('search_path', $1, false), set_config('lock_timeout', '30s', false),"
            " set_config('statement_timeout', '0', false),"
            " set_config('client_min_messages', 'warning', false),"
            " set_config('timezone', 'UTC', false),"
            " CASE WHEN current_setting('synchronous_commit') = 'off'"
            " THEN set_config('synchronous_commit', 'on', false) END",
            &params);
  params.count = 2;
  tl_pg_ask(s->conn, "SELECT to_regnamespace($1) IS NOT NULL, to_regclass($2) IS NOT NULL",
            &params);
  send(s, SETUP_MS, on_looked);
}

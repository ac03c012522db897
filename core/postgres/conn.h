/* core/postgres/conn.h — an open connection in pipeline mode: statements are put together to a
** step, which is sent at once and is one transaction. One step at a time. Never waits. */
#ifndef TL_POSTGRES_CONN_H
#define TL_POSTGRES_CONN_H

#include <libpq-fe.h>

#include "net/loop.h"

typedef struct tl_pg tl_pg;

enum { TL_PG_RESULTS = 24 }; /* statements in a step, at most */

/* What came of a step. Borrowed until the call ends. */
typedef struct {
  bool ok;       /* all of it is stored; else nothing of it is */
  char state[6]; /* SQLSTATE of what failed */
  char text[400];
  int count; /* of results, one for each statement, in order */
  PGresult *results[TL_PG_RESULTS];
} tl_pg_answer;

/* Takes the connection over. `lost` comes once, from the loop, when it breaks, and why; the step
** under way is then lost, too (whether the server took it is not known). */
int tl_pg_new (tl_pg **out, tl_loop *loop, PGconn *conn, void (*lost)(void *ctx, const char *why),
               void *ctx);
void tl_pg_close (tl_pg *c);        /* neither `lost` nor `done` come any more; NULL is fine */
int tl_pg_version (const tl_pg *c); /* of the server, 150004 for 15.4 */

/* What a statement gave; "" where it gave less: what stands between may answer in its own way. */
const char *tl_pg_value (const PGresult *r, int row, int column);

/* Parameters, in the binary format unless `text`. */
typedef struct {
  int count;
  const char *const *values; /* NULL: SQL's */
  const int *lengths;        /* of binary ones */
  const Oid *types;
  bool text;
} tl_pg_params;

void tl_pg_ask (tl_pg *c, const char *sql, const tl_pg_params *params); /* params NULL: none */
void tl_pg_prepare (tl_pg *c, const char *name, const char *sql, const tl_pg_params *params);
void tl_pg_execute (tl_pg *c, const char *name, const tl_pg_params *params);
/* Send the step. `done` comes from the loop, unless `lost` does. `patience_ms`: when there is no
** answer within it the connection counts as lost. */
void tl_pg_send (tl_pg *c, int64_t patience_ms, void (*done)(void *ctx, const tl_pg_answer *a));

#endif

/* core/postgres/schema.h — the tables that tagline makes in PostgreSQL, as SQL. A step from one
** version of the schema to the next is a list of statements; whoever knows a newer version adds one
** and never changes an old one. */
#ifndef TL_POSTGRES_SCHEMA_H
#define TL_POSTGRES_SCHEMA_H

#include "base/buf.h"

enum { TL_PG_SCHEMA = 1, TL_PG_SERVER = 120000 }; /* its version; the oldest server */

/* The statements that lead from `version` (0: nothing is there) to the next, NULL behind the last.
** They name nothing by its schema: search_path leads there. */
const char *const *tl_pg_schema_step (int version);
/* The view `value`, which is longer than a list of constants can be. */
void tl_pg_schema_view (tl_buf *out);

#endif

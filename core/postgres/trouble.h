/* core/postgres/trouble.h — what an error of the server or of libpq means for the sender, and its
** text for people. Pure. */
#ifndef TL_POSTGRES_TROUBLE_H
#define TL_POSTGRES_TROUBLE_H

#include "base/slice.h"

/* Is it about the rows themselves, so that others of the batch may be taken? `state`: SQLSTATE. */
bool tl_pg_is_data (const char *state);
/* Somebody else made the same things at the same time: to try once more is enough. */
bool tl_pg_is_race (const char *state);

/* One line: the server's words, and what to do where that is known. `state` may be "". */
void tl_pg_explain (char *out, size_t size, const char *state, const char *text);
/* libpq's text of a connection that failed (several lines, with its own prefix) as one line. */
void tl_pg_explain_connect (char *out, size_t size, const char *text);

#endif

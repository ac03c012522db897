/* core/postgres/attempt.h — one connection made, without holding the loop. Names are looked up by
** net/resolve and given to libpq as addresses. Every step of libpq (which may read .pgpass and
** certificates, compute a password's proof, ask a Kerberos server) runs on a thread of the pool;
** between two steps the loop watches the socket. */
#ifndef TL_POSTGRES_ATTEMPT_H
#define TL_POSTGRES_ATTEMPT_H

#include <libpq-fe.h>

#include "net/loop.h"

typedef struct tl_pg_attempt tl_pg_attempt;

/* Try each host of the connection string, and each address of a host, in turn; 20 s each. `done`
** comes once, maybe from inside tl_pg_attempt_stop() and never from inside start(), with a
** connection that is then the callee's, or NULL and why; the attempt is gone behind it.
** `password` may be empty. TL_ESYNTAX: `err` says what is wrong with the string; TL_ENOMEM. */
int tl_pg_attempt_start (tl_pg_attempt **out, tl_loop *loop, const char *conninfo,
                         const char *password,
                         void (*done)(void *ctx, PGconn *conn, const char *why), void *ctx,
                         tl_err *err);
/* End it: `done` comes with NULL, at once or when a step that runs has returned. */
void tl_pg_attempt_stop (tl_pg_attempt *a);

#endif

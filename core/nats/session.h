/* core/nats/session.h — one connection to NATS: connecting, making the stream, publishing and
** waiting for what JetStream acknowledges. What says "waits" belongs into a thread of its own;
** the calls of one session that wait come one after the other, tl_nats_listen() apart. */
#ifndef TL_NATS_SESSION_H
#define TL_NATS_SESSION_H

#include <stdatomic.h>

#include "outlet/outlet.h"

/* What sessions share. Texts are owned, NUL-terminated; NULL: not given. */
typedef struct {
  atomic_int refs;
  char *servers; /* "10.0.0.5, tls://b.example.com:4222" */
  char *stream, *subject, *user, *password, *tls_ca_file;
  char **tags; /* patterns */
  size_t tag_count;
  int64_t keep_ms; /* of a stream that is made here; 0: for ever */
} tl_nats_config;
/* Zeroed, with one reference. NULL: no memory. */
tl_nats_config *tl_nats_config_new (void);
tl_nats_config *tl_nats_config_ref (tl_nats_config *c);
void tl_nats_config_unref (tl_nats_config *c); /* the last one frees; any thread; NULL is fine */

typedef struct tl_nats_session tl_nats_session;

/* A value that the server refuses. */
typedef struct {
  uint64_t number;
  char why[120];
} tl_nats_refusal;

/* One reference is the caller's. TL_ENOMEM. */
int tl_nats_session_new (tl_nats_session **out, tl_nats_config *config, uint64_t spool);
tl_nats_session *tl_nats_session_ref (tl_nats_session *s);
void tl_nats_session_unref (tl_nats_session *s); /* the last one frees; any thread */

/* Waits. Connect, and find or make the stream. */
int tl_nats_open (tl_nats_session *s);
/* Waits. Publish the values, and wait for their acknowledgements. Values with numbers below
** `doubt_until` may have been stored already; those that are so old that the server has forgotten
** their identifiers are looked up first. Afterwards tl_nats_refused() lists the values that the
** server refused. */
int tl_nats_send (tl_nats_session *s, const tl_outlet_batch *batch, uint64_t doubt_until);
/* Waits until the connection is lost or tl_nats_stop() was called. */
void tl_nats_listen (tl_nats_session *s);
/* Waits: at most 2 s. Close the connection. */
void tl_nats_disconnect (tl_nats_session *s);
/* What waits returns soon; never waits itself. */
void tl_nats_stop (tl_nats_session *s);

/* Why the connection was lost, for people. Any thread. */
void tl_nats_lost (tl_nats_session *s, char *out, size_t size);
/* Of the last call that failed: why, for people; one line, no password. */
const char *tl_nats_why (const tl_nats_session *s);
/* Of the last batch: how many values `tags` left out. */
uint64_t tl_nats_left_out (const tl_nats_session *s);
const tl_nats_refusal *tl_nats_refused (const tl_nats_session *s, size_t *count);

/* probe.c. Waits. Why can none of these servers be reached? One line. */
void tl_nats_probe (const char *servers, char *out, size_t size);

#endif

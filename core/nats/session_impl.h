/* core/nats/session_impl.h — private to nats/: a session and its ear. libnats calls back from
** threads of its own; what it tells is kept in the ear, behind a lock. */
#ifndef TL_NATS_SESSION_IMPL_H
#define TL_NATS_SESSION_IMPL_H

#include <nats/nats.h>
#include <pthread.h>

#include "nats/session.h"

enum {
  TL_NATS_WINDOW_MS = 120000, /* how long a server knows identifiers, if its stream says nothing */
  TL_NATS_WHY = 320
};

/* ear.c: what the threads of libnats have reported. */
typedef struct tl_ear {
  struct tl_ear *next;
  pthread_mutex_t lock;
  pthread_cond_t news;
  uint32_t acked, refused, failed;
  bool lost, stopped;
  char why[TL_NATS_WHY]; /* of the first failure of a message, or of the connection */
  tl_buf refusals;       /* tl_nats_refusal */
} tl_ear;

struct tl_nats_session {
  atomic_int refs;
  tl_nats_config *config;
  uint64_t spool;
  tl_ear *ear;
  natsConnection *connection; /* open.c makes it, and js */
  jsCtx *js;
  int64_t window_ms; /* open.c: how long the server knows identifiers */
  tl_buf subject, payload;
  uint64_t left_out; /* values of the last batch that `tags` do not name */
  char why[TL_NATS_WHY];
};

tl_ear *tl_ear_new (void); /* NULL: no memory */
void tl_ear_rest (tl_ear *e);
/* With the lock held: this message was refused. */
void tl_ear_refusal (tl_ear *e, natsMsg *msg, const char *text);
/* Callbacks of libnats; closure: the ear. */
void tl_ear_on_ack (jsCtx *js, natsMsg *msg, jsPubAck *ack, jsPubAckErr *error, void *closure);
void tl_ear_on_error (natsConnection *c, natsSubscription *sub, natsStatus status, void *closure);
void tl_ear_on_closed (natsConnection *c, void *closure);

/* Which value of which spool a message is: a header beside the identifier. */
extern const char tl_nats_place_header[];
/* Is it that the connection is no more? libnats has several words for that. */
bool tl_nats_is_lost (natsStatus status);
const char *tl_nats_bare (const char *text); /* "(conn.c:123): text" without its place */
/* Keep why the session failed, for tl_nats_why(). TL_EREFUSED. */
int tl_nats_fail (tl_nats_session *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same, in words for what a call of libnats says. */
int tl_nats_call_failed (tl_nats_session *s, natsStatus status);
/* The same, in words for an error of JetStream (open.c). */
int tl_nats_stream_failed (tl_nats_session *s, natsStatus status, jsErrCode code);

#endif

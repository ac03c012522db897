/* core/nats/ear.c — the callbacks of libnats, which come in its own threads, and where they keep
** what they report (an "ear"). A callback may still come after the connection was closed, so an ear
** is never freed; it is used again after many others. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "nats/session_impl.h"

static pthread_mutex_t ears_lock = PTHREAD_MUTEX_INITIALIZER;
static tl_ear *resting, **resting_end = &resting;
static int resting_count;
enum { REST_LEAST = 32 }; /* so many others are used before this one is again */

tl_ear *tl_ear_new (void) {
  tl_ear *e = NULL;
  pthread_mutex_lock(&ears_lock);
  if (resting_count > REST_LEAST) {
    e = resting;
    resting = e->next;
    resting_count--;
  }
  pthread_mutex_unlock(&ears_lock);
  if (!e) {
    pthread_condattr_t attr;
    e = calloc(1, sizeof *e);
    if (!e) return NULL;
    pthread_mutex_init(&e->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&e->news, &attr);
    pthread_condattr_destroy(&attr);
  }
  pthread_mutex_lock(&e->lock);
  e->acked = e->refused = e->failed = 0;
  e->lost = e->stopped = false;
  e->why[0] = '\0';
  tl_buf_init(&e->refusals);
  pthread_mutex_unlock(&e->lock);
  return e;
}

void tl_ear_rest (tl_ear *e) {
  pthread_mutex_lock(&e->lock);
  tl_buf_fini(&e->refusals);
  pthread_mutex_unlock(&e->lock);
  pthread_mutex_lock(&ears_lock);
  e->next = NULL;
  *resting_end = e;
  resting_end = &e->next;
  resting_count++;
  pthread_mutex_unlock(&ears_lock);
}

const char *tl_nats_bare (const char *text) {
  const char *at = text && text[0] == '(' ? strstr(text, "): ") : NULL;
  return at ? at + 3 : text;
}

bool tl_nats_is_lost (natsStatus status) {
  return status == NATS_IO_ERROR || status == NATS_CONNECTION_CLOSED ||
         status == NATS_CONNECTION_DISCONNECTED || status == NATS_STALE_CONNECTION;
}

static void note_failure (tl_ear *e, natsStatus status, const char *text) {
  e->failed++;
  if (e->why[0] != '\0') return;
  if (status == NATS_NO_RESPONDERS)
    snprintf(e->why, sizeof e->why, "the stream is gone, or JetStream is off");
  else
    snprintf(e->why, sizeof e->why, "%s%s",
             tl_nats_is_lost(status) ? "the connection is lost: " : "",
             text ? tl_nats_bare(text) : natsStatus_GetText(status));
}

void tl_ear_refusal (tl_ear *e, natsMsg *msg, const char *text) {
  const char *id = NULL, *colon;
  tl_nats_refusal r = { 0, "" };
  if (natsMsgHeader_Get(msg, tl_nats_place_header, &id) == NATS_OK && (colon = strchr(id, ':')))
    r.number = strtoull(colon + 1, NULL, 10);
  snprintf(r.why, sizeof r.why, "%s", text ? text : "refused");
  tl_buf_add(&e->refusals, &r, sizeof r);
  if (!e->refusals.failed) {
    e->refused++;
    return;
  }
  e->refusals.failed = false; /* without memory the refusal is lost, and the value is sent again */
  note_failure(e, NATS_NO_MEMORY, NULL);
}

/* JSStreamMessageExceedsMaximum: this message will never be taken, whatever is waited for. */
static bool is_refusal (const jsPubAckErr *error) { return (int)error->ErrCode == 10054; }

void tl_ear_on_ack (jsCtx *js, natsMsg *msg, jsPubAck *ack, jsPubAckErr *error, void *closure) {
  tl_ear *e = closure;
  (void)js;
  pthread_mutex_lock(&e->lock);
  if (ack)
    e->acked++;
  else if (error && is_refusal(error))
    tl_ear_refusal(e, msg, error->ErrText);
  else
    note_failure(e, error ? error->Err : NATS_ERR, error ? error->ErrText : NULL);
  pthread_cond_broadcast(&e->news);
  pthread_mutex_unlock(&e->lock);
  natsMsg_Destroy(msg);
}

void tl_ear_on_error (natsConnection *c, natsSubscription *sub, natsStatus status, void *closure) {
  tl_ear *e = closure;
  const char *text = NULL;
  (void)sub;
  natsConnection_GetLastError(c, &text);
  pthread_mutex_lock(&e->lock);
  note_failure(e, status, text && text[0] != '\0' ? text : NULL);
  pthread_cond_broadcast(&e->news);
  pthread_mutex_unlock(&e->lock);
}

void tl_ear_on_closed (natsConnection *c, void *closure) {
  tl_ear *e = closure;
  const char *text = NULL;
  natsConnection_GetLastError(c, &text);
  pthread_mutex_lock(&e->lock);
  e->lost = true;
  if (e->why[0] == '\0')
    snprintf(e->why, sizeof e->why, "the connection is lost%s%s",
             text && text[0] != '\0' ? ": " : "", text ? tl_nats_bare(text) : "");
  pthread_cond_broadcast(&e->news);
  pthread_mutex_unlock(&e->lock);
}

/* core/nats/session.c — see session.h: a session's life, and what it sends. Connecting is in
** open.c. */
#include "nats/session_impl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/pattern.h"
#include "nats/subject.h"
#include "outlet/outlet.h"

enum { ACK_MS = 10000, MARGIN_MS = 10000 };

const char tl_nats_place_header[] = "Tagline-Place";

/* --- life --- */

int tl_nats_session_new (tl_nats_session **out, tl_nats_config *config, uint64_t spool) {
  tl_nats_session *s = calloc(1, sizeof *s);
  if (s) s->ear = tl_ear_new();
  if (!s || !s->ear) {
    free(s);
    return TL_ENOMEM;
  }
  atomic_init(&s->refs, 1);
  s->config = tl_nats_config_ref(config);
  s->spool = spool;
  tl_buf_init(&s->subject);
  tl_buf_init(&s->payload);
  *out = s;
  return TL_OK;
}

tl_nats_session *tl_nats_session_ref (tl_nats_session *s) {
  atomic_fetch_add(&s->refs, 1);
  return s;
}

void tl_nats_session_unref (tl_nats_session *s) {
  if (!s || atomic_fetch_sub(&s->refs, 1) > 1) return;
  tl_nats_disconnect(s);
  tl_ear_rest(s->ear);
  tl_nats_config_unref(s->config);
  tl_buf_fini(&s->subject);
  tl_buf_fini(&s->payload);
  free(s);
}

void tl_nats_disconnect (tl_nats_session *s) {
  jsCtx_Destroy(s->js);
  natsConnection_Destroy(s->connection);
  s->js = NULL;
  s->connection = NULL;
}

void tl_nats_stop (tl_nats_session *s) {
  pthread_mutex_lock(&s->ear->lock);
  s->ear->stopped = true;
  pthread_cond_broadcast(&s->ear->news);
  pthread_mutex_unlock(&s->ear->lock);
}

void tl_nats_lost (tl_nats_session *s, char *out, size_t size) {
  pthread_mutex_lock(&s->ear->lock);
  snprintf(out, size, "%s", s->ear->why[0] != '\0' ? s->ear->why : "the connection is lost");
  pthread_mutex_unlock(&s->ear->lock);
}

const char *tl_nats_why (const tl_nats_session *s) { return s->why; }

uint64_t tl_nats_left_out (const tl_nats_session *s) { return s->left_out; }

const tl_nats_refusal *tl_nats_refused (const tl_nats_session *s, size_t *count) {
  *count = s->ear->refusals.len / sizeof(tl_nats_refusal);
  return (const tl_nats_refusal *)(const void *)s->ear->refusals.at;
}

int tl_nats_fail (tl_nats_session *s, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  vsnprintf(s->why, sizeof s->why, fmt, args);
  va_end(args);
  return TL_EREFUSED;
}

int tl_nats_call_failed (tl_nats_session *s, natsStatus status) {
  return tl_nats_fail(s, "%s%s", tl_nats_is_lost(status) ? "the connection is lost: " : "",
                      natsStatus_GetText(status));
}

/* --- sending --- */

/* Nothing more is sent: `why` says the reason. */
static bool is_over (tl_nats_session *s) {
  const tl_ear *e = s->ear;
  pthread_mutex_lock(&s->ear->lock);
  bool over = e->stopped || e->lost || e->failed > 0;
  if (over) tl_nats_fail(s, "%s", e->why[0] != '\0' ? e->why : "stopped");
  pthread_mutex_unlock(&s->ear->lock);
  return over;
}

static int wants (tl_nats_session *s, tl_slice name, bool *wanted) {
  const tl_nats_config *c = s->config;
  *wanted = c->tag_count == 0;
  tl_buf_clear(&s->subject);
  tl_buf_slice(&s->subject, name);
  tl_buf_byte(&s->subject, '\0');
  if (s->subject.failed) return tl_nats_fail(s, "no memory");
  for (size_t i = 0; i < c->tag_count && !*wanted; i++)
    *wanted = tl_glob_match(c->tags[i], (const char *)s->subject.at);
  return TL_OK;
}

/* The number of the last value from this spool that the stream has under this subject; 0: none.
** Values of a subject are stored in order, so the last message has the highest number. */
static int last_of (tl_nats_session *s, uint64_t *out) {
  natsMsg *msg = NULL;
  jsErrCode code = 0;
  const char *id = NULL;
  *out = 0;
  natsStatus rc =
      js_GetLastMsg(&msg, s->js, s->config->stream, (const char *)s->subject.at, NULL, &code);
  if (rc == NATS_OK && natsMsgHeader_Get(msg, tl_nats_place_header, &id) == NATS_OK)
    tl_nats_place_read(id, s->spool, out);
  natsMsg_Destroy(msg);
  if (rc == NATS_OK || rc == NATS_NOT_FOUND) return TL_OK;
  return tl_nats_stream_failed(s, rc, code);
}

/* What is known of one subject. */
typedef struct {
  uint64_t last;
  char subject[];
} seen_subject;

static seen_subject *look_up (tl_nats_session *s, tl_map *seen) {
  seen_subject *one = malloc(sizeof *one + s->subject.len);
  if (!one) {
    tl_nats_fail(s, "no memory");
    return NULL;
  }
  memcpy(one->subject, s->subject.at, s->subject.len);
  int rc = last_of(s, &one->last);
  if (rc >= 0 && tl_map_put(seen, tl_slice_str(one->subject), one) == TL_OK) return one;
  if (rc >= 0) tl_nats_fail(s, "no memory");
  free(one);
  return NULL;
}

/* Does the stream have this value already? The server recognises repeated identifiers only for a
** limited time, so after a longer break this must be looked up. */
static int is_there (tl_nats_session *s, tl_map *seen, const tl_outlet_value *v, bool *there) {
  seen_subject *one = tl_map_get(seen, tl_slice_str((const char *)s->subject.at));
  if (!one) one = look_up(s, seen);
  if (one) *there = one->last >= v->number;
  return one ? TL_OK : TL_EREFUSED;
}

static natsStatus make_message (tl_nats_session *s, const tl_outlet_value *v, natsMsg **out) {
  char place[TL_NATS_ID];
  tl_nats_place(place, s->spool, v->number);
  natsStatus rc = natsMsg_Create(out, (const char *)s->subject.at, NULL,
                                 (const char *)s->payload.at, (int)s->payload.len);
  return rc == NATS_OK ? natsMsgHeader_Set(*out, tl_nats_place_header, place) : rc;
}

static int publish (tl_nats_session *s, const tl_outlet_value *v, uint32_t *sent) {
  char id[TL_NATS_ID];
  natsMsg *msg = NULL;
  jsPubOptions options;
  tl_buf_clear(&s->payload);
  tl_outlet_json(v, &s->payload);
  if (s->payload.failed) return tl_nats_fail(s, "no memory");
  tl_nats_id(id, tl_buf_bytes(&s->payload), v->sample.n);
  jsPubOptions_Init(&options);
  options.MsgId = id;
  options.ExpectStream = s->config->stream;
  natsStatus rc = make_message(s, v, &msg);
  if (rc == NATS_OK) rc = js_PublishMsgAsync(s->js, &msg, &options);
  if (rc == NATS_MAX_PAYLOAD) {
    pthread_mutex_lock(&s->ear->lock);
    tl_ear_refusal(s->ear, msg, "longer than the server's max_payload");
    pthread_mutex_unlock(&s->ear->lock);
    rc = NATS_OK;
  }
  natsMsg_Destroy(msg);
  if (rc != NATS_OK) return tl_nats_call_failed(s, rc);
  ++*sent;
  return TL_OK;
}

static bool is_in_doubt (const tl_nats_session *s, const tl_outlet_value *v, uint64_t until,
                         int64_t now) {
  if (v->number >= until) return false;
  return now < v->arrival_ms || now - v->arrival_ms > s->window_ms - MARGIN_MS;
}

static int publish_all (tl_nats_session *s, const tl_outlet_batch *b, uint64_t doubt_until,
                        tl_map *seen, uint32_t *sent) {
  int64_t now = tl_clock_wall_ms();
  int rc = TL_OK;
  for (size_t i = 0; rc >= 0 && i < b->count; i++) {
    const tl_outlet_value *v = &b->values[i];
    bool there = false, wanted;
    rc = wants(s, v->series->name, &wanted);
    if (rc >= 0 && !wanted) s->left_out++;
    if (rc >= 0 && !wanted) continue;
    if (rc < 0 || is_over(s)) return TL_EREFUSED;
    tl_buf_clear(&s->subject);
    tl_nats_subject(&s->subject, tl_slice_str(s->config->subject), v->series->name);
    tl_buf_byte(&s->subject, '\0');
    if (s->subject.failed) return tl_nats_fail(s, "no memory");
    if (is_in_doubt(s, v, doubt_until, now)) rc = is_there(s, seen, v, &there);
    if (rc >= 0 && !there) rc = publish(s, v, sent);
  }
  return rc;
}

static void add_ms (struct timespec *t, int64_t ms) {
  t->tv_sec += ms / 1000;
  t->tv_nsec += ms % 1000 * 1000000;
  if (t->tv_nsec < 1000000000) return;
  t->tv_nsec -= 1000000000;
  t->tv_sec++;
}

static int wait_for (tl_nats_session *s, uint32_t sent) {
  tl_ear *e = s->ear;
  struct timespec until;
  int late = 0;
  clock_gettime(CLOCK_MONOTONIC, &until);
  add_ms(&until, ACK_MS);
  pthread_mutex_lock(&e->lock);
  while (e->acked + e->refused < sent && e->failed == 0 && !e->lost && !e->stopped && late == 0)
    late = pthread_cond_timedwait(&e->news, &e->lock, &until);
  bool all = e->acked + e->refused >= sent && e->failed == 0;
  if (!all && e->why[0] != '\0')
    tl_nats_fail(s, "%s", e->why);
  else if (!all && e->stopped)
    tl_nats_fail(s, "stopped");
  else if (!all)
    tl_nats_fail(s, "%u of %u values are not acknowledged within %d s",
                 sent - e->acked - e->refused, sent, ACK_MS / 1000);
  pthread_mutex_unlock(&e->lock);
  return all ? TL_OK : TL_EREFUSED;
}

static void forget (tl_map *seen) {
  tl_slice key;
  void *value;
  for (uint32_t i = 0; tl_map_next(seen, &i, &key, &value);) free(value);
  tl_map_fini(seen);
}

int tl_nats_send (tl_nats_session *s, const tl_outlet_batch *batch, uint64_t doubt_until) {
  uint32_t sent = 0;
  tl_map seen;
  pthread_mutex_lock(&s->ear->lock);
  s->ear->acked = s->ear->refused = 0;
  tl_buf_clear(&s->ear->refusals);
  bool over = s->ear->lost;
  pthread_mutex_unlock(&s->ear->lock);
  if (over) return wait_for(s, 1);
  tl_map_init(&seen);
  s->left_out = 0;
  int rc = publish_all(s, batch, doubt_until, &seen, &sent);
  forget(&seen);
  return rc < 0 ? rc : wait_for(s, sent);
}

void tl_nats_listen (tl_nats_session *s) {
  tl_ear *e = s->ear;
  pthread_mutex_lock(&e->lock);
  while (!e->lost && !e->stopped) pthread_cond_wait(&e->news, &e->lock);
  pthread_mutex_unlock(&e->lock);
}

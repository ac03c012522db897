/* core/nats/session.c — see session.h. libnats calls back from threads of its own: what it tells
** is kept in an `ear` behind a lock. */
#include "nats/session.h"

#include <errno.h>
#include <nats/nats.h>
#include <pthread.h>
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

enum {
  CONNECT_MS = 4000, /* each server */
  REQUEST_MS = 3000, /* a question to JetStream */
  WRITE_MS = 2000,   /* a socket that takes nothing */
  ACK_MS = 10000,
  PING_MS = 15000,
  WINDOW_MS = 120000, /* in which a server knows identifiers, where its stream says nothing */
  MARGIN_MS = 10000,
  WHY = 320
};

/* Which value of which spool a message is: a header beside the identifier. */
static const char place_header[] = "Tagline-Place";

/* What the threads of libnats say. They may call once more while the connection is closed, so an
** ear is never freed: it is used again much later. */
typedef struct ear {
  struct ear *next;
  pthread_mutex_t lock;
  pthread_cond_t news;
  uint32_t acked, refused, failed;
  bool lost, stopped;
  char why[WHY];   /* of the first failure of a message, or of the connection */
  tl_buf refusals; /* tl_nats_refusal */
} ear;

struct tl_nats_session {
  atomic_int refs;
  tl_nats_config *config;
  uint64_t spool;
  ear *ear;
  natsConnection *connection;
  jsCtx *js;
  int64_t window_ms;
  tl_buf subject, payload;
  char why[WHY];
};

/* --- ears --- */

static pthread_mutex_t ears_lock = PTHREAD_MUTEX_INITIALIZER;
static ear *resting, **resting_end = &resting;
static int resting_count;
enum { REST_LEAST = 32 }; /* so many others are used before this one is again */

static ear *new_ear (void) {
  ear *e = NULL;
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

static void rest_ear (ear *e) {
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

/* "(conn.c:123): text" without its place. */
static const char *bare (const char *text) {
  const char *at = text && text[0] == '(' ? strstr(text, "): ") : NULL;
  return at ? at + 3 : text;
}

static void hear_refusal (ear *e, natsMsg *msg, const char *text) {
  const char *id = NULL, *colon;
  tl_nats_refusal r = { 0, "" };
  if (natsMsgHeader_Get(msg, place_header, &id) == NATS_OK && (colon = strchr(id, ':')))
    r.number = strtoull(colon + 1, NULL, 10);
  snprintf(r.why, sizeof r.why, "%s", text ? text : "refused");
  tl_buf_add(&e->refusals, &r, sizeof r);
  e->refused++;
}

/* JSStreamMessageExceedsMaximum: this message will never be taken, whatever is waited for. */
static bool is_refusal (const jsPubAckErr *error) { return (int)error->ErrCode == 10054; }

static void hear_failure (ear *e, natsStatus status, const char *text) {
  e->failed++;
  if (e->why[0] != '\0') return;
  if (status == NATS_NO_RESPONDERS)
    snprintf(e->why, sizeof e->why, "the stream is gone, or JetStream is off");
  else
    snprintf(e->why, sizeof e->why, "%s", text ? bare(text) : natsStatus_GetText(status));
}

static void on_ack (jsCtx *js, natsMsg *msg, jsPubAck *ack, jsPubAckErr *error, void *closure) {
  ear *e = closure;
  (void)js;
  pthread_mutex_lock(&e->lock);
  if (ack)
    e->acked++;
  else if (error && is_refusal(error))
    hear_refusal(e, msg, error->ErrText);
  else
    hear_failure(e, error ? error->Err : NATS_ERR, error ? error->ErrText : NULL);
  pthread_cond_broadcast(&e->news);
  pthread_mutex_unlock(&e->lock);
  natsMsg_Destroy(msg);
}

static void on_error (natsConnection *c, natsSubscription *sub, natsStatus status, void *closure) {
  ear *e = closure;
  const char *text = NULL;
  (void)sub;
  natsConnection_GetLastError(c, &text);
  pthread_mutex_lock(&e->lock);
  hear_failure(e, status, text && text[0] != '\0' ? text : NULL);
  pthread_cond_broadcast(&e->news);
  pthread_mutex_unlock(&e->lock);
}

static void on_closed (natsConnection *c, void *closure) {
  ear *e = closure;
  const char *text = NULL;
  natsConnection_GetLastError(c, &text);
  pthread_mutex_lock(&e->lock);
  e->lost = true;
  if (e->why[0] == '\0')
    snprintf(e->why, sizeof e->why, "the connection is lost%s%s",
             text && text[0] != '\0' ? ": " : "", text ? bare(text) : "");
  pthread_cond_broadcast(&e->news);
  pthread_mutex_unlock(&e->lock);
}

/* --- life --- */

int tl_nats_session_new (tl_nats_session **out, tl_nats_config *config, uint64_t spool) {
  tl_nats_session *s = calloc(1, sizeof *s);
  if (s) s->ear = new_ear();
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
  rest_ear(s->ear);
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

const tl_nats_refusal *tl_nats_refused (const tl_nats_session *s, size_t *count) {
  *count = s->ear->refusals.len / sizeof(tl_nats_refusal);
  return (const tl_nats_refusal *)(const void *)s->ear->refusals.at;
}

__attribute__((format(printf, 2, 3))) static int fail (tl_nats_session *s, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  vsnprintf(s->why, sizeof s->why, fmt, args);
  va_end(args);
  return TL_EREFUSED;
}

/* --- opening --- */

static int connect_failed (tl_nats_session *s, natsStatus status) {
  const char *user = s->config->user;
  char why[WHY - 40];
  switch (status) {
    case NATS_CONNECTION_AUTH_FAILED:
    case NATS_NOT_PERMITTED:
      if (user) return fail(s, "the server refuses user '%.60s' or its password", user);
      return fail(s, "the server wants a user: give user and password");
    case NATS_SECURE_CONNECTION_REQUIRED:
      return fail(s, "the server wants TLS: give tls_ca_file, or write tls:// before the host");
    case NATS_SECURE_CONNECTION_WANTED:
      return fail(s, "the server has no TLS, and tls_ca_file or tls:// asks for it");
    case NATS_SSL_ERROR:
      return fail(s, "TLS: %s (tls_ca_file says which CAs are trusted)",
                  bare(nats_GetLastError(NULL)));
    case NATS_NO_MEMORY: return fail(s, "no memory");
    case NATS_NO_SERVER:
    case NATS_TIMEOUT:
    case NATS_IO_ERROR:
      tl_nats_probe(s->config->servers, why, sizeof why);
      return fail(s, "%s", why);
    default: return fail(s, "%s", natsStatus_GetText(status));
  }
}

static bool wants_tls (const tl_nats_config *c) {
  return c->tls_ca_file || strstr(c->servers, "tls://");
}

/* Without a file of its own the system's certificates count, which libnats does not load. */
static natsStatus set_tls (const tl_nats_config *c, natsOptions *options) {
  static const char system_file[] = "/etc/ssl/certs/ca-certificates.crt";
  if (!wants_tls(c)) return NATS_OK;
  natsStatus rc = natsOptions_SetSecure(options, true);
  if (rc == NATS_OK)
    rc = natsOptions_LoadCATrustedCertificates(options,
                                               c->tls_ca_file ? c->tls_ca_file : system_file);
  return rc;
}

enum { SERVERS = 16 };

static natsStatus set_servers (const char *text, natsOptions *options) {
  char copy[2048], *list[SERVERS], *rest = copy;
  int n = 0;
  snprintf(copy, sizeof copy, "%s", text);
  for (char *word; n < SERVERS && (word = strtok_r(rest, " ,;", &rest));) list[n++] = word;
  return natsOptions_SetServers(options, (const char **)list, n);
}

static natsStatus set_options (tl_nats_session *s, natsOptions *options) {
  const tl_nats_config *c = s->config;
  natsStatus rc = set_servers(c->servers, options);
  if (rc == NATS_OK) rc = natsOptions_SetNoRandomize(options, true);
  if (rc == NATS_OK) rc = natsOptions_SetTimeout(options, CONNECT_MS);
  if (rc == NATS_OK) rc = natsOptions_SetWriteDeadline(options, WRITE_MS);
  if (rc == NATS_OK) rc = natsOptions_SetPingInterval(options, PING_MS);
  if (rc == NATS_OK) rc = natsOptions_SetAllowReconnect(options, false);
  if (rc == NATS_OK) rc = natsOptions_SetName(options, "tagline");
  if (rc == NATS_OK && c->user)
    rc = natsOptions_SetUserInfo(options, c->user, c->password ? c->password : "");
  if (rc == NATS_OK) rc = natsOptions_SetErrorHandler(options, on_error, s->ear);
  if (rc == NATS_OK) rc = natsOptions_SetClosedCB(options, on_closed, s->ear);
  return rc;
}

static int connect_to (tl_nats_session *s) {
  natsOptions *options = NULL;
  natsStatus rc = natsOptions_Create(&options);
  if (rc == NATS_OK) rc = set_options(s, options);
  bool told = rc == NATS_OK;
  if (rc == NATS_OK) rc = set_tls(s->config, options);
  if (rc != NATS_OK && told)
    fail(s, "tls_ca_file '%.120s': %s", s->config->tls_ca_file ? s->config->tls_ca_file : "system",
         bare(nats_GetLastError(NULL)));
  else if (rc != NATS_OK)
    fail(s, "%s", natsStatus_GetText(rc));
  else if ((rc = natsConnection_Connect(&s->connection, options)) != NATS_OK)
    connect_failed(s, rc);
  natsOptions_Destroy(options);
  return rc == NATS_OK ? TL_OK : TL_EREFUSED;
}

/* What the words of JetStream mean. */
static int stream_failed (tl_nats_session *s, natsStatus status, jsErrCode code) {
  if (status == NATS_NO_RESPONDERS || (int)code == 10039 || (int)code == 10076)
    return fail(s, "JetStream is off at this server: start it with -js");
  if (status == NATS_TIMEOUT)
    return fail(s, "JetStream does not answer: it is starting, or this user may not ask it");
  return fail(s, "stream '%.60s': %s (%d)", s->config->stream, natsStatus_GetText(status),
              (int)code);
}

static int make_stream (tl_nats_session *s, const char *wildcard) {
  jsStreamInfo *info = NULL;
  jsStreamConfig config;
  jsErrCode code = 0;
  const char *subjects[] = { wildcard };
  jsStreamConfig_Init(&config);
  config.Name = s->config->stream;
  config.Subjects = subjects;
  config.SubjectsLen = 1;
  config.MaxAge = s->config->keep_ms * 1000000;
  config.Duplicates = (int64_t)WINDOW_MS * 1000000;
  natsStatus rc = js_AddStream(&info, s->js, &config, NULL, &code);
  jsStreamInfo_Destroy(info);
  if ((int)code == 10065)
    return fail(s, "another stream takes '%.100s' already: name that one, or change subject",
                wildcard);
  return rc == NATS_OK ? TL_OK : stream_failed(s, rc, code);
}

static int check_stream (tl_nats_session *s, const jsStreamInfo *info, const char *wildcard) {
  const jsStreamConfig *c = info->Config;
  s->window_ms = c->Duplicates > 0 ? c->Duplicates / 1000000 : WINDOW_MS;
  for (int i = 0; i < c->SubjectsLen; i++)
    if (tl_nats_covers(tl_slice_str(c->Subjects[i]), tl_slice_str(wildcard))) return TL_OK;
  return fail(s, "stream '%.60s' does not take '%.100s': add it to the stream's subjects",
              s->config->stream, wildcard);
}

static int find_stream (tl_nats_session *s) {
  jsStreamInfo *info = NULL;
  jsErrCode code = 0;
  s->window_ms = WINDOW_MS;
  tl_buf_clear(&s->subject);
  tl_nats_wildcard(&s->subject, tl_slice_str(s->config->subject));
  tl_buf_byte(&s->subject, '\0');
  if (s->subject.failed) return fail(s, "no memory");
  const char *wildcard = (const char *)s->subject.at;
  natsStatus rc = js_GetStreamInfo(&info, s->js, s->config->stream, NULL, &code);
  if (rc == NATS_NOT_FOUND) return make_stream(s, wildcard);
  if (rc != NATS_OK) return stream_failed(s, rc, code);
  int found = check_stream(s, info, wildcard);
  jsStreamInfo_Destroy(info);
  return found;
}

int tl_nats_open (tl_nats_session *s) {
  jsOptions options;
  int rc = connect_to(s);
  if (rc < 0) return rc;
  jsOptions_Init(&options);
  options.Wait = REQUEST_MS;
  options.PublishAsync.AckHandler = on_ack;
  options.PublishAsync.AckHandlerClosure = s->ear;
  natsStatus status = natsConnection_JetStream(&s->js, s->connection, &options);
  if (status != NATS_OK) return fail(s, "%s", natsStatus_GetText(status));
  return find_stream(s);
}

/* --- sending --- */

/* Nothing more is sent: `why` says the reason. */
static bool is_over (tl_nats_session *s) {
  const ear *e = s->ear;
  pthread_mutex_lock(&s->ear->lock);
  bool over = e->stopped || e->lost || e->failed > 0;
  if (over) fail(s, "%s", e->why[0] != '\0' ? e->why : "stopped");
  pthread_mutex_unlock(&s->ear->lock);
  return over;
}

static int wants (tl_nats_session *s, tl_slice name, bool *wanted) {
  const tl_nats_config *c = s->config;
  *wanted = c->tag_count == 0;
  tl_buf_clear(&s->subject);
  tl_buf_slice(&s->subject, name);
  tl_buf_byte(&s->subject, '\0');
  if (s->subject.failed) return fail(s, "no memory");
  for (size_t i = 0; i < c->tag_count && !*wanted; i++)
    *wanted = tl_glob_match(c->tags[i], (const char *)s->subject.at);
  return TL_OK;
}

/* The highest number of ours that the stream has of this subject; 0: none. They come in order. */
static int last_of (tl_nats_session *s, uint64_t *out) {
  natsMsg *msg = NULL;
  jsErrCode code = 0;
  const char *id = NULL;
  *out = 0;
  natsStatus rc =
      js_GetLastMsg(&msg, s->js, s->config->stream, (const char *)s->subject.at, NULL, &code);
  if (rc == NATS_OK && natsMsgHeader_Get(msg, place_header, &id) == NATS_OK)
    tl_nats_place_read(id, s->spool, out);
  natsMsg_Destroy(msg);
  if (rc == NATS_OK || rc == NATS_NOT_FOUND) return TL_OK;
  return stream_failed(s, rc, code);
}

/* What is known of one subject. */
typedef struct {
  uint64_t last;
  char subject[];
} seen_subject;

static seen_subject *look (tl_nats_session *s, tl_map *seen) {
  seen_subject *one = malloc(sizeof *one + s->subject.len);
  if (!one) {
    fail(s, "no memory");
    return NULL;
  }
  memcpy(one->subject, s->subject.at, s->subject.len);
  int rc = last_of(s, &one->last);
  if (rc >= 0 && tl_map_put(seen, tl_slice_str(one->subject), one) == TL_OK) return one;
  if (rc >= 0) fail(s, "no memory");
  free(one);
  return NULL;
}

/* Was this one stored before a break that the server's memory of identifiers does not span? */
static int is_there (tl_nats_session *s, tl_map *seen, const tl_outlet_value *v, bool *there) {
  seen_subject *one = tl_map_get(seen, tl_slice_str((const char *)s->subject.at));
  if (!one) one = look(s, seen);
  if (one) *there = one->last >= v->number;
  return one ? TL_OK : TL_EREFUSED;
}

static natsStatus make_message (tl_nats_session *s, const tl_outlet_value *v, natsMsg **out) {
  char place[TL_NATS_ID];
  tl_nats_place(place, s->spool, v->number);
  natsStatus rc = natsMsg_Create(out, (const char *)s->subject.at, NULL,
                                 (const char *)s->payload.at, (int)s->payload.len);
  return rc == NATS_OK ? natsMsgHeader_Set(*out, place_header, place) : rc;
}

static int publish (tl_nats_session *s, const tl_outlet_value *v, uint32_t *sent) {
  char id[TL_NATS_ID];
  natsMsg *msg = NULL;
  jsPubOptions options;
  tl_buf_clear(&s->payload);
  tl_outlet_json(v, &s->payload);
  if (s->payload.failed) return fail(s, "no memory");
  tl_nats_id(id, tl_buf_bytes(&s->payload), v->sample.n);
  jsPubOptions_Init(&options);
  options.MsgId = id;
  options.ExpectStream = s->config->stream;
  natsStatus rc = make_message(s, v, &msg);
  if (rc == NATS_OK) rc = js_PublishMsgAsync(s->js, &msg, &options);
  if (rc == NATS_MAX_PAYLOAD) {
    pthread_mutex_lock(&s->ear->lock);
    hear_refusal(s->ear, msg, "longer than the server's max_payload");
    pthread_mutex_unlock(&s->ear->lock);
    rc = NATS_OK;
  }
  natsMsg_Destroy(msg);
  if (rc != NATS_OK) return fail(s, "%s", natsStatus_GetText(rc));
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
    if (rc >= 0 && !wanted) continue;
    if (rc < 0 || is_over(s)) return TL_EREFUSED;
    tl_buf_clear(&s->subject);
    tl_nats_subject(&s->subject, tl_slice_str(s->config->subject), v->series->name);
    tl_buf_byte(&s->subject, '\0');
    if (s->subject.failed) return fail(s, "no memory");
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
  ear *e = s->ear;
  struct timespec until;
  int late = 0;
  clock_gettime(CLOCK_MONOTONIC, &until);
  add_ms(&until, ACK_MS);
  pthread_mutex_lock(&e->lock);
  while (e->acked + e->refused < sent && e->failed == 0 && !e->lost && !e->stopped && late == 0)
    late = pthread_cond_timedwait(&e->news, &e->lock, &until);
  bool all = e->acked + e->refused >= sent && e->failed == 0;
  if (!all && e->why[0] != '\0')
    fail(s, "%s", e->why);
  else if (!all && e->stopped)
    fail(s, "stopped");
  else if (!all)
    fail(s, "%u of %u values are not acknowledged within %d s", sent - e->acked - e->refused, sent,
         ACK_MS / 1000);
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
  int rc = publish_all(s, batch, doubt_until, &seen, &sent);
  forget(&seen);
  return rc < 0 ? rc : wait_for(s, sent);
}

void tl_nats_listen (tl_nats_session *s) {
  ear *e = s->ear;
  pthread_mutex_lock(&e->lock);
  while (!e->lost && !e->stopped) pthread_cond_wait(&e->news, &e->lock);
  pthread_mutex_unlock(&e->lock);
}

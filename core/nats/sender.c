/* core/nats/sender.c — runs a session's waiting calls in threads of their own, one at a time, and
** one beside them that hears when the connection is lost. See sender.h. */
#include "nats/sender.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nats/session.h"
#include "net/thread.h"

enum {
  MOST = 1000, /* values a batch: also what may be in doubt after a kill */
  /* After a kill so many values may have been sent already. The cursor is stored every 1,000
  ** values, and a batch may have been under way after it. Its numbers may have gaps, where values
  ** are for histories only. */
  DOUBT = 1000 + 2 * MOST
};

struct tl_nats_sender {
  tl_outlet *outlet;
  tl_nats_config *config;
  uint64_t spool;
  struct link *link; /* NULL: away */
  const tl_outlet_batch *batch;
  uint64_t published; /* no value from this number on was ever sent; 0: that is not known yet */
  unsigned ending;    /* links whose connection is being closed */
  bool closing;
};

/* A session with the threads that use it. It may outlive the sender. */
typedef struct link {
  tl_nats_sender *sender;
  tl_nats_session *session;
  tl_thread *worker, *listener;
  bool opening;
} link;

/* What a thread has: the session only. */
typedef struct {
  tl_nats_session *session;
  link *link; /* the loop's side alone */
  const tl_outlet_batch *batch;
  uint64_t doubt;
  int rc;
} job;

static void drop (void *arg) {
  job *j = arg;
  tl_nats_session_unref(j->session);
  free(j);
}

static tl_thread *start (link *l, void (*run)(void *arg), void (*done)(void *arg)) {
  tl_thread *thread = NULL;
  tl_nats_sender *s = l->sender;
  job *j = calloc(1, sizeof *j);
  if (!j) return NULL;
  j->session = tl_nats_session_ref(l->session);
  j->link = l;
  j->batch = s->batch;
  j->doubt = s->published;
  if (tl_thread_start(&thread, tl_outlet_loop(s->outlet), run, done, drop, j) == TL_OK)
    return thread;
  drop(j);
  return NULL;
}

/* --- the end of a link --- */

static void run_disconnect (void *arg) { tl_nats_disconnect(((job *)arg)->session); }

static void free_sender (tl_nats_sender *s) {
  tl_outlet *o = s->outlet;
  tl_nats_config_unref(s->config);
  free(s);
  tl_outlet_closed(o);
}

static void free_when_alone (tl_nats_sender *s) {
  if (s->closing && !s->link && s->ending == 0) free_sender(s);
}

static void free_link (link *l) {
  tl_nats_session_unref(l->session);
  free(l);
}

static void on_disconnected (void *arg) {
  link *l = ((job *)arg)->link;
  tl_nats_sender *s = l->sender;
  free_link(l);
  s->ending--;
  free_when_alone(s);
}

/* Let go of the link; a thread closes the connection. */
static void end_link (tl_nats_sender *s) {
  link *l = s->link;
  s->link = NULL;
  tl_nats_stop(l->session);
  tl_thread_cancel(l->listener);
  l->listener = NULL;
  if (l->opening) tl_thread_cancel(l->worker); /* its thread closes what it opens */
  bool ends = !l->opening && start(l, run_disconnect, on_disconnected);
  if (ends)
    s->ending++;
  else
    free_link(l);
}

static void away (tl_nats_sender *s, const char *why) {
  tl_outlet *o = s->outlet;
  char text[400];
  snprintf(text, sizeof text, "%s", why);
  s->batch = NULL;
  end_link(s);
  tl_outlet_away(o, "%s", text);
}

/* --- opening --- */

static void run_open (void *arg) {
  job *j = arg;
  j->rc = tl_nats_open(j->session);
}

static void run_listen (void *arg) { tl_nats_listen(((job *)arg)->session); }

static void on_lost (void *arg) {
  link *l = ((job *)arg)->link;
  l->listener = NULL;
  if (l->worker) return; /* who sends hears it */
  tl_nats_sender *s = l->sender;
  char why[400];
  tl_nats_lost(l->session, why, sizeof why);
  away(s, why);
}

static void on_open (void *arg) {
  job *j = arg;
  link *l = j->link;
  tl_nats_sender *s = l->sender;
  l->worker = NULL;
  l->opening = false;
  if (j->rc < 0) {
    away(s, tl_nats_why(l->session));
    return;
  }
  l->listener = start(l, run_listen, on_lost);
  if (!l->listener) {
    away(s, "no memory");
    return;
  }
  tl_outlet_ready(s->outlet, 0);
}

static void open_it (void *sender) {
  tl_nats_sender *s = sender;
  link *l = calloc(1, sizeof *l);
  if (l && tl_nats_session_new(&l->session, s->config, s->spool) < 0) {
    free(l);
    l = NULL;
  }
  if (!l) {
    tl_outlet_away(s->outlet, "no memory");
    return;
  }
  l->sender = s;
  s->link = l;
  l->opening = true;
  l->worker = start(l, run_open, on_open);
  if (l->worker) return;
  l->opening = false;
  away(s, "no memory");
}

/* --- sending --- */

static void run_send (void *arg) {
  job *j = arg;
  j->rc = tl_nats_send(j->session, j->batch, j->doubt);
}

static void report_refused (tl_nats_sender *s, const tl_nats_session *session) {
  size_t count;
  const tl_outlet_batch *b = s->batch;
  const tl_nats_refusal *list = tl_nats_refused(session, &count);
  for (size_t i = 0; i < count; i++)
    for (size_t v = 0; v < b->count; v++)
      if (b->values[v].number == list[i].number)
        tl_outlet_rejected(s->outlet, &b->values[v], list[i].why);
}

static void on_sent (void *arg) {
  job *j = arg;
  link *l = j->link;
  tl_nats_sender *s = l->sender;
  l->worker = NULL;
  if (s->closing) {
    end_link(s);
    free_when_alone(s);
    return;
  }
  if (j->rc < 0) {
    away(s, tl_nats_why(l->session));
    return;
  }
  report_refused(s, l->session);
  tl_outlet_left_out(s->outlet, tl_nats_left_out(l->session));
  s->batch = NULL;
  tl_outlet_stored(s->outlet);
}

static void store (void *sender, const tl_outlet_batch *batch) {
  tl_nats_sender *s = sender;
  if (!s->link) return; /* the connection was lost meanwhile, and the outlet was told */
  if (s->published == 0) s->published = batch->first + DOUBT;
  if (batch->doubt > s->published) s->published = batch->doubt;
  s->batch = batch;
  s->link->worker = start(s->link, run_send, on_sent);
  if (batch->next > s->published) s->published = batch->next;
  if (!s->link->worker) away(s, "no memory");
}

static void close_it (void *sender) {
  tl_nats_sender *s = sender;
  s->closing = true;
  if (s->link && s->link->worker && !s->link->opening) {
    tl_nats_stop(s->link->session); /* on_sent goes on: the batch is in use until then */
    return;
  }
  if (s->link) end_link(s);
  free_when_alone(s);
}

const tl_sender tl_nats_kind = {
  .kind = "nats", .most = MOST, .delay_ms = 100, .open = open_it, .store = store, .close = close_it
};

/* --- config --- */

static bool copy (char **out, tl_slice text) {
  *out = NULL;
  if (text.len == 0) return true;
  *out = malloc(text.len + 1);
  if (!*out) return false;
  memcpy(*out, text.at, text.len);
  (*out)[text.len] = '\0';
  return true;
}

static tl_nats_config *copy_config (const tl_outlet_config *c) {
  tl_nats_config *own = tl_nats_config_new();
  if (!own) return NULL;
  own->keep_ms = c->keep_ms;
  bool well = copy(&own->servers, c->nats) && copy(&own->stream, c->stream) &&
              copy(&own->subject, c->subject) && copy(&own->user, c->user) &&
              copy(&own->password, c->password) && copy(&own->tls_ca_file, c->tls_ca_file);
  if (well && c->tag_count > 0) {
    own->tags = calloc(c->tag_count, sizeof *own->tags);
    well = own->tags != NULL;
  }
  for (size_t i = 0; well && i < c->tag_count; i++) {
    well = copy(&own->tags[i], c->tags[i]);
    own->tag_count++;
  }
  if (well) return own;
  tl_nats_config_unref(own);
  return NULL;
}

int tl_nats_sender_new (tl_nats_sender **out, tl_outlet *o, const tl_outlet_config *config,
                        uint64_t spool) {
  tl_nats_sender *s = calloc(1, sizeof *s);
  if (s) s->config = copy_config(config);
  if (!s || !s->config) {
    free(s);
    return TL_ENOMEM;
  }
  s->outlet = o;
  s->spool = spool;
  *out = s;
  return TL_OK;
}

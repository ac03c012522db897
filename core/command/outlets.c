/* core/command/outlets.c — see outlets.h. */
#include "command/outlets.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "history/sender.h"
#include "outlet/collect.h"

enum { OUTLETS_MOST = 16 };

typedef struct entry {
  struct entry *next;
  tl_outlets *owner;
  tl_outlet *outlet; /* NULL: closed */
  void *sender;
  tl_buf definition; /* the config's words, to see whether they changed */
  char name[64];
  bool wanted, closing;
  bool is_history;
} entry;

struct tl_outlets {
  tl_loop *loop;
  tl_gateway *gateway;
  tl_outlet_hooks hooks;
  tl_spool *spool;
  tl_buf folder;
  tl_collect *collect;
  entry *list;
  tl_timer *deadline;
  unsigned open; /* outlets that are not closed yet */
  unsigned busy; /* of those that hurry */
  bool stopping, closed;
  void (*done)(void *ctx);
  void *done_ctx;
};

static void on_written (void *ctx) {
  tl_outlets *o = ctx;
  for (entry *e = o->list; e; e = e->next)
    if (e->outlet && !e->closing) tl_outlet_poke(e->outlet);
}

/* --- one outlet --- */

/* Its words, each with its length: two definitions are alike when these are. */
static void define (tl_buf *out, const tl_outlet_config *c) {
  const tl_slice parts[] = { c->kind, c->file,   c->postgres, c->password, c->schema,
                             c->nats, c->stream, c->subject,  c->user,     c->tls_ca_file };
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
    tl_buf_fmt(out, "%zu:", parts[i].len);
    tl_buf_slice(out, parts[i]);
  }
  for (size_t i = 0; i < c->tag_count; i++) {
    tl_buf_fmt(out, "t%zu:", c->tags[i].len);
    tl_buf_slice(out, c->tags[i]);
  }
}

static int start_history (tl_outlets *o, entry *e, const tl_outlet_config *c, tl_err *err) {
  tl_history_sender *sender;
  tl_buf path;
  int rc = tl_outlet_new(&e->outlet, o->loop, o->spool, e->name, &tl_history_kind, err);
  if (rc < 0) return rc;
  tl_buf_init(&path);
  tl_buf_slice(&path, c->file);
  tl_buf_byte(&path, '\0');
  rc = path.failed ? TL_ENOMEM
                   : tl_history_sender_new(&sender, e->outlet, (const char *)path.at, c->keep_ms,
                                           tl_spool_id(o->spool));
  tl_buf_fini(&path);
  if (rc < 0) return tl_fail(err, rc, 0, "no memory for the history");
  e->sender = sender;
  e->is_history = true;
  tl_outlet_start(e->outlet, sender);
  return TL_OK;
}

static int start_entry (tl_outlets *o, const tl_outlet_config *c, tl_err *err) {
  entry *e = calloc(1, sizeof *e);
  if (!e) return tl_fail(err, TL_ENOMEM, 0, "no memory for an outlet");
  e->owner = o;
  snprintf(e->name, sizeof e->name, "%.*s", TL_ARG(c->name));
  tl_buf_init(&e->definition);
  define(&e->definition, c);
  int rc = tl_slice_eq(c->kind, TL_LIT("history"))
               ? start_history(o, e, c, err)
               : tl_fail(err, TL_ENOENT, 0, "outlet '%s': this program is built without %.*s",
                         e->name, TL_ARG(c->kind));
  if (rc < 0) {
    tl_buf_fini(&e->definition);
    free(e);
    return rc;
  }
  e->wanted = true;
  e->next = o->list;
  o->list = e;
  o->open++;
  return TL_OK;
}

static void all_closed (tl_outlets *o) {
  if (!o->stopping || o->open > 0 || o->closed) return;
  o->closed = true;
  if (o->done) o->done(o->done_ctx);
}

static void on_closed (void *ctx) {
  entry *e = ctx;
  tl_outlets *o = e->owner;
  entry **at = &o->list;
  while (*at != e) at = &(*at)->next;
  *at = e->next;
  tl_buf_fini(&e->definition);
  free(e);
  o->open--;
  all_closed(o);
}

static void close_entry (entry *e) {
  if (e->closing) return;
  e->closing = true;
  tl_outlet_close(e->outlet, on_closed, e);
}

/* --- a config --- */

static entry *find (const tl_outlets *o, tl_slice name) {
  for (entry *e = o->list; e; e = e->next)
    if (!e->closing && tl_slice_eq(tl_slice_str(e->name), name)) return e;
  return NULL;
}

static bool is_same (const entry *e, const tl_outlet_config *c) {
  tl_buf now;
  tl_buf_init(&now);
  define(&now, c);
  bool same = !now.failed && tl_slice_eq(tl_buf_bytes(&now), tl_buf_bytes(&e->definition));
  tl_buf_fini(&now);
  return same;
}

static int open_spool (tl_outlets *o, const tl_outlets_config *c, tl_err *err) {
  tl_spool_found found;
  tl_buf_clear(&o->folder);
  tl_buf_slice(&o->folder, c->spool);
  tl_buf_byte(&o->folder, '\0');
  if (o->folder.failed) return tl_fail(err, TL_ENOMEM, 0, "no memory for the spool");
  tl_spool_options options = { (const char *)o->folder.at, c->spool_max, c->spool_hold };
  int rc = tl_spool_open(&o->spool, &options, tl_clock_wall_ms(), &found, err);
  if (rc < 0) return rc;
  if (found.cut_bytes > 0)
    tl_log(TL_LOG_WARN, "spool",
           "%llu bytes at the end of '%s' were damaged or not written whole: they are cut off",
           (unsigned long long)found.cut_bytes, (const char *)o->folder.at);
  rc = tl_collect_new(&o->collect, o->gateway, o->loop, o->spool, on_written, o);
  return rc < 0 ? tl_fail(err, rc, 0, "no memory for the spool") : TL_OK;
}

static void close_spool (tl_outlets *o) {
  tl_collect_free(o->collect);
  o->collect = NULL;
  tl_spool_close(o->spool);
  o->spool = NULL;
}

static bool is_other_spool (const tl_outlets *o, const tl_outlets_config *c) {
  return o->spool && o->folder.len > 0 &&
         !tl_slice_eq(tl_slice_of(o->folder.at, o->folder.len - 1), c->spool);
}

static void close_unwanted (tl_outlets *o) {
  for (entry *e = o->list, *next; e; e = next) {
    next = e->next;
    if (e->wanted || e->closing) continue;
    tl_log(TL_LOG_INFO, e->name, "the outlet is closed; its place in the spool is kept for a day");
    close_entry(e);
  }
}

static bool apply (void *ctx, const tl_outlets_config *c, tl_err *err) {
  tl_outlets *o = ctx;
  int rc = TL_OK;
  if (c->count > OUTLETS_MOST)
    rc = tl_fail(err, TL_EFULL, 0, "at most %d outlets, got %zu", OUTLETS_MOST, c->count);
  else if (c->count > 0 && is_other_spool(o, c))
    rc = tl_fail(err, TL_ESTATE, 0, "another spool folder counts from the next start on");
  if (rc < 0) return false;
  for (entry *e = o->list; e; e = e->next) e->wanted = false;
  if (c->count > 0 && !o->spool) rc = open_spool(o, c, err);
  if (rc >= 0 && o->spool && c->count > 0) tl_spool_set(o->spool, c->spool_max, c->spool_hold);
  for (size_t i = 0; rc >= 0 && i < c->count; i++) {
    entry *e = find(o, c->outlets[i].name);
    if (e && is_same(e, &c->outlets[i])) {
      e->wanted = true;
      if (e->is_history) tl_history_sender_set_keep(e->sender, c->outlets[i].keep_ms);
    } else if (!e) {
      rc = start_entry(o, &c->outlets[i], err);
    } else {
      rc = tl_fail(err, TL_ESTATE, 0, "outlet '%s': give a changed one another name, or start anew",
                   e->name);
    }
  }
  if (rc < 0) return false;
  close_unwanted(o);
  if (o->collect) tl_collect_renew(o->collect);
  return true;
}

static const char *history (void *ctx) {
  const tl_outlets *o = ctx;
  for (const entry *e = o->list; e; e = e->next)
    if (e->is_history && !e->closing) return tl_history_sender_path(e->sender);
  return NULL;
}

static void each_outlet (void *ctx, void (*one)(void *arg, const tl_outlet_facts *f), void *arg) {
  const tl_outlets *o = ctx;
  for (const entry *e = o->list; e; e = e->next) {
    tl_outlet_facts facts;
    if (e->closing) continue;
    tl_outlet_get(e->outlet, &facts);
    one(arg, &facts);
  }
}

static bool spool_facts (void *ctx, tl_spool_facts *out) {
  const tl_outlets *o = ctx;
  tl_collect_facts facts;
  if (!o->spool) return false;
  tl_collect_get(o->collect, &facts);
  *out =
      (tl_spool_facts){ tl_spool_bytes(o->spool), tl_spool_max(o->spool), facts.values, facts.why };
  return true;
}

/* --- life --- */

int tl_outlets_new (tl_outlets **out, tl_loop *loop, tl_gateway *g) {
  tl_outlets *o = calloc(1, sizeof *o);
  if (!o) return TL_ENOMEM;
  o->loop = loop;
  o->gateway = g;
  o->hooks = (tl_outlet_hooks){ apply, history, each_outlet, spool_facts, o };
  tl_buf_init(&o->folder);
  *out = o;
  return TL_OK;
}

const tl_outlet_hooks *tl_outlets_hooks (tl_outlets *o) { return &o->hooks; }

static void close_all (void *ctx) {
  tl_outlets *o = ctx;
  tl_timer_close(o->deadline);
  o->deadline = NULL;
  for (entry *e = o->list, *next; e; e = next) {
    next = e->next;
    close_entry(e);
  }
  all_closed(o);
}

static void on_sent (void *ctx) {
  tl_outlets *o = ctx;
  if (--o->busy == 0) close_all(o);
}

void tl_outlets_stop (tl_outlets *o, int64_t ms, void (*done)(void *ctx), void *ctx) {
  o->stopping = true;
  o->done = done;
  o->done_ctx = ctx;
  for (entry *e = o->list; e; e = e->next) {
    if (e->closing) continue;
    o->busy++;
    tl_outlet_hurry(e->outlet, on_sent, o);
  }
  if (o->busy == 0 || tl_timer_new(&o->deadline, o->loop, close_all, o) < 0)
    close_all(o);
  else
    tl_timer_at(o->deadline, tl_loop_now(o->loop) + ms);
}

void tl_outlets_free (tl_outlets *o) {
  if (!o) return;
  close_spool(o);
  tl_buf_fini(&o->folder);
  free(o);
}

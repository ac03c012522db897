/* core/command/outlets.c — see outlets.h. */
#include "command/outlets.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "command/outlet_words.h"
#include "command/senders.h"
#include "outlet/collect.h"
#include "outlet/sync.h"

enum {
  OUTLETS_MOST = 16,
  LAST_MS = 1000, /* for the last sync, also when the outlets took all the time that there was */
  CLOSE_MS = 500, /* at the end of an outlet's time: to be closed */
  HELD_MS = 5000  /* an outlet that takes longer to close is told as one that is away */
};

typedef struct entry {
  struct entry *next;
  tl_outlets *owner;
  tl_outlet *outlet;
  void *sender;
  const tl_sender_maker *maker;
  tl_outlet_words *words;  /* the config's, with which it runs */
  tl_outlet_words *anew;   /* those with which it begins again once it is closed; NULL: it goes */
  tl_outlet_totals totals; /* they never fall, also when it begins anew */
  int64_t closing_since;   /* tl_loop_now */
  char name[64];
  bool wanted, closing;
} entry;

struct tl_outlets {
  tl_loop *loop;
  tl_gateway *gateway;
  tl_outlet_hooks hooks;
  tl_spool *spool;
  tl_buf folder;
  tl_collect *collect;
  tl_sync *sync;
  entry *list;
  tl_timer *deadline;
  int64_t until; /* tl_loop_now: so long the end waits */
  unsigned open; /* outlets that are not closed yet */
  unsigned busy; /* of those that hurry */
  /* ending: all outlets were asked to close; closed: all are, or are waited for no longer */
  bool stopping, ending, closed;
  bool pressed; /* somebody asked again while they close */
  void (*done)(void *ctx);
  void *done_ctx;
};

/* Values are in the spool, or on the disk. */
static void poke_all (void *ctx) {
  tl_outlets *o = ctx;
  for (entry *e = o->list; e; e = e->next)
    if (e->outlet && !e->closing) tl_outlet_poke(e->outlet);
}

static void on_written (void *ctx) {
  poke_all(ctx);
  tl_sync_poke(((tl_outlets *)ctx)->sync);
}

/* --- one outlet --- */

static int run_entry (tl_outlets *o, entry *e, tl_err *err) {
  int rc =
      tl_sender_make(&e->outlet, &e->sender, &e->maker, o->loop, o->spool, &e->words->config, err);
  if (rc < 0) return rc;
  e->closing = false;
  tl_outlet_count_in(e->outlet, &e->totals);
  tl_outlet_start(e->outlet, e->sender);
  return TL_OK;
}

static void free_entry (entry *e) {
  tl_outlet_words_free(e->words);
  tl_outlet_words_free(e->anew);
  free(e);
}

static int start_entry (tl_outlets *o, const tl_outlet_config *c, tl_err *err) {
  entry *e = calloc(1, sizeof *e);
  int rc = e ? tl_outlet_words_new(&e->words, c) : TL_ENOMEM;
  if (rc < 0) {
    free(e);
    return tl_fail(err, rc, 0, "no memory for an outlet");
  }
  e->owner = o;
  snprintf(e->name, sizeof e->name, "%.*s", TL_ARG(c->name));
  rc = run_entry(o, e, err);
  if (rc < 0) {
    free_entry(e);
    return rc;
  }
  e->wanted = true;
  e->next = o->list;
  o->list = e;
  o->open++;
  return TL_OK;
}

static void on_synced_at_last (void *ctx) {
  tl_outlets *o = ctx;
  void (*done)(void *) = o->done;
  tl_timer_close(o->deadline);
  o->deadline = NULL;
  o->done = NULL;
  if (done) done(o->done_ctx);
}

/* What outlets have not delivered stays in the spool, and is synced there. */
static void sync_at_last (tl_outlets *o) {
  o->closed = true;
  int64_t last = tl_loop_now(o->loop) + LAST_MS;
  if (o->deadline) tl_timer_at(o->deadline, last > o->until ? last : o->until);
  if (o->sync)
    tl_sync_close(o->sync, on_synced_at_last, o);
  else
    on_synced_at_last(o);
}

static void all_closed (tl_outlets *o) {
  if (o->stopping && o->open == 0 && !o->closed) sync_at_last(o);
}

static void on_sent (void *ctx);

/* It has other words now: the same cursor goes on, also while the process ends and waits for what
** is sent. */
static bool begin_anew (tl_outlets *o, entry *e) {
  tl_err err = { .text = "" };
  if (!e->anew || o->ending) return false;
  tl_outlet_words_free(e->words);
  e->words = e->anew;
  e->anew = NULL;
  bool runs = run_entry(o, e, &err) == TL_OK;
  if (runs && o->stopping) tl_outlet_hurry(e->outlet, on_sent, o);
  if (runs) return true;
  tl_log(TL_LOG_ERROR, e->name, "%s; its values wait in the spool for a day", err.text);
  if (o->stopping) on_sent(o);
  return false;
}

static void on_closed (void *ctx) {
  entry *e = ctx;
  tl_outlets *o = e->owner;
  if (begin_anew(o, e)) return;
  entry **at = &o->list;
  while (*at != e) at = &(*at)->next;
  *at = e->next;
  free_entry(e);
  o->open--;
  all_closed(o);
}

static void close_entry (entry *e) {
  if (e->closing) return;
  e->closing = true;
  e->closing_since = tl_loop_now(e->owner->loop);
  tl_outlet_close(e->outlet, on_closed, e);
}

/* --- a config --- */

static entry *find (const tl_outlets *o, tl_slice name) {
  for (entry *e = o->list; e; e = e->next)
    if (tl_slice_eq(tl_slice_str(e->name), name)) return e;
  return NULL;
}

static void close_spool (tl_outlets *o) {
  tl_collect_free(o->collect);
  o->collect = NULL;
  if (tl_sync_free(o->sync)) tl_spool_close(o->spool);
  o->sync = NULL;
  o->spool = NULL;
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
  if (found.power_failed)
    tl_log(TL_LOG_WARN, "spool",
           "the machine stopped while '%s' was in use: values that came in about the last second "
           "before may be missing",
           (const char *)o->folder.at);
  rc = tl_sync_new(&o->sync, o->loop, o->spool, poke_all, o);
  if (rc >= 0) rc = tl_collect_new(&o->collect, o->gateway, o->loop, o->spool, on_written, o);
  if (rc < 0) {
    close_spool(o); /* without a collector nothing would be recorded, and nobody would tell */
    return tl_fail(err, rc, 0, "no memory for the spool");
  }
  tl_sync_poke(o->sync); /* what an earlier process left */
  return TL_OK;
}

/* Report a change that a reload makes, as text. */
static void report (const tl_outlets_change *change, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static void report (const tl_outlets_change *change, const char *fmt, ...) {
  char text[400];
  va_list args;
  if (!change || !change->changed) return;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  change->changed(change->ctx, text);
}

static bool is_other_spool (const tl_outlets *o, const tl_outlets_config *c) {
  return c->count > 0 && o->spool && o->folder.len > 0 &&
         !tl_slice_eq(tl_slice_of(o->folder.at, o->folder.len - 1), c->spool);
}

static bool is_running_as (const entry *e, const tl_outlet_config *c) {
  return !e->closing && tl_outlet_words_same(e->words, c);
}

/* Give the outlet new settings. If it is still closing because of an earlier change, the latest
** settings count. */
static int change_entry (entry *e, const tl_outlet_config *c, tl_err *err) {
  tl_outlet_words *words;
  if (tl_outlet_words_new(&words, c) < 0)
    return tl_fail(err, TL_ENOMEM, 0, "no memory for an outlet");
  tl_outlet_words_free(e->anew);
  e->anew = words;
  close_entry(e);
  return TL_OK;
}

static int apply_outlet (tl_outlets *o, const tl_outlet_config *c, const tl_outlets_change *change,
                         tl_err *err) {
  entry *e = find(o, c->name);
  bool dry = change && change->dry;
  if (!e) {
    int rc = dry ? TL_OK : start_entry(o, c, err);
    if (rc >= 0) report(change, "outlet '%.*s' added", TL_ARG(c->name));
    return rc;
  }
  e->wanted = true; /* also where there is no memory to change it: it goes on as it is */
  if (is_running_as(e, c)) {
    if (tl_sender_is_tuned(e->maker) && e->words->config.keep_ms != c->keep_ms)
      report(change, "outlet '%s' changed: keep", e->name);
    if (!dry) {
      e->words->config.keep_ms = c->keep_ms;
      tl_sender_tune(e->maker, e->sender, c);
    }
    return TL_OK;
  }
  report(change, "outlet '%s' changed: it starts again, and goes on where it was", e->name);
  return dry ? TL_OK : change_entry(e, c, err);
}

static void drop_unwanted (tl_outlets *o, const tl_outlets_change *change) {
  for (entry *e = o->list, *next; e; e = next) {
    next = e->next;
    if (e->wanted || (e->closing && !e->anew)) continue;
    report(change, "outlet '%s' removed; its place in the spool is kept for a day", e->name);
    if (change && change->dry) continue;
    tl_log(TL_LOG_INFO, e->name, "the outlet is closed; its place in the spool is kept for a day");
    tl_outlet_words_free(e->anew);
    e->anew = NULL;
    close_entry(e);
  }
}

static void tell_spool (const tl_outlets *o, const tl_outlets_config *c,
                        const tl_outlets_change *change) {
  bool max = tl_spool_max(o->spool) != c->spool_max;
  bool hold = tl_spool_holds(o->spool) != c->spool_hold;
  if (max || hold)
    report(change, "spool changed: %s%s%s", max ? "max" : "", max && hold ? ", " : "",
           hold ? "when_full" : "");
}

static void warn_of_folder (const tl_outlets *o, const tl_outlets_change *change) {
  const char *folder = (const char *)o->folder.at;
  report(change, "spool: another folder counts from the next start on; until then it is '%s'",
         folder);
  tl_log(TL_LOG_WARN, "spool",
         "another folder counts from the next start on; until then it is '%s'", folder);
}

/* Start, change and close the outlets as the config wants. A failure of one does not keep the
** others from starting; the first failure is reported. */
static bool apply (void *ctx, const tl_outlets_config *c, const tl_outlets_change *change,
                   tl_err *err) {
  tl_outlets *o = ctx;
  bool dry = change && change->dry;
  int rc = TL_OK;
  if (c->count > OUTLETS_MOST)
    return tl_fail(err, TL_EFULL, 0, "at most %d outlets, got %zu", OUTLETS_MOST, c->count) == 0;
  if (is_other_spool(o, c)) warn_of_folder(o, change);
  for (entry *e = o->list; e; e = e->next) e->wanted = false;
  if (c->count > 0 && !o->spool && !dry) rc = open_spool(o, c, err);
  if (rc < 0) return false;
  if (o->spool && c->count > 0) tell_spool(o, c, change);
  if (o->spool && c->count > 0 && !dry) tl_spool_set(o->spool, c->spool_max, c->spool_hold);
  for (size_t i = 0; i < c->count; i++) {
    tl_err one = { .text = "" };
    int failed = apply_outlet(o, &c->outlets[i], change, &one);
    if (failed < 0 && rc >= 0) *err = one;
    if (failed < 0) rc = failed;
  }
  drop_unwanted(o, change);
  if (o->collect && !dry) tl_collect_renew(o->collect);
  return rc >= 0;
}

static const char *history (void *ctx) {
  const tl_outlets *o = ctx;
  for (const entry *e = o->list; e; e = e->next) {
    const char *path = e->closing ? NULL : tl_sender_history(e->maker, e->sender);
    if (path) return path;
  }
  return NULL;
}

static bool stored (void *ctx, tl_history_facts *out) {
  const tl_outlets *o = ctx;
  for (const entry *e = o->list; e; e = e->next)
    if (!e->closing && tl_sender_stored(e->maker, e->sender, out)) return true;
  return false;
}

/* Does it take long to close one that is to begin anew? */
static bool is_held (const tl_outlets *o, const entry *e) {
  return e->anew && tl_loop_now(o->loop) - e->closing_since >= HELD_MS;
}

static void each_outlet (void *ctx, void (*one)(void *arg, const tl_outlet_facts *f), void *arg) {
  const tl_outlets *o = ctx;
  for (const entry *e = o->list; e; e = e->next) {
    tl_outlet_facts facts;
    if (e->closing && !is_held(o, e)) continue;
    tl_outlet_get(e->outlet, &facts);
    if (e->closing) {
      facts.up = false;
      facts.since = e->closing_since;
      facts.why = "its disk or server holds what it did before the reload";
    }
    one(arg, &facts);
  }
}

static bool spool_facts (void *ctx, tl_spool_facts *out) {
  const tl_outlets *o = ctx;
  tl_collect_facts facts;
  if (!o->spool) return false;
  tl_collect_get(o->collect, &facts);
  uint64_t bytes = tl_spool_bytes(o->spool), max = tl_spool_max(o->spool);
  *out = (tl_spool_facts){ .bytes = bytes,
                           .max_bytes = max,
                           .values = facts.values,
                           .why = facts.why,
                           .unsynced = tl_sync_why(o->sync),
                           .rate = facts.rate };
  if (facts.rate > 0) out->lasts = (bytes < max ? (double)(max - bytes) : 0) / facts.rate;
  return true;
}

/* --- life --- */

int tl_outlets_new (tl_outlets **out, tl_loop *loop, tl_gateway *g) {
  tl_outlets *o = calloc(1, sizeof *o);
  if (!o) return TL_ENOMEM;
  o->loop = loop;
  o->gateway = g;
  o->hooks = (tl_outlet_hooks){ apply, history, each_outlet, spool_facts, stored, o };
  tl_buf_init(&o->folder);
  *out = o;
  return TL_OK;
}

const tl_outlet_hooks *tl_outlets_hooks (tl_outlets *o) { return &o->hooks; }

static void close_all (tl_outlets *o) {
  o->ending = true;
  for (entry *e = o->list, *next; e; e = next) {
    next = e->next;
    close_entry(e);
  }
  all_closed(o);
}

static void close_within (tl_outlets *o) {
  if (o->closed || !o->deadline) return;
  o->until = tl_loop_now(o->loop) + CLOSE_MS;
  tl_timer_at(o->deadline, o->until);
}

/* The time is over. At first outlets send nothing more. If they do not close (a disk or a server
** holds their threads), the spool is synced without them. At last that is not waited for. */
static void hurry_on (void *ctx) {
  tl_outlets *o = ctx;
  if (o->closed) {
    if (o->sync) {
      tl_log(TL_LOG_WARN, "spool",
             "the disk takes too long to sync: ended without it; a power failure now may take the "
             "last values");
      tl_sync_give_up(o->sync);
    }
  } else if (o->ending) {
    tl_log(
        TL_LOG_WARN, "outlets",
        "%u cannot close, held by a disk or server: ended without; what they lack is in the spool",
        o->open);
    sync_at_last(o);
  } else {
    close_all(o);
    close_within(o);
  }
}

/* Somebody asks again. */
static void end_now (tl_outlets *o) {
  if (!o->ending || o->closed)
    hurry_on(o);
  else if (!o->pressed)
    close_within(o);
  o->pressed = true;
}

static void on_sent (void *ctx) {
  tl_outlets *o = ctx;
  if (--o->busy > 0) return;
  close_all(o);
  if (o->until - tl_loop_now(o->loop) < CLOSE_MS) close_within(o);
}

void tl_outlets_stop (tl_outlets *o, int64_t ms, void (*done)(void *ctx), void *ctx) {
  if (o->stopping) {
    end_now(o);
    return;
  }
  o->stopping = true;
  o->done = done;
  o->done_ctx = ctx;
  o->until = tl_loop_now(o->loop) + ms;
  (void)!tl_timer_new(&o->deadline, o->loop, hurry_on, o); /* without: at once */
  if (o->sync) tl_sync_hurry(o->sync);
  for (entry *e = o->list; e; e = e->next) {
    if (e->closing && !e->anew) continue;
    o->busy++;
    if (!e->closing) tl_outlet_hurry(e->outlet, on_sent, o);
  }
  if (o->deadline) tl_timer_at(o->deadline, ms > CLOSE_MS ? o->until - CLOSE_MS : o->until);
  if (o->busy == 0 || !o->deadline) close_all(o);
}

bool tl_outlets_are_held (const tl_outlets *o) {
  return o && (o->open > 0 || (o->sync && tl_sync_is_busy(o->sync)));
}

void tl_outlets_free (tl_outlets *o) {
  if (!o) return;
  if (o->open > 0) { /* their threads have the rest, until the process ends */
    tl_collect_free(o->collect);
    return;
  }
  tl_timer_close(o->deadline);
  close_spool(o);
  tl_buf_fini(&o->folder);
  free(o);
}

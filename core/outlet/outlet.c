/* core/outlet/outlet.c — the life of one outlet: away, open, reading, storing. See outlet.h.
** A value comes here from outlet/collect.c through the spool; on_read() hands it to the sender. */
#include "outlet/outlet.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "model/model.h"
#include "net/work.h"
#include "outlet/batch.h"
#include "outlet/refused.h"

enum { BACKOFF_MS = 1000, BACKOFF_MAX_MS = 60000, REST_MS = 1000, LOST_MS = 60000 };
enum { READ_TRIES = 10 }; /* over some five minutes */

typedef enum {
  AWAY,    /* waits for the next attempt */
  OPENING, /* the sender was asked to open */
  IDLE,    /* open; nothing is under way */
  READING, /* a thread reads the spool */
  STORING, /* the sender has a batch */
  CLOSING, /* the sender was asked to close */
  CLOSED
} outlet_state;

/* What threads of the pool have. */
typedef struct {
  tl_fetch *fetch;
  tl_spool_gone gone;
  bool reading;  /* one has `fetch` */
  bool sweeping; /* one has `gone` */
  bool counting; /* one has `refused` of the outlet */
} threads;

/* What tl_outlet_get() tells. */
typedef struct {
  bool up;
  int64_t waiting_since; /* wall: when the oldest value arrived that is not stored; 0: none */
  char why[256];
} facts;

typedef struct {
  void (*call)(void *ctx);
  void *ctx;
} notice;

struct tl_outlet {
  tl_loop *loop;
  tl_spool *spool;
  tl_cursor *cursor;
  tl_sender kind;
  void *sender;
  tl_timer *timer;
  outlet_state state;
  threads threads;
  bool storing;        /* the sender has `batch` */
  bool open;           /* the sender is */
  bool proven;         /* since then something was stored, or nothing waited */
  bool doubted;        /* the last time nothing was: it is there again once it is proven */
  bool unread;         /* the spool could not be read: tried again at `due` */
  uint64_t unreadable; /* the segment that the disk cannot read; 0: none */
  int tries;           /* to read it, in a row */
  bool unlooked;       /* what was put aside earlier is still to be read */
  bool hurried, closing, refused_logged, aside_logged;
  int64_t backoff, due;  /* due: when values that gather are sent; INT64_MAX: none do */
  int64_t since, handed; /* handed: when the sender got `batch` */
  tl_outlet_batch batch;
  uint64_t left_out; /* of this batch */
  uint64_t too_old;  /* of this batch */
  uint64_t damaged;  /* of its hole: values that could not be read */
  uint64_t hole;     /* as find_hole() told last, until it is stored; 0: none */
  uint64_t lost;     /* as tell_lost() told last; 0: none */
  int64_t lost_told; /* when */
  facts facts;
  tl_refused *refused;
  tl_outlet_totals *totals; /* own_totals, or the caller's */
  tl_outlet_totals own_totals;
  char name[64];
  notice done, closed;
};

static void go_on (tl_outlet *o);
static void look_at_refused (tl_outlet *o);

static bool is_behind (const tl_outlet *o) {
  return tl_cursor_at(o->cursor) < tl_spool_next(o->spool);
}

/* Values that wait in the spool: those that it dropped wait no longer. */
static uint64_t behind (const tl_outlet *o) {
  uint64_t at = tl_cursor_at(o->cursor), oldest = tl_spool_oldest(o->spool);
  return tl_spool_next(o->spool) - (at > oldest ? at : oldest);
}

/* All values below `next` are where they should be, or are told there as dropped. */
static void move (tl_outlet *o, uint64_t next) {
  uint64_t before = tl_cursor_lost(o->cursor).count;
  tl_cursor_move(o->cursor, next);
  tl_refused_pass(o->refused, next);
  o->totals->dropped += before - tl_cursor_lost(o->cursor).count;
}

/* Tell that a full spool drops values of an outlet that is away or stuck, at once and then each
** minute. on_read() tells of all of them. */
static void tell_lost (tl_outlet *o) {
  uint64_t lost = tl_cursor_lost(o->cursor).count;
  int64_t now = tl_loop_now(o->loop);
  if (lost == 0) o->lost = 0;
  if (lost <= o->lost || (o->lost > 0 && now - o->lost_told < LOST_MS)) return;
  o->lost = lost;
  o->lost_told = now;
  tl_log(TL_LOG_WARN, o->name, "%llu %s lost so far: the spool is full, and drops the oldest",
         (unsigned long long)o->lost, o->lost == 1 ? "value is" : "values are");
}

static void report_done (tl_outlet *o) {
  notice done = o->done;
  o->done.call = NULL;
  if (done.call) done.call(done.ctx);
}

/* It is tried again once the back-off is over, with up to a quarter more, so that many processes do
** not come back to one server at the same moment. */
static void wait_for_next (tl_outlet *o, outlet_state meanwhile) {
  int64_t jitter = (int64_t)(tl_clock_mono_ns() / 1000 % 1000) * o->backoff / 4000;
  o->state = meanwhile;
  o->due = tl_loop_now(o->loop) + (o->hurried ? 0 : o->backoff + jitter);
  o->backoff = o->backoff * 2 < BACKOFF_MAX_MS ? o->backoff * 2 : BACKOFF_MAX_MS;
  tl_timer_at(o->timer, o->due);
}

/* --- there and away, as it is told --- */

static void be_there (tl_outlet *o) {
  uint64_t n = behind(o);
  o->backoff = BACKOFF_MS;
  if (!o->facts.up) o->since = tl_loop_now(o->loop);
  if (o->totals->away)
    tl_log(TL_LOG_INFO, o->name, "there again; %llu %s", (unsigned long long)n,
           n == 1 ? "value waits" : "values wait");
  o->facts.up = true;
  o->totals->away = false;
  o->facts.why[0] = '\0';
}

/* Values come through. An outlet that opens each time, and then fails, is not there again. */
static void prove (tl_outlet *o) {
  o->proven = true;
  if (o->doubted) be_there(o);
  o->doubted = false;
}

static void be_away (tl_outlet *o, const char *why) {
  if (o->facts.up || strcmp(why, o->facts.why) != 0)
    tl_log(TL_LOG_WARN, o->name, "%s; values wait in the spool", why);
  if (o->facts.up) o->since = tl_loop_now(o->loop);
  snprintf(o->facts.why, sizeof o->facts.why, "%s", why);
  o->facts.up = false;
  o->totals->away = true;
  if (o->open && !o->proven) o->doubted = true;
}

/* Once no thread has anything of ours. */
static void close_sender (tl_outlet *o) {
  if (o->threads.reading || o->threads.sweeping || o->threads.counting) return;
  o->state = CLOSING;
  o->kind.close(o->sender);
}

/* --- segments that all outlets have passed --- */

/* On a thread of the pool. */
static void unlink_gone (void *ctx) { tl_spool_unlink(&((tl_outlet *)ctx)->threads.gone); }

static void sweep (tl_outlet *o);

static void on_swept (void *ctx) {
  tl_outlet *o = ctx;
  o->threads.sweeping = false;
  if (o->closing)
    close_sender(o);
  else
    sweep(o);
}

static void sweep (tl_outlet *o) {
  if (o->threads.sweeping || !tl_spool_take_gone(o->spool, &o->threads.gone)) return;
  o->threads.sweeping = true;
  if (tl_work_start(o->loop, unlink_gone, on_swept, o) == TL_OK) return;
  o->threads.sweeping = false;
  unlink_gone(o);
}

/* --- reading --- */

/* The hole in front of the batch: values that were dropped until now, and those that it should have
** had, but are damaged. */
static void find_hole (tl_outlet *o) {
  tl_outlet_batch *b = &o->batch;
  /* what the spool dropped meanwhile is counted there */
  bool dropped = tl_fetch_is_gone(o->threads.fetch) && tl_spool_oldest(o->spool) > b->segment;
  if (dropped) b->hole.count = 0;
  tl_cursor_take(o->cursor, dropped ? b->first : b->next);
  o->damaged = b->hole.count;
  tl_spool_lost lost = tl_cursor_tell(o->cursor, b->next);
  tl_spool_lose(&b->hole, &lost);
  if (b->hole.count == 0) return;
  int64_t came = tl_fetch_arrival(o->threads.fetch);
  if (b->hole.from_ms > b->hole.to_ms)
    b->hole.from_ms = b->hole.to_ms = came > 0 ? came : tl_clock_wall_ms();
  if (b->hole.count > o->hole) /* not each time that the batch comes again */
    tl_log(TL_LOG_WARN, o->name, "%llu %s lost: the spool was full, or is damaged",
           (unsigned long long)b->hole.count, b->hole.count == 1 ? "value is" : "values are");
  o->hole = b->hole.count;
}

/* The sender stays open, and reading is tried again. */
static void cannot_read (tl_outlet *o, const char *why) {
  o->unread = true;
  o->proven = false;
  tl_cursor_take(o->cursor, 0);
  be_away(o, why);
  wait_for_next(o, IDLE);
}

/* The disk cannot read a segment, which may be for ever. After some minutes in which all attempts
** failed it is passed as damaged, unless nothing can be written either: the disk may come back
** then. Values that come get another segment at once: they would be lost with this one. */
static void cannot_read_segment (tl_outlet *o, int rc) {
  char why[sizeof o->facts.why];
  uint64_t segment = o->batch.segment;
  if (o->unreadable != segment) o->tries = 0;
  o->unreadable = segment;
  tl_spool_leave_segment(o->spool, segment);
  if (o->tries < READ_TRIES && !tl_spool_is_dirty(o->spool)) o->tries++;
  if (o->tries == READ_TRIES)
    tl_log(TL_LOG_ERROR, o->name, "'%016llx.spool' is passed as damaged: %s",
           (unsigned long long)segment, strerror(-rc));
  snprintf(why, sizeof why,
           "'%016llx.spool' cannot be read: %s: look at the spool's disk (it is tried %d times, "
           "then passed as damaged)",
           (unsigned long long)segment, strerror(-rc), READ_TRIES);
  cannot_read(o, why);
}

static void on_read (void *ctx) {
  tl_outlet *o = ctx;
  o->threads.reading = false;
  if (o->closing) {
    close_sender(o);
    return;
  }
  if (!o->open) { /* it went away meanwhile */
    tl_cursor_take(o->cursor, 0);
    wait_for_next(o, AWAY);
    return;
  }
  int rc = tl_fetch_result(o->threads.fetch, &o->batch);
  o->batch.doubt = tl_cursor_doubt(o->cursor);
  if (tl_is_unreadable(rc)) {
    cannot_read_segment(o, rc);
    return;
  }
  if (rc < 0) {
    char why[120];
    snprintf(why, sizeof why, "the spool cannot be read: %s",
             rc == TL_ENOMEM ? "no memory" : strerror(-rc));
    cannot_read(o, why);
    return;
  }
  if (o->batch.count > 0) o->unreadable = 0; /* the next failure is the first one */
  find_hole(o);
  o->facts.waiting_since = tl_fetch_arrival(o->threads.fetch);
  o->state = STORING;
  o->storing = true;
  o->handed = tl_loop_now(o->loop);
  o->left_out = o->too_old = 0;
  if (o->batch.count == 0 && o->batch.hole.count == 0)
    tl_outlet_stored(o); /* nothing for this one */
  else
    o->kind.store(o->sender, &o->batch);
}

/* On a thread of the pool. */
static void read_batch (void *ctx) { tl_fetch_run(((tl_outlet *)ctx)->threads.fetch); }

static void read_on (tl_outlet *o) {
  tl_spool_place place;
  if (o->threads.counting) return; /* on_counted() comes again */
  if (o->unlooked) {
    cannot_read(o, "no memory");
    return;
  }
  /* not synced yet: tl_outlet_poke() comes again */
  if (!tl_spool_where_synced(o->spool, tl_cursor_at(o->cursor), &place)) return;
  tl_fetch_prepare(o->threads.fetch, &place, tl_spool_id(o->spool));
  if (place.first == o->unreadable && o->tries == READ_TRIES) tl_fetch_give_up(o->threads.fetch);
  o->due = INT64_MAX;
  o->unread = false;
  if (tl_work_start(o->loop, read_batch, on_read, o) < 0) {
    cannot_read(o, "no memory");
    return;
  }
  tl_cursor_take(o->cursor, place.until);
  o->threads.reading = true;
  o->state = READING;
}

/* --- what comes next --- */

static void on_timer (void *ctx) { go_on(ctx); }

static void open_sender (tl_outlet *o) {
  o->state = OPENING;
  o->kind.open(o->sender);
}

/* Values gather for a while, unless there are many or somebody waits for all of them. */
static bool is_time (const tl_outlet *o, int64_t now) {
  return o->hurried || (behind(o) >= o->kind.most && !o->unread) || now >= o->due;
}

static void go_on (tl_outlet *o) {
  int64_t now = tl_loop_now(o->loop);
  if (o->unlooked && !o->closing) look_at_refused(o);
  bool fails = o->state == AWAY || (o->state == IDLE && o->unread);
  if (fails && o->hurried) { /* there is nothing to wait for */
    report_done(o);
    return;
  }
  if (o->state == AWAY && !o->closing && now >= o->due) open_sender(o);
  if (o->state == AWAY) tl_timer_at(o->timer, o->due);
  if (o->state != IDLE) return;
  if (!is_behind(o)) {
    o->due = INT64_MAX;
    o->facts.waiting_since = 0;
    o->unread = false;
    prove(o);
    if (o->kind.rest) o->kind.rest(o->sender);
    tl_timer_at(o->timer, o->kind.rest ? now + REST_MS : INT64_MAX);
    report_done(o);
    return;
  }
  if (o->due == INT64_MAX) o->due = now + o->kind.delay_ms;
  if (is_time(o, now))
    read_on(o);
  else
    tl_timer_at(o->timer, o->due);
}

void tl_outlet_poke (tl_outlet *o) {
  if (o->facts.waiting_since == 0) o->facts.waiting_since = tl_clock_wall_ms();
  tell_lost(o);
  if (o->state == IDLE) go_on(o);
}

void tl_outlet_hurry (tl_outlet *o, void (*done)(void *ctx), void *ctx) {
  o->hurried = true;
  o->unread = false; /* once more */
  o->done = (notice){ done, ctx };
  /* From the loop: `done` never comes from inside. */
  if (o->state == IDLE || o->state == AWAY) tl_timer_at(o->timer, tl_loop_now(o->loop));
}

/* --- life --- */

int tl_outlet_new (tl_outlet **out, tl_loop *loop, tl_spool *spool, const char *name,
                   const tl_sender *kind, tl_err *err) {
  tl_outlet *o = calloc(1, sizeof *o);
  int rc = o ? TL_OK : TL_ENOMEM;
  if (o) {
    o->loop = loop;
    o->spool = spool;
    o->kind = *kind;
    o->state = AWAY;
    o->totals = &o->own_totals;
    o->backoff = BACKOFF_MS;
    o->since = tl_loop_now(loop);
    snprintf(o->name, sizeof o->name, "%s", name);
    rc = tl_fetch_new(&o->threads.fetch, kind->history, kind->most);
    if (rc >= 0) rc = tl_refused_new(&o->refused, spool, name);
    if (rc >= 0) rc = tl_timer_new(&o->timer, loop, on_timer, o);
    if (rc >= 0) rc = tl_cursor_open(&o->cursor, spool, name, err);
  }
  if (rc >= 0) {
    *out = o;
    return TL_OK;
  }
  if (o) {
    tl_fetch_free(o->threads.fetch);
    tl_refused_free(o->refused);
    tl_timer_close(o->timer);
    free(o);
  }
  return rc == TL_ENOMEM ? tl_fail(err, rc, 0, "no memory for an outlet") : rc;
}

void tl_outlet_discard (tl_outlet *o) {
  tl_cursor_close(o->cursor);
  tl_fetch_free(o->threads.fetch);
  tl_refused_free(o->refused);
  tl_timer_close(o->timer);
  free(o);
}

void tl_outlet_count_in (tl_outlet *o, tl_outlet_totals *totals) { o->totals = totals; }

/* --- what earlier processes put aside --- */

/* On a thread of the pool. */
static void count_refused (void *ctx) { tl_refused_read(((tl_outlet *)ctx)->refused); }

static void on_counted (void *ctx) {
  tl_outlet *o = ctx;
  const char *last;
  uint64_t found = tl_refused_found(o->refused, &last);
  o->threads.counting = false;
  if (!o->totals->counted) {
    o->totals->rejected += found;
    snprintf(o->totals->last_rejected, sizeof o->totals->last_rejected, "%s", last);
  }
  o->totals->counted = true;
  if (o->closing)
    close_sender(o);
  else
    go_on(o);
}

/* How many there are, and which of them may be refused again: only then values are sent. Any that
** the spool still has may be: the other side may have been put back to an older copy. Where no
** thread can be had go_on() tries it again. */
static void look_at_refused (tl_outlet *o) {
  if (o->threads.counting) return;
  o->unlooked = false;
  if (!tl_refused_look(o->refused, tl_spool_oldest(o->spool))) {
    o->totals->counted = true;
    return;
  }
  o->threads.counting = tl_work_start(o->loop, count_refused, on_counted, o) == TL_OK;
  if (o->threads.counting) return;
  o->unlooked = true;
  tl_refused_leave(o->refused);
  if (o->state == OPENING) tl_timer_at(o->timer, tl_loop_now(o->loop) + REST_MS);
}

void tl_outlet_start (tl_outlet *o, void *sender) {
  o->sender = sender;
  open_sender(o);
  look_at_refused(o);
}

void tl_outlet_close (tl_outlet *o, void (*closed)(void *ctx), void *ctx) {
  o->closing = true;
  o->closed = (notice){ closed, ctx };
  o->done.call = NULL;
  close_sender(o);
}

static void finish (void *ctx) {
  tl_outlet *o = ctx;
  notice closed = o->closed;
  tl_outlet_discard(o);
  closed.call(closed.ctx);
}

void tl_outlet_closed (tl_outlet *o) {
  o->state = CLOSED;
  if (tl_loop_later(o->loop, finish, o) != TL_OK) finish(o);
}

/* --- the sender's side --- */

/* The other side has a position that the spool has not reached: a power failure took values that
** were delivered without a sync, or an older copy of the folder was put back. Values that come get
** numbers behind it. Those below would count as delivered, once the spool has passed it. */
static void raise_spool (tl_outlet *o, uint64_t applied) {
  tl_log(TL_LOG_WARN, o->name,
         "it has values that the spool does not know: their numbers, until %llu, are passed over",
         (unsigned long long)applied - 1);
  tl_cursor_set_ahead(o->cursor, applied); /* before: it counts after a kill, too */
  tl_spool_raise(o->spool, applied, tl_clock_wall_ms());
}

void tl_outlet_ready (tl_outlet *o, uint64_t applied) {
  if (o->state != OPENING) return;
  o->state = IDLE;
  o->due = tl_loop_now(o->loop); /* what has gathered goes at once */
  o->open = true;
  o->proven = o->unread = false;
  if (!o->doubted) be_there(o);
  if (applied > tl_spool_next(o->spool))
    raise_spool(o, applied);
  else if (applied != tl_cursor_ahead(o->cursor))
    move(o, applied);
  if (applied > 0 && tl_cursor_back(o->cursor, applied)) o->unlooked = true;
  tl_timer_at(o->timer, tl_loop_now(o->loop));
}

void tl_outlet_away (tl_outlet *o, const char *fmt, ...) {
  char text[sizeof o->facts.why];
  va_list args;
  if (o->state == CLOSING || o->state == CLOSED) return;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  be_away(o, text);
  if (o->state == OPENING) o->totals->failures++;
  o->open = o->storing = false;
  if (o->threads.reading) return; /* the batch is thrown away once it is read */
  tl_cursor_take(o->cursor, 0);
  wait_for_next(o, AWAY);
}

void tl_outlet_left_out (tl_outlet *o, uint64_t count) { o->left_out = count; }

void tl_outlet_too_old (tl_outlet *o, uint64_t count) {
  if (count > 0 && o->totals->too_old == 0)
    tl_log(TL_LOG_WARN, o->name,
           "values older than `keep` came: they are not stored (logged once)");
  o->too_old = count;
}

void tl_outlet_stored (tl_outlet *o) {
  if (!o->storing) return;
  o->storing = false;
  o->totals->stored += o->batch.count - o->left_out - o->too_old;
  o->totals->too_old += o->too_old;
  o->totals->dropped += o->damaged;
  o->hole = 0;
  move(o, o->batch.next);
  if (o->state != STORING) return; /* it is being closed */
  sweep(o);
  prove(o);
  o->state = IDLE;
  tl_timer_at(o->timer, tl_loop_now(o->loop)); /* other things of the loop come between */
}

void tl_outlet_rejected (tl_outlet *o, const tl_outlet_value *v, const char *why) {
  int rc;
  snprintf(o->totals->last_rejected, sizeof o->totals->last_rejected, "%.*s: %s",
           TL_ARG(v->series->name), why);
  if (tl_refused_add(o->refused, v, why, &rc)) o->totals->rejected++;
  if (!o->refused_logged)
    tl_log(TL_LOG_WARN, o->name,
           "refused is %s; such values are put aside in the spool, file "
           "'%s.rejected'; the rest goes on",
           o->totals->last_rejected, o->name);
  o->refused_logged = true;
  if (rc < 0 && !o->aside_logged)
    tl_log(TL_LOG_ERROR, o->name, "values that are refused cannot be put aside: %s",
           rc == TL_ENOMEM ? "no memory" : strerror(-rc));
  o->aside_logged = rc < 0;
}

const char *tl_outlet_name (const tl_outlet *o) { return o->name; }
tl_loop *tl_outlet_loop (const tl_outlet *o) { return o->loop; }

void tl_outlet_get (const tl_outlet *o, tl_outlet_facts *out) {
  int64_t lag =
      o->facts.waiting_since > 0 && is_behind(o) ? tl_clock_wall_ms() - o->facts.waiting_since : 0;
  *out = (tl_outlet_facts){ .name = o->name,
                            .kind = o->kind.kind,
                            .up = o->facts.up,
                            .since = o->since,
                            .why = o->facts.why,
                            .behind = behind(o),
                            .failures = o->totals->failures,
                            .stored = o->totals->stored,
                            .too_old = o->totals->too_old,
                            .rejected = o->totals->rejected,
                            .last_rejected = o->totals->last_rejected,
                            .dropped = o->totals->dropped + tl_cursor_lost(o->cursor).count,
                            .held_ms = o->storing ? tl_loop_now(o->loop) - o->handed : 0,
                            .lag_ms = lag > 0 ? lag : 0 };
}

/* core/outlet/outlet.h — carries values from the spool to where they are wanted: what all outlets
** have in common. A sender (an SQLite file, PostgreSQL, NATS) is a table of functions behind it.
**
** The outlet reads a batch on the pool, hands it to the sender, and moves its cursor when the
** sender says that it is stored; so a value is sent again after a break, never left out, and a
** sender must take what it has already as stored. All calls are on the loop's thread. */
#ifndef TL_OUTLET_OUTLET_H
#define TL_OUTLET_OUTLET_H

#include "net/loop.h"
#include "spool/record.h"
#include "spool/spool.h"

typedef struct tl_outlet tl_outlet;

/* A value on its way. `series` lives as long as the batch; its id counts within `segment`. */
typedef struct {
  const tl_series *series;
  uint64_t number; /* in the spool */
  int64_t arrival_ms;
  tl_sample sample;
} tl_outlet_value;

/* A hole: values that the spool dropped before this outlet had them, or that are damaged. */
typedef tl_spool_lost tl_outlet_hole;

typedef struct {
  uint64_t spool;       /* tl_spool_id */
  uint64_t segment;     /* all values are of this one, in which a series keeps its id */
  uint64_t first, next; /* numbers from first up to next - 1, those left out too */
  uint64_t doubt;       /* values below it may have been sent by an earlier process; 0: not said */
  size_t count;
  const tl_outlet_value *values; /* in the order of arrival; may be none */
  tl_outlet_hole hole;           /* in front of the values */
} tl_outlet_batch;

/* What a kind of sender does. `sender` is what was given to tl_outlet_start. */
typedef struct {
  const char *kind; /* "history", "postgres", "nats" */
  bool history;     /* it gets only values that pass the tags' `history` options */
  uint32_t most;    /* values a batch, at most */
  int64_t delay_ms; /* how long values may gather before they are sent */
  /* Open or connect; then tl_outlet_ready() or tl_outlet_away(). */
  void (*open)(void *sender);
  /* Store these, then tl_outlet_stored() or tl_outlet_away(); borrowed until then. */
  void (*store)(void *sender, const tl_outlet_batch *batch);
  /* End whatever is under way and free the sender; then call tl_outlet_closed(). */
  void (*close)(void *sender);
  /* Called when there is nothing to send, for work that is done from time to time. NULL: there is
  ** none. */
  void (*rest)(void *sender);
} tl_sender;

/* A new outlet with this name (unique; of [A-Za-z0-9_-]), without a sender: tl_outlet_start() or
** tl_outlet_discard() comes next. `kind` is copied. */
int tl_outlet_new (tl_outlet **out, tl_loop *loop, tl_spool *spool, const char *name,
                   const tl_sender *kind, tl_err *err);
/* What outlives an outlet: the one that takes its place under the same name counts on. */
typedef struct {
  uint64_t failures, stored, rejected, dropped, too_old; /* as in tl_outlet_facts */
  char last_rejected[256];
  bool counted; /* `rejected` has those of earlier processes, too */
  bool away;    /* the last that was told of it is that it is away */
} tl_outlet_totals;
/* Before the start: count in `totals` (borrowed until `closed` of tl_outlet_close()) instead of
** from 0. */
void tl_outlet_count_in (tl_outlet *o, tl_outlet_totals *totals);
/* Give it its sender, which it owns from here on (kind->close frees it), and begin. Ends with
** tl_outlet_close(). */
void tl_outlet_start (tl_outlet *o, void *sender);
void tl_outlet_discard (tl_outlet *o); /* one that was never started, without a sender */
/* New values are in the spool, or were synced there: only then are they sent. */
void tl_outlet_poke (tl_outlet *o);
/* Send what is there, without waiting for more, until all is sent or it is away (then `done`, from
** the loop) or close(). */
void tl_outlet_hurry (tl_outlet *o, void (*done)(void *ctx), void *ctx);
/* Close it; `closed` comes from the loop, never from inside; the outlet is freed behind it. */
void tl_outlet_close (tl_outlet *o, void (*closed)(void *ctx), void *ctx);

/* --- the sender's side --- */

/* It is open. `applied`: the other side has all values of this spool below this number, and no
** power failure takes them; 0: it does not know. If that is less than was told as stored, the rest
** comes again, as far as the spool has it. */
void tl_outlet_ready (tl_outlet *o, uint64_t applied);
/* It is away, and why (for people; one line). It is opened again after 1 s, then after twice as
** long each time, up to 60 s, until something is stored or nothing waits. What was not told as
** stored comes again. */
void tl_outlet_away (tl_outlet *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The batch is stored. Also to be called if tl_outlet_close() came meanwhile and the batch was
** stored nevertheless. */
void tl_outlet_stored (tl_outlet *o);
/* So many values of the batch, which is stored next, were older than `keep`: they are not there. */
void tl_outlet_too_old (tl_outlet *o, uint64_t count);
/* So many values of the batch, which is stored next, were not meant for the other side: they do not
** count as stored. */
void tl_outlet_left_out (tl_outlet *o, uint64_t count);
/* The other side refused one value (of the batch, or a copy): it is put aside with the reason, but
** once, and counts as stored. `why`: one line, for people. */
void tl_outlet_rejected (tl_outlet *o, const tl_outlet_value *v, const char *why);
/* The value as an object of JSON, as on the values stream. */
void tl_outlet_json (const tl_outlet_value *v, tl_buf *out);
void tl_outlet_closed (tl_outlet *o);
const char *tl_outlet_name (const tl_outlet *o);
tl_loop *tl_outlet_loop (const tl_outlet *o);

/* --- facts --- */

typedef struct {
  const char *name, *kind;
  bool up;
  int64_t since;     /* tl_loop_now of the last change of `up` */
  const char *why;   /* why it is away; "" */
  uint64_t behind;   /* values in the spool that it has not stored yet */
  uint64_t failures; /* attempts to open it that failed, since `totals` began */
  /* since `totals` began; without those that were not meant for it, or were older than `keep` */
  uint64_t stored;
  uint64_t too_old;  /* older than `keep` when they came to be stored: they are not there */
  uint64_t rejected; /* by earlier processes, too, as far as they are in the spool's folder */
  const char *last_rejected; /* tag and reason of the last one; "" */
  /* values that the spool dropped before it had them, also those of which it does not know yet */
  uint64_t dropped;
  int64_t held_ms; /* how long the other side has had a batch without an answer; 0: it has none */
  int64_t lag_ms;  /* how long ago the oldest value arrived that it has not stored; 0: none */
} tl_outlet_facts;
void tl_outlet_get (const tl_outlet *o, tl_outlet_facts *out);

#endif

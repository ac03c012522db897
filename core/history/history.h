/* core/history/history.h — the embedded history: one SQLite file that any SQL tool can read while
** tagline writes it. Values are appended in the order of their arrival (table `recent`) and
** merged by tag and time into a table for each day, week or month; old tables are dropped whole.
**
** All calls wait for the disk: they belong on a thread of the pool, or in a command that has no
** loop. One thread at a time may use a tl_history. */
#ifndef TL_HISTORY_HISTORY_H
#define TL_HISTORY_HISTORY_H

#include <stdatomic.h>

#include "outlet/outlet.h"

typedef struct tl_history tl_history;

/* Open for writing, or make it. TL_EEXIST: another process writes it (err names it);
** TL_EMALFORMED: it is no history of ours, or damaged: nothing is written. */
int tl_history_open (tl_history **out, const char *path, int64_t keep_ms, tl_err *err);
void tl_history_close (tl_history *h);                     /* NULL is fine */
void tl_history_set_keep (tl_history *h, int64_t keep_ms); /* 0: for ever */

/* The number of the first value of this spool that it does not have; 0: none is known. */
uint64_t tl_history_applied (tl_history *h, uint64_t spool);
/* Store a batch and its position, in one transaction. A row that is there already (same tag, time
** and value) is not added again.
** Spool 0 is an import: it has no position, and does not change unit and description of tags that
** are known. */
int tl_history_store (tl_history *h, const tl_outlet_batch *batch, int64_t now_ms, tl_err *err);

/* How many rows wait to be merged. */
uint64_t tl_history_recent (const tl_history *h);
/* Merge them: 0.3 s of processor time for 200,000. */
int tl_history_merge (tl_history *h, tl_err *err);
/* Drop what is older than `keep`; of each tag the newest older value stays. *rows: how many
** went. */
int tl_history_trim (tl_history *h, int64_t now_ms, uint64_t *rows, tl_err *err);
/* How many values were not stored because they were older than `keep`. */
uint64_t tl_history_too_old (const tl_history *h);
uint64_t tl_history_bytes (const tl_history *h); /* of the file and its log */
/* Of the log, which cannot begin anew while somebody reads what is in it. */
uint64_t tl_history_log_bytes (const tl_history *h);
/* The time of its oldest value, without the older ones that are kept so that curves have a left
** edge. INT64_MAX: there is none. */
int64_t tl_history_oldest (const tl_history *h);
/* How many rows it has: counts them all. */
int tl_history_rows (tl_history *h, uint64_t *out, tl_err *err);

/* --- reading (reader.c, query.c): a connection of its own, beside whoever writes --- */

typedef struct tl_history_reader tl_history_reader;

/* TL_ENOENT: no such file; TL_EMALFORMED: no history of ours. */
int tl_history_reader_open (tl_history_reader **out, const char *path, tl_err *err);
void tl_history_reader_close (tl_history_reader *r);
/* Reading ends soon with TL_EREFUSED once *stop is set, by another thread, too. */
void tl_history_reader_watch (tl_history_reader *r, const atomic_bool *stop);

typedef struct {
  int64_t time_ms;
  uint8_t type;   /* tl_type */
  uint8_t status; /* tl_status */
  uint8_t reason;
  tl_value value; /* text borrowed until the next row */
} tl_history_row;

typedef struct {
  tl_slice tag;           /* its full name */
  int64_t from_ms, to_ms; /* from: included; to: excluded */
  bool held;              /* begin with the value that held at `from`, with its own time */
  uint64_t limit;         /* the newest so many; 0: all */
} tl_history_range;

/* What a limit left out. */
typedef struct {
  uint64_t count;    /* older rows */
  int64_t newest_ms; /* the time of the newest of them, if there is one */
} tl_history_left;

/* Rows of a tag, oldest first. `row` returns false to stop. TL_ENOENT: the history knows no such
** tag. */
int tl_history_read (tl_history_reader *r, const tl_history_range *range,
                     bool (*row)(void *ctx, const tl_history_row *row), void *ctx,
                     tl_history_left *left, tl_err *err);

typedef struct {
  tl_slice name, unit, description;
  uint8_t type;
} tl_history_tag;
/* Each tag that it knows, by name. */
int tl_history_tags (tl_history_reader *r, bool (*tag)(void *ctx, const tl_history_tag *tag),
                     void *ctx, tl_err *err);

/* Append the unit of the tag of this name: that of its last type. None: nothing is appended. */
int tl_history_unit (tl_history_reader *r, tl_slice name, tl_buf *out, tl_err *err);

/* Each hole that begins before `to` and ends at `from` or later, oldest first. A negative code: err
** says why. */
int tl_history_holes (tl_history_reader *r, int64_t from_ms, int64_t to_ms,
                      void (*hole)(void *ctx, const tl_outlet_hole *hole), void *ctx, tl_err *err);

/* Is the file whole? Problems as lines of text through `problem`; returns how many, or a
** negative code. */
int tl_history_check (tl_history_reader *r, void (*problem)(void *ctx, const char *text), void *ctx,
                      tl_err *err);

#endif

/* core/history/history_impl.h — private to history/: the file as its writer holds it. */
#ifndef TL_HISTORY_HISTORY_IMPL_H
#define TL_HISTORY_HISTORY_IMPL_H

#include <sqlite3.h>

#include "base/map.h"
#include "history/history.h"

enum {
  TL_HISTORY_APPLICATION = 0x544c4853, /* "TLHS" */
  TL_HISTORY_VERSION = 1,
  TL_PARTITIONS_MAX = 480 /* SQLite puts at most 500 tables into one view */
};

/* A table value_YYYYMMDD with the rows of [from, to). */
typedef struct {
  int64_t from, to;
  char name[24];
  sqlite3_stmt *insert; /* NULL: not prepared yet */
} tl_partition;

/* A tag in the file. */
typedef struct {
  sqlite3_int64 id;
  int64_t last_ms; /* of its newest row; INT64_MIN: it has none */
  bool last_known;
  int64_t keep_ms;
  tl_buf key;   /* type byte and name */
  tl_buf words; /* unit and description */
  size_t unit_len;
} tl_history_known;

struct tl_history {
  sqlite3 *db;
  int lock;
  char *path;
  int64_t keep_ms;
  tl_partition *partitions; /* by `from` */
  uint32_t partition_count, partition_cap;
  tl_map tags; /* key → tl_history_known */
  uint64_t recent, too_old;
  int64_t oldest_ms; /* of the values that it has; INT64_MAX: it has none */
  bool importing;    /* this batch is of no spool */
  sqlite3_stmt *append, *advance, *add_tag, *tune_tag;
};

/* file.c */
/* The file that a chain of links leads to, also where it is not there yet. SQLite keeps its log
** beside that file; so our lock stands there, too, whatever name the file is called by. To be
** freed; NULL: no memory. */
char *tl_history_real_path (const char *path);
int tl_history_fail (tl_history *h, tl_err *err, const char *what);
/* SQLite's code and words for what failed last. Where no call of SQLite failed it was never called:
** there was no memory for its text. */
int tl_history_code (sqlite3 *db, const char **why);
int tl_history_run (tl_history *h, const char *sql, tl_err *err);
int tl_history_prepare (sqlite3 *db, sqlite3_stmt **out, const char *sql);
/* The partition of this time, made when it is not there. NULL: err says why. */
tl_partition *tl_history_partition (tl_history *h, int64_t time_ms, tl_err *err);
int tl_history_make_view (tl_history *h, tl_err *err);
int tl_history_load_partitions (tl_history *h, tl_err *err);
void tl_history_forget_partitions (tl_history *h);

/* trim.c: sets oldest_ms. */
int tl_history_find_oldest (tl_history *h, tl_err *err);

/* merge.c: one row into its partition, by key. The row's values stand in `row`'s columns
** 0 to 5 (tag, t, n, value, state, late). */
int tl_history_put (tl_history *h, sqlite3_int64 tag, int64_t t, int n, sqlite3_value *value,
                    int state, sqlite3_int64 late, tl_err *err);
int tl_history_merge_here (tl_history *h, tl_err *err); /* inside a transaction */

#endif

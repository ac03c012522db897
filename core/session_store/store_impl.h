/* core/session_store/store_impl.h — private to session_store/: the inside of a store. */
#ifndef TL_SESSION_STORE_STORE_IMPL_H
#define TL_SESSION_STORE_STORE_IMPL_H

#include <sqlite3.h>

#include "session_store/store.h"

enum {
  TL_SQL_BEGIN,
  TL_SQL_COMMIT,
  TL_SQL_ROLLBACK,
  TL_SQL_PUT_MESSAGE,
  TL_SQL_PUT_RECEIVED,
  TL_SQL_PUT_FILTER,
  TL_SQL_DELETE_MESSAGE,
  TL_SQL_DELETE_RECEIVED,
  TL_SQL_DELETE_FILTER,
  TL_SQL_PUT_TAKEN,
  TL_SQL_DELETE_TAKEN,
  TL_SQL_EMPTY_MESSAGE,
  TL_SQL_EMPTY_RECEIVED,
  TL_SQL_EMPTY_TAKEN,
  TL_SQL_EMPTY_FILTER,
  TL_SQL_PUT_PLACE,
  TL_SQL_MANY
};

struct tl_store {
  sqlite3 *db;
  sqlite3_stmt *sql[TL_SQL_MANY];
  tl_buf path;    /* NUL-terminated */
  tl_buf batch;   /* changes, laid out as batch.c does it */
  bool must_sync; /* the batch has a change that must survive a power failure */
  bool has_received;
  bool anew; /* the next write first deletes all records */
  /* errno of the last step; SQLite does not keep it after a failed write */
  int reason;
  int log_pages; /* pages in the log since it last began anew */
  bool open;     /* opening it succeeded completely */
  int mark_fd;   /* mark.c; -1: not open */
  bool unsynced; /* what was written has a change that must still be synced */
  bool sync_failed;
  bool place_new;    /* `place` is to be written with the batch */
  uint64_t place[2]; /* the spool's number, and the number of its next value */
  tl_store_stats stats;
};

/* Fill *err from an SQLite result, with the file's name, and return our code for it. */
int tl_store_fail (const tl_store *s, int sqlite, tl_err *err);
int tl_store_damaged (const tl_store *s, const char *what, tl_err *err);
/* Check sum of a message's record, so that a damaged message is never sent to a device. */
uint32_t tl_store_sum (uint64_t sequence, uint16_t id, tl_slice bytes);
/* mark.c: does the log hold at least the frames that the mark promises? TL_OK. TL_EMALFORMED:
** the log is damaged, and accepted changes are lost. */
int tl_store_check_log (tl_store *s, tl_err *err);
void tl_store_mark (tl_store *s, sqlite3_file *log); /* the whole log was synced */
void tl_store_unmark (tl_store *s);                  /* before the log is emptied */
void tl_store_mark_close (tl_store *s);
int tl_store_prepare (tl_store *s); /* an SQLite result */

#endif

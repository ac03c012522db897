/* core/session_store/store_impl.h — the inside of a store, shared by the files of this room
** only. */
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
  tl_buf batch;   /* records as batch.c lays them out */
  bool must_sync; /* the batch holds something that a power failure must not take */
  bool has_received;
  bool anew; /* the next write begins with forgetting all records */
  /* the system's, of the last step: SQLite itself does not keep that of a failed write */
  int reason;
  int log_pages; /* in the log since it was last begun anew */
  bool open;     /* all of it went well */
  int mark_fd;   /* mark.c; -1: not open */
  bool unsynced; /* so does what was written */
  bool sync_failed;
  bool place_new;    /* to be written with the batch */
  uint64_t place[2]; /* what it beside is, and up to where */
  tl_store_stats stats;
};

/* Fill *err from an SQLite result, with the file's name, and return our code for it. */
int tl_store_fail (const tl_store *s, int sqlite, tl_err *err);
int tl_store_damaged (const tl_store *s, const char *what, tl_err *err);
/* A message's sum, so that no damaged byte is ever sent to a device. */
uint32_t tl_store_sum (uint64_t sequence, uint16_t id, tl_slice bytes);
/* mark.c: is the log as long as it was known to be? TL_OK; TL_EMALFORMED: something accepted
** is lost */
int tl_store_check_log (tl_store *s, tl_err *err);
void tl_store_mark (tl_store *s, sqlite3_file *log); /* all of the log is synced */
void tl_store_unmark (tl_store *s);                  /* before the log is emptied */
void tl_store_mark_close (tl_store *s);
int tl_store_prepare (tl_store *s); /* an SQLite result */

#endif

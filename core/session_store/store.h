/* core/session_store/store.h — what an MQTT session must remember when its process is killed:
** one SQLite file for each line and Client ID. Knows no MQTT: it keeps records under the keys
** it is given, and says when they are safe on the disk.
**
** Changes gather in memory, in order, in the batch. tl_store_write() writes the batch in one
** transaction: after a kill, all of its changes are there or none.
** tl_store_commit() writes and syncs: the changes also survive a power failure. So one sync
** serves all changes that came together.
** When either fails, the batch is kept, and the next call tries again. */
#ifndef TL_SESSION_STORE_STORE_H
#define TL_SESSION_STORE_STORE_H

#include "base/buf.h"

typedef struct tl_store tl_store;

/* Four kinds of records. The comments tell which arguments each uses as its key and as its
** content. */
enum {
  TL_STORE_MESSAGE = 'o',  /* key: sequence; holds id and bytes (may be empty) */
  TL_STORE_RECEIVED = 'i', /* key: id */
  TL_STORE_TAKEN = 't',    /* key: id; holds sequence */
  TL_STORE_FILTER = 'f'    /* key: bytes */
};

/* Append the path of a store's file: FOLDER/LINE.CLIENT.sqlite. Bytes of the Client ID that do
** not belong in a name become %XX; a long Client ID is cut, and a hash is added. */
/* TL_OK or TL_ENOMEM */
int tl_store_path (tl_buf *out, tl_slice folder, tl_slice line, tl_slice client_id);

/* Open a store, or make it: the folder with mode 0700 (its parent must exist), the files with
** mode 0600.
** The store is locked against other processes until it is closed; the system drops the lock
** when the process ends.
** Errors, with *err naming the file and the reason: TL_EEXIST (another process has it),
** TL_EMALFORMED (damaged, not a session store, of a newer version, or of another line or
** Client ID), TL_ENOMEM, -errno. */
int tl_store_open (tl_store **out, tl_slice folder, tl_slice line, tl_slice client_id, tl_err *err);
void tl_store_close (tl_store *s); /* changes that were not written are lost; NULL is allowed */

/* Pass every record to `each`: filters, received and taken identifiers, then messages by
** ascending sequence. To be called before the first change.
** `each` returns TL_OK, or a negative code that ends the walk and is returned, with *err as
** `each` filled it. TL_EMALFORMED: a record is damaged. Bytes are borrowed until `each`
** returns. */
typedef int tl_store_each (void *ctx, char kind, uint64_t sequence, uint16_t id, tl_slice bytes,
                           tl_err *err);
int tl_store_load (tl_store *s, tl_store_each *each, void *ctx, tl_err *err);

/* Add (or replace) and delete a record, at the next write. Only the arguments that its kind
** uses count; bytes are copied.
** Without memory the batch is broken (tl_store_is_broken): no write succeeds until
** tl_store_begin_anew(), because a change would be missing. */
void tl_store_put (tl_store *s, char kind, uint64_t sequence, uint16_t id, tl_slice bytes);
void tl_store_delete (tl_store *s, char kind, uint64_t sequence, uint16_t id, tl_slice bytes);
bool tl_store_is_broken (const tl_store *s);
/* Throw the batch away. The next write first deletes all records in the file, then adds the
** records that are put after this call. */
void tl_store_begin_anew (tl_store *s);
/* Up to which value the spool with the number `store` was written; `next` is the number of the
** next value. Stored in the same transaction as the batch, and not affected by
** tl_store_begin_anew(). 0 and 0: no spool. */
void tl_store_put_place (tl_store *s, uint64_t store, uint64_t next);
/* The place as it was when the store was opened. */
void tl_store_get_place (const tl_store *s, uint64_t *store, uint64_t *next);
bool tl_store_has_received (const tl_store *s); /* the batch adds received identifiers */

/* Write the batch: after TL_OK its changes survive a kill of the process. Errors: -errno
** (-ENOSPC, -EIO …), TL_EMALFORMED, TL_ENOMEM; the batch is kept. */
int tl_store_write (tl_store *s, tl_err *err);
/* Write the batch and sync: after TL_OK everything written survives a power failure.
** If the batch only deletes messages and filters there is no sync: to find such a record again
** is harmless. Errors as for tl_store_write(). */
int tl_store_commit (tl_store *s, tl_err *err);

typedef struct {
  uint64_t writes, syncs, changes;
} tl_store_stats;
void tl_store_get_stats (const tl_store *s, tl_store_stats *out);

#endif

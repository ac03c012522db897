/* core/session_store/store.h — what a session must remember when its process is killed: an
** SQLite file for each line and Client ID. Knows no MQTT: it keeps records under the keys it is
** given, and says what is safe on the disk when.
**
** Changes gather in memory, in order. tl_store_write() writes them in one transaction: all of
** them or none are there after a kill. tl_store_commit() writes and syncs: they are there after
** a power failure, too. So one sync serves all that arrived together. What failed is kept:
** calling it again tries again. */
#ifndef TL_SESSION_STORE_STORE_H
#define TL_SESSION_STORE_STORE_H

#include "base/buf.h"

typedef struct tl_store tl_store;

/* Four kinds of record. */
enum {
  TL_STORE_MESSAGE = 'o',  /* key: sequence; holds id and bytes (may be empty) */
  TL_STORE_RECEIVED = 'i', /* key: id */
  TL_STORE_TAKEN = 't',    /* key: id; holds sequence */
  TL_STORE_FILTER = 'f'    /* key: bytes */
};

/* Appends the file's name: FOLDER/LINE.CLIENT.sqlite, with %XX for bytes of the Client ID that
** do not belong in a name, and a long one cut, with a hash behind it. */
/* TL_OK or TL_ENOMEM */
int tl_store_path (tl_buf *out, tl_slice folder, tl_slice line, tl_slice client_id);

/* Open, or make: the folder (its parents must exist) with mode 0700, the files with 0600. From
** here on it is locked against other processes; a process that dies, however, leaves no lock.
** Errors, with *err saying which file and why: TL_EEXIST (another process has it),
** TL_EMALFORMED (damaged, not a session store, of a newer version, or of another line or Client
** ID), TL_ENOMEM, -errno. */
int tl_store_open (tl_store **out, tl_slice folder, tl_slice line, tl_slice client_id, tl_err *err);
void tl_store_close (tl_store *s); /* what was not committed is gone; NULL is fine */

/* Every record: filters, received and taken identifiers, then messages by ascending sequence. Call
** it before the first change. `each` returns TL_OK, or a negative code that ends the walk and is
** returned, with *err as `each` filled it. TL_EMALFORMED: a record is damaged. */
typedef int tl_store_each (void *ctx, char kind, uint64_t sequence, uint16_t id, tl_slice bytes,
                           tl_err *err);
int tl_store_load (tl_store *s, tl_store_each *each, void *ctx, tl_err *err);

/* Remember (adds or replaces) and forget, at the next write. Only the parts that its kind names
** are used. Without memory the batch is broken: no later write succeeds, for something would be
** missing in it. */
void tl_store_put (tl_store *s, char kind, uint64_t sequence, uint16_t id, tl_slice bytes);
void tl_store_delete (tl_store *s, char kind, uint64_t sequence, uint16_t id, tl_slice bytes);
bool tl_store_is_broken (const tl_store *s);
/* Forget the batch, and at its next write all records; what is remembered behind this call
** stays. */
void tl_store_begin_anew (tl_store *s);
/* Up to where something beside this store was written, in the same transaction as the batch. It
** survives tl_store_begin_anew(). 0 and 0: nowhere. */
void tl_store_put_place (tl_store *s, uint64_t store, uint64_t next);
/* As it was when the store was opened. */
void tl_store_get_place (const tl_store *s, uint64_t *store, uint64_t *next);
bool tl_store_has_received (const tl_store *s); /* the batch remembers received identifiers */

/* Write the batch: after TL_OK it survives the process, whatever kills it. Errors: -errno
** (-ENOSPC, -EIO …), TL_EMALFORMED, TL_ENOMEM; the batch stays. */
int tl_store_write (tl_store *s, tl_err *err);
/* Write the batch and sync: after TL_OK all that was written survives a power failure.
** Forgetting messages and filters alone is not synced: to have such a record again is harmless.
** Errors as above. */
int tl_store_commit (tl_store *s, tl_err *err);

typedef struct {
  uint64_t writes, syncs, changes;
} tl_store_stats;
void tl_store_get_stats (const tl_store *s, tl_store_stats *out);

#endif

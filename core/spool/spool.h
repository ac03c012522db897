/* core/spool/spool.h — values on their way out, on disk: written once at the end of a wake-up,
** before acknowledgements leave, and read by each outlet at its own pace. A folder of segment
** files, which are unlinked when every outlet has passed them or when the bound is reached;
** nothing is ever deleted inside a file, for a full disk refuses that, too.
**
** For the loop's thread; what a pool's thread may call is in reader.h. Calls write(2) and
** unlink(2), never fsync: what was written survives a kill, not a power failure. */
#ifndef TL_SPOOL_SPOOL_H
#define TL_SPOOL_SPOOL_H

#include "base/buf.h"
#include "spool/record.h"

typedef struct tl_spool tl_spool;
typedef struct tl_cursor tl_cursor; /* how far an outlet is */

enum { TL_SPOOL_LEAST = 1000000 }; /* bytes: the smallest bound */

typedef struct {
  const char *folder; /* made with mode 0700 when it is not there; its parent must be */
  uint64_t max_bytes; /* of all segments together, at least TL_SPOOL_LEAST */
  bool hold;          /* when full: TL_EFULL; false: the oldest segment goes */
} tl_spool_options;

/* What opening found. */
typedef struct {
  uint64_t cut_bytes; /* of the last segment: damaged, or not written whole; cut off */
  uint64_t waiting;   /* values in it */
} tl_spool_found;

/* Open or make a spool. TL_EEXIST: another process has it (err says which); an errno, negated.
** `wall`: ms since 1970, for the new segment's head. */
int tl_spool_open (tl_spool **out, const tl_spool_options *options, int64_t wall,
                   tl_spool_found *found, tl_err *err);
void tl_spool_close (tl_spool *s); /* closes its cursors too; NULL is fine */
void tl_spool_set (tl_spool *s, uint64_t max_bytes, bool hold); /* reload: another bound */

uint64_t tl_spool_id (const tl_spool *s);   /* random, made with the folder */
uint64_t tl_spool_next (const tl_spool *s); /* the number of the next value; the first is 1 */
uint64_t tl_spool_bytes (const tl_spool *s);
uint64_t tl_spool_max (const tl_spool *s);
uint64_t tl_spool_dropped (const tl_spool *s); /* values that went unread since it was opened */
uint64_t tl_spool_written (const tl_spool *s); /* bytes, since it was opened */

/* --- writing --- */

/* Begin a value: where its records go. *segment: definitions of series count within one
** segment only; when it is another than last time they come again. NULL: no memory. */
tl_buf *tl_spool_begin (tl_spool *s, int64_t wall, uint32_t *segment);
void tl_spool_added (tl_spool *s); /* one value more is in the buffer */
/* Bytes that wait for a commit. While it fails they may grow: who has more than that calls skip()
** in place of begin(), and the value is a hole in the spool, as one that was dropped. */
enum { TL_SPOOL_BATCH = 16 * 1024 * 1024 };
uint64_t tl_spool_pending (const tl_spool *s);
void tl_spool_skip (tl_spool *s);
/* Write what was added since the last time. TL_OK: a kill does not take it any more. Else it is
** kept, and must not be acknowledged: TL_EFULL (the bound is reached, hold); a negated errno
** (ENOSPC …). Call again later. */
int tl_spool_commit (tl_spool *s, int64_t wall, tl_err *err);
bool tl_spool_is_dirty (const tl_spool *s); /* something waits for a commit */

/* --- marks: which received messages a batch has the values of --- */

/* Goes with the values of the next commit(), and is forgotten by it, whatever comes of it. Without
** memory it is left out. */
void tl_spool_mark (tl_spool *s, const tl_mark *m);
/* Those of the last batch that the process before wrote: what may have been stored while nobody
** else knows of it. `number`: of the batch's first value. */
void tl_spool_found_marks (const tl_spool *s,
                           void (*one)(void *ctx, uint64_t number, const tl_mark *m), void *ctx);

/* Append a line (with its line break) to the file NAME.rejected in the spool's folder, which has
** what the outlet of this name could not deliver; at most two times 16 MB are kept. A negated
** errno. */
int tl_spool_put_aside (const tl_spool *s, const char *name, tl_slice line);

/* Segments that nobody needs any more: to unlink them may take a slow disk its time. */
typedef struct {
  int folder; /* descriptor */
  uint32_t count;
  uint64_t first[16];
} tl_spool_gone;

/* Those that are to go, which the caller unlinks now; false: none are. */
bool tl_spool_take_gone (tl_spool *s, tl_spool_gone *out);
/* From any thread; the spool must be open meanwhile. */
void tl_spool_unlink (const tl_spool_gone *gone);

/* --- cursors --- */

/* The cursor of this name: it goes on where it was; a new one begins with the next value, or in
** a new spool at the first. Names are of [A-Za-z0-9_-]. */
int tl_cursor_open (tl_cursor **out, tl_spool *s, const char *name, tl_err *err);
void tl_cursor_close (tl_cursor *c);        /* its place stays in the folder */
uint64_t tl_cursor_at (const tl_cursor *c); /* the number of the first value it has not passed */
/* All values below `next` are where they should be. Segments that nobody needs are to go:
** tl_spool_take_gone. */
void tl_cursor_move (tl_cursor *c, uint64_t next);
/* Where a reader goes on (reader.h). */
typedef struct {
  int folder;          /* descriptor */
  uint64_t first, end; /* the segment, and how many bytes of it are written now */
  uint64_t until;      /* the number behind its last value */
  uint64_t at;         /* the first value that is wanted */
} tl_spool_place;

/* Which segment holds this value? False: there is nothing new. Where the values at `at` are
** gone, *first is larger: that of the oldest segment. */
bool tl_spool_where (const tl_spool *s, uint64_t at, tl_spool_place *out);

#endif

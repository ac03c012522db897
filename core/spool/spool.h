/* core/spool/spool.h — values that wait on disk for outlets. They are written once, at the end
** of a wake-up, before acknowledgements leave; each outlet reads them at its own pace.
** A spool is a folder of segment files. A segment is unlinked when every outlet has passed it,
** or when the size limit is reached. Nothing is deleted inside a file, because a full disk
** would refuse that, too.
**
** For the loop's thread; reader.h has what a thread of the pool may call. Calls write(2) and
** unlink(2), never fsync: what was written survives a kill. A thread of the pool syncs it
** (tl_spool_take_sync); from then on it survives a power failure, too. */
#ifndef TL_SPOOL_SPOOL_H
#define TL_SPOOL_SPOOL_H

#include "base/buf.h"
#include "spool/record.h"

typedef struct tl_spool tl_spool;
typedef struct tl_cursor tl_cursor; /* how far one outlet has come */

enum { TL_SPOOL_LEAST = 1000000 }; /* bytes: the smallest limit that may be set */

typedef struct {
  const char *folder; /* made with mode 0700 if it does not exist; its parent must exist */
  uint64_t max_bytes; /* of all segments together, at least TL_SPOOL_LEAST */
  bool hold; /* when the limit is reached: true: TL_EFULL; false: the oldest segment is removed */
} tl_spool_options;

/* What opening found. */
typedef struct {
  /* bytes at the end of the last segment that were damaged or incomplete, and were cut off */
  uint64_t cut_bytes;
  uint64_t waiting; /* number of values in the spool */
  /* the machine was started anew since a process had the spool: what that one had not synced is
  ** lost */
  bool power_failed;
} tl_spool_found;

/* Open or make a spool. `wall`: ms since 1970, for the head of a new segment.
** TL_OK and *out; TL_EEXIST: another process has it (err says which one); or a negated errno. */
int tl_spool_open (tl_spool **out, const tl_spool_options *options, int64_t wall,
                   tl_spool_found *found, tl_err *err);
void tl_spool_close (tl_spool *s); /* closes its cursors, too; NULL is allowed */
void tl_spool_set (tl_spool *s, uint64_t max_bytes, bool hold); /* another limit, after a reload */

uint64_t tl_spool_id (const tl_spool *s);     /* a random number, made with the folder */
uint64_t tl_spool_next (const tl_spool *s);   /* the number of the next value; the first is 1 */
uint64_t tl_spool_oldest (const tl_spool *s); /* of the oldest value that is there; none: next */
uint64_t tl_spool_bytes (const tl_spool *s);
uint64_t tl_spool_max (const tl_spool *s);
bool tl_spool_holds (const tl_spool *s); /* `hold` of its options */
/* values that were removed unread, or left out, since the spool was opened */
uint64_t tl_spool_dropped (const tl_spool *s);
uint64_t tl_spool_written (const tl_spool *s); /* bytes written since it was opened */

/* --- writing --- */

/* Begin a value; its records are appended to the buffer that is returned. NULL: there is no memory,
** or TL_SPOOL_MOST bytes wait already: the value comes again after the next commit.
** The definition of a series counts only within one segment: when *segment differs from the
** last time, definitions must be written again. It is never 0. */
tl_buf *tl_spool_begin (tl_spool *s, int64_t wall, uint32_t *segment);
/* One more value is in the buffer; of this time, ms since 1970. 0: it has none. */
void tl_spool_added (tl_spool *s, int64_t time_ms);
/* Numbers below `next` are used, though the spool does not know of them: values that come behind
** those that wait for a commit get others. One that is TL_SPOOL_NUMBERS or more is no number. */
#define TL_SPOOL_NUMBERS ((uint64_t)1 << 53)
void tl_spool_raise (tl_spool *s, uint64_t next, int64_t wall);
/* The segment is not used any further, if it is the newest: values that come get a new one, but for
** those that wait for a commit. As long as there is no room for a new one they get the old one. */
void tl_spool_leave_segment (tl_spool *s, uint64_t segment);
/* How many bytes may wait for a commit while commits fail. A caller with more calls
** tl_spool_skip() in place of tl_spool_begin(): the value is lost, and its number is left out. */
enum { TL_SPOOL_BATCH = 16 * 1024 * 1024, TL_SPOOL_MOST = 64 * 1024 * 1024 };
uint64_t tl_spool_pending (const tl_spool *s);
void tl_spool_skip (tl_spool *s, int64_t time_ms);
/* Write what was added since the last commit. TL_OK: it survives a kill.
** Otherwise it is kept, must not be acknowledged, and the caller tries again later: TL_EFULL
** (the limit is reached, with `hold`), or a negated errno (ENOSPC …). */
int tl_spool_commit (tl_spool *s, int64_t wall, tl_err *err);
bool tl_spool_is_dirty (const tl_spool *s); /* does something wait for a commit? */

/* --- marks: the received messages whose values are in a batch --- */

/* Add a mark to the next commit. It goes with that commit only, even if the commit fails.
** Without memory it is left out. */
void tl_spool_mark (tl_spool *s, const tl_mark *m);
/* Calls a function for each mark in the last batch that the earlier process wrote: their
** values are stored, while a session store may not know it. `number`: of the batch's first
** value. */
void tl_spool_found_marks (const tl_spool *s,
                           void (*one)(void *ctx, uint64_t number, const tl_mark *m), void *ctx);

/* Append a line (with its line break) to the file NAME.rejected in the spool's folder: values
** that the outlet of this name could not deliver. At most two files of 16 MB are kept. TL_OK,
** or a negated errno. */
int tl_spool_put_aside (const tl_spool *s, const char *name, tl_slice line);

/* The files of that name, as they are now. */
typedef struct {
  int fds[2]; /* the older one first; -1: there is none */
  uint64_t bytes[2];
} tl_spool_aside;

/* False: there is none. Else tl_spool_aside_read() follows, on a thread of the pool. */
bool tl_spool_aside_open (const tl_spool *s, const char *name, tl_spool_aside *out);
void tl_spool_aside_close (tl_spool_aside *a); /* or this, unread */
/* Calls a function for each line (borrowed, without its line break), and closes the files. */
void tl_spool_aside_read (tl_spool_aside *a, void (*line)(void *ctx, tl_slice line, bool is_last),
                          void *ctx);

/* --- on a thread of the pool: segments that go, and what is synced --- */

/* Cursors whose files are not on the disk as they are now. */
typedef struct {
  uint32_t count;
  char names[16][64];
} tl_spool_places;

/* Segments that nobody needs any more. Unlinking them may take long on a slow disk, so a
** thread of the pool does it. */
typedef struct {
  int folder; /* descriptor */
  uint32_t count;
  uint64_t first[16];
  tl_spool_places places; /* synced before: they say that nobody needs the segments */
} tl_spool_gone;

/* Take the list of segments to unlink; the caller unlinks them now. False: there are none. */
bool tl_spool_take_gone (tl_spool *s, tl_spool_gone *out);
/* Unlink the segments. May be called from any thread; the spool must stay open meanwhile. */
void tl_spool_unlink (const tl_spool_gone *gone);

/* What is to be synced. */
typedef struct {
  int folder;     /* descriptor */
  uint64_t next;  /* values with lower numbers are on the disk afterwards */
  uint64_t in;    /* the segment that may have grown since; 0: none */
  uint64_t bytes; /* how many of its bytes these values take */
  uint32_t count;
  uint64_t first[16]; /* segments */
  tl_spool_places places;
  bool names; /* files were made */
  bool fresh; /* nothing was synced since the spool was opened */
} tl_spool_sync;

/* Is there anything to sync? Then *out: call tl_spool_sync_run() on a thread, and with its result
** tl_spool_sync_done(). One at a time; the spool must stay open meanwhile. */
bool tl_spool_take_sync (tl_spool *s, tl_spool_sync *out);
int tl_spool_sync_run (const tl_spool_sync *sync); /* TL_OK, or a negated errno */
/* After an error the same is tried again the next time. Readers get it all the same: the values
** are acknowledged, and outlets are not to wait for a disk that syncs nothing. */
void tl_spool_sync_done (tl_spool *s, const tl_spool_sync *sync, int rc);
/* Values with lower numbers survive a power failure. */
uint64_t tl_spool_synced (const tl_spool *s);

/* --- cursors --- */

/* Values that are gone before an outlet had them. */
typedef struct {
  uint64_t count;         /* 0: none */
  int64_t from_ms, to_ms; /* their times, the earliest and the latest; from > to: not known */
} tl_spool_lost;
void tl_spool_lose (tl_spool_lost *sum, const tl_spool_lost *more); /* both together */

/* Open the cursor of this name. It continues where it was; a new cursor begins with the next
** value, or in a new spool with the first; one whose file is damaged, with the oldest value.
** Names consist of [A-Za-z0-9_-]. TL_OK and *out, or a negative code with *err. */
int tl_cursor_open (tl_cursor **out, tl_spool *s, const char *name, tl_err *err);
void tl_cursor_close (tl_cursor *c); /* its place stays stored in the folder */
/* number of the first value that the outlet has not delivered */
uint64_t tl_cursor_at (const tl_cursor *c);
/* All values with numbers below `next` were delivered. Segments that no outlet needs any more
** can then be taken with tl_spool_take_gone(). */
void tl_cursor_move (tl_cursor *c, uint64_t next);
/* Values from the cursor's place up to `next` are being read or delivered: what is dropped of them
** is not lost. Ends with tl_cursor_move(), or with tl_cursor_take(c, 0): they did not arrive. */
void tl_cursor_take (tl_cursor *c, uint64_t next);
/* What the spool dropped, or an earlier process's, before the outlet had it, and of which its
** receiver does not know yet. It stays stored with the cursor. */
tl_spool_lost tl_cursor_lost (const tl_cursor *c);
/* The same, which the receiver is told now, together with the values below `next`:
** tl_cursor_move() follows when it knows. */
tl_spool_lost tl_cursor_tell (tl_cursor *c, uint64_t next);
/* Values below this number may have been delivered, though the cursor does not say so: after a
** power failure it may be an old one. 0: none. */
uint64_t tl_cursor_doubt (const tl_cursor *c);
/* A position of the other side that is not of this spool's values, for which the spool was raised:
** what has a lower number is not delivered by it. It stays stored with the cursor. 0: there is
** none. */
void tl_cursor_set_ahead (tl_cursor *c, uint64_t number);
uint64_t tl_cursor_ahead (const tl_cursor *c);
/* The outlet lost values from number `next` on (its database was put back): they are delivered
** again, as far as the spool has them. False: it had not come further. */
bool tl_cursor_back (tl_cursor *c, uint64_t next);
/* Where a reader continues (reader.h). */
typedef struct {
  int folder;          /* descriptor */
  uint64_t first, end; /* the segment's first value; how many bytes of it are written now */
  uint64_t until;      /* the number after the segment's last value */
  uint64_t at;         /* number of the first value that is wanted */
} tl_spool_place;

/* Which segment holds value number `at`? False: no such value is written yet.
** If the value was removed, out->first is larger than `at`: it is then the oldest segment's. */
bool tl_spool_where (const tl_spool *s, uint64_t at, tl_spool_place *out);
/* The same for values that were synced alone. What is sent elsewhere must be: after a power
** failure the numbers of values that were not synced are given to others. */
bool tl_spool_where_synced (const tl_spool *s, uint64_t at, tl_spool_place *out);

#endif

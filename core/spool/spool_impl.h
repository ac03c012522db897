/* core/spool/spool_impl.h — private to spool/: a spool and its cursors. */
#ifndef TL_SPOOL_SPOOL_IMPL_H
#define TL_SPOOL_SPOOL_IMPL_H

#include "spool/segment.h"
#include "spool/spool.h"
#include "spool/times.h"

/* a longer segment gets no more batches: a new one is begun */
enum { TL_SEGMENT_BYTES = 16 * 1024 * 1024 };

typedef struct {
  uint64_t first; /* number of its first value; it ends before that of the next segment */
  uint64_t bytes; /* bytes of complete batches, and the head */
} tl_spool_segment;

/* Dropped values that the outlet has under way: lost if it cannot deliver them. */
typedef struct {
  uint64_t from, to; /* numbers; from == to: none */
  tl_times times;
} tl_grave;

struct tl_cursor {
  tl_cursor *next;
  tl_spool *spool;
  uint64_t at;
  uint64_t stored; /* the number in the cursor's file */
  uint64_t doubt, ahead;
  uint64_t taken; /* values below are being read or delivered; 0: none are */
  /* what was dropped before the outlet had it: not told yet, and being told */
  tl_spool_lost lost, telling;
  uint64_t lost_to; /* dropped values below are counted, or in `grave` */
  /* where the batch ends with which tl_cursor_tell() told last, and what was dropped behind it
  ** since */
  uint64_t told_to;
  tl_spool_lost untold;
  tl_grave grave;
  int fd;
  bool unsynced; /* the file was written */
  char name[64];
};

/* The next batch; spool.c writes it. */
typedef struct {
  tl_buf bytes;        /* begins with room for its head */
  tl_buf marks;        /* marks that go with it */
  uint32_t added;      /* values in it */
  tl_times_part times; /* of these values */
  uint64_t skipped;    /* values after these that were skipped, because too much waited */
  tl_times_part skipped_times;
} tl_spool_begun;

/* The last batch of the earlier process. */
typedef struct {
  tl_buf marks;
  uint64_t at; /* number of its first value; 0: there is none */
} tl_spool_earlier;

/* What of it survives a power failure; sync.c writes it. */
typedef struct {
  uint64_t synced;         /* values below do */
  uint64_t readable;       /* tl_spool_where_synced(): higher than `synced` when a sync failed */
  uint64_t segment, bytes; /* the segment in which `readable` is, and its bytes until there */
  tl_spool_places left;    /* of cursors that were closed, and of a sync that failed */
  bool names;              /* files were made since the last sync */
  bool fresh;              /* nothing was synced yet */
} tl_spool_on_disk;

struct tl_spool {
  uint64_t id, next; /* next: the number of the next value */
  uint64_t max_bytes, bytes, dropped, written;
  bool hold, is_new, is_mine; /* is_mine: it has the lock */
  int folder, lock, fd;       /* fd: the newest segment's, or -1 */
  /* counts the segments that this process has begun: *segment of tl_spool_begin() */
  uint32_t ordinal;
  tl_spool_segment *segments;
  uint32_t count, cap;
  /* segments that tl_spool_take_gone() hands out; unlinked at the latest on close */
  tl_spool_gone gone;
  tl_spool_begun begun;
  tl_times times; /* of the newest segment */
  tl_spool_earlier earlier;
  uint64_t least; /* what comes gets at least this number: tl_spool_raise() */
  tl_cursor *cursors;
  tl_spool_on_disk disk;
  bool leaves;       /* the next batch begins a segment: tl_spool_leave_segment() */
  bool power_failed; /* since an earlier process had it */
};

/* cursor.c: no outlet needs a value with a lower number. Outlets that were removed count for
** one more day. */
uint64_t tl_spool_lowest (const tl_spool *s);
/* cursor.c: the segment with the numbers first..until - 1 is dropped; `t`: its times. */
void tl_cursors_lose (tl_spool *s, const tl_times *t, uint64_t until);
/* cursor.c: numbers before..after - 1 are of no value. */
void tl_cursors_pass (tl_spool *s, uint64_t before, uint64_t after);
/* spool.c */
/* Fills *err with "WHAT 'PATH': " and the system's words; returns `code`, a negative errno. */
int tl_spool_fail (tl_err *err, int code, const char *what, const char *path);
tl_spool_segment *tl_spool_add_segment (tl_spool *s); /* NULL: no memory */
int tl_spool_roll (tl_spool *s, int64_t wall);        /* begin a new segment */
void tl_spool_trim (tl_spool *s);                     /* spool.c: drop segments that nobody needs */
/* sync.c: which cursors' files were written since they were synced. They count as synced then. */
void tl_spool_take_places (tl_spool *s, tl_spool_places *out);
void tl_spool_leave_place (tl_spool *s, const char *name); /* the next take has it */
void tl_spool_sync_places (int folder, const tl_spool_places *places);

#endif

/* core/spool/spool_impl.h — private to spool/: a spool and its cursors. */
#ifndef TL_SPOOL_SPOOL_IMPL_H
#define TL_SPOOL_SPOOL_IMPL_H

#include "spool/segment.h"
#include "spool/spool.h"

enum { TL_SEGMENT_BYTES = 16 * 1024 * 1024 }; /* a new one is begun behind it */

typedef struct {
  uint64_t first; /* the number of its first value; up to the next segment's */
  uint64_t bytes; /* written and whole */
} tl_spool_segment;

struct tl_cursor {
  tl_cursor *next;
  tl_spool *spool;
  uint64_t at;
  uint64_t stored; /* what its file says */
  int fd;
  char name[64];
};

struct tl_spool {
  uint64_t id, next; /* next: the number of the next value */
  uint64_t max_bytes, bytes, dropped, written;
  bool hold, is_new;
  int folder, lock, fd; /* fd: the newest segment's, or -1 */
  uint32_t ordinal;     /* of the newest segment in this process */
  tl_spool_segment *segments;
  uint32_t count, cap;
  tl_spool_gone gone; /* to be unlinked by whoever takes them, or at the end */
  tl_buf batch;       /* with room for its head in front */
  tl_buf marks;       /* records of those that go with the next batch */
  tl_buf found;       /* of the last batch of the process before */
  uint64_t found_at;  /* the number of its first value; 0: there is none */
  uint32_t added;     /* values in it */
  uint64_t skipped;   /* values behind these for which there was no room */
  tl_cursor *cursors;
};

/* cursor.c: no outlet needs a value below this number; those of outlets that are not there any
** more count for a day. */
uint64_t tl_spool_lowest (const tl_spool *s);
void tl_spool_trim (tl_spool *s); /* spool.c: segments that nobody needs go */

#endif

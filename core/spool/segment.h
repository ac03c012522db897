/* core/spool/segment.h — one file of a spool: a head and batches behind it, each with its length,
** a check sum and the numbers of its values. Reads and writes files; may be called from any
** thread, for it keeps nothing. Knows no loop. */
#ifndef TL_SPOOL_SEGMENT_H
#define TL_SPOOL_SEGMENT_H

#include "base/buf.h"

/* What stands at a segment's begin. */
typedef struct {
  uint64_t spool;  /* which spool it belongs to: a random number */
  uint64_t first;  /* the number of its first value */
  int64_t made_ms; /* wall clock */
} tl_segment_head;

/* One batch: what one wake-up brought. */
typedef struct {
  uint64_t first;     /* the number of its first value */
  uint32_t count;     /* of values */
  int64_t arrival_ms; /* wall clock, when they came */
  tl_slice records;   /* record.h; borrowed from the bytes that were given */
  tl_slice marks;     /* as well */
} tl_batch;

enum { TL_SEGMENT_HEAD = 40, TL_BATCH_HEAD = 32 };
enum { TL_BATCH_MAX = 64 * 1024 * 1024 }; /* bytes of records; a longer one is damage */

/* The file's name in its folder: "0000000000000001.spool" for the number of its first value. */
void tl_segment_name (uint64_t first, char out[32]);
bool tl_segment_is_name (const char *name, uint64_t *first);

/* Make the file with its head. A descriptor, or a negative code: an errno, negated. */
int tl_segment_make (int folder, const tl_segment_head *head);
/* Read the head. 0, or a negative code; TL_EMALFORMED: it is none of ours. */
int tl_segment_read_head (int fd, tl_segment_head *out);

/* Put the batch's head in front of its records: `out` begins with TL_BATCH_HEAD bytes that are
** filled here, the records are behind them, and `marks` bytes of marks at the end. */
void tl_batch_seal (tl_buf *out, size_t marks, uint64_t first, uint32_t count, int64_t arrival_ms);
/* The batch at bytes[at..]. Its length with the head; TL_EPARTIAL: it ends later than the bytes
** do; TL_EMALFORMED: the check sum or the head says that these bytes are damaged. */
long tl_batch_read (tl_slice bytes, size_t at, tl_batch *out);

typedef struct {
  uint64_t end;  /* of whole batches; anything behind is damaged or was not written whole */
  uint64_t next; /* the number behind the last value */
  uint64_t last; /* where the last batch begins; 0: there is none */
} tl_segment_end;

/* Where do whole batches end in this file? 0, or a negative code. */
int tl_segment_scan (int fd, const tl_segment_head *head, tl_segment_end *out);
/* The last one, which the scan found; its records lie in `bytes`. TL_EMALFORMED, TL_ENOMEM, or a
** negated errno. */
int tl_segment_last (int fd, const tl_segment_end *where, tl_buf *bytes, tl_batch *out);

#endif

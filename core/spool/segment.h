/* core/spool/segment.h — one file of a spool: a head, then batches, each with its length, a
** check sum and the numbers of its values.
** Reads and writes files. It keeps no state, so it may be called from any thread. Knows no
** loop. */
#ifndef TL_SPOOL_SEGMENT_H
#define TL_SPOOL_SEGMENT_H

#include "base/buf.h"

/* What this program writes. It reads earlier formats, too; a later one it refuses. */
enum { TL_SEGMENT_FORMAT = 2 };

/* The head at the beginning of a segment. */
typedef struct {
  int format;      /* 1 to TL_SEGMENT_FORMAT; set by tl_segment_read_head() */
  uint64_t spool;  /* the random number of the spool that it belongs to */
  uint64_t first;  /* the number of its first value */
  int64_t made_ms; /* when it was made, ms since 1970 */
} tl_segment_head;

/* One batch: the values of one wake-up. */
typedef struct {
  uint64_t first;     /* the number of its first value */
  uint32_t count;     /* number of values */
  int64_t arrival_ms; /* when the values came, ms since 1970 */
  tl_slice records;   /* see record.h; borrowed from the bytes that were read */
  tl_slice marks;     /* likewise */
} tl_batch;

enum { TL_SEGMENT_HEAD = 40, TL_BATCH_HEAD = 32 };
/* bytes of records and marks; a larger length means that the file is damaged */
enum { TL_BATCH_MAX = 128 * 1024 * 1024 };

/* The name of the segment's file, "0000000000000001.spool": the number of its first value in
** hexadecimal. */
void tl_segment_name (uint64_t first, char out[32]);
bool tl_segment_is_name (const char *name, uint64_t *first);

/* Make the file with its head in the folder (a descriptor). Returns the file's descriptor, or
** a negated errno. */
int tl_segment_make (int folder, const tl_segment_head *head);
/* Read the head. TL_OK, or a negative code; TL_EMALFORMED: this is not a segment; TL_ETYPE: a later
** version of the program wrote it. */
int tl_segment_read_head (int fd, tl_segment_head *out);

/* Fill in the head of a batch. `out` begins with TL_BATCH_HEAD bytes of room for it; then come
** the records, and at the end `marks` bytes of marks. */
void tl_batch_seal (tl_buf *out, size_t marks, uint64_t first, uint32_t count, int64_t arrival_ms);
/* Read the batch that begins at bytes[at] of a segment of this format. Returns its length with the
** head; TL_EPARTIAL: more bytes are needed; TL_EMALFORMED: its head or check sum is wrong. */
long tl_batch_read (tl_slice bytes, size_t at, int format, tl_batch *out);

typedef struct {
  /* where the complete batches end, in bytes; what follows is damaged or incomplete */
  uint64_t end;
  uint64_t next; /* the number after the last value */
  uint64_t last; /* where the last batch with values begins; 0: there is none */
} tl_segment_end;

/* Find where the complete batches of this file end. TL_OK, or a negative code. */
int tl_segment_scan (int fd, const tl_segment_head *head, tl_segment_end *out);
/* Read the last batch, which tl_segment_scan() found; its records lie in `bytes`. TL_OK,
** TL_EMALFORMED, TL_ENOMEM, or a negated errno. */
int tl_segment_last (int fd, const tl_segment_head *head, const tl_segment_end *where,
                     tl_buf *bytes, tl_batch *out);

#endif

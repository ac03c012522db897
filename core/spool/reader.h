/* core/spool/reader.h — reads a spool's values in order. For a thread of the pool: it opens and
** reads files. One thread at a time may use a reader, and the spool must be open meanwhile. */
#ifndef TL_SPOOL_READER_H
#define TL_SPOOL_READER_H

#include "spool/record.h"
#include "spool/spool.h"

typedef struct tl_reader tl_reader;

int tl_reader_new (tl_reader **out);
void tl_reader_free (tl_reader *r);

/* A value with what is known of its tag. Borrowed until the next call. */
typedef struct {
  const tl_series *series; /* series->id counts within the segment `segment` */
  uint64_t segment;
  tl_sample sample;
  uint64_t number; /* of the value, in the spool */
  int64_t arrival_ms;
} tl_reading_value;

/* Go on at this place: values from `at` on, up to the segment's `end`. TL_OK; TL_EMALFORMED or a
** negated errno: this segment cannot be read (it is gone, or damaged). */
int tl_reader_seek (tl_reader *r, const tl_spool_place *place);
/* The next value. 1; 0: that was all up to the end; TL_EMALFORMED: what follows in this segment
** is damaged: go on with the next segment. TL_ENOMEM. */
int tl_reader_next (tl_reader *r, tl_reading_value *out);

#endif

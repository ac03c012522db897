/* core/spool/reader.h — reads a spool's values in order. For a thread of the pool, because it
** opens and reads files.
** Only one thread at a time may use a reader, and the spool must stay open meanwhile. */
#ifndef TL_SPOOL_READER_H
#define TL_SPOOL_READER_H

#include "spool/record.h"
#include "spool/spool.h"

typedef struct tl_reader tl_reader;

int tl_reader_new (tl_reader **out);
void tl_reader_free (tl_reader *r);

/* A value and the series it belongs to. Borrowed until the next call. */
typedef struct {
  const tl_series *series; /* series->id is unique only within the segment `segment` */
  uint64_t segment;
  tl_sample sample;
  uint64_t number; /* of this value, in the spool */
  int64_t arrival_ms;
} tl_reading_value;

/* Continue at this place: read values from number place->at on, up to the end of its segment.
** TL_OK. TL_EMALFORMED or a negated errno: the segment cannot be read, because it was removed
** or is damaged. */
int tl_reader_seek (tl_reader *r, const tl_spool_place *place);
/* Read the next value. 1: *out is filled. 0: there are no more up to the end. TL_EMALFORMED:
** the rest of this segment is damaged; go on with the next segment. TL_ENOMEM. */
int tl_reader_next (tl_reader *r, tl_reading_value *out);

#endif

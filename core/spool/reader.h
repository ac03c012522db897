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

/* What is known of samples beside what they are. */
typedef struct {
  uint64_t segment;
  uint64_t number; /* of the first one, in the spool; those behind it count on */
  int64_t arrival_ms;
  /* Of the present segment, by the samples' ids, which are unique only there: the series, and for
  ** loops their types. The lists are borrowed until the next tl_reader_next(), a series until the
  ** next tl_reader_seek(). */
  const tl_series *const *series;
  const uint8_t *types;
} tl_reader_found;

/* Continue at this place: read values from number place->at on, up to the end of its segment.
** TL_OK. TL_EMALFORMED or a negated errno: the segment cannot be read, because it was removed
** or is damaged. */
int tl_reader_seek (tl_reader *r, const tl_spool_place *place);
/* Read the next samples, `most` (at least 1) at most, which stand `stride` bytes apart. How many:
** *out is filled. 0: there are no more up to the end. TL_EMALFORMED: the rest of this segment is
** damaged; go on with the next segment. TL_ENOMEM. Texts are borrowed until the next call. */
int tl_reader_next (tl_reader *r, uint32_t most, tl_sample *first, size_t stride,
                    tl_reader_found *out);

/* What of the numbers `from` to `to` - 1, which cannot be read in this place's segment, are values.
** Without a segment, or where its times are damaged, the file tells when they came. */
void tl_spool_unread (const tl_spool_place *place, uint64_t from, uint64_t to, tl_spool_lost *out);

#endif

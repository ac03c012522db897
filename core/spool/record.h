/* core/spool/record.h — what a spool holds, as bytes: definitions of series (a tag's name,
** type, unit, description) and their values. Pure: bytes in, bytes out; no files, no clock. */
#ifndef TL_SPOOL_RECORD_H
#define TL_SPOOL_RECORD_H

#include "base/buf.h"
#include "base/value.h"

/* A tag, as outlets see it. Texts are borrowed. */
typedef struct {
  uint32_t id;   /* unique within one segment; the ids of a segment are 0, 1, 2 … without a gap */
  uint8_t type;  /* tl_type */
  tl_slice name; /* "line.station.tag" */
  tl_slice unit, description; /* may be empty */
  double deadband;            /* from the tag's history option, to be shown only; 0: none */
  int64_t keep_ms; /* how long a history keeps its values, ms; 0: as long as the outlet says */
} tl_series;

/* For which outlets is a value? TL_FOR_OTHERS: not for histories, because the tag's deadband
** hides it.
** TL_FOR_HISTORIES: the last hidden value, which a history needs later and the other outlets
** have had already. */
typedef enum { TL_FOR_ALL, TL_FOR_OTHERS, TL_FOR_HISTORIES } tl_record_only;

/* One value of one tag. */
typedef struct {
  uint32_t series;
  uint8_t status, reason; /* tl_status, tl_reason */
  uint8_t only;           /* tl_record_only */
  uint16_t n;             /* numbers the values of one tag within the same millisecond */
  int64_t time_ms;        /* the tag's time, ms since 1970; 0 while the tag is unset */
  tl_value value;         /* valid only when status is TL_VALID; its text is borrowed */
} tl_sample;

/* A received QoS 2 message whose values are in the batch, while the line's session store does
** not know of the message yet. Borrowed. */
typedef struct {
  tl_slice line; /* name of its line */
  uint16_t id;   /* of the packet */
  uint64_t sum;  /* hash of topic and payload */
} tl_mark;

/* Append a definition or a value to a batch. `type` is the type of the series. Longer texts
** are cut at TL_RECORD_TEXT bytes, and *cut is set. */
enum { TL_RECORD_TEXT = 65536 };
void tl_record_series (tl_buf *out, const tl_series *s);
void tl_record_sample (tl_buf *out, const tl_sample *s, tl_type type, bool *cut);

typedef enum { TL_RECORD_END, TL_RECORD_SERIES, TL_RECORD_SAMPLE } tl_record_kind;

/* Read the record at *at of a batch's bytes, and move *at behind it. `types`: the tl_type of each
** of the `count` series that were defined earlier, by id.
** What it is, and *series or *sample; TL_RECORD_END: there is no more. TL_EMALFORMED: these
** bytes are not a batch. Texts are borrowed from `bytes`. */
int tl_record_next (tl_slice bytes, size_t *at, const uint8_t *types, uint32_t count,
                    tl_series *series, tl_sample *sample);

/* Read samples as long as there is one and `most` is not reached: how many. *at then is where the
** next record begins, or a wrong one. The samples stand `stride` bytes apart. */
uint32_t tl_record_samples (tl_slice bytes, size_t *at, const uint8_t *types, uint32_t count,
                            uint32_t most, tl_sample *first, size_t stride);

/* Marks stand behind the records of a batch. tl_record_mark() appends one.
** tl_record_next_mark() reads one: 1: *out is the next mark; 0: there is none. */
void tl_record_mark (tl_buf *out, const tl_mark *m);
int tl_record_next_mark (tl_slice marks, size_t *at, tl_mark *out);

#endif

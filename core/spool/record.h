/* core/spool/record.h — what a spool holds, as bytes: definitions of series (a tag's name, type,
** unit, description) and values of them. Pure: bytes in, bytes out; no files, no clock. */
#ifndef TL_SPOOL_RECORD_H
#define TL_SPOOL_RECORD_H

#include "base/buf.h"
#include "base/value.h"

/* A tag as outlets know it. Texts are borrowed. */
typedef struct {
  uint32_t id;                /* within one segment; ids begin at 0 and leave no gap */
  uint8_t type;               /* tl_type */
  tl_slice name;              /* "line.station.tag" */
  tl_slice unit, description; /* may be empty */
  double deadband;            /* of its history option; 0: none. For who shows it */
  int64_t keep_ms;            /* 0: as the outlet has it */
} tl_series;

/* Whom a value concerns. A history leaves out what its deadband hides; later it wants the last of
** these, which others have had. */
typedef enum { TL_FOR_ALL, TL_FOR_OTHERS, TL_FOR_HISTORIES } tl_record_only;

/* One value of one tag. */
typedef struct {
  uint32_t series;
  uint8_t status, reason; /* tl_status, tl_reason */
  uint8_t only;           /* tl_record_only: whom it concerns */
  uint16_t n;             /* counts the values of one tag at the same millisecond */
  int64_t time_ms;        /* the tag's time; 0 while unset */
  tl_value value;         /* counts where status is TL_VALID; text is borrowed */
} tl_sample;

/* A received QoS 2 message whose values are in the batch, while the line's session on disk does
** not know yet that it came. Borrowed. */
typedef struct {
  tl_slice line; /* its name */
  uint16_t id;   /* of the packet */
  uint64_t sum;  /* of topic and payload */
} tl_mark;

/* Append a definition, or a value, to a batch. `type` is the series' type. Texts longer than
** TL_RECORD_TEXT bytes are cut there: *cut says so. */
enum { TL_RECORD_TEXT = 65536 };
void tl_record_series (tl_buf *out, const tl_series *s);
void tl_record_sample (tl_buf *out, const tl_sample *s, tl_type type, bool *cut);

typedef enum { TL_RECORD_END, TL_RECORD_SERIES, TL_RECORD_SAMPLE } tl_record_kind;

typedef struct {
  tl_record_kind kind;
  tl_series series;
  tl_sample sample;
} tl_record;

/* Read the record at *at of a batch's bytes and move *at behind it. `type_of` tells the type of
** a series that was defined before. TL_OK; kind is TL_RECORD_END at the end; TL_EMALFORMED:
** these bytes are not a batch. Texts are borrowed from `bytes`. */
int tl_record_next (tl_slice bytes, size_t *at, int (*type_of)(void *ctx, uint32_t series),
                    void *ctx, tl_record *out);

/* Marks stand behind a batch's records. 1: *out is the next one; 0: there is none. */
void tl_record_mark (tl_buf *out, const tl_mark *m);
int tl_record_next_mark (tl_slice marks, size_t *at, tl_mark *out);

#endif

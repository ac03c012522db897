/* core/base/value.h — the words that payload, model and script share: tag types, values,
** statuses, reasons. */
#ifndef TL_BASE_VALUE_H
#define TL_BASE_VALUE_H

#include "base/slice.h"

typedef enum {
  TL_AI,
  TL_AO, /* number */
  TL_CI,
  TL_CO, /* 64-bit integer */
  TL_DI,
  TL_DO, /* boolean */
  TL_QI, /* 0..4: Off On Trans Err Oscillate */
  TL_TXTI,
  TL_TXTO, /* bytes */
  TL_TIA,
  TL_TOA, /* absolute time, UTC, milliseconds */
  TL_TIR,
  TL_TOR, /* duration, seconds */
  TL_TYPE_COUNT
} tl_type;

const char *tl_type_name (tl_type type); /* "Ai" … */
bool tl_type_from_name (tl_slice name, tl_type *out);
bool tl_type_is_output (tl_type type); /* Ao Co Do TxtO ToA ToR */

/* A value; the tag's type says which member is used. */
typedef union {
  double number;   /* Ai Ao, and TiR ToR in seconds; always finite */
  int64_t integer; /* Ci Co, Qi (0..4), and TiA ToA in ms since 1970 UTC */
  bool boolean;    /* Di Do */
  tl_slice text;   /* TxtI TxtO; borrowed from whoever holds the value */
} tl_value;

bool tl_value_eq (tl_type type, const tl_value *a, const tl_value *b);

extern const char *const tl_qi_names[5]; /* Off On Trans Err Oscillate */

typedef enum { TL_UNSET, TL_VALID, TL_INVALID } tl_status;
const char *tl_status_name (tl_status status); /* "unset" "valid" "invalid" */

/* Why a tag is invalid; TL_REASON_NONE for unset and valid. */
typedef enum {
  TL_REASON_NONE,
  TL_REASON_MISSING,
  TL_REASON_JSON,
  TL_REASON_TYPE,
  TL_REASON_RANGE,
  TL_REASON_DECODER,
  TL_REASON_STATION_WILL,
  TL_REASON_DISCONNECTED,
  TL_REASON_NO_DATA,
  TL_REASON_OFF,
  TL_REASON_TIME,
  TL_REASON_COUNT
} tl_reason;
/* "" "missing" "json" … "station-will" "disconnected" "no-data" "off" "time" */
const char *tl_reason_name (tl_reason reason);
bool tl_reason_from_name (tl_slice name, tl_reason *out);

#endif

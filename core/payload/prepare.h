/* core/payload/prepare.h — small repairs of a payload before anything reads it. Pure. */
#ifndef TL_PAYLOAD_PREPARE_H
#define TL_PAYLOAD_PREPARE_H

#include "base/buf.h"

typedef enum {
  TL_PREPARE_TRIM,   /* a UTF-8 byte order mark in front; NULs and blanks in front and behind */
  TL_PREPARE_LATIN1, /* where it is not UTF-8: bytes above 0x7F as U+0080 to U+00FF */
  TL_PREPARE_NAN,    /* NaN, Inf, Infinity, in any case and with a sign, outside of strings: null */
  TL_PREPARE_FUNCTION /* a function of the user; not run by this room */
} tl_prepare_step;

enum { TL_PREPARE_MAX = 16 }; /* steps of a station */

bool tl_prepare_by_name (tl_slice name, tl_prepare_step *step); /* "trim" "latin1" "nan" */
const char *tl_prepare_name (tl_prepare_step step);             /* "function" for the last */

/* One of the named steps. *out is the payload itself, or a part of it, where nothing has to be
** written; else a text in `scratch`, which is cleared first and must not hold the payload.
** TL_OK or TL_ENOMEM. */
int tl_prepare (tl_prepare_step step, tl_slice payload, tl_buf *scratch, tl_slice *out);

/* What is wrong with a payload that is not JSON at byte `at`, where a step would cure it: "a
** byte order mark", "a NUL byte", "NaN", "a byte that is no UTF-8", and the step; false where
** none would. Static text. */
bool tl_prepare_cure (tl_slice payload, size_t at, const char **what, tl_prepare_step *step);

#endif

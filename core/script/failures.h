/* core/script/failures.h — private to script/: which of the user's functions fail at present. */
#ifndef TL_SCRIPT_FAILURES_H
#define TL_SCRIPT_FAILURES_H

#include "script/script.h"

typedef struct tl_failure {
  struct tl_failure *next;
  const void *key;     /* the station or line: for comparing only, it may be gone */
  const char *what;    /* "decode" … */
  int64_t since, last; /* ms since 1970 */
  uint64_t count;      /* since then */
  bool works;          /* the last call ran through */
  char scope[160];     /* full name of the station, or the line's */
  char text[400];      /* the error's first line, with its place */
} tl_failure;

#endif

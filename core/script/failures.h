/* core/script/failures.h — private to script/: which of the user's functions fail at present. */
#ifndef TL_SCRIPT_FAILURES_H
#define TL_SCRIPT_FAILURES_H

#include "script/script.h"

typedef struct tl_failure {
  struct tl_failure *next;
  const void *key;     /* the station or line; only compared, since it may be freed */
  const char *what;    /* "decode" … */
  int64_t since, last; /* ms since 1970 */
  uint64_t count;      /* failed calls since `since` */
  bool works;          /* the last call succeeded */
  char scope[160];     /* full name of the station, or the line's */
  char text[400];      /* the error's first line, with its place */
} tl_failure;

#endif

/* core/script/said.h — private to script/: which texts were logged already. Bounded in memory, and
** in what it lets pass: thousands of devices that fail at each message must not fill the log. */
#ifndef TL_SCRIPT_SAID_H
#define TL_SCRIPT_SAID_H

#include "base/map.h"

enum { TL_SAID_MANY = 4000, TL_SAID_REST_MS = 3600000 };

typedef struct {
  tl_map keys;
  int64_t full_at; /* when the first text found no place; valid when `full` is set */
  bool full;
} tl_said;

typedef enum {
  TL_SAID_NEW,    /* to be logged */
  TL_SAID_BEFORE, /* was logged */
  TL_SAID_FULL,   /* the first that finds no place: it is not logged, but that others are not, is */
  TL_SAID_TOO_MANY
} tl_said_answer;

/* Ask for a text by its key, which is copied, and remember it. Of more than TL_SAID_MANY texts, the
** others are not logged. TL_SAID_REST_MS later all are forgotten, and each is new once more.
** `now`: ms of a clock that does not step. Without memory a text is new each time. */
tl_said_answer tl_said_ask (tl_said *s, tl_slice key, int64_t now);
/* Forget all; also frees what it holds. */
void tl_said_forget (tl_said *s);

#endif

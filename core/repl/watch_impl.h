/* core/repl/watch_impl.h — private to repl/: a watch(), and the lines that it shows. */
#ifndef TL_REPL_WATCH_IMPL_H
#define TL_REPL_WATCH_IMPL_H

#include "repl/eval_impl.h"

typedef struct tl_watch {
  struct tl_watch *next;
  tl_script *s;
  tl_eval *e;
  /* true: raw messages of `filter`; false: values of tags whose names match `patterns` */
  bool messages;
  bool json, ended, asked;
  tl_buf patterns; /* each followed by a NUL */
  tl_buf out;      /* lines that are not sent yet */
  tl_timer *timer;
  double tokens;                   /* how many lines may be shown now */
  int64_t token_at, say_at, until; /* ms as tl_loop_now(); INT64_MAX: never */
  int64_t shown_at, show_at;       /* when output was last sent, and when it is due next */
  lua_Integer rate, left;          /* lines a second; lines until the watch ends, -1: no limit */
  uint64_t dropped;                /* lines left out and not reported yet */
  int width;                       /* columns of the widest name so far */
} tl_watch;

/* watch_lines.c: append a line for a new value, or for a message, to w->out. */
void tl_watch_add_tag (tl_watch *w, const tl_tag *t, const char *name);
void tl_watch_add_message (tl_watch *w, const tl_link *l, const tl_incoming *m, const tl_station *s,
                           tl_fate fate);

#endif
